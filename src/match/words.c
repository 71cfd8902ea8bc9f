/* SPDX-License-Identifier: MIT */
/* The set of words: a hash of first words, and a comparison of what follows. */
#include "words.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "letters.h"
#include "limits.h"
#include "scan.h"
#include "xmalloc.h"

/* The longest first word, folded; nobody lists longer ones. */
#define HEAD_SIZE 128

/* One word or phrase. */
struct entry {
	struct entry *next; /* with the same first word */
	char *text;         /* as added */
	size_t len;
	size_t head_start, head_end; /* its first word: bytes in text */
};

/* All entries that start with one word. */
struct head {
	UT_hash_handle hh;
	struct entry *entries; /* list, entry::next; owned */
	size_t len;
	char folded[]; /* the key */
};

struct words {
	struct head *heads;   /* hash, owned */
	struct entry *others; /* list of what has no word in it ("$$$", emoji); owned */
	size_t count;
};

struct words *
words_create(void)
{
	return xcalloc(1, sizeof(struct words));
}

static void
destroy_entries(struct entry *entry)
{
	while (entry) {
		struct entry *next = entry->next;
		free(entry->text);
		free(entry);
		entry = next;
	}
}

void
words_destroy(struct words *words)
{
	struct head *head, *next;

	if (!words)
		return;
	HASH_ITER(hh, words->heads, head, next) {
		HASH_DEL(words->heads, head);
		destroy_entries(head->entries);
		free(head);
	}
	destroy_entries(words->others);
	free(words);
}

size_t
words_count(const struct words *words)
{
	return words->count;
}

/* Bytes of joiners at `at` when word characters follow, else 0. */
static size_t
joiners(const char *at, const char *end)
{
	const char *start = at;

	while (at < end && (unsigned char)*at >= 0x80) {
		size_t len;
		enum letter_class class = letter_class(letter_read(at, end, &len));
		if (class == LETTER_WORD)
			return (size_t)(at - start);
		if (class != LETTER_JOINER)
			return 0;
		at += len;
	}
	return at < end && letter_class((unsigned char)*at) == LETTER_WORD ? (size_t)(at - start)
									   : 0;
}

/* True when a word that ended just before `at` would go on there. */
static bool
word_goes_on(const char *at, const char *end)
{
	size_t len;

	at += joiners(at, end);
	return at < end && letter_class(letter_read(at, end, &len)) == LETTER_WORD;
}

struct token {
	const char *start, *end;
	char folded[HEAD_SIZE];
	size_t len; /* of folded */
	bool whole; /* folded holds all of it */
};

static void
fold_into(struct token *token, uint32_t c)
{
	char bytes[4];
	size_t len = letter_write(letter_fold(c), bytes);

	token->whole = token->whole && token->len + len <= sizeof(token->folded);
	if (!token->whole)
		return;
	memcpy(token->folded + token->len, bytes, len);
	token->len += len;
}

/* The next word at or behind `at`; false when there is none. */
static bool
next_token(const char *at, const char *end, struct token *token)
{
	enum letter_class class = LETTER_NONE;
	uint32_t c = 0;
	size_t len = 0;

	for (; at < end; at += len) {
		c = letter_read(at, end, &len);
		class = letter_class(c);
		if (class == LETTER_WORD || class == LETTER_SINGLE)
			break;
	}
	if (at >= end)
		return false;
	token->start = at;
	token->len = 0;
	token->whole = true;
	fold_into(token, c);
	at += len;
	while (class == LETTER_WORD && at < end) {
		c = letter_read(at, end, &len);
		enum letter_class next = letter_class(c);
		if (next != LETTER_WORD && (next != LETTER_JOINER || !joiners(at, end)))
			break;
		fold_into(token, c);
		at += len;
	}
	token->end = at;
	return true;
}

static bool
is_blank(uint32_t c)
{
	return c == ' ' || c == '\t' || c == 0xa0;
}

/* ASCII and typographic apostrophes are one. */
static uint32_t
compared(uint32_t c)
{
	return c == 0x2019 ? '\'' : letter_fold(c);
}

static const char *
skip_blanks(const char *at, const char *end)
{
	size_t len;

	while (at < end && is_blank(letter_read(at, end, &len)))
		at += len;
	return at;
}

/* Where what follows the entry's first word ends when it begins at `at`; NULL when it is not there. */
static const char *
follows(const struct entry *entry, const char *at, const char *end)
{
	const char *want = entry->text + entry->head_end, *want_end = entry->text + entry->len;
	const char *before = want;
	size_t before_len;

	do
		before--;
	while (((unsigned char)*before & 0xc0) == 0x80);
	enum letter_class last = letter_class(letter_read(before, want_end, &before_len));
	while (want < want_end) {
		size_t want_len, len = 0;
		uint32_t c = letter_read(want, want_end, &want_len);
		if (at >= end)
			return NULL;
		if (is_blank(c)) {
			const char *behind = skip_blanks(at, end);
			if (behind == at)
				return NULL;
			at = behind;
			want = skip_blanks(want, want_end);
			continue;
		}
		if (compared(c) != compared(letter_read(at, end, &len)))
			return NULL;
		last = letter_class(c);
		at += len;
		want += want_len;
	}
	return last == LETTER_WORD && word_goes_on(at, end) ? NULL : at;
}

/* True when the entry whose first word is `token` stands there whole. */
static bool
entry_at(const struct entry *entry, const struct token *token, struct str text, struct span *span)
{
	const char *end = text.ptr + text.len;

	if ((size_t)(token->start - text.ptr) < entry->head_start ||
		memcmp(token->start - entry->head_start, entry->text, entry->head_start) != 0)
		return false;
	const char *behind = follows(entry, token->end, end);
	if (!behind)
		return false;
	*span = (struct span){
		(size_t)(token->start - text.ptr) - entry->head_start, (size_t)(behind - text.ptr)};
	return true;
}

static bool
find_others(const struct words *words, struct str text, struct words_hit *hit)
{
	for (const struct entry *e = words->others; e; e = e->next) {
		const char *found = memmem(text.ptr, text.len, e->text, e->len);
		if (!found)
			continue;
		size_t start = (size_t)(found - text.ptr);
		*hit = (struct words_hit){{e->text, e->len}, {start, start + e->len}};
		return true;
	}
	return false;
}

bool
words_find(const struct words *words, struct str text, struct words_hit *hit)
{
	struct token token;

	if (text.len == 0)
		return false;
	const char *at = text.ptr, *end = text.ptr + text.len;
	for (; words->heads && next_token(at, end, &token); at = token.end) {
		struct head *head = NULL;
		if (token.whole)
			HASH_FIND(hh, words->heads, token.folded, token.len, head);
		for (const struct entry *e = head ? head->entries : NULL; e; e = e->next) {
			if (entry_at(e, &token, text, &hit->span)) {
				hit->word = (struct str){e->text, e->len};
				return true;
			}
		}
	}
	return find_others(words, text, hit);
}

static struct entry *
new_entry(struct str word)
{
	struct entry *entry = xmalloc(sizeof(*entry));

	*entry = (struct entry){.text = xmemdup0(word.ptr, word.len), .len = word.len};
	return entry;
}

static void
add_under_head(struct words *words, struct str word, const struct token *token)
{
	struct head *head;

	HASH_FIND(hh, words->heads, token->folded, token->len, head);
	if (!head) {
		head = xmalloc(sizeof(*head) + token->len);
		*head = (struct head){.len = token->len};
		memcpy(head->folded, token->folded, token->len);
		HASH_ADD_KEYPTR(hh, words->heads, head->folded, head->len, head);
	}
	struct entry *entry = new_entry(word);
	entry->head_start = (size_t)(token->start - word.ptr);
	entry->head_end = (size_t)(token->end - word.ptr);
	entry->next = head->entries;
	head->entries = entry;
	words->count++;
}

bool
words_add(struct words *words, struct str word, const char **reason)
{
	struct token token;

	word = str_trim(word);
	*reason = NULL;
	if (word.len == 0)
		*reason = "is empty";
	else if (word.len > WORD_MAX)
		*reason = "is too long";
	else if (!str_is_utf8(word))
		*reason = "is not valid UTF-8";
	else if (words->count >= WORDS_MAX)
		*reason = "is one too many for a list";
	if (*reason)
		return false;
	if (next_token(word.ptr, word.ptr + word.len, &token)) {
		if (!token.whole) {
			*reason = "is too long";
			return false;
		}
		add_under_head(words, word, &token);
	} else {
		struct entry *entry = new_entry(word);
		entry->next = words->others;
		words->others = entry;
		words->count++;
	}
	return true;
}

/* The next run of the entry without blanks and apostrophes, which a text may write in other ways. */
static struct str
next_run(const struct entry *entry, const char *at)
{
	const char *end = entry->text + entry->len, *start;
	size_t len;
	uint32_t c = 0;

	while (at < end && (is_blank(c = letter_read(at, end, &len)) || compared(c) == '\''))
		at += len;
	start = at;
	while (at < end && !is_blank(c = letter_read(at, end, &len)) && compared(c) != '\'')
		at += len;
	return (struct str){start, (size_t)(at - start)};
}

static bool
is_word_byte(char c)
{
	return (unsigned char)c < 0x80 && letter_class((unsigned char)c) == LETTER_WORD;
}

static void
tell_literal(const struct entry *entry, words_literal_fn *fn, void *data)
{
	struct str best = {entry->text, 0};

	for (struct str run = next_run(entry, entry->text); run.len > 0;
		run = next_run(entry, run.ptr + run.len)) {
		if (run.len > best.len)
			best = run;
	}
	if (best.len == 0) { /* apostrophes alone, which are looked for as they stand */
		fn(data, (struct str){entry->text, entry->len}, 0);
		return;
	}
	/* At its ends stand blanks, apostrophes, or the ends of the entry, where a word ends too. */
	int flags = is_word_byte(best.ptr[0]) ? SCAN_STARTS_WORD : 0;
	if (is_word_byte(best.ptr[best.len - 1]))
		flags |= SCAN_ENDS_WORD;
	fn(data, best, flags);
}

void
words_each_literal(const struct words *words, words_literal_fn *fn, void *data)
{
	struct head *head, *next;

	HASH_ITER(hh, words->heads, head, next) {
		for (const struct entry *e = head->entries; e; e = e->next)
			tell_literal(e, fn, data);
	}
	for (const struct entry *e = words->others; e; e = e->next)
		fn(data, (struct str){e->text, e->len}, 0);
}
