std = "lua54"
max_line_length = 150
self = false
files["lua/practice/phrases.lua"].max_line_length = false
