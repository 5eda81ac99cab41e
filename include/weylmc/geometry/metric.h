/** @file metric.h  Riemannian metric of the depth-N linear network on matrices X.
 *
 * At X = U diag(sigma) V^T the metric is g(Z,Z) = tr(Z^T A^{-1} Z) with
 *   A(Z) = sum_{p=1..N} (X X^T)^{(N-p)/N} Z (X^T X)^{(p-1)/N}.
 * In the frame (U, V) the operator A is diagonal: it multiplies (U^T Z V)_kl by
 *   a_kl = (s_k^2 - s_l^2) / (s_k^{2/N} - s_l^{2/N}),   a_kk = N s_k^{2-2/N}.
 * With D = log s_k - log s_l this is
 *   log a_kl = (1 - 1/N)(log s_k + log s_l) + log N + log sinhc(D) - log sinhc(D/N),
 * which has no cancellation at equal values and no overflow. At infinite depth a_kl stands for the
 * limit of a_kl / N, the weights (s_k^2 - s_l^2) / log(s_k^2 / s_l^2), s_k^2 of Bogoliubov, Kubo
 * and Mori: the term log N is left out, and time is counted in N times the time of the layers.
 * Where the rank r is below a width of X, directions u_k v^T and u v_k^T that leave the column or
 * the row space of X by a unit vector v or u have the weight s_k^{2-2/N}, which stays finite for
 * N -> infinity: the limit of a/N is 0, and those directions stand still in the slow time. Numbers
 * may be complex, with adjoints for transposes.
 * Sources: Bah, Rauhut, Terstiege & Westdickenberg, arXiv:1910.05505; Menon, arXiv:2411.09004;
 * docs/theory/balanced.md, eqs. (5), (6), (9).
 * Checked by tests/check/geometry_entropy.c (defining sum, products of layers, the integral
 * int_0^1 (X X^T)^{1-t} Z (X^T X)^t dt).  Reentrant; allocates nothing.
 */
#pragma once
#include "weylmc/geometry/spectrum.h"

/** log a_kl from log s_k and log s_l; symmetric; full precision. */
double wmc_metric_log_weight(double depth, double log_s, double log_r);
/** log of the weight of directions out of the column or row space of X; -infinity at infinite
 * depth.
 */
double wmc_metric_log_weight_outer(double depth, double log_s);
/** log|s^{2/N} - r^{2/N}|, full precision: log of the difference of squares of a layer's lambda; at
 * infinite depth log|log s^2 - log r^2|. */
double wmc_metric_log_gap(double depth, double log_s, double log_r);

/** All a_kl, rank x rank, symmetric, of a sorted spectrum: the quotient of differences where it
 * is safe and wmc_metric_log_weight elsewhere; relative error below 1e-9. Meant for Langevin steps,
 * O(rank^2) without transcendental functions. */
void wmc_metric_weights(const wmc_spectrum *spectrum, double *weights);
