/* SPDX-License-Identifier: MIT */
/* Alerts: what the operator has to know, sent to the targets of the config through the outbox, rarely and once. */
#include "alert.h"

#include <stdlib.h>
#include <string.h>

#include "alert_target.h"
#include "host_private.h"
#include "limits.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "alert"

#define HELD     "alert:held"     /* fact: a line of each that was gathered */
#define HELD_DUE "alert:held_due" /* fact: Unix ms, when they become one; 0: there are none */

struct raised {
	char *topic, *key, *title, *text;
	const struct account *account;
	bool staged; /* in the transaction under way */
	struct raised *next;
};

void
alert_raise(struct host *host, const struct alert *alert)
{
	struct raised *at;
	unsigned count = 0;
	LL_FOREACH(host->alerts, at) {
		if (strcmp(at->key, alert->key) == 0)
			return; /* raised again, after a turn that was taken back */
		count++;
	}
	if (host->config.config->alert_count == 0 || host->config.offline ||
		count >= ALERTS_WAITING_MAX)
		return;
	struct buf
		text; /* goes to others: what a plugin says may hold the value of a secret option */
	buf_init(&text, 16 * PLUGIN_ERROR_MAX);
	secrets_redact(host->config.secrets, str_from(alert->text), &text);
	struct raised *raised = xmalloc(sizeof(*raised));
	*raised = (struct raised){
		.topic = xstrdup(alert->topic),
		.key = xstrdup(alert->key),
		.title = xstrdup(alert->title),
		.text = buf_take(&text, NULL),
		.account = alert->account,
	};
	LL_APPEND(host->alerts, raised);
	if (host->config.loop)
		loop_keep_awake(host->config.loop, true);
}

static void
raised_destroy(struct raised *raised)
{
	free(raised->topic);
	free(raised->key);
	free(raised->title);
	free(raised->text);
	free(raised);
}

void
alert_forget(struct host *host)
{
	while (host->alerts) {
		struct raised *raised = host->alerts;
		LL_DELETE(host->alerts, raised);
		raised_destroy(raised);
	}
}

/* ---- when ---- */

static int64_t
number_of(struct store *store, const char *fact)
{
	int64_t number = 0;
	char *text = fact_get(store, fact);
	if (!text || !str_to_int(str_from(text), 0, INT64_MAX, &number))
		number = 0;
	free(text);
	return number;
}

static void
put_number(struct store *store, const char *fact, int64_t number)
{
	char *text = xasprintf("%lld", (long long)number);
	fact_put(store, fact, str_from(text));
	free(text);
}

/* When it may go out: now, or later with others. */
static int64_t
send_at(const struct host *host, const struct raised *raised, int64_t now_ms)
{
	char *fact = xasprintf("alert:at:%s", raised->topic);
	int64_t last_ms = number_of(host->store, fact);
	free(fact);
	if (last_ms && last_ms <= now_ms && now_ms - last_ms < ALERT_EVERY_MS)
		return last_ms + ALERT_EVERY_MS;
	int64_t oldest_ms = host->alert_pace.at_ms[host->alert_pace.count % ALERT_BURST];
	if (host->closing)
		return now_ms;
	if (oldest_ms && now_ms - oldest_ms < ALERT_BURST_MS)
		return now_ms + ALERT_GATHER_MS;
	return now_ms;
}

static void
mark_sent(struct host *host, const char *topic, int64_t now_ms)
{
	char *fact = xasprintf("alert:at:%s", topic);
	put_number(host->store, fact, now_ms);
	free(fact);
	host->alert_pace.at_ms[host->alert_pace.count++ % ALERT_BURST] = now_ms;
}

/* Whether `line` is one of the lines of `text`. */
static bool
has_line(const char *text, const char *line)
{
	size_t len = strlen(line);
	for (const char *at = text; at && *at;) {
		size_t n = strcspn(at, "\n");
		if (n == len && strncmp(at, line, n) == 0)
			return true;
		at += n + (at[n] == '\n');
	}
	return false;
}

static void
hold(struct host *host, const struct raised *raised, int64_t due_ms)
{
	char *fact = fact_get(host->store, HELD);
	struct buf lines;
	if (has_line(fact, raised->title)) {
		free(fact);
		return;
	}
	buf_init(&lines, 1u << 20);
	unsigned count = 0;
	for (const char *at = fact; at && *at; at++)
		count += *at == '\n';
	buf_add_text(&lines, fact ? fact : "");
	if (count < ALERT_HELD_LINES_MAX)
		buf_add_text(&lines, raised->title);
	buf_add_char(&lines, '\n'); /* counts, also without a text */
	fact_put(host->store, HELD, buf_str(&lines));
	buf_finish(&lines);
	free(fact);
	if (!host->alert_pace.due_ms || due_ms < host->alert_pace.due_ms) {
		host->alert_pace.due_ms = due_ms;
		put_number(host->store, HELD_DUE, due_ms);
	}
	log_info(host->config.log, "%s: told with the next alert, there was one a short while ago",
		raised->title);
}

/* ---- what ---- */

/* One that still may post. */
static const struct account *
poster(const struct host *host, const struct account *wanted)
{
	const struct account *any = NULL;
	for (unsigned i = 0; i < host->account_count; i++) {
		if (host->lost[i])
			continue;
		if (host->accounts[i] == wanted)
			return wanted;
		any = any ? any : host->accounts[i];
	}
	return any;
}

static struct action_source
source_of(const struct host *host, const char *target, const struct account *account)
{
	return (struct action_source){
		.instance = ALERT_SENDER,
		.account = alert_target_is_post(target) ? poster(host, account) : NULL,
		.now_ms = clock_wall_ms(&host->config.clock),
	};
}

/* The same alert, perhaps by an earlier run of the host. */
static bool
was_sent(struct host *host, const struct raised *raised)
{
	const char *target = host->config.config->alerts[0];
	struct alert_message message = {raised->key, raised->title, raised->text};
	struct action action = alert_action(target, &message);
	struct action_source source = source_of(host, target, raised->account);
	struct intent intent = {0};
	char *key = outbox_key(host->outbox, &action, &source);
	bool sent = key && intent_get(host->store, key, &intent);
	intent_finish(&intent);
	action_finish(&action);
	free(key);
	return sent;
}

static void
send(struct host *host, const struct alert_message *message, const struct account *account)
{
	const struct config *config = host->config.config;
	for (unsigned i = 0; i < config->alert_count; i++) {
		bool is_post = alert_target_is_post(config->alerts[i]);
		struct action action = alert_action(config->alerts[i], message);
		struct action_source source = source_of(host, config->alerts[i], account);
		enum outbox_verdict verdict = outbox_stage(host->outbox, &action, &source);
		if (verdict != OUTBOX_STAGED && verdict != OUTBOX_DUPLICATE)
			log_error(host->config.log, "%s: cannot be told by %s: %s", message->title,
				is_post ? "a direct post" : "this target",
				is_post && !source.account ? "no account is left"
							   : outbox_verdict_text(verdict));
		action_finish(&action);
	}
}

static void
send_held(struct host *host)
{
	char *fact = fact_get(host->store, HELD), *key;
	unsigned count = 0, shown = 0;
	struct buf text;
	buf_init(&text, 1u << 20);
	for (const char *at = fact; at && *at;) {
		size_t len = strcspn(at, "\n");
		count++;
		if (len > 0) {
			buf_printf(&text, "%.*s\n", (int)len, at);
			shown++;
		}
		at += len + (at[len] == '\n');
	}
	if (count > shown)
		buf_printf(&text, "and %u more", count - shown);
	key = xasprintf("held|%lld", (long long)host->alert_pace.due_ms);
	char *title = xasprintf("moontusk: %u more alert%s", count, count == 1 ? "" : "s");
	if (count > 0)
		send(host, &(struct alert_message){key, title, text.ptr}, NULL);
	fact_put(host->store, HELD, STR(""));
	put_number(host->store, HELD_DUE, 0);
	host->alert_pace.due_ms = 0;
	free(title);
	free(key);
	free(fact);
	buf_finish(&text);
}

void
alert_run(struct host *host)
{
	if (host->config.offline || host->config.config->alert_count == 0)
		return;
	int64_t now_ms = clock_wall_ms(&host->config.clock);
	struct raised *raised;
	if (!host->alert_pace.known) {
		host->alert_pace.known = true;
		host->alert_pace.due_ms = number_of(host->store, HELD_DUE);
		host->alert_pace_committed = host->alert_pace;
	}
	LL_FOREACH(host->alerts, raised) {
		if (raised->staged || !host_begin(host))
			continue;
		int64_t due_ms = send_at(host, raised, now_ms);
		if (was_sent(host, raised)) {
			log_debug(host->config.log, "%s: told before", raised->title);
		} else if (due_ms > now_ms) {
			hold(host, raised, due_ms);
		} else {
			send(host,
				&(struct alert_message){raised->key, raised->title, raised->text},
				raised->account);
			mark_sent(host, raised->topic, now_ms);
		}
		raised->staged = true;
	}
	if (host->alert_pace.due_ms && host->alert_pace.due_ms <= now_ms && host_begin(host))
		send_held(host);
}

void
alert_committed(struct host *host, bool good)
{
	struct raised *raised, *next;
	LL_FOREACH_SAFE(host->alerts, raised, next) {
		if (good && raised->staged) {
			LL_DELETE(host->alerts, raised);
			raised_destroy(raised);
		} else {
			raised->staged = false;
		}
	}
	if (good)
		host->alert_pace_committed = host->alert_pace;
	else
		host->alert_pace = host->alert_pace_committed;
}

static void
note_lane(void *data, const char *lane)
{
	if (str_starts(str_from(lane), ALERT_SENDER "|"))
		*(bool *)data = true;
}

bool
alert_waits(const struct host *host)
{
	bool waits = host->alerts || host->alert_calls;
	if (!waits && host->config.config->alert_count > 0 && !host->config.dry_run)
		intent_each_lane(host->store, note_lane, &waits);
	return waits;
}

int64_t
alert_next_due(const struct host *host)
{
	return host->alert_pace.due_ms ? host->alert_pace.due_ms : INT64_MAX;
}

void
alert_account(struct host *host, const struct account *account)
{
	char *topic = xasprintf("account:%s", account->name);
	char *key = xasprintf(
		"account|%s|%lld", account->name, (long long)clock_wall_ms(&host->config.clock));
	char *title = xasprintf(
		"moontusk: %s does not accept the token of \"%s\"", account->host, account->name);
	alert_raise(host,
		&(struct alert){topic, key, title,
			"Nothing comes from this account any more, and nothing leaves by it. Get a new token, set it, and "
			"start again.",
			NULL});
	free(topic);
	free(key);
	free(title);
}

void
alert_trouble(struct host *host, const char *what, int64_t since_ms)
{
	struct buf text;
	char *key = xasprintf("trouble|%lld", (long long)since_ms);
	buf_init(&text, MESSAGE_MAX);
	buf_add_text(&text, "Nothing was taken in and nothing was sent since ");
	time_format(&text, since_ms);
	buf_add_text(&text, ". What came meanwhile is handled now.");
	alert_raise(host, &(struct alert){"trouble", key, what, text.ptr, NULL});
	buf_finish(&text);
	free(key);
}

void
alert_unknown(struct host *host, const struct intent *intent)
{
	if (intent->state != INTENT_UNKNOWN || strcmp(intent->instance, ALERT_SENDER) == 0)
		return;
	char *topic = xasprintf("unknown:%s", intent->instance);
	char *key = xasprintf("unknown|%s", intent->key);
	char *title = xasprintf("moontusk: %s: it is not known whether a %s happened",
		intent->instance, intent->action);
	char *text = xasprintf("%s\n%s\nIt is not sent again: look at the account.",
		intent->summary ? intent->summary : intent->key,
		intent->outcome ? intent->outcome : "There was no answer.");
	alert_raise(host, &(struct alert){topic, key, title, text,
				  host_account(host, intent->account ? intent->account : "")});
	free(topic);
	free(key);
	free(title);
	free(text);
}
