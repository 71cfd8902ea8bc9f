/* SPDX-License-Identifier: MIT */
/* moontusk check: everything that can be wrong without connecting, and what each plugin may do. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "host.h"
#include "limits.h"
#include "plugin.h"
#include "session.h"
#include "target.h"

#define LOG_MODULE "check"

static void
print_streams(const struct plugin *plugin)
{
	unsigned count;
	const struct plugin_stream *streams = plugin_streams(plugin, &count);
	printf("  hears:");
	for (unsigned i = 0; i < count; i++)
		printf("%s %s%s%s%s%s", i ? "," : "", streams[i].stream,
			streams[i].param ? " " : "", streams[i].param ? streams[i].param : "",
			streams[i].account ? " on " : "",
			streams[i].account ? streams[i].account : "");
	printf("%s\n", count ? "" : " nothing (no tusk.subscribe)");
}

static void
print_permissions(const struct plugin *plugin)
{
	static const struct {
		const char *permission, *words;
	} known[] = {
		{"post", "post"},
		{"reply", "reply"},
		{"boost", "boost"},
		{"favourite", "favourite"},
		{"bookmark", "bookmark"},
		{"archive", "archive public posts"},
		{"archive:private", "archive private and direct posts"},
		{"forward:private", "forward private and direct posts"},
	};
	const struct plugin_about *about = plugin_about(plugin);
	printf("  may:");
	const char *comma = " ";
	for (unsigned i = 0; i < COUNT_OF(known); i++) {
		if (!plugin_may(plugin, known[i].permission))
			continue;
		printf("%s%s", comma, known[i].words);
		comma = ", ";
	}
	for (unsigned i = 0; i < about->permission_count; i++) {
		const char *permission = about->permissions[i];
		if (strncmp(permission, "http:", 5) == 0 && plugin_may(plugin, permission)) {
			printf("%ssend to %s", comma, permission + 5);
			comma = ", ";
		}
	}
	printf("%s\n", *comma == ' ' ? " nothing" : "");
	for (unsigned i = 0; i < about->permission_count; i++) {
		if (!plugin_may(plugin, about->permissions[i]))
			printf("  asks for \"%s\", which is not granted: allow = { \"%s\" }\n",
				about->permissions[i], about->permissions[i]);
	}
}

static void
print_plugin(const struct plugin *plugin)
{
	const struct plugin_about *about = plugin_about(plugin);
	unsigned handlers, schedules, streams;
	plugin_handlers(plugin, &handlers);
	plugin_schedules(plugin, &schedules);
	plugin_streams(plugin, &streams);
	printf("%s: good%s%s%s%s\n", plugin_name(plugin), about->version ? ", version " : "",
		about->version ? about->version : "", about->description ? ": " : "",
		about->description ? about->description : "");
	print_streams(plugin);
	printf("  handlers: %u, schedules: %u\n", handlers, schedules);
	if (handlers == 0 && schedules == 0)
		printf("  warning: it does nothing: it calls neither tusk.on nor tusk.hear nor tusk.every\n");
	if (handlers > 0 && streams == 0)
		printf("  warning: it has handlers and hears no stream: add tusk.subscribe(\"public\") or another\n");
	print_permissions(plugin);
}

static int
check_run(const struct args *args)
{
	struct session session;
	struct config config;
	session_start(&session, args);
	struct target_words words = {args->words, args->word_count, true};
	struct host *host = NULL;
	bool good = target_plugins(&config, args, &session, &words);
	if (good) {
		struct host_config about = {
			.loop = session.loop,
			.clock = loop_clock(session.loop),
			.log = session.log,
			.secrets = session.secrets,
			.config = &config,
			.lua_dir = session.lua_dir,
			.dry_run = true,
			.offline = true,
		};
		host = host_create(&about, &(struct host_events){0}, NULL);
		good = host && host_failed_count(host) == 0;
	}
	for (unsigned i = 0; host && i < host_instance_count(host); i++) {
		if (host_plugin(host, i))
			print_plugin(host_plugin(host, i));
	}
	host_destroy(host);
	config_finish(&config);
	session_end(&session);
	return good ? EXIT_DONE : EXIT_FAILED;
}

static const struct flag check_flags[] = {
	{"config", FLAG_TEXT, "FILE",
		"the config file (default: moontusk.lua here or in ~/.config/moontusk)", false},
	{"server", FLAG_TEXT, "URL", "not contacted", true},
	{"account", FLAG_TEXT, "NAME", "an account of the config file", true},
	{"ca-file", FLAG_TEXT, "FILE", "not used here", true},
	{"transport", FLAG_TEXT, "WAY", "not used here", true},
	PLUGIN_FLAGS,
	{NULL, FLAG_SWITCH, NULL, NULL, false},
};

const struct command command_check = {
	.name = "check",
	.summary = "find what is wrong in config and plugins, without connecting",
	.usage = "[PLUGIN…] [flags]",
	.details =
		"Loads the config and the plugins (all of the config file, or those named), compiles their patterns, and says\n"
		"what each hears and may do. Exit code: 1 when something is wrong.",
	.examples = "  moontusk check ./caturday.lua\n  moontusk check --config moontusk.lua",
	.flags = check_flags,
	.words_min = 0,
	.words_max = UINT_MAX,
	.run = check_run,
};
