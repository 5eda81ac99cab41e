/** @file volume.h  Volume forms of the balanced manifold and of matrices of fixed rank.
 *
 * Coordinates are the singular values lambda_i of the layers and the frames Q_0 .. Q_N with their
 * Frobenius volume (a turn of two columns by dt counts sqrt(2) dt). With b = 1 for real and 2 for
 * complex numbers, K_h = d_0 + d_N - 2 r, and K = K_h + excess (shape.h)
 *   dvol_M = N^{r/2} 2^{b r excess / 2} prod_{i<j} [(lambda_i^2 - lambda_j^2) a_ij^{1/2} / 2]^b
 *            prod_i lambda_i^{b K + (b-1) N} dlambda prod_p dQ_p,
 *   dvol_g = N^{(2-b) r/2} prod_{i<j} [(lambda_i^2 - lambda_j^2) / 2]^b
 *            prod_i lambda_i^{b K_h + b - 1} dlambda dQ_0 dQ_N;
 * their quotient at equal outer frames is the fibre's volume (entropy.h). Frames of a complex
 * network count up to their r common phases: the volume of all frames is to be divided by (2 pi)^r;
 * real frames have 2^r common signs. In the entries of X of full rank
 *   dvol_g = prod_{k,l} w_kl^{-b/2} dX
 * over all d_N d_0 directions, with the weights of metric.h. Finite depth only.
 * Sources: Menon & Yu, arXiv:2509.09088; docs/theory/geometry.md, eqs. (G30)-(G33).
 * Checked by tests/check/geometry_gibbs.c against Gram determinants of all tangent vectors.
 * Reentrant; allocates nothing.
 */
#pragma once
#include "weylmc/geometry/shape.h"
#include "weylmc/geometry/spectrum.h"

/** log of dvol_M / (dlambda prod_p dQ_p). -infinity where two lambda are equal. */
double wmc_volume_log_manifold(const wmc_shape *shape, const wmc_spectrum *spectrum);
/** log of dvol_g / (dlambda dQ_0 dQ_N). -infinity where two lambda are equal. */
double wmc_volume_log_image(const wmc_shape *shape, const wmc_spectrum *spectrum);
/** log of dvol_g / dX, entry by entry; the rank must be full. Finite at equal values. */
double wmc_volume_log_entries(const wmc_shape *shape, const wmc_spectrum *spectrum);
