/** @file chain.h  Tridiagonal systems along a chain of r x r matrices, one for each entry.
 *
 * For symmetric matrices x_1, x_2, ... and every entry (i, j) on its own
 *   -b_p x_{p-1} + a_p x_p - b_{p+1} x_{p+1} = y_p,
 *   a_p = u_i + u_j,   b_p = l_i m_j + l_j m_i,
 * with vectors u of row p and l, m between rows p - 1 and p. Elimination goes up the chain a row a
 * call, substitution down. Arrays are contiguous, column-major; vectors have r entries.
 *
 * wmc_chain_balance goes from a chain M_1 .. M_n near one diagonal matrix to orthogonal matrices
 * R_0 .. R_n and lambda such that R_p diag(lambda) R_{p-1}^T is the balanced chain with the product
 * M_n ... M_1 (of balanced chains the nearest in first order), up to errors of fourth order in the
 * distance: docs/theory/geometry.md, eqs. (G35)-(G37). Its cost are products, and two
 * decompositions for the whole chain.
 * Checked by tests/check/chain.c.  Reentrant; allocates nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/numeric/dense.h"

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

/** Matrices of a chain: M_p begins at (p - 1) core. */
typedef struct wmc_chain {
  int r, n;                   /**< r x r matrices, n of them */
  size_t core;                /**< doubles from one to the next, at least r r, a multiple of 8 */
  const wmc_product *product; /**< of r x r matrices */
} wmc_chain;

size_t wmc_chain_balance_scratch(int r, int n, size_t core);
/** See above.
 * @param[in,out] lambda     r, decreasing: the diagonal near which the chain is; then that of the
 *                           balanced chain, unless there is none
 * @param[out]    rotations  R_p at p core, p = 0 .. n
 * @param[in,out] products   of r x r matrices are counted here
 * @return false where the chain is too far from diagonal or from balance for the errors to be
 * small, or not finite; `lambda` is as it was then */
bool wmc_chain_balance(const wmc_chain *chain, const double *m, double *lambda, double *rotations,
                       long *products, double *scratch);
