/* What the levels of a run turned out to be: functions of averages. Equations: docs/theory/
 * jacobian.md, section 11. */
#include <math.h>

#include "residual_jacobian_levels.h"

/* Averages of the observables of levels, in table order. */
typedef struct averages {
  size_t count, first, last; /* levels; those in use */
  const double *mean, *square, *samples, *weight, *work;
  wmc_coupling coupling;
} averages;

static averages averages_of(const wmc_value *p, const double *means)
{
  const size_t n = wmc_levels_count(p);
  const double *rows = wmc_jacobian_mean(p, means, "level_difference");
  averages a = {n, n, 0, rows, rows + n, rows + 2 * n, rows + 3 * n, rows + 4 * n, 0};
  if (n == 0) return a;
  a.coupling = (wmc_coupling)lround(rows[5 * n]);
  for (size_t l = n; l-- > 0;)
    if (a.samples[l] > 0) a.first = l;
  for (size_t l = 0; l < n; l++)
    if (a.samples[l] > 0) a.last = l;
  return a;
}

static double variance_of(const averages *a, size_t l)
{
  return a->samples[l] > 0 ? a->square[l] - a->mean[l] * a->mean[l] : NAN;
}

void wmc_levels_variance(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const averages a = averages_of(p, means);
  (void)doubt;
  for (size_t l = 0; l < a.count; l++) out[l] = variance_of(&a, l);
}

static double mean_size(const averages *a, size_t l) { return fabs(a->mean[l]); }

/* Minus the slope of log2 of something of the pairs against their level, by least squares; NaN
 * below two pairs. */
static double rate(const averages *a, double (*of)(const averages *, size_t))
{
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  if (a->coupling != WMC_COUPLING_PAIRS) return NAN;
  for (size_t l = a->first + 1; l <= a->last; l++) {
    double level = (double)l, value = log2(of(a, l));
    n += 1;
    x += level;
    y += value;
    xx += level * level;
    xy += level * value;
  }
  return n < 2 ? NAN : -(n * xy - x * y) / (n * xx - x * x);
}

void wmc_levels_variance_rate(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const averages a = averages_of(p, means);
  (void)doubt;
  if (a.count > 0) out[0] = rate(&a, variance_of);
}

void wmc_levels_mean_rate(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const averages a = averages_of(p, means);
  (void)doubt;
  if (a.count > 0) out[0] = rate(&a, mean_size);
}

/* What a term of order 1/L^3 adds to four extrapolated depths: its coefficient is their divided
 * difference. */
static double fit_bias(const wmc_value *p, const averages *a)
{
  double difference = 0, effect = 0;
  for (size_t k = a->first; k <= a->last; k++) {
    double h = 1.0 / wmc_levels_depth(p, k), c = 1;
    for (size_t m = a->first; m <= a->last; m++)
      if (m != k) c /= h - 1.0 / wmc_levels_depth(p, m);
    difference += c * a->mean[k];
    effect += a->weight[k] * h * h * h;
  }
  return difference * effect;
}

/* From E(L) = E + b/L + c/L^2. With Richardson's weight the sum is off by -2 c/L_K^2, which is
 * (D_{K-1} - 2 D_K)/3; at a finite depth it differs from infinite depth by b/L = -D_K. */
void wmc_levels_bias(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const averages a = averages_of(p, means);
  (void)doubt;
  if (a.count == 0) return;
  out[0] = NAN;
  if (a.coupling == WMC_COUPLING_INDEPENDENT) out[0] = fit_bias(p, &a);
  if (a.coupling != WMC_COUPLING_PAIRS) return;
  if (a.weight[a.last] < 1.5)
    out[0] = -a.mean[a.last];
  else if (a.last > a.first + 1)
    out[0] = (a.mean[a.last - 1] - 2 * a.mean[a.last]) / 3;
}

static double square(double x) { return x * x; }

/* Variance times work of independent networks with the same mean: of the finest depth alone; with
 * Richardson's weight 2 E_K - E_{K-1}; or those that are extrapolated. */
static double independent_effort(const wmc_value *p, const averages *a)
{
  const bool pairs = a->coupling == WMC_COUPLING_PAIRS;
  double sum = 0;
  for (size_t l = a->first; l <= a->last; l++) {
    double weight = pairs ? a->weight[l] - (l < a->last ? a->weight[l + 1] : 0) : a->weight[l];
    sum += fabs(weight) * sqrt(wmc_levels_work(p, wmc_levels_depth(p, l), false));
  }
  return variance_of(a, a->first) * square(sum);
}

/* Variance times work: of independent networks, over that of the sum. */
void wmc_levels_gain(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const averages a = averages_of(p, means);
  double variance = 0, work = 0;
  (void)doubt;
  if (a.count == 0) return;
  for (size_t l = a.first; l <= a.last; l++) {
    variance += square(a.weight[l]) * variance_of(&a, l) / a.samples[l];
    work += a.samples[l] * a.work[l];
  }
  out[0] = independent_effort(p, &a) / (variance * work);
}
