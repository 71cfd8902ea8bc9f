-- SPDX-License-Identifier: MIT
-- tusk.store: top-level keys that persist; a call works on an overlay that is dropped when it raises.
local json = require "moontusk.json"
local effect = require "moontusk.effect"
local check = require "moontusk.check"

local store = {}

local texts = {} -- key -> JSON as committed; false: the slot of a key that is not set
local fresh = {} -- key -> JSON, or false for a deleted one: assigned in this call
local live = {}  -- key -> table handed out in this call; it may have been changed since

local function current(key)
  local text = fresh[key]
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
  if live[key] then
    return live[key]
  end
  local text = current(key)
  if not text then
    return nil
  end
  local value = json.decode(text)
  if type(value) == "table" then
    live[key] = value
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
  -- The slot is made now: finish must not need memory for it after the effects are out.
  if texts[key] == nil then
    texts[key] = false
  end
  fresh[key], live[key] = text, nil
end

local function each()
  check_acting()
  local seen = {}
  for _, list in ipairs { texts, fresh } do
    for key in pairs(list) do
      seen[key] = get(nil, key)
    end
  end
  return next, seen, nil
end

store.proxy = setmetatable({}, { __index = get, __newindex = set, __pairs = each, __metatable = false })

function store.restore(key, text)
  texts[key] = text
end

function store.begin()
  if next(fresh) ~= nil then
    fresh = {}
  end
  if next(live) ~= nil then
    live = {}
  end
end

-- At the end of a call that did not raise: what changed becomes effects.
function store.finish()
  for key, value in pairs(live) do
    local text = encode(key, value)
    if text ~= current(key) then
      fresh[key] = text
    end
  end
  for key, text in pairs(fresh) do
    if not text then
      if texts[key] then
        effect.delete(key)
      end
    elseif text ~= texts[key] then
      effect.put(key, text)
    end
  end
  for key, text in pairs(fresh) do
    texts[key] = text
  end
  store.begin()
end

require("moontusk.callbacks").use_store(store)
return store
