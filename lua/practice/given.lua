-- SPDX-License-Identifier: MIT
-- What actions are given: numbers, durations, people, statuses, channels, tokens. What is wrong is raised, in words for people.
local channels = require "practice.channels"
local params = require "practice.params"
local timers = require "practice.timers"

local given = {}

local function wrong(...)
  error(string.format(...), 0)
end

function given.number(value, otherwise)
  if value == nil or value == "" then
    return otherwise
  end
  return math.tointeger(tonumber(value)) or wrong("%s is no whole number", tostring(value))
end

function given.flag(value)
  return params.bool(value) or false
end

-- Milliseconds.
function given.duration(value, otherwise)
  if value == nil or value == "" then
    return otherwise
  end
  return timers.duration(value) or wrong("%s is no duration; write it like 5s, 2m or 500ms", tostring(value))
end

-- The same, with '-' in front for what lies back.
function given.span(value, otherwise)
  if type(value) == "string" and value:sub(1, 1) == "-" then
    return -given.duration(value:sub(2), 0)
  end
  return given.duration(value, otherwise)
end

function given.person(ctx, name, otherwise)
  return ctx.store:find_person(name or otherwise)
    or wrong("there is nobody called %s here; GET /practice/people lists everybody", tostring(name))
end

function given.status(ctx, id)
  return id and ctx.store:get(tostring(id)) or wrong("there is no status with the id %s", tostring(id))
end

-- A channel by stream name, of the bot; `tag` and `list` as on the wire.
function given.channel(ctx, p)
  local token = { person = ctx.bot, scopes = { read = true } }
  local list, _, problem = channels.resolve(p.stream, { tag = p.tag, list = p.list }, token, ctx.store)
  return list and list[1] or wrong("%s: %s", tostring(p.stream), tostring(problem))
end

-- The same, or nil when no stream is named: any.
function given.channel_or_any(ctx, p)
  if p.stream == nil or p.stream == "" then
    return nil
  end
  return given.channel(ctx, p)
end

function given.token(ctx, text)
  return (text and ctx.tokens.by_text[text]) or (not text and ctx.tokens.list[1]) or wrong("there is no such token")
end

-- One of the keys of `known`.
function given.choice(value, known, otherwise, what)
  if value == nil or value == "" then
    value = otherwise
  end
  if known[value] == nil then
    local names = {}
    for name in pairs(known) do
      names[#names + 1] = tostring(name)
    end
    table.sort(names)
    wrong("%s is no %s; there are: %s", tostring(value), what, table.concat(names, ", "))
  end
  return value
end

return given
