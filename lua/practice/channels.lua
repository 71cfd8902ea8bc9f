-- SPDX-License-Identifier: MIT
-- Stream names to the channels behind them, who may listen, and what is said to those who may not (protocol.md 1.1, 2).
local json = require "trusted.json"
local text = require "practice.text"
local tokens = require "practice.tokens"

local channels = {}

channels.SCOPES = "Access token does not have the required scopes"
channels.DELETES = "every deletion" -- no stream of Mastodon's; for servers that tell everybody

-- name -> how its channels are found. `public`: the part behind "timeline:public".
local STREAMS = {
  ["user"] = { scope = "read:statuses" },
  ["user:notification"] = { scope = "read:notifications" },
  ["public"] = { scope = "read:statuses", public = "" },
  ["public:media"] = { scope = "read:statuses", public = ":media" },
  ["public:local"] = { scope = "read:statuses", public = ":local" },
  ["public:local:media"] = { scope = "read:statuses", public = ":local:media" },
  ["public:remote"] = { scope = "read:statuses", public = ":remote" },
  ["public:remote:media"] = { scope = "read:statuses", public = ":remote:media" },
  ["hashtag"] = { scope = "read:statuses", tag = "" },
  ["hashtag:local"] = { scope = "read:statuses", tag = ":local" },
  ["list"] = { scope = "read:statuses", list = true },
  ["direct"] = { scope = "read:statuses" },
}
channels.STREAMS = STREAMS

-- Path of the event streams -> stream name; `media`: ?only_media= is honoured.
channels.PATHS = {
  ["/api/v1/streaming/user"] = { "user" },
  ["/api/v1/streaming/user/notification"] = { "user:notification" },
  ["/api/v1/streaming/public"] = { "public", media = true },
  ["/api/v1/streaming/public/local"] = { "public:local", media = true },
  ["/api/v1/streaming/public/remote"] = { "public:remote", media = true },
  ["/api/v1/streaming/hashtag"] = { "hashtag" },
  ["/api/v1/streaming/hashtag/local"] = { "hashtag:local" },
  ["/api/v1/streaming/list"] = { "list" },
  ["/api/v1/streaming/direct"] = { "direct" },
}

function channels.user(person)
  return "timeline:" .. person.id
end
function channels.notifications(person)
  return "timeline:" .. person.id .. ":notifications"
end
function channels.direct(person)
  return "timeline:direct:" .. person.id
end
function channels.list(id)
  return "timeline:list:" .. id
end

-- Takes a profile's further streams in; a practice instance has one profile for its life.
function channels.extend(profile)
  for name, stream in pairs(profile.streams) do
    STREAMS[name] = stream
  end
  channels.more = profile.more_channels
end

-- All public and hashtag channels that a status goes to.
function channels.of_status(st)
  local out = {}
  if st.visibility ~= "public" or st.reblog then
    return out
  end
  local where = st.account.is_local and ":local" or ":remote"
  if not st.reply_to or st.reply_account == st.account.id then
    out[1], out[2] = "timeline:public", "timeline:public" .. where
    if #st.media > 0 then
      out[3], out[4] = "timeline:public:media", "timeline:public" .. where .. ":media"
    end
  end
  for _, name in ipairs(st.tags) do
    out[#out + 1] = "timeline:hashtag:" .. name
    if st.account.is_local then
      out[#out + 1] = "timeline:hashtag:" .. name .. ":local"
    end
  end
  if channels.more then
    channels.more(st, out)
  end
  return out
end

local function with_param(name, value)
  return "[" .. json.quote(name) .. "," .. (type(value) == "number" and ("%d"):format(value) or json.quote(value)) .. "]"
end

local function of_tag(stream, name, p)
  local tag = p.tag
  if tag == nil or tag == "" or tag == json.null then
    return nil, 400, "Missing tag name parameter"
  elseif type(tag) ~= "string" then
    return nil, 500, "An unexpected error occurred"
  end
  return { "timeline:hashtag:" .. text.tag_name(tag) .. stream.tag }, with_param(name, tag)
end

-- Fedibird: the posts of one other server.
local function of_domain(stream, name, p)
  local domain = p.domain
  if type(domain) ~= "string" or domain == "" then
    return nil, 400, "Missing domain name parameter"
  end
  return { "timeline:public:domain" .. stream.domain .. ":" .. domain }, with_param(name, domain)
end

local function of_list(name, p, token, store)
  local id = p.list
  if id == nil or id == "" or id == json.null then
    return nil, 400, "Missing list name parameter"
  end
  local key = math.type(id) == "integer" and tostring(id) or id
  local list = type(key) == "string" and store.lists[key]
  if not list or not token.person or list.owner ~= token.person then
    return nil, 401, "Not authorized to stream this list"
  end
  return { channels.list(list.id) }, with_param(name, id)
end

-- The channels of a stream and the JSON of its `stream` array; or nil, status and words.
-- `p` has tag and list. Order of the checks: name, scope, parameter (protocol.md 1.4).
function channels.resolve(name, p, token, store)
  local stream = type(name) == "string" and STREAMS[name]
  if not stream then
    return nil, 400, "Unknown stream type"
  elseif not tokens.streams(token, stream.scope) then
    return nil, 401, channels.SCOPES
  elseif stream.tag then
    return of_tag(stream, name, p)
  elseif stream.domain then
    return of_domain(stream, name, p)
  elseif stream.list then
    return of_list(name, p, token, store)
  end
  local label = "[" .. json.quote(name) .. "]"
  if stream.public then
    return { "timeline:public" .. stream.public }, label
  elseif not token.person then
    return nil, 401, "Missing access token"
  elseif name == "user" then
    local list = { channels.user(token.person) }
    if tokens.streams(token, "read:notifications") then
      list[2] = channels.notifications(token.person)
    end
    return list, label
  elseif name == "user:notification" then
    return { channels.notifications(token.person) }, label
  end
  return { channels.direct(token.person) }, label
end

return channels
