#include "weylmc/statistics/jackknife.h"

#include <math.h>

#include "weylmc/statistics/estimate.h"

double wmc_jackknife_error(size_t chains, const double *draws, double value, const double *without,
                           size_t stride)
{
  double total = 0, mean = 0, variance = 0;
  if (chains < 2) return NAN;
  for (size_t c = 0; c < chains; c++) total += draws[c];
  for (size_t c = 0; c < chains; c++) {
    double h = total / draws[c];
    mean += (h * value - (h - 1) * without[c * stride]) / h;
  }
  for (size_t c = 0; c < chains; c++) {
    double h = total / draws[c], off = h * value - (h - 1) * without[c * stride] - mean;
    variance += off * off / (h - 1);
  }
  double g = (double)chains;
  return wmc_student_factor(g - 1) * sqrt(variance / g);
}
