// SPDX-License-Identifier: MIT
// The adapter: the only file that includes simdjson, and the only one in C++.
#include "json.h"

#include <climits> // simdjson.h uses LONG_MAX without including it
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include <simdjson.h>

extern "C" {
#include "json_doc.h"
#include "json_repair.h"
#include "limits.h"
#include "xmalloc.h"
}

namespace
{

// simdjson's memory is ten times that of the longest text so far: beyond this text length it is
// given back, so that one huge event does not stay in memory for the rest of a year.
constexpr size_t kept_text_max = 256 * 1024;
constexpr size_t first_capacity = 16 * 1024;

// Repair makes a text longer by at most two quotes for each number of 19 or more digits.
constexpr size_t repaired_text_max = JSON_TEXT_MAX + JSON_TEXT_MAX / 8;

} // namespace

struct json_parser {
	simdjson::dom::parser parser{repaired_text_max};
	simdjson::dom::document document;
	struct json_doc borrowed; // over `document`; see json_parse_borrowed
	char *padded; // the text and behind it the bytes that simdjson may read past its end
	size_t padded_size;
};

namespace
{

// Whoever has the last document on loan gets the chance to keep it.
void
recall(json_parser *parser)
{
	struct json_doc *doc = &parser->borrowed;
	json_recall_fn *last = doc->recall;
	doc->recall = nullptr;
	if (last != nullptr) {
		last(doc->data, doc);
	}
}

simdjson::error_code
reserve(json_parser *parser, size_t capacity)
{
	simdjson::error_code err = parser->parser.allocate(capacity, JSON_DEPTH_MAX);
	return err != simdjson::SUCCESS ? err : parser->document.allocate(capacity);
}

void
forget_memory(json_parser *parser)
{
	parser->parser = simdjson::dom::parser(repaired_text_max);
	parser->document = simdjson::dom::document();
	free(parser->padded);
	parser->padded = nullptr;
	parser->padded_size = 0;
}

simdjson::error_code
parse_once(json_parser *parser, struct str text)
{
	size_t need = text.len + simdjson::SIMDJSON_PADDING;
	if (need > parser->padded_size) {
		size_t size = need + need / 2;
		parser->padded = static_cast<char *>(xrealloc(parser->padded, size));
		parser->padded_size = size;
	}
	if (text.len > 0) {
		memcpy(parser->padded, text.ptr, text.len);
	}
	memset(parser->padded + text.len, 0, simdjson::SIMDJSON_PADDING);
	if (text.len > parser->parser.capacity() || parser->parser.capacity() == 0) {
		size_t capacity = text.len + text.len / 2;
		capacity = capacity < first_capacity      ? first_capacity
			   : capacity > repaired_text_max ? repaired_text_max
							  : capacity;
		simdjson::error_code err = reserve(parser, capacity);
		if (err != simdjson::SUCCESS) {
			return err;
		}
	}
	return parser->parser.parse_into_document(parser->document, parser->padded, text.len, false)
		.error();
}

// Bytes of string memory in use: strings are stored in the order of the tape, so the last one tells.
size_t
strings_used(const uint64_t *tape, size_t words, const char *strings)
{
	uint64_t last = UINT64_MAX;
	for (size_t i = 1; i < words; i++) {
		switch (JSON_TAPE_TYPE(tape[i])) {
		case '"':
			last = JSON_TAPE_VALUE(tape[i]);
			break;
		case 'l':
		case 'u':
		case 'd':
			i++;
			break;
		default:
			break;
		}
	}
	if (last == UINT64_MAX) {
		return 0;
	}
	uint32_t len = 0;
	memcpy(&len, strings + last, sizeof(len));
	return last + sizeof(len) + len + 1;
}

// A document of just the size it needs: the parser's own is sized for the worst case, ten times as big.
struct json_doc *
copy_document(const struct json_doc *from)
{
	size_t bytes = strings_used(from->tape, from->words, from->strings);
	auto *doc = static_cast<struct json_doc *>(
		xmalloc(sizeof(struct json_doc) + from->words * sizeof(uint64_t) + bytes));
	doc->borrowed = false;
	doc->recall = nullptr;
	doc->words = from->words;
	auto *tape = reinterpret_cast<uint64_t *>(doc + 1);
	memcpy(tape, from->tape, from->words * sizeof(uint64_t));
	doc->tape = tape;
	char *copy = reinterpret_cast<char *>(tape + from->words);
	if (bytes > 0) {
		memcpy(copy, from->strings, bytes);
	}
	doc->strings = copy;
	return doc;
}

// What the last parse left, as a document.
struct json_doc *
borrow_document(json_parser *parser)
{
	struct json_doc *doc = &parser->borrowed;
	doc->tape = parser->document.tape.get();
	doc->strings = reinterpret_cast<const char *>(parser->document.string_buf.get());
	doc->words = static_cast<size_t>(JSON_TAPE_VALUE(doc->tape[0]));
	doc->borrowed = true;
	doc->recall = nullptr;
	return doc;
}

enum err
fail(struct json_error *error, enum err err, const char *message)
{
	if (error != nullptr) {
		(void)snprintf(error->message, sizeof(error->message), "%s", message);
	}
	return err;
}

bool
may_be_repaired(simdjson::error_code err)
{
	return err == simdjson::STRING_ERROR || err == simdjson::NUMBER_ERROR;
}

simdjson::error_code
parse_repaired(json_parser *parser, struct str text, simdjson::error_code first)
{
	struct buf repaired;
	buf_init(&repaired, repaired_text_max);
	simdjson::error_code err = first;
	if (json_repair(text, &repaired)) {
		err = parse_once(parser, buf_str(&repaired));
	}
	buf_finish(&repaired);
	return err;
}

} // namespace

struct json_parser *
json_parser_create(void)
{
	auto *parser = new (std::nothrow) json_parser{};
	REQUIRE(parser != nullptr);
	return parser;
}

void
json_parser_destroy(struct json_parser *parser)
{
	if (parser != nullptr) {
		recall(parser);
		free(parser->padded);
		delete parser;
	}
}

namespace
{

// `borrow`: the document stays in the parser's memory.
enum err
parse(struct json_parser *parser, struct str text, bool borrow, struct json_doc **doc,
	struct json_error *error)
{
	if (text.len > JSON_TEXT_MAX) {
		return fail(error, ERR_TOO_BIG, "the text is longer than 64 MiB");
	}
	recall(parser);
	simdjson::error_code err = parse_once(parser, text);
	if (may_be_repaired(err)) {
		err = parse_repaired(parser, text, err);
	}
	bool forget = text.len > kept_text_max;
	if (err == simdjson::SUCCESS) {
		*doc = borrow_document(parser);
		if (!borrow || forget) {
			*doc = copy_document(*doc);
		}
	}
	if (forget) {
		forget_memory(parser);
	}
	switch (err) {
	case simdjson::SUCCESS:
		return ERR_OK;
	case simdjson::DEPTH_ERROR:
		return fail(error, ERR_TOO_BIG, "more than 256 levels of nesting");
	case simdjson::CAPACITY:
	case simdjson::MEMALLOC:
		return fail(error, ERR_TOO_BIG, "not enough memory for a text of this length");
	case simdjson::EMPTY:
		return fail(error, ERR_SYNTAX, "the text is empty");
	case simdjson::UTF8_ERROR:
		return fail(error, ERR_SYNTAX, "the text is not valid UTF-8");
	case simdjson::NUMBER_ERROR:
		return fail(error, ERR_SYNTAX, "a number is not well-formed");
	case simdjson::STRING_ERROR:
		return fail(error, ERR_SYNTAX, "a string has an unknown escape");
	case simdjson::UNESCAPED_CHARS:
		return fail(error, ERR_SYNTAX, "a string has a raw control character");
	case simdjson::UNCLOSED_STRING:
		return fail(error, ERR_SYNTAX, "a string has no closing quote");
	case simdjson::T_ATOM_ERROR:
	case simdjson::F_ATOM_ERROR:
	case simdjson::N_ATOM_ERROR:
		return fail(error, ERR_SYNTAX, "a word that is not true, false or null");
	default:
		return fail(error, ERR_SYNTAX,
			"a comma, colon, quote or bracket is missing or one too many");
	}
}

} // namespace

enum err
json_parse(struct json_parser *parser, struct str text, struct json_doc **doc,
	struct json_error *error)
{
	return parse(parser, text, false, doc, error);
}

enum err
json_parse_borrowed(struct json_parser *parser, struct str text, struct json_doc **doc,
	struct json_error *error)
{
	return parse(parser, text, true, doc, error);
}

bool
json_doc_is_borrowed(const struct json_doc *doc)
{
	return doc != nullptr && doc->borrowed;
}

void
json_doc_lend(struct json_doc *doc, json_recall_fn *recall, void *data)
{
	doc->recall = recall;
	doc->data = data;
}

struct json_doc *
json_doc_keep(const struct json_doc *doc)
{
	return copy_document(doc);
}

void
json_doc_destroy(struct json_doc *doc)
{
	if (doc != nullptr && doc->borrowed) {
		doc->recall = nullptr;
	} else {
		free(doc);
	}
}
