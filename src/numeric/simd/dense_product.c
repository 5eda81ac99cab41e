/* Every entry of C is summed over k in order, by fused multiply-add where the instruction set has
 * it: the bits depend neither on the tiling nor on alignment. */
#include <stdbool.h>
#include <stddef.h>

#include "dense_kernels.h"
#include "dense_vector.h"

/* A tile of C is ROWS vectors by COLUMNS entries: it, a column of A and an entry of B fill the
 * registers. */
#if defined(__AVX512F__)
enum { ROWS = 3, COLUMNS = 8 };
#else
enum { ROWS = 3, COLUMNS = 4 };
#endif

typedef struct operands {
  int m, n, k;
  const double *a, *b;
  double *c;
} operands;

INLINE vec load_rows(const double *x, bool last, int rest)
{
  return last ? part_load(x, rest) : load(x);
}

/** Tile of C at row i, column j. `rows` and `columns` are constants; of the last vector only the
 * first `rest` entries are in the matrix if rest > 0. */
INLINE void tile(const operands *o, int i, int j, int rows, int columns, int rest)
{
  const double *a = o->a + i, *b = o->b + (ptrdiff_t)j * o->k;
  vec sum[ROWS][COLUMNS];
  for (int r = 0; r < rows; r++)
    for (int q = 0; q < columns; q++) sum[r][q] = (vec){0};
  for (int l = 0; l < o->k; l++, a += o->m, b++) {
    vec column[ROWS];
    for (int r = 0; r < rows; r++)
      column[r] = load_rows(a + r * LANES, rest > 0 && r == rows - 1, rest);
    for (int q = 0; q < columns; q++) {
      vec entry = all(b[q * o->k]);
      for (int r = 0; r < rows; r++) sum[r][q] += column[r] * entry;
    }
  }
  for (int q = 0; q < columns; q++) {
    double *c = o->c + i + (ptrdiff_t)(j + q) * o->m;
    for (int r = 0; r < rows; r++)
      if (rest > 0 && r == rows - 1)
        part_store(c + r * LANES, sum[r][q], rest);
      else
        store(c + r * LANES, sum[r][q]);
  }
}

INLINE void some_rows(const operands *o, int i, int j, int rows, int columns, int rest)
{
  switch (rows) {
  case 1:
    tile(o, i, j, 1, columns, rest);
    break;
  case 2:
    tile(o, i, j, 2, columns, rest);
    break;
  default:
    tile(o, i, j, 3, columns, rest);
    break;
  }
}

/** `columns` columns (a constant) of C from column j. */
INLINE void panel(const operands *o, int j, int columns)
{
  int i = 0;
  for (; i + ROWS * LANES <= o->m; i += ROWS * LANES) tile(o, i, j, ROWS, columns, 0);
  int left = o->m - i, rest = left % LANES;
  if (left == 0) return;
  if (rest == 0)
    some_rows(o, i, j, left / LANES, columns, 0);
  else
    some_rows(o, i, j, left / LANES + 1, columns, rest);
}

void WMC_SIMD_NAME(wmc_product_tiled)(int m, int n, int k, const double *a, const double *b,
                                      double *c)
{
  const operands o = {m, n, k, a, b, c};
  int j = 0;
  for (; j + COLUMNS <= n; j += COLUMNS) panel(&o, j, COLUMNS);
  if (COLUMNS > 4 && j + 4 <= n) panel(&o, j, 4), j += 4;
  if (j + 2 <= n) panel(&o, j, 2), j += 2;
  if (j < n) panel(&o, j, 1);
}

/** Square of a width known here, unrolled by the compiler. */
INLINE void unrolled(int d, const double *restrict a, const double *restrict b, double *restrict c)
{
  for (int j = 0; j < d; j++)
    for (int i = 0; i < d; i++) {
      double sum = a[i] * b[j * d];
      for (int l = 1; l < d; l++) sum += a[i + l * d] * b[l + j * d];
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
