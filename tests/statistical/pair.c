/* Steps of the pair (M, x) at infinite depth: exact laws, the order of the bias, and deep networks.
 * Draws are independent; comparisons are at 5 standard errors. Equations: docs/theory/jacobian.md,
 * section 6. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "pair.h"
#include "support.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/jacobian/pair.h"
#include "weylmc/numeric/special.h"

enum { WIDEST = 6 };

typedef struct row {
  const char *block, *activation;
  wmc_norm norm;
  int width;
  double tau;
} row;

static wmc_block_options options(const row *r, int depth)
{
  wmc_block_options o = test_block_options(r->width, depth, r->activation);
  o.variance = 2 * r->tau;
  o.time = 0.5;
  o.norm = r->norm;
  return o;
}

enum { SEED = 20261205 };

enum { TOP, GAP, SUM, GROWTH, SEEN };
static const char *const names[SEEN] = {"lambda_1", "gap", "sum", "growth"};

static void collect(int d, const double *values, double growth, moments *out)
{
  double sum = 0;
  for (int i = 0; i < d; i++) sum += values[i];
  add(&out[TOP], values[0]);
  add(&out[GAP], values[0] - values[1]);
  add(&out[SUM], sum);
  add(&out[GROWTH], growth);
}

static void sample(const row *r, bool limit, int depth, int draws, long id, moments out[SEEN])
{
  const wmc_block *block = wmc_block_find(r->block);
  const wmc_block_options o = options(r, depth);
  memset(out, 0, SEEN * sizeof *out);
  test_sample_networks(limit ? wmc_pair_block(block) : block, &o, draws, SEED, id, collect, out);
}

/* ---- rows whose spectrum is autonomous ------------------------------------------------------- */

/* tau of the linear chain: half of it for a two-layer block with relu. */
static void check_autonomous(const char *block, const char *activation, int d, double factor,
                             double tau, int depth, int draws)
{
  const row r = {block, activation, WMC_NORM_NONE, d, tau / factor};
  moments m[SEEN];
  sample(&r, true, depth, draws, 10 * d, m);
  expect_mean("sum", &m[SUM], -0.5 * d * tau);
  expect_mean("log|Mu|", &m[GROWTH], 0.5 * tau * (d - 2));
  if (d == 2) expect_mean("gap", &m[GAP], wmc_hyperbolic_gap_limit(tau));
}

Test(pair, autonomous_rows_follow_the_chamber)
{
  check_autonomous("linear", "linear", 2, 1, 1, 64, test_trials(60000));
  check_autonomous("two_layer", "relu", 2, 0.5, 0.5, 32, test_trials(60000));
  check_autonomous("two_layer", "abs", 4, 1, 0.5, 48, test_trials(20000));
  check_autonomous("inside", "erf", 3, 4 / 3.14159265358979, 0.5, 32, test_trials(20000));
}

/* ---- order of the bias ------------------------------------------------------------------------
 */

/* Halving the step takes the bias of two means, known exactly, down by more than 2^{3/2}. */
Test(pair, bias_is_of_second_order)
{
  const row r = {"linear", "linear", WMC_NORM_NONE, 2, 1};
  const double exact[2] = {-1, wmc_hyperbolic_gap_limit(1)};
  const int seen[2] = {SUM, GAP};
  moments m[2][SEEN];
  for (int k = 0; k < 2; k++) sample(&r, true, 2 << k, test_trials(300000), 100 + k, m[k]);
  for (int i = 0; i < 2; i++) {
    const moments *coarse = &m[0][seen[i]], *fine = &m[1][seen[i]];
    const double bias[2] = {coarse->mean - exact[i], fine->mean - exact[i]};
    const double least = sqrt(8),
                 noise = 5 * hypot(standard_error(coarse), least * standard_error(fine));
    if (test_verbose())
      printf("%s: bias %.5f, then %.5f, errors %.5f\n", names[seen[i]], bias[0], bias[1],
             standard_error(fine));
    cr_expect_gt(fabs(bias[0]), least * fabs(bias[1]) + noise, "%s: bias %g, then %g",
                 names[seen[i]], bias[0], bias[1]);
  }
}

/* ---- order of the bias where nothing is known exactly -------------------------------------------
 */

/* Mean difference of `count` steps and twice as many, coupled. */
static void sample_difference(const row *r, int count, int draws, long id, moments out[TEST_SEEN])
{
  const wmc_block *steps = wmc_pair_block(wmc_block_find(r->block));
  test_walker w[2];
  wmc_stream *s = test_stream(SEED, id);
  memset(out, 0, TEST_SEEN * sizeof *out);
  for (int k = 0; k < 2; k++) {
    const wmc_block_options o = options(r, count << k);
    cr_assert_eq(steps->create(&o, &w[k].state), WMC_OK);
  }
  cr_assert_leq(steps->parameters(w[0].state), TEST_STEP_NUMBERS);
  for (int draw = 0; draw < draws; draw++) {
    double difference[TEST_SEEN];
    test_coupled_difference(steps, count, &w[0], &w[1], s, difference);
    for (int q = 0; q < TEST_SEEN; q++) add(&out[q], difference[q]);
  }
  for (int k = 0; k < 2; k++) steps->destroy(w[k].state);
  wmc_stream_destroy(s);
}

/* Coupled paths come together: the variance of the difference falls about as 1/n. Where paths of
 * steps of two lengths agree in law, so does the mean, as 1/n^2. */
static void check_coupling(const row *r, int draws, long id)
{
  moments coarse[TEST_SEEN], fine[TEST_SEEN];
  sample_difference(r, 4, draws, id, coarse);
  sample_difference(r, 16, draws, id + 1, fine);
  for (int q = 0; q < TEST_SEEN; q++) {
    if (test_verbose())
      printf("%s %s: variance %.5f, then %.5f; mean %.5f, then %.5f(%.5f)\n", r->block,
             r->activation, coarse[q].squares / draws, fine[q].squares / draws, coarse[q].mean,
             fine[q].mean, standard_error(&fine[q]));
    cr_expect_gt(coarse[q].squares, 2 * fine[q].squares, "%s %s", r->block, r->activation);
    cr_expect_lt(fabs(fine[q].mean), 0.005 + 5 * standard_error(&fine[q]));
  }
}

Test(pair, coupled_steps_come_together)
{
  const int draws = test_trials(10000);
  check_coupling(&(row){"one_layer", "tanh", WMC_NORM_NONE, 2, 1.5}, draws, 600);
  check_coupling(&(row){"one_layer", "relu", WMC_NORM_NONE, 2, 1.5}, draws, 610);
  check_coupling(&(row){"two_layer", "erf", WMC_NORM_NONE, 2, 1.5}, draws, 620);
}

/* ---- E sum lambda along the path ---------------------------------------------------------------
 */

/* sum lambda + (sigma^2/2) int tr C dt has the mean 0. */
static void check_sum_rule(const row *r, int depth, int draws, long id)
{
  const wmc_block_options o = options(r, depth);
  const wmc_block *steps = wmc_pair_block(wmc_block_find(r->block));
  const double h = o.time / depth;
  const int d = r->width;
  wmc_network *n;
  wmc_stream *s = test_stream(SEED, id);
  double *fractions = malloc((size_t)depth * sizeof *fractions);
  for (int k = 0; k < depth; k++) fractions[k] = (k + 1.0) / depth;
  cr_assert_eq(wmc_network_create(&n, steps, &o, (size_t)depth, fractions), WMC_OK);
  cr_assert_eq(wmc_network_follow_vectors(n), WMC_OK);
  moments rest = {0};
  for (int k = 0; k < draws; k++) {
    cr_assert(wmc_network_draw(n, s));
    /* sum_i Q_ii = tr C at each record; at the start it is that of the first of them to O(h) */
    const double *q = wmc_network_diffusivity(n), *v = wmc_network_values(n);
    double integral = 0, sum = 0;
    for (int step = 0; step < depth; step++) {
      double trace = 0;
      for (int i = 0; i < d; i++) trace += q[step * d + i];
      integral += trace * h * (step + 1 < depth ? 1 : 0.5) + (step == 0 ? 0.5 * h * trace : 0);
    }
    for (int i = 0; i < d; i++) sum += v[(depth - 1) * d + i];
    add(&rest, sum + 0.5 * o.variance * integral);
  }
  expect_mean("sum + (v/2) int tr C", &rest, 0);
  free(fractions);
  wmc_network_destroy(n);
  wmc_stream_destroy(s);
}

Test(pair, sum_rule)
{
  check_sum_rule(&(row){"two_layer", "erf", WMC_NORM_NONE, 3, 0.6}, 48, test_trials(4000), 200);
  check_sum_rule(&(row){"one_layer", "gelu", WMC_NORM_NONE, 4, 0.4}, 48, test_trials(4000), 201);
  check_sum_rule(&(row){"one_layer", "relu", WMC_NORM_NONE, 3, 0.6}, 48, test_trials(4000), 202);
  check_sum_rule(&(row){"inside", "gelu", WMC_NORM_RMS, 6, 0.2}, 48, test_trials(4000), 203);
}

/* ---- rms norm: eq. (27) ------------------------------------------------------------------------
 */

static double inverse(double p, void *data) { return 1 / (*(int *)data - 2 + 2 * p); }

/* E 1/|x_0 + sqrt(u) z|^2: |.|^2/u is non-central chi^2, a Poisson mixture of central ones. */
static double mean_inverse_square(int d, double norm2, double u)
{
  return wmc_poisson_mean(0.5 * norm2 / u, inverse, &d) / u;
}

/* E sum lambda = -(sigma^2/2) d (d - 1) int E|x_t|^{-2} dt; mid-point rule, x_t ~ N(x_0, sigma^2 d
 * t).
 */
Test(pair, rms_norm)
{
  const row r = {"linear", "linear", WMC_NORM_RMS, 6, 0.4};
  const int nodes = 400, d = r.width;
  moments m[SEEN];
  double integral = 0;
  for (int k = 0; k < nodes; k++)
    integral += mean_inverse_square(d, d, r.tau * d * (k + 0.5) / nodes) / nodes;
  sample(&r, true, 64, test_trials(20000), 300, m);
  expect_mean("sum of lambda, rms norm", &m[SUM], -0.5 * r.tau * d * (d - 1) * integral);
}

/* With layer norm the same in the d - 1 dimensions across (1, ..., 1), for the mean over the
 * directions of x_0: |x_0|^2 sin^2, with the density sin^(d-2) of the angle. Steps near |x| = 0
 * carry a tenth of the sum. */
Test(pair, layer_norm)
{
  enum { NODES = 120 };
  const row r = {"linear", "linear", WMC_NORM_LAYER, 4, 1};
  const int d = r.width;
  moments m[SEEN];
  double sum = 0, weights = 0;
  for (int i = 0; i < NODES; i++) {
    const double sine = sin(1.57079632679489661923 * (i + 0.5) / NODES), norm2 = d * sine * sine;
    const double span = log1p(r.tau * d / norm2), weight = pow(sine, d - 2);
    double integral = 0;
    for (int k = 0; k < NODES; k++) { /* in log(|x_0|^2 + u) */
      const double grown = norm2 * exp(span * (k + 0.5) / NODES);
      integral += grown * span / NODES * mean_inverse_square(d - 1, norm2, grown - norm2);
    }
    sum += weight * integral;
    weights += weight;
  }
  sample(&r, true, 32, test_trials(20000), 310, m);
  expect_mean("sum of lambda, layer norm", &m[SUM], -0.5 * (d - 2) * sum / weights);
}

/* x_T is normal around x_0 at any number of steps. */
Test(pair, vector_behind_a_norm)
{
  const row r = {"linear", "linear", WMC_NORM_RMS, 3, 0.5};
  const wmc_block *steps = wmc_pair_block(&wmc_block_linear);
  const wmc_block_options o = options(&r, 4);
  const int d = r.width;
  void *state;
  double numbers[64], jacobian[WIDEST * WIDEST];
  wmc_stream *s = test_stream(SEED, 400);
  cr_assert_eq(steps->create(&o, &state), WMC_OK);
  const size_t all = steps->parameters(state), normals = (size_t)(d + d * d);
  moments along = {0}, square = {0};
  for (int k = 0; k < test_trials(20000); k++) {
    double x[WIDEST] = {sqrt(3), 0, 0}, distance = 0;
    for (int step = 0; step < 4; step++) {
      wmc_stream_normals(s, normals, 1, numbers);
      wmc_stream_signs(s, all - normals, 1, numbers + normals);
      steps->forward(state, numbers, x, jacobian);
    }
    add(&along, x[0]);
    x[0] -= sqrt(3);
    for (int i = 0; i < d; i++) distance += x[i] * x[i];
    add(&square, distance);
  }
  expect_mean("x", &along, sqrt(3));
  expect_mean("|x - x_0|^2", &square, r.tau * d * d);
  steps->destroy(state);
  wmc_stream_destroy(s);
}

/* ---- deep networks -----------------------------------------------------------------------------
 */

/* Steps against depths L and 2L extrapolated in 1/L, 2 f(2L) - f(L); what is left of 1/L^2 is small
 * beside the errors. */
static void check_networks(const row *r, int steps, int depth, int draws, long id)
{
  moments limit[SEEN], shallow[SEEN], deep[SEEN];
  sample(r, true, steps, 2 * draws, id, limit);
  sample(r, false, depth, draws, id + 1, shallow);
  sample(r, false, 2 * depth, 4 * draws, id + 2, deep);
  for (int i = 0; i < SEEN; i++) {
    double error = hypot(hypot(2 * standard_error(&deep[i]), standard_error(&shallow[i])),
                         standard_error(&limit[i]));
    EXPECT_NEAR(limit[i].mean, 2 * deep[i].mean - shallow[i].mean, error, 0, "%s %s %s, steps",
                r->block, r->activation, names[i]);
  }
}

Test(pair, deep_networks)
{
  const int draws = test_trials(4000);
  check_networks(&(row){"two_layer", "erf", WMC_NORM_NONE, 4, 0.8}, 32, 32, draws, 500);
  check_networks(&(row){"two_layer", "gelu", WMC_NORM_RMS, 4, 0.5}, 32, 32, draws, 510);
  check_networks(&(row){"one_layer", "tanh", WMC_NORM_NONE, 4, 0.8}, 32, 32, draws, 520);
  check_networks(&(row){"one_layer", "relu", WMC_NORM_NONE, 3, 0.8}, 32, 32, draws, 530);
  check_networks(&(row){"one_layer", "tanh", WMC_NORM_LAYER, 5, 0.3}, 32, 32, draws, 540);
  check_networks(&(row){"outer", "sin", WMC_NORM_NONE, 3, 0.8}, 32, 32, draws, 550);
  check_networks(&(row){"inside", "gelu", WMC_NORM_RMS, 4, 0.4}, 32, 64, draws, 560);
}
