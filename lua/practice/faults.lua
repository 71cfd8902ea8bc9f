-- SPDX-License-Identifier: MIT
-- Answers that go wrong on purpose: refusals, limits, failures and redirects, feeds that are switched off, paging that lies.
local json = require "trusted.json"

local faults = {}
faults.__index = faults

-- The feeds of `timelines_access` (protocol.md 4.3), and what may be said of each.
faults.FEEDS = { "live_local", "live_remote", "hashtag_local", "hashtag_remote" }
faults.ACCESS = { public = true, authenticated = true, disabled = true }
-- Home keeps that many statuses (protocol.md 5.2).
faults.HOME_MAX = 800

local function nothing() end

-- `note(kind)`: told of every answer that went wrong (practice/happened.lua).
function faults.new(clock, note)
  local self = setmetatable({ clock = clock, note = note or nothing }, faults)
  self:clear()
  return self
end

-- The time that answers name in their Date header.
function faults:now()
  return self.clock() + self.skew_ms
end

function faults:clear()
  self.skew_ms = 0
  self.list = {} -- answers for single paths
  self.refusal, self.no_upgrades = nil, nil -- { status, till }
  self.limited, self.claimed = nil, nil -- 429 until then, and until when it says
  self.regenerating = nil -- home answers 206 until then
  self.min_id_is_since_id = nil
  self.home_usual = self.home_usual or faults.HOME_MAX
  self.home_max = self.home_usual
  self.streaming_url = nil -- what the instance document names in place of the right one
  self.feeds = {}
  for _, name in ipairs(faults.FEEDS) do
    self.feeds[name] = "public"
  end
end

function faults:till(ms)
  return ms and self.clock() + ms or math.huge
end

-- Every request (REST, streams, handshakes) gets `status` until `ms` from now.
function faults:refuse(status, ms)
  self.refusal = { status = status, till = self:till(ms) }
end

-- Only WebSocket handshakes get `status`, as behind a proxy that knows none.
function faults:refuse_upgrades(status, ms)
  self.no_upgrades = { status = status, till = self:till(ms) }
end

-- 429 for every REST request until `ms` from now; the headers say `claimed` ms from now (which may be past).
function faults:limit(ms, claimed)
  self.limited = self.clock() + ms
  self.claimed = self.clock() + (claimed or ms)
end

-- An answer for requests whose path starts with `path`: { path, method, status, times, ms, body, content_type, location,
-- commit, cut }. `times` 0: until `ms` from now, or for ever. `commit`: the work is done before. `cut`: no answer at all.
function faults:fail(fault)
  local times = fault.times or (fault.ms and 0 or 1)
  fault.left = times > 0 and times or math.huge
  fault.till = self:till(fault.ms)
  self.list[#self.list + 1] = fault
end

local WORDS = {
  [401] = "The access token is invalid",
  [403] = "This action is not allowed",
  [404] = "Record not found",
  [429] = "Too many requests",
  [500] = "An unexpected error occurred",
  [503] = "There was a temporary problem serving your request, please try again",
}

-- What a proxy in front of a dead server says.
local GATEWAY = { [502] = "Bad Gateway", [504] = "Gateway Time-out" }
for status = 520, 526 do
  GATEWAY[status] = "Origin Error"
end

local function html_of(status)
  local title = status .. " " .. GATEWAY[status]
  return "<html>\r\n<head><title>" .. title .. "</title></head>\r\n<body>\r\n<center><h1>" .. title
    .. "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
end

local JSON = "application/json; charset=utf-8"

local function plain_answer(status, words)
  if GATEWAY[status] then
    return { status = status, body = html_of(status), content_type = "text/html" }
  end
  return { status = status, body = '{"error":' .. json.quote(words or WORDS[status] or "Practice fault") .. "}",
    content_type = JSON }
end

-- The first fault for this request, counted down; nil.
local function take(self, request)
  local now = self.clock()
  for i = #self.list, 1, -1 do
    if self.list[i].till <= now then
      table.remove(self.list, i)
    end
  end
  for i, fault in ipairs(self.list) do
    if request.path:sub(1, #fault.path) == fault.path and (not fault.method or fault.method == request.method) then
      fault.left = fault.left - 1
      if fault.left <= 0 then
        table.remove(self.list, i)
      end
      self.note(fault.location and "redirect" or fault.commit and "failed after commit" or "answer " .. fault.status)
      return fault
    end
  end
end

local function refused(self)
  if self.refusal and self.refusal.till <= self.clock() then
    self.refusal = nil
  end
  return self.refusal
end

-- Where a redirect leads: to an address, or "slash" for the same path with a slash behind it.
local function location_of(fault, request)
  local query = request.query ~= "" and "?" .. request.query or ""
  if fault.location == "slash" then
    return request.path .. "/" .. query
  elseif fault.location:find("^https?://[^/]+$") then
    return fault.location .. request.path .. query
  end
  return fault.location
end

-- The answer that goes out in place of the real one: { status, body, content_type, location, commit, cut }; nil: all is well.
function faults:answer(request)
  local fault = take(self, request)
  if fault then
    local answer = plain_answer(fault.status or 500)
    answer.body = fault.body or answer.body
    answer.content_type = fault.content_type or (fault.body and fault.body:find("^%s*<") and "text/html")
      or answer.content_type
    answer.location = fault.location and location_of(fault, request)
    answer.commit, answer.cut = fault.commit, fault.cut
    return answer
  end
  local refusal = refused(self)
  if refusal then
    self.note("refused " .. refusal.status)
    local streams = refusal.status == 401 and request.path:find("^/api/v1/streaming")
    return plain_answer(refusal.status, streams and "Invalid access token" or nil)
  end
end

-- The same for a WebSocket handshake: { status, words, location }.
function faults:for_upgrade(request)
  if self.no_upgrades and self.no_upgrades.till > self.clock() then
    self.note("no upgrade " .. self.no_upgrades.status)
    return { status = self.no_upgrades.status, words = WORDS[self.no_upgrades.status] or "Practice fault" }
  end
  local refusal = refused(self)
  if refusal then
    self.note("refused " .. refusal.status)
    return { status = refusal.status, words = refusal.status == 401 and "Invalid access token" or WORDS[refusal.status]
      or "Practice fault" }
  end
  local fault = take(self, request)
  if fault then
    local status = fault.status or 500
    return { status = status, words = WORDS[status] or "Practice fault",
      location = fault.location and location_of(fault, request) }
  end
end

-- Time at which the 429s end and the one that is said, or nil.
function faults:limited_until()
  if self.limited and self.limited <= self.clock() then
    self.limited = nil
  end
  return self.limited, self.claimed
end

function faults:is_regenerating()
  local so = self.regenerating ~= nil and self.regenerating > self.clock()
  if so then
    self.note("206")
  end
  return so
end

-- Which posts a stream that is opened now leaves out: { ["local"], remote }, or nil. The feed's name is the channel's.
function faults:hides(channel)
  local kind = channel:find("^timeline:public") and "live_" or channel:find("^timeline:hashtag:") and "hashtag_"
  if not kind then
    return nil
  end
  local here, away = self.feeds[kind .. "local"] == "disabled", self.feeds[kind .. "remote"] == "disabled"
  return (here or away) and { ["local"] = here, remote = away } or nil
end

return faults
