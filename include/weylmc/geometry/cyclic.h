/** @file cyclic.h  Deep linear networks that commute with a cyclic group, mode by mode.
 *
 * Every layer is a convolution on n sites (the group Z_n): a block-circulant matrix whose block at
 * (i, j) is the filter w_p(i - j), c_p x c_{p-1}. The metric is that of the filters, sum_p sum_s
 * |w_p(s)|^2. The discrete Fourier transform W^_p(k) = sum_s w_p(s) e^{-2 pi i k s / n} makes of it
 * one network of widths c_p for each mode k = 0 .. n/2: real numbers for k = 0 and k = n/2, complex
 * ones for the others, which stand for the pair k, n - k. With the weight w_k = 1 for real modes
 * and 2 for pairs
 *   sum_s |w(s)|^2 = sum_k (w_k / n) |W^(k)|^2,   X^(k) = W^_N(k) ... W^_1(k),
 * so every mode is a balanced network whose metric is the Frobenius metric times w_k / n. Hence its
 * Langevin equation is that of an energy E_k at inverse temperature beta_k,
 *   E = sum_k (w_k / n) E_k(X^(k)),   beta_k = beta w_k / n,
 * and the entropy is, with D_k = dim M_k - dim_h,k the dimension of its fibre,
 *   S = sum_k [S_k(X^(k)) + (D_k / 2) log(w_k / n)].
 * Singular values of X^(k) over all n modes are those of the block-circulant matrix X.
 * docs/theory/equivariant.md, eqs. (E8)-(E13). Checked by tests/check/cyclic.c against Gram
 * determinants of the orbit map of block-circulant matrices. Reentrant; allocates nothing.
 */
#pragma once
#include <stdbool.h>

#include "weylmc/geometry/gibbs.h"

/** Modes, of which pairs count once: n/2 + 1, rounded down. */
int wmc_cyclic_modes(int order);
/** Whether mode k of that many has real numbers: k = 0, and k = n/2 of an even n. */
bool wmc_cyclic_is_real(int order, int k);
/** w_k / n. */
double wmc_cyclic_weight(int order, int k);
/** The network of mode k; of `channels` only the numbers change. */
wmc_shape wmc_cyclic_shape(const wmc_shape *channels, int order, int k);
/** The law of X^(k), given the law of the whole with the shape of its channels. */
wmc_gibbs wmc_cyclic_law(const wmc_gibbs *law, int order, int k);
/** The term of mode k in S from log sigma of X^(k). At infinite depth the part that does not depend
 * on X is left out as in entropy.h. */
double wmc_cyclic_entropy(const wmc_shape *channels, int order, int k, const double *log_sigma);
/** Mode k of n filters of `entries` numbers each, one after another: `real` and `imaginary` parts,
 * entries numbers each. */
void wmc_cyclic_transform(int order, int entries, const double *filters, int k, double *real,
                          double *imaginary);
