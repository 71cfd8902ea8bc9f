-- SPDX-License-Identifier: MIT
-- Answers "count me" with how often this person has asked: tusk.store is a table that persists.
local tusk = require "moontusk"

tusk.subscribe("user:notification")

tusk.hear([[^count me\b]], function(status)
  local visits = tusk.store.visits or {}
  local who = status.account.acct
  visits[who] = (visits[who] or 0) + 1
  tusk.store.visits = visits
  status:reply(("This is your visit number %d."):format(visits[who]))
end)
