#include "weylmc/geometry/entropy.h"

#include <math.h>
#include <stdbool.h>

#include "weylmc/geometry/metric.h"
#include "weylmc/numeric/special.h"

static const double log_2 = 0.69314718055994530942;

/* One layer of width n: volume of its frames, and of the directions outwards at lambda = 1. */
static double layer_constant(const wmc_shape *shape, int n)
{
  const int r = shape->rank;
  return wmc_log_volume_stiefel(shape->numbers, n, r) +
         0.5 * (double)shape->numbers * r * (n - r) * log_2;
}

double wmc_entropy_constant(const wmc_shape *shape)
{
  if (wmc_shape_is_infinite(shape) || shape->depth < 2) return 0;
  if (shape->widths == NULL) return (shape->depth - 1) * layer_constant(shape, shape->hidden);
  double sum = 0;
  for (long p = 1; (double)p < shape->depth; p++)
    sum += layer_constant(shape, (int)shape->widths[p]);
  return sum;
}

double wmc_entropy_pairs(const wmc_shape *shape, const double *log_sigma)
{
  double sum = 0, own = 0;
  for (int i = 0; i < shape->rank; i++) {
    for (int j = i + 1; j < shape->rank; j++)
      sum += wmc_metric_log_weight(shape->depth, log_sigma[i], log_sigma[j]);
    if (shape->numbers == WMC_NUMBERS_COMPLEX)
      own += wmc_metric_log_weight(shape->depth, log_sigma[i], log_sigma[i]);
  }
  return 0.5 * ((double)shape->numbers * sum + own);
}

/* b sum_p (d_p - r) sum_i log lambda_i */
static double excess_term(const wmc_shape *shape, const double *log_sigma)
{
  double sum = 0;
  for (int i = 0; i < shape->rank; i++) sum += log_sigma[i];
  return (double)shape->numbers * wmc_shape_excess_share(shape) * sum;
}

double wmc_entropy(const wmc_shape *shape, const double *log_sigma)
{
  return wmc_entropy_constant(shape) + excess_term(shape, log_sigma) +
         wmc_entropy_pairs(shape, log_sigma);
}

double wmc_entropy_log_depth(const wmc_shape *shape)
{
  const double r = shape->rank;
  if (shape->numbers == WMC_NUMBERS_COMPLEX) return r * r / 2;
  const double coupled = wmc_shape_excess_share(shape) > 0 ? r : r - 1;
  return coupled * (coupled - 1) / 4;
}

double wmc_entropy_reduced(const wmc_shape *shape, const double *log_sigma)
{
  double sum = excess_term(shape, log_sigma) + wmc_entropy_pairs(shape, log_sigma);
  if (wmc_shape_is_infinite(shape)) return sum;
  return sum - wmc_entropy_log_depth(shape) * log(shape->depth);
}

/* Of log sinhc(x)/2 = x^2/12 - x^4/360 + x^6/5670 - ... the powers of D/N in pairs, with minus. */
void wmc_entropy_expansion(const wmc_shape *shape, const double *log_sigma,
                           double expansion[WMC_ENTROPY_ORDERS])
{
  static const double series[] = {-1.0 / 12, 1.0 / 360, -1.0 / 5670};
  const double b = shape->numbers, r = shape->rank;
  wmc_shape limit = *shape;
  limit.depth = INFINITY;
  limit.widths = NULL;
  double sum = 0, single = 0.5 * b * (r - 1) + b - 1 + b * (shape->hidden - r);
  for (int k = 1; k < WMC_ENTROPY_ORDERS; k++) expansion[k] = 0;
  for (int i = 0; i < shape->rank; i++) {
    sum += log_sigma[i];
    for (int j = i + 1; j < shape->rank; j++) {
      double square = pow(log_sigma[i] - log_sigma[j], 2), power = b;
      for (int k = 0; k < 3; k++) expansion[2 * k + 2] += series[k] * (power *= square);
    }
  }
  expansion[0] = wmc_entropy(&limit, log_sigma);
  expansion[1] = -single * sum;
}

/* The quotients are  y/(y - y') - q/(N (q - q')), and the opposite with y', q' on top; close pairs
 * go through coth x = 1/x + L(x), where the poles cancel. */
void wmc_entropy_pair_slopes(const wmc_spectrum *s, int i, int j, double *slope_i, double *slope_j)
{
  const bool infinite = isinf(s->depth);
  double n = s->depth, yi = s->sigma2[i], yj = s->sigma2[j];
  double qi = infinite ? 1 : s->lambda2[i], qj = infinite ? 1 : s->lambda2[j];
  double dy = yi - yj, dq = s->lambda2[i] - s->lambda2[j];
  if (dy > 1e-3 * yi && dq > 1e-3 * qi) {
    double fy = 1 / dy, fq = 1 / ((infinite ? 1 : n) * dq);
    *slope_i = yi * fy - qi * fq;
    *slope_j = qj * fq - yj * fy;
    return;
  }
  double gap = s->log_sigma[i] - s->log_sigma[j];
  double odd = dy > 1e-3 * yi ? (yi + yj) / dy - 1 / gap : wmc_langevin_function(gap);
  odd -= wmc_langevin_function(gap / n) / n;
  *slope_i = 0.5 * (1 - 1 / n + odd);
  *slope_j = 0.5 * (1 - 1 / n - odd);
}

/* d/dlambda_i of 1/2 sum_{i<j} log a_ij */
static void pair_gradient(const wmc_spectrum *spectrum, double *gradient)
{
  const int r = spectrum->rank;
  const double n = spectrum->depth;
  for (int i = 0; i < r; i++) gradient[i] = 0;
  for (int i = 0; i < r; i++)
    for (int j = i + 1; j < r; j++) {
      double slope_i, slope_j;
      wmc_entropy_pair_slopes(spectrum, i, j, &slope_i, &slope_j);
      gradient[i] += slope_i;
      gradient[j] += slope_j;
    }
  for (int i = 0; i < r; i++) gradient[i] *= isinf(n) ? 1 : n / spectrum->lambda[i];
}

void wmc_entropy_gradient(const wmc_shape *shape, const wmc_spectrum *spectrum, double *gradient)
{
  const double b = shape->numbers, n = shape->depth;
  const double single = isinf(n) ? b * wmc_shape_excess_share(shape) + b - 1
                                 : b * wmc_shape_excess(shape) + (b - 1) * (n - 1);
  pair_gradient(spectrum, gradient);
  for (int i = 0; i < shape->rank; i++)
    gradient[i] = b * gradient[i] + (isinf(n) ? single : single / spectrum->lambda[i]);
}
