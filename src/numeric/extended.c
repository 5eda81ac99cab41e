#include "weylmc/numeric/extended.h"

#include <assert.h>

#include "simd/extended_kernels.h"
#include "weylmc/numeric/simd.h"

static wmc_extended_product_kernel *const products[] = WMC_SIMD_TABLE(wmc_extended_product_tiled);
static wmc_extended_qr_kernel *const qrs[] = WMC_SIMD_TABLE(wmc_extended_qr_rows);

double wmc_extended_product(int m, int n, int k, const wmc_extended *a, const wmc_extended *b,
                            const wmc_extended *c)
{
  return products[wmc_simd_level()](m, n, k, a, b, c);
}

/** In doubles, high and low: the matrix by rows padded to 8, the pivot column and `parts` rows of
 * sums. */
size_t wmc_extended_qr_scratch(int parts, int m, int n)
{
  const size_t width = (size_t)(n + 7) / 8 * 8, rows = (size_t)parts * (size_t)m;
  return 2 * (rows * width + 2 * rows + (size_t)parts * width);
}

void wmc_extended_qr(int parts, int m, int n, const wmc_extended *a, const wmc_extended *r,
                     double *scratch)
{
  assert(m >= n && n > 0);
  qrs[wmc_simd_level()](parts, m, n, a, r, scratch);
}
