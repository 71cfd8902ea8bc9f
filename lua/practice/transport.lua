-- SPDX-License-Identifier: MIT
-- Faults below HTTP: the relay in front holds connections, cuts them in the middle, lets bytes pass singly, or refuses all.
local timers = require "practice.timers"

local transport = {}
transport.__index = transport

local RETRY_MS = 200

-- `relay` and `server` are the trusted modules; `streaming` knows who listens to what.
function transport.new(relay, server, streaming)
  return setmetatable({ relay = relay, server = server, streaming = streaming, round = 0 }, transport)
end

-- The relay's ids of the streaming connections that listen to `channel` (nil: all of them).
local function connections(self, channel)
  local out = {}
  for _, victim in ipairs(self.streaming:listening_to(channel)) do
    local id = self.relay.find(self.server.peer_port(victim.conn))
    if id then
      out[#out + 1] = { id = id, conn = victim.conn }
    end
  end
  return out
end

-- `fault` as trusted.relay.spoil takes it. `options`: channel; new = also connections that are made from now on (REST too);
-- ms = until then. Returns how many streams are hit now.
function transport:spoil(fault, options)
  local hit = connections(self, options.channel)
  for _, one in ipairs(hit) do
    self.relay.spoil(one.id, fault)
    if fault.held then
      self.streaming:hold(one.conn, true)
    end
  end
  local round = self.round
  if options.new then
    round = self.round + 1
    self.round = round
    self.relay.spoil(0, fault)
  end
  if options.ms then
    timers.after(options.ms, function()
      if options.new then
        if round == self.round then
          self:heal()
        end
        return
      end
      for _, one in ipairs(hit) do
        self.relay.spoil(one.id, {})
        self.streaming:hold(one.conn, false)
      end
    end)
  end
  return #hit
end

-- Everything passes again, and connects are taken.
function transport:heal()
  self.round = self.round + 1
  self.relay.heal()
  self.streaming:hold(nil, false)
  self:up()
end

-- The server is away: connects are refused, what stood is cut, but for the connection `spared` (a conn of the server; nil)
-- that waits for an answer. `ms` nil: until up() or heal().
function transport:down(ms, reset, spared)
  self.relay.accept(false)
  local count = self.relay.cut(spared and self.relay.find(self.server.peer_port(spared)) or 0, reset or false)
  self.away = (self.away or 0) + 1
  local away = self.away
  if ms then
    timers.after(ms, function()
      if away == self.away then
        self:up()
      end
    end)
  end
  return count
end

function transport:up()
  if not self.relay.accept(true) then
    timers.after(RETRY_MS, function()
      self:up()
    end)
  end
end

return transport
