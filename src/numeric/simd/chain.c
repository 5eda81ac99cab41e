/* Tridiagonal systems along a chain of matrices, and sums over their entries. */
#include <math.h>

#include "chain_kernels.h"

enum { LANES = 8 };

void WMC_SIMD_NAME(wmc_chain_eliminate_row)(int r, const wmc_chain_row *row,
                                            const double *restrict ratio_before,
                                            const double *restrict x_before, double *restrict ratio,
                                            double *restrict x)
{
  const double *restrict u = row->u, *restrict l = row->l, *restrict m = row->m;
  const double *restrict l_after = row->l_after, *restrict m_after = row->m_after;
  for (int j = 0; j < r; j++) {
    const double uj = u[j], lj = l[j], mj = m[j], lj_after = l_after[j], mj_after = m_after[j];
    for (int i = 0; i < r; i++) {
      const int at = j * r + i;
      const double b = l[i] * mj + lj * m[i], after = l_after[i] * mj_after + lj_after * m_after[i];
      const double inverse = 1 / (u[i] + uj - b * ratio_before[at]);
      ratio[at] = after * inverse;
      x[at] = (x[at] + b * x_before[at]) * inverse;
    }
  }
}

void WMC_SIMD_NAME(wmc_chain_substitute_row)(size_t n, const double *restrict ratio,
                                             const double *restrict x_after, double *restrict x)
{
  for (size_t k = 0; k < n; k++) x[k] += ratio[k] * x_after[k];
}

double WMC_SIMD_NAME(wmc_chain_subtract_all)(size_t n, const double *restrict a,
                                             const double *restrict b, double *restrict out)
{
  double lane[LANES] = {0}, largest = 0;
  size_t k = 0;
  for (; k + LANES <= n; k += LANES)
    for (size_t i = 0; i < LANES; i++) {
      const double x = a[k + i] - b[k + i], size = fabs(x);
      out[k + i] = x;
      lane[i] = size > lane[i] ? size : lane[i];
    }
  for (; k < n; k++) {
    out[k] = a[k] - b[k];
    if (fabs(out[k]) > largest) largest = fabs(out[k]);
  }
  for (int i = 0; i < LANES; i++)
    if (lane[i] > largest) largest = lane[i];
  return largest;
}

double WMC_SIMD_NAME(wmc_chain_norm2_all)(size_t n, const double *restrict x)
{
  double lane[LANES] = {0}, sum = 0;
  size_t k = 0;
  for (; k + LANES <= n; k += LANES)
    for (size_t i = 0; i < LANES; i++) lane[i] += x[k + i] * x[k + i];
  for (; k < n; k++) sum += x[k] * x[k];
  for (int i = 0; i < LANES; i++) sum += lane[i];
  return sum;
}
