-- SPDX-License-Identifier: MIT
-- tusk.store: top-level keys that persist; each task works on an overlay that is dropped when it raises.
local json = require "moontusk.json"
local effect = require "moontusk.effect"
local check = require "moontusk.check"
local task = require "moontusk.task"

local store = {}

local texts = {} -- key -> JSON as committed; false: the slot of a key that is not set

-- A task's own: `fresh` key -> JSON, or false for a deleted one: assigned in it; `live` key -> table handed out in it, which
-- may have been changed since; `base` key -> the JSON that such a table was made of.
local part = {}

function part.make()
  return { fresh = {}, live = {}, base = {} }
end

local overlay = task.part(part)

local function current(own, key)
  local text = own.fresh[key]
  if text == nil then
    text = texts[key]
  end
  return text or nil
end

local function check_acting()
  if not effect.acting() then
    check.fail("tusk.store can be used inside handlers and schedules only: it is filled after the file has run")
  end
end

local function encode(key, value)
  local text = json.encode(value, "tusk.store." .. key)
  if #text > effect.state_max then
    check.fail("tusk.store.%s: %d bytes as JSON, at most %d are possible for one key", key, #text, effect.state_max)
  end
  return text
end

local function get(_, key)
  check_acting()
  local own = overlay()
  if own.live[key] then
    return own.live[key]
  end
  local text = current(own, key)
  if not text then
    return nil
  end
  local value = json.decode(text)
  if type(value) == "table" then
    own.live[key], own.base[key] = value, text
  end
  return value
end

local function set(_, key, value)
  check_acting()
  if type(key) ~= "string" or key == "" then
    check.fail("tusk.store: the key is %s, expected a text; put lists into a table: tusk.store.list = { ... }",
      check.show(key))
  end
  local text = value ~= nil and encode(key, value) or false
  -- The slot is made now: apply must not need memory for it.
  if texts[key] == nil then
    texts[key] = false
  end
  local own = overlay()
  own.fresh[key], own.live[key] = text, nil
end

local function each()
  check_acting()
  local seen = {}
  for _, list in ipairs { texts, overlay().fresh } do
    for key in pairs(list) do
      seen[key] = get(nil, key)
    end
  end
  return next, seen, nil
end

store.proxy = setmetatable({}, { __index = get, __newindex = set, __pairs = each, __metatable = false })

function store.forget()
  texts = {}
end

function store.restore(key, text)
  texts[key] = text
end

-- What changed becomes effects. A table that was only read keeps nothing from being changed by others meanwhile.
function part.commit(own)
  for key, value in pairs(own.live) do
    local text = encode(key, value)
    if text ~= own.base[key] then
      own.fresh[key] = text
    end
  end
  for key, text in pairs(own.fresh) do
    if not text then
      if texts[key] then
        effect.delete(key)
      end
    elseif text ~= texts[key] then
      effect.put(key, text)
    end
    if texts[key] == nil then
      texts[key] = false
    end
  end
end

function part.apply(own)
  for key, text in pairs(own.fresh) do
    texts[key] = text
  end
end

return store
