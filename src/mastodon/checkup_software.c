/* SPDX-License-Identifier: MIT */
/* Which software a server runs, what is known to be wrong with that version, and which streams it cannot give. Pure. */
#include "checkup_software.h"

#include <string.h>

#include "attr.h"

#define CHECK      "software"
#define SHOWN      80 /* bytes of a version text */
#define ANY        INT32_MAX
#define V(a, b, c) ((a)*1000000 + (b)*1000 + (c))

enum {
	MASTODON = 1, /* its numbers are Mastodon's */
	SILENT = 2,   /* no streaming */
};

/* Who is who: the first whose mark stands in the version or the source's address. Forks before what they were made from. */
static const struct kind {
	const char *mark, *name;
	int flags;
} kinds[] = {
	{"glitch", "glitch-soc", MASTODON},
	{"hometown", "Hometown", MASTODON},
	{"fedibird", "Fedibird", MASTODON},
	{"gotosocial", "GoToSocial", 0},
	{"akkoma", "Akkoma", 0},
	{"rebased", "Rebased", 0},
	{"pleroma", "Pleroma", 0},
	{"iceshrimp.net", "Iceshrimp.NET", 0},
	{"iceshrimp", "Iceshrimp", 0},
	{"firefish", "Firefish", 0},
	{"calckey", "Calckey", 0},
	{"sharkey", "Sharkey", SILENT},
	{"misskey", "Misskey", SILENT},
	{"mitra", "Mitra", SILENT},
	{"takahe", "Takahe", SILENT},
	{"pixelfed", "Pixelfed", SILENT},
	{"friendica", "Friendica", SILENT},
	{"snac", "snac", SILENT},
};

/* Known bugs of versions from `from` to before `before` (protocol.md 4.2, 6.3, 9). */
static const struct bug {
	const char *software; /* NULL: Mastodon and its forks */
	int from, before;
	const char *text, *advice;
} bugs[] = {
	{NULL, 0, V(3, 3, 0), "before 3.3 one WebSocket carries one stream only",
		"ask the administrator to update; until then --transport sse"},
	{NULL, 0, V(3, 5, 0), "before 3.5 there are no edits on streams",
		"ask the administrator to update"},
	{NULL, V(4, 0, 0), V(4, 2, 0),
		"from 4.0 to 4.1 the filters of one listener may count for another: posts may lack or be marked for no reason",
		"ask the administrator to update"},
	{NULL, V(4, 1, 2), V(4, 1, 3),
		"in 4.1.2 a stream may stay open with heartbeats and no events",
		"ask the administrator to update; moontusk compares with the timeline and connects anew"},
	{NULL, 0, V(4, 3, 0), "up to 4.2 a revoked token does not always end its streams",
		"to take a token's access away for sure, disable the account as well"},
	{NULL, V(4, 3, 0), V(4, 3, 14),
		"up to 4.3.13 any token of a user reads public streams, and disabled users go on streaming (GHSA-7gwh-mw97-qjgp, "
		"GHSA-r2fh-jr9c-9pxh)",
		"a security update is due: tell the administrator; give the token read:statuses, it is asked for after that"},
	{NULL, V(4, 4, 0), V(4, 4, 6),
		"up to 4.4.5 any token of a user reads public streams, and disabled users go on streaming (GHSA-7gwh-mw97-qjgp, "
		"GHSA-r2fh-jr9c-9pxh)",
		"a security update is due: tell the administrator; give the token read:statuses, it is asked for after that"},
	{NULL, V(4, 6, 0), V(4, 6, 6),
		"from 4.6.0 to 4.6.5 a post that is sent again under the same Idempotency-Key is answered with an error 500, "
		"although it exists",
		"nothing has to be done: moontusk looks whether the post is there before it sends it again. Updating is better"},
	{"GoToSocial", 0, ANY,
		"it ignores Idempotency-Key, and boosting twice is not taken as once",
		"nothing has to be done: moontusk looks for the post or boost before it sends one again"},
};

/* Streams that a server accepts, or not, and on which nothing ever comes. `stream` ends in '*': all that start so. */
static const struct gap {
	const char *software;
	int from, before;
	const char *stream;
} gaps[] = {
	{"GoToSocial", 0, ANY, "hashtag*"},
	{"GoToSocial", 0, ANY, "public:remote*"},
	{"GoToSocial", 0, ANY, "public:media"},
	{"GoToSocial", 0, ANY, "public:local:media"},
	{"GoToSocial", 0, V(0, 20, 0), "public"},
	{"GoToSocial", 0, V(0, 20, 0), "public:local"},
	{"Calckey", 0, ANY, "hashtag*"},
	{"Calckey", 0, ANY, "user:notification"},
	{"Calckey", 0, ANY, "direct"},
	{"Calckey", 0, ANY, "public:remote*"},
	{"Firefish", 0, ANY, "hashtag*"},
	{"Firefish", 0, ANY, "user:notification"},
	{"Firefish", 0, ANY, "direct"},
	{"Firefish", 0, ANY, "public:remote*"},
};

/* Does `word` stand in `text`, whatever the case? */
static bool
has_word(struct str text, const char *word)
{
	size_t len = strlen(word);
	for (size_t at = 0; at + len <= text.len; at++) {
		if (str_eq_nocase((struct str){text.ptr + at, len}, str_from(word)))
			return true;
	}
	return false;
}

/* "4.5.15", "4.6.0-beta.1+glitch", "0.20.0+git-57cb4fe7": the first number of that form. */
static void
read_numbers(struct str text, struct checkup_software *software)
{
	int *const parts[] = {&software->major, &software->minor, &software->patch};
	size_t at = 0;
	while (at < text.len && (text.ptr[at] < '0' || text.ptr[at] > '9'))
		at++;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		size_t from = at;
		int64_t number;
		while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
			at++;
		if (at == from ||
			!str_to_int((struct str){text.ptr + from, at - from}, 0, 999, &number))
			return;
		*parts[i] = (int)number;
		if (at >= text.len || text.ptr[at] != '.')
			return;
		at++;
	}
}

struct checkup_software
checkup_software_of(struct json_value instance)
{
	struct str version = json_str(json_get(instance, "version")),
		   source = json_str(json_get(instance, "source_url"));
	struct checkup_software software = {.name = "unknown software"};
	const struct kind *kind = NULL;
	/* A number that Mastodon never had with streams, and a commit: GoToSocial, whose version does not name it. */
	bool young = str_starts(version, "0.") && has_word(version, "git");
	for (size_t i = 0; i < COUNT_OF(kinds) && !kind; i++) {
		if (has_word(version, kinds[i].mark) || has_word(source, kinds[i].mark) ||
			(young && strcmp(kinds[i].mark, "gotosocial") == 0))
			kind = &kinds[i];
	}
	if (kind) {
		software.name = kind->name;
		software.is_mastodon = (kind->flags & MASTODON) != 0;
		software.sends_nothing = (kind->flags & SILENT) != 0;
	} else if (version.len > 0 && !has_word(version, "compatible") &&
		   !has_word(version, "really")) {
		software.name = "Mastodon";
		software.is_mastodon = true;
	}
	/* "2.7.2 (compatible; Akkoma 3.10.2)": the number behind the name is its own. */
	struct str own = version;
	for (size_t at = 0; kind && !software.is_mastodon && at < version.len; at++) {
		struct str rest = {version.ptr + at, version.len - at};
		size_t len = strlen(kind->mark);
		if (rest.len > len &&
			str_eq_nocase((struct str){rest.ptr, len}, str_from(kind->mark)))
			own = (struct str){rest.ptr + len, rest.len - len};
	}
	read_numbers(own, &software);
	return software;
}

static bool
holds(const struct checkup_software *software, const char *name, int from, int before)
{
	int version = V(software->major, software->minor, software->patch);
	if (name ? strcmp(name, software->name) != 0 : !software->is_mastodon)
		return false;
	/* A version that cannot be read has only what every version has. */
	return version == 0 ? from == 0 && before == ANY : version >= from && version < before;
}

static bool
never_comes(const struct checkup_software *software, const struct checkup_stream *stream)
{
	for (size_t i = 0; i < COUNT_OF(gaps); i++) {
		size_t len = strlen(gaps[i].stream);
		bool stem = gaps[i].stream[len - 1] == '*';
		if (holds(software, gaps[i].software, gaps[i].from, gaps[i].before) &&
			(stem ? strncmp(gaps[i].stream, stream->info->name, len - 1) == 0
			      : strcmp(gaps[i].stream, stream->info->name) == 0))
			return true;
	}
	return false;
}

void
checkup_software(struct findings *findings, struct json_value instance,
	const struct checkup_stream *wanted, unsigned wanted_count)
{
	struct checkup_software software = checkup_software_of(instance);
	struct str version = str_clip(json_str(json_get(instance, "version")), SHOWN);
	if (version.len == 0) {
		findings_add(findings, FINDING_SKIPPED, CHECK, NULL,
			"the server does not say what it runs");
		return;
	}
	findings_add(findings, FINDING_OK, CHECK, NULL, "%s, version %.*s", software.name,
		STR_ARG(version));
	for (size_t i = 0; i < COUNT_OF(bugs); i++) {
		if (holds(&software, bugs[i].software, bugs[i].from, bugs[i].before))
			findings_add(findings, FINDING_WARNING, CHECK, bugs[i].advice, "%s",
				bugs[i].text);
	}
	/* Where no address is named, that is said of streaming itself. */
	if (software.sends_nothing &&
		(json_str(json_path(instance, "configuration.urls.streaming")).len > 0 ||
			json_str(json_path(instance, "urls.streaming_api")).len > 0))
		findings_add(findings, FINDING_WARNING, CHECK,
			"plugins work all the same: moontusk asks the timelines now and then",
			"%s has no streaming of Mastodon's kind", software.name);
	for (unsigned i = 0; i < wanted_count; i++) {
		if (never_comes(&software, &wanted[i]))
			findings_add(findings, FINDING_ERROR, CHECK,
				"use another stream (user, or list), or another server",
				"%s never sends posts on the stream %s, although it accepts it",
				software.name, wanted[i].info->name);
	}
}
