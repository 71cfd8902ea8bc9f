/* SPDX-License-Identifier: MIT */
/* The control socket of a running host: one line of JSON asks, one answers. */
#include "control.h"

#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "json_write.h"
#include "limits.h"
#include "local.h"
#include "suggest.h"
#include "xmalloc.h"

struct control {
	struct host *host;
	struct local_server *server;
	struct json_parser *parser;
};

/* Who waits for the end of a reload. */
struct asked {
	struct control *control;
	uint64_t peer;
};

#define REFUSAL(text) "{\"v\":1,\"ok\":false,\"error\":\"" text "\"}"

static void
begin_answer(struct buf *out, bool good)
{
	buf_init(out, LOCAL_ANSWER_MAX);
	buf_printf(out, "{\"v\":%d,\"ok\":%s,\"%s\":", CONTROL_VERSION, good ? "true" : "false",
		good ? "result" : "error");
}

static void
end_answer(struct control *control, uint64_t peer, struct buf *out)
{
	buf_add_char(out, '}');
	struct str answer = out->err == ERR_OK
				    ? buf_str(out)
				    : STR(REFUSAL("the answer is longer than an answer may be"));
	local_answer(control->server, peer, answer);
	buf_finish(out);
}

static void
refuse(struct control *control, uint64_t peer, const char *why)
{
	struct buf out;
	begin_answer(&out, false);
	json_put_text(&out, why);
	end_answer(control, peer, &out);
}

static void
on_reloaded(void *data, bool good, struct str words)
{
	struct asked *asked = data;
	struct buf out;
	begin_answer(&out, good);
	json_put_str(&out, words);
	end_answer(asked->control, asked->peer, &out);
	free(asked);
}

/* ---- verbs ---- */

static void
answer_status(struct control *control, uint64_t peer, const char *instance)
{
	struct buf out;
	(void)instance;
	begin_answer(&out, true);
	host_status(control->host, &out);
	end_answer(control, peer, &out);
}

static void
answer_gaps(struct control *control, uint64_t peer, const char *instance)
{
	struct buf out;
	(void)instance;
	begin_answer(&out, true);
	host_gaps(control->host, &out);
	end_answer(control, peer, &out);
}

static struct asked *
remember(struct control *control, uint64_t peer)
{
	struct asked *asked = xmalloc(sizeof(*asked));
	*asked = (struct asked){control, peer};
	return asked;
}

static void
answer_reload(struct control *control, uint64_t peer, const char *instance)
{
	host_reload(control->host, instance, on_reloaded, remember(control, peer));
}

static void
answer_rearm(struct control *control, uint64_t peer, const char *instance)
{
	if (!instance)
		refuse(control, peer, "which instance? Say \"instance\": \"NAME\"");
	else
		host_rearm(control->host, instance, on_reloaded, remember(control, peer));
}

static const struct verb {
	const char *name;
	void (*answer)(struct control *control, uint64_t peer, const char *instance);
} verbs[] = {
	{"status", answer_status},
	{"gaps", answer_gaps},
	{"reload", answer_reload},
	{"rearm", answer_rearm},
};

static void
refuse_verb(struct control *control, uint64_t peer, struct str verb)
{
	const char *known[COUNT_OF(verbs)];
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		known[i] = verbs[i].name;
	const char *near = suggest(verb, known, COUNT_OF(verbs));
	char *why = xasprintf("there is no verb \"%.*s\"%s%s%s",
		(int)(verb.len < 40 ? verb.len : 40), verb.ptr ? verb.ptr : "",
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	refuse(control, peer, why);
	free(why);
}

static void
answer(struct control *control, uint64_t peer, struct json_value request)
{
	int64_t version = 0;
	struct json_value instance = json_get(request, "instance");
	struct str verb = json_str(json_get(request, "verb"));
	if (!json_get_int(json_get(request, "v"), &version) || version != CONTROL_VERSION) {
		refuse(control, peer,
			"this host speaks version 1 of the control protocol: say \"v\": 1. The program that asks may be of "
			"another version than the host");
		return;
	}
	if (json_exists(instance) && json_type(instance) != JSON_STRING) {
		refuse(control, peer, "\"instance\" is a text");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		if (!str_eq_text(verb, verbs[i].name))
			continue;
		char *name = str_dup(json_str(instance));
		verbs[i].answer(control, peer, name);
		free(name);
		return;
	}
	refuse_verb(control, peer, verb);
}

static void
on_line(void *data, uint64_t peer, struct str line)
{
	struct control *control = data;
	struct json_doc *doc = NULL;
	if (json_parse(control->parser, line, &doc, NULL) != ERR_OK ||
		json_type(json_root(doc)) != JSON_OBJECT)
		refuse(control, peer, "a request is one line with a JSON object");
	else
		answer(control, peer, json_root(doc));
	json_doc_destroy(doc);
}

struct control *
control_open(struct host *host, struct loop *loop, const char *folder, char *error)
{
	struct control *control = xmalloc(sizeof(*control));
	*control = (struct control){.host = host};
	char *path = file_join(folder, CONTROL_SOCKET);
	control->server = local_listen(loop, path, on_line, control, error);
	free(path);
	if (!control->server) {
		free(control);
		return NULL;
	}
	local_set_refusals(control->server, REFUSAL("the request is too long"),
		REFUSAL("too many ask at the same time; try again"));
	control->parser = json_parser_create();
	return control;
}

void
control_close(struct control *control)
{
	if (!control)
		return;
	local_close(control->server);
	json_parser_destroy(control->parser);
	free(control);
}
