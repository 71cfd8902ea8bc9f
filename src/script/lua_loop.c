/* SPDX-License-Identifier: MIT */
/* trusted.loop: clocks and timers of the loop for a trusted state. */
#include <stdlib.h>

#include <lauxlib.h>

#include <uthash.h>

#include "trusted_internal.h"
#include "xmalloc.h"

struct trusted_timer {
	struct trusted *trusted;
	struct loop_timer *timer;
	unsigned id;
	UT_hash_handle hh;
};

static void
fired_body(lua_State *L, void *data)
{
	const unsigned *id = data;

	trusted_push_function(L, "on_timer");
	lua_pushinteger(L, *id);
	lua_call(L, 1, 0);
}

static void
on_timer(void *data)
{
	struct trusted_timer *timer = data;
	unsigned id = timer->id; /* the callback may free the timer */

	(void)trusted_enter(timer->trusted, fired_body, &id, "timer");
}

/* start(after_ms, repeat_ms) -> id; the main module's on_timer(id) is called */
static int
loop_start(lua_State *L)
{
	struct trusted *trusted = trusted_of(L);
	lua_Integer after = luaL_checkinteger(L, 1), repeat = luaL_checkinteger(L, 2);
	struct trusted_timer *timer;

	luaL_argcheck(L, after >= 0, 1, "not negative");
	luaL_argcheck(L, repeat >= 0, 2, "not negative");
	timer = xcalloc(1, sizeof(*timer));
	timer->trusted = trusted;
	timer->id = ++trusted->last_timer;
	timer->timer = loop_timer_create(trusted->loop, on_timer, timer);
	HASH_ADD_INT(trusted->timers, id, timer);
	loop_timer_start(timer->timer, after, repeat);
	lua_pushinteger(L, timer->id);
	return 1;
}

static void
destroy(struct trusted *trusted, struct trusted_timer *timer)
{
	HASH_DEL(trusted->timers, timer);
	loop_timer_destroy(timer->timer);
	free(timer);
}

/* stop(id): also forgets a timer that has fired; an unknown id is fine */
static int
loop_stop_timer(lua_State *L)
{
	struct trusted *trusted = trusted_of(L);
	unsigned id = (unsigned)luaL_checkinteger(L, 1);
	struct trusted_timer *timer;

	HASH_FIND_INT(trusted->timers, &id, timer);
	if (timer)
		destroy(trusted, timer);
	return 0;
}

void
lua_loop_finish(struct trusted *trusted)
{
	struct trusted_timer *timer, *next;

	HASH_ITER(hh, trusted->timers, timer, next)
		destroy(trusted, timer);
}

/* now() -> ms, monotonic */
static int
loop_now(lua_State *L)
{
	lua_pushinteger(L, loop_now_ms(trusted_of(L)->loop));
	return 1;
}

/* wall() -> Unix ms, scaled by the clock rate */
static int
loop_wall(lua_State *L)
{
	struct clock clock = loop_clock(trusted_of(L)->loop);

	lua_pushinteger(L, clock_wall_ms(&clock));
	return 1;
}

/* quit(): the loop stops */
static int
loop_quit(lua_State *L)
{
	loop_stop(trusted_of(L)->loop);
	return 0;
}

static const luaL_Reg loop_functions[] = {
	{"start", loop_start},
	{"stop", loop_stop_timer},
	{"now", loop_now},
	{"wall", loop_wall},
	{"quit", loop_quit},
	{NULL, NULL},
};

int
lua_loop_open(lua_State *L)
{
	luaL_newlib(L, loop_functions);
	return 1;
}
