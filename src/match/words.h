/* SPDX-License-Identifier: MIT */
/* A set of words and phrases, found caseless at word boundaries; and word lists kept in files. Private to match/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"
#include "pattern.h"
#include "str.h"

struct words;

struct words *words_create(void);
void words_destroy(struct words *words);
/* Adds one (copied; blanks at its ends do not count). False with a reason (static storage) when it is empty,
 * too long (WORD_MAX), not UTF-8, or one too many. */
bool words_add(struct words *words, struct str word, const char **reason);
size_t words_count(const struct words *words);

struct words_hit {
	struct str word;  /* as it was added; borrowed from the set */
	struct span span; /* in the text */
};

/* The first of the words in `text` (valid UTF-8). A blank in a phrase stands for any run of blanks within a
 * line. One hash look-up for each word of the text, however many words there are in the set. */
bool words_find(const struct words *words, struct str text, struct words_hit *hit);

/* For the set that looks for all words at once (scan.h): tells a literal for each entry. In every text that words_find
 * finds something in, one of the literals stands, with the neighbours that the SCAN_ flags ask for, when both are
 * case-folded by casefold.h. */
typedef void words_literal_fn(void *data, struct str literal, int flags);
void words_each_literal(const struct words *words, words_literal_fn *fn, void *data);

/* A list file: one word or phrase a line; blank lines and lines that start with '#' do not count. */
struct word_file;

/* `name` is relative to `folder` and must stay in it. NULL with a message. */
struct word_file *word_file_create(const char *folder, struct str name, char message[MESSAGE_MAX]);
void word_file_destroy(struct word_file *file);
const struct words *word_file_words(const struct word_file *file);
unsigned word_file_generation(const struct word_file *file); /* another one after each reading */

enum word_file_news { WORD_FILE_SAME, WORD_FILE_READ, WORD_FILE_BROKEN };

/* Looks, at most once a second of now_ms, whether the file changed, and reads it again when it did.
 * What cannot be read leaves the old words in place; each new state of a broken file is told once. */
enum word_file_news word_file_refresh(
	struct word_file *file, int64_t now_ms, char message[MESSAGE_MAX]);
