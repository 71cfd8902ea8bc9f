/* SPDX-License-Identifier: MIT */
/* Test that no method hides a field that a server sends. */
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json_write.h"
#include "plugin_bench.h"

/* Fields of the documented entities that no recording shows. */
static const char *const documented[] = {"id", "uri", "created_at", "account", "content",
	"visibility", "sensitive", "spoiler_text", "media_attachments", "application", "mentions",
	"tags", "emojis", "reblogs_count", "favourites_count", "replies_count", "url",
	"in_reply_to_id", "in_reply_to_account_id", "reblog", "poll", "card", "language", "text",
	"edited_at", "favourited", "reblogged", "muted", "bookmarked", "pinned", "filtered",
	"quote", "quotes_count", "quote_approval", "quoted_status", "quoted_status_id", "state",
	"type", "group_key", "status", "report", "event", "moderation_warning", "unread",
	"accounts", "last_status", "starts_at", "ends_at", "all_day", "published_at", "updated_at",
	"read", "statuses", "reactions", "name", "count", "me", "announcement_id", "username",
	"acct", "display_name", "note", "avatar", "avatar_static", "header", "header_static",
	"locked", "fields", "bot", "group", "discoverable", "noindex", "moved", "suspended",
	"limited", "last_status_at", "statuses_count", "followers_count", "following_count",
	"roles", "memorial", "indexable", "hide_collections", "preview_url", "remote_url", "meta",
	"description", "blurhash", "expires_at", "expired", "multiple", "votes_count",
	"voters_count", "options", "voted", "own_votes", "target_account", "action_taken",
	"category", "comment", "forwarded", "status_ids", "rule_ids", "pleroma", "akkoma",
	"emoji_reactions", "local_only", "content_type", "interaction_policy", "kind", "streams",
	"origin", "received_at", "time", "raw", "match"};

/* Adds each name that stands as "name": or \"name\": in the bytes. */
static void
add_names(const char *bytes, size_t len, struct buf *names)
{
	for (size_t i = 0; i + 1 < len; i++) {
		size_t end = i + 1;
		if (bytes[i] != '"')
			continue;
		while (end < len && (isalnum((unsigned char)bytes[end]) || bytes[end] == '_'))
			end++;
		size_t after = end;
		if (after < len && bytes[after] == '\\')
			after++;
		if (end == i + 1 || after + 1 >= len || bytes[after] != '"' ||
			bytes[after + 1] != ':')
			continue;
		json_put_comma(names);
		json_put_str(names, (struct str){bytes + i + 1, end - i - 1});
	}
}

static void
add_recordings(struct buf *names)
{
	char path[4096];
	const char *fixtures = getenv("MOONTUSK_FIXTURES");
	assert_non_null(fixtures);
	snprintf(path, sizeof(path), "%s/recordings", fixtures);
	DIR *folder = opendir(path);
	assert_non_null(folder);
	char *bytes = malloc(1 << 22);
	for (struct dirent *entry; (entry = readdir(folder));) {
		snprintf(path, sizeof(path), "%s/recordings/%s", fixtures, entry->d_name);
		FILE *file = strstr(entry->d_name, ".s2c.bin") ? fopen(path, "rb") : NULL;
		if (!file)
			continue;
		size_t len = fread(bytes, 1, 1 << 22, file);
		fclose(file);
		add_names(bytes, len, names);
	}
	free(bytes);
	closedir(folder);
}

static void
no_method_is_a_wire_field(void **state)
{
	(void)state;
	struct bench bench;
	struct buf options;
	bench_init(&bench);
	buf_init(&options, 16u << 20);
	(void)buf_add_text(&options, "{\"names\":[");
	for (size_t i = 0; i < COUNT_OF(documented); i++) {
		json_put_comma(&options);
		json_put_text(&options, documented[i]);
	}
	size_t before = options.len;
	add_recordings(&options);
	assert_in_range(options.len - before, 10000, 16u << 20);
	(void)buf_add_text(&options, "]}");
	bench.config.options = buf_str(&options);
	bench_must_load(&bench,
		"local tusk = require 'moontusk'\n"
		"local names = tusk.options { names = { {} } }.names\n"
		"assert(#names > 1000)\n"
		/* Only notifications have a field "report". */
		"local function is_method(entity, name)\n"
		"  return type(entity[name]) == 'function' and not (name == 'report' and entity.type == nil)\n"
		"end\n"
		"tusk.on('*', function(subject, event)\n"
		"  local account = (subject.type or subject.visibility) and subject.account\n"
		"  assert(not account or type(account.mute) == 'function' and account.boost == nil)\n"
		"  assert(type(subject.archive) == 'function' and type(event.archive) == 'function')\n"
		"  for _, name in ipairs(names) do\n"
		"    assert(not is_method(subject, name), name)\n"
		"    assert(not account or not is_method(account, name), name)\n"
		"    assert(type(event[name]) ~= 'function', name)\n"
		"  end\n"
		"end)");
	static const char *const kinds[] = {
		"update", "notification", "conversation", "announcement"};
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		char line[200];
		snprintf(line, sizeof(line),
			"{\"kind\":\"%s\",\"stream\":[\"user\"],\"payload\":{\"id\":\"1\",%s"
			"\"account\":{\"id\":\"2\"}}}",
			kinds[i],
			i == 0   ? "\"visibility\":\"public\","
			: i == 1 ? "\"type\":\"x\","
				 : "");
		if (bench_deliver(&bench, bench_event(&bench, line)) != 1)
			fail_msg("%s: %s", kinds[i], bench.error.text);
	}
	bench_finish(&bench);
	buf_finish(&options);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(no_method_is_a_wire_field)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
