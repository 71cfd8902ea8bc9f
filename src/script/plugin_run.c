/* SPDX-License-Identifier: MIT */
/* Runs what a plugin registered: each run is a task with a coroutine of its own, which may wait in between. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "lua_event.h"
#include "lua_json.h"
#include "plugin_internal.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "plugin"

void
plugin_run_init(struct plugin_run *run)
{
	run->id = 0;
	effects_init(&run->effects);
	run->wait = (struct plugin_wait){0};
	run->error.text[0] = '\0';
	run->error.limit = LIMIT_NONE;
}

void
plugin_wait_finish(struct plugin_wait *wait)
{
	free(wait->request.method);
	free(wait->request.url);
	free(wait->request.headers);
	free(wait->request.body);
	*wait = (struct plugin_wait){0};
}

void
plugin_run_finish(struct plugin_run *run)
{
	effects_finish(&run->effects);
	plugin_wait_finish(&run->wait);
}

/* ---- tasks ---- */

static struct plugin_task *
task_create(struct plugin *plugin)
{
	struct plugin_task *task = plugin->idle;
	if (task) {
		LL_DELETE(plugin->idle, task);
		plugin->idle_count--;
	} else {
		task = xcalloc(1, sizeof(*task));
	}
	task->id = ++plugin->last_task;
	LL_PREPEND(plugin->tasks, task);
	return task;
}

struct plugin_task *
plugin_find_task(const struct plugin *plugin, uint64_t id)
{
	struct plugin_task *task;
	LL_FOREACH(plugin->tasks, task) {
		if (task->id == id)
			return task;
	}
	return NULL;
}

static void
leave_thread(lua_State *L, void *data)
{
	luaL_unref(L, LUA_REGISTRYINDEX, ((struct plugin_task *)data)->ref);
}

static void
forget_task(lua_State *L, void *data)
{
	const struct plugin_task *task = data;
	lua_state_require(L, "moontusk.callbacks");
	lua_getfield(L, -1, "drop");
	lua_pushinteger(L, (lua_Integer)task->id);
	lua_call(L, 1, 0);
}

/* `whole`: its coroutine ended as it should, and can run another one. */
static void
task_destroy(struct plugin *plugin, struct plugin_task *task, bool whole)
{
	char error[PLUGIN_ERROR_MAX];
	LL_DELETE(plugin->tasks, task);
	event_unref(task->delivery.event);
	if (task->charged)
		lua_state_charge(task->thread, -(ptrdiff_t)task->charged);
	/* Neither of these can fail in a way that matters: what stays behind is a little memory. */
	if (!whole && !lua_state_tidy(plugin->lua, forget_task, task, error))
		log_debug(plugin->log, "%s: %s", plugin->name, error);
	if (whole && plugin->idle_count < PLUGIN_IDLE_TASKS_MAX) {
		*task = (struct plugin_task){.thread = task->thread, .ref = task->ref};
		LL_PREPEND(plugin->idle, task);
		plugin->idle_count++;
		return;
	}
	if (task->thread && !lua_state_tidy(plugin->lua, leave_thread, task, error))
		log_debug(plugin->log, "%s: %s", plugin->name, error);
	free(task);
}

void
plugin_free_tasks(struct plugin *plugin)
{
	struct plugin_task *task, *next;
	LL_CONCAT(plugin->tasks, plugin->idle);
	LL_FOREACH_SAFE(plugin->tasks, task, next) {
		event_unref(task->delivery.event);
		free(task);
	}
}

/* ---- one step of a task: from its start or its wait to its end or its next wait ---- */

struct step {
	struct plugin_task *task;
	const char *function; /* of the module "moontusk.callbacks"; NULL: goes on */
	struct str matched;   /* deliver */
	lua_Integer id;       /* of the handler, schedule or function */
	int64_t due_ms;       /* tick */
	struct str answer;    /* goes on */
	bool waits;           /* how it came back */
};

/* Pushes subject and event of a host event, which has no struct event. */
static void
push_host_event(lua_State *L, const struct plugin_delivery *delivery)
{
	struct plugin *plugin = plugin_of(L);
	lua_Number now = (lua_Number)clock_wall_ms(&plugin->clock) / 1000.0;
	lua_json_push(L, delivery->host, false);
	lua_createtable(L, 0, 7);
	lua_pushstring(L, plugin->handlers[delivery->handler].host_event);
	lua_setfield(L, -2, "kind");
	lua_pushstring(L, plugin->account);
	lua_setfield(L, -2, "account");
	lua_pushstring(L, "live");
	lua_setfield(L, -2, "origin");
	lua_pushnumber(L, now);
	lua_setfield(L, -2, "received_at");
	lua_pushnumber(L, now);
	lua_setfield(L, -2, "time");
	lua_newtable(L);
	lua_setfield(L, -2, "streams");
	lua_newtable(L);
	lua_setfield(L, -2, "match");
}

/* Pushes a function of the module, which is loaded once. */
static void
push_callback(lua_State *L, const char *name)
{
	static const char callbacks_key; /* registry */
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &callbacks_key) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_state_require(L, "moontusk.callbacks");
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &callbacks_key);
	}
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
}

/* Pushes what the task is started with: a function and its arguments. Returns how many of those. */
static int
push_start(lua_State *L, const struct step *step)
{
	const struct plugin_delivery *delivery = &step->task->delivery;
	push_callback(L, step->function);
	lua_pushinteger(L, step->id);
	if (strcmp(step->function, "tick") == 0) {
		lua_pushnumber(L, (lua_Number)step->due_ms / 1000.0);
		return 2;
	}
	if (strcmp(step->function, "fire") == 0)
		return 1;
	if (delivery->event)
		lua_event_push(L, step->task, step->matched,
			plugin_of(L)->handlers[delivery->handler].reads_event);
	else
		push_host_event(L, delivery);
	return 3;
}

static void
run_step(lua_State *L, void *data)
{
	struct step *step = data;
	struct plugin_task *task = step->task;
	int count = 1, moved = 1;
	if (!task->thread) {
		lua_State *thread = lua_newthread(L);
		task->ref = luaL_ref(L, LUA_REGISTRYINDEX);
		task->thread = thread;
	}
	if (step->function) {
		count = push_start(L, step);
		moved = count + 1;
	} else {
		lua_pushlstring(L, step->answer.ptr ? step->answer.ptr : "", step->answer.len);
	}
	if (!lua_checkstack(task->thread, moved))
		luaL_error(L, "stack overflow");
	lua_xmove(L, task->thread, moved);
	step->waits = lua_state_resume(L, task->thread, count);
	if (step->waits && task->delivery.event && !task->charged) {
		size_t size = event_memory(task->delivery.event);
		lua_state_charge(L, (ptrdiff_t)size);
		task->charged = size;
	}
}

/* Set when it starts: a task that waits does not move on in time. */
static void
set_moment(struct plugin *plugin, const struct step *step)
{
	struct plugin_task *task = step->task;
	bool is_tick = strcmp(step->function, "tick") == 0;
	task->at_ms = is_tick ? step->due_ms : clock_wall_ms(&plugin->clock);
	task->is_late = strcmp(step->function, "fire") == 0;
	if (task->delivery.event && !task->is_late)
		return;
	char text[2 * MESSAGE_MAX];
	int len = snprintf(text, sizeof(text), "%s %s %lld", step->function,
		is_tick ? plugin->schedules[step->id - 1].name : "", (long long)task->at_ms);
	if (!is_tick)
		len += snprintf(
			text + len, sizeof(text) - (size_t)len, " %lld", (long long)step->id);
	task->number = str_hash(
		(struct str){text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1});
}

static enum plugin_verdict
run_task(struct plugin *plugin, struct step *step, struct plugin_run *run)
{
	struct plugin_task *task = step->task;
	REQUIRE(plugin->phase == PLUGIN_IDLE);
	if (step->function)
		set_moment(plugin, step);
	plugin->phase = PLUGIN_HANDLING;
	plugin->choosing = false;
	plugin->over_output = false;
	plugin->task = task;
	plugin->run = run;
	plugin->delivery = &task->delivery;
	plugin->effects = &run->effects;
	bool ok = lua_state_call(plugin->lua, run_step, step, run->error.text);
	run->error.limit = lua_state_limit(plugin->lua);
	if (!ok && run->error.limit == LIMIT_NONE && plugin->over_output)
		run->error.limit = LIMIT_OUTPUT;
	plugin->phase = PLUGIN_IDLE;
	plugin->task = NULL;
	plugin->run = NULL;
	plugin->delivery = NULL;
	plugin->effects = NULL;
	if (ok && step->waits)
		return PLUGIN_WAITS;
	task_destroy(plugin, task, ok);
	plugin_wait_finish(&run->wait);
	if (ok)
		return PLUGIN_ENDED;
	effects_finish(&run->effects);
	return PLUGIN_RAISED;
}

static enum plugin_verdict
start(struct plugin *plugin, struct step *step, struct plugin_run *run)
{
	step->task = task_create(plugin);
	run->id = step->task->id;
	return run_task(plugin, step, run);
}

enum plugin_verdict
plugin_deliver(
	struct plugin *plugin, const struct plugin_delivery *delivery, struct plugin_run *run)
{
	REQUIRE(delivery->handler < plugin->handler_count);
	struct step step = {
		.task = task_create(plugin),
		.function = "deliver",
		.matched = delivery->matched,
		.id = (lua_Integer)delivery->handler + 1,
	};
	step.task->delivery = *delivery;
	step.task->delivery.event = delivery->event ? event_ref(delivery->event) : NULL;
	run->id = step.task->id;
	enum plugin_verdict verdict = run_task(plugin, &step, run);
	if (verdict == PLUGIN_WAITS) { /* these were borrowed */
		step.task->delivery.matched = STR_NONE;
		step.task->delivery.host = (struct json_value){0};
	}
	return verdict;
}

enum plugin_verdict
plugin_tick(struct plugin *plugin, unsigned schedule, int64_t due_ms, struct plugin_run *run)
{
	REQUIRE(schedule < plugin->schedule_count);
	struct step step = {.function = "tick", .id = (lua_Integer)schedule + 1, .due_ms = due_ms};
	return start(plugin, &step, run);
}

enum plugin_verdict
plugin_fire(struct plugin *plugin, unsigned function, struct event *event, struct plugin_run *run)
{
	struct step step = {
		.task = task_create(plugin), .function = "fire", .id = (lua_Integer)function};
	step.task->delivery.event = event ? event_ref(event) : NULL;
	run->id = step.task->id;
	return run_task(plugin, &step, run);
}

struct timer_end {
	unsigned function;
	const char *name;
};

static void
tell_timer_end(lua_State *L, void *data)
{
	const struct timer_end *end = data;
	lua_state_require(L, "moontusk.callbacks");
	lua_getfield(L, -1, end->name);
	lua_pushinteger(L, (lua_Integer)end->function);
	lua_call(L, 1, 0);
}

void
plugin_timer_end(struct plugin *plugin, unsigned function, enum plugin_timer_end how)
{
	static const char *const names[] = {
		[PLUGIN_TIMER_DONE] = "timer_done",
		[PLUGIN_TIMER_AGAIN] = "timer_again",
		[PLUGIN_TIMER_FORGET] = "remove_timer",
	};
	char error[PLUGIN_ERROR_MAX];
	struct timer_end end = {function, names[how]};
	if (!lua_state_tidy(plugin->lua, tell_timer_end, &end, error))
		log_debug(plugin->log, "%s: %s", plugin->name, error);
}

enum plugin_verdict
plugin_resume(struct plugin *plugin, struct plugin_run *run, struct str answer)
{
	struct step step = {.task = plugin_find_task(plugin, run->id), .answer = answer};
	REQUIRE(step.task);
	plugin_wait_finish(&run->wait);
	return run_task(plugin, &step, run);
}

void
plugin_abandon(struct plugin *plugin, struct plugin_run *run)
{
	struct plugin_task *task = plugin_find_task(plugin, run->id);
	REQUIRE(task);
	task_destroy(plugin, task, false);
	run->id = 0;
}
