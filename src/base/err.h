/* SPDX-License-Identifier: MIT */
/* The one enum for "which way did it go?"; functions that return it never log. */
#pragma once

enum err {
	ERR_OK = 0,
	ERR_TOO_BIG,   /* a cap of limits.h was reached */
	ERR_SYNTAX,    /* the input is not what its format says */
	ERR_NOT_FOUND, /* no such key, row, file or name */
	ERR_EXISTS,    /* the key is taken */
	ERR_IO,        /* the system refused; errno or the object's error text says more */
	ERR_FULL,      /* no room: disk, queue, table */
	ERR_REFUSED,   /* not allowed: permission, credentials */
	ERR_TIMEOUT,
	ERR_CLOSED, /* the object has ended */
	ERR_LIMIT,  /* a budget was used up (pattern steps, CPU, memory) */
};

/* The name as text, for messages ("too big", "timeout", ...). Static storage. */
const char *err_text(enum err err);
