-- SPDX-License-Identifier: MIT
-- Statuses that came as JSON (--events) become statuses like any other, so that REST can answer about them.
local json = require "trusted.json"

local import = {}

local function text_of(raw)
  local value = raw and json.decode(raw)
  return type(value) == "string" and value or nil
end

-- "2026-11-20T12:00:02.000Z" or nil to Unix ms; what cannot be read is `otherwise`.
local function ms_of(raw, otherwise)
  local value = text_of(raw) or ""
  local y, mo, d, h, mi, s = value:match("^(%d+)%-(%d+)%-(%d+)T(%d+):(%d+):(%d+)")
  if not y then
    return otherwise
  end
  y, mo, d = math.tointeger(tonumber(y)), math.tointeger(tonumber(mo)), math.tointeger(tonumber(d))
  -- Days since 1970 by the civil calendar: os.time would apply the machine's zone.
  local shifted = mo <= 2 and y - 1 or y
  local era = shifted // 400
  local of_era = shifted - era * 400
  local of_year = (153 * (mo + (mo > 2 and -3 or 9)) + 2) // 5 + d - 1
  local days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
  local ms = tonumber(value:match("%.(%d%d%d)")) or 0
  return ((days * 24 + tonumber(h)) * 60 + tonumber(mi)) * 60000 + tonumber(s) * 1000 + ms
end

local function count_of(raw)
  return math.tointeger(tonumber(raw)) or 0
end

local function person_of(store, raw)
  local id, acct, username, url, bot = json.pick(raw, "id", "acct", "username", "url", "bot")
  id, acct = text_of(id), text_of(acct)
  if not id or not acct then
    return nil
  end
  local person = store.people[id]
  if not person then
    person = { id = id, acct = acct, username = text_of(username) or acct, url = text_of(url) or "", uri = "",
      json = raw, is_local = not acct:find("@", 1, true), flags = {}, bot = bot == "true", display_name = acct,
      note = "", statuses = 0, followers = 0, following = 0, created = 0 }
    store:add_person(person)
  end
  return person
end

local function tags_of(raw)
  local out = {}
  for _, tag in ipairs(type(raw) == "string" and json.decode(raw) or {}) do
    if type(tag) == "table" and type(tag.name) == "string" then
      out[#out + 1] = tag.name:lower()
    end
  end
  return out
end

local function mentions_of(store, raw)
  local out = {}
  for _, mention in ipairs(raw and json.decode(raw) or {}) do
    out[#out + 1] = type(mention) == "table" and store.people[mention.id] or nil
  end
  return out
end

-- Puts the status of the JSON text `raw` into the store; the status, or nil when the text is none.
function import.status(store, raw, now)
  if not raw or raw == "null" then
    return nil
  end
  local id, account, created, content, spoiler, visibility, language = json.pick(raw, "id", "account", "created_at",
    "content", "spoiler_text", "visibility", "language")
  id = text_of(id)
  if not id or not account then
    return nil
  end
  if store.by_id[id] then
    return store.by_id[id]
  end
  local person = person_of(store, account)
  if not person then
    return nil
  end
  local uri, url, sensitive, media, mentions, tags, card = json.pick(raw, "uri", "url", "sensitive",
    "media_attachments", "mentions", "tags", "card")
  local poll, reblog, reply, reply_account, favs, reblogs, replies = json.pick(raw, "poll", "reblog",
    "in_reply_to_id", "in_reply_to_account_id", "favourites_count", "reblogs_count", "replies_count")
  local edited = json.pick(raw, "edited_at")
  local st = {
    id = id, account = person, ms = ms_of(created, now), text = "", content = text_of(content) or "",
    spoiler = text_of(spoiler) or "", visibility = text_of(visibility) or "public", language = text_of(language),
    sensitive = sensitive == "true", uri = text_of(uri) or "", url = text_of(url) or "",
    media = json.decode(media or "[]") or {}, mentions = mentions_of(store, mentions), tags = tags_of(tags),
    card = card ~= "null" and card or nil, poll_json = poll ~= "null" and poll or nil,
    reply_to = text_of(reply), reply_account = text_of(reply_account),
    reblog = import.status(store, reblog, now), edited = edited and edited ~= "null" and ms_of(edited, now) or nil,
    favourites = {}, boosts = {}, bookmarks = {},
    favs = count_of(favs), reblogs = count_of(reblogs), replies = count_of(replies), quotes = 0,
  }
  st.part_head = table.concat({
    '{"id":', json.quote(id), ',"created_at":', created or "null",
    ',"in_reply_to_id":', reply or "null", ',"in_reply_to_account_id":', reply_account or "null",
    ',"sensitive":', sensitive or "false", ',"spoiler_text":', spoiler or '""',
    ',"visibility":', visibility or '"public"', ',"language":', language or "null",
    ',"uri":', uri or '""', ',"url":', url or "null",
  })
  st.part_content = ',"content":' .. (content or '""')
  st.part_app = ""
  st.part_media = ',"media_attachments":' .. (media or "[]") .. ',"mentions":' .. (mentions or "[]")
    .. ',"tags":' .. (tags or "[]") .. ',"emojis":[]'
  st.fixed = true
  store:add(st)
  return st
end

-- The status inside of an event's payload.
function import.event(store, event, payload, now)
  if event == "update" or event == "status.update" then
    import.status(store, payload, now)
  elseif event == "notification" then
    import.status(store, (json.pick(payload, "status")), now)
  elseif event == "conversation" then
    import.status(store, (json.pick(payload, "last_status")), now)
  elseif event == "delete" then
    local st = store.by_id[payload]
    if st then
      store:forget(st)
    end
  end
end

return import
