-- SPDX-License-Identifier: MIT
-- Profile: Pleroma 2.6 and later, and Rebased (protocol.md 9.1, 9.3).
local json = require "trusted.json"
local server = require "trusted.server"

local JSON = "application/json; charset=utf-8"
local PUBLIC = { ["public"] = true, ["public:local"] = true, ["public:media"] = true, ["public:local:media"] = true,
  ["hashtag"] = true }

local function frame(label, event, payload)
  if event:find("^announcement") then
    return nil
  end
  return ('{"event":"%s","payload":%s,"stream":%s}'):format(event, json.quote(payload or ""), label)
end

-- Every subscribe is answered.
local function respond(conn, what, result)
  local failed = result == "bad_topic" or result == "unauthorized"
  local payload = ('{"type":"%s","result":"%s"%s}'):format(what, failed and "error" or result,
    failed and ',"error":"' .. result .. '"' or "")
  server.ws_send(conn, '{"event":"pleroma:respond","payload":' .. json.quote(payload) .. "}")
end

-- What is no JSON is ignored.
local function message(self, conn, text)
  local value = self.parse(text)
  if not value then
    return
  end
  local socket = self.sockets[conn]
  if value.type == "subscribe" then
    respond(conn, "subscribe", self:subscribe(conn, value.stream, value, "message"))
  elseif value.type == "unsubscribe" then
    respond(conn, "unsubscribe", self:unsubscribe(conn, value.stream, value))
  elseif value.type == "pleroma:authenticate" and type(value.token) == "string" then
    local token = self.tokens.by_text[value.token]
    local good = token and token.person and not token.revoked
    if good and not socket.token then
      socket.token = token
    end
    respond(conn, "pleroma:authenticate", good and "success" or "unauthorized")
  end
end

local function say_error(status, body)
  if status == 401 then
    return 403, '{"error":"Invalid credentials."}', JSON
  elseif status == 403 and body:find("scopes", 1, true) then
    return 403, '{"error":"Insufficient permissions: read."}', JSON
  end
  return status, body, JSON
end

return {
  version = "2.7.2 (compatible; Pleroma 2.6.0)",
  api_version = false,
  max_characters = 5000,
  instance_v1_more = ',"max_toot_chars":5000,"pleroma":{"metadata":{"features":["mastodon_api_streaming"]}}',

  ids = "flake",
  account_ids = "flake",

  say_error = say_error,
  direct_posts = true,

  -- Attachments come without their measures; everything has an object of Pleroma's own.
  rewrite = function(text)
    return (text:gsub('"meta":{"original":{[^}]*},"small":{[^}]*}},', ""):gsub(',"blurhash":"[^"]*"', ""):gsub(',"blurhash":null', "")
      :gsub('"visibility":"', '"pleroma":{"local":true,"conversation_id":1},"visibility":"'))
  end,

  sockets = {
    tokens = { "query", "subprotocol" },
    echo = true,
    anonymous = PUBLIC,
    refusals = {
      invalid = { 401 },
      topic = { 404 },
      plain = { 426 },
      path = { 404, JSON, '{"error":"Not implemented"}' },
    },
    unknown = "refuse",
    streams = {
      ["user"] = "both", ["user:notification"] = "both", ["direct"] = "both", ["list"] = "both", ["hashtag"] = "both",
      ["public"] = "both", ["public:local"] = "both", ["public:media"] = "both", ["public:local:media"] = "both",
    },
    scopes = { ["list"] = "read:lists", ["user:notification"] = "read:notifications" },
    label = function(name, param)
      return param and "[" .. json.quote(name) .. "," .. json.quote(tostring(param)) .. "]" or "[" .. json.quote(name) .. "]"
    end,
    frame = frame,
    message = message,
    -- The next ping is set when the pong to the last one came; a client that says nothing for a minute is let go.
    ping = { ms = 30000, after = "pong" },
    idle = { ms = 60000, code = 1000 },
    revoked = 1000,
  },
}
