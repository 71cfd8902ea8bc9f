-- SPDX-License-Identifier: MIT
-- Tests of tusk.text, the parts of tusk that are loaded when first used, and what a plugin cannot reach.
local tusk = require "moontusk"

local html = [[<p>Look <a href="https://a.example/?x=1&amp;y=2" rel="nofollow"><span class="invisible">https://</span>]]
  .. [[<span class="ellipsis">a.example</span><span class="invisible">/?x</span></a><br>at ]]
  .. [[<a href="https://s.example/tags/cats" class="mention hashtag" rel="tag">#<span>cats</span></a> ]]
  .. [[<span class="h-card"><a href="https://s.example/@ann" class="u-url mention">@<span>ann</span></a></span></p>]]

tusk.on("update", function(status)
  assert(tusk.text.visible(html) == "Look a.example…\nat #cats @ann", tusk.text.visible(html))
  local links = tusk.text.links(html)
  assert(#links == 1 and links[1] == "https://a.example/?x=1&y=2", links[1])
  assert(#tusk.text.links(html, true) == 3)
  assert(#tusk.text.links("no links") == 0 and tusk.text.visible("") == "")

  assert(tusk.json == tusk.json and tusk.log == tusk.log and tusk.store == tusk.store)
  tusk.json.encode = nil -- its own copy: the library does not notice
  tusk.store.x = { 1 }
  rawset(string, "format", error)
  rawset(string, "find", error)
  rawset(table, "concat", error)
  status:reply("still works")

  for _, name in ipairs { "io", "debug", "package", "dofile", "loadfile" } do
    assert(_G[name] == nil, name)
  end
  assert(not pcall(require, "moontusk.effect") and not pcall(require, "moontusk.core"))
  assert(getmetatable(tusk) == false and getmetatable(tusk.store) == false)
  local env = load("return _ENV", "=lua/moontusk/x.lua")()
  assert(env == _G and env.require == require)
  -- Nothing that the library hands to a plugin leads to its modules.
  for _, value in pairs(status) do
    assert(type(value) ~= "function")
  end
end)
