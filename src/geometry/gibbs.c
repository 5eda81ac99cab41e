#include "weylmc/geometry/gibbs.h"

#include <math.h>
#include <stdbool.h>

#include "weylmc/geometry/entropy.h"
#include "weylmc/geometry/metric.h"

/* log|lambda^2 - lambda'^2| without overflow or cancellation */
static double log_gap(int depth, double log_s, double log_r)
{
  double gap = 2 * fabs(log_s - log_r) / depth;
  return 2 * fmax(log_s, log_r) / depth + log(-expm1(-gap));
}

double wmc_gibbs_log_density(const wmc_gibbs *law, const wmc_spectrum *spectrum, double energy)
{
  const double share = law->vertical / law->horizontal;
  double sum = -law->beta / law->horizontal * energy;
  for (int i = 0; i < spectrum->width; i++)
    for (int j = i + 1; j < spectrum->width; j++)
      sum += log_gap(spectrum->depth, spectrum->log_sigma[i], spectrum->log_sigma[j]);
  if (share > 0)
    sum +=
        share * (wmc_entropy(&law->shape, spectrum->log_sigma) - wmc_entropy_constant(&law->shape));
  return sum;
}

double wmc_gibbs_log_volume(const wmc_gibbs *law, const wmc_spectrum *spectrum)
{
  const double share = law->vertical / law->horizontal;
  double sum = 0, power = share * wmc_shape_excess(&law->shape) - (law->shape.depth - 1);
  for (int i = 0; i < spectrum->width; i++) sum += spectrum->log_sigma[i];
  return (share - 2) * wmc_entropy_pairs(&law->shape, spectrum->log_sigma) +
         power * sum / law->shape.depth;
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

/* A positive number as exp(log) * rest, with 1e-100 <= rest <= 1e100. */
typedef struct product {
  double log, rest;
} product;

/* prod_{j != k} (to - x_j) / (x_k - x_j), one logarithm for many factors */
static product quotients(int d, const double *x, int k, double to)
{
  const double from = x[k], large = 1e100;
  product p = {0, 1};
  for (int j = 0; j < d; j++) {
    if (j != k) p.rest *= (to - x[j]) / (from - x[j]);
    if (p.rest > large || p.rest * large < 1) p = (product){p.log + log(p.rest), 1};
  }
  return p;
}

/* Whether differences of squares of x = exp(log_sigma / root) are to be trusted before and after
 * the move: at most the smallest square may underflow, because then every difference has a normal
 * term, and the quotients must be of moderate size, as they are for the smallest x. */
static bool squares_are_safe(const wmc_spectrum *s, int root, int k, double log_sigma)
{
  const double bound = 300.0 * root, far = 8.0 * root;
  const int last = s->width - 1;
  return s->log_sigma[last - 1] > -bound && s->log_sigma[0] < bound &&
         (k == last || fabs(log_sigma - s->log_sigma[k]) < far);
}

/* The same changes, pair by pair from logarithms. */
static double log_gaps_change(const wmc_spectrum *s, int k, double log_sigma)
{
  double sum = 0;
  for (int j = 0; j < s->width; j++)
    if (j != k)
      sum += log_gap(s->depth, log_sigma, s->log_sigma[j]) -
             log_gap(s->depth, s->log_sigma[k], s->log_sigma[j]);
  return sum;
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

/* Change of the sum over pairs of log(lambda^2 - lambda'^2) + share/2 log a. */
static double pairs_change(const wmc_spectrum *s, double share, int k, double lambda,
                           double log_sigma, double sigma)
{
  if (!squares_are_safe(s, s->depth, k, log_sigma) ||
      (share > 0 && !squares_are_safe(s, 1, k, log_sigma))) {
    double change = log_gaps_change(s, k, log_sigma);
    return share > 0 ? change + 0.5 * share * log_weights_change(s, k, log_sigma) : change;
  }
  product gaps = quotients(s->width, s->lambda2, k, lambda * lambda);
  if (share == 0) return gaps.log + log(gaps.rest);
  product squares = quotients(s->width, s->sigma2, k, sigma * sigma);
  if (share == 1) return 0.5 * (gaps.log + squares.log + log(gaps.rest * squares.rest));
  return (1 - 0.5 * share) * (gaps.log + log(gaps.rest)) +
         0.5 * share * (squares.log + log(squares.rest));
}

double wmc_gibbs_move(const wmc_gibbs *law, const wmc_spectrum *spectrum, int k, double lambda,
                      double log_sigma, double sigma)
{
  const double share = law->vertical / law->horizontal;
  double excess = law->shape.excess * (1 - 1.0 / law->shape.depth);
  double single = share * excess * (log_sigma - spectrum->log_sigma[k]);
  if (spectrum->width == 1) return single;
  return single + pairs_change(spectrum, share, k, lambda, log_sigma, sigma);
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
