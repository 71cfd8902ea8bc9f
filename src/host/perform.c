/* SPDX-License-Identifier: MIT */
/* Applies what a task wants: actions, archive lines, state, journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "host_private.h"
#include "journal.h"
#include "json_write.h"
#include "state.h"
#include "xmalloc.h"

#define LOG_MODULE "plugin"

void
host_journal(struct host *host, const struct instance *instance, const char *what,
	struct str event_key, struct str detail)
{
	struct buf safe; /* an error text may name a secret option's value */
	buf_init(&safe, 2 * EVENT_LINE_MAX);
	secrets_redact(host->config.secrets, detail, &safe);
	struct journal_entry entry = {
		.at_ms = clock_wall_ms(&host->config.clock),
		.instance = instance ? instance->name : NULL,
		.what = what,
		.event_key = event_key,
		.detail = buf_str(&safe),
	};
	journal_add(host->store, &entry);
	buf_finish(&safe);
}

static void
journal(const struct cause *cause, const char *what, struct str detail)
{
	host_journal(cause->host, cause->instance, what,
		str_from(cause->event_key ? cause->event_key : cause->schedule), detail);
}

static void
journal_action(const struct cause *cause, const struct action *action, const char *verdict)
{
	struct buf detail;
	buf_init(&detail, ACTION_BODY_MAX);
	buf_add_char(&detail, '{');
	json_put_key(&detail, "action");
	json_put_text(&detail, action_info(action->kind)->name);
	json_put_key(&detail, "target");
	json_put_text(&detail, action->target);
	json_put_key(&detail, "verdict");
	json_put_text(&detail, verdict);
	buf_add_char(&detail, '}');
	journal(cause, "action", buf_str(&detail));
	buf_finish(&detail);
}

/* The n-th action of the same kind and target in this call. */
static unsigned
count_same(const struct effects *effects, size_t at)
{
	const struct action *action = &effects->list[at].action;
	unsigned nth = 0;
	for (size_t i = 0; i < at; i++) {
		const struct action *other = &effects->list[i].action;
		if (effects->list[i].type != EFFECT_ACTION || other->kind != action->kind)
			continue;
		if (str_eq(str_from(other->target), str_from(action->target)))
			nth++;
	}
	return nth;
}

/* Ids are a server's own: the post of an event that another server sent is a different one on ours. */
static bool
is_elsewhere(const struct cause *cause, const struct action *action)
{
	const struct account *ours = cause->instance->account;
	if (!cause->event || !cause->event->account.ptr || !ours || cause->host->config.offline ||
		!(action_info(action->kind)->on_status || action_info(action->kind)->on_account))
		return false;
	char *name = str_dup(cause->event->account);
	const struct account *heard = host_account(cause->host, name);
	free(name);
	return heard && strcmp(heard->host, ours->host) != 0;
}

struct action_source
perform_source(const struct cause *cause, const struct effects *effects, size_t at)
{
	return (struct action_source){
		.instance = cause->instance->name,
		.account = cause->instance->account,
		.event_key = cause->event_key,
		.schedule = cause->schedule,
		.handler = cause->handler,
		.nth = count_same(effects, at),
		.now_ms = clock_wall_ms(&cause->host->config.clock),
	};
}

/* What a task that waits for it is told. */
static void
refuse(const struct cause *cause, struct effect *effect, const char *kind, const char *words)
{
	journal_action(cause, &effect->action, words);
	effect->name = xstrdup(kind);
	effect->json = xstrdup(words);
}

static const char *
verdict_kind(enum outbox_verdict verdict)
{
	switch (verdict) {
	case OUTBOX_OWN_POST:
		return "own_post";
	case OUTBOX_OVER:
		return "over_limit";
	case OUTBOX_NOBODY:
		return "nobody";
	case OUTBOX_BAD:
		return "invalid";
	case OUTBOX_STAGED:
	case OUTBOX_DUPLICATE:
		break;
	}
	return NULL;
}

static void
perform_action(const struct cause *cause, const struct effects *effects, size_t at)
{
	struct host *host = cause->host;
	struct effect *effect = &effects->list[at];
	const struct action *action = &effect->action;
	const char *name = action_info(action->kind)->name;
	if (cause->too_old) {
		refuse(cause, effect, "too_old", "the event is older than act_within");
		return;
	}
	if (is_elsewhere(cause, action)) {
		refuse(cause, effect, "elsewhere", "the post is on another server");
		log_warn(host->config.log,
			"%s: %s of %s not done: the event came from the account \"%.*s\", which is on another server than \"%s\", for which the plugin acts",
			cause->instance->name, name, action->target, STR_ARG(cause->event->account),
			cause->instance->account->name);
		return;
	}
	struct action_source source = perform_source(cause, effects, at);
	struct outbox *outbox = cause->instance->dry_run ? host->dry_outbox : host->outbox;
	enum outbox_verdict verdict = outbox_stage(outbox, action, &source);
	if (verdict_kind(verdict))
		refuse(cause, effect, verdict_kind(verdict), outbox_verdict_text(verdict));
	else
		journal_action(cause, action, outbox_verdict_text(verdict));
	if (verdict == OUTBOX_STAGED)
		host->stats.actions++;
	else if (verdict == OUTBOX_BAD)
		log_warn(host->config.log,
			"%s: %s cannot be done: it is too big, or the plugin has no account",
			cause->instance->name, name);
	else if (verdict == OUTBOX_NOBODY)
		log_warn(host->config.log,
			"%s: %s of %s not done: it is not known who \"%s\" is on its server, so it could be its own; %s",
			cause->instance->name, name, action->target, source.account->name,
			source.account->token ? "its token needs the scope profile or read:accounts"
					      : "it has no token");
	else
		log_debug(host->config.log, "%s: %s not done: %s", cause->instance->name, name,
			outbox_verdict_text(verdict));
}

static void
perform_archive(const struct cause *cause, const struct effect *effect)
{
	struct host *host = cause->host;
	struct event event = *effect->event;
	if (effect->json) {
		event.payload = (struct str){effect->json, effect->json_len};
		event.kind = EVENT_UPDATE;
		event.name = str_from(event_kind_info(EVENT_UPDATE)->name);
	}
	struct buf line;
	buf_init(&line, EVENT_LINE_MAX);
	event_write_line(&event, &line);
	archives_add(host->archives, clock_wall_ms(&host->config.clock), cause->instance->name,
		effect->name, buf_str(&line));
	buf_finish(&line);
	host->stats.archived++;
	char *path = archives_path(host->archives, cause->instance->name, effect->name);
	if (host->events.on_archived)
		host->events.on_archived(host->data, cause->instance->name, effect->event,
			path ? path : effect->name);
	free(path);
}

/* A secret that a plugin stores stands in the database by its name. */
static void
put_state(const struct cause *cause, struct str key, struct str json)
{
	struct buf hidden;
	buf_init(&hidden, 2 * PLUGIN_STATE_VALUE_MAX);
	secrets_hide(cause->host->config.secrets, json, &hidden);
	state_put(cause->host->store, cause->instance->name, key, buf_str(&hidden));
	buf_finish(&hidden);
}

static void
perform_window(const struct cause *cause, const struct effect *effect)
{
	const struct window_ask ask = {
		.kind = effect->window,
		.key = {effect->name, effect->name_len},
		.value = {effect->json, effect->json_len},
		.at_ms = effect->at_ms,
		.within_ms = effect->within_ms,
		.amount = effect->amount,
		.event = effect->event_number,
	};
	char message[MESSAGE_MAX];
	if (!windows_add(cause->instance->windows, cause->host->store, &ask, message))
		return;
	log_warn(cause->host->config.log, "%s: %s", cause->instance->name, message);
	struct buf detail;
	buf_init(&detail, MESSAGE_MAX * 8);
	buf_add_char(&detail, '{');
	json_put_key(&detail, "message");
	json_put_text(&detail, message);
	buf_add_char(&detail, '}');
	journal(cause, "capped", buf_str(&detail));
	buf_finish(&detail);
}

void
perform_actions(const struct cause *cause, const struct effects *effects, size_t from)
{
	for (size_t i = from; i < effects->count; i++) {
		if (effects->list[i].type == EFFECT_ACTION)
			perform_action(cause, effects, i);
	}
}

void
perform_rest(const struct cause *cause, const struct effects *effects)
{
	struct store *store = cause->host->store;
	for (size_t i = 0; i < effects->count; i++) {
		const struct effect *effect = &effects->list[i];
		struct str name = {effect->name, effect->name_len};
		struct str json = {effect->json, effect->json_len};
		switch (effect->type) {
		case EFFECT_ARCHIVE:
			perform_archive(cause, effect);
			break;
		case EFFECT_STATE_PUT:
			put_state(cause, name, json);
			break;
		case EFFECT_STATE_DELETE:
			state_delete(store, cause->instance->name, name);
			break;
		case EFFECT_NOTE:
			journal(cause, effect->name, json);
			break;
		case EFFECT_WINDOW:
			perform_window(cause, effect);
			break;
		case EFFECT_ACTION: /* perform_actions */
		case EFFECT_START:  /* tasks.c */
		case EFFECT_STOP:
			break;
		}
	}
}

void
host_event_key(const struct event *event, struct buf *out)
{
	buf_add_str(out, event->name);
	buf_add_char(out, ':');
	if (event->id.len)
		buf_add_str(out, event->id);
	else
		buf_printf(out, "%lld-%016llx", (long long)event->received_at_ms,
			(unsigned long long)str_hash(event->payload));
}
