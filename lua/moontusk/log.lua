-- SPDX-License-Identifier: MIT
-- tusk.log: lines under the instance's name; with several arguments the first is a format.
local logger = require "moontusk.logger"

local log = {}

local function text_of(first, ...)
  if select("#", ...) == 0 then
    return tostring(first)
  end
  local ok, text = pcall(string.format, first, ...)
  if ok then
    return text
  end
  -- A percent sign too many must not cost the line.
  local parts = { tostring(first) }
  for index = 1, select("#", ...) do
    parts[index + 1] = tostring((select(index, ...)))
  end
  return table.concat(parts, "\t")
end

for _, level in ipairs { "debug", "info", "warn", "error" } do
  log[level] = function(...)
    logger.write(level, text_of(...))
  end
end

return log
