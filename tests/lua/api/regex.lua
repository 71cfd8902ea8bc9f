-- SPDX-License-Identifier: MIT
-- Tests of tusk.regex: lrexlib's names and return shapes.
local tusk = require "moontusk"
local regex = tusk.regex

local function list(...)
  local out = {}
  for i = 1, select("#", ...) do
    out[i] = tostring((select(i, ...)))
  end
  return table.concat(out, "|")
end

local function is(expected, ...)
  local found = list(...)
  assert(found == expected, found)
end

local function each(iterator)
  local out = {}
  for a, b in iterator do
    out[#out + 1] = b and a .. "=" .. b or a
  end
  return table.concat(out, ",")
end

local function fails(kind, ...)
  local ok, problem = pcall(...)
  assert(not ok and problem.kind == kind, tostring(problem))
  assert(tostring(problem):find("regex.lua:", 1, true), tostring(problem))
end

tusk.on("update", function()
  is("cat", regex.match("a cat", "c.t"))
  is("c|t", regex.match("a cat", "(c).(t)"))
  is("c|false|t", regex.match("ct", "(c)(a)?(t)"))
  is("nil", regex.match("a cat", "CAT"))
  is("cat", regex.match("a cat", "CAT", 1, "i"))
  is("nil", regex.match("a cat", "a", 2, "x") and regex.match("a cat", "^a", 2))
  is("at", regex.match("cat at", "at", -2))
  is("nil", regex.match("cat", "c", 10))
  is("1|1", regex.find("a cat", ".", math.mininteger))
  is("3|5", regex.find("a cat", "c.t"))
  is("3|5|c|t", regex.find("a cat", "(c).(t)"))
  is("1|0", regex.find("a", "x*"))
  is("nil", regex.find("a", "b"))
  is("cat,cow", each(regex.gmatch("a cat, a cow", "c\\w+")))
  is("k=v,x=y", each(regex.gmatch("k=v x=y", "(\\w)=(\\w)")))
  is(",ä,,", each(regex.gmatch("xäx", "ä?")))
  is("b-b-b|3|3", regex.gsub("a-a-a", "a", "b"))
  is("b-b-a|2|2", regex.gsub("a-a-a", "a", "b", 2))
  is("[a]-[b]|2|2", regex.gsub("a-b", "(\\w)", "[%1]"))
  is("<a>%|1|1", regex.gsub("a", "a", "<%0>%%"))
  is("1-b|2|1", regex.gsub("a-b", "\\w", { a = "1" }))
  is("A-b|2|1", regex.gsub("a-b", "\\w", function(c) return c == "a" and "A" end))
  is("-ä-|2|2", regex.gsub("ä", "", "-"))
  is("a=, ,b=,,c", each(regex.split("a, b,c", ",\\s*")))
  local sections = {}
  for section in regex.split("a1b22c", "\\d+") do
    sections[#sections + 1] = section
  end
  is("a|b|c", table.unpack(sections))
  sections = {}
  for section in regex.split("abc", "") do
    sections[#sections + 1] = section
  end
  is("a|b|c", table.unpack(sections))
  local compiled = regex.new("(\\d+) (km|mi)", "i")
  is("5|KM", compiled:match("5 KM"))
  is("3|6|5|KM", compiled:find("x 5 KM"))
  is("5|KM", regex.match("5 KM", compiled))
  is("x|1|1", regex.gsub("5 KM", compiled, "x"))
  is("ä", regex.match("Ä ä", "\\bä\\b"))
  is("É", regex.match("É", "é", 1, "i"))
  assert(getmetatable(compiled) == false)

  fails("pattern", regex.match, "x", "(")
  fails("pattern", regex.new, "(*LIMIT_MATCH=1)x")
  fails("limit", regex.match, ("a"):rep(40) .. "b", "^(a+)+$")
  fails("invalid_utf8", regex.match, "\xff", "x")
  assert(not pcall(regex.match, "x", "x", 1, "q") and not pcall(regex.match, 5, "x"))
  assert(not pcall(regex.gsub, "x", "x", "%1%2") and not pcall(regex.gsub, "x", "(x)", "%2"))
end)
