-- SPDX-License-Identifier: MIT
-- Bookmarks posts with a word of a list file that stands beside the plugin.
local tusk = require "moontusk"

tusk.subscribe("public:local")

tusk.on("update", { words = "words_from_file.txt" }, function(status, event)
  tusk.log.info("%s wrote \"%s\"", status.account.acct, event.match.text)
  status:bookmark()
end)
