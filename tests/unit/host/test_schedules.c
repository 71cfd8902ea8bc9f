/* SPDX-License-Identifier: MIT */
/* Tests of schedules in a whole host under a virtual clock: summer time, outages, clocks that jump, restarts. */
#include "folder.h"
#include "host_private.h"

#define HOUR INT64_C(3600000)

/* Posts the local minute, how late it is, how many it missed. */
#define DAILY(settings)                                                                             \
	"local tusk = require 'moontusk'\n"                                                         \
	"tusk.daily('09:00', { tz = 'Europe/Berlin'" settings " }, function(due, info)\n"           \
	"  assert(due == info.due and info.name == 'daily 09:00 Europe/Berlin')\n"                  \
	"  tusk.post { text = string.format('%s late %d missed %d',\n"                              \
	"    tusk.time.format(tusk.now(), 'Europe/Berlin'):sub(1, 16), info.late, info.missed) }\n" \
	"end)\n"
#define EVERY(interval, settings)                                                                  \
	"local tusk = require 'moontusk'\n"                                                        \
	"tusk.every('" interval "', { name = 'tick'" settings " }, function(due, info)\n"          \
	"  tusk.post { text = string.format('late %d missed %d', info.late, info.missed) }\n"      \
	"end)\n"

struct world {
	const char *folder;
	char *plugin, *state;
	int64_t now_ms;
	struct loop *loop;
	struct secrets *secrets;
	struct log *log;
	struct config config;
	struct host *host;
	struct buf did; /* a line a post */
	unsigned posts;
};

static int64_t
world_now(void *data)
{
	return ((struct world *)data)->now_ms;
}

static void
on_action(void *data, const struct intent *intent)
{
	struct world *world = data;
	struct str body = str_from(intent->body), text;
	assert_true(str_starts(body, "{\"status\":\""));
	body.ptr += strlen("{\"status\":\"");
	body.len -= strlen("{\"status\":\"");
	(void)str_split(body, '"', &text);
	(void)buf_printf(&world->did, "%.*s\n", STR_ARG(text));
	world->posts++;
}

static void
on_log(void *data, enum log_level level, const char *module, const char *line)
{
	(void)data;
	(void)module;
	if (level == LOG_ERROR)
		fail_msg("%s", line);
}

static int64_t
at(const char *text)
{
	int64_t ms = 0;
	assert_true(time_parse(str_from(text), &ms));
	return ms;
}

/* Writes the plugin, when there is one, and starts a host on the state of the one before. */
static void
start(struct world *world, const char *source, const char *time)
{
	static const struct host_events events = {.on_action = on_action};
	if (source)
		free(folder_write(world->folder, "clock.lua", source));
	if (time)
		world->now_ms = at(time);
	struct host_config config = {
		.loop = world->loop,
		.clock = {world_now, world_now, world},
		.log = world->log,
		.secrets = world->secrets,
		.config = &world->config,
		.state_folder = world->state,
		.lua_dir = getenv("MOONTUSK_LUA_DIR"),
		.dry_run = true,
		.offline = true,
	};
	world->host = host_create(&config, &events, world);
	assert_non_null(world->host);
	host_replay(world->host, NULL);
}

static void
stop(struct world *world)
{
	host_destroy(world->host);
	world->host = NULL;
}

/* Lets time pass; what falls due runs at its time. */
static void
pass_until(struct world *world, int64_t until_ms)
{
	int64_t due_ms;
	while ((due_ms = host_next_due(world->host)) <= until_ms) {
		assert_true(due_ms > world->now_ms);
		world->now_ms = due_ms;
		host_replay(world->host, NULL);
	}
	world->now_ms = until_ms;
	host_replay(world->host, NULL);
}

static void
jump(struct world *world, int64_t by_ms)
{
	world->now_ms += by_ms;
	host_replay(world->host, NULL);
}

static void
expect(struct world *world, const char *wanted)
{
	assert_string_equal(world->did.len ? world->did.ptr : "", wanted);
	buf_clear(&world->did);
	world->posts = 0;
}

static const struct schedule_row *
row(const struct world *world)
{
	return &world->host->instances[0]->schedules[0].row;
}

static int
set_up(void **state)
{
	void *folder = NULL;
	if (folder_setup(&folder) != 0)
		return -1;
	struct world *world = xcalloc(1, sizeof(*world));
	world->folder = folder;
	world->plugin = file_join(folder, "clock.lua");
	world->state = file_join(folder, "state");
	assert_int_equal(mkdir(world->state, 0700), 0);
	config_add_account(&world->config, "test", "https://mastodon.example");
	config_add_plugin(&world->config, world->plugin);
	world->loop = loop_create(1.0);
	world->secrets = secrets_create();
	world->log = log_create(stderr, LOG_INFO, false, world->secrets);
	log_set_sink(world->log, on_log, world);
	buf_init(&world->did, 1u << 20);
	*state = world;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *world = *state;
	union {
		const char *in;
		void *out;
	} folder = {world->folder};
	stop(world);
	config_finish(&world->config);
	log_destroy(world->log);
	secrets_destroy(world->secrets);
	loop_destroy(world->loop);
	buf_finish(&world->did);
	free(world->plugin);
	free(world->state);
	free(world);
	return folder_teardown(&folder.out);
}

/* ---- times of day ---- */

static void
one_post_a_local_day_across_the_start_of_summer_time(void **state)
{
	struct world *world = *state;
	start(world, DAILY(""), "2026-03-27T12:00:00Z");
	pass_until(world, at("2026-03-31T12:00:00Z"));
	expect(world, "2026-03-28T09:00 late 0 missed 0\n2026-03-29T09:00 late 0 missed 0\n"
		      "2026-03-30T09:00 late 0 missed 0\n2026-03-31T09:00 late 0 missed 0\n");
	assert_int_equal(row(world)->runs, 4);
}

static void
one_post_a_local_day_across_the_end_of_summer_time(void **state)
{
	struct world *world = *state;
	start(world, DAILY(""), "2026-10-23T12:00:00Z");
	pass_until(world, at("2026-10-26T12:00:00Z"));
	expect(world, "2026-10-24T09:00 late 0 missed 0\n2026-10-25T09:00 late 0 missed 0\n"
		      "2026-10-26T09:00 late 0 missed 0\n");
}

/* Three hours without a host, over nine o'clock of the day on which summer time starts or ends. */
static void
outage(struct world *world, const char *source, const char *day, const char *from, const char *to)
{
	char time[64];
	snprintf(time, sizeof(time), "%sT00:00:00Z", day);
	start(world, source, time);
	snprintf(time, sizeof(time), "%sT%s:00Z", day, from);
	pass_until(world, at(time));
	stop(world);
	snprintf(time, sizeof(time), "%sT%s:00Z", day, to);
	start(world, NULL, time);
	pass_until(world, world->now_ms + 30 * HOUR);
}

static void
skips_what_an_outage_missed(void **state)
{
	struct world *world = *state;
	outage(world, DAILY(""), "2026-03-29", "05:30", "08:30");
	expect(world, "2026-03-30T09:00 late 0 missed 0\n");
	assert_true(row(world)->missed == 1 && row(world)->runs == 1);
}

static void
runs_late_what_an_outage_missed(void **state)
{
	struct world *world = *state;
	outage(world, DAILY(", missed = 'run'"), "2026-03-29", "05:30", "08:30");
	expect(world, "2026-03-29T10:30 late 5400 missed 0\n2026-03-30T09:00 late 0 missed 0\n");
	assert_true(row(world)->missed == 0 && row(world)->runs == 2);
}

static void
the_same_at_the_end_of_summer_time(void **state)
{
	struct world *world = *state;
	outage(world, DAILY(", missed = 'run'"), "2026-10-25", "06:30", "09:30");
	expect(world, "2026-10-25T10:30 late 5400 missed 0\n2026-10-26T09:00 late 0 missed 0\n");
}

static void
an_outage_between_two_runs_changes_nothing(void **state)
{
	struct world *world = *state;
	outage(world, DAILY(", missed = 'run'"), "2026-10-25", "02:00", "05:00");
	expect(world, "2026-10-25T09:00 late 0 missed 0\n2026-10-26T09:00 late 0 missed 0\n");
}

static void
days_of_outage_give_one_late_run(void **state)
{
	struct world *world = *state;
	start(world, DAILY(", missed = 'run'"), "2026-06-01T00:00:00Z");
	stop(world);
	start(world, NULL, "2026-06-08T12:00:00Z");
	expect(world, "2026-06-08T14:00 late 18000 missed 7\n");
	assert_true(row(world)->missed == 7 && row(world)->runs == 1);
	pass_until(world, at("2026-06-09T12:00:00Z"));
	expect(world, "2026-06-09T09:00 late 0 missed 0\n");
}

static void
a_changed_time_counts_from_then_on(void **state)
{
	struct world *world = *state;
	const char *at_nine = "local tusk = require 'moontusk'\n"
			      "tusk.daily('09:00', { name = 'x', tz = 'UTC', missed = 'run' },"
			      " function() tusk.post { text = 'nine' } end)";
	const char *at_ten = "local tusk = require 'moontusk'\n"
			     "tusk.daily('10:00', { name = 'x', tz = 'UTC', missed = 'run' },"
			     " function() tusk.post { text = 'ten' } end)";
	start(world, at_nine, "2026-06-01T00:00:00Z");
	stop(world);
	start(world, at_ten, "2026-06-01T09:30:00Z"); /* what was missed was another time */
	expect(world, "");
	pass_until(world, at("2026-06-02T09:30:00Z"));
	expect(world, "ten\n");
}

/* ---- intervals ---- */

static void
keeps_its_phase_over_restarts_and_outages(void **state)
{
	struct world *world = *state;
	start(world, EVERY("1h", ""), "2026-06-01T00:00:00Z");
	int64_t first_ms = row(world)->due_ms;
	assert_true(first_ms > world->now_ms + HOUR - 60000 && first_ms <= world->now_ms + HOUR);
	pass_until(world, world->now_ms + 3 * HOUR);
	expect(world, "late 0 missed 0\nlate 0 missed 0\nlate 0 missed 0\n");
	stop(world);
	start(world, NULL, "2026-06-01T03:30:00Z");
	assert_int_equal(row(world)->due_ms, first_ms + 3 * HOUR);
	stop(world);
	world->now_ms = first_ms + 6 * HOUR + 600000;
	start(world, NULL, NULL);
	expect(world, "late 600 missed 3\n");
	assert_int_equal(row(world)->due_ms, first_ms + 7 * HOUR);
	assert_true(row(world)->missed == 3 && row(world)->runs == 4);
}

static void
skips_missed_intervals_when_told_so(void **state)
{
	struct world *world = *state;
	start(world, EVERY("1h", ", missed = 'skip'"), "2026-06-01T00:00:00Z");
	int64_t first_ms = row(world)->due_ms;
	stop(world);
	world->now_ms = first_ms + 6 * HOUR + 600000;
	start(world, NULL, NULL);
	expect(world, "");
	assert_int_equal(row(world)->missed, 7);
	pass_until(world, first_ms + 7 * HOUR);
	expect(world, "late 0 missed 0\n");
}

static void
a_changed_interval_counts_from_then_on(void **state)
{
	struct world *world = *state;
	start(world, EVERY("7d", ""), "2026-06-01T00:00:00Z");
	stop(world);
	start(world, EVERY("1h", ""), "2026-06-02T00:00:00Z");
	assert_true(row(world)->due_ms <= world->now_ms + HOUR);
	stop(world);
	start(world, EVERY("7d", ""), NULL);
	assert_true(row(world)->due_ms > world->now_ms + 160 * HOUR);
	expect(world, "");
}

static void
a_clock_that_jumps_makes_neither_bursts_nor_silence(void **state)
{
	struct world *world = *state;
	start(world, EVERY("15m", ""), "2026-06-01T00:00:00Z");
	jump(world, 5 * HOUR); /* as after a suspend, or a clock that was set */
	assert_int_equal(world->posts, 1);
	assert_true(row(world)->runs == 1 && row(world)->missed == 19);
	pass_until(world, world->now_ms + HOUR);
	assert_int_equal(world->posts, 5);
}

static void
a_clock_set_back_makes_neither_bursts_nor_silence(void **state)
{
	struct world *world = *state;
	start(world, EVERY("15m", ""), "2026-06-01T00:00:00Z");
	pass_until(world, world->now_ms + 2 * HOUR);
	assert_int_equal(world->posts, 8);
	jump(world, -90 * 60000);
	assert_int_equal(world->posts, 8);
	/* Each run is a post: no due time is the key of an action for a second time. */
	pass_until(world, world->now_ms + HOUR);
	assert_int_equal(world->posts, 12);
	jump(world, -365 * 24 * HOUR);
	pass_until(world, world->now_ms + HOUR);
	assert_int_equal(world->posts, 16);
	/* Set back while nothing ran. */
	stop(world);
	world->now_ms -= 24 * HOUR;
	start(world, NULL, NULL);
	pass_until(world, world->now_ms + HOUR);
	assert_int_equal(world->posts, 20);
}

static void
skips_and_counts_while_the_run_before_is_not_over(void **state)
{
	struct world *world = *state;
	start(world,
		"local tusk = require 'moontusk'\n"
		"tusk.every('15m', { name = 'tick' }, function()\n"
		"  tusk.sleep('50m') tusk.post { text = 'done' }\n"
		"end)",
		"2026-06-01T00:00:00Z");
	pass_until(world, world->now_ms + HOUR);
	expect(world, "");
	assert_true(row(world)->runs == 1 && row(world)->skipped == 3 && row(world)->missed == 0);
	pass_until(world, world->now_ms + HOUR / 4);
	expect(world, "done\n");
	assert_true(row(world)->runs == 2 && row(world)->skipped == 3);
}

/* A function that starts itself again makes no instant last for ever. */
static void
time_goes_on_whatever_is_spawned(void **state)
{
	struct world *world = *state;
	start(world,
		"local tusk = require 'moontusk'\n"
		"local function again() tusk.spawn(again) end\n"
		"tusk.every('15m', again)",
		"2026-06-01T00:00:00Z");
	world->now_ms += HOUR / 4;
	host_replay(world->host, NULL);
	assert_int_equal(row(world)->runs, 1);
}

static void
schedules_of_one_interval_do_not_run_in_one_turn(void **state)
{
	struct world *world = *state;
	start(world,
		"local tusk = require 'moontusk'\n"
		"for i = 1, 100 do\n"
		"  tusk.every('1h', { name = 'n' .. i }, function() tusk.post { text = 'x' } end)\n"
		"end",
		"2026-06-01T00:00:00Z");
	unsigned turns = 0, most = 0;
	int64_t end_ms = world->now_ms + HOUR;
	while (host_next_due(world->host) <= end_ms) {
		unsigned before = world->posts;
		world->now_ms = host_next_due(world->host);
		turn_run(world->host);
		unsigned ran = world->posts - before;
		most = ran > most ? ran : most;
		turns++;
	}
	assert_int_equal(world->posts, 100);
	assert_true(turns >= 95 && most <= 3);
	/* All are late: a bounded number in each turn. */
	world->now_ms += 24 * HOUR;
	turn_run(world->host);
	assert_int_equal(world->posts, 100 + SCHEDULES_TURN_MAX);
	host_replay(world->host, NULL);
	assert_int_equal(world->posts, 200);
}

static void
a_schedule_that_is_gone_comes_back_as_new(void **state)
{
	struct world *world = *state;
	start(world, EVERY("1h", ""), "2026-06-01T00:00:00Z");
	stop(world);
	start(world, EVERY("2h", ", name = 'tock'"), "2026-06-01T01:30:00Z");
	stop(world);
	start(world, EVERY("1h", ""), "2026-08-01T00:00:00Z");
	expect(world, "");
	assert_int_equal(row(world)->missed, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_post_a_local_day_across_the_start_of_summer_time),
		T(one_post_a_local_day_across_the_end_of_summer_time),
		T(skips_what_an_outage_missed),
		T(runs_late_what_an_outage_missed),
		T(the_same_at_the_end_of_summer_time),
		T(an_outage_between_two_runs_changes_nothing),
		T(days_of_outage_give_one_late_run),
		T(a_changed_time_counts_from_then_on),
		T(keeps_its_phase_over_restarts_and_outages),
		T(skips_missed_intervals_when_told_so),
		T(a_changed_interval_counts_from_then_on),
		T(a_clock_that_jumps_makes_neither_bursts_nor_silence),
		T(a_clock_set_back_makes_neither_bursts_nor_silence),
		T(skips_and_counts_while_the_run_before_is_not_over),
		T(time_goes_on_whatever_is_spawned),
		T(schedules_of_one_interval_do_not_run_in_one_turn),
		T(a_schedule_that_is_gone_comes_back_as_new),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
