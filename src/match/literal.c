/* SPDX-License-Identifier: MIT */
/* Reads PCRE2 syntax as far as it has to: a set of strings for each part, joined, or the best of them kept. */
#include "literal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "casefold.h"
#include "limits.h"
#include "pattern.h"
#include "xmalloc.h"

/* State of one analysis. Once `lost` is set nothing that was found counts. */
struct reader {
	const char *at, *end;
	bool lost;
	bool quoted;     /* inside \Q...\E */
	bool ascii_only; /* nobody knows how this PCRE2 folds anything else */
	unsigned depth;
};

/* What is known of one part of a pattern. */
struct part {
	bool exact; /* `set` is all that the part can match */
	struct literals
		set; /* else: one of it is in the text when the part matched; empty: nothing is known */
};

/* The parts of a sequence, joined so far. */
struct sequence {
	struct literals run; /* all that the parts since the last one that is not exact can match */
	struct literals best;
	bool cut; /* a part was not exact, or too long to be joined */
};

static struct part read_alternatives(struct reader *reader);

static struct part
unknown(void)
{
	return (struct part){.exact = false};
}

static struct part
lost(struct reader *reader)
{
	reader->lost = true;
	return unknown();
}

/* What matches no character at all. */
static struct part
nothing(void)
{
	struct part part = {.exact = true};

	literals_add(&part.set, STR(""));
	return part;
}

static void
add_char(struct reader *reader, struct part *part, uint32_t c)
{
	char bytes[4];

	if (c >= 0x80 && reader->ascii_only) {
		part->exact = false;
		return;
	}
	literals_add(&part->set, (struct str){bytes, casefold_put(casefold_char(c), bytes)});
}

static struct part
one_char(struct reader *reader, uint32_t c)
{
	struct part part = {.exact = true};

	add_char(reader, &part, c);
	return part;
}

static bool
looking_at(const struct reader *reader, const char *text)
{
	return str_starts((struct str){reader->at, (size_t)(reader->end - reader->at)}, text);
}

static bool
take(struct reader *reader, const char *text)
{
	if (!looking_at(reader, text))
		return false;
	reader->at += strlen(text);
	return true;
}

static uint32_t
take_char(struct reader *reader)
{
	uint32_t c = 0;
	size_t len =
		str_utf8_next((struct str){reader->at, (size_t)(reader->end - reader->at)}, &c);

	if (len == 0) { /* nothing that PCRE2 would have taken */
		reader->lost = true;
		len = reader->at < reader->end ? 1 : 0;
	}
	reader->at += len;
	return c;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind "\x": two digits at most, or any number in braces. */
static struct part
read_hex(struct reader *reader)
{
	bool braces = take(reader, "{");
	uint32_t c = 0;
	int digits = 0;

	while (reader->at < reader->end && (braces || digits < 2) && c < 0x110000 &&
		hex_digit(*reader->at) >= 0) {
		c = c << 4 | (uint32_t)hex_digit(*reader->at++);
		digits++;
	}
	if (digits == 0 || (braces && !take(reader, "}")) || c >= 0x110000)
		return lost(reader);
	return one_char(reader, c);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter_or_digit(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* \n, \t, ... as characters; 0: no such escape. */
static uint32_t
control_escape(char c)
{
	static const char names[] = "aefnrt", values[] = "\a\x1b\f\n\r\t";
	const char *found = c ? strchr(names, c) : NULL;

	return found ? (unsigned char)values[found - names] : 0;
}

/* \pL, \p{...}: read past what names the property. */
static struct part
read_property(struct reader *reader)
{
	if (!take(reader, "{")) {
		(void)take_char(reader);
		return unknown();
	}
	const char *end = memchr(reader->at, '}', (size_t)(reader->end - reader->at));
	if (!end)
		return lost(reader);
	reader->at = end + 1;
	return unknown();
}

/* Behind a backslash, outside of classes. */
static struct part
read_escape(struct reader *reader)
{
	if (reader->at == reader->end)
		return lost(reader);
	char c = *reader->at++;
	if ((unsigned char)c >= 0x80)
		return lost(reader);
	if (!is_letter_or_digit(c))
		return one_char(reader, (unsigned char)c);
	if (control_escape(c))
		return one_char(reader, control_escape(c));
	if (c == 'x')
		return read_hex(reader);
	if (c == 'p' || c == 'P')
		return read_property(reader);
	if (strchr("AzZbBGK", c))
		return nothing();
	if (strchr("dDwWsShHvVRX", c) || (c == 'N' && !looking_at(reader, "{")))
		return unknown();
	/* \1 is a copy of a group; with more digits it may be a character's number */
	if (c >= '1' && c <= '9' && (reader->at == reader->end || !is_digit(*reader->at)))
		return unknown();
	return lost(reader);
}

/* What stands in a class, one at a time. False: at its end, or lost. */
static bool
read_class_item(struct reader *reader, struct part *part, bool first)
{
	char c = reader->at < reader->end ? *reader->at : '\0';

	if (reader->at == reader->end || looking_at(reader, "[:") || looking_at(reader, "[.") ||
		looking_at(reader, "[=")) {
		reader->lost = true;
		return false;
	}
	if (c == ']' && !first) {
		reader->at++;
		return false;
	}
	if (c == '-' && !first && !looking_at(reader, "-]"))
		part->exact = false; /* a range */
	if (c != '\\') {
		add_char(reader, part, take_char(reader));
		return true;
	}
	c = ++reader->at < reader->end ? *reader->at : '\0';
	if (c == 'c' || c == 'Q' || c == 'E' || (unsigned char)c >= 0x80 ||
		reader->at == reader->end) {
		reader->lost = true;
		return false;
	}
	reader->at++;
	if (is_letter_or_digit(c))
		part->exact = false;
	else
		add_char(reader, part, (unsigned char)c);
	return true;
}

/* Behind '['. */
static struct part
read_class(struct reader *reader)
{
	struct part part = {.exact = !take(reader, "^")};
	bool first = true;

	while (read_class_item(reader, &part, first))
		first = false;
	if (part.exact && !reader->lost && part.set.count <= LITERAL_CLASS_MAX)
		return part;
	literals_finish(&part.set);
	return unknown();
}

/* Letters between "(?" and ")" or ":". Case does not matter here, (?x) changes how everything is read. */
static bool
skip_options(struct reader *reader)
{
	const char *start = reader->at;

	while (reader->at < reader->end && strchr("imsnJU-^", *reader->at) && *reader->at)
		reader->at++;
	return reader->at > start;
}

/* Behind "(?<", "(?'" or "(?P<": past the name. */
static bool
skip_name(struct reader *reader, const char *closing)
{
	const char *start = reader->at;

	while (reader->at < reader->end && (is_letter_or_digit(*reader->at) || *reader->at == '_' ||
						   (unsigned char)*reader->at >= 0x80))
		reader->at++;
	return reader->at > start && take(reader, closing);
}

enum group { GROUP_PLAIN, GROUP_LOOK /* ahead or behind */, GROUP_NOT, GROUP_OPTIONS, GROUP_LOST };

/* Behind '(': past what says of which kind the group is. */
static enum group
group_kind(struct reader *reader)
{
	if (looking_at(reader, "*"))
		return GROUP_LOST;
	if (!take(reader, "?"))
		return GROUP_PLAIN;
	if (take(reader, ":") || take(reader, "|") || take(reader, ">"))
		return GROUP_PLAIN;
	if (take(reader, "=") || take(reader, "<="))
		return GROUP_LOOK;
	if (take(reader, "!") || take(reader, "<!"))
		return GROUP_NOT;
	if (take(reader, "P<") || take(reader, "<"))
		return skip_name(reader, ">") ? GROUP_PLAIN : GROUP_LOST;
	if (take(reader, "'"))
		return skip_name(reader, "'") ? GROUP_PLAIN : GROUP_LOST;
	if (!skip_options(reader))
		return GROUP_LOST;
	return take(reader, ":") ? GROUP_PLAIN : take(reader, ")") ? GROUP_OPTIONS : GROUP_LOST;
}

/* Behind '('. */
static struct part
read_group(struct reader *reader)
{
	enum group kind = group_kind(reader);

	if (kind == GROUP_LOST || reader->depth == LITERAL_DEPTH_MAX)
		return lost(reader);
	if (kind == GROUP_OPTIONS)
		return nothing();
	reader->depth++;
	struct part part = read_alternatives(reader);
	reader->depth--;
	if (!take(reader, ")"))
		reader->lost = true;
	if (kind == GROUP_PLAIN)
		return part;
	/* What is looked at stands in the text, but neither before nor behind what comes next. */
	if (kind == GROUP_LOOK) {
		part.exact = false;
		return part;
	}
	literals_finish(&part.set);
	return nothing();
}

/* One part without what repeats it. */
static struct part
read_atom(struct reader *reader)
{
	if (reader->quoted)
		return one_char(reader, take_char(reader));
	switch (*reader->at) {
	case '\\':
		reader->at++;
		return read_escape(reader);
	case '[':
		reader->at++;
		return read_class(reader);
	case '(':
		reader->at++;
		return read_group(reader);
	case '.':
		reader->at++;
		return unknown();
	case '^':
	case '$':
		reader->at++;
		return nothing();
	case '*':
	case '+':
	case '?':
	case '{': /* what newer versions of PCRE2 take for a repeat is not the same */
		return lost(reader);
	default:
		return one_char(reader, take_char(reader));
	}
}

static bool
take_number(struct reader *reader, unsigned *out)
{
	const char *start = reader->at;

	for (*out = 0; reader->at < reader->end && is_digit(*reader->at) && *out < 100000;
		reader->at++)
		*out = *out * 10 + (unsigned)(*reader->at - '0');
	return reader->at > start;
}

struct repeat {
	unsigned min, max; /* UINT_MAX: any number */
};

/* What repeats the part that was just read; once when nothing does. */
static struct repeat
read_repeat(struct reader *reader)
{
	struct repeat repeat = {1, 1};

	if (reader->at == reader->end || !strchr("*+?{", *reader->at) || !*reader->at)
		return repeat;
	if (take(reader, "*")) {
		repeat = (struct repeat){0, UINT_MAX};
	} else if (take(reader, "+")) {
		repeat = (struct repeat){1, UINT_MAX};
	} else if (take(reader, "?")) {
		repeat = (struct repeat){0, 1};
	} else {
		reader->at++;
		reader->lost = reader->lost || !take_number(reader, &repeat.min);
		repeat.max = repeat.min;
		if (take(reader, ",") && !take_number(reader, &repeat.max))
			repeat.max = UINT_MAX;
		reader->lost = reader->lost || !take(reader, "}");
	}
	if (!take(reader, "?"))
		(void)take(reader, "+");
	return repeat;
}

/* Keeps `set` when it is better than what there was. Takes set. */
static void
consider(struct sequence *sequence, struct literals *set)
{
	if (literals_worth(set) > literals_worth(&sequence->best)) {
		literals_finish(&sequence->best);
		sequence->best = *set;
		*set = (struct literals){0};
	}
	literals_finish(set);
}

/* Appends a part to the sequence. Takes part. */
static void
join(struct sequence *sequence, struct part part)
{
	if (part.exact && literals_join(&sequence->run, &part.set)) {
		literals_finish(&part.set);
		return;
	}
	sequence->cut = true;
	consider(sequence, &sequence->run);
	if (part.exact) {
		sequence->run = part.set;
		return;
	}
	consider(sequence, &part.set);
	literals_add(&sequence->run, STR(""));
}

/* Appends a part as it is repeated. Takes part. */
static void
join_repeated(struct sequence *sequence, struct part part, struct repeat repeat)
{
	struct literals last = {0};

	if (repeat.min == 0 && repeat.max == 1 && part.exact) {
		literals_add(&part.set, STR(""));
	} else if (repeat.min == 0) {
		part.exact = false;
		literals_finish(&part.set);
	} else if (repeat.max > 1 && part.exact) {
		/* its first copy follows what came before, its last one comes before what follows */
		for (size_t i = 0; i < part.set.count; i++)
			literals_add(&last, part.set.list[i]);
		join(sequence, part);
		sequence->cut = true;
		consider(sequence, &sequence->run);
		sequence->run = last;
		return;
	}
	join(sequence, part);
}

/* \Q, \E; true when there was one. */
static bool
read_quote(struct reader *reader)
{
	bool was = reader->quoted;

	if (take(reader, "\\E"))
		reader->quoted = false;
	else if (!was && take(reader, "\\Q"))
		reader->quoted = true;
	else
		return false;
	return true;
}

static struct part
read_sequence(struct reader *reader)
{
	struct sequence sequence = {.cut = false};

	literals_add(&sequence.run, STR(""));
	while (reader->at < reader->end && !reader->lost) {
		if (read_quote(reader))
			continue;
		if (!reader->quoted && (*reader->at == '|' || *reader->at == ')'))
			break;
		struct part part = read_atom(reader);
		while (read_quote(reader) && !reader->quoted) {
			/* \E may stand between a part and what repeats it */
		}
		struct repeat repeat = {1, 1};
		if (!reader->quoted)
			repeat = read_repeat(reader);
		join_repeated(&sequence, part, repeat);
	}
	if (!sequence.cut) {
		literals_finish(&sequence.best);
		return (struct part){.exact = true, .set = sequence.run};
	}
	consider(&sequence, &sequence.run);
	return (struct part){.exact = false, .set = sequence.best};
}

/* One of both. Takes both. */
static struct part
either(struct part a, struct part b)
{
	bool exact = a.exact && b.exact, known = a.set.count > 0 && b.set.count > 0;

	if (known && literals_unite(&a.set, &b.set)) {
		literals_finish(&b.set);
		a.exact = exact;
		return a;
	}
	literals_finish(&a.set);
	literals_finish(&b.set);
	return unknown();
}

static struct part
read_alternatives(struct reader *reader)
{
	struct part part = read_sequence(reader);

	while (!reader->lost && take(reader, "|"))
		part = either(part, read_sequence(reader));
	return part;
}

/* The whole of a text that is no expression. */
static bool
literal_of_text(struct str text, bool ascii_only, struct literals *set)
{
	char bytes[LITERAL_LEN_MAX];

	if (!str_is_utf8(text))
		return false;
	text = str_clip(text, sizeof(bytes));
	for (size_t i = 0; i < text.len && ascii_only; i++) {
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	}
	literals_add(set, (struct str){bytes, casefold_text(text, bytes)});
	return true;
}

bool
literals_of_pattern(struct str text, int flags, struct literals *out)
{
	struct reader reader = {
		.at = text.ptr,
		.end = text.ptr + text.len,
		.ascii_only = pattern_unicode() > casefold_unicode(),
	};
	bool known;

	*out = (struct literals){0};
	if (!text.ptr || (flags & PATTERN_EXTENDED))
		return false;
	if (flags & PATTERN_LITERAL) {
		known = literal_of_text(text, reader.ascii_only, out);
	} else {
		struct part part = read_alternatives(&reader);
		*out = part.set;
		known = !reader.lost && reader.at == reader.end;
	}
	if (known && literals_worth(out) > 0)
		return true;
	literals_finish(out);
	return false;
}
