/* SPDX-License-Identifier: MIT */
/* Findings: what a check of the doctor came to, in plain words, with what to do about it. */
#include "findings.h"

#include <stdarg.h>
#include <stdlib.h>

#include "xmalloc.h"

const char *
finding_level_name(enum finding_level level)
{
	switch (level) {
	case FINDING_OK:
		return "ok";
	case FINDING_SKIPPED:
		return "skipped";
	case FINDING_WARNING:
		return "warning";
	case FINDING_ERROR:
		return "error";
	}
	return "error";
}

void
findings_add(struct findings *findings, enum finding_level level, const char *check,
	const char *advice, const char *format, ...)
{
	findings->list =
		xreallocarray(findings->list, findings->count + 1, sizeof(findings->list[0]));
	struct finding *finding = &findings->list[findings->count++];
	*finding = (struct finding){.level = level, .check = check, .advice = xstrdup(advice)};
	va_list list;
	va_start(list, format);
	finding->text = xvasprintf(format, list);
	va_end(list);
}

unsigned
findings_count(const struct findings *findings, enum finding_level level)
{
	unsigned count = 0;
	for (unsigned i = 0; i < findings->count; i++)
		count += findings->list[i].level == level;
	return count;
}

void
findings_finish(struct findings *findings)
{
	for (unsigned i = 0; i < findings->count; i++) {
		free(findings->list[i].text);
		free(findings->list[i].advice);
	}
	free(findings->list);
	*findings = (struct findings){0};
}
