/** @file dense_transpose.h  Transposition by blocks of LANES x LANES held in registers. */
#pragma once
#include <stddef.h>

#include "dense_vector.h"

/** Entry i of v[k] becomes entry k of v[i]. */
#if defined(__AVX512F__)
INLINE void transpose_block(vec *v)
{
  __m512d even[4], odd[4], u[4];
  for (int k = 0; k < 4; k++) {
    even[k] = _mm512_unpacklo_pd((__m512d)v[2 * k], (__m512d)v[2 * k + 1]);
    odd[k] = _mm512_unpackhi_pd((__m512d)v[2 * k], (__m512d)v[2 * k + 1]);
  }
  for (int parity = 0; parity < 2; parity++) {
    const __m512d *t = parity == 0 ? even : odd;
    for (int k = 0; k < 2; k++) {
      u[2 * k] = _mm512_shuffle_f64x2(t[2 * k], t[2 * k + 1], 0x88);
      u[2 * k + 1] = _mm512_shuffle_f64x2(t[2 * k], t[2 * k + 1], 0xdd);
    }
    v[parity] = (vec)_mm512_shuffle_f64x2(u[0], u[2], 0x88);
    v[parity + 4] = (vec)_mm512_shuffle_f64x2(u[0], u[2], 0xdd);
    v[parity + 2] = (vec)_mm512_shuffle_f64x2(u[1], u[3], 0x88);
    v[parity + 6] = (vec)_mm512_shuffle_f64x2(u[1], u[3], 0xdd);
  }
}
#elif defined(__AVX__)
INLINE void transpose_block(vec *v)
{
  __m256d a = _mm256_unpacklo_pd((__m256d)v[0], (__m256d)v[1]);
  __m256d b = _mm256_unpackhi_pd((__m256d)v[0], (__m256d)v[1]);
  __m256d c = _mm256_unpacklo_pd((__m256d)v[2], (__m256d)v[3]);
  __m256d d = _mm256_unpackhi_pd((__m256d)v[2], (__m256d)v[3]);
  v[0] = (vec)_mm256_permute2f128_pd(a, c, 0x20);
  v[1] = (vec)_mm256_permute2f128_pd(b, d, 0x20);
  v[2] = (vec)_mm256_permute2f128_pd(a, c, 0x31);
  v[3] = (vec)_mm256_permute2f128_pd(b, d, 0x31);
}
#else
INLINE void transpose_block(vec *v)
{
  vec a = {v[0][0], v[1][0]}, b = {v[0][1], v[1][1]};
  v[0] = a;
  v[1] = b;
}
#endif

/** to (n x m) = transpose of from (m x n), both column-major with the distances given. */
INLINE void transpose(int m, int n, const double *from, int lda, double *to, int ldb)
{
  int whole_m = m / LANES * LANES, whole_n = n / LANES * LANES;
  for (int j = 0; j < whole_n; j += LANES)
    for (int i = 0; i < whole_m; i += LANES) {
      vec block[LANES];
      for (int k = 0; k < LANES; k++) block[k] = load(from + i + (ptrdiff_t)(j + k) * lda);
      transpose_block(block);
      for (int k = 0; k < LANES; k++) store(to + j + (ptrdiff_t)(i + k) * ldb, block[k]);
    }
  for (int j = 0; j < n; j++)
    for (int i = j < whole_n ? whole_m : 0; i < m; i++)
      to[j + (ptrdiff_t)i * ldb] = from[i + (ptrdiff_t)j * lda];
}
