/* SPDX-License-Identifier: MIT */
/* Collects literals view by view, compiles them, and notes which terms were seen in the texts of an event. */
#include "scan.h"

#include <stdlib.h>
#include <string.h>

#include "casefold.h"
#include "limits.h"
#include "scan_engine.h"
#include "xmalloc.h"

/* A buffer that grew beyond this is given back after its event. */
#define KEPT_SIZE (64u << 10)

/* One literal of one term, as it was added. */
struct wanted {
	struct str literal; /* folded unless SCAN_EXACT; owned until the set has it */
	unsigned term;
	unsigned char view, flags;
};

struct scan_source {
	struct wanted *list;
	size_t count, size;
	unsigned term_count;
};

/* Who wants a literal. */
struct use {
	unsigned term;
	unsigned char flags;
};

/* What is looked for in one view. */
struct table {
	struct str *literals; /* each once; owned, and so are their texts */
	uint32_t *firsts;     /* count + 1: the uses of literal i begin at firsts[i] */
	struct use *uses;
	size_t count;
	bool exact;          /* texts are looked through as they are */
	struct plain *plain; /* one of these, NULL both when count is 0 */
	struct vectorscan *vectorscan;
};

struct scan_set {
	struct table tables[VIEW_COUNT];
	unsigned term_count;
	size_t literal_count;
	bool cached, plain;
};

struct scan {
	const struct scan_set *set;
	uint64_t *bits; /* one a term */
	unsigned *seen; /* the terms whose bits are set */
	size_t seen_count;
	uint64_t scanned; /* views, one bit each */
	char *folded;
	size_t folded_size;
	struct vectorscan_scratch *scratch;
	/* of the text that is looked through now */
	const struct table *table;
	struct str text;
};

struct scan_source *
scan_source_create(void)
{
	return xcalloc(1, sizeof(struct scan_source));
}

void
scan_source_destroy(struct scan_source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->count; i++)
		free((char *)(uintptr_t)source->list[i].literal.ptr);
	free(source->list);
	free(source);
}

struct scan_term
scan_source_term(struct scan_source *source, enum view view)
{
	return (struct scan_term){source->term_count++, view};
}

size_t
scan_source_count(const struct scan_source *source)
{
	return source->count;
}

void
scan_source_add(struct scan_source *source, struct scan_term term, struct str literal, int flags)
{
	char folded[LITERAL_LEN_MAX];
	struct str head = str_clip(literal, sizeof(folded));

	if (head.len < literal.len)
		flags &= ~SCAN_ENDS_WORD;
	if (!(flags & SCAN_EXACT))
		head = (struct str){folded, casefold_text(head, folded)};
	if (source->count == source->size) {
		source->size = source->size ? 2 * source->size : 64;
		source->list = xreallocarray(source->list, source->size, sizeof(*source->list));
	}
	source->list[source->count++] = (struct wanted){
		.literal = {xmemdup0(head.ptr, head.len), head.len},
		.term = term.number,
		.view = (unsigned char)term.view,
		.flags = (unsigned char)flags,
	};
}

/* A view with a literal whose case does not matter is looked through case-folded, for all of its literals: what stands in
 * the text as it is stands in both when both are folded. */
static void
fold_exact(struct scan_source *source, struct scan_set *set)
{
	bool folded[VIEW_COUNT] = {false};

	for (size_t i = 0; i < source->count; i++)
		folded[source->list[i].view] |= !(source->list[i].flags & SCAN_EXACT);
	for (size_t i = 0; i < source->count; i++) {
		struct wanted *wanted = &source->list[i];
		char *text = (char *)(uintptr_t)wanted->literal.ptr;
		if (folded[wanted->view] && (wanted->flags & SCAN_EXACT))
			wanted->literal.len = casefold_text(wanted->literal, text);
	}
	for (size_t i = 0; i < VIEW_COUNT; i++)
		set->tables[i].exact = !folded[i];
}

/* By view, then literal, then term. */
static int
compare_wanted(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	size_t len = x->literal.len < y->literal.len ? x->literal.len : y->literal.len;

	if (x->view != y->view)
		return x->view < y->view ? -1 : 1;
	int order = memcmp(x->literal.ptr, y->literal.ptr, len);
	if (order == 0 && x->literal.len != y->literal.len)
		order = x->literal.len < y->literal.len ? -1 : 1;
	if (order == 0 && x->term != y->term)
		order = x->term < y->term ? -1 : 1;
	return order;
}

/* The literals of one view, of which list[0..count) is all. Takes their texts. */
static void
fill_table(struct table *table, struct wanted *list, size_t count)
{
	table->literals = xreallocarray(NULL, count, sizeof(*table->literals));
	table->firsts = xreallocarray(NULL, count + 1, sizeof(*table->firsts));
	table->uses = xreallocarray(NULL, count, sizeof(*table->uses));
	for (size_t i = 0; i < count; i++) {
		if (table->count > 0 &&
			str_eq(table->literals[table->count - 1], list[i].literal)) {
			free((char *)(uintptr_t)list[i].literal.ptr);
		} else {
			table->firsts[table->count] = (uint32_t)i;
			table->literals[table->count++] = list[i].literal;
		}
		list[i].literal = STR_NONE;
		table->uses[i] = (struct use){list[i].term, list[i].flags};
	}
	table->firsts[table->count] = (uint32_t)count;
}

static void
compile_table(struct scan_set *set, struct table *table, const struct scan_options *options)
{
	bool cached = false;

#ifdef HAVE_VECTORSCAN
	if (!options->plain)
		table->vectorscan = vectorscan_create(
			table->literals, table->count, options->cache_folder, &cached);
#else
	(void)options;
#endif
	if (!table->vectorscan) {
		table->plain = plain_create(table->literals, table->count);
		set->plain = true;
	}
	set->cached = set->cached && cached;
}

struct scan_set *
scan_set_create(struct scan_source *source, const struct scan_options *options)
{
	static const struct scan_options no_options = {0};
	struct scan_set *set = xcalloc(1, sizeof(*set));
	size_t start = 0;

	set->term_count = source->term_count;
	set->cached = source->count > 0;
	fold_exact(source, set);
	if (source->count > 0)
		qsort(source->list, source->count, sizeof(*source->list), compare_wanted);
	while (start < source->count) {
		size_t end = start;
		while (end < source->count && source->list[end].view == source->list[start].view)
			end++;
		struct table *table = &set->tables[source->list[start].view];
		fill_table(table, source->list + start, end - start);
		compile_table(set, table, options ? options : &no_options);
		set->literal_count += table->count;
		start = end;
	}
	scan_source_destroy(source);
	return set;
}

void
scan_set_destroy(struct scan_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < VIEW_COUNT; i++) {
		struct table *table = &set->tables[i];
		plain_destroy(table->plain);
#ifdef HAVE_VECTORSCAN
		vectorscan_destroy(table->vectorscan);
#endif
		for (size_t n = 0; n < table->count; n++)
			free((char *)(uintptr_t)table->literals[n].ptr);
		free(table->literals);
		free(table->firsts);
		free(table->uses);
	}
	free(set);
}

size_t
scan_set_literals(const struct scan_set *set)
{
	return set->literal_count;
}

bool
scan_set_cached(const struct scan_set *set)
{
	return set->cached;
}

const char *
scan_set_engine(const struct scan_set *set)
{
#ifdef HAVE_VECTORSCAN
	if (!set->plain)
		return vectorscan_name();
#else
	(void)set;
#endif
	return "plain";
}

struct scan *
scan_create(const struct scan_set *set)
{
	struct scan *scan = xcalloc(1, sizeof(*scan));

	scan->set = set;
	scan->bits = xcalloc(set->term_count / 64 + 1, sizeof(*scan->bits));
	scan->seen = xcalloc(set->term_count + 1, sizeof(*scan->seen));
#ifdef HAVE_VECTORSCAN
	for (size_t i = 0; i < VIEW_COUNT; i++) {
		const struct vectorscan *vectorscan = set->tables[i].vectorscan;
		if (vectorscan && !vectorscan_scratch_add(vectorscan, &scan->scratch)) {
			scan_destroy(scan);
			return NULL;
		}
	}
#endif
	return scan;
}

void
scan_destroy(struct scan *scan)
{
	if (!scan)
		return;
#ifdef HAVE_VECTORSCAN
	vectorscan_scratch_destroy(scan->scratch);
#endif
	free(scan->bits);
	free(scan->seen);
	free(scan->folded);
	free(scan);
}

void
scan_begin(struct scan *scan)
{
	for (size_t i = 0; i < scan->seen_count; i++)
		scan->bits[scan->seen[i] / 64] = 0;
	scan->seen_count = 0;
	scan->scanned = 0;
	if (scan->folded_size > KEPT_SIZE) {
		free(scan->folded);
		scan->folded = NULL;
		scan->folded_size = 0;
	}
}

static bool
in_word(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The text as the table's literals are; in the scan's memory, or where it was. */
static struct str
fold_case(struct scan *scan, const struct table *table, struct str text)
{
	if (table->exact)
		return text;
	if (text.len > scan->folded_size) {
		free(scan->folded);
		scan->folded_size = text.len < 4096 ? 4096 : text.len;
		scan->folded = xmalloc(scan->folded_size);
	}
	return (struct str){scan->folded, casefold_text(text, scan->folded)};
}

static void
on_hit(void *data, unsigned number, size_t end)
{
	struct scan *scan = data;
	const struct table *table = scan->table;
	size_t start = end - table->literals[number].len;
	int broken = 0; /* SCAN_ flags that do not hold here */

	if (start > 0 && in_word(scan->text.ptr[start - 1]))
		broken |= SCAN_STARTS_WORD;
	if (end < scan->text.len && in_word(scan->text.ptr[end]))
		broken |= SCAN_ENDS_WORD;
	for (uint32_t i = table->firsts[number]; i < table->firsts[number + 1]; i++) {
		unsigned term = table->uses[i].term;
		uint64_t bit = UINT64_C(1) << term % 64;
		if ((table->uses[i].flags & broken) || (scan->bits[term / 64] & bit))
			continue;
		scan->bits[term / 64] |= bit;
		scan->seen[scan->seen_count++] = term;
	}
}

void
scan_text(struct scan *scan, enum view view, struct str text)
{
	const struct table *table = &scan->set->tables[view];

	if (scan->scanned >> view & 1)
		return;
	scan->scanned |= UINT64_C(1) << view;
	if (table->count == 0 || text.len == 0)
		return;
	scan->text = fold_case(scan, table, text);
	scan->table = table;
	if (table->plain)
		plain_run(table->plain, scan->text, on_hit, scan);
#ifdef HAVE_VECTORSCAN
	else
		vectorscan_run(table->vectorscan, scan->scratch, scan->text, on_hit, scan);
#endif
}

bool
scan_may_have(const struct scan *scan, struct scan_term term)
{
	return !(scan->scanned >> term.view & 1) ||
	       (scan->bits[term.number / 64] >> term.number % 64 & 1);
}

const unsigned *
scan_seen(const struct scan *scan, size_t *count)
{
	*count = scan->seen_count;
	return scan->seen;
}
