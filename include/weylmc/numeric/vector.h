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

/** x^* y, of n real numbers (parts 1: out[1] is 0) or complex ones (parts 2: re, im). */
static inline void wmc_inner(int parts, int n, const double *x, const double *y, double out[2])
{
  out[0] = out[1] = 0;
  for (int i = 0; i < parts * n; i++) out[0] += x[i] * y[i];
  for (int i = 0; parts == 2 && i < 2 * n; i += 2) out[1] += x[i] * y[i + 1] - x[i + 1] * y[i];
}

/** y -= x (x^* y): for |x| = 1 what is orthogonal to x, for |x|^2 = 2 a reflection. */
static inline void wmc_take_out(int parts, int n, const double *restrict x, double *restrict y)
{
  double along[2];
  wmc_inner(parts, n, x, y, along);
  for (int i = 0; i < parts * n; i++) y[i] -= along[0] * x[i];
  for (int i = 0; parts == 2 && i < 2 * n; i += 2) {
    y[i] += along[1] * x[i + 1];
    y[i + 1] -= along[1] * x[i];
  }
}
