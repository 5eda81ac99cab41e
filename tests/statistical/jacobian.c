/* Residual chains drawn at random against exact expectations at finite depth, and against the
 * linear diffusion. Draws are independent; every comparison is at 5 standard errors, with the
 * exact standard deviation where the theory has one. Equations: docs/theory/jacobian.md. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "support.h"
#include "weylmc/jacobian/exact.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/jacobian/qdt.h"

static const double PI = 3.14159265358979323846;

enum { SEED = 20261124 };

/* ---- sampling ---------------------------------------------------------------------------- */

static wmc_block_options linear_options(int d, int depth, double tau, const char *weights)
{
  wmc_block_options o = test_block_options(d, depth, "linear");
  o.weights = wmc_weights_find(weights);
  o.time = tau;
  return o;
}

enum { SUM, GROWTH, TRACE, TRACE2, MINOR2, GAP, MOMENTS };

static void collect_all(int d, const double *values, double growth, moments *out)
{
  double sum = 0, trace = 0, trace2 = 0;
  for (int i = 0; i < d; i++) {
    sum += values[i];
    trace += exp(2 * values[i]);
    trace2 += exp(4 * values[i]);
  }
  add(&out[SUM], sum);
  add(&out[GROWTH], growth);
  add(&out[TRACE], trace);
  add(&out[TRACE2], trace2);
  add(&out[MINOR2], 0.5 * (trace * trace - trace2));
  add(&out[GAP], values[0] - values[d - 1]);
}

static void sample(const wmc_block *block, const wmc_block_options *o, int draws, long id,
                   moments *out)
{
  test_sample_networks(block, o, draws, SEED, id, collect_all, out);
}

/* ---- the linear chain --------------------------------------------------------------------- */

/* E e_2(g) = C(d,2) [sum_j C(2,j) s^{2j} (d-2+j)!/(d-2)!]^L (eq. (12)). */
static double second_minor(int d, double s2, int depth)
{
  double one = 1 + 2 * s2 * (d - 1) + s2 * s2 * (d - 1) * d;
  return 0.5 * d * (d - 1) * pow(one, depth);
}

Test(jacobian, traces_of_the_linear_chain)
{
  /* a small time, because these are the moments of nearly log-normal numbers */
  const int depth = 20, draws = test_trials(40000);
  const double tau = 0.1, s2 = tau / depth;
  for (int d = 2; d <= 8; d *= 2) {
    moments m[MOMENTS] = {0};
    wmc_block_options o = linear_options(d, depth, tau, "gaussian");
    sample(&wmc_block_linear, &o, draws, 10 + d, m);
    double mean = wmc_exact_trace_metric(d, s2, depth);
    double spread = wmc_exact_trace_metric_spread(d, s2, depth);
    EXPECT_NEAR(m[TRACE].mean, mean, mean * sqrt(spread / draws), 0, "d=%d E tr g", d);
    EXPECT_NEAR(variance(&m[TRACE]) / (spread * mean * mean), 1, sqrt(8.0 / draws), 0,
                "d=%d Var tr g", d);
    double second = second_minor(d, s2, depth), squared = mean * mean * (1 + spread);
    EXPECT_NEAR(m[MINOR2].mean, second, standard_error(&m[MINOR2]), 0, "d=%d E e_2(g)", d);
    /* tr g^2 = (tr g)^2 - 2 e_2 */
    EXPECT_NEAR(m[TRACE2].mean, squared - 2 * second, standard_error(&m[TRACE2]), 0,
                "d=%d E tr g^2", d);
  }
}

/* ---- two-layer blocks with homogeneous activations ---------------------------------------- */

static wmc_block_options two_layer_options(int d, int n, int depth, const char *activation,
                                           double slope, const char *weights)
{
  wmc_block_options o = test_block_options(d, depth, activation);
  double alpha = wmc_activation_negative_slope(o.activation, slope);
  o.hidden = n;
  o.slope = slope;
  o.weights = wmc_weights_find(weights);
  /* the variance that makes the limit the linear diffusion of sigma = 1 */
  o.variance = 2 / (1 + alpha * alpha);
  o.inner_variance = 0.7;
  o.input_norm2 = 3;
  return o;
}

/* log|Mu| has independent increments of amplitude s^2 = (c1 c2 / L) sum_i k_i z_i^2 with k = 1 or
 * alpha^2 (eqs. (17)-(18)): rho = E s^4 / (E s^2)^2. */
Test(jacobian, growth_through_homogeneous_blocks)
{
  const struct {
    const char *activation;
    double slope;
  } cases[] = {{"relu", 0}, {"leaky_relu", 0.3}, {"leaky_relu", -1}, {"linear", 0}};
  const int depth = 64, draws = test_trials(10000);
  for (size_t k = 0; k < 4; k++)
    for (int d = 2; d <= 8; d *= 2) {
      int n = d + 1;
      wmc_block_options o =
          two_layer_options(d, n, depth, cases[k].activation, cases[k].slope, "gaussian");
      double alpha = wmc_activation_negative_slope(o.activation, o.slope);
      double first = 0.5 * (1 + pow(alpha, 2)), second = 0.5 * (1 + pow(alpha, 4));
      double rho = 1 + (3 * second / (first * first) - 1) / n;
      double mean = 0.5 * (d - 2) - rho * (d - 2) * (d - 4) / (4.0 * depth);
      double spread = 1 + (rho * (d * d - 10 * d + 20) - (d - 2) * (d - 2)) / (4.0 * depth);
      double third = pow((d + 4) / (double)depth, 2); /* what is left out */
      moments m[MOMENTS] = {0};
      sample(&wmc_block_two_layer, &o, draws, 40 + d + 10 * (long)k, m);
      double error, s2 = o.variance / depth;
      double exact = depth * wmc_exact_log_growth_mixed(d, n, alpha, s2, &error);
      cr_assert_lt(error * depth, 1e-3);
      cr_expect_lt(fabs(exact - mean), third);
      EXPECT_NEAR(m[GROWTH].mean, exact, sqrt(spread / draws), 5 * error * depth,
                  "%s(%g) d=%d E log|Mu|", cases[k].activation, alpha, d);
      EXPECT_NEAR(variance(&m[GROWTH]), spread, spread * sqrt(2.2 / draws), third,
                  "%s(%g) d=%d Var log|Mu|", cases[k].activation, alpha, d);
    }
}

Test(jacobian, trace_through_homogeneous_blocks)
{
  const int depth = 20, draws = test_trials(20000);
  const char *const laws[] = {"gaussian", "rademacher"};
  for (size_t law = 0; law < 2; law++)
    for (int d = 2; d <= 8; d *= 2) {
      wmc_block_options o = two_layer_options(d, 4, depth, "relu", 0, laws[law]);
      o.time = 0.1;
      moments m[MOMENTS] = {0};
      sample(&wmc_block_two_layer, &o, draws, 80 + d + 10 * (long)law, m);
      double mean = wmc_exact_trace_metric(d, 0.1 / depth, depth);
      EXPECT_NEAR(m[TRACE].mean, mean, standard_error(&m[TRACE]), 0, "relu %s d=%d E tr g",
                  laws[law], d);
    }
}

/* Values at depths L and 2 L extrapolated by 2 y(2L) - y(L), which leaves O(L^-2). */
/* Gap of the linear diffusion at width 2: the chain's own at a depth of 10^5. */
Test(jacobian, gap_of_homogeneous_blocks_tends_to_the_diffusion)
{
  const int depth = 64, draws = test_trials(40000);
  double limit, square;
  wmc_hyperbolic_gap(1e-5, 100000, &limit, &square);
  const char *const names[] = {"relu", "leaky_relu"};
  for (int k = 0; k < 2; k++) {
    moments m[2][MOMENTS] = {0};
    for (int level = 0; level < 2; level++) {
      wmc_block_options o = two_layer_options(2, 2, depth << level, names[k], 0.3, "gaussian");
      sample(&wmc_block_two_layer, &o, draws, 100 + level + 10 * k, m[level]);
    }
    expect_limit(&m[0][GAP], &m[1][GAP], limit, 40.0 / (depth * depth), names[k]);
    expect_limit(&m[0][SUM], &m[1][SUM], -1, 40.0 / (depth * depth), "sum");
  }
}

/* ---- sign weights ------------------------------------------------------------------------- */

/* Mean and variance of log|det(I + s G)| over all sign matrices of width d. */
static void enumerate_signs(int d, double s, double *mean, double *spread)
{
  moments all = {0};
  for (unsigned word = 0; word < 1u << (d * d); word++) {
    double a[16], log_det = 0;
    for (int i = 0; i < d * d; i++) a[i] = (word >> i & 1 ? s : -s) + (i % (d + 1) == 0);
    for (int k = 0; k < d; k++) { /* diagonally dominant enough for s < 1/d: no pivots needed */
      log_det += log(fabs(a[k * d + k]));
      for (int i = k + 1; i < d; i++)
        for (int j = k + 1; j < d; j++) a[i * d + j] -= a[i * d + k] * a[k * d + j] / a[k * d + k];
    }
    add(&all, log_det);
  }
  *mean = all.mean;
  *spread = all.squares / all.count;
}

Test(jacobian, signs_at_finite_depth)
{
  const int depth = 40, draws = test_trials(40000);
  for (int d = 2; d <= 4; d++) {
    double mean, spread;
    moments m[MOMENTS] = {0};
    wmc_block_options o = linear_options(d, depth, 1, "rademacher");
    enumerate_signs(d, sqrt(1.0 / depth), &mean, &spread);
    sample(&wmc_block_linear, &o, draws, 120 + d, m);
    EXPECT_NEAR(m[SUM].mean, depth * mean, sqrt(depth * spread / draws), 0, "signs d=%d sum", d);
    EXPECT_NEAR(variance(&m[SUM]) / (depth * spread), 1, sqrt(2.2 / draws), 0, "signs d=%d Var sum",
                d);
  }
}

Test(jacobian, signs_and_normals_have_one_limit)
{
  const int depth = 64, draws = test_trials(40000);
  double limit, square;
  wmc_hyperbolic_gap(1e-5, 100000, &limit, &square);
  moments m[2][MOMENTS] = {0};
  for (int level = 0; level < 2; level++) {
    wmc_block_options o = linear_options(2, depth << level, 1, "rademacher");
    sample(&wmc_block_linear, &o, draws, 130 + level, m[level]);
  }
  expect_limit(&m[0][GAP], &m[1][GAP], limit, 40.0 / (depth * depth), "signs, gap");
  expect_limit(&m[0][GROWTH], &m[1][GROWTH], 0, 40.0 / (depth * depth), "signs, log|Mu|");
}

/* ---- smooth activations ------------------------------------------------------------------- */

/* a = E phi'^2, b = E phi'^2 z^2, f = E phi^2 / q at phi(sqrt(q) z), z normal (eqs. (5)-(6)). */
typedef struct coefficients {
  double a, b, f;
} coefficients;

static coefficients coefficients_at(const wmc_activation *activation, double q)
{
  const double h = 0.25;
  coefficients c = {0, 0, 0};
  for (int i = 0; i <= 34; i++) { /* all three are even in z */
    double z = i * h, x = sqrt(q) * z, value, slope;
    double w = (i ? 2 : 1) * h * exp(-0.5 * z * z) / sqrt(2 * PI);
    activation->apply(1, 0, &x, &value, &slope);
    c.a += w * slope * slope;
    c.b += w * slope * slope * z * z;
    c.f += w * value * value / q;
  }
  return c;
}

Test(jacobian, coefficients_of_erf)
{
  for (double q = 0.1; q < 2; q *= 2) {
    coefficients c = coefficients_at(wmc_activation_find("erf"), q);
    cr_expect_lt(fabs(c.a - 4 / PI / sqrt(1 + 4 * q)), 1e-10);
    cr_expect_lt(fabs(c.b - 4 / PI * pow(1 + 4 * q, -1.5)), 1e-10);
    cr_expect_lt(fabs(c.f * q - 2 / PI * asin(2 * q / (1 + 2 * q))), 1e-10);
  }
}

Test(jacobian, coefficients_of_sin)
{
  for (double q = 0.1; q < 2; q *= 2) {
    coefficients c = coefficients_at(wmc_activation_find("sin"), q);
    cr_expect_lt(fabs(c.a - 0.5 * (1 + exp(-2 * q))), 1e-10);
    cr_expect_lt(fabs(c.b - 0.5 * (1 + (1 - 4 * q) * exp(-2 * q))), 1e-10);
    cr_expect_lt(fabs(c.f * q - 0.5 * (1 - exp(-2 * q))), 1e-10);
  }
}

enum { RESIDUAL_SUM, RESIDUAL_NORM, RESIDUAL_SQUARE, RESIDUALS };

/* One network followed by hand. What is added up has mean zero up to O(1/L):
 * sum lambda + v/2 int tr C,  log|x|/|x_0| - int w (d-2)/2,  and the square of the latter less its
 * quadratic variation int w. */
static void follow(const wmc_block_options *o, void *state, wmc_qdt *qdt, wmc_stream *stream,
                   moments *out)
{
  enum { MOST = 2 * 4 * 8 };
  double parameters[MOST], jacobian[16], x[4], values[4], growth, sum = 0, norm2 = 0, start = 0;
  int d = o->width, n = o->hidden;
  double v = o->variance * o->time, outer = v / (o->inner_variance * n) / o->depth;
  double drift = 0, travel = 0, quadratic = 0;
  wmc_stream_normals(stream, (size_t)d, 1, x);
  for (int i = 0; i < d; i++) start += x[i] * x[i];
  wmc_qdt_start(qdt);
  for (int l = 0; l < o->depth; l++) {
    norm2 = 0;
    for (int i = 0; i < d; i++) norm2 += x[i] * x[i];
    coefficients c = coefficients_at(o->activation, o->inner_variance * norm2);
    double w = v * c.f / o->depth;
    drift += 0.5 * v / o->depth * ((d - 1) * c.a + c.b);
    travel += 0.5 * (d - 2) * w;
    quadratic += w;
    wmc_stream_normals(stream, (size_t)(n * d), sqrt(o->inner_variance), parameters);
    wmc_stream_normals(stream, (size_t)(n * d), sqrt(outer), parameters + n * d);
    wmc_block_two_layer.forward(state, parameters, x, jacobian);
    wmc_qdt_multiply(qdt, 1, jacobian);
  }
  cr_assert(wmc_qdt_values(qdt, values, &growth));
  for (norm2 = 0; d-- > 0;) {
    sum += values[d];
    norm2 += x[d] * x[d];
  }
  double moved = 0.5 * log(norm2 / start) - travel;
  add(&out[RESIDUAL_SUM], sum + drift);
  add(&out[RESIDUAL_NORM], moved);
  add(&out[RESIDUAL_SQUARE], moved * moved - quadratic);
}

Test(jacobian, sum_rule_of_smooth_activations)
{
  const int depth = 24, draws = test_trials(6000);
  const char *const names[] = {"erf", "tanh"};
  for (int k = 0; k < 2; k++) {
    moments m[2][RESIDUALS] = {0};
    for (int level = 0; level < 2; level++) {
      wmc_block_options o = {.width = 4,
                             .depth = depth << level,
                             .hidden = 8,
                             .activation = wmc_activation_find(names[k]),
                             .weights = wmc_weights_find("gaussian"),
                             .variance = 1,
                             .time = 1,
                             .inner_variance = 0.25,
                             .input_norm2 = 4};
      void *state;
      wmc_qdt *qdt;
      wmc_stream *stream = test_stream(SEED, 140 + level + 10 * k);
      cr_assert_eq(wmc_block_two_layer.create(&o, &state), WMC_OK);
      cr_assert_eq(wmc_qdt_create(&qdt, 4, 12), WMC_OK);
      for (int i = 0; i < draws; i++) follow(&o, state, qdt, stream, m[level]);
      wmc_block_two_layer.destroy(state);
      wmc_qdt_destroy(qdt);
      wmc_stream_destroy(stream);
    }
    const char *const what[] = {"sum rule", "log|x|", "log|x|^2"};
    for (int r = 0; r < RESIDUALS; r++)
      expect_limit(&m[0][r], &m[1][r], 0, 10.0 / (depth * depth), what[r]);
  }
}
