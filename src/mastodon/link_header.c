/* SPDX-License-Identifier: MIT */
/* Reading a Link header: addresses in angle brackets, each with its relation behind it. */
#include "link_header.h"

#include <string.h>

#include "url.h"

/* The next address of the header and what is said about it. False: there are no more. */
static bool
next_link(struct str *rest, struct str *address, struct str *about)
{
	struct str before;
	struct str behind = str_split(*rest, '<', &before);
	if (behind.ptr == NULL) {
		return false;
	}
	*rest = str_split(behind, '>', address);
	(void)str_split(*rest, '<', about);
	return rest->ptr != NULL;
}

/* rel="next", rel=next; more parameters may stand around it. */
static bool
has_relation(struct str about, const char *rel)
{
	struct str part, name;
	(void)str_split(about, ',', &about);
	while (about.len > 0) {
		about = str_split(about, ';', &part);
		struct str value = str_trim(str_split(str_trim(part), '=', &name));
		if (value.len >= 2 && value.ptr[0] == '"') {
			value = (struct str){value.ptr + 1, value.len - 2};
		}
		if (str_eq_nocase(name, STR("rel")) && str_eq_nocase(value, str_from(rel))) {
			return true;
		}
	}
	return false;
}

bool
link_header_value(const char *header, const char *rel, const char *name, struct buf *out)
{
	struct str rest = str_from(header), address, about, part, key;
	while (next_link(&rest, &address, &about)) {
		if (!has_relation(about, rel)) {
			continue;
		}
		struct str query = str_split(address, '?', &part);
		while (query.len > 0) {
			query = str_split(query, '&', &part);
			struct str value = str_split(part, '=', &key);
			if (value.len > 0 && str_eq_text(key, name)) {
				return url_decode(value, true, out);
			}
		}
	}
	return false;
}
