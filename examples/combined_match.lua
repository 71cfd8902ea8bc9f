-- SPDX-License-Identifier: MIT
-- Conditions combined: any, all, none and a function of one's own that comes last.
local tusk = require "moontusk"

tusk.subscribe("public")

tusk.on("update", {
  any  = { { tags = { "fediverse", "mastodon" } }, { text = [[\bfedi(verse)?\b]] } },
  none = { { text = [[\bcrypto\b]] }, { account = { bot = true } } },
  language = { "en", "de" },
  where = function(status)
    return #status.mentions == 0 and status.account.followers_count >= 5
  end,
}, function(status)
  status:favourite { at_most = { 10, per = "1h" } }
end)
