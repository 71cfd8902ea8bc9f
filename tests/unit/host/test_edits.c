/* SPDX-License-Identifier: MIT */
/* A post that comes edited is an edit only for who had it before, or had another version of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decode.h"
#include "edits.h"

static struct event *
make(struct json_parser *parser, enum event_kind kind, const char *json)
{
	const struct decode_context context = {.parser = parser,
		.stream = STR("public"),
		.account = STR("bot"),
		.origin = ORIGIN_FILL};
	struct decode_output out;
	assert_int_equal(decode_entity(&context, kind, str_from(json), &out), DECODE_EVENT);
	return out.event;
}

#define EDITED(text)                                                                               \
	"{\"id\":\"7\",\"content\":\"" text "\",\"edited_at\":\"2026-11-21T10:00:00.000Z\"}"

static void
the_twin_of_an_update_is_no_edit_for_who_just_had_it(void **state)
{
	(void)state;
	struct json_parser *parser = json_parser_create();
	struct edits *edits = edits_create();
	struct event *update = make(parser, EVENT_UPDATE, EDITED("a"));
	struct event *twin = make(parser, EVENT_STATUS_UPDATE, EDITED("a"));
	struct event *later = make(parser, EVENT_STATUS_UPDATE, EDITED("b"));
	bool matched = false;
	edits_begin(edits, update);
	assert_true(edits_open(edits));
	edits_note(edits, 3, true);
	edits_note(edits, 4, false);
	edits_begin(edits, twin);
	assert_true(edits_had(edits, twin, 3, &matched) && matched);
	assert_true(edits_had(edits, twin, 4, &matched) && !matched);
	assert_false(edits_had(edits, twin, 5, &matched)); /* had the post before */
	assert_false(edits_had(edits, later, 3, &matched));
	event_unref(update);
	event_unref(twin);
	event_unref(later);
	edits_destroy(edits);
	json_parser_destroy(parser);
}

static void
the_next_post_ends_it(void **state)
{
	(void)state;
	struct json_parser *parser = json_parser_create();
	struct edits *edits = edits_create();
	struct event *update = make(parser, EVENT_UPDATE, EDITED("a"));
	struct event *twin = make(parser, EVENT_STATUS_UPDATE, EDITED("a"));
	struct event *other = make(parser, EVENT_UPDATE, "{\"id\":\"8\",\"edited_at\":null}");
	bool matched = false;
	edits_begin(edits, update);
	edits_note(edits, 3, true);
	edits_begin(edits, other);
	assert_false(edits_open(edits));
	edits_note(edits, 3, true);
	assert_false(edits_had(edits, twin, 3, &matched));
	event_unref(update);
	event_unref(twin);
	event_unref(other);
	edits_destroy(edits);
	json_parser_destroy(parser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_twin_of_an_update_is_no_edit_for_who_just_had_it),
		cmocka_unit_test(the_next_post_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
