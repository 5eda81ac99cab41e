/* Complex chains, and chains that commute with a cyclic group, drawn at random against exact
 * expectations at finite depth and against their limits. Draws are independent; comparisons are at
 * 5 standard errors. Equations: docs/theory/jacobian.md, section 7. */
#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>

#include "blocks.h"
#include "parameters.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/chamber.h"
#include "weylmc/jacobian/exact.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/numeric/special.h"

static const double PI = 3.14159265358979323846;

enum { SEED = 20261126 };

static wmc_block_options options_of(int width, int depth, double tau, const char *law,
                                    wmc_split split)
{
  wmc_block_options o = test_block_options(width, depth, "linear");
  o.hidden = width + 1;
  o.weights = wmc_weights_find(law);
  o.time = tau;
  o.inner_variance = 1;
  o.split = split;
  return o;
}

static const wmc_split complex_numbers = {.is_complex = true};

/* ---- sampling ------------------------------------------------------------------------------- */

enum { SUM, SQUARES, GROWTH, TRACE, TRACE2, TRACE_SQUARED, GAP, TOP, MOMENTS };

static void collect(int d, const double *values, double growth, moments *m)
{
  double sum = 0, squares = 0, trace = 0, trace2 = 0;
  for (int i = 0; i < d; i++) {
    sum += values[i];
    squares += values[i] * values[i];
    trace += exp(2 * values[i]);
    trace2 += exp(4 * values[i]);
  }
  add(&m[SUM], sum);
  add(&m[SQUARES], squares);
  add(&m[GROWTH], growth);
  add(&m[TRACE], trace);
  add(&m[TRACE2], trace2);
  add(&m[TRACE_SQUARED], trace * trace);
  add(&m[GAP], d > 1 ? values[0] - values[1] : 0);
  add(&m[TOP], values[0]);
}

/* m: MOMENTS for each mode. */
static void sample(const wmc_block *block, const wmc_block_options *o, int draws, long id,
                   moments *m)
{
  const double end = 1;
  const int modes = wmc_split_modes(&o->split);
  wmc_stream *stream = test_stream(SEED, id);
  wmc_network *network;
  cr_assert_eq(wmc_network_create(&network, block, o, 1, &end), WMC_OK);
  for (int i = 0; i < draws; i++) {
    cr_assert(wmc_network_draw(network, stream));
    for (int k = 0; k < modes; k++)
      collect(o->width, wmc_network_values(network) + k * o->width, wmc_network_growth(network)[k],
              m + k * MOMENTS);
  }
  wmc_network_destroy(network);
  wmc_stream_destroy(stream);
}

/* ---- complex chains: exact at every depth -----------------------------------------------------
 */

Test(jacobian_split, sum_and_growth_of_complex_chains)
{
  const int depth = 50, widths[] = {1, 2, 3, 8};
  for (int k = 0; k < 4; k++) {
    const int d = widths[k], draws = test_trials(d < 8 ? 10000 : 3000);
    const double s2 = 1.0 / depth;
    char what[64];
    moments m[MOMENTS] = {0};
    wmc_block_options o = options_of(d, depth, 1, "gaussian", complex_numbers);
    sample(&wmc_block_linear, &o, draws, d, m);
    snprintf(what, sizeof what, "complex d=%d E sum lambda", d);
    expect_mean(what, &m[SUM], depth * wmc_exact_log_det_complex(d, s2));
    double variance_of_growth = depth * wmc_exact_log_growth_variance(2 * d, 0.5 * s2);
    EXPECT_NEAR(m[GROWTH].mean, depth * wmc_exact_log_growth(2 * d, 0.5 * s2),
                sqrt(variance_of_growth / draws), 0, "complex d=%d E log|Mu|", d);
    EXPECT_NEAR(variance(&m[GROWTH]) / variance_of_growth, 1, sqrt(2.2 / draws), 0,
                "complex d=%d Var log|Mu|", d);
  }
}

/* One layer far from the identity, where eigenvalues of sG are beyond 1. */
Test(jacobian_split, log_det_of_a_strong_complex_layer)
{
  const double variances[] = {0.3, 1, 4};
  for (int d = 2; d <= 6; d += 2)
    for (int k = 0; k < 3; k++) {
      char what[64];
      moments m[MOMENTS] = {0};
      wmc_block_options o = options_of(d, 1, variances[k], "gaussian", complex_numbers);
      sample(&wmc_block_linear, &o, test_trials(20000), 10 * d + k, m);
      snprintf(what, sizeof what, "one complex layer d=%d s2=%g", d, variances[k]);
      expect_mean(what, &m[SUM], wmc_exact_log_det_complex(d, variances[k]));
    }
}

Test(jacobian_split, traces_of_complex_chains)
{
  const int depth = 20, draws = test_trials(20000);
  const double tau = 0.1, s2 = tau / depth;
  const char *const laws[] = {"gaussian", "rademacher", "uniform", "orthogonal"};
  for (int d = 2; d <= 8; d *= 2)
    for (int k = 0; k < 4; k++) {
      char what[64];
      moments m[MOMENTS] = {0};
      wmc_block_options o = options_of(d, depth, tau, laws[k], complex_numbers);
      sample(&wmc_block_linear, &o, k ? draws / 10 : draws, 100 + 10 * d + k, m);
      double mean = wmc_exact_trace_metric(d, s2, depth);
      snprintf(what, sizeof what, "complex %s d=%d E tr g", laws[k], d);
      expect_mean(what, &m[TRACE], mean);
      if (k) continue;
      /* eq. (C2): first and second component of A^L (d, d^2) */
      double a = pow(1 + d * s2, 2), b = 2 * s2 + d * s2 * s2;
      double plus = pow(a + b, depth), minus = pow(a - b, depth);
      snprintf(what, sizeof what, "complex d=%d E tr g^2", d);
      expect_mean(what, &m[TRACE2], 0.5 * (d * (plus + minus) + d * d * (plus - minus)));
      snprintf(what, sizeof what, "complex d=%d E (tr g)^2", d);
      expect_mean(what, &m[TRACE_SQUARED], 0.5 * (d * d * (plus + minus) + d * (plus - minus)));
      double spread = wmc_exact_trace_metric_spread_complex(d, s2, depth);
      cr_expect_float_eq((1 + spread) * mean * mean,
                         0.5 * (d * d * (plus + minus) + d * (plus - minus)), 1e-9);
    }
}

Test(jacobian_split, products_of_complex_ginibre_matrices)
{
  const int depth = 20, draws = test_trials(10000);
  const double variance_of_weights = 0.7;
  for (int d = 1; d <= 4; d++) {
    double sum = 0, spread = 0, first = log(variance_of_weights) + wmc_digamma(d);
    moments m[MOMENTS] = {0};
    wmc_block_options o = options_of(d, depth, 1, "gaussian", complex_numbers);
    o.variance = variance_of_weights;
    sample(&wmc_block_plain, &o, draws, 200 + d, m);
    for (int k = 1; k <= d; k++) {
      sum += 0.5 * depth * (log(variance_of_weights) + wmc_digamma(k));
      spread += 0.25 * depth * wmc_trigamma(k);
    }
    EXPECT_NEAR(m[SUM].mean, sum, sqrt(spread / draws), 0, "complex Ginibre d=%d E sum", d);
    EXPECT_NEAR(variance(&m[SUM]) / spread, 1, sqrt(2.5 / draws), 0, "complex Ginibre d=%d Var sum",
                d);
    EXPECT_NEAR(m[GROWTH].mean, 0.5 * depth * first, sqrt(0.25 * depth * wmc_trigamma(d) / draws),
                0, "complex Ginibre d=%d growth", d);
  }
}

/* lambda_k / L -> gamma_k = [log sigma^2 + psi(d - k + 1)]/2; at L = 400 the offset of each is
 * O(1). */
Test(jacobian_split, exponents_of_complex_ginibre_products)
{
  const int depth = 400, draws = test_trials(200), d = 3;
  const double end[] = {0.5, 1};
  moments slope[3] = {0};
  wmc_stream *stream = test_stream(SEED, 210);
  wmc_network *network;
  wmc_block_options o = options_of(d, depth, 1, "gaussian", complex_numbers);
  cr_assert_eq(wmc_network_create(&network, &wmc_block_plain, &o, 2, end), WMC_OK);
  for (int i = 0; i < draws; i++) {
    cr_assert(wmc_network_draw(network, stream));
    for (int k = 0; k < d; k++)
      add(&slope[k],
          (wmc_network_values(network)[d + k] - wmc_network_values(network)[k]) / (depth / 2));
  }
  for (int k = 0; k < d; k++)
    EXPECT_NEAR(slope[k].mean, 0.5 * wmc_digamma(d - k),
                sqrt(0.25 * wmc_trigamma(d - k) / (depth / 2) / draws), 1e-4, "gamma_%d", k + 1);
  wmc_network_destroy(network);
  wmc_stream_destroy(stream);
}

/* Two-layer blocks without phi, exponentials: exact mean growth, and sums of zero mean. */
Test(jacobian_split, other_complex_blocks)
{
  const int depth = 30, draws = test_trials(10000), d = 3;
  double error;
  moments two[MOMENTS] = {0}, power[MOMENTS] = {0};
  wmc_block_options o = options_of(d, depth, 0.5, "gaussian", complex_numbers);
  o.inner_variance = 0.3;
  sample(&wmc_block_two_layer, &o, draws, 220, two);
  expect_mean("complex two-layer E log|Mu|", &two[GROWTH],
              depth * wmc_exact_log_growth_mixed(2 * d, 2 * o.hidden, 1, 0.25 / depth, &error));
  sample(&wmc_block_exponential, &o, draws, 221, power);
  EXPECT_NEAR(power[SUM].mean, 0, sqrt(0.25 * d / draws), 0, "complex exponential E sum lambda");
  EXPECT_NEAR(variance(&power[SUM]) / (0.25 * d), 1, sqrt(2.1 / draws), 0,
              "complex exponential Var sum lambda");
}

/* ---- complex chains: their limit ----------------------------------------------------------------
 */

/* E sum lambda^2 = t d^2 + t^2 d (d^2 - 1)/3, t = tau/2, and at width 2 the gap, whose density is
 * that of x sinh(x) e^{-x^2/(2 tau)}; the rest from the exact sampler of chamber.h. */
Test(jacobian_split, complex_chains_approach_their_diffusion)
{
  const int widths[] = {2, 3, 8}, depths[] = {24, 24, 96};
  const double tau = 1, t = 0.5 * tau, end = 1;
  for (int k = 0; k < 3; k++) {
    const int d = widths[k], depth = depths[k], draws = test_trials(d < 8 ? 20000 : 2000);
    moments m[3][MOMENTS] = {0};
    char what[64];
    for (int level = 0; level < 2; level++) {
      wmc_block_options o = options_of(d, depth << level, tau, "gaussian", complex_numbers);
      sample(&wmc_block_linear, &o, draws, 300 + 10 * k + level, m[level]);
    }
    wmc_chamber_options limit = {.width = d, .beta = 2, .variance = 1, .time = tau, .exact = true};
    wmc_stream *stream = test_stream(SEED, 330 + k);
    wmc_chamber *chamber;
    cr_assert_eq(wmc_chamber_create(&chamber, &limit, 1, &end), WMC_OK);
    for (int i = 0; i < draws; i++) {
      cr_assert(wmc_chamber_draw(chamber, stream));
      collect(d, wmc_chamber_values(chamber), wmc_chamber_growth(chamber)[0], m[2]);
    }
    const double squares = t * d * d + t * t * d * (d * d - 1.0) / 3;
    const double bias = 1.0 * d * d / (depth * depth); /* of lambda_1; found: half of it */
    snprintf(what, sizeof what, "complex d=%d E sum lambda^2", d);
    expect_limit(&m[0][SQUARES], &m[1][SQUARES], squares, d * bias, what);
    if (d == 2)
      expect_limit(&m[0][GAP], &m[1][GAP], (1 + tau) * erf(sqrt(t)) + 2 * sqrt(t / PI) * exp(-t),
                   bias, "complex d=2 E gap");
    double error = hypot(hypot(2 * standard_error(&m[1][TOP]), standard_error(&m[0][TOP])),
                         standard_error(&m[2][TOP]));
    EXPECT_NEAR(2 * m[1][TOP].mean - m[0][TOP].mean, m[2][TOP].mean, error, bias,
                "complex d=%d E lambda_1", d);
    wmc_chamber_destroy(chamber);
    wmc_stream_destroy(stream);
  }
}

/* ---- Fourier modes ------------------------------------------------------------------------------
 */

/* n = 4, c = 2, gaussian taps: modes 0 and 2 have the law of the real chain, whose gap is exact at
 * every depth, mode 1 that of the complex chain. */
Test(jacobian_split, gaussian_modes_are_real_and_complex_chains)
{
  const int depth = 64, draws = test_trials(10000);
  moments m[3][MOMENTS] = {0}, alone[MOMENTS] = {0};
  wmc_block_options o = options_of(2, depth, 1, "gaussian", (wmc_split){.group = 4});
  double gap, square, error, s2 = 1.0 / depth;
  sample(&wmc_block_linear, &o, draws, 400, m[0]);
  o.split = complex_numbers;
  sample(&wmc_block_linear, &o, draws, 401, alone);
  wmc_hyperbolic_gap(s2, depth, &gap, &square);
  for (int k = 0; k < 3; k += 2) {
    expect_mean(k ? "mode 2, gap" : "mode 0, gap", &m[k][GAP], gap);
    expect_mean("real mode, sum", &m[k][SUM], depth * wmc_exact_log_det(2, s2, &error));
  }
  expect_mean("mode 1, sum", &m[1][SUM], depth * wmc_exact_log_det_complex(2, s2));
  expect_mean("mode 1, growth", &m[1][GROWTH], depth * wmc_exact_log_growth(4, 0.5 * s2));
  const int which[] = {SQUARES, GAP, TOP};
  for (int k = 0; k < 3; k++)
    EXPECT_NEAR(m[1][which[k]].mean, alone[which[k]].mean,
                hypot(standard_error(&m[1][which[k]]), standard_error(&alone[which[k]])), 0,
                "mode 1 and the complex chain, %d", which[k]);
}

/* Taps of signs: other laws of the modes at finite depth, the same limit. */
Test(jacobian_split, modes_of_sign_taps_have_the_same_limit)
{
  const int depth = 24, draws = test_trials(20000);
  moments m[2][3][MOMENTS] = {0};
  for (int level = 0; level < 2; level++) {
    wmc_block_options o = options_of(2, depth << level, 1, "rademacher", (wmc_split){.group = 4});
    sample(&wmc_block_linear, &o, draws, 410 + level, m[level][0]);
  }
  const double bias = 16.0 / (depth * depth),
               complex_gap = 2 * erf(sqrt(0.5)) + sqrt(2 / PI) * exp(-0.5);
  for (int k = 0; k < 3; k++) {
    expect_limit(&m[0][k][GAP], &m[1][k][GAP], k == 1 ? complex_gap : wmc_hyperbolic_gap_limit(1),
                 bias, "gap, sign taps");
    expect_limit(&m[0][k][SUM], &m[1][k][SUM], k == 1 ? 0 : -1, bias, "sum, sign taps");
  }
  expect_limit(&m[0][1][SQUARES], &m[1][1][SQUARES], 2.5, bias, "sum of squares, sign taps");
}

/* The model: E tr g = n c (1 + c s^2)^L and E|M e_1|^2 = (1 + c s^2)^L over the whole matrix for
 * every law of the taps, and sums over all modes. */
static void check_model(const char *depth, const char *law, const char *group, double width,
                        const char *time, long id)
{
  const int draws = test_trials(4000);
  const wmc_model *model = wmc_model_find("residual_jacobian");
  test_parameters p = test_parameters_open(model);
  wmc_stream *stream = test_stream(SEED, id);
  moments trace = {0}, vector = {0}, sum = {0};
  double expected[2], n = atof(group);
  void *chain;
  test_give_number(&p, "width", width);
  test_give(&p, "depth", depth);
  test_give(&p, "weights", law);
  test_give(&p, "group", group);
  test_give(&p, "time", time);
  double *out = WMC_ARRAY(double, wmc_model_measurement_size(model, p.values));
  cr_assert_eq(model->create(p.values, &chain), WMC_OK);
  model->start(chain, stream);
  for (int i = 0; i < draws; i++) {
    cr_assert_eq(model->advance(chain, stream, 1, false), WMC_OK);
    model->measure(chain, out);
    add(&trace, out[test_observable(&p, "trace_metric")]);
    add(&vector, exp(2 * out[test_observable(&p, "log_vector_growth")]));
    add(&sum, out[test_observable(&p, "log_singular_values_sum")]);
  }
  const double layers = atof(depth), tau = atof(time);
  double growth = isinf(layers) ? exp(width * tau) : pow(1 + width * tau / layers, layers);
  expect_mean("whole matrix, E tr g", &trace, n * width * growth);
  expect_mean("whole matrix, E|M e_1|^2", &vector, growth);
  for (const wmc_observable *o = model->observables; o->name; o++) {
    if (o->expected && strcmp(o->name, "trace_metric") == 0) {
      cr_assert(o->expected(p.values, expected));
      cr_expect_float_eq(expected[0], n * width * growth, 1e-9);
    }
    if (o->expected && strcmp(o->name, "log_singular_values_sum") == 0 &&
        o->expected(p.values, expected))
      expect_mean("whole matrix, E sum lambda", &sum, expected[0]);
  }
  model->destroy(chain);
  wmc_free(out);
  wmc_stream_destroy(stream);
  test_parameters_close(&p);
}

Test(jacobian_split, whole_matrices)
{
  check_model("64", "gaussian", "4", 2, "0.1", 420);
  check_model("64", "gaussian", "5", 3, "0.1", 421);
  check_model("64", "rademacher", "6", 2, "0.1", 422);
  check_model("64", "uniform", "3", 1, "0.1", 423);
  check_model("64", "orthogonal", "2", 2, "0.1", 424);
  check_model("inf", "gaussian", "4", 2, "0.1", 425);
  check_model("inf", "rademacher", "7", 3, "0.1", 426);
}

/* ---- complex laws of weights -------------------------------------------------------------------
 */

Test(jacobian_split, complex_weights_have_their_moments)
{
  enum { WIDTH = 3, LAYERS = 4, ENTRIES = WIDTH * WIDTH * LAYERS };
  const int draws = test_trials(4000);
  for (const wmc_weights *law = wmc_weight_laws; law->name; law++) {
    const wmc_source_options o = {.law = law,
                                  .rows = WIDTH,
                                  .columns = WIDTH,
                                  .depth = LAYERS,
                                  .scale = 1.3,
                                  .hurst = 0.7,
                                  .modes = 2,
                                  .split = complex_numbers};
    wmc_stream *stream = test_stream(SEED, 500 + (law - wmc_weight_laws));
    moments real = {0}, imaginary = {0}, both = {0}, fourth = {0};
    wmc_source *source;
    cr_assert_eq(wmc_source_create(&source, &o), WMC_OK);
    for (int i = 0; i < draws; i++) {
      double complex w[ENTRIES];
      wmc_source_start(source, stream);
      wmc_source_layers(source, stream, LAYERS, (double *)w);
      const double complex z = w[(7 * i) % ENTRIES]; /* one entry a draw: they are independent */
      add(&real, creal(z) * creal(z));
      add(&imaginary, cimag(z) * cimag(z));
      add(&both, creal(z) * cimag(z));
      add(&fourth, pow(cabs(z), 4));
    }
    const double half = 0.5 * 1.3 * 1.3;
    const bool signs = strcmp(law->name, "rademacher") == 0;
    EXPECT_NEAR(real.mean, half, standard_error(&real), signs ? 1e-12 : 0, "%s Re^2", law->name);
    EXPECT_NEAR(imaginary.mean, half, standard_error(&imaginary), signs ? 1e-12 : 0, "%s Im^2",
                law->name);
    EXPECT_NEAR(both.mean, 0, standard_error(&both), 0, "%s Re Im", law->name);
    /* Haar: E|U_ij|^4 = 2/(d(d+1)) */
    if (strcmp(law->name, "orthogonal") == 0)
      EXPECT_NEAR(fourth.mean, 4 * half * half * 2 * WIDTH / (WIDTH + 1.0), standard_error(&fourth),
                  0, "Haar fourth moment");
    wmc_source_destroy(source);
    wmc_stream_destroy(stream);
  }
}
