-- SPDX-License-Identifier: MIT
-- What a task keeps of its own until it ends: it takes effect then, and is forgotten when the task raises.
local wait = require "moontusk.wait"
local callbacks = require "moontusk.callbacks"

local task = {}

local parts = {}
local kept = {} -- number of the task -> { [part] = what make() gave }

-- Declares something that each task has one of, made by part.make() when it is first asked for. When the task ends without
-- an error part.commit(own) turns it into effects (it may raise), and after all of those part.apply(own) makes it visible
-- to other tasks (it may neither raise nor need memory). When it does not end so, part.drop(own) takes back what a commit
-- that another one's error followed has done (it may not raise either). Each may be missing. Returns a function that gives the one of
-- the task that runs.
function task.part(part)
  parts[#parts + 1] = part
  return function()
    local id = wait.task()
    local own = kept[id]
    if not own then
      own = {}
      kept[id] = own
    end
    local value = own[part]
    if value == nil then
      value = part.make()
      own[part] = value
    end
    return value
  end
end

local function each(own, name)
  for index = 1, #parts do
    local part = parts[index]
    if own[part] ~= nil and part[name] then
      part[name](own[part])
    end
  end
end

function task.commit()
  local id = wait.task()
  local own = kept[id]
  if own then
    each(own, "commit")
    each(own, "apply")
    kept[id] = nil
  end
end

function task.drop(id)
  local own = kept[id]
  if own then
    kept[id] = nil
    each(own, "drop")
  end
end

callbacks.use_tasks(task)
return task
