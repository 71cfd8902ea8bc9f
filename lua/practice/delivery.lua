-- SPDX-License-Identifier: MIT
-- Events that go out twice, in another order, after their deletion, or not at all.
local delivery = {}
delivery.__index = delivery

-- What is held back goes out after that long at the latest.
delivery.HOLD_MS = 3000

local function nothing() end

-- `timers` has after(ms, f); `random(n)` gives 1..n; `note(kind)` is told of every event that was touched.
function delivery.new(hub, timers, random, note)
  local self = setmetatable({ hub = hub, timers = timers, random = random, note = note or nothing }, delivery)
  self:clear()
  hub.spoiler = self
  return self
end

-- Everything that is held goes out, and all is well again.
function delivery:clear()
  local held = self.held or {}
  self.rules = {} -- { kind, channel, event, left, till, hold_ms }
  self.held = {} -- of overtake and shuffle: { channel, event, payload, st, id, rule }
  self.absent = {} -- channel -> until when nobody is thought to listen to it
  for _, row in ipairs(held) do
    self.hub:send(row.channel, row.event, row.payload, row.st)
  end
end

-- `kind`: "twice", "shuffle", "overtake" or "swallow"; the next `count` events (0: all) of `channel` (nil: any) and of the
-- kind `event` (nil: any), until `ms` from now (nil: until they have come).
function delivery:add(kind, fields)
  local rule = { kind = kind, channel = fields.channel, event = fields.event, size = fields.count,
    left = fields.count > 0 and fields.count or math.huge, till = fields.ms and self.hub.clock() + fields.ms or math.huge,
    hold_ms = fields.hold_ms or delivery.HOLD_MS }
  self.rules[#self.rules + 1] = rule
  return rule
end

-- The server believes that nobody listens to home, lists, notifications and direct messages (protocol.md 2.6): what is sent
-- only to listeners stops, until somebody subscribes anew or `ms` are over.
function delivery:forget_listeners(ms)
  local till = self.hub.clock() + ms
  local count = 0
  for channel in pairs(self.hub.channels) do
    if not channel:find("^timeline:public") and not channel:find("^timeline:hashtag:") then
      self.absent[channel] = till
      count = count + 1
    end
  end
  return count
end

-- A subscription makes the key anew.
function delivery:noticed(channel)
  self.absent[channel] = nil
end

local function is_absent(self, channel, event)
  local till = self.absent[channel]
  if till and till <= self.hub.clock() then
    self.absent[channel] = nil
    till = nil
  end
  return till ~= nil and event ~= "delete"
end

local function find_rule(self, channel, event)
  local now = self.hub.clock()
  for i = #self.rules, 1, -1 do
    if self.rules[i].till <= now or self.rules[i].left <= 0 then
      table.remove(self.rules, i)
    end
  end
  for _, rule in ipairs(self.rules) do
    if (not rule.channel or rule.channel == channel) and (not rule.event or rule.event == event)
      and not (rule.kind == "overtake" and event ~= "update") then
      rule.left = rule.left - 1
      return rule
    end
  end
end

-- Takes rows out of what is held and sends them.
local function release(self, wanted, shuffled)
  local out, kept = {}, {}
  for _, row in ipairs(self.held) do
    table.insert(wanted(row) and out or kept, row)
  end
  self.held = kept
  if shuffled and #out > 1 then
    -- Never as they were: the last comes first, the rest by chance.
    table.insert(out, 1, table.remove(out))
    for i = #out, 3, -1 do
      local j = 1 + self.random(i - 1)
      out[i], out[j] = out[j], out[i]
    end
  end
  for _, row in ipairs(out) do
    self.hub:send(row.channel, row.event, row.payload, row.st)
  end
end

local function hold(self, row)
  self.held[#self.held + 1] = row
  local rule = row.rule
  if rule.kind == "overtake" then
    self.timers.after(rule.hold_ms, function()
      release(self, function(other)
        return other == row
      end)
    end)
  elseif not rule.timer then
    rule.timer = true
    self.timers.after(rule.hold_ms, function()
      rule.left = 0
      release(self, function(other)
        return other.rule == rule
      end, true)
    end)
  end
end

-- True when the event is sent, held or dropped here.
function delivery:takes(channel, event, payload, st)
  if is_absent(self, channel, event) then
    self.note("presence lost")
    return true
  end
  if event == "delete" then
    local overtaken = false
    for _, row in ipairs(self.held) do
      overtaken = overtaken or (row.channel == channel and row.id == payload)
    end
    if overtaken then
      self.note("deleted before it came")
      self.hub:send(channel, event, payload, st)
      release(self, function(row)
        return row.channel == channel and row.id == payload
      end)
      return true
    end
  end
  local rule = find_rule(self, channel, event)
  if not rule then
    return false
  end
  self.note(rule.kind)
  if rule.kind == "twice" then
    self.hub:send(channel, event, payload, st)
    self.hub:send(channel, event, payload, st)
  elseif rule.kind ~= "swallow" then
    hold(self, { channel = channel, event = event, payload = payload, st = st, rule = rule,
      id = payload and payload:match('^{"id":"([^"]*)"') })
    if rule.kind == "shuffle" and rule.left <= 0 then
      release(self, function(row)
        return row.rule == rule
      end, true)
    end
  end
  return true
end

return delivery
