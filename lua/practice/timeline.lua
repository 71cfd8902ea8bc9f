-- SPDX-License-Identifier: MIT
-- The lively, made-up timeline: who does what next, and that no stream stays silent for two seconds.
local channels = require "practice.channels"
local entities = require "practice.entities"
local phrases = require "practice.phrases"
local text = require "practice.text"
local timers = require "practice.timers"
local json = require "trusted.json"

local timeline = {}
timeline.__index = timeline

local KEEPER_MS = 200 -- how often silent streams are looked for
local SILENCE_MS = 1400 -- what is silent longer than this gets an event
local FLAT_OUT_MS = 5 -- --rate 0: a batch this often
local FLAT_OUT_BATCH = 50
local FLAT_OUT_QUEUED = 4 << 20 -- bytes on the fullest connection at which it waits

-- `parts`: world, hub, store, streaming, bot, cast, random(n) in 1..n.
function timeline.new(parts)
  local self = setmetatable(parts, timeline)
  self.recent = {} -- public posts, newest last, at most 200
  self.humans, self.bots, self.cats, self.spam, self.friends = {}, {}, {}, {}, {}
  for _, person in ipairs(self.cast) do
    local flags = person.flags
    if flags.spam then
      table.insert(self.spam, person)
    elseif person.bot then
      table.insert(self.bots, person)
    else
      table.insert(self.humans, person)
    end
    if flags.cats then
      table.insert(self.cats, person)
    end
    if flags.followed then
      table.insert(self.friends, person)
    end
  end
  self.count, self.spam_left, self.last_media = 0, 0, { here = 0, away = 0 }
  return self
end

function timeline:pick(list)
  return list[self.random(#list)]
end

-- Fills in the numbers.
function timeline:say(template)
  return (template:gsub("{n}", function()
    return tostring(self.random(28))
  end))
end

function timeline:phrase(kind, language)
  local by_language = phrases[kind]
  return self:say(self:pick(by_language[language] or by_language.en))
end

function timeline:remember(st)
  local recent = self.recent
  recent[#recent + 1] = st
  if #recent > 200 then
    table.move(recent, 101, #recent, 1)
    for i = #recent, #recent - 99, -1 do
      recent[i] = nil
    end
  end
  return st
end

-- A picture, clip or sound; `subject` "cat" or "view".
function timeline:media(subject, described)
  local kinds = { "image", "image", "image", "image", "gifv", "video", "audio" }
  local kind = subject == "cat" and "image" or self:pick(kinds)
  local number = self.random(1 << 30)
  local endings = { image = "jpg", gifv = "mp4", video = "mp4", audio = "ogg" }
  return {
    id = tostring(113400000000000000 + number),
    type = kind,
    url = ("https://files.practice.example/media/%d/original/%s.%s"):format(number, subject, endings[kind]),
    preview = ("https://files.practice.example/media/%d/small/%s.jpg"):format(number, subject),
    width = 1600,
    height = 1200,
    description = described and self:pick(phrases.alts[subject]) or nil,
    blurhash = "UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH",
  }
end

local function where(list, here)
  local out = {}
  for _, person in ipairs(list) do
    if person.is_local == here then
      out[#out + 1] = person
    end
  end
  return out
end

function timeline:cat_post(here)
  local person = self:pick(where(self.cats, here))
  local described = self.random(2) == 1
  local media = { self:media("cat", described) }
  if self.random(4) == 1 then
    media[2] = self:media("cat", described and self.random(3) > 1)
  end
  return self:remember(self.world:post { account = person, text = self:phrase("cats", person.language), media = media })
end

function timeline:view_post(here)
  local person = self:pick(where(self.humans, here))
  return self:remember(self.world:post { account = person, text = self:phrase("says", person.language),
    media = { self:media("view", self.random(2) == 1) }, sensitive = self.random(12) == 1 })
end

function timeline:plain_post()
  local person = self:pick(self.humans)
  local card
  if self.random(10) == 1 then
    card = '{"url":"https://weir.example/article","title":"Why weirs hum","description":"An essay on standing waves.",'
      .. '"language":"en","type":"link","author_name":"","author_url":"","provider_name":"Weir Weekly",'
      .. '"provider_url":"","html":"","width":400,"height":210,"image":null,"image_description":"","embed_url":"",'
      .. '"blurhash":null,"published_at":null,"authors":[]}'
  end
  return self:remember(self.world:post { account = person, text = self:phrase("says", person.language), card = card })
end

function timeline:bot_post()
  local person = self:pick(self.bots)
  return self:remember(self.world:post { account = person, text = self:say(phrases.bots[person.username]) })
end

function timeline:warned_post()
  local row = self:pick(phrases.warned)
  return self:remember(self.world:post { account = self:pick(self.humans), language = row[1], spoiler = row[2],
    text = self:say(row[3]) })
end

function timeline:poll_post()
  local row = self:pick(phrases.polls)
  self.poll_serial = (self.poll_serial or 90000) + 1
  local poll = { id = tostring(self.poll_serial), expires = self.world.clock() + 86400000,
    multiple = self.random(3) == 1, voters = 0, voted = {}, options = {} }
  for i, title in ipairs(row[3]) do
    poll.options[i] = { title = title, votes = self.random(9) - 1 }
    poll.voters = poll.voters + poll.options[i].votes
  end
  return self:remember(self.world:post { account = self:pick(self.humans), language = row[1], text = row[2], poll = poll })
end

-- Five posts with one link, from accounts that are hours old.
function timeline:spam_post()
  local person = self.spam[1 + self.spam_left % #self.spam]
  return self.world:post { account = person, text = self:say(phrases.spam) }
end

-- One public post. At a low rate the kinds that many streams need come first.
function timeline:public_post()
  local now, last = self.world.clock(), self.last_media
  self.count = self.count + 1
  if self.count % 60 == 40 then
    self.spam_left = 6
  end
  if now - last.here > 2500 then
    last.here = now
    return self:cat_post(true)
  elseif now - last.away > 3500 then
    last.away = now
    return self.random(2) == 1 and self:cat_post(false) or self:view_post(false)
  elseif self.spam_left > 0 then
    self.spam_left = self.spam_left - 1
    return self:spam_post()
  end
  local roll = self.random(100)
  if roll <= 12 then
    return self:cat_post(self.random(2) == 1)
  elseif roll <= 22 then
    return self:view_post(self.random(2) == 1)
  elseif roll <= 32 then
    return self:bot_post()
  elseif roll <= 38 then
    return self:warned_post()
  elseif roll <= 42 then
    return self:poll_post()
  end
  return self:plain_post()
end

-- Something that is no public post: replies, boosts, edits, deletes.
function timeline:side_event()
  local roll, recent = self.random(100), self.recent
  local st = #recent > 0 and self:pick(recent)
  if not st or st.gone then
    return
  end
  local person = self:pick(self.humans)
  if roll <= 35 then
    self.world:boost(st, self:pick(self.friends))
  elseif roll <= 65 then
    self.world:post { account = person, reply = st, visibility = self.random(3) == 1 and "unlisted" or "public",
      text = "@" .. st.account.acct .. " " .. self:phrase("replies", person.language) }
  elseif roll <= 80 then
    self.world:favourite(st, person)
  elseif roll <= 92 then
    self:edit(st)
  else
    self.world:delete(st)
  end
end

-- An edit as people make them: a picture gets its description, a text a last line.
function timeline:edit(st)
  local body, media = st.text, {}
  for i, item in ipairs(st.media) do
    local copy = {}
    for key, value in pairs(item) do
      copy[key] = value
    end
    if not copy.description then
      copy.description = self:pick(phrases.alts[item.url:find("/cat%.") and "cat" or "view"])
    end
    media[i] = copy
  end
  st.edits = (st.edits or 0) + 1
  if #body < 400 then
    body = body:gsub("\n\n%(edit %d+%)$", "") .. "\n\n(edit " .. st.edits .. ")"
  end
  self.world:edit(st, { text = body, spoiler = st.spoiler, sensitive = st.sensitive, media = media, poll = st.poll })
end

-- Newest remembered post for which `wanted` holds.
function timeline:newest(wanted)
  for i = #self.recent, 1, -1 do
    local st = self.recent[i]
    if not st.gone and wanted(st) then
      return st
    end
  end
end

function timeline:notify_bot()
  local roll, bot = self.random(100), self.bot
  local person = self:pick(self.humans)
  local own = self:own_post()
  if roll <= 45 then
    self.world:post { account = person, text = "@bot " .. self:pick(phrases.to_bot),
      visibility = self.random(4) == 1 and "unlisted" or "public", language = "en" }
  elseif roll <= 65 and own then
    if own.favourites[person.id] then
      self.world:notify(bot, "favourite", person, own)
    else
      self.world:favourite(own, person)
    end
  elseif roll <= 80 and own then
    if own.boosts[person.id] then
      self.world:notify(bot, "reblog", person, own)
    else
      self.world:boost(own, person)
    end
  elseif roll <= 88 and own then
    self.world:post { account = person, reply = own, text = "@bot " .. self:phrase("replies", person.language) }
  else
    self.world:followed_by(bot, person)
  end
end

-- A public post of the bot's own that people can react to.
function timeline:own_post()
  local list = self.store.statuses
  for i = #list, math.max(1, #list - 400), -1 do
    local st = list[i]
    if st.account == self.bot and not st.gone and not st.reblog and st.visibility == "public" then
      self.own = st
      break
    end
  end
  return self.own and not self.own.gone and self.own or nil
end

function timeline:direct_message()
  local person = self:pick(self.friends)
  self.world:post { account = person, visibility = "direct", text = "@bot " .. self:say(self:pick(phrases.direct)) }
end

-- For home and list: an unlisted post of somebody that the bot follows and has in its list.
function timeline:quiet_post(in_list)
  local people = {}
  for _, person in ipairs(self.friends) do
    if not in_list or person.flags.list then
      people[#people + 1] = person
    end
  end
  local person = self:pick(people)
  self.world:post { account = person, visibility = self.random(5) == 1 and "private" or "unlisted",
    text = self:phrase("says", person.language) }
end

-- A new one, beside what is there.
function timeline:announce(words)
  local list, now = self.store.announcements, self.world.clock()
  self.announced = (self.announced or 0) + 1
  local a = { id = tostring(self.announced), ms = now, updated = now, reactions = {},
    content = "<p>" .. text.escape(words) .. "</p>" }
  list[#list + 1] = a
  local out = entities.announcement(a)
  self.world:announce("announcement", out)
  return out
end

function timeline:announcement()
  local list = self.store.announcements
  local live = list[1]
  if live and #live.reactions == 0 then
    live.reactions[1] = { name = "🎉", count = 1 + self.random(5) }
    self.world:announce("announcement.reaction",
      ('{"name":"🎉","count":%d,"announcement_id":%s}'):format(live.reactions[1].count, json.quote(live.id)))
  elseif live then
    table.remove(list, 1)
    self.world:announce("announcement.delete", live.id)
  else
    self:announce(self:say(self:pick(phrases.announcements)))
  end
end

-- Channels and how each is filled when it was silent. An edit of a local cat picture reaches six of them.
local function fillers(self)
  local bot = self.bot
  local function edit_or_post(wanted, post)
    return function()
      local st = self:newest(wanted)
      -- A post that was edited three times has had its share of attention.
      if st and (st.edits or 0) < 3 then
        self:edit(st)
      else
        post()
      end
    end
  end
  local local_cat = edit_or_post(function(st)
    return st.account.is_local and #st.media > 0 and st.tags[1] == "caturday"
  end, function()
    self.last_media.here = self.world.clock()
    self:cat_post(true)
  end)
  local remote_media = edit_or_post(function(st)
    return not st.account.is_local and #st.media > 0
  end, function()
    self.last_media.away = self.world.clock()
    self:view_post(false)
  end)
  return {
    { "timeline:hashtag:caturday:local", local_cat },
    { "timeline:public:local:media", local_cat },
    { "timeline:public:remote:media", remote_media },
    { channels.list(self.world.profile.lists[1]), function() self:quiet_post(true) end },
    { channels.user(bot), function() self:quiet_post(false) end },
    { channels.notifications(bot), function() self:notify_bot() end },
    { channels.direct(bot), function() self:direct_message() end },
  }
end

function timeline:keep_awake(list)
  local now = self.world.clock()
  for _, row in ipairs(list) do
    if now - (self.hub.last[row[1]] or 0) >= SILENCE_MS then
      row[2]()
    end
  end
end

-- Some history before anybody connects, so that REST has pages to give: the last hour, a minute a post.
-- `shift(ms)` moves the clock that posts are stamped with.
function timeline:warm_up(shift)
  shift(-61 * 60000)
  self.world:post { account = self.bot, text = "Hello! I am a practice bot. #introductions" }
  for minute = 1, 60 do
    shift((minute - 60) * 60000 - 1)
    self:public_post()
    if self.random(3) == 1 then
      self:side_event()
    end
  end
  for _ = 1, 5 do
    self:notify_bot()
    self:direct_message()
  end
  shift(0)
end

-- Starts the timers. `rate`: public posts a second, 0 for as fast as the listeners read.
function timeline:start(rate)
  local list = fillers(self)
  timers.every(KEEPER_MS, function()
    self:keep_awake(list)
  end)
  timers.every(9000, function()
    self:announcement()
  end)
  timers.every(3000, function()
    self:notify_bot()
  end)
  if rate == 0 then
    timers.every(FLAT_OUT_MS, function()
      self:flat_out()
    end)
    return
  end
  -- Above 100 a second a timer tick does several.
  local period = math.max(10, 1000 / rate)
  local due = 0.0
  timers.every(period, function()
    due = due + period * rate / 1000
    while due >= 0.999 do
      due = due - 1
      self:public_post()
      if self.random(10) <= 4 then
        self:side_event()
      end
    end
  end)
end

function timeline:flat_out()
  if not self.hub:busy() then
    return
  end
  local deadline = 20
  while deadline > 0 and self.streaming:queued() < FLAT_OUT_QUEUED do
    for _ = 1, FLAT_OUT_BATCH do
      self:public_post()
    end
    deadline = deadline - 1
  end
end

return timeline
