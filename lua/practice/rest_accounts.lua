-- SPDX-License-Identifier: MIT
-- Routes about accounts: who am I, look-ups, their posts, follows, lists.
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

local function relationship(ctx, person)
  local me = ctx.person
  return entities.relationship(person, me.follows and me.follows[person.id], me.fans and me.fans[person.id])
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

local function follow(ctx)
  local person = person_of(ctx)
  if not person then
    return 404, rest.NOT_FOUND
  elseif person == ctx.person then
    return 403, rest.words "Following your own account is not allowed"
  end
  ctx.world:follow(ctx.person, person)
  return 200, relationship(ctx, person)
end

local function unfollow(ctx)
  local person = person_of(ctx)
  if not person then
    return 404, rest.NOT_FOUND
  end
  if ctx.person.follows and ctx.person.follows[person.id] then
    ctx.person.follows[person.id] = nil
    ctx.person.following = math.max(0, ctx.person.following - 1)
    person.followers = math.max(0, person.followers - 1)
    person.cached, ctx.person.cached = nil, nil
  end
  return 200, relationship(ctx, person)
end

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
  { "GET", "/api/v1/lists", lists, "read:lists" },
  { "GET", "/api/v1/lists/:id", list_show, "read:lists" },
  { "GET", "/api/v1/lists/:id/accounts", list_accounts, "read:lists" },
}
