-- SPDX-License-Identifier: MIT
-- Profile: glitch-soc (protocol.md 9.1): Mastodon, with local-only posts and posts on the direct stream.
local LOCAL_ONLY = "👁" -- what a post ends with that stays on its server

return {
  version = "4.5.15+glitch",
  max_characters = 500,
  direct_posts = true,

  streams = {
    ["public:allow_local_only"] = { scope = "read:statuses", public = ":allow_local_only" },
    ["public:allow_local_only:media"] = { scope = "read:statuses", public = ":allow_local_only:media" },
  },
  allow_local_only = true, -- ?allow_local_only= on /api/v1/streaming/public

  on_post = function(st)
    st.local_only = st.account.is_local and st.text:sub(-#LOCAL_ONLY) == LOCAL_ONLY
    st.more = ',"local_only":' .. tostring(st.local_only)
  end,

  -- `public` leaves local-only posts out; the local streams and those that ask for them have them.
  more_channels = function(st, list)
    for i = #list, 1, -1 do
      local media = list[i]:match("^timeline:public(:?m?e?d?i?a?)$")
      if media == "" or media == ":media" then
        list[#list + 1] = "timeline:public:allow_local_only" .. media
        if st.local_only then
          table.remove(list, i)
        end
      end
    end
  end,
}
