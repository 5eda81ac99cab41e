/* Multilevel sums over depths and control variates: laws of the members of a pair, variances of
 * differences by level, means against plain networks and exact values. Draws are independent; every
 * comparison is at 5 standard errors. Equations: docs/theory/jacobian.md, section 11. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "blocks.h"
#include "simulation.h"
#include "weylmc/jacobian/coupled.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/jacobian/pair.h"

static const double END = 1;

enum { SEED = 20261129 };

/* ---- laws of a pair ------------------------------------------------------------------------- */

enum { TOP, BOTTOM, GROWTH, TOP2, MOMENTS };

static void collect(int d, const double *values, double growth, moments *out)
{
  add(&out[TOP], values[0]);
  add(&out[BOTTOM], values[d - 1]);
  add(&out[GROWTH], growth);
  add(&out[TOP2], values[0] * values[0]);
}

static void sample_networks(const wmc_block *block, const wmc_block_options *o, int draws, long id,
                            moments *out)
{
  test_sample_networks(block, o, draws, SEED, id, collect, out);
}

static void expect_same(const char *what, const char *member, const moments *found,
                        const moments *wanted)
{
  static const char *const names[] = {"lambda_1", "lambda_d", "growth", "lambda_1^2"};
  for (int k = 0; k < MOMENTS; k++)
    EXPECT_NEAR(found[k].mean, wanted[k].mean,
                hypot(standard_error(&found[k]), standard_error(&wanted[k])), 0, "%s, %s: %s", what,
                member, names[k]);
}

/* Both members of a pair have the law of networks of their depths. */
static void check_laws(const wmc_block *block, const wmc_block_options *o, long id)
{
  const int draws = test_trials(8000);
  moments fine[MOMENTS] = {0}, coarse[MOMENTS] = {0}, deep[MOMENTS] = {0}, shallow[MOMENTS] = {0};
  const wmc_coupled_options options = {.block = block, .layers = *o, .paired = true};
  wmc_block_options half = *o;
  wmc_coupled *c;
  wmc_stream *s = test_stream(SEED, id);
  half.depth /= 2;
  cr_assert_eq(wmc_coupled_create(&c, &options, 1, &END), WMC_OK);
  for (int k = 0; k < draws; k++) {
    cr_assert(wmc_coupled_draw(c, s));
    collect(o->width, wmc_coupled_values(c, 0), wmc_coupled_growth(c, 0)[0], fine);
    collect(o->width, wmc_coupled_values(c, 1), wmc_coupled_growth(c, 1)[0], coarse);
  }
  sample_networks(block, o, 2 * draws, id + 1, deep);
  sample_networks(block, &half, 2 * draws, id + 2, shallow);
  expect_same(block->name, "fine", fine, deep);
  expect_same(block->name, "coarse", coarse, shallow);
  wmc_coupled_destroy(c);
  wmc_stream_destroy(s);
}

Test(levels, members_of_a_pair_have_the_law_of_networks)
{
  wmc_block_options o = test_block_options(3, 8, "tanh");
  check_laws(&wmc_block_linear, &o, 10);
  check_laws(&wmc_block_one_layer, &o, 20);
  check_laws(&wmc_block_two_layer, &o, 30);
  check_laws(&wmc_block_inside, &o, 40);
  check_laws(&wmc_block_outer, &o, 50);
  check_laws(&wmc_block_exponential, &o, 60);
  o.norm = WMC_NORM_RMS;
  o.variance = 0.3;
  check_laws(&wmc_block_linear, &o, 70);
  o.norm = WMC_NORM_NONE;
  o.weights = wmc_weights_find("fractional");
  check_laws(&wmc_block_linear, &o, 80);
  o.weights = wmc_weights_find("gaussian");
  o.activation = wmc_activation_find("linear");
  o.split.is_complex = true;
  check_laws(&wmc_block_two_layer, &o, 90);
  check_laws(&wmc_block_exponential, &o, 100);
}

/* ---- variances of differences ------------------------------------------------------------------
 */

static moments difference(const wmc_block *block, int depth, int draws, long id)
{
  const wmc_coupled_options o = {
      .block = block, .layers = test_block_options(4, depth, "tanh"), .shift = -1, .paired = true};
  moments m = {0};
  wmc_coupled *c;
  wmc_stream *s = test_stream(SEED, id);
  cr_assert_eq(wmc_coupled_create(&c, &o, 1, &END), WMC_OK);
  for (int k = 0; k < draws; k++) {
    double y = 0;
    cr_assert(wmc_coupled_draw(c, s));
    for (size_t i = 0; i < wmc_coupled_members(c); i++)
      y += wmc_coupled_weight(c, i) * wmc_coupled_values(c, i)[0];
    add(&m, y);
  }
  wmc_coupled_destroy(c);
  wmc_stream_destroy(s);
  return m;
}

/* Error of a variance, from the fourth moment of heavy tails: kurtosis is at most 30 here. */
static double variance_error(const moments *m) { return variance(m) * sqrt(29 / m->count); }

/* Variances of lambda_1 (width 4, sigma^2 T = 1) were first measured with an independent program,
 * to three digits; rates by theory: 1 for sums of weights (strong order 1/2), up to 2 for the
 * antithetic pair (Giles and Szpruch), 1.6 at these depths. */
Test(levels, variances_fall_at_their_rates)
{
  static const double depth_kind[] = {0.143, 0.101, 0.060, 0.033},
                      limit_kind[] = {0.0268, 0.0109, 0.0037, 0.0012};
  double sums[4], antithetic[4];
  for (int k = 0; k < 4; k++) {
    const int depth = 16 << k, draws = test_trials(20000);
    moments a = difference(&wmc_block_linear, depth, draws, 100 + k);
    moments b = difference(NULL, depth, draws, 110 + k);
    EXPECT_NEAR(variance(&a), depth_kind[k], variance_error(&a), 0, "sum, L=%d", depth);
    EXPECT_NEAR(variance(&b), limit_kind[k], variance_error(&b), 0, "antithetic, L=%d", depth);
    sums[k] = variance(&a);
    antithetic[k] = variance(&b);
  }
  cr_expect(log2(sums[2] / sums[3]) > 0.6 && log2(sums[2] / sums[3]) < 1.2);
  double rate = log2(antithetic[0] / antithetic[3]) / 3;
  cr_expect(rate > 1.3 && rate < 1.9, "rate %g", rate);
}

/* tanh in one layer converges strongly; the area within a layer is missed by two-layer blocks,
 * whose weights enter as products: their difference does not become small. */
Test(levels, two_layer_blocks_do_not_couple)
{
  const int draws = test_trials(4000);
  moments one[2], two[2];
  for (int k = 0; k < 2; k++) {
    one[k] = difference(&wmc_block_one_layer, 32 << (2 * k), draws, 120 + k);
    two[k] = difference(&wmc_block_two_layer, 32 << (2 * k), draws, 130 + k);
  }
  cr_expect_lt(variance(&one[1]), 0.5 * variance(&one[0]));
  cr_expect_gt(variance(&two[1]), 0.8 * variance(&two[0]));
}

/* Steps of the pair (M, x) at infinite depth, with reversed partners: at first in powers of the
 * step between 1 and 2 for smooth rows, and slower where phi has a kink. */
Test(levels, steps_are_coupled)
{
  const int draws = test_trials(2000);
  static const char *const smooth[] = {"one_layer", "two_layer"};
  for (int b = 0; b < 2; b++) {
    const wmc_block *block = wmc_pair_block(wmc_block_find(smooth[b]));
    moments m[2];
    for (int k = 0; k < 2; k++) m[k] = difference(block, 8 << (2 * k), draws, 140 + 2 * b + k);
    const double rate = 0.5 * log2(variance(&m[0]) / variance(&m[1]));
    cr_expect(rate > 0.9 && rate < 2, "%s: rate %g", smooth[b], rate);
  }
}

/* ---- sums ------------------------------------------------------------------------------------ */

static test_parameters linear(const char *width, const char *depth)
{
  test_parameters p = test_parameters_open(wmc_model_find("residual_jacobian"));
  test_take(&p, "activation");
  test_give(&p, "width", width);
  test_give(&p, "depth", depth);
  return p;
}

enum { ENTRIES = 1024 };

/* Draws of the model; `out` has moments of every entry of a measurement, at most ENTRIES. */
static void add_draw(void *data, size_t size, const double *draw)
{
  moments *out = data;
  for (size_t i = 0; i < size; i++) add(&out[i], draw[i]);
}

static void sample_model(const test_parameters *p, int draws, long id, moments *out)
{
  const test_run run = {.seed = SEED, .draws = draws, .stride = 1};
  cr_assert_leq(wmc_model_measurement_size(p->model, p->values), ENTRIES);
  test_simulate_chain(p->model, p->values, &run, id, add_draw, out);
}

static void expect_stated(const test_parameters *p, const moments *m, const char *name,
                          const char *what)
{
  double exact[8];
  const wmc_observable *o = p->model->observables;
  while (strcmp(o->name, name) != 0) o++;
  cr_assert(o->expected(p->values, exact));
  const moments *found = &m[test_observable(p, name)];
  EXPECT_NEAR(found->mean, exact[0], standard_error(found), 0, "%s: %s", what, name);
}

/* A sum over levels has the mean of the finest depth: exact values, and independent networks. */
Test(levels, sums_telescope)
{
  moments sum[ENTRIES] = {0}, plain[ENTRIES] = {0};
  test_parameters p = linear("4", "2048"), q = linear("4", "2048");
  test_give(&p, "multilevel.kind", "depth");
  sample_model(&p, test_trials(150), 200, sum);
  sample_model(&q, test_trials(4000), 201, plain);
  cr_assert_eq(sum[test_observable(&p, "coupling")].mean, 2, "pairs are expected to help");
  expect_stated(&p, sum, "log_singular_values_sum", "levels");
  expect_stated(&p, sum, "log_vector_growth", "levels");
  const char *const names[] = {"log_singular_values", "gap",        "gap_ratio", "condition",
                               "effective_rank",      "squared_sum"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    const moments *a = &sum[test_observable(&p, names[k])],
                  *b = &plain[test_observable(&q, names[k])];
    EXPECT_NEAR(a->mean, b->mean, hypot(standard_error(a), standard_error(b)), 0, "%s", names[k]);
  }
  test_parameters_close(&p);
  test_parameters_close(&q);
}

/* At infinite depth: the chain of second order, independent depths and the diffusion itself. What
 * bias is allowed is what was asked for. */
Test(levels, infinite_depth)
{
  const double asked = 1e-3;
  moments levels[ENTRIES] = {0}, direct[ENTRIES] = {0};
  test_parameters p = linear("3", "inf"), q = linear("3", "inf");
  test_give(&p, "multilevel.kind", "limit");
  test_give(&q, "control", "yes");
  sample_model(&p, test_trials(1000), 210, levels);
  sample_model(&q, test_trials(20000), 211, direct);
  cr_assert_eq(levels[test_observable(&p, "coupling")].mean, 2);
  for (size_t i = 0; i < 3; i++) {
    const moments *a = &levels[test_observable(&p, "log_singular_values") + i],
                  *b = &direct[test_observable(&q, "log_singular_values_controlled") + i];
    EXPECT_NEAR(a->mean, b->mean, hypot(standard_error(a), standard_error(b)), asked,
                "lambda_%zu, levels and diffusion", i + 1);
  }
  test_parameters_close(&p);
  test_parameters_close(&q);
}

/* E of the gap of complex chains at width 2. Its density at depth inf, tau = sigma^2 T, is that of
 * Brownian motion in hyperbolic space, sqrt(2/pi) tau^{-3/2} x sinh x exp(-tau/2 - x^2/(2 tau)). */
static double complex_gap(double tau)
{
  return (1 + tau) * erf(sqrt(tau / 2)) + sqrt(2 * tau / acos(-1)) * exp(-tau / 2);
}

/* Both kinds of multilevel sums of a complex chain, with the bias that they were asked for. */
Test(levels, complex_chains)
{
  const double asked = 1e-3;
  for (int k = 0; k < 2; k++) {
    static const char *const kinds[] = {"depth", "limit"};
    moments m[ENTRIES] = {0};
    test_parameters p = linear("2", "inf");
    test_give(&p, "field", "complex");
    test_give(&p, "multilevel.kind", kinds[k]);
    sample_model(&p, test_trials(k ? 2000 : 4000), 220 + k, m);
    const moments *gap = &m[test_observable(&p, "gap")];
    cr_assert_eq(m[test_observable(&p, "coupling")].mean, 2);
    EXPECT_NEAR(gap->mean, complex_gap(1), standard_error(gap), 2 * asked, "complex, %s: gap",
                kinds[k]);
    expect_stated(&p, m, "log_singular_values_sum", "complex");
    expect_stated(&p, m, "log_vector_growth", "complex");
    test_parameters_close(&p);
  }
}

/* A group of order 4: modes 0 and 2 are real, mode 1 is complex, with one law each at depth inf;
 * the whole spectrum is that of the diffusions of the modes. */
Test(levels, chains_with_a_group)
{
  const double asked = 1e-3, tau = 1;
  moments m[ENTRIES] = {0}, direct[ENTRIES] = {0};
  test_parameters p = linear("2", "inf"), q = linear("2", "inf");
  test_give(&p, "group", "4");
  test_give(&q, "group", "4");
  test_give(&p, "multilevel.kind", "limit");
  sample_model(&p, test_trials(2000), 230, m);
  sample_model(&q, test_trials(40000), 231, direct);
  cr_assert_eq(m[test_observable(&p, "coupling")].mean, 2);
  const moments *modes = &m[test_observable(&p, "mode_log_singular_values")];
  for (int k = 0; k < 3; k++) {
    const bool real = k != 1;
    const double sum = real ? -tau : 0,
                 gap = real ? wmc_hyperbolic_gap_limit(tau) : complex_gap(tau);
    const moments *top = &modes[2 * k], *bottom = top + 1;
    EXPECT_NEAR(top->mean, 0.5 * (sum + gap), standard_error(top), asked, "mode %d, top", k);
    EXPECT_NEAR(bottom->mean, 0.5 * (sum - gap), standard_error(bottom), asked, "mode %d, bottom",
                k);
  }
  for (size_t i = 0; i < 8; i++) {
    const moments *a = &m[test_observable(&p, "log_singular_values") + i],
                  *b = &direct[test_observable(&q, "log_singular_values") + i];
    EXPECT_NEAR(a->mean, b->mean, hypot(standard_error(a), standard_error(b)), asked,
                "lambda_%zu of all modes", i + 1);
  }
  test_parameters_close(&p);
  test_parameters_close(&q);
}

/* Multilevel sums of steps of the pair against the steps alone, which are as fine as they come. */
Test(levels, steps_at_infinite_depth)
{
  const double asked = 2e-3;
  moments m[ENTRIES] = {0}, direct[ENTRIES] = {0};
  test_parameters p = linear("3", "inf"), q = linear("3", "inf");
  const test_parameters *const both[] = {&p, &q};
  for (int k = 0; k < 2; k++) {
    test_give(both[k], "block", "one_layer");
    test_give(both[k], "activation", "tanh");
  }
  test_give(&p, "multilevel.kind", "limit");
  test_give(&p, "multilevel.coarsest", "4");
  test_give_number(&p, "multilevel.bias", asked);
  sample_model(&p, test_trials(800), 240, m);
  sample_model(&q, test_trials(16000), 241, direct);
  cr_assert_eq(m[test_observable(&p, "coupling")].mean, 2);
  for (size_t i = 0; i < 3; i++) {
    const moments *a = &m[test_observable(&p, "log_singular_values") + i],
                  *b = &direct[test_observable(&q, "log_singular_values") + i];
    EXPECT_NEAR(a->mean, b->mean, hypot(standard_error(a), standard_error(b)), asked,
                "lambda_%zu, levels of steps and steps", i + 1);
  }
  test_parameters_close(&p);
  test_parameters_close(&q);
}

/* ---- control variates -------------------------------------------------------------------------
 */

/* The controlled value has the mean of the plain one (their difference is a sample of mean 0), and
 * for lambda_1 at most `most` of its variance. */
static void check_control(const test_parameters *p, const char *what, double most, long id)
{
  const wmc_model *model = p->model;
  const size_t n = wmc_model_measurement_size(model, p->values);
  const size_t plain = test_observable(p, "log_singular_values"),
               controlled = test_observable(p, "log_singular_values_controlled");
  const size_t d = controlled + (size_t)test_value(p, "width")->integer == n ? n - controlled : 0;
  moments before = {0}, after = {0}, difference[16] = {0};
  double *one = calloc(n, sizeof *one);
  void *chain;
  wmc_stream *s = test_stream(SEED, id);
  cr_assert(d > 0 && d <= 16);
  cr_assert_eq(model->create(p->values, &chain), WMC_OK, "%s", wmc_message());
  model->start(chain, s);
  for (int k = 0; k < test_trials(8000); k++) {
    cr_assert_eq(model->advance(chain, s, 1, false), WMC_OK);
    model->measure(chain, one);
    add(&before, one[plain]);
    add(&after, one[controlled]);
    for (size_t i = 0; i < d; i++) add(&difference[i], one[controlled + i] - one[plain + i]);
  }
  for (size_t i = 0; i < d; i++)
    EXPECT_NEAR(difference[i].mean, 0, standard_error(&difference[i]), 0,
                "%s: control of lambda_%zu", what, i + 1);
  cr_expect_lt(variance(&after), most * variance(&before), "%s: variance %g, was %g", what,
               variance(&after), variance(&before));
  model->destroy(chain);
  wmc_stream_destroy(s);
  free(one);
}

Test(levels, control_variates_leave_means_and_shrink_errors)
{
  test_parameters p = linear("4", "inf");
  test_give(&p, "control", "yes");
  check_control(&p, "diffusion", 0.02, 300);
  test_give(&p, "field", "complex");
  check_control(&p, "complex diffusion", 0.05, 301);
  test_give(&p, "field", "real");
  test_give(&p, "depth", "32");
  check_control(&p, "linear", 0.05, 302);
  test_give(&p, "block", "two_layer");
  test_give(&p, "activation", "relu");
  test_give(&p, "depth", "128");
  check_control(&p, "relu", 0.1, 303);
  test_parameters_close(&p);
}

/* Width 2: E lambda_1 = (E gap - tau)/2, the gap by quadrature of the heat kernel. */
Test(levels, controlled_mean_at_width_two)
{
  moments m[ENTRIES] = {0};
  test_parameters p = linear("2", "inf");
  test_give(&p, "control", "yes");
  test_give(&p, "resolution", "2");
  sample_model(&p, test_trials(60000), 310, m);
  const moments *top = &m[test_observable(&p, "log_singular_values_controlled")];
  EXPECT_NEAR(top->mean, 0.5 * (wmc_hyperbolic_gap_limit(1) - 1), standard_error(top), 0,
              "lambda_1 at width 2");
  cr_expect_lt(standard_error(top), 5e-4);
  test_parameters_close(&p);
}
