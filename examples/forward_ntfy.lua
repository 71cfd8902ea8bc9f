-- SPDX-License-Identifier: MIT
-- Sends mentions of a project to your phone through ntfy; the address comes from the operator's options.
local tusk = require "moontusk"

local options = tusk.options {
  to   = { type = "text", required = true, secret = true, help = "\"ntfy:https://…\", or discord:, slack:, a bare address" },
  word = { "moontusk", help = "word to watch for" },
}

tusk.subscribe("public")

tusk.on("update", { words = { options.word }, account = { bot = false } }, function(status)
  status:forward(options.to, { title = "Somebody wrote about " .. options.word })
end)
