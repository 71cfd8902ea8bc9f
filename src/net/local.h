/* SPDX-License-Identifier: MIT */
/* A unix socket that takes lines and gives lines, for those who may open its file; and asking such a one. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "loop.h"
#include "str.h"

struct local_server;

/* `peer` names who asks until local_answer, and never anybody else. Runs from the loop. `line` is without its end. */
typedef void local_line_fn(void *data, uint64_t peer, struct str line);

/* Listens on `path` with mode 0600 whatever the umask is. A socket of that name is replaced: the caller knows that nobody
 * uses it. NULL: `error` (MESSAGE_MAX bytes) says why, among others that the path is longer than a socket's may be. */
struct local_server *local_listen(
	struct loop *loop, const char *path, local_line_fn *on_line, void *data, char *error);
/* Removes the socket's file. NULL is fine. */
void local_close(struct local_server *server);
/* One line for the peer (without its end; copied); nothing happens when it has gone. A peer asks one thing at a time: its next
 * line is read when it was answered. Peers that neither ask nor read for LOCAL_IDLE_MS are cut, as are lines past
 * LOCAL_LINE_MAX, after a word of why (local_set_refusals). */
void local_answer(struct local_server *server, uint64_t id, struct str line);
/* What is said before a peer is cut: for too long a line, and for one too many. Kept. */
void local_set_refusals(struct local_server *server, const char *too_long, const char *too_many);

enum local_result {
	LOCAL_OK,
	LOCAL_NOBODY, /* nobody listens there */
	LOCAL_FAILED, /* `error` says why */
};
/* Sends one line and waits for one: blocks, at most `timeout_ms` for each byte. `answer` gets it without its end. */
enum local_result local_ask(
	const char *path, struct str line, int timeout_ms, struct buf *answer, char *error);
