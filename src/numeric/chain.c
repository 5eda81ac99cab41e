#include "weylmc/numeric/chain.h"

#include "simd/chain_kernels.h"
#include "weylmc/numeric/simd.h"

static wmc_chain_eliminate_kernel *const eliminate[] = WMC_SIMD_TABLE(wmc_chain_eliminate_row);
static wmc_chain_substitute_kernel *const substitute[] = WMC_SIMD_TABLE(wmc_chain_substitute_row);
static wmc_chain_subtract_kernel *const subtract[] = WMC_SIMD_TABLE(wmc_chain_subtract_all);
static wmc_chain_norm2_kernel *const norm2[] = WMC_SIMD_TABLE(wmc_chain_norm2_all);
static wmc_chain_balance_kernel *const balance[] = WMC_SIMD_TABLE(wmc_chain_balance_all);
static wmc_chain_tangent_kernel *const tangents[] = WMC_SIMD_TABLE(wmc_chain_tangent_all);

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

/* see map in simd/chain_near.h and balance_within in simd/chain_balance.c */
size_t wmc_chain_balance_scratch(int r, int n, size_t core)
{
  const bool within = r > 1 && r < 4;
  if (within) return wmc_chain_balance_scratch(4, n, 16) + (3 * (size_t)n + 2) * 16;
  return (4 * (size_t)n + 19) * core + 2 * (((size_t)r + 7) / 8 * 8) + wmc_svd_scratch(r, r) + 8;
}

bool wmc_chain_balance(const wmc_chain *chain, const double *v, double *lambda, double *rotations,
                       double *frames, long *products, double *scratch)
{
  return chain->n > 1 &&
         balance[wmc_simd_level()](chain, v, lambda, rotations, frames, products, scratch);
}

/* see map in simd/chain_tangent.c */
size_t wmc_chain_tangent_scratch(int r, int n, size_t core)
{
  const size_t pairs = (size_t)r * ((size_t)r - 1) / 2;
  return 2 * core + 8 + (4 * (size_t)n + 7) * ((pairs + 7) / 8 * 8);
}

void wmc_chain_tangent(int r, int n, size_t core, const wmc_chain_noise *noise, double *t,
                       double *scratch)
{
  tangents[wmc_simd_level()](r, n, core, noise, t, scratch);
}
