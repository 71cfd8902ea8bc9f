/* SPDX-License-Identifier: MIT */
/* Archive files: lines appended and on disk before the turn's commit names their new length. */
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "limits.h"
#include "state.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE "archive"

struct archive {
	char *file;     /* "archive/INSTANCE/NAME.jsonl", below the state folder */
	int fd;         /* -1 until it is written to */
	bool is_new;    /* nothing of it was ever committed: the file is called NAME.jsonl.new */
	int64_t length; /* committed */
	size_t written; /* bytes of the queue that are in the file and not committed */
	struct buf queue;
	struct archive *next;
};

struct archives {
	char *folder; /* NULL: nowhere */
	struct store *store;
	struct log *log;
	struct archive *list; /* archive::next */
	bool full;            /* the last write failed for want of room */
};

bool
archive_name_ok(struct str name)
{
	if (name.len == 0 || name.len > ARCHIVE_NAME_MAX || name.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
		if (!good)
			return false;
	}
	return true;
}

static void
recover(void *data, const char *file, int64_t length)
{
	struct archives *archives = data;
	char *path = file_join(archives->folder, file);
	struct stat about;
	char *fresh = xasprintf("%s.new", path);
	if (access(path, F_OK) != 0 && access(fresh, F_OK) == 0 && rename(fresh, path) != 0)
		log_error(archives->log, "%s cannot be renamed: %s", fresh, strerror(errno));
	free(fresh);
	if (stat(path, &about) != 0) {
		log_warn(archives->log, "%s is gone (%s); it starts anew", path, strerror(errno));
		length = 0;
	} else if (about.st_size > length) {
		if (truncate(path, length) != 0)
			log_error(archives->log, "%s cannot be cut to its committed length: %s",
				path, strerror(errno));
		else
			log_info(archives->log, "%s: cut %lld bytes that were not committed", path,
				(long long)(about.st_size - length));
	} else if (about.st_size < length) {
		log_warn(archives->log,
			"%s is %lld bytes shorter than it was: somebody else changed it", path,
			(long long)(length - about.st_size));
		length = about.st_size;
	}
	free(path);
	struct archive *archive = xmalloc(sizeof(*archive));
	*archive = (struct archive){.file = xstrdup(file), .fd = -1, .length = length};
	buf_init(&archive->queue, QUEUE_BYTES_MAX);
	LL_PREPEND(archives->list, archive);
}

struct archives *
archives_open(const char *folder, struct store *store, struct log *log)
{
	struct archives *archives = xmalloc(sizeof(*archives));
	*archives = (struct archives){.folder = xstrdup(folder), .store = store, .log = log};
	if (folder)
		archive_each(store, recover, archives);
	return archives;
}

void
archives_close(struct archives *archives)
{
	if (!archives)
		return;
	struct archive *archive, *next;
	LL_FOREACH_SAFE(archives->list, archive, next) {
		if (archive->fd >= 0)
			close(archive->fd);
		buf_finish(&archive->queue);
		free(archive->file);
		free(archive);
	}
	free(archives->folder);
	free(archives);
}

static char *
file_name(const char *instance, const char *name)
{
	return xasprintf("archive/%s/%s.jsonl", instance, name);
}

void
archives_add(struct archives *archives, const char *instance, const char *name, struct str line)
{
	if (!archives->folder)
		return;
	char *file = file_name(instance, name);
	struct archive *archive;
	LL_FOREACH(archives->list, archive) {
		if (strcmp(archive->file, file) == 0)
			break;
	}
	if (archive) {
		free(file);
	} else {
		archive = xmalloc(sizeof(*archive));
		*archive = (struct archive){.file = file, .fd = -1, .is_new = true};
		buf_init(&archive->queue, QUEUE_BYTES_MAX);
		LL_PREPEND(archives->list, archive);
	}
	buf_add_str(&archive->queue, line);
	buf_add_char(&archive->queue, '\n');
}

void
archives_note(struct archives *archives, const char *instance, struct str line)
{
	char *folder = xasprintf("archive/%s/", instance);
	struct archive *archive;
	LL_FOREACH(archives->list, archive) {
		if (strncmp(archive->file, folder, strlen(folder)) != 0)
			continue;
		buf_add_str(&archive->queue, line);
		buf_add_char(&archive->queue, '\n');
	}
	free(folder);
}

/* A file of that name that the database does not know: torn by a crash before its first commit, or of another
 * database. Written over from its start it would be neither; it is put aside. */
static bool
put_aside(struct archives *archives, const struct archive *archive, const char *path)
{
	struct stat about;
	if (archive->length > 0 || stat(path, &about) != 0 || about.st_size == 0)
		return true;
	for (unsigned i = 1; i <= ARCHIVE_ASIDE_MAX; i++) {
		char *aside = xasprintf("%s.unknown-%u", path, i);
		bool is_free = access(aside, F_OK) != 0;
		bool moved = is_free && rename(path, aside) == 0;
		if (moved)
			log_warn(archives->log,
				"%s holds lines that the database does not know; they are in %s now",
				path, aside);
		free(aside);
		if (is_free)
			return moved;
	}
	errno = EEXIST;
	return false;
}

/* A new file is there after a loss of power only when the folders that name it are on disk, too. */
static bool
sync_folders(const struct archives *archives, const struct archive *archive)
{
	char *at = file_join(archives->folder, archive->file);
	bool good = true;
	/* ARCHIVE/INSTANCE, ARCHIVE and the state folder */
	for (unsigned i = 0; i < 3 && good; i++) {
		char *folder = file_folder(at);
		int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		good = fd >= 0 && fsync(fd) == 0;
		if (fd >= 0)
			close(fd);
		free(at);
		at = folder;
	}
	free(at);
	return good;
}

static bool
is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static bool
open_file(struct archives *archives, struct archive *archive)
{
	if (archive->fd >= 0)
		return true;
	char *path = file_join(archives->folder, archive->file);
	char *folder = file_folder(path);
	bool good = folder_make(folder) && put_aside(archives, archive, path);
	if (good && archive->is_new) {
		char *fresh = xasprintf("%s.new", path);
		archive->fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		free(fresh);
	} else if (good) {
		archive->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	}
	if (archive->fd >= 0 && archive->length == 0 && !sync_folders(archives, archive)) {
		close(archive->fd);
		archive->fd = -1;
	}
	if (archive->fd < 0)
		archives->full = is_full(errno);
	if (archive->fd < 0)
		log_error(archives->log, "%s cannot be opened: %s", path, strerror(errno));
	free(folder);
	free(path);
	return archive->fd >= 0;
}

static bool
append(struct archives *archives, struct archive *archive)
{
	size_t done = 0;
	while (done < archive->queue.len) {
		ssize_t wrote = pwrite(archive->fd, archive->queue.ptr + done,
			archive->queue.len - done, archive->length + (off_t)done);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			break;
		done += (size_t)wrote;
	}
	if (done == archive->queue.len && fdatasync(archive->fd) == 0)
		return true;
	archives->full = is_full(errno);
	log_error(archives->log, "%s/%s cannot be written: %s", archives->folder, archive->file,
		strerror(errno));
	if (ftruncate(archive->fd, archive->length) != 0)
		log_warn(archives->log, "%s: cut to its committed length at the next start",
			archive->file);
	return false;
}

bool
archives_write(struct archives *archives)
{
	struct archive *archive;
	archives->full = false;
	LL_FOREACH(archives->list, archive) {
		if (archive->queue.err != ERR_OK) {
			log_error(archives->log, "%s: more than %u bytes in one turn",
				archive->file, QUEUE_BYTES_MAX);
			return false;
		}
		if (archive->queue.len == 0)
			continue;
		if (!open_file(archives, archive) || !append(archives, archive))
			return false;
		archive->written = archive->queue.len;
		archive_put_length(archives->store, archive->file,
			archive->length + (int64_t)archive->written);
	}
	return true;
}

/* When it is not done, because the power fails before, the next start does it. */
static void
give_name(struct archives *archives, struct archive *archive)
{
	char *path = file_join(archives->folder, archive->file);
	char *fresh = xasprintf("%s.new", path);
	if (rename(fresh, path) != 0)
		log_error(archives->log, "%s cannot be renamed: %s", fresh, strerror(errno));
	archive->is_new = false;
	free(fresh);
	free(path);
}

void
archives_committed(struct archives *archives)
{
	struct archive *archive;
	LL_FOREACH(archives->list, archive) {
		if (archive->is_new && archive->written)
			give_name(archives, archive);
		archive->length += (int64_t)archive->written;
		archive->written = 0;
		buf_clear(&archive->queue);
	}
}

void
archives_roll_back(struct archives *archives)
{
	struct archive *archive;
	LL_FOREACH(archives->list, archive) {
		if (archive->written && ftruncate(archive->fd, archive->length) != 0)
			log_warn(archives->log, "%s: cut to its committed length at the next start",
				archive->file);
		archive->written = 0;
		buf_clear(&archive->queue);
	}
}

bool
archives_full(const struct archives *archives)
{
	return archives->full;
}

char *
archives_path(const struct archives *archives, const char *instance, const char *name)
{
	if (!archives->folder)
		return NULL;
	char *file = file_name(instance, name);
	char *path = file_join(archives->folder, file);
	free(file);
	return path;
}
