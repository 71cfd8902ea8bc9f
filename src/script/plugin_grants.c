/* SPDX-License-Identifier: MIT */
/* Who may do what: what a plugin declares, what the operator grants, and the words when something is missing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "address.h"
#include "lua_util.h"
#include "permission.h"
#include "plugin_internal.h"
#include "url.h"
#include "xmalloc.h"

/* The address in an option is the operator's word that the plugin may send there: "https://…", "discord:https://…". */
static void
add_host(struct plugin *plugin, struct str text)
{
	const char *start = text.len ? memmem(text.ptr, text.len, "http", 4) : NULL;
	if (!start)
		return;
	struct str address = {start, text.len - (size_t)(start - text.ptr)};
	struct url url;
	char permission[300];
	if (!url_parse(address, &url))
		return;
	lua_host_text(&url, permission, sizeof(permission));
	url_finish(&url);
	char *full = xasprintf("http:%s", permission);
	if (!text_list_has(&plugin->hosts, full))
		text_list_add(&plugin->hosts, str_from(full));
	free(full);
}

void
grants_add_hosts(struct plugin *plugin, struct json_value value)
{
	enum json_type type = json_type(value);
	if (type == JSON_STRING)
		add_host(plugin, json_str(value));
	if (type != JSON_ARRAY && type != JSON_OBJECT)
		return;
	struct json_iter iter = json_iter(value);
	while (json_next(&iter))
		grants_add_hosts(plugin, iter.value);
}

bool
grants_read(struct plugin *plugin, struct str text, struct plugin_error *error)
{
	struct json_doc *doc = NULL;
	struct json_error json_error = {0};
	if (!text.len)
		return true;
	bool ok = json_parse(plugin->parser, text, &doc, &json_error) == ERR_OK &&
		  json_type(json_root(doc)) == JSON_ARRAY;
	struct json_iter iter = json_iter(ok ? json_root(doc) : (struct json_value){0});
	while (ok && json_next(&iter)) {
		struct str permission = json_str(iter.value);
		ok = permission.ptr != NULL;
		if (ok)
			text_list_add(&plugin->allowed, permission);
	}
	if (!ok)
		snprintf(error->text, sizeof(error->text),
			"plugin %s: allow is a list of texts, for example { \"http:hooks.example\" }",
			plugin->name);
	json_doc_destroy(doc);
	return ok;
}

/* Is a host among the entries of a list that start with `prefix`? */
static bool
list_has_host(const struct text_list *list, const char *prefix, const char *host, unsigned port)
{
	for (unsigned i = 0; i < list->count; i++) {
		if (permission_is_for(list->list[i], prefix, host, port))
			return true;
	}
	return false;
}

static bool
may_call(const struct plugin *plugin, const char *host, unsigned port)
{
	if (list_has_host(&plugin->hosts, "http:", host, port))
		return true;
	return list_has_host(&plugin->declared, "http:", host, port) &&
	       (plugin->as_declared || list_has_host(&plugin->allowed, "http:", host, port));
}

/* "http:HOST[:PORT]" as an address; `*either`: the port of http or of https is meant. */
static bool
parse_http(const char *permission, struct url *url, bool *either)
{
	char *text = xasprintf("http://%s/", permission + strlen("http:"));
	bool ok = url_parse(str_from(text), url);
	free(text);
	*either = ok && url->default_port;
	return ok;
}

bool
plugin_may(const struct plugin *plugin, const char *permission)
{
	const struct permission *row = permission_find(str_from(permission));
	if (row && row->is_default)
		return true;
	if (row && row->has_host && !row->is_operators) {
		struct url url;
		bool either;
		if (!parse_http(permission, &url, &either))
			return false;
		bool may = may_call(plugin, url.host, url.port) ||
			   (either && may_call(plugin, url.host, 443));
		url_finish(&url);
		return may;
	}
	bool declared = text_list_has(&plugin->declared, permission);
	bool allowed = text_list_has(&plugin->allowed, permission);
	/* What becomes of private posts is the operator's word alone: a plugin need not know. */
	if (row && row->is_operators)
		return allowed || (declared && plugin->as_declared && !row->has_host);
	return declared && (allowed || plugin->as_declared);
}

enum http_reach
plugin_reach(const struct plugin *plugin, const struct url *to)
{
	if (!may_call(plugin, to->host, to->port))
		return HTTP_REACH_NONE;
	if (list_has_host(&plugin->hosts, "http:", to->host, to->port) ||
		list_has_host(&plugin->allowed, "private:", to->host, to->port) ||
		address_name_is_local(to->host))
		return HTTP_REACH_ANY;
	return HTTP_REACH_PUBLIC;
}

/* Is a permission in the list, by name or, for hosts, by meaning? */
static bool
is_listed(const struct text_list *list, const char *permission)
{
	struct url url;
	bool either, found = text_list_has(list, permission);
	if (found || !str_starts(str_from(permission), "http:") ||
		!parse_http(permission, &url, &either))
		return found;
	found = list_has_host(list, "http:", url.host, url.port) ||
		(either && list_has_host(list, "http:", url.host, 443));
	url_finish(&url);
	return found;
}

static void
add_allow_words(const struct plugin *plugin, const char *permission, struct buf *out)
{
	if (plugin->config_file)
		buf_printf(out, "add \"%s\" to allow = { … } of the plugin \"%s\" in %s",
			permission, plugin->name, plugin->config_file);
	else
		buf_printf(out, "add \"%s\" to allow = { … } of the plugin \"%s\" in a config file",
			permission, plugin->name);
}

void
grants_require(lua_State *L, const char *call, const char *permission)
{
	struct plugin *plugin = plugin_of(L);
	if (plugin_may(plugin, permission))
		return;
	bool declared = is_listed(&plugin->declared, permission);
	bool allowed = is_listed(&plugin->allowed, permission);
	struct buf *out = lua_push_buf(L, PLUGIN_ERROR_MAX);
	buf_printf(out, "%s needs the permission \"%s\": ", call, permission);
	if (!declared && plugin->header_line)
		buf_printf(out, "add \"%s\" to permissions in tusk.plugin { … } (%s:%d)",
			permission, plugin->file, plugin->header_line);
	else if (!declared)
		buf_printf(out, "add tusk.plugin { permissions = { \"%s\" } } to %s", permission,
			plugin->file);
	if (!allowed && !plugin->as_declared) {
		buf_add_text(out, declared ? "the operator has not granted it: " : ", and ");
		add_allow_words(plugin, permission, out);
	}
	lua_state_fail(L, "%s", out->err == ERR_OK ? out->ptr : call);
}

static void
tell_declared(const struct plugin *plugin, const char *permission, struct buf *out)
{
	if (plugin_may(plugin, permission))
		return;
	buf_printf(out, "%s:%d declares \"%s\", which is not granted: what needs it will fail; ",
		plugin->file, plugin->header_line, permission);
	add_allow_words(plugin, permission, out);
}

static void
tell_allowed(const struct plugin *plugin, const char *permission, struct buf *out)
{
	const struct permission *row = permission_find(str_from(permission));
	const char *near = permission_suggest(str_from(permission));
	const char *where = plugin->config_file ? plugin->config_file : "the config";
	if (!row && str_starts(str_from(permission), "http:"))
		buf_printf(out,
			"%s: allow of the plugin \"%s\" names \"%s\"; expected \"http:HOST\" or \"http:HOST:PORT\"",
			where, plugin->name, permission);
	else if (!row)
		buf_printf(out,
			"%s: allow of the plugin \"%s\" names \"%s\", and there is no such permission%s%s%s",
			where, plugin->name, permission, near ? "; did you mean \"" : "",
			near ? near : "", near ? "\"?" : "");
	else if (row->is_default)
		buf_printf(out,
			"%s: allow of the plugin \"%s\" names \"%s\", which every plugin may do",
			where, plugin->name, permission);
	else if (!row->is_operators && !is_listed(&plugin->declared, permission))
		buf_printf(out,
			"%s: allow of the plugin \"%s\" names \"%s\", which the plugin does not declare: it changes nothing",
			where, plugin->name, permission);
}

void
plugin_each_odd_grant(
	const struct plugin *plugin, void (*fn)(void *data, const char *text), void *data)
{
	struct buf out;
	buf_init(&out, PLUGIN_ERROR_MAX);
	for (unsigned i = 0; i < plugin->declared.count + plugin->allowed.count; i++) {
		buf_clear(&out);
		if (i < plugin->declared.count)
			tell_declared(plugin, plugin->declared.list[i], &out);
		else
			tell_allowed(
				plugin, plugin->allowed.list[i - plugin->declared.count], &out);
		if (out.len > 0 && out.err == ERR_OK)
			fn(data, out.ptr);
	}
	buf_finish(&out);
}
