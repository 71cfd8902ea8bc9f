/* SPDX-License-Identifier: MIT */
/* Report files: why an instance was switched off, for the operator. Knows no host. */
#include "report_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"
#include "limits.h"
#include "xmalloc.h"

#define FOLDER   "reports"
#define TIME_LEN 20 /* 20261121T071500-000Z */

const char *
report_limit_words(enum plugin_limit limit)
{
	switch (limit) {
	case LIMIT_NONE:
		return NULL;
	case LIMIT_CPU:
		return "more CPU time than one call may use";
	case LIMIT_MEMORY:
		return "more memory than the plugin may hold";
	case LIMIT_OUTPUT:
		return "more log lines, actions or text than one call may ask for";
	}
	return "?";
}

void
report_put_word(struct buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_./=:,@%+";
	if (*text && strspn(text, plain) == strlen(text)) {
		buf_add_text(out, text);
		return;
	}
	buf_add_char(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_add_text(out, "'\\''");
		else
			buf_add_char(out, *text);
	}
	buf_add_char(out, '\'');
}

static void
put_line(struct buf *out, const char *label, const char *text)
{
	if (text && *text)
		buf_printf(out, "%-10s %s\n", label, text);
}

static void
put_usage(struct buf *out, const struct plugin_usage *usage)
{
	buf_printf(out,
		"CPU        %lld ms in %llu calls, the last one %lld ms; limit %d ms a call\n",
		(long long)(usage->cpu_us / 1000), (unsigned long long)usage->calls,
		(long long)(usage->cpu_us_last / 1000), usage->cpu_limit_ms);
	buf_printf(out,
		"memory     %zu bytes held (%zu outside the Lua heap), %zu at most; limit %zu bytes\n",
		usage->bytes, usage->charged, usage->peak, usage->limit_bytes);
}

static void
put_replay(struct buf *out, const struct report_about *about, const char *line_file)
{
	if (!about->line.len) {
		buf_add_text(out, "There is no event to run again.\n");
		return;
	}
	buf_add_text(out,
		"Run it again, dry, with nothing of what the plugin has stored:\n\n    moontusk replay ");
	report_put_word(out, line_file);
	buf_printf(out, " %s\n\nThe event:\n\n", about->plugin_words);
	buf_add_str(out, about->line);
	buf_add_char(out, '\n');
}

void
report_put(struct buf *out, const struct report_about *about, const char *line_file)
{
	struct buf time;
	buf_init(&time, 64);
	time_format(&time, about->at_ms);
	buf_printf(out, "moontusk: the plugin \"%s\" is off: %s.\n\n", about->instance, about->why);
	put_line(out, "time", time.ptr);
	put_line(out, "file", about->file);
	put_line(out, "version", about->version);
	put_line(out, "account", about->account);
	put_line(out, "on", about->subject);
	put_line(out, "handler", about->handler);
	put_line(out, "limit", report_limit_words(about->limit));
	if (about->usage)
		put_usage(out, about->usage);
	buf_finish(&time);
	buf_printf(out, "\nWhat was said:\n\n%s\n\n", about->error ? about->error : "(nothing)");
	if (about->recent_count > 0) {
		buf_add_text(out, "Failures that led here, the last ones:\n\n");
		for (unsigned i = 0; i < about->recent_count; i++)
			buf_printf(out, "    %s\n", about->recent[i]);
		buf_add_char(out, '\n');
	}
	put_replay(out, about, line_file);
	buf_printf(out,
		"\nWhat waits for the plugin stays in the database. It goes on when its file or its options are changed, or "
		"with:\n\n    %s\n",
		about->rearm);
}

/* Whatever a plugin said may hold a secret, so the whole text is looked through. */
static bool
write_file(const char *path, struct str all, const struct secrets *secrets)
{
	struct buf safe;
	buf_init(&safe, 2 * EVENT_LINE_MAX);
	secrets_redact(secrets, all, &safe);
	struct str text = buf_str(&safe);
	int fd = open(
		path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	bool good = fd >= 0;
	while (text.len > 0 && good) {
		ssize_t n = write(fd, text.ptr, text.len);
		good = n > 0 || (n < 0 && errno == EINTR);
		if (n > 0)
			text = (struct str){text.ptr + n, text.len - (size_t)n};
	}
	buf_finish(&safe);
	return fd >= 0 && close(fd) == 0 && good;
}

/* ---- how many are kept ---- */

struct names {
	char **list;
	size_t count;
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "cats-20261121T071500-000Z" of the instance "cats", and not of "cats-b". */
static bool
is_of(const char *name, const char *instance)
{
	size_t len = strlen(instance);
	return strncmp(name, instance, len) == 0 && name[len] == '-' &&
	       strcmp(name + strlen(name) - 4, ".txt") == 0 &&
	       strlen(name) == len + 1 + TIME_LEN + 4;
}

static void
remove_old(const char *folder, const char *instance)
{
	struct names names = {0};
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir)) != NULL) {
		if (strlen(entry->d_name) < 5 || !is_of(entry->d_name, instance))
			continue;
		names.list = xreallocarray(names.list, names.count + 1, sizeof(char *));
		names.list[names.count++] = xstrdup(entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (names.count > 0)
		qsort(names.list, names.count, sizeof(char *), by_text);
	for (size_t i = 0; i < names.count; i++) {
		if (i + REPORTS_KEPT_MAX < names.count) {
			char *path = file_join(folder, names.list[i]);
			char *line = xasprintf("%.*s.jsonl", (int)strlen(path) - 4, path);
			(void)unlink(path);
			(void)unlink(line);
			free(path);
			free(line);
		}
		free(names.list[i]);
	}
	free(names.list);
}

/* "2026-11-21T07:15:00.000Z" as it can stand in the name of a file. */
static char *
stem(const char *folder, const struct report_about *about)
{
	struct buf time, out;
	buf_init(&time, 64);
	buf_init(&out, URL_MAX);
	time_format(&time, about->at_ms);
	buf_printf(&out, "%s/%s-", folder, about->instance);
	for (const char *at = time.ptr; *at; at++) {
		if (*at == '.')
			buf_add_char(&out, '-');
		else if (*at != '-' && *at != ':')
			buf_add_char(&out, *at);
	}
	buf_finish(&time);
	return buf_take(&out, NULL);
}

char *
report_write(const char *folder, const struct report_about *about)
{
	char *absolute = realpath(folder, NULL);
	char *reports = absolute ? file_join(absolute, FOLDER) : NULL;
	free(absolute);
	if (!reports || !folder_make(reports)) {
		free(reports);
		return NULL;
	}
	char *base = stem(reports, about);
	char *path = xasprintf("%s.txt", base), *line_path = xasprintf("%s.jsonl", base);
	struct buf text, line;
	buf_init(&text, EVENT_LINE_MAX);
	buf_init(&line, EVENT_LINE_MAX);
	report_put(&text, about, line_path);
	buf_add_str(&line, about->line);
	buf_add_char(&line, '\n');
	bool good = write_file(path, buf_str(&text), about->secrets) &&
		    (!about->line.len || write_file(line_path, buf_str(&line), about->secrets));
	int saved = errno;
	buf_finish(&text);
	buf_finish(&line);
	remove_old(reports, about->instance);
	free(line_path);
	free(reports);
	free(base);
	errno = saved;
	if (good)
		return path;
	free(path);
	return NULL;
}
