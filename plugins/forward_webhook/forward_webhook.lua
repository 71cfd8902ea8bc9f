-- SPDX-License-Identifier: MIT
-- Hands posts that match to a webhook: as JSON, or shaped for Discord, Slack or ntfy.
local tusk = require "moontusk"

tusk.plugin {
  name = "forward_webhook",
  version = "1.0",
  description = "hands posts that match to a webhook: JSON, Discord, Slack, ntfy",
}

local options = tusk.options {
  to       = { type = "text", required = true, secret = true, help = "address, such as \"discord:https://…\"" },
  stream   = { "public", help = "where to listen: public, public:local, hashtag, list, user, …" },
  of       = { "", help = "the hashtag, or the id of the list" },
  words    = { {}, help = "whole words or phrases, without case" },
  text     = { "", help = "PCRE2 pattern on what people see" },
  tags     = { {}, help = "hashtags, without #" },
  title    = { "", help = "first line of each message" },
  per_hour = { 100, help = "hand on at most this many posts an hour" },
}

tusk.subscribe(options.stream, options.of ~= "" and options.of or nil)

-- What is given must all hold. A whole public stream is more than anybody wants in a channel.
local match = {
  words = #options.words > 0 and options.words or nil,
  tags  = #options.tags > 0 and options.tags or nil,
  text  = options.text ~= "" and options.text or nil,
}
if next(match) == nil and options.stream:find("^public") then
  error("that would forward everything: set words, tags or text", 0)
end

tusk.on("update", match, function(status)
  status:forward(options.to, {
    title = options.title ~= "" and options.title or nil,
    at_most = { options.per_hour, per = "1h" },
  })
end)
