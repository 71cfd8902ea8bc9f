-- SPDX-License-Identifier: MIT
-- Routes that page: timelines, notifications, conversations, bookmarks and favourites.
local entities = require "practice.entities"
local hidden = require "practice.hidden"
local paging = require "practice.paging"
local params = require "practice.params"
local rest = require "practice.rest"
local text = require "practice.text"
local world = require "practice.world"

-- One page of statuses with its Link header. `most`: only so many of the newest are there to be paged through. `kind`: what
-- a profile calls it.
local function answer(ctx, kept, wanted, most, kind)
  local cursor = paging.cursor(ctx.p, 20, 40, ctx.faults.min_id_is_since_id)
  if ctx.faults.min_id_is_since_id and ctx.p.min_id then
    ctx.faults.note "min_id misread"
  end
  local floor = most and ctx.store:nth_newest(most, wanted)
  if floor and most < ctx.faults.home_usual then
    ctx.faults.note "home cut short"
  end
  local page = ctx.store:page(cursor, floor and function(st)
    return not paging.older(st.id, floor) and wanted(st)
  end or wanted)
  if ctx.profile.page then
    page = ctx.profile.page(kind, page, cursor.limit)
  end
  local link = paging.link(ctx.base, ctx.request.path, ctx.p, page, { limit = cursor.limit, kept = kept })
  return 200, entities.array(page, entities.status, ctx.person, ctx.now), link and { "Link", link }
end

-- While it is made anew a part of it comes with 206, and when to ask again (protocol.md 5.3).
local function home(ctx)
  if ctx.faults:is_regenerating() then
    return 206, "[]", { "Mastodon-Async-Refresh", 'id="home:' .. ctx.person.id .. ':regeneration", retry=5' }
  end
  return answer(ctx, { "limit" }, function(st)
    return world.in_home(st, ctx.person)
  end, ctx.faults.home_max, "home")
end

local SIGN_IN = rest.words "This method requires an authenticated user"

-- A feed that is switched off answers [] (protocol.md 4.3); one for members refuses strangers. Returns what to answer at
-- once, or nil and whether local and remote posts are left out.
local function access(ctx, kind, only_local, only_remote)
  local feeds = ctx.faults.feeds
  local here, away = feeds[kind .. "_local"], feeds[kind .. "_remote"]
  if not ctx.person and ((here ~= "public" and not only_remote) or (away ~= "public" and not only_local)) then
    return SIGN_IN
  end
  return nil, here == "disabled", away == "disabled"
end

local function public(ctx)
  local only_local, only_remote = params.bool(ctx.p["local"]), params.bool(ctx.p.remote)
  local only_media = params.bool(ctx.p.only_media)
  local refusal, no_local, no_remote = access(ctx, "live", only_local, only_remote)
  if refusal then
    return 422, refusal
  end
  return answer(ctx, { "limit", "local", "remote", "only_media" }, function(st)
    return world.in_public(st)
      and not (no_local and st.account.is_local)
      and not (no_remote and not st.account.is_local)
      and not hidden.from(ctx.person, st)
      and not (only_local and not st.account.is_local)
      and not (only_remote and st.account.is_local)
      and not (only_media and #st.media == 0)
  end, nil, "public")
end

local function has_tag(st, name)
  for _, tag in ipairs(st.tags) do
    if tag == name then
      return true
    end
  end
  return false
end

local function names_of(value)
  local out = {}
  for i, name in ipairs(params.list(value)) do
    out[i] = text.tag_name(name)
  end
  return out
end

local function tag(ctx)
  local p, main = ctx.p, text.tag_name(ctx.args.tag)
  local any, all, none = names_of(p.any), names_of(p.all), names_of(p.none)
  table.insert(any, main)
  local only_local, only_media = params.bool(p["local"]), params.bool(p.only_media)
  local refusal, no_local, no_remote = access(ctx, "hashtag", only_local, false)
  if refusal then
    return 422, refusal
  end
  return answer(ctx, { "limit", "local", "only_media" }, function(st)
    if st.visibility ~= "public" or st.reblog or hidden.from(ctx.person, st, false) or (only_local and not st.account.is_local)
      or (only_media and #st.media == 0) or (no_local and st.account.is_local)
      or (no_remote and not st.account.is_local) then
      return false
    end
    local found = false
    for _, name in ipairs(any) do
      found = found or has_tag(st, name)
    end
    for _, name in ipairs(all) do
      found = found and has_tag(st, name)
    end
    for _, name in ipairs(none) do
      found = found and not has_tag(st, name)
    end
    return found
  end)
end

local function list(ctx)
  local entry = ctx.store.lists[ctx.args.id]
  if not entry or entry.owner ~= ctx.person then
    return 404, rest.NOT_FOUND
  end
  return answer(ctx, { "limit" }, function(st)
    return world.in_list(st, entry)
  end, ctx.faults.home_max, "list")
end

-- In the order in which they were marked, paged by the ids of the marks: only the Link header has those, and it leads on only
-- from a full page (protocol.md 5.3).
local function marked(field)
  return function(ctx)
    local marks = {}
    if ctx.store.import then
      ctx.store.import()
    end
    for _, st in ipairs(ctx.store.statuses) do
      local mark = st[field][ctx.person.id]
      if mark and not st.gone and not st.reblog then
        marks[#marks + 1] = { id = tostring(mark), number = mark, st = st }
      end
    end
    table.sort(marks, function(a, b)
      return a.number < b.number
    end)
    local cursor = paging.cursor(ctx.p, 20, 40, ctx.faults.min_id_is_since_id)
    local page = paging.page(marks, cursor, function()
      return true
    end)
    local link = paging.link(ctx.base, ctx.request.path, ctx.p, page,
      { limit = cursor.limit, kept = { "limit" }, full_only = true })
    return 200, entities.array(page, function(mark)
      return entities.status(mark.st, ctx.person, ctx.now)
    end), link and { "Link", link }
  end
end

local function set_of(value)
  local out = {}
  for _, name in ipairs(params.list(value)) do
    out[name] = true
  end
  return next(out) and out or nil
end

local function only(all, wanted)
  local out = {}
  for _, item in ipairs(all) do
    if wanted(item) then
      out[#out + 1] = item
    end
  end
  return out
end

local function notifications(ctx)
  local types, excluded = set_of(ctx.p.types), set_of(ctx.p.exclude_types)
  local from = params.text(ctx.p.account_id)
  local cursor = paging.cursor(ctx.p, math.min(40, ctx.profile.limit_max), ctx.profile.limit_max,
    ctx.faults.min_id_is_since_id)
  local function picked(n)
    return not (types and not types[n.type]) and not (excluded and excluded[n.type])
  end
  local late = ctx.profile.types_after_page
  local page = paging.page(ctx.store.notifications, cursor, function(n)
    return n.owner == ctx.person
      and (late or picked(n))
      and not (from and n.account.id ~= from)
      and not (n.status and n.status.gone)
  end)
  if late then
    page = only(page, picked)
  end
  local link = paging.link(ctx.base, ctx.request.path, ctx.p, page, { limit = cursor.limit, kept = { "limit" } })
  return 200, entities.array(page, entities.notification, ctx.person, ctx.now), link and { "Link", link }
end

local function find_notification(ctx)
  for i, n in ipairs(ctx.store.notifications) do
    if n.id == ctx.args.id and n.owner == ctx.person then
      return n, i
    end
  end
end

local function notification(ctx)
  local n = find_notification(ctx)
  if not n then
    return 404, rest.NOT_FOUND
  end
  return 200, entities.notification(n, ctx.person, ctx.now)
end

local function dismiss(ctx)
  local n, at = find_notification(ctx)
  if not n then
    return 404, rest.NOT_FOUND
  end
  table.remove(ctx.store.notifications, at)
  return 200, "{}"
end

local function clear(ctx)
  local kept = {}
  for _, n in ipairs(ctx.store.notifications) do
    if n.owner ~= ctx.person then
      kept[#kept + 1] = n
    end
  end
  ctx.store.notifications = kept
  return 200, "{}"
end

local function conversations(ctx)
  local cursor = paging.cursor(ctx.p, 20, 40, ctx.faults.min_id_is_since_id)
  local page = paging.page(ctx.store.conversations, cursor, function(entry)
    return entry.conversation.owner == ctx.person
  end)
  local link = paging.link(ctx.base, ctx.request.path, ctx.p, page,
    { limit = cursor.limit, kept = { "limit" }, full_only = true })
  return 200, entities.array(page, function(entry)
    return entities.conversation(entry.conversation, ctx.person, ctx.now)
  end), link and { "Link", link }
end

local function conversation_read(ctx)
  for _, entry in ipairs(ctx.store.conversations) do
    local c = entry.conversation
    if c.id == ctx.args.id and c.owner == ctx.person then
      c.unread = false
      return 200, entities.conversation(c, ctx.person, ctx.now)
    end
  end
  return 404, rest.NOT_FOUND
end

return {
  { "GET", "/api/v1/timelines/home", home, "read:statuses" },
  { "GET", "/api/v1/timelines/public", public, "public", "read:statuses" },
  { "GET", "/api/v1/timelines/tag/:tag", tag, "public", "read:statuses" },
  { "GET", "/api/v1/timelines/list/:id", list, "read:lists" },
  { "GET", "/api/v1/bookmarks", marked "bookmarks", "read:bookmarks" },
  { "GET", "/api/v1/favourites", marked "favourites", "read:favourites" },
  { "GET", "/api/v1/notifications", notifications, "read:notifications" },
  { "POST", "/api/v1/notifications/clear", clear, "write:notifications" },
  { "GET", "/api/v1/notifications/:id", notification, "read:notifications" },
  { "POST", "/api/v1/notifications/:id/dismiss", dismiss, "write:notifications" },
  { "GET", "/api/v1/conversations", conversations, "read:statuses" },
  { "POST", "/api/v1/conversations/:id/read", conversation_read, "write:conversations" },
}
