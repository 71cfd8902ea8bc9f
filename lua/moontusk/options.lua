-- SPDX-License-Identifier: MIT
-- tusk.options: what the operator may set, typed by the default, checked with suggestions.
local core = require "moontusk.core"
local check = require "moontusk.check"

local options = {}

local SPEC = { help = "string", secret = "boolean", choices = "table", type = "string", required = "boolean" }
local TYPES = {
  text = "a text", integer = "a whole number", number = "a number", boolean = "true or false", list = "a list",
  table = "a table",
}

local function is_list(value)
  local count = 0
  for _ in pairs(value) do
    count = count + 1
  end
  return count == #value
end

local function type_of(value)
  local kind = type(value)
  if kind == "string" then
    return "text"
  elseif kind == "number" then
    return math.type(value) == "integer" and "integer" or "number"
  elseif kind == "table" then
    return is_list(value) and "list" or "table"
  end
  return kind
end

local function fits(value, expected)
  local found = type_of(value)
  if expected == "number" then
    return found == "integer" or found == "number"
  elseif expected == "table" then
    return type(value) == "table"
  end
  return found == expected
end

local function show(value)
  return type(value) == "table" and "a " .. type_of(value) or check.show(value)
end

-- { default, help = ... } or the default alone.
local function read_spec(key, given)
  if type(key) ~= "string" then
    check.fail("tusk.options: found a list element, expected name = { default, help = \"...\" }")
  end
  if type(given) ~= "table" then
    given = { given }
  end
  local spec = { default = given[1] }
  for field, value in pairs(given) do
    if field ~= 1 then
      if not SPEC[field] then
        check.unknown_key("tusk.options: " .. key, field, SPEC)
      end
      check.type("tusk.options: " .. key, field, value, SPEC[field])
      spec[field] = value
    end
  end
  if spec.type and not TYPES[spec.type] then
    check.fail("tusk.options: %s: type: found \"%s\", expected one of %s", key, spec.type,
      table.concat(check.sorted_keys(TYPES), ", "))
  end
  if spec.default ~= nil then
    local found = type_of(spec.default)
    if not TYPES[found] then
      check.fail("tusk.options: %s: the default is a %s, expected a text, number, boolean, list or table", key, found)
    end
    spec.type = spec.type or found
  end
  if not spec.type then
    check.fail("tusk.options: %s: without a default it needs a type, for example { type = \"text\" }", key)
  end
  return spec
end

local function check_value(key, spec, value)
  if not fits(value, spec.type) then
    -- A secret's value is not shown: it may be right but for its type.
    check.fail("option \"%s\": found %s, expected %s%s", key, spec.secret and TYPES[type_of(value)] or show(value),
      TYPES[spec.type], spec.type == "list" and string.format("; with --set: '%s=[\"one\",\"two\"]'", key) or "")
  end
  if spec.type == "list" and type(spec.default) == "table" and #spec.default > 0 then
    local expected = type_of(spec.default[1])
    for index, element in ipairs(value) do
      if not fits(element, expected) then
        check.fail("option \"%s\": element %d: found %s, expected %s", key, index, show(element), TYPES[expected])
      end
    end
  end
  if spec.choices then
    for _, choice in ipairs(spec.choices) do
      if choice == value then
        return
      end
    end
    local shown = {}
    for index, choice in ipairs(spec.choices) do
      shown[index] = check.show(choice)
    end
    check.fail("option \"%s\": found %s, expected one of %s", key, show(value), table.concat(shown, ", "))
  end
end

local function check_known(given, specs)
  local names = check.sorted_keys(specs)
  for key in pairs(given) do
    if not specs[key] then
      local near = require("moontusk.util").suggest(tostring(key), names)
      check.fail("unknown option \"%s\"%s", tostring(key), near and string.format("; did you mean \"%s\"?", near)
        or #names > 0 and "; the options are " .. table.concat(names, ", ")
        or "; this plugin has no options")
    end
  end
end

-- The value, or each text of a list, is shown and stored nowhere from now on.
local function hide(key, value)
  if type(value) == "table" then
    for name, element in pairs(value) do
      hide(key .. "/" .. tostring(name), element)
    end
  elseif type(value) == "string" and value ~= "" then
    core.secret(key, value)
    local address = string.match(value, "^%l+:(https?://.*)$")
    if address then
      core.secret(key .. "/address", address) -- a forward's target without its shape: what is sent
    end
  end
end

function options.read(declared)
  check.type("tusk.options", "its argument", declared, "table")
  local specs, values = {}, {}
  for key, given in pairs(declared) do
    specs[key] = read_spec(key, given)
  end
  local given = core.options()
  check_known(given, specs)
  for _, key in ipairs(check.sorted_keys(specs)) do
    local spec, value = specs[key], given[key]
    if value == nil then
      value = spec.default
      if value == nil and spec.required then
        check.fail("option \"%s\" is missing: it needs %s%s. Give it with --set %s=VALUE, or in the config: options = { %s = ... }",
          key, TYPES[spec.type], spec.help and " (" .. spec.help .. ")" or "", key, key)
      end
    end
    if value ~= nil then
      check_value(key, spec, value)
    end
    if spec.secret then
      hide(key, value)
    end
    values[key] = value
  end
  return values
end

return options
