-- SPDX-License-Identifier: MIT
-- Regex captures: answers "convert 12 miles" with kilometres.
local tusk = require "moontusk"

local KILOMETRES = { mile = 1.609344, yard = 0.0009144, foot = 0.0003048, feet = 0.0003048 }

tusk.subscribe("user:notification")

-- What the groups of the pattern matched comes as arguments. What is captured is a stranger's text: use it as data,
-- do not repeat it.
tusk.hear([[^convert\s+(\d{1,9}(?:\.\d{1,6})?)\s*(mile|yard|foot|feet)s?\b]], function(status, number, unit)
  local km = tonumber(number) * KILOMETRES[unit:lower()]
  status:reply(("That is %.3f km."):format(km))
end)
