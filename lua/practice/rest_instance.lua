-- SPDX-License-Identifier: MIT
-- Routes about the server itself: instance documents, apps, OAuth, announcements, media, empty odds and ends.
local json = require "trusted.json"
local entities = require "practice.entities"
local params = require "practice.params"
local people = require "practice.people"
local rest = require "practice.rest"

local q = json.quote

local CONFIGURATION = '"accounts":{"max_featured_tags":10,"max_pinned_statuses":5},'
  .. '"statuses":{"max_characters":%d,"max_media_attachments":4,"characters_reserved_per_url":23},'
  .. '"media_attachments":{"supported_mime_types":["image/jpeg","image/png","image/gif","image/webp","video/mp4","audio/ogg"],'
  .. '"description_limit":1500,"image_size_limit":16777216,"image_matrix_limit":33177600,"video_size_limit":103809024,'
  .. '"video_frame_rate_limit":120,"video_matrix_limit":8294400},'
  .. '"polls":{"max_options":4,"max_characters_per_option":50,"min_expiration":300,"max_expiration":2629746}'

local function configuration(ctx)
  return CONFIGURATION:format(ctx.profile.max_characters)
end

local function access(ctx)
  local feeds = ctx.faults.feeds
  return (',"timelines_access":{"live_feeds":{"local":"%s","remote":"%s"},"hashtag_feeds":{"local":"%s","remote":"%s"},'
    .. '"trending_link_feeds":{"local":"public","remote":"public"}}'):format(
    feeds.live_local, feeds.live_remote, feeds.hashtag_local, feeds.hashtag_remote)
end

local function instance_v2(ctx)
  local profile = ctx.profile
  if not profile.instance_v2 then
    return 404, rest.words "Not found"
  end
  return 200, table.concat {
    '{"domain":', q(people.DOMAIN),
    ',"title":"Practice","version":', q(profile.version),
    ',"source_url":"https://github.com/mastodon/mastodon","description":"A pretend server on this machine. '
    .. 'Everything on it is made up."',
    ',"usage":{"users":{"active_month":42}},"thumbnail":{"url":', q(people.BASE .. "/thumbnail.png"),
    '},"icon":[],"languages":["en"],"configuration":{"urls":{"streaming":', profile.urls_v2:format(q(ctx.streaming_url)),
    ',"status":null,"about":', q(people.BASE .. "/about"),
    ',"privacy_policy":null,"terms_of_service":null},"vapid":{"public_key":""},', configuration(ctx),
    ',"translation":{"enabled":false},"limited_federation":false', profile.api_version and access(ctx) or "",
    '},"registrations":{"enabled":false,"approval_required":false,"reason_required":false,"message":null,"url":null},',
    profile.api_version and ('"api_versions":{"mastodon":%d},'):format(profile.api_version) or "",
    '"contact":{"email":"nobody@practice.example","account":null},"rules":[]}',
  }
end

local function instance_v1(ctx)
  return 200, table.concat {
    '{"uri":', q(people.DOMAIN),
    ',"title":"Practice","short_description":"A pretend server on this machine.","description":"",',
    '"email":"nobody@practice.example","version":', q(ctx.profile.version),
    ',"urls":', ctx.profile.urls_v1:format(q(ctx.streaming_url)),
    ',"stats":{"user_count":42,"status_count":', tostring(#ctx.store.statuses),
    ',"domain_count":8},"thumbnail":null,"languages":["en"],"registrations":false,"approval_required":false,',
    '"invites_enabled":false,"configuration":{', configuration(ctx), '},"contact_account":null,"rules":[]',
    ctx.profile.instance_v1_more, "}",
  }
end

local function rules()
  return 200, "[]"
end

local function announcements(ctx)
  return 200, entities.array(ctx.store.announcements, entities.announcement)
end

local function done()
  return 200, "{}"
end

local function empty_list()
  return 200, "[]"
end

-- POST /api/v1/apps: accepts anything that has a name and a redirect.
local function apps(ctx)
  local name, redirect = params.text(ctx.p.client_name), params.list(ctx.p.redirect_uris)
  if not name or name == "" or #redirect == 0 then
    return 422, '{"error":"Validation failed: Application name can\'t be blank"}'
  end
  local scopes = params.text(ctx.p.scopes) or "read"
  return 200, ('{"id":"1","name":%s,"website":null,"scopes":[%s],"redirect_uri":%s,"redirect_uris":[%s],'
    .. '"client_id":"practice-client","client_secret":"practice-secret","client_secret_expires_at":0,"vapid_key":""}'):format(
    q(name),
    '"' .. scopes:gsub("%s+", '","') .. '"',
    q(redirect[1]), q(redirect[1]))
end

-- POST /oauth/token: everybody who asks with a code gets a token of the bot; client_credentials an app token.
local function oauth_token(ctx)
  local grant = params.text(ctx.p.grant_type)
  local scopes = params.text(ctx.p.scope) or "read write follow"
  local person = ctx.store:find_person("bot")
  if grant == "client_credentials" then
    person = nil
  elseif grant ~= "authorization_code" or not params.text(ctx.p.code) then
    return 400, '{"error":"invalid_grant","error_description":"The provided authorization grant is invalid, '
      .. 'expired, revoked, does not match the redirection URI used in the authorization request, or was '
      .. 'issued to another client."}'
  end
  local token = ctx.tokens:add("oauth", person, scopes)
  return 200, ('{"access_token":%s,"token_type":"Bearer","scope":%s,"created_at":%d}'):format(
    q(token.text), q(scopes), ctx.now // 1000)
end

local function oauth_revoke(ctx)
  local token = ctx.tokens.by_text[params.text(ctx.p.token) or ""]
  if token then
    token.revoked = true
    ctx.on_revoke(token)
  end
  return 200, "{}"
end

-- GET /oauth/token/info: what the token may do, as Doorkeeper says it.
local function oauth_token_info(ctx)
  local token, scopes = ctx.token, {}
  for scope in token.scope_text:gmatch("%S+") do
    scopes[#scopes + 1] = q(scope)
  end
  return 200, ('{"resource_owner_id":%s,"scope":[%s],"expires_in":null,"application":{"uid":"practice-client"},'
    .. '"created_at":%d}'):format(token.person and token.person.id or "null", table.concat(scopes, ","),
    ctx.now // 1000)
end

local function oauth_metadata(ctx)
  local base = ctx.base
  return 200, ('{"issuer":%s,"authorization_endpoint":%s,"token_endpoint":%s,"revocation_endpoint":%s,'
    .. '"scopes_supported":["read","write","follow","profile"],"response_types_supported":["code"],'
    .. '"grant_types_supported":["authorization_code","client_credentials"],'
    .. '"code_challenge_methods_supported":["S256"],"app_registration_endpoint":%s}'):format(
    q(base .. "/"), q(base .. "/oauth/authorize"), q(base .. "/oauth/token"), q(base .. "/oauth/revoke"),
    q(base .. "/api/v1/apps"))
end

-- Attachments are remembered by id; the bytes are not.
local MEDIA_MAX = 1000

local function kind_of(mime)
  local kind = (mime or ""):match("^(%a+)/")
  return (kind == "video" or kind == "audio") and kind or "image"
end

local function media_upload(ctx)
  local file = ctx.p.file
  if type(file) ~= "table" then
    return 422, '{"error":"Validation failed: File can\'t be blank"}'
  end
  local store = ctx.store
  local id = ctx.world:new_id()
  local url = people.BASE .. "/files/media/" .. id .. "/original"
  local media = { id = id, type = kind_of(file.type), url = url, width = 1200, height = 800,
    description = params.text(ctx.p.description), owner = ctx.person }
  store.media_order = store.media_order or {}
  table.insert(store.media_order, id)
  if #store.media_order > MEDIA_MAX then
    store.media[table.remove(store.media_order, 1)] = nil
  end
  store.media[id] = media
  return 200, entities.attachment(media)
end

local function media_get(ctx)
  local media = ctx.store.media[ctx.args.id]
  if not media or media.owner ~= ctx.person then
    return 404, '{"error":"Record not found"}'
  end
  if ctx.request.method == "PUT" then
    media.description = params.text(ctx.p.description) or media.description
  end
  return 200, entities.attachment(media)
end

return {
  { "GET", "/api/v2/instance", instance_v2 },
  { "GET", "/api/v1/instance", instance_v1 },
  { "GET", "/api/v1/instance/rules", rules },
  { "GET", "/api/v1/custom_emojis", empty_list },
  { "GET", "/api/v2/filters", empty_list, "read:filters" },
  { "GET", "/api/v1/announcements", announcements, "user" },
  { "POST", "/api/v1/announcements/:id/dismiss", done, "write:accounts" },
  { "POST", "/api/v1/apps", apps },
  { "GET", "/api/v1/apps/verify_credentials", function()
    return 200, '{"name":"practice","website":null,"scopes":["read","write","follow"]}'
  end, "app" },
  { "POST", "/oauth/token", oauth_token },
  { "POST", "/oauth/revoke", oauth_revoke },
  { "GET", "/oauth/token/info", oauth_token_info, "app" },
  { "GET", "/.well-known/oauth-authorization-server", oauth_metadata },
  { "POST", "/api/v2/media", media_upload, "write:media" },
  { "POST", "/api/v1/media", media_upload, "write:media" },
  { "GET", "/api/v1/media/:id", media_get, "write:media" },
  { "PUT", "/api/v1/media/:id", media_get, "write:media" },
}
