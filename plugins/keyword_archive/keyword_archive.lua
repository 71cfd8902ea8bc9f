-- SPDX-License-Identifier: MIT
-- Archives every post that has one of your words, then its edits, and the note of its deletion.
local tusk = require "moontusk"

tusk.plugin {
  name = "keyword_archive",
  version = "1.0",
  description = "archives posts that have one of your words, their edits and deletions",
}

local options = tusk.options {
  words     = { "words.txt", help = "file with the words, one a line, beside the plugin; \"\": none" },
  also      = { {}, help = "more words: { \"osprey\", \"bird of prey\" }" },
  languages = { {}, help = "only posts in these languages; empty: all" },
  stream    = { "public", choices = { "public", "public:local", "public:remote", "user" }, help = "where to listen" },
  into      = { "posts", help = "name of the archive" },
  keep      = { 90, help = "days for which edits and deletions of an archived post are followed" },
}

tusk.subscribe(options.stream)

local lists = {}
if options.words ~= "" then lists[#lists + 1] = { words = options.words } end
if #options.also > 0 then lists[#lists + 1] = { words = options.also } end
if #lists == 0 then error("there are no words to look for: set words or also", 0) end

local match = {
  any = lists,
  language = #options.languages > 0 and options.languages or nil,
}

-- tusk.store["post ID"] = { version, seconds }: what was archived, and when.
local function key_of(id)
  return "post " .. id
end

local function version_of(status)
  return status.edited_at or "first"
end

local function archive(status)
  tusk.store[key_of(status.id)] = { version_of(status), math.floor(tusk.now()) }
  status:archive(options.into)
end

tusk.on("status", match, archive)

-- An edit that takes the word out is still an edit of a post that we hold.
tusk.on("status.update", function(status)
  local known = tusk.store[key_of(status.id)]
  if known and known[1] ~= version_of(status) then archive(status) end
end)

-- The line of the deletion goes to the same archive: who reads it knows what to forget.
tusk.on("delete", function(id, event)
  if tusk.store[key_of(id)] then
    event:archive(options.into)
    tusk.store[key_of(id)] = nil
  end
end)

-- One call may change a thousand keys at most; the rest goes tomorrow.
tusk.every("1d", { name = "forget" }, function()
  local before, left = tusk.now() - options.keep * 24 * 3600, 900
  for key, known in pairs(tusk.store) do
    if known[2] < before and left > 0 then
      tusk.store[key], left = nil, left - 1
    end
  end
end)
