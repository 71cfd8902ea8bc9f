/* SPDX-License-Identifier: MIT */
/* Paths and small files: where the config, the state and the shipped plugins are. */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limits.h"
#include "suggest.h"
#include "xmalloc.h"

bool
file_exists(const char *path)
{
	struct stat about;
	return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

bool
folder_exists(const char *path)
{
	struct stat about;
	return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

bool
file_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	char piece[16384];
	ssize_t got;
	while ((got = read(fd, piece, sizeof(piece))) > 0) {
		if (buf_add(out, piece, (size_t)got) != ERR_OK) {
			close(fd);
			errno = EFBIG;
			return false;
		}
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return got == 0;
}

char *
file_join(const char *folder, const char *path)
{
	if (!folder || path[0] == '/' || strcmp(folder, ".") == 0)
		return xstrdup(path);
	return xasprintf("%s/%s", folder, path);
}

char *
file_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xmemdup0(path, (size_t)(slash - path));
}

char *
file_stem(const char *path)
{
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	size_t start = len;
	while (start > 0 && path[start - 1] != '/')
		start--;
	if (len - start > 4 && strncmp(path + len - 4, ".lua", 4) == 0)
		len -= 4;
	return xmemdup0(path + start, len - start);
}

bool
folder_make(const char *path)
{
	char *copy = xstrdup(path);
	bool good = true;
	for (char *at = copy + 1; good && *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		good = mkdir(copy, 0700) == 0 || errno == EEXIST;
		*at = '/';
	}
	good = good && (mkdir(copy, 0700) == 0 || errno == EEXIST);
	free(copy);
	if (good && !folder_exists(path)) {
		errno = ENOTDIR;
		good = false;
	}
	return good;
}

char *
user_folder(const char *variable, const char *fallback)
{
	const char *base = getenv(variable);
	if (base && base[0] == '/')
		return xasprintf("%s/moontusk", base);
	const char *home = getenv("HOME");
	return home && *home ? xasprintf("%s/%s/moontusk", home, fallback) : NULL;
}

/* ---- shipped plugins ---- */

static char *
program_folder(void)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (len <= 0)
		return NULL;
	path[len] = '\0';
	return file_folder(path);
}

/* Folders with shipped plugins, most particular first; new texts. */
static unsigned
shipped_folders(char *folders[3])
{
	unsigned count = 0;
	const char *named = getenv("MOONTUSK_PLUGINS");
	if (named && *named)
		folders[count++] = xstrdup(named);
	char *program = program_folder();
	if (program)
		folders[count++] = xasprintf("%s/../plugins", program);
	free(program);
	folders[count++] = xstrdup(MOONTUSK_PLUGIN_FOLDER);
	return count;
}

static char *
in_folder(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s/%s.lua", folder, name, name);
	if (file_exists(path))
		return path;
	free(path);
	return NULL;
}

static void
suggest_shipped(const char *name, char *const *folders, unsigned count, char *error)
{
	const char *known[256];
	char *names[256];
	unsigned found = 0;
	for (unsigned i = 0; i < count; i++) {
		DIR *dir = opendir(folders[i]);
		struct dirent *entry;
		while (dir && found < COUNT_OF(names) && (entry = readdir(dir))) {
			char *path = entry->d_name[0] == '.' ? NULL
							     : in_folder(folders[i], entry->d_name);
			if (path)
				known[found] = names[found] = xstrdup(entry->d_name), found++;
			free(path);
		}
		if (dir)
			closedir(dir);
	}
	const char *near = suggest(str_from(name), known, found);
	struct buf list;
	buf_init(&list, MESSAGE_MAX / 2);
	for (unsigned i = 0; i < found; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
	snprintf(error, MESSAGE_MAX,
		"no plugin named \"%s\"%s%s%s Shipped plugins: %s. A file of yours is named by its path: ./%s.lua",
		name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : ".",
		list.len ? list.ptr : "none found", name);
	buf_finish(&list);
	for (unsigned i = 0; i < found; i++)
		free(names[i]);
}

char *
plugin_file(const char *ref, const char *base, char *error)
{
	bool is_path = strchr(ref, '/') || str_ends(str_from(ref), ".lua");
	if (is_path) {
		char *path = file_join(base, ref);
		if (file_exists(path))
			return path;
		char *stem = file_stem(ref);
		char *inside = xasprintf("%s/%s.lua", path, stem);
		bool found = folder_exists(path) && file_exists(inside);
		if (!found)
			snprintf(error, MESSAGE_MAX,
				"no plugin file %s%s; expected a Lua file, or a folder with one of its own name: %s",
				path, folder_exists(path) ? ", which is a folder" : "", inside);
		free(stem);
		free(path);
		if (found)
			return inside;
		free(inside);
		return NULL;
	}
	char *folders[3];
	unsigned count = shipped_folders(folders);
	char *path = NULL;
	for (unsigned i = 0; i < count && !path; i++)
		path = in_folder(folders[i], ref);
	if (!path)
		suggest_shipped(ref, folders, count, error);
	for (unsigned i = 0; i < count; i++)
		free(folders[i]);
	return path;
}

const char *
file_open_to_others(const char *path)
{
	struct stat about;
	if (stat(path, &about) != 0)
		return NULL;
	if (about.st_uid != geteuid() && about.st_uid != 0)
		return "it belongs to another user";
	if (about.st_mode & S_IWOTH)
		return "everybody may write there";
	/* A group that is the user's own is what many systems give to each. */
	if ((about.st_mode & S_IWGRP) && about.st_gid != getegid())
		return "another group may write there";
	return NULL;
}

/* "cat" of "cat.lua" and of a folder "cat"; else an empty text. New. */
static char *
plugin_of_entry(const char *folder, const char *entry)
{
	struct str name = str_from(entry);
	if (entry[0] == '.' || str_ends(name, "_test.lua"))
		return xstrdup("");
	char *path = file_join(folder, entry);
	bool is_folder = folder_exists(path);
	free(path);
	if (is_folder)
		return xstrdup(entry);
	return str_ends(name, ".lua") ? xmemdup0(entry, name.len - 4) : xstrdup("");
}

bool
folder_plugins(const char *folder, folder_plugin_fn *fn, void *data)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;
	while (dir && count < PLUGIN_FOLDER_MAX && (entry = readdir(dir))) {
		char *name = plugin_of_entry(folder, entry->d_name);
		char *file = str_ends(str_from(entry->d_name), ".lua")
				     ? xasprintf("%s/%s", folder, entry->d_name)
				     : xasprintf("%s/%s/%s.lua", folder, name, name);
		if (*name && file_exists(file)) {
			fn(data, name, file);
			count++;
		}
		free(name);
		free(file);
	}
	if (dir)
		closedir(dir);
	return dir != NULL;
}

/* ---- the state folder ---- */

struct state_folder {
	char *path;
	int lock;
};

char *
state_folder_find(const char *path)
{
	return path ? xstrdup(path) : user_folder("XDG_STATE_HOME", ".local/state");
}

struct state_folder *
state_folder_open(const char *path, bool dry_run, char *error)
{
	char *base = state_folder_find(path);
	if (!base) {
		snprintf(error, MESSAGE_MAX,
			"no folder for the state: $HOME is not set. Name one with --state DIR.");
		return NULL;
	}
	struct state_folder *folder = xcalloc(1, sizeof(*folder));
	folder->lock = -1;
	folder->path = dry_run ? xasprintf("%s/dry-run", base) : xstrdup(base);
	free(base);
	char *lock = xasprintf("%s/lock", folder->path);
	if (!folder_make(folder->path) ||
		(folder->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0) {
		snprintf(error, MESSAGE_MAX,
			"the state folder %s cannot be used: %s. Name another with --state DIR.",
			folder->path, strerror(errno));
	} else if (flock(folder->lock, LOCK_EX | LOCK_NB) != 0) {
		snprintf(error, MESSAGE_MAX,
			"another moontusk runs with the state folder %s. Stop it, or name another with --state DIR.",
			folder->path);
	} else {
		free(lock);
		return folder;
	}
	free(lock);
	state_folder_close(folder);
	return NULL;
}

void
state_folder_close(struct state_folder *folder)
{
	if (!folder)
		return;
	if (folder->lock >= 0)
		close(folder->lock);
	free(folder->path);
	free(folder);
}

const char *
state_folder_path(const struct state_folder *folder)
{
	return folder->path;
}
