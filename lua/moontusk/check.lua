-- SPDX-License-Identifier: MIT
-- Checks of what a plugin hands over; an error says what was found, what was expected, and a near name.
local util = require "moontusk.util"

local check = {}

-- Raises with the file and line of the plugin.
function check.fail(format, ...)
  util.fail(string.format(format, ...))
end

function check.warn(format, ...)
  require("moontusk.logger").write("warn", util.position() .. string.format(format, ...))
end

-- A value as it may stand in a message: short.
function check.show(value)
  if type(value) == "string" then
    if #value > 60 then
      value = string.sub(value, 1, 60) .. "..."
    end
    return string.format("%q", value)
  elseif type(value) == "number" or type(value) == "boolean" or value == nil then
    return tostring(value)
  end
  return "a " .. type(value)
end

function check.type(call, what, value, expected)
  if type(value) ~= expected then
    check.fail("%s: %s: found %s, expected a %s", call, what, check.show(value),
      expected == "string" and "text" or expected)
  end
end

-- Texts that leave the program: a server refuses, or changes, what is no UTF-8.
function check.utf8(call, what, value)
  if type(value) == "string" and not utf8.len(value) then
    check.fail("%s: %s: not valid UTF-8; texts of events always are, bytes from elsewhere need a check with utf8.len",
      call, what)
  end
end

local function sorted_keys(known)
  local names = {}
  for name in pairs(known) do
    if type(name) == "string" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end
check.sorted_keys = sorted_keys

function check.unknown_key(call, key, known)
  if type(key) ~= "string" then
    check.fail("%s: found a list element, expected named fields: %s", call, table.concat(sorted_keys(known), ", "))
  end
  local names = sorted_keys(known)
  local near = util.suggest(key, names)
  if near then
    check.fail("%s: unknown field \"%s\"; did you mean \"%s\"?", call, key, near)
  end
  check.fail("%s: unknown field \"%s\"; the fields are %s", call, key, table.concat(names, ", "))
end

-- `known` maps each field to its type, or to true for any.
function check.keys(call, given, known)
  check.type(call, "its argument", given, "table")
  for key, value in pairs(given) do
    local expected = known[key]
    if not expected then
      check.unknown_key(call, key, known)
    elseif expected ~= true and type(value) ~= expected then
      check.type(call, key, value, expected)
    end
  end
end

return check
