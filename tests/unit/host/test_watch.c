/* SPDX-License-Identifier: MIT */
/* A changed file is told once, when it is whole, and only when its content is another. */
#include "folder.h"

#include <sys/stat.h>

#include "watch.h"

#define CLOCK_RATE 50.0

struct bench {
	const char *folder;
	struct loop *loop;
	struct watch *watch;
	struct loop_timer *step;
	void (*steps[8])(struct bench *);
	unsigned next;
	char told[64];
};

static void
on_change(void *data, const char *tag)
{
	struct bench *bench = data;
	size_t len = strlen(bench->told);
	snprintf(bench->told + len, sizeof(bench->told) - len, "%s ", tag);
}

static void
on_step(void *data)
{
	struct bench *bench = data;
	if (bench->steps[bench->next])
		bench->steps[bench->next++](bench);
	else
		loop_stop(bench->loop);
}

/* Runs the steps a while apart, and then as long as it takes to tell what they changed. */
static void
run(struct bench *bench, int64_t apart_ms)
{
	loop_timer_start(bench->step, apart_ms, apart_ms);
	loop_run(bench->loop);
	memset(bench->steps, 0, sizeof(bench->steps));
	bench->next = 0;
	loop_timer_start(bench->step, 8000, 0);
	loop_run(bench->loop);
}

static void
put(struct bench *bench, const char *name, const char *text)
{
	free(folder_write(bench->folder, name, text));
}

static void
note(struct bench *bench, const char *tag, const char *name, struct str text)
{
	char *path = file_join(bench->folder, name);
	watch_file(bench->watch, tag, path, text);
	free(path);
}

static int
setup(void **state)
{
	struct bench *bench = xcalloc(1, sizeof(*bench));
	void *folder;
	folder_setup(&folder);
	bench->folder = folder;
	bench->loop = loop_create(CLOCK_RATE);
	bench->watch = watch_create(bench->loop, on_change, bench);
	bench->step = loop_timer_create(bench->loop, on_step, bench);
	put(bench, "a.lua", "one");
	put(bench, "b.lua", "module");
	watch_begin(bench->watch, "cats");
	note(bench, "cats", "a.lua", STR("one"));
	note(bench, "cats", "b.lua", STR("module"));
	watch_end(bench->watch, "cats", true);
	*state = bench;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *bench = *state;
	union {
		const char *in;
		void *out;
	} folder = {bench->folder};
	watch_destroy(bench->watch);
	loop_timer_destroy(bench->step);
	loop_destroy(bench->loop);
	free(bench);
	return folder_teardown(&folder.out);
}

static void
write_two(struct bench *bench)
{
	put(bench, "a.lua", "two");
}

static void
write_same(struct bench *bench)
{
	put(bench, "a.lua", "one");
	put(bench, "c.lua", "of nobody");
}

static void
tells_a_change_once_and_nothing_else(void **state)
{
	struct bench *bench = *state;
	bench->steps[0] = write_same;
	run(bench, 1000);
	assert_string_equal(bench->told, "");
	assert_false(watch_differs(bench->watch, "cats"));
	bench->steps[0] = write_two;
	run(bench, 1000);
	assert_string_equal(bench->told, "cats ");
}

static void
write_module(struct bench *bench)
{
	put(bench, "b.lua", "another");
}

static void
rename_over(struct bench *bench)
{
	char *from = folder_write(bench->folder, ".a.lua.swp", "by a rename"),
	     *to = file_join(bench->folder, "a.lua");
	assert_int_equal(rename(from, to), 0);
	free(from);
	free(to);
}

static void
follows_modules_and_files_that_are_replaced(void **state)
{
	struct bench *bench = *state;
	bench->steps[0] = write_module;
	run(bench, 1000);
	assert_string_equal(bench->told, "cats ");
	bench->steps[0] = rename_over;
	run(bench, 1000);
	assert_string_equal(bench->told, "cats cats ");
}

static void
write_more(struct bench *bench)
{
	char *path = file_join(bench->folder, "a.lua");
	FILE *file = fopen(path, "a");
	fputs(" and more", file);
	fclose(file);
	free(path);
	assert_string_equal(bench->told, ""); /* not while it grows */
}

static void
waits_for_a_file_that_is_still_written(void **state)
{
	struct bench *bench = *state;
	for (unsigned i = 0; i < 7; i++)
		bench->steps[i] = write_more;
	run(bench, 300);
	assert_string_equal(bench->told, "cats ");
}

static void
forgets_what_was_not_read_again_unless_reading_failed(void **state)
{
	struct bench *bench = *state;
	watch_begin(bench->watch, "cats");
	note(bench, "cats", "a.lua", STR("one"));
	watch_end(bench->watch, "cats", false);
	bench->steps[0] = write_module;
	run(bench, 1000);
	assert_string_equal(bench->told, "cats ");
	watch_begin(bench->watch, "cats");
	note(bench, "cats", "a.lua", STR("one"));
	watch_end(bench->watch, "cats", true);
	put(bench, "b.lua", "once more");
	run(bench, 1000);
	assert_string_equal(bench->told, "cats ");
}

static void
write_missing(struct bench *bench)
{
	put(bench, "c.lua", "here now");
}

static void
tells_when_a_file_that_was_missing_comes(void **state)
{
	struct bench *bench = *state;
	note(bench, "dogs", "c.lua", STR_NONE);
	run(bench, 1000);
	assert_string_equal(bench->told, "");
	bench->steps[0] = write_missing;
	run(bench, 1000);
	assert_string_equal(bench->told, "dogs ");
}

static void
drop_in(struct bench *bench)
{
	put(bench, "new.lua", "x");
	put(bench, "new_test.lua", "x");
	put(bench, ".#new.lua", "x");
}

static void
take_out(struct bench *bench)
{
	char *path = file_join(bench->folder, "new.lua");
	assert_int_equal(unlink(path), 0);
	free(path);
}

static void
tells_that_plugins_of_a_folder_came_and_went_and_not_that_they_changed(void **state)
{
	struct bench *bench = *state;
	watch_forget(bench->watch, "cats");
	watch_plugins(bench->watch, "folder", bench->folder);
	bench->steps[0] = write_two;
	run(bench, 1000);
	assert_string_equal(bench->told, "");
	bench->steps[0] = drop_in;
	run(bench, 1000);
	assert_string_equal(bench->told, "folder ");
	bench->steps[0] = take_out;
	run(bench, 1000);
	assert_string_equal(bench->told, "folder folder ");
}

static void
take_up(void *data, const char *path, uint64_t content)
{
	struct bench *bench = data;
	bool is_module = strstr(path, "/b.lua") != NULL;
	assert_int_equal(
		watch_again(bench->watch, "later", path, content), is_module ? true : false);
}

static void
knows_what_a_file_was_like_in_an_earlier_run(void **state)
{
	struct bench *bench = *state;
	put(bench, "b.lua", "another, while no program looked");
	watch_each(bench->watch, "cats", take_up, bench);
	watch_forget(bench->watch, "cats");
	run(bench, 1000);
	assert_string_equal(bench->told, "later ");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(tells_a_change_once_and_nothing_else),
		T(follows_modules_and_files_that_are_replaced),
		T(waits_for_a_file_that_is_still_written),
		T(forgets_what_was_not_read_again_unless_reading_failed),
		T(tells_when_a_file_that_was_missing_comes),
		T(knows_what_a_file_was_like_in_an_earlier_run),
		T(tells_that_plugins_of_a_folder_came_and_went_and_not_that_they_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
