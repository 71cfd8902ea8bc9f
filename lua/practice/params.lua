-- SPDX-License-Identifier: MIT
-- Parameters of a request from query, form, multipart or JSON, as one table with Rails' names for nesting.
local json = require "trusted.json"

local params = {}

function params.unescape(s, plus)
  if plus then
    s = s:gsub("%+", " ")
  end
  return (s:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

-- Puts "poll[options][]" = value into `into`.poll.options[#+1].
local function put(into, name, value)
  local base, rest = name:match("^([^%[]+)(.*)$")
  if not base then
    return
  end
  local at, key = into, base
  for inner in rest:gmatch("%[([^%]]*)%]") do
    if type(at[key]) ~= "table" then
      at[key] = {}
    end
    at = at[key]
    key = inner == "" and #at + 1 or inner
  end
  at[key] = value
end

-- Adds name=value&… to `into`; `repeated`, when given, counts how often each plain name came.
function params.form(s, into, repeated)
  for pair in s:gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    name, value = params.unescape(name, true), params.unescape(value, true)
    if repeated then
      repeated[name] = (repeated[name] or 0) + 1
    end
    put(into, name, value)
  end
  return into
end

function params.multipart(body, boundary, into)
  local mark = "--" .. boundary
  local _, at = body:find(mark, 1, true)
  while at do
    local start, stop = body:find(mark, at + 1, true)
    if not start then
      break
    end
    local head, content = body:sub(at + 1, start - 1):match("^\r?\n(.-)\r?\n\r?\n(.*)\r?\n$")
    if head then
      content = content:gsub("\r$", "")
      local name = head:match('[^%a]name="([^"]*)"')
      local file = head:match('filename="([^"]*)"')
      if name and file then
        put(into, name, {
          filename = file,
          type = head:lower():match("content%-type:%s*([^\r\n;]+)"),
          size = #content,
        })
      elseif name then
        put(into, name, content)
      end
    end
    at = stop
  end
  return into
end

-- All of them; nil and a message when a JSON body is none.
function params.of(request)
  local into = params.form(request.query or "", {})
  local body = request.body or ""
  local content_type = (request.headers["content-type"] or ""):lower()
  if body == "" then
    return into
  end
  if content_type:find("application/json", 1, true) then
    local value = json.decode(body)
    if type(value) ~= "table" then
      return nil, "Error occurred while parsing request parameters"
    end
    for key, member in pairs(value) do
      if member ~= json.null then
        into[key] = member
      end
    end
  elseif content_type:find("multipart/form-data", 1, true) then
    local boundary = (request.headers["content-type"]):match('boundary="?([^";]+)')
    if boundary then
      params.multipart(body, boundary, into)
    end
  else
    params.form(body, into)
  end
  return into
end

local falsy = { ["0"] = true, f = true, F = true, ["false"] = true, FALSE = true, off = true, OFF = true, [""] = true }
-- true, false, or nil when not given (protocol.md 6.1).
function params.bool(value)
  if value == nil or value == "" or value == json.null then
    return nil
  elseif type(value) == "boolean" then
    return value
  end
  return not falsy[tostring(value)]
end

-- A list of texts from `value`: a list, a table with number-like keys, or one text.
function params.list(value)
  local out = {}
  if type(value) == "table" then
    for i = 1, #value do
      out[i] = tostring(value[i])
    end
    local i = 0
    while #value == 0 and value[tostring(i)] ~= nil do
      out[#out + 1] = tostring(value[tostring(i)])
      i = i + 1
    end
  elseif value ~= nil and value ~= "" then
    out[1] = tostring(value)
  end
  return out
end

-- A text, or nil when missing, empty or no scalar.
function params.text(value)
  if type(value) == "string" then
    return value
  elseif type(value) == "number" then
    return math.type(value) == "integer" and tostring(value) or ("%.0f"):format(value)
  end
end

-- A whole number within [least, most], or `default` (a limit above its maximum is clamped, a negative one is made positive).
function params.limit(value, default, most)
  local number = math.tointeger(tonumber(value))
  if not number then
    return default
  end
  number = math.abs(number)
  if number == 0 then
    return default
  end
  return math.min(number, most)
end

return params
