/* SPDX-License-Identifier: MIT */
/* Watches files that were read: says when one has another content and has not changed for half a second. */
#include "watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "limits.h"
#include "utlist.h"
#include "xmalloc.h"

enum {
	SETTLE_MS =
		500, /* a file that did not change for so long is whole: editors and scp pause for less */
	NEAR_MS = 100, /* between two looks while something settles */
	HINT_MS = 20,  /* changes come in flocks */
};

struct watched {
	char *path;
	bool is_folder;   /* watch_plugins */
	bool old;         /* not read since watch_begin */
	uint64_t content; /* of what was read, or told last; 0: it was not there */
	uint64_t settled; /* stamp of the file whose content was looked at; 0: never */
	uint64_t seen;    /* stamp of the last look */
	int64_t since_ms; /* loop_now_ms of the first look with that stamp */
	struct watched *next;
};

struct tag {
	char *name;
	struct watched *files; /* list, watched::next */
	bool changed;          /* to be told */
	bool moves;            /* a file has not settled yet */
	struct tag *next;
};

struct folder {
	char *path;
	struct loop_folder *loop;
	bool used;
	struct folder *next;
};

struct watch {
	struct loop *loop;
	watch_fn *fn;
	void *data;
	struct tag *tags;       /* list, tag::next */
	struct folder *folders; /* list, folder::next */
	struct loop_timer *timer;
};

/* ---- what a file is like ---- */

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
}

/* Changes with every write and every rename; 0 when there is no such file. */
static uint64_t
stamp_of_file(const char *path)
{
	struct stat about;
	if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
		return 0;
	uint64_t hash = mix(1, (uint64_t)about.st_ino);
	hash = mix(hash, (uint64_t)about.st_size);
	hash = mix(hash, (uint64_t)about.st_mtim.tv_sec);
	return mix(hash, (uint64_t)about.st_mtim.tv_nsec) | 1;
}

static uint64_t
content_of_text(struct str text)
{
	return text.ptr ? str_hash(text) | 1 : 0;
}

static uint64_t
content_of_file(const char *path)
{
	struct buf text;
	buf_init(&text, PLUGIN_SOURCE_MAX);
	uint64_t content =
		file_read(path, &text) ? content_of_text(text.len ? buf_str(&text) : STR("")) : 0;
	buf_finish(&text);
	return content;
}

struct listing {
	uint64_t stamp, content;
};

/* Sums: the order in which a folder lists its files means nothing. */
static void
add_plugin(void *data, const char *name, const char *file)
{
	struct listing *listing = data;
	uint64_t hash = str_hash(str_from(name));
	listing->content += hash;
	listing->stamp += mix(hash, stamp_of_file(file));
}

static struct listing
list_plugins(const char *folder)
{
	struct listing listing = {1, 1};
	folder_plugins(folder, add_plugin, &listing);
	return listing;
}

static uint64_t
stamp(const struct watched *file)
{
	return file->is_folder ? list_plugins(file->path).stamp : stamp_of_file(file->path);
}

static uint64_t
content(const struct watched *file)
{
	return file->is_folder ? list_plugins(file->path).content : content_of_file(file->path);
}

/* ---- looking ---- */

/* True when the file has settled with another content than was known. False, *pending set, when it still moves. */
static bool
look(struct watched *file, int64_t now_ms, bool *pending)
{
	uint64_t now = stamp(file);
	if (now != file->seen) {
		file->seen = now;
		file->since_ms = now_ms;
	}
	if (now == file->settled && now != 0)
		return false;
	if (now == 0 && file->content == 0)
		return false;
	if (now_ms - file->since_ms < SETTLE_MS) {
		*pending = true;
		return false;
	}
	file->settled = now;
	uint64_t is = content(file);
	bool changed = is != file->content;
	file->content = is;
	return changed;
}

/* Files that belong together are told when all of them are whole. */
static void
tell(struct watch *watch)
{
	struct tag *tag = watch->tags;
	while (tag) {
		if (!tag->changed || tag->moves) {
			tag = tag->next;
			continue;
		}
		tag->changed = false;
		char *name = xstrdup(tag->name);
		watch->fn(watch->data, name);
		free(name);
		tag = watch->tags; /* it may have changed what is watched */
	}
}

static void
on_timer(void *data)
{
	struct watch *watch = data;
	int64_t now_ms = loop_now_ms(watch->loop);
	bool pending = false;
	struct tag *tag;
	struct watched *file;
	LL_FOREACH(watch->tags, tag) {
		tag->moves = false;
		LL_FOREACH(tag->files, file)
			tag->changed = look(file, now_ms, &tag->moves) || tag->changed;
		pending = pending || tag->moves;
	}
	loop_timer_start(watch->timer, pending ? NEAR_MS : WATCH_LOOK_MS, 0);
	tell(watch);
}

static void
on_folder(void *data)
{
	struct watch *watch = data;
	loop_timer_start(watch->timer, HINT_MS,
		0); /* a flock that never ends is met by the limit of the folder */
}

/* ---- what is watched ---- */

struct watch *
watch_create(struct loop *loop, watch_fn *fn, void *data)
{
	struct watch *watch = xmalloc(sizeof(*watch));
	*watch = (struct watch){.loop = loop, .fn = fn, .data = data};
	watch->timer = loop_timer_create(loop, on_timer, watch);
	loop_timer_start(watch->timer, WATCH_LOOK_MS, 0);
	return watch;
}

static void
free_file(struct watched *file)
{
	free(file->path);
	free(file);
}

static void
free_tag(struct watch *watch, struct tag *tag)
{
	struct watched *file, *next;
	LL_FOREACH_SAFE(tag->files, file, next)
		free_file(file);
	LL_DELETE(watch->tags, tag);
	free(tag->name);
	free(tag);
}

/* Watches the folders of all files, and no others. */
static void
set_folders(struct watch *watch)
{
	struct tag *tag;
	struct watched *file;
	struct folder *folder, *next;
	LL_FOREACH(watch->folders, folder)
		folder->used = false;
	LL_FOREACH(watch->tags, tag) {
		LL_FOREACH(tag->files, file) {
			char *path =
				file->is_folder ? xstrdup(file->path) : file_folder(file->path);
			LL_FOREACH(watch->folders, folder) {
				if (strcmp(folder->path, path) == 0)
					break;
			}
			if (!folder) {
				folder = xcalloc(1, sizeof(*folder));
				folder->path = xstrdup(path);
				folder->loop =
					loop_folder_create(watch->loop, path, on_folder, watch);
				LL_PREPEND(watch->folders, folder);
			}
			folder->used = true;
			free(path);
		}
	}
	LL_FOREACH_SAFE(watch->folders, folder, next) {
		if (folder->used)
			continue;
		LL_DELETE(watch->folders, folder);
		loop_folder_destroy(folder->loop);
		free(folder->path);
		free(folder);
	}
}

void
watch_destroy(struct watch *watch)
{
	if (!watch)
		return;
	while (watch->tags)
		free_tag(watch, watch->tags);
	set_folders(watch);
	loop_timer_destroy(watch->timer);
	free(watch);
}

static struct tag *
find_tag(struct watch *watch, const char *name, bool make)
{
	struct tag *tag;
	LL_FOREACH(watch->tags, tag) {
		if (strcmp(tag->name, name) == 0)
			return tag;
	}
	if (!make)
		return NULL;
	tag = xcalloc(1, sizeof(*tag));
	tag->name = xstrdup(name);
	LL_APPEND(watch->tags, tag);
	return tag;
}

void
watch_begin(struct watch *watch, const char *name)
{
	struct tag *tag = find_tag(watch, name, true);
	struct watched *file;
	LL_FOREACH(tag->files, file)
		file->old = true;
}

static struct watched *
add_file(struct watch *watch, const char *name, const char *path)
{
	struct tag *tag = find_tag(watch, name, true);
	struct watched *file;
	LL_FOREACH(tag->files, file) {
		if (strcmp(file->path, path) == 0)
			break;
	}
	if (!file) {
		file = xcalloc(1, sizeof(*file));
		file->path = xstrdup(path);
		file->since_ms = loop_now_ms(watch->loop);
		LL_PREPEND(tag->files, file);
	}
	file->old = false;
	return file;
}

void
watch_file(struct watch *watch, const char *name, const char *path, struct str text)
{
	struct watched *file = add_file(watch, name, path);
	/* What changed between the reading and now shows at the next look: nothing has settled yet. */
	file->content = content_of_text(text);
	file->settled = 0;
	set_folders(watch);
}

void
watch_plugins(struct watch *watch, const char *name, const char *folder)
{
	struct watched *file = add_file(watch, name, folder);
	file->is_folder = true;
	file->content = list_plugins(folder).content;
	file->settled = 0;
	set_folders(watch);
}

void
watch_end(struct watch *watch, const char *name, bool good)
{
	struct tag *tag = find_tag(watch, name, true);
	struct watched *file, *next;
	tag->changed = false;
	LL_FOREACH_SAFE(tag->files, file, next) {
		if (!good || !file->old)
			continue;
		LL_DELETE(tag->files, file);
		free_file(file);
	}
	set_folders(watch);
}

void
watch_forget(struct watch *watch, const char *name)
{
	struct tag *tag = find_tag(watch, name, false);
	if (tag)
		free_tag(watch, tag);
	set_folders(watch);
}

void
watch_each(const struct watch *watch, const char *name, watch_each_fn *fn, void *data)
{
	const struct tag *tag;
	const struct watched *file;
	LL_FOREACH(watch->tags, tag) {
		if (strcmp(tag->name, name) != 0)
			continue;
		LL_FOREACH(tag->files, file)
			fn(data, file->path, file->content);
	}
}

bool
watch_again(struct watch *watch, const char *name, const char *path, uint64_t content_before)
{
	struct watched *file = add_file(watch, name, path);
	file->content = content_before;
	file->settled = 0;
	set_folders(watch);
	return content(file) != content_before;
}

bool
watch_differs(struct watch *watch, const char *name)
{
	struct tag *tag = find_tag(watch, name, false);
	struct watched *file;
	bool differs = false;
	if (tag)
		LL_FOREACH(tag->files, file)
			differs = differs || content(file) != file->content;
	return differs;
}
