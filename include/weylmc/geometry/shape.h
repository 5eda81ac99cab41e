/** @file shape.h  Shape of a deep linear network and the dimensions that follow from it.
 *
 * X = W_N ... W_1 with W_p a d_p x d_{p-1} matrix of real or complex numbers: widths d_0 .. d_N,
 * depth N, and rank r of X (and of every balanced layer). d_0 = columns and d_N = rows of X; hidden
 * widths are all `hidden`, unless `widths` lists every one. The depth is a double so that formulas
 * may take the limit N -> infinity: where a number grows with N, its share for one layer is finite.
 * b stands for the real dimensions of a number: 1 or 2.
 * docs/theory/balanced.md, eqs. (1)-(4).  Checked by tests/check/geometry_gibbs.c.
 * Reentrant; allocates nothing.
 */
#pragma once
#include <stdbool.h>

/** Numbers of the layers; the value is b. The gauge group is orthogonal or unitary. */
typedef enum wmc_numbers { WMC_NUMBERS_REAL = 1, WMC_NUMBERS_COMPLEX = 2 } wmc_numbers;

typedef struct wmc_shape {
  wmc_numbers numbers;
  double depth;         /**< N >= 1, a whole number or INFINITY */
  int rank;             /**< r, from 1 to the smallest width */
  int rows, columns;    /**< d_N and d_0 */
  int hidden;           /**< d_1 .. d_{N-1}, where `widths` is NULL */
  const double *widths; /**< d_0 .. d_N, or NULL; borrowed; finite depth only */
} wmc_shape;

/** Real, X of `width` x `width` and of full rank, hidden widths width + excess. */
wmc_shape wmc_shape_square(int width, int excess, double depth);
bool wmc_shape_is_infinite(const wmc_shape *shape);
/** d_p, 0 <= p <= N. */
int wmc_shape_width(const wmc_shape *shape, long p);
/** The smallest of all widths: the largest rank. */
int wmc_shape_rank_limit(const wmc_shape *shape);
/** Units in which rates are counted: N, or 1 at infinite depth, where time is N times the time of
 * the layers so that X moves at a finite rate. */
double wmc_shape_clock(const wmc_shape *shape);
/** K_h = d_0 + d_N - 2 r. */
double wmc_shape_outer(const wmc_shape *shape);
/** sum over hidden layers of (d_p - r), and the same divided by the clock's N: the exponent with
 * which the fibre's volume vanishes in every lambda, and sigma; the second has the limit
 * hidden - rank at infinite depth. */
double wmc_shape_excess(const wmc_shape *shape);
double wmc_shape_excess_share(const wmc_shape *shape);
/** dim M of the manifold of balanced networks of rank r (real dimensions), and dim M / N. */
double wmc_shape_dimension(const wmc_shape *shape);
double wmc_shape_dimension_share(const wmc_shape *shape);
/** dim_h = b r (rows + columns - r), of the horizontal directions: those that change X. */
double wmc_shape_horizontal(const wmc_shape *shape);
/** log vol of St(n, r), the orthonormal (unitary) r-frames of R^n (C^n), in the Frobenius metric,
 * 1 <= r <= n. St(n, n) is O(n) with both components, or U(n). Eq. (8). */
double wmc_log_volume_stiefel(wmc_numbers numbers, int n, int r);
