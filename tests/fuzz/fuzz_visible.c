/* SPDX-License-Identifier: MIT */
/* Any bytes as the HTML of a post: the text is bounded, sound, and has no line ends at its ends. */
#include "buf.h"
#include "fuzz.h"
#include "limits.h"
#include "visible.h"

static void
check_link(void *data, struct str href, enum link_class link_class)
{
	size_t *total = data;

	REQUIRE(href.len > 0 && link_class <= LINK_HASHTAG);
	*total += href.len;
}

/* The map stays in the HTML and goes on. */
static void
check_map(struct str html, struct str expected)
{
	struct source_map map = {0};
	struct buf out;
	size_t at = 0, from = 0;

	buf_init(&out, 3 * html.len + 1);
	visible_text_mapped(html, &out, &map);
	REQUIRE(str_eq(buf_str(&out), expected));
	for (size_t i = 0; i < map.count; i++) {
		const struct source_run *run = &map.runs[i];
		REQUIRE(run->at >= at && run->at + run->len <= out.len);
		REQUIRE(run->from >= from && run->from + run->from_len <= html.len);
		at = run->at + run->len;
		from = run->from + run->from_len;
	}
	source_map_finish(&map);
	buf_finish(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str html = {(const char *)data, size};
	bool valid = str_is_utf8(html);
	struct buf out;
	size_t total = 0;

	buf_init(&out, 3 * size + 1);
	visible_text(html, &out);
	REQUIRE(out.err == ERR_OK && out.len <= 3 * size);
	REQUIRE(!valid || str_is_utf8(buf_str(&out)));
	if (out.len > 0)
		REQUIRE(out.ptr[0] != '\n' && out.ptr[out.len - 1] != '\n');
	check_map(html, buf_str(&out));
	buf_finish(&out);
	visible_links(html, check_link, &total);
	REQUIRE(total <= 3 * size);
	return 0;
}
