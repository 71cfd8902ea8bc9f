-- SPDX-License-Identifier: MIT
-- Profile: Fedibird, on the base of Mastodon 3 (protocol.md 9.1): anonymous streams, more of them, reactions, no edits.
local json = require "trusted.json"
local channels = require "practice.channels"
local entities = require "practice.entities"
local timers = require "practice.timers"

local REACTION_MS = 7000

-- A reaction to the bot's newest post, on its home stream.
local function react(ctx)
  local st = ctx.timeline:own_post()
  if st then
    local actor = ctx.timeline:pick(ctx.cast)
    ctx.hub:publish(channels.user(ctx.bot), "emoji_reaction",
      ('{"name":"blobcat","count":1,"url":"https://practice.example/emoji/blobcat.png","account_ids":[%s],"status_id":%s,'
        .. '"account":%s}'):format(json.quote(actor.id), json.quote(st.id), entities.account(actor)))
  end
end

return {
  version = "3.4.1",
  api_version = false,
  instance_v2 = false,
  absent = { ["PUT /api/v1/statuses/:id"] = true },

  streams = {
    ["public:domain"] = { scope = "read:statuses", domain = "" },
    ["public:domain:media"] = { scope = "read:statuses", domain = ":media" },
  },
  anonymous = true,
  heartbeat = ":thump\n",
  say = function(words)
    return "Error: " .. (words == channels.SCOPES and "Access token does not cover required scopes" or words)
  end,
  error_status = false,

  event = function(_, event, payload)
    if event == "status.update" then
      return nil
    end
    return event, payload
  end,

  -- Posts of one server have a stream of their own.
  more_channels = function(st, list)
    local host = st.account.acct:match("@(.+)$")
    if list[1] == "timeline:public" and host then
      list[#list + 1] = "timeline:public:domain:" .. host
      if #st.media > 0 then
        list[#list + 1] = "timeline:public:domain:media:" .. host
      end
    end
  end,

  -- Taking a boost back is told with the id of what was boosted.
  deletes_boosted = true,

  start = function(ctx)
    timers.every(REACTION_MS, function()
      react(ctx)
    end)
  end,
}
