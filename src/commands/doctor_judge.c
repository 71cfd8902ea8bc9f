/* SPDX-License-Identifier: MIT */
/* What the doctor makes of this machine: room on the disk, the database, who may read files with secrets. Pure. */
#include "doctor_judge.h"

#include <inttypes.h>

#include "buf.h"
#include "clock.h"

#define MIB          INT64_C(1048576)
#define ROOM_ERROR   (20 * MIB)
#define ROOM_WARNING (500 * MIB)
#define OTHERS_MAY   0077

static void
put_size(struct buf *out, int64_t bytes)
{
	if (bytes >= 10240 * MIB)
		buf_printf(out, "%" PRId64 " GiB", bytes / 1024 / MIB);
	else if (bytes >= 10 * MIB)
		buf_printf(out, "%" PRId64 " MiB", bytes / MIB);
	else
		buf_printf(out, "%" PRId64 " KiB", bytes / 1024);
}

void
judge_disk(struct findings *findings, const char *folder, int64_t free_bytes, int64_t needed_bytes)
{
	struct buf room, copy;
	buf_init(&room, 64);
	buf_init(&copy, 64);
	put_size(&room, free_bytes);
	put_size(&copy, needed_bytes);
	if (free_bytes < ROOM_ERROR)
		findings_add(findings, FINDING_ERROR, "disk",
			"make room, or name a folder on another disk with --state: without room the host rests and acts on nothing",
			"%s are left for %s", room.ptr, folder);
	else if (free_bytes < needed_bytes + ROOM_ERROR)
		findings_add(findings, FINDING_ERROR, "disk",
			"make room before the next start: a copy of the database is made before it is brought to its newer form",
			"%s are left for %s, and a copy of the database takes %s", room.ptr, folder,
			copy.ptr);
	else if (free_bytes < ROOM_WARNING)
		findings_add(findings, FINDING_WARNING, "disk",
			"make room soon: archives and the database grow, and without room the host rests",
			"%s are left for %s", room.ptr, folder);
	else
		findings_add(
			findings, FINDING_OK, "disk", NULL, "%s are left for %s", room.ptr, folder);
	buf_finish(&room);
	buf_finish(&copy);
}

void
judge_database(struct findings *findings, const char *path, const struct inspected *inspected)
{
	struct buf size;
	buf_init(&size, 64);
	put_size(&size, inspected->bytes);
	switch (inspected->state) {
	case INSPECT_NONE:
		findings_add(findings, FINDING_OK, "database", NULL,
			"there is none yet: the first run makes %s", path);
		break;
	case INSPECT_GOOD:
	case INSPECT_OLDER:
		findings_add(findings, FINDING_OK, "database", NULL, "%s, schema %" PRId64 "%s, %s",
			size.ptr, inspected->schema,
			inspected->state == INSPECT_OLDER
				? " (the next run brings it to this version's, and keeps a copy)"
				: "",
			inspected->whole ? "no damage found"
					 : "too big to be checked whole in a moment");
		break;
	case INSPECT_NEWER:
		findings_add(findings, FINDING_ERROR, "database",
			"run that version of moontusk, or name another folder with --state",
			"%s was written by a newer moontusk (schema %" PRId64
			", this one knows up to %" PRId64 ")",
			path, inspected->schema, inspected->newest);
		break;
	case INSPECT_FOREIGN:
		findings_add(findings, FINDING_ERROR, "database",
			"name another folder with --state", "%s is a database of another program",
			path);
		break;
	case INSPECT_DAMAGED:
		findings_add(findings, FINDING_ERROR, "database",
			"put a copy of it back, or move the file away to start anew (with those whose names go on with -wal and "
			"-shm): what was handled, tusk.store and open actions are forgotten then",
			"%s is damaged: %s", path, inspected->words);
		break;
	case INSPECT_CLOSED:
		findings_add(findings, FINDING_ERROR, "database",
			"look at the owner and the permissions of file and folder: moontusk must be able to read and write them",
			"%s cannot be read: %s", path, inspected->words);
		break;
	}
	buf_finish(&size);
}

bool
judge_mode(struct findings *findings, const char *path, unsigned mode, const char *what)
{
	if ((mode & OTHERS_MAY) == 0)
		return false;
	struct buf advice;
	buf_init(&advice, 8192);
	buf_printf(&advice, "chmod go= %s", path);
	findings_add(findings, FINDING_WARNING, "permissions", advice.ptr,
		"%s holds %s, and others on this machine may get at it (mode %04o)", path, what,
		mode & 07777);
	buf_finish(&advice);
	return true;
}
