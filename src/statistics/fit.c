#include "weylmc/statistics/fit.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "fit_problem.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/special.h"
#include "weylmc/statistics/estimate.h"

static const double least_exponent = 0.1, greatest_exponent = 4;

/* ---- least squares ---------------------------------------------------------------------- */

/* Whitened columns of the basis functions. */
static void set_design(wmc_fit_problem *p, const wmc_form *form, double exponent)
{
  for (int j = 0; j < form->linear; j++) {
    double *column = p->design + (size_t)j * p->points;
    for (size_t i = 0; i < p->points; i++)
      column[i] = wmc_form_term(form, j, p->depth[i], exponent);
    wmc_fit_whiten(p, column);
  }
}

/* Coefficients x of the values y at a given exponent, and chi^2. */
static wmc_status solve(wmc_fit_problem *p, const wmc_form *form, double exponent, const double *y,
                        double *x, double *chi_squared)
{
  set_design(p, form, exponent);
  memcpy(p->target, y, p->points * sizeof(double));
  wmc_fit_whiten(p, p->target);
  WMC_TRY(wmc_least_squares((int)p->points, form->linear, p->design, p->target, x, NULL));
  for (size_t i = 0; i < p->points; i++) {
    p->target[i] = y[i];
    for (int j = 0; j < form->linear; j++)
      p->target[i] -= x[j] * wmc_form_term(form, j, p->depth[i], exponent);
  }
  wmc_fit_whiten(p, p->target);
  *chi_squared = 0;
  for (size_t i = 0; i < p->points; i++) *chi_squared += p->target[i] * p->target[i];
  return WMC_OK;
}

/* Least chi^2 over exponents in (low, high), by golden section in log p: the minimum over the
 * coefficients is a function of p alone. */
static wmc_status minimise(wmc_fit_problem *p, const wmc_form *form, const double *y, double low,
                           double high, double *exponent)
{
  const double golden = 0.6180339887498949;
  double a = log(low), b = log(high), x[WMC_FIT_PARAMETERS];
  double left = b - golden * (b - a), right = a + golden * (b - a), at_left, at_right;
  WMC_TRY(solve(p, form, exp(left), y, x, &at_left));
  WMC_TRY(solve(p, form, exp(right), y, x, &at_right));
  while (b - a > 1e-9) {
    if (at_left < at_right) {
      b = right;
      right = left;
      at_right = at_left;
      left = b - golden * (b - a);
      WMC_TRY(solve(p, form, exp(left), y, x, &at_left));
    } else {
      a = left;
      left = right;
      at_left = at_right;
      right = a + golden * (b - a);
      WMC_TRY(solve(p, form, exp(right), y, x, &at_right));
    }
  }
  *exponent = exp((a + b) / 2);
  return WMC_OK;
}

/* The exponent of the data; NaN if the range does not hold the interval of chi^2 within 1 of the
 * least. */
static wmc_status find_exponent(wmc_fit_problem *p, const wmc_form *form, double *exponent)
{
  enum { STEPS = 40 };
  double ratio = pow(greatest_exponent / least_exponent, 1.0 / STEPS);
  double x[WMC_FIT_PARAMETERS], chi_squared[STEPS + 1];
  int at = 0;
  for (int k = 0; k <= STEPS; k++) {
    WMC_TRY(solve(p, form, least_exponent * pow(ratio, k), p->value, x, &chi_squared[k]));
    if (chi_squared[k] < chi_squared[at]) at = k;
  }
  *exponent = NAN;
  if (!(fmin(chi_squared[0], chi_squared[STEPS]) > chi_squared[at] + 1)) return WMC_OK;
  return minimise(p, form, p->value, least_exponent * pow(ratio, at - 1),
                  least_exponent * pow(ratio, at + 1), exponent);
}

/* ---- errors ----------------------------------------------------------------------------- */

/* From the covariance (X^T V^-1 X)^-1; the last column of X is the derivative by the exponent. */
static wmc_status covariance_errors(wmc_fit_problem *p, wmc_fit *fit)
{
  const wmc_form *form = fit->form;
  int k = form->parameters;
  double covariance[WMC_FIT_PARAMETERS * WMC_FIT_PARAMETERS], x[WMC_FIT_PARAMETERS];
  set_design(p, form, fit->value[k - 1]);
  if (form->exponent) {
    double *column = p->design + (size_t)form->linear * p->points;
    for (size_t i = 0; i < p->points; i++)
      column[i] = isinf(p->depth[i]) ? 0
                                     : -fit->value[form->linear - 1] * log(p->depth[i]) *
                                           pow(p->depth[i], -fit->value[k - 1]);
    wmc_fit_whiten(p, column);
  }
  memset(p->target, 0, p->points * sizeof(double));
  WMC_TRY(wmc_least_squares((int)p->points, k, p->design, p->target, x, covariance));
  for (int j = 0; j < k; j++) fit->error[j] = sqrt(covariance[j * k + j]);
  return WMC_OK;
}

/* The whole fit without chain c at every depth. */
static wmc_status jackknife_sample(wmc_fit_problem *p, const wmc_fit *fit, size_t c, double *x)
{
  const wmc_form *form = fit->form;
  double exponent = fit->value[form->parameters - 1], chi_squared;
  for (size_t i = 0; i < p->points; i++) p->sample[i] = p->value[i] + p->chain[i * p->chains + c];
  if (form->exponent) {
    WMC_TRY(minimise(p, form, p->sample, fmax(exponent / 2, least_exponent),
                     fmin(exponent * 2, greatest_exponent), &exponent));
    x[form->parameters - 1] = exponent;
  }
  return solve(p, form, exponent, p->sample, x, &chi_squared);
}

static wmc_status jackknife_errors(wmc_fit_problem *p, wmc_fit *fit)
{
  double mean[WMC_FIT_PARAMETERS] = {0}, square[WMC_FIT_PARAMETERS] = {0};
  for (size_t c = 0; c < p->chains; c++) {
    double x[WMC_FIT_PARAMETERS];
    WMC_TRY(jackknife_sample(p, fit, c, x));
    for (int j = 0; j < fit->form->parameters; j++) { /* about a value near the mean */
      double d = x[j] - fit->value[j];
      mean[j] += d / (double)p->chains;
      square[j] += d * d;
    }
  }
  double factor = wmc_student_factor((double)p->fewest - 1);
  for (int j = 0; j < fit->form->parameters; j++)
    fit->error[j] = factor * sqrt(fmax(0, square[j] - (double)p->chains * mean[j] * mean[j]));
  fit->jackknife = true;
  return WMC_OK;
}

static wmc_status add_errors(wmc_fit_problem *p, wmc_fit *fit)
{
  return wmc_fit_has_chains(p) ? jackknife_errors(p, fit) : covariance_errors(p, fit);
}

/* ---- one form --------------------------------------------------------------------------- */

static wmc_status undetermined(const wmc_form *form)
{
  return wmc_raise(WMC_DATA,
                   "the data do not determine the exponent of the form %s (%s): its one-sigma "
                   "interval does not lie between %g and %g; take another form",
                   form->name, form->formula, least_exponent, greatest_exponent);
}

static wmc_fit_quality judge(const wmc_fit *fit)
{
  if (fit->freedom == 0) return WMC_FIT_UNTESTED;
  return fit->p_value < WMC_FIT_IMPROBABLE ? WMC_FIT_POOR : WMC_FIT_GOOD;
}

/* Values, chi^2 and AICc, and errors of least squares. */
static wmc_status fit_squares(wmc_fit_problem *p, const wmc_form *form, wmc_fit *fit)
{
  int n = (int)p->points, k = form->parameters, spare = n - k - 1;
  double exponent = 0;
  *fit = wmc_fit_blank(form);
  if (wmc_fit_distinct_depths(p) < k) return wmc_fit_too_few(p, form);
  if (form->exponent) {
    WMC_TRY(find_exponent(p, form, &exponent));
    fit->value[k - 1] = exponent;
    if (!isfinite(exponent)) return undetermined(form);
  }
  WMC_TRY(solve(p, form, exponent, p->value, fit->value, &fit->chi_squared));
  fit->freedom = n - k;
  fit->p_value = n > k ? wmc_chi_squared_tail(fit->chi_squared, n - k) : NAN;
  if (spare >= 1) fit->aicc = fit->chi_squared + 2 * k + 2.0 * k * (k + 1) / spare;
  fit->quality = judge(fit);
  WMC_TRY(add_errors(p, fit));
  wmc_fit_judge_reach(p, fit);
  return WMC_OK;
}

static wmc_status fit_any(const wmc_fit_data *data, const wmc_form *form, wmc_fit *fit)
{
  wmc_fit_problem p;
  bool series = form == NULL || form->kind != WMC_FORM_SQUARES;
  WMC_TRY(wmc_fit_problem_create(&p, data,
                                 series ? wmc_fit_series_rows(data->points) : data->points,
                                 series ? WMC_FIT_TERMS : WMC_FIT_PARAMETERS));
  wmc_status status = series ? wmc_fit_series(&p, form, fit) : fit_squares(&p, form, fit);
  wmc_fit_problem_free(&p);
  return status;
}

wmc_status wmc_fit_form(const wmc_fit_data *data, const wmc_form *form, wmc_fit *fit)
{
  assert(form != NULL);
  return fit_any(data, form, fit);
}

/* Whether a slower power describes the same points as well, and has another limit. */
static bool is_slow(const wmc_fit_data *data, const wmc_fit *fit)
{
  const double away = 3, worse = 1;
  wmc_fit_data alone = *data;
  wmc_fit power;
  alone.chains = 0;
  if (fit->dropped > 0 || (fit->quality != WMC_FIT_GOOD && fit->quality != WMC_FIT_UNDECIDED))
    return false;
  if (fit_any(&alone, wmc_form_find("power"), &power) != WMC_OK) {
    wmc_message_clear(); /* too few depths, or no exponent: nothing to be said */
    return false;
  }
  const int exponent = power.form->parameters - 1;
  return power.chi_squared <= fit->chi_squared + worse && power.quality != WMC_FIT_POOR &&
         power.value[exponent] + power.error[exponent] < 1 &&
         fabs(power.value[0] - fit->value[0]) > away * fit->error[0];
}

wmc_status wmc_fit_choose(const wmc_fit_data *data, wmc_fit *fit)
{
  WMC_TRY(fit_any(data, NULL, fit));
  if (is_slow(data, fit)) fit->quality = WMC_FIT_SLOW;
  return WMC_OK;
}
