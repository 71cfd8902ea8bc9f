-- SPDX-License-Identifier: MIT
-- Tests of the practice instance's parts that need no socket.
local json = require "trusted.json"
local channels = require "practice.channels"
local entities = require "practice.entities"
local faults = require "practice.faults"
local hidden = require "practice.hidden"
local hub = require "practice.hub"
local shapes = require "practice.ids"
local import = require "practice.import"
local limits = require "practice.limits"
local paging = require "practice.paging"
local params = require "practice.params"
local people = require "practice.people"
local player = require "practice.player"
local profile = require "practice.profile"
local store = require "practice.store"
local text = require "practice.text"
local timers = require "practice.timers"
local tokens = require "practice.tokens"
local world = require "practice.world"

local cases = {}

local function case(name, f)
  cases[#cases + 1] = { name, f }
end

local function show(value)
  if type(value) ~= "table" then
    return tostring(value)
  end
  local out = {}
  for key, member in pairs(value) do
    out[#out + 1] = tostring(key) .. "=" .. show(member)
  end
  table.sort(out)
  return "{" .. table.concat(out, ",") .. "}"
end

local function same(got, expected, what)
  if show(got) ~= show(expected) then
    error(("%s\n  got      %s\n  expected %s"):format(what or "differs", show(got), show(expected)), 2)
  end
end

-- A world without sockets: what went out is a list of { conn, event, payload }.
local function small_world()
  local now, sent = { ms = 1795224000000 }, {}
  local function clock()
    return now.ms
  end
  local out = hub.new({
    event = function(conn, event, payload)
      sent[#sent + 1] = { conn, event, payload }
    end,
  }, clock)
  local memory = store.new()
  local life = world.new(memory, out, clock)
  local function person(name, domain, id)
    local one = people.make { id = id, username = name, display_name = name, domain = domain or "", created = 0,
      flags = {}, note = "", language = "en" }
    memory:add_person(one)
    return one
  end
  local bot, alice, remote = person("bot", "", "1"), person("alice", "", "2"), person("remo", "far.example", "3")
  life:add_viewer(bot)
  bot.follows["2"] = true
  memory.lists["1"] = { id = "1", title = "l", owner = bot, members = { ["2"] = true } }
  local function listen(conn, ...)
    for _, channel in ipairs { ... } do
      out:subscribe(channel, { conn = conn, ws = false, label = "[]" })
    end
  end
  return { now = now, sent = sent, hub = out, store = memory, world = life, bot = bot, alice = alice, remote = remote,
    listen = listen, person = person }
end

local function heard(w)
  local out = {}
  for i, row in ipairs(w.sent) do
    out[i] = row[1] .. ":" .. row[2]
  end
  table.sort(out)
  return table.concat(out, " ")
end

case("text becomes the HTML that Mastodon makes", function()
  local alice = { username = "alice", url = "https://practice.example/@alice" }
  local function find(acct)
    return acct == "alice" and alice or nil
  end
  local html, tags, mentions = text.render("Hi @alice & #Caf\u{e9}_1!\n\n2nd a@b.example #12", "https://x.example", find)
  same(html, '<p>Hi <span class="h-card" translate="no"><a href="https://practice.example/@alice" '
    .. 'class="u-url mention">@<span>alice</span></a></span> &amp; '
    .. '<a href="https://x.example/tags/cafe_1" class="mention hashtag" rel="tag">'
    .. "#<span>Caf\u{e9}_1</span></a>!</p><p>2nd a@b.example #12</p>")
  same(tags, { "cafe_1" })
  same(mentions[1] == alice and #mentions, 1)
  same(text.render("  \n ", "", function() end), "")
end)

case("links hide their scheme and their end", function()
  local html = text.render("https://weir.example/a/very/long/path/that/goes/on.", "", function() end)
  same(html, '<p><a href="https://weir.example/a/very/long/path/that/goes/on" target="_blank" rel="nofollow noopener" '
    .. 'translate="no"><span class="invisible">https://</span><span class="ellipsis">weir.example/a/very/long/path/</span>'
    .. '<span class="invisible">that/goes/on</span></a>.</p>')
end)

case("hashtags are found by their folded name", function()
  for name, expected in pairs { ["CaféÉtoile"] = "cafeetoile", ["#Foo"] = "foo", ["МОСТЫ"] = "мосты", ["猫。"] = "猫",
    ["ＡＢ１"] = "ab1", ["🎉"] = "", ["a b"] = "ab", ["\xff"] = "" } do
    same(text.tag_name(name), expected, name)
  end
end)

case("lengths count links as 23 and remote mentions as their name", function()
  same(text.length("héllo"), 5)
  same(text.length("https://example.org/" .. ("x"):rep(300)), 23)
  same(text.length("@marek@smithy.example hi"), 9)
end)

case("parameters come by query, form, JSON and multipart", function()
  local function of(content_type, body, query)
    return params.of { query = query or "", body = body, headers = { ["content-type"] = content_type } }
  end
  same(of("application/x-www-form-urlencoded",
    "status=a+b%26&media_ids[]=1&media_ids[]=2&poll[options][]=x&poll[expires_in]=5"),
    { status = "a b&", media_ids = { "1", "2" }, poll = { options = { "x" }, expires_in = "5" } })
  same(of("application/json; charset=utf-8", '{"status":"x","in_reply_to_id":null,"n":5}', "q=1"),
    { status = "x", n = 5, q = "1" })
  same(select(2, of("application/json", "{broken")) ~= nil, true)
  same(of('multipart/form-data; boundary="XX"', '--XX\r\nContent-Disposition: form-data; name="status"\r\n\r\nhi\r\n'
    .. '--XX\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    .. "1234\r\n--XX--\r\n"),
    { status = "hi", file = { filename = "a.png", type = "image/png", size = 4 } })
  same({ params.bool "f", params.bool "x", params.bool(true), params.bool "" == nil }, { false, true, true, true })
  same({ params.limit("-5", 20, 40), params.limit("99", 20, 40), params.limit("x", 20, 40) }, { 5, 40, 20 })
end)

case("pages are cut as Mastodon cuts them", function()
  local list = {}
  for i = 1, 12 do
    paging.insert(list, { id = tostring(i * 10) })
  end
  paging.insert(list, { id = "55" })
  local function ids(cursor)
    cursor.limit = cursor.limit or 3
    local out = {}
    for i, item in ipairs(paging.page(list, cursor, function() return true end)) do
      out[i] = item.id
    end
    return table.concat(out, " ")
  end
  same(ids {}, "120 110 100")
  same(ids { max_id = "60" }, "55 50 40")
  same(ids { min_id = "50" }, "70 60 55")
  same(ids { since_id = "50" }, "120 110 100")
  same(ids { min_id = "90", since_id = "10" }, "120 110 100")
  same(ids { min_id = "20", max_id = "40" }, "30")
  same(ids { min_id = "120" }, "")
  same(ids { max_id = "9" }, "")
  local link = paging.link("http://h", "/p", { limit = "2", other = "x" }, { { id = "9" }, { id = "8" } },
    { limit = 2, kept = { "limit" } })
  same(link, '<http://h/p?limit=2&max_id=8>; rel="next", <http://h/p?limit=2&min_id=9>; rel="prev"')
  same(paging.link("http://h", "/p", {}, {}, { limit = 2 }), nil)
end)

case("tokens: the header wins, and only the exact prefix goes", function()
  local keys = tokens.new(function() return 1 end)
  local person = { id = "1" }
  local token = keys:add("", person, "read:statuses write")
  local function shown(headers, query)
    return tokens.of_stream({ headers = headers }, query or {})
  end
  same(shown { authorization = "Bearer x" }, "x")
  same(shown { authorization = "bearer x" }, "bearer x")
  same(shown({ authorization = "Bearer x" }, { access_token = "y" }), "x")
  same(shown({ ["sec-websocket-protocol"] = "z" }, { access_token = "y" }), "y")
  same(shown { ["sec-websocket-protocol"] = "z" }, "z")
  same(select(2, keys:for_stream(nil)), "Missing access token")
  same(select(2, keys:for_stream "no"), "Invalid access token")
  same(keys:for_stream(token.text) == token, true)
  same({ tokens.allows(token, "write:statuses"), tokens.allows(token, "read:lists"), tokens.streams(token, "read:statuses"),
    tokens.streams(token, "read:notifications") }, { true, false, true, false })
  token.revoked = true
  same(select(2, keys:for_stream(token.text)), "Invalid access token")
  same(select(2, keys:for_rest({ headers = { authorization = "Bearer " .. token.text } }, {})), "The access token was revoked")
end)

case("a local public post with a picture goes where it belongs", function()
  local w = small_world()
  w.listen("public", "timeline:public")
  w.listen("local", "timeline:public:local")
  w.listen("remote", "timeline:public:remote")
  w.listen("media", "timeline:public:local:media")
  w.listen("tag", "timeline:hashtag:cats", "timeline:hashtag:cats:local")
  w.listen("home", "timeline:1")
  w.listen("list", "timeline:list:1")
  local media = { { id = "5", type = "image", url = "u", width = 4, height = 3 } }
  local st = w.world:post { account = w.alice, text = "#Cats", media = media }
  same(heard(w), "home:update list:update local:update media:update public:update tag:update tag:update")
  for _, row in ipairs(w.sent) do
    local value = json.decode(row[3])
    same(value.id, st.id)
    local own = row[1] == "home" or row[1] == "list"
    same(value.favourited == nil, not own, "flags are for the viewer of home and list only")
    same(type(value.filtered), "table")
  end
end)

case("replies, unlisted posts and boosts stay off public", function()
  local w = small_world()
  w.listen("public", "timeline:public")
  w.listen("home", "timeline:1")
  local st = w.world:post { account = w.remote, text = "first" }
  w.world:post { account = w.alice, text = "unlisted", visibility = "unlisted" }
  w.world:post { account = w.alice, text = "reply", reply = st }
  w.world:post { account = w.remote, text = "to myself", reply = st }
  w.world:boost(st, w.alice)
  same(heard(w), "home:update home:update public:update public:update", "a reply to a stranger is not in home")
  same(st.replies, 2)
  same(w.world:boost(st, w.alice) == st.boosts["2"], true, "the boost that is there is given back")
  same(st.reblogs, 1)
end)

case("mentions, likes and direct messages reach the bot", function()
  local w = small_world()
  w.listen("note", "timeline:1:notifications")
  w.listen("direct", "timeline:direct:1")
  local mine = w.world:post { account = w.bot, text = "mine" }
  w.world:post { account = w.remote, text = "@bot hello" }
  w.world:favourite(mine, w.alice)
  w.world:favourite(mine, w.alice)
  w.world:post { account = w.alice, text = "@bot psst", visibility = "direct" }
  same(heard(w), "direct:conversation note:notification note:notification note:notification")
  same(#w.store.conversations, 1)
  same(w.store.conversations[1].conversation.unread, true)
end)

case("deleting takes boosts along, edits keep the id", function()
  local w = small_world()
  w.listen("home", "timeline:1")
  local st = w.world:post { account = w.alice, text = "one" }
  w.world:edit(st, { text = "two" })
  same({ st.content, #st.history, st.edited }, { "<p>two</p>", 1, w.now.ms })
  local wrapper = w.world:boost(st, w.bot)
  w.world:delete(st)
  same({ w.store:get(st.id) == nil, w.store:get(wrapper.id) == nil }, { true, true })
  same(heard(w), "home:delete home:delete home:status.update home:update home:update")
end)

case("ids rise strictly and carry their time", function()
  local w = small_world()
  local last = "0"
  for _ = 1, 100 do
    local id = w.world:new_id()
    same(paging.older(last, id), true)
    last = id
  end
  same(math.tointeger(tonumber(last)) >> 16, w.now.ms)
  w.now.ms = w.now.ms - 5000
  same(paging.older(last, w.world:new_id()), true)
end)

case("what is remembered has a bound, and bots' posts are counted apart", function()
  local w = small_world()
  local mine = w.world:post { account = w.bot, text = "kept", kept = true }
  for i = 1, store.MADE_MAX + 50 do
    w.world:post { account = w.remote, text = tostring(i) }
  end
  same(#w.store.statuses - w.store.gone, store.MADE_MAX + 1)
  same(w.store:get(mine.id) == mine, true)
  w.store:remember_key("k", mine.id, 0)
  same(w.store:recall_key("k", store.IDEMPOTENCY_MS - 1), mine.id)
  same(w.store:recall_key("k", store.IDEMPOTENCY_MS), nil)
end)

case("entities are whole JSON with the keys of the recordings", function()
  local w = small_world()
  local st = w.world:post { account = w.alice, text = 'quote " and \\ and 日本', spoiler = "cw" }
  local value = json.decode(entities.status(st, w.bot, 0))
  for _, key in ipairs { "id", "created_at", "sensitive", "spoiler_text", "visibility", "language", "uri", "url",
    "replies_count", "quotes_count", "edited_at", "favourited", "muted", "filtered", "content", "reblog", "account",
    "media_attachments", "mentions", "tags", "emojis", "quote", "card", "poll", "quote_approval" } do
    same(value[key] ~= nil, true, key)
  end
  same(value.edited_at == json.null and value.reblog == json.null, true)
  same(json.decode(entities.deleted_status(st, w.bot, 0)).text, st.text)
  same(json.decode(entities.deleted_status(st, w.bot, 0)).content, nil)
  same(json.decode(entities.credential_account(w.bot)).source.privacy, "public")
end)

case("streams are resolved in the order of the real server's checks", function()
  local w = small_world()
  local full = { person = w.bot, scopes = { read = true } }
  local weak = { person = w.bot, scopes = { write = true } }
  local function answer(name, p, token)
    local list, label, words = channels.resolve(name, p or {}, token or full, w.store)
    return list and { table.concat(list, " "), label } or { label, words }
  end
  same(answer("nonsense", {}, weak), { 400, "Unknown stream type" })
  same(answer("hashtag", {}, weak), { 401, channels.SCOPES })
  same(answer("hashtag"), { 400, "Missing tag name parameter" })
  same(answer("hashtag", { tag = 5 }), { 500, "An unexpected error occurred" })
  same(answer("hashtag:local", { tag = "#CaFé" }), { "timeline:hashtag:cafe:local", '["hashtag:local","#CaFé"]' })
  same(answer("list", { list = 1 }), { "timeline:list:1", '["list",1]' })
  same(answer("list", { list = "2" }), { 401, "Not authorized to stream this list" })
  same(answer "user", { "timeline:1 timeline:1:notifications", '["user"]' })
  same(answer("user", {}, { person = w.bot, scopes = { ["read:statuses"] = true } }), { "timeline:1", '["user"]' })
end)

case("limits count in fixed windows and faults override them", function()
  local now = 1000 * limits.WINDOW_MS
  local trouble = faults.new(function() return now end)
  local rate = limits.new(function() return now end, trouble)
  rate.most = 2
  local headers, over = rate:count "a"
  same({ headers[4], over }, { "1", false })
  same(headers[6], text.time_micros(1001 * limits.WINDOW_MS))
  rate:count "a"
  same(select(2, rate:count "a"), true)
  same(select(2, rate:count "b"), false)
  now = now + limits.WINDOW_MS
  same(select(2, rate:count "a"), false)
  trouble:limit(5000)
  headers, over = rate:count "c"
  same({ over, headers[6] }, { true, text.time_micros(now + 5000) })
  now = now + 5001
  same(select(2, rate:count "c"), false)
end)

case("faults answer for a path, as often as asked", function()
  local trouble = faults.new(function() return 0 end)
  trouble:fail { path = "/api/v1/timelines", status = 502, body = "<html>", times = 2 }
  local request = { path = "/api/v1/timelines/home", method = "GET" }
  same(trouble:answer { path = "/other", method = "GET" }, nil)
  same({ trouble:answer(request).status, trouble:answer(request).content_type }, { 502, "text/html" })
  same(trouble:answer(request), nil)
  trouble:refuse(401)
  same(trouble:for_upgrade(request), { status = 401, words = "Invalid access token" })
  trouble:clear()
  same(trouble:for_upgrade(request), nil)
end)

case("durations are read as people write them", function()
  same({ timers.duration "2s", timers.duration "1h30m", timers.duration "250ms", timers.duration(1.5), timers.duration "0.5s" },
    { 2000, 5400000, 250, 1500, 500 })
  for _, bad in ipairs { "", "2", "x", "2 s", "s" } do
    same(timers.duration(bad), nil, bad)
  end
end)

case("a line of an event file is sent as its bytes stand", function()
  local w = small_world()
  w.listen("public", "timeline:public")
  local payload = '{ "id" : "7", "account":{"id":"9","acct":"x"},  "n":1.0 }'
  local play = assert(player.new({ hub = w.hub, store = w.store, clock = w.world.clock, bot = w.bot, streaming = {} }, "f",
    '{"kind":"update","stream":["public",null],"payload":' .. payload .. '}\r\n\n{"kind":"delete","payload":"7"}'))
  play.rate = 1
  same({ play:step(), play:step(), play:step() }, { true, true, false })
  same(w.sent, { { "public", "update", payload }, { "public", "delete", "7" } })
  same(w.store:get "7", nil, "deleted again")
  local _, problem = player.new({ bot = w.bot }, "f", '{"kind":"update","stream":["public"],"payload":{}}\n{"x":1}')
  same(problem:find("^f:2: ") ~= nil, true, problem)
end)

case("an imported status reads back as it came", function()
  local w = small_world()
  local raw = '{"id":"77","created_at":"2026-11-20T12:00:01.234Z","content":"<p>x</p>",'
    .. '"account":{"id":"9","acct":"e@f.example"},"tags":[{"name":"Boats"}],'
    .. '"visibility":"public","favourites_count":3,"edited_at":null}'
  local st = import.status(w.store, raw, 0)
  same({ st.ms, st.tags[1], st.favs, st.account.is_local }, { 1795176001234, "boats", 3, false })
  local value = json.decode(entities.status(st, w.bot, 0))
  same({ value.id, value.content, value.created_at, value.account.acct, value.favourites_count, value.favourited },
    { "77", "<p>x</p>", "2026-11-20T12:00:01.234Z", "e@f.example", 3, false })
  same(import.status(w.store, "null", 0), nil)
  same(import.status(w.store, '{"content":"no id"}', 0), nil)
end)

-- Shape of each make's ids, and whether two of one millisecond keep their order.
local SHAPES = {
  snowflake = { "^%d+$", 18, true },
  ulid = { "^[0-7][0-9A-HJKMNP-TV-Z]+$", 26, false },
  flake = { "^%w+$", 18, true },
  aidx = { "^[0-9a-z]+$", 16, true },
  snac = { "^%d%d%d%d%d%d%d%d%d%d[0-9a-f]+$", 42, false },
}

case("ids have the form of their make, sort by time and never come twice", function()
  for name, shape in pairs(SHAPES) do
    local serial = 0
    local make = shapes.maker(name, function(n)
      serial = (serial * 1103515245 + 12345) & 0x7fffffff
      return serial % n + 1
    end)
    local before, seen = nil, {}
    for i = 0, 400 do
      local id = make(1795224000000 + i // (shape[3] and 2 or 1) * 1000)
      same(id:match(shape[1]) and #id, shape[2], name .. " " .. id)
      same(seen[id], nil, name)
      if before then
        same(paging.older(before, id), true, name .. " " .. before .. " " .. id)
      end
      before, seen[id] = id, true
    end
  end
end)

case("every profile is whole, and an unknown one is named with all that there are", function()
  local base = profile.load("mastodon")
  for _, name in ipairs(profile.NAMES) do
    local one = profile.load(name)
    same({ type(one.version), type(one.ids), type(one.heartbeat), #one.lists }, { "string", "string", "string", 2 }, name)
    same(one == base, name == "mastodon", name)
  end
  same(profile.load("akkoma").ids, "flake", "what it is like gives the rest")
  local none, problem = profile.load("friendica")
  same(none, nil)
  same(problem:find("friendica", 1, true) ~= nil and problem:find("pleroma-old", 1, true) ~= nil, true)
end)

case("public streams leave out what the owner of the token hides, and deletes pass", function()
  local w = small_world()
  w.hub:subscribe("timeline:public", { conn = "p", label = "[]", admits = hidden.guard("public", w.bot) })
  same(hidden.guard("user", w.bot), nil)
  w.bot.domains = { ["far.example"] = true }
  w.world:post { account = w.remote, text = "from a blocked domain" }
  w.bot.ties = { [w.alice.id] = { muting = true } }
  local muted = w.world:post { account = w.alice, text = "muted" }
  w.world:delete(muted)
  same(heard(w), "p:delete")
  w.bot.domains, w.bot.ties, w.remote.ties = nil, nil, { [w.bot.id] = { blocking = true } }
  w.world:post { account = w.remote, text = "of somebody who blocked the bot" }
  same(heard(w), "p:delete")
  w.world:post { account = w.alice, text = "in English" }
  same(heard(w), "p:delete p:update")
end)

case("chosen languages leave out the others, and posts without one", function()
  local w = small_world()
  hidden.choose(w.bot, "de, fr")
  local st = w.world:post { account = w.alice, text = "in English" }
  same(hidden.from(w.bot, st), true)
  same(hidden.from(w.bot, st, false), false)
  st.language = "fr"
  same(hidden.from(w.bot, st), false)
  st.language = nil
  same(hidden.from(w.bot, st), true)
  hidden.choose(w.bot, "")
  same(hidden.from(w.bot, st), false)
end)

case("a losing stream drops each n-th update and nothing else", function()
  local w = small_world()
  w.listen("p", "timeline:public")
  w.hub.losing["timeline:public"] = { every = 2, count = 0 }
  for i = 1, 4 do
    local st = w.world:post { account = w.alice, text = "post " .. i }
    w.world:delete(st)
  end
  same(heard(w), ("p:delete "):rep(4) .. "p:update p:update")
end)

local main = {}

function main.start()
  print("1.." .. #cases)
  local failed = 0
  for i, row in ipairs(cases) do
    local fine, problem = pcall(row[2])
    print(("%sok %d - %s"):format(fine and "" or "not ", i, row[1]))
    if not fine then
      failed = failed + 1
      print("# " .. tostring(problem):gsub("\n", "\n# "))
    end
  end
  if failed > 0 then
    error(failed .. " failed", 0)
  end
end

return main
