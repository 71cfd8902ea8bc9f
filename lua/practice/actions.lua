-- SPDX-License-Identifier: MIT
-- What a test or a scenario can make happen: posts by made-up people, and faults. One function each, one table in.
local server = require "trusted.server"
local channels = require "practice.channels"
local entities = require "practice.entities"
local hidden = require "practice.hidden"
local params = require "practice.params"
local timers = require "practice.timers"

local actions = {}

local function person_of(ctx, name, otherwise)
  local person = ctx.store:find_person(name or otherwise)
  if not person then
    return nil, ("there is nobody called %s here; GET /practice/people lists everybody"):format(tostring(name))
  end
  return person
end

local function status_of(ctx, id)
  local st = id and ctx.store:get(tostring(id))
  if not st then
    return nil, ("there is no status with the id %s"):format(tostring(id))
  end
  return st
end

local function number(value, otherwise)
  return math.tointeger(tonumber(value)) or otherwise
end

local function duration(value, otherwise)
  if value == nil or value == "" then
    return otherwise
  end
  local ms = timers.duration(value)
  if not ms then
    return nil, ("%s is no duration; write it like 5s, 2m or 500ms"):format(tostring(value))
  end
  return ms
end

-- A channel by stream name, of the bot; `tag` and `list` as on the wire.
local function channel_of(ctx, p)
  local token = { person = ctx.bot, scopes = { read = true } }
  local list, _, problem = channels.resolve(p.stream, { tag = p.tag, list = p.list }, token, ctx.store)
  if not list then
    return nil, problem
  end
  return list[1]
end

local function token_of(ctx, text)
  local token = text and ctx.tokens.by_text[text] or (not text and ctx.tokens.list[1])
  if not token then
    return nil, "there is no such token"
  end
  return token
end

local function rendered(ctx, st)
  return entities.status(st, ctx.bot, ctx.world.clock())
end

-- post { text, from, visibility, spoiler, language, media = N, described = true, reply_to = ID } -> status
function actions.post(ctx, p)
  local person, problem = person_of(ctx, p.from, "alice")
  if not person then
    return nil, problem
  end
  local reply
  if p.reply_to then
    reply, problem = status_of(ctx, p.reply_to)
    if not reply then
      return nil, problem
    end
  end
  local media = {}
  for i = 1, math.min(4, number(p.media, 0)) do
    media[i] = ctx.timeline:media("cat", params.bool(p.described) ~= false)
  end
  return rendered(ctx, ctx.world:post { account = person, text = p.text or "", visibility = p.visibility,
    spoiler = p.spoiler, language = p.language, media = media, reply = reply,
    sensitive = params.bool(p.sensitive) or false, kept = true })
end

-- mention { text, from, count, visibility } -> the last status
function actions.mention(ctx, p)
  local person, problem = person_of(ctx, p.from, "alice")
  if not person then
    return nil, problem
  end
  local st
  for i = 1, math.min(10000, number(p.count, 1)) do
    local body = (p.text or "hello"):gsub("{n}", tostring(i))
    st = ctx.world:post { account = person, text = "@bot " .. body, visibility = p.visibility, kept = true }
  end
  return st and rendered(ctx, st) or "null"
end

-- direct { text, from }: a private message to the bot
function actions.direct(ctx, p)
  return actions.mention(ctx, { text = p.text, from = p.from, visibility = "direct" })
end

-- edit { id, text }
function actions.edit(ctx, p)
  local st, problem = status_of(ctx, p.id)
  if not st then
    return nil, problem
  end
  ctx.world:edit(st, { text = p.text or st.text, spoiler = p.spoiler or st.spoiler, media = st.media, poll = st.poll })
  return rendered(ctx, st)
end

-- delete { id }
function actions.delete(ctx, p)
  local st, problem = status_of(ctx, p.id)
  if not st then
    return nil, problem
  end
  ctx.world:delete(st)
  return "{}"
end

-- boost { id, from }, favourite { id, from }
for _, name in ipairs { "boost", "favourite" } do
  actions[name] = function(ctx, p)
    local st, problem = status_of(ctx, p.id)
    local person, problem2 = person_of(ctx, p.from, "alice")
    if not st or not person then
      return nil, problem or problem2
    end
    return rendered(ctx, ctx.world[name](ctx.world, st, person))
  end
end

-- follow { from }: somebody follows the bot
function actions.follow(ctx, p)
  local person, problem = person_of(ctx, p.from, "alice")
  if not person then
    return nil, problem
  end
  ctx.world:followed_by(ctx.bot, person)
  return "{}"
end

-- send { stream, tag, list, event, payload }: any event, its payload as it stands
function actions.send(ctx, p)
  local channel, problem = channel_of(ctx, p)
  if not channel then
    return nil, problem
  end
  ctx.hub:publish(channel, p.event or "update", p.payload)
  return "{}"
end

-- garbage { stream, tag, list, text }: what is no JSON, on both transports
function actions.garbage(ctx, p)
  local channel, problem = channel_of(ctx, { stream = p.stream or "public", tag = p.tag, list = p.list })
  if not channel then
    return nil, problem
  end
  local body = p.text or "{this is no JSON"
  for _, sub in ipairs(ctx.hub.channels[channel] or {}) do
    if sub.ws then
      server.ws_send(sub.conn, body)
    else
      server.write(sub.conn, "event: update\n")
      server.write(sub.conn, "data: " .. body .. "\n\n")
    end
  end
  return "{}"
end

-- drop { stream, tag, list, reset }: cuts connections, all of them without a stream
function actions.drop(ctx, p)
  local channel, problem
  if p.stream then
    channel, problem = channel_of(ctx, p)
    if not channel then
      return nil, problem
    end
  end
  return ('{"cut":%d}'):format(ctx.streaming:cut(channel, params.bool(p.reset)))
end

-- close { token }: ends streams as the server does when a token is pulled, without pulling it; all without a token
function actions.close(ctx, p)
  local token, problem
  if p.token then
    token, problem = token_of(ctx, p.token)
    if not token then
      return nil, problem
    end
  end
  return ('{"closed":%d}'):format(ctx.streaming:kill(token))
end

-- revoke { token }: the first printed one unless named; its streams end, and it gets 401 from then on
function actions.revoke(ctx, p)
  local token, problem = token_of(ctx, p.token)
  if not token then
    return nil, problem
  end
  token.revoked = true
  return ('{"closed":%d}'):format(ctx.streaming:kill(token))
end

-- restore { token }: takes a revocation back
function actions.restore(ctx, p)
  local token, problem = token_of(ctx, p.token)
  if not token then
    return nil, problem
  end
  token.revoked = false
  return "{}"
end

-- refuse { status = 401, for = "5s" }: every request and handshake; for ever without a time
function actions.refuse(ctx, p)
  local ms, problem = duration(p["for"])
  if problem then
    return nil, problem
  end
  ctx.faults:refuse(number(p.status, 401), ms)
  return "{}"
end

-- limit { for = "10s" }: 429 until then; limit { most = N }: so many requests in five minutes
function actions.limit(ctx, p)
  if p.most then
    ctx.limits.most = number(p.most, ctx.limits.most)
    return "{}"
  end
  local ms, problem = duration(p["for"], 10000)
  if problem then
    return nil, problem
  end
  ctx.faults:limit(ms)
  return "{}"
end

-- fail { path, method, status = 500, times = 1, body, content_type }: what requests for that path get instead
function actions.fail(ctx, p)
  if type(p.path) ~= "string" or p.path:sub(1, 1) ~= "/" then
    return nil, "fail needs a path that starts with /"
  end
  ctx.faults:fail { path = p.path, method = p.method, status = number(p.status, 500), times = number(p.times, 1),
    body = p.body, content_type = p.content_type }
  return "{}"
end

-- languages { languages = "de,en", of = "bot" }: which languages somebody wants to see; "" for all
function actions.languages(ctx, p)
  local person, problem = person_of(ctx, p.of, "bot")
  if not person then
    return nil, problem
  end
  hidden.choose(person, tostring(p.languages or ""))
  return "{}"
end

-- lose { stream, tag, list, every = 4 }: each fourth update of the stream does not come; every = 0 ends it
function actions.lose(ctx, p)
  local channel, problem = channel_of(ctx, p)
  if not channel then
    return nil, problem
  end
  local every = number(p.every, 4)
  ctx.hub.losing[channel] = every > 0 and { every = every, count = 0 } or nil
  return "{}"
end

-- skew { by = "10m" }: the Date of all answers is that much ahead; "-10m": behind
function actions.skew(ctx, p)
  local behind, text = tostring(p.by or "0s"):match("^(%-?)(.*)$")
  local ms, problem = duration(text)
  if problem then
    return nil, problem
  end
  ctx.faults.skew_ms = behind == "-" and -ms or ms
  return "{}"
end

-- webhook { … }: takes what a plugin forwards and only logs it (GET /practice/log shows the body)
function actions.webhook()
  return "{}"
end

-- refuse_upgrades { status = 404, for = "5s" }: WebSocket handshakes only, as behind a proxy that knows none
function actions.refuse_upgrades(ctx, p)
  local ms, problem = duration(p["for"])
  if problem then
    return nil, problem
  end
  ctx.faults:refuse_upgrades(number(p.status, 404), ms)
  return "{}"
end

-- clear {}: all faults end
function actions.clear(ctx)
  ctx.faults:clear()
  ctx.hub.losing = {}
  return "{}"
end

return actions
