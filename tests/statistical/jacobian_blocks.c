/* Every architecture of docs/theory/jacobian.md, section 1, against what is known of it: exact
 * expectations at finite depth where they exist, otherwise the limit, by two depths extrapolated.
 * Draws are independent; every comparison is at 5 standard errors. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "blocks.h"
#include "log_det.h"
#include "support.h"
#include "weylmc/jacobian/exact.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/jacobian/qdt.h"

static const double PI = 3.14159265358979323846;

enum { SEED = 20261126 };

static wmc_block_options options_of(int d, int depth, double time, const char *activation)
{
  wmc_block_options o = test_block_options(d, depth, activation);
  o.time = time;
  return o;
}

/* E log|det(1 + s G)| at width d. */
static double log_det(int d, double s2)
{
  double error, value = d > 0 ? wmc_exact_log_det(d, s2, &error) : 0;
  if (d > 0) cr_assert_lt(error, 1e-4, "s^2 = %g is too large", s2);
  return value;
}

/* ---- spectra alone ------------------------------------------------------------------------- */

enum { SUM, GROWTH, TRACE, GAP, TOP, RANK, SPECTRUM };

static void collect(int d, const double *values, double growth, moments *out)
{
  double sum = 0, trace = 0;
  int rank = 0;
  for (int i = 0; i < d; i++) {
    sum += values[i];
    trace += exp(2 * values[i]);
    rank += values[i] > -INFINITY;
  }
  add(&out[SUM], sum);
  add(&out[TRACE], trace);
  add(&out[RANK], rank);
  add(&out[TOP], values[0]);
  add(&out[GAP], values[0] - values[d - 1]);
  if (rank > 0) add(&out[GROWTH], growth);
}

static void sample(const wmc_block *block, const wmc_block_options *o, int draws, long id,
                   moments *out)
{
  test_sample_networks(block, o, draws, SEED, id, collect, out);
}

/* Depths L and 2L, extrapolated to what is left at O(1/L^2). */
static void sample_two(const wmc_block *block, wmc_block_options o, int draws, long id,
                       moments m[2][SPECTRUM])
{
  for (int level = 0; level < 2; level++, o.depth *= 2)
    sample(block, &o, draws, id + level, m[level]);
}

/* The limit of the gap at width 2, by a chain of 10^5 layers. */
static double gap_limit(double time)
{
  double mean, square;
  wmc_hyperbolic_gap(time / 1e5, 1e5, &mean, &square);
  return mean;
}

/* ---- followed by hand ------------------------------------------------------------------------ */

/* What a step of one network adds to a sum whose mean is known; x before and after the layer. */
typedef double (*step_rule)(const wmc_block_options *o, const double *x, const double *after,
                            const double *parameters);

/* Mean of sum lambda - sum over layers of `rule`, and of the same for log|phi(x)| if `moved`. */
static void follow(const wmc_block *block, const wmc_block_options *o, int draws, long id,
                   step_rule rule, moments *out)
{
  enum { MOST = 2 * 64 + 8 };
  double parameters[MOST], jacobian[64], x[8], after[8], values[8], growth;
  size_t d = (size_t)o->width;
  void *state;
  wmc_qdt *qdt;
  wmc_stream *stream = test_stream(SEED, id);
  cr_assert_eq(block->create(o, &state), WMC_OK);
  cr_assert_eq(wmc_qdt_create(&qdt, o->width, wmc_network_factor_layers(block, o)), WMC_OK);
  double s2 = wmc_block_variance(o);
  double scale = block == &wmc_block_outer ? sqrt(o->inner_variance) : sqrt(s2);
  for (int i = 0; i < draws; i++) {
    double norm2 = 0, predicted = 0, sum = 0;
    wmc_stream_normals(stream, d, 1, x);
    for (size_t k = 0; k < d; k++) norm2 += x[k] * x[k];
    for (size_t k = 0; k < d; k++) x[k] *= sqrt(o->input_norm2 / norm2);
    wmc_qdt_start(qdt);
    for (int l = 0; l < o->depth; l++) {
      wmc_stream_normals(stream, d * d, scale, parameters);
      for (size_t k = 0; k < d && o->drop > 0; k++)
        parameters[d * d + k] = wmc_stream_uniform(stream) < 1 - o->drop ? 1 / (1 - o->drop) : 0;
      memcpy(after, x, sizeof after);
      block->forward(state, parameters, after, jacobian);
      predicted += rule(o, x, after, parameters);
      memcpy(x, after, sizeof x);
      wmc_qdt_multiply(qdt, 1, jacobian);
    }
    cr_assert(wmc_qdt_values(qdt, values, &growth));
    for (size_t k = 0; k < d; k++) sum += values[k];
    add(out, sum - predicted);
  }
  block->destroy(state);
  wmc_qdt_destroy(qdt);
  wmc_stream_destroy(stream);
}

static double norm2_of(int d, const double *x)
{
  double sum = 0;
  for (int i = 0; i < d; i++) sum += x[i] * x[i];
  return sum;
}

/* det(1 + s W D) is that of the block of active units, given which ones: exact at any depth. */
static double active_units(const wmc_block_options *o, const double *x, const double *after,
                           const double *parameters)
{
  int active = 0;
  (void)after;
  (void)parameters;
  for (int i = 0; i < o->width; i++) active += x[i] > 0;
  return log_det(active, wmc_block_variance(o));
}

Test(jacobian_blocks, one_layer_relu_sum_rule)
{
  const int draws = test_trials(4000);
  for (int d = 2; d <= 8; d *= 2) {
    wmc_block_options o = options_of(d, 64, 1, "relu");
    moments sum = {0};
    follow(&wmc_block_one_layer, &o, draws, 100 + d, active_units, &sum);
    EXPECT_NEAR(sum.mean, 0, standard_error(&sum), 0, "one-layer relu d=%d: sum - exact", d);
  }
}

/* |x| and one_layer: signs do not matter, the chain is the linear one. */
Test(jacobian_blocks, one_layer_abs_is_the_linear_chain)
{
  const int d = 2, depth = 20, draws = test_trials(10000);
  wmc_block_options o = options_of(d, depth, 1, "abs");
  moments m[SPECTRUM] = {0};
  double mean, square;
  sample(&wmc_block_one_layer, &o, draws, 120, m);
  wmc_hyperbolic_gap(1.0 / depth, depth, &mean, &square);
  EXPECT_NEAR(m[GAP].mean, mean, sqrt((square - mean * mean) / draws), 0, "one-layer abs gap");
  EXPECT_NEAR(m[GROWTH].mean, depth * wmc_exact_log_growth(d, 1.0 / depth),
              standard_error(&m[GROWTH]), 0, "one-layer abs growth");
}

/* ---- normalisation ----------------------------------------------------------------------------
 */

/* The branch acts on d - 1 (rms) or d - 2 (layer) directions, with amplitude s sqrt(d)/|x|. */
static double normalised(const wmc_block_options *o, const double *x, const double *after,
                         const double *parameters)
{
  int d = o->width, directions = d - (o->norm == WMC_NORM_LAYER ? 2 : 1);
  double mean = 0, centred[8];
  (void)after;
  (void)parameters;
  for (int i = 0; i < d && o->norm == WMC_NORM_LAYER; i++) mean += x[i] / d;
  for (int i = 0; i < d; i++) centred[i] = x[i] - mean;
  return log_det(directions, wmc_block_variance(o) * d / norm2_of(d, centred));
}

Test(jacobian_blocks, norms_sum_rule)
{
  const int draws = test_trials(1000);
  for (int norm = WMC_NORM_RMS; norm <= WMC_NORM_LAYER; norm++)
    for (int d = 6; d <= 8; d += 2) {
      wmc_block_options o = options_of(d, 400, 1, "linear");
      moments sum = {0};
      o.norm = (wmc_norm)norm;
      o.input_norm2 = 8 * d; /* far from 0, where the amplitude has no bound */
      follow(&wmc_block_linear, &o, draws, 130 + 10 * norm + d, normalised, &sum);
      EXPECT_NEAR(sum.mean, 0, standard_error(&sum), 0, "norm %d d=%d: sum - exact", norm, d);
    }
}

/* The branch s W sqrt(d) x/|x| is normal of variance s^2 d whatever x is: x_L - x_0 has the law
 * N(0, tau d), tau = sigma^2 T; W of variance 1/d makes that N(0, tau). */
Test(jacobian_blocks, norms_make_the_vector_a_random_walk)
{
  enum { D = 6, DEPTH = 20 };
  const int draws = test_trials(20000);
  const double tau = 0.7;
  for (int norm = WMC_NORM_RMS; norm <= WMC_NORM_LAYER; norm++) {
    wmc_block_options o = options_of(D, DEPTH, tau, "linear");
    o.norm = (wmc_norm)norm;
    wmc_stream *stream = test_stream(SEED, 150 + norm);
    void *state;
    moments square = {0}, fourth = {0};
    cr_assert_eq(wmc_block_linear.create(&o, &state), WMC_OK);
    for (int i = 0; i < draws; i++) {
      double w[D * D], jacobian[D * D], x[D], start[D], moved = 0;
      wmc_stream_normals(stream, D, 1, start);
      memcpy(x, start, sizeof x);
      for (int l = 0; l < DEPTH; l++) {
        wmc_stream_normals(stream, D * D, sqrt(wmc_block_variance(&o)), w);
        wmc_block_linear.forward(state, w, x, jacobian);
      }
      for (int k = 0; k < D; k++) moved += pow(x[k] - start[k], 2) / (tau * D);
      add(&square, moved);
      add(&fourth, moved * moved);
    }
    EXPECT_NEAR(square.mean, D, sqrt(2.0 * D / draws), 0, "norm %d |x_L - x_0|^2", norm);
    EXPECT_NEAR(fourth.mean, D * (D + 2), standard_error(&fourth), 0, "norm %d |x_L - x_0|^4",
                norm);
    wmc_block_linear.destroy(state);
    wmc_stream_destroy(stream);
  }
}

/* ---- dropout ------------------------------------------------------------------------------------
 */

static double binomial(int n, int k, double p)
{
  return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) +
             (k < n ? (n - k) * log1p(-p) : 0));
}

/* K kept outputs: det is that of a K x K chain of amplitude s/p. tr g is exact as well; the
 * spectrum tends to the linear chain of variance 1/p. */
Test(jacobian_blocks, dropout)
{
  const int draws = test_trials(10000), depth = 100;
  const double keep = 0.6, time = 0.6;
  for (int d = 2; d <= 4; d += 2) {
    wmc_block_options o = options_of(d, depth, time, "linear");
    moments m[SPECTRUM] = {0};
    double sum = 0, square = 0, spread = 0, s2 = time / depth;
    o.drop = 1 - keep;
    for (int k = 1; k <= d; k++) {
      double p = binomial(d, k, keep), one = log_det(k, s2 / (keep * keep));
      sum += p * one;
      square += p * one * one;
      spread += p * log_det_variance(k, s2 / (keep * keep));
    }
    spread = depth * (spread + square - sum * sum);
    sample(&wmc_block_linear, &o, draws, 160 + d, m);
    EXPECT_NEAR(m[SUM].mean, depth * sum, standard_error(&m[SUM]), 0, "dropout d=%d sum", d);
    EXPECT_NEAR(variance(&m[SUM]) / spread, 1, sqrt(2.2 / draws), 0, "dropout d=%d Var sum", d);
    cr_expect_lt(fabs(spread / (d * time / keep) - 1), 0.15, "the limit is that of variance / p");
    o.time = 0.1;
    moments small[SPECTRUM] = {0};
    sample(&wmc_block_linear, &o, draws, 165 + d, small);
    EXPECT_NEAR(small[TRACE].mean, wmc_exact_trace_metric(d, 0.1 / depth / keep, depth),
                standard_error(&small[TRACE]), 0, "dropout d=%d tr g", d);
  }
  moments m[2][SPECTRUM] = {0};
  wmc_block_options o = options_of(2, 40, keep, "linear");
  o.drop = 1 - keep;
  sample_two(&wmc_block_linear, o, 2 * draws, 170, m);
  expect_limit(&m[0][GAP], &m[1][GAP], gap_limit(1), 40.0 / (40 * 40), "dropout gap");
}

/* ---- exponential map
 * -------------------------------------------------------------------------------- */

/* sum lambda = s sum tr W exactly; all else has the limit of the linear chain. */
Test(jacobian_blocks, exponential_map)
{
  const int draws = test_trials(20000), depth = 16;
  for (int d = 2; d <= 4; d += 2) {
    moments m[2][SPECTRUM] = {0};
    sample_two(&wmc_block_exponential, options_of(d, depth, 1, "linear"), draws, 180 + 2 * d, m);
    for (int level = 0; level < 2; level++) {
      EXPECT_NEAR(m[level][SUM].mean, 0, sqrt(d / (double)draws), 0, "exp d=%d sum", d);
      EXPECT_NEAR(variance(&m[level][SUM]) / d, 1, sqrt(2.0 / draws), 0, "exp d=%d Var sum", d);
    }
    /* without the constant -1 every log-singular value is larger by tau/2 than in the linear chain
     */
    double growth = 0.5 * (d - 2) + 0.5;
    expect_limit(&m[0][GROWTH], &m[1][GROWTH], growth, 20.0 / (depth * depth), "exp growth");
    if (d == 2)
      expect_limit(&m[0][GAP], &m[1][GAP], gap_limit(1), 20.0 / (depth * depth), "exp gap");
  }
}

/* ---- scale inside
 * ------------------------------------------------------------------------------------ */

/* tanh: phi'(0) = 1, phi'' = 0: the linear chain. */
Test(jacobian_blocks, scale_inside_an_odd_activation)
{
  const int draws = test_trials(20000), depth = 64;
  moments m[2][SPECTRUM] = {0};
  wmc_block_options o = options_of(2, depth, 0.5, "tanh");
  o.input_norm2 = 0.5;
  sample_two(&wmc_block_inside, o, draws, 200, m);
  expect_limit(&m[0][GAP], &m[1][GAP], gap_limit(0.5), 60.0 / (depth * depth), "inside tanh gap");
  expect_limit(&m[0][GROWTH], &m[1][GROWTH], 0, 60.0 / (depth * depth), "inside tanh growth");
}

/* gelu: phi'(0) = 1/2 and phi''(0) = sqrt(2/pi): E[D W] = s^2 phi'' 1 x^T adds s^2 phi'' sum x.
 * The same drift acts on the vector, dx/dt = sigma^2 phi'' |x|^2/2 for each component, and explodes
 * at a time of about 2/(sigma^2 phi'' sqrt(d) |x_0|): stay well below it. */
static double curved(const wmc_block_options *o, const double *x, const double *after,
                     const double *parameters)
{
  double sum = 0, s2 = wmc_block_variance(o);
  (void)after;
  (void)parameters;
  for (int i = 0; i < o->width; i++) sum += x[i];
  return s2 * (sqrt(2 / PI) * sum - 0.5 * o->width * 0.25);
}

Test(jacobian_blocks, scale_inside_gelu_drifts)
{
  const int draws = test_trials(10000);
  moments m[2] = {0};
  for (int level = 0; level < 2; level++) {
    wmc_block_options o = options_of(4, 48 << level, 0.15, "gelu");
    follow(&wmc_block_inside, &o, draws, 210 + level, curved, &m[level]);
  }
  expect_limit(&m[0], &m[1], 0, 20.0 / (48 * 48), "inside gelu: sum - drift");
}

/* ---- activation outside
 * --------------------------------------------------------------------------------- */

/* v = sigma^2 T, C as for two-layer blocks: - v/(2L) [(d - 1) a + b] a layer. */
static double outside(const wmc_block_options *o, const double *x, const double *after,
                      const double *parameters)
{
  const double h = 0.25, q = o->inner_variance * norm2_of(o->width, x);
  double a = 0, b = 0;
  (void)after;
  (void)parameters;
  for (int i = -34; i <= 34; i++) {
    double z = i * h, at = sqrt(q) * z, value, slope;
    double w = h * exp(-0.5 * z * z) / sqrt(2 * PI);
    o->activation->apply(1, 0, &at, &value, &slope);
    a += w * slope * slope;
    b += w * slope * slope * z * z;
  }
  return -0.5 * wmc_block_variance(o) * ((o->width - 1) * a + b);
}

Test(jacobian_blocks, activation_outside)
{
  const int draws = test_trials(4000);
  const char *const names[] = {"sin", "tanh"};
  for (int k = 0; k < 2; k++) {
    moments m[2] = {0};
    for (int level = 0; level < 2; level++) {
      wmc_block_options o = options_of(4, 32 << level, 1, names[k]);
      o.inner_variance = 0.4;
      follow(&wmc_block_outer, &o, draws, 220 + level + 10 * k, outside, &m[level]);
    }
    expect_limit(&m[0], &m[1], 0, 20.0 / (32 * 32), names[k]);
  }
}

/* ---- laws of the weights
 * ------------------------------------------------------------------------------------ */

/* Uniform at width 1: E log(1 + s u) = ((1 + h) log(1 + h) - (1 - h) log(1 - h))/(2h) - 1 with
 * h = s sqrt 3. Orthogonal at width 2, amplitude a = s sqrt 2: rotations have E log det = 0 by the
 * mean value property, reflections log(1 - a^2). */
Test(jacobian_blocks, uniform_and_orthogonal_weights)
{
  const int draws = test_trials(20000), depth = 50;
  const double h = sqrt(3.0 / depth), a2 = 2.0 / depth;
  const double uniform = ((1 + h) * log1p(h) - (1 - h) * log1p(-h)) / (2 * h) - 1;
  moments m[3][SPECTRUM] = {0};
  wmc_block_options o = options_of(1, depth, 1, "linear");
  o.weights = wmc_weights_find("uniform");
  sample(&wmc_block_linear, &o, draws, 250, m[0]);
  EXPECT_NEAR(m[0][SUM].mean, depth * uniform, standard_error(&m[0][SUM]), 0, "uniform sum");
  o = options_of(2, depth, 1, "linear");
  o.weights = wmc_weights_find("orthogonal");
  sample(&wmc_block_linear, &o, draws, 251, m[1]);
  EXPECT_NEAR(m[1][SUM].mean, 0.5 * depth * log1p(-a2), standard_error(&m[1][SUM]), 0,
              "orthogonal sum");
  o.time = 0.1;
  sample(&wmc_block_linear, &o, draws, 252, m[2]);
  EXPECT_NEAR(m[2][TRACE].mean, wmc_exact_trace_metric(2, 0.1 / depth, depth),
              standard_error(&m[2][TRACE]), 0, "orthogonal tr g");
}

/* Only the covariance of the entries counts in the limit. */
Test(jacobian_blocks, limits_of_other_laws)
{
  const int draws = test_trials(20000), depth = 40;
  const char *const names[] = {"uniform", "orthogonal"};
  for (int k = 0; k < 2; k++) {
    wmc_block_options o = options_of(2, depth, 1, "linear");
    moments m[2][SPECTRUM] = {0};
    o.weights = wmc_weights_find(names[k]);
    sample_two(&wmc_block_linear, o, draws, 260 + 10 * k, m);
    expect_limit(&m[0][GAP], &m[1][GAP], gap_limit(1), 40.0 / (depth * depth), names[k]);
    expect_limit(&m[0][SUM], &m[1][SUM], -1, 40.0 / (depth * depth), names[k]);
    expect_limit(&m[0][GROWTH], &m[1][GROWTH], 0, 40.0 / (depth * depth), names[k]);
  }
}

/* ---- scalings
 * --------------------------------------------------------------------------------------------- */

/* b > 1/2: lambda / sqrt(s^2 L) tends to the eigenvalues of (G + G^T)/2, whose gap at width 2 is
 * Rayleigh of mean sqrt(pi); the next term has mean 0 at order s sqrt(L). b < 1/2: the gap grows by
 * the difference of the
 * Lyapunov exponents of a layer. */
Test(jacobian_blocks, exponents_of_the_depth)
{
  const int draws = test_trials(20000);
  wmc_block_options o = options_of(2, 64, 1, "linear");
  moments m[SPECTRUM] = {0};
  o.exponent = 1.5;
  sample(&wmc_block_linear, &o, draws, 280, m);
  double unit = sqrt(wmc_block_variance(&o) * o.depth);
  EXPECT_NEAR(m[GAP].mean / unit, sqrt(PI), sqrt((4 - PI) / draws), 2 * unit * unit,
              "b = 3/2: gap");
  EXPECT_NEAR(m[SUM].mean / unit, 0, sqrt(2.0 / draws), 2 * unit, "b = 3/2: sum");

  const double fractions[] = {0.5, 1};
  const int few = draws / 20;
  o.depth = 2500;
  o.exponent = 0.25;
  double s2 = wmc_block_variance(&o);
  wmc_network *network;
  wmc_stream *stream = test_stream(SEED, 281);
  moments gap = {0};
  cr_assert_eq(wmc_network_create(&network, &wmc_block_linear, &o, 2, fractions), WMC_OK);
  for (int i = 0; i < few; i++) {
    cr_assert(wmc_network_draw(network, stream));
    const double *v = wmc_network_values(network);
    add(&gap, ((v[2] - v[3]) - (v[0] - v[1])) / (s2 * o.depth / 2));
  }
  double rate = (2 * wmc_exact_log_growth(2, s2) - log_det(2, s2)) / s2;
  cr_expect_lt(fabs(rate - 1), 3 * s2);
  EXPECT_NEAR(gap.mean, rate, standard_error(&gap), 1e-6, "b = 1/4: gap rate");
  wmc_network_destroy(network);
  wmc_stream_destroy(stream);
}

/* ---- depth-correlated weights
 * --------------------------------------------------------------------------------- */

/* E sum lambda = L E log|det(1 + s G)| whatever the correlation; Var -> d sigma^2 T^{2H}. */
Test(jacobian_blocks, correlated_weights)
{
  const int draws = test_trials(4000), depth = 128;
  const struct {
    const char *law;
    double hurst;
  } cases[] = {{"fractional", 0.6}, {"fractional", 0.75}, {"fractional", 0.9}, {"smooth", 0}};
  for (size_t k = 0; k < 4; k++)
    for (int d = 1; d <= 3; d++) {
      wmc_block_options o = options_of(d, depth, 1, "linear");
      moments m[SPECTRUM] = {0};
      o.weights = wmc_weights_find(cases[k].law);
      o.hurst = cases[k].hurst;
      double s2 = wmc_block_variance(&o);
      sample(&wmc_block_linear, &o, draws, 300 + 10 * (long)k + d, m);
      EXPECT_NEAR(m[SUM].mean, depth * log_det(d, s2), standard_error(&m[SUM]), 0,
                  "%s(%g) d=%d sum", cases[k].law, cases[k].hurst, d);
      if (k < 3)
        EXPECT_NEAR(variance(&m[SUM]), d, d * sqrt(2.2 / draws), 20 * d * s2,
                    "fractional(%g) d=%d Var sum", cases[k].hurst, d);
    }
}
