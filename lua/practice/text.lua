-- SPDX-License-Identifier: MIT
-- Plain text to the HTML that Mastodon makes of it, hashtag names to the form that they are found by, and lengths.
local text = {}

local LINK_SHOWN = 30 -- code points of a link that are visible; the rest hides in a span

local escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
function text.escape(s)
  return (s:gsub('[&<>"]', escapes))
end

-- Latin letters that fold to ASCII in hashtag names (protocol.md 1.1); runs of code points, one letter each.
local folded = {}
local function fold(letters, into)
  for _, code in utf8.codes(letters) do
    folded[code] = into
  end
end
fold("àáâãäåāăąÀÁÂÃÄÅĀĂĄ", "a")
fold("çćĉċčÇĆĈĊČ", "c")
fold("ďđðĎĐÐ", "d")
fold("èéêëēĕėęěÈÉÊËĒĔĖĘĚ", "e")
fold("ĝğġģĜĞĠĢ", "g")
fold("ĥħĤĦ", "h")
fold("ìíîïĩīĭįıÌÍÎÏĨĪĬĮİ", "i")
fold("ĵĴ", "j")
fold("ķĶ", "k")
fold("ĺļľŀłĹĻĽĿŁ", "l")
fold("ñńņňÑŃŅŇ", "n")
fold("òóôõöøōŏőÒÓÔÕÖØŌŎŐ", "o")
fold("ŕŗřŔŖŘ", "r")
fold("śŝşšŚŜŞŠ", "s")
fold("ţťŧŢŤŦ", "t")
fold("ùúûüũūŭůűųÙÚÛÜŨŪŬŮŰŲ", "u")
fold("ŵŴ", "w")
fold("ýÿŷÝŸŶ", "y")
fold("źżžŹŻŽ", "z")

local function lower(code)
  if code >= 0x410 and code <= 0x42F then -- Cyrillic
    return code + 32
  elseif code >= 0x400 and code <= 0x40F then
    return code + 80
  elseif code >= 0x391 and code <= 0x3A9 then -- Greek
    return code + 32
  end
  return code
end

-- Code points above ASCII that are no part of a hashtag: punctuation, symbols, emoji.
local function breaks_tag(code)
  return (code >= 0x80 and code <= 0xBF and code ~= 0xAA and code ~= 0xB5 and code ~= 0xB7 and code ~= 0xBA)
    or code == 0xD7
    or code == 0xF7
    or code == 0x60C
    or code == 0x61B
    or code == 0x61F
    or (code >= 0x2000 and code <= 0x206F and code ~= 0x200C)
    or (code >= 0x2190 and code <= 0x2BFF)
    or (code >= 0x3000 and code <= 0x3004)
    or (code >= 0x3008 and code <= 0x303F)
    or (code >= 0xFF00 and code <= 0xFF0F)
    or (code >= 0xFF1A and code <= 0xFF20)
    or (code >= 0xFE00 and code <= 0xFE0F)
    or code >= 0x1F000
end

local function is_tag_code(code)
  if code < 0x80 then
    return (code >= 48 and code <= 57) or (code >= 65 and code <= 90) or code == 95 or (code >= 97 and code <= 122)
  end
  return not breaks_tag(code)
end

-- The name that a hashtag is stored and streamed under; "" when nothing of it is left.
function text.tag_name(name)
  local out = {}
  if not utf8.len(name) then
    return ""
  end
  for _, code in utf8.codes(name) do
    if code >= 0xFF01 and code <= 0xFF5E then -- full-width ASCII
      code = code - 0xFEE0
    end
    if folded[code] then
      out[#out + 1] = folded[code]
    elseif code < 0x80 then
      if is_tag_code(code) then
        out[#out + 1] = string.char(code):lower()
      end
    elseif not breaks_tag(code) then
      out[#out + 1] = utf8.char(lower(code))
    end
  end
  return table.concat(out)
end

-- The hashtag at byte `at` (behind the '#'): its end, or nil. A number alone is none.
local function tag_end(s, at)
  local stop, letters = at, false
  while stop <= #s do
    local code = utf8.codepoint(s, stop)
    if not is_tag_code(code) then
      break
    end
    letters = letters or code > 57
    stop = stop + #utf8.char(code)
  end
  return letters and stop - 1 or nil
end

local function link_html(url)
  local scheme, rest = url:match("^(https?://)(.*)$")
  local shown = rest
  local hidden = ""
  if utf8.len(rest) and utf8.len(rest) > LINK_SHOWN then
    local cut = utf8.offset(rest, LINK_SHOWN + 1)
    shown, hidden = rest:sub(1, cut - 1), rest:sub(cut)
  end
  return ('<a href="%s" target="_blank" rel="nofollow noopener" translate="no">'
    .. '<span class="invisible">%s</span><span class="%s">%s</span><span class="invisible">%s</span></a>'):format(
    text.escape(url),
    scheme,
    hidden ~= "" and "ellipsis" or "",
    text.escape(shown),
    text.escape(hidden)
  )
end
text.link_html = link_html

function text.mention_html(person)
  return ('<span class="h-card" translate="no"><a href="%s" class="u-url mention">@<span>%s</span></a></span>'):format(
    person.url,
    person.username
  )
end

-- Reads what stands at byte `at` of `s`: kind, end, value; nil for plain text.
local function special(s, at)
  local char = s:byte(at)
  if char == 35 then -- '#'
    local stop = tag_end(s, at + 1)
    if stop then
      return "tag", stop, s:sub(at + 1, stop)
    end
  elseif char == 64 then -- '@'
    local name, host = s:match("^@([%w_]+)@([%w%.%-]+[%w])", at)
    if name then
      return "mention", at + #name + #host + 1, name .. "@" .. host
    end
    name = s:match("^@([%w_]+)", at)
    if name then
      return "mention", at + #name, name
    end
  elseif char == 104 then -- 'h'
    local url = s:match("^https?://[^%s<>\"]+", at)
    if url then
      url = url:gsub("[%.,;:!%?%)]+$", "")
      return "link", at + #url - 1, url
    end
  end
end

-- Calls each(kind, value, raw) for every piece of `s`: "text", "tag", "mention" (without the '@'), "link".
local function pieces(s, each)
  local at, plain = 1, 1
  while at <= #s do
    local next_at = s:find("[#@h]", at)
    if not next_at then
      break
    end
    local before = next_at > 1 and s:byte(next_at - 1)
    local word = before
      and (before == 95 or (before >= 48 and before <= 57) or (before >= 65 and before <= 90)
        or (before >= 97 and before <= 122) or before == 47)
    local kind, stop, value
    if not word then
      kind, stop, value = special(s, next_at)
    end
    if kind then
      if next_at > plain then
        each("text", s:sub(plain, next_at - 1))
      end
      each(kind, value, s:sub(next_at, stop))
      at, plain = stop + 1, stop + 1
    else
      at = next_at + 1
    end
  end
  if plain <= #s then
    each("text", s:sub(plain))
  end
end

-- html, tags (names in order, each once), mentions (people in order, each once).
-- `find(acct)` gives the person or nil; `base` is the instance's address.
function text.render(s, base, find)
  local out, tags, mentions, seen = {}, {}, {}, {}
  s = s:gsub("\r\n?", "\n"):gsub("^%s+", ""):gsub("%s+$", "")
  pieces(s, function(kind, value, raw)
    if kind == "tag" then
      local name = text.tag_name(value)
      out[#out + 1] = ('<a href="%s/tags/%s" class="mention hashtag" rel="tag">#<span>%s</span></a>'):format(
        base, name, text.escape(value))
      if not seen["#" .. name] then
        seen["#" .. name] = true
        tags[#tags + 1] = name
      end
    elseif kind == "mention" then
      local person = find(value)
      if person then
        out[#out + 1] = text.mention_html(person)
        if not seen[person] then
          seen[person] = true
          mentions[#mentions + 1] = person
        end
      else
        out[#out + 1] = text.escape(raw)
      end
    elseif kind == "link" then
      out[#out + 1] = link_html(value)
    else
      out[#out + 1] = text.escape(value):gsub("\n\n+", "</p><p>"):gsub("\n", "<br />")
    end
  end)
  local html = table.concat(out)
  return html == "" and "" or "<p>" .. html .. "</p>", tags, mentions
end

-- Length as Mastodon counts it: code points, links as 23, remote mentions as their name (protocol.md 6.2).
function text.length(s)
  local total = 0
  pieces(s, function(kind, value, raw)
    if kind == "link" then
      total = total + 23
    elseif kind == "mention" then
      total = total + 1 + #value:match("^[^@]+")
    else
      raw = raw or value
      total = total + (utf8.len(raw) or #raw)
    end
  end)
  return total
end

-- "2026-11-20T12:00:02.000Z"
function text.time(ms)
  return os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000) .. (".%03dZ"):format(ms % 1000)
end

function text.date(ms)
  return os.date("!%Y-%m-%d", ms // 1000)
end

-- "Sat, 21 Nov 2026 01:31:36 GMT"
function text.http_date(ms)
  return os.date("!%a, %d %b %Y %H:%M:%S GMT", ms // 1000)
end

-- "X-RateLimit-Reset": six fractional digits (protocol.md 7).
function text.time_micros(ms)
  return os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000) .. (".%03d000Z"):format(ms % 1000)
end

return text
