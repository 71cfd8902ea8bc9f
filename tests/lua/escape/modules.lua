-- SPDX-License-Identifier: MIT
-- Tricks with the library that plugins get: patterns, JSON, the store, logs, effects, registration. Run by test_escape.c.
--- fine|error|cpu: a regular expression that backtracks
return tusk.regex.match(("a"):rep(5000) .. "!", "(a+)+$")
--- cpu: backtracking, caught again and again
while true do pcall(tusk.regex.match, ("a"):rep(5000) .. "!", "(a|aa)+$") end
--- error|cpu: an expression that starts at every byte
return tusk.regex.match((" "):rep(1 << 20) .. "x", [[\s+$]])
--- error|cpu: an expression that starts at every byte of a long text
return tusk.regex.match((" "):rep(8 << 20) .. "x", [[\s+$]])
--- error: an expression that is a bomb
return tusk.regex.new(("("):rep(20) .. "a" .. (")){1000}"):rep(20))
--- error: an expression that repeats repeats
return tusk.regex.new("((((((a{1,200}){1,200}){1,200}){1,200}){1,200}){1,200})")
--- fine|error|cpu: an expression as long as is possible
return tusk.regex.new(("(a|b)?"):rep(10000))
--- cpu|memory: expressions without end
local t = {}
for i = 1, math.huge do t[i] = tusk.regex.new("(a|b|c)+" .. i) end
--- cpu|memory: expressions that nobody keeps
for i = 1, math.huge do tusk.regex.match("x", "(a|b|c)+" .. i) end
--- cpu: gsub whose function never returns
tusk.regex.gsub("a", "a", function() while true do end end)
--- cpu|memory: gsub that grows
local s = "a"
while true do s = tusk.regex.gsub(s, ".", "%0%0") end
--- cpu|memory: gsub with a template of much
return tusk.regex.gsub(("a"):rep(1 << 20), "a", ("%0"):rep(1 << 16))
--- cpu: splitting nothing for ever
while true do for _ in tusk.regex.split("abc", "") do end end
--- cpu|memory: gmatch on much
local t = {}
for word in tusk.regex.gmatch(("a "):rep(4 << 20), [[\w]]) do t[#t + 1] = word .. #t end
--- cpu|memory|error: JSON of a table that holds itself twice, many times
local t = {}
for _ = 1, 60 do t = { t, t } end
return tusk.json.encode(t)
--- error: JSON of a table that holds itself
local t = {}
t.t = t
return tusk.json.encode(t)
--- cpu|memory|error: JSON of many keys
local t = {}
for i = 1, 200000 do t["key" .. i] = i end
while true do tusk.json.encode(t) end
--- cpu|memory: JSON of many lists
return tusk.json.decode("[" .. ("[],"):rep(2 << 20) .. "[]]")
--- cpu|memory: JSON of many numbers
local t = {}
while true do t[#t + 1] = tusk.json.decode("[" .. ("1,"):rep(1 << 20) .. "1]") end
--- fine: JSON that nests too deep
return tusk.json.decode(("["):rep(1 << 20))
--- fine|cpu|memory: JSON of one long text
return tusk.json.decode('"' .. ("\\u00e4"):rep(1 << 20) .. '"')
--- cpu: a list whose length never comes
return tusk.json.encode(setmetatable({}, { __len = function() while true do end end, __index = function() while true do end end,
  __pairs = function() while true do end end }).x)
--- cpu: visible text of much
local html = ("<p>a &amp; <a href='x'>b</a></p>"):rep(60000)
while true do tusk.text.visible(html) tusk.text.links(html) end
--- error: visible text of more than there can be
return tusk.text.visible(("<p>"):rep(3 << 20))
--- cpu: levels of HTML
while true do tusk.text.visible(("<a href='x'>"):rep(50000)) end
--- error handler: the store with tables that nest too deep
local t = {}
for _ = 1, 100 do t = { t } end
tusk.store.x = t
--- error|memory|cpu handler: the store with more than there can be
tusk.store.x = ("x"):rep(2 << 20)
--- error|output|memory|cpu handler: the store with many keys
for i = 1, math.huge do tusk.store["k" .. i] = ("x"):rep(10000) end
--- error|cpu handler: the store with a metamethod
tusk.store.x = setmetatable({}, { __index = function() while true do end end, __pairs = function() while true do end end })
while true do tusk.store.x = { 1 } end
--- output|cpu|error handler: actions without end
while true do tusk.post { text = "x" } end
--- cpu|error handler: actions without end, caught
while true do pcall(tusk.post, { text = "x" }) end
--- cpu|error handler: an action with fields that never come
tusk.post(setmetatable({}, { __index = function() while true do end end }))
while true do end
--- output|cpu|memory|error handler: long actions
while true do tusk.post { text = ("x"):rep(900000) } end
--- error|cpu|memory|output handler: functions that wait without end
while true do tusk.after("1h", function() end) end
--- error|cpu handler: to wait inside a sort
table.sort({ 2, 1 }, function() tusk.sleep("1s") end)
while true do end
--- cpu: logs without end
while true do tusk.log.warn(("x"):rep(1000)) end
--- cpu|memory: long lines
local s = ("x"):rep(4 << 20)
while true do tusk.log.warn("%s", s) end
--- error: a module that is not there
require "nothing"
--- cpu: modules that are not there, caught
while true do pcall(require, "nothing") pcall(require, "a.b.c.d") end
--- error|cpu: handlers without end
for _ = 1, 1000000 do tusk.on("update", print) end
--- cpu: handlers without end, caught
while true do pcall(tusk.on, "update", print) end
--- error|cpu: streams without end
for i = 1, 1000000 do tusk.subscribe("hashtag", "tag" .. i) end
--- error|cpu: schedules without end
for i = 1, 1000000 do tusk.every("1h", { name = "n" .. i }, print) end
--- error|cpu|memory: a match table of very many patterns
local patterns = {}
for i = 1, 4000 do patterns[i] = ("(a|b|c|d)+?(e|f){1,50}" .. i) end
tusk.on("update", { text = patterns }, print)
while true do end
--- error|cpu|memory: a match table of very many words
local words = {}
for i = 1, 200000 do words[i] = "word" .. i end
tusk.on("update", { words = words }, print)
while true do end
--- error|cpu: a match table that nests too deep
local t = { text = "x" }
for _ = 1, 1000 do t = { any = { t } } end
tusk.on("update", t, print)
--- error|cpu: a match table that holds itself
local t = {}
t.any = { t }
tusk.on("update", t, print)
--- error|cpu: a match table with metamethods
tusk.on("update", setmetatable({}, { __pairs = function() while true do end end, __index = function() while true do end end }), print)
while true do end
--- error|cpu: options that never end
tusk.options(setmetatable({}, { __pairs = function() while true do end end }))
while true do end
--- error|cpu|memory: a million options
local t = {}
for i = 1, 100000 do t["option" .. i] = { i, help = "x" } end
tusk.options(t)
while true do end
--- error|cpu: a million permissions
local t = {}
for i = 1, 100000 do t[i] = "http:h" .. i .. ".example" end
tusk.plugin { permissions = t }
--- cpu: the library replaced
string.format = function() while true do end end
while true do pcall(tusk.on, "nothing", 1) pcall(tusk.log.info, "%d", 1) end
--- cpu: times that never are
while true do pcall(tusk.time.parse, ("9"):rep(10000)) pcall(tusk.every, ("9"):rep(10000), print) end
--- cpu|error: dates of many years
for year = 1, math.huge do os.date("!%Y", year * 1000000) end
--- cpu: changing the library
while true do pcall(function() tusk.on = nil end) end
--- cpu: handlers of an ended call
kept = kept or function() while true do end end
pcall(kept)
kept()
--- error: the metatable of texts
local mt = getmetatable("")
assert(mt == false)
error("no")
--- error: libraries that are not there
assert(debug == nil and io == nil and package == nil and dofile == nil and loadfile == nil and os.execute == nil)
error("no")
--- error: modules of the library that are not for plugins
local ok = pcall(require, "moontusk.wait") or pcall(require, "moontusk.core") or pcall(require, "moontusk.effect")
assert(not ok)
error("no")
--- error: what a loaded text gets at
local f = load("local x = ... return _ENV, require", "x", "t")
local env, req = f()
assert(env == _G)
assert(not pcall(req, "moontusk.effect"))
error("no")
--- error: bytecode
assert(not load("\27Lua"))
assert(string.dump == nil)
error("no")
--- cpu: JSON there and back
local t = {}
for i = 1, 50 do t = { t } end
while true do tusk.json.decode(tusk.json.encode(t)) end
--- cpu|error: an expression with nested repeats, again and again
while true do tusk.regex.find(("a"):rep(20000), "(a+)+b") end
--- cpu|memory|error: expressions that are kept
local t = {}
for i = 1, 1e9 do t[i] = tusk.regex.new("(a{1,100}){1,100}" .. i) end
