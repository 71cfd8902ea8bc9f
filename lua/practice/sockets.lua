-- SPDX-License-Identifier: MIT
-- WebSocket servers of other makes than Mastodon: what they have in common; the rules of each are in its profile.
local json = require "trusted.json"
local loop = require "trusted.loop"
local server = require "trusted.server"
local channels = require "practice.channels"
local hidden = require "practice.hidden"
local params = require "practice.params"
local streaming = require "practice.streaming"
local timers = require "practice.timers"
local tokens = require "practice.tokens"

local sockets = setmetatable({}, { __index = streaming })
sockets.__index = sockets

local PATH = "/api/v1/streaming"
local LINGER_MS = 50

-- The rules, `profile.sockets`:
--   tokens = { "query", "subprotocol", "header" }   places, the first that has one wins
--   echo                                            the subprotocol is sent back
--   anonymous = { [stream] = true }                 streams that need no token
--   handshake(token, place) -> true | name          name of a refusal, of a good token
--   refusals = { [name] = { status, type, body } }  missing, invalid, scope, topic; plain, path, agent: no WebSocket
--   streams = { [stream] = "both" | "query" | "silent" }
--   scopes = { [stream] = scope }                   where not read:statuses
--   label(name, param, person) -> JSON              `stream` of its frames
--   frame(label, event, payload, sub) -> text | nil the whole frame
--   unknown = "ignore" | "refuse"                   ?stream= with a name that is none
--   message(self, conn, text)                       what a text from the client does
--   binary                                          close code for a binary message; nil: ignored
--   ping = { ms, payload, after = "frame" | "pong" | "open", text }, idle = { ms, code }
--   revoked                                         close code when the token is pulled; nil: the stream goes on
--   health                                          GET /api/v1/streaming/health says OK

function sockets.new(parts)
  local self = streaming.new(parts, sockets)
  self.rules = parts.profile.sockets
  self.limits = parts.limits
  return self
end

-- Their pings are each connection's own.
function sockets.start() end

local function refuse(self, conn, name)
  local row = self.rules.refusals[name]
  local headers = { "Connection", "close" }
  if row[2] then
    headers[3], headers[4] = "Content-Type", row[2]
  end
  server.respond(conn, row[1], headers, row[3] or "", false)
  return row[1]
end

-- A request that is no upgrade: there are no event streams.
function sockets:request(conn, request)
  if request.method == "OPTIONS" then
    return streaming.request(self, conn, request)
  elseif request.path == PATH and self.rules.refusals.plain then
    return refuse(self, conn, "plain")
  elseif request.path == PATH .. "/health" and self.rules.health then
    return streaming.request(self, conn, request)
  end
  return refuse(self, conn, "path")
end

-- The text that stands for a token, and where it stood.
local function shown(self, request, query)
  local found = {
    query = query.access_token,
    subprotocol = request.headers["sec-websocket-protocol"],
    header = (request.headers.authorization or ""):match("^Bearer (.+)$"),
  }
  for _, place in ipairs(self.rules.tokens) do
    local text = found[place]
    if text and text ~= "" then
      return text:match("^%s*([^,%s]+)"), place
    end
  end
end

-- Token or nil, and the name of a refusal. An unknown token is never taken for none.
local function credentials(self, request, query)
  local text, place = shown(self, request, query)
  if not text then
    if self.rules.anonymous and (not query.stream or self.rules.anonymous[query.stream]) then
      return nil
    end
    return nil, self.rules.anonymous and "invalid" or "missing"
  end
  local token = self.tokens.by_text[text]
  if not token or token.revoked or not token.person then
    return nil, "invalid"
  end
  local fine = not self.rules.handshake or self.rules.handshake(token, place)
  if fine ~= true then
    return nil, fine
  end
  return token
end

-- What ?stream= asks for, before there is a connection: nil when it is fine, or the name of a refusal.
local function topic_problem(self, token, query)
  local name = query.stream
  if self.rules.unknown ~= "refuse" then
    return nil
  elseif not name or name == "" then
    return self.rules.needs_stream and "topic_missing" or nil
  end
  local list, problem = self:resolve(token, name, query, "query")
  if not list then
    return problem == "unauthorized" and "invalid" or "topic"
  end
end

function sockets:upgrade(conn, request)
  local query = params.form(request.query, {})
  local fault = self.faults:for_upgrade(request)
  if fault then
    return fault.status, nil, { "Content-Type", "text/plain" }
  elseif request.path ~= PATH and request.path ~= PATH .. "/" or not self.rules.streams then
    return refuse(self, conn, "path")
  end
  if self.profile.limit_by_address then
    local headers, over = self.limits:count("address")
    if over then
      return 429, nil, headers
    end
  end
  local token, problem = credentials(self, request, query)
  problem = problem or topic_problem(self, token, query)
  if problem then
    return refuse(self, conn, problem)
  end
  self.upgrading[conn] = { token = token, query = query }
  local offered = request.headers["sec-websocket-protocol"]
  return 0, self.rules.echo and offered and offered:match("^%s*([^,%s]+)") or nil, {}
end

function sockets:ws_open(conn)
  local pending = self.upgrading[conn]
  self.upgrading[conn] = nil
  if not pending then
    return
  end
  local now = loop.now()
  local socket = { token = pending.token, subscriptions = {}, alive = true, heard_ms = now, sent_ms = now, deleted = {} }
  self.sockets[conn] = socket
  self:watch(conn, socket)
  local query = pending.query
  if query.stream and query.stream ~= "" then
    self:subscribe(conn, query.stream, query, "query")
  end
end

-- Channels, and what the parameter is; or nil and "bad_topic", "unauthorized". `from`: "query" or "message".
function sockets:resolve(token, name, p, from)
  local rules = self.rules
  local how = type(name) == "string" and rules.streams[name]
  if not how or (how == "query" and from ~= "query") then
    return nil, "bad_topic"
  elseif not token and not (rules.anonymous and rules.anonymous[name]) then
    return nil, "unauthorized"
  elseif token and not tokens.allows(token, rules.scopes and rules.scopes[name] or "read:statuses") then
    return nil, "unauthorized"
  elseif how == "silent" then
    return {}, p.tag or p.list
  end
  local all = { person = token and token.person, scopes = { read = true } }
  local list = channels.resolve(name, p, all, self.store)
  if not list then
    return nil, "bad_topic"
  end
  return list, p.tag or p.list
end

-- "success", "ignored" (it has it), "bad_topic" or "unauthorized".
function sockets:subscribe(conn, name, p, from)
  local socket = self.sockets[conn]
  local list, param = self:resolve(socket.token, name, p, from)
  if not list then
    return param
  end
  local key = name .. " " .. (param or "")
  if socket.subscriptions[key] then
    return "ignored"
  end
  local subscription = { conn = conn, ws = true, name = name, channels = list, socket = socket }
  local person = socket.token and socket.token.person
  subscription.admits = person and hidden.guard(name, person)
  subscription.label = self.rules.label(name, param, person)
  subscription.frame = function(sub, event, payload, channel)
    return self:send(sub, event, payload, channel)
  end
  socket.subscriptions[key] = subscription
  if self.rules.every_delete and self.rules.every_delete[name] then
    list[#list + 1] = channels.DELETES
  end
  for _, channel in ipairs(list) do
    self.hub:subscribe(channel, subscription)
  end
  return "success"
end

function sockets:unsubscribe(conn, name, p)
  local socket = self.sockets[conn]
  local key = tostring(name) .. " " .. (p.tag or p.list or "")
  local subscription = socket.subscriptions[key]
  if not subscription then
    return "ignored"
  end
  socket.subscriptions[key] = nil
  for _, channel in ipairs(subscription.channels) do
    self.hub:unsubscribe(channel, subscription)
  end
  return "success"
end

-- One event to one subscription.
function sockets:send(sub, event, payload, channel)
  if event == "status.update" and channel:find(":notifications$") then
    return -- only Mastodon sends edits to people who are mentioned a second time
  end
  if payload and self.profile.rewrite then
    payload = self.profile.rewrite(payload)
  end
  local text = self.rules.frame(sub.label, event, payload, sub, channel)
  if not text then
    return
  end
  local late = self.rules.late
  if late and event ~= "delete" and self.random(100) <= late.percent then
    timers.after(late.ms, function() -- what comes behind it overtakes it
      server.ws_send(sub.conn, text)
    end)
  else
    server.ws_send(sub.conn, text)
  end
  sub.socket.sent_ms = loop.now()
end

function sockets:say(conn, text)
  server.ws_send(conn, text)
  self.sockets[conn].sent_ms = loop.now()
end

function sockets:ws_message(conn, message, binary)
  local socket = self.sockets[conn]
  if not socket then
    return
  end
  socket.heard_ms = loop.now()
  if not binary then
    self.rules.message(self, conn, message)
  elseif self.rules.binary then
    self:close_one(conn, self.rules.binary)
  end
end

-- The subscribe or unsubscribe that a text is: its table; nil when it is no JSON object.
function sockets.parse(text)
  local value = text:find("^%s*{") and json.decode(text)
  return type(value) == "table" and value or nil
end

function sockets:close_one(conn, code)
  self:ended(conn)
  server.ws_close(conn, code, "")
end

-- Ends it without a close frame, when what was said before is out.
function sockets:drop(conn)
  self:ended(conn)
  timers.after(LINGER_MS, function()
    server.cut(conn, false)
  end)
end

-- ---- keep-alive ----

local function ping(self, conn, socket)
  local rule = self.rules.ping
  if self:is_hushed() then
    return
  elseif rule.text then
    server.ws_send(conn, rule.text)
  else
    server.ws_ping(conn, rule.payload or "", rule.pong)
  end
  socket.sent_ms = loop.now()
end

-- Every `period` from what `since()` gives; `act` may end it by returning false.
local function keep(socket, name, period, since, act)
  local function look()
    local left = since() + period - loop.now()
    if left <= 0 then
      if act() == false then
        return
      end
      left = period
    end
    socket[name] = timers.after(left, look)
  end
  socket[name] = timers.after(period, look)
end

function sockets:watch(conn, socket)
  local rule, idle = self.rules.ping, self.rules.idle
  if rule then
    keep(socket, "ping_timer", rule.ms, function()
      return rule.after == "frame" and socket.sent_ms or loop.now() - rule.ms
    end, function()
      ping(self, conn, socket)
      return rule.after ~= "pong" -- then the pong winds it up again
    end)
  end
  if idle then
    keep(socket, "idle_timer", idle.ms, function()
      return socket.heard_ms
    end, function()
      self:close_one(conn, idle.code)
      return false
    end)
  end
end

function sockets:ws_pong(conn)
  local socket = self.sockets[conn]
  if not socket then
    return
  end
  socket.heard_ms = loop.now()
  local rule = self.rules.ping
  if rule and rule.after == "pong" then
    timers.stop(socket.ping_timer)
    socket.ping_timer = timers.after(rule.ms, function()
      ping(self, conn, socket)
    end)
  end
end

function sockets:ended(conn)
  local socket = self.sockets[conn]
  if socket then
    timers.stop(socket.ping_timer)
    timers.stop(socket.idle_timer)
  end
  streaming.ended(self, conn)
end

function sockets:revoked(token)
  if not self.rules.revoked then
    return 0
  end
  return self:close(self:select(function(_, owner)
    return owner == token
  end), self.rules.revoked)
end

return sockets
