/** @file fit.h  Extrapolation of an observable in the depth N (or L) to infinity.
 *
 * Generalised least squares of y(N_k) with the covariance of the points; points at different depths
 * come from different streams, so it is diagonal unless given. Forms are rows of a constant table:
 *   linear       a + b/N
 *   quadratic    a + b/N + c/N^2
 *   power        a + b N^-p                 (p found by variable projection)
 *   boundary     a + b/N + c N^-3/2 log N   (balanced networks without hidden excess, whose
 *                                            smallest layer singular value reaches 0)
 * chosen by the corrected Akaike criterion AICc among the forms with enough points. Parameter
 * errors are jackknife errors over chains (the whole fit repeated without chain c at every depth).
 * Checked by tests/check/fit.c (exact recovery, covariance against algebra) and
 * tests/statistical/fit.c (coverage of the intervals; the right form is found).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"

enum { WMC_FIT_PARAMETERS = 4 };

typedef struct wmc_form {
  const char *name, *formula, *text;
  int parameters;                                     /**< all, the exponent included */
  int linear;                                         /**< coefficients: basis functions */
  bool exponent;                                      /**< the last parameter is an exponent p */
  void (*basis)(double depth, double p, double *out); /**< values of the `linear` functions */
} wmc_form;

/** Table of forms, ended by a NULL name. */
extern const wmc_form wmc_forms[];

/** Data of one fit. */
typedef struct wmc_fit_data {
  size_t points;
  const double *depth;       /**< points */
  const double *value;       /**< points: estimates */
  const double *error;       /**< points: standard errors, > 0 */
  size_t chains;             /**< 0: no jackknife, errors from the covariance of the fit */
  const double *chain_value; /**< points x chains: means of each chain, row-major */
} wmc_fit_data;

typedef struct wmc_fit {
  const wmc_form *form;
  double value[WMC_FIT_PARAMETERS]; /**< value[0] is the limit; NaN beyond form->parameters */
  double
      error[WMC_FIT_PARAMETERS]; /**< jackknife over chains (covariance if there are no chains) */
  double chi_squared, p_value, aicc;
  int freedom;
} wmc_fit;

/** Fit one form. WMC_DATA (message) with fewer points than parameters or unusable numbers. */
wmc_status wmc_fit_form(const wmc_fit_data *data, const wmc_form *form, wmc_fit *fit);
/** Fit every form of the NULL-ended list (NULL: all) that has points to spare and keep the one with
 * the least AICc. */
wmc_status wmc_fit_choose(const wmc_fit_data *data, const wmc_form *const *forms, wmc_fit *fit);
