/* Special functions against recurrences, reflection, sums and quadrature in long double. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "support.h"
#include "weylmc/numeric/special.h"

static const long double pi = 3.14159265358979323846264338327950288L;

/** Tanh-sinh quadrature of f over (a, b); the integrand gets the distances to both ends. */
static long double integral(long double (*f)(long double x, const void *data), const void *data,
                            long double a, long double b)
{
  const long double h = 1.0L / 64;
  long double sum = 0;
  for (int k = -64 * 5; k <= 64 * 5; k++) {
    long double t = k * h, u = 0.5L * pi * sinhl(t), x = 1 / (1 + expl(-2 * u));
    long double weight = 0.5L * pi * coshl(t) * 2 * x / (1 + expl(2 * u));
    long double point = a + (b - a) * x;
    if (point > a && point < b && weight > 0) sum += weight * f(point, data);
  }
  return sum * h * (b - a);
}

static double relative(double value, long double exact)
{
  return fabs((double)((value - exact) / (exact == 0 ? 1 : exact)));
}

/** Error relative to the larger of 1 and the value. */
static double mixed(double value, long double exact)
{
  return fabs((double)((value - exact) / fmaxl(1, fabsl(exact))));
}

/** psi and psi' from their series sum_k 1/(k+x), the tail by Euler-Maclaurin at 2000 terms. */
static long double digamma_by_series(long double x)
{
  const int terms = 2000;
  long double sum = 0, y = terms + x;
  for (int k = terms - 1; k >= 0; k--) sum -= 1 / (k + x);
  return sum + logl(y) - 0.5L / y - 1 / (12 * y * y) + 1 / (120 * y * y * y * y);
}

static long double trigamma_by_series(long double x)
{
  const int terms = 2000;
  long double sum = 0, y = terms + x;
  for (int k = terms - 1; k >= 0; k--) sum += 1 / ((k + x) * (k + x));
  return sum + 1 / y + 0.5L / (y * y) + 1 / (6 * y * y * y) - 1 / (30 * powl(y, 5));
}

Test(special, polygamma_are_their_series)
{
  for (double x = 0.001; x < 1e4; x *= 1.037) {
    double error = mixed(wmc_digamma(x), digamma_by_series(x));
    cr_assert_leq(error, 1e-14, "psi(%g): %g", x, error);
    error = relative(wmc_trigamma(x), trigamma_by_series(x));
    cr_assert_leq(error, 1e-14, "psi'(%g): %g", x, error);
  }
}

/* e^x E_1(x) with t = x/u. */
static long double over_u(long double u, const void *x)
{
  return expl(-*(const double *)x * (1 / u - 1)) / u;
}

Test(special, exponential_integral_is_its_integral)
{
  for (double x = 0.01; x < 700; x *= 1.031) {
    double error = relative(wmc_exponential_integral(x), integral(over_u, &x, 0, 1) * expl(-x));
    cr_assert_leq(error, 1e-14, "E_1(%g): %g", x, error);
  }
  cr_expect_eq(wmc_exponential_integral(1000), 0);
}

Test(special, polygamma_recurrence_duplication_and_constants)
{
  const long double euler = 0.577215664901532860606512090082402431L;
  cr_assert_leq(mixed(wmc_digamma(1), -euler), 1e-14);
  cr_assert_leq(mixed(wmc_digamma(0.5), -euler - 2 * logl(2)), 1e-14);
  cr_assert_leq(relative(wmc_trigamma(1), pi * pi / 6), 1e-14);
  cr_assert_leq(relative(wmc_trigamma(0.5), pi * pi / 2), 1e-14);
  for (double x = 0.013; x < 1e8; x *= 1.51) {
    cr_assert_leq(mixed(wmc_digamma(x + 1) - 1 / x, wmc_digamma(x)), 3e-14, "%g", x);
    double twice = 0.5 * (wmc_digamma(x) + wmc_digamma(x + 0.5)) + log(2);
    cr_assert_leq(mixed(twice, wmc_digamma(2 * x)), 2e-14, "%g", x);
    twice = 0.25 * (wmc_trigamma(x) + wmc_trigamma(x + 0.5));
    cr_assert_leq(relative(twice, wmc_trigamma(2 * x)), 2e-14, "%g", x);
  }
}

Test(special, log_gamma_of_integers_and_reflection)
{
  long double factorial = 1;
  for (int n = 1; n < 150; n++) {
    cr_assert_leq(mixed(wmc_log_gamma(n), logl(factorial)), 1e-15, "%d", n);
    factorial *= n;
  }
  for (double x = -20.3; x < 0.5; x += 0.171) {
    double reflected = (double)logl(pi / fabsl(sinl(pi * (long double)x))) - wmc_log_gamma(1 - x);
    cr_assert_leq(mixed(wmc_log_gamma(x), reflected), 1e-14, "%g", x);
  }
}

/** sum_k c_k x^2k / (2k+1)! for k >= 1, with c_k = 1 or 2k: sinh(x)/x - 1 and cosh x - sinh(x)/x.
 */
static long double hyperbolic_series(long double x, bool twice_k)
{
  long double sum = 0, term = 1;
  for (int k = 1; k < 60; k++) {
    term *= x * x / (2 * k * (2 * k + 1));
    sum += twice_k ? 2 * k * term : term;
  }
  return sum;
}

/** Series below 3, exponentials above, doubling of the argument, and the far end. */
Test(special, log_sinhc)
{
  cr_assert_eq(wmc_log_sinhc(0), 0);
  for (double x = 1e-150; x < 1e4; x *= 1.093) {
    long double exact = x < 3 ? log1pl(hyperbolic_series(x, false))
                              : x - logl(2 * (long double)x) + log1pl(-expl(-2 * (long double)x));
    double error = relative(wmc_log_sinhc(x), exact);
    cr_assert_leq(error, 2e-15, "%g: %g", x, error);
    cr_assert_eq(wmc_log_sinhc(-x), wmc_log_sinhc(x));
    if (x < 1e-3 || x > 300) continue;
    /* sinh 2x / 2x = (sinh x / x) cosh x */
    error = relative(wmc_log_sinhc(x) + log(cosh(x)), wmc_log_sinhc(2 * x));
    cr_assert_leq(error, 4e-15 + 1e-15 / (x * x), "%g: %g", x, error);
  }
  cr_assert_leq(relative(wmc_log_sinhc(1e300), 1e300L), 1e-15);
}

/** (cosh x - sinh(x)/x) / sinh x by series below 3, coth x - 1/x above; slope of log_sinhc. */
Test(special, langevin_function)
{
  cr_assert_eq(wmc_langevin_function(0), 0);
  for (double x = 1e-300; x < 1e300; x *= 1.37) {
    long double y = x, series = hyperbolic_series(y, true);
    long double exact =
        x > 3 ? 1 / tanhl(y) - 1 / y : series / (y * (1 + hyperbolic_series(y, false)));
    if (x < 1e-100) exact = y / 3;
    double error = relative(wmc_langevin_function(x), exact);
    cr_assert_leq(error, 1e-15, "%g: %g", x, error);
    cr_assert_eq(wmc_langevin_function(-x), -wmc_langevin_function(x));
  }
  for (double x = 0.01; x < 100; x *= 1.1) {
    double h = 1e-4 * x, slope = (wmc_log_sinhc(x + h) - wmc_log_sinhc(x - h)) / (2 * h);
    cr_assert_leq(fabs(slope / wmc_langevin_function(x) - 1), 1e-7, "%g", x);
  }
}

static long double chi_squared_density(long double x, const void *data)
{
  long double a = *(const double *)data / 2;
  return expl((a - 1) * logl(x / 2) - x / 2 - lgammal(a)) / 2;
}

Test(special, chi_squared_tail_is_the_integral_of_its_density)
{
  for (double k = 1; k < 3e4; k *= 1.7)
    for (double z = -4; z < 12; z += 0.61) {
      double x = k + z * sqrt(2 * k);
      if (x <= 0) continue;
      /* integrate where the density lives; the rest is below e^-700 of it */
      double end = x + 60 + 40 * sqrt(2 * k);
      long double exact = integral(chi_squared_density, &k, x, end);
      double error = relative(wmc_chi_squared_tail(x, k), exact);
      cr_assert_leq(error, 2e-13 + 1e-18 * k, "P(chi^2_%g > %g): %g", k, x, error);
    }
}

/** Closed forms for two degrees of freedom, four, and one. */
Test(special, tails_in_closed_form)
{
  for (double x = 0.01; x < 600; x *= 1.21) {
    cr_assert_leq(relative(wmc_chi_squared_tail(x, 2), expl(-x / 2)), 1e-13, "%g", x);
    cr_assert_leq(relative(wmc_chi_squared_tail(x, 4), expl(-x / 2) * (1 + x / 2)), 1e-13, "%g", x);
    cr_assert_leq(relative(wmc_chi_squared_tail(x, 1), wmc_normal_two_sided(sqrt(x))), 3e-13, "%g",
                  x);
  }
  cr_assert_eq(wmc_chi_squared_tail(0, 3), 1);
  cr_assert_eq(wmc_chi_squared_tail(-1, 3), 1);
  cr_assert_eq(wmc_normal_two_sided(0), 1);
  cr_assert_leq(relative(wmc_normal_two_sided(-1.5), erfcl(1.5L / sqrtl(2))), 1e-15);
}

static long double student_density(long double t, const void *data)
{
  const long double k = *(const double *)data;
  return expl(lgammal((k + 1) / 2) - lgammal(k / 2) - (k + 1) / 2 * log1pl(t * t / k)) /
         sqrtl(k * acosl(-1));
}

/** Few degrees of freedom in closed form, any number by the integral, many against the normal. */
Test(special, student_tail)
{
  for (double t = 1e-3; t < 1e4; t *= 1.7) {
    const long double x = t, root = sqrtl(2 + x * x);
    const long double one = 2 / acosl(-1) * atan2l(1, x), two = 2 / (root * (root + x));
    cr_assert_leq(relative(wmc_student_two_sided(t, 1), one), 1e-11, "%g", t);
    cr_assert_leq(relative(wmc_student_two_sided(-t, 2), two), 1e-11, "%g", t);
  }
  for (double k = 0.7; k < 2e4; k *= 1.9)
    for (double t = 0.3; t < 9; t *= 1.6) {
      const double inside = (double)(2 * integral(student_density, &k, 0, t));
      cr_assert_leq(fabs(wmc_student_two_sided(t, k) - (1 - inside)), 1e-12, "t %g, %g", t, k);
    }
  /* to first order in 1/k: p + (t^3 + t) density(t) / (2k) */
  for (double t = 0.1; t < 6; t += 0.3) {
    const double k = 1e8, slope = (t * t * t + t) * exp(-t * t / 2) / sqrt(2 * acos(-1)) / 2;
    const double p = wmc_normal_two_sided(t);
    cr_assert_leq(fabs(wmc_student_two_sided(t, k) - p - slope / k), 1e-15 * k * p, "%g", t);
    cr_assert_eq(wmc_student_two_sided(t, INFINITY), p);
  }
  cr_assert_eq(wmc_student_two_sided(0, 3), 1);
  cr_assert_eq(wmc_student_two_sided(INFINITY, 3), 0);
  cr_assert(isnan(wmc_student_two_sided(NAN, 3)));
}

static double falling(double x, void *data)
{
  double product = 1;
  for (int k = 0; k < *(int *)data; k++) product *= x - k;
  return product;
}

static double one_over(double x, void *data) { return 1 / (x + *(double *)data); }

static double psi_of(double x, void *data) { return wmc_digamma(*(double *)data / 2 + x); }

/** E 1/(a+P) = int_0^1 t^(a-1) e^(mu (t-1)) dt; in u = 1-t when all that counts is near t = 1. */
static long double near_zero(long double t, const void *data)
{
  const double *parameters = data;
  return powl(t, parameters[0] - 1) * expl(parameters[1] * (t - 1));
}

static long double near_one(long double u, const void *data)
{
  const double *parameters = data;
  return powl(1 - u, parameters[0] - 1) * expl(-parameters[1] * u);
}

/** E log(chi^2_d noncentral) = log 2 + E psi(d/2+P): at d = 2 it is log 2mu + E_1(mu). */
static long double exponential_integral(long double t, const void *data)
{
  long double mu = *(const double *)data, v = t / (1 - t);
  return expl(-mu * (1 + v)) / (1 + v) / ((1 - t) * (1 - t));
}

Test(special, poisson_mean)
{
  for (double mu = 0.01; mu < 3e5; mu *= 3.1) {
    for (int k = 0; k <= 3; k++) {
      double error = relative(wmc_poisson_mean(mu, falling, &k), powl(mu, k));
      cr_assert_leq(error, 1e-14, "factorial moment %d of mean %g: %g", k, mu, error);
    }
    for (double a = 0.5; a < 20; a *= 2.3) {
      const double parameters[] = {a, mu};
      long double exact = mu < 100 ? integral(near_zero, parameters, 0, 1)
                                   : integral(near_one, parameters, 0, 100 / mu);
      double error = relative(wmc_poisson_mean(mu, one_over, &a), exact);
      cr_assert_leq(error, 3e-15, "E 1/(%g+P), mean %g: %g", a, mu, error);
    }
    double d = 2;
    long double exact = logl(mu) + integral(exponential_integral, &mu, 0, 1);
    double error = mixed(wmc_poisson_mean(mu, psi_of, &d), exact);
    cr_assert_leq(error, 2e-15, "E psi(1+P), mean %g: %g", mu, error);
  }
  double a = 2;
  cr_assert_eq(wmc_poisson_mean(0, one_over, &a), 0.5);
}

/* (1/pi) int_0^pi exp(x cos t - |x|) cos(n t) dt by the trapezoidal rule, exact to rounding. */
static long double bessel_integral(double x, int n)
{
  enum { POINTS = 4000 };
  long double sum = 0;
  for (int k = 0; k < POINTS; k++) {
    long double t = pi * (k + 0.5L) / POINTS;
    sum += expl(x * cosl(t) - fabsl((long double)x)) * cosl(n * t);
  }
  return sum / POINTS;
}

Test(special, bessel_functions_are_their_integrals)
{
  for (double x = 0; x < 1e5; x = x * 1.13 + 0.01)
    for (int sign = -1; sign <= 1; sign += 2) {
      double i0, i1;
      wmc_bessel_scaled(sign * x, &i0, &i1);
      double error = relative(i0, bessel_integral(sign * x, 0));
      cr_assert_leq(error, 1e-13, "I_0(%g): %g", sign * x, error);
      if (x > 0) error = relative(i1, bessel_integral(sign * x, 1));
      cr_assert_leq(error, x < 0.1 ? 1e-12 : 1e-13, "I_1(%g): %g", sign * x, error);
    }
}
