/** @file entropy.h  Boltzmann entropy of the deep linear network.
 *
 * S(X) = log of the volume of the balanced networks W of rank r with W_N ... W_1 = X, in the
 * Frobenius metric of W. With b = 1 for real and 2 for complex numbers, hidden widths d_p and depth
 * N S = sum_{p=1}^{N-1} [log vol St(d_p, r) + (b/2) r (d_p - r) log 2]
 *       + b sum_{p=1}^{N-1} (d_p - r) sum_i log lambda_i + (b/2) sum_{i<j} log a_ij
 *       + ((b-1)/2) sum_i log a_ii,
 * with the metric weights a_ij of metric.h. The first sum is the constant, the terms of pairs and
 * of a_ii together are the pair entropy. At infinite depth a_ij stands for a_ij / N, the constant
 * is left out, and the second sum has its limit: S minus what diverges at fixed X. Sources: Menon &
 * Yu, arXiv:2509.09088 (square real networks); docs/theory/balanced.md, eqs. (7), (8). Checked by
 * tests/check/geometry_entropy.c (any widths, rank, numbers and depths to 1000, equal and far apart
 * values) against Gram determinants of the orbit map.
 * Reentrant; allocates nothing.
 */
#pragma once
#include "weylmc/geometry/shape.h"
#include "weylmc/geometry/spectrum.h"

/** The part of S that does not depend on X; 0 at infinite depth. */
double wmc_entropy_constant(const wmc_shape *shape);
/** (b/2) sum_{i<j} log a_ij + ((b-1)/2) sum_i log a_ii from rank values of log sigma, in any order.
 */
double wmc_entropy_pairs(const wmc_shape *shape, const double *log_sigma);
/** S from rank values of log sigma, in any order. */
double wmc_entropy(const wmc_shape *shape, const double *log_sigma);
/** Coefficient c such that the average of S minus its constant minus c log N has a limit for
 * N -> infinity when noise reaches the fibres: r(r-1)/4, or r^2/2 for complex numbers. Without any
 * excess, real numbers have (r-1)(r-2)/4 instead, because the smallest singular value then
 * decouples from the others. Eq. (21). */
double wmc_entropy_log_depth(const wmc_shape *shape);
/** S - wmc_entropy_constant - wmc_entropy_log_depth log N; S itself at infinite depth. */
double wmc_entropy_reduced(const wmc_shape *shape, const double *log_sigma);
/** 1/2 d log a_ij / d log sigma_i and the same for j, i before j in a sorted spectrum; finite also
 * where the two are equal. */
void wmc_entropy_pair_slopes(const wmc_spectrum *spectrum, int i, int j, double *slope_i,
                             double *slope_j);
/** dS/dlambda_i of a sorted spectrum, finite also where values are equal. */
void wmc_entropy_gradient(const wmc_shape *shape, const wmc_spectrum *spectrum, double *gradient);

enum { WMC_ENTROPY_ORDERS = 7 };
/** Expansion in depth at fixed X: with c = log_depth of every pair coupled (r(r-1)/4, or r^2/2 for
 * complex numbers) and D_ij = log sigma_i - log sigma_j
 *   S - wmc_entropy_constant - c log N = sum_k expansion[k] N^{-k},   k < WMC_ENTROPY_ORDERS,
 * up to N^{-8}: [0] is S at infinite depth, [1] = -[b (r-1)/2 + b - 1 + b (hidden - r)] sum_i log
 * sigma_i, [2] = -(b/12) sum D^2, [4] = (b/360) sum D^4, [6] = -(b/5670) sum D^6, the others 0.
 * Hidden widths are equal; the shape's depth does not matter. Eq. (26). */
void wmc_entropy_expansion(const wmc_shape *shape, const double *log_sigma,
                           double expansion[WMC_ENTROPY_ORDERS]);
