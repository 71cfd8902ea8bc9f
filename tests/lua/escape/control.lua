-- SPDX-License-Identifier: MIT
-- Tricks with control flow: loops that catch, coroutines, handlers of errors, variables that close. Run by test_escape.c.
--- cpu: an empty loop
while true do end
--- cpu: a loop of goto
::again:: goto again
--- cpu: a loop that catches
while true do pcall(function() while true do end end) end
--- cpu: a loop that catches in a loop that catches
while true do pcall(function() while true do pcall(function() while true do end end) end end) end
--- cpu: catching with a handler that loops
xpcall(function() while true do end end, function() while true do end end)
--- cpu: a handler that loops over an error of the plugin
xpcall(function() error("x") end, function() while true do end end)
--- cpu: a handler that catches and loops
xpcall(function() while true do end end, function() pcall(function() while true do end end) while true do end end)
--- cpu: catching by error handlers that fail
while true do xpcall(error, error, error) end
--- cpu: an error whose text never ends
error(setmetatable({}, { __tostring = function() while true do end end }))
--- cpu: a coroutine that loops
coroutine.wrap(function() while true do end end)()
--- cpu: a coroutine that loops, resumed again and again
while true do coroutine.resume(coroutine.create(function() while true do end end)) end
--- cpu: nested coroutines that loop
local function nest(n)
  if n == 0 then while true do end end
  local co = coroutine.wrap(nest)
  pcall(co, n - 1)
  while true do pcall(coroutine.wrap(function() while true do end end)) end
end
nest(20)
--- cpu: a wrap in a pcall in a wrap
local function deep()
  while true do pcall(coroutine.wrap(function() pcall(coroutine.wrap(function() while true do end end)) while true do end end)) end
end
coroutine.wrap(function() pcall(coroutine.wrap(deep)) while true do end end)()
--- cpu: two coroutines that yield to each other
local a, b
a = coroutine.create(function() while true do coroutine.yield() end end)
b = coroutine.create(function() while true do coroutine.resume(a) coroutine.yield() end end)
while true do coroutine.resume(b) end
--- cpu: an iterator that never ends
for _ in function() return true end do end
--- cpu: an iterator that is a coroutine
for _ in coroutine.wrap(function() while true do coroutine.yield(1) end end) do end
--- cpu: to close a variable takes for ever
local _ <close> = setmetatable({}, { __close = function() while true do end end })
--- cpu: to close many variables takes for ever each
local function close() while true do end end
local function nest(n)
  local _ <close> = setmetatable({}, { __close = function() pcall(close) close() end })
  if n > 0 then return nest(n - 1), 1 end
  while true do end
end
nest(100)
--- cpu: to close the variables of a coroutine takes for ever
local co = coroutine.create(function()
  local _ <close> = setmetatable({}, { __close = function() while true do end end })
  coroutine.yield()
end)
coroutine.resume(co)
coroutine.close(co)
--- cpu: to close the variables of a dying coroutine takes for ever
coroutine.wrap(function()
  local _ <close> = setmetatable({}, { __close = function() while true do end end })
  while true do end
end)()
--- cpu: closing in a loop that catches
while true do
  pcall(function()
    local _ <close> = setmetatable({}, { __close = function() while true do end end })
    error("x")
  end)
end
--- cpu: closing a coroutine in a loop that catches
while true do
  pcall(function()
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function() while true do end end })
      coroutine.yield()
    end)
    coroutine.resume(co)
    coroutine.close(co)
  end)
end
--- cpu: the generic for closes for ever
for _ in next, {}, nil, setmetatable({}, { __close = function() while true do end end }) do end
--- cpu: tail calls without end
local function f() return f() end
f()
--- error|cpu|memory: recursion without end
local function f() return f() + 1 end
f()
--- cpu|memory: recursion without end, caught again and again
local function f() return f() + 1 end
while true do pcall(f) end
--- error|cpu|memory: recursion of C without end
local function f() return (string.gsub("x", "x", f)) end
f()
--- error|cpu|memory: coroutines in coroutines without end
local function f() return coroutine.wrap(f)() end
f()
--- cpu: pcall of itself without end
while true do pcall(pcall, pcall, pcall, pcall, error) end
--- cpu|memory: an endless chain of pcall
local function f() pcall(f) f() end
while true do pcall(f) end
--- cpu: kept functions of an ended call
local keep = setmetatable({}, { __index = function() while true do end end })
return keep.x
--- cpu: select and varargs in a loop
local function f(...) return select("#", ...) end
while true do f(table.unpack({}, 1, 10000)) end
--- cpu: xpcall with itself as handler
while true do xpcall(xpcall, xpcall, xpcall, xpcall) end
--- error: coroutine.close of itself
coroutine.close(coroutine.running())
--- cpu: assert and error in a loop
while true do pcall(assert, false, {}) pcall(error) end
--- cpu: closing that loops after the end
local x <close> = setmetatable({}, { __close = function() while true do end end })
while true do end
--- cpu: closing in coroutine after coroutine
while true do
  coroutine.wrap(function()
    local x <close> = setmetatable({}, { __close = function() while true do end end })
    while true do end
  end)()
end
--- cpu|memory: catching in the depth
local function f() return pcall(f) end
while true do f() end
