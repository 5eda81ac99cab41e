#include "fit_problem.h"

#include <math.h>

#include "weylmc/base/memory.h"

void wmc_fit_problem_free(wmc_fit_problem *p)
{
  double **const arrays[] = {&p->depth,  &p->value,  &p->factor, &p->chain,
                             &p->design, &p->target, &p->sample};
  for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++) wmc_free(*arrays[k]);
  *p = (wmc_fit_problem){0};
}

static wmc_status allocate(wmc_fit_problem *p, size_t points, size_t chains, size_t rows,
                           size_t columns)
{
  *p = (wmc_fit_problem){.points = points, .stride = points, .chains = chains};
  p->depth = WMC_ARRAY(double, points);
  p->value = WMC_ARRAY(double, points);
  p->factor = WMC_ARRAY(double, points *points);
  p->chain = WMC_ARRAY(double, points *chains);
  p->design = WMC_ARRAY(double, rows *columns);
  p->target = WMC_ARRAY(double, rows);
  p->sample = WMC_ARRAY(double, points);
  if (p->depth && p->value && p->factor && p->chain && p->design && p->target && p->sample)
    return WMC_OK;
  wmc_fit_problem_free(p);
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

wmc_status wmc_fit_problem_create(wmc_fit_problem *p, const wmc_fit_data *data, size_t rows,
                                  size_t columns)
{
  size_t n = data->points;
  WMC_TRY(check_data(data));
  WMC_TRY(allocate(p, n, data->chains, rows, columns));
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
  if (status != WMC_OK) wmc_fit_problem_free(p);
  return status;
}

void wmc_fit_whiten(const wmc_fit_problem *p, double *v)
{
  for (size_t i = 0; i < p->points; i++) {
    const double *row = p->factor + i * p->stride;
    for (size_t k = 0; k < i; k++) v[i] -= row[k] * v[k];
    v[i] /= row[i];
  }
}

void wmc_fit_whiten_transposed(const wmc_fit_problem *p, double *v)
{
  for (size_t i = p->points; i-- > 0;) {
    for (size_t k = i + 1; k < p->points; k++) v[i] -= p->factor[k * p->stride + i] * v[k];
    v[i] /= p->factor[i * p->stride + i];
  }
}

int wmc_fit_distinct_depths(const wmc_fit_problem *p)
{
  int count = 0;
  for (size_t k = 0; k < p->points; k++) count += k == 0 || p->depth[k] != p->depth[k - 1];
  return count;
}

bool wmc_fit_has_chains(const wmc_fit_problem *p) { return p->fewest >= WMC_FIT_CHAINS; }

wmc_status wmc_fit_too_few(const wmc_fit_problem *p, const wmc_form *form)
{
  return wmc_raise(WMC_DATA,
                   "the form %s (%s) needs %d different depths; there are %d: sweep over more "
                   "depths or take a simpler form",
                   form->name, form->formula, form->parameters, wmc_fit_distinct_depths(p));
}

void wmc_fit_judge_reach(const wmc_fit_problem *p, wmc_fit *fit)
{
  size_t deepest = 0;
  while (deepest + 1 < p->points && isinf(p->depth[deepest])) deepest++;
  const double last = p->value[deepest], way = fabs(p->value[p->points - 1] - last);
  const double left = fabs(fit->value[0] - last);
  fit->reach = left / fit->error[0];
  fit->share = left / way;
  const bool far = fit->reach > WMC_FIT_REACH && fit->share > WMC_FIT_SHARE && deepest == 0;
  if (far && (fit->quality == WMC_FIT_GOOD || fit->quality == WMC_FIT_UNDECIDED))
    fit->quality = WMC_FIT_FAR;
}
