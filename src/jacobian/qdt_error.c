/* How exact the products of qdt.h are expected to be, and how many layers they take between
 * factorisations. */
#include <float.h>
#include <limits.h>
#include <math.h>

#include "weylmc/jacobian/qdt.h"
#include "weylmc/numeric/special.h"

const char *const wmc_precision_names[] = {"auto", "double", "extended", NULL};

int wmc_qdt_layers(int width, double s2)
{
  /* width * variance of the accumulated layers at which the bulk edge is e^{+-2.3} (eq. (9)) */
  const double time = 2;
  double layers = floor(time / (width * s2));
  return layers >= INT_MAX ? INT_MAX : layers > 1 ? (int)layers : 1;
}

/* Expected log-ratio of the largest singular value to the smallest: the edges of eq. (9), shared
 * out to d - 1 gaps; but strong layers add no more than those without the identity, eq. (25b). */
static double log_ratio(int parts, int width, double layers, double variance)
{
  const double t = width * variance, beta = 0.5 * parts;
  const double weak = (1 - 1.0 / width) * (sqrt(t * (t + 2)) + 2 * atanh(sqrt(t / (t + 2))));
  const double one_layer = 1.54 + log(width);
  return fmin(weak, one_layer + 0.5 * layers * (wmc_digamma(beta * width) - wmc_digamma(beta)));
}

/* The singular values themselves are doubles, found by rotations of doubles: the largest lambda, of
 * which E|J u|^2 = 1 + d s^2 is a bound, is rounded. */
static double least_error(int width, double layers, double variance, double ratio)
{
  const double largest = 0.5 * layers * log1p(width * variance / layers);
  return DBL_EPSILON * (width + fmax(ratio, largest));
}

/* How often directions are nearly missed: once gaps are open; and where layers are strong, most of
 * all while P holds several of them. Complex layers miss with the square of the probability. */
static double misses(int parts, int width, double layers, double variance)
{
  const double root = sqrt(width), s2 = variance / layers;
  const double open = 0.03 / (1 + pow(24 / (root * variance), 5));
  const double strong = pow(10 * root * s2, 4);
  if (parts == 2) return width * (open + 0.15 * fmin(strong, 1));
  return width * open + (wmc_qdt_layers(width, s2) > 1 ? fmin(strong, 3 * width) : 0.5 * width);
}

/* A bound fitted to measured errors of doubles, eq. (25a): a part that all products have, and the
 * tail, c/p with the probability p of real misses and c/sqrt(p) of complex ones. */
static double lost_in_doubles(int parts, int width, double layers, double variance, double ratio)
{
  const double unit = 0.5 * DBL_EPSILON, rare = parts == 2 ? 13 : 2000;
  const double common = sqrt(layers) * (16 + 0.15 * sqrt(width) * ratio);
  return unit * (common + rare * sqrt(layers * ratio) * misses(parts, width, layers, variance));
}

double wmc_qdt_error(bool extended, int parts, int width, double layers, double variance)
{
  const double ratio = log_ratio(parts, width, layers, variance);
  return least_error(width, layers, variance, ratio) +
         (extended ? 0 : lost_in_doubles(parts, width, layers, variance, ratio));
}
