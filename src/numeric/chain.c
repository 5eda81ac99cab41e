#include "weylmc/numeric/chain.h"

#include "simd/chain_kernels.h"
#include "weylmc/numeric/simd.h"

static wmc_chain_eliminate_kernel *const eliminate[] = WMC_SIMD_TABLE(wmc_chain_eliminate_row);
static wmc_chain_substitute_kernel *const substitute[] = WMC_SIMD_TABLE(wmc_chain_substitute_row);
static wmc_chain_subtract_kernel *const subtract[] = WMC_SIMD_TABLE(wmc_chain_subtract_all);
static wmc_chain_norm2_kernel *const norm2[] = WMC_SIMD_TABLE(wmc_chain_norm2_all);

void wmc_chain_eliminate(int r, const wmc_chain_row *row, const double *ratio_before,
                         const double *x_before, double *ratio, double *x)
{
  eliminate[wmc_simd_level()](r, row, ratio_before, x_before, ratio, x);
}

void wmc_chain_substitute(size_t n, const double *ratio, const double *x_after, double *x)
{
  substitute[wmc_simd_level()](n, ratio, x_after, x);
}

double wmc_chain_subtract(size_t n, const double *a, const double *b, double *out)
{
  return subtract[wmc_simd_level()](n, a, b, out);
}

double wmc_chain_norm2(size_t n, const double *x) { return norm2[wmc_simd_level()](n, x); }
