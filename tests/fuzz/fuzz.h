/* SPDX-License-Identifier: MIT */
/* The entry point that each fuzz target defines (libFuzzer). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Returns 0; aborts when a promise is broken. Keeps nothing between calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) __attribute__((visibility("default")));
