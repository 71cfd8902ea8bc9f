-- SPDX-License-Identifier: MIT
-- Routes about single statuses: post, read, edit, delete, boost, like, keep, threads, polls.
local json = require "trusted.json"
local entities = require "practice.entities"
local params = require "practice.params"
local rest = require "practice.rest"
local text = require "practice.text"
local world = require "practice.world"

local q = json.quote

local MAX_MEDIA = 4
local BATCH_MAX = 20
local VISIBILITIES = { public = true, unlisted = true, private = true, direct = true }

local function render(ctx, st)
  return 200, entities.status(st, ctx.person, ctx.now)
end

local function status_of(ctx, id)
  local st = id and ctx.store:get(id)
  if st and world.visible(st, ctx.person) then
    return st
  end
end

local function seconds(value)
  return math.tointeger(tonumber(value))
end

-- The poll that a request describes: poll, nil for none, or false and an answer.
local function poll_of(ctx)
  local wanted = ctx.p.poll
  if type(wanted) ~= "table" or wanted == json.null then
    return nil
  end
  local titles, lasts = params.list(wanted.options), seconds(wanted.expires_in)
  if #titles < 2 then
    return false, rest.invalid "Poll options must have more than one item"
  elseif #titles > 4 then
    return false, rest.invalid "Poll options can't contain more than 4 items"
  elseif not lasts or lasts < 300 then
    return false, rest.invalid "Poll expires at is too soon"
  elseif lasts > 2629746 then
    return false, rest.invalid "Poll expires at is too far into the future"
  end
  local poll = { id = tostring((ctx.store.poll_serial or 34830) + 1), expires = ctx.now + lasts * 1000,
    multiple = params.bool(wanted.multiple) or false, voters = 0, voted = {}, options = {} }
  ctx.store.poll_serial = tonumber(poll.id)
  for i, title in ipairs(titles) do
    if title == "" then
      return false, rest.invalid "Poll options can't be blank"
    elseif (utf8.len(title) or #title) > 50 then
      return false, rest.invalid "Poll options can't be longer than 50 characters each"
    end
    poll.options[i] = { title = title, votes = 0 }
  end
  return poll
end

-- The attachments that a request names: list, or nil and an answer. `own`: those the status already has.
local function media_of(ctx, own)
  local out = {}
  for _, id in ipairs(params.list(ctx.p.media_ids)) do
    local media = ctx.store.media[id]
    local usable = media and media.owner == ctx.person and not media.attached
    for _, have in ipairs(own or {}) do
      if have.id == id then
        media, usable = have, true
      end
    end
    if not usable then
      return nil, 422, rest.words("Media " .. id .. " not found or already attached to another post")
    end
    out[#out + 1] = media
  end
  if #out > MAX_MEDIA then
    return nil, 422, rest.words "Cannot attach more than 4 files"
  end
  return out
end

-- What posts and edits share: fields, or nil and an answer.
local function content_of(ctx, own)
  local p = ctx.p
  local body, spoiler = params.text(p.status) or "", params.text(p.spoiler_text) or ""
  local poll, status, answer = poll_of(ctx)
  if poll == false then
    return nil, status, answer
  end
  local media
  media, status, answer = media_of(ctx, own)
  if not media then
    return nil, status, answer
  elseif #media > 0 and poll then
    return nil, 422, rest.words "Cannot attach a video to a post that already contains images or a poll"
  end
  if body:match("^%s*$") and spoiler ~= "" then
    body = "."
  end
  if body:match("^%s*$") and #media == 0 and not poll then
    return nil, rest.invalid "Text can't be blank"
  elseif not utf8.len(body) then
    return nil, 400, rest.words "Invalid UTF-8 in request"
  elseif text.length(body) + (utf8.len(spoiler) or #spoiler) > ctx.profile.max_characters then
    return nil, rest.invalid("Text character limit of " .. ctx.profile.max_characters .. " exceeded")
  end
  return { text = body, spoiler = spoiler, poll = poll, media = media, sensitive = params.bool(p.sensitive) or false,
    language = params.text(p.language) }
end

-- 422 when the text mentions more people than `allowed_mentions` names (protocol.md 6.2).
local function unexpected(ctx, body)
  if ctx.p.allowed_mentions == nil then
    return nil
  end
  local allowed = {}
  for _, id in ipairs(params.list(ctx.p.allowed_mentions)) do
    allowed[id] = true
  end
  local _, _, mentions = text.render(body, "", function(acct)
    return ctx.store:find_person(acct)
  end)
  local strangers = {}
  for _, person in ipairs(mentions) do
    if not allowed[person.id] and person ~= ctx.person then
      strangers[#strangers + 1] = person
    end
  end
  if #strangers > 0 then
    return '{"error":"Post would be sent to unexpected accounts","unexpected_accounts":'
      .. entities.array(strangers, entities.account) .. "}"
  end
end

-- The status that a parameter names: status; nil without one; false when it is not there.
local function target(ctx, value)
  local id = params.text(value)
  if not id or id == "" then
    return nil
  end
  return status_of(ctx, id) or false
end

local function create(ctx)
  local p, key = ctx.p, ctx.profile.keeps_keys and ctx.request.headers["idempotency-key"]
  local remembered = key and ctx.store:recall_key(ctx.person.id .. "/" .. key, ctx.now)
  if remembered then
    local st = ctx.store:get(remembered)
    if not st then
      return 404, rest.NOT_FOUND
    end
    return render(ctx, st)
  end
  local visibility = params.text(p.visibility)
  if visibility == "" then
    visibility = nil
  end
  local reply, quote = target(ctx, p.in_reply_to_id), target(ctx, p.quoted_status_id)
  if reply == false then
    return 404, rest.words "The post you are trying to reply to does not appear to exist."
  elseif quote == false then
    return 404, rest.words "The post you are trying to quote does not appear to exist."
  elseif visibility and not VISIBILITIES[visibility] then
    return rest.invalid "Visibility is not included in the list"
  elseif params.text(p.scheduled_at) and p.scheduled_at ~= "" then
    return rest.invalid "Scheduled at is not known to the practice instance"
  end
  local fields, status, answer = content_of(ctx)
  if not fields then
    return status, answer
  end
  local strangers = unexpected(ctx, fields.text)
  if strangers then
    return 422, strangers
  end
  for _, media in ipairs(fields.media) do
    media.attached = true
  end
  fields.account, fields.visibility, fields.reply, fields.quote = ctx.person, visibility or "public", reply, quote
  fields.application, fields.kept = "practice client", true
  local st = ctx.world:post(fields)
  if key then
    ctx.store:remember_key(ctx.person.id .. "/" .. key, st.id, ctx.now)
  end
  return render(ctx, st)
end

-- Wraps a handler that needs the status of the path.
local function with_status(handler, own)
  return function(ctx)
    local st = status_of(ctx, ctx.args.id)
    if not st then
      return 404, rest.NOT_FOUND
    elseif own and st.account ~= ctx.person then
      return ctx.profile.foreign_delete, rest.NOT_FOUND
    end
    return handler(ctx, st)
  end
end

local function batch(ctx)
  local ids, found = params.list(ctx.p.id), {}
  if #ids > BATCH_MAX then
    return 422, rest.words("Validation failed: cannot ask for more than " .. BATCH_MAX .. " statuses")
  end
  for _, id in ipairs(ids) do
    found[#found + 1] = status_of(ctx, id)
  end
  return 200, entities.array(found, entities.status, ctx.person, ctx.now)
end

local edit = with_status(function(ctx, st)
  local fields, status, answer = content_of(ctx, st.media)
  if not fields then
    return status, answer
  end
  -- An edit that changes nothing makes no version (protocol.md 6.2).
  local same = fields.text == st.text and fields.spoiler == st.spoiler and #fields.media == #st.media
    and not fields.poll == not st.poll and (fields.language or st.language) == st.language
  if not same then
    ctx.world:edit(st, fields)
  end
  return render(ctx, st)
end, true)

local delete = with_status(function(ctx, st)
  local answer = entities.deleted_status(st, ctx.person, ctx.now)
  if st.reblog then
    ctx.world:unboost(st.reblog, ctx.person)
  else
    ctx.world:delete(st)
  end
  return 200, answer
end, true)

local boost = with_status(function(ctx, st)
  st = st.reblog or st
  if st.visibility == "direct" or (st.visibility == "private" and st.account ~= ctx.person) then
    return 403, rest.words "This action is not allowed"
  end
  local visibility = params.text(ctx.p.visibility)
  return render(ctx, ctx.world:boost(st, ctx.person, VISIBILITIES[visibility] and visibility or nil, true))
end)

local unboost = with_status(function(ctx, st)
  return render(ctx, ctx.world:unboost(st, ctx.person))
end)

local favourite = with_status(function(ctx, st)
  return render(ctx, ctx.world:favourite(st, ctx.person))
end)

local unfavourite = with_status(function(ctx, st)
  return render(ctx, ctx.world:unfavourite(st, ctx.person))
end)

local bookmark = with_status(function(ctx, st)
  st = st.reblog or st
  st.bookmarks[ctx.person.id] = st.bookmarks[ctx.person.id] or ctx.store:next_mark()
  return render(ctx, st)
end)

local unbookmark = with_status(function(ctx, st)
  st = st.reblog or st
  st.bookmarks[ctx.person.id] = nil
  return render(ctx, st)
end)

local context = with_status(function(ctx, st)
  local ancestors, descendants, inside = {}, {}, { [st.id] = true }
  local at = st
  while at.reply_to and #ancestors < 4096 do
    at = status_of(ctx, at.reply_to)
    if not at then
      break
    end
    table.insert(ancestors, 1, at)
  end
  for _, other in ipairs(ctx.store.statuses) do
    if other.reply_to and inside[other.reply_to] and not other.gone and world.visible(other, ctx.person) then
      inside[other.id] = true
      descendants[#descendants + 1] = other
    end
  end
  return 200, '{"ancestors":' .. entities.array(ancestors, entities.status, ctx.person, ctx.now)
    .. ',"descendants":' .. entities.array(descendants, entities.status, ctx.person, ctx.now) .. "}"
end)

local history = with_status(function(_, st)
  local versions = {}
  for _, version in ipairs(st.history or {}) do
    versions[#versions + 1] = version
  end
  versions[#versions + 1] = { content = st.content, spoiler = st.spoiler, sensitive = st.sensitive,
    ms = st.edited or st.ms, media = st.media }
  return 200, entities.array(versions, entities.status_edit, st)
end)

local source = with_status(function(_, st)
  return 200, entities.source(st)
end)

-- People who boosted or liked; those without a token never do both twice.
local function actors(field)
  return with_status(function(ctx, st)
    local list = {}
    for id in pairs(st[field]) do
      list[#list + 1] = ctx.store.people[id]
    end
    table.sort(list, function(a, b)
      return a.acct < b.acct
    end)
    return 200, entities.array(list, entities.account)
  end)
end

local function find_poll(ctx)
  for i = #ctx.store.statuses, 1, -1 do
    local st = ctx.store.statuses[i]
    if st.poll and st.poll.id == ctx.args.id and not st.gone and world.visible(st, ctx.person) then
      return st.poll, st
    end
  end
end

local function poll_show(ctx)
  local poll = find_poll(ctx)
  if not poll then
    return 404, rest.NOT_FOUND
  end
  return 200, entities.poll(poll, ctx.person, ctx.now)
end

local function vote(ctx)
  local poll, st = find_poll(ctx)
  if not poll then
    return 404, rest.NOT_FOUND
  elseif st.account == ctx.person then
    return rest.invalid "You can't vote in your own poll"
  elseif ctx.now >= poll.expires then
    return rest.invalid "The poll has already ended"
  elseif poll.voted[ctx.person.id] then
    return rest.invalid "You have already voted on this poll"
  end
  local choices = {}
  for _, choice in ipairs(params.list(ctx.p.choices)) do
    local number = math.tointeger(tonumber(choice))
    if not number or not poll.options[number + 1] then
      return rest.invalid "The chosen vote option does not exist"
    end
    choices[#choices + 1] = number
  end
  if #choices > 0 then
    for _, number in ipairs(choices) do
      poll.options[number + 1].votes = poll.options[number + 1].votes + 1
    end
    poll.voted[ctx.person.id], poll.voters = choices, poll.voters + 1
  end
  return 200, entities.poll(poll, ctx.person, ctx.now)
end

local CATEGORIES = { other = true, spam = true, legal = true, violation = true }

-- Every call makes a report, also the same one again (protocol.md 6.5); GET /practice/reports lists them.
local function report(ctx)
  local person = ctx.store.people[params.text(ctx.p.account_id) or ""]
  if not person then
    return 404, rest.NOT_FOUND
  end
  local ids, rules = params.list(ctx.p.status_ids), params.list(ctx.p.rule_ids)
  local category, comment = params.text(ctx.p.category), params.text(ctx.p.comment) or ""
  for i, id in ipairs(ids) do
    local st = status_of(ctx, id)
    if not st or st.account ~= person then
      return 404, rest.NOT_FOUND
    end
    ids[i] = q(id)
  end
  for i, id in ipairs(rules) do
    rules[i] = q(id)
  end
  if (utf8.len(comment) or #comment) > 1000 then
    return rest.invalid "Comment is too long (maximum is 1000 characters)"
  elseif category and not CATEGORIES[category] then
    return rest.invalid "Category is not included in the list"
  elseif #rules > 0 and category and category ~= "violation" then
    return rest.invalid "Rule ids does not reference valid rules"
  end
  local made = ('{"id":%s,"action_taken":false,"action_taken_at":null,"category":%s,"comment":%s,"forwarded":%s,'
    .. '"created_at":%s,"status_ids":[%s],"rule_ids":%s,"target_account":%s}'):format(
    q(ctx.world:new_id()), q(#rules > 0 and "violation" or category or "other"), q(comment),
    tostring(params.bool(ctx.p.forward) or false), q(text.time(ctx.now)), table.concat(ids, ","),
    #rules > 0 and "[" .. table.concat(rules, ",") .. "]" or "null", entities.account(person))
  ctx.store:remember_report(made)
  return 200, made
end

return {
  { "POST", "/api/v1/statuses", create, "write:statuses" },
  { "GET", "/api/v1/statuses", batch, "public", "read:statuses" },
  { "GET", "/api/v1/statuses/:id", with_status(render), "public", "read:statuses" },
  { "PUT", "/api/v1/statuses/:id", edit, "write:statuses" },
  { "DELETE", "/api/v1/statuses/:id", delete, "write:statuses" },
  { "GET", "/api/v1/statuses/:id/context", context, "public", "read:statuses" },
  { "GET", "/api/v1/statuses/:id/history", history, "public", "read:statuses" },
  { "GET", "/api/v1/statuses/:id/source", source, "read:statuses" },
  { "GET", "/api/v1/statuses/:id/reblogged_by", actors "boosts", "public", "read:accounts" },
  { "GET", "/api/v1/statuses/:id/favourited_by", actors "favourites", "public", "read:accounts" },
  { "POST", "/api/v1/statuses/:id/reblog", boost, "write:statuses" },
  { "POST", "/api/v1/statuses/:id/unreblog", unboost, "write:statuses" },
  { "POST", "/api/v1/statuses/:id/favourite", favourite, "write:favourites" },
  { "POST", "/api/v1/statuses/:id/unfavourite", unfavourite, "write:favourites" },
  { "POST", "/api/v1/statuses/:id/bookmark", bookmark, "write:bookmarks" },
  { "POST", "/api/v1/statuses/:id/unbookmark", unbookmark, "write:bookmarks" },
  { "GET", "/api/v1/polls/:id", poll_show, "public", "read:statuses" },
  { "POST", "/api/v1/polls/:id/votes", vote, "write:statuses" },
  { "POST", "/api/v1/reports", report, "write:reports" },
}
