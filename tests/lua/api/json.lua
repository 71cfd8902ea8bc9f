-- SPDX-License-Identifier: MIT
-- Tests of tusk.json and tusk.time.
local tusk = require "moontusk"
local json = tusk.json

local function same(value, expected)
  local text = json.encode(value)
  assert(text == expected, text)
end

tusk.on("update", function()
  same({ b = 1, a = { true, false, "x" } }, '{"a":[true,false,"x"],"b":1}')
  same({}, "{}")
  same(json.empty_list(), "[]")
  same(nil, "null")
  same({ x = json.null }, '{"x":null}')
  same(1.5, "1.5")
  same(math.maxinteger, "9223372036854775807")
  same("a\"\\\n\0ü\u{1F408}", '"a\\"\\\\\\n\\u0000ü\u{1F408}"')
  same({ "x", { "y" } }, '["x",["y"]]')

  local value = json.decode('{"a":[1,2.0,"3"],"n":null,"o":{},"l":[],"big":18446744073709551616}')
  assert(value.a[1] == 1 and math.type(value.a[1]) == "integer" and math.type(value.a[2]) == "float")
  assert(value.a[3] == "3" and value.n == nil and value.big == "18446744073709551616")
  assert(json.encode(value.l) == "[]" and json.encode(value.o) == "{}")
  assert(json.decode('{"n":null}', true).n == json.null)
  assert(json.decode("5") == 5 and json.decode('"x"') == "x" and json.decode("false") == false)
  for _, bad in ipairs { "", "{", "{'a':1}", "[1,]", "nul", "\"\xff\"" } do
    local none, message = json.decode(bad)
    assert(none == nil and type(message) == "string", bad)
  end
  assert(json.decode(("["):rep(1000)) == nil)
  assert(not pcall(json.decode, 5) and not pcall(json.encode))

  local deep = {}
  local inner = deep
  for _ = 1, 100 do
    inner.x = {}
    inner = inner.x
  end
  local ok, message = pcall(json.encode, deep)
  assert(not ok and message:find("nested too deep", 1, true))
  local twice = {}
  for _ = 1, 40 do
    twice = { twice, twice } -- 41 tables, 2^40 in the text
  end
  ok, message = pcall(json.encode, twice)
  assert(not ok and message:find("longer than", 1, true), message)
  ok, message = pcall(json.encode, { a = { b = print } })
  assert(not ok and message:find("tusk.json.encode.a.b: found a function", 1, true), message)
  ok, message = pcall(json.encode, { [3] = 1 })
  assert(not ok and message:find("no text", 1, true), message)

  -- What looks like a table of tusk.store is none: nothing of the plugin runs while a value is written.
  local calls = 0
  local forged = { __stored = function() calls = calls + 1 return 5 end }
  assert(json.encode(setmetatable({}, forged)) == "{}" and json.encode({ setmetatable({ 1 }, forged) }) == "[[1]]")
  assert(next(setmetatable({}, forged)) == nil and rawlen(setmetatable({ 1 }, forged)) == 1 and calls == 0)

  assert(tusk.time.parse("2025-11-20T12:00:00.250Z") == 1763640000.25)
  assert(tusk.time.parse("yesterday") == nil)
  assert(tusk.time.format(1763640000.25) == "2025-11-20T12:00:00.250Z")
  assert(tusk.now() == 1763640000.0)
end)
