/** @file fit.h  Extrapolation of an observable in the depth N (or L) to infinity.
 *
 * Forms are rows of a constant table. Those of few parameters are for the asking:
 *   linear       a + b/N
 *   quadratic    a + b/N + c/N^2
 *   cubic        a + b/N + c/N^2 + d/N^3
 *   root         a + b/N + c N^-3/2
 *   power        a + b N^-p                 (p by variable projection; its one-sigma interval,
 *                                            chi^2 within 1 of the least, must lie in (0.1, 4))
 * by generalised least squares: with y the estimates at depths N_k, V their covariance, and X the
 * basis functions at these depths,
 *   x = (X^T V^-1 X)^-1 X^T V^-1 y,   chi^2 = (y - X x)^T V^-1 (y - X x).                       (1)
 * Points at different depths come from different streams, so V is diagonal unless given. A point at
 * infinite depth may take part: there all functions but the constant are 0.
 *
 * Two forms are series, and these are the candidates of wmc_fit_choose, the same for all data:
 *   analytic     a + b/N + c_2/N^2 + ... + c_6/N^6
 *   boundary     these, and N^-3/2, N^-5/2, and log N times N^-3/2, N^-2, N^-5/2, N^-3
 * They are the expansions of a limit of full rank and of one that loses a singular value
 * (docs/theory/balanced.md, section 8). Cut after two or three terms either of them passes for the
 * other at the depths one can reach, with the wrong limit; so all terms are kept, and what the data
 * cannot determine is held by its natural size: the coefficient of N^-p, with or without
 * logarithms, has a normal prior of mean 0 and deviation s 2^(p-1); the limit has none. s is one of
 *
 *   s_0, 2 s_0, ..., 256 s_0,   s_0 = least depth^q x largest difference of the estimates,      (2)
 *
 * q the first power (1 for both), equally likely before the data, like the two series. Everything
 * is linear and normal, so that each pair (series, s) has a closed posterior for a and b and a
 * closed probability
 *
 *   P(y | series, s) ~ |M|^-1/2 exp(-Q/2),   M = X^T V^-1 X + prior,                            (3)
 *
 * Q the least sum of squares, of residuals and of coefficients over their deviations; Q is
 * chi-squared with n - 1 degrees of freedom if the series is right, which is the p-value. Limit and
 * coefficient b are averaged over series and s by these probabilities, and
 *
 *   error^2 = average of the variances + variance of the averages:                              (4)
 *
 * where the data do not tell the series apart, the error covers both, and the quality is
 * WMC_FIT_UNDECIDED.
 *
 * Two more series are taken only where a model's theory says so (wmc_model.series), or when asked
 * for; fitted alone, with the same priors and the same average over s:
 *   half         a + N^-p times 1, log N, log^2 N, p = 1/2, 1, 3/2, 2
 *   logarithmic  the same with p = 1, 2, 3
 * They are the expansions of residual chains with a normalisation whose paths come near a point
 * where it is singular, in 3 and in 4 dimensions (docs/theory/jacobian.md, section 6a). Other
 * powers are for `power`.
 *
 * What noise contributes to an error is a jackknife error over chains, the whole fit repeated
 * without chain c at every depth (s and the probabilities kept), with Student's factor for C - 1
 * degrees of freedom; it holds also if equal chains at different depths are correlated. A chain
 * whose mean is NaN at some depth is missing there. With fewer than WMC_FIT_CHAINS chains at some
 * depth it is that of V, for forms of few parameters (X^T V^-1 X)^-1, X then including the
 * derivative by p. Errors are not scaled by chi^2.
 *
 * Sources: G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413 (variable projection);
 * C. M. Hurvich and C.-L. Tsai, Biometrika 76 (1989) 297 (AICc); G. P. Lepage et al., Nucl. Phys. B
 * Proc. Suppl. 106 (2002) 12 (fits of a whole series with priors); J. A. Hoeting, D. Madigan, A. E.
 * Raftery and C. T. Volinsky, Statist. Sci. 14 (1999) 382 (averages over models). Checked by
 * tests/check/fit.c (exact recovery, covariance and posterior against algebra) and
 * tests/statistical/fit.c (coverage; exact averages of balanced networks with and without excess,
 * by quadrature, recovered without being told which).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"

enum {
  WMC_FIT_PARAMETERS = 4,
  WMC_FIT_TERMS = 13,
  WMC_FIT_CHAINS = 8 /**< least number of chains for a jackknife */
};

#define WMC_FIT_IMPROBABLE 0.01 /**< p-value below which a form does not fit */
#define WMC_FIT_REACH      10   /**< errors, and */
#define WMC_FIT_SHARE      0.5  /**< share of the covered way, beyond which a limit is far */
#define WMC_FIT_DECIDED    0.95 /**< probability from which on a series is chosen */

/** N^-power (log N)^logarithms; a power of NAN is the free exponent. */
typedef struct wmc_term {
  double power;
  int logarithms;
} wmc_term;

/** How a form is fitted, and when. */
typedef enum wmc_form_kind {
  WMC_FORM_SQUARES,   /**< least squares, when asked for */
  WMC_FORM_CANDIDATE, /**< series with priors on all terms but the first; of wmc_fit_choose */
  WMC_FORM_SERIES     /**< such a series, when asked for */
} wmc_form_kind;

typedef struct wmc_form {
  const char *name, *formula, *text;
  int parameters; /**< values of a fit: all, the exponent included; of a series limit and b */
  int linear;     /**< coefficients: terms */
  bool exponent;  /**< the last parameter is an exponent p, the last term N^-p */
  wmc_form_kind kind;
  wmc_term term[WMC_FIT_TERMS];
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

typedef enum wmc_fit_quality {
  WMC_FIT_GOOD,
  WMC_FIT_UNDECIDED, /**< the data do not tell the series apart; the errors cover both */
  WMC_FIT_POOR,      /**< no form that was tried describes the data: p < WMC_FIT_IMPROBABLE */
  WMC_FIT_UNTESTED,  /**< too few depths to tell whether the form is right */
  WMC_FIT_FAR,       /**< the limit is far from all data: see wmc_fit.reach */
  WMC_FIT_SLOW, /**< a slower power of 1/depth is as good, with another limit: wmc_fit_choose */
  WMC_FIT_QUALITIES
} wmc_fit_quality;

typedef struct wmc_fit {
  const wmc_form *form;             /**< of a choice, the most probable one */
  double value[WMC_FIT_PARAMETERS]; /**< value[0] is the limit; NaN beyond form->parameters */
  double error[WMC_FIT_PARAMETERS]; /**< of these; see `jackknife` */
  bool jackknife;                   /**< noise was taken from the chains, not from the errors */
  double chi_squared;               /**< of a series Q of (3), at its most probable s */
  int freedom;    /**< points - parameters, of a series points - 1; at 0 nothing can be judged */
  double p_value; /**< probability of a larger chi^2; NaN if freedom is 0 */
  double aicc;    /**< chi^2 + 2 k + 2 k (k + 1)/(n - k - 1) for n points and k parameters; NaN for
                       series, or if n - k - 1 < 1 */
  /** Way from the value at the deepest finite depth used to the limit: in errors of the limit, and
   * as a share of the way between the values at the shallowest and the deepest one. The share is
   * 1/(R^p - 1) for a correction N^-p over depths that differ by a factor R: 1/3 for p = 1, R = 4.
   * Where both are large (WMC_FIT_REACH, WMC_FIT_SHARE) the limit is a matter of the form more than
   * of the data, and chi^2, which knows of the data alone, says little: WMC_FIT_FAR. */
  double reach, share;
  wmc_fit_quality quality;
  /* Of series: */
  double probability;    /**< of the form, among those tried */
  int dropped;           /**< shallowest points left out, because no series fits with them */
  const wmc_form *rival; /**< the other series, unless the form is decided; NULL: none */
  double rival_limit;    /**< limit by it alone; NaN without a rival */
  double spread;         /**< this minus the limit by the form alone; NaN without a rival */
} wmc_fit;

/** Fit one form. WMC_DATA (message) with fewer distinct depths than parameters, unusable numbers,
 * or an exponent that the data do not determine. */
wmc_status wmc_fit_form(const wmc_fit_data *data, const wmc_form *form, wmc_fit *fit);

/** Average over the candidates, by their probabilities. If even the most probable is improbable
 * (p < WMC_FIT_IMPROBABLE), the shallowest point is left out and the choice made again, until one
 * fits; if none ever does, the fit to all points stands, with its small p_value. Fewer than four
 * different depths give a result that nothing tests. WMC_DATA (message) as for wmc_fit_form.
 *
 * The terms of the series hide a decay that is slower than theirs: they fit it, with a limit that
 * is wrong by many errors. So the form `power` is fitted too. Where it is as good (chi^2 at most 1
 * more), its exponent is below 1 by more than its error, and its limit is more than 3 errors away
 * from that of the series, the quality is WMC_FIT_SLOW. */
wmc_status wmc_fit_choose(const wmc_fit_data *data, wmc_fit *fit);

/** The fitted curve at some depth; not of a series. */
double wmc_fit_curve(const wmc_fit *fit, double depth);

/** "good", "undecided", ... and a sentence for people. */
const char *wmc_fit_quality_name(wmc_fit_quality quality);
const char *wmc_fit_quality_text(wmc_fit_quality quality);
