-- SPDX-License-Identifier: MIT
-- Keeps every version of the posts of one hashtag: "status" is a new post or an edit.
local tusk = require "moontusk"

local options = tusk.options { tag = { "election", help = "hashtag to follow, without #" } }

tusk.subscribe("hashtag", options.tag)

tusk.on("status", function(status, event)
  event:archive(options.tag)
  if status.edited_at then
    tusk.log.info("%s edited %s", status.account.acct, status.url or status.uri)
  end
end)
