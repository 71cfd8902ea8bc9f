/* SPDX-License-Identifier: MIT */
/* What the files of the host share: its objects, and what each file does to them. */
#pragma once

#include "alert.h"
#include "archive.h"
#include "deletes.h"
#include "host.h"
#include "http.h"
#include "inbox.h"
#include "intake.h"
#include "limits.h"
#include "matching.h"
#include "outbox.h"
#include "plugin.h"
#include "quarantine.h"
#include "requests.h"
#include "state.h"
#include "store.h"
#include "view.h"
#include "watch.h"
#include "windows.h"
#include "ws.h"

#define INSTANCE_NO_NUMBER UINT_MAX

struct schedule {
	struct schedule_row row; /* as it stands in the store */
};

/* Stays where it is as long as it lives: pointers to it may be kept between turns, plugins come and go in it. */
struct instance {
	struct plugin *plugin; /* NULL: it did not load or is switched off, and `error` says why */
	char *name;
	char *file;          /* its Lua file as found last; NULL: never */
	struct watch *watch; /* host->watch; NULL: files are not watched */
	char *error;     /* of the last load; NULL: none. With a plugin: of a reload that failed */
	unsigned number; /* in the intake and in host->by_number; INSTANCE_NO_NUMBER without one */
	struct config_plugin about; /* its own copy */
	struct account *account;    /* borrowed; NULL: none */
	bool dry_run;
	bool lags;    /* more waits for it than may; its streams are not read. subscriptions.c */
	bool may_run; /* it is known who we are: else it could act on its own posts */
	int64_t act_within_ms;
	struct inbox inbox;
	struct windows *windows;    /* what tusk.count remembers; outlives the plugin */
	struct schedule *schedules; /* as plugin_schedules */
	bool dropped;               /* it lies in the plugin folder, and is not in the config */
	bool leaving;               /* it was taken out; gone when its last task has ended */
	int64_t loaded_at_ms;       /* when the present plugin was, wall clock */
	unsigned reloads;           /* that worked */
	uint64_t heard, matched, handled, raised;
	struct guard guard;
};

/* A change of a stream's state that handlers may want to hear of, told in the next turn. */
struct news {
	const char *name;  /* "connected", "disconnected", "gap" */
	const char *state; /* of the stream, stream_state_name */
	const struct account *account;
	char *stream, *param, *reason;
	char *gap; /* of "gap": its JSON object, gap_put_payload; else NULL */
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
	struct requests *requests; /* NULL: offline */
	struct intake *intake;
	struct deletes *deletes;
	struct reconcile *reconcile; /* NULL offline */
	struct views *views;
	struct pattern_scratch *scratch;
	struct matching *matching;
	uint64_t
		built; /* plugins, since the start: another number, another plugin behind the same address */
	struct config
		*own_config; /* that a reload has read; NULL: the one at the start is in use */
	struct account **accounts;
	struct account **gone; /* accounts that the config has no more */
	unsigned gone_count;
	struct link **links; /* NULL each until host_start */
	bool *lost;          /* per account: it will not be tried again */
	bool *known;         /* per account: the server has said who we are, or that it will not */
	unsigned account_count;
	struct instance **instances; /* in the order of the config; none is NULL */
	unsigned instance_count;
	bool many_streams; /* some instance heard more than one, since the start */
	struct instance *by_number[INTAKE_INSTANCES_MAX]; /* NULL: the number is free */
	struct loop_timer *tick;  /* wakes the loop for schedules and positions */
	struct news *news;        /* news::next, oldest first */
	struct task *tasks;       /* that wait, task::next, oldest first */
	struct task *spare_tasks; /* list, task::next */
	unsigned spare_task_count;
	struct timer *timers; /* functions to start, timer::next, the soonest first */
	struct timer
		*fired; /* timer::next: began in the turn that is not committed, or wait still */
	struct redo *moved;      /* redo::next: runs of schedules that moved on in that turn */
	struct redo *redo;       /* ... that was taken back: they begin again */
	uint64_t last_task;      /* number */
	struct watch *watch;     /* of the files of plugins and config; NULL offline */
	struct control *control; /* NULL: none */
	struct edits *edits;
	struct gapfill *gapfill;        /* NULL until host_start */
	int64_t started_at_ms;          /* wall clock */
	struct retired *retired;        /* list, retired::next, oldest first */
	struct reload_request *reloads; /* list, reload_request::next; reload.c */
	struct position *positions;     /* hash: newest cursors; positions.c */
	unsigned positions_changed;     /* that are not committed */
	int64_t committed_at_ms;        /* monotonic */
	unsigned turn_events;           /* that the last turn took */
	int64_t wall_seen_ms;           /* by schedules_run */
	int64_t prune_at_ms;            /* monotonic: when old rows are looked for again */
	struct raised *alerts;          /* raised::next, oldest first; alert.c */
	struct alert_pace alert_pace, alert_pace_committed;
	struct alert_call *alert_calls; /* alert_call::next; alert_direct.c */
	int64_t alert_direct_at_ms;     /* the last one, wall clock; 0: none */
	const char *closing; /* why the host stops as soon as its alerts have left; NULL */
	int64_t close_by_ms; /* monotonic: or then at the latest */
	bool started;        /* a replay: the schedules have their due times */
	bool stopped;
	bool turn_failed; /* its transaction cannot be made */
	char *trouble; /* what keeps the host from working, for people; NULL: nothing. trouble.c */
	int64_t trouble_since_ms; /* wall clock */
	int64_t look_again_ms;    /* monotonic: whether the trouble is over */
	struct event **taken;     /* references: events of the turn that is not committed yet */
	size_t taken_count, taken_size;
	unsigned held_turns;           /* of a replay, not committed yet */
	int64_t held_since_ms;         /* by the machine's clock */
	struct checkpoint *checkpoint; /* commit.c; the one that runs, or NULL */
	bool ending;                   /* the last turn: nothing new is sent */
	struct host_stats stats;
};

/* A replay without a state folder: its database is in memory, and goes with the host. */
static inline bool
host_keeps_nothing(const struct host *host)
{
	return !host->store_path && host->config.offline;
}

/* Starts the turn's transaction if it has not begun. False: it cannot, and the turn will be taken back, or the host was
 * stopped. */
bool host_begin(struct host *host);
/* Says why, ends the loop; nothing runs after. */
void host_stop(struct host *host, const char *why);
/* The same when the alerts about it have left, or soon in any case. `why` is kept: a literal. */
void host_close(struct host *host, const char *why);
/* Stops a host that closes when it is time. In the turn. */
void host_close_run(struct host *host);
const struct account *host_account(
	const struct host *host, const char *name); /* NULL when unknown */
/* "update:1156…", the event in keys, journal and messages. */
void host_event_key(const struct event *event, struct buf *out);

/* A journal row; secrets in `detail` (JSON) are redacted. NULL: of no instance. Inside the transaction. */
void host_journal(struct host *host, const struct instance *instance, const char *what,
	struct str event_key, struct str detail);

/* instances.c */
/* Loads every plugin of the config. One that fails is reported, and stays listed without a plugin. */
void instances_create(struct host *host);
/* Adds one to the list and loads its plugin. */
struct instance *instance_add(struct host *host, const struct config_plugin *about);
/* Loads the plugin's file and gives it its tusk.store. NULL: `error` says why. New. */
struct plugin *instance_build(struct host *host, struct instance *instance,
	const struct config_plugin *about, struct plugin_error *error);
/* instance->error line by line, as an error of the log. */
void instance_report(struct host *host, const struct instance *instance, const char *what);
/* Gives the instance's plugin the tusk.store that the database has. */
void instance_restore(struct host *host, const struct instance *instance);
void instance_set_error(struct instance *instance, const char *text); /* NULL: none */
void instance_destroy(struct instance *instance);
void instances_destroy(struct host *host);

/* comings.c */
#define FOLDER_TAG "folder:" /* of the watch; no instance can be named so */
struct instance *instance_find(const struct host *host, const char *name); /* NULL: none */
/* Between two events, with lines for people in `words`. False: its plugin did not load, and it stays listed. */
bool instance_start(
	struct host *host, const struct config_plugin *about, bool dropped, struct buf *words);
/* Its plugin hears nothing any more; tasks may end. It goes from the list in a later turn (instances_sweep). */
void instance_stop(struct host *host, struct instance *instance, struct buf *words);
void instances_sweep(struct host *host);
/* Starts and stops what came into the plugin folder and went. Without a folder: nothing. */
bool folder_scan(struct host *host, struct buf *words);

/* subscriptions.c */
/* Tells the intake who hears what; with links, asks the servers for it. */
void subscriptions_start(struct host *host);
/* The streams of the instance's plugin in place of those of `old`; NULL: of those that it held while it was off. */
void subscriptions_change(struct host *host, struct instance *instance, const struct plugin *old);
/* Whether some plugin that hears the account lags behind more than it may. */
bool subscriptions_lag(const struct host *host, unsigned account);
/* Looks who lags, and says so. */
void subscriptions_look(struct host *host);

/* status_stopped.c: what `status` tells when no host runs. */
#define STATUS_STARTED "run:started" /* facts with the Unix ms of the last run */
#define STATUS_ENDED   "run:ended"
void status_mark(struct host *host, const char *fact); /* that it is now */

/* reload.c */
void reload_changed_file(struct host *host, const char *tag); /* of the watch */
/* Answers what host_reload asked for. In the turn, before events are taken. */
void reload_run(struct host *host);
/* Loads the instance's plugin anew, as `about` says, and lets it take the place of the old one. False: the old one
 * goes on. `words` gets lines for people either way. In the turn, between two events. */
bool reload_instance(struct host *host, struct instance *instance,
	const struct config_plugin *about, struct buf *words);
/* "cats: reloaded, version …", to the log and to `words`; `before` is the version before it, or NULL. */
void reload_say(
	struct host *host, struct instance *instance, const char *before, struct buf *words);
void reload_forget(struct host *host);

/* reconfig.c */
#define CONFIG_TAG "config:"            /* of the watch; no instance can be named so */
void reconfig_watch(struct host *host); /* the config's file, as it is now */
/* Reads the config again and applies what has changed. False: it is wrong and nothing was changed, or a plugin of it did
 * not load; `words` says so. */
bool reconfig_run(struct host *host, struct buf *words);
/* Gives an instance another entry of the config. False: it was to be loaded anew, and failed; it goes on as it was. */
bool instance_reconfigure(struct host *host, struct instance *instance,
	const struct config_plugin *about, bool load, struct buf *words);
/* Contacts an account. New. */
struct link *host_connect(struct host *host, unsigned account);

/* retired.c: plugins whose place another one has taken; their tasks end, or are given up in the end. */
struct cause;
void retired_add(struct host *host, struct plugin *plugin); /* takes; NULL is fine */
void retired_charge(struct host *host); /* nothing is held for them, to begin with */
void retired_run(struct host *host);
int64_t retired_next_due(const struct host *host); /* Unix ms; INT64_MAX: none */
unsigned retired_count(const struct host *host, const struct instance *instance);
void retired_destroy(struct host *host);
/* A task of the plugin `by` has ended: what it stored is told to the instance's present plugin. */
void retired_share(
	const struct cause *cause, const struct plugin *by, const struct effects *effects);

/* route.c: puts the handlers that the event matches into the inboxes of their instances. */
void route_event(struct host *host, struct event *event);
/* Whether some handler hears the stream and the kind, and its instance has not had the event. */
bool route_wanted(struct host *host, const struct event *event);
/* Adds the scope of the event's seen key; and that of its server, for what is the same to all accounts. */
void host_scope(const struct host *host, const struct event *event, struct buf *scope);
void host_server_scope(const struct host *host, const struct event *event, struct buf *scope);
bool route_hears(const struct plugin_handler *handler, const struct event *event); /* its kind */
/* The reason (JSON, new) when the handler hears and matches the event, else NULL. */
char *route_match(struct host *host, const struct instance *instance,
	const struct plugin_handler *handler, struct event *event);

/* carriers.c */
/* The event with the names of all streams of the instance that carry it for sure; itself when there are no others. New
 * reference. */
struct event *carriers_name(
	struct host *host, const struct instance *instance, struct event *event);
/* The event came by a stream and goes to the `routed` (ascending) of those who hear it: the others had it by another stream. Where
 * its handler has not begun, the stream is added to the event. */
void carriers_copy(
	struct host *host, const struct event *event, const unsigned *routed, size_t routed_count);

/* waiting.c */
/* Finds the handler of the work by its key, or, when it is gone, the heirs that the event matches. False: nobody
 * takes it, said in journal and log; the caller calls inbox_done. Inside the transaction. */
bool waiting_resolve(struct host *host, struct instance *instance, struct work *work);
/* The instance has a plugin whose handlers may not be those of the last one: work that waits gets the keys of its
 * heirs. Inside the transaction. */
void waiting_adopt(struct host *host, struct instance *instance);

/* perform.c: what a task wants. Inside the transaction. */
/* Who asked, for all effects of one task. Texts are owned. */
struct cause {
	struct host *host;
	struct instance *instance;
	struct event *event; /* a reference; NULL for a schedule or host event */
	char *event_key;     /* NULL for a schedule */
	char *schedule;      /* "NAME@DUE"; NULL for an event */
	char *handler;       /* key of the handler of the event; NULL for a schedule */
	bool too_old;        /* act_within has passed */
};
/* Stages the actions from number `from` on. What becomes nothing gets a kind (name) and words (json) in its effect. */
void perform_actions(const struct cause *cause, const struct effects *effects, size_t from);
void perform_rest(
	const struct cause *cause, const struct effects *effects); /* all but the actions */
/* Where the action of that number comes from. */
struct action_source perform_source(
	const struct cause *cause, const struct effects *effects, size_t at);

/* outcome.c: what became of an action, as JSON for plugin_resume. */
/* Of the action of that number, which was staged. NULL: it is not known yet, and *key (new) is that of the intent. New. */
char *outcome_of_action(
	const struct cause *cause, const struct effects *effects, size_t at, char **key);
char *outcome_of_intent(const struct intent *intent);                   /* NULL: it is open. New */
char *outcome_problem(const char *kind, int status, const char *words); /* new */

/* tasks.c: handlers, schedules and started functions from their start to their end. Inside the transaction. */
/* Each runs until the task ends or waits. The work is done, and gone from the inbox, when its task ends. */
void tasks_start_work(struct host *host, struct instance *instance, struct work *work);
void tasks_start_schedule(struct host *host, struct instance *instance, unsigned schedule,
	int64_t due_ms, bool again); /* again: its turn was taken back */
/* A handler of a host event, with its subject. */
void tasks_start_news(
	struct host *host, struct instance *instance, unsigned handler, struct json_value subject);
/* Goes on with what has its answer or has waited long enough, and starts the functions whose time has come. */
void tasks_run(struct host *host);
/* Gives a task that waits its answer (JSON, see plugin_resume): it goes on in the next turn. Nothing happens when the task
 * is gone or has its answer. May be called at any time. */
void tasks_answer(struct host *host, uint64_t id, struct str answer);
void tasks_outcome(struct host *host, const struct intent *intent); /* news of the outbox */
/* Tells each plugin what is held for it: windows, requests, answers that its tasks wait to read. */
void tasks_charge(struct host *host);
bool tasks_answered(const struct host *host);    /* some have their answer */
int64_t tasks_next_due(const struct host *host); /* Unix ms; INT64_MAX: nothing waits for a time */
bool tasks_schedule_waits(const struct host *host, const struct instance *instance,
	unsigned schedule); /* a run of it has not ended */
/* Tasks of the plugin that wait. */
unsigned tasks_count(const struct host *host, const struct plugin *plugin);
/* Gives up the plugin's tasks and started functions, before it is destroyed or while it is off: nothing of them goes on.
 * Their work stays in the inbox, to be run again from its start. */
void tasks_drop_plugin(struct host *host, struct plugin *plugin);
unsigned tasks_of(
	const struct host *host, const struct plugin *plugin); /* and functions to start */
/* Every task, but not the functions that are to start. */
void tasks_give_up(struct host *host);
/* What tasks have done in the turn is written down. */
void tasks_committed(struct host *host);
void tasks_destroy(struct host *host); /* all of them, at the end */

/* news.c: changes of streams. */
void news_tell(struct host *host); /* runs the handlers of "connected" and "disconnected" */
struct gap;
void news_add_gap(struct host *host, const struct account *account, const struct gap *gap);
void news_forget(struct host *host);

/* turn.c: once per loop iteration, after the sockets were read. */
void turn_run(void *data); /* loop_fn */
void turn_pause_sockets(
	struct host *host); /* reads from the sockets only while the intake has room */

/* commit.c */
#define COMMIT_QUIET_MS 1000 /* turns in which nothing matched commit positions this often */
/* Ends the turn's transaction, if there is one. A replay holds it open for some turns. */
void commit_turn(struct host *host, int64_t now_mono_ms);
void commit_now(struct host *host, int64_t now_mono_ms); /* holds nothing */
void commit_checkpoint(struct host *host);       /* after a turn: starts one when it is time */
void commit_leave_checkpoint(struct host *host); /* one that runs ends without the host */

/* trouble.c: no room to write. */
void trouble_note_event(struct host *host, struct event *event); /* it was taken from the intake */
void trouble_turn_done(
	struct host *host); /* the turn is committed, or there was nothing to commit */
/* The turn cannot be committed: all of it is taken back. Without room the host rests and looks again by itself; when the
 * database is broken, and in a replay, it stops. */
void trouble_turn_failed(struct host *host);
/* True while the host rests: the turn does nothing. Looks from time to time whether there is room again. */
bool trouble_rests(struct host *host);

/* positions.c */
void positions_mark(struct host *host, const struct event *event); /* the event came in */
void positions_write(struct host *host);                           /* inside the transaction */
/* All, changes included: they are read from the store when next asked for. The turn was taken back, or the host ends. */
void positions_forget(struct host *host);
struct source_key;
/* The newest cursor, committed or not, and until when the source was heard; STR_NONE: it was never read. Borrowed until the
 * next event. */
struct str positions_cursor(struct host *host, const struct source_key *key, int64_t *at_ms);
/* The newest that the stream itself brought since the start; STR_NONE: none. */
struct str positions_live(struct host *host, const struct source_key *key);
/* Until now the source was heard: whatever is newer than its cursor came after. */
void positions_seen(struct host *host, const struct source_key *key, int64_t now_ms);
/* Where a source begins for us; nothing happens when it was read further already. */
void positions_begin(struct host *host, const struct source_key *key, struct str cursor);

/* schedules.c: runs that begin again, since the turn in which they moved on was taken back */
struct redo;
void redo_add(struct redo **list, const char *instance, const char *schedule, int64_t due_ms);
void redo_forget(struct redo **list);
void redo_concat(struct redo **list, struct redo **more); /* takes those of `more` */
void redo_first(struct host *host);                       /* inside the transaction */

/* schedules.c */
void schedules_start(struct host *host); /* reads or sets the first due times */
void schedules_start_instance(struct host *host, struct instance *instance);
/* Runs what is due, a bounded number; inside the transaction. */
void schedules_run(struct host *host);
/* "NAME@2026-03-29T07:00:00.000Z": a run in action keys, journal and messages. New. */
char *schedule_key(const char *name, int64_t due_ms);
