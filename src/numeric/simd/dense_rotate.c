/* Rotations of one column with others, one after another. */
#include "dense_kernels.h"
#include "dense_vector.h"

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

/* `count` vectors of rows of all columns (of the last one `part` rows, 0: all): column i stays in
 * registers while those after it pass by. */
INLINE void rotate_vectors(int count, int part, int m, int n, const double *c, const double *s,
                           double *a)
{
  vec x[4], y;
  for (int i = 0; i < n - 1; i++, a += m) {
    double *next = a + m;
    for (int k = 0; k < count; k++) x[k] = part ? part_load(a, part) : load(a + k * LANES);
    for (int j = i + 1; j < n; j++, next += m, c++, s++) {
      const vec cos = all(*c), sin = all(*s);
      for (int k = 0; k < count; k++) {
        y = part ? part_load(next, part) : load(next + k * LANES);
        const vec out = cos * y - sin * x[k];
        x[k] = cos * x[k] + sin * y;
        if (part)
          part_store(next, out, part);
        else
          store(next + k * LANES, out);
      }
    }
    for (int k = 0; k < count; k++)
      if (part)
        part_store(a, x[k], part);
      else
        store(a + k * LANES, x[k]);
  }
}

void WMC_SIMD_NAME(wmc_rotate_triangle)(int m, int n, const double *c, const double *s, double *a)
{
  int i = 0;
  for (; i + 4 * LANES <= m; i += 4 * LANES) rotate_vectors(4, 0, m, n, c, s, a + i);
  for (; i + LANES <= m; i += LANES) rotate_vectors(1, 0, m, n, c, s, a + i);
  if (i < m) rotate_vectors(1, m - i, m, n, c, s, a + i);
}
