#include "weylmc/geometry/shape.h"

#include <math.h>

#include "weylmc/numeric/special.h"

static const double log_pi = 1.1447298858494001741;
static const double log_2 = 0.69314718055994530942;

double wmc_shape_excess(const wmc_shape *shape)
{
  return (double)(shape->depth - 1) * shape->excess;
}

double wmc_shape_dimension(const wmc_shape *shape)
{
  double d = shape->width, pairs = d * (d - 1) / 2;
  return d + (shape->depth + 1.0) * pairs + d * wmc_shape_excess(shape);
}

double wmc_shape_horizontal(const wmc_shape *shape) { return (double)shape->width * shape->width; }

/* Spheres S^{k-1} of decreasing dimension; sqrt(2) for each of the r(r-1)/2 rotations of a frame
 * in itself, which move two of its columns. */
double wmc_log_volume_stiefel(int n, int r)
{
  double sum = 0.25 * r * (r - 1.0) * log_2;
  for (int k = n - r + 1; k <= n; k++) sum += log_2 + 0.5 * k * log_pi - wmc_log_gamma(0.5 * k);
  return sum;
}
