/* SPDX-License-Identifier: MIT */
/* Word sets: boundaries, phrases, scripts, and list files that change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attr.h"
#include "words.h"
#include "xmalloc.h"

static bool
find(const struct words *words, struct str text, struct words_hit *hit)
{
	struct fold fold = {0};

	fold_text(&fold, text, 1u << 20, NULL);
	bool found = words_find(words, &fold, hit);
	fold_finish(&fold);
	return found;
}

static bool
finds(const char *word, const char *text, struct words_hit *hit)
{
	struct words *words = words_create();
	const char *reason = NULL;

	if (!words_add(words, str_from(word), false, &reason))
		fail_msg("%s %s", word, reason);
	bool found = find(words, str_from(text), hit);
	words_destroy(words);
	return found;
}

static void
match_whole_words_without_case(void **state)
{
	(void)state;
	static const struct {
		const char *word, *text;
		long start, end; /* -1: not found */
	} rows[] = {
		{"viagra", "buy VIAGRA now", 4, 10},
		{"Viagra", "viagra", 0, 6},
		{"viagra", "(viagra)", 1, 7},
		{"viagra", "#viagra!", 1, 7},
		{"viagra", "viagras", -1, 0},
		{"viagra", "xviagra", -1, 0},
		{"viagra", "viagra_2", -1, 0},
		{"viagra", "viagra2", -1, 0},
		{"cat", "the cat's tail", 4, 7},
		{"ärger", "ÄRGER!", 0, 5},
		{"ärger", "arger", -1, 0},
		{"arger", "ÄRGER!", 0, 5},
		{"СПАМ", "это спам.", 7, 15},
		{"спам", "спамер", -1, 0},
		{"sik", "sık", -1, 0},
		{"sık", "SIK", -1, 0},
		{"straße", "STRAẞE", 0, 7},
		{"naïve", "naive", -1, 0},
		{"cafe", "cafe\xcc\x81", 0, 4},
		{"café", "cafe\xcc\x81", 0, 4},
		{"café", "cafè", -1, 0},
		{"हिन्दी", "यह हिन्दी है", 7, 25},
		{"हिन्", "यह हिन्दी है", -1, 0},
		/* Persian: a non-joiner inside a word */
		{"می", "می\xe2\x80\x8cخواهم", -1, 0},
		{"می\xe2\x80\x8cخواهم", "می\xe2\x80\x8cخواهم", 0, 17},
		{"cat", "cat\xe2\x80\x8b, dog", 0, 3},
		{"카지노", "온라인 카지노 광고", 10, 19},
		{"無料", "今だけ無料です", 9, 15},
		{"カス", "カスタム", -1, 0},
		{"คาสิโน", "เล่นคาสิโนออนไลน์", 12, 30},
		{"🍆", "a🍆b", 1, 5},
		{"$$$", "get $$$ now", 4, 7},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct words_hit hit;
		bool found = finds(rows[i].word, rows[i].text, &hit);
		if (found != (rows[i].start >= 0))
			fail_msg("%s in %s: %d", rows[i].word, rows[i].text, found);
		if (found && (hit.span.start != (size_t)rows[i].start ||
				     hit.span.end != (size_t)rows[i].end))
			fail_msg("%s in %s: %zu to %zu", rows[i].word, rows[i].text, hit.span.start,
				hit.span.end);
	}
}

static void
match_phrases_and_signs_around_words(void **state)
{
	(void)state;
	static const struct {
		const char *word, *text;
		bool found;
	} rows[] = {
		{"free money", "get FREE   money!", true},
		{"free money", "free\xc2\xa0money", true},
		{"free money", "free\nmoney", false},
		{"free money", "free, money", false},
		{"free money", "free moneys", false},
		{"free money", "free", false},
		{"free money", "free free money", true},
		{"don't", "I don’t know", true},
		{"don’t", "I DON'T know", true},
		{"don't", "donate", false},
		{"c++", "I like C++, really", true},
		{"c++", "c+", false},
		{"#nobot", "hi #nobot", true},
		{"#nobot", "hi nobot", false},
		{"#nobot", "#nobots", false},
		{"v.i.p", "a V.I.P lounge", true},
		{"won", "I won't", false},
		{"won", "I won", true},
		{"arnaque", "une grosse l'arnaque", true},
		{"casino", "see casino.example", true},
		{"50", "1.50", false},
		{"50", "at 50.", true},
		{"viagra", "buy a v i a g r a", true},
		{"anal", "a n a l", true},
		{"viagra", "I v i a g r a y", true},
		{"ass", "c l a s s", false},
		{"ass", "b a s s", false},
		{"ass", "A.S.S.", true},
		{"viagra pills", "v-i-a-g-r-a pills", true},
		{"👩", "👩‍👧", false},
		{"👩‍👧", "hi👩‍👧!", true},
		{"🇪🇫", "🇩🇪🇫🇷", false},
		{"🇫🇷", "🇩🇪🇫🇷", true},
		{"v.i.p", "v.i.pony", false},
		{"e-mail", "e-mail e-mails", true},
		{"@x", "@", false},
		{"  padded ", "padded", true},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct words_hit hit;
		if (finds(rows[i].word, rows[i].text, &hit) != rows[i].found)
			fail_msg("%s in %s", rows[i].word, rows[i].text);
	}
}

static void
leave_innocent_words_alone(void **state)
{
	(void)state;
	static const char *const bad[] = {"cunt", "nig", "via", "liab", "bet", "ass", "tit", "fuk",
		"cock", "penis", "nob", "bot", "92", "anal", "age"};
	static const char *const innocent[] = {"Scunthorpe", "Nigeria", "viable", "liability",
		"diabetes", "classic", "assure", "sanctity", "Fukuda", "manageable", "cockpit",
		"Penistone", "ethnobotany", "192.168.1.50", "115600000000001007"};
	struct words *words = words_create();
	const char *reason;
	struct words_hit hit;

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_true(words_add(words, str_from(bad[i]), false, &reason));
	for (size_t i = 0; i < COUNT_OF(innocent); i++) {
		if (find(words, str_from(innocent[i]), &hit))
			fail_msg("%.*s in %s", STR_ARG(hit.word), innocent[i]);
	}
	assert_true(find(words, STR("what an ass"), &hit));
	assert_true(str_eq_text(hit.word, "ass"));
	assert_false(find(words, STR_NONE, &hit));
	words_destroy(words);
}

static void
refuse_what_is_no_word(void **state)
{
	(void)state;
	struct words *words = words_create();
	const char *reason = NULL;
	char long_word[WORD_MAX + 2];

	memset(long_word, 'a', sizeof(long_word));
	assert_false(words_add(words, STR("  "), false, &reason));
	assert_string_equal(reason, "is empty");
	assert_false(words_add(words, (struct str){"\xff", 1}, false, &reason));
	assert_string_equal(reason, "is not valid UTF-8");
	assert_false(words_add(words, (struct str){long_word, sizeof(long_word)}, false, &reason));
	assert_false(words_add(words, (struct str){long_word, 200}, false, &reason));
	assert_string_equal(reason, "is too long");
	assert_int_equal(words_count(words), 0);
	words_destroy(words);
}

static void
find_one_of_thousands(void **state)
{
	(void)state;
	struct words *words = words_create();
	struct words_hit hit;
	const char *reason;

	for (int i = 0; i < 5000; i++) {
		char word[20];
		snprintf(word, sizeof(word), "word%d", i);
		assert_true(words_add(words, str_from(word), false, &reason));
	}
	assert_int_equal(words_count(words), 5000);
	assert_false(find(words, STR("word5000 word 4711 sword4711"), &hit));
	assert_true(find(words, STR("so Word4711, then"), &hit));
	assert_true(str_eq_text(hit.word, "word4711"));
	words_destroy(words);
}

/* A folder of its own for each test; `state` is its path. */
static int
make_folder(void **state)
{
	char path[] = "/tmp/moontusk-words-XXXXXX";

	if (!mkdtemp(path))
		return -1;
	*state = xstrdup(path);
	return 0;
}

static int
remove_folder(void **state)
{
	static const char *const names[] = {"list.txt", "outside", "folder"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char *path = xasprintf("%s/%s", (char *)*state, names[i]);
		(void)remove(path);
		free(path);
	}
	(void)rmdir(*state);
	free(*state);
	return 0;
}

/* `second` is its time of change, so that no test waits for the clock. */
static void
write_list(const char *folder, const char *text, time_t second)
{
	char *path = xasprintf("%s/list.txt", folder);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	struct timespec times[2] = {{.tv_sec = second}, {.tv_sec = second}};
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	free(path);
}

static bool
has(struct word_file *file, const char *text)
{
	struct words_hit hit;

	return find(word_file_words(file), str_from(text), &hit);
}

static void
files_are_read_again_when_they_change(void **state)
{
	char message[MESSAGE_MAX];

	write_list(*state, "\xef\xbb\xbf# spam\r\ncasino\r\n\r\n  free money  \n#off\nlast", 1000);
	struct word_file *file = word_file_create(*state, STR("list.txt"), false, message);
	assert_non_null(file);
	assert_int_equal(words_count(word_file_words(file)), 3);
	assert_true(has(file, "Casino") && has(file, "free money") && has(file, "last"));
	assert_false(has(file, "off") || has(file, "spam"));
	assert_int_equal(word_file_refresh(file, 5000, message), WORD_FILE_SAME);
	write_list(*state, "roulette\n", 2000);
	assert_int_equal(word_file_refresh(file, 5999, message), WORD_FILE_SAME);
	assert_true(has(file, "casino"));
	assert_int_equal(word_file_refresh(file, 6000, message), WORD_FILE_READ);
	assert_true(has(file, "roulette") && !has(file, "casino"));
	assert_non_null(strstr(message, "has 1 words now"));
	/* time may step back */
	write_list(*state, "poker\n", 3000);
	assert_int_equal(word_file_refresh(file, 10, message), WORD_FILE_READ);
	word_file_destroy(file);
}

static void
files_that_break_leave_the_old_words(void **state)
{
	char message[MESSAGE_MAX];

	write_list(*state, "casino\n", 1000);
	struct word_file *file = word_file_create(*state, STR("list.txt"), false, message);
	assert_non_null(file);
	write_list(*state, "ok\nbad \xff\n", 2000);
	assert_int_equal(word_file_refresh(file, 1000, message), WORD_FILE_BROKEN);
	assert_non_null(strstr(message, "list.txt:2: the word is not valid UTF-8"));
	assert_non_null(strstr(message, "stay in use"));
	assert_true(has(file, "casino") && !has(file, "ok"));
	assert_int_equal(word_file_refresh(file, 3000, message), WORD_FILE_SAME);
	char *path = xasprintf("%s/list.txt", (char *)*state);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(word_file_refresh(file, 5000, message), WORD_FILE_BROKEN);
	assert_int_equal(word_file_refresh(file, 7000, message), WORD_FILE_SAME);
	assert_true(has(file, "casino"));
	write_list(*state, "back\n", 4000);
	assert_int_equal(word_file_refresh(file, 9000, message), WORD_FILE_READ);
	assert_true(has(file, "back"));
	free(path);
	word_file_destroy(file);
}

static void
files_stay_in_the_folder(void **state)
{
	static const struct {
		const char *name, *words;
	} rows[] = {
		{"", "is empty"},
		{"/etc/passwd", "relative"},
		{"../list.txt", "must stay"},
		{"a/../../list.txt", "must stay"},
		{"..", "must stay"},
		{"missing.txt", "No such file"},
		{"outside", "must stay"},
		{"folder", "no file"},
	};
	char message[MESSAGE_MAX];
	char *link = xasprintf("%s/outside", (char *)*state);
	char *folder = xasprintf("%s/folder", (char *)*state);

	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_null(word_file_create(*state, str_from(rows[i].name), false, message));
		if (!strstr(message, rows[i].words))
			fail_msg("%s: %s", rows[i].name, message);
	}
	assert_null(word_file_create(NULL, STR("list.txt"), false, message));
	assert_non_null(strstr(message, "no folder"));
	free(link);
	free(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(match_whole_words_without_case),
		cmocka_unit_test(match_phrases_and_signs_around_words),
		cmocka_unit_test(leave_innocent_words_alone),
		cmocka_unit_test(refuse_what_is_no_word),
		cmocka_unit_test(find_one_of_thousands),
		cmocka_unit_test_setup_teardown(
			files_are_read_again_when_they_change, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			files_that_break_leave_the_old_words, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			files_stay_in_the_folder, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
