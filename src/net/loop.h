/* SPDX-License-Identifier: MIT */
/* The event loop: timers, file descriptors, names, signals, slow work, and the turn. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "attr.h"
#include "clock.h"

struct loop;
struct loop_timer;
struct loop_watch;
struct loop_folder;
typedef void loop_fn(void *data);

/* `clock_rate` scales every timer and both clocks (1.0: real time; 60.0: a minute a second).
 * The wall clock runs from the real time at creation; at rate 1.0 it is the system's own. Ignores SIGPIPE. */
struct loop *loop_create(double clock_rate); /* new */
/* The wall clock runs from real `from_ms` (Unix time) on instead, so that processes with one rate and one `from_ms` agree,
 * whenever they were started. Without effect at rate 1.0. */
void loop_share_clock(struct loop *loop, int64_t from_ms);
/* Everything made from the loop must be destroyed before. Runs what is left of closing handles, and waits for
 * work under way: its `done` still runs. */
void loop_destroy(struct loop *loop);
/* For tests: when no socket, no timer and no work under way had anything to do for a millisecond, both clocks jump to the
 * next timer, at most by `step_ms` at once. So waiting costs no time, while work may take as long as it does. */
void loop_skip_idle(struct loop *loop, int64_t step_ms);
/* A guest that lives as long as the loop (libwebsockets): `close` runs first thing in loop_destroy, `end` when all
 * handles are closed. One per loop. */
void loop_set_guest(struct loop *loop, void *guest, loop_fn *close, loop_fn *end);
void *loop_guest(const struct loop *loop); /* NULL: none yet */
/* Runs until loop_stop, or until nothing is left that could call back. Must not be nested. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);    /* from a callback, or before loop_run */
void *loop_native(struct loop *loop); /* the uv_loop_t, for guests such as libwebsockets */
double loop_clock_rate(const struct loop *loop);
int64_t loop_now_ms(struct loop *loop);     /* monotonic, scaled, of this iteration */
struct clock loop_clock(struct loop *loop); /* keeps loop */

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *data); /* new, stopped */
void loop_timer_start(
	struct loop_timer *timer, int64_t after_ms, int64_t repeat_ms); /* restarts; 0: once */
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_active(const struct loop_timer *timer);
void loop_timer_destroy(struct loop_timer *timer); /* NULL is fine; never calls back after */

enum { WATCH_READ = 1, WATCH_WRITE = 2 };
typedef void loop_watch_fn(
	void *data, int fd, int ready); /* ready: WATCH_ bits; both on an error */
struct loop_watch *loop_watch_create(struct loop *loop, int fd, loop_watch_fn *fn, void *data);
void loop_watch_set(struct loop_watch *watch, int wanted); /* WATCH_ bits; 0: none */
void loop_watch_destroy(struct loop_watch *watch);         /* the fd stays the caller's */

/* Calls `fn` some time after something in the folder has changed (a hint: once for several changes, sometimes for none).
 * NULL when the folder is not there or the system has no watches left: whoever needs to know looks now and then. */
struct loop_folder *loop_folder_create(
	struct loop *loop, const char *path, loop_fn *fn, void *data);
void loop_folder_destroy(struct loop_folder *folder); /* NULL is fine */

/* Calls `fn` for each signal. Several may ask for the same signal. Ends with loop_destroy. */
void loop_on_signal(struct loop *loop, int signum, void (*fn)(void *data, int signum), void *data);

/* Resolves off the loop's thread. `done` gets up to RESOLVE_ADDRESSES_MAX numeric addresses ("::1"), or count 0 and the
 * system's words in `error`; it runs later, never from inside this call. Returns an id > 0. */
typedef void loop_resolved_fn(
	void *data, const char *const *addresses, unsigned count, const char *error);
unsigned loop_resolve(struct loop *loop, const char *host, loop_resolved_fn *done, void *data);
void loop_resolve_cancel(struct loop *loop, unsigned id); /* `done` will not run */

/* Runs work(data) on the thread pool, then done(data) on the loop. */
void loop_work(struct loop *loop, loop_fn *work, loop_fn *done, void *data);

/* `fn` runs once per iteration, after the sockets were read (uv_prepare). One turn per loop. */
void loop_set_turn(struct loop *loop, loop_fn *fn, void *data); /* NULL fn: none */
/* While true the loop does not sleep: the turn runs again at once, with the sockets polled between. */
void loop_keep_awake(struct loop *loop, bool awake);
