#include "histogram.h"

static double width_of(const wmc_bins *bins)
{
  return (bins->high - bins->low) / (double)bins->count;
}

void wmc_bins_centres(const wmc_bins *bins, double *out)
{
  for (size_t k = 0; k < bins->count; k++) out[k] = bins->low + ((double)k + 0.5) * width_of(bins);
}

void wmc_bins_add(const wmc_bins *bins, double value, double share, double *out)
{
  if (bins->count == 0 || !(value >= bins->low && value <= bins->high)) return;
  size_t k = (size_t)((value - bins->low) / width_of(bins));
  out[k < bins->count ? k : bins->count - 1] += share / width_of(bins);
}

void wmc_bins_draw(const wmc_bins *bins, double value, double *out)
{
  for (size_t k = 0; k < bins->count; k++) out[k] = 0;
  wmc_bins_add(bins, value, 1, out);
}
