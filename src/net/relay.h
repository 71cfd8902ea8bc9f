/* SPDX-License-Identifier: MIT */
/* A TCP relay in front of a server on this machine, which spoils connections on purpose: below HTTP, so through TLS too. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

struct relay;

struct relay_config {
	const char *host; /* "127.0.0.1" unless NULL */
	int port;         /* 0: any free one */
	int target_port;  /* of the server, on 127.0.0.1 */
};

/* What happens to the bytes from the server to one client; all zero but cut_after -1: nothing. */
struct relay_fault {
	bool held; /* half-open: nothing passes in either direction, not even the server's end */
	int64_t cut_after; /* so many bytes more, then the client is cut; -1: never */
	bool reset;        /* that cut is a RST, not a FIN */
	int piece_bytes;   /* at most so many at a time; 0: as they come */
	int64_t piece_ms;  /* between pieces; 0: none, but each is sent by itself */
};

/* NULL when the port is taken: `error` (MESSAGE_MAX bytes) says why. */
struct relay *relay_create(struct loop *loop, const struct relay_config *config, char *error);
void relay_destroy(struct relay *relay); /* cuts all connections; NULL is fine */
int relay_port(const struct relay *relay);
/* False: connects are refused from now on; those that stand stay. True: they are taken again, at the same port.
 * Returns false when the port cannot be had back: try again later. */
bool relay_listen(struct relay *relay, bool wanted);

/* The connection that the server sees coming from this port of 127.0.0.1; 0: none. Ids are never used twice. */
uint64_t relay_find(const struct relay *relay, int server_side_port);
/* One connection, or with id 0 those that will be accepted from now on. False: it has ended. What was held back
 * passes when a new fault lets it. */
bool relay_spoil(struct relay *relay, uint64_t id, const struct relay_fault *fault);
/* Lets everything pass again, now and from now on. */
void relay_heal(struct relay *relay);
/* Cuts all connections but `spared` (0: none): FIN, or RST when `reset`. Returns how many. */
unsigned relay_cut(struct relay *relay, uint64_t spared, bool reset);
