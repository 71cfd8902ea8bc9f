/* SPDX-License-Identifier: MIT */
/* Tests of the one sink for messages. */
#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "limits.h"
#include "xmalloc.h"

#include <errno.h>

#define LOG_MODULE "test"

struct fixture {
	struct secrets *secrets;
	struct log *log;
	struct buf last;
	int lines;
};

static void
keep(void *data, enum log_level level, const char *module, const char *line)
{
	struct fixture *f = data;
	(void)level;
	assert_string_equal(module, "test");
	buf_clear(&f->last);
	(void)buf_add_text(&f->last, line);
	f->lines++;
	errno = EIO;
}

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->secrets = secrets_create();
	f->log = log_create(stderr, LOG_INFO, false, f->secrets);
	log_set_sink(f->log, keep, f);
	buf_init(&f->last, 2 * LOG_LINE_MAX);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	log_destroy(f->log);
	secrets_destroy(f->secrets);
	buf_finish(&f->last);
	free(f);
	return 0;
}

static void
drops_lines_below_its_level(void **state)
{
	struct fixture *f = *state;
	log_debug(f->log, "no");
	assert_int_equal(f->lines, 0);
	log_info(f->log, "n=%d", 5);
	assert_int_equal(f->lines, 1);
	assert_string_equal(f->last.ptr, "n=5");
	log_error(NULL, "nowhere");
	assert_int_equal(f->lines, 1);
}

static void
keeps_errno(void **state)
{
	struct fixture *f = *state;
	errno = ENOENT;
	log_warn(f->log, "x");
	assert_int_equal(errno, ENOENT);
}

static void
escapes_what_could_fool_a_terminal(void **state)
{
	struct fixture *f = *state;
	log_info(f->log, "%s",
		"a\nb\t\x1b[31m\x7f \xC3\xA9 \xFF \xC2\x9B \xE2\x80\xAE \xE2\x80\xA8");
	assert_string_equal(
		f->last.ptr, "a\\nb\\t\\x1b[31m\\x7f \xC3\xA9 \\xff \\u{9b} \\u{202e} \\u{2028}");
}

static void
redacts_secrets(void **state)
{
	struct fixture *f = *state;
	secrets_add(f->secrets, "token", STR("topsecret"));
	log_info(f->log, "Authorization: Bearer %s", "topsecret");
	assert_string_equal(f->last.ptr, "Authorization: Bearer ***");
}

static void
cuts_long_lines_and_never_shows_half_a_secret(void **state)
{
	struct fixture *f = *state;
	secrets_add(f->secrets, "token", STR("topsecret"));
	/* For every way in which the secret can lie across the limit. */
	for (int before = LOG_LINE_MAX - 20; before < LOG_LINE_MAX + 20; before++) {
		log_info(f->log, "%0*d%s", before, 0, "topsecret");
		assert_null(strstr(f->last.ptr, "to"));
		assert_true(f->last.len <= LOG_LINE_MAX);
		assert_true(f->last.len > LOG_LINE_MAX - 40);
	}
	assert_true(str_ends(buf_str(&f->last), "..."));
}

static void
writes_level_and_module_to_the_file(void **state)
{
	struct fixture *f = *state;
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	struct log *log = log_create(file, LOG_DEBUG, false, NULL);
	log_warn(log, "low water");
	log_debug(log, "x");
	log_destroy(log);
	(void)fclose(file);
	assert_string_equal(text, "moontusk: warning: test: low water\nmoontusk: debug: test: x\n");
	free(text);
	assert_int_equal(f->lines, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(drops_lines_below_its_level, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_errno, setup, teardown),
		cmocka_unit_test_setup_teardown(
			escapes_what_could_fool_a_terminal, setup, teardown),
		cmocka_unit_test_setup_teardown(redacts_secrets, setup, teardown),
		cmocka_unit_test_setup_teardown(
			cuts_long_lines_and_never_shows_half_a_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(
			writes_level_and_module_to_the_file, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
