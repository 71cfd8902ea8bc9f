/* SPDX-License-Identifier: MIT */
/* Threads that sift blocks of lines; they come back in the order in which they were given. */
#pragma once

#include "input.h"
#include "replay_sift.h"

struct jobs_block {
	struct input_block lines;
	unsigned file; /* the caller's */
	struct sifted *list;
	size_t count, size;
	bool ready;
};

struct jobs;

/* Makes the sifters, on this thread, and starts `count` threads, at least one. New. */
struct jobs *jobs_create(unsigned count, struct host *host, const struct sift_window *window);
/* Waits for the threads. Blocks that were not taken are dropped. NULL is fine. */
void jobs_destroy(struct jobs *jobs);
/* A block to be filled, then given. NULL: enough is under way, take one first. */
struct jobs_block *jobs_blank(struct jobs *jobs);
void jobs_give(struct jobs *jobs);
/* The oldest, sifted: waits for it. NULL: none is under way. The caller takes the events and problems out of it. */
struct jobs_block *jobs_take(struct jobs *jobs);
/* It may be filled again. */
void jobs_return(struct jobs *jobs, struct jobs_block *block);
bool jobs_idle(const struct jobs *jobs); /* nothing is under way */
/* Once nothing is under way: the sum over all threads. */
struct scout_tally jobs_tally(const struct jobs *jobs, unsigned instance, unsigned handler);
