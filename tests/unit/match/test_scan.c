/* SPDX-License-Identifier: MIT */
/* The set of literals: both engines see what a search one by one sees; compiled sets are kept on disk and checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attr.h"
#include "casefold.h"
#include "limits.h"
#include "rng.h"
#include "scan.h"
#include "xmalloc.h"

enum { TERMS = 60 };

struct model {
	char literals[TERMS][3][32];
	size_t counts[TERMS];
	int flags[TERMS];
	struct scan_term terms[TERMS];
	bool folds; /* some literal of VIEW_TEXT is not exact */
};

static size_t
random_text(struct rng *rng, char *out, size_t size, size_t parts_max)
{
	static const char *const parts[] = {"a", "b", "c", "A", "B", "e", "_", "1", " ", " ", ".",
		"ab", "ca", "k", "\xe2\x84\xaa", "ſ", "s", "é", "É", "и", "И", "猫", "🍆", "ß", "ẞ"};
	size_t len = 0, count = 1 + rng_below(rng, parts_max);

	for (size_t i = 0; i < count; i++) {
		const char *part = parts[rng_below(rng, COUNT_OF(parts))];
		if (len + strlen(part) < size)
			len += (size_t)snprintf(out + len, size - len, "%s", part);
	}
	return len;
}

static struct scan_set *
random_set(struct rng *rng, struct model *model, const struct scan_options *options)
{
	struct scan_source *source = scan_source_create();
	uint64_t exact = rng_below(rng, 3); /* none of the literals, some, all */

	model->folds = false;
	for (size_t i = 0; i < TERMS; i++) {
		model->terms[i] =
			scan_source_term(source, rng_below(rng, 3) ? VIEW_TEXT : VIEW_FOLDED);
		model->counts[i] = rng_below(rng, 4);
		model->flags[i] = (int)rng_below(rng, 4);
		if (exact == 2 || (exact == 1 && rng_below(rng, 2)))
			model->flags[i] |= SCAN_EXACT;
		else if (model->terms[i].view == VIEW_TEXT && model->counts[i] > 0)
			model->folds = true;
		for (size_t n = 0; n < model->counts[i]; n++) {
			random_text(rng, model->literals[i][n], sizeof(model->literals[i][n]), 5);
			scan_source_add(source, model->terms[i], str_from(model->literals[i][n]),
				model->flags[i]);
		}
	}
	return scan_set_create(source, options);
}

static bool
is_word_byte(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static size_t
fold(const struct model *model, struct str text, char *out)
{
	if (model->folds)
		return casefold_text(text, out);
	memcpy(out, text.ptr, text.len);
	return text.len;
}

/* One by one: the literal in the text, both folded unless all literals are exact, with the neighbours that its flags want. */
static bool
expected(const struct model *model, size_t term, struct str text)
{
	char folded[512], literal[64];
	size_t len = fold(model, text, folded);

	for (size_t n = 0; n < model->counts[term]; n++) {
		size_t size = fold(model, str_from(model->literals[term][n]), literal);
		for (size_t at = 0; at + size <= len; at++) {
			if (memcmp(folded + at, literal, size) != 0)
				continue;
			bool starts = at == 0 || !is_word_byte(folded[at - 1]);
			bool ends = at + size == len || !is_word_byte(folded[at + size]);
			if ((starts || !(model->flags[term] & SCAN_STARTS_WORD)) &&
				(ends || !(model->flags[term] & SCAN_ENDS_WORD)))
				return true;
		}
	}
	return false;
}

static void
compare(struct rng *rng, const struct scan_options *options, int rounds)
{
	struct model *model = xcalloc(1, sizeof(*model));
	char text[400];

	for (int round = 0; round < rounds; round++) {
		struct scan_set *set = random_set(rng, model, options);
		struct scan *scan = scan_create(set);
		assert_non_null(scan);
		for (int i = 0; i < 30; i++) {
			struct str given = {text, random_text(rng, text, sizeof(text), 40)};
			size_t seen = 0, count;
			scan_begin(scan);
			scan_text(scan, VIEW_TEXT, given);
			for (size_t t = 0; t < TERMS; t++) {
				bool looked = model->terms[t].view == VIEW_TEXT;
				bool hit = looked && expected(model, t, given);
				seen += hit;
				if (scan_may_have(scan, model->terms[t]) != (hit || !looked))
					fail_msg("round %d: term %zu in \"%.*s\"", round, t,
						STR_ARG(given));
			}
			scan_seen(scan, &count);
			assert_int_equal(count, seen);
		}
		scan_destroy(scan);
		scan_set_destroy(set);
	}
	free(model);
}

static void
sees_what_a_search_one_by_one_sees(void **state)
{
	(void)state;
	const char *slow = getenv("MOONTUSK_TEST_SLOW");
	int rounds = slow ? 2000 : 120;
	struct rng rng;

	rng_seed(&rng, 1);
	compare(&rng, NULL, rounds);
	rng_seed(&rng, 2);
	compare(&rng, &(struct scan_options){.plain = true}, rounds);
}

static void
a_long_literal_is_looked_for_by_its_start(void **state)
{
	(void)state;
	struct scan_source *source = scan_source_create();
	struct scan_term term = scan_source_term(source, VIEW_TEXT);
	char literal[201], text[301];

	memset(literal, 'x', 200);
	memset(text, 'X', 300);
	literal[200] = text[300] = '\0';
	scan_source_add(source, term, str_from(literal), SCAN_ENDS_WORD);
	struct scan_set *set = scan_set_create(source, NULL);
	struct scan *scan = scan_create(set);
	scan_begin(scan);
	scan_text(scan, VIEW_TEXT, str_from(text));
	assert_true(scan_may_have(scan, term));
	scan_begin(scan);
	scan_text(scan, VIEW_TEXT, STR("xxxxx"));
	assert_false(scan_may_have(scan, term));
	scan_destroy(scan);
	scan_set_destroy(set);
}

static void
an_empty_set_sees_nothing(void **state)
{
	(void)state;
	struct scan_set *set = scan_set_create(scan_source_create(), NULL);
	struct scan *scan = scan_create(set);
	size_t count;

	scan_begin(scan);
	scan_text(scan, VIEW_TEXT, STR("text"));
	scan_seen(scan, &count);
	assert_int_equal(count, 0);
	scan_destroy(scan);
	scan_set_destroy(set);
}

/* ---- the cache ---- */

static struct scan_set *
numbered_set(const char *folder, int first)
{
	struct scan_source *source = scan_source_create();
	struct scan_options options = {.cache_folder = folder};

	for (int i = 0; i < 100; i++) {
		char literal[32];
		snprintf(literal, sizeof(literal), "word%d", first + i);
		scan_source_add(source, scan_source_term(source, VIEW_TEXT), str_from(literal), 0);
	}
	return scan_set_create(source, &options);
}

static bool
works(const struct scan_set *set)
{
	struct scan *scan = scan_create(set);
	size_t count;

	scan_begin(scan);
	scan_text(scan, VIEW_TEXT, STR("a WORD7 and word42x"));
	scan_seen(scan, &count);
	scan_destroy(scan);
	return count == 3; /* word4, word42 and word7 */
}

static unsigned
files_in(const char *folder, char *path, size_t size)
{
	unsigned count = 0;
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, size, "%s/%s", folder, entry->d_name);
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

static void
remove_folder(const char *folder)
{
	char path[512];

	while (files_in(folder, path, sizeof(path)) > 0)
		assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* Takes the set. */
static bool
was_cached(struct scan_set *set)
{
	bool cached = scan_set_cached(set);

	assert_true(works(set));
	scan_set_destroy(set);
	return cached;
}

static void
compiled_sets_come_back_from_disk(void **state)
{
	(void)state;
	char folder[] = "/tmp/moontusk-scan-XXXXXX", path[512];
	struct stat st;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(rmdir(folder), 0); /* it is made when it is missing */
	bool kept =
		!was_cached(numbered_set(folder, 0)) && files_in(folder, path, sizeof(path)) == 1;
	if (!kept) /* without Vectorscan there is nothing to keep */
		skip();
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(was_cached(numbered_set(folder, 0)));
	assert_false(was_cached(numbered_set(folder, -1)));
	assert_int_equal(files_in(folder, path, sizeof(path)), 2);
	remove_folder(folder);
}

/* Each kind of damage: the file is not used, and written anew. */
static void
broken_files_are_ignored_and_rewritten(void **state)
{
	(void)state;
	char folder[] = "/tmp/moontusk-scan-XXXXXX", path[512];
	struct stat st;

	assert_non_null(mkdtemp(folder));
	(void)was_cached(numbered_set(folder, 0));
	if (files_in(folder, path, sizeof(path)) != 1) {
		assert_int_equal(rmdir(folder), 0);
		skip();
	}
	for (int damage = 0; damage < 6; damage++) {
		assert_int_equal(stat(path, &st), 0);
		int fd = open(path, O_RDWR);
		off_t at = damage == 0 ? 0 : damage == 1 ? 40 : st.st_size - 100;
		char byte;
		assert_true(fd >= 0);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 1;
		if (damage < 3)
			assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		else if (damage == 3)
			assert_int_equal(ftruncate(fd, st.st_size - 1), 0);
		else if (damage == 4)
			assert_int_equal(ftruncate(fd, 0), 0);
		else
			assert_int_equal(fchmod(fd, 0622), 0);
		close(fd);
		assert_false(was_cached(numbered_set(folder, 0)));
		assert_true(was_cached(numbered_set(folder, 0)));
	}
	remove_folder(folder);
}

static void
old_files_make_room(void **state)
{
	(void)state;
	char folder[] = "/tmp/moontusk-scan-XXXXXX", path[512];

	assert_non_null(mkdtemp(folder));
	(void)was_cached(numbered_set(folder, 0));
	if (files_in(folder, path, sizeof(path)) != 1) {
		assert_int_equal(rmdir(folder), 0);
		skip();
	}
	for (int i = 1; i < SCAN_CACHE_FILES_MAX + 4; i++)
		scan_set_destroy(numbered_set(folder, -i));
	assert_int_equal(files_in(folder, path, sizeof(path)), SCAN_CACHE_FILES_MAX);
	assert_true(was_cached(numbered_set(folder, -1 - SCAN_CACHE_FILES_MAX)));
	assert_false(was_cached(numbered_set(folder, 0)));
	remove_folder(folder);
}

static void
a_folder_that_cannot_be_written_is_no_error(void **state)
{
	(void)state;
	assert_false(was_cached(numbered_set("/proc/moontusk", 0)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_what_a_search_one_by_one_sees),
		cmocka_unit_test(a_long_literal_is_looked_for_by_its_start),
		cmocka_unit_test(an_empty_set_sees_nothing),
		cmocka_unit_test(compiled_sets_come_back_from_disk),
		cmocka_unit_test(broken_files_are_ignored_and_rewritten),
		cmocka_unit_test(old_files_make_room),
		cmocka_unit_test(a_folder_that_cannot_be_written_is_no_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
