/** @file fit.h  Extrapolation of an observable in the depth N (or L) to infinity.
 *
 * Generalised least squares: with y the estimates at depths N_k, V their covariance, and X the
 * basis functions at these depths,
 *   x = (X^T V^-1 X)^-1 X^T V^-1 y,   chi^2 = (y - X x)^T V^-1 (y - X x).                       (1)
 * Points at different depths come from different streams, so V is diagonal unless given. Forms are
 * rows of a constant table:
 *   linear       a + b/N
 *   quadratic    a + b/N + c/N^2
 *   cubic        a + b/N + c/N^2 + d/N^3
 *   power        a + b N^-p                 (p by variable projection; its one-sigma interval,
 *                                            chi^2 within 1 of the least, must lie in (0.1, 4))
 *   boundary     a + b/N + c N^-3/2 log N   (balanced networks without hidden excess, whose
 *                                            smallest layer singular value reaches 0)
 * A point at infinite depth may take part: there all functions but the constant are 0.
 *
 * Forms are compared by the corrected Akaike criterion for n points and k parameters
 *   AICc = chi^2 + 2 k + 2 k (k + 1)/(n - k - 1),                                              (2)
 * and are eligible if n - k - 1 >= 1. Choosing hides an error: when two forms are about as good,
 * the data do not tell which limit is right, and the error of either limit is too small. Therefore
 * the eligible form within 2 of the least AICc whose limit is farthest off is reported as rival.
 * Where theory says which terms exist, list only forms that have them: data that cannot see a term
 * prefer the form without it, which may move the limit by several of its errors.
 *
 * Parameter errors are jackknife errors over chains, the whole fit repeated without chain c at
 * every depth, with Student's factor for C - 1 degrees of freedom; they hold also if equal chains
 * at different depths are correlated. A chain whose mean is NaN at some depth is missing there.
 * With fewer than WMC_FIT_CHAINS chains at some depth the errors are those of the covariance (X^T
 * V^-1 X)^-1, X then including the derivative by p. Errors are not scaled by chi^2. Sources: G. H.
 * Golub and V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413 (variable projection); C. M. Hurvich and
 * C.-L. Tsai, Biometrika 76 (1989) 297 (AICc); K. P. Burnham and D. R. Anderson, Model Selection
 * and Multimodel Inference (2002), sect. 2.6 (differences below 2). Checked by tests/check/fit.c
 * (exact recovery, covariance against algebra) and tests/statistical/fit.c (coverage of the
 * intervals; the right form is found).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"

enum {
  WMC_FIT_PARAMETERS = 4,
  WMC_FIT_CHAINS = 8 /**< least number of chains for a jackknife */
};

typedef struct wmc_form {
  const char *name, *formula, *text;
  int parameters;                                     /**< all, the exponent included */
  int linear;                                         /**< coefficients: basis functions */
  bool exponent;                                      /**< the last parameter is an exponent p,
                                                           the last function N^-p */
  void (*basis)(double depth, double p, double *out); /**< values of the `linear` functions */
} wmc_form;

/** Table of forms, ended by a NULL name; simplest first. */
extern const wmc_form wmc_forms[];
/** The form of this name, or NULL. */
const wmc_form *wmc_form_find(const char *name);

/** Data of one fit. */
typedef struct wmc_fit_data {
  size_t points;
  const double *depth;       /**< points: > 0, may be infinite, any order */
  const double *value;       /**< points: estimates */
  const double *error;       /**< points: standard errors, > 0 */
  const double *covariance;  /**< points x points, symmetric; NULL: diagonal, of error^2 */
  size_t chains;             /**< 0: no jackknife, errors from the covariance of the fit */
  const double *chain_value; /**< points x chains: means of each chain, row-major; NaN: missing */
} wmc_fit_data;

typedef struct wmc_fit {
  const wmc_form *form;
  double value[WMC_FIT_PARAMETERS]; /**< value[0] is the limit; NaN beyond form->parameters */
  double error[WMC_FIT_PARAMETERS]; /**< of these; see `jackknife` */
  bool jackknife;                   /**< errors are jackknife errors, not from the covariance */
  double chi_squared;
  int freedom;    /**< points - parameters; at 0 the curve meets every point and cannot be judged */
  double p_value; /**< probability of a larger chi^2; NaN if freedom is 0 */
  double aicc;    /**< NaN if n - k - 1 < 1 */
  /* Set by wmc_fit_choose: */
  int dropped;           /**< shallowest points left out, because no form fits with them */
  const wmc_form *rival; /**< NULL if no other eligible form is within 2 of this AICc */
  double rival_limit;    /**< NaN without a rival */
  double spread;         /**< |rival_limit - value[0]|, 0 without a rival */
} wmc_fit;

/** Fit one form. WMC_DATA (message) with fewer distinct depths than parameters, unusable numbers,
 * or an exponent that the data do not determine. */
wmc_status wmc_fit_form(const wmc_fit_data *data, const wmc_form *form, wmc_fit *fit);

/** Fit every form of the NULL-ended list (NULL: all) and keep the eligible one with the least AICc.
 * If it is improbable (p < 0.01), the shallowest point is left out and the choice made again, until
 * a form fits; if none ever does, the fit to all points stands, with its small p_value.
 * Where no form is eligible (up to 3 points for two parameters), the first of the list with the
 * fewest parameters is fitted. WMC_DATA (message) as for wmc_fit_form. */
wmc_status wmc_fit_choose(const wmc_fit_data *data, const wmc_form *const *forms, wmc_fit *fit);

/** The fitted curve at some depth. */
double wmc_fit_curve(const wmc_fit *fit, double depth);
