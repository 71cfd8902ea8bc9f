-- SPDX-License-Identifier: MIT
-- Every entity as JSON text, with the keys and their order that a Mastodon server writes.
local json = require "trusted.json"
local people = require "practice.people"
local text = require "practice.text"

local q = json.quote

local entities = {}

local function bool(value)
  return value and "true" or "false"
end

local function opt(value) -- a text or null
  return value and q(value) or "null"
end

local function array(list, render, ...)
  local out = {}
  for i, item in ipairs(list) do
    out[i] = render(item, ...)
  end
  return "[" .. table.concat(out, ",") .. "]"
end
entities.array = array

local function account_head(person)
  local files = people.BASE .. "/files/"
  local avatar = q(files .. "avatars/" .. person.username .. ".png")
  local header = q(files .. "headers/" .. person.username .. ".png")
  local created = text.date(person.created) .. "T00:00:00.000Z"
  return table.concat({
    '{"id":', q(person.id),
    ',"username":', q(person.username),
    ',"acct":', q(person.acct),
    ',"display_name":', q(person.display_name),
    ',"locked":', bool(person.locked),
    ',"bot":', bool(person.bot),
    ',"discoverable":true,"indexable":', bool(not person.flags.noindex and not person.flags.nobot),
    ',"group":false,"created_at":', q(created),
    ',"note":', q(person.note),
    ',"url":', q(person.url),
    ',"uri":', q(person.uri),
    ',"avatar":', avatar, ',"avatar_static":', avatar,
    ',"header":', header, ',"header_static":', header,
  })
end

local function account_tail(person)
  local fields = "[]"
  if person.flags.nobot then
    fields = '[{"name":"pronouns","value":"she/they","verified_at":null}]'
  end
  local noindex = ""
  if person.is_local then
    noindex = ',"noindex":' .. bool(person.flags.noindex)
  end
  return ',"hide_collections":null' .. noindex .. ',"emojis":[],"roles":[],"fields":' .. fields
end

-- Account. A person who came with --events has the text as it was.
function entities.account(person)
  if person.json then
    return person.json
  end
  if person.cached and person.cached_at == person.statuses then
    return person.cached
  end
  person.head = person.head or account_head(person)
  person.tail = person.tail or account_tail(person)
  person.cached_at = person.statuses
  person.cached = ('%s,"followers_count":%d,"following_count":%d,"statuses_count":%d,"last_status_at":%s%s}'):format(
    person.head,
    person.followers,
    person.following,
    person.statuses,
    person.last_ms and '"' .. text.date(person.last_ms) .. '"' or "null",
    person.tail
  )
  return person.cached
end

function entities.credential_account(person)
  return entities.account(person):sub(1, -2)
    .. ',"source":{"privacy":"public","sensitive":false,"language":null,"note":'
    .. q((person.note:gsub("<[^>]*>", "")))
    .. ',"fields":[],"follow_requests_count":0,"hide_collections":null,"discoverable":true,"indexable":true,'
    .. '"quote_policy":"public"},"role":{"id":"-99","name":"","permissions":"0","color":"","highlighted":false}}'
end

function entities.attachment(media)
  local url = media.url and q(media.url) or "null"
  local preview = media.url and q(media.preview or media.url) or "null"
  return table.concat({
    '{"id":', q(media.id),
    ',"type":', q(media.type),
    ',"url":', url, ',"preview_url":', preview,
    ',"remote_url":', opt(media.remote), ',"preview_remote_url":null,"text_url":null,"meta":{"original":',
    ('{"width":%d,"height":%d,"size":"%dx%d","aspect":%.4f}'):format(
      media.width, media.height, media.width, media.height, media.width / media.height),
    ',"small":{"width":480,"height":360,"size":"480x360","aspect":1.3333}},"description":', opt(media.description),
    ',"blurhash":', opt(media.blurhash), "}",
  })
end

local function mention(person)
  return ('{"id":%s,"username":%s,"url":%s,"acct":%s}'):format(
    q(person.id), q(person.username), q(person.url), q(person.acct))
end

local function tag(name)
  return ('{"name":%s,"url":%s}'):format(q(name), q(people.BASE .. "/tags/" .. name))
end

function entities.poll(poll, viewer, now)
  local options, votes = {}, 0
  for i, option in ipairs(poll.options) do
    votes = votes + option.votes
    options[i] = ('{"title":%s,"votes_count":%d}'):format(q(option.title), option.votes)
  end
  local mine = viewer and poll.voted[viewer.id]
  local out = ('{"id":%s,"expires_at":"%s","expired":%s,"multiple":%s,"votes_count":%d,"voters_count":%d,'
    .. '"options":[%s],"emojis":[]'):format(
    q(poll.id), text.time(poll.expires), bool(now >= poll.expires), bool(poll.multiple), votes, poll.voters,
    table.concat(options, ","))
  if viewer then
    out = out .. ',"voted":' .. bool(mine) .. ',"own_votes":[' .. table.concat(mine or {}, ",") .. "]"
  end
  return out .. "}"
end

local function quote(st, now)
  if not st.quote then
    return "null"
  end
  return '{"state":"accepted","quoted_status":' .. entities.status(st.quote, nil, now, true) .. "}"
end

-- What neither counts nor viewers change; made anew after an edit.
local function fixed_parts(st)
  local reply = st.reply_to and ('%s,"in_reply_to_account_id":%s'):format(q(st.reply_to), opt(st.reply_account))
    or 'null,"in_reply_to_account_id":null'
  st.part_head = table.concat({
    '{"id":', q(st.id),
    ',"created_at":"', text.time(st.ms),
    '","in_reply_to_id":', reply,
    ',"sensitive":', bool(st.sensitive),
    ',"spoiler_text":', q(st.spoiler),
    ',"visibility":', q(st.visibility),
    ',"language":', opt(st.language),
    ',"uri":', q(st.uri), ',"url":', q(st.url),
    st.more or "",
  })
  st.part_content = ',"content":' .. q(st.content)
  st.part_app = st.application and ',"application":{"name":' .. q(st.application) .. ',"website":null}' or ""
  st.part_media = ',"media_attachments":' .. array(st.media, entities.attachment)
    .. ',"mentions":' .. array(st.mentions, mention)
    .. ',"tags":' .. array(st.tags, tag)
    .. ',"emojis":[]'
  st.fixed = true
end

local function flags_for(st, viewer)
  local out = (',"favourited":%s,"reblogged":%s,"muted":false,"bookmarked":%s'):format(
    bool(st.favourites[viewer.id]), bool(st.boosts[viewer.id]), bool(st.bookmarks[viewer.id]))
  if st.account == viewer and not st.reblog and st.visibility ~= "direct" then
    out = out .. ',"pinned":false'
  end
  return out .. ',"filtered":[]'
end

-- Status for `viewer`; nil renders it as the public streams carry it. `shallow`: a quote inside stays an id.
function entities.status(st, viewer, now, shallow)
  if not st.fixed then
    fixed_parts(st)
  end
  local inner = st.reblog
  local counts = inner or st
  return table.concat({
    st.part_head,
    (',"replies_count":%d,"reblogs_count":%d,"favourites_count":%d,"quotes_count":%d,"edited_at":'):format(
      inner and 0 or counts.replies, inner and 0 or counts.reblogs, inner and 0 or counts.favs, counts.quotes),
    st.edited and '"' .. text.time(st.edited) .. '"' or "null",
    viewer and flags_for(inner or st, viewer) or "",
    st.part_content,
    ',"reblog":', inner and entities.status(inner, viewer, now) or "null",
    st.part_app,
    ',"account":', entities.account(st.account),
    st.part_media,
    ',"quote":', shallow and "null" or quote(st, now),
    ',"card":', st.card or "null",
    ',"poll":', st.poll_json or (st.poll and entities.poll(st.poll, viewer, now)) or "null",
    ',"quote_approval":{"automatic":', st.visibility == "public" and '["public"]' or "[]",
    ',"manual":[],"current_user":', viewer and st.visibility == "public" and '"automatic"' or '"denied"',
    viewer and "}}" or '},"filtered":[]}',
  })
end

-- The answer of DELETE: the source text in place of the content (protocol.md 6.2).
function entities.deleted_status(st, viewer, now)
  local out = entities.status(st, viewer, now)
  local first, last = out:find(st.part_content, 1, true)
  return out:sub(1, first - 1) .. ',"text":' .. q(st.text) .. out:sub(last + 1)
end

function entities.status_edit(version, st)
  return ('{"content":%s,"spoiler_text":%s,"sensitive":%s,"created_at":"%s","account":%s,"media_attachments":%s,'
    .. '"emojis":[],"poll":%s}'):format(
    q(version.content), q(version.spoiler), bool(version.sensitive), text.time(version.ms),
    entities.account(st.account), array(version.media, entities.attachment), version.poll or "null")
end

function entities.source(st)
  return ('{"id":%s,"text":%s,"spoiler_text":%s}'):format(q(st.id), q(st.text), q(st.spoiler))
end

function entities.notification(n, viewer, now)
  local out = ('{"id":%s,"type":%s,"created_at":"%s","group_key":%s,"account":%s'):format(
    q(n.id), q(n.type), text.time(n.ms), q(n.group), entities.account(n.account))
  if n.status then
    out = out .. ',"status":' .. entities.status(n.status, viewer, now)
  end
  return out .. "}"
end

function entities.conversation(c, viewer, now)
  return ('{"id":%s,"unread":%s,"accounts":%s,"last_status":%s}'):format(
    q(c.id), bool(c.unread), array(c.accounts, entities.account),
    c.last and entities.status(c.last, viewer, now) or "null")
end

function entities.announcement(a)
  local reactions = {}
  for i, reaction in ipairs(a.reactions) do
    reactions[i] = ('{"name":%s,"count":%d}'):format(q(reaction.name), reaction.count)
  end
  return ('{"id":%s,"content":%s,"starts_at":null,"ends_at":null,"all_day":false,"published_at":"%s","updated_at":"%s",'
    .. '"mentions":[],"statuses":[],"tags":[],"emojis":[],"reactions":[%s]}'):format(
    q(a.id), q(a.content), text.time(a.ms), text.time(a.updated), table.concat(reactions, ","))
end

-- `mine`: what the viewer has set: { following, blocking, muting, muting_notifications, reblogs, notify, languages }.
function entities.relationship(person, mine, followed_by)
  local following = mine.following == true
  return ('{"id":%s,"following":%s,"showing_reblogs":%s,"notifying":%s,"languages":%s,"followed_by":%s,'
    .. '"blocking":%s,"blocked_by":false,"muting":%s,"muting_notifications":%s,"requested":%s,'
    .. '"requested_by":false,"domain_blocking":false,"endorsed":false,"note":""}'):format(
    q(person.id), bool(following), bool(following and mine.reblogs ~= false), bool(following and mine.notify == true),
    following and mine.languages or "null", bool(followed_by), bool(mine.blocking), bool(mine.muting),
    bool(mine.muting and mine.muting_notifications), bool(mine.following == "requested"))
end

function entities.list(list)
  return ('{"id":%s,"title":%s,"replies_policy":"list","exclusive":false}'):format(q(list.id), q(list.title))
end

return entities
