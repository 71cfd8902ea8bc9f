/* SPDX-License-Identifier: MIT */
/* Word lists in files: read whole, read again when they change, the old words kept when they break. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limits.h"
#include "words.h"
#include "xmalloc.h"

#define LOOK_EVERY_MS 1000

/* What tells one state of a file from another. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
	int error; /* errno when there is no such file */
};

struct word_file {
	char *folder, *name, *path;
	bool leet;
	struct words *words;
	unsigned generation;
	struct stamp stamp;
	int64_t looked_ms;
	bool looked;
};

static struct stamp
stamp_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct stamp){.error = errno};
	return (struct stamp){st.st_dev, st.st_ino, st.st_size, st.st_mtim, 0};
}

static bool
same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
	       a->error == b->error;
}

/* The reason why `name` may not be opened, or NULL. */
static const char *
refused_name(struct str name)
{
	struct str rest = name, part;

	if (name.len == 0)
		return "is empty";
	if (memchr(name.ptr, '\0', name.len) || name.ptr[0] == '/')
		return "must be relative to the plugin's folder";
	while (rest.ptr) {
		rest = str_split(rest, '/', &part);
		if (str_eq_text(part, ".."))
			return "must stay in the plugin's folder";
	}
	return NULL;
}

/* Links are followed only to what lies in the folder. */
static bool
stays_in_folder(const struct word_file *file)
{
	char *folder = realpath(file->folder, NULL), *path = realpath(file->path, NULL);
	size_t len = folder ? strlen(folder) : 0;
	bool inside = folder && path && strncmp(folder, path, len) == 0 &&
		      (path[len] == '/' || (len > 0 && folder[len - 1] == '/'));

	free(folder);
	free(path);
	return inside;
}

static char *
read_bytes(int fd, size_t size, size_t *len)
{
	char *bytes = xmalloc(size + 1);
	ssize_t got = 1;

	*len = 0;
	while (*len < size && (got = read(fd, bytes + *len, size - *len)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(bytes);
			return NULL;
		}
		*len += (size_t)got;
	}
	return bytes;
}

/* What is wrong with the open file, into message; false when nothing is. */
static bool
is_refused(const struct word_file *file, const struct stat *st, char message[MESSAGE_MAX])
{
	if (!stays_in_folder(file))
		snprintf(message, MESSAGE_MAX,
			"the list file \"%s\" must stay in the plugin's folder", file->name);
	else if (!S_ISREG(st->st_mode))
		snprintf(message, MESSAGE_MAX, "\"%s\" is no file", file->path);
	else if (st->st_size > (off_t)WORDS_FILE_MAX)
		snprintf(message, MESSAGE_MAX, "the list file \"%s\" is larger than %u MiB",
			file->path, WORDS_FILE_MAX >> 20);
	else
		return false;
	return true;
}

/* Reads the file's bytes; NULL with a message. */
static char *
slurp(const struct word_file *file, size_t *len, char message[MESSAGE_MAX])
{
	struct stat st;
	char *bytes = NULL;
	bool refused = false;
	/* O_NONBLOCK: opening a fifo must not wait for a writer */
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && fstat(fd, &st) == 0) {
		refused = is_refused(file, &st, message);
		if (!refused)
			bytes = read_bytes(fd, (size_t)st.st_size, len);
	}
	if (!bytes && !refused)
		snprintf(message, MESSAGE_MAX, "cannot read the list file \"%s\": %s", file->path,
			strerror(errno));
	if (fd >= 0)
		close(fd);
	return bytes;
}

/* One word a line. NULL with a message that names the line. */
static struct words *
parse(const struct word_file *file, struct str rest, char message[MESSAGE_MAX])
{
	struct words *words = words_create();
	unsigned number = 0;
	struct str line;

	if (rest.len >= 3 && memcmp(rest.ptr, "\xef\xbb\xbf", 3) == 0)
		rest = (struct str){rest.ptr + 3, rest.len - 3};
	while (rest.ptr) {
		const char *reason = NULL;
		rest = str_split(rest, '\n', &line);
		line = str_trim(line);
		number++;
		if (line.len == 0 || line.ptr[0] == '#' ||
			words_add(words, line, file->leet, &reason))
			continue;
		snprintf(message, MESSAGE_MAX, "%s:%u: the word %s", file->path, number, reason);
		words_destroy(words);
		return NULL;
	}
	return words;
}

static bool
load(struct word_file *file, char message[MESSAGE_MAX])
{
	size_t len = 0;

	/* Before reading: a change in between is seen at the next look. */
	file->stamp = stamp_of(file->path);
	char *bytes = slurp(file, &len, message);
	if (!bytes)
		return false;
	struct words *words = parse(file, (struct str){bytes, len}, message);
	free(bytes);
	if (!words)
		return false;
	words_destroy(file->words);
	file->words = words;
	file->generation++;
	return true;
}

struct word_file *
word_file_create(const char *folder, struct str name, bool leet, char message[MESSAGE_MAX])
{
	const char *reason =
		folder ? refused_name(name) : "cannot be read here: there is no folder";

	if (reason) {
		snprintf(message, MESSAGE_MAX, "the list file \"%.*s\" %s", STR_ARG(name), reason);
		return NULL;
	}
	struct word_file *file = xmalloc(sizeof(*file));
	*file = (struct word_file){.folder = xstrdup(folder), .name = str_dup(name), .leet = leet};
	file->path = xasprintf("%s/%s", folder, file->name);
	if (!load(file, message)) {
		word_file_destroy(file);
		return NULL;
	}
	return file;
}

void
word_file_destroy(struct word_file *file)
{
	if (!file)
		return;
	words_destroy(file->words);
	free(file->folder);
	free(file->name);
	free(file->path);
	free(file);
}

const struct words *
word_file_words(const struct word_file *file)
{
	return file->words;
}

unsigned
word_file_generation(const struct word_file *file)
{
	return file->generation;
}

enum word_file_news
word_file_refresh(struct word_file *file, int64_t now_ms, char message[MESSAGE_MAX])
{
	/* Replays may step back in time. */
	if (file->looked && now_ms >= file->looked_ms && now_ms - file->looked_ms < LOOK_EVERY_MS)
		return WORD_FILE_SAME;
	file->looked = true;
	file->looked_ms = now_ms;
	struct stamp stamp = stamp_of(file->path);
	if (same_stamp(&stamp, &file->stamp))
		return WORD_FILE_SAME;
	if (!load(file, message)) {
		size_t used = strlen(message);
		snprintf(message + used, MESSAGE_MAX - used, "; the words read before stay in use");
		return WORD_FILE_BROKEN;
	}
	snprintf(message, MESSAGE_MAX, "read %s again: it has %zu words now", file->path,
		words_count(file->words));
	return WORD_FILE_READ;
}
