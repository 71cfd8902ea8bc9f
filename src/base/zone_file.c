/* SPDX-License-Identifier: MIT */
/* Reads TZif files (RFC 8536, versions 1 to 4), trusting nothing in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "limits.h"
#include "xmalloc.h"
#include "zone_parts.h"

enum {
	HEADER_BYTES = 44,
	TYPE_BYTES = 6,
	OFFSET_MIN_S = -89999, /* RFC 8536, 3.2: between -25 and 26 hours */
	OFFSET_MAX_S = 93599,
};

struct reader {
	const char *name;
	struct str rest;
	char *error; /* MESSAGE_MAX bytes */
};

struct header {
	char version;
	uint32_t ut_count, std_count, leap_count, time_count, type_count, char_count;
};

static bool
fail(const struct reader *reader, const char *what)
{
	snprintf(reader->error, MESSAGE_MAX,
		"the zone file of \"%s\" cannot be used: %s; install the package tzdata anew",
		reader->name, what);
	return false;
}

static uint64_t
number_at(const char *bytes, size_t len)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | (uint8_t)bytes[i];
	return value;
}

/* Big-endian, two's complement, 4 or 8 bytes. */
static int64_t
signed_at(const char *bytes, size_t len)
{
	uint64_t value = number_at(bytes, len);
	return len == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

/* The next `len` bytes, NULL when there are fewer. */
static const char *
take(struct reader *reader, size_t len)
{
	if (reader->rest.len < len)
		return NULL;
	const char *bytes = reader->rest.ptr;
	reader->rest.ptr += len;
	reader->rest.len -= len;
	return bytes;
}

static bool
take_header(struct reader *reader, struct header *header)
{
	const char *bytes = take(reader, HEADER_BYTES);
	if (!bytes || memcmp(bytes, "TZif", 4) != 0)
		return fail(reader, "it does not begin as one (TZif)");
	uint32_t counts[6];
	for (size_t i = 0; i < COUNT_OF(counts); i++)
		counts[i] = (uint32_t)number_at(bytes + 20 + 4 * i, 4);
	*header = (struct header){
		bytes[4], counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
	if (header->version != '\0' && header->version < '2')
		return fail(reader, "its version is unknown");
	if (header->time_count > ZONE_TRANSITIONS_MAX || header->type_count == 0 ||
		header->type_count > UINT8_MAX + 1 || header->char_count == 0 ||
		header->char_count > ZONE_NAMES_MAX || header->leap_count > ZONE_TRANSITIONS_MAX ||
		header->ut_count > header->type_count || header->std_count > header->type_count)
		return fail(reader, "its counts are out of range");
	return true;
}

static size_t
body_bytes(const struct header *header, size_t time_bytes)
{
	return header->time_count * (time_bytes + 1) + (size_t)header->type_count * TYPE_BYTES +
	       header->char_count + header->leap_count * (time_bytes + 4) + header->std_count +
	       header->ut_count;
}

static bool
read_types(const struct reader *reader, struct zone *zone, const char *types, const char *chars,
	size_t char_count)
{
	for (unsigned i = 0; i < zone->type_count; i++) {
		const char *bytes = types + (size_t)i * TYPE_BYTES;
		struct zone_type *type = &zone->types[i];
		size_t at = (uint8_t)bytes[5];
		int64_t offset_s = signed_at(bytes, 4);
		const char *end =
			at < char_count ? memchr(chars + at, '\0', char_count - at) : NULL;
		if (offset_s < OFFSET_MIN_S || offset_s > OFFSET_MAX_S)
			return fail(reader, "an offset is out of range");
		if (!end || end - (chars + at) >= ZONE_ABBREVIATION_MAX)
			return fail(reader, "a name in it has no end");
		type->offset_s = (int32_t)offset_s;
		type->dst = bytes[4] != 0;
		memcpy(type->abbreviation, chars + at, (size_t)(end - (chars + at)) + 1);
	}
	return true;
}

static bool
read_body(struct reader *reader, const struct header *header, size_t time_bytes, struct zone *zone)
{
	const char *body = take(reader, body_bytes(header, time_bytes));
	if (!body)
		return fail(reader, "it ends too early");
	if (header->leap_count > 0)
		return fail(reader,
			"it counts leap seconds, which Unix time does not; use the zone's plain name");
	zone->time_count = header->time_count;
	zone->type_count = header->type_count;
	zone->times = xcalloc(header->time_count + 1, sizeof(zone->times[0]));
	zone->type_of = xcalloc(header->time_count + 1, 1);
	zone->types = xcalloc(header->type_count, sizeof(zone->types[0]));
	const char *types_of = body + header->time_count * time_bytes;
	for (unsigned i = 0; i < header->time_count; i++) {
		zone->times[i] = signed_at(body + i * time_bytes, time_bytes);
		zone->type_of[i] = (uint8_t)types_of[i];
		if (zone->type_of[i] >= header->type_count)
			return fail(reader, "a transition leads nowhere");
		if (i > 0 && zone->times[i] <= zone->times[i - 1])
			return fail(reader, "its transitions are not in order");
	}
	const char *types = types_of + header->time_count;
	return read_types(reader, zone, types, types + (size_t)header->type_count * TYPE_BYTES,
		header->char_count);
}

static bool
read_footer(const struct reader *reader, struct zone *zone)
{
	struct str rest = reader->rest, rule;
	if (rest.len == 0 || rest.ptr[0] != '\n')
		return fail(reader, "its last line is missing");
	rest.ptr++;
	rest.len--;
	if (!str_split(rest, '\n', &rule).ptr)
		return fail(reader, "its last line has no end");
	zone->has_rule = rule.len > 0;
	if (zone->has_rule && !zone_rule_parse(rule, &zone->rule))
		return fail(reader, "the rule in its last line cannot be read");
	return true;
}

static bool
read_zone(struct reader *reader, struct zone *zone)
{
	struct header header;
	if (!take_header(reader, &header))
		return false;
	if (header.version == '\0')
		return read_body(reader, &header, 4, zone);
	/* The first part is for readers of version 1: passed over, and the whole comes again with 64 bits. */
	if (!take(reader, body_bytes(&header, 4)))
		return fail(reader, "it ends too early");
	return take_header(reader, &header) && read_body(reader, &header, 8, zone) &&
	       read_footer(reader, zone);
}

struct zone *
zone_read(const char *name, struct str bytes, char *error)
{
	struct reader reader = {name, bytes, error};
	struct zone *zone = zone_new(name);
	if (read_zone(&reader, zone))
		return zone;
	zone_destroy(zone);
	return NULL;
}
