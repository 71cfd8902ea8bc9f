-- SPDX-License-Identifier: MIT
-- Tests of the practice instance's faults, as far as they need no socket.
local chaos = require "practice.chaos"
local delivery = require "practice.delivery"
local faults = require "practice.faults"
local given = require "practice.given"
local happened = require "practice.happened"
local hub = require "practice.hub"
local limits = require "practice.limits"
local paging = require "practice.paging"
local scenario = require "practice.scenario"
local store = require "practice.store"
local timers = require "practice.timers"
local fault_actions = require "practice.fault_actions"

local cases = {}

local function case(name, f)
  cases[#cases + 1] = { name, f }
end

local function same(got, expected, what)
  if got ~= expected then
    error(("%s\n  got      %s\n  expected %s"):format(what or "differs", tostring(got), tostring(expected)), 2)
  end
end

-- Time and timers that a test moves on.
local function fake_time()
  local time = { ms = 1000000, due = {} }
  function time.clock()
    return time.ms
  end
  function time.after(ms, f)
    table.insert(time.due, { at = time.ms + ms, f = f })
    return #time.due
  end
  function time.pass(ms)
    time.ms = time.ms + ms
    local due = time.due
    time.due = {}
    for _, row in ipairs(due) do
      if row.at <= time.ms then
        row.f()
      else
        table.insert(time.due, row)
      end
    end
  end
  return time
end

-- A hub with one listener, "p", of the public timeline and one, "h", of a home; what went out is a text.
local function small_hub()
  local time, sent = fake_time(), {}
  local out = hub.new({
    event = function(conn, event, payload)
      sent[#sent + 1] = conn .. ":" .. event .. (payload and payload:match("%d+") or "")
    end,
  }, time.clock)
  local trouble = delivery.new(out, time, function(n)
    return n
  end)
  local subs = { p = { conn = "p", label = "[]" }, h = { conn = "h", label = "[]" } }
  out:subscribe("timeline:public", subs.p)
  out:subscribe("timeline:1", subs.h)
  local function heard()
    local all = table.concat(sent, " ")
    for i = #sent, 1, -1 do
      sent[i] = nil
    end
    return all
  end
  local function post(channel, id)
    out:publish(channel, "update", '{"id":"' .. id .. '","account":{"acct":"alice"}}')
  end
  return { time = time, hub = out, delivery = trouble, heard = heard, post = post, subs = subs }
end

case("twice: the next events come twice, then all is well", function()
  local w = small_hub()
  w.delivery:add("twice", { count = 2, channel = "timeline:public" })
  w.post("timeline:1", 1)
  for id = 2, 4 do
    w.post("timeline:public", id)
  end
  same(w.heard(), "h:update1 p:update2 p:update2 p:update3 p:update3 p:update4")
end)

case("shuffle: the next events come together, in another order", function()
  local w = small_hub()
  w.delivery:add("shuffle", { count = 3 })
  w.post("timeline:public", 1)
  w.post("timeline:public", 2)
  same(w.heard(), "")
  w.post("timeline:public", 3)
  same(w.heard(), "p:update3 p:update1 p:update2")
  w.post("timeline:public", 4)
  same(w.heard(), "p:update4")
  w.delivery:add("shuffle", { count = 3 })
  w.post("timeline:public", 5)
  w.time.pass(delivery.HOLD_MS)
  same(w.heard(), "p:update5", "not held for ever")
  w.post("timeline:public", 6)
  same(w.heard(), "p:update6")
end)

case("overtake: a deletion comes before its update", function()
  local w = small_hub()
  w.delivery:add("overtake", { count = 2 })
  w.post("timeline:public", 1)
  w.post("timeline:public", 2)
  w.post("timeline:public", 3)
  same(w.heard(), "p:update3")
  w.hub:publish("timeline:public", "delete", "2")
  same(w.heard(), "p:delete2 p:update2")
  w.time.pass(delivery.HOLD_MS)
  same(w.heard(), "p:update1")
end)

case("swallow: the next events of a kind never come", function()
  local w = small_hub()
  w.delivery:add("swallow", { count = 0, event = "delete", ms = 5000 })
  w.hub:publish("timeline:public", "delete", "1")
  w.post("timeline:public", 2)
  w.time.pass(5000)
  w.hub:publish("timeline:public", "delete", "3")
  same(w.heard(), "p:update2 p:delete3")
end)

case("absent: home is silent but for deletes, until somebody subscribes", function()
  local w = small_hub()
  same(w.delivery:forget_listeners(360000), 1)
  w.post("timeline:1", 1)
  w.hub:publish("timeline:1", "delete", "2")
  w.post("timeline:public", 3)
  same(w.heard(), "h:delete2 p:update3")
  w.hub:subscribe("timeline:1", { conn = "n", label = "[]" })
  w.post("timeline:1", 4)
  same(w.heard(), "h:update4 n:update4")
  w.delivery:forget_listeners(360000)
  w.time.pass(360000)
  w.post("timeline:1", 5)
  same(w.heard(), "h:update5 n:update5")
end)

case("what is held goes out when the faults are cleared", function()
  local w = small_hub()
  w.delivery:add("overtake", { count = 1 })
  w.post("timeline:public", 1)
  w.delivery:clear()
  same(w.heard(), "p:update1")
end)

case("a deaf subscription hears nothing for its time, a new one does", function()
  local w = small_hub()
  w.subs.p.deaf = w.time.ms + 1000
  w.hub:subscribe("timeline:public", { conn = "n", label = "[]" })
  w.post("timeline:public", 1)
  w.time.pass(1000)
  w.post("timeline:public", 2)
  same(w.heard(), "n:update1 p:update2 n:update2")
end)

case("a feed that is switched off hides posts, not their deletion", function()
  local w, trouble = small_hub(), faults.new(function()
    return 0
  end)
  same(trouble:hides("timeline:public"), nil)
  trouble.feeds.live_remote = "disabled"
  same(trouble:hides("timeline:hashtag:cats"), nil)
  same(trouble:hides("timeline:1"), nil)
  w.subs.p.hides = trouble:hides("timeline:public:remote")
  w.post("timeline:public", 1)
  w.hub:publish("timeline:public", "update", '{"id":"2","account":{"acct":"remo@far.example"}}')
  w.hub:publish("timeline:public", "status.update", "3", { account = { is_local = false } })
  w.hub:publish("timeline:public", "delete", "2")
  same(w.heard(), "p:update1 p:delete2")
end)

local function request(path, method, query)
  return { path = path, method = method or "GET", query = query or "" }
end

case("failures end after their number or their time", function()
  local time = fake_time()
  local trouble = faults.new(time.clock)
  trouble:fail { path = "/api/v1/statuses", status = 502, times = 2 }
  same(trouble:answer(request "/api/v1/timelines/home"), nil)
  for _ = 1, 2 do
    local answer = trouble:answer(request "/api/v1/statuses/1")
    same(answer.status .. " " .. answer.content_type, "502 text/html")
    same(answer.body:find("<h1>502 Bad Gateway</h1>", 1, true) ~= nil, true)
  end
  same(trouble:answer(request "/api/v1/statuses/1"), nil)
  trouble:fail { path = "/", status = 500, ms = 1000 }
  for _ = 1, 3 do
    same(trouble:answer(request "/x").body, '{"error":"An unexpected error occurred"}')
  end
  time.pass(1000)
  same(trouble:answer(request "/x"), nil)
end)

case("redirects lead to a slash, another host, or an address", function()
  local trouble = faults.new(function()
    return 0
  end)
  local function leads_to(to)
    trouble:clear()
    trouble:fail { path = "/api", status = 301, location = to }
    return trouble:answer(request("/api/v1/streaming", "GET", "stream=user")).location
  end
  same(leads_to("slash"), "/api/v1/streaming/?stream=user")
  same(leads_to("https://streams.example"), "https://streams.example/api/v1/streaming?stream=user")
  same(leads_to("https://streams.example/other"), "https://streams.example/other")
  trouble:clear()
  trouble:fail { path = "/api", status = 308, location = "slash" }
  local upgrade = trouble:for_upgrade(request "/api/v1/streaming")
  same(upgrade.status .. " " .. upgrade.location, "308 /api/v1/streaming/")
end)

case("a limit may name a reset that is past", function()
  local time = fake_time()
  local trouble = faults.new(time.clock)
  local bucket = limits.new(time.clock, trouble)
  trouble:limit(10000, -5000)
  local headers, over = bucket:count("t")
  same(over, true)
  same(headers[6], "1970-01-01T00:16:35.000000Z")
  time.pass(10000)
  same(select(2, bucket:count("t")), false)
end)

case("min_id may be taken for since_id, and home has an end", function()
  local list = {}
  for i = 1, 9 do
    list[i] = { id = tostring(i) }
  end
  local function ids(no_min_id)
    local out = {}
    for i, item in ipairs(paging.page(list, paging.cursor({ min_id = "2", limit = "3" }, 20, 40, no_min_id), function()
      return true
    end)) do
      out[i] = item.id
    end
    return table.concat(out, " ")
  end
  same(ids(false), "5 4 3")
  same(ids(true), "9 8 7")
  local memory = store.new()
  memory.statuses = list
  local function odd(st)
    return tonumber(st.id) % 2 == 1
  end
  same(memory:nth_newest(2, odd), "7")
  same(memory:nth_newest(6, odd), nil)
end)

-- A script against actions that only write down what they were called with.
local function run(source)
  local acts, plans = {}, {}
  local ctx = {
    act = function(name, p)
      local fields = {}
      for key, value in pairs(p) do
        fields[#fields + 1] = key .. "=" .. tostring(value)
      end
      table.sort(fields)
      acts[#acts + 1] = name .. "(" .. table.concat(fields, ",") .. ")"
      if p.text == "wrong" then
        return nil, "that is wrong"
      end
      return "{}"
    end,
  }
  local after, every = timers.after, timers.every
  timers.after = function(ms, f)
    plans[#plans + 1] = { "at", ms, f }
  end
  timers.every = function(ms, f)
    plans[#plans + 1] = { "every", ms, f }
  end
  local told = {}
  local fine, problem = scenario.run(ctx, "s.lua", source, function(words)
    told[#told + 1] = words
  end)
  timers.after, timers.every = after, every
  local times = {}
  local at_once = table.concat(acts, " ")
  for i, plan in ipairs(plans) do
    times[i] = plan[1] .. " " .. plan[2]
    plan[3]()
  end
  return { fine = fine, problem = problem, at_once = at_once, later = table.concat(acts, " "), told = told,
    times = table.concat(times, ", ") }
end

case("a time may stand before an action or hold it", function()
  for _, source in ipairs { 'at("2s", close, 1012)', 'at "2s" close(1012)', 'at("2s") close { code = 1012 }',
    'at("2s", close, { code = 1012 })', 'at("2s", function() close(1012) end)' } do
    local done = run(source)
    same(done.problem, nil, source)
    same(done.at_once, "", source)
    same(done.times, "at 2000", source)
    same(done.later, "close(code=1012)", source)
  end
  local done = run 'drop()\nat "1s" stall("public", "5s")\nat "2s" clear()\nevery "1m" post { text = "x", from = "kit" }'
  same(done.at_once, "drop()")
  same(done.times, "at 1000, at 2000, every 60000")
  same(done.later, "drop() stall(for=5s,stream=public) clear() post(from=kit,text=x)")
end)

case("mistakes in a script name its line", function()
  same(run('\nat("soon", drop)').problem, 's.lua:2: "soon" is no duration; write it like "2s", "500ms" or "1m"')
  same(run('\n\ndrop(1, 2, 3)').problem, "s.lua:3: too many arguments")
  same(run('post("wrong")').problem, "s.lua:1: post: that is wrong")
  same(run('at "2s"').problem, 's.lua: at "2s" is followed by no action')
  same(run('at "2s"\nat "3s" drop()').problem, 's.lua:2: at "2s" is followed by another time, not by an action')
  same(run('at("2s", 5)').problem, 's.lua:1: the second argument is a function, as in at("2s", drop)')
  local done = run('at "2s" post("wrong")')
  same(done.fine, true)
  same(#done.told, 1)
  same(done.told[1]:find("post: that is wrong", 1, true) ~= nil, true)
end)

case("every fault has a short form in scripts, and none is without a fault", function()
  local others = { post = true, mention = true, direct = true, edit = true, delete = true, boost = true, favourite = true,
    follow = true, send = true }
  for name in pairs(fault_actions) do
    same(scenario.SHORT[name] ~= nil, true, name)
  end
  for name in pairs(scenario.SHORT) do
    same(fault_actions[name] ~= nil or others[name] == true, true, name)
  end
end)

-- What a seed makes happen in so many minutes.
local function chaos_of(options)
  local time, log = fake_time(), {}
  local after, stop = timers.after, timers.stop
  timers.after, timers.stop = time.after, function() end
  local fine, problem = pcall(function()
    local c = chaos.new({ faults = { clock = time.clock }, act = function(name, p)
      log[#log + 1] = name .. (p["for"] or p.count or p.code or "")
      return "{}"
    end }, options)
    for _ = 1, 3600 do
      time.pass(1000)
    end
    c:stop()
  end)
  timers.after, timers.stop = after, stop
  if not fine then
    error(problem, 0)
  end
  return log
end

case("chaos is the same for a seed, and every fault comes", function()
  local first, again = chaos_of { seed = 7, every = 5000 }, chaos_of { seed = 7, every = 5000 }
  same(table.concat(first, " "), table.concat(again, " "))
  same(table.concat(first, " ") ~= table.concat(chaos_of { seed = 8, every = 5000 }, " "), true)
  same(#first > 400 and #first < 1000, true, #first .. " in an hour")
  local seen = {}
  for _, row in ipairs(first) do
    seen[row:match("^[%a_]+")] = true
  end
  for _, name in ipairs { "drop", "close", "truncate", "stall", "bytewise", "drip", "down", "twice", "shuffle", "overtake",
    "refuse", "refuse_upgrades", "limit", "fail", "regenerate", "garbage", "broken_utf", "buffer", "hush" } do
    same(seen[name], true, name)
  end
  same(seen.deafen or seen.absent or seen.swallow or seen.feed or seen.home_depth or seen.revoke, nil)
end)

case("chaos of all faults has those that hide events for a while, but none that is final", function()
  local seen = {}
  for _, row in ipairs(chaos_of { seed = 7, every = 2000, names = "all" }) do
    seen[row:match("^[%a_]+")] = true
  end
  for _, name in ipairs { "deafen", "absent", "swallow", "feed", "home_depth", "misread_min_id", "redirect", "huge" } do
    same(seen[name], true, name)
  end
  same(seen.revoke, nil)
end)

case("what faults have done is counted by kind", function()
  local note, counts = happened.new()
  note "twice"
  note("drop", 3)
  note("twice", 2)
  note("stall", 0)
  same(happened.json(counts), '{"happened":{"drop":3,"twice":3}}')
  local trouble = faults.new(function() return 1000 end, note)
  trouble:fail { path = "/api", status = 401, times = 1 }
  trouble:refuse(502, 100)
  for _ = 1, 3 do
    trouble:answer { path = "/api/x", method = "GET", query = "" }
  end
  same(counts["answer 401"], 1)
  same(counts["refused 502"], 2)
end)

case("chaos does what is named, ends, and refuses what it does not know", function()
  local log = chaos_of { seed = 1, every = 60000, names = "swallow, close_1013", ms = 600000 }
  same(#log >= 6 and #log <= 20, true, #log .. " in ten minutes")
  for _, row in ipairs(log) do
    same(row:find("^swallow[1-5]$") ~= nil or row == "close1013", true, row)
  end
  local fine, problem = pcall(chaos_of, { seed = 1, every = 1000, names = "nonsense" })
  same(fine, false)
  same(problem, "nonsense is no fault of chaos")
end)

case("what actions are given is checked in words for people", function()
  local function wrong(f, ...)
    return select(2, pcall(f, ...))
  end
  same(wrong(given.number, "x"), "x is no whole number")
  same(given.number("12"), 12)
  same(given.span("-5s"), -5000)
  same(wrong(given.duration, "soon"), "soon is no duration; write it like 5s, 2m or 500ms")
  same(wrong(given.choice, "b", { a = true, c = true }, "a", "letter"), "b is no letter; there are: a, c")
end)

local main = {}

function main.start()
  print("1.." .. #cases)
  local failed = 0
  for i, row in ipairs(cases) do
    local fine, problem = pcall(row[2])
    print(("%sok %d - %s"):format(fine and "" or "not ", i, row[1]))
    if not fine then
      failed = failed + 1
      print("# " .. tostring(problem):gsub("\n", "\n# "))
    end
  end
  if failed > 0 then
    error(failed .. " failed", 0)
  end
end

return main
