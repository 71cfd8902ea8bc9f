-- SPDX-License-Identifier: MIT
-- What `require "moontusk"` returns: the calls a plugin registers with; everything else is loaded when first used.
local core = require "moontusk.core"
local util = require "moontusk.util"
local callbacks = require "moontusk.callbacks"
local check = require "moontusk.check"

local tusk = {}

local HOST_EVENTS = { connected = true, disconnected = true, gap = true }
local NOTIFICATION_TYPES = {
  mention = true, reblog = true, follow = true, follow_request = true, favourite = true, poll = true,
  quote = true, quoted_update = true, ["admin.sign_up"] = true, ["admin.report"] = true,
  severed_relationships = true, moderation_warning = true,
}
local HEADER = { name = "string", version = "string", description = "string", permissions = "table" }
-- Whether there is such a permission.
local function check_permission(permission)
  local known, near, names = core.permission(permission)
  if known then
    return
  end
  if string.find(permission, "^http:") or string.find(permission, "://", 1, true) then
    local host = string.match(permission, "//([^/]+)") or "hooks.example"
    check.fail("tusk.plugin: found the permission %s, expected \"http:HOST\" or \"http:HOST:PORT\", for example "
      .. "\"http:%s\"", check.show(permission), host)
  end
  check.fail("tusk.plugin: there is no permission %s%s; the permissions are \"%s\"", check.show(permission),
    near and string.format(", did you mean \"%s\"?", near) or "", table.concat(names, "\", \""))
end

function tusk.plugin(header)
  check.keys("tusk.plugin", header, HEADER)
  for index, permission in ipairs(header.permissions or {}) do
    if type(permission) ~= "string" then
      check.fail("tusk.plugin: permissions[%d]: found a %s, expected a text such as \"http:hooks.example\"",
        index, type(permission))
    end
    check_permission(permission)
  end
  core.about(header)
end

function tusk.options(declared)
  return require("moontusk.options").read(declared)
end

function tusk.subscribe(stream, parameter, settings)
  if type(parameter) == "table" then
    parameter, settings = nil, parameter
  end
  check.type("tusk.subscribe", "the stream", stream, "string")
  if parameter ~= nil and type(parameter) ~= "number" then
    check.type("tusk.subscribe", "the parameter", parameter, "string")
  end
  check.keys("tusk.subscribe", settings or {}, { account = "string" })
  core.stream(settings and settings.account, stream, parameter and tostring(parameter))
end

local function known_kinds()
  local kinds = core.kinds()
  for kind in pairs(HOST_EVENTS) do
    kinds[#kinds + 1] = kind
  end
  kinds[#kinds + 1] = "status"
  return kinds
end

-- The wire names behind a kind, or the host event.
local function resolve_kind(kind, settings)
  if kind == "status" then
    return { "update", "status.update" }
  elseif kind == "*" then
    return { "*" }
  elseif HOST_EVENTS[kind] then
    return {}, kind
  end
  local known = known_kinds()
  for _, name in ipairs(known) do
    if name == kind then
      return { kind }
    end
  end
  if not settings.unknown then
    local near = util.suggest(kind, known)
    if near then
      check.fail("tusk.on: unknown event \"%s\"; did you mean \"%s\"? (a server really sends it? say { unknown = true })",
        kind, near)
    end
    local hint = NOTIFICATION_TYPES[kind]
        and string.format("; for such notifications write tusk.on(\"notification\", { type = \"%s\" }, ...)", kind)
      or "; say { unknown = true } when a server really sends it"
    check.warn("tusk.on: \"%s\" is no event that Mastodon sends%s", kind, hint)
  end
  return { kind }
end

function tusk.on(kind, match, handler, settings)
  if type(match) == "function" then
    match, handler, settings = nil, match, handler
  end
  check.type("tusk.on", "the event", kind, "string")
  check.type("tusk.on", "the handler", handler, "function")
  if match ~= nil then
    check.type("tusk.on", "the match table", match, "table")
  end
  settings = settings or {}
  check.keys("tusk.on", settings, { unknown = "boolean", name = "string" })
  local kinds, host_event = resolve_kind(kind, settings)
  local rule, where
  if match then
    if host_event and next(match) ~= nil then
      check.fail("tusk.on: a match table cannot be used with \"%s\", which has no post", kind)
    end
    rule, where = require("moontusk.match").encode("tusk.on", match)
  end
  callbacks.add(core.handler(kinds, host_event, rule, "tusk.on", settings.name, handler, where), { run = handler, where = where })
end

function tusk.hear(pattern, handler, settings)
  check.type("tusk.hear", "the handler", handler, "function")
  settings = settings or {}
  check.keys("tusk.hear", settings, { name = "string" })
  local rule = require("moontusk.match").encode_hear(pattern)
  callbacks.add(core.handler({ "notification" }, nil, rule, "tusk.hear", settings.name, true), { hear = handler })
end

function tusk.every(interval, settings, handler)
  return require("moontusk.schedule").every(interval, settings, handler)
end

function tusk.daily(times, settings, handler)
  return require("moontusk.schedule").daily(times, settings, handler)
end

function tusk.count(key, settings)
  return require("moontusk.windows").count(key, settings)
end

function tusk.distinct(key, value, settings)
  return require("moontusk.windows").distinct(key, value, settings)
end

function tusk.peek(key, settings)
  return require("moontusk.windows").peek(key, settings)
end

function tusk.once(key, settings)
  return require("moontusk.windows").once(key, settings)
end

-- on_save and on_restore: one function each.
local function hand_over(name, run)
  local call, handover = "tusk." .. name, require("moontusk.handover")
  check.type(call, "the handler", run, "function")
  core.hand_over(call)
  if handover[name == "on_save" and "saver" or "restorer"] then
    check.fail("%s was called twice; one function is enough", call)
  end
  handover[name](run)
end

function tusk.on_save(run)
  hand_over("on_save", run)
end

function tusk.on_restore(run)
  hand_over("on_restore", run)
end

function tusk.post(post)
  return require("moontusk.actions").post(post)
end

function tusk.forward(target, message)
  return require("moontusk.forward").say(target, message)
end

function tusk.sleep(time)
  return require("moontusk.timers").sleep(time)
end

function tusk.after(time, run)
  return require("moontusk.timers").after(time, run)
end

function tusk.spawn(run)
  return require("moontusk.timers").spawn(run)
end

tusk.now = util.now

local function copy(module)
  local fresh = {}
  for key, value in pairs(module) do
    fresh[key] = value
  end
  return fresh
end

-- Made when first used: a plugin pays for what it uses.
local PARTS = {
  api = function() return copy(require "moontusk.api") end,
  http = function() return copy(require "moontusk.http") end,
  json = function() return copy(require "moontusk.json") end,
  log = function() return require "moontusk.log" end,
  regex = function() return copy(require "moontusk.regex") end,
  store = function() return require("moontusk.store").proxy end,
  text = function() return require "moontusk.text" end,
  time = function() return copy(require "moontusk.time") end,
}

return setmetatable({}, {
  __index = function(_, name)
    local value = tusk[name]
    if value ~= nil then
      return value
    end
    if PARTS[name] then
      tusk[name] = PARTS[name]()
      return tusk[name]
    end
    local names = {}
    for _, list in ipairs { tusk, PARTS } do
      for known in pairs(list) do
        names[#names + 1] = known
      end
    end
    local near = type(name) == "string" and util.suggest(name, names)
    check.fail("there is no tusk.%s%s", tostring(name), near and "; did you mean tusk." .. near .. "?" or "")
  end,
  __newindex = function(_, name)
    check.fail("tusk.%s cannot be set: tusk is not yours to change; use a local or tusk.store", tostring(name))
  end,
  __metatable = false,
})
