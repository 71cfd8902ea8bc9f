-- SPDX-License-Identifier: MIT
-- Callbacks for the loop's timers, which are numbers there.
local loop = require "trusted.loop"

local timers = {}
local callbacks = {}
local repeats = {}

-- Calls f once after `ms`; gives an id for stop.
function timers.after(ms, f)
  local id = loop.start(math.max(0, ms // 1 | 0), 0)
  callbacks[id] = f
  return id
end

-- Calls f every `ms`.
function timers.every(ms, f)
  local period = math.max(1, ms // 1 | 0)
  local id = loop.start(period, period)
  callbacks[id], repeats[id] = f, true
  return id
end

function timers.stop(id)
  if id and callbacks[id] then
    callbacks[id], repeats[id] = nil, nil
    loop.stop(id)
  end
end

-- The loop calls this through the module's table.
function timers.fired(id)
  local f = callbacks[id]
  if not f then
    return
  end
  if not repeats[id] then
    callbacks[id] = nil
    loop.stop(id)
  end
  f()
end

local UNITS = { ms = 1, s = 1000, m = 60000, h = 3600000, d = 86400000, w = 604800000 }

-- "2s", "1h30m", "250ms" or a number of seconds, in ms; nil when it is none of them.
function timers.duration(value)
  if type(value) == "number" then
    return value >= 0 and math.floor(value * 1000) or nil
  end
  if type(value) ~= "string" or value == "" then
    return nil
  end
  local total, rest = 0, value
  while rest ~= "" do
    local number, unit, behind = rest:match("^(%d+%.?%d*)(%a+)(.*)$")
    if not number or not UNITS[unit] then
      return nil
    end
    total = total + tonumber(number) * UNITS[unit]
    rest = behind
  end
  return math.floor(total)
end

return timers
