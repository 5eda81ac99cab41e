#include "weylmc/geometry/gibbs.h"

#include <math.h>
#include <stdbool.h>

#include "weylmc/geometry/entropy.h"
#include "weylmc/geometry/metric.h"

/* log(lambda_i^2 - lambda_j^2) of one pair, any order, without overflow or cancellation */
static double log_gap(const wmc_spectrum *s, int i, int j)
{
  double gap = 2 * fabs(s->log_sigma[i] - s->log_sigma[j]) / s->depth;
  return 2 * fmax(s->log_sigma[i], s->log_sigma[j]) / s->depth + log(-expm1(-gap));
}

double wmc_gibbs_log_density(const wmc_gibbs *law, const wmc_spectrum *spectrum, double energy)
{
  const double share = law->vertical / law->horizontal;
  double sum = -law->beta / law->horizontal * energy;
  for (int i = 0; i < spectrum->width; i++)
    for (int j = i + 1; j < spectrum->width; j++) sum += log_gap(spectrum, i, j);
  if (share > 0)
    sum +=
        share * (wmc_entropy(&law->shape, spectrum->log_sigma) - wmc_entropy_constant(&law->shape));
  return sum;
}

void wmc_gibbs_gradient(const wmc_gibbs *law, const wmc_spectrum *spectrum, const double *force,
                        double *gradient)
{
  const int d = spectrum->width;
  const double share = law->vertical / law->horizontal, cold = law->beta / law->horizontal;
  wmc_entropy_gradient(&law->shape, spectrum, gradient);
  for (int i = 0; i < d; i++) gradient[i] = share * gradient[i] - (force ? cold * force[i] : 0);
  for (int i = 0; i < d; i++)
    for (int j = i + 1; j < d; j++) {
      double gap = spectrum->lambda[i] - spectrum->lambda[j];
      double pull = 2 / (gap * (spectrum->lambda[i] + spectrum->lambda[j]));
      gradient[i] += pull * spectrum->lambda[i];
      gradient[j] -= pull * spectrum->lambda[j];
    }
}

enum { CHUNK = 32 }; /* factors multiplied before a logarithm is taken: none over- or underflows */

/* log of prod_{j != k} (to - x_j) / (x_k - x_j) */
static double log_products(int d, const double *x, int k, double to)
{
  const double from = x[k];
  double sum = 0;
  for (int start = 0; start < d; start += CHUNK) {
    int end = start + CHUNK < d ? start + CHUNK : d;
    double product = 1;
    for (int j = start; j < end; j++)
      if (j != k) product *= (to - x[j]) / (from - x[j]);
    sum += log(product);
  }
  return sum;
}

/* Whether sum_j log a_kj may be had from differences of squares, before and after the move: at most
 * the smallest sigma^2 may underflow, because then every difference has a normal term. */
static bool squares_are_safe(const wmc_spectrum *s, int k, double log_sigma)
{
  const double bound = 300;
  const int last = s->width - 1;
  return s->log_sigma[last - 1] > -bound && s->log_sigma[0] < bound && log_sigma < bound &&
         (k == last || log_sigma > -bound);
}

static double log_weights_change(const wmc_spectrum *s, int k, double log_sigma)
{
  double sum = 0;
  for (int j = 0; j < s->width; j++)
    if (j != k)
      sum += wmc_metric_log_weight(s->depth, log_sigma, s->log_sigma[j]) -
             wmc_metric_log_weight(s->depth, s->log_sigma[k], s->log_sigma[j]);
  return sum;
}

double wmc_gibbs_move(const wmc_gibbs *law, const wmc_spectrum *spectrum, int k, double lambda,
                      double log_sigma)
{
  const int d = spectrum->width;
  const double share = law->vertical / law->horizontal;
  double gaps = d > 1 ? log_products(d, spectrum->lambda2, k, lambda * lambda) : 0;
  if (share == 0) return gaps;
  double excess = law->shape.excess * (1 - 1.0 / law->shape.depth);
  double change = excess * (log_sigma - spectrum->log_sigma[k]);
  if (d > 1 && squares_are_safe(spectrum, k, log_sigma))
    change += 0.5 * (log_products(d, spectrum->sigma2, k, exp(2 * log_sigma)) - gaps);
  else if (d > 1)
    change += 0.5 * log_weights_change(spectrum, k, log_sigma);
  return gaps + share * change;
}

double wmc_gibbs_scaling(const wmc_gibbs *law)
{
  double across = wmc_shape_horizontal(&law->shape);
  double along = wmc_shape_dimension(&law->shape) - across;
  return (across + law->vertical / law->horizontal * along) / law->shape.depth;
}

double wmc_gibbs_virial(const wmc_gibbs *law)
{
  return law->horizontal / law->beta * wmc_gibbs_scaling(law);
}
