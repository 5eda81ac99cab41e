/* Exact expectations of one layer against quadrature of their definitions. */
#include <criterion/criterion.h>
#include <math.h>

#include "quadrature.h"
#include "reference.h"
#include "support.h"
#include "weylmc/jacobian/exact.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/numeric/special.h"

static double log_abs(double x, const double *shift) { return log(fabs(*shift + x)); }

static double half_log_one_minus(double x, const double *s2)
{
  return 0.5 * log1p(-fmin(*s2 * x, 0.999999));
}

Test(jacobian_exact, log_det_is_a_mean_over_chi_squared)
{
  for (int d = 1; d <= 32; d *= 2)
    for (double s2 = 0.01 / d; s2 > 1e-7; s2 *= 0.2) {
      double error, value = wmc_exact_log_det(d, s2, &error);
      double quadrature = test_chi_squared_mean(d, half_log_one_minus, &s2);
      cr_expect_lt(error, 1e-12 * s2 * d);
      cr_expect_lt(fabs(value - quadrature), 1e-12 * s2 * d, "d=%d s2=%g: %.16g, not %.16g", d, s2,
                   value, quadrature);
    }
}

Test(jacobian_exact, log_det_of_two_by_two)
{
  /* the defect stays within a few times the announced error where that is not small */
  const double amplitudes[] = {0.1, 0.15, 0.2, 0.25, 0.3};
  for (size_t k = 0; k < 5; k++) {
    double s = amplitudes[k], error, value = wmc_exact_log_det(2, s * s, &error);
    double quadrature = ref_log_det_2(s * s);
    cr_expect_lt(fabs(value - quadrature), 3 * error + 1e-13, "s=%g: %.10g, not %.10g, error %.2g",
                 s, value, quadrature, error);
  }
}

Test(jacobian_exact, log_det_of_width_one)
{
  const double s = 0.09, shift = 1 / s;
  double error, quadrature = log(s) + test_normal_mean(log_abs, &shift);
  cr_expect_lt(fabs(wmc_exact_log_det(1, s * s, &error) - quadrature), 1e-13);
}

Test(jacobian_exact, growth_of_a_vector)
{
  for (int d = 1; d <= 16; d *= 2)
    for (double s = 0.02; s < 0.12; s *= 2) {
      double mean, variance;
      ref_log_growth(d, s * s, &mean, &variance);
      cr_expect_lt(fabs(wmc_exact_log_growth(d, s * s) - mean), 1e-13, "d=%d s=%g", d, s);
      cr_expect_lt(fabs(wmc_exact_log_growth_variance(d, s * s) - variance), 1e-12, "d=%d s=%g", d,
                   s);
    }
}

/* Poisson means of small s^2, by their definition, and the series that take over below. */
Test(jacobian_exact, growth_of_a_vector_in_thin_layers)
{
  for (int d = 1; d <= 64; d *= 4)
    for (int side = -1; side <= 1; side += 2) {
      double s2 = 1e-6 / d * (1 + 1e-3 * side), mean = s2 * (d - 2) / 2, square = s2 * s2;
      double next = square * (d - 2.0) * (4.0 - d) / 4, spread = s2 - square * (3.0 * d - 8) / 2;
      cr_expect_lt(fabs(wmc_exact_log_growth(d, s2) - mean - next), 1e-15, "d=%d", d);
      cr_expect_lt(fabs(wmc_exact_log_growth_variance(d, s2) - spread), 1e-8 * s2, "d=%d", d);
    }
  cr_expect_eq(wmc_exact_log_growth(2, 1e-300), 0);
  cr_expect_lt(fabs(wmc_exact_log_growth(3, 1e-300) - 0.5e-300), 1e-315);
  cr_expect_lt(fabs(wmc_exact_log_growth_variance(3, 1e-300) - 1e-300), 1e-315);
}

/* ReLU: K is chi^2 with B degrees of freedom, B binomial; the mean of the growth over K. */
static double growth_given(double k, const double *data)
{
  const double s2 = data[0] * k, small = 1e-4;
  const int d = (int)data[1];
  /* E log|J u| = s^2 (d-2)/2 - s^4 (d-2)(d-4)/4 + O(s^6) where the Poisson sum would be long */
  if (s2 < small) return 0.5 * s2 * (d - 2) - 0.25 * s2 * s2 * (d - 2) * (d - 4);
  return wmc_exact_log_growth(d, s2);
}

Test(jacobian_exact, growth_through_masks)
{
  int accurate = 0;
  for (int d = 1; d <= 9; d += 2 + (d > 4))
    for (int n = 1; n <= 9; n += 4)
      for (double s2 = 0.1; s2 > 0.001; s2 /= 4) {
        double error, binomial = pow(0.5, n), mean = 0;
        const double data[2] = {s2 / n, d};
        for (int b = 1; b <= n; b++) {
          binomial *= (n - b + 1.0) / b;
          mean += binomial * test_chi_squared_mean(b, growth_given, data);
        }
        double value = wmc_exact_log_growth_mixed(d, n, 0, s2, &error);
        cr_expect_lt(fabs(value - mean), 5 * error + 1e-11, "d=%d n=%d s2=%g: %.12g, not %.12g", d,
                     n, s2, value, mean);
        accurate += error < 1e-9;
      }
  cr_expect_gt(accurate, 10);
  /* one slope for both signs and many hidden units: the linear chain */
  double error;
  cr_expect_lt(fabs(wmc_exact_log_growth_mixed(5, 2000000, -1, 0.01, &error) -
                    wmc_exact_log_growth(5, 0.01)),
               1e-9);
}

Test(jacobian_exact, known_series)
{
  /* E sum lambda = -tau d/2 - tau^2 d (d+2)/(4 L) - tau^3 d (d+2)(d+4)/(6 L^2) - ... */
  for (int d = 1; d <= 8; d++) {
    double s2 = 1e-4, error,
           series = -0.5 * s2 * d * (1 + s2 * (d + 2) / 2 * (1 + s2 * (d + 4) * 2 / 3));
    cr_expect_lt(fabs(wmc_exact_log_det(d, s2, &error) - series), 2 * pow(s2 * (d + 6), 4));
    double growth = 0.5 * s2 * (d - 2) - 0.25 * s2 * s2 * (d - 2) * (d - 4);
    cr_expect_lt(fabs(wmc_exact_log_growth(d, s2) - growth), 10 * pow(s2 * (d + 2), 3));
    double variance = s2 - 0.5 * s2 * s2 * (3 * d - 8);
    cr_expect_lt(fabs(wmc_exact_log_growth_variance(d, s2) - variance), 10 * pow(s2 * (d + 4), 3));
  }
}

Test(jacobian_exact, trace_of_the_metric)
{
  for (double s2 = 0.001; s2 < 2; s2 *= 3)
    for (int l = 1; l <= 9; l += 4) {
      /* d = 1: g = prod (1 + s z)^2, so E g^k is the l-th power of a moment of a normal */
      double second = pow(1 + 6 * s2 + 3 * s2 * s2, l), first = pow(1 + s2, l);
      cr_expect_float_eq(wmc_exact_trace_metric(1, s2, l) / first, 1, 1e-13);
      cr_expect_float_eq((1 + wmc_exact_trace_metric_spread(1, s2, l)) * first * first / second, 1,
                         1e-12);
      /* one layer: tr g is s^2 times a non-central chi^2 with d^2 degrees of freedom */
      int d = l;
      double variance = 2 * s2 * s2 * d * d + 4 * s2 * d, mean = d + s2 * d * d;
      cr_expect_float_eq(wmc_exact_trace_metric(d, s2, 1) / mean, 1, 1e-14);
      cr_expect_lt(fabs(wmc_exact_trace_metric_spread(d, s2, 1) - variance / (mean * mean)), 1e-14);
    }
}

Test(jacobian_exact, gap_at_infinite_depth)
{
  for (double tau = 0.06; tau < 3; tau *= 3) {
    /* a chain of L layers is one of infinite depth at time tau + 2 tau^2 / L, up to O(L^-2) */
    const double layers = 1e4;
    double mean, square, exact = ref_gap_mean(tau + 2 * tau * tau / layers, REF_GAP);
    wmc_hyperbolic_gap(tau / layers, layers, &mean, &square);
    cr_expect_lt(fabs(mean - exact), 1e-5, "tau=%g: %.10g, not %.10g", tau, mean, exact);
  }
  double mean, square;
  const double outside[][2] = {{0.001, 10}, {0.01, 1000}, {1, 1}};
  for (size_t k = 0; k < 3; k++) {
    wmc_hyperbolic_gap(outside[k][0], outside[k][1], &mean, &square);
    cr_expect(isnan(mean) && isnan(square), "outside the range of the quadrature");
  }
}

/* ---- complex chains ------------------------------------------------------------------------- */

/* Width 1: log|1 + s z|, whose mean is also that of the growth of a vector; its derivation is
 * another one, so the digits of both are checked. */
Test(jacobian_exact, complex_log_det_of_width_one)
{
  for (double s2 = 0.01; s2 < 100; s2 *= 1.7)
    cr_expect_lt(fabs(wmc_exact_log_det_complex(1, s2) - wmc_exact_log_growth(2, 0.5 * s2)), 1e-13,
                 "s2=%g: %.16g %.16g", s2, wmc_exact_log_det_complex(1, s2),
                 wmc_exact_log_growth(2, 0.5 * s2));
}

/* E max(log(s^2 gamma), 0) / 2, gamma of shape k: half the integral of P(gamma > y)/y from 1/s^2
 * on, by Simpson's rule. */
static double mean_positive_log(int k, double s2)
{
  enum { PIECES = 4000 };
  const double from = 1 / s2, h = log((from + 100 + k) / from) / PIECES; /* y = from e^u */
  double sum = 0;
  for (int i = 0; i <= PIECES; i++) {
    const double y = from * exp(i * h), weight = i == 0 || i == PIECES ? 1 : i % 2 ? 4 : 2;
    sum += weight * wmc_chi_squared_tail(2 * y, 2 * k);
  }
  return 0.5 * sum * h / 3;
}

/* The moduli of Ginibre's eigenvalues, squared, are independent gamma variables (Kostlan). */
Test(jacobian_exact, complex_log_det_is_a_sum_over_gammas)
{
  for (int d = 1; d <= 16; d *= 2)
    for (double s2 = 0.03; s2 < 30; s2 *= 3) {
      double sum = 0;
      for (int k = 1; k <= d; k++) sum += mean_positive_log(k, s2);
      cr_expect_lt(fabs(wmc_exact_log_det_complex(d, s2) - sum), 1e-10 * sum, "d=%d s2=%g: %g %g",
                   d, s2, wmc_exact_log_det_complex(d, s2), sum);
    }
  /* far outside: log|det sG| */
  double far = 0;
  for (int k = 1; k <= 5; k++) far += 0.5 * (log(1e9) + wmc_digamma(k));
  cr_expect_lt(fabs(wmc_exact_log_det_complex(5, 1e9) - far), 1e-7);
}

/* One layer: tr g = |1 + s G|^2 = (s^2/2) chi'^2_{2 d^2}; two layers from the moments of g = J^* J
 * by Wick's theorem, E g = (1 + d s^2) 1. */
Test(jacobian_exact, complex_trace_of_the_metric)
{
  for (int d = 1; d <= 8; d++)
    for (double s2 = 1e-4; s2 < 2; s2 *= 7) {
      double mean = d * (1 + d * s2), variance = s2 * s2 * d * d + 2 * s2 * d;
      cr_expect_lt(fabs(wmc_exact_trace_metric_spread_complex(d, s2, 1) - variance / (mean * mean)),
                   1e-14, "d=%d s2=%g", d, s2);
    }
  /* width 1: a product of |1 + s z|^2, E|1 + s z|^4 = 1 + 4 s^2 + 2 s^4 */
  for (double s2 = 1e-4; s2 < 2; s2 *= 7) {
    double one = (1 + 4 * s2 + 2 * s2 * s2) / ((1 + s2) * (1 + s2));
    cr_expect_float_eq((1 + wmc_exact_trace_metric_spread_complex(1, s2, 7)) / pow(one, 7), 1,
                       1e-12);
  }
}
