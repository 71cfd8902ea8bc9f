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

/* What a character is to words of its own script, where nothing around it has to be looked at (fold_quick.c). */
enum fold_quick {
	QUICK_NONE, /* something has */
	QUICK_GAP,  /* stands between words; becomes all of its text */
	QUICK_WORD, /* of a script without look-alikes */
	QUICK_GREEK,
	QUICK_CYRILLIC,
	QUICK_LATIN, /* becomes ASCII letters, whose marks are dropped but in Vietnamese words; or a letter that is none */
	QUICK_KINDS = 7,
	QUICK_DOUBLE = 8, /* looks like a small ASCII letter */
};

struct fold_char {
	uint16_t to;       /* where in fold_texts what it becomes begins, decomposed; 0: itself */
	uint16_t quick_to; /* the same composed, one code point; 0: itself */
	uint8_t to_len;    /* code points */
	uint8_t word, script, flags;
	uint8_t look; /* the ASCII letter that it stands for in words that mix scripts; 0: none */
	uint8_t small_look; /* the ASCII letter that it looks like, when it is a small letter; 0: none */
	uint8_t ccc;        /* Canonical_Combining_Class */
	uint8_t quick;
};

/* Two characters that compose to one. */
struct fold_pair {
	uint32_t first, second, composed;
};

#define FOLD_SHIFT 7
