/* SPDX-License-Identifier: MIT */
/* moontusk check: everything that can be wrong without connecting, and what each plugin may do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert_target.h"
#include "check_patterns.h"
#include "command.h"
#include "host.h"
#include "limits.h"
#include "permission.h"
#include "plugin.h"
#include "session.h"
#include "target.h"
#include "zone.h"

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

/* "every 15m", "daily at 09:00, 21:30 (Europe/Berlin) on Mon, Fri" */
static void
put_schedule(const struct plugin_schedule *schedule, struct buf *out)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	if (schedule->every_ms) {
		buf_add_text(out, "every ");
		duration_format(out, schedule->every_ms);
		return;
	}
	buf_add_text(out, "daily at ");
	for (unsigned i = 0; i < schedule->time_count; i++) {
		int minutes = schedule->times_s[i] / 60;
		buf_printf(out, "%s%02d:%02d", i ? ", " : "", minutes / 60, minutes % 60);
	}
	buf_printf(out, " (%s)", zone_name(schedule->zone));
	const char *comma = " on ";
	for (unsigned day = 0; day < COUNT_OF(days); day++) {
		if (schedule->weekdays == 0x7f || !(schedule->weekdays & 1u << day))
			continue;
		buf_printf(out, "%s%s", comma, days[day]);
		comma = ", ";
	}
}

static void
print_schedules(const struct plugin *plugin)
{
	unsigned count;
	const struct plugin_schedule *schedules = plugin_schedules(plugin, &count);
	for (unsigned i = 0; i < count; i++) {
		struct buf out;
		buf_init(&out, PLUGIN_ERROR_MAX);
		put_schedule(&schedules[i], &out);
		bool named = out.err == ERR_OK && strcmp(schedules[i].name, out.ptr) != 0;
		printf("  runs %s%s%s%s\n", out.err == ERR_OK ? out.ptr : "by the clock",
			named ? " (\"" : "", named ? schedules[i].name : "", named ? "\")" : "");
		buf_finish(&out);
	}
}

/* What follows "may:" and "may not:". Hosts are listed apart. */
static void
print_table(const struct plugin *plugin, bool may)
{
	size_t count;
	const struct permission *table = permission_table(&count);
	const char *comma = may ? "  may: " : "  may not: ";
	for (size_t i = 0; i < count; i++) {
		if (table[i].has_host || plugin_may(plugin, table[i].name) != may)
			continue;
		printf("%s%s", comma, table[i].words);
		comma = ", ";
	}
	if (*comma == ',')
		printf("\n");
}

static void
print_hosts(const struct plugin *plugin)
{
	const struct plugin_about *about = plugin_about(plugin);
	unsigned calls = about->host_count;
	for (unsigned i = 0; i < about->permission_count; i++) {
		const char *permission = about->permissions[i];
		if (!str_starts(str_from(permission), "http:") || !plugin_may(plugin, permission))
			continue;
		printf("  may call: %s\n", permission + strlen("http:"));
		calls++;
	}
	for (unsigned i = 0; i < about->host_count; i++)
		printf("  may call: %s (the address stands in its options)\n",
			about->hosts[i] + strlen("http:"));
	if (calls == 0)
		printf("  may call: no other server\n");
}

static void
print_warning(void *data, const char *text)
{
	(void)data;
	printf("  warning: %s\n", text);
}

static void
print_budget(const struct plugin *plugin)
{
	struct plugin_usage usage;
	plugin_usage(plugin, &usage);
	if (usage.cpu_limit_ms && usage.limit_bytes)
		printf("  may use: %d ms of CPU time a call, %zu MB of memory\n",
			usage.cpu_limit_ms, usage.limit_bytes >> 20);
}

static void
print_permissions(const struct plugin *plugin)
{
	print_table(plugin, true);
	print_hosts(plugin);
	print_table(plugin, false);
	print_budget(plugin);
	plugin_each_odd_grant(plugin, print_warning, NULL);
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
	print_schedules(plugin);
	if (handlers == 0 && schedules == 0)
		printf("  warning: it does nothing: it calls neither tusk.on nor tusk.hear nor tusk.every\n");
	if (handlers > 0 && streams == 0)
		printf("  warning: it has handlers and hears no stream: add tusk.subscribe(\"public\") or another\n");
	print_permissions(plugin);
	check_patterns(plugin);
}

/* Where the operator hears of what has gone wrong. */
static void
print_alerts(const struct config *config)
{
	for (unsigned i = 0; i < config->alert_count; i++) {
		char *words = alert_target_words(config->alerts[i]);
		printf("alerts go to %s\n", words);
		free(words);
		if (alert_target_is_post(config->alerts[i]) && config->account_count == 0)
			printf("  warning: there is no account to post with\n");
	}
	if (config->alert_count == 0 && config->file)
		printf("alerts go nowhere: when a plugin is switched off, only the log says so. Add alert = \"ntfy:https://…\" or "
		       "\"dm:@you@your.example\"\n");
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
	if (host)
		print_alerts(&config);
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
		"what each hears and may do, how each pattern is looked for and what it costs. Warns of patterns that may take\n"
		"too long or match nearly everything. Exit code: 1 when something is wrong; warnings do not count.",
	.examples = "  moontusk check ./caturday.lua\n  moontusk check --config moontusk.lua",
	.flags = check_flags,
	.words_min = 0,
	.words_max = UINT_MAX,
	.run = check_run,
};
