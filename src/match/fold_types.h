/* SPDX-License-Identifier: MIT */
/* The form of the folding table, which tools/fold_table.c writes and fold_chars.c reads. Private to match/. */
#pragma once

#include <stdint.h>

/* Word_Break of UAX 29, as far as it matters to words. */
enum fold_word {
	WORD_OTHER,
	WORD_LETTER,
	WORD_HEBREW,
	WORD_DIGIT,
	WORD_KATAKANA,
	WORD_LOW_LINE, /* ExtendNumLet */
	WORD_EXTEND,   /* Extend and Format: belong to what stands before them */
	WORD_ZWJ,
	WORD_MID_LETTER,
	WORD_MID_NUM,
	WORD_MID_BOTH, /* MidNumLet */
	WORD_QUOTE,    /* ' */
	WORD_DOUBLE_QUOTE,
	WORD_REGION,
	WORD_NEWLINE
};

/* Up to FOLD_ALPHABET: letters that may stand for each other. */
enum fold_script {
	FOLD_LATIN,
	FOLD_GREEK,
	FOLD_CYRILLIC,
	FOLD_ALPHABET, /* others with look-alikes */
	FOLD_JOINING,  /* ZWJ and ZWNJ are part of the spelling */
	FOLD_OTHER
};

enum fold_flag {
	FOLD_MARK = 1,
	FOLD_LETTER = 2,
	FOLD_DIGIT = 4,
	FOLD_IGNORED = 8,  /* a default ignorable */
	FOLD_PICTURE = 16, /* Extended_Pictographic */
	FOLD_MODIFIER = 32 /* a skin tone */
};

struct fold_char {
	uint16_t to;    /* where in fold_texts what it becomes begins, decomposed; 0: itself */
	uint8_t to_len; /* code points */
	uint8_t word, script, flags;
	uint8_t look; /* the ASCII letter that it stands for in words that mix scripts; 0: none */
	uint8_t small_look; /* the ASCII letter that it looks like, when it is a small letter; 0: none */
	uint8_t ccc;        /* Canonical_Combining_Class */
};

/* Two characters that compose to one. */
struct fold_pair {
	uint32_t first, second, composed;
};

#define FOLD_SHIFT 7
