/** @file vector.h  Sums over arrays, one term after another: the same bits for every compiler and
 * instruction set. Part of most formulas of src/geometry, and checked with them
 * (tests/check/geometry_*.c). Reentrant; allocates nothing.
 */
#pragma once

static inline double wmc_sum(int n, const double *x)
{
  double sum = 0;
  for (int k = 0; k < n; k++) sum += x[k];
  return sum;
}

static inline double wmc_dot(int n, const double *x, const double *y)
{
  double sum = 0;
  for (int k = 0; k < n; k++) sum += x[k] * y[k];
  return sum;
}
