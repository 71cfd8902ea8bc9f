/* SPDX-License-Identifier: MIT */
/* When a plugin's handlers have changed: which of the new ones take what waits for the old ones. Knows keys only. */
#include "heirs.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

static struct str
behind_first(struct str text)
{
	return (struct str){text.ptr + 1, text.len - 1};
}

bool
key_list_has(const struct key_list *keys, struct str key)
{
	for (unsigned i = 0; i < keys->count; i++) {
		if (str_eq_text(key, keys->list[i]))
			return true;
	}
	return false;
}

struct key_list
key_list_split(char *text)
{
	struct key_list keys = {0};
	while (text && *text) {
		char *end = strchr(text, '\n');
		keys.list = xreallocarray(keys.list, keys.count + 1, sizeof(keys.list[0]));
		keys.list[keys.count++] = text;
		if (!end)
			break;
		*end = '\0';
		text = end + 1;
	}
	return keys;
}

/* How many of `keys` are not in `others`; with `key` only those before it. */
static unsigned
count_missing(const struct key_list *keys, const struct key_list *others, const struct str *key)
{
	unsigned count = 0;
	for (unsigned i = 0; i < keys->count; i++) {
		if (key && str_eq_text(*key, keys->list[i]))
			break;
		count += !key_list_has(others, str_from(keys->list[i]));
	}
	return count;
}

static void
add_once(struct buf *out, const char *key)
{
	struct str rest = behind_first(buf_str(out)), line;
	while (rest.ptr) {
		rest = str_split(rest, '\n', &line);
		if (str_eq_text(line, key))
			return;
	}
	if (out->len > 1)
		buf_add_char(out, '\n');
	buf_add_text(out, key);
}

/* The heirs of one handler that is gone. */
static void
add_heirs(const struct key_list *before, const struct key_list *after, struct str key,
	struct buf *out)
{
	unsigned nth = count_missing(before, after, &key), fresh = 0;
	bool paired = key_list_has(before, key) &&
		      count_missing(before, after, NULL) == count_missing(after, before, NULL);
	for (unsigned i = 0; i < after->count; i++) {
		if (key_list_has(before, str_from(after->list[i])))
			continue;
		if (!paired || fresh == nth)
			add_once(out, after->list[i]);
		fresh++;
	}
}

void
heirs_map(const struct key_list *before, const struct key_list *after, struct str key,
	struct buf *out)
{
	bool is_list = key.len > 0 && key.ptr[0] == '?';
	if (!is_list && key_list_has(after, key)) {
		buf_add_str(out, key);
		return;
	}
	buf_add_char(out, '?');
	struct str rest = is_list ? behind_first(key) : key, line;
	while (rest.ptr) {
		rest = str_split(rest, '\n', &line);
		char *text = str_dup(line);
		if (key_list_has(after, line))
			add_once(out, text);
		else if (line.len > 0)
			add_heirs(before, after, line, out);
		free(text);
	}
}
