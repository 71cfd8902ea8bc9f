-- SPDX-License-Identifier: MIT
-- Profile: GoToSocial 0.20, as measured (protocol.md 9.2, 9.2a).
local json = require "trusted.json"
local server = require "trusted.server"
local channels = require "practice.channels"
local tokens = require "practice.tokens"

local JSON = "application/json; charset=utf-8"
local DELETED_MAX = 1000 -- ids a connection remembers, so that it hears of each deletion once
local PINGS_BEFORE_END = 882 -- the most that were seen

local function words(text)
  return '{"error":' .. json.quote(text) .. "}"
end

-- Go's encoder escapes what could end a script.
local ESCAPES = { ["<"] = "\\u003c", [">"] = "\\u003e", ["&"] = "\\u0026" }

local function once(socket, id)
  local seen = socket.deleted
  if seen[id] then
    return false
  elseif #seen >= DELETED_MAX then
    seen[table.remove(seen, 1)] = nil
  end
  seen[id], seen[#seen + 1] = true, id
  return true
end

local function frame(label, event, payload, sub, channel)
  if event == "delete" then
    if sub.name == "list" or sub.name == "user:notification" or not once(sub.socket, payload) then
      return nil
    end
  elseif channel == channels.DELETES or event:find("^announcement") then
    return nil
  end
  payload = (payload or ""):gsub("[<>&]", ESCAPES)
  return ('{"stream":%s,"event":"%s","payload":%s}\n'):format(label, event, json.quote(payload))
end

-- What it does not understand ends the connection, without a close frame.
local function message(self, conn, text)
  local value = self.parse(text)
  if not value or (value.stream ~= nil and type(value.stream) ~= "string") then
    for _ = 1, PINGS_BEFORE_END do
      server.ws_ping(conn, "ping!")
    end
    self:drop(conn)
  elseif value.type == "subscribe" then
    self:subscribe(conn, value.stream, { list = value.list }, "message")
  elseif value.type == "unsubscribe" then
    self:unsubscribe(conn, value.stream, { list = value.list })
  end
end

local NOT_FOUND = words "Not Found: 404 not found"

-- Statuses by which others say what Mastodon says with 422.
local function say_error(status, body, request)
  if status == 401 or status == 422 and body:find("authenticated user", 1, true) then
    return 401, words "Unauthorized: token not supplied", JSON
  elseif status == 404 then
    return 404, NOT_FOUND, JSON
  elseif status == 403 then
    return 403, words "Forbidden: token has insufficient scope permission", JSON
  elseif status == 422 and request.path:find("^/api/v1/statuses") then
    return 400, words "Bad Request: status must have text, media or a poll", JSON
  end
  return status, body, JSON
end

return {
  version = "0.20.0-rc1+git-57cb4fe",
  api_version = false,
  max_characters = 5000,
  always_wss = true,

  ids = "ulid",
  account_ids = "random_ulid",
  notification_ids = "ulid",
  lists = { "01H0PQ7D3N5T2M8R4V6WXYZABC", "01H0PQ7D3N5T2M8R4V6WXYZABD" },

  needs_user_agent = true,
  limit_by_address = true,
  query_token = false,
  keeps_keys = false,
  boosts_again = true,
  foreign_delete = 403,
  strict_limit = true,
  limit_max = 40,
  types_after_page = true,
  absent = { ["POST /api/v1/notifications/:id/dismiss"] = true },
  say_error = say_error,

  -- A short page of home or a list repeats itself: [2,1,2,1].
  page = function(kind, page, limit)
    if kind == "public" or #page == 0 or 2 * #page > limit then
      return page
    end
    local out = table.move(page, 1, #page, 1, {})
    return table.move(page, 1, #page, #out + 1, out)
  end,

  -- Times have no fraction.
  rewrite = function(text)
    return (text:gsub('(T%d%d:%d%d:%d%d)%.%d%d%dZ"', '%1Z"'))
  end,

  sockets = {
    tokens = { "query", "subprotocol", "header" },
    echo = true,
    handshake = function(token, place)
      return place == "header" or tokens.allows(token, "read") or "scope"
    end,
    refusals = {
      missing = { 401, JSON, words "Unauthorized: token not supplied" },
      invalid = { 401, JSON, words "Unauthorized: token not supplied" },
      scope = { 403, JSON, words "Forbidden: token has insufficient scope permission" },
      plain = { 400, "text/plain; charset=utf-8", "Bad Request\n" },
      path = { 404, JSON, NOT_FOUND },
    },
    unknown = "ignore",
    streams = {
      ["user"] = "both", ["public"] = "both", ["public:local"] = "both", ["direct"] = "both", ["list"] = "both",
      ["user:notification"] = "query",
      ["hashtag"] = "silent", ["hashtag:local"] = "silent", ["public:remote"] = "silent", ["public:media"] = "silent",
    },
    every_delete = { ["user"] = true, ["public"] = true, ["public:local"] = true, ["direct"] = true },
    label = function(name, param)
      return "[" .. json.quote(param and name .. ":" .. param or name) .. "]"
    end,
    frame = frame,
    message = message,
    ping = { ms = 30000, payload = "ping!", after = "frame" },
    late = { percent = 10, ms = 40 },
  },
}
