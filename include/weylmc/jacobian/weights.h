/** @file weights.h  The table of weight laws: independent entries of mean 0.
 *
 * Limits of deep residual chains depend on the law only through its variance; at finite depth laws
 * differ by O(1/L) through the fourth cumulant (docs/theory/jacobian.md, section 1).
 * Adding one: a fill function and a row in src/jacobian/weights.c.
 * Checked by tests/check/jacobian_block.c (the bulk layers follow their deviates) and
 * tests/statistical/jacobian.c.
 */
#pragma once
#include <stddef.h>

#include "weylmc/numeric/random.h"

typedef struct wmc_weights {
  const char *name, *text;
  /** n independent entries of standard deviation `scale`. */
  void (*fill)(wmc_stream *stream, size_t n, double scale, double *out);
} wmc_weights;

/** Table ended by a NULL name, and the names alone (NULL-ended) in the same order. */
extern const wmc_weights wmc_weight_laws[];
extern const char *const wmc_weight_law_names[];
const wmc_weights *wmc_weights_find(const char *name);
