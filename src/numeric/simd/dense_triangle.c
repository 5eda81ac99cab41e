/* Products of upper triangular matrices, in place.
 *
 * Tiles of two vectors of rows and a few columns stay in registers. A complex column of T is two
 * real ones, of real and of imaginary parts, until the end: U (x + iy) = U x + i (U y). Tiles go
 * down, and no row of T is needed once a tile below it has begun. */
#include <stddef.h>

#include "dense_kernels.h"
#include "dense_vector.h"

enum { DEEP = 2, STREAMS = 4 }; /* vectors and real columns of a tile */

typedef struct tile {
  const double *u;
  double *t;
  ptrdiff_t n;    /* doubles from one column to the next */
  int first, end; /* rows from `first`; T has no entry in these columns from `end` on */
  int left;       /* doubles below `first` */
} tile;

INLINE vec load_some(const double *x, int count)
{
  return count >= LANES ? load(x) : count > 0 ? part_load(x, count) : (vec){0};
}

INLINE void store_some(double *x, vec v, int count)
{
  if (count >= LANES)
    store(x, v);
  else if (count > 0)
    part_store(x, v, count);
}

/** i z for pairs z of real and imaginary part. */
INLINE vec times_i(vec v)
{
  vec sign;
  for (int l = 0; l < LANES; l += 2) sign[l] = -1, sign[l + 1] = 1;
  return sign * pairs_swapped(v);
}

INLINE void multiply_tile(int parts, int columns, bool whole, const tile *p)
{
  const int at = parts * p->first, left = whole ? DEEP * LANES : p->left;
  vec sum[DEEP][STREAMS] = {0};
  for (int j = p->first; j < p->end; j++) {
    vec u[DEEP];
    for (int q = 0; q < DEEP; q++)
      u[q] = load_some(p->u + j * p->n + at + q * LANES, left - q * LANES);
    for (int k = 0; k < columns; k++)
      for (int part = 0; part < parts; part++) {
        const vec t = all(p->t[k * p->n + parts * j + part]);
        for (int q = 0; q < DEEP; q++)
          sum[q][parts * k + part] = multiply_add(u[q], t, sum[q][parts * k + part]);
      }
  }
  for (int k = 0; k < columns; k++)
    for (int q = 0; q < DEEP; q++) {
      const vec *s = sum[q] + parts * k, out = parts == 1 ? s[0] : s[0] + times_i(s[1]);
      store_some(p->t + k * p->n + at + q * LANES, out, left - q * LANES);
    }
}

INLINE void multiply_columns(int parts, int columns, tile *p)
{
  for (p->first = 0; p->first < p->end; p->first += DEEP * LANES / parts) {
    p->left = (int)p->n - parts * p->first;
    if (p->left >= DEEP * LANES)
      multiply_tile(parts, columns, true, p);
    else
      multiply_tile(parts, columns, false, p);
  }
}

INLINE void multiply(int parts, int d, const double *u, double *t)
{
  const int columns = STREAMS / parts;
  tile p = {.u = u, .t = t, .n = (ptrdiff_t)parts * d};
  int k = 0;
  for (; k + columns <= d; k += columns, p.t += columns * p.n) {
    p.end = k + columns;
    multiply_columns(parts, columns, &p);
  }
  for (; k < d; k++, p.t += p.n) {
    p.end = k + 1;
    multiply_columns(parts, 1, &p);
  }
}

void WMC_SIMD_NAME(wmc_triangles)(int parts, int d, const double *u, double *t)
{
  if (parts == 1)
    multiply(1, d, u, t);
  else
    multiply(2, d, u, t);
}
