/* SPDX-License-Identifier: MIT */
/* The values that must never be seen: tokens, webhook addresses. One object per host. */
#pragma once

#include "buf.h"
#include "str.h"

struct secrets;

struct secrets *secrets_create(void);
void secrets_destroy(struct secrets *secrets);
/* Registers `value` under `name` (both copied). A value shorter than
 * SECRET_LEN_MIN is kept but not searched for in texts. The same name again
 * replaces its value. */
void secrets_add(struct secrets *secrets, const char *name, struct str value);
/* The value, or STR_NONE. Borrowed until the next secrets_add. */
struct str secrets_get(const struct secrets *secrets, const char *name);
/* Calls with each name and value; both borrowed. */
void secrets_each(const struct secrets *secrets,
	void (*fn)(void *data, const char *name, struct str value), void *data);
/* Copies `text` to `out` with each secret replaced by "***" (for people). */
void secrets_redact(const struct secrets *secrets, struct str text, struct buf *out);
/* The same as a text of its own. To be cut, if at all, after this: a cut may leave half of a secret. New. */
char *secrets_redacted(const struct secrets *secrets, const char *text);
/* Copies `text` to `out` with each secret replaced by "{{secret:NAME}}" (for the
 * database), and back. Revealing an unknown name gives ERR_NOT_FOUND. A text that holds
 * "{{secret:" of its own survives the round trip unchanged (it is escaped). */
void secrets_hide(const struct secrets *secrets, struct str text, struct buf *out);
enum err secrets_reveal(const struct secrets *secrets, struct str text, struct buf *out);
