-- SPDX-License-Identifier: MIT
-- Match tables: their JSON form, which the match engine compiles; `where` stays a function here.
local json = require "moontusk.json"
local check = require "moontusk.check"

local match = {}

local PATTERN = { pattern = true, view = true, case = true }
local DEPTH_MAX = 32

local function fail(call, path, format, ...)
  check.fail("%s: match: %s: %s", call, path, string.format(format, ...))
end

local convert

local function convert_list(call, path, given, depth)
  local list = {}
  for index = 1, #given do
    list[index] = convert(call, path .. "." .. index, given[index], depth)
  end
  return list
end

-- { pattern, view = "raw", case = true }
local function convert_pattern(call, path, given)
  local pattern = { pattern = given.pattern or given[1] }
  for key, value in pairs(given) do
    if key ~= 1 then
      if not PATTERN[key] then
        check.unknown_key(call .. ": match: " .. path, key, PATTERN)
      end
      pattern[key] = value
    end
  end
  if type(pattern.pattern) ~= "string" or (given.pattern and given[1]) then
    fail(call, path, "expected { \"pattern\", view = ..., case = true }")
  end
  return pattern
end

local function is_words(path)
  return path == "words" or path:find("%.words$") or path:find("^words%.%d+$") or path:find("%.words%.%d+$")
end

-- words = { "one", "two", leet = true }, or one of them: { "one", leet = true }
local function convert_words(call, path, given)
  local one = path:find("%.%d+$") and not path:find("words$")
  local object = {}
  for key, value in pairs(given) do
    if math.type(key) ~= "integer" then
      object[key] = value
    end
  end
  if given.list ~= nil or one and #given > 1 then
    fail(call, path, "expected { \"word\", leet = true } or { list = \"words.txt\", leet = true }")
  end
  object.list = one and given[1] or convert_list(call, path, { table.unpack(given) }, 2)
  return object
end

function convert(call, path, given, depth)
  local kind = type(given)
  if kind == "function" then
    fail(call, path, "found a function; only \"where\" of the match table itself may be one")
  elseif kind ~= "table" then
    if kind == "userdata" or kind == "thread" then
      fail(call, path, "found a %s", kind)
    end
    return given
  end
  if depth > DEPTH_MAX then
    fail(call, path, "nested too deep")
  end
  local named = false
  for key in pairs(given) do
    named = named or type(key) == "string"
  end
  if #given == 0 then
    local object = {}
    for key, value in pairs(given) do
      object[key] = convert(call, path == "" and tostring(key) or path .. "." .. tostring(key), value, depth + 1)
    end
    return object
  elseif named and is_words(path) then
    return convert_words(call, path, given)
  elseif named then
    return convert_pattern(call, path, given)
  end
  return convert_list(call, path, given, depth + 1)
end

-- The match table as JSON, and its `where`.
function match.encode(call, given)
  local where = given.where
  if where ~= nil and type(where) ~= "function" then
    fail(call, "where", "found %s, expected function(subject, event) ... end", check.show(where))
  end
  local object = {}
  for key, value in pairs(given) do
    if type(key) ~= "string" then
      check.fail("%s: match: found a list element, expected named keys such as text = \"...\"", call)
    end
    if key ~= "where" then
      object[key] = convert(call, key, value, 1)
    end
  end
  return json.encode(object, call .. ": match"), where
end

-- The rule of tusk.hear: a mention whose text, leading mentions removed, matches.
function match.encode_hear(given)
  local pattern
  if type(given) == "table" then
    pattern = convert_pattern("tusk.hear", "the pattern", given)
    if pattern.view then
      check.fail("tusk.hear: the view is always the mention's text; use tusk.on for another")
    end
  else
    check.type("tusk.hear", "the pattern", given, "string")
    pattern = { pattern = given }
  end
  pattern.view = "request"
  return json.encode({ type = "mention", text = pattern }, "tusk.hear")
end

return match
