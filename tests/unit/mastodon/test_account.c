/* SPDX-License-Identifier: MIT */
/* Tests of accounts: which addresses are taken, and what becomes of them. */
#include "account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"
#include "limits.h"

static struct account *
create(const char *server, const char *token, struct secrets *secrets, char *error)
{
	struct account_config config = {.name = "bot", .server = server, .token = token};
	return account_create(&config, secrets, error);
}

static void
turns_addresses_into_origins(void **state)
{
	(void)state;
	static const struct {
		const char *given, *server, *host;
	} rows[] = {
		{"https://mastodon.example", "https://mastodon.example", "mastodon.example"},
		{"https://mastodon.example/", "https://mastodon.example", "mastodon.example"},
		{"mastodon.example", "https://mastodon.example", "mastodon.example"},
		{" Mastodon.Example ", "https://mastodon.example", "mastodon.example"},
		{"HTTPS://mastodon.example:443", "https://mastodon.example", "mastodon.example"},
		{"mastodon.example:8443", "https://mastodon.example:8443", "mastodon.example:8443"},
		{"http://127.0.0.1:4000", "http://127.0.0.1:4000", "127.0.0.1:4000"},
		{"127.0.0.1:4000", "http://127.0.0.1:4000", "127.0.0.1:4000"},
		{"localhost:4000/", "http://localhost:4000", "localhost:4000"},
		{"https://localhost:4000", "https://localhost:4000", "localhost:4000"},
		{"http://a.localhost", "http://a.localhost", "a.localhost"},
		{"http://[::1]:4000", "http://[::1]:4000", "[::1]:4000"},
	};
	struct secrets *secrets = secrets_create();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char error[MESSAGE_MAX] = "";
		struct account *account = create(rows[i].given, NULL, secrets, error);
		if (account == NULL) {
			fail_msg("%s: %s", rows[i].given, error);
		} else {
			assert_string_equal(account->server, rows[i].server);
			assert_string_equal(account->host, rows[i].host);
			assert_null(account->token);
			assert_null(account->streaming);
			assert_int_equal(account->max_characters, 500);
		}
		account_destroy(account);
	}
	secrets_destroy(secrets);
}

static void
refuses_what_is_no_server_and_says_why(void **state)
{
	(void)state;
	static const struct {
		const char *given, *says;
	} rows[] = {
		{NULL, "no server"},
		{"  ", "no server"},
		{"http://mastodon.example", "unencrypted: use https"},
		{"http://127.0.0.1.example.org", "unencrypted"},
		{"http://128.0.0.1", "unencrypted"},
		{"https://mastodon.example/web/home", "has a path: give only the server, such as "
						      "https://mastodon.example"},
		{"mastodon.example/about", "has a path"},
		{"https://mastodon.example/?a=b", "has a path"},
		{"wss://streaming.mastodon.example", "is no address"},
		{"ftp://mastodon.example", "is no address"},
		{"https://", "is no address"},
		{"mastodon example", "is no address"},
		{"mastodon.example:99999", "is no address"},
	};
	struct secrets *secrets = secrets_create();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char error[MESSAGE_MAX] = "";
		assert_null(create(rows[i].given, NULL, secrets, error));
		if (strstr(error, rows[i].says) == NULL) {
			fail_msg("%s\nlacks\n%s", error, rows[i].says);
		}
	}
	secrets_destroy(secrets);
}

static void
refuses_tokens_that_no_header_can_carry(void **state)
{
	(void)state;
	static const char *const rows[] = {"abc def", "abc\r\nHost: x", "abc\x7f", "t\xc3\xb6ken"};
	struct secrets *secrets = secrets_create();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char error[MESSAGE_MAX] = "";
		assert_null(create("mastodon.example", rows[i], secrets, error));
		assert_non_null(strstr(error, "put in just the token"));
		assert_null(strstr(error, "abc"));
	}
	char error[MESSAGE_MAX] = "";
	struct account *account = create("mastodon.example", " s3cret-t0ken\r\n", secrets, error);
	assert_non_null(account);
	assert_string_equal(account->token, "s3cret-t0ken");
	account_destroy(account);
	secrets_destroy(secrets);
}

static void
refuses_a_file_of_authorities_that_cannot_be_read(void **state)
{
	(void)state;
	static const char *const rows[] = {"/nowhere/ca.pem", "/"};
	struct secrets *secrets = secrets_create();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char error[MESSAGE_MAX] = "";
		struct account_config config = {
			.name = "bot", .server = "mastodon.example", .ca_file = rows[i]};
		assert_null(account_create(&config, secrets, error));
		assert_non_null(strstr(error, rows[i]));
		assert_non_null(strstr(error, "PEM"));
	}
	secrets_destroy(secrets);
}

static void
never_repeats_user_information(void **state)
{
	(void)state;
	struct secrets *secrets = secrets_create();
	char error[MESSAGE_MAX] = "";
	assert_null(create("https://me:hunter2hunter2@mastodon.example", NULL, secrets, error));
	assert_null(strstr(error, "hunter2"));
	assert_non_null(strstr(error, "without a user"));
	assert_null(create("https://mastodon.example/?access_token=hunter2", NULL, secrets, error));
	assert_null(strstr(error, "hunter2"));
	secrets_destroy(secrets);
}

static void
registers_the_token_as_a_secret(void **state)
{
	(void)state;
	struct secrets *secrets = secrets_create();
	char error[MESSAGE_MAX];
	struct account *account = create("mastodon.example", "s3cret-t0ken", secrets, error);
	assert_non_null(account);
	assert_true(str_eq_text(secrets_get(secrets, "account/bot"), "s3cret-t0ken"));
	account_destroy(account);
	account = create("mastodon.example", "", secrets, error);
	assert_null(account->token);
	account_destroy(account);
	account_destroy(NULL);
	secrets_destroy(secrets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns_addresses_into_origins),
		cmocka_unit_test(refuses_what_is_no_server_and_says_why),
		cmocka_unit_test(refuses_tokens_that_no_header_can_carry),
		cmocka_unit_test(refuses_a_file_of_authorities_that_cannot_be_read),
		cmocka_unit_test(never_repeats_user_information),
		cmocka_unit_test(registers_the_token_as_a_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
