-- SPDX-License-Identifier: MIT
-- Notification types: favourites who mentions us, logs who follows us, files reports away for the moderators.
local tusk = require "moontusk"

tusk.subscribe("user:notification")

tusk.on("notification", { type = "mention" }, function(notification)
  notification.status:favourite()
end)

tusk.on("notification", { type = { "follow", "reblog" } }, function(notification)
  tusk.log.info("%s by %s", notification.type, notification.account.acct)
end)

tusk.on("notification", { type = "admin.report" }, function(_, event)
  event:archive("reports")
end)
