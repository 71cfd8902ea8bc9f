-- SPDX-License-Identifier: MIT
-- Profile: Mastodon. Every key that a profile may set stands here; the others name only where their server differs.
return {
  -- The instance documents (rest_instance.lua).
  version = "4.5.15",
  api_version = 7, -- nil: neither `api_versions` nor `timelines_access`
  instance_v2 = true, -- false: /api/v2/instance is 404
  instance_v1_more = "", -- members at the end of the old document
  max_characters = 500,
  -- What the documents say of the streaming server: JSON of v1's `urls`, and of v2's configuration.urls.streaming.
  urls_v1 = '{"streaming_api":%s}',
  urls_v2 = "%s",
  always_wss = false,

  -- Ids (ids.lua): "snowflake", "ulid", "flake", "aidx", "snac". `lists`: the bot's and alice's.
  ids = "snowflake",
  account_ids = false, -- a shape of its own for people; false: Mastodon's
  notification_ids = false, -- false: counted
  lists = { "1", "2" },

  -- REST (rest.lua, rest_statuses.lua, rest_timelines.lua).
  like = nil, -- another profile that gives what this one leaves out
  needs_user_agent = false, -- 418 without
  limit_by_address = false, -- rate limits count addresses, handshakes too
  query_token = true, -- ?access_token= counts
  keeps_keys = true, -- Idempotency-Key
  boosts_again = false, -- a second boost makes a second wrapper
  foreign_delete = 404, -- deleting somebody else's post
  strict_limit = false, -- 400 for a limit that is no number
  limit_max = 80,
  types_after_page = false, -- notifications are picked by type only after the page was cut
  page = nil, -- page(kind, page, limit): what a page of "home", "list" or "public" becomes
  absent = {}, -- "METHOD /route" that is 404 here
  say_error = nil, -- say_error(status, body, request) -> status, body, content type: other words for the same
  rewrite = nil, -- rewrite(text): every JSON text before it goes out, over REST and on streams

  -- Streams. `streams`: more of them (channels.lua). `event(channel, event, payload)`: what becomes of an event
  -- before it goes out; nil: it does not. `direct_posts`: the direct stream carries the posts, too.
  streams = {},
  event = nil,
  direct_posts = false,
  on_post = nil, -- on_post(st): a status that was just made; `st.more` is more members of its JSON
  more_channels = nil, -- more_channels(st, list): changes the list of channels that a status goes to
  start = nil, -- start(ctx): timers of its own
  followed = nil, -- followed(world, viewer, actor): what else a new follower makes happen
  -- nil: event streams and WebSocket as Mastodon's (streaming.lua), with these words:
  sockets = nil, -- the rules of a WebSocket server of another make (sockets.lua)
  anonymous = false, -- public streams need no token
  allow_local_only = false, -- ?allow_local_only= is honoured on `public`
  deletes_boosted = false, -- taking a boost back is told with the id of what was boosted
  heartbeat = ":thump\n\n",
  say = nil, -- say(words): other words for a refusal
  error_status = true, -- error frames carry a status, refused handshakes X-Error-Message
}
