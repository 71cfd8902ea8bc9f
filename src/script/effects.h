/* SPDX-License-Identifier: MIT */
/* What one task wants to have happened: actions are staged when it waits, the rest is applied when it ends. */
#pragma once

#include "action.h"
#include "event.h"
#include "windows.h"

enum effect_type {
	EFFECT_ACTION,
	EFFECT_ARCHIVE,   /* append the event to archive `name` */
	EFFECT_STATE_PUT, /* tusk.store: key, json */
	EFFECT_STATE_DELETE,
	EFFECT_NOTE,   /* journal: `name` is what ("refused"), `json` the detail */
	EFFECT_WINDOW, /* tusk.count, distinct, once: `name` is the key, `json` the value */
	EFFECT_START,  /* run `function` at `at_ms`: tusk.after, tusk.spawn */
	EFFECT_STOP,   /* forget `function`, which has not started */
};

struct effect {
	enum effect_type type;
	struct action action; /* EFFECT_ACTION; the host sets name and json when it refuses it */
	char *name;           /* archive name, state key, what of a note */
	size_t name_len;
	char *json; /* state value; for an archive of another object than the event: its line's payload, else NULL */
	size_t json_len;
	struct event *
		event; /* EFFECT_ARCHIVE: what is written; EFFECT_START: what it belongs to, or NULL; a reference */
	unsigned function;       /* EFFECT_START, EFFECT_STOP */
	int64_t at_ms;           /* EFFECT_START: wall clock; EFFECT_WINDOW: event time */
	enum window_kind window; /* EFFECT_WINDOW from here on: the fields of struct window_ask */
	int64_t within_ms, amount;
	uint64_t event_number;
};

struct effects {
	struct effect *list;
	size_t count, size;
	size_t bytes; /* of texts, as effects_room was told */
};

void effects_init(struct effects *effects);
void effects_finish(struct effects *effects); /* frees all */
/* Whether texts of `bytes` more fit into EFFECTS_BYTES_MAX; counts them if so. */
bool effects_room(struct effects *effects, size_t bytes);
/* The new entry, zeroed but for its type; NULL past PLUGIN_EFFECTS_MAX. */
struct effect *effects_add(struct effects *effects, enum effect_type type);
