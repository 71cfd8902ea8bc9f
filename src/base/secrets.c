/* SPDX-License-Identifier: MIT */
/* The values that must never be seen, and the functions that take them out of texts. */
#include "secrets.h"

#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "xmalloc.h"

/* In a hidden text MARK + name + "}}" stands for a secret, and MARK + "}}" for a MARK
 * that was in the text itself. '%' and '}' of a name are written as %25 and %7D, so
 * no such form is the beginning of another. */
#define MARK        "{{secret:"
#define MARK_LEN    (sizeof(MARK) - 1)
#define OWN_MARK    "{{secret:}}"
#define FIRST_BYTES 256

struct secret {
	char *name;
	char *hidden; /* MARK name }} */
	char *value;
	size_t len;
};

struct secrets {
	struct secret
		*list; /* longest value first, so that a secret inside a longer one never wins */
	size_t count;
	bool first[FIRST_BYTES]; /* which bytes a searched value begins with */
};

struct secrets *
secrets_create(void)
{
	return xcalloc(1, sizeof(struct secrets));
}

static void
secret_finish(struct secret *secret)
{
	if (secret->value != NULL) {
		explicit_bzero(secret->value, secret->len);
	}
	free(secret->name);
	free(secret->hidden);
	free(secret->value);
}

void
secrets_destroy(struct secrets *secrets)
{
	if (secrets == NULL) {
		return;
	}
	for (size_t i = 0; i < secrets->count; i++) {
		secret_finish(&secrets->list[i]);
	}
	free(secrets->list);
	free(secrets);
}

static char *
hidden_form(const char *name)
{
	struct buf out;
	buf_init(&out, MARK_LEN + 3 * strlen(name) + 2);
	(void)buf_add_text(&out, MARK);
	for (; *name != '\0'; name++) {
		if (*name == '%' || *name == '}') {
			(void)buf_add_text(&out, *name == '%' ? "%25" : "%7D");
		} else {
			(void)buf_add_char(&out, *name);
		}
	}
	(void)buf_add_text(&out, "}}");
	return buf_take(&out, NULL);
}

static void
remove_name(struct secrets *secrets, const char *name)
{
	for (size_t i = 0; i < secrets->count; i++) {
		if (strcmp(secrets->list[i].name, name) == 0) {
			secret_finish(&secrets->list[i]);
			secrets->count--;
			memmove(&secrets->list[i], &secrets->list[i + 1],
				(secrets->count - i) * sizeof(secrets->list[0]));
			return;
		}
	}
}

void
secrets_add(struct secrets *secrets, const char *name, struct str value)
{
	REQUIRE(name[0] != '\0');
	/* Copied before the old one goes: `value` may be what secrets_get returned. */
	struct secret secret = {
		.name = xstrdup(name),
		.hidden = hidden_form(name),
		.value = xmemdup0(value.ptr, value.len),
		.len = value.len,
	};
	remove_name(secrets, secret.name);
	secrets->list = xreallocarray(secrets->list, secrets->count + 1, sizeof(secret));
	size_t at = 0;
	while (at < secrets->count && secrets->list[at].len >= secret.len) {
		at++;
	}
	memmove(&secrets->list[at + 1], &secrets->list[at], (secrets->count - at) * sizeof(secret));
	secrets->list[at] = secret;
	secrets->count++;
	memset(secrets->first, 0, sizeof(secrets->first));
	for (size_t i = 0; i < secrets->count && secrets->list[i].len >= SECRET_LEN_MIN; i++) {
		secrets->first[(unsigned char)secrets->list[i].value[0]] = true;
	}
}

struct str
secrets_get(const struct secrets *secrets, const char *name)
{
	for (size_t i = 0; i < secrets->count; i++) {
		if (strcmp(secrets->list[i].name, name) == 0) {
			return (struct str){secrets->list[i].value, secrets->list[i].len};
		}
	}
	return STR_NONE;
}

/* The longest searched secret that `text` begins with; NULL when none. */
static const struct secret *
secret_at(const struct secrets *secrets, struct str text)
{
	if (!secrets->first[(unsigned char)text.ptr[0]]) {
		return NULL;
	}
	for (size_t i = 0; i < secrets->count && secrets->list[i].len >= SECRET_LEN_MIN; i++) {
		const struct secret *secret = &secrets->list[i];
		if (secret->len <= text.len && memcmp(secret->value, text.ptr, secret->len) == 0) {
			return secret;
		}
	}
	return NULL;
}

/* The one walk: replaces secrets by "***" or, with `hide`, by their hidden form. */
static void
replace(const struct secrets *secrets, struct str text, struct buf *out, bool hide)
{
	size_t copied = 0;
	size_t at = 0;
	if (text.len == 0) {
		return; /* no sum with a NULL */
	}
	while (at < text.len) {
		struct str rest = {text.ptr + at, text.len - at};
		const struct secret *secret = secret_at(secrets, rest);
		bool mark = hide && secret == NULL && str_starts(rest, MARK);
		if (secret == NULL && !mark) {
			at++;
			continue;
		}
		(void)buf_add(out, text.ptr + copied, at - copied);
		if (mark) {
			(void)buf_add_text(out, OWN_MARK);
		} else {
			(void)buf_add_text(out, hide ? secret->hidden : "***");
		}
		at += mark ? MARK_LEN : secret->len;
		copied = at;
	}
	(void)buf_add(out, text.ptr + copied, text.len - copied);
}

void
secrets_each(const struct secrets *secrets,
	void (*fn)(void *data, const char *name, struct str value), void *data)
{
	for (size_t i = 0; i < secrets->count; i++) {
		fn(data, secrets->list[i].name,
			(struct str){secrets->list[i].value, secrets->list[i].len});
	}
}

void
secrets_redact(const struct secrets *secrets, struct str text, struct buf *out)
{
	replace(secrets, text, out, false);
}

char *
secrets_redacted(const struct secrets *secrets, const char *text)
{
	struct buf out;
	buf_init(&out, SIZE_MAX);
	secrets_redact(secrets, str_from(text), &out);
	return buf_take(&out, NULL);
}

void
secrets_hide(const struct secrets *secrets, struct str text, struct buf *out)
{
	replace(secrets, text, out, true);
}

/* Adds what the form at the start of `text` stands for; its length, 0 when unknown. */
static size_t
reveal_one(const struct secrets *secrets, struct str text, struct buf *out)
{
	if (str_starts(text, OWN_MARK)) {
		(void)buf_add_text(out, MARK);
		return sizeof(OWN_MARK) - 1;
	}
	for (size_t i = 0; i < secrets->count; i++) {
		const struct secret *secret = &secrets->list[i];
		if (str_starts(text, secret->hidden)) {
			(void)buf_add(out, secret->value, secret->len);
			return strlen(secret->hidden);
		}
	}
	return 0;
}

enum err
secrets_reveal(const struct secrets *secrets, struct str text, struct buf *out)
{
	while (text.len > 0) {
		const char *mark = memmem(text.ptr, text.len, MARK, MARK_LEN);
		size_t before = mark != NULL ? (size_t)(mark - text.ptr) : text.len;
		(void)buf_add(out, text.ptr, before);
		text = (struct str){text.ptr + before, text.len - before};
		if (mark != NULL) {
			size_t used = reveal_one(secrets, text, out);
			if (used == 0) {
				return ERR_NOT_FOUND;
			}
			text = (struct str){text.ptr + used, text.len - used};
		}
	}
	return out->err;
}
