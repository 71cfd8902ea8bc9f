-- SPDX-License-Identifier: MIT
-- Which server software the practice instance passes itself off as: finds a profile by name, Mastodon's words for the rest.
local mastodon = require "practice.profiles.mastodon"

local profile = {}

profile.NAMES = { "mastodon", "gotosocial", "pleroma", "akkoma", "iceshrimp", "glitch", "fedibird", "pleroma-old", "none" }

-- What a profile does not name is as the one that it is `like` has it, or Mastodon's.
local function complete(chosen)
  if chosen ~= mastodon and not getmetatable(chosen) then
    setmetatable(chosen, { __index = complete(chosen.like or mastodon) })
  end
  return chosen
end

-- The profile; nil and what is wrong.
function profile.load(name)
  for _, known in ipairs(profile.NAMES) do
    if known == name then
      return complete(require("practice.profiles." .. name:gsub("-", "_")))
    end
  end
  return nil, ('there is no profile "%s"; there are %s'):format(name, table.concat(profile.NAMES, ", "))
end

return profile
