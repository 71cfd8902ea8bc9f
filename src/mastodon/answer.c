/* SPDX-License-Identifier: MIT */
/* Error answers of servers and proxies, in words. */
#include "answer.h"

#include <string.h>

#include "limits.h"
#include "xmalloc.h"

/* Cuts between characters. */
static struct str
cut(struct str text)
{
	if (text.len > ERROR_BODY_SHOWN_MAX) {
		text.len = ERROR_BODY_SHOWN_MAX;
		while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80) {
			text.len--;
		}
	}
	return text;
}

bool
answer_is_html(const struct http_answer *answer)
{
	const char *type = http_header(answer, "content-type");
	struct str start = str_trim(answer->body);
	if (type != NULL && str_starts(str_from(type), "text/html")) {
		return true;
	}
	return start.len > 5 && start.ptr[0] == '<' &&
	       (str_eq_nocase((struct str){start.ptr, 5}, STR("<html")) ||
		       str_eq_nocase((struct str){start.ptr, 5}, STR("<!doc")));
}

static bool
put_json_words(struct str body, struct json_parser *parser, struct buf *out)
{
	struct json_doc *doc = NULL;
	if (body.len == 0 || body.ptr[0] != '{' || json_parse(parser, body, &doc, NULL) != ERR_OK) {
		return false;
	}
	struct str error = json_str(json_get(json_root(doc), "error"));
	struct str more = json_str(json_get(json_root(doc), "error_description"));
	if (error.len > 0) {
		(void)buf_printf(out, "\"%.*s\"", STR_ARG(cut(error)));
	}
	if (more.len > 0) {
		(void)buf_printf(out, "%s\"%.*s\"", error.len > 0 ? ", " : "", STR_ARG(cut(more)));
	}
	json_doc_destroy(doc);
	return error.len > 0 || more.len > 0;
}

void
answer_put_words(const struct http_answer *answer, struct json_parser *parser, struct buf *out)
{
	struct str body = str_trim(answer->body);
	if (body.len == 0) {
		return;
	}
	if (answer_is_html(answer)) {
		(void)buf_add_text(out, "an HTML page");
	} else if (!put_json_words(body, parser, out)) {
		(void)buf_printf(out, "\"%.*s\"", STR_ARG(cut(body)));
	}
}

char *
answer_describe(const struct http_answer *answer, struct json_parser *parser)
{
	bool has_status =
		answer->status != 0 && (answer->end == HTTP_DONE || answer->end == HTTP_REJECTED);
	if (!has_status) {
		return xstrdup(answer->error != NULL ? answer->error : "no answer");
	}
	struct buf words;
	struct buf out;
	buf_init(&words, MESSAGE_MAX);
	buf_init(&out, MESSAGE_MAX * 2);
	answer_put_words(answer, parser, &words);
	(void)buf_printf(&out, "%d%s%s", answer->status,
		words.len == 0 ? "" : (words.ptr[0] == '"' ? " " : ", "),
		words.len == 0 ? "" : words.ptr);
	buf_finish(&words);
	return buf_take(&out, NULL);
}
