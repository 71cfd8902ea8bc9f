-- SPDX-License-Identifier: MIT
-- What faults have done in fact: how many connections, events and requests each kind has hit.
local json = require "trusted.json"

local happened = {}

-- A function that notes `count` (1) hits of a kind, and the table of counts by kind.
function happened.new()
  local counts = {}
  return function(kind, count)
    count = count or 1
    if count > 0 then
      counts[kind] = (counts[kind] or 0) + count
    end
  end, counts
end

-- The counts as JSON, the kinds in order.
function happened.json(counts)
  local out = {}
  for kind, count in pairs(counts) do
    out[#out + 1] = json.quote(kind) .. ":" .. count
  end
  table.sort(out)
  return '{"happened":{' .. table.concat(out, ",") .. "}}"
end

return happened
