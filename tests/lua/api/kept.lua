-- SPDX-License-Identifier: MIT
-- Tables of events that a plugin keeps in every way that it can: each goes on to show its own event. tests/unit/script/test_kept.c
-- delivers posts 1, 2, 3, ... and expects that every seventh handler raises.
local tusk = require "moontusk"

local LAST = 60
local last                                            -- an upvalue
local kept, events, accounts, readers, proxies = {}, {}, {}, {}, {}
local coroutines, halves, changed, awake, chosen = {}, {}, {}, {}, {}
local numbers = {} -- by table

assert(not pcall(setmetatable, {}, { __mode = "k" }), "no plugin can see what is collected")

-- All that the post number n says.
local function is(status, n)
  assert(status.id == tostring(n), status.id)
  assert(status.content == "<p>post number " .. n .. ", which is long enough to be kept as a text</p>", status.content)
  assert(status.account.acct == "user" .. n .. "@s.example")
  assert(rawequal(status.account, status.account), "one table for one account")
  assert(#status.tags == n % 3 and (n % 3 == 0 or status.tags[1].name == "tag" .. n))
  assert(status.poll == nil and status.nothing == nil and status.reblogs_count == n)
  assert(type(status.boost) == "function" and type(status.account.follow) == "function")
end

local function is_event(event, n)
  assert(event.kind == "update" and event.account == "bot" and event.origin == "live")
  assert(event.streams[1][1] == "public" and rawequal(event.streams, event.streams))
  assert(event.raw:find('"id":"' .. n .. '"', 1, true))
  assert(next(event.match) == nil and type(event.archive) == "function")
end

local function same(a, b)
  if type(a) ~= "table" then
    return a == b
  end
  for key, value in pairs(a) do
    if not same(value, b[key]) then
      return false
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false
    end
  end
  return true
end

local function look_back(n)
  if last then
    is(last, n - 1)
  end
  for _, m in ipairs { 1, n // 3, n // 2, n - 2 } do
    if kept[m] then
      is(kept[m], m)
      is_event(events[m], m)
      assert(accounts[m].acct == "user" .. m .. "@s.example" and rawequal(accounts[m], kept[m].account))
      assert(readers[m]() == tostring(m) .. " update")
      assert(proxies[m].id == tostring(m) and proxies[m].account.id == "a" .. m)
      assert(numbers[kept[m]] == m)
      assert(coroutines[m]() == "user" .. m .. "@s.example")
      assert(changed[m].content == nil and changed[m].mine == m and changed[m].account.acct == m)
      assert(changed[m].id == tostring(m) and not rawequal(changed[m], kept[m]))
      assert(chosen[m] == nil or chosen[m].id == tostring(m))
    end
  end
end

tusk.on("update", function(status, event)
  local n = tonumber(status.id)
  look_back(n)
  assert(not pcall(setmetatable, status, {}), "its metatable is its own")
  last, kept[n], events[n], accounts[n], numbers[status] = status, status, event, status.account, n
  readers[n] = function() return status.id .. " " .. event.kind end
  proxies[n] = setmetatable({}, { __index = status })
  coroutines[n] = coroutine.wrap(function()
    while true do
      coroutine.yield(status.account.acct)
    end
  end)
  coroutines[n]()
  if n % 7 == 0 then
    error("on purpose " .. n)
  end
end)

-- Its own tables of the same event: what it changes there is not seen elsewhere.
tusk.on("update", function(status)
  local n = tonumber(status.id)
  status.content, status.mine, status.account.acct = nil, n, n
  changed[n] = status
end)

-- Half of the members now, the rest when the handler has ended.
tusk.on("update", function(status)
  local n = tonumber(status.id)
  local before = halves[n - 1]
  if before then
    for key, value in before.next, before.table, before.key do
      before.seen[key] = value
    end
    assert(same(before.seen, tusk.json.decode(before.raw)), "pairs went on in its own event")
  end
  local seen, count, at = {}, 0, nil
  for key, value in pairs(status) do
    seen[key], count, at = value, count + 1, key
    if count == 3 then
      break
    end
  end
  halves[n] = { next = next, table = status, key = at, seen = seen, raw = tusk.json.encode(status) }
end)

-- One that waits while others come; another argument by name only, and by `...` only.
tusk.on("update", function(...)
  local status, event = ...
  assert(select("#", ...) == 2)
  local n = tonumber(status.id)
  if n % 5 == 0 then
    local account = status.account
    tusk.sleep("1s")
    is(status, n)
    is_event(event, n)
    assert(rawequal(account, status.account))
    awake[#awake + 1] = n
  end
end)

-- A where function keeps one, and the handler has no parameter for anything.
tusk.on("update", { where = function(status)
  chosen[tonumber(status.id)] = status
  return tonumber(status.id) % 2 == 0
end }, function()
  if #kept == LAST then
    last = nil
    collectgarbage()
    for n = 1, LAST do
      look_back(n + 2)
      assert(same(kept[n], tusk.json.decode(events[n].raw)) and same(kept[n], tusk.json.decode(tusk.json.encode(kept[n]))))
    end
    assert(#awake >= 1 and awake[1] == 5)
    tusk.log.info("all looked at")
  end
end)
