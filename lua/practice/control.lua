-- SPDX-License-Identifier: MIT
-- The control endpoint /practice/… for tests: every action by POST, what happened by GET.
local json = require "trusted.json"
local server = require "trusted.server"
local system = require "trusted.system"
local actions = require "practice.actions"
local entities = require "practice.entities"
local happened = require "practice.happened"
local params = require "practice.params"
local scenario = require "practice.scenario"
local text = require "practice.text"
local timers = require "practice.timers"

local control = {}
control.__index = control

local LOG_MAX = 5000
local LOG_BODY_MAX = 2000

-- `ctx`: what the actions need, and port.
function control.new(ctx)
  return setmetatable({ ctx = ctx, log = {}, total = 0 }, control)
end

-- Remembers one request; status is nil while it streams or hangs.
function control:note(request, status)
  self.total = self.total + 1
  self.log[#self.log + 1] = { number = self.total, method = request.method, path = request.path,
    query = request.query, body = request.body:sub(1, LOG_BODY_MAX), status = status, ms = self.ctx.world.clock(),
    key = request.headers["idempotency-key"], agent = request.headers["user-agent"] }
  if #self.log > LOG_MAX then
    self.log = table.move(self.log, LOG_MAX // 2, #self.log, 1, {})
  end
end

local function hide(value)
  return (value:gsub("(access_token=)[^&]*", "%1…"))
end

local function log_line(row)
  return table.concat {
    '{"number":', tostring(row.number), ',"time":"', text.time(row.ms), '","method":', json.quote(row.method),
    ',"path":', json.quote(row.path), ',"query":', json.quote(hide(row.query)),
    ',"status":', row.status and tostring(row.status) or "null",
    ',"idempotency_key":', row.key and json.quote(row.key) or "null",
    ',"user_agent":', row.agent and json.quote(row.agent) or "null",
    ',"body":', json.quote(row.body), "}",
  }
end

local views = {}

-- GET /practice/log?since=NUMBER
function views.log(self, p)
  local since = math.tointeger(tonumber(p.since)) or 0
  local out = {}
  for _, row in ipairs(self.log) do
    if row.number > since then
      out[#out + 1] = log_line(row)
    end
  end
  return '{"total":' .. self.total .. ',"requests":[' .. table.concat(out, ",") .. "]}"
end

-- GET /practice/state: who listens to what
function views.state(self)
  local ctx, names = self.ctx, {}
  for channel, list in pairs(ctx.hub.channels) do
    names[#names + 1] = json.quote(channel) .. ":" .. #list
  end
  table.sort(names)
  return ('{"listeners":{%s},"events_sent":%d,"statuses":%d,"requests":%d}'):format(
    table.concat(names, ","), ctx.hub.sent, #ctx.store.statuses - ctx.store.gone, self.total)
end

-- GET /practice/faults: what was caused, by whomever, oldest first
function views.faults(self)
  local out = {}
  for i, row in ipairs(self.ctx.history) do
    local fields = {}
    for key, value in pairs(row.parameters) do
      fields[#fields + 1] = json.quote(tostring(key)) .. ":" .. json.quote(tostring(value))
    end
    table.sort(fields)
    out[i] = ('{"time":"%s","action":%s,"parameters":{%s}}'):format(text.time(row.ms), json.quote(row.name),
      table.concat(fields, ","))
  end
  return '{"actions":[' .. table.concat(out, ",") .. "]}"
end

-- GET /practice/happened: how many connections, events and requests were hit, by kind of fault
function views.happened(self)
  return happened.json(self.ctx.happened)
end

function views.people(self)
  return entities.array(self.ctx.cast, entities.account)
end

-- GET /practice/reports: what was reported, oldest first
function views.reports(self)
  return "[" .. table.concat(self.ctx.store.reports, ",") .. "]"
end

-- A page of another origin must not steer it: loopback names only, and one of its tokens for what changes something.
local function local_name(value)
  local host = value:gsub("^%a+://", ""):gsub(":%d+$", "")
  return host == "127.0.0.1" or host == "localhost" or host == "[::1]"
end

function control:may(request, p)
  local headers = request.headers
  if headers.host and not local_name(headers.host) or headers.origin and not local_name(headers.origin) then
    return false
  end
  if request.method == "GET" then
    return true
  end
  local shown = headers.authorization and headers.authorization:match("^Bearer (.+)$") or p.access_token
  return shown ~= nil and self.ctx.tokens.by_text[shown] ~= nil
end

local function complain(problem)
  system.warn("practice: " .. problem)
end

-- One action now, or with `at` later.
function control:act(name, p)
  if p.at == nil then
    return actions.run(self.ctx, name, p)
  end
  local ms = timers.duration(tonumber(p.at) or p.at)
  if not ms then
    return nil, ("at: %s is no duration; write it like 5s, 2m or 500ms"):format(tostring(p.at))
  end
  p.at = nil
  timers.after(ms, function()
    local _, problem = actions.run(self.ctx, name, p)
    if problem then
      complain(name .. ": " .. problem)
    end
  end)
  return ('{"in_ms":%d}'):format(ms)
end

-- A whole script, its times counted from now.
function control:run_scenario(script)
  local fine, problem = scenario.run(self.ctx, "scenario", script, complain)
  return fine and "{}", problem
end

function control:request(conn, request)
  local p, problem = params.of(request)
  local name = request.path:match("^/practice/([%w_]+)$")
  local status, body = 404, nil
  if not p then
    status = 400
  elseif not self:may(request, p) then
    status, problem = 403, "the control endpoint takes requests to a loopback name, and a printed token to change things"
  elseif request.method == "GET" and views[name] then
    status, body = 200, views[name](self, p)
  elseif request.method == "POST" and name == "scenario" then
    body, problem = self:run_scenario(params.text(p.script) or request.body)
    status = body and 200 or 400
  elseif request.method == "POST" and actions.exists(name) then
    p.access_token = nil
    self.ctx.asking = conn
    body, problem = self:act(name, p)
    self.ctx.asking = nil
    status = body and 200 or 400
  else
    problem = "no such control; docs/practice.md lists them"
  end
  server.respond(conn, status, { "Content-Type", "application/json" },
    body or '{"error":' .. json.quote(problem or "bad request") .. "}", false)
  return status
end

return control
