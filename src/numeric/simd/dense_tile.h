/** @file dense_tile.h  C = A B by tiles held in registers.
 *
 * Every entry of C is summed over k in order, by fused multiply-add where the instruction set has
 * it: the bits depend neither on the tiling nor on alignment.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "dense_vector.h"

/* A tile of C is TILE_ROWS vectors by TILE_COLUMNS entries: it, a column of A and an entry of B
 * fill the registers. */
#if defined(__AVX512F__)
enum { TILE_ROWS = 3, TILE_COLUMNS = 8 };
#else
enum { TILE_ROWS = 3, TILE_COLUMNS = 4 };
#endif

typedef struct operands {
  int m, n, k;       /* C is m x n, A m x k, B k x n */
  int lda, ldb, ldc; /* distances between columns */
  const double *a, *b;
  double *c;
} operands;

INLINE vec tile_load(const double *x, bool last, int rest)
{
  return last ? part_load(x, rest) : load(x);
}

/** Tile of C at row i, column j. `rows` and `columns` are constants; of the last vector only the
 * first `rest` entries are in the matrix if rest > 0. */
INLINE void tile(const operands *o, int i, int j, int rows, int columns, int rest)
{
  const double *a = o->a + i, *b = o->b + (ptrdiff_t)j * o->ldb;
  vec sum[TILE_ROWS][TILE_COLUMNS];
  for (int r = 0; r < rows; r++)
    for (int q = 0; q < columns; q++) sum[r][q] = (vec){0};
  for (int l = 0; l < o->k; l++, a += o->lda, b++) {
    vec column[TILE_ROWS];
    for (int r = 0; r < rows; r++)
      column[r] = tile_load(a + r * LANES, rest > 0 && r == rows - 1, rest);
    for (int q = 0; q < columns; q++) {
      vec entry = all(b[q * o->ldb]);
      for (int r = 0; r < rows; r++) sum[r][q] = multiply_add(column[r], entry, sum[r][q]);
    }
  }
  for (int q = 0; q < columns; q++) {
    double *c = o->c + i + (ptrdiff_t)(j + q) * o->ldc;
    for (int r = 0; r < rows; r++)
      if (rest > 0 && r == rows - 1)
        part_store(c + r * LANES, sum[r][q], rest);
      else
        store(c + r * LANES, sum[r][q]);
  }
}

INLINE void tile_rows(const operands *o, int i, int j, int rows, int columns, int rest)
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

/** `columns` columns (a constant) of C from column j; `whole`: m is a multiple of LANES. With
 * `upper`, rows below these columns are left out. */
INLINE void tile_panel(const operands *o, int j, int columns, bool whole, bool upper)
{
  int i = 0, m = o->m;
  if (upper && j + columns < m) m = (j + columns + LANES - 1) / LANES * LANES;
  for (; i + TILE_ROWS * LANES <= m; i += TILE_ROWS * LANES) tile(o, i, j, TILE_ROWS, columns, 0);
  int left = m - i, rest = left % LANES;
  if (left == 0) return;
  if (whole || rest == 0)
    tile_rows(o, i, j, left / LANES, columns, 0);
  else
    tile_rows(o, i, j, left / LANES + 1, columns, rest);
}

INLINE void tile_all(const operands *o, bool whole, bool upper)
{
  int j = 0;
  for (; j + TILE_COLUMNS <= o->n; j += TILE_COLUMNS) tile_panel(o, j, TILE_COLUMNS, whole, upper);
  if (TILE_COLUMNS > 4 && j + 4 <= o->n) tile_panel(o, j, 4, whole, upper), j += 4;
  if (j + 2 <= o->n) tile_panel(o, j, 2, whole, upper), j += 2;
  if (j < o->n) tile_panel(o, j, 1, whole, upper);
}
