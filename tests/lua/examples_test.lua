-- SPDX-License-Identifier: MIT
-- Tests of examples/: each one loads, and does the one thing that it shows.
local test = require "plugin_test"

local function example(name, options)
  return test.start { file = "examples/" .. name .. ".lua", options = options }
end

test.case("caturday boosts a described cat and respects its limit", function()
  local bot = example("caturday", { per_hour = 1 })
  bot:update({ id = "1", text = "My cat", media = { "a cat" } }, { "hashtag", "caturday" })
  bot:update({ id = "2", text = "Cats!", media = { "cats" } }, { "hashtag", "caturday" })
  bot:update({ id = "3", text = "A dog", media = { "a dog" } }, { "hashtag", "caturday" })
  bot:expect { "boost 1" }
end)

test.case("caturday is the bot of the README", function()
  local function read(name)
    local file = assert(io.open((os.getenv("MOONTUSK_SOURCE") or ".") .. "/" .. name))
    local text = file:read("a")
    file:close()
    return text
  end
  local code = read("examples/caturday.lua"):gsub("^%-%-[^\n]*\n%-%-[^\n]*\n", "")
  test.contains(read("README.md"), code)
end)

test.case("hourly_post posts one line after the other", function()
  local bot = example("hourly_post")
  bot:advance(2 * 3600 * 1000 + 1000)
  test.equal(#bot.did >= 2, true, "two posts")
  test.equal(bot.actions[1].json.status, "Drink some water.")
  test.equal(bot.actions[2].json.status, "Look out of the window for a while.")
end)

test.case("morning_post posts once a day, at the local time", function()
  local bot = example("morning_post", { at = "12:30", tz = "Europe/Berlin" }) -- it is 13:00 on a Friday there
  bot:advance(23 * 3600 * 1000)
  bot:expect {}
  bot:advance(25 * 3600 * 1000)
  bot:expect { "post: Have a good Saturday!", "post: Have a good Sunday!" }
end)

test.case("visit_counter counts for each person", function()
  local bot = example("visit_counter")
  bot:mention { id = "1", text = "count me" }
  bot:mention { id = "2", text = "Count me!" }
  bot:mention { id = "3", text = "count me", account = { acct = "bob" } }
  bot:expect {
    "reply 1: @alice@hills.example This is your visit number 1.",
    "reply 2: @alice@hills.example This is your visit number 2.",
    "reply 3: @bob This is your visit number 1.",
  }
end)

test.case("forward_ntfy sends a titled message", function()
  local bot = example("forward_ntfy", { to = "ntfy:https://ntfy.example/mentions" })
  bot:update { id = "1", text = "I wrote a bot with moontusk" }
  test.contains(bot.actions[1].headers, "Somebody wrote about moontusk")
  bot:expect { "forward https://ntfy.example/mentions" }
end)

test.case("archive_edits keeps each version", function()
  local bot = example("archive_edits")
  bot:update({ id = "1", text = "a" }, { "hashtag", "election" })
  bot:edit({ id = "1", text = "b" }, { "hashtag", "election" })
  bot:expect { "archive election: update 1", "archive election: status.update 1" }
end)

test.case("words_from_file bookmarks what its list has", function()
  local bot = example("words_from_file")
  bot:update({ id = "1", text = "A Reed Bunting sings" }, { "public:local" })
  bot:update({ id = "2", text = "A bunting sings" }, { "public:local" })
  bot:expect { "bookmark 1" }
end)

test.case("convert_units computes with what it captured", function()
  local bot = example("convert_units")
  bot:mention { id = "1", text = "convert 12.5 miles please" }
  bot:expect { "reply 1: @alice@hills.example That is 20.117 km." }
end)

test.case("notifications tells the types apart", function()
  local bot = example("notifications")
  bot:mention { id = "1", text = "hello" }
  bot:event("notification", { id = "2", type = "follow", created_at = "2026-11-20T12:00:00.000Z", account = test.account() },
    { "user" })
  bot:event("notification", { id = "3", type = "admin.report", created_at = "2026-11-20T12:00:00.000Z",
    account = test.account() }, { "user" })
  bot:expect { "favourite 1", "archive reports: notification 3" }
end)

test.case("direct_messages answers in private, and not itself", function()
  local bot = example("direct_messages")
  local function conversation(id, unread)
    return { id = id, unread = unread, accounts = { test.account() },
      last_status = test.status { id = "s" .. id, text = "hi", visibility = "direct" } }
  end
  bot:event("conversation", conversation("1", true), { "direct" })
  bot:event("conversation", conversation("2", false), { "direct" })
  test.equal(bot.actions[1].json.visibility, "direct")
  bot:expect { "reply s1: @alice@hills.example Thank you, a human will read this." }
end)

test.case("json_log writes a line for each kind", function()
  local bot = example("json_log")
  bot:update({ id = "1" }, { "public:local" })
  bot:delete("2", { "public:local" })
  local log = table.concat(bot.log, "\n")
  test.contains(log, '"kind":"update"')
  test.contains(log, '"id":"2"')
  bot:expect {}
end)

test.case("combined_match wants all of its conditions", function()
  local bot = example("combined_match")
  bot:update { id = "1", text = "The fediverse is fun" }
  bot:update { id = "2", text = "anything", tags = { "fediverse" } }
  bot:update { id = "3", text = "crypto on the fediverse" }
  bot:update { id = "4", text = "fediverse", language = "fr" }
  bot:update { id = "5", text = "fediverse", account = { followers_count = 1 } }
  bot:update { id = "6", text = "fediverse", account = { bot = true } }
  bot:expect { "favourite 1", "favourite 2" }
end)

test.case("watch_connection loads", function()
  example("watch_connection"):expect {}
end)

test.case("every example has a case here", function()
  local source = io.open((os.getenv("MOONTUSK_SOURCE") or ".") .. "/tests/lua/examples_test.lua"):read("a")
  local list = io.popen("ls '" .. (os.getenv("MOONTUSK_SOURCE") or ".") .. "/examples'")
  for file in list:lines() do
    local name = file:match("^(.*)%.lua$")
    if name then test.contains(source, 'example("' .. name .. '"') end
  end
  list:close()
end)

test.case("domain_burst tells of five accounts in ten minutes, wherever the clock stands, is quiet for an hour, and sums up", function()
  local hook, other = "https://hooks.example/mods", "https://discord.example/hook"
  local bot = example("domain_burst", { to = { hook, "discord:" .. other } })
  local number = 0
  local function post(minutes, who, domain)
    number = number + 1
    bot:advance(minutes * 60000)
    bot:update({ id = tostring(number), text = "Casino bonus " .. number, account = { acct = who .. "@" .. domain } },
      { "public:remote" })
  end
  for index, minutes in ipairs { 0, 3, 3, 3, 2 } do post(minutes, "slow" .. index, "slow.example") end
  bot:expect {}
  for _ = 1, 9 do post(0, "same", "one.example") end
  bot:expect {}
  for index, minutes in ipairs { 0, 3, 3, 3 } do post(minutes, "fast" .. index, "fast.example") end
  bot:expect {}
  post(0.9, "fast5", "fast.example")
  test.equal(bot.actions[1].json.title, "5 accounts of fast.example")
  test.contains(bot.actions[1].json.text, "5 posts in 10m")
  test.contains(bot.actions[1].json.text, "https://hills.example/@alice/1001 by @fast5@fast.example")
  test.contains(bot.actions[2].json.content, "**5 accounts of fast.example**")
  bot:expect { "forward " .. hook, "forward " .. other }
  post(1, "fast6", "fast.example")
  post(1, "fast7", "fast.example")
  bot:advance(57 * 60000)
  bot:expect {}
  bot:advance(2 * 60000)
  test.equal(bot.actions[1].json.title, "fast.example went on")
  test.contains(bot.actions[1].json.text, "2 more posts in 60 minutes")
  bot:expect { "forward " .. hook, "forward " .. other }
  bot:advance(3 * 3600000)
  bot:expect {}
  for index = 1, 5 do post(index == 1 and 60 or 0, "again" .. index, "fast.example") end
  bot:expect { "forward " .. hook, "forward " .. other }
  bot:advance(3 * 3600000) -- nothing went on: no summary
  bot:expect {}
end)

test.case("newborn_spammer reports a young account once, with the posts and the rule, and spares staff and allies", function()
  local bot = example("newborn_spammer", { spare = { "@ally@good.example" } })
  local number = 0
  local function post(acct, given)
    number = number + 1
    given = given or {}
    given.id = tostring(number)
    given.account = { id = acct, acct = acct, created_at = "2026-11-20T00:00:00.000Z", roles = given.roles or {} }
    given.roles = nil
    bot:advance(1000)
    bot:update(given)
  end
  for _ = 1, 20 do post("new@bad.example") end
  bot:expect {}
  post("new@bad.example")
  local sent = bot.actions[1].json
  bot:expect { "report new@bad.example" }
  test.equal(#sent.status_ids, 21)
  test.contains(sent.comment, "rule posts: 21 original posts")
  for _ = 1, 5 do post("new@bad.example") end
  for _ = 1, 25 do post("ally@good.example") end
  for _ = 1, 25 do post("mod", { roles = { { id = "3", name = "Moderator" } } }) end
  bot:expect {}
  local function mentions(from, to)
    local list = {}
    for index = from, to do list[#list + 1] = { id = tostring(index), username = "u" .. index, acct = "u" .. index, url = "" } end
    return { mentions = list }
  end
  post("caller@bad.example", mentions(1, 8))
  post("caller@bad.example", mentions(1, 15))
  bot:expect {}
  post("caller@bad.example", mentions(16, 16))
  test.contains(bot.actions[1].json.comment, "rule mentions: 16 people")
  bot:expect { "report caller@bad.example" }
end)
