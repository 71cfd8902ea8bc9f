-- SPDX-License-Identifier: MIT
-- The methods of statuses and events, and tusk.post: each checks its arguments and hands one action to the host.
local core = require "moontusk.core"
local effect = require "moontusk.effect"
local json = require "moontusk.json"
local util = require "moontusk.util"
local check = require "moontusk.check"

local actions = {}

local RANK = { public = 1, unlisted = 2, private = 3, direct = 4 }
local NAMES = { "public", "unlisted", "private", "direct" }
local WORDS_SHOWN = 60

local handle = require "moontusk.handle"

-- status:boost() was written as status.boost(), or something else came first.
local function check_status(name, status)
  if type(status) ~= "table" or type(status.id) ~= "string" then
    check.fail("%s: found %s, expected a status; write status:%s(...) with a colon", name, check.show(status), name)
  end
end

-- Of a boost the inner post.
local function inner(status)
  local reblog = status.reblog
  return type(reblog) == "table" and reblog or status
end

local function is_private(status)
  local visibility = type(status) == "table" and status.visibility
  return visibility ~= nil and visibility ~= false and visibility ~= "public" and visibility ~= "unlisted"
end

local function author_of(status)
  local account = status.account
  return type(account) == "table" and account or {}
end

-- One line for people. The words of a private post stay where they are.
local function summary_of(name, status)
  local acct = author_of(status).acct or "?"
  if is_private(status) then
    return string.format("%s of a %s post by @%s", name, status.visibility, acct)
  end
  local words = require("moontusk.text_c").visible(type(status.content) == "string" and status.content or "")
  return string.format("%s of @%s: \"%s\"", name, acct, actions.shorten(words, WORDS_SHOWN))
end

-- At most `limit` characters, white space made one blank; what stands far behind is not looked at.
function actions.shorten(text, limit)
  if #text > limit * 8 then
    text = string.gsub(string.sub(text, 1, limit * 8), "[\xC0-\xFF][\x80-\xBF]*$", "") -- no half character
  end
  text = string.gsub(text, "%s+", " ")
  local cut = utf8.offset(text, limit + 1)
  return cut and cut <= #text and string.sub(text, 1, cut - 1) .. "…" or text
end

local function check_at_most(name, at_most)
  if at_most == nil then
    return nil, nil
  end
  check.keys(name .. ": at_most", at_most, { true, per = "string" })
  local count, per_ms = at_most[1], util.duration(at_most.per)
  if math.type(count) ~= "integer" or count < 0 or not per_ms or per_ms < 1 then
    check.fail("%s: at_most: found { %s, per = %s }, expected for example { 20, per = \"1h\" }", name,
      check.show(count), check.show(at_most.per))
  end
  return count, per_ms
end

local function check_visibility(name, visibility)
  if visibility ~= nil and not RANK[visibility] then
    check.fail("%s: visibility: found %s, expected one of %s", name, check.show(visibility), table.concat(NAMES, ", "))
  end
end

-- Hands the action over; `fields` has what C reads.
local function act(name, options, fields)
  fields.kind, fields.call, fields.key = name, fields.call or name, options.key
  fields.at_most, fields.per_ms = check_at_most(name, options.at_most)
  return handle.of_action(name, fields.target, effect.action(fields))
end
actions.act = act

local function simple(name, known)
  known.at_most, known.key = "table", "string"
  return function(status, options)
    check_status(name, status)
    options = options or {}
    check.keys(name, options, known)
    check_visibility(name, options.visibility)
    local target = inner(status)
    return act(name, options, {
      target = target.id,
      author = author_of(target).id,
      body = options.visibility and json.encode { visibility = options.visibility },
      summary = summary_of(name, target),
    })
  end
end

actions.boost = simple("boost", { visibility = "string" })
actions.unboost = simple("unboost", {})
actions.favourite = simple("favourite", {})
actions.unfavourite = simple("unfavourite", {})
actions.bookmark = simple("bookmark", {})
actions.unbookmark = simple("unbookmark", {})

-- The post that an action on `status` is about; raises when it is none.
function actions.inner(name, status)
  check_status(name, status)
  return inner(status)
end

function actions.report(status, options)
  return require("moontusk.people").report_status(status, options)
end

local POST = {
  text = "string", status = "string", visibility = "string", cw = "string", spoiler_text = "string",
  language = "string", sensitive = "boolean", media_ids = "table", poll = "table", quote = true,
  scheduled_at = "string", in_reply_to_id = "string", key = "string", at_most = "table",
}
local POLL = { options = "table", expires_in = true, multiple = "boolean", hide_totals = "boolean" }

local function check_poll(name, poll)
  if poll == nil then
    return nil
  end
  check.keys(name .. ": poll", poll, POLL)
  local seconds = poll.expires_in
  if type(seconds) == "string" then
    local ms = util.duration(seconds)
    seconds = ms and ms // 1000
  end
  if type(poll.options) ~= "table" or #poll.options < 2 or math.type(seconds) ~= "integer" then
    check.fail("%s: poll: expected { options = { \"a\", \"b\" }, expires_in = \"1d\" }", name)
  end
  return { options = poll.options, expires_in = seconds, multiple = poll.multiple, hide_totals = poll.hide_totals }
end

local function quote_id(name, quote)
  if quote == nil or type(quote) == "string" then
    return quote
  end
  check_status(name .. ": quote", quote)
  return inner(quote).id
end

-- The parameters of POST /api/v1/statuses.
local function parameters_of(name, post)
  if type(post) ~= "table" then
    check.fail("%s: found %s, expected a text or a table { text = \"...\" }", name, check.show(post))
  end
  check.keys(name, post, POST)
  check_visibility(name, post.visibility)
  local text = post.text or post.status
  check.utf8(name, "text", text)
  check.utf8(name, "cw", post.cw or post.spoiler_text)
  if (text == nil or text == "") and not post.media_ids and not post.poll then
    check.fail("%s: there is nothing to post: text is %s, and there are neither media_ids nor a poll", name,
      text and "empty" or "missing")
  end
  return {
    status = text, visibility = post.visibility, spoiler_text = post.cw or post.spoiler_text,
    language = post.language, sensitive = post.sensitive, media_ids = post.media_ids,
    poll = check_poll(name, post.poll), quoted_status_id = quote_id(name, post.quote),
    scheduled_at = post.scheduled_at, in_reply_to_id = post.in_reply_to_id,
  }
end

function actions.post(post)
  if type(post) == "string" then
    post = { text = post }
  end
  local parameters = parameters_of("post", post)
  return act("post", post, {
    body = json.encode(parameters, "post"),
    summary = string.format("post: \"%s\"", actions.shorten(parameters.status or "", WORDS_SHOWN)),
  })
end

-- True when the text mentions @acct as a whole.
local function has_mention(text, acct)
  local lower, wanted = string.lower(text), "@" .. string.lower(acct)
  local from = 1
  while true do
    local first, last = string.find(lower, wanted, from, true)
    if not first then
      return false
    end
    if not string.find(string.sub(lower, last + 1, last + 1), "[%w_@]") then
      return true
    end
    from = last + 1
  end
end

-- No wider than the post that is answered, and "unlisted" at most.
local function reply_visibility(status)
  local rank = RANK[status.visibility or "public"] or RANK.private
  return NAMES[math.max(rank, RANK.unlisted)]
end

-- What is said matters more than what it answers. The words of a private answer stay where they are.
local function reply_summary(target, text)
  if is_private(target) then
    return summary_of("reply", target)
  end
  return string.format("reply to @%s: \"%s\"", author_of(target).acct or "?", actions.shorten(text or "", WORDS_SHOWN))
end

function actions.reply(status, reply)
  check_status("reply", status)
  if type(reply) == "string" then
    reply = { text = reply }
  end
  local parameters = parameters_of("reply", reply)
  local target = inner(status)
  local acct = author_of(target).acct
  if type(acct) == "string" and not has_mention(parameters.status or "", acct) then
    local text = parameters.status
    parameters.status = "@" .. acct .. (text and " " .. text or "")
  end
  parameters.in_reply_to_id = target.id
  parameters.visibility = parameters.visibility or reply_visibility(target)
  if parameters.spoiler_text == nil and type(target.spoiler_text) == "string" and target.spoiler_text ~= "" then
    parameters.spoiler_text = target.spoiler_text
  end
  return act("reply", reply, {
    target = target.id,
    author = author_of(target).id,
    body = json.encode(parameters, "reply"),
    summary = reply_summary(target, parameters.status),
  })
end

local told = {} -- permission -> true: one line is enough

-- True when private posts may be written out; else one line, and a note for the journal.
function actions.may_write(name, private)
  local permission = name .. ":private"
  if not private or core.may(permission) then
    return true
  end
  if not told[permission] then
    told[permission] = true
    require("moontusk.logger").write("warn", string.format(
      "a post that is not public is not given to %s; the operator can grant it with allow = { \"%s\" } (said once)",
      name, permission))
  end
  effect.note("refused", json.encode { action = name, reason = "not public", permission = permission })
  return false
end

-- Is the subject, or the event when it is the event's own table, a private post?
function actions.subject_is_private(subject)
  if effect.is_private() then
    return true
  end
  return is_private(subject) or is_private(subject.status) or is_private(subject.last_status)
    or is_private(subject.reblog)
end

-- event:archive(name), status:archive(name): the event's line; of another status than the event's a line of its own.
function actions.archive(subject, name)
  if type(subject) ~= "table" then
    check.fail("archive: found %s, expected a status or the event; write status:archive(\"name\") with a colon",
      check.show(subject))
  end
  if type(name) ~= "string" or #name > effect.archive_name_max or not string.find(name, "^[%w_][%w_.-]*$") then
    check.fail("archive: found %s, expected a name of letters, digits, '_', '-' and '.', at most %d of them",
      check.show(name), effect.archive_name_max)
  end
  local own = subject.id ~= nil and subject.id ~= effect.event_id() -- the event's own table has no id
  if not actions.may_write("archive", actions.subject_is_private(subject)) then
    return handle.of_refusal("archive", subject.id)
  end
  effect.archive(name, own and json.encode(subject, "archive") or nil)
  return handle.of_result("archive", subject.id, { archive = name })
end

function actions.forward(subject, target, options)
  return require("moontusk.forward").send(subject, target, options)
end

return actions
