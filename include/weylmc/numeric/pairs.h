/** @file pairs.h  Sums over pairs of points of a Weyl chamber, and rotations by given angles.
 *
 * What a step of the Langevin equation of singular values needs of every pair, without
 * transcendental functions and eight pairs at a time. Arrays of points are padded to
 * wmc_pairs_padded(n) entries; the functions write the padding themselves where they need it.
 * Checked by tests/check/pairs.c against definitions.  Reentrant; allocates nothing.
 */
#pragma once
#include <stdbool.h>

enum { WMC_PAIRS_LANES = 8 };

/** n rounded up to a multiple of WMC_PAIRS_LANES. */
int wmc_pairs_padded(int n);

/** Points x_0 >= x_1 >= ..., with values q and y that decrease with them, each padded. */
typedef struct wmc_pairs {
  int n;
  double *x, *q, *y;
  double *weight;  /**< g of the slopes */
  double strength; /**< w of the shifts */
  bool mirrored;   /**< points are repelled by the mirror images -x_j too; q must be x^2 */
} wmc_pairs;

/** What pairs do to each point, for all pairs that are apart: y_i - y_j > max(1e-3 y_i, 1e-290) and
 * q_i - q_j > 1e-6 |x_i|:
 *   shift_i = sum_j +-[sqrt(gap^2 + 2 w) - gap] / 2  +  (w/2) / (x_i + x_j)  if mirrored,
 *   slope_i = sum_j y_i / (y_i - y_j) - g_i / (q_i - q_j),
 * gap = |x_i - x_j|, + for the larger. The padding is overwritten. shift and slope are padded too.
 * @return number of pairs that are too close, for the caller to add */
int wmc_pairs_sum(const wmc_pairs *pairs, double *shift, double *slope);
/** Whether the pair i < j is apart, as above. */
bool wmc_pairs_apart(const wmc_pairs *pairs, int i, int j);

/** out = x^power, power >= 0, by squaring; relative error about power 2^-53. All n entries. */
void wmc_pairs_power(int n, const double *x, double power, double *out);

/** Cosines and sines of the angles 2 atan(a/2) for n angles a, by columns of frames: of two frames
 * at once. |a| is taken to be at most 1e8. */
void wmc_pairs_turns(int n, const double *a, const double *b, double *cos_a, double *sin_a,
                     double *cos_b, double *sin_b);

/** Angles by which the columns of n pairs turn in two frames:
 *   p = root [ (1 + ratio) noise + (1 - ratio) other ],
 *   o = root [ (1 + ratio) noise - (1 - ratio) other ],
 * root = 1/sqrt((1 - ratio^2) gap), its argument kept above 1e-300. */
void wmc_pairs_angles(int n, const double *gap, const double *ratio, const double *noise,
                      const double *other, double *p, double *o);
