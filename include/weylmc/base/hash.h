/** @file hash.h  64-bit checksums (XXH3): a flipped bit of a file is found,
 * tests/unit/checkpoint.c. Reentrant; allocates nothing.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/** Hash of n bytes, continuing from `seed` (0 to start). */
uint64_t wmc_hash(const void *bytes, size_t n, uint64_t seed);
