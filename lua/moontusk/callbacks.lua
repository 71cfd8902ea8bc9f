-- SPDX-License-Identifier: MIT
-- From the ids that C hands out to the plugin's functions; each call here is one task, in a coroutine of its own.
local wait = require "moontusk.wait"

local callbacks = {}

local handlers, schedules, timers = {}, {}, {}
local timer_count = 0 -- those that wait for their time, and those that run
local running = {}    -- number of the task -> true: of a timer
local fired = {}      -- id -> function that has begun: kept until the host has written down that it ended
local tasks -- the module, once something keeps state by task

function callbacks.add(id, entry)
  handlers[id] = entry
end

function callbacks.add_schedule(id, run)
  schedules[id] = run
end

-- Makes room for a function, so that adding it needs no memory.
function callbacks.reserve_timer(id)
  timers[id] = false
end

-- The room is not needed after all.
function callbacks.release_timer(id)
  if timers[id] == false then
    timers[id] = nil
  end
end

-- A function that runs once, with the id that wait.start gave.
function callbacks.add_timer(id, run)
  timers[id], timer_count = run, timer_count + 1
end

-- True when it had not started yet.
function callbacks.remove_timer(id)
  local waits = timers[id] and true or false
  if waits then
    timers[id], timer_count = nil, timer_count - 1
  end
  return waits
end

-- What it did is written down.
function callbacks.timer_done(id)
  fired[id] = nil
end

-- What it did was taken back: it waits as before.
function callbacks.timer_again(id)
  if fired[id] then
    timers[id], fired[id], timer_count = fired[id], nil, timer_count + 1
  end
end

local function end_timer(id)
  if running[id] then
    running[id], timer_count = nil, timer_count - 1
  end
end

function callbacks.timer_count()
  return timer_count
end

function callbacks.use_tasks(module)
  tasks = module
end

-- What the task keeps of its own takes effect.
local function finish()
  if tasks then
    tasks.commit()
  end
end

local function run_hear(handler, notification, event)
  if not notification.status then
    return
  end
  local captures = event.match.captures or {}
  handler(notification.status, table.unpack(captures, 1, #captures))
end

local function is_chosen(where, subject, event)
  wait.choosing(true)
  local chosen = where(subject, event)
  wait.choosing(false)
  return chosen
end

-- The local names of what is called ("handler", ...) stand in tracebacks.
function callbacks.deliver(id, subject, event)
  local entry = handlers[id]
  if entry.where and not is_chosen(entry.where, subject, event) then
    callbacks.drop(wait.task())
    return
  end
  if entry.hear then
    run_hear(entry.hear, subject, event)
  else
    local handler = entry.run
    handler(subject, event)
  end
  finish()
end

function callbacks.tick(id, due)
  local schedule = schedules[id]
  schedule(due)
  finish()
end

function callbacks.fire(id)
  local timer = timers[id]
  if timer then -- else it was cancelled
    local number = wait.task()
    fired[id] = timer
    running[number], timers[id] = true, nil
    timer()
    finish()
    end_timer(number)
  end
end

-- The task raised, or was given up.
function callbacks.drop(id)
  end_timer(id)
  if tasks then
    tasks.drop(id)
  end
end

return callbacks
