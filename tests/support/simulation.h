/** @file simulation.h  Averages of a model by simulation, with errors from independent chains. */
#pragma once
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "parameters.h"
#include "streams.h"
#include "support.h"
#include "weylmc/numeric/random.h"

enum { TEST_CHAINS = 64, TEST_ENTRIES = 64 };

typedef struct test_means {
  size_t size;
  double mean[TEST_ENTRIES], error[TEST_ENTRIES]; /**< as the model measures: test_observable */
} test_means;

/** Sum of the draws of one chain over their number. */
static inline void test_simulate_chain(const test_parameters *p, long seed, int number,
                                       long thermalise, int draws, long stride, size_t size,
                                       double sum[TEST_ENTRIES])
{
  const wmc_model *model = p->model;
  double out[TEST_ENTRIES];
  void *chain;
  wmc_stream *stream = test_stream(seed, number);
  cr_assert_eq(model->create(p->values, &chain), WMC_OK, "%s", wmc_message());
  model->start(chain, stream);
  cr_assert_eq(model->advance(chain, stream, thermalise, true), WMC_OK, "%s", wmc_message());
  for (int k = 0; k < draws; k++) {
    cr_assert_eq(model->advance(chain, stream, stride, false), WMC_OK, "%s", wmc_message());
    model->measure(chain, out);
    for (size_t i = 0; i < size; i++) sum[i] += out[i] / draws;
  }
  model->destroy(chain);
  wmc_stream_destroy(stream);
}

/** Means over the draws of independent chains, and their standard errors. */
static inline test_means test_simulate(const test_parameters *p, long seed, long thermalise,
                                       int draws, long stride)
{
  test_means r = {.size = wmc_model_measurement_size(p->model, p->values)};
  double square[TEST_ENTRIES] = {0};
  cr_assert_leq(r.size, TEST_ENTRIES);
  for (int c = 0; c < TEST_CHAINS; c++) {
    double sum[TEST_ENTRIES] = {0};
    test_simulate_chain(p, seed, c, thermalise, test_trials(draws), stride, r.size, sum);
    for (size_t i = 0; i < r.size; i++) {
      r.mean[i] += sum[i] / TEST_CHAINS;
      square[i] += sum[i] * sum[i] / TEST_CHAINS;
    }
  }
  for (size_t i = 0; i < r.size; i++)
    r.error[i] = sqrt(fmax(0, square[i] - r.mean[i] * r.mean[i]) / (TEST_CHAINS - 1));
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
