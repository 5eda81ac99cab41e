#include "weylmc/geometry/entropy.h"

#include <math.h>
#include <stdbool.h>

#include "weylmc/geometry/metric.h"
#include "weylmc/numeric/special.h"

static const double log_2 = 0.69314718055994530942;

double wmc_entropy_constant(const wmc_shape *shape)
{
  double d = shape->width, m = shape->excess;
  return (shape->depth - 1) *
         (wmc_log_volume_stiefel(shape->width + shape->excess, shape->width) + 0.5 * m * d * log_2);
}

double wmc_entropy_pairs(const wmc_shape *shape, const double *log_sigma)
{
  double sum = 0;
  for (int i = 0; i < shape->width; i++)
    for (int j = i + 1; j < shape->width; j++)
      sum += wmc_metric_log_weight(shape->depth, log_sigma[i], log_sigma[j]);
  return 0.5 * sum;
}

/* (N-1) m sum log lambda = m (1 - 1/N) log|det X| */
static double excess_term(const wmc_shape *shape, const double *log_sigma)
{
  double sum = 0;
  for (int i = 0; i < shape->width; i++) sum += log_sigma[i];
  return shape->excess * (1 - 1.0 / shape->depth) * sum;
}

double wmc_entropy(const wmc_shape *shape, const double *log_sigma)
{
  return wmc_entropy_constant(shape) + excess_term(shape, log_sigma) +
         wmc_entropy_pairs(shape, log_sigma);
}

double wmc_entropy_log_depth(const wmc_shape *shape)
{
  double coupled = shape->excess > 0 ? shape->width : shape->width - 1;
  return coupled * (coupled - 1) / 4;
}

double wmc_entropy_reduced(const wmc_shape *shape, const double *log_sigma)
{
  return excess_term(shape, log_sigma) + wmc_entropy_pairs(shape, log_sigma) -
         wmc_entropy_log_depth(shape) * log(shape->depth);
}

/* 1/2 d log a_ij / d log sigma_i and the same for j, i before j in a sorted spectrum. The quotients
 * are  y/(y - y') - q/(N (q - q')), and the opposite with y', q' on top; close pairs go through
 * coth x = 1/x + L(x), where the poles cancel. */
static void pair_slopes(const wmc_spectrum *s, int i, int j, double *slope_i, double *slope_j)
{
  double n = s->depth, yi = s->sigma2[i], yj = s->sigma2[j];
  double dy = yi - yj, dq = s->lambda2[i] - s->lambda2[j];
  if (dy > 1e-3 * yi && dq > 1e-3 * s->lambda2[i]) {
    double fy = 1 / dy, fq = 1 / (n * dq);
    *slope_i = yi * fy - s->lambda2[i] * fq;
    *slope_j = s->lambda2[j] * fq - yj * fy;
    return;
  }
  double gap = s->log_sigma[i] - s->log_sigma[j];
  double odd = dy > 1e-3 * yi ? (yi + yj) / dy - 1 / gap : wmc_langevin_function(gap);
  odd -= wmc_langevin_function(gap / n) / n;
  *slope_i = 0.5 * (1 - 1 / n + odd);
  *slope_j = 0.5 * (1 - 1 / n - odd);
}

void wmc_entropy_gradient(const wmc_shape *shape, const wmc_spectrum *spectrum, double *gradient)
{
  const int d = shape->width;
  const double n = shape->depth, single = shape->excess * (1 - 1 / n);
  for (int i = 0; i < d; i++) gradient[i] = single;
  for (int i = 0; i < d; i++)
    for (int j = i + 1; j < d; j++) {
      double slope_i, slope_j;
      pair_slopes(spectrum, i, j, &slope_i, &slope_j);
      gradient[i] += slope_i;
      gradient[j] += slope_j;
    }
  for (int i = 0; i < d; i++) gradient[i] *= n / spectrum->lambda[i];
}
