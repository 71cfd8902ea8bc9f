-- SPDX-License-Identifier: MIT
-- What an action returns at once: handle:await() waits for what became of it.
local wait = require "moontusk.wait"
local json = require "moontusk.json"
local util = require "moontusk.util"
local check = require "moontusk.check"

local handle = {}

local methods = {}
local hidden = setmetatable({}, { __mode = "k" }) -- handle -> its own fields, out of a plugin's reach
local meta = { __index = methods, __metatable = false, __name = "action" }
local problem_meta = { __tostring = function(problem) return problem.message end, __metatable = false }

local function new(action, target, own)
  local made = setmetatable({ action = action, target = target }, meta)
  hidden[made] = own
  return made
end

function handle.problem(fields)
  return setmetatable(fields, problem_meta)
end

-- `index` is what effect.action gave.
function handle.of_action(action, target, index)
  return new(action, target, { task = wait.task(), index = index })
end

-- Its outcome is known already.
function handle.of_result(action, target, result)
  return new(action, target, { result = result })
end

function handle.of_refusal(action, target)
  return new(action, target, { problem = handle.problem {
    kind = "private",
    message = string.format("%s: left out: the post is not public, and the operator has not granted \"%s:private\"",
      action, action),
  } })
end

-- JSON of an answer -> result | nil, problem
function handle.read(text)
  local answer = json.decode(text) or {}
  if answer.ok ~= nil then
    return answer.ok
  end
  return nil, handle.problem(answer.problem or { kind = "unknown", message = "there is no answer" })
end

local function patience(settings)
  if settings == nil then
    return wait.patience_max_ms
  end
  check.keys("await", settings, { timeout = true })
  local timeout = settings.timeout
  local ms = type(timeout) == "number" and math.floor(timeout * 1000) or util.duration(timeout)
  if timeout ~= nil and (not ms or ms < 0 or ms > wait.patience_max_ms) then
    check.fail("await: timeout: found %s, expected a time of at most %d minutes such as \"30s\"", check.show(timeout),
      wait.patience_max_ms // 60000)
  end
  return ms or wait.patience_max_ms
end

function methods.await(self, settings)
  local own = type(self) == "table" and hidden[self]
  if not own then
    check.fail("await: found %s, expected what an action returned; write handle:await() with a colon", check.show(self))
  end
  if own.result == nil and not own.problem then
    if own.task ~= wait.task() then
      check.fail("await: the %s was asked for by another call of a handler; its outcome can be waited for there only",
        self.action)
    end
    local result, problem = handle.read(wait.outcome(own.index, "await", patience(settings)))
    if problem and problem.kind == "timeout" then
      return nil, problem -- it may still end: the next await asks again
    end
    own.result, own.problem = result, problem
  end
  return own.result, own.problem
end

return handle
