-- SPDX-License-Identifier: MIT
-- tusk.http: calls to the servers that the operator granted.
local core = require "moontusk.core"
local json = require "moontusk.json"
local util = require "moontusk.util"
local check = require "moontusk.check"
local request = require "moontusk.request"

local http = {}

local READING = { headers = "table", timeout = true }
local WRITING = { headers = "table", timeout = true, json = true, form = "table", body = "string" }
-- These are the connection's, not the caller's.
local OURS = {
  connection = true, ["content-length"] = true, expect = true, host = true, ["keep-alive"] = true, te = true,
  trailer = true, ["transfer-encoding"] = true, upgrade = true,
}

local function headers_of(call, given, default_type)
  local out, count, has_type = {}, 0, false
  for name, value in pairs(given or {}) do
    if type(name) ~= "string" or not string.find(name, "^[%w!#$%%&'*+.^_`|~-]+$") then
      check.fail("%s: headers: found the name %s, expected letters, digits and '-'", call, check.show(name))
    end
    local lower = string.lower(name)
    if OURS[lower] or string.find(lower, "^proxy%-") then
      check.fail("%s: headers: \"%s\" belongs to the connection and cannot be set", call, name)
    end
    if type(value) ~= "string" or value == "" or string.find(value, "%c") or not utf8.len(value) then
      check.fail("%s: headers: %s: expected one line of text", call, name) -- it may be a secret: not shown
    end
    out[name], count = value, count + 1
    has_type = has_type or lower == "content-type"
  end
  if count > util.http_headers_max then
    check.fail("%s: headers: found %d, at most %d are possible", call, count, util.http_headers_max)
  end
  if default_type and not has_type then
    out["Content-Type"] = default_type
  end
  return next(out) ~= nil and json.encode(out) or nil
end

local function body_of(call, options)
  local given = (options.json ~= nil and 1 or 0) + (options.form and 1 or 0) + (options.body and 1 or 0)
  if given > 1 then
    check.fail("%s: found more than one of json, form and body; expected one", call)
  end
  if options.json ~= nil then
    return json.encode(options.json, call .. ": json"), "application/json"
  elseif options.form then
    return request.form(call .. ": form", options.form), "application/x-www-form-urlencoded"
  end
  return options.body, options.body and "application/octet-stream"
end

-- answer.json is decoded when it is first read; nil when the body is no JSON.
local answer_meta = {
  __index = function(answer, key)
    if key ~= "json" then
      return nil
    end
    local value = json.decode(answer.body)
    rawset(answer, "json", value)
    return value
  end,
  __metatable = false,
}

local function call_with(method, known)
  local call = "tusk.http." .. string.lower(method)
  return function(url, options)
    check.type(call, "the address", url, "string")
    -- The address is not shown: it may hold a secret.
    local host = util.host(url)
    if not host then
      check.fail("%s: the address is no http or https address; expected for example \"https://hooks.example/path\"", call)
    end
    options = options or {}
    check.keys(call, options, known)
    core.require(call, "http:" .. host)
    local body, content_type = body_of(call, options)
    if body and #body > util.http_request_max then
      check.fail("%s: %d bytes to send, at most %d are possible", call, #body, util.http_request_max)
    end
    local head, answer = request.send {
      call = call, method = method, url = url, headers = headers_of(call, options.headers, content_type), body = body,
      total_ms = request.timeout(call, options.timeout),
    }
    if not head then
      return nil, answer
    end
    return setmetatable({
      status = head.status, headers = head.headers, body = answer, ok = head.status >= 200 and head.status < 300,
    }, answer_meta)
  end
end

-- Each waits.
http.get = call_with("GET", READING)
http.head = call_with("HEAD", READING)
http.post = call_with("POST", WRITING)
http.put = call_with("PUT", WRITING)
http.patch = call_with("PATCH", WRITING)
http.delete = call_with("DELETE", WRITING)

return http
