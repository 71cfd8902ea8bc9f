-- SPDX-License-Identifier: MIT
-- What the owner of a token does not get to see on public streams and timelines: by languages, blocks, mutes and domains.
local hidden = {}

local function tie(person, other)
  return person.ties and person.ties[other.id] or {}
end

local function shut_out(person, other)
  local mine = tie(person, other)
  return mine.blocking or mine.muting
end

-- Of a status, for somebody; `languages` false: the chosen languages do not count, as on the REST timeline of a tag.
function hidden.from(person, st, languages)
  if not person or st.account == person then
    return false
  elseif languages ~= false and person.languages and not (st.language and person.languages[st.language]) then
    return true -- since 4.4 a post without language is hidden, too (protocol.md 4.1)
  elseif shut_out(person, st.account) or tie(st.account, person).blocking then
    return true
  end
  for _, other in ipairs(st.mentions) do
    if other ~= person and shut_out(person, other) then
      return true
    end
  end
  return person.domains ~= nil and st.account.domain ~= "" and person.domains[st.account.domain] == true
end

-- For a subscription of the stream `name`: a function that says false when it is spared an event. Deletes pass whatever they
-- are about. nil for streams that are made for one account.
function hidden.guard(name, person)
  if not name:find("^public") and not name:find("^hashtag") then
    return nil
  end
  return function(event, st)
    return (event ~= "update" and event ~= "status.update") or not hidden.from(person, st)
  end
end

-- "de,en" chooses languages, "" all.
function hidden.choose(person, languages)
  person.languages = nil
  for code in languages:gmatch("[^,%s]+") do
    person.languages = person.languages or {}
    person.languages[code] = true
  end
end

return hidden
