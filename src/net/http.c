/* SPDX-License-Identifier: MIT */
/* HTTP requests over libcurl's multi interface. */
#define LOG_MODULE "http"
#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <uthash.h>

#include "address.h"
#include "curl_loop.h"
#include "http_message.h"
#include "limits.h"
#include "xmalloc.h"

enum stage { STAGE_CONNECT, STAGE_WAIT, STAGE_BODY };

struct task {
	struct http *http;
	unsigned id;
	CURL *easy;
	struct http_outgoing out;
	struct http_incoming in;
	struct curl_slist *lines; /* header lines of the request */
	bool stream;
	bool (*on_head)(void *data, const struct http_answer *head);
	void (*on_data)(void *data, struct str bytes);
	void (*on_done)(void *data, const struct http_answer *answer);
	void *data;

	enum stage stage;
	struct loop_timer *timer;   /* fires at the nearer of stage_at and total_at */
	int64_t stage_at, total_at; /* loop_now_ms; INT64_MAX: none */
	bool head_done, follow, rejected, sent;
	bool certificate;  /* its dates are told */
	enum http_end why; /* our own reason to end early; HTTP_DONE: none */
	const char *why_text;
	char error[CURL_ERROR_SIZE];

	bool added;  /* is in the multi handle */
	bool dead;   /* cancelled: no more callbacks, freed by leave() */
	bool paused; /* wanted by the caller */
	bool held;   /* curl holds bytes back for us */
	UT_hash_handle hh;
};

struct http {
	struct loop *loop;
	struct log *log;
	char *user_agent;
	struct curl_loop *curl;
	struct loop_timer
		*later;     /* starts, resumes: what must not happen inside the caller's call */
	struct task *tasks; /* hash by id */
	unsigned streams;   /* of them */
	unsigned last_id;
	unsigned depth; /* > 0: inside curl or a callback, nothing may be freed */
	bool has_dead;
};

static void
task_destroy(struct task *task)
{
	struct http *http = task->http;

	if (task->added)
		curl_multi_remove_handle(curl_loop_multi(http->curl), task->easy);
	HASH_DEL(http->tasks, task);
	http->streams -= task->stream ? 1 : 0;
	curl_easy_cleanup(task->easy);
	curl_slist_free_all(task->lines);
	loop_timer_destroy(task->timer);
	outgoing_finish(&task->out);
	incoming_finish(&task->in);
	free(task);
}

static void
enter(struct http *http)
{
	http->depth++;
}

static void
leave(struct http *http)
{
	struct task *task, *next;

	if (--http->depth > 0 || !http->has_dead)
		return;
	http->has_dead = false;
	HASH_ITER(hh, http->tasks, task, next) {
		if (task->dead)
			task_destroy(task);
	}
}

static void
task_kill(struct task *task)
{
	task->dead = true;
	task->http->has_dead = true;
}

/* A date of the server's own certificate, Unix ms: "Expire date:Nov 21 10:00:00 2027 GMT". 0: it does not say. */
static int64_t
certificate_date(const struct curl_certinfo *info, const char *name)
{
	size_t len = strlen(name);
	const struct curl_slist *line = info->num_of_certs > 0 ? info->certinfo[0] : NULL;

	while (line && strncmp(line->data, name, len) != 0)
		line = line->next;
	int64_t seconds = line ? curl_getdate(line->data + len, NULL) : -1;
	return seconds > 0 ? seconds * 1000 : 0;
}

static void
tell_certificate(const struct task *task, struct http_answer *answer)
{
	struct curl_certinfo *info = NULL;

	if (!task->certificate ||
		curl_easy_getinfo(task->easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info)
		return;
	answer->valid_from_ms = certificate_date(info, "Start date:");
	answer->valid_until_ms = certificate_date(info, "Expire date:");
}

/* Says the last word about a request. Runs inside enter() and leave(). */
static void
task_end(struct task *task, enum http_end end, const char *error)
{
	struct http_answer answer;

	if (task->dead)
		return;
	answer = incoming_answer(&task->in, end, end == HTTP_DONE ? NULL : error);
	answer.sent = task->sent;
	tell_certificate(task, &answer);
	if (task->added)
		curl_multi_remove_handle(curl_loop_multi(task->http->curl), task->easy);
	task->added = false;
	log_debug(task->http->log, "%s %s: status %d%s%s", task->out.method, task->out.url.host,
		task->in.status, end == HTTP_DONE ? "" : ", ", end == HTTP_DONE ? "" : error);
	task_kill(task);
	if (task->on_done)
		task->on_done(task->data, &answer);
}

static void
arm(struct task *task)
{
	int64_t at = task->stage_at < task->total_at ? task->stage_at : task->total_at;

	if (at == INT64_MAX)
		loop_timer_stop(task->timer);
	else
		loop_timer_start(task->timer, at - loop_now_ms(task->http->loop), 0);
}

static void
enter_stage(struct task *task, enum stage stage)
{
	int64_t now = loop_now_ms(task->http->loop);

	task->stage = stage;
	if (stage == STAGE_CONNECT)
		task->stage_at = now + HTTP_CONNECT_MS;
	else if (stage == STAGE_WAIT)
		task->stage_at = now + HTTP_FIRST_BYTE_MS;
	else
		task->stage_at = INT64_MAX;
	arm(task);
}

static void
on_task_timer(void *data)
{
	struct task *task = data;
	struct http *http = task->http;

	if (task->dead)
		return;
	enter(http);
	if (task->rejected)
		task_end(task, HTTP_REJECTED, "refused by us");
	else if (task->stage == STAGE_CONNECT)
		task_end(task, HTTP_NO_CONNECT, "no connection in time");
	else if (task->stage == STAGE_WAIT)
		task_end(task, HTTP_SLOW, "connected, but no answer in time");
	else
		task_end(task, HTTP_SLOW, "the answer did not end in time");
	leave(http);
}

/* ---- what curl calls ---- */

/* Runs for each address that the name has, before it is connected to. */
static curl_socket_t
on_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct task *task = data;

	(void)purpose;
	if (!outgoing_may_reach(&task->out, address_special(&address->addr)))
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Runs when the connection stands (TLS included), right before the request is written. */
static int
on_connected(void *data, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
	struct task *task = data;

	(void)local_ip, (void)remote_port, (void)local_port;
	/* A kept connection was opened for somebody who may have been allowed more. */
	if (!outgoing_may_reach(&task->out, address_special_text(remote_ip)))
		return CURL_PREREQFUNC_ABORT;
	task->sent = true;
	enter_stage(task, STAGE_WAIT);
	return CURL_PREREQFUNC_OK;
}

static void
reset_answer(struct task *task)
{
	incoming_reset(&task->in);
	task->head_done = false;
	task->follow = false;
}

/* The blank line behind the headers came. False ends the transfer. */
static bool
head_complete(struct task *task)
{
	struct http_answer head;
	long status = 0;

	curl_easy_getinfo(task->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 == 1) {
		reset_answer(task); /* "100 Continue", "103 Early Hints": the answer follows */
		return true;
	}
	task->in.status = (int)status;
	task->head_done = true;
	enter_stage(task, STAGE_BODY);
	task->follow = task->out.redirects_left > 0 && is_redirect(task->in.status) &&
		       incoming_has_header(&task->in, "location");
	if (task->follow || !task->stream || !task->on_head)
		return true;
	head = incoming_answer(&task->in, HTTP_DONE, NULL);
	head.sent = true;
	task->rejected = !task->on_head(task->data, &head);
	if (task->rejected && !task->dead) {
		/* Its body tells people why; but it may be a stream that never ends. */
		task->total_at = loop_now_ms(task->http->loop) + HTTP_FIRST_BYTE_MS;
		arm(task);
	}
	return !task->dead;
}

static size_t
on_header(char *bytes, size_t size, size_t count, void *data)
{
	struct task *task = data;
	struct str line = {bytes, size * count};
	bool ok = true;

	if (task->dead)
		return 0;
	if (task->head_done)
		return line.len; /* trailers of a chunked answer */
	if (str_starts(line, "HTTP/"))
		reset_answer(task);
	else if (str_trim(line).len == 0)
		ok = head_complete(task);
	else if (!incoming_add_header(&task->in, line)) {
		ok = false;
		task->why = HTTP_BROKEN;
		task->why_text = "the answer's headers are too long";
	}
	return ok ? line.len : 0;
}

static size_t
on_body(char *bytes, size_t size, size_t count, void *data)
{
	struct task *task = data;
	struct str piece = {bytes, size * count};

	if (task->dead)
		return 0;
	if (task->follow)
		return piece.len;
	if (task->stream && !task->rejected) {
		if (task->paused) {
			task->held = true;
			return CURL_WRITEFUNC_PAUSE;
		}
		task->on_data(task->data, piece);
		return task->dead ? 0 : piece.len;
	}
	if (task->rejected && task->in.body.len + piece.len > HTTP_REJECTED_BODY_MAX)
		return 0; /* enough to read; ends as rejected whatever curl calls it */
	if (buf_add_str(&task->in.body, piece) != ERR_OK) {
		task->why = HTTP_BROKEN;
		task->why_text = "the answer is too big";
		return 0;
	}
	return piece.len;
}

/* ---- a transfer has ended ---- */

static enum http_end
end_of(const struct task *task, CURLcode code)
{
	if (task->rejected)
		return HTTP_REJECTED;
	if (task->why != HTTP_DONE)
		return task->why;
	if (task->out.forbidden && !task->sent && code != CURLE_OK)
		return HTTP_FORBIDDEN;
	switch ((int)code) {
	case CURLE_OK:
		return HTTP_DONE;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_NO_NAME;
	case CURLE_COULDNT_CONNECT:
		return HTTP_NO_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_USE_SSL_FAILED:
		return HTTP_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return task->sent ? HTTP_SLOW : HTTP_NO_CONNECT;
	case CURLE_RECV_ERROR:
		/* curl has one code for a cut connection and for chunks that are no chunks */
		return strstr(task->error, "chunked-encoding") ? HTTP_BROKEN : HTTP_TRUNCATED;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
		return task->sent ? HTTP_TRUNCATED : HTTP_NO_CONNECT;
	default:
		return HTTP_BROKEN;
	}
}

static bool task_begin(struct task *task);
static void end_unstarted(struct task *task);

/* Goes where the answer points. False when that is no place to go: the answer is then given as it is. */
static bool
task_follow(struct task *task)
{
	char *to = NULL;

	curl_easy_getinfo(task->easy, CURLINFO_REDIRECT_URL, &to);
	if (!to || !outgoing_redirect(&task->out, to))
		return false;
	curl_easy_setopt(task->easy, CURLOPT_URL, to); /* copied */
	curl_multi_remove_handle(curl_loop_multi(task->http->curl), task->easy);
	task->added = false;
	reset_answer(task);
	task->sent = false;
	if (!task_begin(task))
		end_unstarted(task);
	return true;
}

static void
on_curl_done(void *data, CURL *easy, CURLcode code)
{
	struct task *task = NULL;

	(void)data;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &task);
	if (!task || task->dead)
		return;
	if (task->follow && code == CURLE_OK && task_follow(task))
		return;
	enum http_end end = end_of(task, code);
	task_end(task, end,
		task->why_text          ? task->why_text
		: task->rejected        ? "refused by us"
		: end == HTTP_FORBIDDEN ? task->out.forbidden
		: task->error[0]        ? task->error
					: curl_easy_strerror(code));
}

static void
on_curl_enter(void *data)
{
	enter(data);
}

static void
on_curl_leave(void *data)
{
	leave(data);
}

/* ---- starting ---- */

/* Puts the request on its way (again, after a redirect). */
static bool
task_begin(struct task *task)
{
	struct http_outgoing *out = &task->out;

	task->error[0] = '\0';
	if (!outgoing_ask(out, task->data))
		return false;
	curl_easy_setopt(
		task->easy, CURLOPT_NOPROXY, out->allowed == HTTP_REACH_PUBLIC ? "*" : NULL);
	curl_slist_free_all(task->lines);
	task->lines = NULL;
	for (unsigned i = 0; i < out->line_count; i++)
		task->lines = curl_slist_append(task->lines, out->lines[i]);
	curl_easy_setopt(task->easy, CURLOPT_HTTPHEADER, task->lines);
	curl_easy_setopt(task->easy, CURLOPT_XOAUTH2_BEARER, out->bearer);
	curl_easy_setopt(
		task->easy, CURLOPT_HTTPAUTH, out->bearer ? CURLAUTH_BEARER : CURLAUTH_NONE);
	enter_stage(task, STAGE_CONNECT);
	task->added =
		curl_multi_add_handle(curl_loop_multi(task->http->curl), task->easy) == CURLM_OK;
	return task->added;
}

static void
end_unstarted(struct task *task)
{
	const char *forbidden = task->out.forbidden;

	task_end(task, forbidden ? HTTP_FORBIDDEN : HTTP_BROKEN,
		forbidden ? forbidden : "the request could not be started");
}

static void
on_later(void *data)
{
	struct http *http = data;
	struct task *task, *next;

	enter(http);
	/* Tasks that callbacks add meanwhile come at the end or in the next round; none is freed here. */
	HASH_ITER(hh, http->tasks, task, next) {
		if (task->dead)
			continue;
		if (task->why != HTTP_DONE)
			task_end(task, task->why, task->why_text);
		else if (!task->added && !task_begin(task))
			end_unstarted(task);
		else if (task->held && !task->paused) {
			task->held = false;
			curl_easy_pause(task->easy, CURLPAUSE_CONT); /* calls on_body at once */
		}
	}
	curl_loop_drain(http->curl);
	leave(http);
}

static void
set_method(struct task *task)
{
	CURL *easy = task->easy;
	const char *method = task->out.method;
	struct str body = buf_str(&task->out.body);

	if (strcmp(method, "GET") == 0 && body.len == 0)
		return;
	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (body.len > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
		strcmp(method, "PATCH") == 0) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.ptr ? body.ptr : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	/* On a kept connection that turns out closed curl sends the request again by itself. That must not
	 * happen to an effect that the server may have taken and cannot recognise. */
	if (!task->out.repeatable)
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

static void
set_options(struct task *task, const struct http_request *request)
{
	CURL *easy = task->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, task);
	curl_easy_setopt(easy, CURLOPT_URL, request->url);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	/* The ends of streams are told apart by the rules of HTTP/1.1 chunks. */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, task->error);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, task->http->user_agent);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, task);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, task);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, task);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, task);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (request->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
		curl_easy_setopt(
			easy, CURLOPT_CAPATH, NULL); /* else the system's are trusted as well */
	}
	if (task->stream) {
		curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 65536L);
		curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	} else {
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); /* all that curl can unpack */
	}
	if (request->certificate) {
		curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	}
	set_method(task);
}

unsigned
http_start(struct http *http, const struct http_request *request)
{
	struct task *task, *taken;

	/* However many streams are open, there is room for other requests. */
	bool stream = request->on_data != NULL;
	if (stream ? http->streams >= HTTP_STREAMS_MAX
		   : HASH_COUNT(http->tasks) - http->streams >= HTTP_RUNNING_MAX)
		return 0;
	task = xcalloc(1, sizeof(*task));
	task->http = http;
	do {
		task->id = ++http->last_id;
		HASH_FIND(hh, http->tasks, &task->id, sizeof(task->id), taken);
	} while (task->id == 0 || taken);
	HASH_ADD(hh, http->tasks, id, sizeof(task->id), task);
	task->easy = curl_easy_init();
	REQUIRE(task->easy != NULL);
	task->timer = loop_timer_create(http->loop, on_task_timer, task);
	task->stream = stream;
	http->streams += stream ? 1 : 0;
	task->certificate = request->certificate;
	task->on_head = request->on_head;
	task->on_data = request->on_data;
	task->on_done = request->on_done;
	task->data = request->data;
	incoming_init(&task->in, request->body_max);
	if (!outgoing_init(&task->out, request, &task->why_text))
		task->why = HTTP_BROKEN; /* told later, by on_done */
	set_options(task, request);
	task->stage_at = INT64_MAX;
	task->total_at = INT64_MAX;
	if (request->total_ms >= 0)
		task->total_at = loop_now_ms(http->loop) +
				 (request->total_ms ? request->total_ms : HTTP_TOTAL_MS);
	loop_timer_start(http->later, 0, 0);
	return task->id;
}

static struct task *
find(struct http *http, unsigned id)
{
	struct task *task;

	HASH_FIND(hh, http->tasks, &id, sizeof(id), task);
	return task && !task->dead ? task : NULL;
}

void
http_cancel(struct http *http, unsigned id)
{
	struct task *task = find(http, id);

	if (!task)
		return;
	enter(http);
	task_kill(task);
	leave(http);
}

size_t
http_received(struct http *http, unsigned id)
{
	const struct task *task = find(http, id);
	return task ? task->in.body.len : 0;
}

void
http_pause(struct http *http, unsigned id, bool paused)
{
	struct task *task = find(http, id);

	if (!task)
		return;
	task->paused = paused;
	if (!paused && task->held)
		loop_timer_start(http->later, 0, 0);
}

struct http *
http_create(struct loop *loop, struct log *log, const char *user_agent)
{
	static const struct curl_loop_events events = {
		.on_done = on_curl_done, .enter = on_curl_enter, .leave = on_curl_leave};
	struct http *http = xcalloc(1, sizeof(*http));

	http->loop = loop;
	http->log = log;
	http->user_agent = xstrdup(user_agent);
	http->curl = curl_loop_create(loop, &events, http);
	http->later = loop_timer_create(loop, on_later, http);
	return http;
}

void
http_destroy(struct http *http)
{
	struct task *task, *next;

	if (!http)
		return;
	REQUIRE(http->depth == 0);
	HASH_ITER(hh, http->tasks, task, next)
		task_destroy(task);
	curl_loop_destroy(http->curl);
	loop_timer_destroy(http->later);
	free(http->user_agent);
	free(http);
}
