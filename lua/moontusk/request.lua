-- SPDX-License-Identifier: MIT
-- What tusk.api and tusk.http share: query texts, the request that a task waits for, and its answer.
local wait = require "moontusk.wait"
local handle = require "moontusk.handle"
local json = require "moontusk.json"
local util = require "moontusk.util"
local check = require "moontusk.check"

local request = {}

local function pair(out, name, value)
  out[#out + 1] = util.url_encode(name) .. "=" .. util.url_encode(tostring(value))
end

local function is_plain(value)
  local kind = type(value)
  return kind == "string" or kind == "boolean" or math.type(value) == "integer"
end

-- { limit = 40, types = { "a", "b" } } -> "limit=40&types[]=a&types[]=b", names sorted; "" for nil.
function request.form(call, params)
  if params == nil then
    return ""
  end
  check.type(call, "the parameters", params, "table")
  local names, out = {}, {}
  for name in pairs(params) do
    if type(name) ~= "string" then
      check.fail("%s: found a list element among the parameters, expected names: { limit = 40 }", call)
    end
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = params[name]
    if is_plain(value) then
      pair(out, name, value)
    elseif type(value) == "table" then
      for index, item in ipairs(value) do
        if not is_plain(item) then
          check.fail("%s: %s[%d]: found %s, expected a text, a whole number or a boolean", call, name, index,
            check.show(item))
        end
        pair(out, name .. "[]", item)
      end
    else
      check.fail("%s: %s: found %s, expected a text, a whole number, a boolean or a list of these", call, name,
        check.show(value))
    end
  end
  return table.concat(out, "&")
end

-- Waits. -> { status, headers, next }, body | nil, problem
function request.send(fields)
  local answer = wait.request(fields)
  local stop = string.find(answer, "\n", 1, true)
  local head, problem = handle.read(stop and string.sub(answer, 1, stop - 1) or answer)
  if not head then
    return nil, problem
  end
  return head, stop and string.sub(answer, stop + 1) or ""
end

-- A number of seconds or a text such as "5s", in milliseconds; nil for nil.
function request.timeout(call, value)
  if value == nil then
    return nil
  end
  local ms = type(value) == "number" and math.floor(value * 1000) or util.duration(value)
  if not ms or ms < 1 or ms > util.http_total_ms then
    check.fail("%s: timeout: found %s, expected a time of at most %d seconds such as \"10s\"", call, check.show(value),
      util.http_total_ms // 1000)
  end
  return ms
end

-- Numbers under "id" and "..._id" become texts, as everywhere: not every server writes texts.
local function id_texts(value)
  for key, item in pairs(value) do
    if type(item) == "table" then
      id_texts(item)
    elseif math.type(item) == "integer" and type(key) == "string" and (key == "id" or string.sub(key, -3) == "_id") then
      value[key] = tostring(item)
    end
  end
end

-- The value of a JSON text -> value | nil, message
function request.decode(body)
  local value, message = json.decode(body)
  if type(value) == "table" then
    id_texts(value)
  end
  return value, message
end

return request
