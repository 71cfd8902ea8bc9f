-- SPDX-License-Identifier: MIT
-- The "direct" stream brings conversations: answers the last message of each, in private.
local tusk = require "moontusk"

tusk.subscribe("direct")

tusk.on("conversation", function(conversation)
  local last = conversation.last_status
  -- Our own answer comes back as a conversation that is not unread.
  if conversation.unread and last and not last.account.bot then
    last:reply("Thank you, a human will read this.")
  end
end)
