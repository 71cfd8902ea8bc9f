-- SPDX-License-Identifier: MIT
-- Tells the moderators' channel about posts of young accounts that match, with evidence.
local tusk = require "moontusk"

tusk.plugin {
  name = "moderation_alerts",
  version = "1.0",
  description = "tells your channel about posts of young accounts that match, with evidence",
}

local options = tusk.options {
  alert    = { "", secret = true, help = "where alerts go, such as \"ntfy:https://ntfy.example/mods\"; \"\": to the log" },
  words    = { { "casino", "airdrop", "giveaway", "cheap watches" }, help = "whole words or phrases, without case" },
  patterns = { {}, help = "PCRE2 patterns on what people see: { [[\\b\\d+ ?% off\\b]] }" },
  young    = { "7d", help = "only accounts younger than this" },
  stream   = { "public", choices = { "public", "public:local", "public:remote" }, help = "where to listen" },
  per_hour = { 30, help = "send at most this many alerts an hour" },
}

tusk.subscribe(options.stream)

local looks = {}
if #options.words > 0 then looks[#looks + 1] = { words = options.words } end
if #options.patterns > 0 then looks[#looks + 1] = { text = options.patterns } end
if #looks == 0 then error("there is nothing to look for: set words or patterns", 0) end

-- Edits too: spammers post something harmless and put the link in afterwards.
tusk.on("status", {
  any = looks,
  account = { age = "<" .. options.young },
}, function(status, event)
  status:archive("evidence")
  local account, match = status.account, event.match
  local text = table.concat({
    ("@%s, account of %s, %d posts, %d followers"):format(account.acct, account.created_at:sub(1, 10),
      account.statuses_count, account.followers_count),
    ("matched \"%s\" by its %s"):format(match.text, match.rule),
    tusk.text.visible(status.content),
    "profile: " .. account.url,
  }, "\n")
  if options.alert == "" then
    tusk.log.warn("%s", (text:gsub("\n", " | ")))
  else
    status:forward(options.alert, {
      title = "Young account, " .. match.text,
      text = text,
      at_most = { options.per_hour, per = "1h" },
    })
  end
end)
