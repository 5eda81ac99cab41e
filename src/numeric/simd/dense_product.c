#include "dense_kernels.h"

void WMC_SIMD_NAME(wmc_product_kernel_any)(int m, int n, int k, const double *restrict a,
                                           const double *restrict b, double *restrict c)
{
  for (int j = 0; j < n; j++) {
    double *column = c + (long)j * m;
    for (int i = 0; i < m; i++) column[i] = 0;
    for (int l = 0; l < k; l++)
      for (int i = 0; i < m; i++) column[i] += a[i + (long)l * m] * b[l + (long)j * k];
  }
}
