-- SPDX-License-Identifier: MIT
-- Things that go wrong on purpose: refusals, limits, answers that are not what was asked for.
local json = require "trusted.json"

local faults = {}
faults.__index = faults

function faults.new(clock)
  return setmetatable({ clock = clock, skew_ms = 0, list = {}, refusal = nil, limited = nil }, faults)
end

-- The time that answers name in their Date header.
function faults:now()
  return self.clock() + self.skew_ms
end

-- Every request (REST, streams, handshakes) gets `status` until `ms` from now.
function faults:refuse(status, ms)
  self.refusal = { status = status, till = ms and self.clock() + ms or math.huge }
end

-- Only WebSocket handshakes get `status`, as behind a proxy that knows none.
function faults:refuse_upgrades(status, ms)
  self.no_upgrades = { status = status, till = ms and self.clock() + ms or math.huge }
end

-- 429 for every REST request until `ms` from now.
function faults:limit(ms)
  self.limited = self.clock() + ms
end

-- An answer for requests whose path starts with `path`: { path, method, status, times, body, content_type }.
function faults:fail(fault)
  fault.times = fault.times or 1
  self.list[#self.list + 1] = fault
end

function faults:clear()
  self.list, self.refusal, self.limited, self.no_upgrades = {}, nil, nil, nil
  self.skew_ms = 0
end

local WORDS = {
  [401] = "The access token is invalid",
  [403] = "This action is not allowed",
  [404] = "Record not found",
  [429] = "Too many requests",
  [500] = "An unexpected error occurred",
  [503] = "There was a temporary problem serving your request, please try again",
}

local function refused(self)
  if self.refusal and self.refusal.till <= self.clock() then
    self.refusal = nil
  end
  return self.refusal
end

-- The answer that goes out instead of the real one: { status, body, content_type }; nil when all is well.
function faults:answer(request)
  for i, fault in ipairs(self.list) do
    if request.path:sub(1, #fault.path) == fault.path and (not fault.method or fault.method == request.method) then
      fault.times = fault.times - 1
      if fault.times <= 0 then
        table.remove(self.list, i)
      end
      local status = fault.status or 500
      return {
        status = status,
        body = fault.body or '{"error":' .. json.quote(WORDS[status] or "Practice fault") .. "}",
        content_type = fault.content_type or (fault.body and fault.body:find("^%s*<") and "text/html")
          or "application/json; charset=utf-8",
      }
    end
  end
  local refusal = refused(self)
  if refusal then
    local words = WORDS[refusal.status] or "Practice fault"
    if refusal.status == 401 and request.path:find("^/api/v1/streaming") then
      words = "Invalid access token"
    end
    return { status = refusal.status, body = '{"error":' .. json.quote(words) .. "}",
      content_type = "application/json; charset=utf-8" }
  end
end

-- The same for a WebSocket handshake: { status, words }.
function faults:for_upgrade(request)
  if self.no_upgrades and self.no_upgrades.till > self.clock() then
    return { status = self.no_upgrades.status, words = WORDS[self.no_upgrades.status] or "Practice fault" }
  end
  local refusal = refused(self)
  if refusal then
    return { status = refusal.status, words = refusal.status == 401 and "Invalid access token" or WORDS[refusal.status]
      or "Practice fault" }
  end
  for i, fault in ipairs(self.list) do
    if request.path:sub(1, #fault.path) == fault.path then
      fault.times = fault.times - 1
      if fault.times <= 0 then
        table.remove(self.list, i)
      end
      return { status = fault.status or 500, words = WORDS[fault.status or 500] or "Practice fault" }
    end
  end
end

-- Time at which the 429s end, or nil.
function faults:limited_until()
  if self.limited and self.limited <= self.clock() then
    self.limited = nil
  end
  return self.limited
end

return faults
