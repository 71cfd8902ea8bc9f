/* SPDX-License-Identifier: MIT */
/* A report says what happened and how to see it again; only so many are kept, and only the owner reads them. */
#include "folder.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "limits.h"
#include "report_file.h"

static const struct plugin_usage usage = {
	.calls = 7, .cpu_us = 12000, .cpu_limit_ms = 100, .bytes = 5000};

static struct report_about
about_of(const char *instance, int64_t at_ms)
{
	return (struct report_about){
		.instance = instance,
		.why = "it failed too often",
		.at_ms = at_ms,
		.error = "cats.lua:3: no",
		.limit = LIMIT_CPU,
		.subject = "update:1",
		.line = STR("{\"kind\":\"update\"}"),
		.usage = &usage,
		.plugin_words = "-- cats.lua",
		.rearm = "moontusk rearm cats",
	};
}

static void
tells_all_that_is_known(void **state)
{
	(void)state;
	struct report_about about = about_of("cats", 1000);
	struct buf out;
	buf_init(&out, 65536);
	report_put(&out, &about, "/tmp/it's here.jsonl");
	static const char *const parts[] = {"\"cats\" is off: it failed too often",
		"1970-01-01T00:00:01.000Z", "cats.lua:3: no", "more CPU time than one call may use",
		"12 ms in 7 calls", "limit 100 ms a call",
		"moontusk replay '/tmp/it'\\''s here.jsonl' -- cats.lua", "moontusk rearm cats",
		"{\"kind\":\"update\"}"};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_non_null(strstr(out.ptr, parts[i]));
	buf_finish(&out);
}

static unsigned
count_files(const char *folder, const char *prefix)
{
	unsigned count = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return count;
}

static void
keeps_so_many_of_each_instance(void **state)
{
	const char *folder = *state;
	char *reports = xasprintf("%s/reports", folder);
	struct secrets *secrets = secrets_create();
	struct report_about other = about_of("cats-b", 5);
	other.secrets = secrets;
	free(report_write(folder, &other));
	for (int64_t i = 0; i < REPORTS_KEPT_MAX + 5; i++) {
		struct report_about about = about_of("cats", i * 1000);
		about.secrets = secrets;
		char *path = report_write(folder, &about);
		struct stat info;
		assert_non_null(path);
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_mode & 0777, 0600);
		free(path);
	}
	assert_int_equal(count_files(reports, "cats-1"), 2 * REPORTS_KEPT_MAX);
	assert_int_equal(count_files(reports, "cats-b"), 2);
	secrets_destroy(secrets);
	free(reports);
}

static void
holds_no_secret_whatever_the_plugin_said(void **state)
{
	const char *folder = *state;
	static const char *const recent[] = {
		"1970  cats.lua:3: to https://hook.example/secret-path"};
	struct report_about about = about_of("cats", 0);
	struct secrets *secrets = secrets_create();
	secrets_add(secrets, "hook", STR("https://hook.example/secret-path"));
	about.secrets = secrets;
	about.why = about.error = about.subject = recent[0];
	about.recent = recent;
	about.recent_count = 1;
	about.line = STR("{\"to\":\"https://hook.example/secret-path\"}");
	char *path = report_write(folder, &about);
	char *event = xasprintf("%.*s.jsonl", (int)strlen(path) - 4, path);
	const char *const files[] = {path, event};
	for (size_t i = 0; i < 2; i++) {
		char text[4096];
		FILE *file = fopen(files[i], "r");
		assert_non_null(file);
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		assert_int_equal(fclose(file), 0);
		assert_null(strstr(text, "secret-path"));
		assert_non_null(strstr(text, "***"));
	}
	free(event);
	free(path);
	secrets_destroy(secrets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_all_that_is_known),
		cmocka_unit_test_setup_teardown(
			keeps_so_many_of_each_instance, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			holds_no_secret_whatever_the_plugin_said, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
