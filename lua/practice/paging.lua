-- SPDX-License-Identifier: MIT
-- Pages by id as Mastodon cuts them (max_id, since_id, min_id, limit) and the Link header that leads on.
local params = require "practice.params"

local paging = {}

-- True when id `a` is older than `b`: shorter first, then by bytes (protocol.md 5.4).
local function older(a, b)
  if #a ~= #b then
    return #a < #b
  end
  return a < b
end
paging.older = older

-- Index of the first item of the ascending list whose id is not older than `id`.
local function lower_bound(list, id)
  local low, high = 1, #list + 1
  while low < high do
    local middle = (low + high) // 2
    if older(list[middle].id, id) then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end
paging.lower_bound = lower_bound

-- Puts an item where its id belongs; mostly that is the end.
function paging.insert(list, item)
  local last = list[#list]
  if not last or older(last.id, item.id) then
    list[#list + 1] = item
    return
  end
  table.insert(list, lower_bound(list, item.id), item)
end

-- The bounds that a request asks for. `no_min_id`: as a server that takes min_id for since_id (protocol.md 5.3).
function paging.cursor(p, default, most, no_min_id)
  local cursor = {
    max_id = params.text(p.max_id),
    since_id = params.text(p.since_id),
    min_id = params.text(p.min_id),
    limit = params.limit(p.limit, default, most),
  }
  if no_min_id and cursor.min_id then
    cursor.since_id, cursor.min_id = cursor.min_id, nil
  end
  return cursor
end

-- One page, newest first, of the ascending `list`; `wanted(item)` picks.
-- All bounds are exclusive; min_id gives the page right above it, since_id the newest one.
function paging.page(list, cursor, wanted)
  local out = {}
  local top = #list
  if cursor.max_id and cursor.max_id ~= "" then
    top = lower_bound(list, cursor.max_id) - 1
  end
  local min_id = cursor.min_id ~= "" and cursor.min_id or nil
  local since_id = cursor.since_id ~= "" and cursor.since_id or nil
  local bottom = 1
  local floor = min_id or since_id
  if floor then
    bottom = lower_bound(list, floor)
    if list[bottom] and list[bottom].id == floor then
      bottom = bottom + 1
    end
  end
  if min_id then
    local ascending = {}
    for i = bottom, top do
      if wanted(list[i]) then
        ascending[#ascending + 1] = list[i]
        if #ascending == cursor.limit then
          break
        end
      end
    end
    for i = #ascending, 1, -1 do
      out[#out + 1] = ascending[i]
    end
    return out
  end
  for i = top, bottom, -1 do
    if wanted(list[i]) then
      out[#out + 1] = list[i]
      if #out == cursor.limit then
        break
      end
    end
  end
  return out
end

-- The Link header for a page, or nil when it is empty. `kept`: names of parameters that its URLs repeat.
-- `full_only`: leave out rel="next" on a short page (accounts, conversations). `id_of`: an item's cursor.
function paging.link(base, path, p, page, options)
  if #page == 0 then
    return nil
  end
  local id_of = options.id_of or function(item)
    return item.id
  end
  local query = {}
  for _, name in ipairs(options.kept or {}) do
    local value = params.text(p[name])
    if type(p[name]) == "boolean" then
      value = tostring(p[name])
    end
    if value then
      query[#query + 1] = name .. "=" .. value:gsub("[^%w%-%._~]", function(c)
        return ("%%%02X"):format(c:byte())
      end)
    end
  end
  query[#query + 1] = ""
  local stem = base .. path .. "?" .. table.concat(query, "&")
  local links = {}
  if not options.full_only or #page >= options.limit then
    links[1] = ('<%smax_id=%s>; rel="next"'):format(stem, id_of(page[#page]))
  end
  links[#links + 1] = ('<%smin_id=%s>; rel="prev"'):format(stem, id_of(page[1]))
  return table.concat(links, ", ")
end

return paging
