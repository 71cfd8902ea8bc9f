/* SPDX-License-Identifier: MIT */
/* Files of compiled sets: magic, lengths and a checksum, then the whole key, then the data. */
#include "scan_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limits.h"
#include "xmalloc.h"

#define MAGIC  "MTSCAN1\n"
#define SUFFIX ".set"

/* As it is in memory: a file of another kind of processor has another key. */
struct header {
	char magic[8];
	uint64_t key_len, data_len;
	uint64_t checksum; /* of key and data */
};

static uint64_t
checksum(struct str key, struct str data)
{
	return str_hash(key) * 31 + str_hash(data);
}

static char *
path_of(const char *folder, struct str key)
{
	return xasprintf("%s/%016llx" SUFFIX, folder, (unsigned long long)str_hash(key));
}

static bool
read_all(int fd, char *out, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, out + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

static bool
write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* The file is ours alone, of the size that its header says, and of this key. */
static bool
read_file(int fd, struct str key, struct buf *data)
{
	struct header header;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
		(st.st_mode & 022) != 0 || !read_all(fd, (char *)&header, sizeof(header)) ||
		memcmp(header.magic, MAGIC, sizeof(header.magic)) != 0 ||
		header.key_len != key.len || header.data_len > SCAN_CACHE_FILE_MAX ||
		(uint64_t)st.st_size != sizeof(header) + header.key_len + header.data_len)
		return false;
	size_t len = (size_t)(header.key_len + header.data_len);
	char *bytes = xmalloc(len + 1);
	bool good = read_all(fd, bytes, len) && memcmp(bytes, key.ptr, key.len) == 0;
	struct str stored = {bytes + key.len, len - key.len};
	good = good && checksum(key, stored) == header.checksum &&
	       buf_add_str(data, stored) == ERR_OK;
	free(bytes);
	return good;
}

bool
scan_cache_read(const char *folder, struct str key, struct buf *data)
{
	char *path = path_of(folder, key);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool good = fd >= 0 && read_file(fd, key, data);

	free(path);
	if (good)
		(void)futimens(fd, NULL); /* used just now */
	if (fd >= 0)
		close(fd);
	return good;
}

struct cached {
	char *path;
	int64_t used_at; /* ns */
};

static int
newest_first(const void *a, const void *b)
{
	const struct cached *x = a, *y = b;

	return x->used_at < y->used_at ? 1 : x->used_at > y->used_at ? -1 : 0;
}

/* Also what a crash left half written: it has another suffix, and is old by then. */
static void
drop_oldest(const char *folder)
{
	struct cached *files = NULL;
	size_t count = 0;
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		struct stat st;
		if (!strstr(entry->d_name, SUFFIX) ||
			fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode))
			continue;
		files = xreallocarray(files, count + 1, sizeof(*files));
		files[count++] = (struct cached){xasprintf("%s/%s", folder, entry->d_name),
			(int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec};
	}
	if (dir)
		closedir(dir);
	if (count > 0)
		qsort(files, count, sizeof(*files), newest_first);
	for (size_t i = 0; i < count; i++) {
		if (i >= SCAN_CACHE_FILES_MAX)
			(void)unlink(files[i].path);
		free(files[i].path);
	}
	free(files);
}

bool
scan_cache_write(const char *folder, struct str key, struct str data)
{
	struct header header = {
		.key_len = key.len, .data_len = data.len, .checksum = checksum(key, data)};

	if (data.len > SCAN_CACHE_FILE_MAX)
		return false;
	memcpy(header.magic, MAGIC, sizeof(header.magic));
	(void)mkdir(folder, 0700);
	char *path = path_of(folder, key), *half = xasprintf("%s.XXXXXX", path);
	int fd = mkostemp(half, O_CLOEXEC); /* 0600 */
	bool good = fd >= 0 && write_all(fd, &header, sizeof(header)) &&
		    write_all(fd, key.ptr, key.len) && write_all(fd, data.ptr, data.len);
	if (fd >= 0)
		good = close(fd) == 0 && good;
	good = good && rename(half, path) == 0;
	if (fd >= 0 && !good)
		(void)unlink(half);
	free(path);
	free(half);
	if (good)
		drop_oldest(folder);
	return good;
}
