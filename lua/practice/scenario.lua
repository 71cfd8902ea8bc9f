-- SPDX-License-Identifier: MIT
-- --scenario: a script of what happens and what goes wrong, and when.
local actions = require "practice.actions"
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
  garbage = { "stream" },
  drop = { "stream" },
  close = { "token" },
  revoke = { "token" },
  restore = { "token" },
  refuse = { "status", "for" },
  limit = { "status", "for" },
  refuse_upgrades = { "status", "for" },
  fail = { "path", "status" },
  languages = { "languages", "of" },
  lose = { "stream", "every" },
  skew = { "by" },
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

-- What the script sees: Lua's harmless libraries, `at`, `every` and the actions.
local function environment(ctx, report)
  local env = {
    assert = assert, error = error, ipairs = ipairs, pairs = pairs, next = next, pcall = pcall, select = select,
    tonumber = tonumber, tostring = tostring, type = type, math = math, string = string, table = table, utf8 = utf8,
    print = print,
  }
  for name, names in pairs(SHORT) do
    env[name] = function(...)
      local body, problem = actions[name](ctx, gather(names, ...))
      if not body then
        error(name .. ": " .. problem, 2)
      end
      return body
    end
  end
  local function timed(start)
    return function(when, f, ...)
      local ms = timers.duration(when)
      if not ms then
        error(('"%s" is no duration; write it like "2s", "500ms" or "1m"'):format(tostring(when)), 2)
      elseif type(f) ~= "function" then
        error("the second argument is a function, as in at(\"2s\", drop)", 2)
      end
      local args = table.pack(...)
      start(ms, function()
        local fine, problem = pcall(f, table.unpack(args, 1, args.n))
        if not fine then
          report(tostring(problem))
        end
      end)
    end
  end
  env.at, env.every = timed(timers.after), timed(timers.every)
  return env
end

-- Runs the script's text; nil and a message with file and line when it is wrong. What goes wrong later is told to
-- `report`.
function scenario.run(ctx, file, source, report)
  local chunk, problem = load(source, "@" .. file, "t", environment(ctx, report))
  if not chunk then
    return nil, problem
  end
  local fine
  fine, problem = pcall(chunk)
  if not fine then
    return nil, tostring(problem)
  end
  return true
end

return scenario
