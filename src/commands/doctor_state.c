/* SPDX-License-Identifier: MIT */
/* The state folder as the doctor sees it: usable, on which disk, its database, and who else may read what is secret. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "doctor_judge.h"
#include "doctor_parts.h"
#include "files.h"
#include "limits.h"
#include "xmalloc.h"

/* File systems over a network, by the numbers of <linux/magic.h>: SQLite's write-ahead log does not work on them. */
static const struct {
	uint32_t magic;
	const char *name;
} remote_systems[] = {
	{0x6969, "NFS"},
	{0x517b, "SMB"},
	{0xff534d42, "CIFS"},
	{0xfe534d42, "SMB"},
	{0x01021997, "9P"},
	{0x00c36400, "Ceph"},
	{0x5346414f, "AFS"},
};

static void
check_system(struct findings *findings, const char *folder)
{
	struct statfs about;
	if (statfs(folder, &about) != 0)
		return;
	for (size_t i = 0; i < COUNT_OF(remote_systems); i++) {
		if ((uint32_t)about.f_type == remote_systems[i].magic)
			findings_add(findings, FINDING_WARNING, "state",
				"name a folder on a disk of this machine with --state: the database may be damaged when two machines use "
				"it, or when the connection to the server of the files breaks",
				"%s lies on a network file system (%s)", folder,
				remote_systems[i].name);
	}
}

/* The folder itself, or the nearest one above it that is there. New. */
static char *
existing(const char *folder)
{
	char *at = xstrdup(folder);
	struct stat about;
	while (stat(at, &about) != 0 && strcmp(at, "/") != 0 && strcmp(at, ".") != 0) {
		char *above = strrchr(at, '/') == at ? xstrdup("/") : file_folder(at);
		free(at);
		at = above;
	}
	return at;
}

/* True when moontusk could work there. */
static bool
check_folder(struct findings *findings, const char *folder)
{
	char *at = existing(folder);
	bool there = strcmp(at, folder) == 0;
	const char *trouble = NULL;
	struct statvfs system;
	if (!folder_exists(at))
		trouble = "it is not a folder";
	else if (access(at, R_OK | W_OK | X_OK) != 0)
		trouble = strerror(errno);
	else if (statvfs(at, &system) == 0 && (system.f_flag & ST_RDONLY))
		trouble = "its disk is mounted read-only";
	if (trouble)
		findings_add(findings, FINDING_ERROR, "state",
			"name a folder that you may write to with --state DIR, or change its owner",
			"the state cannot be kept in %s: %s%s%s%s", folder, there ? "" : "at ",
			there ? "" : at, there ? "" : ", ", trouble);
	else
		findings_add(findings, FINDING_OK, "state", NULL,
			there ? "kept in %s" : "will be kept in %s, which is made when a host runs",
			folder);
	if (!trouble)
		check_system(findings, at);
	free(at);
	return !trouble;
}

static void
check_room(struct findings *findings, const char *folder, const struct inspected *inspected)
{
	struct statvfs system;
	char *at = existing(folder);
	if (statvfs(at, &system) == 0)
		judge_disk(findings, folder, (int64_t)system.f_bavail * (int64_t)system.f_frsize,
			inspected->state == INSPECT_OLDER ? inspected->bytes : 0);
	free(at);
}

/* ---- who else may read what ---- */

static bool
check_mode(struct findings *findings, const char *path, const char *what)
{
	struct stat about;
	return stat(path, &about) == 0 && judge_mode(findings, path, about.st_mode, what);
}

struct secret_files {
	struct findings *findings;
	const struct config *config;
	bool found;
};

/* Does a token stand in the config file itself? */
static bool
holds_token(const struct config *config)
{
	struct buf text;
	bool found = false;
	buf_init(&text, CONFIG_VALUE_MAX);
	bool read = config->file && file_read(config->file, &text);
	for (unsigned i = 0; read && i < config->account_count; i++) {
		const char *token = config->accounts[i].token;
		found = found ||
			(token && *token && memmem(text.ptr, text.len, token, strlen(token)));
	}
	buf_finish(&text);
	return found;
}

/* A value that the config took from a file is known under the name of that file. */
static void
check_secret(void *data, const char *name, struct str value)
{
	struct secret_files *files = data;
	if (!str_starts(str_from(name), "config/"))
		return;
	char *path = file_join(files->config->folder, name + strlen("config/"));
	struct buf held;
	buf_init(&held, CONFIG_VALUE_MAX);
	if (file_exists(path) && file_read(path, &held) &&
		str_eq(str_trim(buf_str(&held)), str_trim(value)))
		files->found =
			check_mode(files->findings, path, "a secret of the config") || files->found;
	buf_finish(&held);
	free(path);
}

static void
check_secrets(struct doctor *doctor, struct findings *findings, const char *folder)
{
	static const char *const names[] = {"moontusk.db", "moontusk.db-wal", "control.sock"};
	struct secret_files files = {.findings = findings, .config = &doctor->config};
	secrets_each(doctor->session.secrets, check_secret, &files);
	if (holds_token(&doctor->config))
		files.found = check_mode(findings, doctor->config.file, "a token") || files.found;
	/* In a folder that is closed to others its files are, too. */
	if (check_mode(findings, folder, "the host's state")) {
		files.found = true;
		for (size_t i = 0; i < COUNT_OF(names); i++) {
			char *path = file_join(folder, names[i]);
			(void)check_mode(findings, path, "what the host remembers");
			free(path);
		}
	}
	if (!files.found)
		findings_add(findings, FINDING_OK, "permissions", NULL,
			"nobody else on this machine may read the state or a file with a secret");
}

void
doctor_state(struct doctor *doctor, struct findings *findings)
{
	char *folder = state_folder_find(args_text(doctor->args, "state", NULL));
	struct inspected inspected = {0};
	if (!folder) {
		findings_add(findings, FINDING_ERROR, "state", "name one with --state DIR",
			"there is no folder for the state: $HOME is not set");
		return;
	}
	if (check_folder(findings, folder)) {
		char *path = file_join(folder, "moontusk.db");
		inspect_database(path, true, &inspected);
		judge_database(findings, path, &inspected);
		check_room(findings, folder, &inspected);
		free(path);
	}
	check_secrets(doctor, findings, folder);
	free(folder);
}
