/* SPDX-License-Identifier: MIT */
/* The event loop over libuv; the only file that knows libuv. */
#include "loop.h"

#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#include <uthash.h>
#include <utlist.h>
#include <uv.h>

#include "limits.h"
#include "xmalloc.h"

/* What this layer sets for the whole process, because the libraries and the system know no other way:
 * - SIGPIPE is ignored (loop_create): a peer or a reader of our output that went away is an error code.
 * - SIGXFSZ is ignored (loop_create): a file that may not grow is a full disk, not the end.
 * - libwebsockets has one log level and one log function (ws.c, server.c): it is silenced.
 * - libcurl counts curl_global_init and curl_global_cleanup (http.c), one pair for each struct http.
 * - libuv owns one thread pool and one signal pipe per process. */

struct loop_timer {
	uv_timer_t uv; /* first: handles are freed through the uv pointer */
	struct loop *loop;
	loop_fn *fn;
	void *data;
	struct loop_timer *prev, *next; /* utlist, in the order of their starts */
};

struct loop_watch {
	uv_poll_t uv;
	int fd;
	loop_watch_fn *fn;
	void *data;
};

struct loop_folder {
	uv_fs_event_t uv; /* first: handles are freed through the uv pointer */
	loop_fn *fn;
	void *data;
};

struct on_signal {
	uv_signal_t uv;
	void (*fn)(void *data, int signum);
	void *data;
	struct on_signal *next;
};

struct resolve {
	uv_getaddrinfo_t uv;
	struct loop *loop;
	unsigned id;
	bool cancelled;
	const char *refused; /* why libuv did not even start; static text */
	loop_resolved_fn *done;
	void *data;
	UT_hash_handle hh;
};

struct work {
	uv_work_t uv;
	struct loop *loop;
	loop_fn *work;
	loop_fn *done;
	void *data;
};

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_idle_t idle;
	struct loop_timer *timers; /* list, loop_timer::next */
	double rate;
	uint64_t origin_ms; /* uv_now at creation */
	uint64_t origin_ns; /* uv_hrtime at creation */
	int64_t origin_wall_ms;
	bool running;
	bool stopped;
	loop_fn *turn;
	void *turn_data;
	unsigned last_id;
	struct resolve *resolving; /* hash by id */
	struct on_signal *signals; /* list, on_signal::next */
	unsigned working;          /* loop_work requests under way */
	void *guest;
	loop_fn *guest_close;
	loop_fn *guest_end;
	/* loop_skip_idle: */
	uv_timer_t *tick;
	uint64_t step_ms, skipped_ms; /* real */
	unsigned rounds;              /* of the loop since the last tick */
	bool timer_ran;               /* since the last tick */
};

static int64_t
system_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t
scale(const struct loop *loop, uint64_t real, uint64_t per_ms)
{
	if (loop->rate == 1.0)
		return (int64_t)(real / per_ms);
	return (int64_t)((double)real / (double)per_ms * loop->rate);
}

static int64_t
clock_mono(void *data)
{
	struct loop *loop = data;

	return scale(loop, uv_hrtime() - loop->origin_ns + loop->skipped_ms * 1000000, 1000000);
}

static int64_t
clock_wall(void *data)
{
	struct loop *loop = data;

	/* At the real rate the system's clock is followed, so that a suspended machine or a corrected
	 * clock does not leave us behind for the rest of the year. */
	if (loop->rate == 1.0 && !loop->tick)
		return system_wall_ms();
	return loop->origin_wall_ms + clock_mono(data);
}

static void
on_prepare(uv_prepare_t *prepare)
{
	struct loop *loop = prepare->data;

	loop->rounds++;
	if (loop->turn)
		loop->turn(loop->turn_data);
}

static void
on_idle(uv_idle_t *idle)
{
	(void)idle; /* an active idle handle makes libuv poll without sleeping */
}

static void
on_closed_free(uv_handle_t *handle)
{
	free(handle);
}

struct loop *
loop_create(double clock_rate)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	REQUIRE(clock_rate > 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	REQUIRE(uv_loop_init(&loop->uv) == 0);
	loop->rate = clock_rate;
	loop->origin_ms = uv_now(&loop->uv);
	loop->origin_ns = uv_hrtime();
	loop->origin_wall_ms = system_wall_ms();
	uv_prepare_init(&loop->uv, &loop->prepare);
	uv_idle_init(&loop->uv, &loop->idle);
	loop->prepare.data = loop;
	return loop;
}

void
loop_share_clock(struct loop *loop, int64_t from_ms)
{
	double since_ms = (double)(system_wall_ms() - from_ms);

	loop->origin_wall_ms = from_ms + (int64_t)(since_ms * loop->rate) - clock_mono(loop);
}

void
loop_destroy(struct loop *loop)
{
	struct on_signal *on, *next;

	if (!loop)
		return;
	REQUIRE(!loop->running);
	for (struct resolve *r = loop->resolving; r; r = r->hh.next) {
		r->cancelled = true;
		uv_cancel((uv_req_t *)&r->uv);
	}
	uv_prepare_stop(&loop->prepare);
	while (loop->working ||
		loop->resolving) /* none of it may meet the guest's half-closed state */
		uv_run(&loop->uv, UV_RUN_ONCE);
	if (loop->guest)
		loop->guest_close(loop->guest);
	uv_close((uv_handle_t *)&loop->prepare, NULL);
	uv_close((uv_handle_t *)&loop->idle, NULL);
	if (loop->tick)
		uv_close((uv_handle_t *)loop->tick, on_closed_free);
	LL_FOREACH_SAFE(loop->signals, on, next)
		uv_close((uv_handle_t *)&on->uv, on_closed_free);
	/* Guests (libwebsockets) close their handles over a few rounds, so this runs until none is left. */
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	if (loop->guest)
		loop->guest_end(loop->guest);
	REQUIRE(uv_loop_close(&loop->uv) == 0);
	free(loop);
}

void
loop_set_guest(struct loop *loop, void *guest, loop_fn *close, loop_fn *end)
{
	REQUIRE(!loop->guest);
	loop->guest = guest;
	loop->guest_close = close;
	loop->guest_end = end;
}

void *
loop_guest(const struct loop *loop)
{
	return loop->guest;
}

void
loop_run(struct loop *loop)
{
	REQUIRE(!loop->running);
	loop->running = true;
	if (!loop->stopped)
		uv_run(&loop->uv, UV_RUN_DEFAULT);
	loop->stopped = false;
	loop->running = false;
}

void
loop_stop(struct loop *loop)
{
	loop->stopped = true;
	if (loop->running)
		uv_stop(&loop->uv);
}

void *
loop_native(struct loop *loop)
{
	return &loop->uv;
}

double
loop_clock_rate(const struct loop *loop)
{
	return loop->rate;
}

int64_t
loop_now_ms(struct loop *loop)
{
	return scale(loop, uv_now(&loop->uv) - loop->origin_ms + loop->skipped_ms, 1);
}

struct clock
loop_clock(struct loop *loop)
{
	return (struct clock){.wall_ms = clock_wall, .mono_ms = clock_mono, .data = loop};
}

static void
on_timer(uv_timer_t *uv)
{
	struct loop_timer *timer = uv->data;

	timer->loop->timer_ran = true;
	timer->fn(timer->data);
}

struct loop_timer *
loop_timer_create(struct loop *loop, loop_fn *fn, void *data)
{
	struct loop_timer *timer = xcalloc(1, sizeof(*timer));

	timer->loop = loop;
	timer->fn = fn;
	timer->data = data;
	uv_timer_init(&loop->uv, &timer->uv);
	timer->uv.data = timer;
	DL_APPEND(loop->timers, timer);
	return timer;
}

/* Real milliseconds for scaled ones, rounded up so that no timer fires before its time. */
static uint64_t
real_ms(const struct loop *loop, int64_t ms)
{
	double real;

	if (ms <= 0)
		return 0;
	if (loop->rate == 1.0)
		return (uint64_t)ms;
	real = (double)ms / loop->rate;
	return (uint64_t)real + ((double)(uint64_t)real < real);
}

void
loop_timer_start(struct loop_timer *timer, int64_t after_ms, int64_t repeat_ms)
{
	DL_DELETE(timer->loop->timers, timer);
	DL_APPEND(timer->loop->timers, timer);
	/* libuv counts from the start of the iteration: after a long turn the timer would fire early. */
	uv_update_time(&timer->loop->uv);
	uv_timer_start(&timer->uv, on_timer, real_ms(timer->loop, after_ms),
		real_ms(timer->loop, repeat_ms));
}

void
loop_timer_stop(struct loop_timer *timer)
{
	uv_timer_stop(&timer->uv);
}

bool
loop_timer_active(const struct loop_timer *timer)
{
	return uv_is_active((const uv_handle_t *)&timer->uv);
}

void
loop_timer_destroy(struct loop_timer *timer)
{
	if (!timer)
		return;
	DL_DELETE(timer->loop->timers, timer);
	uv_close((uv_handle_t *)&timer->uv, on_closed_free);
}

/* Puts every timer forward, and the clocks with them. */
static void
skip(struct loop *loop)
{
	struct loop_timer *timer, *next;
	uint64_t ms = UINT64_MAX;

	DL_FOREACH(loop->timers, timer) {
		if (loop_timer_active(timer) && uv_timer_get_due_in(&timer->uv) < ms)
			ms = uv_timer_get_due_in(&timer->uv);
	}
	if (ms == UINT64_MAX)
		return;
	ms = ms < loop->step_ms ? ms : loop->step_ms;
	loop->skipped_ms += ms;
	DL_FOREACH_SAFE(loop->timers, timer, next) {
		if (loop_timer_active(timer))
			uv_timer_start(&timer->uv, on_timer, uv_timer_get_due_in(&timer->uv) - ms,
				uv_timer_get_repeat(&timer->uv));
	}
}

/* Nothing happened when the loop went round once since the last tick, asleep, and no socket is ready now. One that was
 * opened by the timer before the tick is known to the kernel's poll a round later only. */
static void
on_tick(uv_timer_t *tick)
{
	struct loop *loop = tick->data;
	struct pollfd backend = {.fd = uv_backend_fd(&loop->uv), .events = POLLIN};
	bool idle = loop->rounds <= 1 && !loop->timer_ran && !loop->working && !loop->resolving;

	loop->rounds = 0;
	loop->timer_ran = false;
	if (idle && poll(&backend, 1, 0) == 0)
		skip(loop);
}

void
loop_skip_idle(struct loop *loop, int64_t step_ms)
{
	loop->tick = xcalloc(1, sizeof(*loop->tick));
	loop->step_ms = real_ms(loop, step_ms);
	uv_timer_init(&loop->uv, loop->tick);
	loop->tick->data = loop;
	uv_timer_start(loop->tick, on_tick, 1, 1);
	uv_unref((uv_handle_t *)loop->tick);
	uv_prepare_start(&loop->prepare, on_prepare);
}

static void
on_poll(uv_poll_t *uv, int status, int events)
{
	struct loop_watch *watch = uv->data;
	int ready = 0;

	if (status < 0)
		ready = WATCH_READ | WATCH_WRITE;
	if (events & UV_READABLE)
		ready |= WATCH_READ;
	if (events & UV_WRITABLE)
		ready |= WATCH_WRITE;
	watch->fn(watch->data, watch->fd, ready);
}

struct loop_watch *
loop_watch_create(struct loop *loop, int fd, loop_watch_fn *fn, void *data)
{
	struct loop_watch *watch = xcalloc(1, sizeof(*watch));

	watch->fd = fd;
	watch->fn = fn;
	watch->data = data;
	REQUIRE(uv_poll_init(&loop->uv, &watch->uv, fd) == 0);
	watch->uv.data = watch;
	return watch;
}

void
loop_watch_set(struct loop_watch *watch, int wanted)
{
	int events = 0;

	if (wanted & WATCH_READ)
		events |= UV_READABLE;
	if (wanted & WATCH_WRITE)
		events |= UV_WRITABLE;
	if (events)
		uv_poll_start(&watch->uv, events, on_poll);
	else
		uv_poll_stop(&watch->uv);
}

void
loop_watch_destroy(struct loop_watch *watch)
{
	if (watch)
		uv_close((uv_handle_t *)&watch->uv, on_closed_free);
}

static void
on_folder(uv_fs_event_t *uv, const char *name, int events, int status)
{
	struct loop_folder *folder = uv->data;

	(void)name;
	(void)events;
	(void)status;
	folder->fn(folder->data);
}

struct loop_folder *
loop_folder_create(struct loop *loop, const char *path, loop_fn *fn, void *data)
{
	struct loop_folder *folder = xcalloc(1, sizeof(*folder));

	folder->fn = fn;
	folder->data = data;
	uv_fs_event_init(&loop->uv, &folder->uv);
	folder->uv.data = folder;
	if (uv_fs_event_start(&folder->uv, on_folder, path, 0) == 0)
		return folder;
	loop_folder_destroy(folder);
	return NULL;
}

void
loop_folder_destroy(struct loop_folder *folder)
{
	if (folder)
		uv_close((uv_handle_t *)&folder->uv, on_closed_free);
}

static void
on_uv_signal(uv_signal_t *uv, int signum)
{
	struct on_signal *on = uv->data;

	on->fn(on->data, signum);
}

void
loop_on_signal(struct loop *loop, int signum, void (*fn)(void *data, int signum), void *data)
{
	struct on_signal *on = xcalloc(1, sizeof(*on));

	on->fn = fn;
	on->data = data;
	uv_signal_init(&loop->uv, &on->uv);
	on->uv.data = on;
	REQUIRE(uv_signal_start(&on->uv, on_uv_signal, signum) == 0);
	LL_PREPEND(loop->signals, on);
}

static void
give_addresses(struct resolve *r, const struct addrinfo *list)
{
	const char *addresses[RESOLVE_ADDRESSES_MAX];
	char texts[RESOLVE_ADDRESSES_MAX][64];
	unsigned count = 0;

	for (const struct addrinfo *a = list; a && count < RESOLVE_ADDRESSES_MAX; a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, texts[count], sizeof(texts[count]), NULL,
			    0, NI_NUMERICHOST) != 0)
			continue;
		addresses[count] = texts[count];
		count++;
	}
	r->done(r->data, addresses, count, count ? NULL : "no usable address");
}

static void
on_resolved(uv_getaddrinfo_t *uv, int status, struct addrinfo *list)
{
	struct resolve *r = uv->data;

	HASH_DEL(r->loop->resolving, r);
	if (!r->cancelled) {
		if (status == 0 && !r->refused)
			give_addresses(r, list);
		else
			r->done(r->data, NULL, 0, r->refused ? r->refused : uv_strerror(status));
	}
	uv_freeaddrinfo(list);
	free(r);
}

unsigned
loop_resolve(struct loop *loop, const char *host, loop_resolved_fn *done, void *data)
{
	struct resolve *r = xcalloc(1, sizeof(*r));
	/* SOCK_STREAM: otherwise each address comes once per socket type. */
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	int status;

	r->loop = loop;
	r->id = ++loop->last_id;
	r->done = done;
	r->data = data;
	r->uv.data = r;
	HASH_ADD(hh, loop->resolving, id, sizeof(r->id), r);
	status = uv_getaddrinfo(&loop->uv, &r->uv, on_resolved, host, NULL, &hints);
	if (status == 0)
		return r->id;
	/* libuv refuses names that no resolver could take (too long, broken IDNA) at once; a lookup that asks
	 * nobody brings that news later, like any other failure. */
	r->refused = uv_strerror(status);
	REQUIRE(uv_getaddrinfo(&loop->uv, &r->uv, on_resolved, "127.0.0.1", NULL, &hints) == 0);
	return r->id;
}

void
loop_resolve_cancel(struct loop *loop, unsigned id)
{
	struct resolve *r;

	HASH_FIND(hh, loop->resolving, &id, sizeof(id), r);
	if (!r)
		return;
	r->cancelled = true; /* the lookup itself may be past stopping */
	uv_cancel((uv_req_t *)&r->uv);
}

static void
on_work(uv_work_t *uv)
{
	struct work *work = uv->data;

	work->work(work->data);
}

static void
on_worked(uv_work_t *uv, int status)
{
	struct work *work = uv->data;

	work->loop->working--;
	(void)status; /* only ever an error for cancelled work, and none is */
	work->done(work->data);
	free(work);
}

void
loop_work(struct loop *loop, loop_fn *work, loop_fn *done, void *data)
{
	struct work *w = xcalloc(1, sizeof(*w));

	w->loop = loop;
	loop->working++;
	w->work = work;
	w->done = done;
	w->data = data;
	w->uv.data = w;
	REQUIRE(uv_queue_work(&loop->uv, &w->uv, on_work, on_worked) == 0);
}

void
loop_set_turn(struct loop *loop, loop_fn *fn, void *data)
{
	loop->turn = fn;
	loop->turn_data = data;
	if (fn || loop->tick)
		uv_prepare_start(&loop->prepare, on_prepare);
	else
		uv_prepare_stop(&loop->prepare);
}

void
loop_keep_awake(struct loop *loop, bool awake)
{
	if (awake)
		uv_idle_start(&loop->idle, on_idle);
	else
		uv_idle_stop(&loop->idle);
}
