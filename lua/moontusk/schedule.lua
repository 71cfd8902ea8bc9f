-- SPDX-License-Identifier: MIT
-- tusk.every and tusk.daily: reads what they are given and registers a schedule.
local callbacks = require "moontusk.callbacks"
local check = require "moontusk.check"
local core = require "moontusk.schedule_c"
local util = require "moontusk.util"

local schedule = {}

local EVERY = { name = "string", missed = "string" }
local DAILY = { name = "string", missed = "string", tz = "string", on = true }
local DAYS = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" }

-- Settings may be left out.
local function take_arguments(call, settings, handler, known)
  if type(settings) == "function" then
    settings, handler = {}, settings
  end
  check.type(call, "the handler", handler, "function")
  check.keys(call, settings or {}, known)
  return settings or {}, handler
end

-- Whether what was missed runs late.
local function read_missed(call, missed, default)
  if missed ~= nil and missed ~= "skip" and missed ~= "run" then
    check.fail("%s: missed: found %s, expected \"skip\" (what was missed stays undone) or \"run\" (it runs once, late)",
      call, check.show(missed))
  end
  return (missed or default) == "run"
end

local function register(id, handler)
  callbacks.add_schedule(id, function(due)
    return handler(due, core.due(id))
  end)
end

function schedule.every(interval, settings, handler)
  settings, handler = take_arguments("tusk.every", settings, handler, EVERY)
  local ms = util.duration(interval)
  if not ms then
    check.fail("tusk.every: found %s, expected a time from \"1s\" to \"366d\" such as \"15m\", \"1h30m\" or \"7d\"",
      check.show(interval))
  end
  local late = read_missed("tusk.every", settings.missed, "run")
  register(core.every(settings.name or "every " .. interval, ms, late), handler)
end

-- Seconds after midnight.
local function read_time(text)
  if type(text) == "string" then
    local hour, minute, second = string.match(text, "^(%d%d?):(%d%d)$")
    if not hour then
      hour, minute, second = string.match(text, "^(%d%d?):(%d%d):(%d%d)$")
    end
    hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second or 0)
    if hour and hour < 24 and minute < 60 and second < 60 then
      return (hour * 60 + minute) * 60 + second
    end
  end
  check.fail("tusk.daily: found %s, expected a time of day from \"00:00\" to \"23:59:59\" such as \"09:00\", or a list of them",
    check.show(text))
end

local function read_times(times)
  local list, texts = {}, {}
  for index, text in ipairs(type(times) == "table" and times or { times }) do
    list[index] = read_time(text)
    texts[index] = text
  end
  if #list == 0 then
    read_time(times)
  end
  table.sort(list)
  for index = 2, #list do
    if list[index] == list[index - 1] then
      check.fail("tusk.daily: the list has the same time twice; each is run once")
    end
  end
  return list, table.concat(texts, ", ")
end

local function read_days(on)
  if on == nil then
    return 127
  end
  local mask, names = 0, type(on) == "table" and on or { on }
  for _, name in ipairs(names) do
    local found
    for index, day in ipairs(DAYS) do
      if name == day then
        found = 1 << (index - 1)
      end
    end
    if not found then
      local near = type(name) == "string" and util.suggest(string.lower(name), DAYS)
      check.fail("tusk.daily: on: found %s, expected weekdays such as { \"mon\", \"fri\" }%s", check.show(name),
        near and string.format("; did you mean \"%s\"?", near) or "")
    end
    mask = mask | found
  end
  if mask == 0 then
    check.fail("tusk.daily: on: found no weekday, expected a list such as { \"mon\", \"fri\" }")
  end
  return mask, table.concat(names, ", ")
end

function schedule.daily(times, settings, handler)
  settings, handler = take_arguments("tusk.daily", settings, handler, DAILY)
  local list, shown = read_times(times)
  local days, day_names = read_days(settings.on)
  local late = read_missed("tusk.daily", settings.missed, "skip")
  local name = settings.name
  if not name then
    name = "daily " .. shown .. (day_names and " on " .. day_names or "") .. (settings.tz and " " .. settings.tz or "")
  end
  register(core.daily(name, list, days, settings.tz, late), handler)
end

return schedule
