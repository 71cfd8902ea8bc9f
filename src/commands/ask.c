/* SPDX-License-Identifier: MIT */
/* Asking the running host of a state folder over its control socket. */
#include "ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "control.h"
#include "files.h"
#include "json_write.h"
#include "limits.h"
#include "local.h"
#include "show.h"
#include "xmalloc.h"

#define LOG_MODULE "control"

enum { ANSWER_MS = 30000 }; /* a reload may have thousands of patterns to compile */

void
ask_init(struct ask *ask)
{
	*ask = (struct ask){.parser = json_parser_create()};
}

void
ask_finish(struct ask *ask)
{
	json_doc_destroy(ask->doc);
	json_parser_destroy(ask->parser);
	free(ask->folder);
}

static void
put_request(struct buf *out, const char *verb, const char *instance)
{
	buf_init(out, LOCAL_LINE_MAX);
	buf_printf(out, "{\"v\":%d", CONTROL_VERSION);
	json_put_key(out, "verb");
	json_put_text(out, verb);
	if (instance) {
		json_put_key(out, "instance");
		json_put_text(out, instance);
	}
	buf_add_char(out, '}');
}

static enum local_result
ask_folder(const char *folder, struct str request, struct buf *answer, char *error)
{
	char *path = file_join(folder, CONTROL_SOCKET);
	enum local_result result = local_ask(path, request, ANSWER_MS, answer, error);
	free(path);
	return result;
}

static enum ask_result
read_answer(struct ask *ask, const struct session *session, struct str text)
{
	bool good = false;
	json_doc_destroy(ask->doc);
	ask->doc = NULL;
	if (json_parse(ask->parser, text, &ask->doc, NULL) != ERR_OK ||
		!json_get_bool(json_get(json_root(ask->doc), "ok"), &good)) {
		log_error(session->log, "the host's answer cannot be read");
		return ASK_FAILED;
	}
	return good ? ASK_GOOD : ASK_BAD;
}

enum ask_result
ask_host(struct ask *ask, const struct args *args, const struct session *session, const char *verb,
	const char *instance)
{
	char error[MESSAGE_MAX];
	struct buf request, answer;
	free(ask->folder);
	ask->folder = state_folder_find(args_text(args, "state", NULL));
	if (!ask->folder) {
		log_error(session->log,
			"no folder for the state: $HOME is not set. Name one with --state DIR.");
		return ASK_FAILED;
	}
	put_request(&request, verb, instance);
	buf_init(&answer, LOCAL_ANSWER_MAX + 1);
	enum local_result result = ask_folder(ask->folder, buf_str(&request), &answer, error);
	if (result == LOCAL_NOBODY) {
		char *dry = file_join(ask->folder, "dry-run");
		result = ask_folder(dry, buf_str(&request), &answer, error);
		free(dry);
	}
	enum ask_result end = result == LOCAL_NOBODY ? ASK_NOBODY : ASK_FAILED;
	if (result == LOCAL_FAILED)
		log_error(session->log, "%s", error);
	else if (result == LOCAL_OK)
		end = read_answer(ask, session, buf_str(&answer));
	buf_finish(&request);
	buf_finish(&answer);
	return end;
}

struct json_value
ask_answer(const struct ask *ask)
{
	struct json_value root = json_root(ask->doc), result = json_get(root, "result");
	return json_exists(result) ? result : json_get(root, "error");
}

/* Line by line: what a plugin raised may hold anything. */
static void
print_lines(FILE *out, struct str rest)
{
	struct str line;
	while (rest.ptr) {
		rest = str_split(rest, '\n', &line);
		if (line.len == 0)
			continue;
		struct buf clean;
		buf_init(&clean, LOCAL_ANSWER_MAX);
		show_clean(&clean, line, UINT_MAX);
		fprintf(out, "%s\n", clean.ptr ? clean.ptr : "");
		buf_finish(&clean);
	}
}

void
ask_print(const struct ask *ask, enum ask_result result)
{
	print_lines(result == ASK_GOOD ? stdout : stderr, json_str(ask_answer(ask)));
}

int
ask_and_print(const struct args *args, const char *verb, const char *instance)
{
	struct session session;
	struct ask ask;
	session_start(&session, args);
	ask_init(&ask);
	enum ask_result result = ask_host(&ask, args, &session, verb, instance);
	if (result == ASK_GOOD || result == ASK_BAD)
		ask_print(&ask, result);
	else if (result == ASK_NOBODY)
		log_error(session.log,
			"no host runs with the state folder %s. Start one with moontusk run, or name its folder: --state DIR",
			ask.folder);
	ask_finish(&ask);
	session_end(&session);
	return result == ASK_GOOD ? EXIT_DONE : EXIT_FAILED;
}
