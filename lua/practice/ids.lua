-- SPDX-License-Identifier: MIT
-- The ids of each make of server: what a time becomes, so that ids sort by it as that server's do.
local ids = {}

local CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
local BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
local BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
local AID_EPOCH_MS = 946684800000 -- 2000-01-01

local function digits(value, alphabet, width)
  local out, base = {}, #alphabet
  for i = width, 1, -1 do
    local at = value % base + 1
    out[i], value = alphabet:sub(at, at), value // base
  end
  return table.concat(out)
end

local function noise(alphabet, width, random)
  local out = {}
  for i = 1, width do
    local at = random(#alphabet)
    out[i] = alphabet:sub(at, at)
  end
  return table.concat(out)
end

-- Base 62 of the 128 bits that these 16-bit limbs make, most significant first.
local function base62(limbs)
  local out = {}
  repeat
    local rest, left = 0, false
    for i, limb in ipairs(limbs) do
      rest = rest << 16 | limb
      limbs[i], rest = rest // 62, rest % 62
      left = left or limbs[i] ~= 0
    end
    table.insert(out, 1, BASE62:sub(rest + 1, rest + 1))
  until not left
  return table.concat(out)
end

-- shape -> maker(random) -> function(ms) giving an id never given before.
local makers = {}

-- Unix ms in the upper 48 bits (protocol.md 5.4).
function makers.snowflake()
  local last = 0
  return function(ms)
    last = math.max(ms << 16, last + 1)
    return tostring(last)
  end
end

-- Within one millisecond the order is chance, as GoToSocial's.
function makers.ulid(random)
  return function(ms)
    return digits(ms, CROCKFORD, 10) .. noise(CROCKFORD, 16, random)
  end
end

-- ULIDs that tell no time.
function makers.random_ulid(random)
  return function(ms)
    return digits(ms - random(1 << 38), CROCKFORD, 10) .. noise(CROCKFORD, 16, random)
  end
end

-- Pleroma's: 64 bits of ms, 48 of the machine, 16 counted.
function makers.flake(random)
  local machine, last, count = { random(65536) - 1, random(65536) - 1, random(65536) - 1 }, 0, 0
  return function(ms)
    count = ms > last and 0 or count + 1
    last = math.max(ms, last)
    return base62 { 0, last >> 32, last >> 16 & 0xffff, last & 0xffff, machine[1], machine[2], machine[3],
      count & 0xffff }
  end
end

function makers.aidx(random)
  local node, count = noise(BASE36, 4, random), 0
  return function(ms)
    count = count + 1
    return digits(ms - AID_EPOCH_MS, BASE36, 8) .. node .. digits(count, BASE36, 4)
  end
end

-- snac2: the second, then a hash: 42 characters, and within a second the order is chance.
function makers.snac(random)
  return function(ms)
    return ("%010d"):format(ms // 1000) .. noise(BASE36:sub(1, 16), 32, random)
  end
end

function ids.maker(shape, random)
  return makers[shape](random)
end

return ids
