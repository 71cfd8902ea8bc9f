-- SPDX-License-Identifier: MIT
-- Random misbehaviour from a seed: every now and then one of the faults, for a while.
local timers = require "practice.timers"

local chaos = {}
chaos.__index = chaos

-- xorshift64: the same row of numbers for a seed, whatever else draws by chance.
local function generator(seed)
  local state = (seed * 0x9E3779B97F4A7C15) ~ 0x2545F4914F6CDD1D
  if state == 0 then
    state = 1
  end
  return function(most)
    state = state ~ (state << 13)
    state = state ~ (state >> 7)
    state = state ~ (state << 17)
    return 1 + ((state >> 1) % most)
  end
end
chaos.generator = generator

local function one_of(random, list)
  return list[random(#list)]
end

local function close_with(code)
  return function()
    return "close", { code = code }
  end
end

-- name -> function(random, seconds) giving an action and its parameters. `seconds`: about how long it lasts.
-- Whoever copes loses nothing: nothing here pulls the token or lasts, and what SILENT names hides things for a while only.
chaos.FAULTS = {
  drop = function(random)
    return "drop", { reset = random(2) == 1 }
  end,
  close_none = close_with("none"),
  close_1000 = close_with(1000),
  close_1001 = close_with(1001),
  close_1006 = close_with(1006),
  close_1011 = close_with(1011),
  close_1012 = close_with(1012),
  close_1013 = close_with(1013),
  truncate = function(random)
    return "truncate", { bytes = random(3000), reset = random(4) == 1 }
  end,
  stall = function(random, seconds)
    return "stall", { ["for"] = random(3) > 1 and seconds or nil }
  end,
  bytewise = function(_, seconds)
    return "bytewise", { ["for"] = seconds }
  end,
  drip = function(random, seconds)
    return "drip", { bytes = 200 + random(800), every = "50ms", ["for"] = seconds }
  end,
  down = function(_, seconds)
    return "down", { ["for"] = seconds }
  end,
  twice = function(random)
    return "twice", { count = random(10) }
  end,
  shuffle = function(random)
    return "shuffle", { count = 1 + random(9) }
  end,
  overtake = function(random)
    return "overtake", { count = random(5) }
  end,
  refuse = function(random, seconds)
    return "refuse", { status = one_of(random, { 500, 502, 503, 504, 429 }), ["for"] = seconds }
  end,
  refuse_upgrades = function(random, seconds)
    return "refuse_upgrades", { status = one_of(random, { 500, 502, 503 }), ["for"] = seconds }
  end,
  limit = function(_, seconds)
    return "limit", { ["for"] = seconds }
  end,
  fail = function(random)
    return "fail", { path = "/api/", times = random(3), status = one_of(random, { 500, 502, 503 }) }
  end,
  fail_after = function(random)
    return "fail", { path = "/api/", method = "POST", commit = true, cut = random(2) == 1, times = random(2) }
  end,
  regenerate = function(_, seconds)
    return "regenerate", { ["for"] = seconds }
  end,
  garbage = function(random)
    return "garbage", { stream = one_of(random, { "public", "public:local", "user" }) }
  end,
  broken_utf8 = function(random)
    return "broken_utf8", { stream = one_of(random, { "public", "public:local", "user" }) }
  end,
  buffer = function(_, seconds)
    return "buffer", { ["for"] = seconds }
  end,
  hush = function(_, seconds)
    return "hush", { ["for"] = seconds }
  end,
  huge = function()
    return "huge", {}
  end,
  unauthorized = function(random)
    return "fail", { path = "/api/v1/timelines", method = "GET", status = 401, times = random(3) }
  end,
  forbidden = function(random)
    return "fail", { path = "/api/v1/timelines", method = "GET", status = 403, times = random(2) }
  end,
  portal = function(random)
    return "fail", { path = "/api/", status = 200, body = "<html>hotel wifi</html>", times = random(3) }
  end,
  redirect = function(_, seconds)
    return "redirect", { path = "/api/v1/streaming", to = "slash", status = 301, ["for"] = seconds }
  end,
  misread_min_id = function(_, seconds)
    return "misread_min_id", { ["for"] = seconds }
  end,
  home_depth = function(random, seconds)
    return "home_depth", { count = 1 + random(40), ["for"] = seconds }
  end,
  feed = function(random, seconds)
    return "feed", { feed = one_of(random, { "live_local", "live_remote" }), ["for"] = seconds }
  end,
  swallow = function(random)
    return "swallow", { count = random(5) }
  end,
  lose_presence = function(_, seconds)
    return "absent", { ["for"] = seconds }
  end,
  -- Often longer than a stream may lag behind REST, which is looked at after five to ten minutes.
  deafen = function(random, seconds)
    return "deafen", { ["for"] = random(3) == 1 and 1800 or seconds }
  end,
}

-- Not unless they are named, or "all" are. Events are lost while all looks well, and only a look at REST some minutes or an
-- hour later brings them back; or REST keeps them to itself for a while, and a gap is all that a client can have.
-- A token that is refused on streams (revoke, refuse 401) is not among them: it is final, nothing heals but another token.
local SILENT = { deafen = true, lose_presence = true, swallow = true, feed = true, forbidden = true, home_depth = true }

local function names_of(wanted)
  local out = {}
  local all = wanted == "all"
  if type(wanted) == "string" and not all then
    for name in wanted:gmatch("[%w_]+") do
      out[#out + 1] = name
    end
  elseif type(wanted) == "table" then
    out = table.move(wanted, 1, #wanted, 1, {})
  end
  for _, name in ipairs(out) do
    if not chaos.FAULTS[name] then
      error(("%s is no fault of chaos"):format(tostring(name)), 0)
    end
  end
  if #out == 0 then
    for name in pairs(chaos.FAULTS) do
      if all or not SILENT[name] then
        out[#out + 1] = name
      end
    end
    table.sort(out) -- the seed decides, not the hash
  end
  return out
end

-- `options`: seed, every and length (ms; a half of every), ms (how long in all; nil: until it is stopped), names.
function chaos.new(ctx, options)
  local self = setmetatable({ ctx = ctx, seed = options.seed, every = math.max(1, options.every), count = 0,
    random = generator(options.seed), names = names_of(options.names), deck = {},
    till = options.ms and ctx.faults.clock() + options.ms or math.huge }, chaos)
  self.length = options.length or self.every // 2
  self:plan()
  return self
end

-- From half of `every` to one and a half.
function chaos:plan()
  self.timer = timers.after(self.every // 2 + self.random(self.every), function()
    if self.ctx.faults.clock() < self.till then
      self:strike()
      self:plan()
    end
  end)
end

-- Each name once, in an order of chance, before any comes again.
function chaos:draw()
  if #self.deck == 0 then
    table.move(self.names, 1, #self.names, 1, self.deck)
  end
  return table.remove(self.deck, self.random(#self.deck))
end

function chaos:strike()
  local name = self:draw()
  local action, p = chaos.FAULTS[name](self.random, self.random(2 * self.length) / 1000)
  self.count = self.count + 1
  p.by = "chaos"
  self.ctx.act(action, p)
end

function chaos:stop()
  timers.stop(self.timer)
end

return chaos
