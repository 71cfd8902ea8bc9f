/* SPDX-License-Identifier: MIT */
/* Report files: why an instance was switched off, for the operator. Knows no host. */
#pragma once

#include <stdint.h>

#include "buf.h"
#include "plugin_limits.h"
#include "secrets.h"

/* Text is borrowed; NULL: there is none. */
struct report_about {
	const char *instance, *why;
	const char *file, *version; /* of the plugin */
	const char *account;
	int64_t at_ms;
	const char *error; /* message and traceback */
	enum plugin_limit limit;
	const char *subject; /* "update:115…", or name and due time of a schedule */
	const char *handler; /* its key */
	struct str line;     /* the event; empty: there is none */
	const struct plugin_usage *usage;
	const char *const *recent; /* lines about the failures that led here, oldest first */
	unsigned recent_count;
	const char *plugin_words; /* the rest of a replay: flags, "--" and plugin, for a shell */
	const char *rearm;        /* the command that switches it on again */
	const struct secrets *secrets; /* none of which stands in the files */
};

/* "more CPU time than one call may use"; NULL for LIMIT_NONE. */
const char *report_limit_words(enum plugin_limit limit);
/* Adds `text` as one word for a POSIX shell. */
void report_put_word(struct buf *out, const char *text);
/* The report's text, secrets and all; `line_file` is where the event lies. */
void report_put(struct buf *out, const struct report_about *about, const char *line_file);
/* Writes FOLDER/reports/INSTANCE-TIME.txt, and .jsonl with the event, both 0600; keeps REPORTS_KEPT_MAX of the instance.
 * The path of the .txt, absolute; NULL: errno. New. */
char *report_write(const char *folder, const struct report_about *about);
