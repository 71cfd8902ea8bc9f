-- SPDX-License-Identifier: MIT
-- Tricks that want more memory than there is. Run by test_escape.c.
--- memory|cpu: a text that doubles
local s = "x"
while true do s = s .. s end
--- memory|cpu: a text of many operands
local s = ("x"):rep(8 << 20)
local t = {}
while true do t[#t + 1] = s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s end
--- memory|cpu: a list without end
local t = {}
while true do t[#t + 1] = {} end
--- memory|cpu: a list of numbers without end
local t, i = {}, 0
while true do i = i + 1 t[i] = i end
--- memory|cpu: many keys
local t = {}
for i = 1, math.huge do t["key" .. i] = i end
--- memory|cpu: functions without end
local t = {}
while true do local x = #t t[#t + 1] = function() return x end end
--- memory|cpu: coroutines without end
local t = {}
while true do t[#t + 1] = coroutine.wrap(function() coroutine.yield() end) t[#t]() end
--- memory|cpu: coroutines with deep stacks
local function deep(n) if n > 0 then return 1 + deep(n - 1) end coroutine.yield() return 0 end
local t = {}
while true do t[#t + 1] = coroutine.create(deep) coroutine.resume(t[#t], 5000) end
--- memory|cpu: values on the stack
local function many(...) return many(1, 2, 3, 4, 5, 6, 7, 8, ...) end
many()
--- memory|cpu: packed values
local t = {}
while true do t[#t + 1] = table.pack(table.unpack({}, 1, 10000)) end
--- cpu|memory: catching the end for memory and going on
local t = {}
while true do pcall(function() while true do t[#t + 1] = ("x"):rep(1000) .. #t end end) end
--- cpu|memory: catching it in coroutines
local t = {}
while true do coroutine.resume(coroutine.create(function() while true do t[#t + 1] = ("x"):rep(1000) .. #t end end)) end
--- cpu|memory: catching it where variables close
local t = {}
local _ <close> = setmetatable({}, { __close = function() while true do t[#t + 1] = {} end end })
while true do t[#t + 1] = {} end
--- cpu: garbage only, for ever
while true do local _ = { {}, {}, ("x"):rep(10000) } end
--- memory|cpu: a heap that is nearly full
local t = {}
for i = 1, 28 do t[i] = ("x"):rep(1 << 20) end
while true do local _ = ("y"):rep(1 << 20) .. #t end
--- error|memory: an error of much text
error(("x"):rep(16 << 20))
--- error: an error that is a table
error({})
--- error: an error that is a function
error(print)
--- error: an error of nothing
error()
--- memory|cpu: closures in a chain
local f = print
while true do local g = f f = function() return g() end end
--- memory|cpu: a ring of tables that grows
local ring = {}
while true do ring = { ring, ring, ring } end
--- memory|cpu: upper and lower of much
local t = {}
local s = ("x"):rep(4 << 20)
while true do t[#t + 1] = s:upper() .. #t end
--- memory|cpu: globals without end
for i = 1, math.huge do _G["g" .. i] = {} end
--- cpu|memory|error|fine: a chain through handles, collected for ever
local t = setmetatable({}, {__mode = "kv"})
local x = {}
for i = 1, 100000 do local k = {} t[k] = x x = k end
while true do collectgarbage() end
