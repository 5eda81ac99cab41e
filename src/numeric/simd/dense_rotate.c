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

typedef struct frame {
  const double *c, *s;
  double *a;
} frame;

/* `count` vectors of rows of all columns (of the last one `part` rows, 0: all) of one or two
 * matrices: column i stays in registers while those after it pass by. Two chains of rotations hide
 * each other's latency. */
INLINE void rotate_vectors(int count, int part, int m, int n, int frames, const frame *f)
{
  vec x[2][4], y;
  for (int i = 0, at = 0; i < n - 1; i++) {
    for (int t = 0; t < frames; t++)
      for (int k = 0; k < count; k++)
        x[t][k] = part ? part_load(f[t].a + i * m, part) : load(f[t].a + i * m + k * LANES);
    for (int j = i + 1; j < n; j++, at++)
      for (int t = 0; t < frames; t++) {
        const vec cos = all(f[t].c[at]), sin = all(f[t].s[at]);
        double *next = f[t].a + j * m;
        for (int k = 0; k < count; k++) {
          y = part ? part_load(next, part) : load(next + k * LANES);
          const vec out = cos * y - sin * x[t][k];
          x[t][k] = cos * x[t][k] + sin * y;
          if (part)
            part_store(next, out, part);
          else
            store(next + k * LANES, out);
        }
      }
    for (int t = 0; t < frames; t++)
      for (int k = 0; k < count; k++)
        if (part)
          part_store(f[t].a + i * m, x[t][k], part);
        else
          store(f[t].a + i * m + k * LANES, x[t][k]);
  }
}

INLINE void rotate_frames(int m, int n, int frames, const frame *f)
{
  frame part[2] = {f[0], f[frames - 1]};
  int i = 0;
  for (; i + 4 * LANES <= m; i += 4 * LANES) {
    rotate_vectors(4, 0, m, n, frames, part);
    for (int t = 0; t < frames; t++) part[t].a += 4 * LANES;
  }
  for (; i + LANES <= m; i += LANES) {
    rotate_vectors(1, 0, m, n, frames, part);
    for (int t = 0; t < frames; t++) part[t].a += LANES;
  }
  if (i < m) rotate_vectors(1, m - i, m, n, frames, part);
}

void WMC_SIMD_NAME(wmc_rotate_triangle)(int m, int n, const double *c, const double *s, double *a)
{
  const frame f = {c, s, a};
  rotate_frames(m, n, 1, &f);
}

void WMC_SIMD_NAME(wmc_rotate_triangles)(int m, int n, const double *c_a, const double *s_a,
                                         double *a, const double *c_b, const double *s_b, double *b)
{
  const frame f[2] = {{c_a, s_a, a}, {c_b, s_b, b}};
  rotate_frames(m, n, 2, f);
}
