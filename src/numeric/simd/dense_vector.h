/** @file dense_vector.h  Vectors of doubles of the instruction set being compiled for.
 *
 * GCC and Clang vectors, so that + - * work; part_load and part_store take the first n entries
 * only (0 < n < LANES) and touch no memory beyond them.
 */
#pragma once
#include <string.h>
#if defined(__AVX__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__)
enum { LANES = 8 };
#elif defined(__AVX__)
enum { LANES = 4 };
#else
enum { LANES = 2 };
#endif

typedef double vec __attribute__((vector_size(LANES * sizeof(double))));
/* the same at any address that a double may have */
typedef double loose_vec
    __attribute__((vector_size(LANES * sizeof(double)), aligned(8), may_alias));

#define INLINE static inline __attribute__((always_inline, unused))

INLINE vec load(const double *x) { return (vec) * (const loose_vec *)x; }
INLINE void store(double *x, vec v) { *(loose_vec *)x = v; }
INLINE vec all(double x) { return x - (vec){0}; }

#if defined(__AVX512F__)
INLINE vec part_load(const double *x, int n)
{
  return (vec)_mm512_maskz_loadu_pd((__mmask8)((1 << n) - 1), x);
}
INLINE void part_store(double *x, vec v, int n)
{
  _mm512_mask_storeu_pd(x, (__mmask8)((1 << n) - 1), (__m512d)v);
}
#elif defined(__AVX2__)
INLINE __m256i part_mask(int n)
{
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
INLINE vec part_load(const double *x, int n) { return (vec)_mm256_maskload_pd(x, part_mask(n)); }
INLINE void part_store(double *x, vec v, int n)
{
  _mm256_maskstore_pd(x, part_mask(n), (__m256d)v);
}
#else
INLINE vec part_load(const double *x, int n)
{
  vec v = {0};
  for (int i = 0; i < n; i++) v[i] = x[i];
  return v;
}
INLINE void part_store(double *x, vec v, int n)
{
  for (int i = 0; i < n; i++) x[i] = v[i];
}
#endif

/* of comparisons: all bits set where true */
typedef long long mask __attribute__((vector_size(LANES * sizeof(double))));

/** v where m is true, 0 elsewhere. */
INLINE vec where(mask m, vec v) { return (vec)(m & (mask)v); }
INLINE vec absolute(vec v) { return (vec)((mask)v & 0x7fffffffffffffffLL); }
/** |v| with the sign of s. */
INLINE vec with_sign(vec v, vec s)
{
  return (vec)(((mask)v & 0x7fffffffffffffffLL) | ((mask)s & (-0x7fffffffffffffffLL - 1)));
}

/** a b + c, fused where possible: said here, not left to the compiler, so that all copies of an
 * inlined function round alike. */
INLINE vec multiply_add(vec a, vec b, vec c)
{
#if defined(__AVX512F__)
  return (vec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__FMA__)
  return (vec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(__aarch64__)
  return (vec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
  return a * b + c;
#endif
}

/** The same for numbers. */
INLINE double multiply_add_1(double a, double b, double c)
{
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

INLINE vec root(vec v)
{
#if defined(__AVX512F__)
  return (vec)_mm512_sqrt_pd((__m512d)v);
#elif defined(__AVX__)
  return (vec)_mm256_sqrt_pd((__m256d)v);
#else
  return (vec){__builtin_sqrt(v[0]), __builtin_sqrt(v[1])};
#endif
}

/** Entries 1, 0, 3, 2, ... */
INLINE vec pairs_swapped(vec v)
{
#if defined(__AVX512F__)
  return (vec)_mm512_permute_pd((__m512d)v, 0x55);
#elif defined(__AVX__)
  return (vec)_mm256_permute_pd((__m256d)v, 5);
#else
  return (vec){v[1], v[0]};
#endif
}

/** Sum of the entries, by halves. */
INLINE double sum_of(vec v)
{
#if defined(__AVX512F__)
  __m256d half = _mm512_castpd512_pd256((__m512d)v) + _mm512_extractf64x4_pd((__m512d)v, 1);
  __m128d pair = _mm256_castpd256_pd128(half) + _mm256_extractf128_pd(half, 1);
  return pair[0] + pair[1];
#elif defined(__AVX__)
  __m128d pair = _mm256_castpd256_pd128((__m256d)v) + _mm256_extractf128_pd((__m256d)v, 1);
  return pair[0] + pair[1];
#else
  return v[0] + v[1];
#endif
}

/** Sums of LANES vectors: entry k of the result is the sum of v[k]. */
INLINE vec sums_of(const vec *v)
{
#if defined(__AVX512F__)
  __m512d pair[4], four[2];
  for (int k = 0; k < 4; k++)
    pair[k] = _mm512_unpacklo_pd((__m512d)v[2 * k], (__m512d)v[2 * k + 1]) +
              _mm512_unpackhi_pd((__m512d)v[2 * k], (__m512d)v[2 * k + 1]);
  for (int k = 0; k < 2; k++)
    four[k] = _mm512_shuffle_f64x2(pair[2 * k], pair[2 * k + 1], 0x88) +
              _mm512_shuffle_f64x2(pair[2 * k], pair[2 * k + 1], 0xdd);
  return (vec)(_mm512_shuffle_f64x2(four[0], four[1], 0x88) +
               _mm512_shuffle_f64x2(four[0], four[1], 0xdd));
#elif defined(__AVX__)
  __m256d low = _mm256_hadd_pd((__m256d)v[0], (__m256d)v[1]);
  __m256d high = _mm256_hadd_pd((__m256d)v[2], (__m256d)v[3]);
  return (vec)(_mm256_permute2f128_pd(low, high, 0x20) + _mm256_permute2f128_pd(low, high, 0x31));
#else
  return (vec){v[0][0] + v[0][1], v[1][0] + v[1][1]};
#endif
}
