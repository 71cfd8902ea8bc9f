-- SPDX-License-Identifier: MIT
-- tusk.text: what people see of HTML, and the form in which words are compared.
local text_c = require "moontusk.text_c"

return { visible = text_c.visible, links = text_c.links, fold = text_c.fold }
