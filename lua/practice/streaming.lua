-- SPDX-License-Identifier: MIT
-- The streaming server: event streams and WebSockets with the checks, words and heartbeats of Mastodon's.
local json = require "trusted.json"
local loop = require "trusted.loop"
local server = require "trusted.server"
local system = require "trusted.system"
local channels = require "practice.channels"
local hidden = require "practice.hidden"
local params = require "practice.params"
local text = require "practice.text"
local timers = require "practice.timers"
local tokens = require "practice.tokens"

local streaming = {}
streaming.__index = streaming

local HEARTBEAT_MS = 15000
local PING_MS = 30000
local BINARY = "The mastodon streaming server does not support binary messages"

-- `faults` may answer first; `tokens`, `store`, `hub`, `profile`, `random` as elsewhere. `class`: what is built on this.
function streaming.new(parts, class)
  local self = setmetatable({
    profile = parts.profile,
    random = parts.random,
    tokens = parts.tokens,
    store = parts.store,
    hub = parts.hub,
    faults = parts.faults,
    streams = {}, -- conn -> { token, subscription, channels, timer }
    sockets = {}, -- conn -> { token, subscriptions by key, alive }
    upgrading = {}, -- conn -> { token, query } between the handshake and the open
  }, class or streaming)
  self:start()
  return self
end

function streaming:start()
  timers.every(PING_MS, function()
    self:ping_all()
  end)
end

local function base_headers(request, more)
  local headers = {
    "X-Powered-By", "Express",
    "X-Request-Id", system.uuid(),
    "Access-Control-Allow-Origin", "*",
  }
  for _, item in ipairs(more) do
    headers[#headers + 1] = item
  end
  headers[#headers + 1] = "Date"
  headers[#headers + 1] = text.http_date(loop.wall())
  local connection = (request.headers.connection or ""):lower()
  if not request.http10 and not connection:find("close", 1, true) then
    headers[#headers + 1] = "Keep-Alive"
    headers[#headers + 1] = "timeout=5"
  end
  return headers
end

-- Chunked even for HTTP/1.0, as the real server does it.
local CHUNKED = { "Transfer-Encoding", "chunked" }

-- What this make of server says.
function streaming:words(words)
  return self.profile.say and self.profile.say(words) or words
end

local function refuse(self, conn, request, status, words)
  words = self:words(words)
  server.respond(conn, status, base_headers(request, { "Content-Type", "application/json", table.unpack(CHUNKED) }),
    '{"error":' .. json.quote(words) .. "}", true)
  return status
end

local function not_found_html(conn, request)
  local line = "Cannot " .. request.method .. " " .. request.path
  local body = '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n'
    .. "<body>\n<pre>" .. line:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })
    .. "</pre>\n</body>\n</html>\n"
  server.respond(conn, 404, base_headers(request, {
    "Content-Security-Policy", "default-src 'none'",
    "X-Content-Type-Options", "nosniff",
    "Content-Type", "text/html; charset=utf-8",
  }), body, false)
  return 404
end

local function preflight(conn, request)
  local headers = base_headers(request, {
    "Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE",
    "Vary", "Access-Control-Request-Headers",
  })
  local asked = request.headers["access-control-request-headers"]
  if asked then
    headers[#headers + 1] = "Access-Control-Allow-Headers"
    headers[#headers + 1] = asked
  end
  server.respond(conn, 204, headers, "", false)
  return 204
end

local function metrics(self, conn, request)
  local sse, ws = 0, 0
  for _ in pairs(self.streams) do
    sse = sse + 1
  end
  for _ in pairs(self.sockets) do
    ws = ws + 1
  end
  local body = ('connected_clients{type="websocket"} %d\nconnected_clients{type="eventsource"} %d\n'
    .. "messages_sent_total %d\n"):format(ws, sse, self.hub.sent)
  server.respond(conn, 200, base_headers(request, { "Content-Type", "text/plain; version=0.0.4; charset=utf-8" }), body, false)
  return 200
end

-- Begins the answer that has no end. `name` is the stream.
function streaming:open_stream(conn, request, name, token, list, label)
  server.begin(conn, 200, base_headers(request, {
    "Content-Type", "text/event-stream",
    "Cache-Control", "private, no-store",
    table.unpack(CHUNKED)
  }))
  local buffered = self:is_buffering()
  if not buffered then
    server.write(conn, ":)\n")
  end
  local subscription = { conn = conn, ws = false, label = label, admits = hidden.guard(name, token.person),
    hides = self.faults:hides(list[1]), deaf = buffered and math.huge or nil }
  self.streams[conn] = {
    token = token,
    subscription = subscription,
    channels = list,
    timer = timers.every(HEARTBEAT_MS, function()
      if self:is_hushed() then
        self.hub.note("heartbeat left out")
      elseif not buffered then
        server.write(conn, self.profile.heartbeat)
      end
    end),
  }
  for _, channel in ipairs(list) do
    self.hub:subscribe(channel, subscription)
  end
  return 200
end

-- Name of the stream of an event-stream request, with only_media honoured where it is.
function streaming:stream_of(path, query)
  local entry = channels.PATHS[path]
  if not entry then
    return nil
  end
  local name = entry[1]
  if entry.media and params.bool(query.only_media) then
    name = name .. ":media"
  end
  return self:asked(name, query)
end

-- glitch-soc's ?allow_local_only= is another name for a stream.
function streaming:asked(name, p)
  local media = type(name) == "string" and name:match("^public(:?m?e?d?i?a?)$")
  if self.profile.allow_local_only and media and params.bool(p.allow_local_only) then
    return "public:allow_local_only" .. media
  end
  return name
end

-- The token that a request shows; who shows none is nobody where streams are open, which is one, too.
function streaming:credentials(request, query)
  local token, words = self.tokens:for_stream(self.tokens.of_stream(request, query))
  if not token and words == tokens.MISSING and self.profile.anonymous then
    return { scopes = { read = true } }
  end
  return token, words
end

-- Answers a request below /api/v1/streaming (or outside of everything). Returns the status, or nil when it never answers.
function streaming:request(conn, request)
  if request.method == "OPTIONS" then
    return preflight(conn, request)
  elseif request.path == "/metrics" then
    return metrics(self, conn, request)
  elseif request.path == "/api/v1/streaming/health" then
    server.respond(conn, 200,
      base_headers(request, { "Content-Type", "text/plain", "Cache-Control", "private, no-store",
        table.unpack(CHUNKED) }), "OK", true)
    return 200
  end
  local repeated = {}
  local query = params.form(request.query, {}, repeated)
  local name = self:stream_of(request.path, query)
  if not name then
    return refuse(self, conn, request, 400, "Unknown channel requested")
  end
  local shown = repeated.access_token and repeated.access_token > 1 and "," or query.access_token
  local token, words = self:credentials(request, { access_token = shown })
  if not token then
    return refuse(self, conn, request, 401, words)
  end
  local tag = query.tag
  if repeated.tag and repeated.tag > 1 then
    tag = 0 -- an array, which makes the real server stumble
  end
  local list, label, third = channels.resolve(name, { tag = tag, list = query.list, domain = query.domain }, token,
    self.store)
  if not list and third == channels.SCOPES then
    return refuse(self, conn, request, label, third)
  elseif request.method == "HEAD" then
    return nil
  elseif request.method ~= "GET" then
    return not_found_html(conn, request)
  elseif not list then
    return refuse(self, conn, request, label, third)
  end
  return self:open_stream(conn, request, name, token, list, label)
end

-- Says whether an upgrade is taken: 0, the subprotocol to echo, headers; or a status, nil, headers.
function streaming:upgrade(conn, request)
  local query = params.form(request.query, {})
  local protocol = request.headers["sec-websocket-protocol"]
  local token, words = self:credentials(request, query)
  local status = 401
  local fault = self.faults:for_upgrade(request)
  if fault then
    token, status, words = nil, fault.status, fault.words
  end
  if not token then
    local headers = { "Content-Type", "text/plain", "X-Request-Id", system.uuid() }
    if self.profile.error_status then
      headers[5], headers[6] = "X-Error-Message", words
    end
    if fault and fault.location then
      headers[#headers + 1], headers[#headers + 2] = "Location", fault.location
    end
    return status, nil, headers
  end
  self.upgrading[conn] = { token = token, query = query }
  return 0, protocol and protocol:match("^%s*([^,%s]+)") or nil, { "X-Request-Id", system.uuid() }
end

function streaming:ws_open(conn)
  local pending = self.upgrading[conn]
  self.upgrading[conn] = nil
  if not pending then
    return
  end
  self.sockets[conn] = { token = pending.token, subscriptions = {}, alive = true }
  local query = pending.query
  if query.stream and query.stream ~= "" then
    self:subscribe(conn, query.stream, query)
  end
end

function streaming:say_error(conn, words, status)
  if self.sockets[conn].alive then -- between a ping and its pong the real server keeps quiet
    status = self.profile.error_status and status or nil
    server.ws_send(conn,
      '{"error":' .. json.quote(self:words(words)) .. (status and ',"status":' .. status or "") .. "}")
  end
end

function streaming:subscribe(conn, name, p)
  local socket = self.sockets[conn]
  name = self:asked(name, p)
  local list, label, words = channels.resolve(name, p, socket.token, self.store)
  if not list then
    self:say_error(conn, words, label)
    return
  end
  local key = table.concat(list, " ")
  if socket.subscriptions[key] then
    return -- the first spelling of a tag stays
  end
  local subscription = { conn = conn, ws = true, label = label, channels = list,
    admits = hidden.guard(name, socket.token.person), hides = self.faults:hides(list[1]) }
  socket.subscriptions[key] = subscription
  for _, channel in ipairs(list) do
    self.hub:subscribe(channel, subscription)
  end
end

function streaming:unsubscribe(conn, name, p)
  local socket = self.sockets[conn]
  local list, _, words = channels.resolve(name, p, socket.token, self.store)
  if not list then
    if words ~= channels.SCOPES then
      self:say_error(conn, "Error unsubscribing from channel")
    end
    return
  end
  local key = table.concat(list, " ")
  local subscription = socket.subscriptions[key]
  if subscription then
    socket.subscriptions[key] = nil
    for _, channel in ipairs(list) do
      self.hub:unsubscribe(channel, subscription)
    end
  end
end

function streaming:ws_message(conn, message, binary)
  if not self.sockets[conn] then
    return
  end
  if binary then
    server.ws_close(conn, 1003, BINARY)
    return
  end
  local value = json.decode(message)
  if type(value) ~= "table" then
    return
  end
  local name = value.stream
  if type(name) == "table" then
    name = name[1]
  end
  if value.type == "subscribe" then
    self:subscribe(conn, name, value)
  elseif value.type == "unsubscribe" then
    self:unsubscribe(conn, name, value)
  end
end

function streaming:ws_pong(conn)
  if self.sockets[conn] then
    self.sockets[conn].alive = true
  end
end

-- No pings and no heartbeats for so long; events flow.
function streaming:hush(ms)
  self.hushed_till = loop.wall() + ms
end

function streaming:is_hushed()
  return self.hushed_till ~= nil and self.hushed_till > loop.wall()
end

-- Event streams that are opened meanwhile get their headers and then nothing, as behind a proxy that keeps what it reads.
function streaming:buffer(ms)
  self.buffering_till = loop.wall() + ms
end

function streaming:is_buffering()
  return self.buffering_till ~= nil and self.buffering_till > loop.wall()
end

-- Streams that are open now, on `channel` (nil: on any), get no event for `ms`, while pings and heartbeats go on.
function streaming:deafen(channel, ms)
  local count, till = 0, loop.wall() + ms
  for name, list in pairs(self.hub.channels) do
    if channel == nil or name == channel then
      for _, subscription in ipairs(list) do
        subscription.deaf = till
        count = count + 1
      end
    end
  end
  return count
end

-- All of these end.
function streaming:calm()
  self.hushed_till, self.buffering_till = nil, nil
  for _, list in pairs(self.hub.channels) do
    for _, subscription in ipairs(list) do
      subscription.deaf = nil
    end
  end
end

-- Notes that the relay holds a connection (nil: any): what waits for it says nothing about who reads.
function streaming:hold(conn, held)
  for _, all in ipairs { self.streams, self.sockets } do
    for name, entry in pairs(all) do
      if conn == nil or conn == name then
        entry.held = held or nil
      end
    end
  end
end

function streaming:ping_all()
  if self:is_hushed() then
    for _ in pairs(self.sockets) do
      self.hub.note("ping left out")
    end
    return
  end
  local dead = {}
  for conn, socket in pairs(self.sockets) do
    if socket.alive then
      socket.alive = false
      server.ws_ping(conn)
    else
      dead[#dead + 1] = conn
    end
  end
  for _, conn in ipairs(dead) do
    server.cut(conn, false)
  end
end

-- The connection is gone.
function streaming:ended(conn)
  local stream = self.streams[conn]
  if stream then
    self.streams[conn] = nil
    timers.stop(stream.timer)
    for _, channel in ipairs(stream.channels) do
      self.hub:unsubscribe(channel, stream.subscription)
    end
  end
  local socket = self.sockets[conn]
  if socket then
    self.sockets[conn] = nil
    for _, subscription in pairs(socket.subscriptions) do
      for _, channel in ipairs(subscription.channels) do
        self.hub:unsubscribe(channel, subscription)
      end
    end
  end
  self.upgrading[conn] = nil
end

-- Connections that `wanted(channels, token)` picks, as a list: closing them changes the tables.
function streaming:select(wanted)
  local out = {}
  for conn, stream in pairs(self.streams) do
    if wanted(stream.channels, stream.token) then
      out[#out + 1] = { conn = conn }
    end
  end
  for conn, socket in pairs(self.sockets) do
    local list = {}
    for _, subscription in pairs(socket.subscriptions) do
      table.move(subscription.channels, 1, #subscription.channels, #list + 1, list)
    end
    if wanted(list, socket.token) then
      out[#out + 1] = { conn = conn, ws = true }
    end
  end
  table.sort(out, function(a, b)
    return a.conn < b.conn
  end)
  return out
end

-- Connections that listen to `channel`; nil: all.
function streaming:listening_to(channel)
  return self:select(function(list)
    for _, name in ipairs(list) do
      if name == channel then
        return true
      end
    end
    return channel == nil
  end)
end

-- How `code` looks on an event stream, which has none: the end of a process, or a clean last chunk.
local CLEAN = { [0] = true, [1000] = true, [1005] = true }
-- These are never sent (RFC 6455, 7.4.1): the connection just breaks.
local UNSENT = { [1006] = true, [1015] = true }

-- Ends these connections with a close frame of that code (0: without code, protocol.md 2.4), or what stands for it.
function streaming:close(victims, code, reason)
  for _, victim in ipairs(victims) do
    self:ended(victim.conn)
    if UNSENT[code] or (not victim.ws and not CLEAN[code]) then
      server.cut(victim.conn, false)
    elseif victim.ws then
      server.ws_close(victim.conn, code == 1005 and 0 or code, reason or "")
    else
      server.finish(victim.conn)
    end
  end
  return #victims
end

-- What revoking does (protocol.md 1.6, 2.4): a clean last chunk, or a close frame without code.
function streaming:kill(token)
  return self:close(self:select(function(_, owner)
    return not token or owner == token
  end), 0)
end

-- What happens to the streams of a token that was pulled.
function streaming:revoked(token)
  return self:kill(token)
end

-- Cuts connections without a word: all, or those that listen to `channel`.
function streaming:cut(channel, reset)
  local victims = self:listening_to(channel)
  for _, victim in ipairs(victims) do
    self:ended(victim.conn)
    server.cut(victim.conn, reset or false)
  end
  return #victims
end

-- Bytes on the fullest connection.
function streaming:queued()
  local most = 0
  for _, all in ipairs { self.streams, self.sockets } do
    for conn, entry in pairs(all) do
      most = math.max(most, entry.held and 0 or server.queued(conn))
    end
  end
  return most
end

return streaming
