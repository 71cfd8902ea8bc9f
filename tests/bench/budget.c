/* SPDX-License-Identifier: MIT */
/* What budgets cost: a tight Lua loop in a budgeted state against plain Lua, and one call through the door. Ratios of one run. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <lauxlib.h>
#include <lualib.h>

#include "lua_state.h"

#define ROUNDS 15
#define CALLS  200000

static const char loop[] = "local sum = 0\n"
			   "for i = 1, 5000000 do sum = sum + (i ~ 5) % 7 end\n"
			   "return sum";

static double
now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
run_loop(lua_State *L, void *data)
{
	(void)data;
	if (luaL_loadbufferx(L, loop, sizeof(loop) - 1, "=loop", "t") != LUA_OK)
		lua_error(L);
	lua_call(L, 0, 1);
}

static void
do_nothing(lua_State *L, void *data)
{
	(void)L;
	(void)data;
}

static struct lua_state *
create(int cpu_ms, size_t limit_bytes)
{
	char error[PLUGIN_ERROR_MAX];
	struct lua_state_config config = {.cpu_ms = cpu_ms, .limit_bytes = limit_bytes};
	struct lua_state *state = lua_state_create(&config, error);
	if (!state) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	return state;
}

static double
time_calls(struct lua_state *state, lua_body_fn *body, int count)
{
	char error[PLUGIN_ERROR_MAX];
	double start = now_s();
	for (int i = 0; i < count; i++) {
		if (!lua_state_call(state, body, NULL, error)) {
			fprintf(stderr, "%s\n", error);
			exit(1);
		}
	}
	return now_s() - start;
}

static double
time_plain(void)
{
	lua_State *L = luaL_newstate();
	if (!L)
		exit(1);
	luaL_openlibs(L);
	double start = now_s();
	run_loop(L, NULL);
	double seconds = now_s() - start;
	lua_close(L);
	return seconds;
}

static double
least(double a, double b)
{
	return a < b ? a : b;
}

/* Taken in turn, and the best of each: what else the machine does falls on both. */
int
main(void)
{
	struct lua_state *armed = create(10000, 32u << 20), *off = create(0, 0);
	double plain_s = 1e9, armed_s = 1e9, calls_s = 1e9, calls_off_s = 1e9;
	for (int round = 0; round < ROUNDS; round++) {
		plain_s = least(plain_s, time_plain());
		armed_s = least(armed_s, time_calls(armed, run_loop, 1));
		calls_off_s = least(calls_off_s, time_calls(off, do_nothing, CALLS));
		calls_s = least(calls_s, time_calls(armed, do_nothing, CALLS));
	}
	printf("tight loop: plain Lua %.1f ms, with a budget %.1f ms: %+.1f %% (at most 3 %%)\n",
		plain_s * 1e3, armed_s * 1e3, (armed_s / plain_s - 1) * 100);
	printf("one call:   %.2f us without limits, %.2f us with: %.2f us more (at most 0.5 us)\n",
		calls_off_s * 1e6 / CALLS, calls_s * 1e6 / CALLS,
		(calls_s - calls_off_s) * 1e6 / CALLS);
	lua_state_destroy(armed);
	lua_state_destroy(off);
	return 0;
}
