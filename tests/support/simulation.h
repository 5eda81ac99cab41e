/** @file simulation.h  Chains of a model: their draws, and averages with errors. */
#pragma once
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parameters.h"
#include "streams.h"
#include "support.h"
#include "weylmc/numeric/random.h"
#include "weylmc/statistics/accumulator.h"

enum { TEST_CHAINS = 64, TEST_ENTRIES = 64 };

typedef struct test_means {
  size_t size;
  double mean[TEST_ENTRIES], error[TEST_ENTRIES]; /**< as the model measures: test_observable */
} test_means;

typedef struct test_run {
  long seed;
  int chains;
  long thermalise;
  int draws;
  long stride;
} test_run;

/** What to do with a draw. */
typedef void (*test_visit)(void *data, size_t size, const double *draw);

/** One chain of a run: `visit` sees its draws. */
static inline void test_simulate_chain(const wmc_model *model, const wmc_value *values,
                                       const test_run *run, long number, test_visit visit,
                                       void *data)
{
  const size_t size = wmc_model_measurement_size(model, values);
  double *out = calloc(size, sizeof *out);
  void *chain;
  wmc_stream *stream = test_stream(run->seed, number);
  cr_assert_not_null(out);
  cr_assert_eq(model->create(values, &chain), WMC_OK, "%s", wmc_message());
  model->start(chain, stream);
  if (run->thermalise > 0)
    cr_assert_eq(model->advance(chain, stream, run->thermalise, true), WMC_OK, "%s", wmc_message());
  for (int k = 0; k < run->draws; k++) {
    cr_assert_eq(model->advance(chain, stream, run->stride, false), WMC_OK, "%s", wmc_message());
    model->measure(chain, out);
    visit(data, size, out);
  }
  model->destroy(chain);
  wmc_stream_destroy(stream);
  free(out);
}

static inline void test_add_to_accumulator(void *data, size_t size, const double *draw)
{
  (void)size;
  wmc_accumulator_add(data, draw);
}

/** Every chain's draws in an accumulator of its own, which the caller destroys. */
static inline void test_accumulate(const wmc_model *model, const wmc_value *values,
                                   const test_run *run, wmc_accumulator **chain)
{
  for (int c = 0; c < run->chains; c++) {
    cr_assert_eq(wmc_accumulator_create(&chain[c], wmc_model_measurement_size(model, values)),
                 WMC_OK);
    test_simulate_chain(model, values, run, c, test_add_to_accumulator, chain[c]);
  }
}

/** Sum of the draws of a chain over their number. */
typedef struct test_sum {
  double *sum;
  int draws;
} test_sum;

static inline void test_add_to_sum(void *data, size_t size, const double *draw)
{
  const test_sum *to = data;
  for (size_t i = 0; i < size; i++) to->sum[i] += draw[i] / to->draws;
}

/** Means over the draws of independent chains, and their standard errors, of all that the model
 * measures. */
static inline void test_simulate_run(const test_parameters *p, const test_run *run, double *mean,
                                     double *error)
{
  const size_t size = wmc_model_measurement_size(p->model, p->values);
  const int n = run->chains;
  double *one = calloc(size, sizeof *one);
  cr_assert_not_null(one);
  for (size_t i = 0; i < size; i++) mean[i] = error[i] = 0;
  for (int c = 0; c < n; c++) {
    for (size_t i = 0; i < size; i++) one[i] = 0;
    test_simulate_chain(p->model, p->values, run, c, test_add_to_sum, &(test_sum){one, run->draws});
    for (size_t i = 0; i < size; i++) {
      mean[i] += one[i] / n;
      error[i] += one[i] * one[i] / n;
    }
  }
  for (size_t i = 0; i < size; i++)
    error[i] = sqrt(fmax(0, error[i] - mean[i] * mean[i]) / (n - 1));
  free(one);
}

/** The same of TEST_CHAINS chains of test_trials(draws), for models with few numbers. */
static inline test_means test_simulate(const test_parameters *p, long seed, long thermalise,
                                       int draws, long stride)
{
  const test_run run = {seed, TEST_CHAINS, thermalise, test_trials(draws), stride};
  test_means r = {.size = wmc_model_measurement_size(p->model, p->values)};
  cr_assert_leq(r.size, TEST_ENTRIES);
  test_simulate_run(p, &run, r.mean, r.error);
  return r;
}

/** Within 5 sigma of the exact value, and with an error small enough to notice a mistake. */
static inline void test_expect(const char *what, const char *name, double exact, double mean,
                               double error)
{
  if (test_verbose())
    printf("%-44s %-16s %12.6f %12.6f +- %.6f  z %5.2f\n", what, name, exact, mean, error,
           (mean - exact) / error);
  cr_expect_lt(fabs(mean - exact), 5 * error + 1e-12 * fabs(exact),
               "%s, %s: exact %.8g, found %.8g +- %.2g", what, name, exact, mean, error);
  cr_expect_lt(error, 0.03 * fmax(1, fabs(exact)), "%s, %s: error %g", what, name, error);
}

/** The exact mean that the model itself states for the first entry of an observable. */
static inline double test_stated(const test_parameters *p, const char *name)
{
  double values[TEST_ENTRIES];
  const wmc_observable *o = p->model->observables;
  while (o->name && strcmp(o->name, name) != 0) o++;
  cr_assert(o->name != NULL && o->expected != NULL && o->expected(p->values, values), "%s", name);
  return values[0];
}
