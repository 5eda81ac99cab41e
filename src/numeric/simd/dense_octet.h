/** @file dense_octet.h  One Jacobi sweep over up to 8 columns of 8 padded rows, in registers.
 *
 * The columns sit at a table of 4 pairs; after each of 7 rounds all but the first move on by one
 * seat, so that every round is the same code and after the last all are back in their places. What
 * a round costs is the latency of one dot product, two square roots and a division.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "dense_vector.h"

#if defined(__AVX__)
enum { SEATS = 4, PARTS = 8 / LANES }; /* pairs, and vectors a column of Y (and one of V) */

typedef struct seat {
  vec part[2 * PARTS]; /* Y, then V */
} seat;

/** Entries 0..3: x_k . y_k, and |x_k|^2 - |y_k|^2 = (x_k - y_k) . (x_k + y_k); Y alone. */
INLINE void octet_sums(const seat *x, const seat *y, vec *dots, vec *differences)
{
  vec products[2 * SEATS];
  for (int k = 0; k < SEATS; k++) {
    products[k] = products[SEATS + k] = (vec){0};
    for (int p = 0; p < PARTS; p++) {
      vec u = x[k].part[p], v = y[k].part[p];
      products[k] = multiply_add(u, v, products[k]);
      products[SEATS + k] = multiply_add(u - v, u + v, products[SEATS + k]);
    }
  }
#if defined(__AVX512F__)
  *dots = sums_of(products);
  *differences = (vec)_mm512_shuffle_f64x2((__m512d)*dots, (__m512d)*dots, 0x4e);
#else
  *dots = sums_of(products);
  *differences = sums_of(products + SEATS);
#endif
}

/** The rotations of dense_svd.c; none where both columns count as `nothing`. */
INLINE void octet_angles(vec g, vec d, double nothing, vec *cosine, vec *sine)
{
  vec length = absolute(d) + root(d * d + 4 * g * g);
  vec twice = with_sign(2 * g, (vec)((mask)g ^ (mask)d));
  vec inverse = 1 / root(length * length + twice * twice);
  mask some = length > nothing;
  *cosine = where(some, length * inverse) + where(~some, all(1));
  *sine = where(some, twice * inverse);
}

INLINE void octet_rotate(vec cosine, vec sine, int parts, seat *x, seat *y)
{
  for (int p = 0; p < parts; p++) {
    vec u = x->part[p], v = y->part[p];
    x->part[p] = multiply_add(cosine, u, sine * v);
    y->part[p] = multiply_add(cosine, v, -(sine * u));
  }
}

/** Everyone but x[0] moves to the next seat: along x, across, and back along y. */
INLINE void octet_move(seat *x, seat *y)
{
  seat last = x[SEATS - 1];
  for (int k = SEATS - 1; k > 1; k--) x[k] = x[k - 1];
  x[1] = y[0];
  for (int k = 0; k < SEATS - 1; k++) y[k] = y[k + 1];
  y[SEATS - 1] = last;
}

/** work: n <= 8 columns at a distance of stride; `parts`: vectors of a column, PARTS or twice that,
 * as a constant. */
INLINE void octet_sweep(double *work, int n, ptrdiff_t stride, int parts, double nothing)
{
  seat x[SEATS], y[SEATS];
  const seat empty = {{{0}}};
  for (int k = 0; k < SEATS; k++) {
    x[k] = y[k] = empty;
    for (int p = 0; p < parts && 2 * k < n; p++)
      x[k].part[p] = load(work + 2 * k * stride + p * LANES);
    for (int p = 0; p < parts && 2 * k + 1 < n; p++)
      y[k].part[p] = load(work + (2 * k + 1) * stride + p * LANES);
  }
  for (int round = 0; round < 2 * SEATS - 1; round++) {
    vec g, d, cosine, sine;
    octet_sums(x, y, &g, &d);
    octet_angles(g, d, nothing, &cosine, &sine);
    for (int k = 0; k < SEATS; k++) octet_rotate(all(cosine[k]), all(sine[k]), parts, &x[k], &y[k]);
    octet_move(x, y);
  }
  for (int k = 0; k < SEATS; k++) {
    for (int p = 0; p < parts && 2 * k < n; p++)
      store(work + 2 * k * stride + p * LANES, x[k].part[p]);
    for (int p = 0; p < parts && 2 * k + 1 < n; p++)
      store(work + (2 * k + 1) * stride + p * LANES, y[k].part[p]);
  }
}
#endif
