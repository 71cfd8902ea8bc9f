/* SPDX-License-Identifier: MIT */
/* The "on_error" and "failures" of a plugin in the config, and its "alert": what happens when something goes wrong. */
#include "config_errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert_target.h"
#include "limits.h"
#include "xmalloc.h"

static bool
read_on_error(struct config_plugin *plugin, struct json_value value, const char *where, char *error)
{
	static const char *const words[] = {
		[ON_ERROR_LETTER] = "dead_letter",
		[ON_ERROR_SKIP] = "skip",
		[ON_ERROR_RETRY] = "retry",
		[ON_ERROR_STOP] = "stop",
	};
	struct str text =
		json_exists(value) && json_type(value) == JSON_STRING ? json_str(value) : STR_NONE;
	if (!json_exists(value))
		return true;
	for (unsigned i = 0; i < COUNT_OF(words); i++) {
		if (!str_eq_text(text, words[i]))
			continue;
		plugin->on_error = (enum on_error)i;
		return true;
	}
	snprintf(error, MESSAGE_MAX,
		"%s.on_error: expected \"skip\", \"retry\", \"dead_letter\" or \"stop\", found %s%.*s%s.",
		where, text.ptr ? "\"" : "", text.len < 60 ? (int)text.len : 60,
		text.ptr ? text.ptr : "", text.ptr ? "\"" : "no text");
	return false;
}

/* The number before "of", and the one behind it; false when they are no such thing. */
static bool
take_failures(struct json_value value, int64_t *most, int64_t *of)
{
	*of = FAILURES_OF_DEFAULT;
	if (json_type(value) == JSON_ARRAY)
		return json_count(value) == 1 && json_get_int(json_path(value, "0"), most);
	if (json_type(value) != JSON_OBJECT || !json_get_int(json_get(value, "1"), most))
		return false;
	struct json_value behind = json_get(value, "of");
	return json_count(value) == (json_exists(behind) ? 2 : 1) &&
	       (!json_exists(behind) || json_get_int(behind, of));
}

/* { 5, of = 100 }, or false. */
static bool
read_failures(struct config_plugin *plugin, struct json_value value, const char *where, char *error)
{
	bool flag = true;
	int64_t most, of;
	if (!json_exists(value))
		return true;
	if (json_get_bool(value, &flag) && !flag) {
		plugin->failures_most = 0;
		return true;
	}
	if (take_failures(value, &most, &of) && most >= 1 && most <= FAILURES_MAX && of >= most &&
		of <= FAILURES_OF_MAX) {
		plugin->failures_most = (unsigned)most;
		plugin->failures_of = (unsigned)of;
		return true;
	}
	snprintf(error, MESSAGE_MAX,
		"%s.failures: found something else, expected { %d, of = %d } (so many failures within so many events switch the "
		"plugin off; at most %d and %d) or false (never).",
		where, FAILURES_DEFAULT, FAILURES_OF_DEFAULT, FAILURES_MAX, FAILURES_OF_MAX);
	return false;
}

bool
config_errors_read(
	struct config_plugin *plugin, struct json_value table, const char *where, char *error)
{
	return read_on_error(plugin, json_get(table, "on_error"), where, error) &&
	       read_failures(plugin, json_get(table, "failures"), where, error);
}

/* The topic or path of an address is what keeps strangers out: no log or database shows it. */
static void
keep_secret(const struct config *config, struct str target, struct secrets *secrets)
{
	struct str host;
	const char *at = memmem(target.ptr, target.len, "://", 3);
	if (!at)
		return;
	struct str path = str_split(
		(struct str){at + 3, (size_t)(target.ptr + target.len - at - 3)}, '/', &host);
	if (path.len < SECRET_LEN_MIN)
		return;
	char *name = xasprintf("alert%u", config->alert_count);
	secrets_add(secrets, name, path);
	free(name);
}

static bool
add_alert(struct config *config, struct json_value value, struct secrets *secrets, char *error)
{
	char why[MESSAGE_MAX / 2];
	struct str target = json_type(value) == JSON_STRING ? json_str(value) : STR("");
	if (config->alert_count >= ALERT_TARGETS_MAX) {
		snprintf(error, MESSAGE_MAX, "alert: there are more than %d targets.",
			ALERT_TARGETS_MAX);
		return false;
	}
	if (!alert_target_check(target, why, sizeof(why))) {
		snprintf(error, MESSAGE_MAX, "alert: %s.", why);
		return false;
	}
	config->alerts =
		xreallocarray(config->alerts, config->alert_count + 1, sizeof(config->alerts[0]));
	config->alerts[config->alert_count++] = str_dup(target);
	keep_secret(config, target, secrets);
	return true;
}

bool
config_alerts_read(
	struct config *config, struct json_value value, struct secrets *secrets, char *error)
{
	if (!json_exists(value) || json_type(value) == JSON_NULL)
		return true;
	if (json_type(value) != JSON_ARRAY)
		return add_alert(config, value, secrets, error);
	struct json_iter it = json_iter(value);
	while (json_next(&it)) {
		if (!add_alert(config, it.value, secrets, error))
			return false;
	}
	return true;
}
