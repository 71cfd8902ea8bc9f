-- SPDX-License-Identifier: MIT
-- Posts something every hour; the schedule and its place in the list survive restarts.
local tusk = require "moontusk"

local LINES = {
  "Drink some water.",
  "Look out of the window for a while.",
  "Who have you not written to for a long time?",
}

tusk.every("1h", { name = "reminder" }, function()
  local n = (tusk.store.n or 0) % #LINES + 1
  tusk.store.n = n
  tusk.post { text = LINES[n], visibility = "unlisted", language = "en" }
end)
