/* SPDX-License-Identifier: MIT */
/* Config files: Lua evaluated with nothing but env and file, given back as JSON. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "limits.h"
#include "secrets.h"
#include "str.h"

/* Runs the Lua text `source` of `file` in an empty state that has `env "NAME"` and `file "path"` (relative to the
 * config's folder; trailing line end cut) and writes the table that it returns as JSON to `out`. Each value that came
 * from env or file is registered in `secrets` ("config/NAME"). False: `error` (PLUGIN_ERROR_MAX bytes) names file and line. */
bool lua_file_read(
	const char *file, struct str source, struct secrets *secrets, struct buf *out, char *error);
