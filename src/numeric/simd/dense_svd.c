#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "dense_kernels.h"

enum { MOST_SWEEPS = 60 };

/* Squared norm of a column that counts as zero: e^-318 of the largest. A column that depends on
 * others loses 16 digits a sweep until it comes here. */
static const double NOTHING = 0x1p-480;

static double dot(int n, const double *x, const double *y)
{
  double sum = 0;
  for (int i = 0; i < n; i++) sum += x[i] * y[i];
  return sum;
}

static void rotate(int n, double c, double s, double *restrict x, double *restrict y)
{
  for (int i = 0; i < n; i++) {
    double old = x[i];
    x[i] = c * old + s * y[i];
    y[i] = c * y[i] - s * old;
  }
}

/** Factor, a power of two, that brings the largest |y| near 2^220: squares of entries 2^-460 times
 * smaller are normal numbers, and products of two squared norms do not overflow. */
static double scale_of(int size, const double *y)
{
  double largest = 0;
  for (int i = 0; i < size; i++) largest = fmax(largest, fabs(y[i]));
  if (!(largest > 0) || isinf(largest)) return 1;
  int exponent;
  frexp(largest, &exponent);
  return ldexp(1.0, exponent < -700 ? 920 : 220 - exponent);
}

/** Rotate columns p < q to be orthogonal; false if they are already. */
static bool orthogonalise(int m, int n, double *yp, double *yq, double *vp, double *vq)
{
  double alpha = dot(m, yp, yp), beta = dot(m, yq, yq), gamma = dot(m, yp, yq);
  if (!(fmin(alpha, beta) > NOTHING)) return false;
  if (!(fabs(gamma) > DBL_EPSILON * sqrt((double)m) * sqrt(alpha) * sqrt(beta))) return false;
  double difference = alpha - beta, root = sqrt(difference * difference + 4 * gamma * gamma);
  double t = 2 * gamma / (fabs(difference) + root);
  if (difference < 0) t = -t;
  double c = 1 / sqrt(1 + t * t);
  rotate(m, c, c * t, yp, yq);
  if (vp != NULL) rotate(n, c, c * t, vp, vq);
  return true;
}

static void swap_columns(int n, double *x, double *y)
{
  for (int i = 0; i < n; i++) {
    double t = x[i];
    x[i] = y[i];
    y[i] = t;
  }
}

/** Sort columns by decreasing norm; s receives the norms. */
static void sort_columns(int m, int n, double *y, double *v, double *s)
{
  for (int j = 0; j < n; j++) s[j] = sqrt(dot(m, y + (long)j * m, y + (long)j * m));
  for (int j = 0; j < n; j++) {
    int largest = j;
    for (int l = j + 1; l < n; l++)
      if (s[l] > s[largest]) largest = l;
    if (largest == j) continue;
    double t = s[j];
    s[j] = s[largest];
    s[largest] = t;
    swap_columns(m, y + (long)j * m, y + (long)largest * m);
    if (v != NULL) swap_columns(n, v + (long)j * n, v + (long)largest * n);
  }
}

int WMC_SIMD_NAME(wmc_svd_sweeps)(int m, int n, double *y, double *v, double *s, double *scratch)
{
  (void)scratch;
  double scale = scale_of(m * n, y);
  for (int i = 0; i < m * n; i++) y[i] *= scale;
  sort_columns(m, n, y, v, s);
  int sweep = 0;
  for (bool rotated = true; rotated && sweep < MOST_SWEEPS; sweep++) {
    rotated = false;
    for (int p = 0; p < n; p++)
      for (int q = p + 1; q < n; q++)
        rotated |= orthogonalise(m, n, y + (long)p * m, y + (long)q * m, v ? v + (long)p * n : NULL,
                                 v ? v + (long)q * n : NULL);
  }
  sort_columns(m, n, y, v, s);
  for (int i = 0; i < m * n; i++) y[i] /= scale;
  for (int j = 0; j < n; j++) s[j] /= scale;
  return sweep;
}
