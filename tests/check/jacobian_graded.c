/* Singular values of graded columns against long mantissas and closed forms. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "chains.h"
#include "mantissas.h"
#include "support.h"
#include "weylmc/jacobian/graded.h"

Test(jacobian_graded, columns_of_any_exponent)
{
  /* Y = [y_1, e^{r} y_2] with unit y_i at an angle a: s_1 s_2 = e^{r} sin a, and to order e^{2r}
   * s_1 = 1 + (e^{2r} cos^2 a) / 2 */
  double *scratch = WMC_ARRAY(double, wmc_graded_scratch(2));
  for (double r = -10; r > -3e4; r *= 3) {
    double a = 0.7, y[4] = {1, 0, cos(a), sin(a)}, values[2] = {0, r};
    double first = 0.5 * exp(2 * r) * cos(a) * cos(a);
    cr_assert(wmc_graded_singular_values(2, y, values, scratch));
    cr_expect_lt(fabs(values[0] - first), 1e-15);
    cr_expect_lt(fabs(values[1] - (r + log(sin(a)) - first)), 1e-15 * (10 - r), "r=%g", r);
  }
  /* the order of the columns is no matter */
  double y[4] = {cos(0.7), sin(0.7), 1, 0}, values[2] = {-5000, 0};
  cr_assert(wmc_graded_singular_values(2, y, values, scratch));
  cr_expect_eq(values[0], 0);
  cr_expect_lt(fabs(values[1] + 5000 - log(sin(0.7))), 1e-11);
  wmc_free(scratch);
}

/* y_j = e_j + noise with exponents of any order: all ways of graded.c, by the number of columns and
 * the range of exponents. */
Test(jacobian_graded, columns_have_full_relative_accuracy)
{
  enum { MOST = 40 };
  const struct {
    int d;
    double range;
  } cases[] = {{4, 1}, {4, 300}, {12, 30}, {12, 600}, {24, 2}, {MOST, 2}, {MOST, 60}, {MOST, 300}};
  wmc_stream *stream = test_stream(20261121, 32);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const int d = cases[c].d;
    double y[MOST * MOST], r[MOST], exact[MOST],
        *scratch = WMC_ARRAY(double, wmc_graded_scratch(d));
    mpf_set_default_prec((unsigned)(300 + 2.6 * cases[c].range));
    mpf_t *m = mp_array(d * d);
    wmc_stream_normals(stream, (size_t)(d * d), 0.5 / sqrt(d), y);
    for (int j = 0; j < d; j++) {
      /* powers of two, so that both are given the same matrix */
      long power = -lround(cases[c].range / log(2) * wmc_stream_uniform(stream));
      r[j] = (double)power * log(2);
      y[j * (d + 1)] += 1;
      for (int i = 0; i < d; i++) {
        mpf_set_d(m[j * d + i], y[j * d + i]);
        mpf_div_2exp(m[j * d + i], m[j * d + i], (unsigned long)-power);
      }
    }
    mp_values(d, m, exact);
    cr_assert(wmc_graded_singular_values(d, y, r, scratch));
    double defect = test_largest_difference(d, r, exact),
           bound = 3e-14 + cases[c].range * DBL_EPSILON;
    cr_expect_lt(defect, bound, "d=%d range %g: defect %.2g", d, cases[c].range, defect);
    if (test_verbose()) printf("graded d=%d range %g: defect %.2g\n", d, cases[c].range, defect);
    mp_free(m, d * d);
    wmc_free(scratch);
  }
  wmc_stream_destroy(stream);
}

/* Columns of 0 and exponents of -inf are singular values of 0, wherever they stand. */
Test(jacobian_graded, columns_that_are_zero)
{
  enum { D = 6 };
  double y[D * D] = {0}, r[D] = {0, -INFINITY, 3, 1, -400, 0}, scratch[4096];
  cr_assert_leq(wmc_graded_scratch(D), 4096);
  for (int j = 0; j < D; j++) y[j * (D + 1)] = j == 3 ? 0 : 1;
  cr_assert(wmc_graded_singular_values(D, y, r, scratch));
  const double expected[D] = {3, 0, 0, -400, -INFINITY, -INFINITY};
  for (int j = 0; j < D; j++) cr_expect_eq(r[j], expected[j], "%d: %g", j, r[j]);
}
