-- SPDX-License-Identifier: MIT
-- Tests of forward_webhook.
local test = require "plugin_test"

local HOOK = "https://hooks.example/birds"

local function options(given)
  given.to = given.to or HOOK
  return { options = given }
end

test.case("hands on what has a word, as JSON with the whole event", function()
  local bot = test.start(options { words = { "osprey" } })
  bot:update { id = "1", text = "An osprey!" }
  bot:update { id = "2", text = "A duck." }
  local sent = bot.actions[1].json
  test.contains(sent.text, "An osprey!")
  test.equal(sent.url, "https://hills.example/@alice/1001")
  test.equal(sent.event.kind, "update")
  test.equal(sent.event.payload.id, "1")
  bot:expect { "forward " .. HOOK }
end)

test.case("shapes messages for Discord, Slack and ntfy", function()
  for shape, part in pairs { discord = '"content"', slack = '"text"', ntfy = "An osprey" } do
    local bot = test.start(options { to = shape .. ":" .. HOOK, words = { "osprey" }, title = "Seen" })
    bot:update { id = "1", text = "An osprey & <you>!" }
    test.contains(bot.actions[1].body, part)
    bot:expect { "forward " .. HOOK }
  end
end)

test.case("asks for all conditions that are given", function()
  local bot = test.start(options { words = { "osprey" }, tags = { "birds" }, text = [[nest]] })
  bot:update { id = "1", text = "osprey nest", tags = { "birds" } }
  bot:update { id = "2", text = "osprey nest" }
  bot:update { id = "3", text = "osprey", tags = { "birds" } }
  test.equal(#bot.actions, 1)
  test.equal(bot.actions[1].target, "1")
end)

test.case("hands on a whole hashtag when asked for one", function()
  local bot = test.start(options { stream = "hashtag", of = "osprey" })
  bot:update({ id = "1", text = "anything", tags = { "osprey" } }, { "hashtag", "osprey" })
  bot:expect { "forward " .. HOOK }
end)

test.case("does not hand on what is not public", function()
  local bot = test.start(options { stream = "user", words = { "osprey" } })
  bot:update({ id = "1", text = "osprey", visibility = "direct" }, { "user" })
  bot:expect {}
end)

test.case("refuses to forward everything, a missing address and an unknown shape", function()
  test.contains(test.refused(options {}), "set words, tags or text")
  test.contains(test.refused { options = { words = { "osprey" } } }, 'option "to" is missing')
  local bot = test.start(options { to = "discrod:" .. HOOK, words = { "osprey" } })
  bot:update { id = "1", text = "osprey" }
  test.contains(table.concat(bot.failed, "\n"), "discord")
end)

test.case("keeps the address out of log and database, whatever its shape", function()
  for _, shape in ipairs { "", "ntfy:" } do
    local bot = test.start(options { to = shape .. HOOK .. "/secret-part", words = { "osprey" } })
    bot:update { id = "1", text = "osprey" }
    test.contains(bot.actions[1].url, "secret-part")
    test.equal(bot.actions[1].stored_url:find("secret-part", 1, true), nil)
    test.equal(table.concat(bot.log, "\n"):find("secret-part", 1, true), nil)
  end
end)
