/** @file memory.h  Zeroed, 64-byte aligned memory. Checked by tests/unit/base.c. */
#pragma once
#include <stddef.h>

/** count * size zeroed bytes aligned to a cache line; NULL when memory (or size_t) is exhausted.
 * A count of zero gives a unique pointer. The caller frees with wmc_free. */
void *wmc_alloc(size_t count, size_t size) __attribute__((malloc, warn_unused_result));
void wmc_free(void *pointer);

/** Bytes that this process can have at most: the machine's memory, or a smaller limit that was set
 * for processes (ulimit -v). */
double wmc_memory_limit(void);

/** For scratch that is used by one thing after another. */
static inline size_t wmc_larger(size_t a, size_t b) { return a > b ? a : b; }

#define WMC_NEW(type)          ((type *)wmc_alloc(1, sizeof(type)))
#define WMC_ARRAY(type, count) ((type *)wmc_alloc((size_t)(count), sizeof(type)))
