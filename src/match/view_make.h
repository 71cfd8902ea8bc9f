/* SPDX-License-Identifier: MIT */
/* How each view is made from an event, with or without the places that its bytes came from. Private to match/. */
#pragma once

#include "buf.h"
#include "source_map.h"
#include "view.h"

/* Where the bytes of a view came from: the map's sources are numbers of fields. */
struct view_map {
	struct source_map map;
	char **fields; /* owned; paths below the status or the actor */
	size_t count;
};

struct view_maker {
	struct views *views;
	struct json_value status, actor;
	const char *status_path,
		*actor_path; /* "" or with a dot at the end; only read when there is a map */
	struct buf *out;
	struct view_map *map; /* NULL: do not tell */
};

/* The text of the view: in maker->out or, where it is that already, a part of the event or of another view. */
struct str view_make(struct view_maker *maker, enum view view);
void view_map_finish(struct view_map *map);
