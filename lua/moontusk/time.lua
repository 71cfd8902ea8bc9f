-- SPDX-License-Identifier: MIT
-- tusk.time: instants as texts and as dates of a time zone.
local core = require "moontusk.time_c"
local util = require "moontusk.util"

local time = { parse = util.time, date = core.date, at = core.at }

-- With a zone the text has its offset: "2026-11-20T13:00:02.000+01:00".
function time.format(seconds, tz)
  if tz == nil then
    return util.time_text(seconds)
  end
  return core.text(seconds, tz)
end

return time
