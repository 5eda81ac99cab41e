/** @file drift_layout.h  Where the sums of drift.h stand; private to src/jacobian.
 *
 *   lags x LAG_SUMS                 averages over windows and indices
 *   DYNKIN_SUMS                     at the shortest lag, as is all that follows
 *   width x INDEX_SUMS              for each index: outcomes x weights, controls x weights, squares
 * of weights MATRIX_SUMS x width x width nodes x (nodes + 2)             tents at t times integrals
 * of tents, of coth, and increments
 */
#pragma once
#include "weylmc/jacobian/drift.h"

enum { LAG_ONE, LAG_TY, LAG_TX, LAG_Y, LAG_Y2, LAG_E, LAG_F, LAG_SUMS };
enum { DYNKIN_RISE, DYNKIN_DRIFT, DYNKIN_NOISE, DYNKIN_SUMS };
/* Increment, its compensator, its square, and twice int (lambda - lambda(t)) times S, times 1. */
enum { OUT_Y, OUT_X, OUT_Y2, OUT_E, OUT_F, OUTCOMES };
enum {
  BY_ONE,
  BY_TANH,
  BY_NEAR,
  CONTROLS,
  BY_WIDE = CONTROLS,
  BY_HIDDEN,
  BY_PAST = BY_HIDDEN + WMC_DRIFT_PAST,
  BY_PAST_SQUARE,
  WEIGHTS
};
enum {
  GRAM = OUTCOMES * WEIGHTS,
  SQUARES = GRAM + CONTROLS * WEIGHTS,
  INDEX_SUMS = SQUARES + WEIGHTS
};
enum { MATRIX_YY, MATRIX_E, MATRIX_F, MATRIX_SUMS };

typedef struct drift_layout {
  size_t lags, dynkin, index, matrix, pair, size;
} drift_layout;

static inline drift_layout drift_layout_of(const wmc_drift_plan *p)
{
  drift_layout l = {.lags = 0};
  l.dynkin = l.lags + p->lags * LAG_SUMS;
  l.index = l.dynkin + DYNKIN_SUMS;
  l.matrix = l.index + p->width * INDEX_SUMS;
  l.pair = l.matrix + MATRIX_SUMS * p->width * p->width;
  l.size = l.pair + p->nodes * (p->nodes + 2);
  return l;
}
