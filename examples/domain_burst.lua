-- SPDX-License-Identifier: MIT
-- Tells channels when five accounts of one server post the same kind of thing within ten minutes; then an hour of quiet, and a summary.
local tusk = require "moontusk"

local options = tusk.options {
  to     = { type = "list", required = true, secret = true,
             help = "channels: \"discord:https://…\", \"ntfy:https://…\"; \"slack:https://…\" for Slack, Mattermost and Matrix (hookshot)" },
  words  = { { "casino", "airdrop" }, help = "whole words or phrases, without case" },
  within = { "10m", help = "how close together" },
  most   = { 5, help = "accounts from which on it is a burst" },
  quiet  = { 60, help = "minutes without a word after an alert; then a summary of what came meanwhile" },
}

tusk.subscribe("public:remote")

local function tell(title, text, links)
  for _, channel in ipairs(options.to) do
    tusk.forward(channel, { title = title, text = text .. "\n" .. table.concat(links, "\n") })
  end
end

tusk.on("update", { words = options.words }, function(status)
  local acct = status.account.acct
  local domain = acct:match("@(.+)$") or "here"
  local accounts = tusk.distinct("accounts:" .. domain, acct, { within = options.within })
  local posts = tusk.count("posts:" .. domain, { within = options.within })
  local bursts = tusk.store.bursts or {} -- of each domain: its last links, and what came since the alert
  local burst = bursts[domain] or { links = {} }
  table.insert(burst.links, ("%s by @%s"):format(status.url, acct))
  if #burst.links > 10 then table.remove(burst.links, 1) end
  if burst.quiet_until then
    burst.posts = burst.posts + 1
  elseif accounts >= options.most then
    tell(("%d accounts of %s"):format(accounts, domain), ("%d posts in %s, the last ones:"):format(posts, options.within), burst.links)
    burst.links, burst.posts, burst.quiet_until = {}, 0, tusk.now() + options.quiet * 60
  end
  burst.last = tusk.now()
  bursts[domain] = burst
  tusk.store.bursts = bursts
end)

tusk.every("1m", { name = "summaries" }, function()
  local bursts = tusk.store.bursts or {}
  for domain, burst in pairs(bursts) do
    if burst.quiet_until and burst.quiet_until <= tusk.now() then
      if burst.posts > 0 then
        tell(("%s went on"):format(domain), ("%d more posts in %d minutes, the last ones:"):format(burst.posts, options.quiet),
          burst.links)
      end
      bursts[domain] = nil
    elseif not burst.quiet_until and tusk.now() - burst.last > 86400 then
      bursts[domain] = nil -- a server that was harmless for a day
    end
  end
  tusk.store.bursts = bursts
end)
