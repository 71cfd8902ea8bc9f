/* SPDX-License-Identifier: MIT */
/* What the parts of the doctor share: the one who asks, and who is looked at. Only for them. */
#pragma once

#include "args.h"
#include "checkup_account.h"
#include "config.h"
#include "doctor_fetch.h"
#include "rng.h"
#include "session.h"
#include "ws.h"

struct doctor {
	struct session session;
	const struct args *args;
	struct config config;
	struct fetch fetch;
	struct ws_client *ws;
	struct rng rng;
	struct log *quiet; /* for parts that talk while they try: NULL unless --verbose */
	bool json;
	int64_t coverage_ms;                /* 0: not asked for */
	unsigned counts[FINDING_ERROR + 1]; /* of what was told, by level */
	struct buf report;                  /* JSON of the findings so far */
	struct buf coverage_report;
};

/* One account with what is known of it. */
struct patient {
	struct doctor *doctor;
	const struct config_account *from;
	struct account *account; /* NULL: its address is none */
	struct checkup_stream *wanted;
	unsigned wanted_count;
	bool *live;   /* of each wanted stream: it was, when it was tried; NULL: not tried */
	bool made_up; /* nobody wants these streams: they are tried to see what the token can do */
	struct findings findings;
	unsigned told; /* how many of them were printed */
	struct fetched instance, credentials;
	bool reached;   /* the server gave some answer */
	bool has_token; /* there is one, and the server did not refuse it */
	bool known;     /* it has said whose it is */
	bool no_good;   /* it has refused it */
	bool streams;   /* it has streaming */
};

/* doctor_wanted.c: which streams are wanted, by whom; plugins that do not load are findings. */
void doctor_plugins(struct doctor *doctor, struct patient *patients, struct findings *findings);
void patient_finish(struct patient *patient);

/* doctor_account.c: all checks of one account, in the order of their table. */
void doctor_account(struct patient *patient);

/* doctor_streams.c: tries to listen to what is wanted. */
void doctor_streams(struct patient *patient);
/* Asks REST for what is wanted and no server streams: bookmarks and favourites. */
void doctor_lists(struct patient *patient);

/* doctor_hidden.c: what the owner of the token has hidden from itself. */
void doctor_hidden(struct patient *patient);

/* doctor_state.c: the state folder, its database, and files with secrets. */
void doctor_state(struct doctor *doctor, struct findings *findings);

/* doctor_coverage.c: --coverage. Adds to the findings of each account, and tells them. */
void doctor_coverage(struct doctor *doctor, struct patient *patients, unsigned count);

/* doctor_print.c */
struct doctor_subject {
	const char *account; /* NULL: the machine */
	const char *heading; /* printed before the first finding */
};
/* Prints the findings from *told on, or keeps them for --json. */
void doctor_tell(struct doctor *doctor, const struct doctor_subject *subject,
	const struct findings *findings, unsigned *told);
/* The last line, or the JSON document. */
void doctor_summary(struct doctor *doctor);
/* To standard output, without control characters and secrets. */
void doctor_print(const struct doctor *doctor, const char *format, ...) PRINTF_LIKE(2, 3);
