-- SPDX-License-Identifier: MIT
-- Tests of auto_boost.
local test = require "plugin_test"

local CATS = { "hashtag", "caturday" }

local function cat(given)
  local status = { id = "101", text = "Mittens on patrol", tags = { "caturday" }, media = { "A cat on a wall" } }
  for key, value in pairs(given or {}) do status[key] = value end
  return status
end

test.case("boosts a described picture", function()
  local bot = test.start()
  bot:update(cat(), CATS)
  bot:expect { "boost 101" }
end)

test.case("boosts a post once, by whatever stream it comes", function()
  local bot = test.start()
  bot:update(cat(), CATS)
  bot:update(cat(), CATS)
  bot:edit(cat { text = "Mittens on patrol, again" }, CATS)
  bot:expect { "boost 101" }
end)

test.case("leaves alone what is not described, by a bot, a newcomer, sensitive or a reply", function()
  local bot = test.start()
  bot:update(cat { id = "1", media = {} }, CATS)
  bot:update(cat { id = "2", media = { "A cat", false } }, CATS)
  bot:update(cat { id = "3", account = { bot = true } }, CATS)
  bot:update(cat { id = "4", account = { created_at = "2026-11-18T00:00:00.000Z" } }, CATS)
  bot:update(cat { id = "5", sensitive = true }, CATS)
  bot:update(cat { id = "6", in_reply_to_id = "5", in_reply_to_account_id = "9002" }, CATS)
  bot:expect {}
end)

test.case("keeps to the languages it was given", function()
  local bot = test.start { options = { languages = { "de" } } }
  bot:update(cat { id = "1", language = "en" }, CATS)
  bot:update(cat { id = "2", language = "de" }, CATS)
  bot:expect { "boost 2" }
end)

test.case("boosts at most per_hour posts an hour", function()
  local bot = test.start { options = { per_hour = 2 } }
  for id = 1, 4 do bot:update(cat { id = tostring(id) }, CATS) end
  bot:expect { "boost 1", "boost 2" }
  bot:advance(61 * 60 * 1000)
  bot:update(cat { id = "5" }, CATS)
  bot:expect { "boost 5" }
end)

test.case("names a mistyped option", function()
  test.contains(test.refused { options = { perhour = 3 } }, 'did you mean "per_hour"?')
end)
