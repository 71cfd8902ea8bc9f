-- SPDX-License-Identifier: MIT
-- From the ids that C hands out to the plugin's functions; the host calls deliver and tick.
local callbacks = {}

local handlers, schedules = {}, {}
local store -- the module, once it is in use

function callbacks.add(id, entry)
  handlers[id] = entry
end

function callbacks.add_schedule(id, run)
  schedules[id] = run
end

function callbacks.use_store(module)
  store = module
end

local function run_hear(hear, notification, event)
  if not notification.status then
    return
  end
  local captures = event.match.captures or {}
  hear(notification.status, table.unpack(captures, 1, #captures))
end

function callbacks.deliver(id, subject, event)
  local entry = handlers[id]
  if store then
    store.begin()
  end
  if entry.where and not entry.where(subject, event) then
    return
  end
  if entry.hear then
    run_hear(entry.hear, subject, event)
  else
    entry.run(subject, event)
  end
  if store then
    store.finish()
  end
end

function callbacks.tick(id, due)
  if store then
    store.begin()
  end
  schedules[id](due)
  if store then
    store.finish()
  end
end

return callbacks
