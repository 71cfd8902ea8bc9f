/* SPDX-License-Identifier: MIT */
/* Which public posts the owner of a token does not get, and why: languages, blocks, mutes, domain blocks. Pure. */
#include "checkup_hidden.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "buf.h"
#include "limits.h"
#include "stream_rest.h"
#include "xmalloc.h"

#define CHECK      "hidden"
#define ENOUGH_OWN 20 /* posts from which the languages of a timeline say something */

/* A word in one of several sets: which one is its first byte. */
struct word {
	char *key;
	unsigned count;
	UT_hash_handle hh;
};

struct post {
	char *id, *acct, *language; /* language NULL: none */
};

struct posts {
	struct post *list;
	unsigned count;
};

struct checkup_hidden {
	struct word *tied;             /* "0alice@x" by cause */
	unsigned count[HIDDEN_CAUSES]; /* of what is blocked and muted */
	bool unread[HIDDEN_CAUSES];
	bool asked; /* a page that anybody sees came */
	struct posts all, own;
};

struct checkup_hidden *
checkup_hidden_create(void)
{
	return xcalloc(1, sizeof(struct checkup_hidden));
}

static void
posts_finish(struct posts *posts)
{
	for (unsigned i = 0; i < posts->count; i++) {
		free(posts->list[i].id);
		free(posts->list[i].acct);
		free(posts->list[i].language);
	}
	free(posts->list);
}

static void
words_finish(struct word **words)
{
	struct word *word, *next;
	HASH_ITER(hh, *words, word, next) {
		HASH_DEL(*words, word);
		free(word->key);
		free(word);
	}
}

void
checkup_hidden_destroy(struct checkup_hidden *hidden)
{
	if (!hidden)
		return;
	words_finish(&hidden->tied);
	posts_finish(&hidden->all);
	posts_finish(&hidden->own);
	free(hidden);
}

/* Counts the word; true when it is new. */
static bool
words_add(struct word **words, char kind, struct str text)
{
	struct word *word;
	char *key = xasprintf("%c%.*s", kind, STR_ARG(text));
	HASH_FIND_STR(*words, key, word);
	bool fresh = !word;
	if (fresh) {
		word = xcalloc(1, sizeof(*word));
		word->key = key;
		HASH_ADD_KEYPTR(hh, *words, word->key, strlen(word->key), word);
	} else {
		free(key);
	}
	word->count++;
	return fresh;
}

static bool
words_have(struct word *words, char kind, const char *text)
{
	struct word *word;
	char *key = xasprintf("%c%s", kind, text);
	HASH_FIND_STR(words, key, word);
	free(key);
	return word != NULL;
}

static char
kind_of(enum checkup_cause cause)
{
	return (char)('0' + cause);
}

void
checkup_hidden_add(struct checkup_hidden *hidden, enum checkup_cause cause, struct json_value page)
{
	struct json_iter it = json_iter(page);
	while (json_type(page) == JSON_ARRAY && json_next(&it)) {
		struct str name = cause == HIDDEN_DOMAIN ? json_str(it.value)
							 : json_str(json_get(it.value, "acct"));
		if (name.len > 0 && words_add(&hidden->tied, kind_of(cause), name))
			hidden->count[cause]++;
	}
}

void
checkup_hidden_unread(struct checkup_hidden *hidden, enum checkup_cause cause)
{
	hidden->unread[cause] = true;
}

static void
add_posts(struct posts *posts, struct json_value page)
{
	struct json_iter it = json_iter(page);
	while (json_type(page) == JSON_ARRAY && json_next(&it)) {
		struct str id = json_str(json_get(it.value, "id")),
			   acct = json_str(json_path(it.value, "account.acct"));
		if (id.len == 0 || acct.len == 0)
			continue;
		posts->list = xreallocarray(posts->list, posts->count + 1, sizeof(posts->list[0]));
		posts->list[posts->count++] = (struct post){str_dup(id), str_dup(acct),
			str_dup(json_str(json_get(it.value, "language")))};
	}
}

void
checkup_hidden_all(struct checkup_hidden *hidden, struct json_value page)
{
	hidden->asked = true;
	add_posts(&hidden->all, page);
}

void
checkup_hidden_own(struct checkup_hidden *hidden, struct json_value page)
{
	add_posts(&hidden->own, page);
}

/* ---- judging ---- */

static bool
is_older(const char *a, const char *b)
{
	return stream_cursor_compare(str_from(a), str_from(b)) < 0;
}

static const char *
oldest(const struct posts *posts)
{
	const char *id = posts->list[0].id;
	for (unsigned i = 1; i < posts->count; i++) {
		if (is_older(posts->list[i].id, id))
			id = posts->list[i].id;
	}
	return id;
}

static bool
has_post(const struct posts *posts, const char *id)
{
	for (unsigned i = 0; i < posts->count; i++) {
		if (str_eq_text(str_from(posts->list[i].id), id))
			return true;
	}
	return false;
}

static bool
speaks(const struct posts *posts, const char *language)
{
	for (unsigned i = 0; i < posts->count; i++) {
		const char *other = posts->list[i].language;
		if (language && other ? strcmp(language, other) == 0 : !language && !other)
			return true;
	}
	return false;
}

enum why { WHY_TIED, WHY_LANGUAGE, WHY_UNKNOWN };

static enum why
why_hidden(const struct checkup_hidden *hidden, const struct post *post)
{
	const char *at = strchr(post->acct, '@');
	if (words_have(hidden->tied, kind_of(HIDDEN_BLOCK), post->acct) ||
		words_have(hidden->tied, kind_of(HIDDEN_MUTE), post->acct) ||
		(at && words_have(hidden->tied, kind_of(HIDDEN_DOMAIN), at + 1)))
		return WHY_TIED;
	return hidden->own.count > 0 && !speaks(&hidden->own, post->language) ? WHY_LANGUAGE
									      : WHY_UNKNOWN;
}

static int
by_count(const struct word *a, const struct word *b)
{
	return a->count < b->count ? 1 : a->count > b->count ? -1 : strcmp(a->key, b->key);
}

/* "de, fr and 3 more": the most frequent first. Only those of the kind, or all with 0. */
static void
put_words(struct buf *out, struct word **words, char kind)
{
	unsigned named = 0, more = 0;
	HASH_SORT(*words, by_count);
	for (const struct word *word = *words; word; word = word->hh.next) {
		if (kind && word->key[0] != kind)
			continue;
		if (named >= HIDDEN_NAMED_MAX)
			more++;
		else
			buf_printf(out, "%s%.*s", named++ ? ", " : "",
				STR_ARG(str_clip(str_from(word->key + 1), 100)));
	}
	if (more)
		buf_printf(out, " and %u more", more);
}

struct sums {
	unsigned seen, tied, language, unknown;
	struct word *authors, *languages;
};

/* What is missing, of the stretch that both views cover. */
static void
compare(const struct checkup_hidden *hidden, struct sums *sums)
{
	const char *from = NULL;
	if (hidden->own.count > 0 && hidden->all.count > 0)
		from = oldest(&hidden->own);
	for (unsigned i = 0; i < hidden->all.count; i++) {
		const struct post *post = &hidden->all.list[i];
		if (from && is_older(post->id, from))
			continue;
		sums->seen++;
		if (has_post(&hidden->own, post->id))
			continue;
		switch (why_hidden(hidden, post)) {
		case WHY_TIED:
			sums->tied++;
			words_add(&sums->authors, '.', str_from(post->acct));
			break;
		case WHY_LANGUAGE:
			sums->language++;
			words_add(&sums->languages, '.',
				post->language ? str_from(post->language) : STR("(no language)"));
			break;
		case WHY_UNKNOWN:
			sums->unknown++;
			break;
		}
	}
}

static void
judge_languages(const struct checkup_hidden *hidden, struct sums *sums, struct findings *findings)
{
	struct buf names;
	buf_init(&names, MESSAGE_MAX);
	if (sums->language > 0) {
		put_words(&names, &sums->languages, 0);
		findings_add(findings, FINDING_WARNING, "languages",
			"leave all languages open: on the server, Preferences, Other, Filter languages, choose none",
			"the account has chosen languages: %u of %u public posts do not come, since they are in %s",
			sums->language, sums->seen, names.ptr);
	} else if (sums->seen > 0) {
		findings_add(findings, FINDING_OK, "languages", NULL,
			"posts of all languages come, as far as %u public posts tell", sums->seen);
	} else {
		struct word *languages = NULL;
		for (unsigned i = 0; i < hidden->own.count; i++)
			words_add(&languages, '.',
				hidden->own.list[i].language
					? str_from(hidden->own.list[i].language)
					: STR("(no language)"));
		put_words(&names, &languages, 0);
		bool narrow = hidden->own.count >= ENOUGH_OWN && HASH_COUNT(languages) == 1;
		findings_add(findings, narrow ? FINDING_WARNING : FINDING_SKIPPED, "languages",
			"look on the server: Preferences, Other, Filter languages should have none chosen",
			narrow ? "all %u public posts that the account sees are in %s: it may have chosen languages"
			       : "the server shows its timelines to nobody without a token, so chosen languages cannot be seen; of "
				 "%u posts the languages are: %s",
			hidden->own.count, names.len ? names.ptr : "none");
		words_finish(&languages);
	}
	buf_finish(&names);
}

/* "12 blocked accounts, 3 muted accounts, 1 blocked domain (x.example)" */
static void
put_ties(struct checkup_hidden *hidden, struct buf *out)
{
	static const char *const names[] = {"blocked account", "muted account", "blocked domain"};
	for (unsigned i = 0; i < HIDDEN_CAUSES; i++) {
		if (hidden->count[i] == 0)
			continue;
		buf_printf(out, "%s%u %s%s", out->len ? ", " : "", hidden->count[i], names[i],
			hidden->count[i] == 1 ? "" : "s");
		if (i == HIDDEN_DOMAIN) {
			buf_add_text(out, " (");
			put_words(out, &hidden->tied, kind_of(HIDDEN_DOMAIN));
			buf_add_char(out, ')');
		}
	}
}

static void
judge_ties(struct checkup_hidden *hidden, struct sums *sums, struct findings *findings)
{
	static const char *const scopes[] = {"read:blocks", "read:mutes", "read:blocks"};
	static const char *const lists[] = {"blocks", "mutes", "domain blocks"};
	struct buf ties, authors;
	buf_init(&ties, MESSAGE_MAX * 2);
	buf_init(&authors, MESSAGE_MAX);
	put_ties(hidden, &ties);
	put_words(&authors, &sums->authors, 0);
	if (ties.len > 0 && sums->tied > 0)
		findings_add(findings, FINDING_WARNING, CHECK,
			"what shall see everything needs an account that blocks and mutes nobody",
			"%s hide posts from public and hashtag streams: %u of %u just now, of %s",
			ties.ptr, sums->tied, sums->seen, authors.ptr);
	else if (ties.len > 0)
		findings_add(findings, FINDING_WARNING, CHECK,
			"what shall see everything needs an account that blocks and mutes nobody",
			"%s hide posts from public and hashtag streams; none of them posted just now",
			ties.ptr);
	bool all_read = true;
	for (unsigned i = 0; i < HIDDEN_CAUSES; i++) {
		if (!hidden->unread[i])
			continue;
		char *advice = xasprintf("to look, make a token that has %s as well", scopes[i]);
		findings_add(findings, FINDING_SKIPPED, CHECK, advice,
			"the %s of the account cannot be read with this token", lists[i]);
		free(advice);
		all_read = false;
	}
	if (ties.len == 0 && all_read)
		findings_add(
			findings, FINDING_OK, CHECK, NULL, "the account blocks and mutes nobody");
	if (sums->unknown > 0 && sums->unknown * 20 > sums->seen)
		findings_add(findings, FINDING_WARNING, CHECK,
			"authors who block the account, and people it blocks or mutes who are mentioned, hide posts, too; an account "
			"of its own sees more",
			"%u of %u public posts do not come, and none of the account's own settings says why",
			sums->unknown, sums->seen);
	buf_finish(&ties);
	buf_finish(&authors);
}

void
checkup_hidden_judge(struct checkup_hidden *hidden, struct findings *findings)
{
	struct sums sums = {0};
	if (hidden->asked)
		compare(hidden, &sums);
	judge_languages(hidden, &sums, findings);
	judge_ties(hidden, &sums, findings);
	words_finish(&sums.authors);
	words_finish(&sums.languages);
}
