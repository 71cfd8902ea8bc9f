-- SPDX-License-Identifier: MIT
-- tusk.store: top-level keys that persist; each task works on an overlay that is dropped when it raises.
local json = require "moontusk.json"
local effect = require "moontusk.effect"
local check = require "moontusk.check"
local task = require "moontusk.task"

local store = {}

local texts = {} -- key -> JSON as committed; false: the slot of a key that is not set
local total = 0  -- bytes of those

-- A task's own: `fresh` key -> JSON, or false for a deleted one: assigned in it; `live` key -> table handed out in it, which
-- may have been changed since; `base` key -> the JSON that such a table was made of; `more`: bytes that `fresh` adds.
local part = {}

function part.make()
  return { fresh = {}, live = {}, base = {}, views = {}, more = 0 }
end

local overlay = task.part(part)

local function current(own, key)
  local text = own and own.fresh[key]
  if text == nil then
    text = texts[key]
  end
  return text or nil
end

local function check_size(key, size)
  if size > effect.state_max then
    check.fail("tusk.store.%s: %d bytes as JSON, at most %d are possible for one key", key, size, effect.state_max)
  end
end

local function check_total(key, size)
  if size > effect.state_total_max then
    check.fail("tusk.store.%s: the whole store would have %d bytes as JSON, at most %d are possible; delete keys that nobody needs",
      key, size, effect.state_total_max)
  end
end

local function encode(key, value)
  local text = json.encode(value, "tusk.store." .. key, true)
  check_size(key, #text)
  return text
end

local function put(own, key, text)
  local old = current(own, key)
  own.more = own.more + (text and #text + #key or 0) - (old and #old + #key or 0)
  own.fresh[key] = text
  check_total(key, total + own.more)
end

-- ---- tables in the store: the plugin sees them through empty tables that check what is assigned

local views = setmetatable({}, { __mode = "k" }) -- the empty table -> { raw =, up =, key =, own = }
local view_meta = { __metatable = false }

-- `up` is the view that the table was found in under `key`; nil: the store itself. Without `own` it is for reading only.
local function view_of(own, raw, up, key)
  local known = own and own.views[raw]
  if known then
    return known
  end
  local view = setmetatable({}, view_meta)
  views[view] = { raw = raw, up = up, key = key, own = own }
  if own then
    own.views[raw] = view
  end
  return view
end

local function path(view, key)
  local step = type(key) == "number" and "[" .. tostring(key) .. "]" or "." .. tostring(key)
  if not view then
    return "tusk.store" .. step
  end
  return path(views[view].up, views[view].key) .. step
end

local function check_writable(about, view, key)
  if not about.own then
    check.fail("%s: the store can be changed inside handlers and schedules only", path(view, key))
  elseif about.own ~= overlay() then
    check.fail("%s: this table was read in an earlier call, which is over; read it from tusk.store again", path(view, key))
  end
end

-- A table is a list without holes, or has texts as keys: nothing else can be written down.
local function check_key(raw, view, key)
  local count = #raw
  if type(key) == "string" then
    check.utf8(path(view, "?"), "the key", key)
    if count > 0 then
      check.fail("%s: a text as a key of a list; JSON takes lists and tables with text keys, not both in one", path(view, key))
    end
  elseif math.type(key) ~= "integer" then
    check.fail("%s: the key is %s, expected a text, or a whole number in a list", path(view, check.show(key)), check.show(key))
  elseif key < 1 or key > count + 1 then
    check.fail("%s: the list has %d elements; the next one is [%d]", path(view, key), count, count + 1)
  elseif count == 0 and next(raw) ~= nil then
    check.fail("%s: a number as a key of a table with text keys; JSON takes lists and tables with text keys, not both in one",
      path(view, key))
  end
end

-- What may be written down: a plain value as it is, of a table a copy.
local function plain(view, key, value)
  local kind = type(value)
  if kind == "boolean" or math.type(value) == "integer" then
    return value
  end
  local text = json.encode(value, path(view, key), true)
  return kind == "table" and json.decode(text) or value
end

function view_meta.__index(view, key)
  local about = views[view]
  local value = about.raw[key]
  if type(value) == "table" then
    return view_of(about.own, value, view, key)
  end
  return value
end

function view_meta.__newindex(view, key, value)
  local about = views[view]
  check_writable(about, view, key)
  if value ~= nil then
    check_key(about.raw, view, key)
    value = plain(view, key, value)
  end
  about.raw[key] = value
end

function view_meta.__len(view)
  return #views[view].raw
end

function view_meta.__pairs(view)
  local about = views[view]
  return function(_, key)
    local after, value = next(about.raw, key)
    if type(value) == "table" then
      value = view_of(about.own, value, view, after)
    end
    return after, value
  end, view, nil
end

-- For rawget, next, tusk.json and whatever else looks past metamethods.
function view_meta.__stored(view)
  return views[view].raw
end

effect.views(view_meta)

-- ---- the store itself

local function get(_, key)
  local own = effect.acting() and overlay() or nil
  local value = own and own.live[key]
  if not value then
    local text = current(own, key)
    if not text then
      return nil
    end
    value = json.decode(text)
    if type(value) == "table" and own then
      own.live[key], own.base[key] = value, text
    end
  end
  return type(value) == "table" and view_of(own, value, nil, key) or value
end

local function set(_, key, value)
  if type(key) ~= "string" or key == "" then
    check.fail("tusk.store: the key is %s, expected a text; put lists into a table: tusk.store.list = { ... }",
      check.show(key))
  end
  if not effect.acting() then
    check.fail("tusk.store.%s: the store can be changed inside handlers and schedules only", key)
  end
  check.utf8("tusk.store", "the key", key)
  local text = value ~= nil and encode(key, value) or false
  -- The slot is made now: apply must not need memory for it.
  if texts[key] == nil then
    texts[key] = false
  end
  local own = overlay()
  put(own, key, text)
  own.live[key] = nil
end

local function each()
  local own = effect.acting() and overlay() or nil
  local seen = {}
  for _, list in ipairs { texts, own and own.fresh or {} } do
    for key in pairs(list) do
      seen[key] = get(nil, key)
    end
  end
  return next, seen, nil
end

store.proxy = setmetatable({}, { __index = get, __newindex = set, __pairs = each, __metatable = false })

function store.forget()
  texts, total = {}, 0
end

local function size_of(key)
  return texts[key] and #texts[key] + #key or 0
end

function store.restore(key, text)
  total = total - size_of(key)
  texts[key] = text
  total = total + size_of(key)
end

-- What changed becomes effects. A table that was only read keeps nothing from being changed by others meanwhile.
function part.commit(own)
  for key, value in pairs(own.live) do
    local text = encode(key, value)
    if text ~= own.base[key] then
      put(own, key, text)
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
    total = total - size_of(key)
    texts[key] = text
    total = total + size_of(key)
  end
end

return store
