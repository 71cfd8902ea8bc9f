/* SPDX-License-Identifier: MIT */
/* Events and match tables from JSON text, for the tests of match/. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decode.h"

/* One parser for the program; documents made with it are gone before it is. */
static inline struct event *
event_from(struct json_parser *parser, enum event_kind kind, const char *payload)
{
	struct decode_context context = {.parser = parser, .origin = ORIGIN_REPLAY};
	struct decode_output out;

	if (decode_entity(&context, kind, str_from(payload), &out) != DECODE_EVENT)
		fail_msg("%s: %s", payload, out.error_text);
	return out.event;
}
