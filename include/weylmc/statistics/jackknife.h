/** @file jackknife.h  Errors of nonlinear functions of averages, by leaving out chains.
 *
 * A function f of the means over g independent chains with n_c draws, n in all: with h_c = n / n_c
 * and f_c its value without chain c, the pseudo-values p_c = h_c f - (h_c - 1) f_c have the mean
 * p = sum_c p_c / h_c, and the variance of f is about
 *   1/g sum_c (p_c - p)^2 / (h_c - 1),
 * for a linear f and equal n_c the usual (g (g-1))^{-1} sum_c (x_c - x)^2. The error is its root
 * times Student's factor for g - 1 degrees of freedom (estimate.h).
 * Source: F. M. T. A. Busing, E. Meijer and R. van der Leeden, Stat. Comput. 9 (1999) 3.
 * Checked by tests/unit/jackknife.c.  Reentrant; allocates nothing.
 */
#pragma once
#include <stddef.h>

/** Error of `value`, the function of all chains; without[c * stride] is it without chain c. NaN for
 * fewer than two chains. All draws[c] > 0. */
double wmc_jackknife_error(size_t chains, const double *draws, double value, const double *without,
                           size_t stride);
