/* SPDX-License-Identifier: MIT */
/* How far each source of each stream was read: cursors with their marks, open fills, and gaps (design section 5). */
#pragma once

#include "buf.h"
#include "store.h"

/* One REST source of one stream of an account: what one cursor belongs to. */
struct source_key {
	const char *account;
	struct str stream, param;
	const char *kind; /* wire name of its events: "update", "notification", ... */
};

/* The newest cursor that was committed, and when what it stands for came in. */
void cursor_put(
	struct store *store, const struct source_key *key, struct str cursor, int64_t at_ms);
/* False when there is none. Appends the cursor. */
bool cursor_get(
	struct store *store, const struct source_key *key, struct buf *cursor, int64_t *at_ms);
/* Marks tell what the newest cursor was at some time before: the id space knows no time. */
void cursor_mark(
	struct store *store, const struct source_key *key, struct str cursor, int64_t at_ms);
/* Appends the newest mark of `at_ms` or before that is not `cursor`, else the oldest of all others. False: there is none. */
bool cursor_mark_find(struct store *store, const struct source_key *key, int64_t at_ms,
	struct str cursor, struct buf *out);
int64_t cursor_mark_newest_ms(struct store *store, const struct source_key *key); /* 0: none */
/* Deletes all but the newest `keep` marks of the source. */
void cursor_marks_prune(struct store *store, const struct source_key *key, int keep);

enum fill_pass {
	FILL_PASS_OPEN,  /* from the cursor at the connect to what the stream brings */
	FILL_PASS_AGAIN, /* once more, from shortly before the connect: due at due_ms */
};
/* A fill that is not done. One for each source; texts are borrowed for a call. */
struct fill_row {
	struct source_key key;
	enum fill_pass pass;
	bool first;           /* the stream was not known before */
	bool down;            /* the server takes min_id for since_id */
	struct str next;      /* everything up to here is done; STR_NONE with `first` */
	struct str known;     /* the newest cursor before; STR_NONE: there was none */
	int64_t since_ms;     /* when the stream was last seen before; 0: never */
	int64_t connected_ms; /* Unix ms of the connect */
	int64_t due_ms;       /* Unix ms */
};
void fill_put(struct store *store, const struct fill_row *row); /* replaces that of the source */
void fill_delete(struct store *store, const struct source_key *key);
typedef void fill_row_fn(void *data, const struct fill_row *row);
void fill_each(struct store *store, fill_row_fn *fn, void *data);

/* A stretch that could not be seen. Texts are borrowed for a call. */
struct gap {
	int64_t id;
	const char *account;
	struct str stream, param;
	const char *what;   /* "posts" "notifications" "announcements" "direct" "edits" "deletes" */
	struct str from_id; /* the last below it that is known; STR_NONE: unknown */
	struct str to_id;   /* the first above it; STR_NONE: unknown */
	int64_t from_ms;    /* Unix ms: when the stream was last seen; 0: unknown */
	int64_t to_ms;      /* when it was seen again */
	struct str reason;  /* for people */
	bool quiet;         /* a short outage that was filled: nobody is alarmed */
	int64_t at_ms;      /* when it was written down */
};
void gap_put(struct store *store, struct gap *gap); /* sets the id */
typedef void gap_fn(void *data, const struct gap *gap);
/* Oldest first, those that end at `since_ms` or later. */
void gap_each(struct store *store, int64_t since_ms, gap_fn *fn, void *data);
struct gap_counts {
	int64_t alarms, quiet;
	int64_t last_ms; /* end of the newest that is not quiet; 0: none */
};
void gap_count(struct store *store, struct gap_counts *counts);
int gap_prune(struct store *store, int64_t before_ms, int limit); /* as seen_prune */
