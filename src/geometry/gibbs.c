#include "weylmc/geometry/gibbs.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "weylmc/geometry/entropy.h"
#include "weylmc/geometry/metric.h"
#include "weylmc/numeric/special.h"
#include "weylmc/numeric/vector.h"

static double share_of(const wmc_gibbs *law) { return law->vertical / law->horizontal; }

double wmc_gibbs_power(const wmc_gibbs *law)
{
  const wmc_shape *shape = &law->shape;
  const double share = share_of(law), b = shape->numbers;
  if (wmc_shape_is_infinite(shape)) return share * (b * wmc_shape_excess_share(shape) + b - 1);
  double along = b * wmc_shape_excess(shape) + (b - 1) * (shape->depth - 1);
  return b * wmc_shape_outer(shape) + b - 1 + share * along;
}

bool wmc_gibbs_exists(const wmc_gibbs *law)
{
  return !wmc_shape_is_infinite(&law->shape) || wmc_gibbs_power(law) > 0;
}

bool wmc_gibbs_flips(const wmc_gibbs *law)
{
  const wmc_shape *shape = &law->shape;
  bool square = wmc_shape_outer(shape) == 0 && wmc_shape_excess_share(shape) == 0;
  return square && shape->numbers == WMC_NUMBERS_REAL && fmod(shape->depth, 2) == 1;
}

/* sum over pairs of log a_ij */
static double log_weights(const wmc_spectrum *s)
{
  double sum = 0;
  for (int i = 0; i < s->rank; i++)
    for (int j = i + 1; j < s->rank; j++)
      sum += wmc_metric_log_weight(s->depth, s->log_sigma[i], s->log_sigma[j]);
  return sum;
}

double wmc_gibbs_log_density(const wmc_gibbs *law, const wmc_spectrum *spectrum, double energy)
{
  const double share = share_of(law), b = law->shape.numbers;
  double sum = 0;
  for (int i = 0; i < spectrum->rank; i++)
    for (int j = i + 1; j < spectrum->rank; j++)
      sum += wmc_metric_log_gap(spectrum->depth, spectrum->log_sigma[i], spectrum->log_sigma[j]);
  if (share > 0) sum += 0.5 * share * log_weights(spectrum);
  return b * sum +
         wmc_gibbs_power(law) / wmc_shape_clock(&law->shape) *
             wmc_sum(spectrum->rank, spectrum->log_sigma) -
         law->beta / law->horizontal * energy;
}

double wmc_gibbs_log_volume(const wmc_gibbs *law, const wmc_spectrum *spectrum)
{
  const wmc_shape *shape = &law->shape;
  const double b = shape->numbers, own = b * abs(shape->rows - shape->columns) + b;
  double power = wmc_gibbs_power(law) / wmc_shape_clock(shape) - own;
  if (!wmc_shape_is_infinite(shape)) power += 1 / shape->depth;
  return b * (0.5 * share_of(law) - 1) * log_weights(spectrum) +
         power * wmc_sum(spectrum->rank, spectrum->log_sigma);
}

void wmc_gibbs_gradient(const wmc_gibbs *law, const wmc_spectrum *spectrum, const double *force,
                        double *gradient)
{
  const int r = spectrum->rank;
  const bool infinite = isinf(spectrum->depth);
  const double b = law->shape.numbers, share = share_of(law), cold = law->beta / law->horizontal;
  const double outer = infinite ? 0 : b * wmc_shape_outer(&law->shape) + b - 1;
  wmc_entropy_gradient(&law->shape, spectrum, gradient);
  for (int i = 0; i < r; i++) {
    gradient[i] *= share;
    if (force) gradient[i] -= cold * force[i];
    if (outer > 0) gradient[i] += outer / spectrum->lambda[i];
  }
  for (int i = 0; i < r; i++)
    for (int j = i + 1; j < r; j++) {
      double pull = 2 * b / (spectrum->lambda2[i] - spectrum->lambda2[j]);
      gradient[i] += pull * (infinite ? 1 : spectrum->lambda[i]);
      gradient[j] -= pull * (infinite ? 1 : spectrum->lambda[j]);
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
static bool squares_are_safe(const wmc_spectrum *s, double root, int k, double log_sigma)
{
  if (isinf(root)) return true;
  const double bound = 300.0 * root, far = 8.0 * root;
  const int last = s->rank - 1;
  return s->log_sigma[last - 1] > -bound && s->log_sigma[0] < bound &&
         (k == last || fabs(log_sigma - s->log_sigma[k]) < far);
}

/* The same changes, pair by pair from logarithms. */
static double log_gaps_change(const wmc_spectrum *s, int k, double log_sigma)
{
  double sum = 0;
  for (int j = 0; j < s->rank; j++)
    if (j != k)
      sum += wmc_metric_log_gap(s->depth, log_sigma, s->log_sigma[j]) -
             wmc_metric_log_gap(s->depth, s->log_sigma[k], s->log_sigma[j]);
  return sum;
}

static double log_weights_change(const wmc_spectrum *s, int k, double log_sigma)
{
  double sum = 0;
  for (int j = 0; j < s->rank; j++)
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
  product gaps = quotients(s->rank, s->lambda2, k, isinf(s->depth) ? 2 * lambda : lambda * lambda);
  if (share == 0) return gaps.log + log(gaps.rest);
  product squares = quotients(s->rank, s->sigma2, k, sigma * sigma);
  if (share == 1) return 0.5 * (gaps.log + squares.log + log(gaps.rest * squares.rest));
  return (1 - 0.5 * share) * (gaps.log + log(gaps.rest)) +
         0.5 * share * (squares.log + log(squares.rest));
}

double wmc_gibbs_move_pairs(const wmc_gibbs *law, const wmc_spectrum *spectrum, int k,
                            double lambda, double log_sigma, double sigma)
{
  if (spectrum->rank == 1) return 0;
  return (double)law->shape.numbers *
         pairs_change(spectrum, share_of(law), k, lambda, log_sigma, sigma);
}

double wmc_gibbs_scaling(const wmc_gibbs *law)
{
  const double across = wmc_shape_horizontal(&law->shape) / law->shape.depth;
  return across + share_of(law) * (wmc_shape_dimension_share(&law->shape) - across);
}

double wmc_gibbs_virial(const wmc_gibbs *law)
{
  const double across = wmc_shape_horizontal(&law->shape) / law->shape.depth;
  const double along = wmc_shape_dimension_share(&law->shape) - across;
  return (law->horizontal * across + law->vertical * along) / law->beta;
}

bool wmc_gibbs_log_det(const wmc_gibbs *law, double *mean)
{
  const wmc_shape *shape = &law->shape;
  const double share = share_of(law), b = shape->numbers, clock = wmc_shape_clock(shape);
  const double chart = wmc_shape_is_infinite(shape) ? 0 : 1; /* of dlambda / dlog sigma */
  const double first = (wmc_gibbs_power(law) + chart) / (2 * clock);
  const bool laguerre = shape->rank == 1 || shape->depth == 1 || share == 2;
  if (!laguerre && (shape->numbers != WMC_NUMBERS_COMPLEX || share != 1)) return false;
  const double step = laguerre ? b / 2 : 1 / shape->depth;
  *mean = 0;
  for (int j = 0; j < shape->rank; j++)
    *mean += 0.5 * (wmc_digamma(first + j * step) + log(2 * law->horizontal / law->beta));
  return true;
}
