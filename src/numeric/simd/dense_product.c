#include "dense_kernels.h"
#include "dense_tile.h"

void WMC_SIMD_NAME(wmc_product_tiled)(int m, int n, int k, const double *a, const double *b,
                                      double *c)
{
  const operands o = {m, n, k, m, k, m, a, b, c};
  tile_all(&o, false, false);
}

/** Square of a width known here, unrolled by the compiler. */
INLINE void unrolled(int d, const double *restrict a, const double *restrict b, double *restrict c)
{
  for (int j = 0; j < d; j++)
    for (int i = 0; i < d; i++) {
      double sum = a[i] * b[j * d];
      for (int l = 1; l < d; l++) sum = multiply_add_1(a[i + l * d], b[l + j * d], sum);
      c[i + j * d] = sum;
    }
}

void WMC_SIMD_NAME(wmc_product_2)(const double *restrict a, const double *restrict b,
                                  double *restrict c)
{
  unrolled(2, a, b, c);
}

void WMC_SIMD_NAME(wmc_product_3)(const double *restrict a, const double *restrict b,
                                  double *restrict c)
{
  unrolled(3, a, b, c);
}
