-- SPDX-License-Identifier: MIT
-- Profile: Pleroma of 2019 (protocol.md 9.3): one stream a connection, named in the address; empty texts keep it alive.
local json = require "trusted.json"
local pleroma = require "practice.profiles.pleroma"

local rules = setmetatable({
  anonymous = { ["public"] = true, ["public:local"] = true, ["hashtag"] = true },
  refusals = {
    invalid = { 403 },
    topic = { 404 },
    topic_missing = { 400 },
    plain = { 400 },
    path = { 404, "application/json; charset=utf-8", '{"error":"Not implemented"}' },
  },
  needs_stream = true,
  -- Frames do not say which stream they are of.
  frame = function(_, event, payload)
    if event:find("^announcement") or event == "status.update" then
      return nil
    end
    return ('{"event":"%s","payload":%s}'):format(event, json.quote(payload or ""))
  end,
  message = function() end,
  ping = { ms = 30000, after = "open", text = "" },
  idle = false,
  revoked = false,
}, { __index = pleroma.sockets })

return {
  like = pleroma,
  version = "2.7.2 (compatible; Pleroma 1.1.0)",
  instance_v2 = false,
  absent = { ["PUT /api/v1/statuses/:id"] = true },
  sockets = rules,
}
