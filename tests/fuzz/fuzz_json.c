/* SPDX-License-Identifier: MIT */
/* Any bytes through the JSON reader: what parses is written, parses again and is written the same. */
#include "fuzz.h"
#include "json_write.h"
#include "limits.h"

/* Reads everything in every way, so that a bad offset is touched. */
static size_t
visit(struct json_value value)
{
	size_t sum = json_str(value).len;
	size_t count = 0;
	struct json_iter it = json_iter(value);
	while (json_next(&it)) {
		count++;
		sum += it.key.len + visit(it.value);
		if (it.key.ptr != NULL) {
			REQUIRE(str_is_utf8(it.key));
			REQUIRE(json_exists(json_get_str(value, it.key)));
		}
	}
	REQUIRE(count == json_count(value));
	REQUIRE(str_is_utf8(json_str(value)));
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_parser *parser = json_parser_create();
	struct json_doc *doc = NULL;
	struct json_error error;
	struct buf first;
	struct buf second;
	buf_init(&first, JSON_TEXT_MAX);
	buf_init(&second, JSON_TEXT_MAX);
	if (json_parse(parser, (struct str){(const char *)data, size}, &doc, &error) == ERR_OK) {
		(void)visit(json_root(doc));
		(void)json_path(json_root(doc), "a.0.b");
		json_put_value(&first, json_root(doc));
		struct json_doc *again = NULL;
		REQUIRE(json_parse(parser, buf_str(&first), &again, &error) == ERR_OK);
		json_put_value(&second, json_root(again));
		REQUIRE(str_eq(buf_str(&first), buf_str(&second)));
		json_doc_destroy(again);
	} else {
		REQUIRE(error.message[0] != '\0');
	}
	json_doc_destroy(doc);
	json_parser_destroy(parser);
	buf_finish(&first);
	buf_finish(&second);
	return 0;
}
