/* SPDX-License-Identifier: MIT */
/* The set of words: a hash of first words, and a comparison of what follows. */
#include "words.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

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
	struct fold fold;
	bool leet;
};

/* All entries that start with one word. */
struct head {
	UT_hash_handle hh;
	struct entry *entries; /* list, entry::next; owned */
	size_t len;
	char folded[]; /* the key */
};

struct words {
	struct head *heads; /* hash, owned */
	struct head *leet;  /* the same for words that are looked for in the leet form */
	size_t count;
	struct fold scratch;
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
		fold_finish(&entry->fold);
		free(entry->text);
		free(entry);
		entry = next;
	}
}

static void
destroy_heads(struct head **heads)
{
	struct head *head, *next;

	HASH_ITER(hh, *heads, head, next) {
		HASH_DEL(*heads, head);
		destroy_entries(head->entries);
		free(head);
	}
}

void
words_destroy(struct words *words)
{
	if (!words)
		return;
	destroy_heads(&words->heads);
	destroy_heads(&words->leet);
	fold_finish(&words->scratch);
	free(words);
}

size_t
words_count(const struct words *words)
{
	return words->count;
}

bool
words_leet(const struct words *words)
{
	return words->leet != NULL;
}

/* True when the entry stands whole at `at`, where a word begins. */
static bool
entry_at(const struct entry *entry, const struct fold *text, size_t at)
{
	const struct fold *word = &entry->fold;

	return text->len - at >= word->len && memcmp(text->ptr + at, word->ptr, word->len) == 0 &&
	       fold_is_boundary(text, at + word->len) &&
	       (word->mark_count == 0 || fold_marks_fit(text, at, word));
}

/* Looks for entries whose first word is that from `at` to `end`. */
static bool
find_at(const struct head *heads, const struct fold *text, struct span first, struct words_hit *hit)
{
	size_t len = first.end - first.start;
	struct head *head = NULL;

	if (len > HEAD_SIZE)
		return false;
	HASH_FIND(hh, heads, text->ptr + first.start, len, head);
	for (const struct entry *e = head ? head->entries : NULL; e; e = e->next) {
		if (!entry_at(e, text, first.start))
			continue;
		*hit = (struct words_hit){
			.word = {e->text, e->len},
			.span = {first.start, first.start + e->fold.len},
			.leet = e->leet,
		};
		return true;
	}
	return false;
}

static bool
find_in(const struct head *heads, const struct fold *text, struct words_hit *hit)
{
	size_t end;

	for (size_t at = 0; at < text->len; at = end) {
		end = fold_next_boundary(text, at);
		if (text->ptr[at] != ' ' && text->ptr[at] != '\n' &&
			find_at(heads, text, (struct span){at, end}, hit))
			return true;
	}
	return false;
}

bool
words_find(const struct words *words, const struct fold *text, struct words_hit *hit)
{
	return words->heads && find_in(words->heads, text, hit);
}

bool
words_find_leet(const struct words *words, const struct fold *leet, struct words_hit *hit)
{
	return words->leet && find_in(words->leet, leet, hit);
}

static struct entry *
new_entry(struct str word, const struct fold *fold, bool leet)
{
	struct entry *entry = xmalloc(sizeof(*entry));

	*entry =
		(struct entry){.text = xmemdup0(word.ptr, word.len), .len = word.len, .leet = leet};
	entry->fold.ptr = xmemdup0(fold->ptr, fold->len);
	entry->fold.len = fold->len;
	if (fold->mark_count > 0) {
		entry->fold.marks = xreallocarray(NULL, fold->mark_count, sizeof(*fold->marks));
		memcpy(entry->fold.marks, fold->marks, fold->mark_count * sizeof(*fold->marks));
		entry->fold.mark_count = fold->mark_count;
	}
	return entry;
}

static void
add_under_head(struct head **heads, struct entry *entry, size_t len)
{
	struct head *head;

	HASH_FIND(hh, *heads, entry->fold.ptr, len, head);
	if (!head) {
		head = xmalloc(sizeof(*head) + len);
		*head = (struct head){.len = len};
		memcpy(head->folded, entry->fold.ptr, len);
		HASH_ADD_KEYPTR(hh, *heads, head->folded, head->len, head);
	}
	entry->next = head->entries;
	head->entries = entry;
}

/* Leaves the folded form in words->scratch; false with a reason. */
static bool
fold_entry(struct words *words, struct str word, const char **reason)
{
	struct fold *fold = &words->scratch;

	fold_text(fold, word, VIEW_TEXT_MAX, NULL);
	struct str trimmed = str_trim(fold_str(fold));
	if (trimmed.len == 0)
		*reason = "has no visible character";
	else if (trimmed.len != fold->len)
		*reason = "has a blank at its start or end that cannot be seen";
	else if (fold_next_boundary(fold, 0) > HEAD_SIZE)
		*reason = "is too long";
	return !*reason;
}

bool
words_add(struct words *words, struct str word, bool leet, const char **reason)
{
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
	if (*reason || !fold_entry(words, word, reason))
		return false;
	const struct fold *fold = &words->scratch;
	add_under_head(&words->heads, new_entry(word, fold, false), fold_next_boundary(fold, 0));
	words->count++;
	if (!leet)
		return true;
	struct fold form = {0};
	fold_leet(&form, fold);
	add_under_head(&words->leet, new_entry(word, &form, true), fold_next_boundary(&form, 0));
	fold_finish(&form);
	return true;
}

static bool
is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

void
words_each_literal(const struct words *words, bool leet, words_literal_fn *fn, void *data)
{
	struct head *head, *next, *heads = leet ? words->leet : words->heads;

	HASH_ITER(hh, heads, head, next) {
		for (const struct entry *e = head->entries; e; e = e->next) {
			struct str word = fold_str(&e->fold);
			int flags = SCAN_EXACT;
			if (is_word_byte(word.ptr[0]))
				flags |= SCAN_STARTS_WORD;
			if (is_word_byte(word.ptr[word.len - 1]))
				flags |= SCAN_ENDS_WORD;
			fn(data, word, flags);
		}
	}
}
