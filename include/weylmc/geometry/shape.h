/** @file shape.h  Shape of a deep linear network and the dimensions that follow from it.
 *
 * X = W_N ... W_1 with W_1 of (d+m) x d, W_N of d x (d+m) and (d+m) x (d+m) layers between them:
 * width d, hidden excess m, depth N. At N = 1 there is no hidden layer and X = W_1.
 * docs/theory/balanced.md, eqs. (1)-(4).  Checked by tests/check/balanced_geometry.c.
 * Reentrant; allocates nothing.
 */
#pragma once

typedef struct wmc_shape {
  int width;  /**< d >= 1: rows and columns of X, and its rank */
  int excess; /**< m >= 0: hidden widths are d + m */
  int depth;  /**< N >= 1 layers */
} wmc_shape;

/** K = (N-1) m: the exponent with which the fibre's volume vanishes in every lambda. */
double wmc_shape_excess(const wmc_shape *shape);
/** dim M = d + (N+1) d(d-1)/2 + d K, of the manifold of balanced networks of full rank. */
double wmc_shape_dimension(const wmc_shape *shape);
/** dim_h = d^2, of the horizontal directions: those that change X. */
double wmc_shape_horizontal(const wmc_shape *shape);
/** log vol of St(n, r), the orthonormal r-frames of R^n, in the Frobenius metric, 1 <= r <= n.
 * St(n, n) is O(n) with both components. Eq. (8). */
double wmc_log_volume_stiefel(int n, int r);
