-- SPDX-License-Identifier: MIT
-- tusk.api: reading from the account's own server, page by page where there are many, and posts that have no method.
local core = require "moontusk.core"
local handle = require "moontusk.handle"
local json = require "moontusk.json"
local util = require "moontusk.util"
local check = require "moontusk.check"
local actions = require "moontusk.actions"
local request = require "moontusk.request"

local api = {}

-- What a server or proxy might read as another path ("..", "//", "%61dmin") is not taken: permissions go by the path.
local function check_path(call, path)
  check.type(call, "the path", path, "string")
  if string.find(path, "^https?://") then
    check.fail("%s: found %s, expected a path such as \"/api/v1/timelines/home\"; other servers are for tusk.http", call,
      check.show(path))
  end
  local bare = string.match(path, "^[^?]*")
  if not string.find(path, "^/api/") or string.find(path, "[%c%s#\\\128-\255]") or string.find(bare, "..", 1, true)
    or string.find(bare, "//", 1, true) or string.find(bare, "%%[0-7]") then
    check.fail("%s: found %s, expected a path that starts with \"/api/\" and holds no \"..\", \"//\", blank, \"#\" or "
      .. "escaped ASCII", call, check.show(path))
  end
end

-- Moderators' calls have permissions of their own.
local function require_permission(call, path, what)
  local bare = string.match(path, "^[^?]*")
  local permission = (string.find(bare .. "/", "/admin/", 1, true) and "admin:" or "api:") .. what
  core.require(call, permission)
  return permission
end

local function problem_of(head, body)
  local said = json.decode(body)
  local words = type(said) == "table" and type(said.error) == "string" and said.error or nil
  local kinds = { [401] = "denied", [403] = "denied", [404] = "not_found", [410] = "not_found", [429] = "throttled" }
  return handle.problem {
    kind = kinds[head.status] or (head.status >= 500 and "server" or "refused"),
    status = head.status,
    message = words and string.format("%d \"%s\"", head.status, words) or tostring(head.status),
  }
end

local function get(call, path)
  local head, body = request.send { call = call, is_api = true, method = "GET", url = path }
  if not head then
    return nil, body
  elseif head.status < 200 or head.status > 299 then
    return nil, problem_of(head, body)
  end
  local value, message = request.decode(body)
  if value == nil and message then
    return nil, handle.problem { kind = "broken", status = head.status, message = "the answer is no JSON: " .. message }
  end
  return value, { status = head.status, headers = head.headers, next = head.next }
end

local function with_query(call, path, params)
  local query = request.form(call, params)
  if query == "" then
    return path
  end
  return path .. (string.find(path, "?", 1, true) and "&" or "?") .. query
end

-- Waits.
function api.get(path, params)
  check_path("tusk.api.get", path)
  require_permission("tusk.api.get", path, "read")
  return get("tusk.api.get", with_query("tusk.api.get", path, params))
end

local function items_of(value)
  if type(value) ~= "table" then
    return nil
  elseif value[1] ~= nil or next(value) == nil then
    return value
  end
  for _, name in ipairs { "statuses", "accounts" } do -- /api/v2/search and the like
    if type(value[name]) == "table" then
      return value[name]
    end
  end
  return nil
end

-- Items, one page after the other. Waits, and raises the problem when a page cannot be had.
function api.pages(path, params, settings)
  local call = "tusk.api.pages"
  check_path(call, path)
  require_permission(call, path, "read")
  settings = settings or {}
  check.keys(call, settings, { limit = "number" })
  local limit = settings.limit or util.api_items_default
  if math.type(limit) ~= "integer" or limit < 1 or limit > util.api_items_max then
    check.fail("%s: limit: found %s, expected a whole number from 1 to %d", call, check.show(settings.limit),
      util.api_items_max)
  end
  local following = with_query(call, path, params)
  local items, at, given, pages = {}, 0, 0, 0
  return function()
    while at >= #items do
      if not following or given >= limit or pages >= util.api_pages_max then
        return nil
      end
      local value, info = get(call, following)
      if value == nil then
        error(info, 0)
      end
      items, at, pages = items_of(value), 0, pages + 1
      if not items then
        check.fail("%s: %s did not answer with a list; read it with tusk.api.get", call, path)
      end
      following = #items > 0 and info.next or nil
    end
    if given >= limit then
      return nil
    end
    at, given = at + 1, given + 1
    return items[at]
  end
end

-- An action: it leaves after the commit, and is never sent again when it is not known whether it happened.
function api.post(path, params, options)
  local call = "tusk.api.post"
  check_path(call, path)
  local permission = require_permission(call, path, "write")
  if params ~= nil then
    check.type(call, "the parameters", params, "table")
  end
  options = options or {}
  check.keys(call, options, { key = "string", at_most = "table" })
  return actions.act("api.post", options, {
    call = call,
    permission = permission,
    url = path,
    body = params and next(params) ~= nil and json.encode(params, call) or "{}",
    summary = "POST " .. path,
  })
end

return api
