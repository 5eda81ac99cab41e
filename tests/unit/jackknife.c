/* Jackknife errors against formulas for linear functions and against the spread of repetitions. */
#include "weylmc/statistics/jackknife.h"

#include <criterion/criterion.h>
#include <math.h>

#include "support.h"
#include "weylmc/numeric/random.h"
#include "weylmc/statistics/estimate.h"

enum { CHAINS = 12 };

/* Weighted mean of the chains but one; CHAINS: of all. */
static double mean_without(const double *draws, const double *x, size_t left_out)
{
  double total = 0, sum = 0;
  for (size_t c = 0; c < CHAINS; c++)
    if (c != left_out) total += draws[c], sum += draws[c] * x[c];
  return sum / total;
}

Test(jackknife, mean_of_equal_chains_has_the_usual_error)
{
  double draws[CHAINS], x[CHAINS], without[2 * CHAINS] = {0}, square = 0;
  for (size_t c = 0; c < CHAINS; c++) draws[c] = 7, x[c] = sin(3.0 * (double)c);
  double mean = mean_without(draws, x, CHAINS);
  for (size_t c = 0; c < CHAINS; c++) {
    without[2 * c] = mean_without(draws, x, c);
    square += (x[c] - mean) * (x[c] - mean);
  }
  double usual = wmc_student_factor(CHAINS - 1) * sqrt(square / (CHAINS * (CHAINS - 1.0)));
  double error = wmc_jackknife_error(CHAINS, draws, mean, without, 2);
  cr_assert_float_eq(error, usual, 1e-13 * usual);
  cr_assert(isnan(wmc_jackknife_error(1, draws, mean, without, 2)));
}

/* log of a mean over chains of very different length, each mean with variance 1/draws. */
Test(jackknife, error_of_a_logarithm_of_unequal_chains_is_its_spread)
{
  const int trials = test_trials(4000);
  double draws[CHAINS], x[CHAINS], without[CHAINS], square = 0, spread = 0;
  wmc_stream *s;
  cr_assert_eq(wmc_stream_create(&s, 5, 0), WMC_OK);
  for (size_t c = 0; c < CHAINS; c++) draws[c] = c < 4 ? 100 : 300;
  for (int t = 0; t < trials; t++) {
    wmc_stream_normals(s, CHAINS, 1, x);
    for (size_t c = 0; c < CHAINS; c++) x[c] = 3 + x[c] / sqrt(draws[c]);
    double value = log(mean_without(draws, x, CHAINS));
    for (size_t c = 0; c < CHAINS; c++) without[c] = log(mean_without(draws, x, c));
    double error = wmc_jackknife_error(CHAINS, draws, value, without, 1);
    square += error * error / trials;
    spread += (value - log(3)) * (value - log(3)) / trials;
  }
  /* both are chi squared, with `trials` and about (CHAINS - 1) trials degrees of freedom */
  double factor = wmc_student_factor(CHAINS - 1), sigma = sqrt(2.2 / trials);
  double quotient = square / (factor * factor) / spread;
  cr_assert_lt(fabs(quotient - 1), 5 * sigma, "%g", quotient);
  wmc_stream_destroy(s);
}
