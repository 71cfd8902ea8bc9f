/* SPDX-License-Identifier: MIT */
/* tusk.text: what people see of HTML, and the form in which words are compared. */
#include <string.h>

#include <lauxlib.h>

#include "fold.h"
#include "lua_util.h"
#include "plugin_internal.h"
#include "visible.h"

/* visible(html) -> text */
static int
text_visible(lua_State *L)
{
	struct str html = lua_check_str(L, 1);
	if (html.len > VIEW_TEXT_MAX)
		return lua_state_fail(L, "tusk.text.visible: %zu bytes, at most %d are possible",
			html.len, (int)VIEW_TEXT_MAX);
	struct buf *out = lua_push_buf(L, 3 * html.len + 16);
	visible_text(html, out);
	lua_buf_result(L, out, "tusk.text.visible");
	return 1;
}

/* Each link as (class, length, bytes): the callback may not touch Lua, which might raise across visible_links. */
struct link_record {
	size_t len;
	enum link_class class;
};

static void
on_link(void *data, struct str href, enum link_class class)
{
	struct link_record record = {href.len, class};
	(void)buf_add(data, &record, sizeof(record));
	(void)buf_add_str(data, href);
}

/* links(html [, all]) -> list of addresses; with `all` those of mentions and hashtags too */
static int
text_links(lua_State *L)
{
	struct str html = lua_check_str(L, 1);
	bool all = lua_toboolean(L, 2);
	if (html.len > VIEW_TEXT_MAX)
		return lua_state_fail(L, "tusk.text.links: %zu bytes, at most %d are possible",
			html.len, (int)VIEW_TEXT_MAX);
	struct buf *records = lua_push_buf(L, 16 * html.len + 64);
	visible_links(html, on_link, records);
	struct str rest = buf_str(records);
	lua_newtable(L);
	lua_Integer count = 0;
	while (rest.len >= sizeof(struct link_record)) {
		struct link_record record;
		memcpy(&record, rest.ptr, sizeof(record));
		rest.ptr += sizeof(record);
		if (all || record.class == LINK_PLAIN) {
			lua_pushlstring(L, rest.ptr, record.len);
			lua_rawseti(L, -2, ++count);
		}
		rest.ptr += record.len;
		rest.len -= sizeof(record) + record.len;
	}
	return 1;
}

/* fold(text) -> text */
static int
text_fold(lua_State *L)
{
	struct str text = lua_check_str(L, 1);
	struct fold fold = {0};
	if (text.len > VIEW_TEXT_MAX)
		return lua_state_fail(L, "tusk.text.fold: %zu bytes, at most %d are possible",
			text.len, (int)VIEW_TEXT_MAX);
	if (!str_is_utf8(text))
		return lua_state_fail(L, "tusk.text.fold: the text is not valid UTF-8");
	/* a compatibility character of three bytes may become eighteen letters */
	size_t max = 12 * text.len + 16;
	struct buf *out = lua_push_buf(L, max);
	fold_text(&fold, text, max, NULL);
	(void)buf_add(out, fold.ptr, fold.text_len);
	fold_finish(&fold);
	lua_buf_result(L, out, "tusk.text.fold");
	return 1;
}

static const luaL_Reg functions[] = {
	{"fold", text_fold},
	{"links", text_links},
	{"visible", text_visible},
	{NULL, NULL},
};

int
lua_text_open(lua_State *L)
{
	luaL_newlib(L, functions);
	return 1;
}
