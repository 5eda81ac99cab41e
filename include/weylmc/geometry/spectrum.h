/** @file spectrum.h  The singular values of X and of its layers, in the forms that kernels want.
 *
 * sigma_i > 0 are the r singular values of X, lambda_i = sigma_i^(1/N) those of every balanced
 * layer. log sigma is kept beside them, so that depth 1000 and sigma over hundreds of decades are
 * fine: sigma and sigma^2 may underflow to 0, log sigma and lambda do not.
 *
 * lambda is the chart in which the metric of X is flat. At infinite depth that chart is the limit
 * of N (lambda - 1): there `lambda` stands for log sigma and `lambda2` for 2 log sigma, the limit
 * of N (lambda^2 - 1). Differences of them mean the same at every depth, and so do the laws of
 * gibbs.h; values of lambda near 0 exist at finite depth only.
 *
 * Values of one spectrum stand in decreasing order wherever a function says "sorted".
 * Checked by tests/check/geometry_entropy.c and geometry_gibbs.c.  Reentrant; allocates nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

typedef struct wmc_spectrum {
  int rank;
  double depth;                                          /**< may be INFINITY */
  double *log_sigma, *lambda, *lambda2, *sigma, *sigma2; /**< rank each; squares end in 2 */
} wmc_spectrum;

/** Doubles of memory behind a spectrum. */
size_t wmc_spectrum_size(int rank);
/** Lay a spectrum over wmc_spectrum_size(rank) doubles, which the caller keeps. */
wmc_spectrum wmc_spectrum_map(int rank, double depth, double *memory);
/** Set entry k, all forms: given, from log sigma, or from lambda. */
void wmc_spectrum_set(const wmc_spectrum *spectrum, int k, double lambda, double log_sigma,
                      double sigma);
void wmc_spectrum_set_log(const wmc_spectrum *spectrum, int k, double log_sigma);
void wmc_spectrum_set_lambda(const wmc_spectrum *spectrum, int k, double lambda);
/** sigma <- e^shift sigma, all entries and forms. */
void wmc_spectrum_scale(const wmc_spectrum *spectrum, double shift);
/** log sigma of a layer's lambda. */
double wmc_spectrum_log_sigma(const wmc_spectrum *spectrum, double lambda);
