/* Jackknife errors: linear functions against their own estimates, logarithms against the spread of
 * repetitions. */
#include "weylmc/statistics/jackknife.h"

#include <criterion/criterion.h>
#include <math.h>

#include "streams.h"
#include "support.h"
#include "weylmc/numeric/random.h"

enum { CHAINS = 5 };

/* Chains of an autoregression x' = phi x + noise with mean 3, and its square; the last one is
 * shorter by `less` draws. */
static void fill(wmc_stream *s, double phi, long draws, long less, wmc_accumulator *a[CHAINS])
{
  for (int c = 0; c < CHAINS; c++) {
    double x = 0, noise;
    cr_assert_eq(wmc_accumulator_create(&a[c], 2), WMC_OK);
    wmc_stream_normals(s, 1, 1 / sqrt(1 - phi * phi), &x);
    for (long k = 0; k < draws - (c == CHAINS - 1 ? less : 0); k++) {
      wmc_stream_normals(s, 1, 1, &noise);
      x = phi * x + noise;
      wmc_accumulator_add(a[c], (const double[]){3 + x, x});
    }
  }
}

static void empty(wmc_accumulator *a[CHAINS])
{
  for (int c = 0; c < CHAINS; c++) wmc_accumulator_destroy(a[c]);
}

static void linear(void *data, const double *means, double *out)
{
  *(int *)data += 1;
  out[0] = means[0];
  out[1] = 2 * means[0] - means[1];
}

Test(jackknife, linear_functions_have_the_errors_of_their_estimates)
{
  wmc_stream *s = test_stream(1, 0);
  for (int t = 0; t < 6; t++) {
    wmc_accumulator *a[CHAINS];
    wmc_estimate found[2], direct;
    int calls = 0;
    fill(s, 0.15 * t, 40 + 700 * t, 0, a);
    cr_assert_eq(wmc_jackknife((const wmc_accumulator *const *)a, CHAINS, 2, linear, &calls, found),
                 WMC_OK);
    wmc_estimate_chains((const wmc_accumulator *const *)a, CHAINS, 0, &direct);
    cr_assert_float_eq(found[0].mean, direct.mean, 1e-12);
    /* batches leave out the last few draws of a chain, and begin at a 64th of it */
    cr_assert_float_eq(found[0].error, direct.error, 0.12 * direct.error, "%d: %g %g", t,
                       found[0].error, direct.error);
    cr_assert_float_eq(found[1].error, found[0].error, 1e-9 * direct.error);
    cr_assert_gt(calls, 30 * CHAINS);
    empty(a);
  }
  wmc_stream_destroy(s);
}

static void logarithm(void *data, const double *means, double *out)
{
  (void)data;
  *out = log(means[0]);
}

Test(jackknife, errors_of_logarithms_are_their_spread_with_unequal_chains_too)
{
  const int trials = test_trials(400);
  wmc_stream *s = test_stream(2, 0);
  for (int unequal = 0; unequal < 2; unequal++) {
    double square = 0, spread = 0;
    for (int t = 0; t < trials; t++) {
      wmc_accumulator *a[CHAINS];
      wmc_estimate e;
      fill(s, 0.6, 1000, unequal ? 800 : 0, a);
      cr_assert_eq(wmc_jackknife((const wmc_accumulator *const *)a, CHAINS, 1, logarithm, NULL, &e),
                   WMC_OK);
      double factor = wmc_student_factor(e.freedom);
      square += pow(e.error / factor, 2) / trials;
      spread += pow(e.mean - log(3), 2) / trials;
      empty(a);
    }
    /* the spread is chi squared; the mean of the errors is off by 3% at most, sharply known */
    cr_assert_lt(fabs(square / spread - 1), 0.03 + 5 * sqrt(2.2 / trials), "%d: %g %g", unequal,
                 square, spread);
  }
  wmc_stream_destroy(s);
}

Test(jackknife, without_draws_nothing_is_known)
{
  wmc_accumulator *a[CHAINS] = {NULL};
  wmc_estimate e;
  cr_assert_eq(wmc_jackknife((const wmc_accumulator *const *)a, CHAINS, 1, logarithm, NULL, &e),
               WMC_OK);
  cr_assert(isnan(e.mean) && isnan(e.error));
  cr_assert_eq(wmc_accumulator_create(&a[0], 1), WMC_OK);
  wmc_accumulator_add(a[0], (const double[]){1});
  cr_assert_eq(wmc_jackknife((const wmc_accumulator *const *)a, CHAINS, 1, logarithm, NULL, &e),
               WMC_OK);
  cr_assert(e.mean == 0 && isnan(e.error));
  wmc_accumulator_destroy(a[0]);
}
