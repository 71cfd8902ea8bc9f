-- SPDX-License-Identifier: MIT
-- Tests of tusk.time, of os.time and os.date by the host's clock, and of the zones behind them.
local tusk = require "moontusk"

local function raises(part, call, ...)
  local ok, problem = pcall(call, ...)
  assert(not ok and string.find(tostring(problem), part, 1, true), tostring(problem))
  return problem
end

local function tests_dates()
  local at = tusk.time.parse("2026-03-29T00:59:59.5Z")
  local date = tusk.time.date(at, "Europe/Berlin")
  assert(date.year == 2026 and date.month == 3 and date.day == 29 and date.hour == 1 and date.min == 59 and date.sec == 59)
  assert(date.wday == 1 and date.yday == 88 and date.isdst == false and date.offset == 3600 and date.zone == "CET")
  date = tusk.time.date(at + 1, "Europe/Berlin")
  assert(date.hour == 3 and date.offset == 7200 and date.zone == "CEST" and date.isdst == true)
  date = tusk.time.date(-1, "+05:45")
  assert(date.year == 1970 and date.hour == 5 and date.min == 44 and date.sec == 59 and date.zone == "+05:45")
  assert(tusk.time.date(nil, "UTC").hour == 12 and tusk.time.date().year == 2025)
  assert(tusk.time.date(0).year >= 1969) -- the machine's own zone
end

local function tests_instants()
  local at, kind = tusk.time.at({ year = 2026, month = 7, day = 1, hour = 9 }, "Europe/Berlin")
  assert(at == tusk.time.parse("2026-07-01T07:00:00Z") and kind == nil)
  at, kind = tusk.time.at({ year = 2026, month = 3, day = 29, hour = 2, min = 30 }, "Europe/Berlin")
  assert(at == tusk.time.parse("2026-03-29T01:00:00Z") and kind == "gap")
  at, kind = tusk.time.at({ year = 2026, month = 10, day = 25, hour = 2, min = 30 }, "Europe/Berlin")
  assert(at == tusk.time.parse("2026-10-25T00:30:00Z") and kind == "twice")
  -- Fields run over, midnight is the default, what date gives at takes.
  assert(tusk.time.at({ year = 2026, month = 14, day = 0 }, "UTC") == tusk.time.parse("2027-01-31T00:00:00Z"))
  for _, zone in ipairs { "UTC", "America/St_Johns", "Pacific/Apia", "-03:30" } do
    for seconds = 0, 2e9, 123456789 do
      assert(tusk.time.at(tusk.time.date(seconds, zone), zone) == seconds)
    end
  end
end

local function tests_texts()
  local at = tusk.time.parse("2026-11-20T12:00:02.25Z")
  assert(tusk.time.format(at) == "2026-11-20T12:00:02.250Z")
  assert(tusk.time.format(at, "Europe/Berlin") == "2026-11-20T13:00:02.250+01:00")
  assert(tusk.time.format(at, "America/St_Johns") == "2026-11-20T08:30:02.250-03:30")
  assert(tusk.time.parse(tusk.time.format(at, "Asia/Kathmandu")) == at)
end

local function tests_errors()
  local problem = raises('there is no time zone "Europe/Berln"; did you mean "Europe/Berlin"?', tusk.time.date, 0, "Europe/Berln")
  assert(problem.kind == "zone")
  raises('there is no time zone "../../etc/passwd"', tusk.time.date, 0, "../../etc/passwd")
  raises('the field "day" is missing', tusk.time.at, { year = 2026, month = 1 })
  raises("hour: expected a whole number", tusk.time.at, { year = 2026, month = 1, day = 1, hour = "x" })
  raises("month: expected a whole number", tusk.time.at, { year = 2026, month = 1 << 60, day = 1 })
  raises("out of range", tusk.time.at, { year = 99999, month = 1, day = 1 })
  raises("Unix seconds", tusk.time.date, 1e300, "UTC")
  raises("Unix seconds", tusk.time.date, 0 / 0, "UTC")
  -- More zones than are kept open, in turn.
  for round = 1, 3 do
    for hour = 10, 23 do
      for minute = 10, 59, 7 do
        local date = tusk.time.date(0, string.format("+%d:%d", hour, minute))
        assert(date.hour == hour and date.min == minute, round)
      end
    end
  end
end

local function tests_os()
  assert(os.time() == tusk.now() // 1 and math.type(os.time()) == "integer")
  local now = os.date("!*t")
  assert(now.year == 2025 and now.month == 11 and now.day == 20 and now.hour == 12 and now.isdst == false)
  assert(os.date("!%Y-%m-%dT%H:%M:%SZ") == "2025-11-20T12:00:00Z")
  assert(os.date("!%A %d %B %Y, %j, %Z %z %%", 86400) == "Friday 02 January 1970, 002, UTC +0000 %")
  assert(os.date("!%c", 0) == "Thu Jan  1 00:00:00 1970" and os.date("!%Ex %OH", 0) == "01/01/70 00")
  assert(os.date("%Y", 1e9) == "2001" and os.date("", 0) == "")
  raises('no conversion "%Q"', os.date, "%Q")
  raises('no conversion "%s"', os.date, "%s") -- the C library's own clock and zone
  raises('no conversion "%"', os.date, "%")
  raises('no conversion "%EH"', os.date, "%EH")
  local date = os.date("*t", 1e9)
  assert(os.time(date) == 1e9)
  date.day, date.hour = date.day + 40, -3
  local later = os.time(date)
  assert(date.month ~= 9 and date.hour == 21 and later > 1e9) -- put in order
  assert(os.time { year = 2026, month = 1, day = 1 } == os.time { year = 2026, month = 1, day = 1, hour = 12 })
  raises('os.time: the field "year" is missing', os.time, {})
end

tusk.on("update", function()
  tests_dates()
  tests_instants()
  tests_texts()
  tests_errors()
  tests_os()
end)
