/* Drift and diffusion estimated from paths: known coefficients come back, autonomous chains pass
 * the tests of autonomy as often as they should, others fail them. Every comparison is at 5
 * standard errors. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/chamber.h"
#include "weylmc/jacobian/drift.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/numeric/special.h"
#include "weylmc/statistics/jackknife.h"

enum { SEED = 20261127 };

static wmc_block_options options_of(int d, int depth, const char *activation)
{
  wmc_block_options o = test_block_options(d, depth, activation);
  o.slope = 0.3;
  o.inner_variance = 0.5;
  o.input_norm2 = 2;
  return o;
}

/* ---- C(x) ------------------------------------------------------------------------------------ */

enum { D = 4 };

/* tr A and tr BA for A = H^T H/(s^2 d) - C with H = J - 1 of the next layer, which have mean 0, and
 * B = C less its trace; both over the trace of C, which has heavy tails behind a normalisation. */
static void deviations(const double *c, const double *jacobian, double s2, double out[2])
{
  double trace = 0;
  for (int j = 0; j < D; j++) trace += c[j * (D + 1)];
  out[0] = out[1] = 0;
  for (int j = 0; j < D && trace > 0; j++) /* relu may let nothing move */
    for (int l = 0; l < D; l++) {
      double sum = 0;
      for (int i = 0; i < D; i++)
        sum += (jacobian[j * D + i] - (i == j)) * (jacobian[l * D + i] - (i == l));
      const double a = (sum / (s2 * D) - c[l * D + j]) / trace;
      out[0] += j == l ? a : 0;
      out[1] += (c[l * D + j] / trace - (j == l ? 1.0 / D : 0)) * a;
    }
}

Test(drift, covariance_of_the_next_layer)
{
  const struct {
    const wmc_block *block;
    const char *activation;
    wmc_norm norm;
    double drop;
  } cases[] = {{&wmc_block_linear, "relu", WMC_NORM_NONE, 0.25},
               {&wmc_block_linear, "relu", WMC_NORM_RMS, 0},
               {&wmc_block_linear, "relu", WMC_NORM_LAYER, 0},
               {&wmc_block_exponential, "relu", WMC_NORM_NONE, 0},
               {&wmc_block_one_layer, "relu", WMC_NORM_NONE, 0},
               {&wmc_block_one_layer, "tanh", WMC_NORM_RMS, 0.5},
               {&wmc_block_two_layer, "leaky_relu", WMC_NORM_NONE, 0},
               {&wmc_block_two_layer, "erf", WMC_NORM_NONE, 0},
               {&wmc_block_two_layer, "gelu", WMC_NORM_LAYER, 0},
               {&wmc_block_outer, "sin", WMC_NORM_NONE, 0},
               {&wmc_block_inside, "erf", WMC_NORM_NONE, 0},
               {&wmc_block_inside, "gelu", WMC_NORM_RMS, 0}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    wmc_block_options o = options_of(D, 100000000, cases[k].activation);
    o.norm = cases[k].norm;
    o.drop = cases[k].drop;
    wmc_stream *stream = test_stream(SEED, 1 + (long)k);
    moments deviation[2] = {{0}};
    double c[D * D], jacobian[D * D], out[2];
    void *state;
    cr_assert_eq(cases[k].block->create(&o, &state), WMC_OK);
    for (int t = 0; t < test_trials(40000); t++) {
      cases[k].block->start(state, stream);
      cases[k].block->covariance(state, c);
      cases[k].block->layers(state, stream, 1, jacobian);
      deviations(c, jacobian, wmc_block_variance(&o), out);
      for (int i = 0; i < 2; i++) add(&deviation[i], out[i]);
    }
    for (int i = 0; i < 2; i++)
      EXPECT_NEAR(deviation[i].mean, 0, standard_error(&deviation[i]), 1e-6, "%s %s norm %d: %s",
                  cases[k].block->name, cases[k].activation, cases[k].norm, i ? "tr BA" : "tr A");
    cases[k].block->destroy(state);
    wmc_stream_destroy(stream);
  }
}

/* ---- estimates from paths ---------------------------------------------------------------------
 */

/* Numbers of the estimates, in this order. */
enum { AMPLITUDE, CONSTANT, DIFFUSION, FORM, HIDDEN = FORM + 9 };
enum { CHAINS = 4, ENTRIES = HIDDEN + 2 * WMC_DRIFT_HIDDEN, POINTS_MAX = 64 };

typedef struct setting {
  wmc_drift_plan plan;
  double fractions[POINTS_MAX];
} setting;

/* Lags of 1/16 and 1/8 of the depth between 1/4 and 1. */
static setting setting_of(int d, int substeps)
{
  setting s = {.plan = {.width = (size_t)d,
                        .points = (size_t)(12 * substeps + 1),
                        .step = 1.0 / 16 / substeps,
                        .lags = 2,
                        .lag = {(size_t)substeps, 2 * (size_t)substeps}}};
  for (size_t k = 0; k < s.plan.points; k++) s.fractions[k] = 0.25 + (double)k * s.plan.step;
  return s;
}

static void collect_numbers(void *data, const double *means, double *out)
{
  const wmc_drift_plan *plan = data;
  wmc_drift_estimates e;
  wmc_drift_estimate(plan, means, &e);
  const double numbers[HIDDEN] = {e.amplitude[0],
                                  e.constant[0],
                                  e.diffusion[0],
                                  e.amplitude[1] - e.amplitude[0],
                                  e.diffusion[1] - e.diffusion[0],
                                  e.drift_along,
                                  e.drift_across,
                                  e.variance_along,
                                  e.variance_across,
                                  e.drift_gap,
                                  e.variance_gap,
                                  e.dynkin};
  memcpy(out, numbers, sizeof numbers);
  memcpy(out + HIDDEN, e.drift_hidden, sizeof e.drift_hidden);
  memcpy(out + HIDDEN + WMC_DRIFT_HIDDEN, e.variance_hidden, sizeof e.variance_hidden);
}

/* Draws paths of a network or of its limit. */
typedef struct source {
  wmc_network *network;
  wmc_chamber *chamber;
} source;

static wmc_drift_path draw(const source *from, wmc_stream *stream)
{
  if (from->chamber) {
    cr_assert(wmc_chamber_draw(from->chamber, stream), "%s", wmc_message());
    return (wmc_drift_path){.lambda = wmc_chamber_values(from->chamber)};
  }
  cr_assert(wmc_network_draw(from->network, stream), "%s", wmc_message());
  return (wmc_drift_path){wmc_network_values(from->network), wmc_network_diffusivity(from->network),
                          wmc_network_overlap(from->network)};
}

static void estimate(const source *from, const setting *s, int paths, wmc_stream *stream,
                     wmc_estimate *out)
{
  wmc_accumulator *chain[CHAINS];
  const size_t size = wmc_drift_sums(&s->plan);
  double *sums = WMC_ARRAY(double, size), *scratch = WMC_ARRAY(double, wmc_drift_scratch(&s->plan));
  cr_assert(sums && scratch);
  for (int c = 0; c < CHAINS; c++) {
    cr_assert_eq(wmc_accumulator_create(&chain[c], size), WMC_OK);
    for (int k = 0; k < paths / CHAINS; k++) {
      const wmc_drift_path path = draw(from, stream);
      wmc_drift_collect(&s->plan, &path, sums, scratch);
      wmc_accumulator_add(chain[c], sums);
    }
  }
  cr_assert_eq(wmc_jackknife((const wmc_accumulator *const *)chain, CHAINS, ENTRIES,
                             collect_numbers, (void *)&s->plan, out),
               WMC_OK);
  for (int c = 0; c < CHAINS; c++) wmc_accumulator_destroy(chain[c]);
  wmc_free(sums);
  wmc_free(scratch);
}

static source network_of(const wmc_block *block, const wmc_block_options *o, const setting *s)
{
  source from = {NULL, NULL};
  cr_assert_eq(wmc_network_create(&from.network, block, o, s->plan.points, s->fractions), WMC_OK);
  cr_assert_eq(wmc_network_follow_vectors(from.network), WMC_OK);
  return from;
}

static const char *const names[HIDDEN] = {
    "amplitude",          "constant",      "diffusion",       "amplitude with lag",
    "diffusion with lag", "drift along i", "drift across i",  "variance along i",
    "variance across i",  "drift in gap",  "variance in gap", "Dynkin"};

static void expect_numbers(const char *label, const wmc_estimate *e, const double *exact,
                           const double *bias)
{
  for (int k = 0; k < HIDDEN; k++)
    if (!isnan(e[k].mean))
      EXPECT_NEAR(e[k].mean, k < FORM ? exact[k] : 0, e[k].error, k < FORM ? bias[k] : bias[FORM],
                  "%s: %s", label, names[k]);
}

/* The diffusion itself, whose coefficients are given. */
Test(drift, coefficients_of_the_limit_come_back)
{
  const struct {
    const char *label;
    int width, beta;
    double shift;
  } cases[] = {
      {"beta 1, d = 3", 3, 1, -1}, {"beta 2, d = 3", 3, 2, 0}, {"beta 1, d = 2, shift 0", 2, 1, 0}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const setting s = setting_of(cases[k].width, 4);
    const double variance = 1.3, bias[FORM + 1] = {0};
    const double exact[FORM] = {0.5 * variance, 0.5 * variance * cases[k].shift,
                                variance / cases[k].beta};
    source from = {NULL, NULL};
    wmc_estimate e[ENTRIES];
    wmc_stream *stream = test_stream(SEED, 100 + (long)k);
    const wmc_chamber_options o = {.width = cases[k].width,
                                   .beta = cases[k].beta,
                                   .variance = variance,
                                   .time = 1,
                                   .shift = cases[k].shift,
                                   .resolution = 1};
    cr_assert_eq(wmc_chamber_create(&from.chamber, &o, s.plan.points, s.fractions), WMC_OK);
    estimate(&from, &s, test_trials(6000), stream, e);
    expect_numbers(cases[k].label, e, exact, bias);
    wmc_chamber_destroy(from.chamber);
    wmc_stream_destroy(stream);
  }
}

/* At depth L = 512 coefficients are off by O(1/L), at most 4/L for the variance rate and its slope
 * in the index; docs/theory/jacobian.md, section 10. */
Test(drift, coefficients_of_autonomous_networks_come_back)
{
  const struct {
    const wmc_block *block;
    const char *activation;
    double variance;
  } cases[] = {{&wmc_block_linear, "linear", 1}, {&wmc_block_two_layer, "relu", 0.5}};
  for (size_t k = 0; k < 2; k++) {
    const setting s = setting_of(3, 2);
    const wmc_block_options o = options_of(3, 512, cases[k].activation);
    const double variance = cases[k].variance, off = 4.0 / 512;
    const double exact[FORM] = {0.5 * variance, -0.5 * variance, variance};
    const double bias[FORM + 1] = {off, off, off, off};
    wmc_estimate e[ENTRIES];
    wmc_stream *stream = test_stream(SEED, 110 + (long)k);
    source from = network_of(cases[k].block, &o, &s);
    estimate(&from, &s, test_trials(6000), stream, e);
    expect_numbers(cases[k].block->name, e, exact, bias);
    for (int w = HIDDEN; w < ENTRIES; w++)
      if (!isnan(e[w].mean))
        EXPECT_NEAR(e[w].mean, 0, e[w].error, off, "%s: hidden %d", cases[k].block->name,
                    w - HIDDEN);
    wmc_network_destroy(from.network);
    wmc_stream_destroy(stream);
  }
}

/* The variance rate of lambda_i is sigma^2 Q_ii, eq. (4): a slope of 1 in Q_ii, less what Q_ii
 * changes within a lag. In the two-layer block with erf Q_ii = a + (b - a)(u_i . x)^2/|x|^2. */
Test(drift, hidden_variables_are_found)
{
  const setting s = setting_of(4, 2);
  const int slope = HIDDEN + WMC_DRIFT_HIDDEN + WMC_DRIFT_DIFFUSIVITY;
  const struct {
    const wmc_block *block;
    const char *activation;
  } cases[] = {{&wmc_block_one_layer, "relu"}, {&wmc_block_two_layer, "erf"}};
  for (size_t k = 0; k < 2; k++) {
    wmc_block_options o = options_of(4, 64, cases[k].activation);
    o.input_norm2 = 4;
    wmc_estimate e[ENTRIES];
    wmc_stream *stream = test_stream(SEED, 120 + (long)k);
    source from = network_of(cases[k].block, &o, &s);
    estimate(&from, &s, test_trials(3000), stream, e);
    const double z = e[slope].mean / e[slope].error;
    cr_expect_gt(z, 10, "%s %s: %g", cases[k].block->name, cases[k].activation, z);
    cr_expect_lt(fabs(e[slope].mean - 0.85), 0.25, "%s %s: slope %g", cases[k].block->name,
                 cases[k].activation, e[slope].mean);
    if (test_verbose())
      printf("%s %s: slope of the variance rate in Q_ii %.3f, z = %.1f\n", cases[k].block->name,
             cases[k].activation, e[slope].mean, z);
    wmc_network_destroy(from.network);
    wmc_stream_destroy(stream);
  }
}

/* ---- size of the tests ------------------------------------------------------------------------
 */

static int ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* sqrt(n) times Kolmogorov's distance from the uniform law. */
static double kolmogorov(int n, double *p)
{
  double worst = 0;
  qsort(p, (size_t)n, sizeof *p, ascending);
  for (int k = 0; k < n; k++)
    worst = fmax(worst, fmax(p[k] - (double)k / n, (double)(k + 1) / n - p[k]));
  return sqrt(n) * worst;
}

/* p-values of independent sets of linear networks. P(distance > x) < 2 e^{-2 x^2}, which is the
 * probability of 5 sigma, 5.7e-7, at x = 2.745. */
Test(drift, p_values_are_uniform)
{
  enum { SETS = 150, SEEN = 4 };
  const int tests[SEEN] = {HIDDEN + WMC_DRIFT_OVERLAP, HIDDEN + WMC_DRIFT_PAST,
                           HIDDEN + WMC_DRIFT_HIDDEN + WMC_DRIFT_OVERLAP,
                           HIDDEN + WMC_DRIFT_HIDDEN + WMC_DRIFT_PAST};
  const setting s = setting_of(3, 1);
  const wmc_block_options o = options_of(3, 64, "linear");
  const int sets = test_trials(SETS) < SETS ? test_trials(SETS) : SETS;
  double p[SEEN][SETS];
  wmc_stream *stream = test_stream(SEED, 130);
  source from = network_of(&wmc_block_linear, &o, &s);
  for (int k = 0; k < sets; k++) {
    wmc_estimate e[ENTRIES];
    estimate(&from, &s, 256, stream, e);
    for (int t = 0; t < SEEN; t++)
      p[t][k] = wmc_estimate_p_value(e[tests[t]].mean, e[tests[t]].error, e[tests[t]].freedom);
  }
  for (int t = 0; t < SEEN; t++) {
    const double distance = kolmogorov(sets, p[t]);
    cr_expect_lt(distance, 2.745, "test %d: Kolmogorov distance %g of %d p-values", t, distance,
                 sets);
    if (test_verbose()) printf("test %d: Kolmogorov distance %.2f\n", t, distance);
  }
  wmc_network_destroy(from.network);
  wmc_stream_destroy(stream);
}
