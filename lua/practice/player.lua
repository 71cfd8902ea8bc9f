-- SPDX-License-Identifier: MIT
-- --events: the lines of a file go out on the streams they name, in order, from the first listener on.
local json = require "trusted.json"
local channels = require "practice.channels"
local import = require "practice.import"
local text = require "practice.text"
local timers = require "practice.timers"

local player = {}
player.__index = player

local TICK_MS = 1 -- --rate 0: a batch this often
local BATCH = 512
local QUEUED_MAX = 8 << 20 -- bytes on the fullest connection at which it waits
local SENT_MAX = 5000 -- statuses that REST may still ask for

local NAMES = channels.STREAMS

-- The channel that a line's `stream` names, or nil and what is wrong.
local function channel_of(stream, bot)
  if type(stream) == "string" then
    stream = { stream }
  end
  local name, parameter = stream[1], stream[2]
  local entry = type(name) == "string" and NAMES[name]
  if not entry then
    return nil, ("unknown stream %s"):format(tostring(name))
  elseif entry.public then
    return "timeline:public" .. entry.public
  elseif entry.tag then
    if type(parameter) ~= "string" then
      return nil, ("stream %s needs a tag behind its name"):format(name)
    end
    return "timeline:hashtag:" .. text.tag_name(parameter) .. entry.tag
  elseif entry.list then
    return channels.list(tostring(parameter))
  elseif name == "user" then
    return channels.user(bot)
  elseif name == "user:notification" then
    return channels.notifications(bot)
  end
  return channels.direct(bot)
end

-- The public channels of a status that names no stream.
local function fitting(payload)
  local account, media, tags = json.pick(payload, "account", "media_attachments", "tags")
  local acct = account and json.pick(account, "acct")
  local names = {}
  for _, tag in ipairs(tags and json.decode(tags) or {}) do
    names[#names + 1] = type(tag) == "table" and type(tag.name) == "string" and text.tag_name(tag.name) or nil
  end
  return channels.of_status {
    visibility = "public",
    account = { is_local = acct ~= nil and not acct:find("@", 1, true) },
    media = media and media ~= "[]" and { true } or {},
    tags = names,
  }
end

-- The payload of a `tail --json` line: its bytes as they stand (it is the last member), a string decoded.
local function payload_of(line)
  local _, stop = line:find('"payload":', 1, true)
  if not stop then
    return nil
  end
  -- Patterns that creep forward would cost more than the whole rest: look for the last brace from the end.
  local first, last = line:find("%S", stop + 1), #line
  while last > first and line:byte(last) ~= 125 do
    last = last - 1
  end
  last = last - 1
  while last > first and line:byte(last) <= 32 do
    last = last - 1
  end
  local raw = line:sub(first, last)
  if raw:byte() == 34 then
    return json.decode(raw)
  end
  return raw
end

-- One line: { event, payload, channels }, or nil and what is wrong.
local function read(line, bot)
  local kind, event, stream, id = json.pick(line, "kind", "event", "stream", "id")
  if kind == false then
    return nil, event
  end
  local problem
  if not kind and not event and id then
    return { event = "update", payload = line, channels = fitting(line) }
  elseif not kind and not event then
    return nil, "is neither a status nor a line with \"kind\" and \"payload\""
  end
  local entry = { event = json.decode(kind or event), payload = payload_of(line) }
  stream = stream and json.decode(stream)
  if type(stream) == "table" or type(stream) == "string" then
    local channel
    channel, problem = channel_of(stream, bot)
    if not channel then
      return nil, problem
    end
    entry.channels = { channel }
  elseif entry.event == "update" or entry.event == "status.update" then
    entry.channels = fitting(entry.payload or "{}")
  else
    entry.channels = { "timeline:public" }
  end
  return entry
end

-- `parts`: hub, store, streaming, clock, bot. `source` is the file's text. Nil and a message with file and line.
function player.new(parts, file, source)
  local self = setmetatable(parts, player)
  self.lines, self.queues, self.sent, self.imported = {}, {}, {}, 0
  local number, at = 0, 1
  while at <= #source do
    local stop = source:find("\n", at, true) or #source + 1
    local line = source:sub(at, source:byte(stop - 1) == 13 and stop - 2 or stop - 1)
    number, at = number + 1, stop + 1
    if line:find("%S") then
      local entry, problem = read(line, self.bot)
      if not entry then
        return nil, ("%s:%d: %s; expected a JSON line as `moontusk tail --json` prints it, or a status"):format(
          file, number, problem)
      end
      self.lines[#self.lines + 1] = entry
      for _, channel in ipairs(entry.channels) do
        local queue = self.queues[channel]
        if not queue then
          queue = { at = 1, channel = channel }
          self.queues[channel] = queue
        end
        queue[#queue + 1] = #self.lines
      end
    end
  end
  self.store.import = function()
    self:import()
  end
  return self
end

-- Remembers what was sent for REST; read only when somebody asks.
function player:note(entry)
  if entry.noted then
    return -- a second stream got the same line
  end
  entry.noted = true
  local sent = self.sent
  sent[#sent + 1] = entry
  if #sent > 2 * SENT_MAX then
    table.move(sent, SENT_MAX + 1, #sent, 1)
    for i = #sent, #sent - SENT_MAX + 1, -1 do
      sent[i] = nil
    end
    self.imported = math.max(0, self.imported - SENT_MAX)
  end
end

function player:import()
  while self.imported < #self.sent do
    self.imported = self.imported + 1
    local entry = self.sent[self.imported]
    if entry.payload then
      import.event(self.store, entry.event, entry.payload, self.clock())
    end
  end
end

-- Sends the next line that has a listener; false when there is none.
function player:step()
  local hub, least = self.hub, nil
  for channel, queue in pairs(self.queues) do
    local index = queue[queue.at]
    if index and hub.channels[channel] and (not least or index < least) then
      least = index
    end
  end
  if not least then
    return false
  end
  local entry = self.lines[least]
  for _, channel in ipairs(entry.channels) do
    local queue = self.queues[channel]
    if queue[queue.at] == least and hub.channels[channel] then
      queue.at = queue.at + 1
      hub:publish(channel, entry.event, entry.payload)
    end
  end
  self:note(entry)
  return true
end

-- True while a channel with listeners has lines left.
function player:has_work()
  for channel, queue in pairs(self.queues) do
    if queue[queue.at] and self.hub.channels[channel] then
      return true
    end
  end
  return false
end

function player:wake()
  if not self.timer and self:has_work() then
    self.due = 0.0
    self.timer = timers.every(self.period, function()
      self:tick()
    end)
  end
end

function player:tick()
  if self.rate > 0 then
    self.due = self.due + self.period * self.rate / 1000
    while self.due >= 0.999 do
      self.due = self.due - 1
      self:step()
    end
  else
    local rounds = 16
    while rounds > 0 and self.streaming:queued() < QUEUED_MAX do
      rounds = rounds - 1
      for _ = 1, BATCH do
        if not self:step() then
          rounds = 0
          break
        end
      end
    end
  end
  if not self:has_work() then
    timers.stop(self.timer)
    self.timer = nil
  end
end

-- `rate`: lines a second; 0: as fast as they are read.
function player:start(rate)
  self.rate = rate
  self.period = rate > 0 and math.max(10, 1000 / rate) or TICK_MS
  self.hub.on_subscribe = function()
    self:wake()
  end
end

return player
