/** @file quadrature.h  Expectations by quadrature, for tests: from definitions, to many digits. */
#pragma once
#include <math.h>

/** What is averaged; `data` holds its parameters. */
typedef double test_function(double x, const double *data);

/** Integral over (a, b), also with integrable singularities at the ends (tanh-sinh rule). */
static inline double test_integral(test_function *f, const double *data, double a, double b)
{
  const double h = 1.0 / 32, quarter = 1.57079632679489661923;
  double sum = 0;
  for (int i = -105; i <= 105; i++) {
    double s = quarter * sinh(i * h), c = cosh(s);
    double from_end = (b - a) / (1 + exp(2 * fabs(s))); /* no cancellation near the ends */
    double x = s < 0 ? a + from_end : b - from_end;
    if (x > a && x < b) sum += f(x, data) * quarter * cosh(i * h) / (c * c);
  }
  return 0.5 * (b - a) * h * sum;
}

/** E f(z), z normal: the trapezoidal rule converges exponentially for smooth f. */
static inline double test_normal_mean(test_function *f, const double *data)
{
  const double h = 0.25;
  double sum = 0;
  for (int i = -48; i <= 48; i++) sum += exp(-0.5 * i * h * i * h) * f(i * h, data);
  return sum * h / 2.50662827463100050242;
}

/** E f(x), x chi^2 with d degrees of freedom, by the same rule in log x. */
static inline double test_chi_squared_mean(int d, test_function *f, const double *data)
{
  const double h = 1.0 / 16, shape = 0.5 * d;
  double sum = 0, weight = 0;
  for (int i = -80 * 16; i <= 8 * 16; i++) {
    double x = exp(i * h), w = exp(shape * i * h - 0.5 * x);
    sum += w * f(x, data);
    weight += w;
  }
  return sum / weight;
}
