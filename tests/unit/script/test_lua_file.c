/* SPDX-License-Identifier: MIT */
/* Tests of config files. */
#include "lua_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char error[PLUGIN_ERROR_MAX];

static void
assert_reads(const char *file, const char *source, const char *expected)
{
	struct buf out;
	buf_init(&out, 1u << 20);
	if (!lua_file_read(file, str_from(source), NULL, &out, error))
		fail_msg("%s", error);
	assert_string_equal(out.ptr, expected);
	buf_finish(&out);
}

static void
assert_refuses(const char *source, const char *expected)
{
	struct buf out;
	buf_init(&out, 1u << 20);
	assert_false(lua_file_read("dir/moontusk.lua", str_from(source), NULL, &out, error));
	if (!strstr(error, expected))
		fail_msg("found: %s\nexpected: %s", error, expected);
	buf_finish(&out);
}

static void
gives_the_table_as_json(void **state)
{
	(void)state;
	assert_reads("moontusk.lua",
		"return { alert = 'x', n = 1.5, yes = true, list = {1, 2}, none = {} }",
		"{\"alert\":\"x\",\"list\":[1,2],\"n\":1.5,\"none\":[],\"yes\":true}");
	assert_reads("moontusk.lua",
		"return { plugins = { { 'cats', name = 'a', 'b' }, { 'dogs' } } }",
		"{\"plugins\":[{\"1\":\"cats\",\"2\":\"b\",\"name\":\"a\"},[\"dogs\"]]}");
	assert_reads("moontusk.lua", "local t = { a = 1 } return t", "{\"a\":1}");
}

static void
sees_nothing_but_env_and_file(void **state)
{
	(void)state;
	assert_refuses("return { x = os.time() }",
		"dir/moontusk.lua:1: attempt to index a nil value (global 'os')");
	assert_refuses("print('x')", "global 'print'");
	assert_refuses("return load('x')", "global 'load'");
	assert_refuses("return _G.x", "global '_G'");
	assert_refuses("return 5", "dir/moontusk.lua: found a number, expected return { ... }");
	assert_refuses("\n\nreturn { x = ", "dir/moontusk.lua:3: unexpected symbol near <eof>");
	assert_refuses("return { a = { f = env } }", "dir/moontusk.lua.a.f: found a function");
	assert_refuses("local t = {} t.t = t return t", "contains itself");
	assert_refuses("\x1bLua", "compiled Lua");
}

static void
reads_variables_and_hides_their_values(void **state)
{
	(void)state;
	struct secrets *secrets = secrets_create();
	struct buf out, shown;
	buf_init(&out, 1000);
	buf_init(&shown, 1000);
	setenv("MOONTUSK_TEST_TOKEN", "very-secret-token", 1);
	assert_true(lua_file_read("moontusk.lua",
		STR("return { token = env 'MOONTUSK_TEST_TOKEN' }"), secrets, &out, error));
	assert_string_equal(out.ptr, "{\"token\":\"very-secret-token\"}");
	secrets_redact(secrets, STR("a very-secret-token b"), &shown);
	assert_string_equal(shown.ptr, "a *** b");
	assert_true(str_eq_text(
		secrets_get(secrets, "config/MOONTUSK_TEST_TOKEN"), "very-secret-token"));
	buf_finish(&out);
	buf_finish(&shown);
	secrets_destroy(secrets);
	unsetenv("MOONTUSK_TEST_TOKEN");
	assert_refuses("\nreturn { token = env 'MOONTUSK_TEST_TOKEN' }",
		"dir/moontusk.lua:2: env \"MOONTUSK_TEST_TOKEN\": there is no such environment variable");
}

static void
reads_files_beside_the_config(void **state)
{
	(void)state;
	char folder[] = "/tmp/lua_file_XXXXXX", path[100], config[100];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/token", folder);
	snprintf(config, sizeof(config), "%s/moontusk.lua", folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("abc def\r\n", file);
	fclose(file);
	assert_reads(config, "return { file 'token' }", "[\"abc def\"]");
	unlink(path);
	assert_refuses("return { file 'token' }",
		"dir/moontusk.lua:1: file \"dir/token\": cannot be read: No such file or directory");
	rmdir(folder);
}

/* Without valgrind only: under it budgets are off. */
static void
ends_a_config_that_never_does(void **state)
{
	(void)state;
	const char *preload = getenv("LD_PRELOAD");
	if (preload && strstr(preload, "vgpreload"))
		skip();
	assert_refuses("local x = 1\nwhile true do x = x + 1 end",
		"dir/moontusk.lua:2: used more than 1000 ms of CPU time");
	assert_refuses("local t = {}\nwhile true do\n  t[#t + 1] = {}\nend",
		"dir/moontusk.lua:3: out of memory: 65536 KiB in use, the limit is 65536 KiB");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_table_as_json),
		cmocka_unit_test(sees_nothing_but_env_and_file),
		cmocka_unit_test(reads_variables_and_hides_their_values),
		cmocka_unit_test(reads_files_beside_the_config),
		cmocka_unit_test(ends_a_config_that_never_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
