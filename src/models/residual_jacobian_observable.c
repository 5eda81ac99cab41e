#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "residual_jacobian_drift.h"
#include "residual_jacobian_levels.h"
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

/* ---- tables -------------------------------------------------------------------------------- */

/* Sums are no quantities of their own. */
static bool never(const wmc_value *p)
{
  (void)p;
  return false;
}

#define CONVERGES .converges = wmc_jacobian_converges

enum {
  LOG_SINGULAR_VALUES,
  LOG_SINGULAR_VALUES_SUM,
  GAP,
  GAP_RATIO,
  LOG_DET_METRIC,
  TRACE_METRIC,
  LOG_VECTOR_GROWTH,
  CONDITION,
  EFFECTIVE_RANK,
  SQUARED_SUM,
  LOG_SPECTRUM_VARIANCE,
  DISTANCE,
  STABLE_RANK,
  PARTICIPATION,
  ANISOTROPY,
  BOLTZMANN_ENTROPY,
  LOG_SINE,
  SQUARE_VALUES,
  SQUARE_SUM,
  SQUARE_GAP,
  SQUARE_GROWTH,
  PRODUCTS,
  VALUE_DENSITY,
  GAP_DENSITY,
  RATIO_DENSITY,
  GROWTH_DENSITY,
  LOGARITHM,
  FROZEN,
  RANK_LOST,
  FINITE_SHARE,
  FINITE_VALUES,
  FINITE_GROWTH,
  FINITE_SUM,
  FINITE_GAP,
  MODE_LEVELS,
  RATES,
  SPECTRAL,
  DRIFT_SUMS = SPECTRAL,
  CONTROLLED,
  LEVEL_DIFFERENCE,
  LEVEL_SQUARE,
  LEVEL_SAMPLES,
  LEVEL_WEIGHT,
  LEVEL_WORK,
  COUPLING,
  FORESEEN,
  BIASES,
  OBSERVABLES
};

const wmc_observable wmc_jacobian_observables[] = {
    [LOG_SINGULAR_VALUES] = {"log_singular_values",
                             "1",
                             "logarithms lambda_i of the singular values of the Jacobian",
                             {AXIS_RECORD, AXIS_INDEX, WMC_NO_AXIS},
                             wmc_jacobian_expected_values,
                             CONVERGES},
    [LOG_SINGULAR_VALUES_SUM] = {"log_singular_values_sum",
                                 "1",
                                 "sum of lambda_i = log|det M|",
                                 {AXIS_RECORD, WMC_NO_AXIS},
                                 wmc_jacobian_expected_sum,
                                 CONVERGES},
    [GAP] = {"gap",
             "1",
             "lambda_i - lambda_{i+1} (0 where a Fourier mode gives a value twice)",
             {AXIS_RECORD, AXIS_GAP, WMC_NO_AXIS},
             wmc_jacobian_expected_gap,
             CONVERGES},
    [GAP_RATIO] =
        {"gap_ratio",
         "1",
         "mean over neighbouring gaps of the smaller over the larger, within each Fourier "
         "mode; width >= 3",
         {AXIS_RECORD, WMC_NO_AXIS},
         CONVERGES},
    [LOG_DET_METRIC] = {"log_det_metric",
                        "1",
                        "log det g, g = M^T M",
                        {AXIS_RECORD, WMC_NO_AXIS},
                        wmc_jacobian_expected_log_det,
                        CONVERGES},
    [TRACE_METRIC] = {"trace_metric",
                      "1",
                      "tr g",
                      {AXIS_RECORD, WMC_NO_AXIS},
                      wmc_jacobian_expected_trace,
                      CONVERGES},
    [LOG_VECTOR_GROWTH] = {"log_vector_growth",
                           "1",
                           "log|M u| for a fixed unit vector u",
                           {AXIS_RECORD, WMC_NO_AXIS},
                           wmc_jacobian_expected_growth,
                           CONVERGES},
    [CONDITION] = {"condition",
                   "1",
                   "logarithm of the condition number, lambda_1 - lambda_d",
                   {AXIS_RECORD, WMC_NO_AXIS},
                   wmc_jacobian_expected_condition,
                   CONVERGES},
    [EFFECTIVE_RANK] = {"effective_rank",
                        "1",
                        "exp of the entropy of the normalised singular values",
                        {AXIS_RECORD, WMC_NO_AXIS},
                        wmc_jacobian_expected_rank,
                        CONVERGES},
    [SQUARED_SUM] = {"squared_sum",
                     "1",
                     "sum of lambda_i^2: a quarter of the squared distance of g from 1",
                     {AXIS_RECORD, WMC_NO_AXIS},
                     wmc_jacobian_expected_squared_sum,
                     CONVERGES},
    [LOG_SPECTRUM_VARIANCE] = {"log_spectrum_variance",
                               "1",
                               "variance of lambda_i over the index within one network",
                               {AXIS_RECORD, WMC_NO_AXIS},
                               CONVERGES},
    [DISTANCE] = {"distance",
                  "1",
                  "affine-invariant distance of g from 1, 2 sqrt(sum of lambda_i^2)",
                  {AXIS_RECORD, WMC_NO_AXIS},
                  wmc_jacobian_expected_distance,
                  CONVERGES},
    [STABLE_RANK] = {"stable_rank",
                     "1",
                     "stable rank |M|_F^2/|M|^2",
                     {AXIS_RECORD, WMC_NO_AXIS},
                     wmc_jacobian_expected_rank,
                     CONVERGES},
    [PARTICIPATION] = {"participation",
                       "1",
                       "participation number (tr g)^2/tr g^2",
                       {AXIS_RECORD, WMC_NO_AXIS},
                       wmc_jacobian_expected_rank,
                       CONVERGES},
    [ANISOTROPY] = {"anisotropy",
                    "1",
                    "(tr g/d)/(det g)^{1/d}: arithmetic over geometric mean; at width 2 cosh of "
                    "the gap",
                    {AXIS_RECORD, WMC_NO_AXIS},
                    wmc_jacobian_expected_anisotropy,
                    CONVERGES},
    [BOLTZMANN_ENTROPY] =
        {"boltzmann_entropy",
         "1",
         "beta sum of log sinh(lambda_i - lambda_j), i < j, of each Fourier mode: log volume of "
         "the orbit of M under rotations",
         {AXIS_RECORD, WMC_NO_AXIS},
         CONVERGES},
    [LOG_SINE] = {"log_vector_sine",
                  "1",
                  "log of the sine of the angle between M u and M v, u and v orthogonal",
                  {AXIS_RECORD, AXIS_ANGLE, WMC_NO_AXIS},
                  wmc_jacobian_expected_log_sine,
                  CONVERGES},
    [SQUARE_VALUES] = {"log_singular_values_squared",
                       "1",
                       "lambda_i^2 where it is finite, otherwise 0",
                       {AXIS_RECORD, AXIS_INDEX, WMC_NO_AXIS},
                       CONVERGES},
    [SQUARE_SUM] = {"log_singular_values_sum_squared",
                    "1",
                    "square of the sum of lambda_i where it is finite, otherwise 0",
                    {AXIS_RECORD, WMC_NO_AXIS},
                    CONVERGES},
    [SQUARE_GAP] = {"gap_squared",
                    "1",
                    "(lambda_i - lambda_{i+1})^2 where both are finite, otherwise 0",
                    {AXIS_RECORD, AXIS_GAP, WMC_NO_AXIS},
                    CONVERGES},
    [SQUARE_GROWTH] = {"log_vector_growth_squared",
                       "1",
                       "(log|M u|)^2 where it is finite, otherwise 0",
                       {AXIS_RECORD, WMC_NO_AXIS},
                       CONVERGES},
    [PRODUCTS] = {"log_singular_values_products",
                  "1",
                  "row i, column j: lambda_i lambda_j for i <= j, else lambda_j; 0 where lambda_i "
                  "or lambda_j is lost",
                  {AXIS_RECORD, AXIS_ROW, AXIS_COLUMN},
                  CONVERGES},
    [VALUE_DENSITY] = {"log_singular_values_density",
                       "1",
                       "density of lambda_i, all i together",
                       {AXIS_RECORD, AXIS_LAMBDA_BIN, WMC_NO_AXIS},
                       CONVERGES},
    [GAP_DENSITY] = {"gap_density",
                     "1",
                     "density of each gap",
                     {AXIS_RECORD, AXIS_GAP, AXIS_GAP_BIN},
                     CONVERGES},
    [RATIO_DENSITY] = {"gap_ratio_density",
                       "1",
                       "density of the smaller over the larger of neighbouring gaps",
                       {AXIS_RECORD, AXIS_RATIO_BIN, WMC_NO_AXIS},
                       CONVERGES},
    [GROWTH_DENSITY] = {"log_vector_growth_density",
                        "1",
                        "density of log|M u|",
                        {AXIS_RECORD, AXIS_LAMBDA_BIN, WMC_NO_AXIS},
                        CONVERGES},
    [LOGARITHM] = {"log_metric",
                   "1",
                   "entries of log g, g = M^T M",
                   {AXIS_RECORD, AXIS_METRIC_ROW, AXIS_METRIC_COLUMN},
                   CONVERGES},
    [FROZEN] = {"frozen",
                "1",
                "1 if the Jacobian is the identity: the share of frozen networks",
                {AXIS_RECORD, WMC_NO_AXIS},
                CONVERGES},
    [RANK_LOST] = {"rank_lost",
                   "1",
                   "number of singular values that are 0",
                   {AXIS_RECORD, WMC_NO_AXIS},
                   CONVERGES},
    [FINITE_SHARE] = {"finite_share",
                      "1",
                      "1 if lambda_i is finite: the share of networks where it is",
                      {AXIS_RECORD, AXIS_LOSS_INDEX, WMC_NO_AXIS},
                      CONVERGES},
    [FINITE_VALUES] = {"finite_log_singular_values",
                       "1",
                       "lambda_i where it is finite, otherwise 0",
                       {AXIS_RECORD, AXIS_LOSS_INDEX, WMC_NO_AXIS},
                       CONVERGES},
    [FINITE_GROWTH] = {"finite_log_vector_growth",
                       "1",
                       "log|M u| where it is finite, otherwise 0",
                       {AXIS_RECORD, AXIS_LOSS, WMC_NO_AXIS},
                       CONVERGES},
    [FINITE_SUM] = {"finite_log_singular_values_sum",
                    "1",
                    "sum of lambda_i where it is finite, otherwise 0",
                    {AXIS_RECORD, AXIS_LOSS, WMC_NO_AXIS},
                    CONVERGES},
    [FINITE_GAP] = {"finite_gap",
                    "1",
                    "lambda_i - lambda_{i+1} where both are finite, otherwise 0",
                    {AXIS_RECORD, AXIS_LOSS_GAP, WMC_NO_AXIS},
                    CONVERGES},
    [MODE_LEVELS] = {"mode_log_singular_values",
                     "1",
                     "lambda_i of each Fourier mode; those of modes 0 < k < n/2 come twice in the "
                     "whole",
                     {AXIS_RECORD, AXIS_MODE, AXIS_CHANNEL},
                     wmc_jacobian_expected_levels,
                     CONVERGES},
    [RATES] =
        {"diffusivity",
         "1",
         "Q_ii = (U^T C U)_ii, U left singular vectors: variance rate of lambda_i over sigma^2",
         {AXIS_RECORD, AXIS_RATE, WMC_NO_AXIS},
         CONVERGES},
    [DRIFT_SUMS] = {"drift_sums",
                    "1",
                    "sums along the path from which drift and diffusion are estimated",
                    {AXIS_SUM, WMC_NO_AXIS},
                    .converges = never},
    [CONTROLLED] = {"log_singular_values_controlled",
                    "1",
                    "lambda_i less control variates of exact mean: the same mean, a smaller error",
                    {AXIS_RECORD, AXIS_CONTROL, WMC_NO_AXIS},
                    wmc_jacobian_expected_values,
                    CONVERGES},
    [LEVEL_DIFFERENCE] = {"level_difference",
                          "1",
                          "lambda_1 at the last record (controlled, with control): of the finer "
                          "network less the coarser, on the first level in use of one network",
                          {AXIS_LEVEL, WMC_NO_AXIS}},
    [LEVEL_SQUARE] = {"level_square",
                      "1",
                      "mean square of level_difference",
                      {AXIS_LEVEL, WMC_NO_AXIS}},
    [LEVEL_SAMPLES] = {"level_samples",
                       "1",
                       "networks or pairs of networks of the level in a draw",
                       {AXIS_LEVEL, WMC_NO_AXIS}},
    [LEVEL_WEIGHT] = {"level_weight",
                      "1",
                      "weight of the level in the sum",
                      {AXIS_LEVEL, WMC_NO_AXIS}},
    [LEVEL_WORK] = {"level_work",
                    "flop",
                    "work of one sample of the level",
                    {AXIS_LEVEL, WMC_NO_AXIS}},
    [COUPLING] = {"coupling",
                  "1",
                  "what the pilot chose: 2 pairs of networks; 0 coupling does not help: networks "
                  "of the finest depth alone; 1 likewise, depth inf: independent depths, "
                  "extrapolated",
                  {AXIS_LEVELS, WMC_NO_AXIS}},
    [FORESEEN] = {"bias_foreseen",
                  "1",
                  "1 if the pilot found levels that leave less bias than multilevel.bias, else 0",
                  {AXIS_LEVELS, WMC_NO_AXIS}},
    [BIASES] = {"remaining_biases",
                "1",
                "depth inf: what the mean of each entry of the observables above is off by",
                {AXIS_BIAS, WMC_NO_AXIS},
                .converges = never,
                .biases = true},
    [OBSERVABLES] = {.name = NULL},
};

static size_t (*const measures[SPECTRAL])(const wmc_jacobian_spectrum *, double *) = {
    [LOG_SINGULAR_VALUES] = log_singular_values,
    [LOG_SINGULAR_VALUES_SUM] = log_singular_values_sum,
    [GAP] = gap,
    [GAP_RATIO] = gap_ratio,
    [LOG_DET_METRIC] = log_det_metric,
    [TRACE_METRIC] = trace_metric,
    [LOG_VECTOR_GROWTH] = log_vector_growth,
    [CONDITION] = condition,
    [EFFECTIVE_RANK] = effective_rank,
    [SQUARED_SUM] = squared_sum,
    [LOG_SPECTRUM_VARIANCE] = log_spectrum_variance,
    [DISTANCE] = wmc_jacobian_distance,
    [STABLE_RANK] = wmc_jacobian_stable_rank,
    [PARTICIPATION] = wmc_jacobian_participation,
    [ANISOTROPY] = wmc_jacobian_anisotropy,
    [BOLTZMANN_ENTROPY] = wmc_jacobian_boltzmann_entropy,
    [LOG_SINE] = wmc_jacobian_log_sine,
    [SQUARE_VALUES] = wmc_jacobian_square_values,
    [SQUARE_SUM] = wmc_jacobian_square_sum,
    [SQUARE_GAP] = wmc_jacobian_square_gap,
    [SQUARE_GROWTH] = wmc_jacobian_square_growth,
    [PRODUCTS] = wmc_jacobian_products,
    [VALUE_DENSITY] = wmc_jacobian_value_density,
    [GAP_DENSITY] = wmc_jacobian_gap_density,
    [RATIO_DENSITY] = wmc_jacobian_ratio_density,
    [GROWTH_DENSITY] = wmc_jacobian_growth_density,
    [LOGARITHM] = logarithm,
    [FROZEN] = frozen,
    [RANK_LOST] = rank_lost,
    [FINITE_SHARE] = finite_share,
    [FINITE_VALUES] = finite_values,
    [FINITE_GROWTH] = finite_growth,
    [FINITE_SUM] = wmc_jacobian_finite_sum,
    [FINITE_GAP] = wmc_jacobian_finite_gap,
    [MODE_LEVELS] = mode_levels,
    [RATES] = rates,
};

size_t wmc_jacobian_measure(size_t records, const wmc_jacobian_spectrum *spectra, double *out)
{
  const double *first = out;
  for (size_t o = 0; o < SPECTRAL; o++)
    for (size_t k = 0; k < records; k++) out += measures[o](&spectra[k], out);
  return (size_t)(out - first);
}

size_t wmc_jacobian_network_size(const wmc_value *p)
{
  return wmc_observable_first(&wmc_residual_jacobian, wmc_jacobian_observables[CONTROLLED].name, p);
}
