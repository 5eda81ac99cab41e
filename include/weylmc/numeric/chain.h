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
 * distance: docs/theory/geometry.md, eqs. (G42)-(G45). Its cost are products, and two
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

/** Matrices of a chain: that of p = 1 begins at 0, the next ones follow at the distance `core`. */
typedef struct wmc_chain {
  int r, n;                   /**< r x r matrices, n of them, n >= 1 */
  size_t core;                /**< doubles from one to the next, at least r r, a multiple of 8 */
  const wmc_product *product; /**< of r x r matrices */
  bool crosses;               /**< lambda_r may pass through 0 */
} wmc_chain;

size_t wmc_chain_balance_scratch(int r, int n, size_t core);
/** See above.
 * @param[in]     v          M_p - diag(lambda)
 * @param[in,out] lambda     r, decreasing: the diagonal near which the chain is; then that of the
 *                           balanced chain, unless there is none
 * @param[out]    rotations  R_p at p core, p = 0 .. n; with `frames`, scratch
 * @param[in,out] frames     NULL, or r x r matrices at the same places: Q_p <- Q_p R_p
 * @param[in,out] products   of r x r matrices are counted here
 * @return false where the chain is too far from diagonal or from balance for the errors to be
 * small, or not finite, and for n = 1, where nothing is to be balanced; `lambda` and `frames` are
 * as they were then */
bool wmc_chain_balance(const wmc_chain *chain, const double *v, double *lambda, double *rotations,
                       double *frames, long *products, double *scratch);

/** What a tangent vector of a balanced chain is made of (geometry/project.h). */
typedef struct wmc_chain_noise {
  const double *lambda; /**< r, decreasing and positive */
  const double *h;      /**< noise of one variance in all entries of H but for the factors (sum over
                             p of rho^{2 (p-1)})^{-1/2}, rho = min / max of l_i, l_j; r x r */
  const double *drift;  /**< what is added to H, r x r; or NULL */
  const double *normals; /**< for a_1 .. a_{n-1}: rows of r (r - 1) / 2 pairs i < j, ordered (0,1),
                              (0,2), (1,2) .., and 8 doubles more that may be read; NULL: a = 0 */
  double scale;          /**< of the normals */
} wmc_chain_noise;

size_t wmc_chain_tangent_scratch(int r, int n, size_t core);
/** T_p = H_kl rho^{..} + a_p Lambda - Lambda a_{p-1}, a_0 = a_n = 0, where a is Gaussian with the
 * covariance scale^2 J^{-1}, J tridiagonal with rows -2 l_i l_j, 2 (l_i^2 + l_j^2), -2 l_i l_j.
 * T_p at t + (p - 1) core. */
void wmc_chain_tangent(int r, int n, size_t core, const wmc_chain_noise *noise, double *t,
                       double *scratch);
