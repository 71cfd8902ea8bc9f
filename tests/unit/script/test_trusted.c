/* SPDX-License-Identifier: MIT */
/* Tests of the trusted state: its door, its timers, its JSON, and the practice instance in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "json.h"
#include "loop.h"
#include "trusted.h"
#include "xmalloc.h"

struct fixture {
	char folder[64];
	char *parts, *main;
	struct loop *loop;
	FILE *out;
	char error[PLUGIN_ERROR_MAX];
	struct buf result;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/trusted-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->parts = xasprintf("%s/practice", f->folder);
	assert_int_equal(mkdir(f->parts, 0700), 0);
	f->main = xasprintf("%s/main.lua", f->parts);
	f->loop = loop_create(1.0);
	f->out = tmpfile();
	assert_non_null(f->out);
	buf_init(&f->result, 1 << 20);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->main);
	rmdir(f->parts);
	rmdir(f->folder);
	loop_destroy(f->loop);
	fclose(f->out);
	buf_finish(&f->result);
	free(f->main);
	free(f->parts);
	free(f);
	return 0;
}

/* A state whose main module is `lua`; NULL: the practice instance itself. */
static struct trusted *
start(struct fixture *f, const char *lua, const char *arguments)
{
	if (lua) {
		FILE *file = fopen(f->main, "w");
		assert_non_null(file);
		fputs(lua, file);
		fclose(file);
	}
	f->error[0] = '\0';
	return trusted_create(
		&(struct trusted_config){
			.loop = f->loop,
			.module = "practice.main",
			.arguments = str_from(arguments),
			.lua_dir = lua ? f->folder : NULL,
			.seed = 7,
			.out = f->out,
		},
		f->error);
}

static const char *
call(struct fixture *f, struct trusted *trusted, const char *name, const char *argument)
{
	buf_clear(&f->result);
	if (!trusted_call(trusted, name, str_from(argument), &f->result, f->error))
		return NULL;
	return f->result.ptr;
}

static void
json_goes_in_and_comes_back(void **state)
{
	struct fixture *f = *state;
	static const char text[] =
		"{\"a\":[1,2.5,null,true,\"x\\u0000y\\n\"],\"b\":{\"c\":\"\xC3\xBC\"}}";
	struct trusted *trusted = start(f,
		"local m, seen = {}\n"
		"function m.start(arguments) seen = arguments.port end\n"
		"function m.echo(value) return value.a end\n"
		"function m.port() return seen end\n"
		"function m.pick(value) local json = require 'trusted.json'\n"
		"  return { json.pick(value.text, 'b', 'a') } end\n"
		"return m",
		"{\"port\":17}");

	assert_non_null(trusted);
	assert_string_equal(call(f, trusted, "port", NULL), "17");
	assert_string_equal(call(f, trusted, "echo", text), "[1,2.5,null,true,\"x\\u0000y\\n\"]");
	assert_string_equal(call(f, trusted, "pick",
				    "{\"text\":\"{\\\"a\\\":[1, 2],\\\"b\\\":{\\\"x\\\": 1e2}}\"}"),
		"[\"{\\\"x\\\":100}\",\"[1,2]\"]");
	assert_null(call(f, trusted, "nothing", NULL));
	assert_non_null(strstr(f->error, "no function 'nothing'"));
	trusted_destroy(trusted);
}

static void
an_error_at_the_start_is_told(void **state)
{
	struct fixture *f = *state;

	assert_null(start(f, "return { start = function() error('no luck', 0) end }", NULL));
	assert_non_null(strstr(f->error, "no luck"));
	assert_null(start(f, "this is no Lua", NULL));
	assert_non_null(strstr(f->error, "main.lua:1:"));
}

static void
an_error_in_a_timer_does_not_end_the_state(void **state)
{
	struct fixture *f = *state;
	struct trusted *trusted = start(f,
		"local loop = require 'trusted.loop'\n"
		"local m, fired = {}, {}\n"
		"function m.start() m.a = loop.start(0, 0) m.b = loop.start(1, 1) end\n"
		"function m.on_timer(id)\n"
		"  fired[#fired + 1] = id == m.a and 'a' or 'b'\n"
		"  if id == m.a then error 'broken' end\n"
		"  if #fired == 4 then loop.stop(m.b) loop.quit() end\n"
		"end\n"
		"function m.fired() return table.concat(fired) end\n"
		"return m",
		NULL);

	assert_non_null(trusted);
	loop_run(f->loop);
	assert_string_equal(call(f, trusted, "fired", NULL), "\"abbb\"");
	trusted_destroy(trusted);
}

static void
random_numbers_follow_the_seed_and_request_ids_do_not(void **state)
{
	struct fixture *f = *state;
	static const char lua[] =
		"local s = require 'trusted.system'\n"
		"local m = { start = function() end }\n"
		"function m.numbers() return { s.random(1000), s.random(1000), s.random(1000) } end\n"
		"function m.uuid() return s.uuid() end\n"
		"return m";
	char *first[2], *uuid[2];

	for (int i = 0; i < 2; i++) {
		struct trusted *trusted = start(f, lua, NULL);
		assert_non_null(trusted);
		first[i] = xstrdup(call(f, trusted, "numbers", NULL));
		uuid[i] = xstrdup(call(f, trusted, "uuid", NULL));
		trusted_destroy(trusted);
	}
	assert_string_equal(first[0], first[1]);
	assert_string_not_equal(uuid[0], uuid[1]);
	assert_int_equal(strlen(uuid[0]), 38);
	for (int i = 0; i < 2; i++) {
		free(first[i]);
		free(uuid[i]);
	}
}

static void
headers_that_break_the_line_are_refused(void **state)
{
	struct fixture *f = *state;
	struct trusted *trusted = start(f,
		"local server = require 'trusted.server'\n"
		"local m = {}\n"
		"function m.start() assert(server.listen { port = 0 }) end\n"
		"function m.try(p) return server.respond(99, 200, { p.name, p.value }, '', false) end\n"
		"return m",
		NULL);

	assert_non_null(trusted);
	assert_string_equal(call(f, trusted, "try", "{\"name\":\"A\",\"value\":\"b\"}"), "false");
	assert_null(call(f, trusted, "try", "{\"name\":\"A\",\"value\":\"b\\r\\nC: d\"}"));
	assert_non_null(strstr(f->error, "one line"));
	assert_null(call(f, trusted, "try", "{\"name\":\"A\"}"));
	trusted_destroy(trusted);
}

static void
the_practice_instance_listens_and_tells_its_address(void **state)
{
	struct fixture *f = *state;
	struct trusted *trusted = start(f, NULL, "{\"port\":0,\"rate\":1,\"quiet\":true}");
	char line[200];

	assert_non_null(trusted);
	assert_non_null(strstr(call(f, trusted, "address", NULL), "http://127.0.0.1:"));
	assert_true(trusted_call(trusted, "announce", STR_NONE, NULL, f->error));
	rewind(f->out);
	assert_non_null(fgets(line, sizeof(line), f->out));
	assert_int_equal(strncmp(line, "server: http://127.0.0.1:", 25), 0);
	assert_non_null(fgets(line, sizeof(line), f->out));
	assert_int_equal(strncmp(line, "token: P", 8), 0);
	trusted_destroy(trusted);
}

static void
actions_post_and_say_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	struct trusted *trusted = start(f, NULL, "{\"port\":0,\"rate\":1,\"quiet\":true}");

	assert_non_null(trusted);
	assert_non_null(
		strstr(call(f, trusted, "act",
			       "{\"name\":\"post\",\"params\":{\"text\":\"hi\",\"from\":\"kit\"}}"),
			"<p>hi</p>"));
	assert_null(call(f, trusted, "act",
		"{\"name\":\"post\",\"params\":{\"text\":\"hi\",\"from\":\"nobody\"}}"));
	assert_non_null(strstr(f->error, "nobody called nobody"));
	trusted_destroy(trusted);
}

static void
a_taken_port_is_named(void **state)
{
	struct fixture *f = *state;
	struct trusted *first = start(f, NULL, "{\"port\":0,\"rate\":1,\"quiet\":true}");

	assert_non_null(first);
	const char *port = strstr(call(f, first, "address", NULL), "127.0.0.1:");
	assert_non_null(port);
	int number = (int)strtol(port + 10, NULL, 10);
	char *arguments = xasprintf("{\"port\":%d,\"rate\":1,\"quiet\":true}", number);
	char *shown = xasprintf("%d", number);
	assert_null(start(f, NULL, arguments));
	assert_non_null(strstr(f->error, shown));
	free(arguments);
	free(shown);
	trusted_destroy(first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(json_goes_in_and_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(an_error_at_the_start_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_error_in_a_timer_does_not_end_the_state, setup, teardown),
		cmocka_unit_test_setup_teardown(
			random_numbers_follow_the_seed_and_request_ids_do_not, setup, teardown),
		cmocka_unit_test_setup_teardown(
			headers_that_break_the_line_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_practice_instance_listens_and_tells_its_address, setup, teardown),
		cmocka_unit_test_setup_teardown(
			actions_post_and_say_what_is_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(a_taken_port_is_named, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
