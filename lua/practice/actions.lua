-- SPDX-License-Identifier: MIT
-- What a test or a scenario can make happen: posts by made-up people, and faults. One function each, one table in.
local entities = require "practice.entities"
local fault_actions = require "practice.fault_actions"
local given = require "practice.given"
local params = require "practice.params"

local actions = {}

local function rendered(ctx, st)
  return entities.status(st, ctx.bot, ctx.world.clock())
end

-- post { text, from, visibility, spoiler, language, media = N, described = true, reply_to = ID } -> status
function actions.post(ctx, p)
  local person = given.person(ctx, p.from, "alice")
  local reply = p.reply_to and given.status(ctx, p.reply_to) or nil
  local media = {}
  for i = 1, math.min(4, given.number(p.media, 0)) do
    media[i] = ctx.timeline:media("cat", params.bool(p.described) ~= false)
  end
  return rendered(ctx, ctx.world:post { account = person, text = p.text or "", visibility = p.visibility,
    spoiler = p.spoiler, language = p.language, media = media, reply = reply,
    sensitive = params.bool(p.sensitive) or false, kept = true })
end

-- mention { text, from, count, visibility } -> the last status
function actions.mention(ctx, p)
  local person = given.person(ctx, p.from, "alice")
  local st
  for i = 1, math.min(10000, given.number(p.count, 1)) do
    local body = (p.text or "hello"):gsub("{n}", tostring(i))
    st = ctx.world:post { account = person, text = "@bot " .. body, visibility = p.visibility, kept = true }
  end
  return st and rendered(ctx, st) or "null"
end

-- direct { text, from }: a private message to the bot
function actions.direct(ctx, p)
  return actions.mention(ctx, { text = p.text, from = p.from, visibility = "direct" })
end

-- announce { text } -> announcement
function actions.announce(ctx, p)
  return ctx.timeline:announce(p.text or "Maintenance tonight")
end

-- found_late { text, from, age }: a post of so long ago that the server fetches now: its id is of then, and no stream brings it
-- (protocol.md 5.4) -> status
function actions.found_late(ctx, p)
  if ctx.profile.ids ~= "snowflake" then
    error("only ids of Mastodon's make tell when a post was made", 0)
  end
  local ms = ctx.world.clock() - math.floor(given.duration(p.age, 600000))
  return rendered(ctx, ctx.world:post { account = given.person(ctx, p.from, "alice"), text = p.text or "", kept = true,
    ms = ms, id = tostring(ms << 16 | math.random(0, 65535)) })
end

-- edit { id, text }
function actions.edit(ctx, p)
  local st = given.status(ctx, p.id)
  ctx.world:edit(st, { text = p.text or st.text, spoiler = p.spoiler or st.spoiler, media = st.media, poll = st.poll })
  return rendered(ctx, st)
end

-- delete { id }
function actions.delete(ctx, p)
  local st = given.status(ctx, p.id)
  ctx.world:delete(st)
  return "{}"
end

-- boost { id, from }, favourite { id, from }
for _, name in ipairs { "boost", "favourite" } do
  actions[name] = function(ctx, p)
    return rendered(ctx, ctx.world[name](ctx.world, given.status(ctx, p.id), given.person(ctx, p.from, "alice")))
  end
end

-- follow { from }: somebody follows the bot
function actions.follow(ctx, p)
  local person = given.person(ctx, p.from, "alice")
  ctx.world:followed_by(ctx.bot, person)
  return "{}"
end

-- send { stream, tag, list, event, payload }: any event, its payload as it stands
function actions.send(ctx, p)
  local channel = given.channel(ctx, p)
  ctx.hub:publish(channel, p.event or "update", p.payload)
  return "{}"
end

-- webhook { … }: takes what a plugin forwards and only logs it (GET /practice/log shows the body)
function actions.webhook()
  return "{}"
end

for name, action in pairs(fault_actions) do
  actions[name] = action
end

local HISTORY_MAX = 50000

-- Is there an action of that name?
local function exists(name)
  return actions[name] ~= nil
end

-- Runs one action and notes it in ctx.history. Returns its answer (JSON), or nil and what is wrong.
local function run(ctx, name, p)
  local fine, body = pcall(actions[name], ctx, p)
  if not fine then
    return nil, tostring(body)
  end
  local history = ctx.history
  history[#history + 1] = { ms = ctx.clock(), name = name, parameters = p }
  if #history > HISTORY_MAX then
    ctx.history = table.move(history, HISTORY_MAX // 2, #history, 1, {})
  end
  return body
end

return { run = run, exists = exists }
