#include "weylmc/numeric/dense.h"

#include <assert.h>

#include "simd/dense_kernels.h"
#include "weylmc/numeric/simd.h"

static wmc_qr_kernel *const qrs[] = WMC_SIMD_TABLE(wmc_qr_householder);
static wmc_svd_kernel *const svds[] = WMC_SIMD_TABLE(wmc_svd_sweeps);

size_t wmc_qr_scratch(int m, int n) { return (size_t)(m + n) + 64; }

void wmc_qr(int m, int n, double *a, double *r, double *scratch)
{
  assert(m >= n && n > 0);
  qrs[wmc_simd_level()](m, n, a, r, scratch);
}

/** Columns of y above columns of v, each padded to 8 rows, 7 vectors of length n, and room to begin
 * at a cache line. */
size_t wmc_svd_scratch(int m, int n)
{
  size_t columns = (size_t)(n + 7) / 8 * 8, rows = (size_t)(m + 7) / 8 * 8 + columns;
  return rows * (size_t)n + 7 * columns + 8;
}

int wmc_svd_jacobi(int m, int n, double *y, double *v, double *s, double *scratch)
{
  assert(m >= n && n > 0);
  return svds[wmc_simd_level()](m, n, y, v, s, scratch);
}
