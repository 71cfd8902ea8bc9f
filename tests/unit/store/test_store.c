/* SPDX-License-Identifier: MIT */
/* Opening the database, and what a transaction keeps. */
#include "scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "state.h"

static void
expect_fact(struct store *store, const char *name, const char *value)
{
	char *found = fact_get(store, name);
	if (value == NULL) {
		assert_null(found);
	} else {
		assert_non_null(found);
		assert_string_equal(found, value);
	}
	free(found);
}

static void
keeps_what_was_committed_and_nothing_else(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	fact_put(scratch->store, "a", STR("1"));
	commit(scratch);
	begin(scratch);
	fact_put(scratch->store, "a", STR("2"));
	assert_true(store_in_transaction(scratch->store));
	store_rollback(scratch->store);
	assert_false(store_in_transaction(scratch->store));
	expect_fact(scratch->store, "a", "1");
	begin(scratch);
	fact_put(scratch->store, "b", STR("3"));
	scratch_reopen(scratch); /* closed without a commit */
	expect_fact(scratch->store, "a", "1");
	expect_fact(scratch->store, "b", NULL);
}

static void
commits_nothing_after_a_failed_read(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	fact_put(scratch->store, "a", STR("1"));
	commit(scratch);
	sqlite3 *other = NULL;
	assert_int_equal(sqlite3_open(scratch->path, &other), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(other, "ALTER TABLE schedules RENAME TO gone", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(other);
	struct schedule_row row;
	assert_false(
		schedule_get(scratch->store, "bot", "daily", &row)); /* outside of a transaction */
	begin(scratch);
	fact_put(scratch->store, "a", STR("2"));
	assert_true(store_failed(scratch->store));
	assert_false(store_commit(scratch->store));
	scratch_reopen(scratch);
	expect_fact(scratch->store, "a", "1");
}

static void
survives_a_killed_process(void **state)
{
	struct scratch *scratch = *state;
	store_close(scratch->store);
	scratch->store = NULL;
	pid_t child = fork();
	if (child == 0) {
		char error[MESSAGE_MAX];
		struct store *store = store_open(scratch->path, NULL, error);
		scratch->store = store; /* reachable, for a leak checker */
		bool ready = store != NULL && store_begin(store);
		if (ready) {
			fact_put(store, "kept", STR("yes"));
			ready = store_commit(store) && store_begin(store);
		}
		if (ready) {
			fact_put(store, "lost", STR("yes"));
		}
		kill(getpid(), ready ? SIGKILL : SIGTERM);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	scratch_open(scratch);
	expect_fact(scratch->store, "kept", "yes");
	expect_fact(scratch->store, "lost", NULL);
}

static void
is_readable_by_its_owner_only(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	fact_put(scratch->store, "a", STR("1"));
	commit(scratch);
	const char *endings[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < 3; i++) {
		char file[128];
		struct stat info;
		snprintf(file, sizeof(file), "%s%s", scratch->path, endings[i]);
		assert_int_equal(stat(file, &info), 0);
		assert_int_equal(info.st_mode & 0777, 0600);
	}
}

static void
refuses_what_it_cannot_open_and_says_what_to_do(void **state)
{
	struct scratch *scratch = *state;
	char error[MESSAGE_MAX] = "";
	char path[160];
	snprintf(path, sizeof(path), "%s/missing/moontusk.db", scratch->folder);
	assert_null(store_open(path, NULL, error));
	assert_non_null(strstr(error, path));
	assert_non_null(strstr(error, "--state"));
	assert_null(store_open(scratch->folder, NULL, error));
	assert_non_null(strstr(error, "is no file"));
}

static void
overwrite(const char *path, off_t at, const char *bytes, size_t len)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

static void
refuses_a_file_that_is_no_database(void **state)
{
	struct scratch *scratch = *state;
	store_close(scratch->store);
	scratch->store = NULL;
	overwrite(scratch->path, 0, "this is a text of somebody else", 31);
	assert_null(store_open(scratch->path, NULL, scratch->error));
	assert_non_null(strstr(scratch->error, "not a database"));
	assert_non_null(strstr(scratch->error, "move the file away"));
}

/* Offsets of the SQLite file header (fileformat2.html): user version 60, application id 68. */
static void
refuses_a_newer_schema(void **state)
{
	struct scratch *scratch = *state;
	store_close(scratch->store);
	scratch->store = NULL;
	overwrite(scratch->path, 60, "\0\0\0\x63", 4);
	assert_null(store_open(scratch->path, NULL, scratch->error));
	assert_non_null(strstr(scratch->error, "schema 99"));
	assert_non_null(strstr(scratch->error, "newer moontusk"));
}

static void
refuses_a_database_of_another_program(void **state)
{
	struct scratch *scratch = *state;
	store_close(scratch->store);
	scratch->store = NULL;
	overwrite(scratch->path, 68, "\0\0\0\0", 4);
	assert_null(store_open(scratch->path, NULL, scratch->error));
	assert_non_null(strstr(scratch->error, "another program"));
}

static void
works_in_memory(void **state)
{
	(void)state;
	char error[MESSAGE_MAX];
	struct store *store = store_open(NULL, NULL, error);
	assert_non_null(store);
	assert_true(store_begin(store));
	fact_put(store, "a", STR("1"));
	assert_true(store_commit(store));
	expect_fact(store, "a", "1");
	store_close(store);
}

/* The file may not grow past a limit: a write fails as it does on a full disk. */
static void
drops_the_whole_transaction_when_the_disk_is_full(void **state)
{
	struct scratch *scratch = *state;
	begin(scratch);
	fact_put(scratch->store, "a", STR("1"));
	commit(scratch);
	signal(SIGXFSZ, SIG_IGN);
	struct rlimit before;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	struct rlimit small = {.rlim_cur = 256 << 10, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct str large = {xcalloc(1, 1 << 20), 1 << 20};
	bool begun = store_begin(scratch->store);
	fact_put(scratch->store, "a", STR("2"));
	for (int i = 0; i < 8; i++) {
		state_put(scratch->store, "bot", (struct str){(char[]){(char)('a' + i)}, 1}, large);
	}
	bool committed = store_commit(scratch->store);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	free((char *)(uintptr_t)large.ptr);
	assert_true(begun);
	assert_false(committed);
	assert_true(store_failed(scratch->store));
	assert_false(store_in_transaction(scratch->store));
	expect_fact(scratch->store, "a", "1");
	begin(scratch); /* there is room again */
	assert_false(store_failed(scratch->store));
	fact_put(scratch->store, "a", STR("3"));
	commit(scratch);
	scratch_reopen(scratch);
	expect_fact(scratch->store, "a", "3");
}

static void
a_checkpoint_beside_the_store_empties_the_log(void **state)
{
	struct scratch *scratch = *state;
	for (int i = 0; i < 50; i++) {
		begin(scratch);
		/* The same value twice would write no page. */
		state_put(scratch->store, "bot", STR("n"), i % 2 == 0 ? STR("1") : STR("2"));
		commit(scratch);
	}
	int64_t waiting = store_wal_pages(scratch->store);
	assert_true(waiting >= 50);
	begin(scratch); /* it must not disturb a transaction either */
	state_put(scratch->store, "bot", STR("n"), STR("4"));
	store_checkpoint(scratch->path);
	commit(scratch);
	store_checkpoint(scratch->path);
	begin(scratch);
	state_put(scratch->store, "bot", STR("n"), STR("3"));
	commit(scratch);
	int64_t left = store_wal_pages(scratch->store);
	assert_in_range(left, 1, waiting - 1);
	assert_int_equal(store_wal_pages(scratch->store), 0); /* nothing new to tell */
}

static void
gives_room_back_when_much_is_free(void **state)
{
	struct scratch *scratch = *state;
	char *text = xcalloc(1, 1 << 20);
	memset(text, 'x', 1 << 20);
	struct str large = {text, 1 << 20};
	char name[2] = "a";
	begin(scratch);
	for (; name[0] < 'k'; name[0]++)
		state_put(scratch->store, "bot", (struct str){name, 1}, large);
	assert_false(store_shrink(scratch->store, 100)); /* nothing is free */
	commit(scratch);
	store_checkpoint(scratch->path);
	struct stat before, after;
	assert_int_equal(stat(scratch->path, &before), 0);
	begin(scratch);
	for (name[0] = 'a'; name[0] < 'k'; name[0]++)
		state_delete(scratch->store, "bot", (struct str){name, 1});
	commit(scratch);
	unsigned rounds = 0;
	bool more = true;
	while (more && rounds++ < 100) {
		begin(scratch);
		more = store_shrink(scratch->store, 500);
		commit(scratch);
	}
	assert_in_range(rounds, 2, 10);
	store_checkpoint(scratch->path);
	assert_int_equal(stat(scratch->path, &after), 0);
	assert_true(after.st_size < before.st_size * 3 / 4);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(keeps_what_was_committed_and_nothing_else),
		SCRATCH_TEST(commits_nothing_after_a_failed_read),
		SCRATCH_TEST(survives_a_killed_process),
		SCRATCH_TEST(is_readable_by_its_owner_only),
		SCRATCH_TEST(refuses_what_it_cannot_open_and_says_what_to_do),
		SCRATCH_TEST(refuses_a_file_that_is_no_database),
		SCRATCH_TEST(refuses_a_newer_schema),
		SCRATCH_TEST(refuses_a_database_of_another_program),
		cmocka_unit_test(works_in_memory),
		SCRATCH_TEST(drops_the_whole_transaction_when_the_disk_is_full),
		SCRATCH_TEST(a_checkpoint_beside_the_store_empties_the_log),
		SCRATCH_TEST(gives_room_back_when_much_is_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
