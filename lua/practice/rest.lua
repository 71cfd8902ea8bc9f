-- SPDX-License-Identifier: MIT
-- The REST side: routes by table, who may call them, rate limit headers, errors in Mastodon's words.
local json = require "trusted.json"
local server = require "trusted.server"
local system = require "trusted.system"
local params = require "practice.params"
local tokens = require "practice.tokens"

local rest = {}
rest.__index = rest

local function words(text)
  return '{"error":' .. json.quote(text) .. "}"
end
rest.words = words

-- Answers that several routes give.
rest.NOT_FOUND = words "Record not found"

function rest.invalid(text)
  return 422, words("Validation failed: " .. text)
end

-- Route tables: { method, path, handler, scopes… }. `:name` takes one segment. Scopes: any one of them is enough;
-- none: no token needed; "user": any token of a user.
local function split(path)
  local out = {}
  for segment in path:gmatch("[^/]+") do
    out[#out + 1] = segment
  end
  return out
end

-- `parts`: world, store, tokens, limits, faults, profile, `date()` for the header of that name, and `base(request)` giving
-- the address that links start with.
function rest.new(parts)
  local self = setmetatable(parts, rest)
  self.routes = {}
  for _, name in ipairs { "rest_instance", "rest_accounts", "rest_statuses", "rest_timelines", "rest_hidden" } do
    for _, row in ipairs(require("practice." .. name)) do
      local segments = split(row[2])
      local key = row[1] .. (self.profile.absent[row[1] .. " " .. row[2]] and "absent" or #segments)
      self.routes[key] = self.routes[key] or {}
      table.insert(self.routes[key], { segments = segments, handler = row[3], scopes = { table.unpack(row, 4) } })
    end
  end
  return self
end

local function match(route, segments)
  local args = {}
  for i, want in ipairs(route.segments) do
    if want:byte() == 58 then -- ':'
      args[want:sub(2)] = params.unescape(segments[i])
    elseif want ~= segments[i] then
      return nil
    end
  end
  return args
end

function rest:find(method, path)
  local segments = split(path)
  for _, route in ipairs(self.routes[method .. #segments] or {}) do
    local args = match(route, segments)
    if args then
      return route, args
    end
  end
end

-- True when the token may call it; else status and body (protocol.md 6.1).
local function admit(route, token, problem)
  if token == false then
    return false, 401, words(problem)
  end
  local scopes = route.scopes
  if #scopes == 0 then
    return true
  elseif token == nil then
    if scopes[1] == "public" then
      return true
    end
    return false, 401, words "The access token is invalid"
  elseif not token.person and scopes[1] ~= "app" and scopes[1] ~= "public" then
    return false, 422, words "This method requires an authenticated user"
  elseif scopes[1] == "user" or scopes[1] == "app" or (scopes[1] == "public" and #scopes == 1) then
    return true
  elseif not tokens.allows(token, table.unpack(scopes, scopes[1] == "public" and 2 or 1)) then
    return false, 403, words "This action is outside the authorized scopes"
  end
  return true
end

local function run(self, request, p, token, problem)
  local route, args = self:find(request.method, request.path)
  if not route then
    return 404, words "Not found"
  end
  local fine, status, body = admit(route, token, problem)
  if not fine then
    return status, body
  end
  return route.handler {
    request = request,
    p = p,
    args = args,
    token = token,
    person = token and token.person or nil,
    world = self.world,
    store = self.store,
    tokens = self.tokens,
    random = self.random,
    faults = self.faults,
    on_revoke = self.on_revoke,
    profile = self.profile,
    base = self.base(request),
    streaming_url = self.streaming_url(request),
    now = self.world.clock(),
  }
end

-- Answers one request; returns the status. `fault`: { status, body, content_type, location, cut } to answer in place of
-- what came out.
function rest:request(conn, request, fault)
  local p, bad = params.of(request)
  local profile = self.profile
  local token, problem = self.tokens:for_rest(request, profile.query_token and p or {})
  local key = token and not profile.limit_by_address and token.text or "address"
  local headers, over = self.limits:count(key)
  local status, body, more
  if over then
    status, body = 429, words "Too many requests"
  elseif not p then
    status, body = 400, words(bad)
  elseif profile.strict_limit and p.limit and not math.tointeger(tonumber(p.limit)) then
    status, body = 400, words "Bad Request: error parsing limit"
  else
    status, body, more = run(self, request, p, token, problem)
  end
  local kind = "application/json; charset=utf-8"
  if fault then
    status, body, more, kind = fault.status, fault.body, nil, fault.content_type or kind
  elseif status >= 400 and profile.say_error then
    status, body, kind = profile.say_error(status, body, request)
  elseif profile.rewrite then
    body = profile.rewrite(body)
  end
  local all = {
    "Content-Type", kind,
    "Cache-Control", "private, no-store",
    "X-Request-Id", system.uuid(),
    "Date", self.date(),
    "Access-Control-Allow-Origin", "*",
    "Access-Control-Expose-Headers",
    "Link, X-RateLimit-Reset, X-RateLimit-Limit, X-RateLimit-Remaining, X-Request-Id",
  }
  for _, list in ipairs { headers, more or {} } do
    for _, item in ipairs(list) do
      all[#all + 1] = item
    end
  end
  if status == 401 then
    all[#all + 1] = "WWW-Authenticate"
    all[#all + 1] = 'Bearer realm="Doorkeeper", error="invalid_token", error_description="The access token is invalid"'
  end
  if fault and fault.cut then
    server.cut(conn, false)
  else
    server.respond(conn, status, all, body, false)
  end
  return status
end

return rest
