/* SPDX-License-Identifier: MIT */
/* The named character references of HTML ("amp", "nbsp", ...). */
#pragma once

#include <stdbool.h>

#include "str.h"

#define ENTITY_NAME_LEN  31 /* bytes of the longest name */
#define ENTITY_BARE_LEN  6  /* of the longest that needs no semicolon */
#define ENTITY_VALUE_LEN 6  /* UTF-8 bytes */

/* The text that `name` (letters and digits, no NUL, no '&' or ';') stands for, or NULL. Without a semicolon
 * behind it only the old names count. Static storage. */
const char *entity_find(struct str name, bool semicolon);
