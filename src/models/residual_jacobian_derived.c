/* Derived quantities of the model `residual_jacobian`: means over networks where a value is finite,
 * and what drift.h makes of sums along paths. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "residual_jacobian_drift.h"
#include "residual_jacobian_levels.h"
#include "residual_jacobian_moments.h"
#include "weylmc/jacobian/network.h"

/* ---- means over networks where the value is finite ------------------------------------------ */

/* sum / share; -inf where no network has a finite value. */
static double conditional(double sum, double mean)
{
  const double share = wmc_jacobian_share(mean);
  return share > 0 ? sum / share : -INFINITY;
}

static void values_given_finite(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const double *share = wmc_jacobian_mean(p, means, "finite_share"),
               *sum = wmc_jacobian_mean(p, means, "finite_log_singular_values");
  const size_t entries =
      wmc_jacobian_loses_rank(p) ? p[RECORD].count * (size_t)p[WIDTH].integer : 0;
  (void)doubt;
  for (size_t i = 0; i < entries; i++) out[i] = conditional(sum[i], share[i]);
}

/* M u = 0 exactly if M = 0: the share of lambda_1 is that of log|M u|. */
static void growth_given_finite(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const double *share = wmc_jacobian_mean(p, means, "finite_share"),
               *sum = wmc_jacobian_mean(p, means, "finite_log_vector_growth");
  (void)doubt;
  for (size_t k = 0; k < p[RECORD].count; k++)
    out[k] = conditional(sum[k], share[k * (size_t)p[WIDTH].integer]);
}

/* ---- precision ------------------------------------------------------------------------------ */

/* Bits of the numbers that matrices are multiplied in. */
static void precision_bits(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const wmc_block *block;
  wmc_block_options o;
  (void)means, (void)doubt;
  if (wmc_jacobian_multiplies(p, &block, &o)) *out = wmc_network_is_extended(block, &o) ? 106 : 53;
}

/* Two digits, rounded up: it is a bound. */
static double two_digits(double x)
{
  const double unit = pow(10, floor(log10(x)) - 1);
  char text[WMC_TEXT_SHORT];
  snprintf(text, sizeof text, "%.1e", ceil(x / unit * (1 - 1e-12)) * unit);
  return strtod(text, NULL);
}

static void rounding_error(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const wmc_block *block;
  wmc_block_options o;
  (void)means, (void)doubt;
  if (wmc_jacobian_multiplies(p, &block, &o))
    *out = two_digits(wmc_network_error(block, &o, wmc_network_is_extended(block, &o)));
}

/* ---- drift and diffusion -------------------------------------------------------------------- */

typedef struct fitted {
  wmc_drift_plan plan;
  const double *sums;
  wmc_drift_estimates e;
} fitted;

static fitted fit(const wmc_value *p, const double *means)
{
  fitted f = {.plan = wmc_jacobian_drift_plan(p),
              .sums = wmc_jacobian_mean(p, means, "drift_sums")};
  wmc_drift_estimate(&f.plan, f.sums, &f.e);
  return f;
}

/* `expression` of the fit f, one number, or for each lag k or node k. */
#define EVALUATE(name, entries, expression)                                                        \
  static void name(const wmc_value *p, const double *means, double *out, double *doubt)            \
  {                                                                                                \
    const fitted f = fit(p, means);                                                                \
    (void)doubt;                                                                                   \
    for (size_t k = 0; k < (entries); k++) out[k] = (expression);                                  \
  }
#define AT_LAG_ZERO(quantity) wmc_drift_at_lag_zero(&f.plan, f.e.quantity)
#define CHANGE(quantity)      (f.e.quantity[f.plan.lags - 1] - f.e.quantity[0])

EVALUATE(amplitude, f.plan.lags, f.e.amplitude[k])
EVALUATE(constant, f.plan.lags, f.e.constant[k])
EVALUATE(diffusion, f.plan.lags, f.e.diffusion[k])
EVALUATE(amplitude_at_zero, 1, AT_LAG_ZERO(amplitude))
EVALUATE(constant_at_zero, 1, AT_LAG_ZERO(constant))
EVALUATE(diffusion_at_zero, 1, AT_LAG_ZERO(diffusion))
EVALUATE(temperature, 1, 0.5 * AT_LAG_ZERO(diffusion))
EVALUATE(repulsion, 1, 2 * AT_LAG_ZERO(amplitude) / AT_LAG_ZERO(diffusion))
EVALUATE(pair_function, f.plan.nodes, f.e.pair[k])
EVALUATE(pair_function_of_coth, f.plan.nodes, f.e.pair_coth[k])
EVALUATE(pair_amplitude, f.plan.nodes, f.e.pair[k] / f.e.pair_coth[k])
EVALUATE(path_share, 1, wmc_drift_share(&f.plan, f.sums))
EVALUATE(amplitude_change, 1, CHANGE(amplitude))
EVALUATE(constant_change, 1, CHANGE(constant))
EVALUATE(diffusion_change, 1, CHANGE(diffusion))
EVALUATE(drift_slope_in_index, 1, f.e.drift_along)
EVALUATE(drift_bend_in_index, 1, f.e.drift_across)
EVALUATE(variance_slope_in_index, 1, f.e.variance_along)
EVALUATE(variance_bend_in_index, 1, f.e.variance_across)
EVALUATE(drift_slope_in_gap, 1, f.e.drift_gap)
EVALUATE(variance_slope_in_gap, 1, f.e.variance_gap)
EVALUATE(dynkin_residual, 1, f.e.dynkin)
EVALUATE(drift_in_diffusivity, 1, f.e.drift_hidden[WMC_DRIFT_DIFFUSIVITY])
EVALUATE(variance_in_diffusivity, 1, f.e.variance_hidden[WMC_DRIFT_DIFFUSIVITY])
EVALUATE(drift_in_activity, 1, f.e.drift_hidden[WMC_DRIFT_ACTIVITY])
EVALUATE(variance_in_activity, 1, f.e.variance_hidden[WMC_DRIFT_ACTIVITY])
EVALUATE(drift_in_overlap, 1, f.e.drift_hidden[WMC_DRIFT_OVERLAP])
EVALUATE(variance_in_overlap, 1, f.e.variance_hidden[WMC_DRIFT_OVERLAP])
EVALUATE(drift_in_past, 1, f.e.drift_hidden[WMC_DRIFT_PAST])
EVALUATE(variance_in_past, 1, f.e.variance_hidden[WMC_DRIFT_PAST])

static void diffusion_matrix(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const wmc_drift_plan plan = wmc_jacobian_drift_plan(p);
  (void)doubt;
  wmc_drift_matrix(&plan, wmc_jacobian_mean(p, means, "drift_sums"), out);
}

/* ---- what they are at depth inf ------------------------------------------------------------- */

static bool limit_of(const wmc_value *p, wmc_chamber_options *limit)
{
  int field;
  const char *why;
  return wmc_jacobian_has_path(p) && wmc_jacobian_infinite(p) &&
         wmc_jacobian_limit(p, limit, &field, &why);
}

#define EXPECT(name, entries, expression)                                                          \
  static bool name(const wmc_value *p, double *out)                                                \
  {                                                                                                \
    wmc_chamber_options o;                                                                         \
    if (!limit_of(p, &o)) return false;                                                            \
    for (size_t k = 0; k < (entries); k++) out[k] = (expression);                                  \
    return true;                                                                                   \
  }

EXPECT(expected_amplitudes, p[LAGS].count, 0.5 * o.variance)
EXPECT(expected_constants, p[LAGS].count, 0.5 * o.variance * o.shift)
EXPECT(expected_diffusions, p[LAGS].count, o.variance / o.beta)
EXPECT(expected_pair, p[GAPS].count, 0.5 * o.variance)
EXPECT(expected_amplitude, 1, 0.5 * o.variance)
EXPECT(expected_constant, 1, 0.5 * o.variance * o.shift)
EXPECT(expected_diffusion, 1, o.variance / o.beta)
EXPECT(expected_temperature, 1, 0.5 * o.variance / o.beta)
EXPECT(expected_repulsion, 1, o.beta)
EXPECT(expected_none, 1, 0)
EXPECT(expected_matrix, (size_t)(o.width *o.width),
       k % (size_t)(o.width + 1) == 0 ? o.variance / o.beta : 0)

/* ---- table ---------------------------------------------------------------------------------- */

#define LAGGED(name, text, evaluate, expected)                                                     \
  {                                                                                                \
    name, "1", text, {AXIS_LAG, WMC_NO_AXIS}, evaluate, expected, wmc_jacobian_converges           \
  }
#define ON_AXIS(axis, name, text, evaluate, expected)                                              \
  {                                                                                                \
    name, "1", text, {axis, WMC_NO_AXIS}, evaluate, expected, wmc_jacobian_converges               \
  }
#define SINGLE(...)          ON_AXIS(AXIS_PATH, __VA_ARGS__)
#define TEST(...)            ON_AXIS(AXIS_PATH, __VA_ARGS__, expected_none)
#define VECTOR_TEST(...)     ON_AXIS(AXIS_PATH_VECTORS, __VA_ARGS__, NULL)
#define COVARIANCE_TEST(...) ON_AXIS(AXIS_PATH_COVARIANCE, __VA_ARGS__, NULL)

#define MOMENT(name, text, axis, of)                                                               \
  {                                                                                                \
    name, "1", text, {AXIS_RECORD, axis, WMC_NO_AXIS}, wmc_jacobian_variance_of_##of,              \
        wmc_jacobian_expected_variance_of_##of, wmc_jacobian_converges                             \
  }

#define INCREMENT "increment of the lag before"
#define OVERLAP   "(u_i . M e_1)^2/|M e_1|^2, u_i left singular vectors"

const wmc_derived wmc_jacobian_derived[] = {
    {"log_singular_values_if_finite",
     "1",
     "mean of lambda_i over the networks where it is finite",
     {AXIS_RECORD, AXIS_LOSS_INDEX, WMC_NO_AXIS},
     values_given_finite},
    {"log_vector_growth_if_finite",
     "1",
     "mean of log|M u| over the networks where it is finite",
     {AXIS_RECORD, AXIS_LOSS, WMC_NO_AXIS},
     growth_given_finite},
    MOMENT("log_singular_values_variance", "variance of lambda_i", AXIS_INDEX, values),
    MOMENT("log_singular_values_sum_variance", "variance of the sum of lambda_i", WMC_NO_AXIS, sum),
    MOMENT("gap_variance", "variance of each gap", AXIS_GAP, gap),
    MOMENT("log_vector_growth_variance", "variance of log|M u|", WMC_NO_AXIS, growth),
    MOMENT("spacing_variance", "variance of each unfolded gap: gap over its mean", AXIS_GAP,
           spacing),
    {"log_singular_values_covariance",
     "1",
     "covariance matrix of all lambda_i",
     {AXIS_RECORD, AXIS_ROW, AXIS_COLUMN},
     wmc_jacobian_covariance,
     wmc_jacobian_expected_covariance,
     wmc_jacobian_converges},
    {"log_euclidean_mean",
     "1",
     "exp of the mean of log det g/d: log-Euclidean mean of g where it is isotropic",
     {AXIS_RECORD, WMC_NO_AXIS},
     wmc_jacobian_log_mean,
     wmc_jacobian_expected_log_mean,
     wmc_jacobian_converges},
    {"log_euclidean_matrix",
     "1",
     "log-Euclidean mean of g, exp of the mean of log g",
     {AXIS_RECORD, AXIS_METRIC_ROW, AXIS_METRIC_COLUMN},
     wmc_jacobian_log_mean_matrix,
     wmc_jacobian_expected_log_mean_matrix,
     wmc_jacobian_converges},
    {"spacing_density",
     "1",
     "density of each unfolded gap, as far as gaps below gap_max reach",
     {AXIS_RECORD, AXIS_GAP, AXIS_SPACING_BIN},
     wmc_jacobian_spacing_density,
     NULL,
     wmc_jacobian_converges},
    SINGLE("drift_amplitude", "a of the drift a sum_j coth(lambda_i - lambda_j) + c, at lag 0",
           amplitude_at_zero, expected_amplitude),
    SINGLE("drift_constant", "c of the drift, at lag 0", constant_at_zero, expected_constant),
    SINGLE("diffusion_rate", "rate D at which the variance of lambda_i grows, at lag 0",
           diffusion_at_zero, expected_diffusion),
    SINGLE("geometric_temperature", "half of the diffusion rate", temperature,
           expected_temperature),
    SINGLE("repulsion", "2 a/D, Dyson's index: 1 for real and 2 for complex matrices", repulsion,
           expected_repulsion),
    SINGLE("path_share", "share of networks without equal singular values, which alone are used",
           path_share, NULL),
    LAGGED("drift_amplitude_of_lag", "a from increments over each lag", amplitude,
           expected_amplitudes),
    LAGGED("drift_constant_of_lag", "c from increments over each lag", constant,
           expected_constants),
    LAGGED("diffusion_rate_of_lag", "D from increments over each lag", diffusion,
           expected_diffusions),
    {"diffusion_matrix",
     "1",
     "rates D_ij of the covariance of increments, shortest lag",
     {AXIS_PATH_INDEX, AXIS_PATH_OTHER, WMC_NO_AXIS},
     diffusion_matrix,
     expected_matrix,
     wmc_jacobian_converges},
    {"pair_function",
     "1",
     "drift between two values at a gap, of free form, shortest lag",
     {AXIS_PAIR_GAP, WMC_NO_AXIS},
     pair_function,
     NULL,
     wmc_jacobian_converges},
    {"pair_function_of_coth",
     "1",
     "the same projection of coth: what pair_function would be for a = 1",
     {AXIS_PAIR_GAP, WMC_NO_AXIS},
     pair_function_of_coth,
     NULL,
     wmc_jacobian_converges},
    {"pair_amplitude",
     "1",
     "pair_function over pair_function_of_coth: a, gap by gap",
     {AXIS_PAIR_GAP, WMC_NO_AXIS},
     pair_amplitude,
     expected_pair,
     wmc_jacobian_converges},
    TEST("amplitude_change_with_lag", "a of the longest lag minus a of the shortest",
         amplitude_change),
    TEST("constant_change_with_lag", "c of the longest lag minus c of the shortest",
         constant_change),
    TEST("diffusion_change_with_lag", "D of the longest lag minus D of the shortest",
         diffusion_change),
    TEST("drift_slope_in_index", "slope of the residual drift in i", drift_slope_in_index),
    TEST("drift_bend_in_index", "slope of the residual drift in i^2", drift_bend_in_index),
    TEST("variance_slope_in_index", "slope of the variance rate in i", variance_slope_in_index),
    TEST("variance_bend_in_index", "slope of the variance rate in i^2", variance_bend_in_index),
    TEST("drift_slope_in_gap", "slope of the residual drift in sum_j x/(1 + x^2), x the gaps",
         drift_slope_in_gap),
    TEST("variance_slope_in_gap", "slope of the variance rate in sum_j 1/cosh(x)^2, x the gaps",
         variance_slope_in_gap),
    TEST("dynkin_residual", "rate of 2 log cosh(x/2), x a gap, beyond what a and D say",
         dynkin_residual),
    COVARIANCE_TEST("drift_slope_in_diffusivity", "slope of the residual drift in Q_ii",
                    drift_in_diffusivity),
    COVARIANCE_TEST("variance_slope_in_diffusivity", "slope of the variance rate in Q_ii",
                    variance_in_diffusivity),
    COVARIANCE_TEST("drift_slope_in_activity", "slope of the residual drift in tr C",
                    drift_in_activity),
    COVARIANCE_TEST("variance_slope_in_activity", "slope of the variance rate in tr C",
                    variance_in_activity),
    VECTOR_TEST("drift_slope_in_overlap", "slope of the residual drift in " OVERLAP,
                drift_in_overlap),
    VECTOR_TEST("variance_slope_in_overlap", "slope of the variance rate in " OVERLAP,
                variance_in_overlap),
    TEST("drift_slope_in_past", "slope of the residual drift in the " INCREMENT, drift_in_past),
    TEST("variance_slope_in_past", "slope of the variance rate in the squared " INCREMENT,
         variance_in_past),
    {"level_variance",
     "1",
     "variance of level_difference",
     {AXIS_LEVEL, WMC_NO_AXIS},
     wmc_levels_variance},
    {"variance_rate",
     "1",
     "p in: variance of a difference ~ depth^-p",
     {AXIS_LEVELS, WMC_NO_AXIS},
     wmc_levels_variance_rate},
    {"mean_rate",
     "1",
     "p in: mean of a difference ~ depth^-p",
     {AXIS_LEVELS, WMC_NO_AXIS},
     wmc_levels_mean_rate},
    {"remaining_bias",
     "1",
     "mean of lambda_1 less its limit at infinite depth, estimated from the levels",
     {AXIS_LEVELS, WMC_NO_AXIS},
     wmc_levels_bias},
    {"multilevel_gain",
     "1",
     "work for the same mean and error by independent networks, over that of the sum",
     {AXIS_LEVELS, WMC_NO_AXIS},
     wmc_levels_gain},
    {"precision_bits",
     "1",
     "bits of the numbers that matrices are multiplied in: 53, or 106 (precision)",
     {AXIS_PRECISION, WMC_NO_AXIS},
     precision_bits},
    {"rounding_error",
     "1",
     "error of lambda_i by rounding that less than 1 of 1000 networks exceeds, as it is known "
     "beforehand",
     {AXIS_PRECISION, WMC_NO_AXIS},
     rounding_error},
    {.name = NULL},
};

/* ---- report --------------------------------------------------------------------------------- */

static const char *const numbers[] = {"drift_amplitude", "drift_constant", "diffusion_rate",
                                      "repulsion", NULL};

static const char *const hidden[] = {
    "drift_slope_in_diffusivity", "variance_slope_in_diffusivity", "drift_slope_in_activity",
    "variance_slope_in_activity", "drift_slope_in_overlap",        "variance_slope_in_overlap",
    "drift_slope_in_past",        "variance_slope_in_past",        NULL};

static const char *const form[] = {"amplitude_change_with_lag",
                                   "constant_change_with_lag",
                                   "diffusion_change_with_lag",
                                   "drift_slope_in_index",
                                   "drift_bend_in_index",
                                   "variance_slope_in_index",
                                   "variance_bend_in_index",
                                   "drift_slope_in_gap",
                                   "variance_slope_in_gap",
                                   "dynkin_residual",
                                   NULL};

static const wmc_claim claims[] = {
    {"autonomous", "not autonomous",
     "given lambda, neither the singular vectors, nor C(x), nor the past say more of what comes",
     hidden},
    {"coth diffusion", "no coth diffusion",
     "drift a sum coth + c and a constant variance rate, at all lags, indices and gaps", form},
    {.name = NULL},
};

const wmc_report wmc_jacobian_report = {
    numbers, claims, "give lags in the deck (inputs/drift), or use weylmc show and fit"};
