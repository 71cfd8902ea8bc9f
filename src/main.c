/* SPDX-License-Identifier: MIT */
/* The command line: picks one command from the table. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "attr.h"
#include "command.h"
#include "str.h"
#include "suggest.h"
#include "version.h"

#define FILES_WANTED 16384

static const struct command *
find_command(const char *name)
{
	for (unsigned i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

static int
unknown_verb(const char *name)
{
	const char *known[64];
	unsigned count = 0;
	for (; commands[count] && count < COUNT_OF(known); count++)
		known[count] = commands[count]->name;
	const char *near = suggest(str_from(name), known, count);
	fprintf(stderr, "moontusk: unknown verb \"%s\".%s%s%s\nTry 'moontusk --help'.\n", name,
		near ? " Did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return EXIT_USAGE;
}

/* With one of the three closed, the next file opened would take its place: messages would be
 * written into the database, and libuv aborts on closing such a number. */
static void
open_standard_files(void)
{
	int fd;
	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* A thousand streams are a thousand sockets, and the usual limit for a shell is 1,024 files. */
static void
allow_many_files(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* else there are as many as there are */
}

int
main(int argc, char **argv)
{
	open_standard_files();
	allow_many_files();
	const char *verb = argc > 1 ? argv[1] : NULL;
	if (!verb || strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 ||
		strcmp(verb, "help") == 0) {
		const struct command *about = verb && argc > 2 ? find_command(argv[2]) : NULL;
		if (verb && argc > 2 && !about)
			return unknown_verb(argv[2]);
		command_help(about);
		return verb ? EXIT_DONE : EXIT_USAGE;
	}
	if (strcmp(verb, "--version") == 0) {
		printf("moontusk %s\n", MOONTUSK_VERSION);
		return EXIT_DONE;
	}
	const struct command *command = find_command(verb);
	if (!command)
		return unknown_verb(verb);
	struct args args;
	enum args_result parsed = args_parse(&args, command, argc - 2, argv + 2);
	int code = EXIT_USAGE;
	if (parsed == ARGS_OK)
		code = command->run(&args);
	else if (parsed == ARGS_HELP)
		command_help(command);
	args_finish(&args);
	if (parsed == ARGS_HELP)
		code = EXIT_DONE;
	return code;
}
