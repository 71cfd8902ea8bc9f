-- SPDX-License-Identifier: MIT
-- What the practice instance remembers: statuses, notifications, conversations, lists; all with a bound.
local paging = require "practice.paging"

local store = {}
store.__index = store

-- How many are kept. Posts of accounts that act over REST are counted apart from the made-up ones, so that a fast
-- timeline does not push out what a bot did.
store.MADE_MAX = 5000
store.KEPT_MAX = 20000
store.NOTIFICATIONS_MAX = 5000
store.CONVERSATIONS_MAX = 1000
store.IDEMPOTENCY_MS = 3600000
store.IDEMPOTENCY_MAX = 50000
store.REPORTS_MAX = 1000

function store.new()
  return setmetatable({
    statuses = {}, -- ascending by id; holes are marked `gone` until the next sweep
    by_id = {},
    gone = 0,
    made = { first = 1, last = 0 }, -- queues of ids in order of arrival
    kept = { first = 1, last = 0 },
    notifications = {},
    conversations = {}, -- ascending by id of the last status
    conversation_of = {},
    announcements = {},
    lists = {},
    people = {}, -- by id
    by_acct = {},
    keys = {}, -- Idempotency-Key -> { id, until }
    key_queue = { first = 1, last = 0 },
    media = {},
    reports = {}, -- JSON, oldest first
    marks = 0, -- bookmarks and favourites so far: the ids of their rows, by which they are paged
    import = nil, -- set by the player: brings in what it has sent
  }, store)
end

local function push(queue, value)
  queue.last = queue.last + 1
  queue[queue.last] = value
end

local function pop(queue)
  local value = queue[queue.first]
  queue[queue.first] = nil
  queue.first = queue.first + 1
  return value
end

local function length(queue)
  return queue.last - queue.first + 1
end

function store:add_person(person)
  self.people[person.id] = person
  self.by_acct[person.acct:lower()] = person
end

-- By "name", "name@server" or "name@our.server".
function store:find_person(acct)
  acct = acct:lower()
  return self.by_acct[acct] or self.by_acct[(acct:gsub("@practice%.example$", ""))]
end

local function sweep(self)
  local kept = {}
  for _, st in ipairs(self.statuses) do
    if not st.gone then
      kept[#kept + 1] = st
    end
  end
  self.statuses, self.gone = kept, 0
end

function store:forget(st)
  if st.gone then
    return
  end
  st.gone = true
  self.by_id[st.id] = nil
  self.gone = self.gone + 1
  if self.gone > 1000 and self.gone > #self.statuses // 2 then
    sweep(self)
  end
end

-- `kept`: posted over REST, not made up.
function store:add(st, kept)
  if self.by_id[st.id] then
    return false
  end
  self.by_id[st.id] = st
  paging.insert(self.statuses, st)
  local queue, most = self.made, store.MADE_MAX
  if kept then
    queue, most = self.kept, store.KEPT_MAX
  end
  push(queue, st)
  while length(queue) > most do
    self:forget(pop(queue))
  end
  return true
end

-- The id of a new bookmark or favourite: one of its own, which only Link headers show (protocol.md 5.3).
function store:next_mark()
  self.marks = self.marks + 1
  return self.marks
end

function store:get(id)
  if self.import then
    self.import()
  end
  return self.by_id[id]
end

function store:page(cursor, wanted)
  if self.import then
    self.import()
  end
  return paging.page(self.statuses, cursor, function(st)
    return not st.gone and wanted(st)
  end)
end

-- The id of the n-th newest status that is wanted; nil when there are no more than that.
function store:nth_newest(n, wanted)
  if self.import then
    self.import()
  end
  for i = #self.statuses, 1, -1 do
    local st = self.statuses[i]
    if not st.gone and wanted(st) then
      n = n - 1
      if n == 0 then
        return st.id
      end
    end
  end
end

function store:add_notification(n)
  local list = self.notifications
  list[#list + 1] = n
  if #list > store.NOTIFICATIONS_MAX then
    self.notifications = table.move(list, #list - store.NOTIFICATIONS_MAX // 2, #list, 1, {})
  end
end

-- A conversation is paged by the id of its last status (protocol.md 6.7), so it moves to the end.
function store:move_conversation(c, st, others, unread)
  local list = self.conversations
  for i = #list, 1, -1 do
    if list[i].conversation == c then
      table.remove(list, i)
    end
  end
  c.id, c.last, c.accounts, c.unread = tostring(c.cid), st, others, unread
  paging.insert(list, { id = st.id, conversation = c })
  if #list > store.CONVERSATIONS_MAX then
    self.conversation_of[table.remove(list, 1).conversation.key] = nil
  end
end

-- Remembers an Idempotency-Key for an hour (protocol.md 6.3).
function store:remember_report(report)
  if #self.reports >= store.REPORTS_MAX then
    table.remove(self.reports, 1)
  end
  table.insert(self.reports, report)
end

function store:remember_key(key, id, now)
  self.keys[key] = { id = id, till = now + store.IDEMPOTENCY_MS }
  push(self.key_queue, key)
  while length(self.key_queue) > store.IDEMPOTENCY_MAX do
    self.keys[pop(self.key_queue)] = nil
  end
end

function store:recall_key(key, now)
  local entry = self.keys[key]
  if entry and entry.till > now then
    return entry.id
  end
end

return store
