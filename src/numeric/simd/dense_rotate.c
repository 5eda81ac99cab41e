/* Rotations of one column with others, one after another. */
#include "dense_kernels.h"

enum { BLOCK = 32 }; /* rows: x stays in registers while the columns of y pass by */

static inline void rotate_block(int rows, int m, int n, const double *c, const double *s,
                                double *restrict x, double *restrict y)
{
  for (int k = 0; k < n; k++, y += m)
    for (int i = 0; i < rows; i++) {
      double old = x[i];
      x[i] = c[k] * old + s[k] * y[i];
      y[i] = c[k] * y[i] - s[k] * old;
    }
}

void WMC_SIMD_NAME(wmc_rotate_all)(int m, int n, const double *c, const double *s, double *x,
                                   double *y)
{
  int i = 0;
  for (; i + BLOCK <= m; i += BLOCK) rotate_block(BLOCK, m, n, c, s, x + i, y + i);
  for (; i + 8 <= m; i += 8) rotate_block(8, m, n, c, s, x + i, y + i);
  if (i < m) rotate_block(m - i, m, n, c, s, x + i, y + i);
}
