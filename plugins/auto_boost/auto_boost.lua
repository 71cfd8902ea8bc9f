-- SPDX-License-Identifier: MIT
-- Boosts what people post under a hashtag when all its media are described; a few an hour.
local tusk = require "moontusk"

tusk.plugin {
  name = "auto_boost",
  version = "1.0",
  description = "boosts a hashtag: described media, by people, a few an hour",
}

local options = tusk.options {
  tag       = { "caturday", help = "hashtag to follow, without #" },
  per_hour  = { 20, help = "boost at most this many posts an hour" },
  min_age   = { "7d", help = "authors must have had their account for this long" },
  languages = { {}, help = "only posts in these languages, such as { \"en\", \"de\" }; empty: all" },
}

tusk.subscribe("hashtag", options.tag)

-- "update" is a new post. Edits and boosts of old posts are other events, so nothing is boosted twice.
tusk.on("update", {
  media     = { min = 1, described = "all" },
  account   = { bot = false, age = ">" .. options.min_age },
  language  = #options.languages > 0 and options.languages or nil,
  sensitive = false,
  reply     = false,
}, function(status)
  status:boost { at_most = { options.per_hour, per = "1h" } }
end)
