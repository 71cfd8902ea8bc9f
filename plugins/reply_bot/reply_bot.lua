-- SPDX-License-Identifier: MIT
-- Answers mentions: ping, hello, roll, help, and words of the operator's own.
local tusk = require "moontusk"

tusk.plugin {
  name = "reply_bot",
  version = "1.0",
  description = "answers mentions: ping, hello, roll, help, and your own words",
}

local options = tusk.options {
  about    = { "I am a bot.", help = "first line of the answer to help" },
  answers  = { {}, type = "table", help = "your own: { hours = \"Open from 9 to 5.\" } answers the word hours" },
  per_hour = { 60, help = "answer at most this many mentions an hour" },
}

tusk.subscribe("user:notification")

-- The answer goes to whoever asked, no wider than the question. Two bots that answer each other never stop: so bots get
-- none. And what was asked is never repeated: it could hold mentions of others.
local function answer(pattern, text_of)
  tusk.hear(pattern, function(status, ...)
    if not status.account.bot then
      status:reply { text = text_of(...), at_most = { options.per_hour, per = "1h" } }
    end
  end)
end

local words = { "ping", "hello", "roll", "help" }
for word in pairs(options.answers) do words[#words + 1] = word end
table.sort(words)

-- Each pattern starts at the first word, so that one mention has one answer.
answer([[^!?ping\b]], function()
  return "pong"
end)

answer([[^(hello|hi|hey|bonjour|guten tag)\b]], function(greeting)
  return greeting:sub(1, 1):upper() .. greeting:sub(2) .. "! Say \"help\" to see what I understand."
end)

answer([[^!?roll(?:\s+d?(\d{1,4}))?\b]], function(sides)
  sides = math.max(1, tonumber(sides) or 6)
  return ("d%d: %d"):format(sides, math.random(sides))
end)

answer([[^!?help\b]], function()
  return options.about .. " I understand: " .. table.concat(words, ", ") .. "."
end)

for word, text in pairs(options.answers) do
  answer([[^!?\Q]] .. word .. [[\E\b]], function()
    return text
  end)
end
