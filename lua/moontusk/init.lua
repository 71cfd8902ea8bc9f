-- SPDX-License-Identifier: MIT
-- What `require "moontusk"` returns.
return {}
