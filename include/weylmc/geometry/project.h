/** @file project.h  Tangent vectors of the balanced manifold at a point, and projectors onto them.
 *
 * In the frames of a point W_p = Q_p Lambda Q_{p-1}^T a tangent vector is
 *   V_p = Q_p T_p Q_{p-1}^T + B_p Q_{p-1}^T + Q_p B_{p-1}^T,   Q_p^T B_p = 0,
 * with r x r matrices T_p ("core") and d_p x r matrices B_p ("tilt"; 0 where d_p = r). A hidden
 * tilt moves two layers, so |V|^2 = sum |T_p|^2 + |B_0|^2 + |B_N|^2 + 2 sum_hidden |B_p|^2. The
 * cores of tangent vectors are
 *
 *   (T_p)_ii = H_ii,
 *   (T_p)_kl = H_kl rho^q + a^p_kl lambda_l - lambda_k a^{p-1}_kl,
 *   rho = min(lambda_k, lambda_l) / max,   q = p - 1 where lambda_k > lambda_l, N - p else:
 *
 * H moves X (horizontal, orthogonal to all vertical ones), antisymmetric a^1 .. a^{N-1} do not
 * (vertical; hidden tilts too). Normal vectors are W_p S_{p-1} - S_p W_p with symmetric S_p,
 * S_0 = S_N = 0, and what has no component in a frame on either side. Entries (i,j), (j,i) of all
 * layers obey one tridiagonal system with the constant rows -2 l_i l_j, 2 (l_i^2 + l_j^2),
 * -2 l_i l_j, which is also the Gram matrix of the rotations a. Sources: docs/theory/geometry.md,
 * eqs. (G6)-(G11); Huang, Inauen & Menon for d = 2. Checked by tests/check/geometry_tangent.c.
 * Reentrant; allocates nothing.
 */
#pragma once
#include "weylmc/geometry/point.h"

typedef struct wmc_tangent {
  const wmc_layers *layers; /**< borrowed */
  double *core;             /**< T_p at (p - 1) layers->core, p = 1 .. N */
  double *tilt;             /**< B_p at layers->frame[p] */
} wmc_tangent;

/** Doubles behind a tangent vector; lay one over them. */
size_t wmc_tangent_size(const wmc_layers *layers);
wmc_tangent wmc_tangent_map(const wmc_layers *layers, double *memory);
/** T_p and B_p. */
double *wmc_tangent_core(const wmc_tangent *tangent, int p);
double *wmc_tangent_tilt(const wmc_tangent *tangent, int p);
/** Doubles of scratch for all functions below. */
size_t wmc_tangent_scratch(const wmc_layers *layers);

/** Pairs i < j, in the order (0,1), (0,2), (1,2), (0,3), ...: r (r - 1) / 2. */
size_t wmc_layers_pairs(const wmc_layers *layers);
/** Solve the tridiagonal systems of all pairs: row p of `x` (pairs doubles each, p = 1 .. N-1)
 * holds right-hand sides and then solutions. `scratch`: N rows. */
void wmc_pairs_solve(const wmc_point *point, double *x, double *scratch);

/** Orthogonal projection of V (layers) onto the tangent space, O(N d^3). */
void wmc_project(const wmc_point *point, const double *v, const wmc_tangent *tangent,
                 double *scratch);
/** V (layers) from a tangent vector. */
void wmc_tangent_write(const wmc_point *point, const wmc_tangent *tangent, double *v,
                       double *scratch);
/** <V, V'> in the metric of the layers. */
double wmc_tangent_inner(const wmc_tangent *a, const wmc_tangent *b);
/** `out` = the horizontal part of `tangent`, whose rest is vertical; may not alias. */
void wmc_tangent_horizontal(const wmc_point *point, const wmc_tangent *tangent,
                            const wmc_tangent *out, double *scratch);

/** Gaussian vector: standard deviation `vertical` in every vertical direction and `horizontal` in
 * every horizontal one; plus `factor` times the gradient of E(X) in the layers, from `slope` =
 * E'(X) (d_N x d_0), unless `slope` is NULL. Takes dim M normals (dim_h if `vertical` is 0), plus
 * those that projection of tilts wastes. */
void wmc_tangent_draw(const wmc_point *point, wmc_stream *stream, double vertical,
                      double horizontal, const double *slope, double factor,
                      const wmc_tangent *tangent, double *scratch);
