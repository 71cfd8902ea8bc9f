/* SPDX-License-Identifier: MIT */
/* Tasks: handlers, schedules and started functions, from their start over their waits to their end. */
#include <stdlib.h>
#include <string.h>

#include "host_private.h"
#include "limits.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "plugin"

/* Ended tasks that are kept for the next ones: each is some kilobytes, and every handler has one. */
enum { SPARE_TASKS = 4 };

enum task_kind { TASK_WORK, TASK_SCHEDULE, TASK_NEWS, TASK_TIMER };

struct task {
	uint64_t id;
	enum task_kind kind;
	struct cause cause;
	struct plugin *plugin; /* that it was started in: the instance may have another one now */
	struct work *work;     /* TASK_WORK: in the instance's inbox */
	unsigned schedule;     /* TASK_SCHEDULE */
	int64_t due_ms;        /* ... */
	struct timer *timer;   /* TASK_TIMER */
	bool committed;        /* its start is, or it begins again */
	bool moved;            /* in the turn that is not committed */
	size_t staged;         /* effects whose actions are in the outbox */
	unsigned started;      /* functions that it started */
	bool listed;           /* in host->tasks: it has waited */
	int64_t until_ms;      /* while it waits: wall clock */
	char *intent_key;      /* while it waits for an outcome */
	char *answer;          /* that has come; NULL: none */
	size_t answer_len;
	unsigned requests; /* that it has asked for */
	struct task *next, *prev;
	struct plugin_run run;
};

/* A function of tusk.after or tusk.spawn that waits for its time. */
struct timer {
	struct plugin *plugin;
	unsigned function;
	int64_t at_ms;
	struct cause cause;
	bool fresh; /* what started it is not committed */
	struct timer *next;
};

static void
cause_finish(struct cause *cause)
{
	event_unref(cause->event);
	free(cause->event_key);
	free(cause->schedule);
	free(cause->handler);
}

static void
timer_destroy(struct timer *timer)
{
	cause_finish(&timer->cause);
	free(timer);
}

/* Takes the texts of `cause`. Field by field: the error text in it is big. */
static struct task *
task_create(enum task_kind kind, const struct cause *cause, struct plugin *plugin)
{
	struct host *host = cause->host;
	struct task *task = host->spare_tasks;
	if (task) {
		LL_DELETE(host->spare_tasks, task);
		host->spare_task_count--;
	} else {
		task = xmalloc(sizeof(*task));
	}
	task->id = ++host->last_task;
	task->kind = kind;
	task->cause = *cause;
	task->plugin = plugin;
	task->work = NULL;
	task->schedule = 0;
	task->due_ms = 0;
	task->timer = NULL;
	task->committed = false;
	task->moved = true;
	task->staged = 0;
	task->started = 0;
	task->listed = false;
	task->until_ms = INT64_MAX;
	task->moved = true;
	task->intent_key = NULL;
	task->answer = NULL;
	task->answer_len = 0;
	task->requests = 0;
	task->next = task->prev = NULL;
	plugin_run_init(&task->run);
	return task;
}

/* What is needed to begin again, should the turn be taken back. */
static void
remember(struct task *task)
{
	struct host *host = task->cause.host;
	unsigned count;
	if (task->timer)
		LL_PREPEND(host->fired, task->timer);
	if (task->kind != TASK_SCHEDULE || !task->committed)
		return;
	redo_add(&host->moved, task->cause.instance->name,
		plugin_schedules(task->plugin, &count)[task->schedule].name, task->due_ms);
}

static void
task_destroy(struct task *task)
{
	struct host *host = task->cause.host;
	requests_drop(host->requests, task->id);
	remember(task);
	if (task->listed)
		DL_DELETE(host->tasks, task);
	plugin_run_finish(&task->run);
	cause_finish(&task->cause);
	free(task->intent_key);
	free(task->answer);
	if (host->spare_task_count < SPARE_TASKS) {
		LL_PREPEND(host->spare_tasks, task);
		host->spare_task_count++;
	} else {
		free(task);
	}
}

/* ---- the end ---- */

static bool
is_later(const struct timer *timer, const struct timer *than)
{
	return timer->at_ms > than->at_ms;
}

/* The same run starts the same functions: their actions have keys of their own. A function may start itself for ever, so a
 * long key goes on as its beginning and a hash. New. */
static char *
started_key(const char *key, unsigned number)
{
	if (!key)
		return NULL;
	char *whole = xasprintf("%s+%u", key, number);
	size_t kept = STARTED_KEY_MAX;
	if (strlen(whole) <= 2 * kept)
		return whole;
	while (kept > 0 && ((unsigned char)whole[kept] & 0xc0) == 0x80) /* inside a character */
		kept--;
	char *brief = xasprintf(
		"%.*s~%016llx", (int)kept, whole, (unsigned long long)str_hash(str_from(whole)));
	free(whole);
	return brief;
}

static void
put_timer(struct host *host, struct timer *timer)
{
	struct timer **at = &host->timers;
	while (*at && !is_later(*at, timer))
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
}

static void
add_timer(struct task *task, const struct effect *effect)
{
	struct host *host = task->cause.host;
	const struct cause *cause = &task->cause;
	struct timer *timer = xmalloc(sizeof(*timer));
	*timer = (struct timer){
		.plugin = task->plugin,
		.function = effect->function,
		.at_ms = effect->at_ms,
		.cause = *cause,
	};
	unsigned number = ++task->started;
	timer->cause.event = effect->event ? event_ref(effect->event) : NULL;
	timer->cause.event_key = started_key(cause->event_key, number);
	timer->cause.schedule = started_key(cause->schedule, number);
	timer->cause.handler = xstrdup(cause->handler);
	timer->fresh = true;
	put_timer(host, timer);
}

/* `function` 0: all of the plugin. */
static void
remove_timers(struct host *host, const struct plugin *plugin, unsigned function)
{
	struct timer *timer, *next;
	LL_FOREACH_SAFE(host->timers, timer, next) {
		if (timer->plugin != plugin || (function && timer->function != function))
			continue;
		LL_DELETE(host->timers, timer);
		timer_destroy(timer);
	}
}

static void
apply_timers(struct task *task)
{
	for (size_t i = 0; i < task->run.effects.count; i++) {
		const struct effect *effect = &task->run.effects.list[i];
		if (effect->type == EFFECT_START)
			add_timer(task, effect);
		else if (effect->type == EFFECT_STOP)
			remove_timers(task->cause.host, task->plugin, effect->function);
	}
}

static void
journal_end(const struct task *task)
{
	const struct cause *cause = &task->cause;
	struct str key = str_from(cause->event_key ? cause->event_key : cause->schedule);
	struct str detail = task->work ? str_from(task->work->matched) : STR("{}");
	static const char *const words[] = {
		[TASK_WORK] = "handled", [TASK_SCHEDULE] = "scheduled", [TASK_TIMER] = "timer"};
	/* nobody could read the rows of a host that keeps nothing */
	if (words[task->kind] && !host_keeps_nothing(cause->host))
		host_journal(cause->host, cause->instance, words[task->kind], key, detail);
}

static void
end(struct task *task, enum plugin_verdict verdict)
{
	const struct cause *cause = &task->cause;
	bool keep = false;
	if (verdict == PLUGIN_ENDED) {
		failures_passed(&cause->instance->guard.failures);
		journal_end(task);
		perform_actions(cause, &task->run.effects, task->staged);
		perform_rest(cause, &task->run.effects);
		retired_share(cause, task->plugin, &task->run.effects);
		apply_timers(task);
	} else {
		keep = failed_task(
			&(struct failure){cause, task->plugin, &task->run.error, task->work});
	}
	if (task->work && !keep)
		inbox_done(&cause->instance->inbox, cause->host->store, task->work);
	task_destroy(task);
}

/* ---- waiting ---- */

/* The key is the same when the handler is run again: the other side can know what it has seen. */
static char *
begin_request(struct task *task)
{
	const struct cause *cause = &task->cause;
	struct instance *instance = cause->instance;
	char *name = xasprintf("%s|http|%s|%s|%u", instance->name,
		cause->event_key ? cause->event_key : cause->schedule,
		task->work ? task->work->key : "", task->requests++);
	char *key = action_hash_key(name, NULL);
	struct request_source source = {
		.task = task->id,
		.instance = instance->name,
		.plugin = task->plugin,
		.account = instance->account,
		.dry_run = instance->dry_run,
		.key = key,
	};
	char *answer = requests_add(cause->host->requests, &source, &task->run.wait.request);
	free(key);
	free(name);
	return answer;
}

/* What it waits for, when that is known already. New. */
static char *
begin_wait(struct task *task)
{
	const struct plugin_wait *wait = &task->run.wait;
	int64_t now_ms = clock_wall_ms(&task->cause.host->config.clock);
	free(task->intent_key);
	free(task->answer);
	task->intent_key = task->answer = NULL;
	task->answer_len = 0;
	task->until_ms = wait->until_ms;
	switch (wait->kind) {
	case WAIT_SLEEP:
		break;
	case WAIT_ACTION:
		return outcome_of_action(
			&task->cause, &task->run.effects, wait->action, &task->intent_key);
	case WAIT_REQUEST:
		task->until_ms = now_ms + TASK_WAIT_MAX_MS;
		return begin_request(task);
	}
	return NULL;
}

static bool
has_time(const struct host *host, int64_t start_ms)
{
	return !host->stopped && clock_mono_ms(&host->config.clock) - start_ms < TURN_MS_MAX;
}

static void
list(struct task *task)
{
	if (!task->listed)
		DL_APPEND(task->cause.host->tasks, task);
	task->listed = true;
	if (task->work)
		inbox_run(&task->cause.instance->inbox, task->work, true);
}

/* Each answer that comes at once begins a new budget of CPU time: a loop of them must not hold up everybody else. */
static void
put_off(struct task *task, char *answer)
{
	task->answer = answer;
	task->answer_len = strlen(answer);
	task->until_ms = clock_wall_ms(&task->cause.host->config.clock);
	list(task);
}

static void
go_on(struct task *task, enum plugin_verdict verdict)
{
	struct host *host = task->cause.host;
	int64_t start_ms = clock_mono_ms(&host->config.clock);
	unsigned at_once = 0;
	while (verdict == PLUGIN_WAITS) {
		perform_actions(&task->cause, &task->run.effects, task->staged);
		task->staged = task->run.effects.count;
		char *answer = begin_wait(task);
		if (!answer) {
			list(task);
			return;
		}
		if (++at_once > TASK_AT_ONCE_MAX || !has_time(host, start_ms)) {
			put_off(task, answer);
			return;
		}
		verdict = plugin_resume(task->plugin, &task->run, str_from(answer));
		free(answer);
	}
	end(task, verdict);
}

static void
wake(struct task *task)
{
	struct str answer = {task->answer, task->answer_len};
	char *problem = NULL;
	requests_drop(task->cause.host->requests, task->id);
	if (!task->answer && task->run.wait.kind != WAIT_SLEEP) {
		problem = outcome_problem("timeout", 0,
			"there was no outcome in the time to wait; it may still come");
		answer = str_from(problem);
	}
	task->until_ms = INT64_MAX;
	/* From here on it is a text of the plugin, and counted as that. */
	plugin_add_outside(task->plugin, -(ptrdiff_t)task->answer_len);
	go_on(task, plugin_resume(task->plugin, &task->run, answer));
	free(problem);
}

/* ---- starting ---- */

void
tasks_start_work(struct host *host, struct instance *instance, struct work *work)
{
	struct buf key;
	buf_init(&key, EVENT_LINE_MAX);
	host_event_key(work->event, &key);
	int64_t age_ms = clock_wall_ms(&host->config.clock) - work->event->received_at_ms;
	struct cause cause = {
		.host = host,
		.instance = instance,
		.event = event_ref(work->event),
		.event_key = buf_take(&key, NULL),
		.handler = xstrdup(work->key),
		.too_old = instance->act_within_ms && age_ms > instance->act_within_ms,
	};
	struct plugin_delivery delivery = {
		.handler = work->handler,
		.event = work->event,
		.matched = str_from(work->matched),
	};
	struct task *task = task_create(TASK_WORK, &cause, instance->plugin);
	task->work = work;
	instance->handled++;
	host->stats.handled++;
	go_on(task, plugin_deliver(task->plugin, &delivery, &task->run));
}

void
tasks_start_schedule(
	struct host *host, struct instance *instance, unsigned schedule, int64_t due_ms, bool again)
{
	unsigned count;
	const struct plugin_schedule *schedules = plugin_schedules(instance->plugin, &count);
	struct cause cause = {
		.host = host,
		.instance = instance,
		.schedule = schedule_key(schedules[schedule].name, due_ms),
	};
	struct task *task = task_create(TASK_SCHEDULE, &cause, instance->plugin);
	task->schedule = schedule;
	task->due_ms = due_ms;
	task->committed = again;
	go_on(task, plugin_tick(task->plugin, schedule, due_ms, &task->run));
}

void
tasks_start_news(
	struct host *host, struct instance *instance, unsigned handler, struct json_value subject)
{
	unsigned waiting = 0, count;
	const struct plugin_handler *handlers = plugin_handlers(instance->plugin, &count);
	struct task *task;
	DL_FOREACH(host->tasks, task)
		waiting += task->kind == TASK_NEWS && task->plugin == instance->plugin;
	if (waiting >= TASK_NEWS_MAX) {
		log_warn(host->config.log,
			"%s: not told of \"%s\": %u handlers of such events wait already",
			instance->name, handlers[handler].host_event, waiting);
		return;
	}
	struct cause cause = {
		.host = host,
		.instance = instance,
		.handler = xstrdup(handlers[handler].key),
		.event_key = xasprintf("%s:%lld", handlers[handler].host_event,
			(long long)clock_wall_ms(&host->config.clock)),
	};
	struct plugin_delivery delivery = {
		.handler = handler, .matched = STR("{}"), .host = subject};
	task = task_create(TASK_NEWS, &cause, instance->plugin);
	go_on(task, plugin_deliver(task->plugin, &delivery, &task->run));
}

/* Takes the timer. */
static void
fire(struct host *host, struct timer *timer)
{
	struct cause cause = timer->cause;
	LL_DELETE(host->timers, timer);
	cause.event = cause.event ? event_ref(cause.event) : NULL;
	cause.event_key = xstrdup(cause.event_key);
	cause.schedule = xstrdup(cause.schedule);
	cause.handler = xstrdup(cause.handler);
	struct task *task = task_create(TASK_TIMER, &cause, timer->plugin);
	task->timer = timer;
	go_on(task, plugin_fire(task->plugin, timer->function, task->cause.event, &task->run));
}

/* ---- what the turn and the rest of the host call ---- */

void
tasks_run(struct host *host)
{
	int64_t start_ms = clock_mono_ms(&host->config.clock);
	int64_t now_ms = clock_wall_ms(&host->config.clock);
	struct task *task, *next;
	while (host->redo && has_time(host, start_ms) && host_begin(host))
		redo_first(host);
	/* A task that waits again waits for something later: none is met twice. */
	DL_FOREACH_SAFE(host->tasks, task, next) {
		if ((task->answer || task->until_ms <= now_ms) && has_time(host, start_ms) &&
			host_begin(host))
			wake(task);
	}
	while (host->timers && host->timers->at_ms <= now_ms && has_time(host, start_ms) &&
		host_begin(host))
		fire(host, host->timers);
}

void
tasks_charge(struct host *host)
{
	const struct task *task;
	for (unsigned i = 0; i < host->instance_count; i++) {
		const struct instance *instance = host->instances[i];
		if (instance->plugin)
			plugin_set_outside(instance->plugin, windows_size(instance->windows).bytes);
	}
	retired_charge(host);
	requests_charge(host->requests);
	DL_FOREACH(host->tasks, task) {
		if (task->answer_len > 0)
			plugin_add_outside(task->plugin, (ptrdiff_t)task->answer_len);
	}
}

void
tasks_answer(struct host *host, uint64_t id, struct str answer)
{
	struct task *task;
	DL_FOREACH(host->tasks, task) {
		if (task->id != id || task->answer || task->run.wait.kind != WAIT_REQUEST)
			continue;
		task->answer = str_dup(answer);
		task->answer_len = answer.len;
		if (!host->config.offline)
			loop_keep_awake(host->config.loop, true);
	}
}

void
tasks_outcome(struct host *host, const struct intent *intent)
{
	struct task *task;
	DL_FOREACH(host->tasks, task) {
		if (task->intent_key && !task->answer &&
			strcmp(task->intent_key, intent->key) == 0) {
			task->answer = outcome_of_intent(intent);
			task->answer_len = task->answer ? strlen(task->answer) : 0;
		}
	}
}

bool
tasks_answered(const struct host *host)
{
	const struct task *task;
	DL_FOREACH(host->tasks, task) {
		if (task->answer)
			return true;
	}
	return false;
}

int64_t
tasks_next_due(const struct host *host)
{
	int64_t next_ms = host->timers ? host->timers->at_ms : INT64_MAX;
	const struct task *task;
	DL_FOREACH(host->tasks, task) {
		if (task->until_ms < next_ms)
			next_ms = task->until_ms;
	}
	return next_ms;
}

size_t
host_waiting(const struct host *host)
{
	size_t tasks = 0, timers = 0;
	const struct task *task;
	const struct timer *timer;
	DL_COUNT(host->tasks, task, tasks);
	LL_COUNT(host->timers, timer, timers);
	return tasks + timers;
}

bool
tasks_schedule_waits(const struct host *host, const struct instance *instance, unsigned schedule)
{
	const struct task *task;
	DL_FOREACH(host->tasks, task) {
		if (task->kind == TASK_SCHEDULE && task->plugin == instance->plugin &&
			task->schedule == schedule)
			return true;
	}
	return false;
}

unsigned
tasks_count(const struct host *host, const struct plugin *plugin)
{
	unsigned count = 0;
	const struct task *task;
	DL_FOREACH(host->tasks, task)
		count += task->plugin == plugin;
	return count;
}

unsigned
tasks_of(const struct host *host, const struct plugin *plugin)
{
	unsigned count = tasks_count(host, plugin);
	const struct timer *timer;
	LL_FOREACH(host->timers, timer)
		count += timer->plugin == plugin;
	LL_FOREACH(host->fired, timer) /* it may be needed again */
		count += timer->plugin == plugin;
	return count;
}

static void
drop(struct task *task)
{
	plugin_abandon(task->plugin, &task->run);
	if (task->work)
		inbox_run(&task->cause.instance->inbox, task->work, false);
	task_destroy(task);
}

void
tasks_drop_plugin(struct host *host, struct plugin *plugin)
{
	struct task *task, *next;
	DL_FOREACH_SAFE(host->tasks, task, next) {
		if (task->plugin == plugin)
			drop(task);
	}
	remove_timers(host, plugin, 0);
	struct timer *timer, *later;
	LL_FOREACH_SAFE(host->fired, timer, later) {
		if (timer->plugin != plugin)
			continue;
		LL_DELETE(host->fired, timer);
		timer_destroy(timer);
	}
}

void
tasks_committed(struct host *host)
{
	struct task *task;
	struct timer *timer;
	DL_FOREACH(host->tasks, task) {
		task->committed = true;
		task->moved = false;
		if (task->timer)
			task->timer->fresh = false;
	}
	LL_FOREACH(host->timers, timer)
		timer->fresh = false;
	while (host->fired) {
		timer = host->fired;
		LL_DELETE(host->fired, timer);
		plugin_timer_end(timer->plugin, timer->function, PLUGIN_TIMER_DONE);
		timer_destroy(timer);
	}
	redo_forget(&host->moved);
}

/* A function whose start was taken back is forgotten; another one that has begun waits as before. */
static void
take_back_timers(struct host *host)
{
	struct timer *timer, *next;
	LL_FOREACH_SAFE(host->timers, timer, next) {
		if (!timer->fresh)
			continue;
		LL_DELETE(host->timers, timer);
		plugin_timer_end(timer->plugin, timer->function, PLUGIN_TIMER_FORGET);
		timer_destroy(timer);
	}
	while (host->fired) {
		timer = host->fired;
		LL_DELETE(host->fired, timer);
		plugin_timer_end(timer->plugin, timer->function,
			timer->fresh ? PLUGIN_TIMER_DONE : PLUGIN_TIMER_AGAIN);
		if (timer->fresh)
			timer_destroy(timer);
		else
			put_timer(host, timer);
	}
}

void
tasks_give_up(struct host *host)
{
	struct task *task, *next;
	DL_FOREACH_SAFE(host->tasks, task, next) {
		if (task->kind == TASK_WORK || task->moved)
			drop(task);
	}
	take_back_timers(host);
	redo_concat(&host->redo, &host->moved);
}

void
tasks_destroy(struct host *host)
{
	while (host->tasks)
		drop(host->tasks);
	while (host->timers)
		remove_timers(host, host->timers->plugin, 0);
	while (host->spare_tasks) {
		struct task *task = host->spare_tasks;
		LL_DELETE(host->spare_tasks, task);
		free(task);
	}
	host->spare_task_count = 0;
	while (host->fired) {
		struct timer *timer = host->fired;
		LL_DELETE(host->fired, timer);
		timer_destroy(timer);
	}
	redo_forget(&host->moved);
	redo_forget(&host->redo);
}
