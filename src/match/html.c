/* SPDX-License-Identifier: MIT */
/* The tokenizer for HTML, after the states of the HTML standard, section 13.2.5, as far as text needs them. */
#include "html.h"

#include <stdint.h>
#include <string.h>

#include "attr.h"

static bool
is_blank(char c)
{
	/* one comparison for nearly all */
	return (unsigned char)c <= ' ' &&
	       (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f');
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct tag_name {
	const char *name;
	size_t len;
	enum html_tag tag;
} tag_names[] = {
	{"a", 1, HTML_A},
	{"span", 4, HTML_SPAN},
	{"br", 2, HTML_BR},
	{"p", 1, HTML_P},
	{"hr", 2, HTML_HR},
	{"pre", 3, HTML_PRE},
	{"td", 2, HTML_CELL},
	{"th", 2, HTML_CELL},
	{"address", 7, HTML_BLOCK},
	{"article", 7, HTML_BLOCK},
	{"aside", 5, HTML_BLOCK},
	{"blockquote", 10, HTML_BLOCK},
	{"center", 6, HTML_BLOCK},
	{"dd", 2, HTML_BLOCK},
	{"details", 7, HTML_BLOCK},
	{"dialog", 6, HTML_BLOCK},
	{"div", 3, HTML_BLOCK},
	{"dl", 2, HTML_BLOCK},
	{"dt", 2, HTML_BLOCK},
	{"fieldset", 8, HTML_BLOCK},
	{"figcaption", 10, HTML_BLOCK},
	{"figure", 6, HTML_BLOCK},
	{"footer", 6, HTML_BLOCK},
	{"form", 4, HTML_BLOCK},
	{"h1", 2, HTML_BLOCK},
	{"h2", 2, HTML_BLOCK},
	{"h3", 2, HTML_BLOCK},
	{"h4", 2, HTML_BLOCK},
	{"h5", 2, HTML_BLOCK},
	{"h6", 2, HTML_BLOCK},
	{"header", 6, HTML_BLOCK},
	{"li", 2, HTML_BLOCK},
	{"main", 4, HTML_BLOCK},
	{"nav", 3, HTML_BLOCK},
	{"ol", 2, HTML_BLOCK},
	{"section", 7, HTML_BLOCK},
	{"summary", 7, HTML_BLOCK},
	{"table", 5, HTML_BLOCK},
	{"tr", 2, HTML_BLOCK},
	{"ul", 2, HTML_BLOCK},
	/* Nothing up to the end tag is markup, and none of it is shown. */
	{"script", 6, HTML_RAW},
	{"style", 5, HTML_RAW},
	{"title", 5, HTML_RAW},
	{"iframe", 6, HTML_RAW},
	{"noembed", 7, HTML_RAW},
	{"noframes", 8, HTML_RAW},
};

static enum html_tag
tag_of(struct str name)
{
	/* most tags of most posts */
	if (name.len == 1 && *name.ptr == 'p')
		return HTML_P;
	if (name.len == 1 && *name.ptr == 'a')
		return HTML_A;
	if (name.len == 4 && memcmp(name.ptr, "span", 4) == 0)
		return HTML_SPAN;
	for (size_t i = 0; i < COUNT_OF(tag_names); i++) {
		const struct tag_name *known = &tag_names[i];
		/* length and first letter rule out nearly all of them */
		if (name.len == known->len && (name.ptr[0] | 0x20) == known->name[0] &&
			str_eq_nocase(name, (struct str){known->name, known->len}))
			return known->tag;
	}
	return HTML_OTHER;
}

/* Behind the first `c`, or at the end. */
static const char *
behind(const char *at, const char *end, char c)
{
	const char *found = memchr(at, c, (size_t)(end - at));

	return found ? found + 1 : end;
}

/* `at` stands behind "<!--". */
static const char *
behind_comment(const char *at, const char *end)
{
	/* "<!-->" and "<!--->" are whole comments. */
	if (at < end && at[0] == '>')
		return at + 1;
	if (end - at >= 2 && at[0] == '-' && at[1] == '>')
		return at + 2;
	for (;;) {
		at = memmem(at, (size_t)(end - at), "--", 2);
		if (!at)
			return end;
		at += 2;
		if (at < end && *at == '>')
			return at + 1;
		if (end - at >= 2 && at[0] == '!' && at[1] == '>')
			return at + 2;
		at--; /* "--->": the second dash may start the end */
	}
}

/* Behind `</name` and its '>', or at the end. */
static const char *
behind_raw(const char *at, const char *end, struct str name)
{
	for (;;) {
		at = memmem(at, (size_t)(end - at), "</", 2);
		if (!at)
			return end;
		at += 2;
		if ((size_t)(end - at) <= name.len)
			return end;
		char c = at[name.len];
		if (str_eq_nocase((struct str){at, name.len}, name) &&
			(is_blank(c) || c == '/' || c == '>'))
			return behind(at, end, '>');
	}
}

static const char *
skip_blanks(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

/* One attribute's value; `at` stands behind the '='. NULL when its quote never ends. */
static const char *
read_value(const char *at, const char *end, struct str *value)
{
	at = skip_blanks(at, end);
	if (at < end && (*at == '"' || *at == '\'')) {
		const char *close = memchr(at + 1, *at, (size_t)(end - at - 1));
		if (!close)
			return NULL;
		*value = (struct str){at + 1, (size_t)(close - at - 1)};
		return close + 1;
	}
	const char *start = at;
	while (at < end && !is_blank(*at) && *at != '>')
		at++;
	*value = (struct str){start, (size_t)(at - start)};
	return at;
}

static void
keep_attribute(struct html_token *token, struct str name, struct str value)
{
	struct str *slot = NULL;

	if (token->tag != HTML_A && token->tag != HTML_SPAN)
		return;
	if (name.len == 5 &&
		(memcmp(name.ptr, "class", 5) == 0 || str_eq_nocase(name, STR("class"))))
		slot = &token->class;
	else if (name.len == 4 && str_eq_nocase(name, STR("href")))
		slot = &token->href;
	else if (name.len == 3 && str_eq_nocase(name, STR("rel")))
		slot = &token->rel;
	if (slot && !slot->ptr) /* the first of a name counts */
		*slot = value;
}

/* Bytes of an attribute's name with =" behind it, for names that servers write on links; 0 for others. There are 16 bytes. */
static size_t
common_name(const char *at)
{
	switch (*at) {
	case 'c':
		return memcmp(at, "class=\"", 7) == 0 ? 7 : 0;
	case 'h':
		return memcmp(at, "href=\"", 6) == 0 ? 6 : 0;
	case 'r':
		return memcmp(at, "rel=\"", 5) == 0 ? 5 : 0;
	case 't':
		return memcmp(at, "target=\"", 8) == 0       ? 8
		       : memcmp(at, "translate=\"", 11) == 0 ? 11
							     : 0;
	default:
		return 0;
	}
}

/* One attribute; `at` stands on its name. NULL when the input ends inside it. */
static const char *
read_attribute(const char *at, const char *end, struct html_token *token)
{
	size_t common = end - at >= 16 ? common_name(at) : 0;
	struct str name = {at, common - 2}, value = STR("");

	if (common > 0) {
		const char *close = memchr(at + common, '"', (size_t)(end - at) - common);
		if (!close)
			return NULL;
		value = (struct str){at + common, (size_t)(close - at) - common};
		keep_attribute(token, name, value);
		return close + 1;
	}
	at++; /* a name may start with '=' */
	while (at < end && !is_blank(*at) && *at != '/' && *at != '>' && *at != '=')
		at++;
	name.len = (size_t)(at - name.ptr);
	at = skip_blanks(at, end);
	if (at < end && *at == '=' && !(at = read_value(at + 1, end, &value)))
		return NULL;
	keep_attribute(token, name, value);
	return at;
}

/* Reads attributes up to and with '>'. NULL when the input ends inside the tag. */
static const char *
read_attributes(const char *at, const char *end, struct html_token *token)
{
	while (at) {
		while (at < end && (is_blank(*at) || *at == '/'))
			at++;
		if (at == end)
			return NULL;
		if (*at == '>')
			return at + 1;
		at = read_attribute(at, end, token);
	}
	return NULL;
}

/* Reads a tag; html->at stands on its '<'. A tag that never ends takes the rest with it, as in browsers. */
static void
read_tag(struct html *html, struct html_token *token)
{
	const char *at = html->at + 1;

	*token = (struct html_token){.type = HTML_START_TAG};
	if (*at == '/') {
		token->type = HTML_END_TAG;
		at++;
	}
	const char *start = at;
	while (at < html->end && !is_blank(*at) && *at != '/' && *at != '>')
		at++;
	token->name = (struct str){start, (size_t)(at - start)};
	token->tag = tag_of(token->name);
	at = read_attributes(at, html->end, token);
	if (!at) {
		html->at = html->end;
		*token = (struct html_token){.type = HTML_END};
		return;
	}
	html->at = at;
	if (token->tag == HTML_RAW && token->type == HTML_START_TAG)
		html->at = behind_raw(at, html->end, token->name);
}

enum markup { MARKUP_NONE, MARKUP_TAG, MARKUP_COMMENT, MARKUP_BOGUS };

/* What the '<' at `at` begins. */
static enum markup
markup_at(const char *at, const char *end)
{
	size_t left = (size_t)(end - at);

	if (left < 2)
		return MARKUP_NONE;
	if (is_alpha(at[1]))
		return MARKUP_TAG;
	if (at[1] == '/' && left > 2)
		return is_alpha(at[2]) ? MARKUP_TAG : MARKUP_BOGUS;
	if (at[1] == '!')
		return left >= 4 && at[2] == '-' && at[3] == '-' ? MARKUP_COMMENT : MARKUP_BOGUS;
	return at[1] == '?' ? MARKUP_BOGUS : MARKUP_NONE;
}

void
html_next(struct html *html, struct html_token *token)
{
	while (html->at < html->end) {
		const char *start = html->at, *at = start;
		enum markup markup = MARKUP_NONE;
		for (;;) {
			at = memchr(at, '<', (size_t)(html->end - at));
			if (!at || (markup = markup_at(at, html->end)) != MARKUP_NONE)
				break;
			at++;
		}
		if (at != start) {
			html->at = at ? at : html->end;
			*token = (struct html_token){
				.type = HTML_TEXT, .text = {start, (size_t)(html->at - start)}};
			return;
		}
		if (markup == MARKUP_TAG) {
			read_tag(html, token);
			return;
		}
		html->at = markup == MARKUP_COMMENT ? behind_comment(at + 4, html->end)
						    : behind(at + 2, html->end, '>');
	}
	*token = (struct html_token){.type = HTML_END};
}

static size_t
put_utf8(uint32_t c, char value[ENTITY_VALUE_LEN + 1])
{
	if (c < 0x80) {
		value[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		value[0] = (char)(0xc0 | c >> 6);
		value[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		value[0] = (char)(0xe0 | c >> 12);
		value[1] = (char)(0x80 | (c >> 6 & 0x3f));
		value[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	value[0] = (char)(0xf0 | c >> 18);
	value[1] = (char)(0x80 | (c >> 12 & 0x3f));
	value[2] = (char)(0x80 | (c >> 6 & 0x3f));
	value[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* What a number stands for; 0x80 to 0x9f are read as windows-1252, as browsers do. */
static uint32_t
numbered(uint32_t c)
{
	static const uint16_t windows_1252[32] = {0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026,
		0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f, 0x90,
		0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161,
		0x203a, 0x0153, 0x9d, 0x017e, 0x0178};

	if (c >= 0x80 && c < 0xa0)
		return windows_1252[c - 0x80];
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0xfffd;
	return c;
}

static int
digit_value(char c, bool hex)
{
	if (is_digit(c))
		return c - '0';
	if (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* "&#118;" or "&#x76;" */
static size_t
numeric_reference(struct str s, char value[ENTITY_VALUE_LEN + 1], size_t *value_len)
{
	bool hex = s.len > 2 && (s.ptr[2] | 0x20) == 'x';
	size_t start = hex ? 3 : 2, i = start;
	uint32_t c = 0;

	for (; i < s.len; i++) {
		int digit = digit_value(s.ptr[i], hex);
		if (digit < 0)
			break;
		if (c <= 0x10ffff) /* past that any more digits change nothing */
			c = c * (hex ? 16 : 10) + (uint32_t)digit;
	}
	if (i == start)
		return 0;
	*value_len = put_utf8(numbered(c), value);
	return i < s.len && s.ptr[i] == ';' ? i + 1 : i;
}

size_t
html_reference(struct str s, bool attribute, char value[ENTITY_VALUE_LEN + 1], size_t *value_len)
{
	size_t len = 0;
	const char *found = NULL;

	if (s.len > 1 && s.ptr[1] == '#')
		return numeric_reference(s, value, value_len);
	struct str name = {s.ptr + 1, 0};
	while (1 + name.len < s.len && name.len <= ENTITY_NAME_LEN &&
		(is_alpha(name.ptr[name.len]) || is_digit(name.ptr[name.len])))
		name.len++;
	if (1 + name.len < s.len && name.ptr[name.len] == ';' && (found = entity_find(name, true)))
		len = 1 + name.len + 1;
	/* "&ampx" is "&x" in text; in an attribute it is an address like "?a=1&amp=2" */
	size_t all = name.len;
	if (name.len > ENTITY_BARE_LEN)
		name.len = ENTITY_BARE_LEN;
	for (; !found && name.len >= 2; name.len--) {
		found = entity_find(name, false);
		len = 1 + name.len;
		if (found && attribute && (name.len < all || (len < s.len && s.ptr[len] == '=')))
			return 0;
	}
	if (!found)
		return 0;
	*value_len = strlen(found);
	memcpy(value, found, *value_len + 1);
	return len;
}

bool
html_has_word(struct str list, const char *word)
{
	const char *at = list.ptr, *end = list.ptr ? list.ptr + list.len : NULL;

	while (list.ptr && (at = skip_blanks(at, end)) < end) {
		const char *start = at;
		while (at < end && !is_blank(*at))
			at++;
		if (str_eq_text((struct str){start, (size_t)(at - start)}, word))
			return true;
	}
	return false;
}
