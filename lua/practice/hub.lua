-- SPDX-License-Identifier: MIT
-- Channels and who listens: every event goes out once per subscription, rendered once per transport.
local json = require "trusted.json"

local hub = {}
hub.__index = hub

-- `server` has write(conn, bytes) and ws_send(conn, text); `clock()` gives ms.
function hub.new(server, clock)
    return setmetatable({
        server = server,
        clock = clock,
        channels = {}, -- channel -> list of subscriptions
        on_subscribe = nil, -- called with the channel when it gets a listener
        last = {}, -- channel -> time of its last event
        sent = 0,
    }, hub)
end

-- A subscription: { conn, ws = true/false, label = JSON of the `stream` array, token }.
function hub:subscribe(channel, subscription)
    local list = self.channels[channel]
    if not list then
        list = {}
        self.channels[channel] = list
    end
    list[#list + 1] = subscription
    if self.on_subscribe then
        self.on_subscribe(channel)
    end
end

function hub:unsubscribe(channel, subscription)
    local list = self.channels[channel]
    if not list then
        return
    end
    for i = #list, 1, -1 do
        if list[i] == subscription then
            table.remove(list, i)
        end
    end
    if #list == 0 then
        self.channels[channel] = nil
    end
end

function hub:listened(channel)
    return self.channels[channel] ~= nil
end

-- Any listener at all.
function hub:busy()
    return next(self.channels) ~= nil
end

-- Sends one event. `payload` is text: JSON, or a bare id; nil is "undefined" (protocol.md 3.1).
-- `prepared` may hold parts that are ready: head, data, quoted, frame of frame_label.
function hub:publish(channel, event, payload, prepared)
    self.last[channel] = self.clock()
    local list = self.channels[channel]
    if not list then
        return
    end
    local head, data, quoted, frame, frame_label
    if prepared then
        head, data, quoted = prepared.head, prepared.data, prepared.quoted
        frame, frame_label = prepared.frame, prepared.frame_label
    end
    local server = self.server
    for i = 1, #list do
        local sub = list[i]
        if sub.ws and frame_label == sub.label then
            server.ws_send(sub.conn, frame)
        elseif sub.ws then
            quoted = quoted or (payload and json.quote(payload))
            local text = '{"stream":' .. sub.label .. ',"event":"' .. event .. '"'
                .. (quoted and ',"payload":' .. quoted .. "}" or "}")
            server.ws_send(sub.conn, text)
        else
            head = head or "event: " .. event .. "\n"
            data = data or "data: " .. (payload or "undefined") .. "\n\n"
            server.write(sub.conn, head)
            server.write(sub.conn, data)
        end
        self.sent = self.sent + 1
    end
end

return hub
