/** @file retract.h  From a tangent step back to the balanced manifold along the fibres of GL.
 *
 * Every network of rank r is moved to a balanced one with the same X by gauges G_p, unique up to
 * orthogonal ones (the balanced networks are those of least norm in their orbit under GL). Here
 *   W_p <- (1 + S_p) W_p (1 + S_{p-1})^{-1},   S_p symmetric, S_0 = S_N = 0,
 * is repeated, S solving the linearised equations mu + d mu(S) = 0: in frames of the point,
 *   -2 l_i l_j S^{p-1}_ij + 2 (l_i^2 + l_j^2) S^p_ij - 2 l_i l_j S^{p+1}_ij = mu^p_ij,
 *   l_i^2 (-S^{p-1}_ii + 2 S^p_ii - S^{p+1}_ii) = mu^p_ii / 2.
 * The displacement is normal to the manifold in first order, and X is kept exactly, so that an
 * Euler step W + dW of a Langevin equation followed by this map is of weak order 1 without the
 * drift that keeps a continuous process on the manifold. A step of size h leaves an imbalance of
 * order h^2, then h^4, ... A large S is shortened; frames are found anew between iterations (by the
 * decomposition of the first layer and orthonormalisation of the others), never from X.
 *
 * Where d_p > r a step first tilts the frames, Q_p + B_p Lambda^{-1}, which keeps the rank.
 * Sources: docs/theory/geometry.md, eqs. (G12)-(G14). Checked by tests/check/geometry_retract.c.
 * Reentrant; allocates nothing.
 */
#pragma once
#include "weylmc/geometry/project.h"

/** What a retraction did. */
typedef struct wmc_retraction {
  int iterations;   /**< of S */
  long products;    /**< of r x r matrices (d_p x r by r x r ones count as one), for benchmarks */
  double imbalance; /**< largest |mu_ij| over sum lambda^2 that was left before frames were read */
} wmc_retraction;

/** Doubles of scratch for the functions below. */
size_t wmc_retract_scratch(const wmc_layers *layers);

/** Step from the point along a tangent vector and retract; the point moves. False if the iteration
 * does not converge or numbers are not finite (the step is too large, or lambda_r is lost): the
 * point means nothing then. `done` may be NULL. */
bool wmc_retract(const wmc_point *point, const wmc_tangent *step, wmc_retraction *done,
                 double *scratch);

/** The same up to errors of fourth order in the step, in a number of products that does not grow
 * with the accuracy of balance, which is exact: the rotations of all frames are found to second
 * order (numeric/chain.h). Where the step is too large for that, at depth 1, and where lambda_r
 * passes lambda_{r-1}, it is wmc_retract. `iterations` is 0 unless it is. */
bool wmc_retract_quickly(const wmc_point *point, const wmc_tangent *step, wmc_retraction *done,
                         double *scratch);

/** Step along a tangent vector and return along the normal space at the start: the point W' of M
 * with W' - W - V normal at W that chord iterations from W + V reach, W' - W - V below the
 * curvature radius. It is its own inverse: from W', the tangent part of W - W' leads back to W, if
 * these iterations find W and not another point, which must be checked. Unlike wmc_retract it does
 * not keep X. False if the iteration does not converge. Source: Zappa, Holmes-Cerfon & Goodman,
 * arXiv:1702.08446. */
bool wmc_retract_normally(const wmc_point *point, const wmc_tangent *step, wmc_retraction *done,
                          double *scratch);

/** The point of the orbit of any layers of rank r (the gauge group GL), with the same X. Far from
 * balance it takes more iterations. `w` is only read. False as above. */
bool wmc_balance(const wmc_point *point, const double *w, wmc_retraction *done, double *scratch);
