/* SPDX-License-Identifier: MIT */
/* Tests of the values that must never be seen. */
#include "secrets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attr.h"

struct fixture {
	struct secrets *secrets;
	struct buf out, back;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->secrets = secrets_create();
	buf_init(&f->out, 10000);
	buf_init(&f->back, 10000);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	secrets_destroy(f->secrets);
	buf_finish(&f->out);
	buf_finish(&f->back);
	free(f);
	return 0;
}

static void
redacts_every_occurrence(void **state)
{
	struct fixture *f = *state;
	secrets_add(f->secrets, "token", STR("abcdefgh"));
	secrets_redact(f->secrets, STR("abcdefgh Bearer abcdefghabcdefgh, abcdefg"), &f->out);
	assert_string_equal(f->out.ptr, "*** Bearer ******, abcdefg");
}

static void
prefers_the_longer_of_two_secrets(void **state)
{
	struct fixture *f = *state;
	secrets_add(f->secrets, "short", STR("abcdefgh"));
	secrets_add(f->secrets, "long", STR("abcdefgh-ijkl"));
	secrets_hide(f->secrets, STR("abcdefgh-ijkl abcdefgh-ijk"), &f->out);
	assert_string_equal(f->out.ptr, "{{secret:long}} {{secret:short}}-ijk");
}

static void
keeps_but_does_not_search_for_short_values(void **state)
{
	struct fixture *f = *state;
	secrets_add(f->secrets, "pin", STR("1234567"));
	secrets_redact(f->secrets, STR("1234567"), &f->out);
	assert_string_equal(f->out.ptr, "1234567");
	assert_true(str_eq_text(secrets_get(f->secrets, "pin"), "1234567"));
	assert_int_equal(secrets_reveal(f->secrets, STR("{{secret:pin}}"), &f->back), ERR_OK);
	assert_string_equal(f->back.ptr, "1234567");
}

static void
replaces_a_value_of_the_same_name(void **state)
{
	struct fixture *f = *state;
	secrets_add(f->secrets, "token", STR("old-value"));
	secrets_add(f->secrets, "token", STR("new-value"));
	secrets_redact(f->secrets, STR("old-value new-value"), &f->out);
	assert_string_equal(f->out.ptr, "old-value ***");
	assert_null(secrets_get(f->secrets, "other").ptr);
	secrets_add(f->secrets, "token", secrets_get(f->secrets, "token"));
	assert_true(str_eq_text(secrets_get(f->secrets, "token"), "new-value"));
}

static void
hidden_texts_survive_the_round_trip(void **state)
{
	struct fixture *f = *state;
	static const struct str texts[] = {STR(""), STR("plain"),
		STR("a secret-one b secret-two c"), STR("{{secret:one}}"), STR("{{secret:}}"),
		STR("{{{secret:{{secret:"), STR("{secret-one}}"), STR("{{secret:secret-one}}"),
		STR("{{secretsecret-two:x"), STR("{{secret:%7D}}secret-two}}")};
	secrets_add(f->secrets, "one", STR("secret-one"));
	secrets_add(f->secrets, "t}w%o", STR("secret-two"));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		buf_clear(&f->out);
		buf_clear(&f->back);
		secrets_hide(f->secrets, texts[i], &f->out);
		assert_null(strstr(buf_str(&f->out).ptr, "secret-"));
		assert_int_equal(secrets_reveal(f->secrets, buf_str(&f->out), &f->back), ERR_OK);
		assert_true(str_eq(buf_str(&f->back), texts[i]));
	}
}

static void
revealing_an_unknown_name_is_an_error(void **state)
{
	struct fixture *f = *state;
	secrets_add(f->secrets, "one", STR("secret-one"));
	assert_int_equal(
		secrets_reveal(f->secrets, STR("x {{secret:two}}"), &f->out), ERR_NOT_FOUND);
	assert_int_equal(secrets_reveal(f->secrets, STR("x {{secret:one"), &f->out), ERR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(redacts_every_occurrence, setup, teardown),
		cmocka_unit_test_setup_teardown(prefers_the_longer_of_two_secrets, setup, teardown),
		cmocka_unit_test_setup_teardown(
			keeps_but_does_not_search_for_short_values, setup, teardown),
		cmocka_unit_test_setup_teardown(replaces_a_value_of_the_same_name, setup, teardown),
		cmocka_unit_test_setup_teardown(
			hidden_texts_survive_the_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(
			revealing_an_unknown_name_is_an_error, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
