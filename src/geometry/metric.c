#include "weylmc/geometry/metric.h"

#include <math.h>
#include <stdbool.h>

#include "weylmc/numeric/special.h"

/* Below this relative gap of sigma^2 the quotient of differences would lose too many digits. */
static const double gap_minimum = 1e-6;

double wmc_metric_log_weight(double depth, double log_s, double log_r)
{
  double n = depth, gap = log_s - log_r, layers = isinf(n) ? 0 : log(n);
  return (1 - 1 / n) * (log_s + log_r) + layers + wmc_log_sinhc(gap) - wmc_log_sinhc(gap / n);
}

double wmc_metric_log_weight_outer(double depth, double log_s)
{
  return isinf(depth) ? -INFINITY : 2 * (1 - 1 / depth) * log_s;
}

double wmc_metric_log_gap(double depth, double log_s, double log_r)
{
  if (isinf(depth)) return log(2 * fabs(log_s - log_r));
  double gap = 2 * fabs(log_s - log_r) / depth;
  return 2 * fmax(log_s, log_r) / depth + log(-expm1(-gap));
}

void wmc_metric_weights(const wmc_spectrum *spectrum, double *weights)
{
  const int d = spectrum->rank;
  const double depth = spectrum->depth;
  const bool infinite = isinf(depth);
  const double *l = spectrum->log_sigma, *q = spectrum->lambda2, *y = spectrum->sigma2;
  for (int k = 0; k < d; k++) {
    weights[k * d + k] = infinite ? y[k] : depth * (y[k] / q[k]);
    for (int j = k + 1; j < d; j++) {
      double dy = y[k] - y[j], dq = q[k] - q[j];
      bool safe = dy > gap_minimum * y[k] && dq > gap_minimum * (infinite ? 1 : q[k]);
      double a = safe ? dy / dq : exp(wmc_metric_log_weight(depth, l[k], l[j]));
      weights[k * d + j] = weights[j * d + k] = a;
    }
  }
}
