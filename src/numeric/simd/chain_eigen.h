/** @file chain_eigen.h  Vectors of a symmetric 4 x 4 or 8 x 8 matrix, in registers.
 *
 * Jacobi rotations in rounds of disjoint pairs, on both sides of L: rows and columns 2 k and 2 k +
 * 1 are a pair, and after each round all but the first change their places so that every pair meets
 * once in a sweep. V is a product of rotations, orthogonal to rounding; sweeps end when those of
 * the last one were so small that what is left is of no account. Their angles are those of Jacobi
 * up to third order and to the accuracy of a reciprocal in 14 bits, at most 45 degrees: what a
 * rotation leaves, the next sweep takes.
 */
#pragma once
#include <math.h>
#include <stdbool.h>

#include "dense_vector.h"

#if defined(__AVX512F__)
enum { EIGEN_SWEEPS = 12 };

/** In lanes 2 k and 2 k + 1 those of pair k, the sine with opposite signs. */
typedef struct eigen_turns {
  vec cosine, sine;
} eigen_turns;

INLINE vec eigen_swapped(vec x) { return (vec)_mm512_permute_pd((__m512d)x, 0x55); }
INLINE vec eigen_mixed(vec x, vec y, int lanes)
{
  return (vec)_mm512_mask_blend_pd((__mmask8)lanes, (__m512d)x, (__m512d)y);
}
INLINE vec eigen_lane(vec x, int lane)
{
  return (vec)_mm512_permutexvar_pd(_mm512_set1_epi64(lane), (__m512d)x);
}

/** Rotations by phi, tan(2 phi) = 2 g / d of L_ij and L_ii - L_jj, both in both lanes: with z =
 * |g / d|, q = tan(phi / 2) = z (1 + a z) / (2 (1 + a z + b z^2)) is right to third order, and for
 * large z with a / b = 2 tan(pi / 8). */
INLINE eigen_turns eigen_angles(vec g, vec d)
{
  const double b = 1.25, a = 2 * 0.41421356237309503 * b;
  const vec size = absolute(g), gap = absolute(d), up = multiply_add(all(a), size, gap);
  const vec down = 2 * multiply_add(gap, up, b * size * size) + 0x1p-1000;
  const vec q = size * up * (vec)_mm512_rcp14_pd((__m512d)down);
  const vec inverse = 1 / multiply_add(q, q, all(1));
  const mask odd = {0, 1, 0, 1, 0, 1, 0, 1};
  const vec sine = 2 * q * inverse, sign = (vec)((mask)g ^ (mask)d ^ odd << 63);
  return (eigen_turns){multiply_add(-q, q, all(1)) * inverse, with_sign(sine, sign)};
}

/* --- 8 x 8: a column in a vector ------------------------------------------------------------- */

typedef struct eigen_8 {
  vec l[8], v[8];
} eigen_8;

/** Entry j of x[j ^ other], other = 0 or 1. */
INLINE vec eigen_diagonal_8(const vec *x, int other)
{
  vec two[4];
  for (int k = 0; k < 4; k++) two[k] = eigen_mixed(x[2 * k + other], x[2 * k + 1 - other], 0xaa);
  return eigen_mixed(eigen_mixed(two[0], two[1], 0xcc), eigen_mixed(two[2], two[3], 0xcc), 0xf0);
}

INLINE eigen_turns eigen_turns_8(const eigen_8 *m, vec *off)
{
  const __m512d diagonal = (__m512d)eigen_diagonal_8(m->l, 0);
  *off = eigen_diagonal_8(m->l, 1);
  return eigen_angles(*off, (vec)_mm512_unpacklo_pd(diagonal, diagonal) -
                                (vec)_mm512_unpackhi_pd(diagonal, diagonal));
}

/** Rotates, and moves rows and columns to their next places. */
INLINE void eigen_round_8(eigen_8 *m, eigen_turns t)
{
  static const int from[8] = {0, 3, 1, 5, 2, 7, 4, 6};
  const __m512i same = _mm512_set_epi64(6, 4, 7, 2, 5, 1, 3, 0);
  const __m512i other = _mm512_set_epi64(7, 5, 6, 3, 4, 0, 2, 1);
  const vec c = (vec)_mm512_permutexvar_pd(same, (__m512d)t.cosine);
  const vec s = (vec)_mm512_permutexvar_pd(same, (__m512d)t.sine);
  eigen_8 out;
  for (int k = 0; k < 8; k++) {
    const vec x = (vec)_mm512_permutexvar_pd(same, (__m512d)m->l[k]);
    const vec y = (vec)_mm512_permutexvar_pd(other, (__m512d)m->l[k]);
    m->l[k] = multiply_add(c, x, s * y);
  }
  for (int k = 0; k < 8; k += 2) {
    const vec cosine = eigen_lane(t.cosine, k), sine = eigen_lane(t.sine, k);
    const vec x = m->l[k], y = m->l[k + 1], u = m->v[k], v = m->v[k + 1];
    m->l[k] = multiply_add(cosine, x, sine * y);
    m->l[k + 1] = multiply_add(cosine, y, -(sine * x));
    m->v[k] = multiply_add(cosine, u, sine * v);
    m->v[k + 1] = multiply_add(cosine, v, -(sine * u));
  }
  for (int k = 0; k < 8; k++) {
    out.l[k] = m->l[from[k]];
    out.v[k] = m->v[from[k]];
  }
  *m = out;
}

INLINE bool eigen_sweeps_8(const double *l, double most, double *lambda, double *v)
{
  eigen_8 m;
  bool done = false;
  for (int k = 0; k < 8; k++) {
    m.l[k] = load(l + 8 * k);
    m.v[k] = (vec)_mm512_maskz_mov_pd((__mmask8)(1 << k), _mm512_set1_pd(1));
  }
  for (int sweep = 0; sweep < EIGEN_SWEEPS && !done; sweep++) {
    vec largest = {0}, off;
#pragma GCC unroll 7
    for (int round = 0; round < 7; round++) {
      const eigen_turns t = eigen_turns_8(&m, &off);
      eigen_round_8(&m, t);
      largest = (vec)_mm512_max_pd((__m512d)absolute(t.sine), (__m512d)largest);
    }
    done = _mm512_cmp_pd_mask((__m512d)largest, _mm512_set1_pd(most), _CMP_LE_OQ) == 0xff;
  }
  store(lambda, eigen_diagonal_8(m.l, 0));
  for (int k = 0; k < 8; k++) store(v + 8 * k, m.v[k]);
  return done;
}

/* --- 4 x 4: two columns in a vector ---------------------------------------------------------- */

typedef struct eigen_4 {
  __m512d l[2], v[2];
} eigen_4;

INLINE vec eigen_halves_swapped(__m512d x) { return (vec)_mm512_shuffle_f64x2(x, x, 0x4e); }

INLINE eigen_turns eigen_turns_4(const eigen_4 *m)
{
  const __m512i off = _mm512_set_epi64(11, 11, 1, 1, 11, 11, 1, 1);
  const __m512i first = _mm512_set_epi64(10, 10, 0, 0, 10, 10, 0, 0);
  const __m512i second = _mm512_set_epi64(15, 15, 5, 5, 15, 15, 5, 5);
  return eigen_angles((vec)_mm512_permutex2var_pd(m->l[0], off, m->l[1]),
                      (vec)_mm512_permutex2var_pd(m->l[0], first, m->l[1]) -
                          (vec)_mm512_permutex2var_pd(m->l[0], second, m->l[1]));
}

/** Columns 0 and 1, and 2 and 3, of x; then columns 0, 3 and 1, 2 of the result, and its rows in
 * this order where `rows`. */
INLINE void eigen_columns_4(__m512d *x, eigen_turns t, bool rows)
{
  const __m512i first = rows ? _mm512_set_epi64(14, 13, 15, 12, 2, 1, 3, 0)
                             : _mm512_set_epi64(15, 14, 13, 12, 3, 2, 1, 0);
  const __m512i last = rows ? _mm512_set_epi64(10, 9, 11, 8, 6, 5, 7, 4)
                            : _mm512_set_epi64(11, 10, 9, 8, 7, 6, 5, 4);
  __m512d turned[2];
  for (int k = 0; k < 2; k++) {
    const mask second = {0, 0, 0, 0, 1, 1, 1, 1};
    const vec cosine = eigen_lane(t.cosine, 2 * k);
    const vec sine = (vec)((mask)eigen_lane(t.sine, 2 * k) ^ second << 63);
    turned[k] = (__m512d)multiply_add(cosine, (vec)x[k], sine * eigen_halves_swapped(x[k]));
  }
  x[0] = _mm512_permutex2var_pd(turned[0], first, turned[1]);
  x[1] = _mm512_permutex2var_pd(turned[0], last, turned[1]);
}

INLINE void eigen_round_4(eigen_4 *m, eigen_turns t)
{
  for (int k = 0; k < 2; k++)
    m->l[k] = (__m512d)multiply_add(t.cosine, (vec)m->l[k], t.sine * eigen_swapped((vec)m->l[k]));
  eigen_columns_4(m->l, t, true);
  eigen_columns_4(m->v, t, false);
}

INLINE bool eigen_sweeps_4(const double *l, double most, double *lambda, double *v)
{
  const __m512i diagonal = _mm512_set_epi64(15, 10, 5, 0, 15, 10, 5, 0);
  eigen_4 m = {{_mm512_loadu_pd(l), _mm512_loadu_pd(l + 8)},
               {(__m512d)(vec){1, 0, 0, 0, 0, 1, 0, 0}, (__m512d)(vec){0, 0, 1, 0, 0, 0, 0, 1}}};
  bool done = false;
  for (int sweep = 0; sweep < EIGEN_SWEEPS && !done; sweep++) {
    __m512d largest = _mm512_setzero_pd();
#pragma GCC unroll 3
    for (int round = 0; round < 3; round++) {
      const eigen_turns t = eigen_turns_4(&m);
      eigen_round_4(&m, t);
      largest = _mm512_max_pd((__m512d)absolute(t.sine), largest);
    }
    done = _mm512_cmp_pd_mask(largest, _mm512_set1_pd(most), _CMP_LE_OQ) == 0xff;
  }
  const __m512d found = _mm512_permutex2var_pd(m.l[0], diagonal, m.l[1]);
  _mm256_storeu_pd(lambda, _mm512_castpd512_pd256(found));
  _mm512_storeu_pd(v, m.v[0]);
  _mm512_storeu_pd(v + 8, m.v[1]);
  return done;
}

/** L (r x r, r = 4 or 8) = V diag(lambda) V^T up to about `most`^2 of L, without an order. False if
 * that takes too long, or L is not finite. */
INLINE bool eigen_small(int r, const double *l, double most, double *lambda, double *v)
{
  return r == 4 ? eigen_sweeps_4(l, most, lambda, v) : eigen_sweeps_8(l, most, lambda, v);
}
#endif
