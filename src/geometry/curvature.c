#include "weylmc/geometry/curvature.h"

#include <math.h>
#include <stdbool.h>

/* 1/sinh x - 1/x, odd */
static double inverse_sinh_rest(double x)
{
  if (fabs(x) > 0.25) return 1 / sinh(x) - 1 / x;
  const double series[] = {-1.0 / 6,
                           7.0 / 360,
                           -31.0 / 15120,
                           127.0 / 604800,
                           -73.0 / 3421440,
                           1414477.0 / 653837184000.0,
                           -8191.0 / 37362124800.0};
  double sum = 0, y = x * x;
  for (int k = 6; k >= 0; k--) sum = sum * y + series[k];
  return sum * x;
}

/* cosh(m t)/sinh(n t) - 1/(n sinh t), odd in t; |m| < n */
static double bracket(double n, double m, double t)
{
  if (fabs(n * t) > 1) {
    double a = fabs(t), up = exp((fabs(m) - n) * a), down = exp(-(fabs(m) + n) * a);
    double even = (up + down) / -expm1(-2 * n * a) - 1 / (n * sinh(a));
    return t < 0 ? -even : even;
  }
  if (t == 0) return 0;
  double half = sinh(0.5 * m * t);
  return 2 * half * half / sinh(n * t) + inverse_sinh_rest(n * t) - inverse_sinh_rest(t) / n;
}

/* c_p (d_p - r): directions outwards of a frame, shared by the layers beside it */
static double outwards(const wmc_shape *shape, long p)
{
  bool outer = p == 0 || (double)p == shape->depth;
  return (outer ? 1 : 0.5) * (wmc_shape_width(shape, p) - shape->rank);
}

void wmc_curvature_trace(const wmc_shape *shape, const wmc_spectrum *spectrum, long p, double *h)
{
  const double n = shape->depth, b = shape->numbers, m = n + 1 - 2 * (double)p;
  const double all = wmc_shape_outer(shape) + wmc_shape_excess(shape);
  const double out = outwards(shape, p) + outwards(shape, p - 1) - all / n;
  const double *l = spectrum->log_sigma, *lambda = spectrum->lambda;
  for (int i = 0; i < spectrum->rank; i++) {
    double sum = out / lambda[i];
    for (int j = 0; j < spectrum->rank; j++)
      if (j != i) sum += bracket(n, m, (l[i] - l[j]) / n) / (2 * lambda[j]);
    h[i] = -b * sum;
  }
}
