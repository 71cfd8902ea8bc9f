-- SPDX-License-Identifier: MIT
-- tusk.count, distinct, peek and once: rolling windows over event time.
local core = require "moontusk.windows_c"
local util = require "moontusk.util"
local check = require "moontusk.check"

local windows = {}

local AMOUNT_MAX = 1000000000 -- of `by`: totals stay whole numbers

local function check_key(call, what, value)
  local type_of = math.type(value) or type(value)
  if type_of == "integer" then
    return tostring(value)
  elseif type_of ~= "string" then
    check.fail("%s: %s: found %s, expected a text", call, what, check.show(value))
  end
  return value
end

local function check_within(call, within)
  local ms = util.duration(within)
  if not ms or ms < 1 or ms > core.within_max then
    check.fail("%s: within: found %s, expected a time of at most 366d such as \"10m\", \"1h30m\" or \"7d\"", call,
      check.show(within))
  end
  return ms
end

local function check_settings(call, settings, known)
  if type(settings) ~= "table" then
    check.fail("%s: found %s, expected { within = \"10m\" } behind the %s", call, check.show(settings),
      call == "tusk.distinct" and "value" or "key")
  end
  for key in pairs(settings) do
    if not known[key] then
      check.unknown_key(call, key, known)
    end
  end
end

local COUNT = { within = true, by = true }
local WITHIN = { within = true }

function windows.count(key, settings)
  key = check_key("tusk.count", "the key", key)
  check_settings("tusk.count", settings, COUNT)
  local by = settings.by or 1
  if math.type(by) ~= "integer" or by < 1 or by > AMOUNT_MAX then
    check.fail("tusk.count: by: found %s, expected a whole number from 1 to %d", check.show(by), AMOUNT_MAX)
  end
  return core.count(key, check_within("tusk.count", settings.within), by)
end

function windows.distinct(key, value, settings)
  key = check_key("tusk.distinct", "the key", key)
  if type(value) == "boolean" then
    value = tostring(value)
  end
  value = check_key("tusk.distinct", "the value", value)
  check_settings("tusk.distinct", settings, WITHIN)
  return core.distinct(key, check_within("tusk.distinct", settings.within), value)
end

function windows.peek(key, settings)
  key = check_key("tusk.peek", "the key", key)
  check_settings("tusk.peek", settings, WITHIN)
  return core.peek(key, check_within("tusk.peek", settings.within))
end

function windows.once(key, settings)
  key = check_key("tusk.once", "the key", key)
  if settings == nil then
    return core.once(key, core.within_max)
  end
  check_settings("tusk.once", settings, WITHIN)
  return core.once(key, settings.within == nil and core.within_max or check_within("tusk.once", settings.within))
end

return windows
