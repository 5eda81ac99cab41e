/** @file chain_matrix.h  Small matrices of a chain in whole vectors.
 *
 * A matrix stands in a multiple of 8 doubles; loops run over all of them.
 */
#pragma once
#include "dense_transpose.h"

/* r r entries in whole vectors */
INLINE int entries(int r) { return (r * r + 7) / 8 * 8; }
INLINE vec pick(mask m, vec a, vec b) { return (vec)((m & (mask)a) | (~m & (mask)b)); }
INLINE vec larger(vec a, vec b)
{
#if defined(__AVX512F__)
  return (vec)_mm512_max_pd((__m512d)a, (__m512d)b);
#else
  return pick(a > b, a, b);
#endif
}

/** The larger whole number in each place. */
INLINE mask larger_bits(mask a, mask b)
{
#if defined(__AVX512F__)
  return (mask)_mm512_max_epi64((__m512i)a, (__m512i)b);
#else
  const mask first = a > b;
  return (first & a) | (~first & b);
#endif
}

/** The largest entry of numbers >= 0, or what is not finite: in the order of their bits. */
INLINE double largest_in(vec v)
{
#if defined(__AVX512F__)
  const long long bits = _mm512_reduce_max_epi64((__m512i)v);
#else
  long long bits = ((mask)v)[0];
  for (int k = 1; k < LANES; k++) bits = ((mask)v)[k] > bits ? ((mask)v)[k] : bits;
#endif
  double largest;
  memcpy(&largest, &bits, sizeof largest);
  return largest;
}

/** out = A^T */
INLINE void turn(int r, const double *a, double *out)
{
#if defined(__AVX512F__)
  if (r == 4) {
    const __m512d low = _mm512_loadu_pd(a), high = _mm512_loadu_pd(a + 8);
    const __m512i first = _mm512_set_epi64(13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i last = _mm512_set_epi64(15, 11, 7, 3, 14, 10, 6, 2);
    store(out, (vec)_mm512_permutex2var_pd(low, first, high));
    store(out + 8, (vec)_mm512_permutex2var_pd(low, last, high));
    return;
  }
#elif defined(__AVX__)
  if (r == 4) {
    const __m256d x = _mm256_loadu_pd(a), y = _mm256_loadu_pd(a + 4), z = _mm256_loadu_pd(a + 8),
                  u = _mm256_loadu_pd(a + 12);
    const __m256d k = _mm256_unpacklo_pd(x, y), l = _mm256_unpackhi_pd(x, y),
                  m = _mm256_unpacklo_pd(z, u), n = _mm256_unpackhi_pd(z, u);
    _mm256_storeu_pd(out, _mm256_permute2f128_pd(k, m, 0x20));
    _mm256_storeu_pd(out + 4, _mm256_permute2f128_pd(l, n, 0x20));
    _mm256_storeu_pd(out + 8, _mm256_permute2f128_pd(k, m, 0x31));
    _mm256_storeu_pd(out + 12, _mm256_permute2f128_pd(l, n, 0x31));
    return;
  }
#endif
  transpose(r, r, a, r, out, r);
}
/** row_ij = x_i, column_ij = x_j; 1 in the padding, so that quotients stay finite there */
INLINE void place_vectors(int r, const double *x, double *row, double *column)
{
#if defined(__AVX512F__)
  if (r == 4) {
    const __m512d both = _mm512_broadcast_f64x4(_mm256_loadu_pd(x));
    store(row, (vec)both);
    store(row + 8, (vec)both);
    store(column, (vec)_mm512_permutexvar_pd(_mm512_set_epi64(1, 1, 1, 1, 0, 0, 0, 0), both));
    store(column + 8, (vec)_mm512_permutexvar_pd(_mm512_set_epi64(3, 3, 3, 3, 2, 2, 2, 2), both));
    return;
  }
#endif
  for (int j = 0; j < r; j++) {
    int i = 0;
    for (; i + LANES <= r; i += LANES) {
      store(row + j * r + i, load(x + i));
      store(column + j * r + i, all(x[j]));
    }
    for (; i < r; i++) {
      row[j * r + i] = x[i];
      column[j * r + i] = x[j];
    }
  }
  for (int k = r * r; k < entries(r); k++) row[k] = column[k] = 1;
}

/** The diagonal, without single stores that loads of vectors would wait for. */
INLINE void take_diagonal(int r, const double *a, double *out)
{
#if defined(__AVX512F__)
  if (r == 4) {
    const __m512i places = _mm512_set_epi64(15, 10, 5, 0, 15, 10, 5, 0);
    const __m512d low = _mm512_loadu_pd(a), high = _mm512_loadu_pd(a + 8);
    _mm256_storeu_pd(out, _mm512_castpd512_pd256(_mm512_permutex2var_pd(low, places, high)));
    return;
  }
  if (r == 8) {
    __m512d found = _mm512_loadu_pd(a);
    for (int k = 1; k < 8; k++)
      found = _mm512_mask_mov_pd(found, (__mmask8)(1 << k), _mm512_loadu_pd(a + 8 * k));
    _mm512_storeu_pd(out, found);
    return;
  }
#endif
  for (int k = 0; k < r; k++) out[k] = a[k * (r + 1)];
}

/** out = diag(d), likewise. */
INLINE void place_diagonal(int r, const double *d, double *out)
{
#if defined(__AVX512F__)
  if (r == 4) {
    const __m512d both = _mm512_broadcast_f64x4(_mm256_loadu_pd(d));
    store(out, (vec)_mm512_maskz_mov_pd(0x21, both));
    store(out + 8, (vec)_mm512_maskz_mov_pd(0x84, both));
    return;
  }
  if (r == 8) {
    for (int k = 0; k < 8; k++)
      store(out + 8 * k, (vec)_mm512_maskz_loadu_pd((__mmask8)(1 << k), d));
    return;
  }
#endif
  for (int k = 0; k < entries(r); k += LANES) store(out + k, (vec){0});
  for (int k = 0; k < r; k++) out[k * (r + 1)] = d[k];
}
