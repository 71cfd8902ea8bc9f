/* SPDX-License-Identifier: MIT */
/* Tests of the names of errors and of REQUIRE. */
#include "err.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "attr.h"
#include "str.h"

static void
every_error_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = ERR_OK; i <= ERR_LIMIT; i++) {
		assert_non_null(err_text((enum err)i));
		for (int j = ERR_OK; j < i; j++) {
			assert_string_not_equal(err_text((enum err)i), err_text((enum err)j));
		}
	}
	assert_string_equal(err_text((enum err)999), "unknown error");
}

static void
require_aborts(void **state)
{
	(void)state;
	REQUIRE(1 + 1 == 2);
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(STDERR_FILENO);
		(void)signal(SIGABRT, SIG_DFL);
		REQUIRE(1 + 1 == 3);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_a_name_of_its_own),
		cmocka_unit_test(require_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
