/* SPDX-License-Identifier: MIT */
/* replay --dead-letters: the events whose handlers failed, from a host's database, as a file that a replay reads. */
#include "replay_letters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "json_write.h"
#include "limits.h"
#include "store.h"
#include "troubles.h"
#include "xmalloc.h"

#define LOG_MODULE "replay"

struct taking {
	struct json_parser *parser;
	int fd;
	unsigned without_event;
	bool failed; /* to write; errno */
};

static void
write_all(struct taking *taking, struct str text)
{
	while (text.len > 0 && !taking->failed) {
		ssize_t n = write(taking->fd, text.ptr, text.len);
		taking->failed = n < 0 && errno != EINTR;
		if (n > 0)
			text = (struct str){text.ptr + n, text.len - (size_t)n};
	}
}

static void
take_letter(void *data, const struct letter *letter)
{
	struct taking *taking = data;
	struct json_doc *doc = NULL;
	struct json_value event = {0};
	struct buf line;
	buf_init(&line, EVENT_LINE_MAX);
	if (json_parse(taking->parser, letter->detail, &doc, NULL) == ERR_OK)
		event = json_get(json_root(doc), "event");
	if (json_exists(event) && json_type(event) == JSON_OBJECT) {
		json_put_value(&line, event);
		buf_add_char(&line, '\n');
		write_all(taking, buf_str(&line));
	} else {
		taking->without_event++;
	}
	buf_finish(&line);
	json_doc_destroy(doc);
}

static bool
take_letters(struct replay_letters *letters, struct store *store, const char *instance,
	const struct session *session)
{
	letters->fd = memfd_create("dead-letters", MFD_CLOEXEC);
	struct taking taking = {.parser = json_parser_create(), .fd = letters->fd};
	taking.failed = taking.fd < 0;
	if (!taking.failed)
		letter_each(store, instance, take_letter, &taking);
	if (taking.failed)
		log_error(session->log, "no memory for the dead letters: %s", strerror(errno));
	else
		letters->path = xasprintf("/proc/self/fd/%d", letters->fd);
	if (taking.without_event)
		log_warn(session->log,
			"%u failures of schedules, and of events that cannot be read back, have no event to run again",
			taking.without_event);
	json_parser_destroy(taking.parser);
	return !taking.failed;
}

bool
replay_letters_open(
	struct replay_letters *letters, const struct args *args, const struct session *session)
{
	const char *folder = args_text(args, "state", NULL);
	char error[MESSAGE_MAX];
	*letters = (struct replay_letters){.fd = -1};
	if (!folder || args->before_dashes > 0) {
		log_error(session->log,
			"--dead-letters takes --state DIR, the folder of the host that they are of, and no files: moontusk replay "
			"--dead-letters --state DIR -- PLUGIN…");
		return false;
	}
	char *path = file_join(folder, "moontusk.db");
	struct store *store = NULL;
	if (!file_exists(path))
		log_error(session->log, "there is no database in %s", folder);
	else if (!(store = store_open(path, session->log, error)))
		log_error(session->log, "%s", error);
	bool good =
		store && take_letters(letters, store, args_text(args, "instance", NULL), session);
	store_close(store);
	free(path);
	return good;
}

void
replay_letters_finish(struct replay_letters *letters)
{
	if (letters->path)
		close(letters->fd);
	free(letters->path);
	letters->path = NULL;
}
