-- SPDX-License-Identifier: MIT
-- What plugin tests are written with: cases, a bot that is fed events, and what it did as lines of text. Prints TAP.
local runner, files = ...

local test = { null = setmetatable({}, { __name = "null" }) }
local cases = {}
local current -- the plugin that the running test file stands beside
local root = os.getenv("MOONTUSK_SOURCE") or "."

-- ---- JSON, written

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function encode(value)
  if value == test.null then return "null" end
  if type(value) == "string" then
    return '"' .. value:gsub('[%c"\\]', function(c)
      return escapes[c] or string.format("\\u%04x", c:byte())
    end) .. '"'
  end
  if math.type(value) == "integer" then return string.format("%d", value) end
  if type(value) ~= "table" then return tostring(value) end
  local out = {}
  if #value > 0 or next(value) == nil then
    for i, item in ipairs(value) do out[i] = encode(item) end
    return "[" .. table.concat(out, ",") .. "]"
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do out[i] = encode(key) .. ":" .. encode(value[key]) end
  return "{" .. table.concat(out, ",") .. "}"
end

-- ---- made-up entities

local function merge(defaults, given)
  for key, value in pairs(given or {}) do defaults[key] = value end
  return defaults
end

local function html(text)
  text = text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })
  return "<p>" .. text:gsub("\n", "<br>") .. "</p>"
end

-- An account; an old, human one unless told otherwise.
function test.account(given)
  local account = merge({
    id = "9001", username = "alice", acct = "alice@hills.example", display_name = "Alice", bot = false, locked = false,
    note = "<p>walks a lot</p>", url = "https://hills.example/@alice", created_at = "2020-01-01T00:00:00.000Z",
    followers_count = 10, following_count = 10, statuses_count = 100, fields = {}, emojis = {},
  }, given)
  return account
end

-- A public post. Shorthands: text (plain), tags (names), media (alt texts, false for none), account (as test.account).
function test.status(given)
  given = merge({}, given)
  local status = {
    id = "1001", created_at = "2026-11-20T11:59:00.000Z", in_reply_to_id = test.null, in_reply_to_account_id = test.null,
    sensitive = false, spoiler_text = "", visibility = "public", language = "en", edited_at = test.null,
    uri = "https://hills.example/posts/1001", url = "https://hills.example/@alice/1001", content = "<p>a post</p>",
    reblog = test.null, media_attachments = {}, mentions = {}, tags = {}, emojis = {}, poll = test.null, card = test.null,
    replies_count = 0, reblogs_count = 0, favourites_count = 0,
  }
  if given.text then status.content = html(given.text) end
  for i, alt in ipairs(given.media or {}) do
    status.media_attachments[i] = {
      id = tostring(i), type = "image", url = "https://files.example/" .. i .. ".png", description = alt or test.null,
    }
  end
  for i, name in ipairs(given.tags or {}) do
    status.tags[i] = { name = name, url = "https://mastodon.example/tags/" .. name }
  end
  status.account = test.account(given.account)
  given.text, given.media, given.tags, given.account = nil, nil, nil, nil
  return merge(status, given)
end

-- ---- bots

local Bot = {}
Bot.__index = Bot

local function describe(action)
  local body = action.body and runner.decode(action.body)
  action.json = body
  if action.action == "forward" then return "forward " .. action.url end
  if action.action == "post" then return "post: " .. body.status end
  if action.action == "reply" then return "reply " .. action.target .. ": " .. body.status end
  return action.action .. " " .. (action.target or "")
end

function Bot:take(happened)
  for _, entry in ipairs(happened.archived) do
    self.did[#self.did + 1] = ("archive %s: %s %s"):format(entry.archive, entry.kind, entry.id)
  end
  for _, action in ipairs(happened.actions) do
    self.did[#self.did + 1] = describe(action)
    self.actions[#self.actions + 1] = action
  end
  for _, entry in ipairs(happened.log) do
    self.log[#self.log + 1] = entry.text
    if entry.level == "error" then self.failed[#self.failed + 1] = entry.text end
  end
end

-- Any event. `payload` is a table or a bare id; `stream` a list such as { "hashtag", "cats" }.
function Bot:event(kind, payload, stream)
  self:take(self.host:event(('{"kind":%s,"stream":%s,"account":"test","payload":%s}'):format(
    encode(kind), encode(stream or { "public" }), encode(payload))))
end

-- A new post, an edit, a deletion, a mention: as test.status makes them.
function Bot:update(given, stream)
  self:event("update", test.status(given), stream)
end

function Bot:edit(given, stream)
  self:event("status.update", test.status(merge({ edited_at = "2026-11-20T12:00:00.000Z" }, given)), stream)
end

function Bot:delete(id, stream)
  self:event("delete", id, stream)
end

function Bot:mention(given)
  local status = test.status(given)
  if given.text then
    status.content = '<p><span class="h-card"><a href="https://mastodon.example/@bot" class="u-url mention">@<span>bot</span>'
      .. "</a></span> " .. html(given.text):sub(4)
  end
  status.mentions = { { id = "7", username = "bot", acct = "bot", url = "https://mastodon.example/@bot" } }
  self:event("notification", {
    id = "n" .. status.id, type = "mention", created_at = status.created_at, account = status.account, status = status,
  }, { "user" })
end

-- Lets time pass; schedules run on the way.
function Bot:advance(ms)
  self:take(self.host:advance(ms))
end

-- What it did since the last expect, as lines, in order. A handler that raised fails the case.
function Bot:expect(wanted)
  local found = table.concat(self.did, "\n    ")
  local failed = table.concat(self.failed, "\n    ")
  self.did, self.actions, self.failed = {}, {}, {}
  if failed ~= "" then error("the plugin failed:\n    " .. failed, 2) end
  wanted = table.concat(wanted, "\n    ")
  if found ~= wanted then
    error(("expected:\n    %s\n  found:\n    %s"):format(wanted, found), 2)
  end
end

-- Starts the plugin beside the test, or `file` (relative to the source tree), with options, and permissions to allow.
local function start(given)
  given = given or {}
  local file = given.file and root .. "/" .. given.file or current
  local host, log = runner.start(file, given.options and next(given.options) and encode(given.options),
    given.allow and encode(given.allow))
  local texts = {}
  for i, entry in ipairs(log) do texts[i] = entry.text end
  return host, table.concat(texts, "\n    ")
end

function test.start(given)
  local host, log = start(given)
  if not host then error("the plugin does not load:\n    " .. log, 2) end
  return setmetatable({ host = host, did = {}, actions = {}, log = {}, failed = {} }, Bot)
end

-- What is said when it does not load; an error when it does.
function test.refused(given)
  local host, log = start(given)
  if host then error("the plugin loads", 2) end
  return log
end

function test.equal(found, wanted, what)
  if found ~= wanted then
    error(("%s: expected %s, found %s"):format(what or "value", tostring(wanted), tostring(found)), 2)
  end
end

function test.contains(text, part)
  if not tostring(text):find(part, 1, true) then
    error(("expected a text with %q, found %q"):format(part, tostring(text)), 2)
  end
end

function test.case(name, run)
  cases[#cases + 1] = { name = name, run = run, plugin = current }
end

-- ---- running

package.loaded["plugin_test"] = test
for _, file in ipairs(files) do
  current = file:gsub("_test%.lua$", ".lua")
  assert(loadfile(file, "t"))()
end

local good = true
print("1.." .. #cases)
for number, case in ipairs(cases) do
  current = case.plugin
  local ok, message = xpcall(case.run, function(message)
    return type(message) == "string" and message or debug.traceback(tostring(message))
  end)
  print(("%s %d - %s"):format(ok and "ok" or "not ok", number, case.name))
  if not ok then
    good = false
    print("  # " .. message:gsub("\n", "\n  # "))
  end
  collectgarbage()
end
if #cases == 0 then good = false end
return good
