/* SPDX-License-Identifier: MIT */
/* The list of what one task wants. */
#include "effects.h"

#include <stdlib.h>

#include "limits.h"
#include "xmalloc.h"

void
effects_init(struct effects *effects)
{
	*effects = (struct effects){0};
}

void
effects_finish(struct effects *effects)
{
	for (size_t i = 0; i < effects->count; i++) {
		struct effect *effect = &effects->list[i];
		if (effect->type == EFFECT_ACTION)
			action_finish(&effect->action);
		free(effect->name);
		free(effect->json);
		event_unref(effect->event);
	}
	free(effects->list);
	*effects = (struct effects){0};
}

bool
effects_room(struct effects *effects, size_t bytes)
{
	if (bytes > EFFECTS_BYTES_MAX - effects->bytes)
		return false;
	effects->bytes += bytes;
	return true;
}

struct effect *
effects_add(struct effects *effects, enum effect_type type)
{
	if (effects->count >= PLUGIN_EFFECTS_MAX)
		return NULL;
	if (effects->count == effects->size) {
		effects->size = effects->size ? effects->size * 2 : 4;
		effects->list = xreallocarray(effects->list, effects->size, sizeof(*effects->list));
	}
	struct effect *effect = &effects->list[effects->count++];
	*effect = (struct effect){.type = type};
	return effect;
}
