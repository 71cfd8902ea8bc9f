/* SPDX-License-Identifier: MIT */
/* Events and actions as people read them in a terminal. Text from outside loses its control characters. */
#include "show.h"

#include <string.h>
#include <time.h>

#include "limits.h"

static const char *const codes[] = {
	"", "\033[2m", "\033[1m", "\033[32m", "\033[33m", "\033[34m", "\033[35m", "\033[31m"};

static void
put_styled(const struct show *show, enum show_style style, const char *text)
{
	if (show->color && style != SHOW_PLAIN)
		fprintf(show->out, "%s%s\033[0m", codes[style], text);
	else
		fputs(text, show->out);
}

/* Bytes of the UTF-8 sequence at `at`; C1 controls (U+0080 to U+009F) count as controls. */
static size_t
sequence(struct str text, size_t at, bool *control)
{
	unsigned char c = (unsigned char)text.ptr[at];
	size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (len > text.len - at)
		len = text.len - at;
	*control = c < 0x20 || c == 0x7f ||
		   (c == 0xc2 && len == 2 && (unsigned char)text.ptr[at + 1] < 0xa0);
	/* bidirectional overrides would turn the rest of the line round (U+202A-E, U+2066-9) */
	if (c == 0xe2 && len == 3) {
		unsigned char b = (unsigned char)text.ptr[at + 1],
			      d = (unsigned char)text.ptr[at + 2];
		*control = (b == 0x80 && d >= 0xaa && d <= 0xae) ||
			   (b == 0x81 && d >= 0xa6 && d <= 0xa9);
	}
	return len;
}

void
show_clean(struct buf *out, struct str text, unsigned width)
{
	unsigned shown = 0;
	bool space = true; /* at the start, and after a space: none follows */
	for (size_t at = 0; at < text.len;) {
		bool control;
		size_t len = sequence(text, at, &control);
		bool blank = control || text.ptr[at] == ' ';
		if (!(blank && space)) {
			if (width && shown >= width) {
				if (!str_ends(buf_str(out), "…")) /* it may have been cut before */
					buf_add_text(out, "…");
				return;
			}
			if (blank)
				buf_add_char(out, ' ');
			else
				buf_add(out, text.ptr + at, len);
			shown++;
		}
		space = blank;
		at += len;
	}
}

void
show_actor(const struct event *event, struct buf *out)
{
	struct str acct = json_str(json_get(event_actor(event), "acct"));
	if (acct.len == 0)
		return;
	buf_add_char(out, '@');
	show_clean(out, acct, 80);
}

void
show_label(const struct show *show, enum show_style style, const char *label)
{
	char padded[24];
	snprintf(padded, sizeof(padded), "%-8s", label);
	put_styled(show, style, padded);
}

static void
put_time(const struct show *show, int64_t unix_ms)
{
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm local;
	char text[16] = "--:--:--";
	if (localtime_r(&seconds, &local))
		strftime(text, sizeof(text), "%H:%M:%S", &local);
	put_styled(show, SHOW_DIM, text);
}

/* What stands behind the name: the post's text, else what is known. */
static void
describe(const struct show *show, const struct event *event, struct buf *out)
{
	views_set_event(show->views, event);
	struct str text = views_get(show->views, VIEW_TEXT);
	struct json_value media = json_get(event_status(event), "media_attachments");
	if (event->kind == EVENT_NOTIFICATION) {
		show_clean(out, json_str(json_path(json_root(event->doc), "type")), 40);
		buf_add_text(out, text.len ? ": " : "");
	} else if (json_type(json_get(event_outer_status(event), "reblog")) == JSON_OBJECT) {
		buf_add_text(out, "boosts @");
		show_clean(out, json_str(json_path(event_status(event), "account.acct")), 80);
		buf_add_text(out, ": ");
	}
	show_clean(out, text, show->width);
	if (json_count(media))
		buf_printf(out, " [%zu media]", json_count(media));
	if (out->len == 0 && event->doc)
		show_clean(out, event->payload, show->width);
	views_set_event(show->views, NULL);
}

void
show_event(const struct show *show, const struct event *event)
{
	struct buf line;
	buf_init(&line, EVENT_LINE_MAX);
	put_time(show, event->received_at_ms);
	fputc(' ', show->out);
	show_clean(&line, event->name, 40);
	put_styled(show, event->kind == EVENT_DELETE ? SHOW_RED : SHOW_GREEN,
		line.len ? line.ptr : "?");
	buf_clear(&line);
	buf_add_char(&line, ' ');
	show_clean(&line, event->stream, 60);
	if (event->param.ptr) {
		buf_add_char(&line, ' ');
		show_clean(&line, event->param, 60);
	}
	put_styled(show, SHOW_BLUE, line.ptr);
	buf_clear(&line);
	buf_add_char(&line, ' ');
	show_actor(event, &line);
	if (line.len > 1)
		put_styled(show, SHOW_BOLD, line.ptr);
	buf_clear(&line);
	describe(show, event, &line);
	if (event->doc == NULL)
		show_clean(&line, event->id, 60);
	fprintf(show->out, "%s%s\n", line.len ? ": " : "", line.len ? line.ptr : "");
	buf_finish(&line);
}
