/* SPDX-License-Identifier: MIT */
/* Threads that sift blocks of lines; they come back in the order in which they were given. */
#include "replay_jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "limits.h"
#include "xmalloc.h"

struct worker {
	struct jobs *jobs;
	struct sifter *sifter;
	pthread_t thread;
	bool started;
};

/* The ring holds, from `taken` on: blocks that were given; from `next` on those that no thread has begun. `taken`, `given`
 * and `bytes` belong to the main thread; the rest to whoever holds the lock. A block belongs to one thread at a time. */
struct jobs {
	struct worker *workers;
	unsigned count;
	struct jobs_block *ring;
	size_t size, taken, given;
	size_t bytes; /* of lines under way */
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	size_t next, end; /* `end` is `given`, as the threads know it */
	bool closing;
};

static void
sift_block(struct sifter *sifter, struct jobs_block *block)
{
	struct str rest = {block->lines.text, block->lines.len}, line;

	block->count = 0;
	while (input_line(&rest, &line)) {
		if (block->count == block->size) {
			block->size = block->size ? 2 * block->size : 64;
			block->list = xreallocarray(block->list, block->size, sizeof(*block->list));
		}
		sifter_line(sifter, line, true, &block->list[block->count++]);
	}
}

static void *
work(void *data)
{
	struct worker *worker = data;
	struct jobs *jobs = worker->jobs;

	pthread_mutex_lock(&jobs->lock);
	while (!jobs->closing) {
		if (jobs->next == jobs->end) {
			pthread_cond_wait(&jobs->work, &jobs->lock);
			continue;
		}
		struct jobs_block *block = &jobs->ring[jobs->next++ % jobs->size];
		pthread_mutex_unlock(&jobs->lock);
		sift_block(worker->sifter, block);
		pthread_mutex_lock(&jobs->lock);
		block->ready = true;
		pthread_cond_signal(&jobs->done);
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

/* Signals are the main thread's. */
static void
start(struct worker *worker)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	worker->started = pthread_create(&worker->thread, NULL, work, worker) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct jobs *
jobs_create(unsigned count, struct host *host, const struct sift_window *window)
{
	struct jobs *jobs = xcalloc(1, sizeof(*jobs));

	jobs->count = count;
	jobs->size = 2 * (size_t)count + 2;
	jobs->ring = xcalloc(jobs->size, sizeof(*jobs->ring));
	jobs->workers = xcalloc(count, sizeof(*jobs->workers));
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->work, NULL);
	pthread_cond_init(&jobs->done, NULL);
	for (unsigned i = 0; i < count; i++)
		jobs->workers[i] =
			(struct worker){.jobs = jobs, .sifter = sifter_create(host, window)};
	for (unsigned i = 0; i < count; i++)
		start(&jobs->workers[i]);
	REQUIRE(jobs->workers[0].started);
	return jobs;
}

static void
drop(struct jobs_block *block)
{
	for (size_t i = 0; i < block->count; i++) {
		event_unref(block->list[i].event);
		free(block->list[i].problem);
	}
	block->count = 0;
}

void
jobs_destroy(struct jobs *jobs)
{
	if (!jobs)
		return;
	pthread_mutex_lock(&jobs->lock);
	jobs->closing = true;
	pthread_cond_broadcast(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
	for (unsigned i = 0; i < jobs->count; i++) {
		if (jobs->workers[i].started)
			pthread_join(jobs->workers[i].thread, NULL);
		sifter_destroy(jobs->workers[i].sifter);
	}
	for (size_t i = 0; i < jobs->size; i++) {
		drop(&jobs->ring[i]);
		free(jobs->ring[i].list);
		input_block_finish(&jobs->ring[i].lines);
	}
	pthread_cond_destroy(&jobs->work);
	pthread_cond_destroy(&jobs->done);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs->workers);
	free(jobs->ring);
	free(jobs);
}

bool
jobs_idle(const struct jobs *jobs)
{
	return jobs->given == jobs->taken;
}

struct jobs_block *
jobs_blank(struct jobs *jobs)
{
	bool full = jobs->given - jobs->taken == jobs->size - 1; /* one is with the caller */

	if (full || (jobs->bytes > REPLAY_UNDER_WAY_MAX && !jobs_idle(jobs)))
		return NULL;
	return &jobs->ring[jobs->given % jobs->size];
}

void
jobs_give(struct jobs *jobs)
{
	struct jobs_block *block = &jobs->ring[jobs->given++ % jobs->size];

	jobs->bytes += block->lines.len;
	pthread_mutex_lock(&jobs->lock);
	block->ready = false;
	jobs->end++;
	pthread_cond_signal(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
}

struct jobs_block *
jobs_take(struct jobs *jobs)
{
	if (jobs_idle(jobs))
		return NULL;
	struct jobs_block *block = &jobs->ring[jobs->taken++ % jobs->size];
	pthread_mutex_lock(&jobs->lock);
	while (!block->ready)
		pthread_cond_wait(&jobs->done, &jobs->lock);
	pthread_mutex_unlock(&jobs->lock);
	return block;
}

void
jobs_return(struct jobs *jobs, struct jobs_block *block)
{
	jobs->bytes -= block->lines.len;
	block->count = 0;
}

struct scout_tally
jobs_tally(const struct jobs *jobs, unsigned instance, unsigned handler)
{
	struct scout_tally sum = {0};

	for (unsigned i = 0; i < jobs->count; i++) {
		struct scout_tally one =
			scout_tally(sifter_scout(jobs->workers[i].sifter), instance, handler);
		sum.heard += one.heard;
		sum.sampled += one.sampled;
		sum.ns += one.ns;
	}
	return sum;
}
