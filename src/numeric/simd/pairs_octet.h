/** @file pairs_octet.h  Sums over all pairs of up to 8 points at once.
 *
 * Point i meets point i + s modulo 8, all i together, for s = 1 .. 4: nothing has to be added up
 * within a vector. Where i + s wraps around, the larger of the two is the other one.
 */
#pragma once
#include "weylmc/numeric/pairs.h"
#if defined(__AVX512F__)
#include <immintrin.h>

#define OCTET static inline __attribute__((always_inline))

typedef struct octet_points {
  __m512d x, q, y, g;
} octet_points;

OCTET octet_points octet_load(const wmc_pairs *p)
{
  return (octet_points){_mm512_loadu_pd(p->x), _mm512_loadu_pd(p->q), _mm512_loadu_pd(p->y),
                        _mm512_loadu_pd(p->weight)};
}

/* Entry i becomes entry i + s modulo 8. */
OCTET __m512d octet_turn(__m512d a, int s)
{
  const __m512i places = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
  return _mm512_permutexvar_pd(_mm512_add_epi64(places, _mm512_set1_epi64(s)), a);
}

OCTET octet_points octet_points_turn(octet_points a, int s)
{
  return (octet_points){octet_turn(a.x, s), octet_turn(a.q, s), octet_turn(a.y, s),
                        octet_turn(a.g, s)};
}

OCTET octet_points octet_pick(__mmask8 m, octet_points a, octet_points b)
{
  return (octet_points){_mm512_mask_blend_pd(m, a.x, b.x), _mm512_mask_blend_pd(m, a.q, b.q),
                        _mm512_mask_blend_pd(m, a.y, b.y), _mm512_mask_blend_pd(m, a.g, b.g)};
}

/* Shifts and slopes of both points of a pair. */
typedef struct octet_sums {
  __m512d shift[2], slope[2];
} octet_sums;

/* Pairs of `a`, the larger, with `b`; 0 where they are not apart or not in `which`. */
OCTET octet_sums octet_meet(octet_points a, octet_points b, __mmask8 which, double w, double mirror,
                            int *apart)
{
  const __m512d one = _mm512_set1_pd(1), half = _mm512_set1_pd(0.5);
  const __m512d far_y = _mm512_max_pd(1e-3 * a.y, _mm512_set1_pd(1e-290));
  const __m512d gap = a.x - b.x, dy = a.y - b.y, dq = a.q - b.q;
  which = _mm512_mask_cmp_pd_mask(which, dy, far_y, _CMP_GT_OQ);
  which = _mm512_mask_cmp_pd_mask(which, dq, 1e-6 * _mm512_abs_pd(a.x), _CMP_GT_OQ);
  const __m512d y = _mm512_mask_blend_pd(which, one, dy), q = _mm512_mask_blend_pd(which, one, dq);
  const __m512d both = one / (y * q), fy = both * q, fq = both * y;
  const __m512d out = half * (_mm512_sqrt_pd(gap * gap + 2 * w) - gap), up = mirror * gap * fq;
  *apart += __builtin_popcount(which);
  return (octet_sums){
      .shift = {_mm512_maskz_mov_pd(which, up + out), _mm512_maskz_mov_pd(which, up - out)},
      .slope = {_mm512_maskz_mov_pd(which, a.y * fy - a.g * fq),
                _mm512_maskz_mov_pd(which, b.g * fq - b.y * fy)}};
}

/* As wmc_pairs_sum for 3 to 8 padded points; returns the number of pairs that are apart. */
OCTET int octet_sum(const wmc_pairs *p, double mirror, double *shift, double *slope)
{
  const octet_points here = octet_load(p);
  __m512d shifts = _mm512_setzero_pd(), slopes = shifts;
  int apart = 0;
  for (int s = 1; s <= 4 && s < p->n; s++) {
    const __mmask8 wrapped = (__mmask8)(0xff << (8 - s)), which = s == 4 ? 0x0f : 0xff;
    const octet_points there = octet_points_turn(here, s);
    const octet_sums sums =
        octet_meet(octet_pick(wrapped, here, there), octet_pick(wrapped, there, here), which,
                   p->strength, mirror, &apart);
    shifts += _mm512_mask_blend_pd(wrapped, sums.shift[0], sums.shift[1]);
    slopes += _mm512_mask_blend_pd(wrapped, sums.slope[0], sums.slope[1]);
    shifts += octet_turn(_mm512_mask_blend_pd(wrapped, sums.shift[1], sums.shift[0]), 8 - s);
    slopes += octet_turn(_mm512_mask_blend_pd(wrapped, sums.slope[1], sums.slope[0]), 8 - s);
  }
  _mm512_storeu_pd(shift, shifts);
  _mm512_storeu_pd(slope, slopes);
  return apart;
}
#endif
