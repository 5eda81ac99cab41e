#include "weylmc/numeric/pairs.h"

#include <math.h>

#include "simd/pairs_kernels.h"
#include "weylmc/numeric/simd.h"

static wmc_pairs_sum_kernel *const sums[] = WMC_SIMD_TABLE(wmc_pairs_sum_all);
static wmc_pairs_power_kernel *const powers[] = WMC_SIMD_TABLE(wmc_pairs_power_all);
static wmc_pairs_turns_kernel *const turns[] = WMC_SIMD_TABLE(wmc_pairs_turns_all);
static wmc_pairs_angles_kernel *const angles[] = WMC_SIMD_TABLE(wmc_pairs_angles_all);

int wmc_pairs_padded(int n)
{
  return (n + WMC_PAIRS_LANES - 1) / WMC_PAIRS_LANES * WMC_PAIRS_LANES;
}

int wmc_pairs_sum(const wmc_pairs *pairs, double *shift, double *slope)
{
  return sums[wmc_simd_level()](pairs, shift, slope);
}

bool wmc_pairs_apart(const wmc_pairs *p, int i, int j)
{
  return p->y[i] - p->y[j] > fmax(1e-3 * p->y[i], 1e-290) &&
         p->q[i] - p->q[j] > 1e-6 * fabs(p->x[i]);
}

void wmc_pairs_power(int n, const double *x, double power, double *out)
{
  powers[wmc_simd_level()](n, x, power, out);
}

void wmc_pairs_turns(int n, const double *a, const double *b, double *cos_a, double *sin_a,
                     double *cos_b, double *sin_b)
{
  turns[wmc_simd_level()](n, a, b, cos_a, sin_a, cos_b, sin_b);
}

void wmc_pairs_angles(int n, const double *gap, const double *ratio, const double *noise,
                      const double *other, double *p, double *o)
{
  angles[wmc_simd_level()](n, gap, ratio, noise, other, p, o);
}
