/* SPDX-License-Identifier: MIT */
/* Files of lines, packed or not, in blocks of whole lines: what a replay reads. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "byte_source.h"
#include "xmalloc.h"

enum { KEPT_SIZE = 8 * INPUT_BLOCK_SIZE };

struct input {
	struct byte_source *source;
	char *rest; /* the beginning of a line whose end is still to come */
	size_t rest_len, rest_size;
	uint64_t line; /* number of the next one */
	bool ended, failed;
};

void
input_block_finish(struct input_block *block)
{
	free(block->text);
	*block = (struct input_block){0};
}

bool
input_line(struct str *rest, struct str *line)
{
	if (rest->len == 0)
		return false;
	const char *end = memchr(rest->ptr, '\n', rest->len);
	size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
	*line = (struct str){rest->ptr, len};
	if (len > 0 && line->ptr[len - 1] == '\r')
		line->len--;
	rest->len -= end ? len + 1 : len;
	rest->ptr += end ? len + 1 : len;
	return true;
}

struct input *
input_open(const char *path, char error[MESSAGE_MAX])
{
	struct stat st;
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					: open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0 || S_ISDIR(st.st_mode)) {
		snprintf(error, MESSAGE_MAX, "cannot be read: %s",
			strerror(fd < 0 ? errno : EISDIR));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct input *input = xcalloc(1, sizeof(*input));
	input->source = byte_source_create(fd);
	input->line = 1;
	return input;
}

void
input_close(struct input *input)
{
	if (!input)
		return;
	byte_source_destroy(input->source);
	free(input->rest);
	free(input);
}

bool
input_ready(const struct input *input)
{
	return input->ended || byte_source_ready(input->source);
}

const char *
input_error(const struct input *input)
{
	return byte_source_error(input->source);
}

uint64_t
input_used(const struct input *input)
{
	return byte_source_used(input->source);
}

static void
make_room(char **text, size_t *size, size_t wanted)
{
	if (*size >= wanted)
		return;
	*size = wanted;
	*text = xrealloc(*text, wanted);
}

/* One read behind what the block has. False: the end, or an error. */
static bool
read_more(struct input *input, struct input_block *block)
{
	/* A long line doubles the block: no more than twice its length is ever copied. */
	size_t wanted = block->len < INPUT_BLOCK_SIZE ? INPUT_BLOCK_SIZE : 2 * block->len;

	make_room(&block->text, &block->size, wanted + INPUT_BLOCK_SIZE);
	ssize_t got =
		byte_source_read(input->source, block->text + block->len, block->size - block->len);
	if (got > 0) {
		block->len += (size_t)got;
		return true;
	}
	input->ended = true;
	input->failed = got < 0;
	return false;
}

/* The lines of the block; what follows its last line end waits for the next one. */
static void
keep_rest(struct input *input, struct input_block *block, const char *last_end)
{
	size_t whole = (size_t)(last_end - block->text) + 1;

	input->rest_len = block->len - whole;
	make_room(&input->rest, &input->rest_size, input->rest_len + 1);
	memcpy(input->rest, block->text + whole, input->rest_len);
	block->len = whole;
}

static uint64_t
count_lines(const struct input_block *block)
{
	uint64_t count = block->len > 0 && block->text[block->len - 1] != '\n';
	const char *at = block->text, *end = block->text + block->len;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		count++;
		at++;
	}
	return count;
}

/* Reads over a line that is too long. Its end is in the block, or the input has ended. */
static enum input_result
skip_line(struct input *input, struct input_block *block)
{
	const char *end = NULL;

	do
		block->len = 0;
	while (read_more(input, block) && !(end = memchr(block->text, '\n', block->len)));
	if (end)
		keep_rest(input, block, end);
	input->rest_len = end ? input->rest_len : 0;
	block->len = 0;
	block->too_long = true;
	block->first_line = input->line++;
	return INPUT_LINES;
}

enum input_result
input_next(struct input *input, struct input_block *block)
{
	const char *end;

	block->len = 0;
	block->too_long = false;
	if (block->size > KEPT_SIZE) /* after a long line */
		input_block_finish(block);
	make_room(&block->text, &block->size, input->rest_len + INPUT_BLOCK_SIZE);
	if (input->rest_len > 0)
		memcpy(block->text, input->rest, input->rest_len);
	block->len = input->rest_len;
	input->rest_len = 0;
	/* After a long line there may be whole lines in what was kept. */
	while (!(end = block->len > 0 ? memrchr(block->text, '\n', block->len) : NULL)) {
		if (block->len > EVENT_LINE_MAX)
			return skip_line(input, block);
		if (input->ended || !read_more(input, block))
			break;
	}
	/* The last line may lack its end; what broke off is no line. */
	if (end)
		keep_rest(input, block, end);
	else if (input->failed)
		block->len = 0;
	if (block->len == 0)
		return input->failed ? INPUT_FAILED : INPUT_END;
	block->first_line = input->line;
	input->line += count_lines(block);
	return INPUT_LINES;
}
