/* Mean growth of a vector of uniform direction against its definition. */
#include <criterion/criterion.h>
#include <math.h>

#include "streams.h"
#include "support.h"
#include "weylmc/jacobian/spherical.h"
#include "weylmc/numeric/random.h"
#include "weylmc/numeric/special.h"

/* Mean over a circle, real numbers: log((e^{l_1} + e^{l_2})/2) by Jensen's formula. Complex
 * numbers: |v_1|^2 is uniform, and the mean of (1/2) log(a y + b (1 - y)) an elementary integral.
 */
Test(spherical, width_two_in_closed_form)
{
  for (double gap = 0; gap < 60; gap = 1.5 * gap + 0.01)
    for (double top = -400; top <= 400; top += 200) {
      const double l[2] = {top, top - gap}, b = exp(-2 * gap);
      double scratch[2], real = top + log(0.5 * (1 + exp(-gap)));
      double complex_mean = gap > 1e-4 ? top + 0.5 * ((0 - b * -2 * gap) / (1 - b) - 1) : NAN;
      cr_expect_float_eq(wmc_spherical_growth(2, 1, l, scratch), real, 1e-8 + 1e-15 * fabs(top),
                         "gap %g", gap);
      if (gap > 1e-4)
        cr_expect_float_eq(wmc_spherical_growth(2, 2, l, scratch), complex_mean,
                           1e-8 + 1e-15 * fabs(top), "complex, gap %g", gap);
    }
}

/* d = 3, real: v_3 is uniform in [-1, 1] and the rest is the circle's formula,
 * (1/2) E log(A cos^2 + B sin^2) = log((sqrt A + sqrt B)/2), A = a r + c z^2, B = b r + c z^2. */
Test(spherical, width_three_by_quadrature)
{
  enum { PANELS = 20000 };
  const double cases[][3] = {{0, 0, 0}, {1, 0, -1}, {2.5, 2.4, -3}, {4, -4, -4.1}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const double *l = cases[k], a = exp(2 * l[0]), b = exp(2 * l[1]), c = exp(2 * l[2]);
    double sum = 0, scratch[3];
    for (int i = 0; i < PANELS; i++) {
      double w = (i + 0.5) / PANELS, z = 1 - w * w, r = 1 - z * z; /* dz = 2 w dw */
      sum += log(0.5 * (sqrt(a * r + c * z * z) + sqrt(b * r + c * z * z))) * 2 * w / PANELS;
    }
    cr_expect_float_eq(wmc_spherical_growth(3, 1, l, scratch), sum, 2e-7, "case %zu", k);
  }
}

/* One singular value far above the others: lambda_1 + E log|v_1|, v_1^2 a beta variable. All equal:
 * lambda. */
Test(spherical, one_value_above_all_and_all_equal)
{
  enum { WIDEST = 200 };
  double l[WIDEST], scratch[WIDEST];
  for (int d = 1; d <= WIDEST; d += 7)
    for (int beta = 1; beta <= 2; beta++) {
      double log_beta = 0.5 * (wmc_digamma(0.5 * beta) - wmc_digamma(0.5 * beta * d));
      for (int i = 0; i < d; i++) l[i] = i ? -300 : 7;
      cr_expect_float_eq(wmc_spherical_growth(d, beta, l, scratch), 7 + log_beta, 1e-8, "d=%d", d);
      for (int i = 0; i < d; i++) l[i] = -3;
      cr_expect_float_eq(wmc_spherical_growth(d, beta, l, scratch), -3, 1e-8, "d=%d", d);
    }
}

/* Against vectors drawn at random, at 5 standard errors. */
Test(spherical, random_directions)
{
  enum { D = 6 };
  const double l[D] = {1.5, 1.2, 0.1, -0.3, -2, -2.5};
  const int draws = test_trials(100000);
  wmc_stream *s = test_stream(20261121, 3);
  for (int beta = 1; beta <= 2; beta++) {
    double sum = 0, squares = 0, scratch[D];
    for (int n = 0; n < draws; n++) {
      double z[2 * D] = {0}, above = 0, below = 0;
      wmc_stream_normals(s, (size_t)(beta * D), 1, z);
      for (int i = 0; i < beta * D; i++) {
        below += z[i] * z[i];
        above += z[i] * z[i] * exp(2 * l[i / beta]);
      }
      double growth = 0.5 * log(above / below);
      sum += growth;
      squares += growth * growth;
    }
    double mean = sum / draws, error = sqrt((squares / draws - mean * mean) / draws);
    cr_expect_lt(fabs(wmc_spherical_growth(D, beta, l, scratch) - mean), 5 * error);
  }
  wmc_stream_destroy(s);
}
