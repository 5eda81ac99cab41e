/* Paths of the diffusion at infinite depth against what is known exactly of it, and against deep
 * networks. Draws are independent; every comparison is at 5 standard errors. Equations:
 * docs/theory/jacobian.md. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "moments.h"
#include "simulation.h"
#include "streams.h"
#include "support.h"
#include "weylmc/jacobian/chamber.h"
#include "weylmc/jacobian/hyperbolic.h"

enum { RECORDS = 2, WIDEST = 8, NUMBERS = 32 };
static const double HALVES[RECORDS] = {0.5, 1};

/* Of a normal variable, whose variance is found to sqrt(2/n). */
static void expect_normal_variance(const char *what, const moments *m, double exact)
{
  cr_expect_lt(fabs(variance(m) / exact - 1), 5 * sqrt(2 / m->count), "%s: variance %.6g, exact %g",
               what, variance(m), exact);
}

static wmc_chamber_options options(int width, int beta, double tau)
{
  return (wmc_chamber_options){.width = width,
                               .beta = beta,
                               .variance = 2 * tau,
                               .time = 0.5,
                               .shift = 1 - 2.0 / beta,
                               .resolution = 2};
}

/* `collect` sees the values at both records, and the growth. */
typedef void (*take)(int d, const double *values, const double *growth, moments *out);

static void sample(const wmc_chamber_options *o, int draws, long id, take collect, moments *out)
{
  wmc_chamber *c;
  wmc_stream *s = test_stream(20261126, id);
  cr_assert_eq(wmc_chamber_create(&c, o, RECORDS, HALVES), WMC_OK);
  for (int k = 0; k < NUMBERS; k++) out[k] = (moments){0};
  for (int k = 0; k < draws; k++) {
    cr_assert(wmc_chamber_draw(c, s));
    collect(o->width, wmc_chamber_values(c), wmc_chamber_growth(c), out);
  }
  wmc_chamber_destroy(c);
  wmc_stream_destroy(s);
}

static double sum_of(int d, const double *values)
{
  double sum = 0;
  for (int i = 0; i < d; i++) sum += values[i];
  return sum;
}

/* ---- every width: sums and growth ------------------------------------------------------------ */

enum { SUM_HALF, SUM, GROWTH_HALF, GROWTH, TRACE_HALF, MINOR_HALF, MIRROR };

static void collect_sums(int d, const double *values, const double *growth, moments *out)
{
  double trace = 0, trace2 = 0;
  const double *end = values + d;
  for (int i = 0; i < d; i++) {
    trace += exp(2 * values[i]);
    trace2 += exp(4 * values[i]);
  }
  add(&out[SUM_HALF], sum_of(d, values));
  add(&out[SUM], sum_of(d, end));
  add(&out[GROWTH_HALF], growth[0]);
  add(&out[GROWTH], growth[1]);
  add(&out[TRACE_HALF], trace);
  add(&out[MINOR_HALF], 0.5 * (trace * trace - trace2));
  add(&out[MIRROR], end[0] + end[d - 1]);
}

/* sum lambda and log|Mu| are Brownian motions with drift; E tr g = d e^{d tau}, and for real
 * numbers E e_2(g) = C(d,2) e^{2 (d - 1) tau} by eq. (12). */
static void check_sums(int d, int beta, double tau, int draws)
{
  moments m[NUMBERS];
  wmc_chamber_options o = options(d, beta, tau);
  const double rate = 0.5 * d * (1 - 2.0 / beta), growth = 0.5 * (d - 2.0 / beta);
  sample(&o, draws, 100 * d + beta, collect_sums, m);
  expect_mean("sum at half the time", &m[SUM_HALF], 0.5 * tau * rate);
  expect_mean("sum", &m[SUM], tau * rate);
  expect_normal_variance("sum", &m[SUM], d * tau / beta);
  expect_mean("growth at half the time", &m[GROWTH_HALF], 0.5 * tau * growth);
  expect_mean("growth", &m[GROWTH], tau * growth);
  expect_normal_variance("growth", &m[GROWTH], tau / beta);
  expect_mean("lambda_1 + lambda_d", &m[MIRROR], 2 * tau * rate / d);
  if (0.5 * tau * d > 0.6) return; /* means carried by rare draws */
  expect_mean("tr g", &m[TRACE_HALF], d * exp(0.5 * d * tau));
  if (beta == 1) expect_mean("e_2(g)", &m[MINOR_HALF], 0.5 * d * (d - 1) * exp((d - 1) * tau));
}

Test(chamber, sums_and_growth)
{
  check_sums(2, 1, 0.5, test_trials(200000));
  check_sums(3, 1, 0.4, test_trials(100000));
  check_sums(4, 1, 1, test_trials(60000));
  check_sums(8, 1, 0.15, test_trials(20000));
  check_sums(3, 2, 0.4, test_trials(50000));
}

/* ---- width 2 --------------------------------------------------------------------------------- */

enum { GAP_HALF, GAP, LOG_COSH, COSH_HALF };

static void collect_gap(int d, const double *values, const double *growth, moments *out)
{
  double half = values[0] - values[1], x = values[2] - values[3];
  (void)d;
  (void)growth;
  add(&out[GAP_HALF], half);
  add(&out[GAP], x);
  add(&out[LOG_COSH], 2 * log(cosh(0.5 * x)));
  add(&out[COSH_HALF], cosh(half));
}

Test(chamber, gap_at_width_two)
{
  moments m[NUMBERS];
  const double taus[] = {0.2, 1, 4};
  for (int t = 0; t < 3; t++) {
    wmc_chamber_options o = options(2, 1, taus[t]);
    sample(&o, test_trials(200000), 10 + t, collect_gap, m);
    expect_mean("gap", &m[GAP], wmc_hyperbolic_gap_limit(taus[t]));
    expect_mean("gap at half the time", &m[GAP_HALF], wmc_hyperbolic_gap_limit(0.5 * taus[t]));
    expect_mean("2 log cosh(x/2)", &m[LOG_COSH], taus[t]);
    if (taus[t] <= 1) expect_mean("cosh x", &m[COSH_HALF], exp(taus[t]));
  }
}

/* p(x) ~ x sinh x e^{-x^2/(2 tau)} for complex numbers: with t2 = tau/2, eq. of section 6. */
static double complex_gap(double tau)
{
  const double h = 1e-3;
  double one = 0, mean = 0;
  for (double x = 0.5 * h; x < tau + 20 * sqrt(tau); x += h) {
    double p = x * sinh(x) * exp(-0.5 * x * x / tau);
    one += p;
    mean += p * x;
  }
  return mean / one;
}

Test(chamber, gap_at_width_two_complex)
{
  moments m[NUMBERS];
  for (int exact = 0; exact < 2; exact++) {
    wmc_chamber_options o = options(2, 2, 1);
    o.exact = exact;
    sample(&o, test_trials(200000), 20 + exact, collect_gap, m);
    expect_mean("gap, complex", &m[GAP], complex_gap(1));
    expect_mean("gap at half the time, complex", &m[GAP_HALF], complex_gap(0.5));
  }
}

/* ---- complex numbers: steps and the exact sampler ---------------------------------------------
 */

/* lambda at both times and their products: the joint law in time. */
static void collect_joint(int d, const double *values, const double *growth, moments *out)
{
  (void)growth;
  for (int i = 0; i < d; i++) {
    add(&out[i], values[i]);
    add(&out[d + i], values[d + i]);
    add(&out[2 * d + i], values[i] * values[d + i]);
    add(&out[3 * d + i], values[i] * values[d + (i + 1) % d]);
    add(&out[4 * d + i], values[d + i] * values[d + i]);
  }
}

Test(chamber, steps_have_the_joint_law_of_the_exact_sampler)
{
  enum { COMPARED = 15 };
  moments steps[NUMBERS], exact[NUMBERS];
  wmc_chamber_options o = options(3, 2, 1.5);
  sample(&o, test_trials(100000), 30, collect_joint, steps);
  o.exact = true;
  sample(&o, test_trials(100000), 31, collect_joint, exact);
  for (int k = 0; k < COMPARED; k++) {
    double error = hypot(standard_error(&steps[k]), standard_error(&exact[k]));
    cr_expect_lt(fabs(steps[k].mean - exact[k].mean), 5 * error, "%d: %g, exact %g, error %g", k,
                 steps[k].mean, exact[k].mean, error);
  }
}

/* ---- decks: deep networks come near their limit ------------------------------------------------
 */

static test_parameters deck(const char *depth, const char *const *more)
{
  test_parameters p = test_parameters_open(wmc_model_find("residual_jacobian"));
  test_give(&p, "width", "2");
  test_give(&p, "depth", depth);
  test_give(&p, "time", "0.8");
  for (; *more; more += 2) test_give(&p, more[0], more[1]);
  return p;
}

/* Networks of depth 256 are 1/256 away from the limit, times a few. */
static void compare(const char *const *more)
{
  const double away = 6.0 / 256;
  const char *const names[] = {"gap", "log_singular_values_sum", "log_vector_growth"};
  test_parameters deep = deck("256", more), limit = deck("inf", more);
  test_means found = test_simulate(&deep, 20261127, 0, 60, 1);
  for (int k = 0; k < 3; k++) {
    size_t at = test_observable(&deep, names[k]);
    double exact = test_stated(&limit, names[k]);
    cr_expect_lt(fabs(found.mean[at] - exact), 5 * found.error[at] + away,
                 "%s %s: %s %g, in the limit %g, error %g", more[1], more[3], names[k],
                 found.mean[at], exact, found.error[at]);
  }
  test_means direct = test_simulate(&limit, 20261128, 0, 300, 1);
  for (int k = 0; k < 3; k++) {
    size_t at = test_observable(&limit, names[k]);
    test_expect(more[1], names[k], test_stated(&limit, names[k]), direct.mean[at],
                direct.error[at]);
  }
  test_parameters_close(&deep);
  test_parameters_close(&limit);
}

Test(chamber, deep_networks_are_near_their_limit)
{
  const char *const decks[][7] = {
      {"block", "linear", "weights", "rademacher"},
      {"block", "two_layer", "activation", "relu", "hidden", "3"},
      {"block", "two_layer", "activation", "leaky_relu", "slope", "0.5"},
      {"block", "one_layer", "activation", "abs"},
      {"block", "inside", "activation", "erf"},
      {"block", "outer", "activation", "linear"},
      {"block", "exponential", "variance", "0.7"},
      {"block", "linear", "keep", "0.5"},
  };
  for (size_t k = 0; k < sizeof decks / sizeof *decks; k++) compare(decks[k]);
}
