/* SPDX-License-Identifier: MIT */
/* The hosts and domains that the "links" key of a match table may name. */
#include <string.h>

#include "attr.h"
#include "host.h"
#include "rule_parts.h"
#include "xmalloc.h"

#define HOST_FORMS   "a host like \"www.example.org\" or \"*.example.org\" or a list of them"
#define DOMAIN_FORMS "a domain like \"example.org\" or a list of them"

/* A name that a user wrote, as its one form; false: told. */
static bool
read_host(struct compiler *compiler, struct str given, char host[LINK_HOST_MAX + 1])
{
	char shown[] = "/@: ";

	for (size_t i = 0; i < given.len; i++) {
		if (given.ptr[0] != '[' && given.ptr[i] && strchr(shown, given.ptr[i]))
			return compiler_fail(compiler,
				"expected a host like \"www.example.org\", found \"%.*s\"",
				STR_ARG(str_clip(given, 60)));
	}
	return host_normal(given, host) ||
	       compiler_fail(compiler, "expected a host like \"www.example.org\", found \"%.*s\"",
		       STR_ARG(str_clip(given, 60)));
}

static bool
check_domain(struct compiler *compiler, const char *host)
{
	const char *registrable = host_registrable(host);

	if (!registrable)
		return compiler_fail(compiler,
			"\"%s\" is a public suffix, below which people register their domains; "
			"write host = \"*.%s\" for all that is below it",
			host, host);
	if (strcmp(registrable, host) == 0)
		return true;
	return compiler_fail(compiler,
		"\"%s\" is below the registered domain \"%s\": write that one, or host = \"%s\"",
		host, registrable, host);
}

static bool
add_host(struct compiler *compiler, struct str given, enum text_name what, struct cond *cond)
{
	char host[LINK_HOST_MAX + 1];

	if (!compiler_count(compiler) || !read_host(compiler, given, host) ||
		(what == NAME_DOMAIN && !check_domain(compiler, host)))
		return false;
	cond->texts = xreallocarray(cond->texts, cond->text_count + 1, sizeof(*cond->texts));
	cond->texts[cond->text_count++] =
		(struct text){.view = VIEW_LINKS, .name = xstrdup(host), .what = what};
	return true;
}

bool
read_hosts(struct compiler *compiler, struct json_value object, struct cond *cond)
{
	static const char *const known[] = {"host", "domain"};
	struct json_iter it = json_iter(object);

	while (json_next(&it)) {
		bool domain = str_eq_text(it.key, "domain");
		struct strings strings = {0};
		if (!domain && !str_eq_text(it.key, "host"))
			return compiler_unknown(compiler, "key", it.key, known, COUNT_OF(known));
		size_t path = compiler_enter(compiler, it.key);
		bool read = read_strings(
			compiler, it.value, domain ? DOMAIN_FORMS : HOST_FORMS, NULL, &strings);
		for (size_t i = 0; i < strings.count && read; i++)
			read = add_host(compiler, str_from(strings.list[i]),
				domain ? NAME_DOMAIN : NAME_HOST, cond);
		strings_finish(&strings);
		if (!read)
			return false;
		compiler_leave(compiler, path);
	}
	return true;
}

enum rule_result
test_host(struct match *match, const struct cond *cond, const struct text *text)
{
	struct str lines = views_get(match->views, VIEW_LINKS), rest = lines, line;
	char host[LINK_HOST_MAX + 1];

	while (rest.ptr && lines.len > 0) {
		rest = str_split(rest, '\n', &line);
		if (!host_of_address(line, host))
			continue;
		const char *found = text->what == NAME_DOMAIN ? host_registrable(host) : host;
		if (!found || !host_is(found, text->name))
			continue;
		size_t start = (size_t)(line.ptr - lines.ptr);
		keep_hit(match, cond, VIEW_LINKS, str_from(text->name),
			(struct span){start, start + line.len});
		return RULE_YES;
	}
	return RULE_NO;
}
