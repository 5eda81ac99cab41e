/** @file chain_tile.h  Matrices of 4 x 4 or 8 x 8 in registers.
 *
 * Every function is inlined for a side r = 4 or 8 that the compiler knows, so that its loops are
 * unrolled and what one of them returns goes on to the next without a way through memory. Columns
 * follow one another as in memory; at r = 4 only the first entries of `v` mean something.
 */
#pragma once
#include <stdbool.h>

#include "chain_matrix.h"

typedef struct tile {
  vec v[64 / LANES];
} tile;

typedef double tile_room[64] __attribute__((aligned(64)));

/** A tile that stands in memory too: products read single entries of their second factor there. */
typedef struct kept_tile {
  tile t;
  const double *at;
} kept_tile;

INLINE int parts(int r) { return r * r / LANES; }

INLINE tile tile_load(int r, const double *x)
{
  tile t;
#pragma GCC unroll 32
  for (int k = 0; k < parts(r); k++) t.v[k] = load(x + k * LANES);
  return t;
}

INLINE void tile_store(int r, tile t, double *x)
{
#pragma GCC unroll 32
  for (int k = 0; k < parts(r); k++) store(x + k * LANES, t.v[k]);
}

/** Keeps a copy in `room`, where it is needed. */
INLINE kept_tile tile_keep(int r, tile t, double *room)
{
  if (r == 4 && LANES == 8) return (kept_tile){t, NULL};
  tile_store(r, t, room);
  /* compilers that know what stands there take entries out of registers, which costs as much as to
   * multiply by them */
  __asm__("" : "+m"(*(tile_room *)room));
  return (kept_tile){t, room};
}

INLINE kept_tile tile_kept(int r, const double *at) { return (kept_tile){tile_load(r, at), at}; }

/** a + factor b; sums alone have adders of their own. */
INLINE tile tile_add(int r, tile a, double factor, tile b)
{
#pragma GCC unroll 32
  for (int k = 0; k < parts(r); k++)
    a.v[k] = factor == 1 ? a.v[k] + b.v[k] : multiply_add(all(factor), b.v[k], a.v[k]);
  return a;
}

INLINE tile tile_scale(int r, double factor, tile a)
{
#pragma GCC unroll 32
  for (int k = 0; k < parts(r); k++) a.v[k] = factor * a.v[k];
  return a;
}

INLINE double tile_norm2(int r, tile a)
{
  vec sum[2] = {{0}, {0}};
#pragma GCC unroll 32
  for (int k = 0; k < parts(r); k++) sum[k % 2] = multiply_add(a.v[k], a.v[k], sum[k % 2]);
  return sum_of(sum[0] + sum[1]);
}

/** The transpose. */
INLINE tile tile_turn(int r, tile a)
{
#if defined(__AVX512F__)
  if (r == 4) {
    const __m512i first = _mm512_set_epi64(13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i last = _mm512_set_epi64(15, 11, 7, 3, 14, 10, 6, 2);
    const __m512d low = (__m512d)a.v[0], high = (__m512d)a.v[1];
    a.v[0] = (vec)_mm512_permutex2var_pd(low, first, high);
    a.v[1] = (vec)_mm512_permutex2var_pd(low, last, high);
    return a;
  }
#endif
  const int high = r / LANES;
  tile out = a;
#pragma GCC unroll 4
  for (int i = 0; i < high; i++)
#pragma GCC unroll 4
    for (int j = 0; j < high; j++) {
      vec block[LANES];
#pragma GCC unroll 8
      for (int k = 0; k < LANES; k++) block[k] = a.v[(j * LANES + k) * high + i];
      transpose_block(block);
#pragma GCC unroll 8
      for (int k = 0; k < LANES; k++) out.v[(i * LANES + k) * high + j] = block[k];
    }
  return out;
}

#if defined(__AVX512F__)
/** Four times entry `first`, four times entry `second`. */
INLINE vec spread(vec b, int first, int second)
{
  const __m512i places =
      _mm512_set_epi64(second, second, second, second, first, first, first, first);
  return (vec)_mm512_permutexvar_pd(places, (__m512d)b);
}

/** Two columns stand in a vector: entries of B come by permutations. */
INLINE tile tile_product_4(tile c, tile a, tile b, bool turned)
{
#pragma GCC unroll 4
  for (int l = 0; l < 4; l++) {
    const __m512d half = (__m512d)a.v[l / 2];
    const vec column = (vec)(l % 2 ? _mm512_shuffle_f64x2(half, half, 0xee)
                                   : _mm512_shuffle_f64x2(half, half, 0x44));
    const vec row = b.v[l / 2];
    const int k = 4 * (l % 2);
    const vec x = turned ? spread(row, k, k + 1) : spread(b.v[0], l, 4 + l);
    const vec y = turned ? spread(row, k + 2, k + 3) : spread(b.v[1], l, 4 + l);
    c.v[0] = multiply_add(column, x, c.v[0]);
    c.v[1] = multiply_add(column, y, c.v[1]);
  }
  return c;
}
#endif

/** C + A B, or C + A B^T. */
INLINE tile tile_multiply_add(int r, tile c, tile a, kept_tile b, bool turned)
{
#if defined(__AVX512F__)
  if (r == 4) return tile_product_4(c, a, b.t, turned);
#endif
  /* as many columns at once as leave registers for A */
  const int high = r / LANES, columns = high < 2 ? r : 8 / high;
  const int down = turned ? r : 1, across = turned ? 1 : r;
#pragma GCC unroll 8
  for (int j = 0; j < r; j += columns) {
    vec sum[8];
#pragma GCC unroll 8
    for (int k = 0; k < columns * high; k++) sum[k] = c.v[j * high + k];
#pragma GCC unroll 8
    for (int l = 0; l < r; l++)
#pragma GCC unroll 8
      for (int q = 0; q < columns; q++)
#pragma GCC unroll 4
        for (int i = 0; i < high; i++) {
          const vec column = a.v[l * high + i], entry = all(b.at[l * down + (j + q) * across]);
          sum[q * high + i] = multiply_add(column, entry, sum[q * high + i]);
        }
#pragma GCC unroll 8
    for (int k = 0; k < columns * high; k++) c.v[j * high + k] = sum[k];
  }
  return c;
}

/** A B, or A B^T. */
INLINE tile tile_product(int r, tile a, kept_tile b, bool turned)
{
  tile none = a;
#pragma GCC unroll 32
  for (int k = 0; k < parts(r); k++) none.v[k] = (vec){0};
  return tile_multiply_add(r, none, a, b, turned);
}
