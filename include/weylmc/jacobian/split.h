/** @file split.h  Real and complex layers, and layers that commute with a cyclic group.
 *
 * A real layer is a matrix of reals, a complex one of pairs of real and imaginary part. A layer
 * that commutes with the cyclic group Z_n acts on n sites of c channels each: a block-circulant
 * matrix, block (i, j) = w(i - j), whose n taps w(0), ..., w(n-1) are real m x c matrices. Its
 * Fourier modes
 *
 *   w^(k) = sum_j w(j) e^{-2 pi i j k / n},     k = 0 .. n/2,
 *
 * are real for k = 0 and k = n/2, complex for the others, which stand for the pair k, n - k: every
 * singular value of a complex mode comes twice in the whole matrix. Products of layers are products
 * mode by mode (docs/theory/jacobian.md, section 7).
 *
 * In memory a layer is the sequence of the matrices of its modes, each column-major, which is as
 * many numbers as its taps have: `reals` a matrix entry. Vectors likewise. Without a group there is
 * one mode. Checked by tests/check/jacobian_split.c against block-circulant matrices. Reentrant,
 * allocates nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

typedef struct wmc_split {
  bool is_complex; /**< not together with a group */
  int group;       /**< n; 0 and 1 are no group */
} wmc_split;

/** One real matrix: nothing to split. */
bool wmc_split_is_trivial(const wmc_split *split);
int wmc_split_modes(const wmc_split *split);
/** Reals in a number of mode k: 1 or 2. */
int wmc_split_parts(const wmc_split *split, int k);
/** Reals in an entry of all modes. */
int wmc_split_reals(const wmc_split *split);
/** How often the whole matrix has each singular value of mode k. */
int wmc_split_repeats(const wmc_split *split, int k);
/** Work of a product of layers, in products of real matrices of the size of a mode. */
double wmc_split_work(const wmc_split *split);
