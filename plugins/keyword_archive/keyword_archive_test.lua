-- SPDX-License-Identifier: MIT
-- Tests of keyword_archive.
local test = require "plugin_test"

local OWN = { words = "", also = { "osprey", "bird of prey" } }

test.case("archives what has one of the words of its list file", function()
  local bot = test.start()
  bot:update { id = "1", text = "An Osprey over the lake!" }
  bot:update { id = "2", text = "Nothing to see." }
  bot:expect { "archive posts: update 1" }
end)

test.case("looks at warnings, alt texts and phrases, and only at whole words", function()
  local bot = test.start { options = OWN }
  bot:update { id = "1", text = "Guess what", media = { "an osprey with a fish" } }
  bot:update { id = "2", text = "Behind the warning", spoiler_text = "Osprey" }
  bot:update { id = "3", text = "Some bird of prey again" }
  bot:update { id = "4", text = "ospreylike birds of preying" }
  bot:expect { "archive posts: update 1", "archive posts: update 2", "archive posts: update 3" }
end)

test.case("follows the edits of what it holds, also when the word goes", function()
  local bot = test.start { options = OWN }
  bot:update { id = "1", text = "An osprey!" }
  bot:edit { id = "1", text = "An osprey! Two, even.", edited_at = "2026-11-20T12:01:00.000Z" }
  bot:edit { id = "1", text = "A bird.", edited_at = "2026-11-20T12:02:00.000Z" }
  bot:expect { "archive posts: update 1", "archive posts: status.update 1", "archive posts: status.update 1" }
end)

test.case("archives a post whose edit brings the word, and no other edits", function()
  local bot = test.start { options = OWN }
  bot:update { id = "1", text = "A bird." }
  bot:edit { id = "1", text = "An osprey!" }
  bot:edit { id = "2", text = "A duck." }
  bot:expect { "archive posts: status.update 1" }
end)

test.case("notes the deletion of what it holds, and of nothing else", function()
  local bot = test.start { options = OWN }
  bot:update { id = "1", text = "An osprey!" }
  bot:delete("1")
  bot:delete("2")
  bot:expect { "archive posts: update 1", "archive posts: delete 1" }
end)

test.case("forgets after the days it was told", function()
  local bot = test.start { options = { words = "", also = { "osprey" }, keep = 2 } }
  bot:update { id = "1", text = "An osprey!" }
  bot:expect { "archive posts: update 1" }
  bot:advance(4 * 24 * 3600 * 1000)
  bot:delete("1")
  bot:expect {}
end)

test.case("keeps to languages and the named archive", function()
  local bot = test.start { options = { words = "", also = { "osprey" }, languages = { "en" }, into = "birds" } }
  bot:update { id = "1", text = "osprey", language = "de" }
  bot:update { id = "2", text = "osprey", language = "en" }
  bot:expect { "archive birds: update 2" }
end)

test.case("does not archive what is not public", function()
  local bot = test.start { options = { words = "", also = { "osprey" }, stream = "user" } }
  bot:update({ id = "1", text = "osprey", visibility = "private" }, { "user" })
  bot:expect {}
end)

test.case("says what is missing without any words", function()
  test.contains(test.refused { options = { words = "" } }, "there are no words to look for")
end)
