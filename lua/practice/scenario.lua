-- SPDX-License-Identifier: MIT
-- --scenario: a script of what happens and what goes wrong, and when.
local timers = require "practice.timers"

local scenario = {}

-- Short forms: which parameter the n-th plain argument is.
local SHORT = {
  post = { "text", "from" },
  mention = { "text", "from" },
  direct = { "text", "from" },
  edit = { "id", "text" },
  delete = { "id" },
  boost = { "id", "from" },
  favourite = { "id", "from" },
  follow = { "from" },
  send = { "stream", "event", "payload" },
  huge = { "bytes", "from" },
  garbage = { "stream" },
  broken_utf8 = { "stream" },
  drop = { "stream" },
  close = { "code", "stream" },
  revoke = { "token" },
  restore = { "token" },
  down = { "for" },
  up = {},
  stall = { "stream", "for" },
  truncate = { "bytes", "stream" },
  bytewise = { "stream", "for" },
  drip = { "bytes", "every", "for" },
  twice = { "count", "stream" },
  shuffle = { "count", "stream" },
  overtake = { "count", "stream" },
  swallow = { "count", "event" },
  lose = { "stream", "every" },
  deafen = { "stream", "for" },
  absent = { "for" },
  hush = { "for" },
  buffer = { "for" },
  refuse = { "status", "for" },
  refuse_upgrades = { "status", "for" },
  limit = { "status", "for" },
  fail = { "path", "status" },
  redirect = { "path", "to" },
  regenerate = { "for" },
  misread_min_id = { "on" },
  home_depth = { "count" },
  feed = { "feed", "access" },
  streaming_url = { "url" },
  languages = { "languages", "of" },
  skew = { "by" },
  chaos = { "seed", "every" },
  clear = {},
}

-- mention("ping", "alice"), post { text = "…" }, limit(429, { for = "10s" }): all make one table.
local function gather(names, ...)
  local p, at = {}, 1
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if type(value) == "table" then
      for key, member in pairs(value) do
        p[key] = member
      end
    else
      local name = names[at]
      if not name then
        error("too many arguments", 3)
      end
      p[name] = value
      at = at + 1
    end
  end
  return p
end

local function duration(when)
  return timers.duration(when)
    or error(('"%s" is no duration; write it like "2s", "500ms" or "1m"'):format(tostring(when)), 3)
end

-- at(time, action, …), and at(time) before an action: `at "2s" close(1012)`. `pending` is what such a time waits in.
local function timed(name, start, pending, report)
  local function plan(ms, f)
    start(ms, function()
      local fine, problem = pcall(f)
      if not fine then
        report(tostring(problem))
      end
    end)
  end
  return function(when, ...)
    local ms, f = duration(when), ...
    if pending.plan then
      error(pending.name .. " is followed by another time, not by an action", 2)
    elseif select("#", ...) == 0 then
      pending.name = ('%s "%s"'):format(name, when)
      pending.plan = function(action)
        plan(ms, action)
      end
      return
    elseif type(f) ~= "function" then
      error(('the second argument is a function, as in %s("2s", drop)'):format(name), 2)
    end
    local args = table.pack(select(2, ...))
    plan(ms, function()
      f(table.unpack(args, 1, args.n))
    end)
  end
end

-- What the script sees: Lua's harmless libraries, `at`, `every` and the actions.
local function environment(ctx, pending, report)
  local env = {
    assert = assert, error = error, ipairs = ipairs, pairs = pairs, next = next, pcall = pcall, select = select,
    tonumber = tonumber, tostring = tostring, type = type, math = math, string = string, table = table, utf8 = utf8,
    print = print,
  }
  for name, names in pairs(SHORT) do
    env[name] = function(...)
      local p = gather(names, ...)
      local function act()
        local body, problem = ctx.act(name, p)
        return body or error(name .. ": " .. problem, 3)
      end
      local plan = pending.plan
      if plan then
        pending.plan = nil
        return plan(act)
      end
      local body = act() -- no tail call: the error names the script's line
      return body
    end
  end
  env.at = timed("at", timers.after, pending, report)
  env.every = timed("every", timers.every, pending, report)
  return env
end

-- Runs the script's text; nil and a message with file and line when it is wrong. What goes wrong later is told to
-- `report`.
function scenario.run(ctx, file, source, report)
  local pending = {}
  local chunk, problem = load(source, "@" .. file, "t", environment(ctx, pending, report))
  if not chunk then
    return nil, problem
  end
  local fine
  fine, problem = pcall(chunk)
  if not fine then
    return nil, tostring(problem)
  elseif pending.plan then
    return nil, ("%s: %s is followed by no action"):format(file, pending.name)
  end
  return true
end

scenario.SHORT = SHORT

return scenario
