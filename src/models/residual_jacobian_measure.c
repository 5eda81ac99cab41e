/* Observables of one spectrum, and Fourier modes as one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "residual_jacobian_spectrum.h"

/* ---- modes --------------------------------------------------------------------------------- */

static int decreasing(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

void wmc_jacobian_merge(const wmc_split *split, size_t channels, const double *levels, double *out)
{
  size_t count = 0;
  for (int k = 0; k < wmc_split_modes(split); k++)
    for (int copy = 0; copy < wmc_split_repeats(split, k); copy++, count += channels)
      memcpy(out + count, levels + (size_t)k * channels, channels * sizeof *out);
  if (count > channels) qsort(out, count, sizeof *out, decreasing);
}

/* e_1 has the same share 1/n in every mode, pairs counted twice. */
double wmc_jacobian_merge_growth(const wmc_split *split, const double *growth)
{
  const int modes = wmc_split_modes(split);
  double top = growth[0], sum = 0;
  if (modes == 1) return growth[0];
  for (int k = 1; k < modes; k++) top = fmax(top, growth[k]);
  for (int k = 0; k < modes; k++) sum += wmc_split_repeats(split, k) * exp(2 * (growth[k] - top));
  return top + 0.5 * log(sum / split->group);
}

/* ---- one network --------------------------------------------------------------------------- */

static double sum_of(const wmc_jacobian_spectrum *s)
{
  double sum = 0;
  for (size_t i = 0; i < s->d; i++) sum += s->values[i];
  return sum;
}

static size_t put(double value, double *out)
{
  *out = value;
  return 1;
}

static size_t log_singular_values(const wmc_jacobian_spectrum *s, double *out)
{
  memcpy(out, s->values, s->d * sizeof *out);
  return s->d;
}

static size_t log_singular_values_sum(const wmc_jacobian_spectrum *s, double *out)
{
  return put(sum_of(s), out);
}

static size_t gap(const wmc_jacobian_spectrum *s, double *out)
{
  for (size_t i = 0; i + 1 < s->d; i++) out[i] = wmc_jacobian_apart(s->values[i], s->values[i + 1]);
  return s->d - 1;
}

/* Levels of different modes do not repel, and pairs are one level: ratios within each mode. */
static size_t gap_ratio(const wmc_jacobian_spectrum *s, double *out)
{
  double sum = 0;
  for (size_t k = 0; k < s->modes; k++)
    for (size_t i = 0; i + 2 < s->channels; i++) {
      const double *level = s->levels + k * s->channels + i;
      double a = level[0] - level[1], b = level[1] - level[2];
      sum += a > 0 && b > 0 ? fmin(a, b) / fmax(a, b) : 0;
    }
  bool known = s->channels >= 3 && s->values[s->d - 1] > -INFINITY;
  return put(known ? sum / (double)(s->modes * (s->channels - 2)) : NAN, out);
}

static size_t mode_levels(const wmc_jacobian_spectrum *s, double *out)
{
  if (s->modes == 1) return 0;
  memcpy(out, s->levels, s->modes * s->channels * sizeof *out);
  return s->modes * s->channels;
}

static size_t rates(const wmc_jacobian_spectrum *s, double *out)
{
  if (s->diffusivity) memcpy(out, s->diffusivity, s->d * sizeof *out);
  return s->diffusivity ? s->d : 0;
}

static size_t logarithm(const wmc_jacobian_spectrum *s, double *out)
{
  if (s->logarithm) memcpy(out, s->logarithm, s->d * s->d * sizeof *out);
  return s->logarithm ? s->d * s->d : 0;
}

static size_t log_det_metric(const wmc_jacobian_spectrum *s, double *out)
{
  return put(2 * sum_of(s), out);
}

static size_t trace_metric(const wmc_jacobian_spectrum *s, double *out)
{
  double sum = 0;
  for (size_t i = 0; i < s->d; i++) sum += exp(2 * s->values[i]);
  return put(sum, out);
}

static size_t log_vector_growth(const wmc_jacobian_spectrum *s, double *out)
{
  return put(s->growth, out);
}

static size_t condition(const wmc_jacobian_spectrum *s, double *out)
{
  return put(wmc_jacobian_apart(s->values[0], s->values[s->d - 1]), out);
}

static size_t effective_rank(const wmc_jacobian_spectrum *s, double *out)
{
  double sum = 0, weighted = 0; /* relative to the largest singular value */
  if (s->values[0] == -INFINITY) return put(0, out);
  for (size_t i = 0; i < s->d; i++) {
    double below = s->values[i] - s->values[0], weight = exp(below);
    sum += weight;
    weighted += weight > 0 ? weight * below : 0;
  }
  return put(sum * exp(-weighted / sum), out);
}

static size_t squared_sum(const wmc_jacobian_spectrum *s, double *out)
{
  double sum = 0;
  for (size_t i = 0; i < s->d; i++) sum += s->values[i] * s->values[i];
  return put(sum, out);
}

static size_t log_spectrum_variance(const wmc_jacobian_spectrum *s, double *out)
{
  double mean = sum_of(s) / (double)s->d, sum = 0;
  if (mean == -INFINITY) return put(INFINITY, out);
  for (size_t i = 0; i < s->d; i++) sum += (s->values[i] - mean) * (s->values[i] - mean);
  return put(sum / (double)s->d, out);
}

/* Values are 0 to the last bit where the Jacobian is the identity itself. */
static size_t frozen(const wmc_jacobian_spectrum *s, double *out)
{
  bool all = true;
  for (size_t i = 0; i < s->d; i++) all &= s->values[i] == 0;
  return put(all, out);
}

static size_t rank_lost(const wmc_jacobian_spectrum *s, double *out)
{
  size_t lost = 0;
  for (size_t i = 0; i < s->d; i++) lost += s->values[i] == -INFINITY;
  return put((double)lost, out);
}

static size_t finite_share(const wmc_jacobian_spectrum *s, double *out)
{
  for (size_t i = 0; s->loses && i < s->d; i++) out[i] = s->values[i] > -INFINITY;
  return s->loses ? s->d : 0;
}

static size_t finite_values(const wmc_jacobian_spectrum *s, double *out)
{
  for (size_t i = 0; s->loses && i < s->d; i++)
    out[i] = s->values[i] > -INFINITY ? s->values[i] : 0;
  return s->loses ? s->d : 0;
}

static size_t finite_growth(const wmc_jacobian_spectrum *s, double *out)
{
  return s->loses ? put(s->growth > -INFINITY ? s->growth : 0, out) : 0;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static size_t (*const measures[OBS_SPECTRAL])(const wmc_jacobian_spectrum *, double *) = {
    [OBS_LOG_SINGULAR_VALUES] = log_singular_values,
    [OBS_LOG_SINGULAR_VALUES_SUM] = log_singular_values_sum,
    [OBS_GAP] = gap,
    [OBS_GAP_RATIO] = gap_ratio,
    [OBS_LOG_DET_METRIC] = log_det_metric,
    [OBS_TRACE_METRIC] = trace_metric,
    [OBS_LOG_VECTOR_GROWTH] = log_vector_growth,
    [OBS_CONDITION] = condition,
    [OBS_EFFECTIVE_RANK] = effective_rank,
    [OBS_SQUARED_SUM] = squared_sum,
    [OBS_LOG_SPECTRUM_VARIANCE] = log_spectrum_variance,
    [OBS_DISTANCE] = wmc_jacobian_distance,
    [OBS_STABLE_RANK] = wmc_jacobian_stable_rank,
    [OBS_PARTICIPATION] = wmc_jacobian_participation,
    [OBS_ANISOTROPY] = wmc_jacobian_anisotropy,
    [OBS_BOLTZMANN_ENTROPY] = wmc_jacobian_boltzmann_entropy,
    [OBS_LOG_SINE] = wmc_jacobian_log_sine,
    [OBS_SQUARE_VALUES] = wmc_jacobian_square_values,
    [OBS_SQUARE_SUM] = wmc_jacobian_square_sum,
    [OBS_SQUARE_GAP] = wmc_jacobian_square_gap,
    [OBS_SQUARE_GROWTH] = wmc_jacobian_square_growth,
    [OBS_PRODUCTS] = wmc_jacobian_products,
    [OBS_VALUE_DENSITY] = wmc_jacobian_value_density,
    [OBS_GAP_DENSITY] = wmc_jacobian_gap_density,
    [OBS_RATIO_DENSITY] = wmc_jacobian_ratio_density,
    [OBS_GROWTH_DENSITY] = wmc_jacobian_growth_density,
    [OBS_LOGARITHM] = logarithm,
    [OBS_FROZEN] = frozen,
    [OBS_RANK_LOST] = rank_lost,
    [OBS_FINITE_SHARE] = finite_share,
    [OBS_FINITE_VALUES] = finite_values,
    [OBS_FINITE_GROWTH] = finite_growth,
    [OBS_FINITE_SUM] = wmc_jacobian_finite_sum,
    [OBS_FINITE_GAP] = wmc_jacobian_finite_gap,
    [OBS_MODE_LEVELS] = mode_levels,
    [OBS_RATES] = rates,
};

size_t wmc_jacobian_measure(size_t records, const wmc_jacobian_spectrum *spectra, double *out)
{
  const double *first = out;
  for (size_t o = 0; o < OBS_SPECTRAL; o++)
    for (size_t k = 0; k < records; k++) out += measures[o](&spectra[k], out);
  return (size_t)(out - first);
}
