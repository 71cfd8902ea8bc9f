/* SPDX-License-Identifier: MIT */
/* What a plugin hands over to its next self: the value of tusk.on_save. */
#include <stdio.h>

#include "plugin_internal.h"

struct handover {
	struct buf *out;
	struct str text;
	const char *version;
};

static void
save(lua_State *L, void *data)
{
	struct handover *handover = data;
	struct str text;
	lua_state_require(L, "moontusk.handover");
	lua_getfield(L, -1, "save");
	lua_call(L, 0, 1);
	text.ptr = lua_tolstring(L, -1, &text.len);
	if (text.ptr)
		buf_add_str(handover->out, text);
}

bool
plugin_save(struct plugin *plugin, struct buf *out, struct plugin_error *error)
{
	struct handover handover = {.out = out};
	if (!plugin->hands_over)
		return true;
	if (!lua_state_call(plugin->lua, save, &handover, error->text))
		return false;
	if (out->err == ERR_OK)
		return true;
	snprintf(error->text, sizeof(error->text),
		"the value of tusk.on_save is longer than %zu bytes as JSON; keep it in tusk.store",
		out->max);
	return false;
}

static void
take_over(lua_State *L, void *data)
{
	const struct handover *handover = data;
	lua_state_require(L, "moontusk.handover");
	lua_getfield(L, -1, "restore");
	lua_pushlstring(L, handover->text.ptr, handover->text.len);
	lua_pushstring(L, handover->version);
	lua_call(L, 2, 0);
}

bool
plugin_take_over(
	struct plugin *plugin, struct str saved, const char *version, struct plugin_error *error)
{
	struct handover handover = {.text = saved, .version = version};
	return !plugin->hands_over ||
	       lua_state_call(plugin->lua, take_over, &handover, error->text);
}
