#include "weylmc/jacobian/graded.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

enum { SWEEPS_MAX = 60 };

static void swap_columns(int d, double *a, double *b)
{
  for (int k = 0; k < d; k++) {
    double t = a[k];
    a[k] = b[k];
    b[k] = t;
  }
}

/* Columns of norm 1, in order of decreasing exponent, and those of v in the same order. */
static void normalise(int d, double *y, double *r, double *v)
{
  for (int j = 0; j < d; j++) {
    double *column = y + (ptrdiff_t)j * d, norm2 = 0;
    for (int k = 0; k < d; k++) norm2 += column[k] * column[k];
    double factor = norm2 > 0 ? 1 / sqrt(norm2) : 0;
    r[j] += 0.5 * log(norm2);
    for (int k = 0; k < d; k++) column[k] *= factor;
  }
  for (int i = 1; i < d; i++)
    for (int j = i; j > 0 && r[j - 1] < r[j]; j--) {
      double t = r[j];
      r[j] = r[j - 1];
      r[j - 1] = t;
      swap_columns(d, y + (ptrdiff_t)j * d, y + (ptrdiff_t)(j - 1) * d);
      if (v) swap_columns(d, v + (ptrdiff_t)j * d, v + (ptrdiff_t)(j - 1) * d);
    }
}

/* Make big e^0 and small e^{log rho}, rho <= 1, orthogonal, and turn the columns `first` and
 * `second` of v by the same angle. Returns the cosine that they had. */
static double rotate(int d, double *big, double *small, double rho, double *first, double *second)
{
  double a = 0, b = 0, c = 0;
  for (int k = 0; k < d; k++) {
    a += big[k] * big[k];
    b += small[k] * small[k];
    c += big[k] * small[k];
  }
  double cosine = fabs(c) / sqrt(a * b);
  if (!(cosine > DBL_EPSILON)) return a * b > 0 ? cosine : 0;
  double rho2 = rho * rho, difference = a - rho2 * b;
  double root = sqrt(difference * difference + 4 * rho2 * c * c);
  /* the tangent of the angle is rho times this */
  double tangent = 2 * c / (difference + copysign(root, difference));
  double cosine_angle = 1 / sqrt(1 + rho2 * tangent * tangent);
  for (int k = 0; k < d; k++) {
    double x = big[k], z = small[k];
    big[k] = cosine_angle * (x + rho2 * tangent * z);
    small[k] = cosine_angle * (z - tangent * x);
  }
  for (int k = 0; first && k < d; k++) {
    double x = first[k], z = second[k];
    first[k] = cosine_angle * (x + rho * tangent * z);
    second[k] = cosine_angle * (z - rho * tangent * x);
  }
  return cosine;
}

static double sweep(int d, double *y, const double *r, double *v)
{
  double worst = 0;
  for (int i = 0; i < d; i++)
    for (int j = i + 1; j < d; j++) {
      double rho = r[j] > -HUGE_VAL ? exp(r[j] - r[i]) : 0;
      ptrdiff_t first = (ptrdiff_t)i * d, second = (ptrdiff_t)j * d;
      double cosine =
          rotate(d, y + first, y + second, rho, v ? v + first : NULL, v ? v + second : NULL);
      if (!(cosine <= worst)) worst = cosine;
    }
  return worst;
}

bool wmc_graded_singular_vectors(int d, double *y, double *r, double *v)
{
  const double tolerance = DBL_EPSILON * sqrt(d);
  for (int s = 0; s < SWEEPS_MAX; s++) {
    normalise(d, y, r, v);
    if (sweep(d, y, r, v) <= tolerance) {
      normalise(d, y, r, v);
      return true;
    }
  }
  return false;
}

bool wmc_graded_singular_values(int d, double *y, double *r)
{
  return wmc_graded_singular_vectors(d, y, r, NULL);
}
