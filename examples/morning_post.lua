-- SPDX-License-Identifier: MIT
-- Posts once on each local day, across summer time and outages; a post that would come too late is left out.
local tusk = require "moontusk"

local options = tusk.options {
  at = { "09:00", help = "time of day" },
  tz = { "Europe/Berlin", help = "time zone" },
}

local DAYS = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }

tusk.daily(options.at, { name = "morning", tz = options.tz, missed = "run" }, function(due, info)
  if info.late > 3 * 3600 then
    tusk.log.info("%d hours late: no post today", info.late // 3600)
    return
  end
  tusk.post { text = "Have a good " .. DAYS[tusk.time.date(due, options.tz).wday] .. "!", language = "en" }
end)
