/* Exact expectations of one layer against quadrature of their definitions. */
#include <criterion/criterion.h>
#include <math.h>

#include "quadrature.h"
#include "reference.h"
#include "support.h"
#include "weylmc/jacobian/exact.h"
#include "weylmc/jacobian/hyperbolic.h"

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

/* 2 det(I + s G) = s^2 (A - B), A = (sqrt 2 / s + z_1)^2 + z_2^2, B exponential of mean 2: a
 * rotation of the four entries of G. */
static double over_b(double b, const double *a) { return log(fabs(*a - b)); }

static double over_z2(double z, const double *first)
{
  double a = *first + z * z;
  return test_chi_squared_mean(2, over_b, &a);
}

static double over_z1(double z, const double *s)
{
  double first = (sqrt(2.0) / *s + z) * (sqrt(2.0) / *s + z);
  return test_normal_mean(over_z2, &first);
}

Test(jacobian_exact, log_det_of_two_by_two)
{
  /* the defect stays within a few times the announced error where that is not small */
  const double amplitudes[] = {0.1, 0.15, 0.2, 0.25, 0.3};
  for (size_t k = 0; k < 5; k++) {
    double s = amplitudes[k], error, value = wmc_exact_log_det(2, s * s, &error);
    double quadrature = log(0.5 * s * s) + test_normal_mean(over_z1, &s);
    cr_expect_lt(fabs(value - quadrature), 3 * error + 1e-8, "s=%g: %.10g, not %.10g, error %.2g",
                 s, value, quadrature, error);
  }
}

Test(jacobian_exact, log_det_of_width_one)
{
  const double s = 0.09, shift = 1 / s;
  double error, quadrature = log(s) + test_normal_mean(log_abs, &shift);
  cr_expect_lt(fabs(wmc_exact_log_det(1, s * s, &error) - quadrature), 1e-13);
}

/* log|u + s G u|^2 = log[(1 + s z)^2 + s^2 chi^2_{d-1}] */
typedef struct vector {
  int d;
  double s, power, centre;
} vector;
static vector at;

static double growth_power(double x, const double *along)
{
  double value = 0.5 * log(*along + at.s * at.s * x) - at.centre;
  return at.power > 1 ? value * value : value;
}

static double growth_along(double z, const double *unused)
{
  double along = (1 + at.s * z) * (1 + at.s * z);
  (void)unused;
  return at.d == 1 ? growth_power(0, &along) : test_chi_squared_mean(at.d - 1, growth_power, &along);
}

Test(jacobian_exact, growth_of_a_vector)
{
  for (int d = 1; d <= 16; d *= 2)
    for (double s = 0.02; s < 0.12; s *= 2) {
      at = (vector){d, s, 1, 0};
      double mean = test_normal_mean(growth_along, NULL);
      at = (vector){d, s, 2, mean};
      double variance = test_normal_mean(growth_along, NULL);
      cr_expect_lt(fabs(wmc_exact_log_growth(d, s * s) - mean), 1e-13, "d=%d s=%g", d, s);
      cr_expect_lt(fabs(wmc_exact_log_growth_variance(d, s * s) - variance), 1e-12, "d=%d s=%g", d,
                   s);
    }
}

/* ReLU: K is chi^2 with B degrees of freedom, B binomial; the mean of the growth over K. */
static double growth_given(double k, const double *s2_over_n)
{
  double s2 = *s2_over_n * k, small = 1e-4;
  /* E log|J u| = s^2 (d-2)/2 - s^4 (d-2)(d-4)/4 + O(s^6) where the Poisson sum would be long */
  if (s2 < small) return 0.5 * s2 * (at.d - 2) - 0.25 * s2 * s2 * (at.d - 2) * (at.d - 4);
  return wmc_exact_log_growth(at.d, s2);
}

Test(jacobian_exact, growth_through_masks)
{
  int accurate = 0;
  for (int d = 1; d <= 9; d += 2 + (d > 4))
    for (int n = 1; n <= 9; n += 4)
      for (double s2 = 0.1; s2 > 0.001; s2 /= 4) {
        double error, binomial = pow(0.5, n), mean = 0, scale = s2 / n;
        at.d = d;
        for (int b = 1; b <= n; b++) {
          binomial *= (n - b + 1.0) / b;
          mean += binomial * test_chi_squared_mean(b, growth_given, &scale);
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

/* Infinite depth: E f(x) by the heat kernel of the hyperbolic plane in Millson's form,
 * p(x) = 2 pi sinh x sqrt 2 e^{-tau/4} (4 pi tau)^{-3/2} int_x^inf u e^{-u^2/4tau}
 * (cosh u - cosh x)^{-1/2} du; with u = x + w^2 the integrand is smooth. */
static double heat_kernel_mean(double tau)
{
  const double pi = 3.14159265358979323846, h = 0.01;
  double mean = 0;
  for (double x = 0.5 * h; x < tau + 14 * sqrt(tau); x += h) {
    double inner = 0;
    for (double w = 0.5 * h; w < 5 + 2 * sqrt(tau); w += h) {
      double u = x + w * w, half = 0.5 * w * w;
      double root = sqrt(2 * sinh(x + half) * sinh(half)) / w;
      inner += h * 2 * u * exp(-u * u / (4 * tau)) / root;
    }
    mean += h * x * sinh(x) * inner;
  }
  return mean * 2 * pi * sqrt(2.0) * exp(-tau / 4) * pow(4 * pi * tau, -1.5);
}

Test(jacobian_exact, gap_at_infinite_depth)
{
  for (double tau = 0.06; tau < 3; tau *= 3) {
    /* a chain of L layers is one of infinite depth at time tau + 2 tau^2 / L, up to O(L^-2) */
    const double layers = 1e4;
    double mean, square, exact = heat_kernel_mean(tau + 2 * tau * tau / layers);
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
