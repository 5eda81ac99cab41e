/* Fits of whole series with priors, averaged: (2) to (4) of fit.h. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "fit_problem.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/special.h"
#include "weylmc/statistics/estimate.h"

enum { SCALES = 9, MOST_SERIES = 4, VALUES = 2, TESTED_DEPTHS = 4 };

/* One series at one scale. */
typedef struct member {
  const wmc_form *form;
  double log_probability, chi_squared;
  double value[VALUES], variance[VALUES];
} member;

typedef struct ensemble {
  member all[MOST_SERIES * SCALES];
  size_t members;
} ensemble;

size_t wmc_fit_series_rows(size_t points) { return points + WMC_FIT_TERMS; }

/* s_0 of (2); estimates that do not differ differ by an error at most. */
static double least_scale(const wmc_fit_problem *p, const wmc_form *form)
{
  double low = INFINITY, high = -INFINITY, shallow = INFINITY, error = 0;
  for (size_t i = 0; i < p->points; i++) {
    low = fmin(low, p->value[i]);
    high = fmax(high, p->value[i]);
    shallow = fmin(shallow, p->depth[i]);
    error = fmax(error, p->factor[i * p->stride + i]);
  }
  return (isinf(shallow) ? 1 : pow(shallow, form->term[1].power)) * fmax(high - low, error);
}

static double deviation(const wmc_form *form, int j, double scale)
{
  return j == 0 ? scale : scale * pow(2, form->term[j].power - 1);
}

/* Rows: whitened points, then one for each prior. Coefficients are measured in deviations; that of
 * the limit, which has no prior, in units of the scale. */
static void set_rows(wmc_fit_problem *p, const wmc_form *form, double scale)
{
  size_t rows = p->points + (size_t)form->linear - 1;
  memset(p->design, 0, rows * (size_t)form->linear * sizeof(double));
  for (int j = 0; j < form->linear; j++) {
    double *column = p->design + (size_t)j * rows, unit = deviation(form, j, scale);
    for (size_t i = 0; i < p->points; i++)
      column[i] = unit * wmc_form_term(form, j, p->depth[i], 0);
    wmc_fit_whiten(p, column);
    if (j > 0) column[p->points + (size_t)j - 1] = 1;
  }
  memset(p->target, 0, rows * sizeof(double));
  memcpy(p->target, p->value, p->points * sizeof(double));
  wmc_fit_whiten(p, p->target);
}

/* log determinant of a positive definite k x k matrix, which is destroyed. */
static double log_determinant(int k, double *a)
{
  double sum = 0;
  for (int j = 0; j < k; j++) {
    sum += log(a[j * k + j]);
    for (int i = j + 1; i < k; i++)
      for (int l = j + 1; l < k; l++) a[i * k + l] -= a[i * k + j] * a[j * k + l] / a[j * k + j];
  }
  return sum;
}

/* Least sum of squares of (3); rows and target are set. */
static double sum_of_squares(const double *design, const double *target, size_t rows, int k,
                             const double *x)
{
  double sum = 0;
  for (size_t i = 0; i < rows; i++) {
    double rest = target[i];
    for (int j = 0; j < k; j++) rest -= design[i + (size_t)j * rows] * x[j];
    sum += rest * rest;
  }
  return sum;
}

/* The estimate is sum_i weight_i y_i. Its jackknife variance instead of that of the covariance:
 * weights are whitened on entry. */
static double chains_instead(const wmc_fit_problem *p, double *weight)
{
  double of_errors = 0, mean = 0, square = 0, chains = (double)p->chains;
  for (size_t i = 0; i < p->points; i++) of_errors += weight[i] * weight[i];
  wmc_fit_whiten_transposed(p, weight);
  for (size_t c = 0; c < p->chains; c++) {
    double change = 0;
    for (size_t i = 0; i < p->points; i++) change += weight[i] * p->chain[i * p->chains + c];
    mean += change / chains;
    square += change * change;
  }
  double factor = wmc_student_factor((double)p->fewest - 1);
  return factor * factor * fmax(0, square - chains * mean * mean) - of_errors;
}

static void set_values(wmc_fit_problem *p, const double *x, const double *covariance, double scale,
                       member *m)
{
  int k = m->form->linear;
  size_t rows = p->points + (size_t)k - 1;
  set_rows(p, m->form, scale);
  m->chi_squared = sum_of_squares(p->design, p->target, rows, k, x);
  for (int j = 0; j < VALUES; j++) {
    double unit = deviation(m->form, j, scale), variance = covariance[j * k + j];
    for (size_t i = 0; i < p->points; i++) {
      p->sample[i] = 0;
      for (int l = 0; l < k; l++)
        p->sample[i] += covariance[j * k + l] * p->design[i + (size_t)l * rows];
    }
    if (wmc_fit_has_chains(p)) variance += chains_instead(p, p->sample);
    m->value[j] = unit * x[j];
    m->variance[j] = unit * unit * fmax(variance, 0);
  }
}

static wmc_status fit_member(wmc_fit_problem *p, const wmc_form *form, double scale,
                             double unit_scale, member *m)
{
  double x[WMC_FIT_TERMS], covariance[WMC_FIT_TERMS * WMC_FIT_TERMS];
  int k = form->linear, rows = (int)p->points + k - 1;
  *m = (member){.form = form};
  set_rows(p, form, scale);
  WMC_TRY(wmc_least_squares(rows, k, p->design, p->target, x, covariance));
  set_values(p, x, covariance, scale, m);
  /* |M| in units of the limit that are the same for all members */
  m->log_probability =
      (log_determinant(k, covariance) - m->chi_squared) / 2 + log(scale / unit_scale);
  return WMC_OK;
}

static wmc_status fit_members(wmc_fit_problem *p, const wmc_form *only, ensemble *e)
{
  for (const wmc_form *form = wmc_forms; form->name != NULL; form++) {
    if (only != NULL ? form != only : form->kind != WMC_FORM_CANDIDATE) continue;
    assert(e->members + SCALES <= MOST_SERIES * SCALES);
    const double least = least_scale(p, form);
    for (int k = 0; k < SCALES; k++)
      WMC_TRY(fit_member(p, form, ldexp(least, k), least, &e->all[e->members++]));
  }
  return WMC_OK;
}

static const member *most_probable(const ensemble *e)
{
  const member *best = &e->all[0];
  for (size_t k = 1; k < e->members; k++)
    if (e->all[k].log_probability > best->log_probability) best = &e->all[k];
  return best;
}

/* Average over the members of one form, or over all (NULL); returns their probability. */
static double average(const ensemble *e, const wmc_form *form, double value[VALUES],
                      double error[VALUES])
{
  double most = most_probable(e)->log_probability, total = 0, part = 0;
  double sum[VALUES] = {0}, square[VALUES] = {0};
  for (size_t k = 0; k < e->members; k++) total += exp(e->all[k].log_probability - most);
  for (size_t k = 0; k < e->members; k++) {
    if (form != NULL && e->all[k].form != form) continue;
    double weight = exp(e->all[k].log_probability - most);
    part += weight;
    for (int j = 0; j < VALUES; j++) sum[j] += weight * e->all[k].value[j];
  }
  for (int j = 0; j < VALUES; j++) value[j] = sum[j] / part;
  for (size_t k = 0; k < e->members; k++) {
    const member *m = &e->all[k];
    if (form != NULL && m->form != form) continue;
    double weight = exp(m->log_probability - most) / part;
    for (int j = 0; j < VALUES; j++)
      square[j] += weight * (m->variance[j] + pow(m->value[j] - value[j], 2));
  }
  for (int j = 0; j < VALUES; j++) error[j] = sqrt(square[j]);
  return part / total;
}

static void compare(const ensemble *e, wmc_fit *fit)
{
  double own[VALUES], other[VALUES], error[VALUES];
  for (size_t k = 0; k < e->members; k++) { /* the form, not the member, that is most probable */
    double probability = average(e, e->all[k].form, own, error);
    if (k > 0 && !(probability > fit->probability)) continue;
    fit->form = e->all[k].form;
    fit->probability = probability;
  }
  if (fit->probability >= WMC_FIT_DECIDED) return;
  average(e, fit->form, own, error);
  double most = 0;
  for (size_t k = 0; k < e->members; k++) {
    double probability = average(e, e->all[k].form, other, error);
    if (e->all[k].form == fit->form || probability <= most) continue;
    most = probability;
    fit->rival = e->all[k].form;
    fit->rival_limit = other[0];
    fit->spread = other[0] - own[0];
  }
}

static wmc_fit_quality judge(const wmc_fit_problem *p, const wmc_fit *fit)
{
  if (fit->p_value < WMC_FIT_IMPROBABLE) return WMC_FIT_POOR;
  if (wmc_fit_distinct_depths(p) < TESTED_DEPTHS) return WMC_FIT_UNTESTED;
  return fit->rival != NULL ? WMC_FIT_UNDECIDED : WMC_FIT_GOOD;
}

/* All points of the problem. */
static wmc_status fit_points(wmc_fit_problem *p, const wmc_form *only, wmc_fit *fit)
{
  ensemble e = {0};
  WMC_TRY(fit_members(p, only, &e));
  *fit = wmc_fit_blank(e.all[0].form);
  compare(&e, fit);
  average(&e, NULL, fit->value, fit->error);
  const member *best = most_probable(&e);
  fit->jackknife = wmc_fit_has_chains(p);
  fit->chi_squared = best->chi_squared;
  fit->freedom = (int)p->points - 1;
  fit->p_value = wmc_chi_squared_tail(best->chi_squared, fit->freedom);
  fit->quality = judge(p, fit);
  wmc_fit_judge_reach(p, fit);
  return WMC_OK;
}

wmc_status wmc_fit_series(wmc_fit_problem *p, const wmc_form *only, wmc_fit *fit)
{
  size_t points = p->points;
  if (wmc_fit_distinct_depths(p) < VALUES)
    return wmc_fit_too_few(p, only != NULL ? only : wmc_form_find("analytic"));
  WMC_TRY(fit_points(p, only, fit));
  for (wmc_fit fewer = *fit; fewer.p_value < WMC_FIT_IMPROBABLE;) {
    p->points--;
    if (wmc_fit_distinct_depths(p) < TESTED_DEPTHS) break;
    WMC_TRY(fit_points(p, only, &fewer));
    if (fewer.p_value < WMC_FIT_IMPROBABLE) continue;
    *fit = fewer;
    fit->dropped = (int)(points - p->points);
  }
  p->points = points;
  return WMC_OK;
}

static const struct {
  const char *name, *text;
} qualities[WMC_FIT_QUALITIES] = {
    [WMC_FIT_GOOD] = {"good", "the form describes the data"},
    [WMC_FIT_UNDECIDED] = {"undecided",
                           "the data do not tell powers of 1/depth from depth^-3/2 and "
                           "logarithms; the errors cover both"},
    [WMC_FIT_POOR] = {"poor", "no form tried describes the data: use deeper networks (--from), or "
                              "ask for another form (--form)"},
    [WMC_FIT_UNTESTED] = {"untested", "too few depths to tell whether the form is right"},
    [WMC_FIT_FAR] = {"far",
                     "the limit is more than ten of its errors, and more than half of the way "
                     "between the shallowest and the deepest value, beyond the deepest one: it "
                     "rests on the form; add depths, or use depth: inf where the model has it"},
    [WMC_FIT_SLOW] = {"slow",
                      "depth^-p with p below 1 describes the data as well, and its limit is more "
                      "than three errors away: corrections are not seen to fall like 1/depth, and "
                      "the error of the limit may be much too small; use deeper networks, depth: "
                      "inf where the model has it, or compare with --form power"}};

const char *wmc_fit_quality_name(wmc_fit_quality quality) { return qualities[quality].name; }
const char *wmc_fit_quality_text(wmc_fit_quality quality) { return qualities[quality].text; }
