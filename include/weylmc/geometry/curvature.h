/** @file curvature.h  Trace H of the second fundamental form of the balanced manifold.
 *
 * H is the sum over an orthonormal basis e of T_W M of the normal part of the acceleration of a
 * curve with velocity e, sum_e (D_e P) e with the orthogonal projector P onto T_W M. In frames it
 * is diagonal: H_p = Q_p diag(h^p) Q_{p-1}^*, p = 1 .. N, with theta = log(lambda_i/lambda_j),
 *   h^p_i = -b { sum_{j != i} (1/(2 lambda_j)) [cosh((N+1-2p) theta)/sinh(N theta)
 *                                               - 1/(N sinh theta)] + (e_p - K/N) / lambda_i },
 *   e_p = c_p (d_p - r) + c_{p-1} (d_{p-1} - r),   c_0 = c_N = 1, other c_p = 1/2,
 * K = sum_{p=0}^N (d_p - r), b = 1 for real and 2 for complex numbers. Brownian motion on M has
 * the Ito drift H: dW = P dB + H dt / 2. sum_p h^p = 0, so H is tangent to no motion of X: the
 * derivative of W_N .. W_1 along H vanishes. H = 0 for N = 1, and for N = 2 where d_0 = d_2.
 * Sources: Menon, arXiv:2411.09004 (motion by curvature); Huang, Inauen & Menon, arXiv:2210.11347;
 * docs/theory/geometry.md, eqs. (G34)-(G37). Checked by tests/check/geometry_curvature.c against
 * differences of the projector. Finite depth only. Reentrant; allocates nothing.
 */
#pragma once
#include "weylmc/geometry/shape.h"
#include "weylmc/geometry/spectrum.h"

/** h^p, rank numbers, 1 <= p <= N; no cancellation and no overflow at equal or distant values.
 * O(rank^2). */
void wmc_curvature_trace(const wmc_shape *shape, const wmc_spectrum *spectrum, long p, double *h);
