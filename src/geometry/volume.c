#include "weylmc/geometry/volume.h"

#include <math.h>
#include <stdlib.h>

#include "weylmc/geometry/metric.h"
#include "weylmc/numeric/vector.h"

static const double log_2 = 0.69314718055994530942;

/* sum over pairs of log[(lambda_i^2 - lambda_j^2) a_ij^half / 2] */
static double pairs(const wmc_spectrum *s, double half)
{
  const double *l = s->log_sigma;
  double sum = 0;
  for (int i = 0; i < s->rank; i++)
    for (int j = i + 1; j < s->rank; j++) {
      sum += wmc_metric_log_gap(s->depth, l[i], l[j]) - log_2;
      if (half > 0) sum += half * wmc_metric_log_weight(s->depth, l[i], l[j]);
    }
  return sum;
}

double wmc_volume_log_manifold(const wmc_shape *shape, const wmc_spectrum *spectrum)
{
  const double b = shape->numbers, n = shape->depth, r = shape->rank;
  const double inner = wmc_shape_excess(shape);
  double power = b * (wmc_shape_outer(shape) + inner) + (b - 1) * n;
  return 0.5 * r * (log(n) + b * inner * log_2) + b * pairs(spectrum, 0.5) +
         power / n * wmc_sum(spectrum->rank, spectrum->log_sigma);
}

double wmc_volume_log_image(const wmc_shape *shape, const wmc_spectrum *spectrum)
{
  const double b = shape->numbers, n = shape->depth;
  double power = b * wmc_shape_outer(shape) + b - 1;
  return 0.5 * (2 - b) * shape->rank * log(n) + b * pairs(spectrum, 0) +
         power / n * wmc_sum(spectrum->rank, spectrum->log_sigma);
}

double wmc_volume_log_entries(const wmc_shape *shape, const wmc_spectrum *spectrum)
{
  const double *l = spectrum->log_sigma, n = shape->depth;
  const int out = abs(shape->rows - shape->columns);
  double sum = 0;
  for (int k = 0; k < spectrum->rank; k++) {
    for (int j = 0; j < spectrum->rank; j++) sum += wmc_metric_log_weight(n, l[k], l[j]);
    sum += out * wmc_metric_log_weight_outer(n, l[k]);
  }
  return -0.5 * (double)shape->numbers * sum;
}
