/* SPDX-License-Identifier: MIT */
/* Finds zones by their names: UTC, fixed offsets, the files of the system's zone folder, and the nearest name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attr.h"
#include "buf.h"
#include "limits.h"
#include "suggest.h"
#include "xmalloc.h"
#include "zone_parts.h"

#define DEFAULT_FOLDER     "/usr/share/zoneinfo"
#define DEFAULT_LOCAL_FILE "/etc/localtime"

const char *
zone_folder(void)
{
	const char *folder = getenv("TZDIR");
	return folder && *folder ? folder : DEFAULT_FOLDER;
}

/* Letters, digits, '_', '+', '-' and '/' between parts: no dot, so no way out of the folder. */
static bool
is_file_name(struct str name)
{
	if (name.len == 0 || name.len > ZONE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool edge = i == 0 || i + 1 == name.len || name.ptr[i - 1] == '/';
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool other = (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
		if (!letter && !other && (c != '/' || edge))
			return false;
	}
	return true;
}

/* False: `errno` says why. */
static bool
read_file(const char *path, struct buf *out)
{
	/* O_NONBLOCK: a pipe in place of the file must not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	struct stat info;
	bool good = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
	if (!good)
		errno = ENOENT;
	char block[4096];
	ssize_t len = 0;
	while (good && (len = read(fd, block, sizeof(block))) > 0)
		good = buf_add(out, block, (size_t)len) == ERR_OK;
	if (good && len < 0)
		good = false;
	else if (out->err != ERR_OK)
		errno = EFBIG;
	close(fd);
	return good;
}

static struct zone *
open_file(const char *name, const char *path, char *error, bool *missing)
{
	struct buf bytes;
	struct zone *zone = NULL;
	buf_init(&bytes, ZONE_FILE_MAX);
	*missing = false;
	if (read_file(path, &bytes)) {
		zone = zone_read(name, buf_str(&bytes), error);
	} else {
		*missing = errno == ENOENT || errno == ENOTDIR;
		snprintf(error, MESSAGE_MAX, "the zone file %s cannot be read: %s", path,
			strerror(errno));
	}
	buf_finish(&bytes);
	return zone;
}

/* ---- near names ---- */

struct names {
	char **list;
	size_t count;
};

static void
collect(struct names *names, const char *folder, const char *prefix, unsigned depth)
{
	DIR *dir = opendir(folder);
	if (!dir)
		return;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		/* "posix" and "right" repeat all zones, other small letters are no zones. */
		if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z' ||
			!is_file_name(str_from(entry->d_name)) ||
			names->count == ZONE_FOLDER_NAMES_MAX)
			continue;
		char *path = xasprintf("%s/%s", folder, entry->d_name);
		char *name = xasprintf("%s%s%s", prefix, *prefix ? "/" : "", entry->d_name);
		struct stat info;
		bool there = stat(path, &info) == 0;
		if (there && S_ISDIR(info.st_mode) && depth < ZONE_FOLDER_DEPTH_MAX)
			collect(names, path, name, depth + 1);
		if (there && S_ISREG(info.st_mode))
			names->list[names->count++] = name;
		else
			free(name);
		free(path);
	}
	closedir(dir);
}

/* The zone whose last part is `given`: "berlin" for "Europe/Berlin". */
static const char *
find_by_city(struct str given, const struct names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *slash = strrchr(names->list[i], '/');
		if (slash && str_eq_nocase(str_from(slash + 1), given))
			return names->list[i];
	}
	return NULL;
}

static void
say_unknown(struct str name, const char *folder, char *error)
{
	struct names names = {xcalloc(ZONE_FOLDER_NAMES_MAX, sizeof(char *)), 0};
	collect(&names, folder, "", 1);
	const char *near = find_by_city(name, &names);
	union {
		char **made;
		const char *const *known;
	} list = {names.list};
	if (!near)
		near = suggest(name, list.known, names.count);
	struct str shown = str_clip(name, ZONE_NAME_MAX);
	if (names.count == 0)
		snprintf(error, MESSAGE_MAX,
			"time zones have no names here: %s holds no zone files, so \"%.*s\" cannot be "
			"looked up; install the package tzdata, or write an offset such as \"+02:00\"",
			folder, STR_ARG(shown));
	else if (near)
		snprintf(error, MESSAGE_MAX, "there is no time zone \"%.*s\"; did you mean \"%s\"?",
			STR_ARG(shown), near);
	else
		snprintf(error, MESSAGE_MAX,
			"there is no time zone \"%.*s\"; expected a name such as \"Europe/Berlin\", "
			"\"UTC\", or an offset such as \"+02:00\"",
			STR_ARG(shown));
	for (size_t i = 0; i < names.count; i++)
		free(names.list[i]);
	free(names.list);
}

/* ---- the ways to a zone ---- */

/* "+02:00" */
static bool
parse_fixed(struct str name, int32_t *offset_s)
{
	int64_t hours, minutes;
	if (name.len != 6 || (name.ptr[0] != '+' && name.ptr[0] != '-') || name.ptr[3] != ':' ||
		!str_to_int((struct str){name.ptr + 1, 2}, 0, 23, &hours) ||
		!str_to_int((struct str){name.ptr + 4, 2}, 0, 59, &minutes))
		return false;
	*offset_s = (int32_t)((hours * 60 + minutes) * 60);
	if (name.ptr[0] == '-')
		*offset_s = -*offset_s;
	return true;
}

static struct zone *
open_fixed(const char *name, const char *abbreviation, int32_t offset_s)
{
	struct zone *zone = zone_new(name);
	zone->has_rule = true;
	zone->rule.standard.offset_s = offset_s;
	snprintf(zone->rule.standard.abbreviation, ZONE_ABBREVIATION_MAX, "%s", abbreviation);
	return zone;
}

static struct zone *
open_named(struct str name, const char *folder, char *error)
{
	bool missing = true;
	struct zone *zone = NULL;
	if (is_file_name(name)) {
		char *text = str_dup(name);
		char *path = xasprintf("%s/%s", folder, text);
		zone = open_file(text, path, error, &missing);
		free(path);
		free(text);
	}
	if (!zone && missing)
		say_unknown(name, folder, error);
	return zone;
}

struct zone *
zone_open_local(const char *tz, const char *local_file, const char *folder, char *error)
{
	bool missing;
	if (!tz) {
		struct zone *zone = open_file("local", local_file, error, &missing);
		return !zone && missing ? open_fixed("local", "UTC", 0) : zone;
	}
	if (*tz == ':')
		tz++;
	if (*tz == '\0')
		return open_fixed("local", "UTC", 0);
	if (*tz == '/')
		return open_file("local", tz, error, &missing);
	char ignored[MESSAGE_MAX];
	struct zone *zone = zone_open(str_from(tz), folder, error);
	if (!zone)
		zone = zone_from_rule("local", str_from(tz), ignored);
	return zone;
}

struct zone *
zone_open(struct str name, const char *folder, char *error)
{
	int32_t offset_s;
	if (str_eq_text(name, "UTC") || str_eq_text(name, "Z"))
		return open_fixed("UTC", "UTC", 0);
	if (str_eq_text(name, "local")) {
		const char *tz = getenv("TZ");
		if (tz && (strcmp(tz, "local") == 0 || strcmp(tz, ":local") == 0))
			tz = ""; /* would ask for itself for ever */
		return zone_open_local(tz, DEFAULT_LOCAL_FILE, folder, error);
	}
	if (parse_fixed(name, &offset_s)) {
		char *text = str_dup(name);
		struct zone *zone = open_fixed(text, text, offset_s);
		free(text);
		return zone;
	}
	return open_named(name, folder, error);
}
