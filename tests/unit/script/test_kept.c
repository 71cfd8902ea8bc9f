/* SPDX-License-Identifier: MIT */
/* Tests of tables that a plugin keeps past the end of its handler: the document is on loan, and they show their own event. */
#include "plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "decode.h"
#include "plugin_bench.h"

enum { POSTS = 60, WAKE_AFTER = 12 /* posts */ };

static const char *file_name;

/* Of whoever waits. */
struct waiting {
	struct plugin_run run;
	int since;
	bool waits;
};

static struct event *
make_event(struct json_parser *parser, bool borrow, int number)
{
	struct decode_context context = {
		.parser = parser,
		.account = STR("bot"),
		.stream = STR("public"),
		.received_at_ms = 1763640000000,
		.borrow = borrow,
	};
	struct decode_output out = {0};
	struct buf text;
	buf_init(&text, 1u << 16);
	(void)buf_printf(&text,
		"{\"id\":\"%d\",\"visibility\":\"public\",\"poll\":null,\"reblogs_count\":%d,\"tags\":[",
		number, number);
	for (int i = 0; i < number % 3; i++)
		(void)buf_printf(&text, "%s{\"name\":\"tag%d\"}", i ? "," : "", number);
	(void)buf_printf(&text,
		"],\"content\":\"<p>post number %d, which is long enough to be kept as a text</p>\","
		"\"account\":{\"id\":\"a%d\",\"acct\":\"user%d@s.example\"},\"more\":[[1,2],{\"x\":%d}]}",
		number, number, number, number);
	enum decode_result result = decode_entity(&context, EVENT_UPDATE, buf_str(&text), &out);
	buf_finish(&text);
	assert_int_equal(result, DECODE_EVENT);
	assert_int_equal(json_doc_is_borrowed(out.event->doc), borrow);
	return out.event;
}

static void
must_end(enum plugin_verdict verdict, const struct plugin_run *run, bool may_raise)
{
	if (verdict == PLUGIN_RAISED && !may_raise)
		fail_msg("%s", run->error.text);
	if (verdict == PLUGIN_RAISED)
		bench_assert_contains(run->error.text, "on purpose");
	else
		assert_int_equal(verdict, PLUGIN_ENDED);
}

static void
wake(struct bench *bench, struct waiting *waiting)
{
	waiting->waits = false;
	must_end(plugin_resume(bench->plugin, &waiting->run, STR("")), &waiting->run, false);
	plugin_run_finish(&waiting->run);
}

/* Each of its handlers gets the event, which nobody else refers to afterwards. */
static void
deliver(struct bench *bench, struct event *event, int number, struct waiting *waiting)
{
	unsigned count;
	(void)plugin_handlers(bench->plugin, &count);
	for (unsigned i = 0; i < count; i++) {
		struct plugin_run run;
		plugin_run_init(&run);
		struct plugin_delivery delivery = {
			.handler = i, .event = event, .matched = STR("{}")};
		enum plugin_verdict verdict = plugin_deliver(bench->plugin, &delivery, &run);
		if (verdict == PLUGIN_WAITS) {
			*waiting = (struct waiting){run, number, true};
			continue;
		}
		must_end(verdict, &run, number % 7 == 0);
		plugin_run_finish(&run);
	}
	event_unref(event);
}

static void
check(bool borrow)
{
	struct bench bench;
	struct buf source;
	char chunk[4096];
	size_t got;
	FILE *file = fopen(file_name, "r");
	static struct waiting waiting[POSTS + 1];
	struct json_parser *parser = json_parser_create();
	assert_non_null(file);
	buf_init(&source, PLUGIN_SOURCE_MAX);
	while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
		(void)buf_add(&source, chunk, got);
	fclose(file);
	bench_init(&bench);
	bench.config.file = file_name;
	bench.config.limits = (struct plugin_limits){.cpu_ms = 10000, .load_ms = 10000};
	bench_must_load(&bench, source.ptr);
	for (int n = 1; n <= POSTS; n++) {
		deliver(&bench, make_event(parser, borrow, n), n, &waiting[n]);
		for (int i = 1; i <= n; i++) {
			if (waiting[i].waits && (n - i >= WAKE_AFTER || n == POSTS))
				wake(&bench, &waiting[i]);
		}
	}
	bench_assert_contains(bench.lines.ptr, "all looked at");
	bench_finish(&bench);
	json_parser_destroy(parser);
	buf_finish(&source);
}

static void
tables_of_events_with_a_document_show_their_event_for_ever(void **state)
{
	(void)state;
	check(false);
}

static void
tables_of_events_whose_document_was_on_loan_do_as_well(void **state)
{
	(void)state;
	check(true);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_of_events_with_a_document_show_their_event_for_ever),
		cmocka_unit_test(tables_of_events_whose_document_was_on_loan_do_as_well),
	};
	if (argc != 2) {
		(void)fprintf(stderr, "usage: test_kept FILE.lua\n");
		return 2;
	}
	file_name = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
