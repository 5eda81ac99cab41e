/** @file spectrum.h  The singular values of X and of its layers, in the forms that kernels want.
 *
 * sigma_i are the singular values of X, lambda_i = sigma_i^(1/N) > 0 those of every balanced layer.
 * log sigma is kept beside them, so that depth 1000 and sigma over hundreds of decades are fine:
 * sigma and sigma^2 may underflow to 0, log sigma and lambda do not.
 * Values of one spectrum stand in decreasing order wherever a function says "sorted".
 * Checked by tests/check/balanced_geometry.c.  Reentrant; allocates nothing.
 */
#pragma once
#include <stddef.h>

typedef struct wmc_spectrum {
  int width, depth;
  double *log_sigma, *lambda, *lambda2, *sigma, *sigma2; /**< width each; squares end in 2 */
} wmc_spectrum;

/** Doubles of memory behind a spectrum. */
size_t wmc_spectrum_size(int width);
/** Lay a spectrum over wmc_spectrum_size(width) doubles, which the caller keeps. */
wmc_spectrum wmc_spectrum_map(int width, int depth, double *memory);
/** Set entry k, all forms: given, from log sigma, or from lambda. */
void wmc_spectrum_set(const wmc_spectrum *spectrum, int k, double lambda, double log_sigma,
                      double sigma);
void wmc_spectrum_set_log(const wmc_spectrum *spectrum, int k, double log_sigma);
void wmc_spectrum_set_lambda(const wmc_spectrum *spectrum, int k, double lambda);
/** sigma <- e^shift sigma, all entries and forms. */
void wmc_spectrum_scale(const wmc_spectrum *spectrum, double shift);
