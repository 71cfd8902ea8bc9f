-- SPDX-License-Identifier: MIT
-- The methods of accounts, and reports of posts and accounts.
local json = require "moontusk.json"
local util = require "moontusk.util"
local check = require "moontusk.check"
local actions = require "moontusk.actions"

local people = {}

local COMMENT_MAX = 1000 -- characters, as servers take them
local REPORTED_MAX = 100
local CATEGORIES = { "other", "spam", "legal", "violation" }

-- account:mute() was written as account.mute(), or something else came first.
local function check_account(name, account)
  if type(account) ~= "table" or type(account.id) ~= "string" then
    check.fail("%s: found %s, expected an account; write account:%s(...) with a colon", name, check.show(account), name)
  end
end

local function acct_of(account)
  return type(account.acct) == "string" and account.acct or account.id
end

local function seconds_of(name, field, value)
  if value == nil then
    return nil
  end
  local ms = type(value) == "number" and math.tointeger(value * 1000) or util.duration(value)
  if not ms or ms < 0 then
    check.fail("%s: %s: found %s, expected a time such as \"12h\" or \"7d\"", name, field, check.show(value))
  end
  return ms // 1000
end

local function on_account(name, known, parameters_of)
  known.at_most, known.key = "table", "string"
  return function(account, options)
    check_account(name, account)
    options = options or {}
    check.keys(name, options, known)
    local parameters = parameters_of and parameters_of(options)
    return actions.act(name, options, {
      target = account.id,
      author = account.id,
      body = parameters and next(parameters) ~= nil and json.encode(parameters, name) or nil,
      summary = string.format("%s of @%s", name, acct_of(account)),
    })
  end
end

people.follow = on_account("follow", { reblogs = "boolean", notify = "boolean", languages = "table" }, function(options)
  return { reblogs = options.reblogs, notify = options.notify, languages = options.languages }
end)
people.unfollow = on_account("unfollow", {})
people.mute = on_account("mute", { duration = true, notifications = "boolean" }, function(options)
  return { duration = seconds_of("mute", "duration", options.duration), notifications = options.notifications }
end)
people.unmute = on_account("unmute", {})
people.block = on_account("block", {})
people.unblock = on_account("unblock", {})

local REPORT = {
  comment = "string", category = "string", rules = "table", forward = "boolean", key = "string", at_most = "table",
}

local function rule_ids(rules)
  if rules == nil then
    return nil
  end
  local ids = {}
  for index, rule in ipairs(rules) do
    local id = type(rule) == "table" and rule.id or rule
    if type(id) ~= "string" and math.type(id) ~= "integer" then
      check.fail("report: rules[%d]: found %s, expected the id of a rule", index, check.show(rule))
    end
    ids[index] = tostring(id)
  end
  if #ids == 0 then
    check.fail("report: rules: found an empty list, expected ids of rules; leave it out without one")
  end
  return ids
end

local function check_report(options)
  check.utf8("report", "comment", options.comment)
  local length = options.comment and utf8.len(options.comment) or 0
  if length > COMMENT_MAX then
    check.fail("report: comment: found %d characters, servers take %d", length, COMMENT_MAX)
  end
  local category = options.category
  local known = category == nil
  for _, name in ipairs(CATEGORIES) do
    known = known or name == category
  end
  if not known then
    local near = util.suggest(category, CATEGORIES)
    check.fail("report: category: found %s%s, expected one of %s", check.show(category),
      near and "; did you mean \"" .. near .. "\"?" or "", table.concat(CATEGORIES, ", "))
  end
  if options.rules and category and category ~= "violation" then
    check.fail("report: rules go with the category \"violation\", found %s", check.show(category))
  end
end

local function report(account, target, status_ids, options)
  check_report(options)
  local rules = rule_ids(options.rules)
  local comment = options.comment
  return actions.act("report", options, {
    target = target,
    author = account.id,
    body = json.encode({
      account_id = account.id, status_ids = status_ids, comment = comment, forward = options.forward,
      category = options.category or (rules and "violation" or nil), rule_ids = rules,
    }, "report"),
    summary = string.format("report of @%s%s", acct_of(account),
      comment and comment ~= "" and ": \"" .. actions.shorten(comment, 60) .. "\"" or ""),
  })
end

function people.report_status(status, options)
  local post = actions.inner("report", status)
  options = options or {}
  check.keys("report", options, REPORT)
  check_account("report", post.account)
  return report(post.account, post.id, { post.id }, options)
end

local ACCOUNT_REPORT = { statuses = "table" }
for key, kind in pairs(REPORT) do
  ACCOUNT_REPORT[key] = kind
end

function people.report(account, options)
  check_account("report", account)
  options = options or {}
  check.keys("report", options, ACCOUNT_REPORT)
  local ids
  for index, status in ipairs(options.statuses or {}) do
    local id = type(status) == "table" and status.id or status
    if type(id) ~= "string" then
      check.fail("report: statuses[%d]: found %s, expected a status or its id", index, check.show(status))
    end
    ids = ids or {}
    ids[index] = id
  end
  if ids and #ids > REPORTED_MAX then
    check.fail("report: found %d statuses, at most %d are possible", #ids, REPORTED_MAX)
  end
  return report(account, account.id, ids, options)
end

return people
