#include "weylmc/geometry/cyclic.h"

#include <math.h>

#include "weylmc/geometry/entropy.h"

static const double pi = 3.14159265358979323846;

int wmc_cyclic_modes(int order) { return order / 2 + 1; }

bool wmc_cyclic_is_real(int order, int k) { return k == 0 || 2 * k == order; }

double wmc_cyclic_weight(int order, int k)
{
  return (wmc_cyclic_is_real(order, k) ? 1.0 : 2.0) / order;
}

wmc_shape wmc_cyclic_shape(const wmc_shape *channels, int order, int k)
{
  wmc_shape shape = *channels;
  shape.numbers = wmc_cyclic_is_real(order, k) ? WMC_NUMBERS_REAL : WMC_NUMBERS_COMPLEX;
  return shape;
}

wmc_gibbs wmc_cyclic_law(const wmc_gibbs *law, int order, int k)
{
  wmc_gibbs mode = *law;
  mode.shape = wmc_cyclic_shape(&law->shape, order, k);
  mode.beta = law->beta * wmc_cyclic_weight(order, k);
  return mode;
}

double wmc_cyclic_entropy(const wmc_shape *channels, int order, int k, const double *log_sigma)
{
  const wmc_shape shape = wmc_cyclic_shape(channels, order, k);
  const double entropy = wmc_entropy(&shape, log_sigma);
  if (wmc_shape_is_infinite(&shape)) return entropy;
  const double fibre = wmc_shape_dimension(&shape) - wmc_shape_horizontal(&shape);
  return entropy + 0.5 * fibre * log(wmc_cyclic_weight(order, k));
}

void wmc_cyclic_transform(int order, int entries, const double *filters, int k, double *real,
                          double *imaginary)
{
  for (int e = 0; e < entries; e++) real[e] = imaginary[e] = 0;
  for (long s = 0; s < order; s++) {
    const double angle = 2 * pi * (double)(s * k % order) / order;
    const double c = cos(angle), i = wmc_cyclic_is_real(order, k) ? 0 : sin(angle);
    for (int e = 0; e < entries; e++) {
      real[e] += c * filters[s * entries + e];
      imaginary[e] -= i * filters[s * entries + e];
    }
  }
}
