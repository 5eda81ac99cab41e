/* All observables and derived quantities of the model residual_jacobian whose exact values it
 * states, by simulation with the errors that results files have; histograms against exact
 * densities. Every comparison at 5 standard errors. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "quadrature.h"
#include "reference.h"
#include "simulation.h"
#include "support.h"
#include "task.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/random.h"
#include "weylmc/statistics/jackknife.h"

enum { CHAINS = 32 };

typedef struct simulation {
  test_task task;
  size_t size;
  wmc_accumulator *chain[CHAINS];
} simulation;

static void simulate(simulation *x, const char *parameters, int draws, long seed)
{
  x->task = test_task_open("residual_jacobian", parameters);
  const wmc_model *model = x->task.model;
  x->size = wmc_model_measurement_size(model, x->task.values);
  test_accumulate(model, x->task.values, &(test_run){seed, CHAINS, 0, test_trials(draws), 1},
                  x->chain);
}

static void finish(simulation *x)
{
  for (int c = 0; c < CHAINS; c++) wmc_accumulator_destroy(x->chain[c]);
  test_task_close(&x->task);
}

typedef struct derivation {
  const simulation *simulation;
  const wmc_derived *derived;
  size_t entries;
} derivation;

static void evaluate(void *data, const double *means, double *out)
{
  const derivation *d = data;
  for (size_t i = 0; i < d->entries; i++) out[d->entries + i] = 0;
  d->derived->evaluate(d->simulation->task.values, means, out, out + d->entries);
}

/* Estimates of a derived quantity, then of what its method may be off by; the caller frees. */
static wmc_estimate *derive(const simulation *x, const wmc_derived *d, size_t *entries)
{
  *entries = wmc_derived_size(x->task.model, d, x->task.values);
  wmc_estimate *out = WMC_ARRAY(wmc_estimate, 2 * *entries + 1);
  derivation task = {x, d, *entries};
  cr_assert_eq(wmc_jackknife((const wmc_accumulator *const *)x->chain, CHAINS, 2 * *entries,
                             evaluate, &task, out),
               WMC_OK);
  return out;
}

static int expect_near(const char *what, const char *name, size_t entry, double exact,
                       const wmc_estimate *found)
{
  if (isnan(exact)) return 0;
  double rounding = 1e-13 * (1 + fabs(exact));
  cr_expect_lt(fabs(found->mean - exact), 5 * found->error + rounding,
               "%s: %s[%zu] %.7g, exact %.7g, error %.2g", what, name, entry, found->mean, exact,
               found->error);
  cr_expect_lt(found->error, 0.1 * (1 + fabs(exact)), "%s: %s[%zu]", what, name, entry);
  if (test_verbose())
    printf("%-44s %s[%zu] %.7g exact %.7g z %.2f\n", what, name, entry, found->mean, exact,
           (found->mean - exact) / found->error);
  return 1;
}

/* Everything that has an exact value; returns how many entries that were. */
static int check_stated(const simulation *x, const char *what)
{
  const wmc_model *model = x->task.model;
  double *exact = WMC_ARRAY(double, x->size);
  size_t first = 0;
  int count = 0;
  for (const wmc_observable *o = model->observables; o->name; o++) {
    size_t n = wmc_observable_size(model, o, x->task.values);
    bool stated = n > 0 && o->expected && o->expected(x->task.values, exact);
    for (size_t i = 0; stated && i < n; i++) {
      wmc_estimate found;
      wmc_estimate_chains((const wmc_accumulator *const *)x->chain, CHAINS, first + i, &found);
      count += expect_near(what, o->name, i, exact[i], &found);
    }
    first += n;
  }
  for (const wmc_derived *d = model->derived; d->name; d++) {
    size_t n = wmc_derived_size(model, d, x->task.values);
    if (n == 0 || !d->expected || !d->expected(x->task.values, exact)) continue;
    wmc_estimate *found = derive(x, d, &n);
    for (size_t i = 0; i < n; i++) count += expect_near(what, d->name, i, exact[i], &found[i]);
    wmc_free(found);
  }
  wmc_free(exact);
  return count;
}

Test(jacobian_observables, stated_values_of_the_limit)
{
  const struct {
    const char *parameters;
    int least; /* entries with an exact value */
  } cases[] = {
      {"width: 1, depth: inf, covariance: yes", 9},
      {"width: 2, depth: inf, time: 0.3, covariance: yes", 18},
      {"width: 2, depth: inf, time: 2, record: [0.25, 1], covariance: yes", 26},
      {"width: 4, depth: inf, time: 0.2", 9},
      {"width: 2, depth: inf, time: 0.5, field: complex, covariance: yes", 17},
      {"width: 4, depth: inf, time: 0.2, field: complex", 10},
      {"width: 3, depth: inf, time: 1, block: exponential", 7},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    simulation x;
    simulate(&x, cases[k].parameters, 1000, 20261201 + (long)k);
    int count = check_stated(&x, cases[k].parameters);
    cr_expect_geq(count, cases[k].least, "%s: %d values", cases[k].parameters, count);
    finish(&x);
  }
}

Test(jacobian_observables, stated_values_of_finite_depth)
{
  const struct {
    const char *parameters;
    int least;
  } cases[] = {
      {"width: 2, depth: 100, time: 0.5", 9},
      {"width: 5, depth: 40, time: 0.1", 6},
      {"width: 3, depth: 10, block: plain, activation: linear, variance: 0.4", 7},
      {"width: 3, depth: 10, block: plain, activation: linear, variance: 0.4, field: complex", 7},
      {"width: 4, depth: 20, block: exponential, time: 0.3", 4},
      {"width: 3, depth: 64, time: 0.5, log_metric: yes", 14},
      {"width: 2, depth: 40, time: 0.3, field: complex", 6},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    simulation x;
    simulate(&x, cases[k].parameters, 600, 20261220 + (long)k);
    int count = check_stated(&x, cases[k].parameters);
    cr_expect_geq(count, cases[k].least, "%s: %d values", cases[k].parameters, count);
    finish(&x);
  }
}

/* ---- histograms ----------------------------------------------------------------------------- */

static double normal_density(double x, const double *mean_variance)
{
  double z = x - mean_variance[0];
  return exp(-0.5 * z * z / mean_variance[1]) / sqrt(2 * REF_PI * mean_variance[1]);
}

/* Of the density in a bin, by the exact number that is expected there: what is found in nearly
 * empty bins says nothing of its error. */
static double counting_error(double density, double width, double samples)
{
  return sqrt(density / width / samples);
}

/* Means of the density over the bins of an observable against those of the histogram. */
static void check_density(const simulation *x, const char *name, test_function *density,
                          const double *data, double low, double high, size_t bins)
{
  const size_t first = wmc_observable_first(x->task.model, name, x->task.values);
  const double width = (high - low) / (double)bins;
  for (size_t b = 0; b < bins; b++) {
    wmc_estimate found;
    double from = low + width * (double)b;
    double exact = test_integral(density, data, from, from + width) / width;
    wmc_estimate_chains((const wmc_accumulator *const *)x->chain, CHAINS, first + b, &found);
    found.error = fmax(found.error, counting_error(exact, width, found.samples));
    expect_near("density", name, b, exact, &found);
  }
}

/* Width 1: lambda and log|Mu| are normal; width 2: the gap is that of hyperbolic.h. */
Test(jacobian_observables, densities_of_the_limit)
{
  const double normal[2] = {-0.5, 1};
  simulation x;
  simulate(&x, "width: 1, depth: inf, bins: 10, lambda_min: -4, lambda_max: 3", 2000, 20261240);
  check_density(&x, "log_singular_values_density", normal_density, normal, -4, 3, 10);
  check_density(&x, "log_vector_growth_density", normal_density, normal, -4, 3, 10);
  finish(&x);

  const double tau = 0.7, gap[2] = {0.7, REF_ONE};
  simulate(&x, "width: 2, depth: inf, time: 0.7, bins: 12, gap_max: 6", 2000, 20261241);
  check_density(&x, "gap_density", ref_gap_weight, gap, 0, 6, 12);

  /* the unfolded gap, its density being that of the gap times E gap */
  size_t n;
  wmc_estimate *found = derive(&x, test_derived(&x.task, "spacing_density"), &n);
  const double mean = ref_gap_mean(tau, REF_GAP), width = 4.0 / (double)n;
  cr_assert_eq(n, 12);
  for (size_t b = 0; b < n; b++) {
    double from = width * (double)b;
    double exact = test_integral(ref_gap_weight, gap, mean * from, mean * (from + width)) / width;
    double error =
        fmax(found[b].error,
             counting_error(exact, width, (double)(CHAINS * wmc_accumulator_count(x.chain[0]))));
    cr_expect_lt(fabs(found[b].mean - exact), 5 * error + found[n + b].mean,
                 "bin %zu: %g, exact %g, error %g, doubt %g", b, found[b].mean, exact, error,
                 found[n + b].mean);
    cr_expect_lt(found[n + b].mean, 0.1);
  }
  wmc_free(found);
  finish(&x);
}

/* d = 3, T -> 0: the mean gap ratio is 4 - 2 sqrt 3, its density (27/4) (r + r^2)/(1 + r +
 * r^2)^{5/2} on [0, 1] (Atas et al.). */
static double ratio_density(double r, const double *data)
{
  (void)data;
  return 6.75 * (r + r * r) / pow(1 + r + r * r, 2.5);
}

Test(jacobian_observables, gap_ratios_of_the_gaussian_ensemble)
{
  simulation x;
  simulate(&x, "width: 3, depth: inf, time: 1e-4, bins: 8, gap_max: 0.1", 1500, 20261250);
  check_density(&x, "gap_ratio_density", ratio_density, NULL, 0, 1, 8);
  finish(&x);
}
