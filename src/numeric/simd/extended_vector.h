/** @file extended_vector.h  Vectors of numbers high + low.
 *
 * Compile without contraction (-ffp-contract=off): the differences below are meant as they stand.
 * Knuth's and Dekker's exact sums and products; T. J. Dekker, A floating-point technique for
 * extending the available precision, Numer. Math. 18, 224 (1971).
 */
#pragma once
#include "dense_vector.h"

typedef struct two {
  vec high, low;
} two;

INLINE two load_two(const double *high, const double *low) { return (two){load(high), load(low)}; }

INLINE void store_two(double *high, double *low, two x)
{
  store(high, x.high);
  store(low, x.low);
}

INLINE two all_two(double high, double low) { return (two){all(high), all(low)}; }

/** a + b, exactly. */
INLINE two sum_exact(vec a, vec b)
{
  const vec s = a + b, t = s - a;
  return (two){s, (a - (s - t)) + (b - t)};
}

/** The same where |a| >= |b|. */
INLINE two sum_ordered(vec a, vec b)
{
  const vec s = a + b;
  return (two){s, b - (s - a)};
}

/** a b, exactly. */
INLINE two product_exact(vec a, vec b)
{
  const vec p = a * b;
#if defined(__FMA__) || defined(__aarch64__)
  return (two){p, multiply_add(a, b, -p)};
#else
  const double splitter = 134217729; /* 2^27 + 1 */
  const vec c = splitter * a, d = splitter * b;
  const vec a1 = c - (c - a), a2 = a - a1, b1 = d - (d - b), b2 = b - b1;
  return (two){p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2};
#endif
}

INLINE two product(two a, two b)
{
  const two p = product_exact(a.high, b.high);
  return (two){p.high, multiply_add(a.low, b.high, multiply_add(a.high, b.low, p.low))};
}

INLINE two difference(two a, two b)
{
  const two s = sum_exact(a.high, -b.high);
  return sum_ordered(s.high, s.low + (a.low - b.low));
}

/** sum += x, where sum.low is free to grow: normalise when all is added. */
INLINE void add_to(two *sum, two x)
{
  const two s = sum_exact(sum->high, x.high);
  sum->high = s.high;
  sum->low += s.low + x.low;
}

/** sqrt(a); 0 for 0. */
INLINE two root_two(two a)
{
  const vec r = root(a.high);
  const two square = product_exact(r, r);
  const vec rest = ((a.high - square.high) - square.low) + a.low;
  return sum_ordered(r, where(r > 0, rest / (2 * r)));
}

/** 1/a; 0 for 0. */
INLINE two inverse_two(two a)
{
  const vec y = 1 / a.high;
  const two back = product_exact(a.high, y);
  const vec rest = ((1 - back.high) - back.low) - a.low * y;
  const two inverse = sum_ordered(y, y * rest);
  const mask some = a.high != 0;
  return (two){where(some, inverse.high), where(some, inverse.low)};
}
