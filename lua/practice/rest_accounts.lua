-- SPDX-License-Identifier: MIT
-- Routes about accounts: who am I, look-ups, their posts, follows, lists.
local json = require "trusted.json"
local entities = require "practice.entities"
local paging = require "practice.paging"
local params = require "practice.params"
local rest = require "practice.rest"
local world = require "practice.world"

local function verify(ctx)
  return 200, entities.credential_account(ctx.person)
end

local function person_of(ctx)
  return ctx.store.people[ctx.args.id]
end

local function show(ctx)
  local person = person_of(ctx)
  if not person then
    return 404, rest.NOT_FOUND
  end
  return 200, entities.account(person)
end

local function lookup(ctx)
  local person = ctx.store:find_person(params.text(ctx.p.acct) or "")
  if not person then
    return 404, rest.NOT_FOUND
  end
  return 200, entities.account(person)
end

local function search(ctx)
  local wanted = (params.text(ctx.p.q) or ""):lower():gsub("^@", "")
  local found = {}
  for _, person in pairs(ctx.store.people) do
    if wanted ~= "" and person.acct:lower():find(wanted, 1, true) then
      found[#found + 1] = person
    end
  end
  table.sort(found, function(a, b)
    return a.acct < b.acct
  end)
  return 200, entities.array(found, entities.account)
end

local function statuses(ctx)
  local person, p, viewer = person_of(ctx), ctx.p, ctx.person
  if not person then
    return 404, rest.NOT_FOUND
  end
  local only_media, no_replies = params.bool(p.only_media), params.bool(p.exclude_replies)
  local no_boosts, tagged = params.bool(p.exclude_reblogs), params.text(p.tagged)
  local cursor = paging.cursor(p, 20, 40)
  if params.bool(p.pinned) then
    return 200, "[]"
  end
  local page = ctx.store:page(cursor, function(st)
    if st.account ~= person or not world.visible(st, viewer) then
      return false
    elseif only_media and #st.media == 0 then
      return false
    elseif no_boosts and st.reblog then
      return false
    elseif no_replies and st.reply_to and st.reply_account ~= person.id then
      return false
    end
    if tagged then
      for _, name in ipairs(st.tags) do
        if name == tagged:lower() then
          return true
        end
      end
      return false
    end
    return true
  end)
  local link = paging.link(ctx.base, ctx.request.path, p, page, { limit = cursor.limit, full_only = true,
    kept = { "limit", "only_media", "exclude_replies", "exclude_reblogs", "tagged" } })
  return 200, entities.array(page, entities.status, viewer, ctx.now), link and { "Link", link }
end

-- What the caller has set about somebody.
local function ties(ctx, person)
  local me = ctx.person
  me.ties = me.ties or {}
  me.ties[person.id] = me.ties[person.id] or {}
  return me.ties[person.id]
end

local function relationship(ctx, person)
  local me, mine = ctx.person, ties(ctx, person)
  if mine.muting_until and mine.muting_until <= ctx.now then
    mine.muting, mine.muting_until = nil, nil
  end
  mine.following = me.follows and me.follows[person.id]
  return entities.relationship(person, mine, me.fans and me.fans[person.id])
end

local function relationships(ctx)
  local out = {}
  for _, id in ipairs(params.list(ctx.p.id)) do
    local person = ctx.store.people[id]
    if person then
      out[#out + 1] = relationship(ctx, person)
    end
  end
  return 200, "[" .. table.concat(out, ",") .. "]"
end

-- Wraps what is done to somebody else. `self_words`: said when it is oneself; without, that is a 403 of the policy.
local function on_other(change, self_words)
  return function(ctx)
    local person = person_of(ctx)
    if not person then
      return 404, rest.NOT_FOUND
    elseif person == ctx.person then
      return 403, rest.words(self_words or "This action is not allowed")
    end
    local status, body = change(ctx, person, ties(ctx, person))
    if status then
      return status, body
    end
    return 200, relationship(ctx, person)
  end
end

local function forget_follow(ctx, person)
  if ctx.person.follows and ctx.person.follows[person.id] then
    ctx.person.follows[person.id] = nil
    ctx.person.following = math.max(0, ctx.person.following - 1)
    person.followers = math.max(0, person.followers - 1)
    person.cached, ctx.person.cached = nil, nil
  end
end

-- Asked again it changes the settings; what is not named stays (protocol.md 6.4).
local follow = on_other(function(ctx, person, mine)
  if mine.blocking then
    return 403, rest.words "This action is not allowed"
  end
  ctx.world:follow(ctx.person, person)
  local reblogs, notify = params.bool(ctx.p.reblogs), params.bool(ctx.p.notify)
  if reblogs ~= nil then
    mine.reblogs = reblogs
  end
  if notify ~= nil then
    mine.notify = notify
  end
  local languages = params.list(ctx.p.languages)
  if #languages > 0 then
    for i, language in ipairs(languages) do
      languages[i] = json.quote(language)
    end
    mine.languages = "[" .. table.concat(languages, ",") .. "]"
  end
end, "Following your own account is not allowed")

local unfollow = on_other(function(ctx, person)
  forget_follow(ctx, person)
end)

local mute = on_other(function(ctx, _, mine)
  local notifications = params.bool(ctx.p.notifications)
  local seconds = math.tointeger(tonumber(ctx.p.duration)) or 0
  mine.muting, mine.muting_notifications = true, notifications ~= false
  mine.muting_until = seconds > 0 and ctx.now + seconds * 1000 or nil
end)

local unmute = on_other(function(_, _, mine)
  mine.muting, mine.muting_until = nil, nil
end)

-- Ends following in both directions.
local block = on_other(function(ctx, person, mine)
  forget_follow(ctx, person)
  if ctx.person.fans then
    ctx.person.fans[person.id] = nil
  end
  mine.blocking = true
end)

local unblock = on_other(function(_, _, mine)
  mine.blocking = nil
end)

local function lists(ctx)
  local mine = {}
  for _, list in pairs(ctx.store.lists) do
    if list.owner == ctx.person then
      mine[#mine + 1] = list
    end
  end
  table.sort(mine, function(a, b)
    return paging.older(a.id, b.id)
  end)
  return 200, entities.array(mine, entities.list)
end

local function list_of(ctx)
  local list = ctx.store.lists[ctx.args.id]
  return list and list.owner == ctx.person and list or nil
end

local function list_show(ctx)
  local list = list_of(ctx)
  if not list then
    return 404, rest.NOT_FOUND
  end
  return 200, entities.list(list)
end

local function list_accounts(ctx)
  local list = list_of(ctx)
  if not list then
    return 404, rest.NOT_FOUND
  end
  local members = {}
  for id in pairs(list.members) do
    members[#members + 1] = ctx.store.people[id]
  end
  table.sort(members, function(a, b)
    return paging.older(b.id, a.id)
  end)
  return 200, entities.array(members, entities.account)
end

return {
  { "GET", "/api/v1/accounts/verify_credentials", verify, "profile", "read:accounts" },
  { "GET", "/api/v1/accounts/lookup", lookup, "public" },
  { "GET", "/api/v1/accounts/search", search, "read:accounts" },
  { "GET", "/api/v1/accounts/relationships", relationships, "read:follows" },
  { "GET", "/api/v1/accounts/:id", show, "public" },
  { "GET", "/api/v1/accounts/:id/statuses", statuses, "public", "read:statuses" },
  { "POST", "/api/v1/accounts/:id/follow", follow, "write:follows" },
  { "POST", "/api/v1/accounts/:id/unfollow", unfollow, "write:follows" },
  { "POST", "/api/v1/accounts/:id/mute", mute, "write:mutes" },
  { "POST", "/api/v1/accounts/:id/unmute", unmute, "write:mutes" },
  { "POST", "/api/v1/accounts/:id/block", block, "write:blocks" },
  { "POST", "/api/v1/accounts/:id/unblock", unblock, "write:blocks" },
  { "GET", "/api/v1/lists", lists, "read:lists" },
  { "GET", "/api/v1/lists/:id", list_show, "read:lists" },
  { "GET", "/api/v1/lists/:id/accounts", list_accounts, "read:lists" },
}
