-- SPDX-License-Identifier: MIT
-- A whole bot: boosts described pictures of cats by people, at most twenty an hour.
local tusk = require "moontusk"

local options = tusk.options {
  tag      = { "caturday", help = "hashtag to follow, without #" },
  per_hour = { 20, help = "boost at most this many posts an hour" },
}

tusk.subscribe("hashtag", options.tag)

tusk.on("update", {
  text    = [[\bcat(s|urday)?\b]],              -- PCRE2 on what people see, not on HTML
  media   = { min = 1, described = "all" },
  account = { bot = false, age = ">7d" },
}, function(status)
  status:boost { at_most = { options.per_hour, per = "1h" } }
end)
