/* SPDX-License-Identifier: MIT */
/* What one plugin instance may use, which limit ended a call, and what it has used. Knows no Lua. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Why the host ended a call. */
enum plugin_limit {
	LIMIT_NONE,   /* it did not: the plugin raised, or nothing went wrong */
	LIMIT_CPU,    /* more CPU time than one call may use */
	LIMIT_MEMORY, /* more memory than the instance may hold */
	LIMIT_OUTPUT, /* more log lines, actions or texts than one call may ask for */
};

/* 0 anywhere: the default of base/limits.h. */
struct plugin_limits {
	int cpu_ms;  /* CPU time of one call of a handler, schedule or timer */
	int load_ms; /* CPU time for running the plugin's file */
	size_t memory_bytes; /* Lua heap, documents, patterns, rolling windows, requests and answers together */
};

struct plugin_usage {
	uint64_t calls;      /* through the door, loading included */
	int64_t cpu_us;      /* in all of them */
	int64_t cpu_us_last; /* in the last one */
	size_t bytes;        /* held now: the Lua heap and `charged` */
	size_t charged; /* of these, outside the Lua heap: documents, patterns, windows, answers */
	size_t peak;    /* the most that `bytes` has been */
	size_t limit_bytes; /* 0: none */
	int cpu_limit_ms;   /* 0: none */
};
