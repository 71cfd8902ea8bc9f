/* SPDX-License-Identifier: MIT */
/* Private to net/: libcurl's multi interface on a loop: its sockets are watched, its timer runs, ends are told. */
#pragma once

#include <curl/curl.h>

#include "loop.h"

struct curl_loop;

struct curl_loop_events {
	/* A transfer ended; its easy handle is still in the multi handle. May add and remove handles. */
	void (*on_done)(void *data, CURL *easy, CURLcode code);
	/* Around everything that curl does and tells, for owners that must not free handles meanwhile; may be NULL. */
	void (*enter)(void *data);
	void (*leave)(void *data);
};

/* Keeps events and data. */
struct curl_loop *curl_loop_create(
	struct loop *loop, const struct curl_loop_events *events, void *data); /* new */
/* All easy handles must be removed before. */
void curl_loop_destroy(struct curl_loop *curl);
/* Borrowed; handles are added to and removed from it. */
CURLM *curl_loop_multi(struct curl_loop *curl);
/* Tells about ends that a call of curl by the owner brought. */
void curl_loop_drain(struct curl_loop *curl);
