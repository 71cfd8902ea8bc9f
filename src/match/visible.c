/* SPDX-License-Identifier: MIT */
/* What people see of a post's HTML: a walk over its tokens that keeps the open link spans. */
#include "visible.h"

#include <stdint.h>
#include <string.h>

#include "html.h"
#include "limits.h"

#define ELLIPSIS "\xe2\x80\xa6"

/* An element whose end matters. */
struct open_element {
	enum html_tag tag;
	struct str name; /* blocks end by name only */
	bool hidden, ellipsis;
};

struct walk {
	struct buf *out;
	struct source_map *map; /* may be NULL */
	const char *start;      /* of the HTML */
	struct str blanks;      /* what the waiting blank stands for */
	bool any;               /* something was added by this walk */
	bool blank;             /* a blank waits for the next character */
	unsigned breaks;        /* line ends that wait for the next character */
	unsigned hidden;        /* open elements of class "invisible" */
	unsigned pre;
	unsigned depth, deeper; /* elements open in the stack; those that had no room in it */
	struct open_element open[HTML_NESTING_MAX];
};

static void
tell(struct walk *walk, size_t len, struct str from)
{
	struct source_run run = {
		.at = (uint32_t)walk->out->len,
		.len = (uint32_t)len,
		.from = (uint32_t)(from.ptr - walk->start),
		.from_len = (uint32_t)from.len,
	};
	source_map_add(walk->map, &run);
}

/* `from`: the HTML that the bytes stand for; STR_NONE for what is in none. */
static void
add_shown(struct walk *walk, struct str shown, struct str from)
{
	if (walk->hidden > 0)
		return;
	for (; walk->breaks > 0; walk->breaks--) {
		if (walk->any)
			buf_add_char(walk->out, '\n');
		walk->blank = false;
	}
	if (walk->blank && walk->any) {
		if (walk->map)
			tell(walk, 1, walk->blanks);
		buf_add_char(walk->out, ' ');
	}
	walk->blank = false;
	walk->any = true;
	if (walk->map && from.ptr)
		tell(walk, shown.len, from);
	buf_add_str(walk->out, shown);
}

/* White space of the source: a run is one blank, except in <pre>. */
static void
add_blank(struct walk *walk, char c, struct str from)
{
	if (walk->hidden > 0)
		return;
	if (walk->pre == 0) {
		if (!walk->blank)
			walk->blanks = from;
		else
			walk->blanks.len = (size_t)(from.ptr + from.len - walk->blanks.ptr);
		walk->blank = walk->breaks == 0;
	} else if (c == '\n') {
		walk->breaks++;
	} else if (c != '\r') {
		add_shown(walk, (struct str){&c, 1}, from);
	}
}

static void
line_break(struct walk *walk)
{
	if (walk->hidden == 0) {
		walk->breaks++;
		walk->blank = false;
	}
}

static void
block_break(struct walk *walk)
{
	if (walk->breaks == 0)
		walk->breaks = 1;
	walk->blank = false;
}

static bool
is_blank(char c)
{
	/* one comparison for nearly all */
	return (unsigned char)c <= ' ' &&
	       (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f');
}

/* Eight bytes of the same. */
#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The top bit of each byte of zero is set; of bytes behind one perhaps, too. */
static inline uint64_t
zeros(uint64_t x)
{
	return (x - EIGHT(1u)) & ~x & EIGHT(0x80u);
}

/* True when eight bytes and the one behind are shown as they are. Now and then it is false although they are. */
static inline bool
is_plain(const char *text)
{
	uint64_t x, behind;

	memcpy(&x, text, 8);
	memcpy(&behind, text + 1, 8);
	/* controls, a reference, two blanks */
	return !(((x - EIGHT(' ')) & ~x & EIGHT(0x80u)) | zeros(x ^ EIGHT('&')) |
		 (zeros(x ^ EIGHT(' ')) & zeros(behind ^ EIGHT(' '))));
}

/* Bytes at the start of `text`, which stands behind something shown, that are shown as they are: words with one blank between. */
static size_t
plain_run(struct str text)
{
	size_t i = 0;

	while (i < text.len) {
		if (i + 9 <= text.len && is_plain(text.ptr + i)) {
			i += 8;
			continue;
		}
		char c = text.ptr[i++];
		bool next = i < text.len && !is_blank(text.ptr[i]);
		if (c == '&' || c == '\0' || (is_blank(c) && (c != ' ' || !next))) {
			i--;
			break;
		}
	}
	while (i > 0 && text.ptr[i - 1] == ' ')
		i--; /* what follows decides about it */
	return i;
}

static void
add_reference(struct walk *walk, struct str value, struct str from)
{
	if (value.len == 1 && is_blank(value.ptr[0]))
		add_blank(walk, value.ptr[0], from);
	else
		add_shown(walk, value, from);
}

static void
add_text(struct walk *walk, struct str text)
{
	while (text.len > 0) {
		char c = text.ptr[0], value[ENTITY_VALUE_LEN + 1];
		size_t taken = 1, value_len = 0;
		if (c == '&' && (taken = html_reference(text, false, value, &value_len)) > 0) {
			add_reference(walk, (struct str){value, value_len},
				(struct str){text.ptr, taken});
		} else if (is_blank(c)) {
			taken = 1;
			add_blank(walk, c, (struct str){text.ptr, 1});
		} else if (c == '\0') { /* browsers drop NULs */
			taken = 1;
		} else {
			taken = 1 + plain_run((struct str){text.ptr + 1, text.len - 1});
			add_shown(
				walk, (struct str){text.ptr, taken}, (struct str){text.ptr, taken});
		}
		text = (struct str){text.ptr + taken, text.len - taken};
	}
}

/* True when `word` is one of the words of the class; `len` are its bytes. */
static inline bool
has_class(struct str class, const char *word, size_t len)
{
	if (class.len < len)
		return false;
	if (class.len == len)
		return memcmp(class.ptr, word, len) == 0;
	return html_has_word(class, word);
}

static void
push(struct walk *walk, const struct html_token *token)
{
	if (walk->depth == HTML_NESTING_MAX) {
		walk->deeper++; /* shown, whatever its class says */
		return;
	}
	bool link_part = token->tag == HTML_SPAN || token->tag == HTML_A;
	struct open_element *element = &walk->open[walk->depth++];
	*element = (struct open_element){
		.tag = token->tag,
		.name = token->name,
		.hidden = link_part && has_class(token->class, "invisible", 9),
		.ellipsis = link_part && has_class(token->class, "ellipsis", 8),
	};
	walk->hidden += element->hidden;
	walk->pre += element->tag == HTML_PRE;
}

static void
pop_to(struct walk *walk, unsigned depth)
{
	while (walk->depth > depth) {
		const struct open_element *element = &walk->open[--walk->depth];
		walk->hidden -= element->hidden;
		walk->pre -= element->tag == HTML_PRE;
		if (element->ellipsis)
			add_shown(walk, STR(ELLIPSIS), STR_NONE);
	}
	if (depth == 0)
		walk->deeper = 0;
}

/* Ends the innermost open element of that tag and, with it, what stands open inside. */
static void
end_element(struct walk *walk, const struct html_token *token)
{
	bool link_part = token->tag == HTML_SPAN || token->tag == HTML_A;

	if (walk->deeper > 0) {
		walk->deeper--;
		return;
	}
	for (unsigned i = walk->depth; i > 0; i--) {
		const struct open_element *element = &walk->open[i - 1];
		bool block = element->tag != HTML_SPAN && element->tag != HTML_A;
		if (element->tag == token->tag &&
			(!block || str_eq_nocase(element->name, token->name))) {
			pop_to(walk, i - 1);
			return;
		}
		if (link_part && block)
			return; /* </span> does not reach out of its paragraph */
	}
}

/* A block inside a paragraph ends the paragraph. */
static void
end_paragraph(struct walk *walk)
{
	for (unsigned i = walk->depth; i > 0 && walk->deeper == 0; i--) {
		if (walk->open[i - 1].tag == HTML_P) {
			pop_to(walk, i - 1);
			return;
		}
	}
}

static void
on_tag(struct walk *walk, const struct html_token *token)
{
	bool start = token->type == HTML_START_TAG;

	switch (token->tag) {
	case HTML_OTHER:
	case HTML_RAW:
		return;
	case HTML_BR: /* browsers read </br> as <br> */
		line_break(walk);
		return;
	case HTML_CELL:
		add_blank(walk, ' ', token->name);
		return;
	case HTML_HR:
		end_paragraph(walk);
		block_break(walk);
		return;
	case HTML_A:
	case HTML_SPAN:
		if (start)
			push(walk, token);
		else
			end_element(walk, token);
		return;
	case HTML_P:
	case HTML_PRE:
	case HTML_BLOCK:
		if (start)
			end_paragraph(walk);
		else
			end_element(walk, token);
		block_break(walk);
		if (start)
			push(walk, token);
		return;
	}
}

void
visible_text_mapped(struct str html, struct buf *out, struct source_map *map)
{
	struct html input;
	struct html_token token;
	struct walk walk;

	/* The stack is filled as it grows: clearing it all would cost more than most posts do. */
	memset(&walk, 0, offsetof(struct walk, open));
	walk.out = out;
	walk.map = map;
	walk.start = html.ptr;
	if (!html.ptr)
		return;
	input = (struct html){.at = html.ptr, .end = html.ptr + html.len};
	for (html_next(&input, &token); token.type != HTML_END; html_next(&input, &token)) {
		if (token.type == HTML_TEXT)
			add_text(&walk, token.text);
		else
			on_tag(&walk, &token);
	}
	pop_to(&walk, 0);
}

void
visible_text(struct str html, struct buf *out)
{
	visible_text_mapped(html, out, NULL);
}

/* An attribute's value as the address that browsers make of it: references decoded, control
 * characters gone, no blanks at the ends. */
static void
decode_href(struct str href, size_t offset, struct buf *out, struct source_map *map)
{
	size_t i = 0;

	buf_clear(out);
	if (map)
		source_map_clear(map);
	while (i < href.len) {
		char value[ENTITY_VALUE_LEN + 1] = {href.ptr[i]};
		size_t value_len = 1, taken = 0;
		if (href.ptr[i] == '&')
			taken = html_reference(
				(struct str){href.ptr + i, href.len - i}, true, value, &value_len);
		taken = taken > 0 ? taken : 1;
		struct source_run run = {.at = (uint32_t)out->len,
			.len = (uint32_t)value_len,
			.from = (uint32_t)(offset + i),
			.from_len = (uint32_t)taken};
		i += taken;
		if (value_len == 1 && (unsigned char)value[0] < (out->len > 0 ? ' ' : '!'))
			continue;
		source_map_add(map, &run);
		buf_add(out, value, value_len);
	}
}

static enum link_class
class_of(const struct html_token *token)
{
	/* Hashtags have both classes; other servers than Mastodon may have but rel="tag". */
	if (html_has_word(token->class, "hashtag") || html_has_word(token->rel, "tag"))
		return LINK_HASHTAG;
	return html_has_word(token->class, "mention") ? LINK_MENTION : LINK_PLAIN;
}

void
visible_links_mapped(struct str html, struct source_map *map, link_fn *fn, void *data)
{
	struct html input;
	struct html_token token;
	struct buf href;

	if (!html.ptr)
		return;
	input = (struct html){.at = html.ptr, .end = html.ptr + html.len};
	buf_init(&href, 3 * html.len + 1);
	for (html_next(&input, &token); token.type != HTML_END; html_next(&input, &token)) {
		if (token.type != HTML_START_TAG || token.tag != HTML_A || !token.href.ptr)
			continue;
		decode_href(token.href, (size_t)(token.href.ptr - html.ptr), &href, map);
		struct str target = str_trim(buf_str(&href));
		if (target.len > 0)
			fn(data, target, class_of(&token));
	}
	buf_finish(&href);
}

void
visible_links(struct str html, link_fn *fn, void *data)
{
	visible_links_mapped(html, NULL, fn, data);
}
