-- SPDX-License-Identifier: MIT
-- Routes about what somebody hides from themselves: blocked and muted accounts, blocked domains.
local json = require "trusted.json"
local entities = require "practice.entities"
local paging = require "practice.paging"
local params = require "practice.params"
local rest = require "practice.rest"

-- One page of the ascending `list` with its Link header; the bounds are the server's own (protocol.md 5.3).
local function answer(ctx, list, render)
  local cursor = paging.cursor(ctx.p, 40, 80)
  local page = paging.page(list, cursor, function()
    return true
  end)
  local link = paging.link(ctx.base, ctx.request.path, ctx.p, page,
    { limit = cursor.limit, kept = { "limit" }, full_only = true })
  return 200, entities.array(page, render), link and { "Link", link }
end

local function tied(key)
  return function(ctx)
    local list = {}
    for id, tie in pairs(ctx.person.ties or {}) do
      if tie[key] and ctx.store.people[id] then
        list[#list + 1] = ctx.store.people[id]
      end
    end
    table.sort(list, function(a, b)
      return paging.older(a.id, b.id)
    end)
    return answer(ctx, list, entities.account)
  end
end

local function domains(ctx)
  local names, list = {}, {}
  for name in pairs(ctx.person.domains or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    list[i] = { id = tostring(i), name = name }
  end
  return answer(ctx, list, function(row)
    return json.quote(row.name)
  end)
end

local function set_domain(blocked)
  return function(ctx)
    local name = params.text(ctx.p.domain)
    if not name or name == "" then
      return rest.invalid "Domain can't be blank"
    end
    ctx.person.domains = ctx.person.domains or {}
    ctx.person.domains[name] = blocked
    return 200, "{}"
  end
end

return {
  { "GET", "/api/v1/blocks", tied "blocking", "read:blocks" },
  { "GET", "/api/v1/mutes", tied "muting", "read:mutes" },
  { "GET", "/api/v1/domain_blocks", domains, "read:blocks" },
  { "POST", "/api/v1/domain_blocks", set_domain(true), "write:blocks" },
  { "DELETE", "/api/v1/domain_blocks", set_domain(nil), "write:blocks" },
}
