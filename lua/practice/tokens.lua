-- SPDX-License-Identifier: MIT
-- Access tokens: whose they are, what they may do, and whether they still count.
local tokens = {}
tokens.__index = tokens

tokens.MISSING = "Missing access token"

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

-- 43 characters of URL-safe base64, as Mastodon's.
local function mint(random)
  local out = {}
  for i = 1, 43 do
    local at = random(64)
    out[i] = ALPHABET:sub(at, at)
  end
  -- A token that starts with '-' looks like a flag on command lines.
  return "P" .. table.concat(out, "", 2)
end

function tokens.new(random)
  return setmetatable({ by_text = {}, list = {}, random = random }, tokens)
end

-- A token of `person` (nil: an app's, without user) with the space-separated `scopes`.
function tokens:add(label, person, scopes)
  local token = { text = mint(self.random), label = label, person = person, scopes = {}, revoked = false }
  token.scope_text = scopes
  for scope in scopes:gmatch("%S+") do
    token.scopes[scope] = true
  end
  self.by_text[token.text] = token
  self.list[#self.list + 1] = token
  return token
end

-- True when the token has one of the scopes; "write:statuses" is also granted by "write" (protocol.md 6.1).
function tokens.allows(token, ...)
  for _, scope in ipairs { ... } do
    if token.scopes[scope] or token.scopes[scope:match("^[^:]+")] then
      return true
    end
    if token.scopes.follow and scope:find("follows$") then
      return true
    end
  end
  return false
end

-- For streams the scopes are compared as they stand: read, or the named part of it (protocol.md 1.1).
function tokens.streams(token, scope)
  return token.scopes.read or token.scopes[scope] or false
end

-- The credentials of a streaming request: text, or nil (protocol.md 1.2: header, then query, then subprotocol).
function tokens.of_stream(request, query)
  local header = request.headers["authorization"]
  if header then
    return (header:gsub("^Bearer ", ""))
  end
  return query.access_token or request.headers["sec-websocket-protocol"]
end

-- The token that a streaming request shows, or nil and the words of the refusal.
function tokens:for_stream(text)
  if not text or text == "" then
    return nil, tokens.MISSING
  end
  local token = self.by_text[text]
  if not token or token.revoked or not token.person then
    return nil, "Invalid access token"
  end
  return token
end

-- The token of a REST request: token; nil when it shows none; false and the words when what it shows is no good.
function tokens:for_rest(request, p)
  local header = request.headers["authorization"]
  local text
  if header then
    text = header:match("^[Bb]earer%s+(%S+)$")
  elseif type(p.access_token) == "string" then
    text = p.access_token
  end
  if not text then
    return nil
  end
  local token = self.by_text[text]
  if not token then
    return false, "The access token is invalid"
  elseif token.revoked then
    return false, "The access token was revoked"
  end
  return token
end

return tokens
