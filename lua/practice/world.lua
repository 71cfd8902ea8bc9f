-- SPDX-License-Identifier: MIT
-- What happens when somebody posts, edits, deletes, boosts, likes or follows: the store changes, the streams tell.
local channels = require "practice.channels"
local entities = require "practice.entities"
local shapes = require "practice.ids"
local mastodon = require "practice.profiles.mastodon"
local text = require "practice.text"
local people = require "practice.people"

local world = {}
world.__index = world

-- `clock()` gives Unix ms. `viewers`: people with tokens, added by add_viewer. Without a profile it is Mastodon's.
function world.new(store, hub, clock, profile, random)
  profile = profile or mastodon
  return setmetatable({
    profile = profile,
    make_id = shapes.maker(profile.ids, random),
    make_notification_id = profile.notification_ids and shapes.maker(profile.notification_ids, random),
    store = store,
    hub = hub,
    clock = clock,
    viewers = {},
    serial = 68739000, -- notifications count like a database does
    conversation_serial = 819500,
  }, world)
end

function world:add_viewer(person)
  person.follows = person.follows or {}
  self.viewers[#self.viewers + 1] = person
end

function world:new_id()
  return self.make_id(self.clock())
end

local function mentioned(st, person)
  for _, other in ipairs(st.mentions) do
    if other == person then
      return true
    end
  end
  return false
end

-- May `viewer` (nil: nobody in particular) read it?
function world.visible(st, viewer)
  if st.visibility == "public" or st.visibility == "unlisted" then
    return true
  elseif not viewer then
    return false
  elseif st.account == viewer or mentioned(st, viewer) then
    return true
  end
  return st.visibility == "private" and viewer.follows ~= nil and viewer.follows[st.account.id] == true
end

-- Does it stand in the home timeline of `viewer`?
function world.in_home(st, viewer)
  if st.account == viewer then
    return true
  elseif viewer.follows[st.account.id] ~= true or not world.visible(st, viewer) then
    return false
  end
  local to = st.reply_account
  return not to or to == viewer.id or to == st.account.id or viewer.follows[to] == true
end

function world.in_list(st, list)
  return list.members[st.account.id] ~= nil and world.in_home(st, list.owner)
end

function world.in_public(st)
  return st.visibility == "public" and not st.reblog and (not st.reply_to or st.reply_account == st.account.id)
end

-- Every home and list that has it: each(channel, viewer).
local function each_home(self, st, each)
  for _, viewer in ipairs(self.viewers) do
    if world.in_home(st, viewer) then
      each(channels.user(viewer), viewer)
    end
  end
  for _, list in pairs(self.store.lists) do
    if world.in_list(st, list) then
      each(channels.list(list.id), list.owner)
    end
  end
end

-- Direct streams of those who may read a direct post: each(channel, viewer).
local function each_direct(self, st, each)
  if st.visibility == "direct" and self.profile.direct_posts then
    for _, viewer in ipairs(self.viewers) do
      if st.account == viewer or mentioned(st, viewer) then
        each(channels.direct(viewer), viewer)
      end
    end
  end
end

-- Sends a status on all streams that carry it.
local function spread(self, event, st)
  local hub, now = self.hub, self.clock()
  local payload
  for _, channel in ipairs(channels.of_status(st)) do
    if hub:listened(channel) then
      payload = payload or entities.status(st, nil, now)
    end
    hub:publish(channel, event, payload, st)
  end
  local function to_viewer(channel, viewer)
    hub:publish(channel, event, hub:listened(channel) and entities.status(st, viewer, now) or nil)
  end
  each_home(self, st, to_viewer)
  each_direct(self, st, to_viewer)
end

-- A notification for `viewer`; who has no token needs none.
function world:notify(viewer, kind, actor, st)
  if not viewer.follows or viewer == actor then
    return
  end
  self.serial = self.serial + 1
  local now = self.clock()
  local id = self.make_notification_id and self.make_notification_id(now) or tostring(self.serial)
  local group = "ungrouped-" .. id
  if kind == "favourite" or kind == "reblog" then
    group = ("%s-%s-%d"):format(kind, st.id, now // 3600000)
  end
  local n = { id = id, type = kind, ms = now, group = group, account = actor, status = st, owner = viewer }
  self.store:add_notification(n)
  local channel = channels.notifications(viewer)
  self.hub:publish(channel, "notification",
    self.hub:listened(channel) and entities.notification(n, viewer, now) or nil)
  return n
end

-- Keeps the conversation of a direct post for each viewer in it, and tells them.
local function converse(self, st)
  local taking_part = { st.account }
  for _, person in ipairs(st.mentions) do
    taking_part[#taking_part + 1] = person
  end
  for _, viewer in ipairs(self.viewers) do
    if st.account == viewer or mentioned(st, viewer) then
      local others, ids = {}, {}
      for _, person in ipairs(taking_part) do
        if person ~= viewer then
          others[#others + 1] = person
          ids[#ids + 1] = person.id
        end
      end
      table.sort(ids)
      local key = viewer.id .. "/" .. table.concat(ids, "/")
      local c = self.store.conversation_of[key]
      if not c then
        self.conversation_serial = self.conversation_serial + 1
        c = { cid = self.conversation_serial, owner = viewer, key = key }
        self.store.conversation_of[key] = c
      end
      self.store:move_conversation(c, st, others, st.account ~= viewer)
      local channel = channels.direct(viewer)
      self.hub:publish(channel, "conversation", entities.conversation(c, viewer, self.clock()))
    end
  end
end

-- `fields`: account, text, visibility, spoiler, language, sensitive, media, poll, reply, quote, application,
-- kept (posted over REST), mentions (more people than the text names); id and ms of a post that the server finds late, which no
-- stream brings. Returns the status.
function world:post(fields)
  local account, now = fields.account, fields.ms or self.clock()
  local html, tags, named = text.render(fields.text or "", people.BASE, function(acct)
    return self.store:find_person(acct)
  end)
  local id = fields.id or self:new_id()
  local st = {
    id = id,
    ms = now,
    account = account,
    text = fields.text or "",
    content = html,
    spoiler = fields.spoiler or "",
    visibility = fields.visibility or "public",
    language = fields.language or account.language,
    sensitive = fields.sensitive or (fields.spoiler or "") ~= "",
    media = fields.media or {},
    mentions = fields.mentions or named,
    tags = tags,
    poll = fields.poll,
    quote = fields.quote,
    card = fields.card,
    application = fields.application or (account.is_local and "Web") or nil,
    uri = account.uri .. "/statuses/" .. id,
    url = account.url .. "/" .. id,
    favourites = {},
    boosts = {},
    bookmarks = {},
    favs = 0,
    reblogs = 0,
    replies = 0,
    quotes = 0,
  }
  local reply = fields.reply
  if reply then
    st.reply_to, st.reply_account = reply.id, reply.account.id
    reply.replies = reply.replies + 1
  end
  if st.quote then
    st.quote.quotes = st.quote.quotes + 1
  end
  account.statuses = account.statuses + 1
  account.last_ms = now
  if self.profile.on_post then
    self.profile.on_post(st)
  end
  self.store:add(st, fields.kept)
  if fields.id then
    return st
  end
  spread(self, "update", st)
  for _, person in ipairs(st.mentions) do
    if person ~= account then
      self:notify(person, "mention", account, st)
    end
  end
  if st.quote then
    self:notify(st.quote.account, "quote", account, st)
  end
  if st.visibility == "direct" then
    converse(self, st)
  end
  return st
end

-- Replaces what `fields` has: text, spoiler, sensitive, language, media, poll (false: none).
function world:edit(st, fields)
  local now = self.clock()
  local html, tags, named = text.render(fields.text or "", people.BASE, function(acct)
    return self.store:find_person(acct)
  end)
  st.history = st.history or {}
  if #st.history < 50 then
    st.history[#st.history + 1] = { content = st.content, spoiler = st.spoiler, sensitive = st.sensitive,
      ms = st.edited or st.ms, media = st.media }
  end
  local before = {}
  for _, person in ipairs(st.mentions) do
    before[person] = true
  end
  st.text, st.content, st.tags, st.mentions = fields.text or "", html, tags, named
  st.spoiler = fields.spoiler or ""
  st.sensitive = fields.sensitive or st.spoiler ~= ""
  st.language = fields.language or st.language
  st.media = fields.media or {}
  st.poll = fields.poll
  st.edited = now
  st.fixed = false
  spread(self, "status.update", st)
  for _, person in ipairs(named) do
    if person.follows and before[person] then
      local channel = channels.notifications(person)
      self.hub:publish(channel, "status.update", entities.status(st, person, now))
    elseif person.follows then
      self:notify(person, "mention", st.account, st)
    end
  end
  for id in pairs(st.boosts) do
    local person = self.store.people[id]
    if person and person.follows then
      self:notify(person, "update", st.account, st)
    end
  end
end

-- Takes a status (or a boost) away; boosts of it go too.
function world:delete(st)
  local hub = self.hub
  for _, channel in ipairs(channels.of_status(st)) do
    hub:publish(channel, "delete", st.id)
  end
  local told = self.profile.deletes_boosted and st.reblog and st.reblog.id or st.id
  local function to_viewer(channel)
    hub:publish(channel, "delete", told)
  end
  each_home(self, st, to_viewer)
  each_direct(self, st, to_viewer)
  hub:publish(channels.DELETES, "delete", st.id)
  for _, wrapper in pairs(st.boosts) do
    self:delete(wrapper)
  end
  st.account.statuses = math.max(0, st.account.statuses - 1)
  local parent = st.reply_to and self.store.by_id[st.reply_to]
  if parent then
    parent.replies = math.max(0, parent.replies - 1)
  end
  self.store:forget(st)
end

-- The boost of `st` by `actor`; an existing one is given back, where the server does so.
function world:boost(st, actor, visibility, kept)
  st = st.reblog or st
  if st.boosts[actor.id] and not self.profile.boosts_again then
    return st.boosts[actor.id]
  end
  local now, id = self.clock(), self:new_id()
  local wrapper = {
    id = id, ms = now, account = actor, text = st.text, content = st.content, spoiler = st.spoiler,
    visibility = visibility or (st.visibility == "public" and "public" or st.visibility),
    language = st.language, sensitive = st.sensitive, media = {}, mentions = {}, tags = {}, reblog = st,
    uri = actor.uri .. "/statuses/" .. id .. "/activity", url = actor.uri .. "/statuses/" .. id .. "/activity",
    favourites = {}, boosts = {}, bookmarks = {}, favs = 0, reblogs = 0, replies = 0, quotes = 0,
  }
  st.boosts[actor.id] = wrapper
  st.reblogs = st.reblogs + 1
  actor.statuses = actor.statuses + 1
  if self.profile.on_post then
    self.profile.on_post(wrapper)
  end
  self.store:add(wrapper, kept)
  spread(self, "update", wrapper)
  self:notify(st.account, "reblog", actor, st)
  return wrapper
end

function world:unboost(st, actor)
  st = st.reblog or st
  local wrapper = st.boosts[actor.id]
  if wrapper then
    st.boosts[actor.id] = nil
    st.reblogs = math.max(0, st.reblogs - 1)
    self:delete(wrapper)
  end
  return st
end

function world:favourite(st, actor)
  st = st.reblog or st
  if not st.favourites[actor.id] then
    st.favourites[actor.id] = self.store:next_mark()
    st.favs = st.favs + 1
    self:notify(st.account, "favourite", actor, st)
  end
  return st
end

function world.unfavourite(_, st, actor)
  st = st.reblog or st
  if st.favourites[actor.id] then
    st.favourites[actor.id] = nil
    st.favs = math.max(0, st.favs - 1)
  end
  return st
end

-- `actor` follows `target`; a locked account is only asked.
function world.follow(_, actor, target)
  actor.follows = actor.follows or {}
  if not actor.follows[target.id] then
    actor.follows[target.id] = target.locked and "requested" or true
    actor.following = actor.following + 1
    target.followers = target.followers + 1
    target.cached = nil
    actor.cached = nil
  end
end

-- Somebody without a token starts to follow a viewer.
function world:followed_by(viewer, actor)
  viewer.followers = viewer.followers + 1
  viewer.cached = nil
  viewer.fans = viewer.fans or {}
  viewer.fans[actor.id] = true
  self:notify(viewer, "follow", actor)
  if self.profile.followed then
    self.profile.followed(self, viewer, actor)
  end
end

-- On the user stream of everybody with a token.
function world:announce(event, payload)
  for _, viewer in ipairs(self.viewers) do
    self.hub:publish(channels.user(viewer), event, payload)
  end
end

return world
