-- SPDX-License-Identifier: MIT
-- The practice instance: puts its parts together, listens, and hands every connection to the part that answers it.
local json = require "trusted.json"
local loop = require "trusted.loop"
local relay = require "trusted.relay"
local server = require "trusted.server"
local system = require "trusted.system"
local actions = require "practice.actions"
local channels = require "practice.channels"
local control = require "practice.control"
local delivery = require "practice.delivery"
local faults = require "practice.faults"
local happened = require "practice.happened"
local hub = require "practice.hub"
local ids = require "practice.ids"
local limits = require "practice.limits"
local params = require "practice.params"
local people = require "practice.people"
local player = require "practice.player"
local profiles = require "practice.profile"
local rest = require "practice.rest"
local scenario = require "practice.scenario"
local sockets = require "practice.sockets"
local store = require "practice.store"
local text = require "practice.text"
local streaming = require "practice.streaming"
local timeline = require "practice.timeline"
local timers = require "practice.timers"
local tokens = require "practice.tokens"
local transport = require "practice.transport"
local world = require "practice.world"

local main = {}
local parts

-- Post ids and times; the warm-up moves it into the past.
local shift_ms = 0
local function clock()
  return loop.wall() + shift_ms
end

-- Whom the bot follows, and list 1.
local function relate(bot, cast, list, alice)
  for _, person in ipairs(cast) do
    if person.flags.followed then
      bot.follows[person.id] = true
    end
    if person.flags.list then
      list.members[person.id] = true
      bot.follows[person.id] = true
    end
  end
  alice.follows[bot.id] = true
end

-- People with ids as this make of server gives them.
local function make_people(profile, now, random)
  local bot, cast = people.bot(now), people.cast(now, random)
  if profile.account_ids then
    local make = ids.maker(profile.account_ids, random)
    bot.id = make(bot.created)
    for _, person in ipairs(cast) do
      person.id = make(person.created)
    end
  end
  return bot, cast
end

local function make_hub(profile)
  local sender = hub.new(server, loop.wall)
  channels.extend(profile)
  sender.change = profile.event
  return sender
end

local function make_world(arguments, profile)
  local random = system.random
  local memory, now = store.new(), loop.wall()
  local bot, cast = make_people(profile, now, random)
  memory:add_person(bot)
  for _, person in ipairs(cast) do
    memory:add_person(person)
  end
  local alice = memory:find_person("alice")
  local sender = make_hub(profile)
  local life = world.new(memory, sender, clock, profile, random)
  life:add_viewer(bot)
  life:add_viewer(alice)
  local own, hers = profile.lists[1], profile.lists[2]
  memory.lists[own] = { id = own, title = "Canal people", owner = bot, members = {} }
  memory.lists[hers] = { id = hers, title = "Alice's friends", owner = alice, members = { [bot.id] = true } }
  relate(bot, cast, memory.lists[own], alice)

  local keys = tokens.new(random)
  keys:add("", bot, "read write follow profile")
  keys:add("read:statuses only", bot, "read:statuses")
  keys:add("read:notifications only", bot, "read:notifications")
  keys:add("write only", bot, "write")
  keys:add("alice", alice, "read write follow profile")
  keys:add("app without user", nil, "read")
  local note, counts = happened.new()
  local trouble = faults.new(loop.wall, note)
  sender.note = note
  local ctx = {
    arguments = arguments, profile = profile, random = random, store = memory, hub = sender, world = life,
    tokens = keys, faults = trouble, limits = limits.new(loop.wall, trouble),
    delivery = delivery.new(sender, timers, random, note), note = note, happened = counts, bot = bot, cast = cast, clock = clock,
  }
  ctx.history = {}
  ctx.act = function(name, p)
    return actions.run(ctx, name, p)
  end
  ctx.streaming = (profile.sockets and sockets or streaming).new(ctx)
  ctx.transport = transport.new(relay, server, ctx.streaming)
  ctx.timeline = timeline.new { world = life, hub = sender, store = memory, streaming = ctx.streaming, bot = bot,
    cast = cast, random = random }
  return ctx
end

local function start_rest(ctx)
  local arguments = ctx.arguments
  local scheme = arguments.cert and "https" or "http"
  ctx.rest = rest.new {
    world = ctx.world, store = ctx.store, tokens = ctx.tokens, limits = ctx.limits, random = ctx.random,
    faults = ctx.faults, profile = ctx.profile,
    base = function(request)
      return scheme .. "://" .. (request.headers.host or ("127.0.0.1:" .. ctx.port))
    end,
    streaming_url = function(request)
      if ctx.faults.streaming_url then
        return ctx.faults.streaming_url
      end
      local host = request.headers.host or ("127.0.0.1:" .. ctx.port)
      return ((arguments.cert or ctx.profile.always_wss) and "wss" or "ws") .. "://" .. host
    end,
    date = function()
      return text.http_date(ctx.faults:now())
    end,
    on_revoke = function(token)
      ctx.streaming:revoked(token)
    end,
  }
  ctx.control = control.new(ctx)
end

-- Everybody connects to the relay, which makes connections go wrong; the server behind it has a port of its own.
local function listen(arguments)
  local inner, problem = server.listen { cert = arguments.cert, key = arguments.key, port = 0 }
  local port
  if inner then
    port, problem = relay.listen { host = arguments.host, port = arguments.port, target = inner }
  end
  if not port then
    error(problem, 0)
  end
  return port
end

-- Starts everything. `arguments`: port, host, rate, profile, events, scenario (paths), cert, key, quiet.
-- Returns { port, url, token }; raises a message for people when something is wrong.
function main.start(arguments)
  local profile, wrong = profiles.load(arguments.profile or "mastodon")
  if not profile then
    error(wrong, 0)
  end
  local ctx = make_world(arguments, profile)
  parts = ctx
  if arguments.events then
    local source, problem = system.read(arguments.events)
    if not source then
      error(problem, 0)
    end
    ctx.player, problem = player.new({ hub = ctx.hub, store = ctx.store, streaming = ctx.streaming, clock = clock,
      bot = ctx.bot }, arguments.events, source)
    if not ctx.player then
      error(problem, 0)
    end
  end
  start_rest(ctx)
  ctx.port = listen(arguments)
  if ctx.player then
    ctx.player:start(arguments.rate)
  else
    ctx.timeline:warm_up(function(ms)
      shift_ms = ms
    end)
    ctx.timeline:start(arguments.rate)
    if profile.start then
      profile.start(ctx)
    end
  end
  if arguments.scenario then
    local source, problem = system.read(arguments.scenario)
    local fine = source and true
    if source then
      fine, problem = scenario.run(ctx, arguments.scenario, source, function(words)
        system.warn("scenario: " .. words)
      end)
    end
    if not fine then
      error(problem, 0)
    end
  end
  return main.address()
end

-- Where it listens, and the bot's token: { port, url, token }.
function main.address()
  local cert = parts.arguments.cert
  local url = ("%s://%s:%d"):format(cert and "https" or "http", cert and "localhost" or "127.0.0.1", parts.port)
  return { port = parts.port, url = url, token = parts.tokens.list[1].text }
end

-- Prints what people and scripts need to connect.
function main.announce()
  print("server: " .. main.address().url)
  for _, token in ipairs(parts.tokens.list) do
    print(("token%s: %s"):format(token.label ~= "" and " (" .. token.label .. ")" or "", token.text))
  end
end

local function log(request, status)
  if not parts.arguments.quiet then
    local query = request.query ~= "" and "?" .. request.query:gsub("(access_token=)[^&]*", "%1…") or ""
    system.say(("%s %s%s %s"):format(request.method, request.path, query, status and tostring(status) or "…"))
  end
end

local function is_streaming(path)
  return path:find("^/api/v1/streaming") or path == "/metrics"
    or not (path:find("^/api/") or path:find("^/oauth/") or path:find("^/%.well%-known/"))
end

-- Some servers talk to nobody who does not say who they are (protocol.md 9.2a); true when that was all.
local function turned_away(conn, request)
  if not parts.profile.needs_user_agent or (request.headers["user-agent"] or "") ~= "" then
    return false
  end
  server.respond(conn, 418, { "Content-Type", "application/json; charset=utf-8", "Connection", "close" },
    '{"error":"I\'m a teapot: no user-agent sent with request"}', false)
  parts.control:note(request, 418)
  log(request, 418)
  return true
end

-- From here on called by the server through this table.

function main.on_request(conn, request)
  if request.path:find("^/practice/") then
    parts.control:request(conn, request)
    return
  elseif turned_away(conn, request) then
    return
  end
  local status
  local fault = parts.faults:answer(request)
  if fault and fault.commit and not is_streaming(request.path) then
    status = parts.rest:request(conn, request, fault)
  elseif fault and fault.cut then
    server.cut(conn, false)
  elseif fault then
    status = fault.status
    server.respond(conn, status, { "Content-Type", fault.content_type, "X-Request-Id", system.uuid(),
      fault.location and "Location" or nil, fault.location }, fault.body, false)
  elseif is_streaming(request.path) then
    status = parts.streaming:request(conn, request)
  elseif request.method == "OPTIONS" then
    status = parts.streaming:request(conn, request)
  else
    status = parts.rest:request(conn, request)
  end
  parts.control:note(request, status)
  log(request, status)
end

function main.on_upgrade(conn, request)
  if turned_away(conn, request) then
    return 418
  end
  local status, protocol, headers = parts.streaming:upgrade(conn, request)
  parts.control:note(request, status == 0 and 101 or status)
  log(request, status == 0 and 101 or status)
  return status, protocol, headers
end

function main.on_ws_open(conn)
  parts.streaming:ws_open(conn)
end

function main.on_ws_message(conn, message, binary)
  parts.streaming:ws_message(conn, message, binary)
end

function main.on_ws_pong(conn)
  parts.streaming:ws_pong(conn)
end

function main.on_end(conn)
  parts.streaming:ended(conn)
end

main.on_timer = timers.fired

-- For `moontusk demo` and tests in the same process: an action by name, { name =, params = }.
function main.act(request)
  local body, problem = actions.run(parts, request.name, request.params or {})
  if not body then
    error(problem, 0)
  end
  return json.decode(body)
end

-- Names of parameters are checked where they come in; this keeps the parser reachable for tests.
main.params = params

return main
