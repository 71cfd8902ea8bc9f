/* SPDX-License-Identifier: MIT */
/* Runs a Lua test of the practice instance's parts in a trusted state, its file in place of practice/main.lua. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop.h"
#include "str.h"
#include "trusted.h"
#include "xmalloc.h"

/* Links all files of `from` into `into`, but for main.lua, which becomes the test. */
static void
link_parts(const char *from, const char *into, const char *test)
{
	DIR *dir = opendir(from);
	struct dirent *entry;

	REQUIRE(dir);
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;
		if (!str_ends(str_from(name), ".lua") && strcmp(name, "profiles") != 0)
			continue;
		char *source = str_eq_text(str_from(name), "main.lua")
				       ? xstrdup(test)
				       : xasprintf("%s/%s", from, name);
		char *target = xasprintf("%s/%s", into, name);
		REQUIRE(symlink(source, target) == 0);
		free(source);
		free(target);
	}
	closedir(dir);
}

static void
unlink_parts(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	REQUIRE(dir);
	while ((entry = readdir(dir))) {
		char *path = xasprintf("%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
		free(path);
	}
	closedir(dir);
	rmdir(folder);
}

/* practice_runner FOLDER-OF-THE-PARTS TEST.lua */
int
main(int argc, char **argv)
{
	char folder[] = "/tmp/practice-parts-XXXXXX";
	char error[PLUGIN_ERROR_MAX];

	REQUIRE(argc == 3);
	REQUIRE(mkdtemp(folder));
	char *parts = xasprintf("%s/practice", folder);
	REQUIRE(mkdir(parts, 0700) == 0);
	link_parts(argv[1], parts, argv[2]);
	struct loop *loop = loop_create(1.0);
	struct trusted *trusted = trusted_create(
		&(struct trusted_config){
			.loop = loop,
			.module = "practice.main",
			.lua_dir = folder,
			.seed = 7,
			.out = stdout,
		},
		error);
	if (!trusted)
		printf("Bail out! %s\n", error);
	trusted_destroy(trusted);
	loop_destroy(loop);
	unlink_parts(parts);
	rmdir(folder);
	free(parts);
	return trusted ? 0 : 1;
}
