#include "weylmc/statistics/fit.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/special.h"
#include "weylmc/statistics/estimate.h"

static const double least_exponent = 0.1, greatest_exponent = 4;
static const double improbable = 0.01; /* p-value below which a form does not fit */
static const double comparable = 2;    /* difference of AICc that decides nothing */

/* ---- forms ------------------------------------------------------------------------------ */

static void linear_basis(double depth, double p, double *out)
{
  (void)p;
  out[0] = 1;
  out[1] = 1 / depth;
}

static void quadratic_basis(double depth, double p, double *out)
{
  linear_basis(depth, p, out);
  out[2] = out[1] * out[1];
}

static void cubic_basis(double depth, double p, double *out)
{
  quadratic_basis(depth, p, out);
  out[3] = out[1] * out[2];
}

static void power_basis(double depth, double p, double *out)
{
  out[0] = 1;
  out[1] = pow(depth, -p);
}

static void boundary_basis(double depth, double p, double *out)
{
  linear_basis(depth, p, out);
  out[2] = isinf(depth) ? 0 : log(depth) / (depth * sqrt(depth));
}

const wmc_form wmc_forms[] = {
    {"linear", "a + b/N", "leading correction of an analytic limit", 2, 2, false, linear_basis},
    {"quadratic", "a + b/N + c/N^2", "analytic limit, two corrections", 3, 3, false,
     quadratic_basis},
    {"cubic", "a + b/N + c/N^2 + d/N^3", "analytic limit, three corrections", 4, 4, false,
     cubic_basis},
    {"power", "a + b N^-p", "one correction with an exponent of its own", 3, 2, true, power_basis},
    {"boundary", "a + b/N + c N^-3/2 log N",
     "limit where the smallest layer singular value reaches 0 (no hidden excess)", 3, 3, false,
     boundary_basis},
    {NULL, NULL, NULL, 0, 0, false, NULL}};

const wmc_form *wmc_form_find(const char *name)
{
  for (const wmc_form *form = wmc_forms; form->name != NULL; form++)
    if (strcmp(form->name, name) == 0) return form;
  return NULL;
}

double wmc_fit_curve(const wmc_fit *fit, double depth)
{
  double basis[WMC_FIT_PARAMETERS], sum = 0;
  const wmc_form *form = fit->form;
  form->basis(depth, form->exponent ? fit->value[form->parameters - 1] : 0, basis);
  for (int j = 0; j < form->linear; j++) sum += fit->value[j] * basis[j];
  return sum;
}

/* ---- the problem ------------------------------------------------------------------------ */

/* Points, deepest first, with the Cholesky factor of their covariance and room to work. The
 * shallowest points are left out by lowering `points`: the leading block of the factor remains. */
typedef struct problem {
  size_t points, stride, chains; /* `stride` points at first */
  double *depth, *value;
  double *factor; /* stride x stride, row-major, lower: covariance = factor factor^T */
  double *chain;  /* stride x chains: changes of the values in each jackknife sample */
  double *design, *target, *sample;
  size_t fewest; /* chains at any depth */
} problem;

static void problem_free(problem *p)
{
  double **const arrays[] = {&p->depth,  &p->value,  &p->factor, &p->chain,
                             &p->design, &p->target, &p->sample};
  for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++) wmc_free(*arrays[k]);
  *p = (problem){0};
}

static wmc_status problem_allocate(problem *p, size_t points, size_t chains)
{
  *p = (problem){.points = points, .stride = points, .chains = chains};
  p->depth = WMC_ARRAY(double, points);
  p->value = WMC_ARRAY(double, points);
  p->factor = WMC_ARRAY(double, points *points);
  p->chain = WMC_ARRAY(double, points *chains);
  p->design = WMC_ARRAY(double, points *WMC_FIT_PARAMETERS);
  p->target = WMC_ARRAY(double, points);
  p->sample = WMC_ARRAY(double, points);
  if (p->depth && p->value && p->factor && p->chain && p->design && p->target && p->sample)
    return WMC_OK;
  problem_free(p);
  return wmc_no_memory();
}

static wmc_status check_data(const wmc_fit_data *data)
{
  for (size_t k = 0; k < data->points; k++) {
    double depth = data->depth[k], value = data->value[k], error = data->error[k];
    if (!(depth > 0))
      return wmc_raise(WMC_DATA, "point %zu of a fit has depth %g: depths are positive", k, depth);
    if (!isfinite(value) || !isfinite(error))
      return wmc_raise(WMC_DATA,
                       "at depth %g the estimate is %g with error %g: a fit needs finite numbers; "
                       "leave this depth out or draw more samples",
                       depth, value, error);
    if (!(error > 0))
      return wmc_raise(WMC_DATA,
                       "at depth %g the estimate %g has error %g: a fit needs positive errors (an "
                       "observable that does not fluctuate has nothing to fit)",
                       depth, value, error);
  }
  return WMC_OK;
}

/* order[k] is the index of the k-th deepest point; insertion sort, stable. */
static void sort_depths(const wmc_fit_data *data, size_t *order)
{
  for (size_t k = 0; k < data->points; k++) {
    size_t j = k;
    for (; j > 0 && data->depth[order[j - 1]] < data->depth[k]; j--) order[j] = order[j - 1];
    order[j] = k;
  }
}

/* Cholesky factorisation in place; false if the matrix is not positive definite. */
static bool cholesky(size_t n, double *a)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j <= i; j++) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      if (i == j && !(sum > 0)) return false;
      a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
    }
  return true;
}

/* Changes of the value at one depth when each chain is left out, scaled so that the sum of squares
 * over chains estimates the variance: those of the ordinary jackknife times sqrt((C-1)/C). */
static size_t set_chains(const double *mean, size_t chains, double *change)
{
  double sum = 0;
  size_t count = 0;
  for (size_t c = 0; c < chains; c++)
    if (isfinite(mean[c])) {
      sum += mean[c];
      count++;
    }
  double n = (double)count;
  for (size_t c = 0; c < chains; c++)
    change[c] = count < 2 || !isfinite(mean[c]) ? 0 : (sum / n - mean[c]) / sqrt(n * (n - 1));
  return count;
}

static wmc_status problem_create(problem *p, const wmc_fit_data *data)
{
  size_t n = data->points;
  WMC_TRY(check_data(data));
  WMC_TRY(problem_allocate(p, n, data->chains));
  size_t *order = WMC_ARRAY(size_t, n);
  wmc_status status = WMC_OK;
  if (order == NULL) WMC_GOTO(wmc_no_memory());
  sort_depths(data, order);
  p->fewest = data->chains;
  for (size_t i = 0; i < n; i++) {
    size_t from = order[i];
    p->depth[i] = data->depth[from];
    p->value[i] = data->value[from];
    for (size_t j = 0; j < n; j++)
      p->factor[i * n + j] = data->covariance != NULL ? data->covariance[from * n + order[j]]
                             : i == j                 ? data->error[from] * data->error[from]
                                                      : 0;
    if (data->chains == 0) continue;
    size_t count =
        set_chains(data->chain_value + from * data->chains, data->chains, p->chain + i * p->chains);
    if (count < p->fewest) p->fewest = count;
  }
  if (!cholesky(n, p->factor))
    WMC_GOTO(wmc_raise(WMC_DATA, "the covariance of the points of a fit is not positive definite"));
done:
  wmc_free(order);
  if (status != WMC_OK) problem_free(p);
  return status;
}

/* ---- least squares ---------------------------------------------------------------------- */

/* v <- factor^-1 v. */
static void whiten(const problem *p, double *v)
{
  for (size_t i = 0; i < p->points; i++) {
    const double *row = p->factor + i * p->stride;
    for (size_t k = 0; k < i; k++) v[i] -= row[k] * v[k];
    v[i] /= row[i];
  }
}

/* Whitened columns of the basis functions. */
static void set_design(problem *p, const wmc_form *form, double exponent)
{
  double basis[WMC_FIT_PARAMETERS];
  for (size_t i = 0; i < p->points; i++) {
    form->basis(p->depth[i], exponent, basis);
    for (int j = 0; j < form->linear; j++) p->design[i + (size_t)j * p->points] = basis[j];
  }
  for (int j = 0; j < form->linear; j++) whiten(p, p->design + (size_t)j * p->points);
}

/* Coefficients x of the values y at a given exponent, and chi^2. */
static wmc_status solve(problem *p, const wmc_form *form, double exponent, const double *y,
                        double *x, double *chi_squared)
{
  double basis[WMC_FIT_PARAMETERS];
  set_design(p, form, exponent);
  memcpy(p->target, y, p->points * sizeof(double));
  whiten(p, p->target);
  WMC_TRY(wmc_least_squares((int)p->points, form->linear, p->design, p->target, x, NULL));
  for (size_t i = 0; i < p->points; i++) {
    form->basis(p->depth[i], exponent, basis);
    p->target[i] = y[i];
    for (int j = 0; j < form->linear; j++) p->target[i] -= x[j] * basis[j];
  }
  whiten(p, p->target);
  *chi_squared = 0;
  for (size_t i = 0; i < p->points; i++) *chi_squared += p->target[i] * p->target[i];
  return WMC_OK;
}

/* Least chi^2 over exponents in (low, high), by golden section in log p: the minimum over the
 * coefficients is a function of p alone. */
static wmc_status minimise(problem *p, const wmc_form *form, const double *y, double low,
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
static wmc_status find_exponent(problem *p, const wmc_form *form, double *exponent)
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
static wmc_status covariance_errors(problem *p, wmc_fit *fit)
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
    whiten(p, column);
  }
  memset(p->target, 0, p->points * sizeof(double));
  WMC_TRY(wmc_least_squares((int)p->points, k, p->design, p->target, x, covariance));
  for (int j = 0; j < k; j++) fit->error[j] = sqrt(covariance[j * k + j]);
  return WMC_OK;
}

/* The whole fit without chain c at every depth. */
static wmc_status jackknife_sample(problem *p, const wmc_fit *fit, size_t c, double *x)
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

static wmc_status jackknife_errors(problem *p, wmc_fit *fit)
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

static wmc_status add_errors(problem *p, wmc_fit *fit)
{
  return p->fewest >= WMC_FIT_CHAINS ? jackknife_errors(p, fit) : covariance_errors(p, fit);
}

/* ---- one form --------------------------------------------------------------------------- */

static int distinct_depths(const problem *p)
{
  int count = 0;
  for (size_t k = 0; k < p->points; k++) count += k == 0 || p->depth[k] != p->depth[k - 1];
  return count;
}

/* Values, chi^2 and AICc. *suits: the data determine the parameters; no message if not. */
static wmc_status fit_values(problem *p, const wmc_form *form, wmc_fit *fit, bool *suits)
{
  int n = (int)p->points, k = form->parameters, spare = n - k - 1;
  double exponent = 0;
  *fit = (wmc_fit){.form = form, .rival_limit = NAN};
  for (int j = 0; j < WMC_FIT_PARAMETERS; j++) fit->value[j] = fit->error[j] = NAN;
  *suits = distinct_depths(p) >= k;
  if (!*suits) return WMC_OK;
  if (form->exponent) {
    WMC_TRY(find_exponent(p, form, &exponent));
    fit->value[k - 1] = exponent;
    *suits = isfinite(exponent);
    if (!*suits) return WMC_OK;
  }
  WMC_TRY(solve(p, form, exponent, p->value, fit->value, &fit->chi_squared));
  fit->freedom = n - k;
  fit->p_value = n > k ? wmc_chi_squared_tail(fit->chi_squared, n - k) : NAN;
  fit->aicc = spare >= 1 ? fit->chi_squared + 2 * k + 2.0 * k * (k + 1) / spare : NAN;
  return WMC_OK;
}

static wmc_status complain(const problem *p, const wmc_form *form)
{
  int depths = distinct_depths(p);
  if (depths < form->parameters)
    return wmc_raise(WMC_DATA,
                     "the form %s (%s) has %d parameters and needs as many different depths; "
                     "there are %d: sweep over more depths or take a simpler form",
                     form->name, form->formula, form->parameters, depths);
  return wmc_raise(WMC_DATA,
                   "the data do not determine the exponent of the form %s (%s): its one-sigma "
                   "interval does not lie between %g and %g; take another form",
                   form->name, form->formula, least_exponent, greatest_exponent);
}

wmc_status wmc_fit_form(const wmc_fit_data *data, const wmc_form *form, wmc_fit *fit)
{
  problem p;
  bool suits;
  WMC_TRY(problem_create(&p, data));
  wmc_status status = WMC_OK;
  WMC_GOTO(fit_values(&p, form, fit, &suits));
  WMC_GOTO(suits ? add_errors(&p, fit) : complain(&p, form));
done:
  problem_free(&p);
  return status;
}

/* ---- choice ----------------------------------------------------------------------------- */

enum { MOST_FORMS = 16 };

/* Fits of all eligible forms of the list to the points of p; their number. */
static wmc_status fit_eligible(problem *p, const wmc_form *const *forms, wmc_fit *fits,
                               size_t *count)
{
  *count = 0;
  for (; *forms != NULL; forms++) {
    bool suits;
    wmc_fit fit;
    WMC_TRY(fit_values(p, *forms, &fit, &suits));
    if (suits && isfinite(fit.aicc)) fits[(*count)++] = fit;
  }
  return WMC_OK;
}

/* The fit of least AICc, with its rival. */
static wmc_fit best_of(const wmc_fit *fits, size_t count)
{
  size_t best = 0;
  for (size_t k = 1; k < count; k++)
    if (fits[k].aicc < fits[best].aicc) best = k;
  wmc_fit fit = fits[best];
  for (size_t k = 0; k < count; k++) {
    double spread = fabs(fits[k].value[0] - fit.value[0]);
    if (k == best || fits[k].aicc > fit.aicc + comparable || spread < fit.spread) continue;
    fit.rival = fits[k].form;
    fit.rival_limit = fits[k].value[0];
    fit.spread = spread;
  }
  return fit;
}

/* The first of the forms with the fewest parameters. */
static const wmc_form *simplest(const wmc_form *const *forms)
{
  const wmc_form *form = *forms;
  for (; *forms != NULL; forms++)
    if ((*forms)->parameters < form->parameters) form = *forms;
  return form;
}

/* Choose among the forms, leaving out shallow points while nothing fits. */
static wmc_status choose(problem *p, const wmc_form *const *forms, wmc_fit *fit)
{
  wmc_fit fits[MOST_FORMS];
  size_t count, points = p->points;
  bool suits;
  WMC_TRY(fit_eligible(p, forms, fits, &count));
  if (count == 0) {
    WMC_TRY(fit_values(p, simplest(forms), fit, &suits));
    return suits ? WMC_OK : complain(p, simplest(forms));
  }
  *fit = best_of(fits, count);
  for (wmc_fit fewer = *fit; count > 0 && fewer.p_value < improbable;) {
    p->points--;
    WMC_TRY(fit_eligible(p, forms, fits, &count));
    if (count > 0) fewer = best_of(fits, count);
    if (fewer.p_value < improbable) continue;
    *fit = fewer;
    fit->dropped = (int)(points - p->points);
  }
  p->points = points - (size_t)fit->dropped;
  return WMC_OK;
}

wmc_status wmc_fit_choose(const wmc_fit_data *data, const wmc_form *const *forms, wmc_fit *fit)
{
  const wmc_form *all[MOST_FORMS + 1] = {NULL};
  for (size_t k = 0; wmc_forms[k].name != NULL; k++) all[k] = &wmc_forms[k];
  if (forms == NULL) forms = all;
  assert(*forms != NULL);
  problem p;
  WMC_TRY(problem_create(&p, data));
  wmc_status status = WMC_OK;
  WMC_GOTO(choose(&p, forms, fit));
  WMC_GOTO(add_errors(&p, fit));
done:
  problem_free(&p);
  return status;
}
