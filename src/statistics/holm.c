#include "weylmc/statistics/holm.h"

#include <math.h>

/* The place of test k in the order of p-values, equal ones in the order given; from 0. */
static size_t rank_of(size_t n, const double *p, size_t k)
{
  size_t rank = 0;
  for (size_t j = 0; j < n; j++) rank += p[j] < p[k] || (p[j] == p[k] && j < k);
  return rank;
}

double wmc_holm(size_t n, const double *p, double *adjusted)
{
  double tests = 0, least = NAN;
  for (size_t k = 0; k < n; k++) tests += !isnan(p[k]);
  for (size_t k = 0; k < n; k++)
    adjusted[k] = isnan(p[k]) ? NAN : fmin(1, (tests - (double)rank_of(n, p, k)) * p[k]);
  /* the greatest up to k in the order; what has become greatest already changes no other */
  for (size_t k = 0; k < n; k++) {
    for (size_t j = 0; j < n; j++)
      if (p[j] < p[k] || (p[j] == p[k] && j < k)) adjusted[k] = fmax(adjusted[k], adjusted[j]);
    least = fmin(least, adjusted[k]);
  }
  return least;
}
