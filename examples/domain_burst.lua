-- SPDX-License-Identifier: MIT
-- Tells a channel when five accounts of one server post the same kind of thing within ten minutes, once an hour at most.
local tusk = require "moontusk"

local options = tusk.options {
  to     = { type = "text", required = true, secret = true, help = "\"ntfy:https://…\", or discord:, slack:, a bare address" },
  words  = { { "casino", "airdrop" }, help = "whole words or phrases, without case" },
  within = { "10m", help = "how close together" },
  most   = { 5, help = "accounts from which on it is a burst" },
}

tusk.subscribe("public:remote")

tusk.on("update", { words = options.words }, function(status)
  local domain = status.account.acct:match("@(.+)$") or "here"
  local accounts = tusk.distinct("accounts:" .. domain, status.account.acct, { within = options.within })
  local posts = tusk.count("posts:" .. domain, { within = options.within })
  local links = tusk.store["links:" .. domain] or {}
  table.insert(links, status.url)
  if #links > 10 then table.remove(links, 1) end
  tusk.store["links:" .. domain] = links
  if accounts >= options.most and tusk.once("told:" .. domain, { within = "1h" }) then
    status:forward(options.to, {
      title = ("%d accounts of %s"):format(accounts, domain),
      text = ("%d posts in %s, the last ones:\n%s"):format(posts, options.within, table.concat(links, "\n")),
    })
  end
end)
