/* SPDX-License-Identifier: MIT */
/* The budget of a Lua state: its timer and signal, the hook, counting memory, and what a kill says. */
#include "lua_budget.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <lauxlib.h>

#include "lua_state_internal.h"
#include "xmalloc.h"

/* One signal of the process, for all states: which state is meant travels with it. */
#define BUDGET_SIGNAL (SIGRTMIN + 3)
#define TICK_MS       10
#define PACE_CALLS    256 /* between two looks at how much is in use */

#if defined(__SANITIZE_ADDRESS__)
#define CPU_SCALE 10 /* the sanitizer's code counts as the plugin's */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CPU_SCALE 10
#endif
#endif
#ifndef CPU_SCALE
#define CPU_SCALE 1
#endif

static void on_hook(lua_State *L, lua_Debug *where);

static void
set_timer(struct lua_budget *budget, long tick_ms)
{
	struct timespec tick = {.tv_nsec = tick_ms * 1000000};
	struct itimerspec times = {.it_interval = tick, .it_value = tick};
	timer_settime(budget->timer, 0, &times, NULL);
}

/* lua_sethook may be called from a signal handler: it only sets fields. */
static void
set_hook(struct lua_budget *budget)
{
	if (budget->running)
		lua_sethook(budget->running, on_hook, LUA_MASKCOUNT, 1);
}

static void
on_tick(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_code != SI_TIMER) /* from another process: sival_ptr means nothing */
		return;
	int saved = errno;
	struct lua_budget *budget = info->si_value.sival_ptr;
	if (!budget->depth) {
		if (++budget->idle > 2) {
			budget->ticking = 0;
			set_timer(budget, 0);
		}
	} else {
		budget->ticks += 1 + info->si_overrun;
		if (!budget->kill && budget->ticks_max && budget->ticks > budget->ticks_max)
			budget->kill = LIMIT_CPU;
		if (budget->kill) /* again and again: a coroutine may have been changed meanwhile */
			set_hook(budget);
	}
	errno = saved;
}

static void
make_timer(struct lua_budget *budget)
{
	struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = BUDGET_SIGNAL,
		.sigev_value.sival_ptr = budget,
		._sigev_un._tid =
			(pid_t)syscall(SYS_gettid), /* glibc 2.36 has no other name for it */
	};
	sigemptyset(&action.sa_mask);
	if (sigaction(BUDGET_SIGNAL, &action, NULL) == 0 &&
		timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &budget->timer) == 0)
		budget->has_timer = true;
	else
		budget->timer_error = errno;
}

/* Under valgrind such a timer fires after 2 to 37 ms instead of 100. */
static bool
is_off(void)
{
	const char *preload = getenv("LD_PRELOAD");
	return preload && strstr(preload, "vgpreload");
}

void
lua_budget_set_cpu(struct lua_budget *budget, int cpu_ms)
{
	if (cpu_ms > 0 && !budget->has_timer && !is_off())
		make_timer(budget);
	budget->cpu_ms = budget->has_timer ? cpu_ms : 0;
	budget->unbounded = cpu_ms > 0 && !budget->has_timer && !is_off();
	budget->ticks_max = (budget->cpu_ms * CPU_SCALE + TICK_MS - 1) / TICK_MS;
}

void
lua_budget_init(struct lua_budget *budget, int cpu_ms, size_t limit_bytes)
{
	*budget = (struct lua_budget){
		.limit_bytes = limit_bytes,
		.hard_bytes = limit_bytes ? limit_bytes * 4 + LUA_HARD_LIMIT_EXTRA : 0,
		.charged_mark = LUA_CHARGED_MIN,
	};
	lua_budget_set_cpu(budget, cpu_ms);
}

void
lua_budget_finish(struct lua_budget *budget)
{
	budget->running = NULL;
	if (budget->has_timer) /* a signal that is pending is delivered before this returns */
		timer_delete(budget->timer);
	free(budget->text);
	*budget = (struct lua_budget){0};
}

static int64_t
now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

bool
lua_budget_enter(struct lua_budget *budget, lua_State *L)
{
	if (budget->depth) {
		budget->depth++;
		return false;
	}
	budget->running = L;
	budget->ticks = 0;
	budget->idle = 0;
	budget->last = LIMIT_NONE;
	budget->told = false;
	budget->started_ns = now_ns();
	budget->depth = 1; /* from here on the handler leaves the timer on */
	if (budget->ticks_max && !budget->ticking) {
		budget->ticking = 1;
		set_timer(budget, TICK_MS);
	}
	return true;
}

/* What waits to be collected is as much as what is in use, and in a small state LUA_GARBAGE_MIN, or most of the work for an event
 * would be to look again at the same few modules. */
static void
set_pace(lua_State *L, const struct lua_budget *budget)
{
	size_t used = budget->used > LUA_GARBAGE_MIN / 8 ? budget->used : LUA_GARBAGE_MIN / 8;
	size_t percent = 100 + 100 * (size_t)LUA_GARBAGE_MIN / used;
	lua_gc(L, LUA_GCINC, percent < 200 ? 200 : (int)percent, 0, 0);
}

void
lua_budget_leave(struct lua_budget *budget, lua_State *L)
{
	if (--budget->depth)
		return;
	budget->running = NULL;
	budget->last = (enum plugin_limit)budget->kill;
	budget->over = budget->last == LIMIT_MEMORY || budget->collect;
	budget->kill = LIMIT_NONE;
	budget->collect = 0;
	if (lua_gethook(L))
		lua_sethook(L, NULL, 0, 0);
	/* Real time, but no more than the ticks of the CPU clock say: another program may have had the CPU. */
	int64_t used_us = (now_ns() - budget->started_ns) / 1000;
	int64_t most_us = ((int64_t)budget->ticks + 1) * TICK_MS * 1000;
	if (budget->ticking && used_us > most_us)
		used_us = most_us;
	if (budget->calls++ % PACE_CALLS == 0)
		set_pace(L, budget);
	budget->cpu_us_last = used_us;
	budget->cpu_us += used_us;
}

int
lua_budget_resume(lua_State *thread, lua_State *from, int arguments, int *results)
{
	struct lua_budget *budget = &lua_state_of(thread)->budget;
	*results = 0;
	if (budget->kill)
		return LUA_ERRRUN;
	budget->running = thread;
	int status = lua_resume(thread, from, arguments, results);
	budget->running = from;
	return status;
}

/* Not after a kill: hooks are off in a thread in which one has raised, and what it closes could run for ever. */
int
lua_budget_reset(lua_State *thread, lua_State *from)
{
	struct lua_budget *budget = &lua_state_of(thread)->budget;
	if (budget->kill)
		return LUA_ERRRUN;
	budget->running = thread;
	int status = lua_resetthread(thread);
	budget->running = from;
	return status;
}

void
lua_budget_back(lua_State *L)
{
	struct lua_budget *budget = &lua_state_of(L)->budget;
	budget->running = L;
	lua_budget_check(L, budget);
}

static size_t
held(const struct lua_budget *budget)
{
	return budget->used + budget->charged + budget->outside;
}

void
lua_budget_out_of_memory(struct lua_budget *budget)
{
	if (!budget->depth || !budget->limit_bytes)
		return;
	if (!budget->kill)
		budget->kill = LIMIT_MEMORY;
	set_hook(budget);
}

bool
lua_budget_may_grow(struct lua_budget *budget, size_t old, size_t size)
{
	size_t bytes = held(budget) - old + size;
	if (budget->limit_bytes && bytes > budget->limit_bytes) {
		if (bytes > budget->hard_bytes) {
			lua_budget_out_of_memory(budget);
			return false;
		}
		if (budget->depth && !budget->collect && !budget->kill) {
			budget->collect = 1;
			set_hook(budget);
		}
	}
	if (bytes > budget->peak)
		budget->peak = bytes;
	return true;
}

/* Once for each kill, where it happens: by the time the door sees the error, the frames are gone. */
static void
tell(lua_State *L, struct lua_budget *budget)
{
	lua_Debug where;
	if (budget->told)
		return;
	budget->told = true;
	if (!budget->text)
		budget->text = xmalloc(PLUGIN_ERROR_MAX);
	char *out = budget->text;
	int len = lua_state_position(L, &where)
			  ? snprintf(out, MESSAGE_MAX, "%s:%d: ", lua_state_source(&where),
				    where.currentline)
			  : 0;
	len = len < 0 ? 0 : len < MESSAGE_MAX ? len : MESSAGE_MAX - 1;
	size_t left = PLUGIN_ERROR_MAX - (size_t)len;
	if (budget->kill == LIMIT_CPU)
		snprintf(out + len, left, "used more than %d ms of CPU time, the limit of one call",
			budget->cpu_ms);
	else
		snprintf(out + len, left, "out of memory: %zu KiB in use, the limit is %zu KiB",
			held(budget) / 1024, budget->limit_bytes / 1024);
	lua_state_traceback(L, 0, out);
}

void
lua_budget_obey(lua_State *L)
{
	struct lua_budget *budget = &lua_state_of(L)->budget;
	if (budget->collect && !budget->kill) {
		lua_gc(L, LUA_GCCOLLECT);
		budget->collect = 0;
		if (held(budget) > budget->limit_bytes && !budget->kill)
			budget->kill = LIMIT_MEMORY;
	}
	if (!budget->kill)
		return;
	tell(L, budget);
	lua_pushliteral(L, "the host has ended this call");
	lua_error(L);
}

void
lua_budget_room(lua_State *L, size_t bytes)
{
	struct lua_budget *budget = &lua_state_of(L)->budget;
	size_t limit = budget->limit_bytes;
	if (!limit || (bytes <= limit && held(budget) + bytes <= limit))
		return;
	if (bytes <= limit)
		lua_gc(L, LUA_GCCOLLECT);
	if (bytes > limit || held(budget) + bytes > limit) {
		lua_budget_out_of_memory(budget);
		lua_budget_obey(L);
	}
}

void
lua_budget_charge(lua_State *L, size_t bytes)
{
	struct lua_budget *budget = &lua_state_of(L)->budget;
	lua_budget_room(L, bytes);
	/* To Lua's collector the values that keep this memory are small: it would let too many of them wait. */
	if (budget->charged + bytes > budget->charged_mark) {
		lua_gc(L, LUA_GCCOLLECT);
		size_t mark = 2 * (budget->charged + bytes);
		budget->charged_mark = mark > LUA_CHARGED_MIN ? mark : LUA_CHARGED_MIN;
	}
	budget->charged += bytes;
	if (held(budget) > budget->peak)
		budget->peak = held(budget);
}

static void
on_hook(lua_State *L, lua_Debug *where)
{
	(void)where;
	struct lua_budget *budget = &lua_state_of(L)->budget;
	lua_budget_obey(L);
	if (!budget->kill) /* it was of an earlier call, or memory was found */
		lua_sethook(L, NULL, 0, 0);
}
