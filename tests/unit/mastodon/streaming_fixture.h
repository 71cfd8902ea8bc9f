/* SPDX-License-Identifier: MIT */
/* What the tests of streaming share: a server that speaks the protocol, and what the client reports as text. */
#pragma once

#include "streaming.h"

#include "account.h"
#include "json_write.h"
#include "scripted.h"
#include "stream_name.h"
#include "url.h"
#include "xmalloc.h"

#define TOKEN     "test-token-0123456789"
#define CONNS_MAX 64
#define STATUS    "{\"id\":\"%u\",\"content\":\"hello\",\"account\":{\"id\":\"7\"}}"

struct fixture;

/* One connection that the server has open: a WebSocket, or an SSE answer to one stream. */
struct conn {
	server_conn id;
	bool is_ws;
	char *stream, *param; /* SSE */
};

/* What the server does. The functions may be NULL: everything is then accepted. */
struct behaviour {
	/* Returns 0 or the status to refuse the upgrade with. */
	int (*upgrade)(struct fixture *fixture, const struct server_request *request);
	/* A WebSocket is open, or an SSE answer has begun. */
	void (*opened)(struct fixture *fixture, struct conn *conn);
	/* A subscription came. True: done, do not send an event. */
	bool (*subscribed)(
		struct fixture *fixture, server_conn id, const char *stream, const char *param);
	/* An SSE request. True: answered. */
	bool (*requested)(
		struct fixture *fixture, server_conn id, const char *stream, const char *param);
	const char *
		unknown_answer; /* to a stream that it does not know; NULL: as Mastodon; "": it cuts */
	bool is_silent;         /* says nothing about streams that it does not know */
	bool any_token;         /* the test looks itself where the token stands */
	struct streaming_times times; /* of the client */
};

struct fixture {
	struct scripted scripted;
	struct secrets *secrets;
	struct account *account;
	struct json_parser *parser;
	struct ws_client *ws;
	struct rng rng;
	struct streaming *streaming;
	struct behaviour behaviour;
	const char *refusal;  /* X-Error-Message */
	const char *location; /* of a redirect */
	struct buf queries;   /* of the upgrades, "stream=public\n" */
	unsigned lost, absent;
	bool is_down; /* a test's own */

	struct conn conns[CONNS_MAX];
	unsigned conn_count;
	unsigned upgrades, requests, messages, asked;
	server_conn asked_id; /* of the last upgrade, and what its address asked for */
	char asked_stream[200], asked_param[200];
	struct buf heard; /* what came from the client: "subscribe hashtag cats\n" */

	struct buf events; /* "KIND STREAM PARAM ID\n" */
	struct buf states; /* "STREAM PARAM: STATE reason\n" */
	struct buf news;   /* "STREAM up\n" */
	unsigned event_count, broken_count;
	unsigned wanted; /* events, or whatever a test waits for */
	int64_t last_retry_ms;
};

/* ---- the server ---- */

static struct conn *
add_conn(struct fixture *fixture, server_conn id, bool is_ws, const char *stream, const char *param)
{
	assert_true(fixture->conn_count < CONNS_MAX);
	struct conn *conn = &fixture->conns[fixture->conn_count++];
	*conn = (struct conn){id, is_ws, xstrdup(stream), xstrdup(param)};
	return conn;
}

static void
on_end(void *data, server_conn id)
{
	struct fixture *fixture = data;
	for (unsigned i = 0; i < fixture->conn_count; i++) {
		if (fixture->conns[i].id == id) {
			free(fixture->conns[i].stream);
			free(fixture->conns[i].param);
			fixture->conns[i] = fixture->conns[--fixture->conn_count];
			return;
		}
	}
}

static UNUSED void
send_text(struct fixture *fixture, server_conn id, const char *text)
{
	assert_true(server_ws_send(fixture->scripted.server, id, str_from(text)));
}

static void
send_update(struct fixture *fixture, server_conn id, const char *stream, const char *param)
{
	struct buf text;
	buf_init(&text, 10000);
	char payload[200];
	(void)snprintf(payload, sizeof(payload), STATUS, fixture->messages);
	(void)buf_add_text(&text, "{\"stream\":[");
	json_put_text(&text, stream);
	if (param != NULL) {
		(void)buf_add_char(&text, ',');
		json_put_text(&text, param);
	}
	(void)buf_add_text(&text, "],\"event\":\"update\",\"payload\":");
	json_put_text(&text, payload);
	(void)buf_add_char(&text, '}');
	send_text(fixture, id, text.ptr);
	buf_finish(&text);
}

static const struct http_header event_stream[] = {{"Content-Type", "text/event-stream"}};

static void
begin_sse(struct fixture *fixture, server_conn id)
{
	assert_true(server_begin(fixture->scripted.server, id, 200, event_stream, 1));
	assert_true(server_write(fixture->scripted.server, id, STR(":)\n")));
}

static UNUSED void
answer_error(struct fixture *fixture, server_conn id, int status, const char *text)
{
	char *body = xasprintf("{\"error\":\"%s\"}", text);
	scripted_answer(&fixture->scripted, id, status, "application/json; charset=utf-8", body);
	free(body);
}

/* The stream's name from path and query, and its parameter. */
static const char *
name_of(const struct server_request *request, char *param, size_t size)
{
	size_t count = 0;
	const char *const *names = stream_names(&count);
	const char *found = NULL;
	param[0] = '\0';
	for (size_t i = 0; i < count && found == NULL; i++) {
		const struct stream_info *info = stream_info(str_from(names[i]));
		if (!str_eq_text(request->path, info->path)) {
			continue;
		}
		if (info->parameter != NULL) {
			struct str key;
			struct str value = str_split(request->query, '=', &key);
			assert_true(str_eq_text(key, info->parameter));
			(void)snprintf(param, size, "%.*s", STR_ARG(value));
			found = info->name;
		} else if (info->query == NULL ? request->query.len == 0
					       : str_eq_text(request->query, info->query)) {
			found = info->name;
		}
	}
	return found;
}

static void
on_request(void *data, server_conn id, const struct server_request *request)
{
	struct fixture *fixture = data;
	char param[200];
	const char *stream = name_of(request, param, sizeof(param));
	fixture->requests++;
	assert_string_equal(scripted_header(request, "accept"), "text/event-stream");
	assert_string_equal(scripted_header(request, "authorization"), "Bearer " TOKEN);
	if (stream == NULL) {
		answer_error(fixture, id, 400, "Unknown channel requested");
		return;
	}
	const char *value = param[0] != '\0' ? param : NULL;
	if (fixture->behaviour.requested != NULL &&
		fixture->behaviour.requested(fixture, id, stream, value)) {
		return;
	}
	begin_sse(fixture, id);
	struct conn *conn = add_conn(fixture, id, false, stream, value);
	if (fixture->behaviour.opened != NULL) {
		fixture->behaviour.opened(fixture, conn);
		return;
	}
	char text[300];
	int len = snprintf(
		text, sizeof(text), "event: update\ndata: " STATUS "\n\n", ++fixture->messages);
	assert_true(server_write(fixture->scripted.server, id, (struct str){text, (size_t)len}));
}

/* What the address of the upgrade asks for. */
static void
note_stream(struct fixture *fixture, server_conn id, struct str query)
{
	struct str rest = query;
	struct str part;
	fixture->asked_id = id;
	fixture->asked_stream[0] = fixture->asked_param[0] = '\0';
	while (rest.len > 0) {
		struct str key;
		rest = str_split(rest, '&', &part);
		struct str value = str_split(part, '=', &key);
		struct buf text;
		buf_init(&text, 1000);
		assert_true(url_decode(value, true, &text));
		bool is_stream = str_eq_text(key, "stream");
		if (is_stream || str_eq_text(key, "tag") || str_eq_text(key, "list")) {
			(void)snprintf(is_stream ? fixture->asked_stream : fixture->asked_param,
				200, "%s", text.ptr);
		}
		buf_finish(&text);
	}
}

static int
on_upgrade(void *data, server_conn id, const struct server_request *request,
	const char **subprotocol, const struct http_header **refusal, unsigned *refusal_count)
{
	static struct http_header header = {"X-Error-Message", ""};
	struct fixture *fixture = data;
	(void)id;
	fixture->upgrades++;
	(void)buf_printf(&fixture->queries, "%.*s\n", STR_ARG(request->query));
	assert_true(str_starts(request->path, "/api/v1/streaming"));
	if (!fixture->behaviour.any_token) {
		assert_string_equal(scripted_header(request, "authorization"), "Bearer " TOKEN);
		assert_string_equal(scripted_header(request, "sec-websocket-protocol"), TOKEN);
	}
	*subprotocol = scripted_header(request, "sec-websocket-protocol") != NULL ? TOKEN : NULL;
	note_stream(fixture, id, request->query);
	int status = fixture->behaviour.upgrade != NULL
			     ? fixture->behaviour.upgrade(fixture, request)
			     : 0;
	if (status != 0 && (fixture->refusal != NULL || fixture->location != NULL)) {
		header.name = fixture->location != NULL ? "Location" : "X-Error-Message";
		header.value = fixture->location != NULL ? fixture->location : fixture->refusal;
		*refusal = &header;
		*refusal_count = 1;
	}
	return status;
}

static void
on_ws_open(void *data, server_conn id)
{
	struct fixture *fixture = data;
	bool named = fixture->asked_id == id && fixture->asked_stream[0] != '\0';
	struct conn *conn = add_conn(fixture, id, true, named ? fixture->asked_stream : NULL,
		named && fixture->asked_param[0] != '\0' ? fixture->asked_param : NULL);
	if (fixture->behaviour.opened != NULL) {
		fixture->behaviour.opened(fixture, conn);
	} else if (conn->stream != NULL) {
		fixture->messages++;
		send_update(fixture, id, conn->stream, conn->param);
	}
}

/* To a subscription of a stream that no server has. */
static void
answer_unknown(struct fixture *fixture, server_conn id)
{
	const char *answer = fixture->behaviour.unknown_answer;
	if (answer != NULL && answer[0] == '\0') {
		(void)server_cut(fixture->scripted.server, id, true);
	} else if (!fixture->behaviour.is_silent) {
		send_text(fixture, id,
			answer != NULL ? answer
				       : "{\"error\":\"Unknown stream type\",\"status\":400}");
	}
}

static void
on_ws_message(void *data, server_conn id, struct str message, bool binary)
{
	struct fixture *fixture = data;
	struct json_doc *doc = NULL;
	assert_false(binary);
	assert_true(message.len < 256);
	assert_int_equal(json_parse(fixture->parser, message, &doc, NULL), ERR_OK);
	struct json_value root = json_root(doc);
	char *type = str_dup(json_str(json_get(root, "type")));
	char *stream = str_dup(json_str(json_get(root, "stream")));
	char *param = str_dup(json_str(json_get(root, "tag")));
	if (param == NULL) {
		param = str_dup(json_str(json_get(root, "list")));
	}
	assert_non_null(stream);
	if (strcmp(stream, "moontusk:which") == 0) {
		fixture->asked++;
		answer_unknown(fixture, id);
		free(type);
		free(stream);
		json_doc_destroy(doc);
		return;
	}
	(void)buf_printf(&fixture->heard, "%s %s %s\n", type, stream, param != NULL ? param : "-");
	if (strcmp(type, "subscribe") == 0 &&
		(fixture->behaviour.subscribed == NULL ||
			!fixture->behaviour.subscribed(fixture, id, stream, param))) {
		fixture->messages++;
		send_update(fixture, id, stream, param);
	}
	free(type);
	free(stream);
	free(param);
	json_doc_destroy(doc);
}

/* ---- the client's side ---- */

static void
on_event(void *data, struct event *event)
{
	struct fixture *fixture = data;
	fixture->event_count++;
	(void)buf_printf(&fixture->events, "%.*s %.*s %.*s %.*s\n", STR_ARG(event->name),
		STR_ARG(event->stream), event->param.len > 0 ? (int)event->param.len : 1,
		event->param.len > 0 ? event->param.ptr : "-", STR_ARG(event->id));
	assert_true(str_eq_text(event->account, "bot"));
	assert_int_equal(event->origin, ORIGIN_LIVE);
	event_unref(event);
}

static void
on_broken(void *data, const char *what)
{
	struct fixture *fixture = data;
	assert_true(what[0] != '\0');
	fixture->broken_count++;
}

static void
on_state(void *data, const struct stream_status *status)
{
	struct fixture *fixture = data;
	(void)buf_printf(&fixture->states, "%.*s %.*s: %s %s\n", STR_ARG(status->stream),
		status->param.len > 0 ? (int)status->param.len : 1,
		status->param.len > 0 ? status->param.ptr : "-", stream_state_name(status->state),
		status->reason);
	if (status->news != STREAM_NEWS_NONE) {
		(void)buf_printf(&fixture->news, "%.*s %s\n", STR_ARG(status->stream),
			status->news == STREAM_NEWS_UP ? "up" : "down");
	}
	assert_true(status->state == STREAM_WAITING || status->state == STREAM_REFUSED ||
		    status->retry_ms == 0);
	if (status->state == STREAM_WAITING) {
		fixture->last_retry_ms = status->retry_ms;
	}
}

static void
on_lost(void *data)
{
	((struct fixture *)data)->lost++;
}

static void
on_absent(void *data, const char *why)
{
	assert_true(why[0] != '\0');
	((struct fixture *)data)->absent++;
}

static UNUSED void
setup(struct fixture *fixture, enum transport transport, const struct behaviour *behaviour)
{
	static const struct server_events server_events = {
		.on_request = on_request,
		.on_upgrade = on_upgrade,
		.on_ws_open = on_ws_open,
		.on_ws_message = on_ws_message,
		.on_end = on_end,
	};
	static const struct streaming_events events = {
		.on_event = on_event,
		.on_broken = on_broken,
		.on_state = on_state,
		.on_lost = on_lost,
		.on_absent = on_absent,
	};
	char error[MESSAGE_MAX];
	*fixture = (struct fixture){.parser = json_parser_create()};
	if (behaviour != NULL) {
		fixture->behaviour = *behaviour;
	}
	buf_init(&fixture->heard, 16 << 20);
	buf_init(&fixture->queries, 16 << 20);
	buf_init(&fixture->events, 16 << 20);
	buf_init(&fixture->states, 16 << 20);
	buf_init(&fixture->news, 1 << 20);
	rng_seed(&fixture->rng, 1);
	scripted_init(&fixture->scripted, &server_events, fixture);
	fixture->secrets = secrets_create();
	struct account_config account = {
		.name = "bot", .server = fixture->scripted.origin, .token = TOKEN};
	fixture->account = account_create(&account, fixture->secrets, error);
	fixture->account->streaming = xstrdup(fixture->scripted.origin);
	fixture->ws = ws_client_create(fixture->scripted.loop, fixture->scripted.log);
	struct streaming_config config = {
		.loop = fixture->scripted.loop,
		.http = fixture->scripted.http,
		.ws = fixture->ws,
		.log = fixture->scripted.log,
		.rng = &fixture->rng,
		.parser = fixture->parser,
		.account = fixture->account,
		.transport = transport,
		.user_agent = "moontusk-test",
		.times = fixture->behaviour.times,
	};
	fixture->streaming = streaming_create(&config, &events, fixture);
}

static UNUSED void
teardown(struct fixture *fixture)
{
	streaming_destroy(fixture->streaming);
	ws_client_destroy(fixture->ws);
	for (unsigned i = 0; i < fixture->conn_count; i++) {
		free(fixture->conns[i].stream);
		free(fixture->conns[i].param);
	}
	scripted_finish(&fixture->scripted);
	account_destroy(fixture->account);
	secrets_destroy(fixture->secrets);
	json_parser_destroy(fixture->parser);
	buf_finish(&fixture->heard);
	buf_finish(&fixture->queries);
	buf_finish(&fixture->events);
	buf_finish(&fixture->states);
	buf_finish(&fixture->news);
}

static UNUSED void
add(struct fixture *fixture, const char *stream, const char *param)
{
	streaming_add(fixture->streaming, str_from(stream), str_from(param));
}

static bool
has(const struct buf *buf, const char *text)
{
	return buf->ptr != NULL && strstr(buf->ptr, text) != NULL;
}

static UNUSED void
expect(const struct buf *buf, const char *text)
{
	if (!has(buf, text)) {
		fail_msg("\"%s\" is not in:\n%s", text, buf->ptr != NULL ? buf->ptr : "");
	}
}

static UNUSED unsigned
count(const struct buf *buf, const char *text)
{
	unsigned n = 0;
	for (const char *at = buf->ptr; at != NULL && (at = strstr(at, text)) != NULL; at++) {
		n++;
	}
	return n;
}

static bool
has_events(void *data)
{
	struct fixture *fixture = data;
	return fixture->event_count >= fixture->wanted;
}

/* Runs until `wanted` events came in all. */
static UNUSED void
run_events(struct fixture *fixture, unsigned wanted)
{
	fixture->wanted = wanted;
	if (!scripted_run(&fixture->scripted, has_events, fixture, 3600 * 1000)) {
		fail_msg("%u events of %u\n%s\n%s", fixture->event_count, wanted,
			fixture->states.ptr != NULL ? fixture->states.ptr : "",
			fixture->scripted.lines.ptr != NULL ? fixture->scripted.lines.ptr : "");
	}
}

struct until {
	const struct buf *buf;
	const char *text;
};

static bool
is_there(void *data)
{
	const struct until *until = data;
	return has(until->buf, until->text);
}

/* Runs until `text` stands in `buf`. */
static UNUSED void
run_until(struct fixture *fixture, const struct buf *buf, const char *text)
{
	struct until until = {buf, text};
	if (!scripted_run(&fixture->scripted, is_there, &until, 3600 * 1000)) {
		fail_msg("\"%s\" never came:\n%s", text, buf->ptr != NULL ? buf->ptr : "");
	}
}

static bool
never(void *data)
{
	(void)data;
	return false;
}

static UNUSED void
run_for(struct fixture *fixture, int64_t ms)
{
	assert_false(scripted_run(&fixture->scripted, never, NULL, ms));
}
