/* SPDX-License-Identifier: MIT */
/* The "account" key of a match table: conditions on who caused the event. */
#include <string.h>

#include "clock.h"
#include "rule_parts.h"

static enum rule_result
result_of(bool yes)
{
	return yes ? RULE_YES : RULE_NO;
}

struct str
host_of(struct json_value url)
{
	struct str text = json_str(url), host;
	const char *start = text.len > 0 ? memmem(text.ptr, text.len, "://", 3) : NULL;

	if (!start)
		return STR_NONE;
	start += 3;
	str_split((struct str){start, (size_t)(text.ptr + text.len - start)}, '/', &host);
	return host;
}

/* The user's name; *host is what stands behind the '@', or the server of the account's page when it is one of
 * the server's own. */
static struct str
split_acct(struct json_value account, struct str *host)
{
	struct str user;

	*host = str_split(json_str(json_get(account, "acct")), '@', &user);
	if (!host->ptr)
		*host = host_of(json_get(account, "url"));
	return user;
}

static enum rule_result
test_account_flag(struct match *match, const struct cond *cond)
{
	bool value = false;

	/* null and absent mean no */
	(void)json_get_bool(json_get(match->account, cond->key->field), &value);
	return result_of(value == cond->want);
}

static enum rule_result
test_account_number(struct match *match, const struct cond *cond)
{
	int64_t value;

	return result_of(json_get_int(json_get(match->account, cond->key->field), &value) &&
			 value >= cond->range.min && value <= cond->range.max);
}

static enum rule_result
test_account_age(struct match *match, const struct cond *cond)
{
	int64_t created_ms;

	if (!time_parse(json_str(json_get(match->account, "created_at")), &created_ms))
		return RULE_NO;
	int64_t age_ms = match->try->now_ms - created_ms;
	return result_of(age_ms >= cond->range.min && age_ms <= cond->range.max);
}

static enum rule_result
test_account_local(struct match *match, const struct cond *cond)
{
	struct str acct = json_str(json_get(match->account, "acct"));

	if (acct.len == 0)
		return RULE_NO;
	return result_of((memchr(acct.ptr, '@', acct.len) == NULL) == cond->want);
}

static bool
read_acct(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_strings(compiler, value, "an account like \"user@host\" or a list of them",
		NULL, &cond->strings);
}

static enum rule_result
test_acct(struct match *match, const struct cond *cond)
{
	struct str acct = json_str(json_get(match->account, "acct")), host, user, wanted_user;

	user = split_acct(match->account, &host);
	for (size_t i = 0; i < cond->strings.count; i++) {
		struct str wanted = str_from(cond->strings.list[i]);
		if (wanted.ptr[0] == '@')
			wanted = (struct str){wanted.ptr + 1, wanted.len - 1};
		if (acct.len > 0 && str_eq_nocase(acct, wanted))
			return RULE_YES;
		struct str wanted_host = str_split(wanted, '@', &wanted_user);
		if (wanted_host.ptr && str_eq_nocase(wanted_user, user) &&
			str_eq_nocase(wanted_host, host))
			return RULE_YES;
	}
	return RULE_NO;
}

static bool
check_domain(struct compiler *compiler, struct str value)
{
	if (!memchr(value.ptr, '/', value.len) && !memchr(value.ptr, '@', value.len) &&
		memchr(value.ptr, '.', value.len))
		return true;
	return compiler_fail(compiler,
		"expected a domain like \"example.org\" or \"*.example.org\", found \"%.*s\"",
		STR_ARG(str_clip(value, 60)));
}

static bool
read_domain(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	return read_strings(compiler, value,
		"a domain like \"example.org\" or \"*.example.org\" or a list of them",
		check_domain, &cond->strings);
}

/* "*.example.org" is example.org and all below it. */
static bool
domain_matches(struct str host, struct str wanted)
{
	if (!str_starts(wanted, "*."))
		return str_eq_nocase(host, wanted);
	wanted = (struct str){wanted.ptr + 2, wanted.len - 2};
	if (host.len <= wanted.len)
		return str_eq_nocase(host, wanted);
	struct str end = {host.ptr + host.len - wanted.len, wanted.len};
	return end.ptr[-1] == '.' && str_eq_nocase(end, wanted);
}

static enum rule_result
test_domain(struct match *match, const struct cond *cond)
{
	struct str host;

	split_acct(match->account, &host);
	for (size_t i = 0; host.len > 0 && i < cond->strings.count; i++) {
		if (domain_matches(host, str_from(cond->strings.list[i])))
			return RULE_YES;
	}
	return RULE_NO;
}

static const struct key account_keys[] = {
	{"bot", read_bool, test_account_flag, COST_FIELD, 0, "bot", COMBINES_NOTHING},
	{"locked", read_bool, test_account_flag, COST_FIELD, 0, "locked", COMBINES_NOTHING},
	{"group", read_bool, test_account_flag, COST_FIELD, 0, "group", COMBINES_NOTHING},
	{"discoverable", read_bool, test_account_flag, COST_FIELD, 0, "discoverable",
		COMBINES_NOTHING},
	{"indexable", read_bool, test_account_flag, COST_FIELD, 0, "indexable", COMBINES_NOTHING},
	{"noindex", read_bool, test_account_flag, COST_FIELD, 0, "noindex", COMBINES_NOTHING},
	{"age", read_age, test_account_age, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"followers", read_numbers, test_account_number, COST_FIELD, 0, "followers_count",
		COMBINES_NOTHING},
	{"following", read_numbers, test_account_number, COST_FIELD, 0, "following_count",
		COMBINES_NOTHING},
	{"statuses", read_numbers, test_account_number, COST_FIELD, 0, "statuses_count",
		COMBINES_NOTHING},
	{"acct", read_acct, test_acct, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"domain", read_domain, test_domain, COST_FIELD, 0, NULL, COMBINES_NOTHING},
	{"local", read_bool, test_account_local, COST_FIELD, 0, NULL, COMBINES_NOTHING},
};

bool
read_account(struct compiler *compiler, struct json_value value, struct cond *cond)
{
	if (json_type(value) != JSON_OBJECT || json_count(value) == 0)
		return compiler_expected(
			compiler, "a table like { bot = false, age = \">7d\" }", value);
	return read_conds(
		compiler, value, "key", account_keys, COUNT_OF(account_keys), &cond->parts);
}

enum rule_result
test_account(struct match *match, const struct cond *cond)
{
	if (json_type(match->actor) != JSON_OBJECT)
		return RULE_NO;
	match->account = match->actor;
	return test_conds(match, cond->parts);
}
