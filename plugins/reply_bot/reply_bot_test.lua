-- SPDX-License-Identifier: MIT
-- Tests of reply_bot.
local test = require "plugin_test"

test.case("answers ping with pong, to the one who asked", function()
  local bot = test.start()
  bot:mention { id = "11", text = "ping" }
  test.equal(bot.actions[1].json.in_reply_to_id, "11")
  bot:expect { "reply 11: @alice@hills.example pong" }
end)

test.case("answers no wider than the question", function()
  local bot = test.start()
  bot:mention { id = "1", text = "!ping", visibility = "direct" }
  bot:mention { id = "2", text = "!ping", visibility = "public" }
  test.equal(bot.actions[1].json.visibility, "direct")
  test.equal(bot.actions[2].json.visibility, "unlisted")
end)

test.case("greets as it was greeted and explains itself", function()
  local bot = test.start { options = { about = "I watch birds." } }
  bot:mention { id = "1", text = "hello there!" }
  bot:mention { id = "2", text = "help" }
  bot:expect {
    'reply 1: @alice@hills.example Hello! Say "help" to see what I understand.',
    "reply 2: @alice@hills.example I watch birds. I understand: hello, help, ping, roll.",
  }
end)

test.case("rolls a die of as many sides as asked", function()
  local bot = test.start()
  bot:mention { id = "1", text = "roll d1" }
  bot:expect { "reply 1: @alice@hills.example d1: 1" }
end)

test.case("knows the operator's own words, taken literally", function()
  local bot = test.start { options = { answers = { hours = "9 to 5", ["a.b"] = "dots" } } }
  bot:mention { id = "1", text = "hours?" }
  bot:mention { id = "2", text = "axb" }
  bot:mention { id = "3", text = "a.b" }
  bot:expect { "reply 1: @alice@hills.example 9 to 5", "reply 3: @alice@hills.example dots" }
end)

test.case("stays silent to bots, to other words, and to other notifications", function()
  local bot = test.start()
  bot:mention { id = "1", text = "ping", account = { bot = true } }
  bot:mention { id = "2", text = "what do you think of shipping?" }
  bot:event("notification", {
    id = "n3", type = "favourite", created_at = "2026-11-20T12:00:00.000Z", account = test.account(),
    status = test.status { id = "3", text = "ping" },
  }, { "user" })
  bot:expect {}
end)

test.case("answers one mention once, though it comes twice", function()
  local bot = test.start()
  bot:mention { id = "1", text = "ping" }
  bot:mention { id = "1", text = "ping" }
  bot:expect { "reply 1: @alice@hills.example pong" }
end)
