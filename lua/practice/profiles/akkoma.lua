-- SPDX-License-Identifier: MIT
-- Profile: Akkoma (protocol.md 9.1, 9.3): Pleroma's, with topics for streams and subscribes that know no parameter.
local json = require "trusted.json"
local channels = require "practice.channels"
local pleroma = require "practice.profiles.pleroma"

-- `stream` holds the server's own topic: "user:ID", "list:ID", "hashtag:TAG".
local function label(name, param, person)
  local topic = name
  if param then
    topic = name .. ":" .. param
  elseif name == "user" or name == "direct" or name == "user:notification" then
    topic = name .. ":" .. person.id
  end
  return "[" .. json.quote(topic) .. "]"
end

local function frame(topic, event, payload, sub)
  if event == "delete" then
    return ('{"event":"delete","payload":%s}'):format(json.quote(payload))
  elseif event:find("^announcement") then
    return nil
  elseif event == "notification" then
    topic = "[" .. json.quote(sub.name) .. "]"
  end
  return ('{"event":"%s","payload":%s,"stream":%s}'):format(event, json.quote(payload or ""), topic)
end

-- Nothing is answered but "ping"; there is no unsubscribe.
local function message(self, conn, text)
  if text == "ping" then
    self:say(conn, "pong")
    return
  end
  local value = self.parse(text)
  if value and value.type == "subscribe" then
    self:subscribe(conn, value.stream, {}, "message")
  end
end

local rules = setmetatable({
  label = label,
  frame = frame,
  message = message,
}, { __index = pleroma.sockets })

return {
  like = pleroma,
  version = "2.7.2 (compatible; Akkoma 3.15.2)",
  instance_v2 = false,
  instance_v1_more = ',"max_toot_chars":5000,"pleroma":{"metadata":{"features":["akkoma_api"]}}',
  sockets = rules,

  -- Akkoma tells when somebody follows.
  followed = function(world, viewer, actor)
    local function counts(person)
      return ('{"id":%s,"follower_count":%d,"following_count":%d}'):format(json.quote(person.id), person.followers,
        person.following)
    end
    world.hub:publish(channels.user(viewer), "pleroma:follow_relationships_update",
      ('{"state":"follow_accept","follower":%s,"following":%s}'):format(counts(actor), counts(viewer)))
  end,

  rewrite = function(text)
    return (pleroma.rewrite(text):gsub('"pleroma":{"local":true', '"akkoma":{"source":null},"pleroma":{"local":true'))
  end,
}
