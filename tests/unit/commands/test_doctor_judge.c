/* SPDX-License-Identifier: MIT */
/* What the doctor makes of room on the disk, of databases, and of who may read what. */
#include "doctor_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"

#define MIB INT64_C(1048576)

/* The only finding is of that level, and its text or advice has the words. */
static void
assert_finds(struct findings *findings, enum finding_level level, const char *words)
{
	assert_int_equal(findings->count, 1);
	const struct finding *finding = &findings->list[0];
	assert_int_equal(finding->level, level);
	assert_true(strstr(finding->text, words) ||
		    (finding->advice && strstr(finding->advice, words)));
	assert_int_equal(level >= FINDING_WARNING, finding->advice != NULL);
	findings_finish(findings);
}

static void
room_on_the_disk_is_enough_little_or_none(void **state)
{
	static const struct {
		int64_t free_mib, needed_mib;
		enum finding_level level;
		const char *words;
	} rows[] = {
		{20000, 0, FINDING_OK, "19 GiB"},
		{600, 0, FINDING_OK, "600 MiB"},
		{499, 0, FINDING_WARNING, "make room soon"},
		{19, 0, FINDING_ERROR, "host rests"},
		{0, 0, FINDING_ERROR, "0 KiB"},
		{600, 700, FINDING_ERROR, "copy of the database takes 700 MiB"},
		{800, 700, FINDING_OK, "800 MiB"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct findings findings = {0};
		judge_disk(&findings, "/state", rows[i].free_mib * MIB, rows[i].needed_mib * MIB);
		assert_finds(&findings, rows[i].level, rows[i].words);
	}
}

static void
each_state_of_a_database_has_its_words(void **state)
{
	static const struct {
		struct inspected inspected;
		enum finding_level level;
		const char *words;
	} rows[] = {
		{{.state = INSPECT_NONE}, FINDING_OK, "first run makes"},
		{{.state = INSPECT_GOOD,
			 .schema = 8,
			 .newest = 8,
			 .bytes = 40 * MIB,
			 .whole = true},
			FINDING_OK, "40 MiB, schema 8, no damage"},
		{{.state = INSPECT_GOOD, .schema = 8, .newest = 8}, FINDING_OK, "too big"},
		{{.state = INSPECT_OLDER, .schema = 3, .newest = 8, .whole = true}, FINDING_OK,
			"keeps a copy"},
		{{.state = INSPECT_NEWER, .schema = 9, .newest = 8}, FINDING_ERROR,
			"knows up to 8"},
		{{.state = INSPECT_FOREIGN}, FINDING_ERROR, "another program"},
		{{.state = INSPECT_DAMAGED, .words = "row 3 missing"}, FINDING_ERROR,
			"row 3 missing"},
		{{.state = INSPECT_CLOSED, .words = "Permission denied"}, FINDING_ERROR,
			"Permission denied"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct findings findings = {0};
		judge_database(&findings, "/state/moontusk.db", &rows[i].inspected);
		assert_finds(&findings, rows[i].level, rows[i].words);
	}
}

static void
files_of_the_owner_alone_are_not_worth_a_word(void **state)
{
	(void)state;
	struct findings findings = {0};
	assert_false(judge_mode(&findings, "/a", 0100600, "a token"));
	assert_false(judge_mode(&findings, "/a", 0040700, "a token"));
	assert_int_equal(findings.count, 0);
	assert_true(judge_mode(&findings, "/a", 0100640, "a token"));
	assert_finds(&findings, FINDING_WARNING, "chmod go= /a");
	assert_true(judge_mode(&findings, "/a", 0100604, "a token"));
	assert_finds(&findings, FINDING_WARNING, "mode 0604");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_on_the_disk_is_enough_little_or_none),
		cmocka_unit_test(each_state_of_a_database_has_its_words),
		cmocka_unit_test(files_of_the_owner_alone_are_not_worth_a_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
