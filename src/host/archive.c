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

#include "attr.h"
#include "files.h"
#include "limits.h"
#include "state.h"
#include "utlist.h"
#include "xmalloc.h"

#define LOG_MODULE  "archive"
/* Facts of the store: which file each archive that rotates is at. */
#define SERIES_FACT "archive:"

struct archive {
	char *file;     /* "archive/INSTANCE/NAME.jsonl", below the state folder */
	int fd;         /* -1 until it is written to */
	bool is_new;    /* nothing of it was ever committed: the file is called NAME.jsonl.new */
	int64_t length; /* committed */
	size_t written; /* bytes of the queue that are in the file and not committed */
	bool closing;   /* another file has taken its place: this turn's commit is its last */
	bool gone;      /* is not there any more */
	struct buf queue;
	struct archive *next;
};

/* An archive that rotates, by the name that plugins know. */
struct series {
	char *name; /* "INSTANCE/NAME" */
	struct rotation_file file;
	struct archive *archive; /* in use; NULL: none */
	bool moved;              /* `file` is not in the store yet */
	struct series *next;
};

struct archives {
	char *folder; /* NULL: nowhere */
	struct store *store;
	struct log *log;
	struct rotation rotation;
	struct archive *list;  /* archive::next */
	struct series *series; /* series::next */
	bool full;             /* the last write failed for want of room */
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

static struct archive *
add_archive(struct archives *archives, const char *file)
{
	struct archive *archive = xmalloc(sizeof(*archive));

	*archive = (struct archive){.file = xstrdup(file), .fd = -1};
	buf_init(&archive->queue, QUEUE_BYTES_MAX);
	LL_PREPEND(archives->list, archive);
	return archive;
}

static void
remove_archive(struct archives *archives, struct archive *archive)
{
	LL_DELETE(archives->list, archive);
	if (archive->fd >= 0)
		close(archive->fd);
	buf_finish(&archive->queue);
	free(archive->file);
	free(archive);
}

static void
recover(void *data, const char *file, int64_t length)
{
	struct archives *archives = data;
	char *path = file_join(archives->folder, file);
	struct stat about;
	bool gone = false;
	char *fresh = xasprintf("%s.new", path);
	if (access(path, F_OK) != 0 && access(fresh, F_OK) == 0 && rename(fresh, path) != 0)
		log_error(archives->log, "%s cannot be renamed: %s", fresh, strerror(errno));
	free(fresh);
	if (stat(path, &about) != 0) {
		log_warn(archives->log, "%s is gone (%s); it starts anew", path, strerror(errno));
		gone = true;
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
	struct archive *archive = add_archive(archives, file);
	archive->length = length;
	archive->gone = gone;
}

/* Said once: the database does not ask for it at the next start. */
static void
forget_gone(struct archives *archives)
{
	struct archive *archive, *next;
	bool begun = false;

	LL_FOREACH_SAFE(archives->list, archive, next) {
		if (!archive->gone)
			continue;
		begun = begun || store_begin(archives->store);
		if (begun)
			archive_delete(archives->store, archive->file);
		remove_archive(archives, archive);
	}
	if (begun && !store_commit(archives->store))
		store_rollback(archives->store);
}

struct archives *
archives_open(const char *folder, struct store *store, struct log *log)
{
	struct archives *archives = xmalloc(sizeof(*archives));
	*archives = (struct archives){.folder = xstrdup(folder), .store = store, .log = log};
	if (folder)
		archive_each(store, recover, archives);
	forget_gone(archives);
	return archives;
}

void
archives_set_rotation(struct archives *archives, const struct rotation *rotation)
{
	archives->rotation = *rotation;
}

void
archives_close(struct archives *archives)
{
	if (!archives)
		return;
	struct series *series, *next;
	while (archives->list)
		remove_archive(archives, archives->list);
	LL_FOREACH_SAFE(archives->series, series, next) {
		free(series->name);
		free(series);
	}
	free(archives->folder);
	free(archives);
}

static char *
file_name(const char *instance, const char *name)
{
	return xasprintf("archive/%s/%s.jsonl", instance, name);
}

static struct archive *
find_archive(const struct archives *archives, const char *file)
{
	struct archive *archive;

	LL_FOREACH(archives->list, archive) {
		if (strcmp(archive->file, file) == 0)
			return archive;
	}
	return NULL;
}

static struct archive *
find_or_add(struct archives *archives, const char *instance, const char *name)
{
	char *file = file_name(instance, name);
	struct archive *archive = find_archive(archives, file);

	if (!archive) {
		archive = add_archive(archives, file);
		archive->is_new = true;
	}
	free(file);
	return archive;
}

/* What is known of an archive that rotates: the store knows its file of the last time. */
static struct series *
find_series(struct archives *archives, const char *instance, const char *name)
{
	char *key = xasprintf("%s/%s", instance, name);
	struct series *series;

	LL_FOREACH(archives->series, series) {
		if (strcmp(series->name, key) == 0)
			break;
	}
	if (series) {
		free(key);
		return series;
	}
	series = xmalloc(sizeof(*series));
	*series = (struct series){.name = key};
	LL_PREPEND(archives->series, series);
	char *fact = xasprintf(SERIES_FACT "%s", key);
	char *text = fact_get(archives->store, fact);
	if (rotation_parse(text, &series->file)) {
		char *last = rotation_name(name, &series->file);
		char *file = file_name(instance, last);
		series->archive = find_archive(archives, file);
		free(file);
		free(last);
	}
	free(text);
	free(fact);
	return series;
}

/* True when there is a file of that name, also one that is packed, or that somebody else has written. */
static bool
is_taken(const struct archives *archives, const char *instance, const char *name)
{
	static const char *const ends[] = {"", ".zst", ".unknown-1"};
	char *file = file_name(instance, name);
	char *path = file_join(archives->folder, file);
	bool taken = find_archive(archives, file) != NULL;

	for (size_t i = 0; i < COUNT_OF(ends) && !taken; i++) {
		char *other = xasprintf("%s%s", path, ends[i]);
		taken = access(other, F_OK) == 0;
		free(other);
	}
	free(path);
	free(file);
	return taken;
}

/* The series goes on in a new file. False: there are too many of that day. */
static bool
open_next(struct archives *archives, struct series *series, int64_t now_ms, const char *instance,
	const char *name)
{
	struct rotation_file file = series->file;

	while (rotation_next(&file, now_ms)) {
		char *next = rotation_name(name, &file);
		bool good = !is_taken(archives, instance, next);
		if (good) {
			if (series->archive)
				series->archive->closing = true;
			series->archive = find_or_add(archives, instance, next);
			series->file = file;
			series->moved = true;
		}
		free(next);
		if (good)
			return true;
	}
	return false;
}

/* The file for a line of so many bytes. What is new stays until its first lines are committed. */
static struct archive *
file_of_now(struct archives *archives, int64_t now_ms, const char *instance, const char *name,
	size_t line)
{
	if (!rotation_is_on(&archives->rotation))
		return find_or_add(archives, instance, name);
	struct series *series = find_series(archives, instance, name);
	struct archive *last = series->archive;
	if (last && (last->is_new || !rotation_is_due(&archives->rotation, &series->file, now_ms,
					     last->length + (int64_t)last->queue.len, line)))
		return last;
	if (open_next(archives, series, now_ms, instance, name) || last)
		return series->archive;
	return find_or_add(archives, instance, name);
}

void
archives_add(struct archives *archives, int64_t now_ms, const char *instance, const char *name,
	struct str line)
{
	if (!archives->folder)
		return;
	struct archive *archive = file_of_now(archives, now_ms, instance, name, line.len + 1);
	buf_add_str(&archive->queue, line);
	buf_add_char(&archive->queue, '\n');
}

struct seeker {
	struct archives *archives;
	const char *instance;
};

static void
know_series(void *data, const char *fact, const char *value)
{
	struct seeker *seeker = data;
	size_t skip = strlen(SERIES_FACT) + strlen(seeker->instance) + 1;

	(void)value;
	(void)find_series(seeker->archives, seeker->instance, fact + skip);
}

static bool
is_in_series(const struct archives *archives, const struct archive *archive)
{
	struct series *series;

	LL_FOREACH(archives->series, series) {
		if (series->archive == archive)
			return true;
	}
	return false;
}

/* Knows of all archives of the instance: those that rotate, by the store, and the others by their files. */
static void
know_archives(struct archives *archives, const char *instance)
{
	char *facts = xasprintf(SERIES_FACT "%s/", instance);
	char *folder = xasprintf("archive/%s/", instance);
	size_t skip = strlen(folder), end = strlen(".jsonl");
	struct archive *archive;

	fact_each(archives->store, facts, know_series, &(struct seeker){archives, instance});
	LL_FOREACH(archives->list, archive) {
		size_t len = strlen(archive->file);
		if (strncmp(archive->file, folder, skip) != 0 || len < skip + end ||
			archive->closing || is_in_series(archives, archive))
			continue;
		char *name = str_dup((struct str){archive->file + skip, len - skip - end});
		(void)find_series(archives, instance, name);
		free(name);
	}
	free(folder);
	free(facts);
}

void
archives_note(struct archives *archives, int64_t now_ms, const char *instance, struct str line)
{
	size_t len = strlen(instance);
	struct series *series;

	if (!archives->folder)
		return;
	know_archives(archives, instance);
	LL_FOREACH(archives->series, series) {
		if (strncmp(series->name, instance, len) == 0 && series->name[len] == '/')
			archives_add(archives, now_ms, instance, series->name + len + 1, line);
	}
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

static void
put_series(struct archives *archives)
{
	struct series *series;

	LL_FOREACH(archives->series, series) {
		if (!series->moved)
			continue;
		char *fact = xasprintf(SERIES_FACT "%s", series->name);
		char *text = rotation_text(&series->file);
		fact_put(archives->store, fact, str_from(text));
		free(text);
		free(fact);
	}
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
		if (archive->queue.len == 0 && !archive->closing)
			continue;
		if (archive->closing) {
			if (archive->queue.len > 0 &&
				(!open_file(archives, archive) || !append(archives, archive)))
				return false;
			archive->written = archive->queue.len;
			archive_delete(archives->store, archive->file);
			continue;
		}
		if (!open_file(archives, archive) || !append(archives, archive))
			return false;
		archive->written = archive->queue.len;
		archive_put_length(archives->store, archive->file,
			archive->length + (int64_t)archive->written);
	}
	put_series(archives);
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
	struct archive *archive, *next;
	struct series *series;
	LL_FOREACH_SAFE(archives->list, archive, next) {
		if (archive->is_new && archive->written)
			give_name(archives, archive);
		archive->length += (int64_t)archive->written;
		archive->written = 0;
		buf_clear(&archive->queue);
		if (archive->closing)
			remove_archive(archives, archive);
	}
	LL_FOREACH(archives->series, series)
		series->moved = false;
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
	char *key = xasprintf("%s/%s", instance, name);
	struct series *series;
	LL_FOREACH(archives->series, series) {
		if (rotation_is_on(&archives->rotation) && strcmp(series->name, key) == 0 &&
			series->archive)
			break;
	}
	char *file = series ? xstrdup(series->archive->file) : file_name(instance, name);
	char *path = file_join(archives->folder, file);
	free(file);
	free(key);
	return path;
}
