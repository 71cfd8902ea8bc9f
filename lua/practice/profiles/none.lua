-- SPDX-License-Identifier: MIT
-- Profile: a server without streams, as snac2 was measured (protocol.md 9.2b); Mitra, Takahe and Pixelfed have none either.
local HTML = "text/html; charset=utf-8"

local function say_error(status, _, request)
  if status == 401 and request.path == "/api/v1/accounts/verify_credentials" then
    return 422, "", HTML
  elseif status == 404 then
    return 404, "<h1>404 Not Found</h1>", HTML
  end
  return status, "", HTML
end

local PAGE = { 404, HTML, "<h1>404 Not Found</h1>" }

return {
  version = "4.0.0 (not true; really snac/2.75)",
  api_version = false,
  instance_v2 = false,
  urls_v1 = "{}",
  max_characters = 10000,

  ids = "snac",
  keeps_keys = false,
  absent = { ["DELETE /api/v1/statuses/:id"] = true },
  say_error = say_error,

  sockets = { tokens = {}, refusals = { plain = PAGE, path = PAGE } },
}
