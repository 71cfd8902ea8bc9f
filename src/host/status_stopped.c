/* SPDX-License-Identifier: MIT */
/* What is known of a host that does not run: its database tells. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "host_private.h"
#include "json_write.h"
#include "limits.h"
#include "seen.h"
#include "stopped.h"
#include "troubles.h"
#include "xmalloc.h"

#define HANDLERS "handlers:" /* a fact of each instance that ever ran: see waiting.c */

void
status_mark(struct host *host, const char *fact)
{
	char text[32];
	snprintf(text, sizeof(text), "%" PRId64, clock_wall_ms(&host->config.clock));
	if (host_begin(host))
		fact_put(host->store, fact, str_from(text));
}

static void
put_fact_time(struct store *store, struct buf *out, const char *key, const char *fact)
{
	int64_t at_ms = 0;
	char *text = fact_get(store, fact);
	json_put_key(out, key);
	if (text && str_to_int(str_from(text), 0, INT64_MAX, &at_ms)) {
		struct buf time;
		buf_init(&time, 64);
		time_format(&time, at_ms);
		json_put_str(out, buf_str(&time));
		buf_finish(&time);
	} else {
		buf_add_text(out, "null");
	}
	free(text);
}

struct listing {
	struct store *store;
	struct buf *out;
};

static void
put_why(void *data, const struct quarantine *row)
{
	buf_add_text(data, "switched off at ");
	time_format(data, row->at_ms);
	buf_printf(data, ": %s", row->why);
}

static void
put_instance(void *data, const char *name, const char *value)
{
	struct listing *listing = data;
	const char *instance = name + strlen(HANDLERS);
	(void)value;
	json_put_comma(listing->out);
	buf_add_char(listing->out, '{');
	json_put_key(listing->out, "name");
	json_put_text(listing->out, instance);
	json_put_key(listing->out, "state");
	struct buf why;
	buf_init(&why, PLUGIN_ERROR_MAX);
	bool off = quarantine_get(listing->store, instance, put_why, &why);
	json_put_text(listing->out, off ? "off" : "stopped");
	json_put_key(listing->out, "error");
	json_put_text(listing->out, why.ptr);
	buf_finish(&why);
	json_put_key(listing->out, "dead_letters");
	json_put_int(listing->out, letter_count(listing->store, instance));
	json_put_key(listing->out, "waiting");
	json_put_int(listing->out, delivery_count(listing->store, instance));
	buf_add_char(listing->out, '}');
}

static void
put_stopped(struct store *store, const char *folder, struct buf *out)
{
	buf_add_char(out, '{');
	json_put_key(out, "running");
	json_put_bool(out, false);
	json_put_key(out, "state_folder");
	json_put_text(out, folder);
	put_fact_time(store, out, "started_at", STATUS_STARTED);
	put_fact_time(store, out, "ended_at", STATUS_ENDED);
	json_put_key(out, "outbox");
	buf_add_char(out, '{');
	json_put_key(out, "open");
	json_put_int(out, intent_count_open(store));
	buf_add_char(out, '}');
	json_put_key(out, "instances");
	buf_add_char(out, '[');
	fact_each(store, HANDLERS, put_instance, &(struct listing){store, out});
	buf_add_text(out, "]}");
}

bool
host_status_stopped(const char *folder, struct log *log, struct buf *out, char *error)
{
	struct stopped stopped;
	bool good = stopped_open(&stopped, folder, log, error);
	if (good)
		put_stopped(stopped.store, folder, out);
	stopped_close(&stopped);
	return good;
}
