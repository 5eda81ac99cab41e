/** @file chain_eigen.h  Vectors of a symmetric 4 x 4 or 8 x 8 matrix, in registers.
 *
 * Jacobi rotations in rounds of disjoint pairs: columns sit at a table of pairs and all but the
 * first move on by one seat after each round. Columns of B = L V stand above (4 x 4), or beside
 * those of V, so that two sums give L_ij and L_ii - L_jj in the present basis. V is a product of
 * rotations, orthogonal to rounding; sweeps end when those of the last one were so small that what
 * is left is of no account. Their angles are those of Jacobi up to third order, at most 45 degrees.
 */
#pragma once
#include <math.h>
#include <stdbool.h>

#include "dense_vector.h"

#if defined(__AVX512F__)
enum { EIGEN_PAIRS = 4, EIGEN_SWEEPS = 12 };

typedef struct eigen_place {
  vec b, v; /* at 4 x 4 both in b */
} eigen_place;

INLINE vec halves_swapped(vec x) { return (vec)_mm512_shuffle_f64x2((__m512d)x, (__m512d)x, 0x4e); }

/* Twice L_ij in entries 0 .. 3, twice L_ii - L_jj in the other half. */
INLINE vec eigen_sums(int pairs, const eigen_place *x, const eigen_place *y)
{
  vec products[8];
  for (int k = 0; k < EIGEN_PAIRS; k++) {
    products[k] = products[4 + k] = (vec){0};
    if (k >= pairs) continue;
    if (pairs == 2) {
      products[k] = x[k].b * halves_swapped(y[k].b);
      products[4 + k] = (x[k].b - y[k].b) * halves_swapped(x[k].b + y[k].b);
    } else {
      products[k] = multiply_add(x[k].b, y[k].v, x[k].v * y[k].b);
      products[4 + k] =
          multiply_add(x[k].b - y[k].b, x[k].v + y[k].v, (x[k].b + y[k].b) * (x[k].v - y[k].v));
    }
  }
  return sums_of(products);
}

/* tan = z (1 + z) / (1 + z + z^2) of z = |g / d|. */
INLINE void eigen_angles(vec g, vec d, vec *cosine, vec *sine)
{
  const vec size = absolute(g), gap = absolute(d);
  const vec up = size * (gap + size), down = multiply_add(gap, gap + size, size * size);
  const vec inverse = 1 / root(multiply_add(up, up, down * down));
  const mask some = down > 0x1p-500;
  *cosine = where(some, down * inverse) + where(~some, all(1));
  *sine = where(some, with_sign(up * inverse, (vec)((mask)g ^ (mask)d)));
}

INLINE void eigen_rotate(int pairs, double c, double s, eigen_place *x, eigen_place *y)
{
  const vec cosine = all(c), sine = all(s), u = x->b, v = y->b;
  x->b = multiply_add(cosine, u, sine * v);
  y->b = multiply_add(cosine, v, -(sine * u));
  if (pairs == 2) return;
  const vec up = x->v, down = y->v;
  x->v = multiply_add(cosine, up, sine * down);
  y->v = multiply_add(cosine, down, -(sine * up));
}

INLINE void eigen_move(int pairs, eigen_place *x, eigen_place *y)
{
  const eigen_place last = x[pairs - 1];
  for (int k = pairs - 1; k > 1; k--) x[k] = x[k - 1];
  x[1] = y[0];
  for (int k = 0; k < pairs - 1; k++) y[k] = y[k + 1];
  y[pairs - 1] = last;
}

/* All pairs once; the largest sines. */
INLINE vec eigen_sweep(int pairs, eigen_place *x, eigen_place *y)
{
  vec largest = {0};
  for (int round = 0; round < 2 * pairs - 1; round++) {
    const vec sums = eigen_sums(pairs, x, y);
    vec cosine, sine;
    eigen_angles(sums, halves_swapped(sums), &cosine, &sine);
    const vec size = absolute(sine);
    const mask more = size > largest;
    largest = (vec)((more & (mask)size) | (~more & (mask)largest));
    for (int k = 0; k < pairs; k++) eigen_rotate(pairs, cosine[k], sine[k], &x[k], &y[k]);
    eigen_move(pairs, x, y);
  }
  return largest;
}

INLINE eigen_place eigen_column(int r, const double *l, int j)
{
  double unit[8] = {0};
  unit[j] = 1;
  if (r == 8) return (eigen_place){load(l + 8 * j), load(unit)};
  return (eigen_place){(vec)_mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_loadu_pd(l + 4 * j)),
                                               _mm256_loadu_pd(unit), 1),
                       {0}};
}

/** L (r x r, r = 4 or 8) = V diag(lambda) V^T up to about `most`^3 of L, without an order. False if
 * that takes too long, or L is not finite. */
INLINE bool eigen_small(int r, const double *l, double most, double *lambda, double *v)
{
  const int pairs = r / 2;
  eigen_place x[EIGEN_PAIRS], y[EIGEN_PAIRS];
  bool done = false;
  for (int k = 0; k < pairs; k++) {
    x[k] = eigen_column(r, l, 2 * k);
    y[k] = eigen_column(r, l, 2 * k + 1);
  }
  for (int sweep = 0; sweep < EIGEN_SWEEPS && !done; sweep++) {
    const vec sines = eigen_sweep(pairs, x, y), ends = all(most);
    /* the other half has nothing to say */
    const mask far = ~(sines <= ends) & (mask){-1, -1, -1, -1};
    done = sum_of(where(far, all(1))) == 0;
  }
  for (int j = 0; j < r; j++) {
    const eigen_place c = j % 2 ? y[j / 2] : x[j / 2];
    if (r == 8) {
      store(v + 8 * j, c.v);
      lambda[j] = sum_of(c.b * c.v);
    } else {
      _mm256_storeu_pd(v + 4 * j, _mm512_extractf64x4_pd((__m512d)c.b, 1));
      lambda[j] = 0.5 * sum_of(c.b * halves_swapped(c.b));
    }
  }
  return done;
}
#endif
