-- SPDX-License-Identifier: MIT
-- tusk.on_save and tusk.on_restore: what a plugin hands over to its next self when its file has changed.
local json = require "moontusk.json"

local handover = {}

function handover.on_save(run)
  handover.saver = run
end

function handover.on_restore(run)
  handover.restorer = run
end

-- The value as JSON; nil when there is nothing to hand over.
function handover.save()
  local value = handover.saver and handover.saver()
  if value == nil then
    return nil
  end
  return json.encode(value, "the value of tusk.on_save")
end

function handover.restore(text, version)
  if handover.restorer then
    handover.restorer(json.decode(text), version)
  end
end

return handover
