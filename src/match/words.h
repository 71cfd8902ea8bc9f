/* SPDX-License-Identifier: MIT */
/* A set of words and phrases, found folded at word boundaries; and word lists kept in files. Private to match/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fold.h"
#include "limits.h"
#include "span.h"
#include "str.h"

struct words;

struct words *words_create(void);
void words_destroy(struct words *words);
/* Adds one (copied; blanks at its ends do not count); `leet`: it is looked for in the leet form as well. False with a reason
 * (static storage) when it is empty, too long (WORD_MAX), not UTF-8, or one too many. */
bool words_add(struct words *words, struct str word, bool leet, const char **reason);
size_t words_count(const struct words *words);
bool words_leet(const struct words *words); /* one of them is looked for in the leet form */

struct words_hit {
	struct str word;  /* as it was added; borrowed from the set */
	struct span span; /* in the folded text */
	bool leet;        /* found in the leet form */
};

/* The first of the words in a folded text: folded as well, from word boundary to word boundary. One hash look-up for each
 * word of the text, however many words there are in the set. */
bool words_find(const struct words *words, const struct fold *text, struct words_hit *hit);
/* The same for those that are looked for in the leet form, in a text of fold_leet. */
bool words_find_leet(const struct words *words, const struct fold *leet, struct words_hit *hit);

/* For the set that looks for all words at once (scan.h): tells a literal for each entry. In every folded text that
 * words_find finds something in, one of the literals stands byte for byte, with the neighbours that the SCAN_ flags
 * ask for. `leet`: the same for words_find_leet. */
typedef void words_literal_fn(void *data, struct str literal, int flags);
void words_each_literal(const struct words *words, bool leet, words_literal_fn *fn, void *data);

/* A list file: one word or phrase a line; blank lines and lines that start with '#' do not count. */
struct word_file;

/* `name` is relative to `folder` and must stay in it; `leet` is that of words_add. NULL with a message. */
struct word_file *word_file_create(
	const char *folder, struct str name, bool leet, char message[MESSAGE_MAX]);
void word_file_destroy(struct word_file *file);
const struct words *word_file_words(const struct word_file *file);
unsigned word_file_generation(const struct word_file *file); /* another one after each reading */

enum word_file_news { WORD_FILE_SAME, WORD_FILE_READ, WORD_FILE_BROKEN };

/* Looks, at most once a second of now_ms, whether the file changed, and reads it again when it did.
 * What cannot be read leaves the old words in place; each new state of a broken file is told once. */
enum word_file_news word_file_refresh(
	struct word_file *file, int64_t now_ms, char message[MESSAGE_MAX]);
