#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "residual_jacobian_drift.h"
#include "residual_jacobian_levels.h"
#include "residual_jacobian_spectrum.h"

/* ---- axes ------------------------------------------------------------------------------- */

static size_t record_length(const wmc_value *p) { return p[RECORD].count; }

static void record_coordinates(const wmc_value *p, double *out)
{
  memcpy(out, p[RECORD].reals, p[RECORD].count * sizeof *out);
}

static size_t index_length(const wmc_value *p)
{
  return (size_t)(p[WIDTH].integer * p[GROUP].integer);
}

static size_t gap_length(const wmc_value *p) { return index_length(p) - 1; }

static void count_from_one(size_t n, double *out)
{
  for (size_t i = 0; i < n; i++) out[i] = (double)(i + 1);
}

static void index_coordinates(const wmc_value *p, double *out)
{
  count_from_one(index_length(p), out);
}

static void gap_coordinates(const wmc_value *p, double *out) { count_from_one(gap_length(p), out); }

static size_t loss_length(const wmc_value *p) { return wmc_jacobian_loses_rank(p) ? 1 : 0; }

static size_t mode_length(const wmc_value *p)
{
  const wmc_split split = wmc_jacobian_options(p).split;
  return split.group > 1 ? (size_t)wmc_split_modes(&split) : 0;
}

static void mode_coordinates(const wmc_value *p, double *out)
{
  for (size_t k = 0; k < mode_length(p); k++) out[k] = (double)k;
}

static size_t channel_length(const wmc_value *p)
{
  return p[GROUP].integer > 1 ? (size_t)p[WIDTH].integer : 0;
}

static void channel_coordinates(const wmc_value *p, double *out)
{
  count_from_one(channel_length(p), out);
}

static size_t loss_index_length(const wmc_value *p)
{
  return wmc_jacobian_loses_rank(p) ? index_length(p) : 0;
}

static void loss_coordinates(const wmc_value *p, double *out)
{
  count_from_one(loss_length(p), out);
}

static void loss_index_coordinates(const wmc_value *p, double *out)
{
  count_from_one(loss_index_length(p), out);
}

static size_t rate_length(const wmc_value *p)
{
  return p[DIFFUSIVITY].integer == 1 ? (size_t)p[WIDTH].integer : 0;
}

static void rate_coordinates(const wmc_value *p, double *out)
{
  count_from_one(rate_length(p), out);
}

static size_t control_length(const wmc_value *p)
{
  return wmc_control_wanted(p) ? index_length(p) : 0;
}

static void control_coordinates(const wmc_value *p, double *out)
{
  count_from_one(control_length(p), out);
}

static void level_coordinates(const wmc_value *p, double *out)
{
  for (size_t l = 0; l < wmc_levels_count(p); l++) out[l] = wmc_levels_depth(p, l);
}

static size_t levels_length(const wmc_value *p) { return wmc_levels_count(p) > 0 ? 1 : 0; }

static void levels_coordinates(const wmc_value *p, double *out)
{
  count_from_one(levels_length(p), out);
}

static size_t loss_gap_length(const wmc_value *p)
{
  return wmc_jacobian_loses_rank(p) ? gap_length(p) : 0;
}

static void loss_gap_coordinates(const wmc_value *p, double *out)
{
  count_from_one(loss_gap_length(p), out);
}

static size_t angle_length(const wmc_value *p) { return wmc_jacobian_has_angle(p) ? 1 : 0; }

static void angle_coordinates(const wmc_value *p, double *out)
{
  count_from_one(angle_length(p), out);
}

static size_t covariance_length(const wmc_value *p)
{
  return wmc_jacobian_requested(p).covariance ? index_length(p) : 0;
}

static void covariance_coordinates(const wmc_value *p, double *out)
{
  count_from_one(covariance_length(p), out);
}

static size_t metric_length(const wmc_value *p)
{
  return wmc_jacobian_has_logarithm(p) ? index_length(p) : 0;
}

static void metric_coordinates(const wmc_value *p, double *out)
{
  count_from_one(metric_length(p), out);
}

static size_t bins_length(const wmc_value *p) { return wmc_jacobian_requested(p).values.count; }

static size_t ratio_bins_length(const wmc_value *p)
{
  return p[WIDTH].integer >= 3 ? bins_length(p) : 0;
}

static void lambda_bins(const wmc_value *p, double *out)
{
  const wmc_jacobian_request request = wmc_jacobian_requested(p);
  wmc_bins_centres(&request.values, out);
}

static void gap_bins(const wmc_value *p, double *out)
{
  const wmc_jacobian_request request = wmc_jacobian_requested(p);
  wmc_bins_centres(&request.gaps, out);
}

static void ratio_bins(const wmc_value *p, double *out)
{
  const wmc_jacobian_request request = wmc_jacobian_requested(p);
  if (ratio_bins_length(p) > 0) wmc_bins_centres(&request.ratios, out);
}

static void spacing_bins(const wmc_value *p, double *out)
{
  const wmc_jacobian_request request = wmc_jacobian_requested(p);
  wmc_bins_centres(&request.spacings, out);
}

const wmc_axis wmc_jacobian_axes[] = {
    [AXIS_RECORD] = {"record", "1", "fraction of the depth", record_length, record_coordinates},
    [AXIS_INDEX] = {"index", "1", "index of the singular value, largest first", index_length,
                    index_coordinates},
    [AXIS_GAP] = {"gap_index", "1", "gap between singular values i and i + 1", gap_length,
                  gap_coordinates},
    [AXIS_LOSS] = {"loss", "1", "of networks that may lose rank", loss_length, loss_coordinates},
    [AXIS_LOSS_INDEX] = {"loss_index", "1", "index of a singular value that may vanish",
                         loss_index_length, loss_index_coordinates},
    [AXIS_MODE] = {"mode", "1", "Fourier mode k of the group, k <= n/2", mode_length,
                   mode_coordinates},
    [AXIS_CHANNEL] = {"channel_index", "1", "index of a singular value within its mode",
                      channel_length, channel_coordinates},
    [AXIS_RATE] = {"rate_index", "1", "index of the singular value whose diffusivity is asked for",
                   rate_length, rate_coordinates},
    [AXIS_PATH] = {"path", "1", "of recorded paths", wmc_jacobian_path_length,
                   wmc_jacobian_path_coordinates},
    [AXIS_PATH_VECTORS] = {"path_vectors", "1", "of recorded paths with singular vectors",
                           wmc_jacobian_path_vectors_length, wmc_jacobian_path_coordinates},
    [AXIS_PATH_COVARIANCE] = {"path_covariance", "1", "of recorded paths on which C varies",
                              wmc_jacobian_path_covariance_length, wmc_jacobian_path_coordinates},
    [AXIS_LAG] = {"lag", "1", "lag, a fraction of the depth", wmc_jacobian_lag_length,
                  wmc_jacobian_lag_coordinates},
    [AXIS_PATH_INDEX] = {"path_index", "1", "index of a singular value along a path",
                         wmc_jacobian_path_index_length, wmc_jacobian_path_index_coordinates},
    [AXIS_PATH_OTHER] = {"path_other", "1", "index of another one", wmc_jacobian_path_index_length,
                         wmc_jacobian_path_index_coordinates},
    [AXIS_PAIR_GAP] = {"pair_gap", "1", "gap between two values, a node of the pair function",
                       wmc_jacobian_pair_gap_length, wmc_jacobian_pair_gap_coordinates},
    [AXIS_SUM] = {"drift_sum", "1", "number of a sum along paths", wmc_jacobian_drift_sums_length,
                  wmc_jacobian_drift_sums_coordinates},
    [AXIS_CONTROL] = {"controlled_index", "1", "index of the singular value, largest first",
                      control_length, control_coordinates},
    [AXIS_LEVEL] = {"level", "1", "depth of a level, of its finer network", wmc_levels_count,
                    level_coordinates},
    [AXIS_LEVELS] = {"multilevel", "1", "of the sum over levels", levels_length,
                     levels_coordinates},
    [AXIS_LOSS_GAP] = {"loss_gap", "1", "gap between singular values that may vanish",
                       loss_gap_length, loss_gap_coordinates},
    [AXIS_ANGLE] = {"angle", "1", "of chains in which two vectors are followed", angle_length,
                    angle_coordinates},
    [AXIS_ROW] = {"row", "1", "index of a singular value", covariance_length,
                  covariance_coordinates},
    [AXIS_COLUMN] = {"column", "1", "index of another one", covariance_length,
                     covariance_coordinates},
    [AXIS_METRIC_ROW] = {"metric_row", "1", "row of the metric", metric_length, metric_coordinates},
    [AXIS_METRIC_COLUMN] = {"metric_column", "1", "column of the metric", metric_length,
                            metric_coordinates},
    [AXIS_LAMBDA_BIN] = {"lambda_bin", "1", "lambda, centre of a bin", bins_length, lambda_bins},
    [AXIS_GAP_BIN] = {"gap_bin", "1", "gap, centre of a bin", bins_length, gap_bins},
    [AXIS_RATIO_BIN] = {"ratio_bin", "1", "gap ratio, centre of a bin", ratio_bins_length,
                        ratio_bins},
    [AXIS_SPACING_BIN] = {"spacing_bin", "1", "gap over its mean, centre of a bin", bins_length,
                          spacing_bins},
    [AXES] = {.name = NULL},
};

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
