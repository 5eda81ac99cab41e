#include "residual_jacobian_spectrum.h"

#include <math.h>
#include <string.h>

static size_t put(double value, double *out)
{
  *out = value;
  return 1;
}

static bool is_finite(double lambda) { return lambda > -INFINITY; }

double wmc_jacobian_apart(double upper, double lower)
{
  return is_finite(lower) ? upper - lower : INFINITY;
}

/* ---- the metric ----------------------------------------------------------------------------- */

size_t wmc_jacobian_distance(const wmc_jacobian_spectrum *s, double *out)
{
  double norm = 0;
  for (size_t i = 0; i < s->d; i++) norm = hypot(norm, s->values[i]);
  return put(2 * norm, out);
}

/* sum_i e^{power (lambda_i - lambda_1)}; 0 for the zero matrix. */
static double relative_sum(const wmc_jacobian_spectrum *s, double power)
{
  double sum = 0;
  for (size_t i = 0; i < s->d && is_finite(s->values[i]); i++)
    sum += exp(power * (s->values[i] - s->values[0]));
  return sum;
}

size_t wmc_jacobian_stable_rank(const wmc_jacobian_spectrum *s, double *out)
{
  return put(relative_sum(s, 2), out);
}

size_t wmc_jacobian_participation(const wmc_jacobian_spectrum *s, double *out)
{
  double trace = relative_sum(s, 2), squares = relative_sum(s, 4);
  return put(squares > 0 ? trace * trace / squares : 0, out);
}

size_t wmc_jacobian_anisotropy(const wmc_jacobian_spectrum *s, double *out)
{
  double mean = 0, sum = 0;
  if (!is_finite(s->values[s->d - 1])) return put(INFINITY, out);
  for (size_t i = 0; i < s->d; i++) mean += s->values[i] / (double)s->d;
  for (size_t i = 0; i < s->d; i++) sum += exp(2 * (s->values[i] - mean));
  return put(sum / (double)s->d, out);
}

/* log sinh x, x >= 0; never overflows. */
static double log_sinh(double x) { return x < INFINITY ? x + log(-0.5 * expm1(-2 * x)) : INFINITY; }

/* Fourier modes are independent of each other, each with the repulsion of its numbers. */
size_t wmc_jacobian_boltzmann_entropy(const wmc_jacobian_spectrum *s, double *out)
{
  double sum = 0;
  for (size_t k = 0; k < s->modes; k++) {
    const double *level = s->levels + k * s->channels;
    const int beta = wmc_split_parts(s->split, (int)k);
    for (size_t i = 0; i < s->channels; i++)
      for (size_t j = i + 1; j < s->channels; j++)
        sum += beta * log_sinh(wmc_jacobian_apart(level[i], level[j]));
  }
  return put(sum, out);
}

size_t wmc_jacobian_log_sine(const wmc_jacobian_spectrum *s, double *out)
{
  return s->angle ? put(s->log_sine, out) : 0;
}

/* ---- moments -------------------------------------------------------------------------------- */

static double or_zero(double x) { return is_finite(x) ? x : 0; }

static double finite_sum(const wmc_jacobian_spectrum *s)
{
  double sum = 0;
  for (size_t i = 0; i < s->d; i++) sum += s->values[i];
  return or_zero(sum);
}

/* Gap i where both its values are finite. */
static double finite_gap(const wmc_jacobian_spectrum *s, size_t i)
{
  return is_finite(s->values[i + 1]) ? s->values[i] - s->values[i + 1] : 0;
}

size_t wmc_jacobian_finite_sum(const wmc_jacobian_spectrum *s, double *out)
{
  return s->loses ? put(finite_sum(s), out) : 0;
}

size_t wmc_jacobian_finite_gap(const wmc_jacobian_spectrum *s, double *out)
{
  if (!s->loses) return 0;
  for (size_t i = 0; i + 1 < s->d; i++) out[i] = finite_gap(s, i);
  return s->d - 1;
}

size_t wmc_jacobian_square_values(const wmc_jacobian_spectrum *s, double *out)
{
  for (size_t i = 0; i < s->d; i++) out[i] = or_zero(s->values[i]) * or_zero(s->values[i]);
  return s->d;
}

size_t wmc_jacobian_square_sum(const wmc_jacobian_spectrum *s, double *out)
{
  return put(finite_sum(s) * finite_sum(s), out);
}

size_t wmc_jacobian_square_gap(const wmc_jacobian_spectrum *s, double *out)
{
  for (size_t i = 0; i + 1 < s->d; i++) out[i] = finite_gap(s, i) * finite_gap(s, i);
  return s->d - 1;
}

size_t wmc_jacobian_square_growth(const wmc_jacobian_spectrum *s, double *out)
{
  return put(or_zero(s->growth) * or_zero(s->growth), out);
}

size_t wmc_jacobian_products(const wmc_jacobian_spectrum *s, double *out)
{
  const size_t d = s->request->covariance ? s->d : 0;
  for (size_t i = 0; i < d; i++)
    for (size_t j = 0; j < d; j++) {
      bool finite = is_finite(s->values[i > j ? i : j]);
      double first = i <= j ? s->values[i] : 1;
      out[i * d + j] = finite ? first * s->values[j] : 0;
    }
  return d * d;
}

/* ---- histograms ----------------------------------------------------------------------------- */

static void clear(const wmc_bins *bins, double *out) { memset(out, 0, bins->count * sizeof *out); }

size_t wmc_jacobian_value_density(const wmc_jacobian_spectrum *s, double *out)
{
  const wmc_bins *bins = &s->request->values;
  clear(bins, out);
  for (size_t i = 0; i < s->d; i++) wmc_bins_add(bins, s->values[i], 1.0 / (double)s->d, out);
  return bins->count;
}

size_t wmc_jacobian_gap_density(const wmc_jacobian_spectrum *s, double *out)
{
  const wmc_bins *bins = &s->request->gaps;
  for (size_t i = 0; i + 1 < s->d; i++)
    wmc_bins_draw(bins, wmc_jacobian_apart(s->values[i], s->values[i + 1]), out + i * bins->count);
  return (s->d - 1) * bins->count;
}

size_t wmc_jacobian_ratio_density(const wmc_jacobian_spectrum *s, double *out)
{
  const wmc_bins *bins = &s->request->ratios;
  if (s->channels < 3) return 0;
  const double share = 1.0 / (double)(s->modes * (s->channels - 2));
  clear(bins, out);
  for (size_t k = 0; k < s->modes; k++)
    for (size_t i = 0; i + 2 < s->channels; i++) {
      const double *level = s->levels + k * s->channels + i;
      double a = level[0] - level[1], b = level[1] - level[2];
      if (is_finite(level[2]) && fmax(a, b) > 0)
        wmc_bins_add(bins, fmin(a, b) / fmax(a, b), share, out);
    }
  return bins->count;
}

size_t wmc_jacobian_growth_density(const wmc_jacobian_spectrum *s, double *out)
{
  wmc_bins_draw(&s->request->values, s->growth, out);
  return s->request->values.count;
}
