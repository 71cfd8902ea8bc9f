-- SPDX-License-Identifier: MIT
-- Tricks with library functions that run long without an instruction of Lua in between. Run by test_escape.c.
--- fine: to repeat nothing 2^62 times
return ("").rep("", 1 << 62)
--- fine: to repeat nothing with nothing between
return ("").rep("", 1 << 62, "")
--- memory: to repeat one byte 2^30 times
return ("x"):rep(1 << 30)
--- cpu: to try that again and again
local s = ("x"):rep(1 << 20)
while true do pcall(string.rep, s, 20) end
--- error: to repeat past every size
return ("x"):rep(math.maxinteger, "yy")
--- cpu: backtracking in a pattern of Lua
return ("a"):rep(100):find(("a*"):rep(20) .. "b")
--- cpu: backtracking with few
return ("a"):rep(100):find(("a-"):rep(20) .. "b")
--- cpu: a search that starts at every byte
return ("a"):rep(1 << 22):find(".-b")
--- cpu: sets as long as the text
return ("a"):rep(1 << 20):find("[" .. ("b"):rep(1 << 20) .. "]")
--- cpu: balance that never ends, from every byte
return ("("):rep(1 << 20):find("%b()")
--- cpu: a back-reference to much
return ("a"):rep(1 << 20):find("(.*).-%1b")
--- cpu: frontiers of long sets
return (" a"):rep(1 << 18):find("%f[" .. ("b"):rep(1 << 18) .. "]")
--- cpu: gsub whose function never returns
return (("x"):gsub("x", function() while true do end end))
--- memory|cpu: gsub that doubles
local s = "x"
while true do s = s:gsub(".", "%0%0") end
--- memory|cpu: gsub with a long template for each byte
return (("x"):rep(1 << 20):gsub("x", ("y"):rep(1 << 20)))
--- memory|cpu: a template of many captures of much
return (("x"):rep(1 << 20):gsub(".*", ("%0"):rep(1 << 20)))
--- cpu: gmatch without end
while true do for _ in ("a b c"):gmatch("^") do end end
--- cpu: gmatch of nothing, very often
for _ in ("a"):rep(1 << 24):gmatch("b*") do end
--- fine: plain find of a long text in a longer one
return (("a"):rep(1 << 22)):find(("a"):rep(1 << 21) .. "b", 1, true)
--- error: a width that no number needs
return ("%99999d"):format(1)
--- memory|cpu: a format of the same long text many times
local s = ("x"):rep(1 << 20)
local list = {}
for i = 1, 200 do list[i] = s end
return ("%s"):rep(200):format(table.unpack(list))
--- memory|cpu: a format that quotes much
local s = ("\0"):rep(12 << 20)
return ("%q"):format(s)
--- cpu: a format of an object whose text never ends
return ("%s"):format(setmetatable({}, { __tostring = function() while true do end end }))
--- memory|cpu: a format of objects with long texts
local s = ("x"):rep(1 << 20)
local object = setmetatable({}, { __tostring = function() return s end })
local list = {}
for i = 1, 200 do list[i] = object end
return ("%s"):rep(200):format(table.unpack(list))
--- memory: to pack a text into a gigabyte
return string.pack("c1000000000", "x")
--- memory: to pack it in many steps
return string.pack(("c100000000"):rep(20), table.unpack({}, 1, 0), "x")
--- memory|cpu: to pack the same long text many times
local s = ("x"):rep(1 << 20)
local list = {}
for i = 1, 200 do list[i] = s end
return string.pack(("s4"):rep(200), table.unpack(list))
--- fine|error: to read much with unpack
return string.unpack(("b"):rep(100000), ("x"):rep(100000))
--- error|memory: to unpack a million values
return select("#", table.unpack({}, 1, 1000000))
--- error: to unpack more than there can be
return table.unpack({}, 1, 1 << 40)
--- error: to join 2^62 elements that are not there
return table.concat({}, "", 1, 1 << 62)
--- memory|cpu: to join elements that C makes up
return table.concat(setmetatable({}, { __index = rawlen }), "", 1, 1 << 62)
--- memory|cpu: to join the same long text many times
local s = ("x"):rep(1 << 20)
return table.concat(setmetatable({}, { __index = function() return s end }), "", 1, 1000)
--- cpu: to move 2^60 elements
return table.move({}, 1, 1 << 60, 2)
--- cpu: to move what C makes up
return table.move(setmetatable({}, { __index = rawlen, __newindex = rawequal }), 1, 1 << 60, 1 << 61)
--- cpu: to insert into a list of claimed length
return table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, "x")
--- cpu: to remove from a list of claimed length
return table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)
--- cpu: a comparison that never ends
table.sort({ 3, 2, 1 }, function() while true do end end)
--- error|cpu: an order that is none
local list = {}
for i = 1, 100000 do list[i] = i end
table.sort(list, function() return true end)
--- cpu: an order that C makes up, of a claimed length
table.sort(setmetatable({}, { __len = function() return 1 << 30 end, __index = rawlen, __newindex = rawequal }), rawequal)
--- cpu: to sort much
local list = {}
for i = 1, 300000 do list[i] = (i * 7919) % 300007 end
while true do table.sort(list, function(a, b) return a > b end) table.sort(list) end
--- cpu: to sort with the order of a metamethod
local mt = { __lt = function() while true do end end }
table.sort({ setmetatable({}, mt), setmetatable({}, mt) })
--- cpu: the length of a thing that never answers
return #setmetatable({}, { __len = function() while true do end end })
--- cpu: an index that never answers
return setmetatable({}, { __index = function() while true do end end }).x
--- cpu: an assignment that never ends
setmetatable({}, { __newindex = function() while true do end end }).x = 1
--- cpu: a comparison that never answers
local mt = { __eq = function() while true do end end }
return setmetatable({}, mt) == setmetatable({}, mt)
--- cpu: a joining that never answers
return "x" .. setmetatable({}, { __concat = function() while true do end end })
--- cpu: a call that never returns
return setmetatable({}, { __call = function() while true do end end })()
--- cpu: pairs that never returns
for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end
--- cpu: arithmetic that never answers
return -setmetatable({}, { __unm = function() while true do end end })
--- cpu: a name that is no text
while true do pcall(tostring, setmetatable({}, { __name = 7 })) pcall(error, setmetatable({}, { __name = {} })) end
--- error: a chain of __index that is a ring
local a, b = {}, {}
setmetatable(a, { __index = b })
setmetatable(b, { __index = a })
return a.x
--- error: a finalizer
setmetatable({}, { __gc = function() while true do end end })
--- error: weak keys, whose collection can take minutes
setmetatable({}, { __mode = "k" })
--- cpu: a chain of weak keys whose table becomes weak later
local mt, keys = {}, {}
local e = setmetatable({}, mt)
mt.__mode = "k"
rawset(mt, "__mo" .. "de", "k")
for i = 1, 50000 do keys[i] = {} end
for i = 50000, 2, -1 do
  local j = i * 7919 % i + 1
  keys[i], keys[j] = keys[j], keys[i]
end
for i = 1, 49999 do e[keys[i]] = keys[i + 1] end
root, keys = keys[1], nil
while true do collectgarbage() end
--- cpu: a loop that collects garbage
while true do collectgarbage() end
--- cpu: code that was loaded
load("while true do end")()
--- cpu: loading in a loop
while true do load("return " .. ("1 + "):rep(1000) .. "1") end
--- fine: a reader that never ends
load(function() return ("x"):rep(1000) .. " " end)
--- cpu: a reader that loops
load(function() while true do end end)
--- fine: a text of many jumps
load(("goto e "):rep(9000) .. "::e::")
--- fine|cpu: a text of many labels
local parts = {}
for i = 1, 30000 do parts[i] = "::l" .. i .. "::" end
load(table.concat(parts))
--- fine|cpu: a text of many branches
load("if a then " .. ("elseif a then "):rep(70000) .. "end")
--- fine|cpu: a text of many conditions
load("return " .. ("a and "):rep(150000) .. "a")
--- fine: a text that nests too deep
load(("("):rep(200000))
--- error: bytecode
assert(load(string.dump and string.dump(print) or "\27Lua"))
--- error: debug
debug.sethook()
--- error: a metatable for texts
getmetatable("").__index = nil
--- fine: globals that answer nothing
setmetatable(_G, { __index = function() return nil end })
return nothing
--- cpu: globals that never answer
setmetatable(_G, { __index = function() while true do end end })
return nothing
--- cpu: pcall in place of everything
string.format, table.insert, tostring = pcall, pcall, pcall
while true do tostring(table.insert, string.format) end
--- error|cpu: a date of many parts
while true do os.date(("%c"):rep(500)) end
--- error: a date as long as a book
os.date(("%c"):rep(1 << 20))
--- cpu: times in a loop
while true do os.time() os.clock() end
--- cpu: to print in a loop
while true do print("x") end
--- cpu|memory: to print much at once
local s = ("x"):rep(1 << 20)
local list = {}
for i = 1, 200 do list[i] = s end
while true do print(table.unpack(list)) end
--- cpu: to print what never becomes a text
print(setmetatable({}, { __tostring = function() while true do end end }))
--- cpu: to log in a loop
while true do tusk.log.info("x %d", 1) end
--- cpu: letters of a long text
local s = ("x"):rep(1 << 22)
while true do s:upper() s:reverse() s:len() end
--- cpu: characters of a long text
local s = ("ä"):rep(1 << 20)
while true do utf8.len(s) utf8.offset(s, -1) end
--- error|cpu|memory: bytes as values
local s = ("x"):rep(1 << 20)
while true do s:byte(1, -1) end
--- error|cpu: characters as values
while true do utf8.codepoint(("x"):rep(1 << 20), 1, -1) end
--- cpu: numbers of long texts
local s = ("1"):rep(1 << 20)
while true do tonumber(s) tonumber(s, 10) end
--- cpu: next over holes
local t = {}
for i = 1, 100000 do t["k" .. i] = i end
for key in pairs(t) do t[key] = nil end
while true do next(t) end
--- cpu: comparing long texts that begin alike
local a, b = ("x"):rep(4000000) .. "a", ("x"):rep(4000000) .. "b"
while true do local _ = a < b end
--- cpu: long texts as keys
local t = {}
local a = ("x"):rep(4000000)
while true do t[a .. "b"] = nil end
--- cpu|error|fine: select of many, for ever
while true do select(-1, table.unpack({}, 1, 200)) end
--- cpu: gsub that finds nothing from any byte
while true do (("a"):rep(200000)):gsub("[^b]-b", "") end
--- cpu: numbers of many digits
while true do ("%.99f"):format(1e300) end
