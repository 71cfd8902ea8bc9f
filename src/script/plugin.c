/* SPDX-License-Identifier: MIT */
/* One plugin instance: creation, and what it registered. */
#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin_internal.h"
#include "xmalloc.h"

#define LOG_MODULE "plugin"

static const struct lua_module modules[] = {
	{"moontusk.core", lua_core_open},
	{"moontusk.effect", lua_effect_open},
	{"moontusk.json", lua_json_open},
	{"moontusk.logger", lua_log_open},
	{"moontusk.regex", lua_regex_open},
	{"moontusk.schedule_c", lua_schedule_open},
	{"moontusk.text_c", lua_text_open},
	{"moontusk.time_c", lua_time_open},
	{"moontusk.util", lua_util_open},
	{"moontusk.wait", lua_wait_open},
	{"moontusk.windows_c", lua_windows_open},
};

void
text_list_add(struct text_list *list, struct str text)
{
	list->list = xreallocarray(list->list, list->count + 1, sizeof(*list->list));
	list->list[list->count++] = str_dup(text);
}

bool
text_list_has(const struct text_list *list, const char *text)
{
	for (unsigned i = 0; i < list->count; i++) {
		if (strcmp(list->list[i], text) == 0)
			return true;
	}
	return false;
}

void
text_list_finish(struct text_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		free(list->list[i]);
	free(list->list);
	*list = (struct text_list){0};
}

struct plugin *
plugin_of(lua_State *L)
{
	return lua_state_owner(L);
}

static void
set_globals(lua_State *L)
{
	lua_event_globals(L);
	lua_log_globals(L);
	lua_time_globals(L);
}

static bool
read_options(struct plugin *plugin, struct str text, struct plugin_error *error)
{
	struct json_error json_error = {0};
	if (!text.len)
		return true;
	if (json_parse(plugin->parser, text, &plugin->options, &json_error) != ERR_OK ||
		json_type(json_root(plugin->options)) != JSON_OBJECT) {
		snprintf(error->text, sizeof(error->text),
			"plugin %s: its options are no JSON object: %s", plugin->name,
			json_error.message);
		return false;
	}
	grants_add_hosts(plugin, json_root(plugin->options));
	return true;
}

static void
run_file(lua_State *L, void *data)
{
	const struct plugin_config *config = data;
	lua_state_load(L, config->source, config->file);
	lua_call(L, 0, 0);
}

static void
on_file(void *owner, const char *path, struct str text)
{
	struct plugin *plugin = owner;
	if (plugin->on_file)
		plugin->on_file(plugin->data, path, text);
}

/* Fills what plugin_about returns, once the file has run. */
static void
set_about(struct plugin *plugin)
{
	plugin->about = (struct plugin_about){
		.name = plugin->title,
		.version = plugin->version,
		.description = plugin->description,
		.permissions = (const char *const *)plugin->declared.list,
		.permission_count = plugin->declared.count,
		.hosts = (const char *const *)plugin->hosts.list,
		.host_count = plugin->hosts.count,
		.writes_private = plugin_may(plugin, "archive:private") ||
				  plugin_may(plugin, "forward:private"),
	};
}

struct plugin *
plugin_create(const struct plugin_config *config, struct plugin_error *error)
{
	error->text[0] = '\0';
	error->limit = LIMIT_NONE;
	struct plugin *plugin = xmalloc(sizeof(*plugin));
	*plugin = (struct plugin){
		.name = xstrdup(config->name),
		.file = xstrdup(config->file),
		.config_file = xstrdup(config->config_file),
		.folder = xstrdup(config->folder),
		.account = xstrdup(config->account),
		.lua_dir = xstrdup(config->lua_dir),
		.tz = xstrdup(config->tz),
		.log = config->log,
		.clock = config->clock,
		.parser = config->parser,
		.secrets = config->secrets,
		.windows = config->windows,
		.pattern_flags = config->pattern_flags,
		.as_declared = config->as_declared,
		.on_file = config->on_file,
		.data = config->data,
		.phase = PLUGIN_LOADING,
	};
	if (config->source.len > PLUGIN_SOURCE_MAX) {
		snprintf(error->text, sizeof(error->text), "%s: longer than %d bytes", config->file,
			(int)PLUGIN_SOURCE_MAX);
		goto fail;
	}
	if (!read_options(plugin, config->options, error) ||
		!grants_read(plugin, config->allow, error))
		goto fail;
	struct lua_state_config state = {
		.modules = modules,
		.module_count = COUNT_OF(modules),
		.globals = set_globals,
		.lua_dir = plugin->lua_dir,
		.folder = plugin->folder,
		.seed = config->seed,
		.limit_bytes = config->limits.memory_bytes ? config->limits.memory_bytes
							   : PLUGIN_MEMORY_DEFAULT,
		.cpu_ms = config->limits.load_ms ? config->limits.load_ms : PLUGIN_LOAD_MS_DEFAULT,
		.fail_at = config->fail_at,
		.owner = plugin,
		.on_file = on_file,
	};
	plugin->lua = lua_state_create(&state, error->text);
	union {
		const struct plugin_config *in;
		void *out;
	} data = {config};
	if (plugin->lua && config->restore)
		config->restore(config->restore_data, plugin);
	if (!plugin->lua || !lua_state_call(plugin->lua, run_file, data.out, error->text)) {
		error->limit = plugin->lua ? lua_state_limit(plugin->lua) : LIMIT_MEMORY;
		goto fail;
	}
	if (!plugin->options_read && plugin->options &&
		json_count(json_root(plugin->options)) > 0) {
		snprintf(error->text, sizeof(error->text),
			"%s: the config gives options, but this plugin has none (it does not call tusk.options)",
			config->file);
		goto fail;
	}
	plugin->phase = PLUGIN_IDLE;
	lua_state_set_cpu(
		plugin->lua, config->limits.cpu_ms ? config->limits.cpu_ms : PLUGIN_CPU_MS_DEFAULT);
	set_about(plugin);
	return plugin;
fail:
	plugin_destroy(plugin);
	return NULL;
}

static void
free_registered(struct plugin *plugin)
{
	for (unsigned i = 0; i < plugin->handler_count; i++) {
		free(plugin->handlers[i].name);
		free(plugin->handlers[i].host_event);
		free(plugin->handlers[i].key);
		rule_destroy(plugin->handlers[i].rule);
	}
	for (unsigned i = 0; i < plugin->stream_count; i++) {
		free(plugin->streams[i].account);
		free(plugin->streams[i].stream);
		free(plugin->streams[i].param);
	}
	for (unsigned i = 0; i < plugin->schedule_count; i++) {
		free(plugin->schedules[i].name);
		free(plugin->schedules[i].times_s);
		zone_destroy(plugin->schedules[i].zone);
	}
	for (unsigned i = 0; i < PLUGIN_ZONES_MAX; i++)
		zone_destroy(plugin->zones[i]);
	free(plugin->handlers);
	free(plugin->streams);
	free(plugin->schedules);
}

void
plugin_destroy(struct plugin *plugin)
{
	if (!plugin)
		return;
	lua_state_destroy(plugin->lua);
	plugin_free_tasks(plugin);
	free_registered(plugin);
	json_doc_destroy(plugin->options);
	text_list_finish(&plugin->allowed);
	text_list_finish(&plugin->declared);
	text_list_finish(&plugin->hosts);
	free(plugin->title);
	free(plugin->version);
	free(plugin->description);
	free(plugin->name);
	free(plugin->file);
	free(plugin->config_file);
	free(plugin->folder);
	free(plugin->account);
	free(plugin->lua_dir);
	free(plugin->tz);
	free(plugin);
}

const char *
plugin_name(const struct plugin *plugin)
{
	return plugin->name;
}

const char *
plugin_source_file(const struct plugin *plugin)
{
	return plugin->file;
}

const struct plugin_about *
plugin_about(const struct plugin *plugin)
{
	return &plugin->about;
}

const struct plugin_handler *
plugin_handlers(const struct plugin *plugin, unsigned *count)
{
	*count = plugin ? plugin->handler_count : 0;
	return plugin ? plugin->handlers : NULL;
}

const struct plugin_stream *
plugin_streams(const struct plugin *plugin, unsigned *count)
{
	*count = plugin ? plugin->stream_count : 0;
	return plugin ? plugin->streams : NULL;
}

const struct plugin_schedule *
plugin_schedules(const struct plugin *plugin, unsigned *count)
{
	*count = plugin ? plugin->schedule_count : 0;
	return plugin ? plugin->schedules : NULL;
}

void
plugin_set_due(struct plugin *plugin, unsigned schedule, const struct plugin_due *due)
{
	REQUIRE(schedule < plugin->schedule_count);
	plugin->schedules[schedule].due = *due;
}

void
plugin_set_outside(struct plugin *plugin, size_t bytes)
{
	lua_state_set_outside(plugin->lua, bytes);
}

void
plugin_add_outside(struct plugin *plugin, ptrdiff_t more)
{
	lua_state_add_outside(plugin->lua, more);
}

void
plugin_usage(const struct plugin *plugin, struct plugin_usage *usage)
{
	lua_state_usage(plugin->lua, usage);
}

static void
forget_state(lua_State *L, void *data)
{
	(void)data;
	lua_state_require(L, "moontusk.store");
	lua_getfield(L, -1, "forget");
	lua_call(L, 0, 0);
}

void
plugin_forget(struct plugin *plugin)
{
	char error[PLUGIN_ERROR_MAX];
	if (!lua_state_call(plugin->lua, forget_state, NULL, error))
		log_error(
			plugin->log, "%s: tusk.store cannot be read anew: %s", plugin->name, error);
}

struct state_key {
	struct str key, json;
};

static void
restore_key(lua_State *L, void *data)
{
	const struct state_key *state = data;
	lua_state_require(L, "moontusk.store");
	lua_getfield(L, -1, "restore");
	lua_pushlstring(L, state->key.ptr, state->key.len);
	if (state->json.ptr)
		lua_pushlstring(L, state->json.ptr, state->json.len);
	else
		lua_pushboolean(L, false);
	lua_call(L, 2, 0);
}

void
plugin_restore(struct plugin *plugin, struct str key, struct str json)
{
	char error[PLUGIN_ERROR_MAX];
	struct state_key state = {key, json};
	if (!lua_state_call(plugin->lua, restore_key, &state, error))
		log_error(plugin->log, "%s: the stored value of tusk.store.%.*s cannot be read: %s",
			plugin->name, STR_ARG(key), error);
}
