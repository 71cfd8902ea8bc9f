/* SPDX-License-Identifier: MIT */
/* The budget of a Lua state: CPU time by a timer that arms a hook, memory by a count, and a kill that no Lua code can swallow. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <lua.h>

#include "plugin_limits.h"

/* How it works. A timer on the thread's CPU clock ticks while calls are made. Its signal handler counts the ticks of the call
 * that runs; at the limit it sets `kill` and a hook on the running coroutine. The hook raises at the next instruction, and so
 * does every function of ours that could swallow an error or run for long, until the outermost call is left. Without a
 * permanent hook, steady code costs nothing; a call costs two readings of a clock that needs no system call. */
struct lua_budget {
	timer_t timer;
	bool has_timer;
	bool unbounded; /* a limit was asked for, and the timer for it could not be made: errno of then is in `timer_error` */
	int timer_error;
	/* Shared with the signal handler, which runs on the same thread. */
	volatile sig_atomic_t ticking;   /* the timer is set */
	volatile sig_atomic_t depth;     /* of calls through the door, one in another */
	volatile sig_atomic_t ticks;     /* of the call that runs */
	volatile sig_atomic_t ticks_max; /* 0: no limit */
	volatile sig_atomic_t idle;      /* ticks since the last call */
	volatile sig_atomic_t kill;      /* enum plugin_limit: the call has to end */
	volatile sig_atomic_t collect;   /* the memory limit was passed: collect, then look again */
	lua_State *volatile running;     /* the coroutine that the hook has to go to */

	int cpu_ms;         /* 0: no limit */
	size_t limit_bytes; /* 0: no limit */
	size_t hard_bytes;  /* allocations past it fail */
	size_t used, charged, peak;
	size_t outside;      /* held for it by the host; set from outside */
	size_t charged_mark; /* a full collection when `charged` passes it */
	bool over;           /* the last call ended for memory: collect before the next one */
	bool told;           /* `text` is of this kill */
	char *text; /* what to say about the kill: message and traceback; NULL before the first one */
	int64_t started_ns;
	uint64_t calls;
	int64_t cpu_us, cpu_us_last;
	enum plugin_limit last; /* that ended the last call */
};

/* The timer is made for the calling thread: a state belongs to the thread that made it. */
void lua_budget_init(struct lua_budget *budget, int cpu_ms, size_t limit_bytes);
void lua_budget_finish(struct lua_budget *budget);
void lua_budget_set_cpu(struct lua_budget *budget, int cpu_ms);

/* Around each call through the door. True from enter: this is the outermost one, and must be left. */
bool lua_budget_enter(struct lua_budget *budget, lua_State *L);
void lua_budget_leave(struct lua_budget *budget, lua_State *L);

/* lua_resume, and lua_resetthread, so that the hook finds the coroutine that runs. Every coroutine is run by these. Raise
 * nothing; when the call has to end, resume returns LUA_ERRRUN without results: lua_budget_back then raises. */
int lua_budget_resume(lua_State *thread, lua_State *from, int arguments, int *results);
int lua_budget_reset(lua_State *thread, lua_State *from);
/* After anything that may have swallowed an error, in the function that goes on. May raise. */
void lua_budget_back(lua_State *L);

/* Counts an allocation of `size` bytes in place of `old` ones. False: it has to fail. */
bool lua_budget_may_grow(struct lua_budget *budget, size_t old, size_t size);
/* An allocation has failed. */
void lua_budget_out_of_memory(struct lua_budget *budget);

/* As lua_state_room and lua_state_charge say. */
void lua_budget_room(lua_State *L, size_t bytes);
void lua_budget_charge(lua_State *L, size_t bytes);

/* Does what is pending: collects when the memory limit was passed, raises when the call has to end. */
void lua_budget_obey(lua_State *L);
/* The part that costs nothing when there is nothing to do: for loops of C functions. May raise. */
#define lua_budget_check(L, budget)                                                                \
	do {                                                                                       \
		if ((budget)->kill || (budget)->collect)                                           \
			lua_budget_obey(L);                                                        \
	} while (0)
