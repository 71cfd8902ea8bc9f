-- SPDX-License-Identifier: MIT
-- Rate limits as Mastodon counts them: fixed windows on the clock, one bucket a token or address (protocol.md 7).
local text = require "practice.text"

local limits = {}
limits.__index = limits

limits.WINDOW_MS = 300000
-- Mastodon allows 300 in five minutes; a practice run may do a hundred times that.
limits.DEFAULT = 30000

function limits.new(clock, faults)
  return setmetatable({ clock = clock, faults = faults, most = limits.DEFAULT, window = 0, used = {} }, limits)
end

-- Counts one request of `key`. Returns the three headers, and true when it is one too many.
function limits:count(key)
  local now = self.clock()
  local window = now // limits.WINDOW_MS
  if window ~= self.window then
    self.window, self.used = window, {}
  end
  local used = (self.used[key] or 0) + 1
  self.used[key] = used
  local reset = (window + 1) * limits.WINDOW_MS
  local over = used > self.most
  local remaining = math.max(0, self.most - used)
  local till, claimed = self.faults:limited_until()
  if till then
    over, reset, remaining = true, claimed, 0
    self.faults.note("429 with reset")
  end
  return {
    "X-RateLimit-Limit", tostring(self.most),
    "X-RateLimit-Remaining", tostring(remaining),
    "X-RateLimit-Reset", text.time_micros(reset),
  }, over
end

return limits
