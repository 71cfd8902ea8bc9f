-- SPDX-License-Identifier: MIT
-- Logs every event as one line of JSON: "*" is every kind, the subject may be a status, an id or nothing.
local tusk = require "moontusk"

tusk.subscribe("public:local")

tusk.on("*", function(subject, event)
  local line = { kind = event.kind, origin = event.origin }
  if type(subject) == "table" then
    line.id, line.by = subject.id, subject.account and subject.account.acct
  else
    line.id = subject
  end
  tusk.log.info("%s", tusk.json.encode(line))
end)
