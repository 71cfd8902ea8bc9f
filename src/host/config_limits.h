/* SPDX-License-Identifier: MIT */
/* The "cpu" and "memory" of a plugin in the config: texts with units to numbers within bounds. */
#pragma once

#include <stdbool.h>

#include "plugin_limits.h"
#include "str.h"

/* "100ms", "1s": sets cpu_ms, and load_ms in proportion. False: no such text, or out of bounds (base/limits.h). */
bool config_cpu(struct str text, struct plugin_limits *limits);
/* "32MB", "1GB" (of 1024 KB each, as everywhere in memory). False as above. */
bool config_memory(struct str text, struct plugin_limits *limits);
