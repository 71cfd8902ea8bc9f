/* SPDX-License-Identifier: MIT */
/* How the doctor tells what it found: lines for people, or one JSON document. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "doctor_parts.h"
#include "json_write.h"
#include "limits.h"
#include "show.h"
#include "xmalloc.h"

enum { CHECK_COLUMNS = 11 };

void
doctor_print(const struct doctor *doctor, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *text = xvasprintf(format, list);
	va_end(list);
	struct buf safe;
	buf_init(&safe, LOCAL_ANSWER_MAX);
	secrets_redact(doctor->session.secrets, str_from(text), &safe);
	fputs(safe.ptr ? safe.ptr : "", stdout);
	buf_finish(&safe);
	free(text);
}

/* New: on one line, without what a server could do to a terminal. */
static char *
clean(const char *text)
{
	struct buf out;
	buf_init(&out, LOG_LINE_MAX);
	show_clean(&out, str_from(text), 1000);
	return buf_take(&out, NULL);
}

static void
print_finding(const struct doctor *doctor, const struct finding *finding)
{
	static const enum show_style styles[] = {[FINDING_OK] = SHOW_GREEN,
		[FINDING_SKIPPED] = SHOW_DIM,
		[FINDING_WARNING] = SHOW_YELLOW,
		[FINDING_ERROR] = SHOW_RED};
	struct show show = {.out = stdout, .color = doctor->session.color};
	char *text = clean(finding->text);
	fputs("  ", stdout);
	show_label(&show, styles[finding->level], finding_level_name(finding->level));
	doctor_print(doctor, " %-*s %s\n", CHECK_COLUMNS, finding->check, text ? text : "");
	if (finding->advice) {
		char *advice = clean(finding->advice);
		doctor_print(
			doctor, "  %8s %*s -> %s\n", "", CHECK_COLUMNS, "", advice ? advice : "");
		free(advice);
	}
	free(text);
}

static void
put_safe(const struct doctor *doctor, struct buf *out, const char *text)
{
	struct buf safe;
	buf_init(&safe, LOCAL_ANSWER_MAX);
	secrets_redact(doctor->session.secrets, str_from(text), &safe);
	if (text)
		json_put_str(out, buf_str(&safe));
	else
		json_put_text(out, NULL);
	buf_finish(&safe);
}

static void
put_finding(struct doctor *doctor, const char *account, const struct finding *finding)
{
	struct buf *out = &doctor->report;
	json_put_comma(out);
	buf_add_char(out, '{');
	json_put_key(out, "account");
	json_put_text(out, account);
	json_put_key(out, "check");
	json_put_text(out, finding->check);
	json_put_key(out, "level");
	json_put_text(out, finding_level_name(finding->level));
	json_put_key(out, "text");
	put_safe(doctor, out, finding->text);
	json_put_key(out, "advice");
	put_safe(doctor, out, finding->advice);
	buf_add_char(out, '}');
}

void
doctor_tell(struct doctor *doctor, const struct doctor_subject *subject,
	const struct findings *findings, unsigned *told)
{
	if (*told == 0 && findings->count > 0 && !doctor->json)
		doctor_print(doctor, "%s\n", subject->heading);
	for (; *told < findings->count; (*told)++) {
		const struct finding *finding = &findings->list[*told];
		doctor->counts[finding->level]++;
		if (doctor->json)
			put_finding(doctor, subject->account, finding);
		else
			print_finding(doctor, finding);
	}
	(void)fflush(stdout);
}

static const char *
plural(unsigned count)
{
	return count == 1 ? "" : "s";
}

void
doctor_summary(struct doctor *doctor)
{
	unsigned errors = doctor->counts[FINDING_ERROR], warnings = doctor->counts[FINDING_WARNING];
	if (!doctor->json) {
		doctor_print(doctor, "%u error%s, %u warning%s, %u ok, %u skipped\n", errors,
			plural(errors), warnings, plural(warnings), doctor->counts[FINDING_OK],
			doctor->counts[FINDING_SKIPPED]);
		return;
	}
	printf("{\"ok\":%s,\"errors\":%u,\"warnings\":%u,\"skipped\":%u,\"findings\":[%s]",
		errors ? "false" : "true", errors, warnings, doctor->counts[FINDING_SKIPPED],
		doctor->report.ptr ? doctor->report.ptr : "");
	if (doctor->coverage_ms)
		printf(",\"coverage\":[%s]",
			doctor->coverage_report.ptr ? doctor->coverage_report.ptr : "");
	printf("}\n");
}
