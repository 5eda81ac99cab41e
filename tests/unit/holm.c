/* Holm's adjusted p-values against the step-down procedure they stand for. */
#include <criterion/criterion.h>
#include <math.h>

#include "streams.h"
#include "support.h"
#include "weylmc/numeric/random.h"
#include "weylmc/statistics/holm.h"

enum { TESTS = 12 };

/* How many are rejected at level alpha: the least p against alpha/n, the next against
 * alpha/(n - 1), until one stands. */
static int rejected(int n, const double *p, double alpha, bool *out)
{
  int count = 0;
  for (int k = 0; k < n; k++) out[k] = false;
  for (; count < n; count++) {
    int least = -1;
    for (int k = 0; k < n; k++)
      if (!out[k] && (least < 0 || p[k] < p[least])) least = k;
    if (!(p[least] < alpha / (n - count))) break;
    out[least] = true;
  }
  return count;
}

Test(holm, rejects_as_the_procedure_does)
{
  wmc_stream *stream = test_stream(5, 1);
  for (int trial = 0; trial < test_trials(500); trial++) {
    double p[TESTS], adjusted[TESTS], alpha = pow(wmc_stream_uniform(stream), 2);
    bool out[TESTS];
    int n = 1 + (int)(TESTS * wmc_stream_uniform(stream)), count = 0;
    for (int k = 0; k < n; k++) p[k] = pow(wmc_stream_uniform(stream), 3);
    if (n > 2) p[2] = p[0]; /* equal ones too */
    double least = wmc_holm((size_t)n, p, adjusted);
    for (int k = 0; k < n; k++) {
      cr_expect_geq(adjusted[k], p[k]);
      cr_expect_geq(adjusted[k], least);
    }
    int expected = rejected(n, p, alpha, out);
    for (int k = 0; k < n; k++) {
      count += adjusted[k] < alpha;
      cr_expect_eq(adjusted[k] < alpha, out[k], "n=%d alpha=%g p=%g", n, alpha, p[k]);
    }
    cr_expect_eq(count, expected);
  }
  wmc_stream_destroy(stream);
}

Test(holm, tests_that_do_not_apply)
{
  const double p[] = {NAN, 0.02, NAN, 0.5};
  double adjusted[4];
  cr_expect_float_eq(wmc_holm(4, p, adjusted), 0.04, 1e-15);
  cr_expect(isnan(adjusted[0]) && isnan(adjusted[2]));
  cr_expect_float_eq(adjusted[3], 0.5, 1e-15);
  cr_expect(isnan(wmc_holm(1, p, adjusted)));
  cr_expect(isnan(wmc_holm(0, p, adjusted)));
}
