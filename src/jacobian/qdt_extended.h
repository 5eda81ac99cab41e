/** @file qdt_extended.h  M = P Q D T in numbers of twice the precision (extended.h). Private to
 * src/jacobian: what wmc_qdt does after wmc_qdt_extend.
 *
 * D = diag(2^e) with integers e, T upper triangular with T_ii in [1, 2): no exponential and no
 * logarithm enters before the end, and M = P Q D T is an identity to 2^-100 whether or not Q is
 * orthogonal to that. T is kept as H = T^*, n x d.
 * In the end M^* = H D Q^* is factorised twice, H = Z S, S D = D' X, X^* = Z2 S2, S2 D' = D'' X2,
 *
 *   M = Q Z2 (D'' X2) Z^*,
 *
 * where rows of X2 are nearly orthogonal: they may be rounded, and what remains is done in doubles.
 */
#pragma once
#include <stdbool.h>

#include "weylmc/base/status.h"

typedef struct wmc_qdt_extended wmc_qdt_extended;

wmc_status wmc_qdt_extended_create(wmc_qdt_extended **extended, int parts, int width);
void wmc_qdt_extended_destroy(wmc_qdt_extended *extended);
/** M = I. */
void wmc_qdt_extended_start(wmc_qdt_extended *extended);
/** P <- J P. Returns false if entries come near the ends of the range of doubles: factorise. */
bool wmc_qdt_extended_multiply(wmc_qdt_extended *extended, const double *jacobian);
/** P Q D T <- Q D T, of which only the first `rank` rows of D T are kept. Returns false if M is not
 * finite. */
bool wmc_qdt_extended_factor(wmc_qdt_extended *extended, int rank);

/* Without pending layers: */
/** log|M e_1|. */
double wmc_qdt_extended_growth(const wmc_qdt_extended *extended);
/** log of the cotangent of the angle between M e_1 and M e_2. */
double wmc_qdt_extended_log_cotangent(const wmc_qdt_extended *extended);
/** y (n x d) <- X2^*, exponents (d) <- log D''; -inf and a column of 0 from `rank` on. */
void wmc_qdt_extended_reduce(wmc_qdt_extended *extended, int rank, double *y, double *exponents);
/** After that: Q, Z and Z2, n x d each; owned. */
const double *wmc_qdt_extended_q(const wmc_qdt_extended *extended);
const double *wmc_qdt_extended_right(const wmc_qdt_extended *extended);
const double *wmc_qdt_extended_left(const wmc_qdt_extended *extended);
