/* SPDX-License-Identifier: MIT */
/* The keys of a match table that look at fields of the post, the notification or the account. */
#include <string.h>

#include "clock.h"
#include "rule_parts.h"
#include "suggest.h"

static enum rule_result
result_of(bool yes)
{
	return yes ? RULE_YES : RULE_NO;
}

static bool
has_status(const struct match *match)
{
	return json_type(match->status) == JSON_OBJECT;
}

static bool
is_true(struct json_value object, const char *field)
{
	bool value = false;

	return json_get_bool(json_get(object, field), &value) && value;
}

static bool
in_range(const struct range *range, int64_t value)
{
	return value >= range->min && value <= range->max;
}

static bool
is_listed(const struct strings *strings, struct str value)
{
	for (size_t i = 0; i < strings->count; i++) {
		if (str_eq_nocase(value, str_from(strings->list[i])))
			return true;
	}
	return false;
}

static bool
check_known(struct compiler *compiler, const char *what, struct str value, const char *const *known,
	size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq_text(value, known[i]))
			return true;
	}
	return compiler_unknown(compiler, what, value, known, count);
}

/* language */

static bool
check_language(struct compiler *compiler, struct str value)
{
	size_t letters = 0;

	while (letters < value.len && ((value.ptr[letters] | 0x20) >= 'a') &&
		((value.ptr[letters] | 0x20) <= 'z'))
		letters++;
	if (str_eq_text(value, "none") ||
		(letters >= 2 && letters <= 3 &&
			(letters == value.len || value.ptr[letters] == '-')))
		return true;
	return compiler_fail(compiler,
		"expected a language code like \"de\" or \"pt-BR\", or \"none\", found \"%.*s\"",
		STR_ARG(str_clip(value, 60)));
}

bool
read_language(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_strings(compiler, value, "a language code like \"de\" or a list of them",
		check_language, &cond->strings);
}

enum rule_result
test_language(struct match *match, const struct cond *cond)
{
	struct str language = json_str(json_get(match->status, "language")), start;

	if (!has_status(match))
		return RULE_NO;
	if (language.len == 0)
		return result_of(is_listed(&cond->strings, STR("none")));
	/* "de" also stands for "de-AT" */
	str_split(language, '-', &start);
	return result_of(is_listed(&cond->strings, language) || is_listed(&cond->strings, start));
}

/* visibility, type */

static bool
check_visibility(struct compiler *compiler, struct str value)
{
	static const char *const known[] = {"public", "unlisted", "private", "direct"};

	return check_known(compiler, "visibility", value, known, COUNT_OF(known));
}

bool
read_visibility(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_strings(compiler, value, "a visibility like \"public\" or a list of them",
		check_visibility, &cond->strings);
}

enum rule_result
test_visibility(struct match *match, const struct cond *cond)
{
	return result_of(
		is_listed(&cond->strings, json_str(json_get(match->status, "visibility"))));
}

/* Servers add types of their own, so only what looks like a slip is an error. */
static bool
check_type(struct compiler *compiler, struct str value)
{
	static const char *const known[] = {"mention", "status", "reblog", "follow",
		"follow_request", "favourite", "poll", "update", "severed_relationships",
		"moderation_warning", "annual_report", "admin.sign_up", "admin.report", "quote",
		"quoted_update", "added_to_collection", "collection_update"};

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (str_eq_text(value, known[i]))
			return true;
	}
	if (!suggest(value, known, COUNT_OF(known)))
		return true;
	return compiler_unknown(compiler, "notification type", value, known, COUNT_OF(known));
}

bool
read_type(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_strings(compiler, value,
		"a notification type like \"mention\" or a list of them", check_type,
		&cond->strings);
}

enum rule_result
test_type(struct match *match, const struct cond *cond)
{
	const struct event *event = views_event(match->views);

	if (!event || event_kind_info(event->kind)->payload != PAYLOAD_NOTIFICATION)
		return RULE_NO;
	return result_of(
		is_listed(&cond->strings, json_str(json_get(json_root(event->doc), "type"))));
}

/* reply, boost, edited, sensitive, poll */

bool
read_reply(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	static const char *const known[] = {"self", "other"};
	const char *forms = "true, false, \"self\" or \"other\"";

	cond->want = true;
	if (json_type(value) != JSON_STRING)
		return json_get_bool(value, &cond->want) ||
		       compiler_expected(compiler, forms, value);
	return check_known(compiler, "kind of reply", json_str(value), known, COUNT_OF(known)) &&
	       read_strings(compiler, value, forms, NULL, &cond->strings);
}

enum rule_result
test_reply(struct match *match, const struct cond *cond)
{
	bool reply = json_str(json_get(match->status, "in_reply_to_id")).len > 0;

	if (!has_status(match))
		return RULE_NO;
	if (cond->strings.count == 0)
		return result_of(reply == cond->want);
	struct str author = json_str(json_path(match->status, "account.id"));
	struct str answered = json_str(json_get(match->status, "in_reply_to_account_id"));
	bool self = author.len > 0 && str_eq(author, answered);
	return result_of(reply && self == str_eq_text(str_from(cond->strings.list[0]), "self"));
}

enum rule_result
test_boost(struct match *match, const struct cond *cond)
{
	const struct event *event = views_event(match->views);
	struct json_value outer = event ? event_outer_status(event) : (struct json_value){0};

	if (json_type(outer) != JSON_OBJECT)
		return RULE_NO;
	return result_of((json_type(json_get(outer, "reblog")) == JSON_OBJECT) == cond->want);
}

enum rule_result
test_edited(struct match *match, const struct cond *cond)
{
	bool edited = json_type(json_get(match->status, "edited_at")) == JSON_STRING;

	return result_of(has_status(match) && edited == cond->want);
}

enum rule_result
test_flag(struct match *match, const struct cond *cond)
{
	return result_of(
		has_status(match) && is_true(match->status, cond->key->field) == cond->want);
}

enum rule_result
test_poll(struct match *match, const struct cond *cond)
{
	bool poll = json_type(json_get(match->status, "poll")) == JSON_OBJECT;

	return result_of(has_status(match) && poll == cond->want);
}

/* media */

static bool
check_media_type(struct compiler *compiler, struct str value)
{
	static const char *const known[] = {"image", "gifv", "video", "audio", "unknown"};

	return check_known(compiler, "media type", value, known, COUNT_OF(known));
}

static bool
read_media_min(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_count(compiler, value, &cond->range.min);
}

static bool
read_media_max(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_count(compiler, value, &cond->range.max);
}

static bool
read_media_type(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_strings(compiler, value, "a media type like \"image\" or a list of them",
		check_media_type, &cond->strings);
}

static bool
read_described(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	static const char *const known[] = {"all", "some", "none"};

	if (json_type(value) != JSON_STRING)
		return compiler_expected(compiler, "\"all\", \"some\" or \"none\"", value);
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (str_eq_text(json_str(value), known[i]))
			cond->described = (enum described)(DESCRIBED_ALL + i);
	}
	return cond->described != DESCRIBED_ANY ||
	       compiler_unknown(compiler, "value", json_str(value), known, COUNT_OF(known));
}

static const struct media_key {
	const char *name;
	bool (*read)(struct compiler *compiler, struct json_value value, struct cond *cond);
} media_keys[] = {
	{"min", read_media_min},
	{"max", read_media_max},
	{"type", read_media_type},
	{"described", read_described},
};

static bool
read_media_key(
	struct compiler *compiler, struct str key, struct json_value value, struct cond *cond)
{
	const char *names[COUNT_OF(media_keys)];

	for (size_t i = 0; i < COUNT_OF(media_keys); i++) {
		names[i] = media_keys[i].name;
		if (!str_eq_text(key, names[i]))
			continue;
		size_t path = compiler_enter(compiler, key);
		bool read = media_keys[i].read(compiler, value, cond);
		if (read)
			compiler_leave(compiler, path);
		return read;
	}
	return compiler_unknown(compiler, "key", key, names, COUNT_OF(names));
}

bool
read_media(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	struct json_iter it = json_iter(value);

	cond->range = (struct range){1, INT64_MAX};
	if (json_get_bool(value, &cond->want)) {
		if (!cond->want)
			cond->range = (struct range){0, 0};
		return true;
	}
	if (json_type(value) != JSON_OBJECT || json_count(value) == 0)
		return compiler_expected(
			compiler, "true, false or { min =, max =, type =, described = }", value);
	/* "at most" allows for none, all else asks for one at least */
	if (json_exists(json_get(value, "max")))
		cond->range.min = 0;
	while (json_next(&it)) {
		if (!read_media_key(compiler, it.key, it.value, cond))
			return false;
	}
	if (cond->range.min > cond->range.max)
		return compiler_fail(compiler, "no number can be in this range: min is above max");
	return true;
}

enum rule_result
test_media(struct match *match, const struct cond *cond)
{
	struct json_iter it = json_iter(json_get(match->status, "media_attachments"));
	int64_t count = 0, described = 0;

	if (!has_status(match))
		return RULE_NO;
	while (json_next(&it)) {
		struct str type = json_str(json_get(it.value, "type"));
		if (cond->strings.count > 0 && !is_listed(&cond->strings, type))
			continue;
		count++;
		described += str_trim(json_str(json_get(it.value, "description"))).len > 0;
	}
	if (!in_range(&cond->range, count))
		return RULE_NO;
	switch (cond->described) {
	case DESCRIBED_ANY:
		return RULE_YES;
	case DESCRIBED_ALL:
		return result_of(described == count);
	case DESCRIBED_SOME:
		return result_of(described > 0);
	case DESCRIBED_NONE:
		return result_of(described == 0);
	}
	return RULE_NO;
}
