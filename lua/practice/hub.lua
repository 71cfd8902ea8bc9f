-- SPDX-License-Identifier: MIT
-- Channels and who listens: every event goes out once per subscription, rendered once per transport.
local json = require "trusted.json"

local hub = {}
hub.__index = hub

-- `server` has event(conn, …), ws_event(conn, …) and ws_send(conn, text); `clock()` gives ms.
function hub.new(server, clock)
  return setmetatable({
    server = server,
    clock = clock,
    channels = {}, -- channel -> list of subscriptions
    on_subscribe = nil, -- called with the channel when it gets a listener
    change = nil, -- change(channel, event, payload): what becomes of an event; nil: it does not go out
    last = {}, -- channel -> time of its last event
    spoiler = nil, -- takes(channel, event, payload, st): true when it sends or drops the event itself
    losing = {}, -- channel -> { every, count }: so many updates are lost on the way
    sent = 0,
    note = function() end, -- note(kind): told of every event that somebody is kept from
  }, hub)
end

-- A subscription: { conn, ws = true/false, label = JSON of the `stream` array, admits, frame }. admits(event, st): may it
-- have the event about that status? nil: any. deaf: it hears nothing until then. hides = { ["local"], remote }: posts that it
-- is spared because their feed is switched off. frame(subscription, event, payload, channel) sends in its own way.
function hub:subscribe(channel, subscription)
  local list = self.channels[channel]
  if not list then
    list = {}
    self.channels[channel] = list
  end
  list[#list + 1] = subscription
  if self.spoiler then
    self.spoiler:noticed(channel)
  end
  if self.on_subscribe then
    self.on_subscribe(channel)
  end
end

function hub:unsubscribe(channel, subscription)
  local list = self.channels[channel]
  if not list then
    return
  end
  for i = #list, 1, -1 do
    if list[i] == subscription then
      table.remove(list, i)
    end
  end
  if #list == 0 then
    self.channels[channel] = nil
  end
end

function hub:listened(channel)
  return self.channels[channel] ~= nil
end

-- Any listener at all.
function hub:busy()
  return next(self.channels) ~= nil
end

-- True when this update of the channel is one of those that get lost.
function hub:loses(channel, event)
  local losing = self.losing[channel]
  if not losing or event ~= "update" then
    return false
  end
  losing.count = losing.count + 1
  return losing.count % losing.every == 0
end

-- Is the post of this payload from here or from another server?
local function place_of(payload)
  local acct = payload and payload:match('"acct":"([^"]*)"')
  return acct and acct:find("@", 1, true) and "remote" or "local"
end

local function is_spared(self, sub, event, payload, st)
  if sub.deaf then
    if sub.deaf > self.clock() then
      self.note(sub.deaf == math.huge and "held by a proxy" or "deaf")
      return true
    end
    sub.deaf = nil
  end
  if sub.hides and (event == "update" or event == "status.update") then
    local where = st and (st.account.is_local and "local" or "remote") or place_of(payload)
    if sub.hides[where] then
      self.note("feed switched off")
      return true
    end
  end
  return st and sub.admits and not sub.admits(event, st)
end

-- Those who get it, of a list of subscriptions.
local function admitted(self, list, event, payload, st)
  local out
  for i, sub in ipairs(list) do
    local spared = is_spared(self, sub, event, payload, st)
    if spared and not out then -- rare: nothing is copied before
      out = table.move(list, 1, i - 1, 1, {})
    elseif out and not spared then
      out[#out + 1] = sub
    end
  end
  return out or list
end

-- Sends one event. `payload` is text: JSON, or a bare id; nil is "undefined" (protocol.md 3.1). `st`: the status that it is
-- about, where subscribers may be spared it.
function hub:publish(channel, event, payload, st)
  self.last[channel] = self.clock()
  if not self.channels[channel] or self:loses(channel, event) then
    return
  end
  if self.change then
    event, payload = self.change(channel, event, payload)
    if not event then
      return
    end
  end
  if not self.spoiler or not self.spoiler:takes(channel, event, payload, st) then
    self:send(channel, event, payload, st)
  end
end

-- The same past all faults of order.
function hub:send(channel, event, payload, st)
  local list = self.channels[channel]
  if not list then
    return
  end
  list = admitted(self, list, event, payload, st)
  local server, count, quoted = self.server, #list, nil
  for i = 1, count do
    local sub = list[i]
    if sub.frame then
      sub:frame(event, payload, channel)
    elseif not sub.ws then
      server.event(sub.conn, event, payload)
    elseif count == 1 then
      server.ws_event(sub.conn, sub.label, event, payload)
    else -- escaping is the work: done once for all
      quoted = quoted or (payload and ',"payload":' .. json.quote(payload) .. "}" or "}")
      server.ws_send(sub.conn, '{"stream":' .. sub.label .. ',"event":"' .. event .. '"' .. quoted)
    end
  end
  self.sent = self.sent + count
end

return hub
