-- SPDX-License-Identifier: MIT
-- The made-up cast: who posts here, from which server, in which language, how old the account is.
local text = require "practice.text"

local people = {}

people.DOMAIN = "practice.example" -- the instance's own; never resolved, only written
people.BASE = "https://practice.example"

local DAY = 86400000

-- name, shown name, server ("" is here), language, age in days, what is special.
-- Flags: bot, nobot, noindex, locked, list (in list 1), followed (by the bot), cats (posts cat pictures), spam.
local CAST = {
  { "alice", "Alice Weir", "", "en", 2400, "list followed" },
  { "bruno", "Bruno Kästner", "", "de", 1900, "followed cats" },
  { "chiara", "Chiara 🌿", "", "it", 800, "cats followed list" },
  { "dmitri", "Дмитрий", "", "ru", 610, "followed" },
  { "emi", "えみ 🐈", "", "ja", 1310, "cats list followed" },
  { "farida", "فريدة", "", "ar", 420, "followed" },
  { "gustavo", "Gustavo Pinheiro", "", "pt", 75, "cats" },
  { "hana", "Hana K.", "", "ja", 33, "noindex" },
  { "ines", "Inès Vauclair", "", "fr", 1220, "list" },
  { "jonas", "Jonas (er/ihm)", "", "de", 5, "" },
  { "tidebot", "Tide Table Bot 🌊", "", "en", 1500, "bot list" },
  { "weatherbot", "Wetterfrosch", "", "de", 990, "bot" },
  { "kit", "kit ⚙️", "", "en", 0, "" },
  { "lucia", "Lucía Serrano", "", "es", 260, "cats followed" },
  { "marek", "Marek 🛠", "smithy.example", "en", 1800, "followed list" },
  { "noor", "Noor", "letters.example", "ar", 930, "followed" },
  { "olga", "Ольга Петрова", "letters.example", "ru", 410, "cats" },
  { "pierre", "Pierre-Yves", "quai.example", "fr", 2100, "followed" },
  { "quinn", "Quinn of the Canal", "quai.example", "en", 1440, "nobot cats" },
  { "rosa", "Rosa M. 🏔", "montana.example", "es", 700, "followed list" },
  { "sakura", "さくら写真館", "foto.example", "ja", 1600, "cats followed" },
  { "tomas", "Tomás", "montana.example", "es", 140, "" },
  { "ulrike", "Ulrike Brandt", "foto.example", "de", 2600, "cats list followed" },
  { "vasco", "Vasco da Gata", "foto.example", "pt", 320, "cats" },
  { "wanda", "Wanda 🎹", "smithy.example", "en", 55, "locked" },
  { "xinyi", "Xinyi 心怡", "letters.example", "zh", 880, "followed" },
  { "yusuf", "Yusuf", "quai.example", "en", 1, "" },
  { "zofia", "Zofia", "smithy.example", "en", 1010, "cats followed" },
  { "newsrelay", "Harbour News (unofficial)", "relay.example", "en", 640, "bot" },
  { "trains", "Gleisanzeiger", "relay.example", "de", 1250, "bot" },
  { "birdsofday", "Bird of the Day", "foto.example", "en", 530, "bot followed" },
  { "ferry", "Ligne 7 · bac", "quai.example", "fr", 300, "bot" },
  { "poeta", "Poeta Menor", "montana.example", "pt", 1700, "followed" },
  { "old_timer", "The Old Timer", "quai.example", "en", 3300, "" },
  { "deal_anna", "Anna Best Deals", "cheap-offers.example", "en", 0, "spam" },
  { "deal_bert", "Bert Best Deals", "cheap-offers.example", "en", 0, "spam" },
  { "deal_cleo", "Cleo Best Deals", "cheap-offers.example", "en", 0, "spam" },
  { "deal_dave", "Dave Best Deals", "cheap-offers.example", "en", 0, "spam" },
  { "deal_elsa", "Elsa Best Deals", "cheap-offers.example", "en", 0, "spam" },
  { "deal_finn", "Finn Best Deals", "cheap-offers.example", "en", 0, "spam" },
}

local NOTES = {
  en = "Locks, weirs and old engines. Opinions are my own, the boat is not.",
  de = "Wasser, Holz, Züge. Mag lange Sätze und kurze Wege.",
  fr = "Les quais le matin, les livres le soir.",
  es = "Montaña, café y fotos movidas.",
  it = "Orto, bicicletta, gatti.",
  ja = "猫と写真と川の記録。日本語と少しの英語。",
  ar = "قهوة، كتب، وصور من المدينة القديمة.",
  ru = "Пишу про реки, мосты и кошек.",
  pt = "Rio, rádio e versos curtos.",
  zh = "读书，走路，拍照。",
}

local function note_html(language, flags)
  local note = "<p>" .. text.escape(NOTES[language] or NOTES.en) .. "</p>"
  if flags.nobot then
    note = note
      .. '<p><a href="https://quai.example/tags/nobot" class="mention hashtag" rel="tag">#<span>nobot</span></a></p>'
  end
  if flags.spam then
    note = "<p>Best prices every day!!! " .. text.link_html("https://cheap-offers.example/win") .. "</p>"
  end
  return note
end

-- One person as the rest of the practice instance keeps them.
function people.make(fields)
  local host = fields.domain ~= "" and fields.domain or people.DOMAIN
  local person = fields
  person.is_local = fields.domain == ""
  person.acct = person.is_local and fields.username or fields.username .. "@" .. fields.domain
  person.url = ("https://%s/@%s"):format(host, fields.username)
  person.uri = ("https://%s/users/%s"):format(host, fields.username)
  person.followers = fields.followers or 0
  person.following = fields.following or 0
  person.statuses = fields.statuses or 0
  return person
end

-- The whole cast; `now` in Unix ms gives the ages, `random(n)` the counters.
function people.cast(now, random)
  local cast = {}
  for i, row in ipairs(CAST) do
    local flags = {}
    for flag in row[6]:gmatch("%S+") do
      flags[flag] = true
    end
    local created = now - row[5] * DAY - random(3) * 3600000
    -- Accounts get an id when this server first meets them, so young ones have large ids.
    cast[i] = people.make {
      id = tostring(((created // 1000 * 1000) << 16) + i),
      username = row[1],
      display_name = row[2],
      domain = row[3],
      language = row[4],
      created = created,
      flags = flags,
      bot = flags.bot or false,
      locked = flags.locked or false,
      note = note_html(row[4], flags),
      followers = flags.spam and 0 or random(1900),
      following = flags.spam and 3 or random(600),
      statuses = row[5] * (1 + random(4)),
    }
  end
  return cast
end

-- The account that the printed token belongs to.
function people.bot(now)
  return people.make {
    id = tostring(((now - 90 * DAY) << 16) + 900),
    username = "bot",
    display_name = "Practice Bot",
    domain = "",
    language = "en",
    created = now - 90 * DAY,
    flags = {},
    bot = true,
    locked = false,
    note = "<p>The account that your plugins act as.</p>",
    followers = 12,
    following = 20,
  }
end

return people
