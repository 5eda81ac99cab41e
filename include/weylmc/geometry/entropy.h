/** @file entropy.h  Boltzmann entropy of the deep linear network.
 *
 * S(X) = log of the volume of the balanced networks W with W_N ... W_1 = X, in the Frobenius metric
 * of W. For width d, hidden excess m and depth N
 *   S = (N-1) [log vol St(d+m, d) + (m d / 2) log 2] + (N-1) m sum_i log lambda_i
 *       + 1/2 sum_{i<j} log a_ij,
 * with the metric weights a_ij of metric.h. The last sum is the pair entropy.
 * Sources: Menon & Yu, arXiv:2509.09088 (square networks); docs/theory/balanced.md, eqs. (7), (8).
 * Checked by tests/check/balanced_geometry.c against Gram determinants of the orbit map.
 * Reentrant; allocates nothing.
 */
#pragma once
#include "weylmc/geometry/shape.h"
#include "weylmc/geometry/spectrum.h"

/** (N-1) [log vol St(d+m, d) + (m d / 2) log 2]: the part of S that does not depend on X. */
double wmc_entropy_constant(const wmc_shape *shape);
/** 1/2 sum_{i<j} log a_ij from width values of log sigma, in any order. */
double wmc_entropy_pairs(const wmc_shape *shape, const double *log_sigma);
/** S from width values of log sigma, in any order. */
double wmc_entropy(const wmc_shape *shape, const double *log_sigma);
/** Coefficient c such that S minus its constant minus c log N has a limit for N -> infinity when
 * noise reaches the fibres: d(d-1)/4 with hidden excess; (d-1)(d-2)/4 without, because the smallest
 * singular value then decouples from the others. Eq. (21). */
double wmc_entropy_log_depth(const wmc_shape *shape);
/** S - wmc_entropy_constant - wmc_entropy_log_depth log N. */
double wmc_entropy_reduced(const wmc_shape *shape, const double *log_sigma);
/** dS/dlambda_i of a sorted spectrum, finite also where values are equal. */
void wmc_entropy_gradient(const wmc_shape *shape, const wmc_spectrum *spectrum, double *gradient);
