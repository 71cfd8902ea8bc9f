/* SPDX-License-Identifier: MIT */
/* Tests of the limits of a plugin in the config. */
#include "config_limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
reads_times_within_bounds(void **state)
{
	(void)state;
	struct plugin_limits limits = {0};
	assert_true(config_cpu(STR("50ms"), &limits));
	assert_int_equal(limits.cpu_ms, 50);
	assert_int_equal(limits.load_ms, 1000);
	assert_true(config_cpu(STR("1s"), &limits));
	assert_int_equal(limits.cpu_ms, 1000);
	assert_int_equal(limits.load_ms, 10000);
	assert_true(config_cpu(STR("10ms"), &limits));
	assert_true(config_cpu(STR("10s"), &limits));
	const char *const wrong[] = {"", "100", "9ms", "11s", "1h", "ms", "fast", "-1s"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(config_cpu(str_from(wrong[i]), &limits));
}

static void
reads_sizes_within_bounds(void **state)
{
	(void)state;
	struct plugin_limits limits = {0};
	assert_true(config_memory(STR("32MB"), &limits));
	assert_int_equal(limits.memory_bytes, 32 << 20);
	assert_true(config_memory(STR("1GB"), &limits));
	assert_int_equal(limits.memory_bytes, 1 << 30);
	assert_true(config_memory(STR("2048KB"), &limits));
	assert_int_equal(limits.memory_bytes, 2 << 20);
	const char *const wrong[] = {
		"", "32", "MB", "0MB", "2GB", "100KB", "-5MB", "32mb", "1.5GB", "9999999999999GB"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(config_memory(str_from(wrong[i]), &limits));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_times_within_bounds),
		cmocka_unit_test(reads_sizes_within_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
