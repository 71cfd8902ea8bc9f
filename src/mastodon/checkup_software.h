/* SPDX-License-Identifier: MIT */
/* Which software a server runs, what is known to be wrong with that version, and which streams it cannot give. Pure. */
#pragma once

#include <stdbool.h>

#include "findings.h"
#include "json.h"
#include "stream_name.h"

/* A stream that somebody wants. */
struct checkup_stream {
	const struct stream_info *info;
	char *param;     /* NULL without */
	char *wanted_by; /* names of instances; NULL: nobody in particular */
};

struct checkup_software {
	const char *name;        /* "Mastodon", "GoToSocial"; "unknown software" */
	int major, minor, patch; /* of its version as it is compared; 0.0.0: unreadable */
	bool is_mastodon;        /* Mastodon or a fork of it, with Mastodon's numbers */
	bool sends_nothing;      /* it has no streaming that moontusk could use */
};

/* By the version and source_url of an instance document. */
struct checkup_software checkup_software_of(struct json_value instance);
/* What it is; a warning for each known bug of that version; an error for each wanted stream that never gets anything there. */
void checkup_software(struct findings *findings, struct json_value instance,
	const struct checkup_stream *wanted, unsigned wanted_count);
