/* Exact values, biases of means, and what is derived from averages. */
#include <math.h>

#include "reduction.h"
#include "weylmc/base/memory.h"
#include "weylmc/statistics/jackknife.h"

/* ---- exact values ------------------------------------------------------------------------ */

wmc_observable wmc_derived_observable(const wmc_derived *d)
{
  return (wmc_observable){.name = d->name,
                          .unit = d->unit,
                          .text = d->text,
                          .axis = {d->axis[0], d->axis[1], d->axis[2]},
                          .expected = d->expected};
}

size_t wmc_derived_count(const wmc_model *model)
{
  size_t n = 0;
  while (model->derived != NULL && model->derived[n].name != NULL) n++;
  return n;
}

size_t wmc_derived_entries(const wmc_plan *plan, size_t task)
{
  size_t size = 0;
  for (size_t k = 0; k < wmc_derived_count(plan->model); k++)
    size += wmc_derived_size(plan->model, &plan->model->derived[k], plan->task[task].parameters);
  return size;
}

/* Exact values of one quantity of `n` entries, NaN where unknown. */
static void expect_entries(const wmc_observable *o, const wmc_value *parameters, size_t n,
                           double *out)
{
  bool known = n > 0 && o->expected != NULL && o->expected(parameters, out);
  for (size_t e = 0; !known && e < n; e++) out[e] = NAN;
}

/* Observables, then derived quantities. */
static void expect_task(const wmc_plan *plan, size_t task, double *out)
{
  const wmc_model *model = plan->model;
  const wmc_value *parameters = plan->task[task].parameters;
  for (const wmc_observable *o = model->observables; o->name != NULL; o++) {
    size_t n = wmc_observable_size(model, o, parameters);
    expect_entries(o, parameters, n, out);
    out += n;
  }
  for (size_t k = 0; k < wmc_derived_count(model); k++) {
    const wmc_observable o = wmc_derived_observable(&model->derived[k]);
    size_t n = wmc_observable_size(model, &o, parameters);
    expect_entries(&o, parameters, n, out);
    out += n;
  }
}

wmc_status wmc_expect(const wmc_plan *plan, wmc_expectations *exact)
{
  *exact = (wmc_expectations){.tasks = plan->tasks, .task = WMC_ARRAY(double *, plan->tasks)};
  if (exact->task == NULL) return wmc_no_memory();
  for (size_t t = 0; t < plan->tasks; t++) {
    exact->task[t] = WMC_ARRAY(double, plan->task[t].measurement + wmc_derived_entries(plan, t));
    if (exact->task[t] == NULL) return wmc_no_memory();
    expect_task(plan, t, exact->task[t]);
  }
  return WMC_OK;
}

void wmc_expectations_free(wmc_expectations *exact)
{
  for (size_t t = 0; exact->task != NULL && t < exact->tasks; t++) wmc_free(exact->task[t]);
  wmc_free(exact->task);
  *exact = (wmc_expectations){0};
}

/* ---- biases ------------------------------------------------------------------------------ */

/* The observable that lists the biases of the others; NULL: none. */
static const wmc_observable *find_biases(const wmc_model *model)
{
  const wmc_observable *o = model->observables;
  while (o->name != NULL && !o->biases) o++;
  return o->name != NULL ? o : NULL;
}

size_t wmc_biases_count(const wmc_plan *plan, size_t task)
{
  const wmc_observable *o = find_biases(plan->model);
  return o ? wmc_observable_size(plan->model, o, plan->task[task].parameters) : 0;
}

/* What is left of a bias b beyond the noise of its own estimate: the root of an estimate of b^2. */
static double beyond_noise(const wmc_estimate *b)
{
  const double square = b->mean * b->mean - b->error * b->error;
  return square > 0 && isfinite(square) ? copysign(sqrt(square), b->mean) : 0;
}

void wmc_biases_allow(const wmc_plan *plan, size_t task, wmc_estimate *all, double *bias)
{
  const size_t n = wmc_biases_count(plan, task);
  const size_t first = n > 0 ? wmc_observable_first(plan->model, find_biases(plan->model)->name,
                                                    plan->task[task].parameters)
                             : 0;
  for (size_t e = 0; e < plan->task[task].measurement; e++)
    bias[e] = e < n ? beyond_noise(&all[first + e]) : 0;
  for (size_t e = 0; e < n; e++) {
    if (fabs(bias[e]) > all[e].error && all[e].quality == WMC_ESTIMATE_GOOD)
      all[e].quality = WMC_ESTIMATE_BIASED;
    all[e].error = hypot(all[e].error, bias[e]);
  }
}

/* ---- derived quantities ------------------------------------------------------------------ */

/* What evaluates the derived quantities of a task. */
typedef struct derivation {
  const wmc_plan *plan;
  size_t task, entries;
  const double *bias;      /* of the means; NULL: none, or what it does is known */
  double *shifted, *moved; /* means less their biases, and what is derived from these */
} derivation;

static void evaluate_all(const derivation *d, const double *means, double *out, double *doubt)
{
  const wmc_model *model = d->plan->model;
  const wmc_value *parameters = d->plan->task[d->task].parameters;
  for (size_t e = 0; e < d->entries; e++) doubt[e] = 0;
  for (size_t k = 0; k < wmc_derived_count(model); k++) {
    size_t n = wmc_derived_size(model, &model->derived[k], parameters);
    if (n > 0) model->derived[k].evaluate(parameters, means, out, doubt);
    out += n, doubt += n;
  }
}

/* All values, then what their methods, and the biases of means, may put them off by: that is wanted
 * of all means alone, which come first. */
static void evaluate_derived(void *data, const double *means, double *out)
{
  derivation *d = data;
  double *doubt = out + d->entries;
  if (d->bias != NULL) {
    for (size_t k = 0; k < d->plan->task[d->task].measurement; k++)
      d->shifted[k] = means[k] - d->bias[k];
    evaluate_all(d, d->shifted, d->moved, doubt);
  }
  evaluate_all(d, means, out, doubt);
  for (size_t e = 0; d->bias != NULL && e < d->entries; e++)
    if (isfinite(out[e] - d->moved[e])) doubt[e] = hypot(doubt[e], out[e] - d->moved[e]);
  d->bias = NULL;
}

wmc_status wmc_derived_estimate(const wmc_plan *plan, size_t task, const wmc_task_chains *tc,
                                const double *bias, size_t entries, wmc_estimate *out)
{
  derivation d = {.plan = plan, .task = task, .entries = entries};
  wmc_estimate *both = wmc_alloc(2 * entries, sizeof *both);
  if (wmc_biases_count(plan, task) > 0) {
    d.bias = bias;
    d.shifted = WMC_ARRAY(double, plan->task[task].measurement);
    d.moved = WMC_ARRAY(double, entries);
  }
  wmc_status status = WMC_OK;
  if (both == NULL || (d.bias && (d.shifted == NULL || d.moved == NULL))) status = wmc_no_memory();
  if (status == WMC_OK)
    status = wmc_jackknife((const wmc_accumulator *const *)tc->accumulator, tc->chains, 2 * entries,
                           evaluate_derived, &d, both);
  for (size_t e = 0; status == WMC_OK && e < entries; e++) {
    out[e] = both[e];
    out[e].error = hypot(both[e].error, both[entries + e].mean);
  }
  wmc_free(both);
  wmc_free(d.shifted);
  wmc_free(d.moved);
  return status;
}
