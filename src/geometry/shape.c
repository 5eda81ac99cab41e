#include "weylmc/geometry/shape.h"

#include <math.h>
#include <stddef.h>

#include "weylmc/numeric/special.h"

static const double log_pi = 1.1447298858494001741;
static const double log_2 = 0.69314718055994530942;

wmc_shape wmc_shape_square(int width, int excess, double depth)
{
  return (wmc_shape){.numbers = WMC_NUMBERS_REAL,
                     .depth = depth,
                     .rank = width,
                     .rows = width,
                     .columns = width,
                     .hidden = width + excess};
}

bool wmc_shape_is_infinite(const wmc_shape *shape) { return isinf(shape->depth); }

int wmc_shape_width(const wmc_shape *shape, long p)
{
  if (shape->widths) return (int)shape->widths[p];
  if (p == 0) return shape->columns;
  return (double)p < shape->depth ? shape->hidden : shape->rows;
}

static int smaller(int a, int b) { return a < b ? a : b; }

int wmc_shape_rank_limit(const wmc_shape *shape)
{
  int least = smaller(shape->rows, shape->columns);
  if (shape->widths == NULL) return shape->depth > 1 ? smaller(least, shape->hidden) : least;
  for (long p = 1; (double)p < shape->depth; p++) least = smaller(least, (int)shape->widths[p]);
  return least;
}

double wmc_shape_clock(const wmc_shape *shape)
{
  return wmc_shape_is_infinite(shape) ? 1 : shape->depth;
}

double wmc_shape_outer(const wmc_shape *shape)
{
  return shape->rows + shape->columns - 2.0 * shape->rank;
}

double wmc_shape_excess(const wmc_shape *shape)
{
  if (shape->widths == NULL) {
    double single = shape->hidden - shape->rank;
    return single > 0 && shape->depth > 1 ? (shape->depth - 1) * single : 0;
  }
  double sum = 0;
  for (long p = 1; (double)p < shape->depth; p++) sum += shape->widths[p] - shape->rank;
  return sum;
}

double wmc_shape_excess_share(const wmc_shape *shape)
{
  return wmc_shape_is_infinite(shape) ? shape->hidden - shape->rank
                                      : wmc_shape_excess(shape) / shape->depth;
}

static double field(const wmc_shape *shape) { return (double)shape->numbers; }

/* Of one frame, its r (d_p - r) directions outwards not counted. */
static double inner(const wmc_shape *shape)
{
  double r = shape->rank;
  return shape->numbers == WMC_NUMBERS_REAL ? r * (r - 1) / 2 : r * r;
}

/* What does not grow with N: the frame p = 0, outer widths; of r values of lambda the phases of
 * complex frames, common to all, take as many away. */
static double fixed_dimension(const wmc_shape *shape)
{
  double values = shape->numbers == WMC_NUMBERS_REAL ? shape->rank : 0;
  return values + inner(shape) + field(shape) * shape->rank * wmc_shape_outer(shape);
}

double wmc_shape_dimension(const wmc_shape *shape)
{
  return fixed_dimension(shape) + shape->depth * inner(shape) +
         field(shape) * shape->rank * wmc_shape_excess(shape);
}

double wmc_shape_dimension_share(const wmc_shape *shape)
{
  return fixed_dimension(shape) / shape->depth + inner(shape) +
         field(shape) * shape->rank * wmc_shape_excess_share(shape);
}

double wmc_shape_horizontal(const wmc_shape *shape)
{
  return field(shape) * shape->rank * (shape->rows + shape->columns - shape->rank);
}

/* Spheres of decreasing dimension b k - 1; sqrt(2) for each rotation of two columns of a frame. */
double wmc_log_volume_stiefel(wmc_numbers numbers, int n, int r)
{
  const double b = (double)numbers;
  double sum = 0.25 * b * r * (r - 1.0) * log_2;
  for (int k = n - r + 1; k <= n; k++) {
    double half = 0.5 * b * k;
    sum += log_2 + half * log_pi - wmc_log_gamma(half);
  }
  return sum;
}
