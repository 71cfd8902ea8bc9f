/* SPDX-License-Identifier: MIT */
/* What host.c, instances.c, route.c, perform.c and turn.c share: the host's objects. */
#pragma once

#include "archive.h"
#include "host.h"
#include "http.h"
#include "inbox.h"
#include "intake.h"
#include "outbox.h"
#include "plugin.h"
#include "state.h"
#include "store.h"
#include "view.h"
#include "windows.h"
#include "ws.h"

#define INSTANCE_NO_NUMBER UINT_MAX

struct schedule {
	struct schedule_row row; /* as it stands in the store */
	bool busy; /* a run of it waits for something: due times that come are skipped */
};

/* Stays where it is as long as it lives: pointers to it may be kept between turns, plugins come and go in it. */
struct instance {
	struct plugin *plugin; /* NULL: it did not load or is switched off, and `error` says why */
	char *name;
	char *error;     /* of the last load; NULL: none. With a plugin: of a reload that failed */
	unsigned number; /* in the intake and in host->by_number; INSTANCE_NO_NUMBER without one */
	struct config_plugin about; /* its own copy */
	struct account *account;    /* borrowed; NULL: none */
	bool dry_run;
	bool may_run; /* it is known who we are: else it could act on its own posts */
	int64_t act_within_ms;
	struct inbox inbox;
	struct windows *windows;    /* what tusk.count remembers; outlives the plugin */
	struct schedule *schedules; /* as plugin_schedules */
	uint64_t handled, raised;
};

/* A change of a stream's state that handlers may want to hear of, told in the next turn. */
struct news {
	const char *name; /* "connected", "disconnected" */
	const struct account *account;
	char *stream, *param, *reason;
	struct news *next;
};

struct host {
	struct host_config config;
	struct host_events events;
	void *data;
	struct rng rng;
	struct json_parser *parser;
	struct http *http;
	struct ws_client *ws;
	struct store *store;
	char *store_path;
	struct archives *archives;
	struct outbox *outbox;     /* sends */
	struct outbox *dry_outbox; /* writes down what it would send */
	struct intake *intake;
	struct views *views;
	struct pattern_scratch *scratch;
	struct account **accounts;
	struct link **links; /* NULL each until host_start */
	bool *lost;          /* per account: it will not be tried again */
	unsigned account_count;
	struct instance **instances; /* in the order of the config; none is NULL */
	unsigned instance_count;
	struct instance *by_number[INTAKE_INSTANCES_MAX]; /* NULL: the number is free */
	struct loop_timer *tick;     /* wakes the loop for schedules and positions */
	struct news *news;           /* news::next, oldest first */
	struct position_mark *marks; /* hash: newest ids that are not committed yet; positions.c */
	int64_t committed_at_ms;     /* monotonic */
	int64_t wall_seen_ms;        /* by schedules_run */
	int64_t prune_at_ms;         /* monotonic: when old rows are looked for again */
	bool started;                /* a replay: the schedules have their due times */
	bool paused, stopped;
	struct checkpoint *checkpoint; /* turn.c; the one that runs, or NULL */
	bool ending;                   /* the last turn: nothing new is sent */
	struct host_stats stats;
};

/* Starts the turn's transaction if it has not begun. False: the host was stopped. */
bool host_begin(struct host *host);
/* Says why, ends the loop; nothing runs after. */
void host_stop(struct host *host, const char *why);
const struct account *host_account(
	const struct host *host, const char *name); /* NULL when unknown */
/* "update:1156…", the event in keys, journal and messages. */
void host_event_key(const struct event *event, struct buf *out);

/* A journal row; secrets in `detail` (JSON) are redacted. Inside the transaction. */
void host_journal(struct host *host, const struct instance *instance, const char *what,
	struct str event_key, struct str detail);

/* instances.c */
/* Loads every plugin of the config. One that fails is reported, and stays listed without a plugin. */
void instances_create(struct host *host);
/* Adds one to the list and loads its plugin. */
struct instance *instance_add(struct host *host, const struct config_plugin *about);
/* Loads the plugin's file and gives it its tusk.store. NULL: `error` says why. New. */
struct plugin *instance_build(
	struct host *host, const struct config_plugin *about, struct plugin_error *error);
void instance_set_error(struct instance *instance, const char *text); /* NULL: none */
void instances_subscribe(struct host
		*host); /* tells the intake who hears what; with links, asks the servers for it */
void instances_destroy(struct host *host);

/* route.c: puts the handlers that the event matches into the inboxes of their instances. */
void route_event(struct host *host, struct event *event);
/* The reason (JSON, new) when the handler hears and matches the event, else NULL. */
char *route_match(struct host *host, const struct instance *instance,
	const struct plugin_handler *handler, struct event *event);

/* waiting.c */
/* Finds the handler of the work by its key, or, when it is gone, the heirs that the event matches. False: nobody
 * takes it, said in journal and log; the caller calls inbox_done. Inside the transaction. */
bool waiting_resolve(struct host *host, struct instance *instance, struct work *work);
/* The instance has a plugin whose handlers may not be those of the last one: work that waits gets the keys of its
 * heirs. Inside the transaction. */
void waiting_adopt(struct host *host, struct instance *instance);

/* perform.c: runs a handler or schedule and applies its effects. Inside the transaction. */
void perform_work(struct host *host, struct instance *instance, const struct work *work);
void perform_schedule(
	struct host *host, struct instance *instance, unsigned schedule, int64_t due_ms);
/* Runs the handlers of a host event ("connected", "disconnected"). */
void perform_news(struct host *host, const struct news *news);

/* turn.c: once per loop iteration, after the sockets were read. */
void turn_run(void *data); /* loop_fn */
void turn_pause_sockets(
	struct host *host); /* reads from the sockets only while the intake has room */
/* A checkpoint that runs ends without the host. */
void turn_leave_checkpoint(struct host *host);

/* positions.c */
void positions_mark(struct host *host, const struct event *event); /* the event came in */
void positions_write(struct host *host);                           /* inside the transaction */
void positions_forget(struct host *host);

/* schedules.c */
void schedules_start(struct host *host); /* reads or sets the first due times */
void schedules_start_instance(struct host *host, struct instance *instance);
/* Runs what is due, a bounded number; inside the transaction. */
void schedules_run(struct host *host);
/* "NAME@2026-03-29T07:00:00.000Z": a run in action keys, journal and messages. New. */
char *schedule_key(const char *name, int64_t due_ms);
