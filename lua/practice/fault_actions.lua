-- SPDX-License-Identifier: MIT
-- The faults that a test or a scenario can cause: one function each, one table in, JSON out.
local server = require "trusted.server"
local chaos = require "practice.chaos"
local faults = require "practice.faults"
local given = require "practice.given"
local hidden = require "practice.hidden"
local timers = require "practice.timers"

local actions = {}

-- The answer of an action that hits so many connections, which is noted as `kind`.
local function hit(ctx, kind, key, count)
  ctx.note(kind, count)
  return ('{"%s":%d}'):format(key, count)
end

local function count_of(key, count)
  return ('{"%s":%d}'):format(key, count)
end

-- ---- connections end ----

-- drop { stream, tag, list, reset }: cuts connections, all of them without a stream
function actions.drop(ctx, p)
  return hit(ctx, "drop", "cut", ctx.streaming:cut(given.channel_or_any(ctx, p), given.flag(p.reset)))
end

local CODES = { none = 0, ["0"] = 0 }
for code = 1000, 1015 do
  CODES[tostring(code)] = code
end

-- close { code = 1012, stream, token, reason }: a close frame with that code ("none": without); an event stream ends clean
-- for none and 1000, else as when the process ends. All connections, or those of a stream or token.
function actions.close(ctx, p)
  local key = tostring(p.code == nil and "none" or p.code):gsub("%.0$", "")
  local code = CODES[given.choice(key, CODES, "none", "close code")]
  local victims
  if p.token then
    local token = given.token(ctx, p.token)
    victims = ctx.streaming:select(function(_, owner)
      return owner == token
    end)
  else
    victims = ctx.streaming:listening_to(given.channel_or_any(ctx, p))
  end
  return hit(ctx, "close " .. key, "closed", ctx.streaming:close(victims, code, p.reason))
end

-- revoke { token }: the first printed one unless named; its streams end, and it gets 401 from then on
function actions.revoke(ctx, p)
  local token = given.token(ctx, p.token)
  token.revoked = true
  return hit(ctx, "revoke", "closed", ctx.streaming:revoked(token))
end

-- restore { token }: takes a revocation back
function actions.restore(ctx, p)
  given.token(ctx, p.token).revoked = false
  return "{}"
end

-- down { for = "60s", reset }: connects are refused, what stands is cut; for ever without a time, or until up
function actions.down(ctx, p)
  return hit(ctx, "down", "cut", ctx.transport:down(given.duration(p["for"]), given.flag(p.reset), ctx.asking))
end

-- up {}: the server is back
function actions.up(ctx)
  ctx.transport:up()
  return "{}"
end

-- ---- bytes ----

local function options(ctx, p)
  return { channel = given.channel_or_any(ctx, p), ms = given.duration(p["for"]), new = given.flag(p.new) }
end

-- stall { stream, for, new }: half-open: nothing passes any more, no end either; what was held passes after `for`
function actions.stall(ctx, p)
  return hit(ctx, "stall", "stalled", ctx.transport:spoil({ held = true }, options(ctx, p)))
end

-- truncate { stream, bytes = 60, reset }: cut after so many bytes more, in the middle of a chunk or frame
function actions.truncate(ctx, p)
  local fault = { cut_after = math.max(0, given.number(p.bytes, 60)), reset = given.flag(p.reset) }
  return hit(ctx, "truncate", "truncated", ctx.transport:spoil(fault, options(ctx, p)))
end

-- bytewise { stream, for, new }: every byte is a packet of its own
function actions.bytewise(ctx, p)
  return hit(ctx, "bytewise", "spoilt", ctx.transport:spoil({ piece = 1 }, options(ctx, p)))
end

-- drip { stream, bytes = 16, every = "100ms", for, new }: so many bytes at a time
function actions.drip(ctx, p)
  local fault = { piece = math.max(1, given.number(p.bytes, 16)), pause = given.duration(p.every, 100) }
  return hit(ctx, "drip", "spoilt", ctx.transport:spoil(fault, options(ctx, p)))
end

-- ---- events ----

local function add(ctx, kind, p, count)
  ctx.delivery:add(kind, { channel = given.channel_or_any(ctx, p), event = p.event, count = given.number(p.count, count),
    ms = given.duration(p["for"]), hold_ms = given.duration(p.hold) })
  return "{}"
end

-- twice { count = 1, stream, event, for }: the next events come twice; count 0: all, until `for` or clear
function actions.twice(ctx, p)
  return add(ctx, "twice", p, 1)
end

-- shuffle { count = 5, stream, event, hold = "3s" }: the next events come in another order, together
function actions.shuffle(ctx, p)
  return add(ctx, "shuffle", p, 5)
end

-- overtake { count = 1, stream, hold = "3s" }: the next updates come after their deletion, or after `hold`
function actions.overtake(ctx, p)
  return add(ctx, "overtake", p, 1)
end

-- swallow { count = 1, stream, event, for }: the next events never come
function actions.swallow(ctx, p)
  return add(ctx, "swallow", p, 1)
end

-- lose { stream, tag, list, every = 4 }: each fourth update of the stream does not come; every = 0 ends it
function actions.lose(ctx, p)
  local channel, every = given.channel(ctx, p), given.number(p.every, 4)
  ctx.hub.losing[channel] = every > 0 and { every = every, count = 0 } or nil
  return "{}"
end

-- deafen { stream, for = "1h" }: streams that are open now get no event any more, though pings and heartbeats go on
function actions.deafen(ctx, p)
  return count_of("deaf", ctx.streaming:deafen(given.channel_or_any(ctx, p), given.duration(p["for"], 3600000)))
end

-- absent { for = "6m" }: nobody is thought to listen: home, lists, notifications and direct messages stop but for deletes
function actions.absent(ctx, p)
  return count_of("channels", ctx.delivery:forget_listeners(given.duration(p["for"], 360000)))
end

-- hush { for = "5m" }: no pings and no heartbeats, while events flow
function actions.hush(ctx, p)
  ctx.streaming:hush(given.duration(p["for"], 300000))
  return "{}"
end

-- buffer { for = "1m" }: event streams that are opened get their headers and then nothing
function actions.buffer(ctx, p)
  ctx.streaming:buffer(given.duration(p["for"], 60000))
  return "{}"
end

-- ---- what events hold ----

-- garbage { stream, tag, list, text }: what is no JSON, on both transports
function actions.garbage(ctx, p)
  local channel = given.channel(ctx, { stream = p.stream or "public", tag = p.tag, list = p.list })
  local body = p.text or "{this is no JSON"
  for _, sub in ipairs(ctx.hub.channels[channel] or {}) do
    ctx.note "garbage"
    if sub.ws then
      server.ws_send(sub.conn, body)
    else
      server.write(sub.conn, "event: update\n")
      server.write(sub.conn, "data: " .. body .. "\n\n")
    end
  end
  return "{}"
end

-- broken_utf8 { stream, tag, list }: an update whose text holds bytes that are no UTF-8
function actions.broken_utf8(ctx, p)
  local channel = given.channel(ctx, { stream = p.stream or "public", tag = p.tag, list = p.list })
  local payload = ('{"id":"%s","content":"<p>caf\xe9 \xf0\x9f\x90 \xc0\xaf</p>","account":{"acct":"alice"}}')
    :format(ctx.world:new_id())
  for _, sub in ipairs(ctx.hub.channels[channel] or {}) do
    ctx.note "broken_utf8"
    if sub.ws then -- by hand: what writes JSON here mends such bytes
      server.ws_send(sub.conn, '{"stream":' .. sub.label .. ',"event":"update","payload":"' .. payload:gsub('"', '\\"')
        .. '"}')
    else
      server.event(sub.conn, "update", payload)
    end
  end
  return "{}"
end

-- huge { bytes = 1048576, from }: somebody posts a text of that size -> { id }
function actions.huge(ctx, p)
  local bytes = math.min(given.number(p.bytes, 1 << 20), 64 << 20)
  local line = "The weir hums all night and nobody knows the tune by heart. "
  ctx.note "huge"
  local st = ctx.world:post { account = given.person(ctx, p.from, "alice"), kept = true,
    text = line:rep(bytes // #line + 1):sub(1, bytes) }
  return '{"id":"' .. st.id .. '"}'
end

-- ---- answers ----

-- refuse { status = 401, for = "5s" }: every request and handshake; for ever without a time
function actions.refuse(ctx, p)
  ctx.faults:refuse(given.number(p.status, 401), given.duration(p["for"]))
  return "{}"
end

-- refuse_upgrades { status = 404, for = "5s" }: WebSocket handshakes only, as behind a proxy that knows none
function actions.refuse_upgrades(ctx, p)
  ctx.faults:refuse_upgrades(given.number(p.status, 404), given.duration(p["for"]))
  return "{}"
end

-- limit { for = "10s", reset = "10s" }: 429 until then, naming a reset that far ahead ("-10s": past);
-- limit { most = N }: so many requests in five minutes
function actions.limit(ctx, p)
  if p.most then
    ctx.limits.most = given.number(p.most)
    return "{}"
  end
  local ms = given.duration(p["for"], 10000)
  ctx.faults:limit(ms, given.span(p.reset, ms))
  return "{}"
end

local function path_of(p)
  if type(p.path) ~= "string" or p.path:sub(1, 1) ~= "/" then
    error("a path starts with /", 0)
  end
  return p.path
end

-- fail { path, method, status = 500, times = 1, for, body, content_type, commit, cut }: what requests for that path get
-- instead. commit: after the work was done. cut: no answer at all. times 0: until `for` or clear
function actions.fail(ctx, p)
  ctx.faults:fail { path = path_of(p), method = p.method, status = given.number(p.status, 500),
    times = given.number(p.times), ms = given.duration(p["for"]), body = p.body, content_type = p.content_type,
    commit = given.flag(p.commit), cut = given.flag(p.cut) }
  return "{}"
end

-- redirect { path, to, status = 301, times = 0, for }: to another server, or with "slash" to the same path and a slash
function actions.redirect(ctx, p)
  local to = tostring(p.to or "slash")
  if to ~= "slash" and not to:find("^https?://") and to:sub(1, 1) ~= "/" then
    error("to is \"slash\", an address or a path", 0)
  end
  ctx.faults:fail { path = path_of(p), status = given.number(p.status, 301), times = given.number(p.times, 0),
    ms = given.duration(p["for"]), location = to, body = "<html><body>You are being redirected.</body></html>" }
  return "{}"
end

-- regenerate { for = "10s" }: the home timeline is made anew: 206, [] and Mastodon-Async-Refresh
function actions.regenerate(ctx, p)
  ctx.faults.regenerating = ctx.faults:till(given.duration(p["for"], 10000))
  return "{}"
end

-- Sets a key of a table, and back after `for`, unless somebody else has set it meanwhile.
local function set(p, where, key, value, usual)
  local ms = given.duration(p["for"])
  where[key] = value
  if ms then
    timers.after(ms, function()
      if where[key] == value then
        where[key] = usual
      end
    end)
  end
  return "{}"
end

-- misread_min_id { on = true, for }: min_id is taken for since_id
function actions.misread_min_id(ctx, p)
  return set(p, ctx.faults, "min_id_is_since_id", p.on == nil or given.flag(p.on), nil)
end

-- home_depth { count = 800, for }: home and lists keep only so many statuses
function actions.home_depth(ctx, p)
  local count = math.max(1, given.number(p.count, faults.HOME_MAX))
  ctx.faults.home_usual = p["for"] and ctx.faults.home_usual or count
  return set(p, ctx.faults, "home_max", count, ctx.faults.home_usual)
end

local FEEDS = {}
for _, name in ipairs(faults.FEEDS) do
  FEEDS[name] = true
end

-- feed { feed = "live_remote", access = "disabled", for }: as timelines_access names it; public, authenticated or disabled
function actions.feed(ctx, p)
  local feed = given.choice(p.feed, FEEDS, "live_remote", "feed")
  return set(p, ctx.faults.feeds, feed, given.choice(p.access, faults.ACCESS, "disabled", "access"), "public")
end

-- streaming_url { url }: where the instance document says that the streams are; "" for where they are
function actions.streaming_url(ctx, p)
  ctx.faults.streaming_url = p.url ~= nil and p.url ~= "" and tostring(p.url) or nil
  return "{}"
end

-- languages { languages = "de,en", of = "bot" }: which languages somebody wants to see; "" for all
function actions.languages(ctx, p)
  hidden.choose(given.person(ctx, p.of, "bot"), tostring(p.languages or ""))
  return "{}"
end

-- skew { by = "10m" }: the Date of all answers is that much ahead; "-10m": behind
function actions.skew(ctx, p)
  ctx.faults.skew_ms = given.span(p.by, 0)
  return "{}"
end

-- chaos { seed, every = "10s", length = "5s", for, faults = "drop,stall,…" }: something goes wrong now and
-- then, the same way each time for a seed -> { seed }; which: practice/chaos.lua
function actions.chaos(ctx, p)
  if ctx.chaos then
    ctx.chaos:stop()
  end
  ctx.chaos = chaos.new(ctx, {
    seed = given.number(p.seed) or ctx.random(1 << 30),
    every = given.duration(p.every, 10000),
    length = given.duration(p.length),
    ms = given.duration(p["for"]),
    names = p.faults,
  })
  return count_of("seed", ctx.chaos.seed)
end

-- clear {}: all faults end, chaos too
function actions.clear(ctx)
  if ctx.chaos then
    ctx.chaos:stop()
    ctx.chaos = nil
  end
  ctx.faults:clear()
  ctx.hub.losing = {}
  ctx.delivery:clear()
  ctx.streaming:calm()
  ctx.transport:heal()
  return "{}"
end

return actions
