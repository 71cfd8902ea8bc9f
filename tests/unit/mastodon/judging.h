/* SPDX-License-Identifier: MIT */
/* What tests of the judging functions share: a document, an answer, and a look at the findings. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checkup_account.h"
#include "str.h"

struct judging {
	struct findings findings;
	struct json_parser *parser;
	struct json_doc *docs[4];
	unsigned doc_count;
};

static inline void
judging_start(struct judging *judging)
{
	*judging = (struct judging){.parser = json_parser_create()};
}

/* NULL text: an absent value. */
static inline struct json_value
judging_json(struct judging *judging, const char *text)
{
	if (text == NULL)
		return (struct json_value){0};
	assert_true(judging->doc_count < 4);
	struct json_doc **doc = &judging->docs[judging->doc_count++];
	assert_int_equal(json_parse(judging->parser, str_from(text), doc, NULL), ERR_OK);
	return json_root(*doc);
}

static inline void
judging_finish(struct judging *judging)
{
	for (unsigned i = 0; i < judging->doc_count; i++)
		json_doc_destroy(judging->docs[i]);
	findings_finish(&judging->findings);
	json_parser_destroy(judging->parser);
}

/* The worst level, and the text and advice of all findings, for a look at words. */
static inline enum finding_level
judging_worst(const struct judging *judging)
{
	enum finding_level worst = FINDING_OK;
	for (unsigned i = 0; i < judging->findings.count; i++) {
		if (judging->findings.list[i].level > worst)
			worst = judging->findings.list[i].level;
	}
	return worst;
}

/* Does some finding of that level hold the words, in text or advice? */
static inline bool
judging_says(const struct judging *judging, enum finding_level level, const char *words)
{
	for (unsigned i = 0; i < judging->findings.count; i++) {
		const struct finding *finding = &judging->findings.list[i];
		if (finding->level == level &&
			(strstr(finding->text, words) ||
				(finding->advice && strstr(finding->advice, words))))
			return true;
	}
	for (unsigned i = 0; i < judging->findings.count; i++)
		print_error("%s: %s -> %s\n", finding_level_name(judging->findings.list[i].level),
			judging->findings.list[i].text,
			judging->findings.list[i].advice ? judging->findings.list[i].advice : "");
	return false;
}

/* Each warning and error says what to do. */
static inline bool
judging_advises(const struct judging *judging)
{
	for (unsigned i = 0; i < judging->findings.count; i++) {
		const struct finding *finding = &judging->findings.list[i];
		if (finding->level >= FINDING_WARNING && !finding->advice)
			return false;
	}
	return true;
}
