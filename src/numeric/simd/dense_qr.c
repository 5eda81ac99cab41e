#include <float.h>
#include <math.h>

#include "dense_kernels.h"

static double dot(int n, const double *x, const double *y)
{
  double sum = 0;
  for (int i = 0; i < n; i++) sum += x[i] * y[i];
  return sum;
}

static void subtract(int n, double factor, const double *restrict x, double *restrict y)
{
  for (int i = 0; i < n; i++) y[i] -= factor * x[i];
}

/** Power of two that brings the largest |x| near 1. */
static double scale_of(int n, const double *x)
{
  double largest = 0;
  for (int i = 0; i < n; i++) largest = fmax(largest, fabs(x[i]));
  return largest > 0 && largest <= DBL_MAX ? ldexp(1.0, -ilogb(largest) / 2) : 1;
}

/** Vector v, |v|^2 = 2, in place of x with (1 - v v^T) x = r e_1; returns r, |r| = |x|, whose sign
 * is opposite to that of x_1. */
static double reflector(int n, double *x)
{
  double square = dot(n, x, x), scale = 1;
  if (!(square > 1e-250 && square < 1e250)) { /* twice half the exponent: 2^+-1022 would overflow */
    scale = scale_of(n, x);
    for (int i = 0; i < n; i++) x[i] = x[i] * scale * scale;
    square = dot(n, x, x);
  }
  if (square == 0) {
    x[0] = sqrt(2.0);
    return 0;
  }
  double r = x[0] > 0 ? -sqrt(square) : sqrt(square), first = x[0] - r;
  double factor = 1 / sqrt(fabs(r * first));
  x[0] = first;
  for (int i = 0; i < n; i++) x[i] *= factor;
  return r / scale / scale;
}

void WMC_SIMD_NAME(wmc_qr_householder)(int m, int n, double *a, double *r, double *scratch)
{
  double *diagonal = scratch;
  for (int j = 0; j < n; j++) {
    double *v = a + j + (long)j * m;
    diagonal[j] = reflector(m - j, v);
    for (int l = j + 1; l < n; l++) {
      double *column = a + j + (long)l * m;
      subtract(m - j, dot(m - j, v, column), v, column);
    }
  }
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) {
      double entry = i < j ? a[i + (long)j * m] : i == j ? diagonal[j] : 0;
      r[i + (long)j * n] = diagonal[i] < 0 ? -entry : entry;
    }
  for (int j = n - 1; j >= 0; j--) {
    double *v = a + j + (long)j * m;
    for (int l = j + 1; l < n; l++) {
      double *column = a + j + (long)l * m;
      column[0] = 0;
      subtract(m - j, dot(m - j, v, column), v, column);
    }
    double first = v[0];
    for (int i = 0; i < m - j; i++) v[i] *= -first;
    v[0] += 1;
    for (int i = 0; i < j; i++) a[i + (long)j * m] = 0;
  }
  for (int j = 0; j < n; j++)
    if (diagonal[j] < 0)
      for (int i = 0; i < m; i++) a[i + (long)j * m] = -a[i + (long)j * m];
}
