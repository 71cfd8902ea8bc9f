/* SPDX-License-Identifier: MIT */
/* Which files a replay reads: as named, and those in folders, in the order of their names. */
#include "replay_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "str.h"
#include "xmalloc.h"

void
replay_files_finish(struct replay_files *files)
{
	for (unsigned i = 0; i < files->count; i++)
		free(files->list[i]);
	free(files->list);
	*files = (struct replay_files){0};
}

static bool
fail(char error[MESSAGE_MAX], const char *path, const char *what)
{
	snprintf(error, MESSAGE_MAX, "%s cannot be read: %s", path, what);
	return false;
}

static void
add_file(struct replay_files *files, const char *path, const struct stat *st)
{
	files->list = xreallocarray(files->list, files->count + 1, sizeof(*files->list));
	files->list[files->count++] = xstrdup(path);
	if (st && S_ISREG(st->st_mode))
		files->bytes += (uint64_t)st->st_size;
	else
		files->unknown = true;
}

static int
is_wanted(const struct dirent *entry)
{
	struct str name = str_from(entry->d_name);

	return entry->d_name[0] != '.' &&
	       (str_ends(name, ".jsonl") || str_ends(name, ".jsonl.zst") ||
		       entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
}

/* In the order of bytes, which is that of dates in names; the locale is never read. */
static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool
add_folder(struct replay_files *files, const char *folder, unsigned depth, char error[MESSAGE_MAX])
{
	struct dirent **names = NULL;
	int count = scandir(folder, &names, is_wanted, by_name);
	bool good = count >= 0 || fail(error, folder, strerror(errno));

	for (int i = 0; i < count; i++) {
		struct stat st;
		size_t len = strlen(folder);
		char *path = xasprintf("%s%s%s", folder,
			len > 0 && folder[len - 1] == '/' ? "" : "/", names[i]->d_name);
		struct str name = str_from(names[i]->d_name);
		if (good && stat(path, &st) < 0)
			good = fail(error, path, strerror(errno));
		else if (good && S_ISDIR(st.st_mode) && depth < REPLAY_FOLDERS_DEPTH_MAX)
			good = add_folder(files, path, depth + 1, error);
		else if (good && S_ISREG(st.st_mode) &&
			 (str_ends(name, ".jsonl") || str_ends(name, ".jsonl.zst")))
			add_file(files, path, &st);
		free(path);
		free(names[i]);
	}
	free(names);
	return good;
}

bool
replay_files_add(struct replay_files *files, const char *path, char error[MESSAGE_MAX])
{
	struct stat st;

	if (strcmp(path, "-") == 0) {
		add_file(files, path, NULL);
		return true;
	}
	if (stat(path, &st) < 0)
		return fail(error, path, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		add_file(files, path, &st);
		return true;
	}
	unsigned before = files->count;
	if (!add_folder(files, path, 0, error))
		return false;
	return files->count > before ||
	       fail(error, path, "the folder has no *.jsonl or *.jsonl.zst");
}
