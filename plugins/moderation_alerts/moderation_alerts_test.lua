-- SPDX-License-Identifier: MIT
-- Tests of moderation_alerts.
local test = require "plugin_test"

local YOUNG = { id = "66", acct = "deals@spam.example", created_at = "2026-11-19T00:00:00.000Z" }
local HOOK = "https://hooks.example/mods"

local function spam(given)
  local status = { id = "1", text = "CHEAP watches, 25 % off today only!!!", account = YOUNG }
  for key, value in pairs(given or {}) do status[key] = value end
  return status
end

test.case("keeps the evidence and alerts with what matched and where", function()
  local bot = test.start { options = { alert = HOOK } }
  bot:update(spam())
  local sent = bot.actions[1].json
  test.contains(sent.text, "@deals@spam.example, account of 2026-11-19")
  test.contains(sent.text, 'matched "CHEAP watches"')
  test.contains(sent.text, "25 % off today only")
  test.contains(sent.text, "https://hills.example/@alice/1001")
  test.equal(sent.event.payload.id, "1")
  bot:expect { "archive evidence: update 1", "forward " .. HOOK }
end)

test.case("leaves old accounts and other words alone", function()
  local bot = test.start { options = { alert = HOOK } }
  bot:update(spam { id = "1", account = {} })
  bot:update(spam { id = "2", text = "Watching the cheapest film" })
  bot:expect {}
end)

test.case("looks at edits: a link that comes later", function()
  local bot = test.start { options = { alert = HOOK } }
  bot:update(spam { text = "Hello world" })
  bot:edit(spam { text = "Big casino bonus" })
  bot:expect { "archive evidence: status.update 1", "forward " .. HOOK }
end)

test.case("takes patterns, and shapes the alert for ntfy", function()
  local bot = test.start { options = { alert = "ntfy:" .. HOOK, words = {}, patterns = { [[\d+ ?% off]] } } }
  bot:update(spam())
  test.contains(bot.actions[1].headers, "Young account, 25 % off")
  bot:expect { "archive evidence: update 1", "forward " .. HOOK }
end)

test.case("sends at most per_hour alerts, and keeps all evidence", function()
  local bot = test.start { options = { alert = HOOK, per_hour = 1 } }
  bot:update(spam { id = "1" })
  bot:update(spam { id = "2" })
  bot:expect { "archive evidence: update 1", "forward " .. HOOK, "archive evidence: update 2" }
end)

test.case("without a channel the log has the alert", function()
  local bot = test.start()
  bot:update(spam())
  test.contains(table.concat(bot.log, "\n"), "@deals@spam.example")
  bot:expect { "archive evidence: update 1" }
end)

test.case("says so when there is nothing to look for", function()
  test.contains(test.refused { options = { words = {} } }, "set words or patterns")
end)
