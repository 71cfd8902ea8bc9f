-- SPDX-License-Identifier: MIT
-- status:forward(target) and tusk.forward: a readable text, in the shape that the other side expects.
local effect = require "moontusk.effect"
local json = require "moontusk.json"
local util = require "moontusk.util"
local check = require "moontusk.check"
local actions = require "moontusk.actions"
local visible = require("moontusk.text_c").visible

local forward = {}

local DISCORD_UNITS_MAX = 2000 -- counted in UTF-16 units
local SLACK_CHARACTERS_MAX = 4000
local NTFY_BYTES_MAX = 4096
local TITLE_CHARACTERS_MAX = 200
local CUT = "…"

local OPTIONS = { text = "string", title = "string", key = "string", at_most = "table" }

-- The longest start of `text` whose characters cost at most `limit`, marked when something is missing.
local function cut(text, limit, cost)
  local total, keep = 0, 0
  for position, code in utf8.codes(text) do
    total = total + cost(code)
    if total > limit then
      return string.sub(text, 1, keep) .. CUT
    end
    if total <= limit - cost(0x2026) then
      keep = position + #utf8.char(code) - 1
    end
  end
  return text
end

local function one()
  return 1
end

local function utf16_units(code)
  return code > 0xFFFF and 2 or 1
end

local function utf8_bytes(code)
  return #utf8.char(code)
end

-- A header holds ASCII; anything else goes as an encoded word (RFC 2047).
local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function header_text(text)
  text = string.gsub(text, "%c+", " ")
  if not string.find(text, "[\128-\255]") then
    return text
  end
  local out = {}
  for first = 1, #text, 3 do
    local a, b, c = string.byte(text, first, first + 2)
    local bits = (a << 16) | ((b or 0) << 8) | (c or 0)
    for index = 0, 3 do
      local digit = (bits >> (18 - 6 * index)) & 63
      local missing = (index == 2 and not b) or (index == 3 and not c)
      out[#out + 1] = missing and "=" or string.sub(BASE64, digit + 1, digit + 1)
    end
  end
  return "=?UTF-8?B?" .. table.concat(out) .. "?="
end

local JSON_HEADERS = json.encode { ["Content-Type"] = "application/json" }

local shapes = {}

-- { title, text, url, event }: the event as a line of `moontusk tail --json` would have it.
function shapes.json(message)
  local body = json.encode { title = message.title, text = message.text, url = message.link }
  local line = effect.event_line()
  if line then
    body = string.sub(body, 1, -2) .. ",\"event\":" .. line .. "}"
  end
  return body, JSON_HEADERS
end

function shapes.discord(message)
  local text = message.title and "**" .. message.title .. "**\n" .. message.text or message.text
  return json.encode {
    content = cut(text, DISCORD_UNITS_MAX, utf16_units),
    allowed_mentions = { parse = json.empty_list() }, -- nobody is called by what strangers wrote
  }, JSON_HEADERS
end

function shapes.slack(message)
  local text = message.title and message.title .. "\n" .. message.text or message.text
  text = cut(text, SLACK_CHARACTERS_MAX, one)
  text = string.gsub(text, "[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }) -- <!channel> too
  return json.encode { text = text }, JSON_HEADERS
end

function shapes.ntfy(message)
  local headers = { ["Content-Type"] = "text/plain; charset=utf-8" }
  if message.title then
    headers.Title = header_text(message.title)
  end
  if message.link and not string.find(message.link, "[%c\128-\255]") then
    headers.Click = message.link
  end
  return cut(message.text, NTFY_BYTES_MAX, utf8_bytes), json.encode(headers)
end

local function is_status(value)
  return type(value) == "table" and type(value.account) == "table" and type(value.content) == "string"
end

local function status_text(status)
  local account, parts = status.account, {}
  local name = account.display_name
  if type(name) == "string" and name ~= "" then
    parts[1] = string.format("%s (@%s)", name, account.acct or "?")
  else
    parts[1] = "@" .. (account.acct or "?")
  end
  local warning = status.spoiler_text
  if type(warning) == "string" and warning ~= "" then
    parts[#parts + 1] = "[" .. warning .. "]"
  end
  local text = visible(status.content)
  if text ~= "" then
    parts[#parts + 1] = text
  end
  for _, media in ipairs(status.media_attachments or {}) do
    parts[#parts + 1] = string.format("[%s] %s", media.type or "media", media.description or "")
  end
  return table.concat(parts, "\n"), status.url or status.uri
end

-- What there is to say about a subject that is no status.
local function other_text(subject)
  local account = subject.account
  local who = type(account) == "table" and account.acct and "@" .. account.acct or nil
  if type(subject.type) == "string" then
    return subject.type .. (who and " by " .. who or ""), who and account.url
  elseif type(subject.content) == "string" then
    return visible(subject.content), nil
  end
  return subject.kind or "an event", nil
end

-- The status that a subject is about; nil for others.
local function status_of(subject)
  local near = { subject.reblog or false, subject, subject.status or false, subject.last_status or false }
  for _, candidate in ipairs(near) do
    if is_status(candidate) then
      return candidate
    end
  end
  return nil
end

local function parse_target(target)
  check.type("forward", "the target", target, "string")
  local shape, url = string.match(target, "^(%l+):(https?://.*)$")
  if not shape then
    shape, url = "json", target
  end
  if not shapes[shape] then
    local names = check.sorted_keys(shapes)
    local near = util.suggest(shape, names)
    check.fail("forward: unknown shape \"%s\"%s", shape, near and "; did you mean \"" .. near .. "\"?"
      or "; the shapes are " .. table.concat(names, ", "))
  end
  -- The address is not shown: it may hold a token.
  local host = util.host(url)
  if not host then
    check.fail("forward: the target is no http or https address; expected for example \"discord:https://...\"")
  end
  return shapes[shape], url, host
end

-- tusk.forward(target, { text =, title =, at_most =, key = }): what the plugin itself has to say, also from a schedule.
function forward.say(target, options)
  if type(options) == "string" then
    options = { text = options }
  end
  check.type("tusk.forward", "the message", options, "table")
  check.keys("tusk.forward", options, OPTIONS)
  check.utf8("tusk.forward", "text", options.text)
  check.utf8("tusk.forward", "title", options.title)
  if not options.text or options.text == "" then
    check.fail("tusk.forward: there is nothing to say: text is %s", options.text and "empty" or "missing")
  end
  local shape, url, host = parse_target(target)
  if not actions.may_write("forward", effect.is_private()) then
    return require("moontusk.handle").of_refusal("forward")
  end
  local title = options.title and actions.shorten(options.title, TITLE_CHARACTERS_MAX)
  local body, headers = shape { text = options.text, title = title }
  return actions.act("forward", options, {
    call = "tusk.forward",
    permission = "http:" .. host,
    url = url,
    headers = headers,
    body = body,
    summary = string.format("forward to %s: \"%s\"", host, actions.shorten(options.text, 60)),
  })
end

function forward.send(subject, target, options)
  if type(subject) ~= "table" then
    check.fail("forward: found %s, expected a status or the event; write status:forward(target) with a colon",
      check.show(subject))
  end
  options = options or {}
  check.keys("forward", options, OPTIONS)
  check.utf8("forward", "text", options.text)
  check.utf8("forward", "title", options.title)
  local shape, url, host = parse_target(target)
  if not actions.may_write("forward", actions.subject_is_private(subject)) then
    return require("moontusk.handle").of_refusal("forward", subject.id)
  end
  local status = status_of(subject)
  local text, link
  if status then
    text, link = status_text(status)
  else
    text, link = other_text(subject)
  end
  text = options.text or text
  if link and not string.find(text, link, 1, true) then
    text = text .. "\n" .. link
  end
  local title = options.title and actions.shorten(options.title, TITLE_CHARACTERS_MAX)
  local message = { text = text, link = link, title = title }
  local body, headers = shape(message)
  return actions.act("forward", options, {
    permission = "http:" .. host,
    target = status and status.id,
    author = status and status.account.id,
    url = url,
    headers = headers,
    body = body,
    summary = string.format("forward to %s: \"%s\"", host, actions.shorten(text, 60)),
  })
end

return forward
