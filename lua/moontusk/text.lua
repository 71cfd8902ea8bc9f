-- SPDX-License-Identifier: MIT
-- tusk.text: what people see of HTML.
local text_c = require "moontusk.text_c"
local check = require "moontusk.check"

local text = { visible = text_c.visible, links = text_c.links }

function text.fold()
  check.fail("tusk.text.fold comes with the match engine; in a match table, words = { ... } ignores case already")
end

return text
