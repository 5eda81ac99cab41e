/** @file chain.h  Tridiagonal systems along a chain of r x r matrices, one for each entry.
 *
 * For symmetric matrices x_1, x_2, ... and every entry (i, j) on its own
 *   -b_p x_{p-1} + a_p x_p - b_{p+1} x_{p+1} = y_p,
 *   a_p = u_i + u_j,   b_p = l_i m_j + l_j m_i,
 * with vectors u of row p and l, m between rows p - 1 and p. Elimination goes up the chain a row a
 * call, substitution down. Arrays are contiguous, column-major; vectors have r entries.
 * Checked by tests/check/chain.c.  Reentrant; allocates nothing.
 */
#pragma once
#include <stddef.h>

/** Vectors of one row: u, those before it (l, m) and those after it (l, m). */
typedef struct wmc_chain_row {
  const double *u, *l, *m, *l_after, *m_after;
} wmc_chain_row;

/** ratio = b_{p+1} / d and x <- (x + b_p x_before) / d with d = a_p - b_p ratio_before. For the
 * first row `ratio_before` and `x_before` are zeros. */
void wmc_chain_eliminate(int r, const wmc_chain_row *row, const double *ratio_before,
                         const double *x_before, double *ratio, double *x);
/** x <- x + ratio x_after, n entries. */
void wmc_chain_substitute(size_t n, const double *ratio, const double *x_after, double *x);
/** out = a - b, n entries; returns the largest |out|, ignoring what is not a number. */
double wmc_chain_subtract(size_t n, const double *a, const double *b, double *out);
/** Sum of squares of n entries. */
double wmc_chain_norm2(size_t n, const double *x);
