-- SPDX-License-Identifier: MIT
-- Profile: Iceshrimp.NET (protocol.md 9.1, 9.4).
local json = require "trusted.json"

local JSON = "application/json; charset=utf-8"
local RECEIVE_MAX = 256 -- bytes that it reads at once; it puts nothing together

local function refusal(status, error, words)
  return { status, JSON, ('{"statusCode":%d,"error":"%s","message":"%s"}'):format(status, error, words) }
end

-- Deleting from a list is told as an edit to a bare id.
local function frame(label, event, payload, sub)
  if event:find("^announcement") then
    return nil
  elseif event == "delete" and sub.name == "list" then
    event = "status.update"
  end
  return ('{"stream":%s,"event":"%s","payload":%s}'):format(label, event, json.quote(payload or ""))
end

local function message(self, conn, text)
  if text == "ping" then
    self:say(conn, "pong")
    return
  end
  local value = #text <= RECEIVE_MAX and self.parse(text)
  if not value or (value.type ~= "subscribe" and value.type ~= "unsubscribe") then
    self:close_one(conn, 1007)
  elseif value.type == "unsubscribe" then
    self:unsubscribe(conn, value.stream, value)
  elseif self.rules.streams[value.stream] then
    local result = self:subscribe(conn, value.stream, value, "message")
    if result == "unauthorized" then
      self:close_one(conn, 1008)
    elseif result == "bad_topic" then
      self:close_one(conn, 1007)
    end
  end
end

return {
  version = "4.2.1 (compatible; Iceshrimp.NET/2025.1)",
  api_version = false,
  max_characters = 8192,

  ids = "aidx",
  account_ids = "aidx",
  notification_ids = "aidx",
  lists = { "9z1k4c7h0rx20003", "9z1k4c7h0rx20004" },
  keeps_keys = true,

  streams = {
    ["public:allow_local_only"] = { scope = "read:statuses", public = "" },
    ["public:allow_local_only:media"] = { scope = "read:statuses", public = ":media" },
  },

  sockets = {
    tokens = { "query", "subprotocol" },
    echo = false,
    refusals = {
      missing = refusal(400, "Bad Request", "Missing WebSocket protocol header"),
      invalid = refusal(401, "Unauthorized", "This method requires an authenticated user"),
      plain = refusal(400, "Bad Request", "Not a WebSocket request"),
      path = refusal(404, "Not Found", "No such endpoint"),
    },
    unknown = "ignore",
    streams = {
      ["user"] = "both", ["user:notification"] = "both", ["direct"] = "both", ["list"] = "both",
      ["hashtag"] = "both", ["hashtag:local"] = "both",
      ["public"] = "both", ["public:media"] = "both", ["public:local"] = "both", ["public:local:media"] = "both",
      ["public:remote"] = "both", ["public:remote:media"] = "both",
      ["public:allow_local_only"] = "both", ["public:allow_local_only:media"] = "both",
    },
    scopes = { ["user:notification"] = "read:notifications" },
    label = function(name, param)
      return param and "[" .. json.quote(name) .. "," .. json.quote(tostring(param)) .. "]" or "[" .. json.quote(name) .. "]"
    end,
    frame = frame,
    message = message,
    binary = 1003,
    -- The runtime's way to keep a connection alive: a pong that nobody asked for, every two minutes (inferred).
    ping = { ms = 120000, after = "open", pong = true },
  },
}
