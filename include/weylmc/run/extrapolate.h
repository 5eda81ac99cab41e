/** @file extrapolate.h  Depth -> infinity fits of a results file.
 *
 * Every entry of every observable that has a finite limit is extrapolated along the model's fit
 * parameter (depth), for each point of the other sweep axes, by statistics/fit.h, whose choice
 * among forms knows nothing of the model. Results go to the group `fits`: for each observable NAME
 * the arrays NAME_limit, NAME_limit_error, NAME_coefficient (of the first correction),
 * NAME_coefficient_error, NAME_exponent, NAME_chi2, NAME_freedom, NAME_p_value, NAME_aicc,
 * NAME_form, NAME_probability, NAME_quality (a wmc_fit_quality) and NAME_rival, NAME_spread (a form
 * that the data do not exclude and its limit minus that of the chosen form), and
 * NAME_limit_freedom (least degrees of freedom of errors that enter the limit). Checked by
 * tests/fits.
 */
#pragma once
#include "weylmc/io/results.h"

typedef struct wmc_extrapolation {
  const char *observable; /**< NULL: all */
  const char *form;       /**< NULL: wmc_fit_choose */
  double least, most;     /**< depths used, both ends included; 0 and infinity for all */
} wmc_extrapolation;

/** Replace the group `fits` of results by new fits. WMC_DATA (message) if there is nothing to fit:
 * no sweep over depth, fewer than two depths, unknown observable or form (nearest name given). */
wmc_status wmc_extrapolate(wmc_results *results, const wmc_extrapolation *request);
