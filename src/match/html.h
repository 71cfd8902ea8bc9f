/* SPDX-License-Identifier: MIT */
/* Cuts HTML into text runs and tags, and decodes character references. Private to match/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "entities.h"
#include "str.h"

/* Tags that mean something to us; the rest is HTML_OTHER. */
enum html_tag {
	HTML_OTHER,
	HTML_A,
	HTML_SPAN,
	HTML_BR,
	HTML_HR,
	HTML_P,
	HTML_PRE,
	HTML_BLOCK,
	HTML_CELL,
	HTML_RAW
};

enum html_token_type {
	HTML_END, /* of the input */
	HTML_TEXT,
	HTML_START_TAG,
	HTML_END_TAG,
};

struct html_token {
	enum html_token_type type;
	enum html_tag tag;
	struct str text;             /* of HTML_TEXT: references not decoded */
	struct str name;             /* of tags, as written */
	struct str class, href, rel; /* of <a> and <span>: not decoded; STR_NONE without */
};

struct html {
	const char *at, *end; /* what is left */
};

/* The next token; comments, declarations and <script>-like elements are passed over. Each byte is
 * looked at a bounded number of times. */
void html_next(struct html *html, struct html_token *token);

/* The reference at s[0] == '&': its text into `value`, *value_len; returns the bytes taken, 0 when it is
 * none (then '&' stands for itself). `attribute`: the stricter rule inside attribute values. */
size_t html_reference(
	struct str s, bool attribute, char value[ENTITY_VALUE_LEN + 1], size_t *value_len);
/* True when `word` is one of the blank-separated words of `list`. */
bool html_has_word(struct str list, const char *word);
