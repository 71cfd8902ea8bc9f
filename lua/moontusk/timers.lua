-- SPDX-License-Identifier: MIT
-- tusk.sleep, tusk.after and tusk.spawn: waiting for time, and functions that run later or beside.
local wait = require "moontusk.wait"
local util = require "moontusk.util"
local check = require "moontusk.check"
local callbacks = require "moontusk.callbacks"
local task = require "moontusk.task"

local timers = {}

-- A task's own: functions that it has started, by id; they begin to count when it ends.
local part = {}

function part.make()
  return { started = {}, count = 0 }
end

function part.commit(own)
  for id in pairs(own.started) do
    callbacks.reserve_timer(id)
  end
end

function part.apply(own)
  for id, run in pairs(own.started) do
    callbacks.add_timer(id, run)
  end
end

function part.drop(own)
  for id in pairs(own.started) do
    callbacks.release_timer(id)
  end
end

local starting = task.part(part)

-- Milliseconds of "10s" or of a number of seconds.
local function milliseconds(call, time, max_ms)
  local ms
  if type(time) == "number" and time >= 0 and time * 1000 <= max_ms then
    ms = math.floor(time * 1000 + 0.5)
  else
    ms = util.duration(time)
  end
  if not ms or ms > max_ms then
    check.fail("%s: found %s, expected a time such as \"10s\", \"1h30m\" or a number of seconds, at most %d hours; for what "
      .. "takes longer use tusk.every and tusk.store", call, check.show(time), max_ms // 3600000)
  end
  return ms
end

function timers.sleep(time)
  wait.sleep(milliseconds("tusk.sleep", time, wait.sleep_max_ms))
end

local timer_methods = {}
local timer_meta = { __index = timer_methods, __metatable = false, __name = "timer" }
local ids = setmetatable({}, { __mode = "k" }) -- timer -> its id

-- Counts at once, whatever becomes of the handler that cancels. True when the function had not started.
function timer_methods.cancel(self)
  local id = type(self) == "table" and ids[self]
  if not id then
    check.fail("cancel: found %s, expected what tusk.after returned; write timer:cancel() with a colon", check.show(self))
  end
  wait.stop(id)
  local own = starting()
  if own.started[id] then
    own.started[id], own.count = nil, own.count - 1
    return true
  end
  return callbacks.remove_timer(id)
end

local function start(call, ms, run)
  wait.check(call)
  check.type(call, "what to run", run, "function")
  local own = starting()
  if callbacks.timer_count() + own.count >= wait.timers_max then
    check.fail("%s: %d functions wait for their time already, which is as many as one plugin may have; cancel some, or "
      .. "keep what is to be done in tusk.store and look at it with tusk.every", call, wait.timers_max)
  end
  local id = wait.start(call, ms)
  own.started[id], own.count = run, own.count + 1
  return id
end

function timers.after(time, run)
  local timer = setmetatable({}, timer_meta)
  ids[timer] = start("tusk.after", milliseconds("tusk.after", time, wait.after_max_ms), run)
  return timer
end

function timers.spawn(run)
  start("tusk.spawn", 0, run)
end

return timers
