/* SPDX-License-Identifier: MIT */
/* Asking the running host of a state folder over its control socket. */
#pragma once

#include "args.h"
#include "json.h"
#include "session.h"

/* Flags of the verbs that ask. */
#define ASK_FLAGS                                                                                  \
	{                                                                                          \
		"state", FLAG_TEXT, "DIR",                                                         \
			"the state folder of the host (default: ~/.local/state/moontusk)", false   \
	}

struct ask {
	struct json_parser *parser;
	struct json_doc *doc; /* of the last answer; NULL: none */
	char *folder;         /* that the host was looked for in */
};

enum ask_result {
	ASK_GOOD,
	ASK_BAD,    /* the host said no: ask_words has why */
	ASK_NOBODY, /* no host runs with that folder */
	ASK_FAILED, /* said in the log */
};

void ask_init(struct ask *ask);
void ask_finish(struct ask *ask);
/* Blocks until the host has answered. A host that runs dry is asked when none else runs there. */
enum ask_result ask_host(struct ask *ask, const struct args *args, const struct session *session,
	const char *verb, const char *instance);
/* "result" or "error" of the last answer. */
struct json_value ask_answer(const struct ask *ask);
/* The answer of ASK_GOOD or ASK_BAD, where it is text: on standard output, or as an error. */
void ask_print(const struct ask *ask, enum ask_result result);
/* For verbs whose answer is text: prints it, on standard error when it is an error or there is no host. An EXIT_ code. */
int ask_and_print(const struct args *args, const char *verb, const char *instance);
