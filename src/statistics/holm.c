#include "weylmc/statistics/holm.h"

#include <math.h>

/* The place of test k in the order of p-values, equal ones in the order given; from 0. */
static size_t rank_of(size_t n, const double *p, size_t k)
{
  size_t rank = 0;
  for (size_t j = 0; j < n; j++) rank += p[j] < p[k] || (p[j] == p[k] && j < k);
  return rank;
}

static double adjust(size_t n, double tests, const double *p, size_t k)
{
  double worst = 0;
  const size_t own = rank_of(n, p, k);
  for (size_t j = 0; j < n; j++) {
    if (isnan(p[j])) continue;
    const size_t rank = rank_of(n, p, j);
    if (rank <= own) worst = fmax(worst, fmin(1, (tests - (double)rank) * p[j]));
  }
  return worst;
}

double wmc_holm(size_t n, const double *p, double *adjusted)
{
  double tests = 0, least = NAN;
  for (size_t k = 0; k < n; k++) tests += !isnan(p[k]);
  for (size_t k = 0; k < n; k++) {
    adjusted[k] = isnan(p[k]) ? NAN : adjust(n, tests, p, k);
    least = fmin(least, adjusted[k]);
  }
  return least;
}
