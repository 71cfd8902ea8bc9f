-- SPDX-License-Identifier: MIT
-- Reports accounts less than a day old that post a lot or call many people, once a day each, with the posts as evidence.
local tusk = require "moontusk"

tusk.plugin { name = "newborn_spammer", version = "1.0", permissions = { "report" } }

local options = tusk.options {
  young    = { "24h", help = "younger than this; many servers tell the day only: \"48h\" misses nobody" },
  posts    = { 20, help = "more original posts than this in a day" },
  mentions = { 15, help = "more people mentioned than this in an hour" },
  spare    = { {}, help = "never reported: { \"@ally@mastodon.example\", \"good.example\" }" },
}

tusk.subscribe("public")

local spared = {}
for _, name in ipairs(options.spare) do spared[name:gsub("^@", ""):lower()] = true end

local function is_spared(account)
  local acct = account.acct:lower()
  return #(account.roles or {}) > 0 -- staff of this server
    or spared[acct] or spared[acct:match("@(.+)$") or ""]
end

-- `update` without boosts: what somebody wrote.
tusk.on("update", { account = { age = "<" .. options.young }, boost = false }, function(status)
  local account = status.account
  if is_spared(account) then return end
  local kept = tusk.store["posts:" .. account.id] or {}
  table.insert(kept, status.id)
  if #kept > 40 then table.remove(kept, 1) end
  tusk.store["posts:" .. account.id] = kept

  local posts = tusk.count("posts:" .. account.id, { within = "24h" })
  local people = 0
  for _, mention in ipairs(status.mentions or {}) do
    people = tusk.distinct("people:" .. account.id, mention.acct, { within = "1h" })
  end
  local rule
  if posts > options.posts then
    rule = ("rule posts: %d original posts in a day, account younger than %s"):format(posts, options.young)
  elseif people > options.mentions then
    rule = ("rule mentions: %d people mentioned in an hour, account younger than %s"):format(people, options.young)
  end
  if rule and tusk.once("reported:" .. account.id, { within = "24h" }) then
    account:report { statuses = kept, category = "spam", comment = rule, key = account.id .. ":" .. status.created_at:sub(1, 10) }
  end
end)

-- The ids are evidence for a day, not for ever.
tusk.every("24h", { name = "forget" }, function()
  for key in pairs(tusk.store) do
    if key:find("^posts:") then tusk.store[key] = nil end
  end
end)
