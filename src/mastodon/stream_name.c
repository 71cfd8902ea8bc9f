/* SPDX-License-Identifier: MIT */
/* The table of streams, and when two names mean the same one. */
#include "stream_name.h"

#include <stdio.h>

#include "attr.h"
#include "limits.h"
#include "suggest.h"

#define STATUSES "read:statuses"

static const struct stream_info table[] = {
	{"user", "/api/v1/streaming/user", NULL, NULL, STATUSES, true},
	{"user:notification", "/api/v1/streaming/user/notification", NULL, NULL,
		"read:notifications", true},
	{"public", "/api/v1/streaming/public", NULL, NULL, STATUSES, false},
	{"public:media", "/api/v1/streaming/public", "only_media=true", NULL, STATUSES, false},
	{"public:local", "/api/v1/streaming/public/local", NULL, NULL, STATUSES, false},
	{"public:local:media", "/api/v1/streaming/public/local", "only_media=true", NULL, STATUSES,
		false},
	{"public:remote", "/api/v1/streaming/public/remote", NULL, NULL, STATUSES, false},
	{"public:remote:media", "/api/v1/streaming/public/remote", "only_media=true", NULL,
		STATUSES, false},
	/* glitch-soc only (protocol.md 9.1): public with the posts that never leave the server. */
	{"public:allow_local_only", "/api/v1/streaming/public", "allow_local_only=true", NULL,
		STATUSES, false},
	{"public:allow_local_only:media", "/api/v1/streaming/public",
		"allow_local_only=true&only_media=true", NULL, STATUSES, false},
	{"hashtag", "/api/v1/streaming/hashtag", NULL, "tag", STATUSES, false},
	{"hashtag:local", "/api/v1/streaming/hashtag/local", NULL, "tag", STATUSES, false},
	{"list", "/api/v1/streaming/list", NULL, "list", STATUSES, true},
	{"direct", "/api/v1/streaming/direct", NULL, NULL, STATUSES, true},
	/* Nobody streams these: stream_rest.c says where they are read. */
	{"bookmarks", NULL, NULL, NULL, "read:bookmarks", true},
	{"favourites", NULL, NULL, NULL, "read:favourites", true},
};

/* The same names once more, for suggestions and help. */
static const char *const names[] = {
	"user",
	"user:notification",
	"public",
	"public:media",
	"public:local",
	"public:local:media",
	"public:remote",
	"public:remote:media",
	"public:allow_local_only",
	"public:allow_local_only:media",
	"hashtag",
	"hashtag:local",
	"list",
	"direct",
	"bookmarks",
	"favourites",
};

_Static_assert(COUNT_OF(names) == COUNT_OF(table), "a stream without its name or the reverse");

const struct stream_info *
stream_info(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		if (str_eq_text(name, table[i].name)) {
			return &table[i];
		}
	}
	return NULL;
}

const char *const *
stream_names(size_t *count)
{
	*count = COUNT_OF(names);
	return names;
}

static bool
is_tag(const struct stream_info *info)
{
	return info->parameter != NULL && info->parameter[0] == 't';
}

struct str
stream_param(const struct stream_info *info, struct str param)
{
	if (info->parameter == NULL) {
		return STR_NONE;
	}
	if (is_tag(info) && param.len > 0 && param.ptr[0] == '#') {
		param.ptr++;
		param.len--;
	}
	return param;
}

/* "hashtag:caturday", "#caturday" and "list:12" are what people try first. */
static void
explain_unknown(struct str name, char *error)
{
	name.len = name.len > STREAM_SHOWN_MAX ? STREAM_SHOWN_MAX : name.len;
	struct str rest;
	struct str head;
	if (name.len > 1 && name.ptr[0] == '#') {
		head = STR("hashtag");
		rest = (struct str){name.ptr + 1, name.len - 1};
	} else {
		rest = str_split(name, ':', &head);
	}
	const struct stream_info *info = stream_info(head);
	if (info != NULL && info->parameter != NULL && rest.len > 0) {
		(void)snprintf(error, MESSAGE_MAX,
			"unknown stream \"%.*s\": the %s is given apart from the name (%s --%s %.*s, "
			"or tusk.subscribe(\"%s\", \"%.*s\"))",
			STR_ARG(name), info->parameter, info->name, info->parameter, STR_ARG(rest),
			info->name, STR_ARG(rest));
		return;
	}
	const char *near = suggest(name, names, COUNT_OF(names));
	if (near != NULL) {
		(void)snprintf(error, MESSAGE_MAX, "unknown stream \"%.*s\": did you mean \"%s\"?",
			STR_ARG(name), near);
		return;
	}
	int used =
		snprintf(error, MESSAGE_MAX, "unknown stream \"%.*s\": known are", STR_ARG(name));
	for (size_t i = 0; i < COUNT_OF(names) && used > 0 && used < MESSAGE_MAX; i++) {
		used += snprintf(error + used, (size_t)(MESSAGE_MAX - used), "%s %s",
			i == 0 ? "" : ",", names[i]);
	}
}

/* A tag without any letter or digit becomes empty on the server, which then sends nothing, for ever. */
static bool
has_letter(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c >= 0x80 || c == '_' || (c >= '0' && c <= '9') ||
			((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
			return true;
		}
	}
	return false;
}

static bool
has_space_or_control(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f) {
			return true;
		}
	}
	return false;
}

static bool
check_param(const struct stream_info *info, struct str param, char *error)
{
	const char *what = info->parameter;
	if (param.len == 0) {
		(void)snprintf(error, MESSAGE_MAX,
			"stream \"%s\" needs a %s (--%s %s, or tusk.subscribe(\"%s\", \"%s\"))",
			info->name, what, what, is_tag(info) ? "NAME" : "ID", info->name,
			is_tag(info) ? "NAME" : "ID");
		return false;
	}
	if (param.len > STREAM_PARAM_MAX) {
		(void)snprintf(error, MESSAGE_MAX,
			"the %s of stream \"%s\" has %zu bytes, more than the %d that fit", what,
			info->name, param.len, STREAM_PARAM_MAX);
		return false;
	}
	if (!str_is_utf8(param) || has_space_or_control(param)) {
		(void)snprintf(error, MESSAGE_MAX,
			"the %s of stream \"%s\" holds white space or bytes that are no text: give "
			"one %s without spaces",
			what, info->name, what);
		return false;
	}
	if (is_tag(info) && !has_letter(param)) {
		(void)snprintf(error, MESSAGE_MAX,
			"the tag \"%.*s\" of stream \"%s\" has no letter or digit, so no post can "
			"carry it",
			STR_ARG(param), info->name);
		return false;
	}
	return true;
}

bool
stream_check(struct str name, struct str param, char *error)
{
	const struct stream_info *info = stream_info(name);
	if (info == NULL) {
		explain_unknown(name, error);
		return false;
	}
	if (info->parameter != NULL) {
		return check_param(info, stream_param(info, param), error);
	}
	if (param.len > 0) {
		param.len = param.len > STREAM_SHOWN_MAX ? STREAM_SHOWN_MAX : param.len;
		(void)snprintf(error, MESSAGE_MAX,
			"stream \"%s\" takes no tag and no list, but \"%.*s\" was given: leave it "
			"out, or use \"hashtag\" or \"list\"",
			info->name, STR_ARG(param));
		return false;
	}
	return true;
}

/* U+00C0 to U+017F as the ASCII letter that the streaming server folds them to; '.' where it keeps
 * them, '+' and '-' where their lower case is the same, one or 32 code points on. */
static const char latin[] = "aaaaaa+ceeeeiiii"
			    "dnooooo.ouuuuy+."
			    "aaaaaa.ceeeeiiii"
			    "dnooooo.ouuuuy.y"
			    "aaaaaaccccccccdd"
			    "ddeeeeeeeeeegggg"
			    "gggghhhhiiiiiiii"
			    "ii-.jjkkklllllll"
			    "lllnnnnnnnnnoooo"
			    "oo-.rrrrrrssssss"
			    "ssttttttuuuuuuuu"
			    "uuuuwwyyyzzzzzzs";

static uint32_t
fold(uint32_t code)
{
	if (code >= 'A' && code <= 'Z') {
		return code + 32;
	}
	if (code >= 0xc0 && code < 0xc0 + sizeof(latin) - 1) {
		char to = latin[code - 0xc0];
		if (to == '+') {
			return code + 32;
		}
		if (to == '-') {
			return code + 1;
		}
		return to == '.' ? code : (uint32_t)to;
	}
	bool greek = code >= 0x391 && code <= 0x3a9;
	bool cyrillic = code >= 0x410 && code <= 0x42f;
	if (greek || cyrillic) {
		return code + 32;
	}
	return code >= 0x400 && code <= 0x40f ? code + 80 : code;
}

static void
put_utf8(struct buf *out, uint32_t code)
{
	char bytes[4];
	size_t len = 0;
	if (code < 0x80) {
		bytes[len++] = (char)code;
	} else if (code < 0x800) {
		bytes[len++] = (char)(0xc0 | code >> 6);
	} else if (code < 0x10000) {
		bytes[len++] = (char)(0xe0 | code >> 12);
		bytes[len++] = (char)(0x80 | (code >> 6 & 0x3f));
	} else {
		bytes[len++] = (char)(0xf0 | code >> 18);
		bytes[len++] = (char)(0x80 | (code >> 12 & 0x3f));
		bytes[len++] = (char)(0x80 | (code >> 6 & 0x3f));
	}
	if (code >= 0x80) {
		bytes[len++] = (char)(0x80 | (code & 0x3f));
	}
	(void)buf_add(out, bytes, len);
}

/* What the server drops from a tag: ASCII other than letters, digits and '_'. */
static bool
is_dropped(uint32_t code)
{
	bool letter = code >= 'a' && code <= 'z';
	bool digit = code >= '0' && code <= '9';
	return code < 0x80 && !letter && !digit && code != '_';
}

void
stream_key(struct str name, struct str param, struct buf *out)
{
	(void)buf_add_str(out, name);
	const struct stream_info *info = stream_info(name);
	if (param.len == 0 || (info != NULL && info->parameter == NULL)) {
		return;
	}
	(void)buf_add_char(out, ' ');
	if (info == NULL || !is_tag(info)) {
		(void)buf_add_str(out, param);
		return;
	}
	struct str rest = param;
	while (rest.len > 0) {
		uint32_t code = 0;
		size_t step = str_utf8_next(rest, &code);
		if (step == 0) {
			(void)buf_add_char(out, rest.ptr[0]);
			step = 1;
		} else if (!is_dropped(fold(code))) {
			put_utf8(out, fold(code));
		}
		rest.ptr += step;
		rest.len -= step;
	}
}

bool
stream_same(struct str name_a, struct str param_a, struct str name_b, struct str param_b)
{
	if (!str_eq(name_a, name_b)) {
		return false;
	}
	if (param_a.len == param_b.len && (param_a.len == 0 || str_eq(param_a, param_b))) {
		return true;
	}
	struct buf a;
	struct buf b;
	buf_init(&a, EVENT_STREAM_MAX * 2);
	buf_init(&b, EVENT_STREAM_MAX * 2);
	stream_key(name_a, param_a, &a);
	stream_key(name_b, param_b, &b);
	bool same = a.err == ERR_OK && b.err == ERR_OK && str_eq(buf_str(&a), buf_str(&b));
	buf_finish(&a);
	buf_finish(&b);
	return same;
}
