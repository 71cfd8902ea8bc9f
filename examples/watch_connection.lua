-- SPDX-License-Identifier: MIT
-- Host events: "connected" and "disconnected" tell a plugin about its streams.
local tusk = require "moontusk"

tusk.subscribe("public:local")

tusk.on("connected", function(stream)
  tusk.store.connects = (tusk.store.connects or 0) + 1
  tusk.log.info("%s is live, for the %d. time", stream.stream, tusk.store.connects)
end)

tusk.on("disconnected", function(stream)
  tusk.log.warn("%s is gone: %s", stream.stream, stream.reason)
end)
