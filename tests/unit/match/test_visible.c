/* SPDX-License-Identifier: MIT */
/* HTML to visible text and links: what is shown, what is not, broken markup, bounded output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "buf.h"
#include "limits.h"
#include "visible.h"
#include "xmalloc.h"

struct row {
	const char *html, *text;
};

static void
check_rows(const struct row *rows, size_t count)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < count; i++) {
		buf_clear(&out);
		visible_text(str_from(rows[i].html), &out);
		if (!str_eq(buf_str(&out), str_from(rows[i].text)) &&
			!(out.len == 0 && rows[i].text[0] == '\0'))
			fail_msg("%s\n  gives    \"%.*s\"\n  expected \"%s\"", rows[i].html,
				STR_ARG(buf_str(&out)), rows[i].text);
	}
	buf_finish(&out);
}

static void
blocks_and_breaks_become_line_ends(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"", ""},
		{"plain", "plain"},
		{"<p>one</p><p>two</p>", "one\ntwo"},
		{"<p>one<br>two<br />three</p>", "one\ntwo\nthree"},
		{"<p>one</p>\n<p>two</p>\n", "one\ntwo"},
		{"<div><div><p>one</p></div></div><div>two</div>", "one\ntwo"},
		{"one<p>two</p>three", "one\ntwo\nthree"},
		{"<p>one<br><br>two</p>", "one\n\ntwo"},
		{"<p>one<br></p><p>two</p>", "one\ntwo"},
		{"<br><p>one</p><br>", "one"},
		{"<ul><li>one</li><li>two <ul><li>three</li></ul></li></ul>end",
			"one\ntwo\nthree\nend"},
		{"<ol><li>one<li>two</ol>", "one\ntwo"},
		{"<h1>head</h1>body<hr>foot", "head\nbody\nfoot"},
		{"<blockquote><p>said</p></blockquote><p>answer</p>", "said\nanswer"},
		{"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"},
		{"<P>one</P><BR>two", "one\n\ntwo"},
		{"a  b\n\tc", "a b c"},
		{"<p> a </p> <p> b </p>", "a\nb"},
		{"<pre>a  b\n  c\r\n</pre>d", "a  b\n  c\nd"},
		{"<pre><code>a\n\nb</code></pre>", "a\n\nb"},
		{"a&nbsp;b", "a\xc2\xa0"
			     "b"},
	};
	check_rows(rows, COUNT_OF(rows));
}

static void
inline_tags_vanish_without_a_blank(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"<p>via<span>gra</span></p>", "viagra"},
		{"via<wbr>gra", "viagra"},
		{"via<!-- x -->gra", "viagra"},
		{"v<b>i</b><i>ag</i>ra", "viagra"},
		{"&#118;iagra", "viagra"},
		{"&#x76;iagra &#X76;iagra", "viagra viagra"},
		{"<p>hi <a href=\"https://x.example/tags/nobot\" class=\"mention hashtag\" "
		 "rel=\"tag\">#<span>nobot</span></a></p>",
			"hi #nobot"},
		{"<p><span class=\"h-card\" translate=\"no\"><a href=\"https://x.example/@a\" "
		 "class=\"u-url mention\">@<span>alice</span></a></span> hello</p>",
			"@alice hello"},
		{"<img alt=\"viagra\" src=\"x\">ok", "ok"},
		{"<ruby>\xe6\xbc\xa2<rt>kan</rt></ruby>", "\xe6\xbc\xa2kan"},
	};
	check_rows(rows, COUNT_OF(rows));
}

static void
attributes_comments_and_scripts_are_not_text(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"<p class=\"viagra\" title='viagra' data-x=viagra>ok</p>", "ok"},
		{"<a href=\"https://x.example/viagra\">ok</a>", "ok"},
		{"<a title=\"a > b\">ok</a>", "ok"},
		{"<script>if (a < b) viagra()</script>ok", "ok"},
		{"<style>p { }</style >ok", "ok"},
		{"<SCRIPT>x</ScRiPt>ok", "ok"},
		{"<script>x</scripty>y</script>ok", "ok"},
		{"<title>t</title>ok", "ok"},
		{"<!DOCTYPE html>ok", "ok"},
		{"<?xml version=\"1\"?>ok", "ok"},
		{"<![CDATA[x]]>ok", "ok"},
		{"<!-->ok", "ok"},
		{"<!--->ok", "ok"},
		{"<!-- a -- b --!>ok", "ok"},
		{"<!-- a --->ok", "ok"},
	};
	check_rows(rows, COUNT_OF(rows));
}

static void
link_spans_show_what_mastodon_shows(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"<a href=\"https://example.org/a/very/long/path\"><span class=\"invisible\">"
		 "https://</span><span class=\"ellipsis\">example.org/a/very</span>"
		 "<span class=\"invisible\">/long/path</span></a>",
			"example.org/a/very\xe2\x80\xa6"},
		{"<a href=\"https://example.org\"><span class=\"invisible\">https://</span>"
		 "<span class=\"\">example.org</span><span class=\"invisible\"></span></a>.",
			"example.org."},
		{"<span class=\"x invisible y\">hidden</span>shown", "shown"},
		{"<span class=\"notinvisible\">shown</span>", "shown"},
		{"<span class='invisible'>a<span>b</span>c</span>shown", "shown"},
		{"<p class=\"invisible\">shown</p>", "shown"},
		/* one that is never closed ends with its paragraph or link */
		{"<p><span class=\"invisible\">hidden</p><p>shown</p>", "shown"},
		{"<a><span class=invisible>hidden</a>shown", "shown"},
		{"<p><span class=\"invisible\">hidden<p>shown", "shown"},
		{"<span class=ellipsis>cut", "cut\xe2\x80\xa6"},
		{"</span></span>shown", "shown"},
		{"<p><span class=\"invisible\">a<br></span>b</p>", "b"},
	};
	check_rows(rows, COUNT_OF(rows));
}

static void
references_are_decoded_once(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"&lt;b&gt; &amp; &quot;x&quot; &apos;", "<b> & \"x\" '"},
		{"&amp;lt;b&amp;gt;", "&lt;b&gt;"},
		{"&amp;amp;lt;", "&amp;lt;"},
		{"&lt;script&gt;x&lt;/script&gt;", "<script>x</script>"},
		{"&hellip;&ndash;&euro;&Auml;&alpha;", "…–€Äα"},
		{"&CounterClockwiseContourIntegral;", "∳"},
		{"&NotEqualTilde;", "\xe2\x89\x82\xcc\xb8"},
		{"&copy 2026 &copyright", "© 2026 ©right"},
		{"&notit; &notin;", "¬it; ∉"},
		{"&hellip", "&hellip"},
		{"&nosuch; & &; &# &#; &#x; &#xg;", "&nosuch; & &; &# &#; &#x; &#xg;"},
		{"&#128; &#x92; &#129;", "€ ’ \xc2\x81"},
		{"&#0;&#xD800;&#x110000;&#99999999999999999999;", "����"},
		{"&#x10FFFF;&#128512;", "\xf4\x8f\xbf\xbf😀"},
		{"&#65 &#x41g", "A Ag"},
		{"a&#10;b&Tab;c&NewLine;", "a b c"},
		{"fish & chips &c.", "fish & chips &c."},
	};
	check_rows(rows, COUNT_OF(rows));
}

static void
broken_markup_is_read_as_browsers_do(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"a < b and 3<4", "a < b and 3<4"},
		{"<3 you", "<3 you"},
		{"a <", "a <"},
		{"a </", "a </"},
		{"a </>b", "a b"},
		{"a</ x>b", "ab"},
		{"a<b", "a"},
		{"a<a href=\"x", "a"},
		{"a<!-- b", "a"},
		{"a<script>b", "a"},
		{"<p>a</div></p>b", "a\nb"},
		{"<b><i>a</b>c</i>", "ac"},
		{"<a/href=x>y</a>", "y"},
		{"<a =x>y</a>", "y"},
		{"<a x = \"1\" y= '2'>z</a>", "z"},
		{"a>b", "a>b"},
	};
	check_rows(rows, COUNT_OF(rows));
}

static void
drops_nuls_and_appends_to_what_is_there(void **state)
{
	(void)state;
	struct buf out;

	buf_init(&out, 100);
	buf_add_text(&out, "before|");
	visible_text((struct str){"<p>v\0ia\0</p>gra\0", 16}, &out);
	assert_true(str_eq_text(buf_str(&out), "before|via\ngra"));
	buf_clear(&out);
	visible_text(STR_NONE, &out);
	assert_int_equal(out.len, 0);
	buf_finish(&out);
}

static void
deep_nesting_loses_no_text(void **state)
{
	(void)state;
	struct buf html, out;

	buf_init(&html, 1 << 20);
	buf_init(&out, 1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_add_text(&html, "<span>");
	buf_add_text(&html, "<span class=\"invisible\">deep</span>");
	for (int i = 0; i < 10000; i++)
		buf_add_text(&html, "</span>");
	buf_add_text(&html, " <span class=\"invisible\">hidden</span>after");
	visible_text(buf_str(&html), &out);
	assert_true(str_eq_text(buf_str(&out), "deep after"));
	buf_finish(&html);
	buf_finish(&out);
}

/* 2 MB of one thing each: a walk that looked back would not end within the test's time. */
static void
long_hostile_input_is_linear_and_bounded(void **state)
{
	(void)state;
	static const char *const units[] = {"<", "&", "&#", "&am", "<!--", "<!-- -", "</", "<a ",
		"<a href='", "<script></", "<span class=invisible>", "<span class=ellipsis>",
		"<div><p>", "</div>", "<br>", "&nGt;", "&#0", "- ", "<pre>\n", "<a b=c "};
	size_t size = 2u << 20;

	for (size_t u = 0; u < COUNT_OF(units); u++) {
		struct buf html, out;
		buf_init(&html, size + 64);
		buf_init(&out, 3 * size + 64);
		while (html.len < size)
			buf_add_text(&html, units[u]);
		visible_text(buf_str(&html), &out);
		if (out.err != ERR_OK || out.len > 3 * html.len)
			fail_msg("%s grew", units[u]);
		buf_finish(&html);
		buf_finish(&out);
	}
}

static void
on_link(void *data, struct str href, enum link_class link_class)
{
	buf_printf(data, "%c %.*s\n", "-@#"[link_class], STR_ARG(href));
}

static void
links_are_decoded_and_told_apart_by_class(void **state)
{
	(void)state;
	struct buf out;
	const char *html =
		"<a href=\"https://x.example/?a=1&amp;b=2&amp=3&copy=4\" class='nothing'>x</a>"
		"<a class=\"u-url mention\" href=\"https://x.example/@alice\">@alice</a>"
		"<a href=\"https://x.example/tags/cat\" class=\"mention hashtag\">#cat</a>"
		"<a href=\"https://m.example/tags/dog\" rel=\"nofollow tag\">#dog</a>"
		"<a HREF = ' https://y.example/\na b ' href=second>y</a>"
		"<a href=https://z.example/&#x61;>z</a><a name=\"no\">no</a><a href=\"\">no</a>"
		"<!-- <a href=\"https://c.example\"> --><link href=\"https://l.example\">";

	buf_init(&out, 1000);
	visible_links(str_from(html), on_link, &out);
	assert_string_equal(out.ptr, "- https://x.example/?a=1&b=2&amp=3&copy=4\n"
				     "@ https://x.example/@alice\n"
				     "# https://x.example/tags/cat\n"
				     "# https://m.example/tags/dog\n"
				     "- https://y.example/a b\n"
				     "- https://z.example/a\n");
	buf_clear(&out);
	visible_links(STR_NONE, on_link, &out);
	assert_int_equal(out.len, 0);
	buf_finish(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_and_breaks_become_line_ends),
		cmocka_unit_test(inline_tags_vanish_without_a_blank),
		cmocka_unit_test(attributes_comments_and_scripts_are_not_text),
		cmocka_unit_test(link_spans_show_what_mastodon_shows),
		cmocka_unit_test(references_are_decoded_once),
		cmocka_unit_test(broken_markup_is_read_as_browsers_do),
		cmocka_unit_test(drops_nuls_and_appends_to_what_is_there),
		cmocka_unit_test(deep_nesting_loses_no_text),
		cmocka_unit_test(long_hostile_input_is_linear_and_bounded),
		cmocka_unit_test(links_are_decoded_and_told_apart_by_class),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
