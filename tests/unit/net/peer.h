/* SPDX-License-Identifier: MIT */
/* A server to talk to in tests, on the test's own loop: what it does is in the path. */
#pragma once

#include <stdbool.h>

#include "loop.h"
#include "server.h"

struct peer {
	struct loop *loop;
	struct server *server;
	int port;
	unsigned requests;
	unsigned pongs;
	unsigned ends;
	bool write_refused; /* server_write said that the connection is gone */
	server_conn last;   /* the last connection that asked for something */
	char method[16];
	char query[256];
	char authorization[128];
	char subprotocol[128];
	char user_agent[128];
	char content_type[128];
	char accept_encoding[128];
	char other_origin[64]; /* where /redirect-away points to */
	char message[64];      /* the last WebSocket message */
	size_t body_len;
};

/* Over TLS with the files of `certs` when that is not NULL. */
void peer_start(struct peer *peer, struct loop *loop, const char *cert_file, const char *key_file);
void peer_stop(struct peer *peer);

/* A listening socket that accepts (the kernel does) and never says a word. */
int silent_listen(int *port);

/* A CA of the test's own and a certificate for "localhost" (`cert`) and one for "elsewhere.example" (`wrong`), made
 * with the openssl command. */
struct certs {
	char dir[64];
	char ca[96], other_ca[96];
	char cert[96], wrong[96], key[96];
};
bool certs_make(struct certs *certs);
void certs_remove(struct certs *certs);
