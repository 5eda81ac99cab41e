/* Finite-time singular values by QDT accumulation against multi-precision products, against
 * themselves with factorisations at other places, and against closed forms at widths 1 and 2. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "chains.h"
#include "mantissas.h"
#include "support.h"
#include "weylmc/jacobian/network.h"

enum { SEED = 20261121 };

/* Of a chain, with `bits` of mantissa. */
static void reference(const test_chain *c, unsigned bits, double *values, double *growth)
{
  mpf_set_default_prec(bits);
  mp_matrix p = mp_identity(c->d, c->parts);
  test_each_layer(c, mp_multiply, &p);
  mp_finish(&p, values, growth);
}

/* 12 digits of every singular value. */
static const double TWELVE_DIGITS = 1e-12;

/* A way to the singular values: so many times the usual layers between factorisations, and the
 * precision. */
typedef struct way {
  double multiple;
  bool extended;
} way;
static const way usual = {1, false}, extended = {1, true};
enum { WAYS = 4 };

static int layers_of(const test_chain *c, double multiple)
{
  return (int)fmax(1, multiple * wmc_qdt_layers(c->d, c->s * c->s));
}

static void print_errors(const test_chain *c, int seeds, double ratio, size_t ways, const way *list,
                         const double *error, const double *largest)
{
  printf("%s d=%2d L=%6d %2d chains, log-ratio %5.1f; layers/QR, error, largest:",
         c->parts == 2 ? "complex" : "real", c->d, c->depth, seeds, ratio);
  for (size_t k = 0; k < ways; k++)
    printf("  %s %d %.1e %.1e", list[k].extended ? "extended" : "double",
           layers_of(c, list[k].multiple), error[k], largest[k]);
  printf("\n");
}

/* Errors of lambda in each way: root of the mean square over `seeds` chains, beginning with c, of
 * the largest of each. */
static void measure_errors(const test_chain *c, int seeds, size_t ways, const way *list,
                           double *out)
{
  const int d = c->d;
  const double spread = c->s * c->s * c->depth * (d > 1 ? d - 1 : 1);
  double largest[WAYS] = {0}, ratio = 0;
  for (size_t k = 0; k < ways; k++) out[k] = 0;
  for (int seed = 0; seed < seeds; seed++) {
    test_chain one = *c;
    one.id += seed;
    double exact[TEST_WIDEST], exact_growth, values[TEST_WIDEST], growth;
    reference(&one, (unsigned)(300 + 2.6 * spread), exact, &exact_growth);
    ratio += (exact[0] - exact[d - 1]) / seeds;
    for (size_t k = 0; k < ways; k++) {
      test_spectrum_of(&one, layers_of(&one, list[k].multiple), list[k].extended, values, &growth);
      double defect = test_largest_difference(d, values, exact);
      largest[k] = fmax(largest[k], defect);
      out[k] += defect * defect / seeds;
      cr_expect_lt(fabs(growth - exact_growth), TWELVE_DIGITS, "growth, d=%d L=%d", d, c->depth);
    }
  }
  for (size_t k = 0; k < ways; k++) out[k] = sqrt(out[k]);
  if (test_verbose()) print_errors(c, seeds, ratio, ways, list, out, largest);
}

static void check(const test_chain *c, int seeds, size_t ways, const way *list)
{
  double error[WAYS];
  measure_errors(c, seeds, ways, list, error);
  for (size_t k = 0; k < ways; k++)
    cr_expect_lt(error[k], TWELVE_DIGITS, "%d parts, d=%d L=%d s=%g, %d layers, %s: error %.2g",
                 c->parts, c->d, c->depth, c->s, layers_of(c, list[k].multiple),
                 list[k].extended ? "extended" : "double", error[k]);
}

static void check_complex_chain(int d, int depth, double spread, long id)
{
  const way list[] = {usual, {0, false}, extended};
  const test_chain c = test_chain_of(d, depth, 2, spread, id);
  check(&c, 1, 3, list);
}

Test(jacobian_qdt, complex_products)
{
  check_complex_chain(8, 200, 72, 40);
  check_complex_chain(8, 1000, 72, 41);
  check_complex_chain(3, 4000, 72, 42);
  check_complex_chain(4, 500, 620, 43);
  check_complex_chain(1, 100, 1, 44);
  for (int d = 2; d <= TEST_WIDEST; d *= 2) check_complex_chain(d, 64, (d - 1.0) / d, 44 + d);
}

static void check_chains(int d, int depth, double spread, int seeds, long id)
{
  const test_chain c = test_chain_of(d, depth, 1, spread, id);
  check(&c, seeds, 2, (const way[]){usual, extended});
}

Test(jacobian_qdt, twelve_digits_over_e70)
{
  check_chains(16, 200, 72, 1, 1);
  check_chains(16, 1000, 72, 1, 2);
  check_chains(8, 1000, 72, 2, 4);
  check_chains(3, 4000, 72, 4, 10);
}

Test(jacobian_qdt, twelve_digits_over_e600)
{
  check_chains(8, 4000, 600, 1, 20);
  check_chains(4, 4000, 600, 2, 30);
  check_chains(2, 4000, 600, 4, 40);
}

Test(jacobian_qdt, twelve_digits_at_a_hundred_thousand_layers)
{
  check_chains(2, 100000, 10, 1, 50);
  check_chains(2, 100000, 600, 1, 60);
  check_chains(3, 100000, 100, 1, 70);
}

/* Where double precision has lost digits: 1.4e-12 to 9.4e-12 in the first three. */
Test(jacobian_qdt, twelve_digits_of_wide_spectra)
{
  const test_chain cases[] = {
      test_chain_of(16, 400, 1, 600, 80), test_chain_of(8, 1000, 1, 600, 81),
      test_chain_of(16, 500, 1, 300, 82), test_chain_of(8, 400, 2, 600, 83)};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) check(&cases[k], 1, 1, &extended);
}

/* Deep chains against themselves, with a factorisation for every eighth of the usual number of
 * layers. */
Test(jacobian_qdt, extended_products_need_few_factorisations)
{
  const struct {
    int d, depth, parts;
    double spread;
  } cases[] = {{16, 20000, 1, 600}, {16, 20000, 1, 100}, {8, 20000, 2, 600}, {3, 50000, 1, 600}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const test_chain c =
        test_chain_of(cases[k].d, cases[k].depth, cases[k].parts, cases[k].spread, 90);
    double few[TEST_WIDEST], many[TEST_WIDEST], growth, other;
    test_spectrum_of(&c, layers_of(&c, 1), true, few, &growth);
    test_spectrum_of(&c, layers_of(&c, 1.0 / 8), true, many, &other);
    cr_expect_lt(test_largest_difference(c.d, few, many), 1e-13, "d=%d L=%d", c.d, c.depth);
    cr_expect_lt(fabs(growth - other), 1e-13);
  }
}

/* ---- the precision that is chosen ----------------------------------------------------------- */

static wmc_block_options options_of(const test_chain *c)
{
  return (wmc_block_options){.width = c->d,
                             .depth = c->depth,
                             .weights = wmc_weights_find("gaussian"),
                             .variance = c->s * c->s * c->depth,
                             .time = 1,
                             .split = {.is_complex = c->parts == 2, .group = 1}};
}

typedef struct setting {
  int d, depth, parts;
  double spread;
} setting;

/* Errors in double precision of so many chains, against products in extended precision. */
typedef struct errors {
  double bound, worst; /* expected, and the largest found */
  int beyond;          /* chains with more than expected */
} errors;

static errors errors_in_doubles(const setting *of, int chains)
{
  errors e = {0};
  for (int id = 0; id < chains; id++) {
    const test_chain c = test_chain_of(of->d, of->depth, of->parts, of->spread, id);
    double values[TEST_WIDEST], exact[TEST_WIDEST], growth;
    test_spectrum_of(&c, layers_of(&c, 1), false, values, &growth);
    test_spectrum_of(&c, layers_of(&c, 1), true, exact, &growth);
    const double error = test_largest_difference(c.d, values, exact);
    e.bound = wmc_qdt_error(false, c.parts, c.d, c.depth, c.s * c.s * c.depth);
    e.worst = fmax(e.worst, error);
    e.beyond += error > e.bound;
  }
  if (test_verbose())
    printf("%d parts, d=%d L=%d spread %g: bound %.2g, worst of %d %.2g\n", of->parts, of->d,
           of->depth, of->spread, e.bound, chains, e.worst);
  return e;
}

/* Less than 1 of 1000 chains are further off in double precision than expected, so of 520 at most
 * 3; and some are not so much less. */
Test(jacobian_qdt, errors_in_double_precision_are_bounded)
{
  const setting cases[] = {{2, 1000, 1, 300}, {2, 100, 1, 30}, {4, 1000, 1, 30},  {4, 1000, 1, 600},
                           {8, 100, 1, 100},  {8, 400, 1, 7},  {16, 100, 1, 60},  {16, 1000, 1, 15},
                           {4, 1000, 2, 600}, {8, 1000, 2, 7}, {4, 100, 1, 1e12}, {2, 10, 1, 1e6},
                           {8, 30, 2, 1e12}};
  int beyond = 0;
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const errors e = errors_in_doubles(&cases[k], 40);
    beyond += e.beyond;
    cr_expect_gt(e.worst, e.bound / 500, "case %zu: %.2g expected, %.2g found", k, e.bound,
                 e.worst);
  }
  cr_expect_leq(beyond, 3);
}

/* Where auto takes doubles for real chains, often just so, the worst of 400 chains has twelve
 * digits. */
Test(jacobian_qdt, doubles_that_are_chosen_have_twelve_digits)
{
  const setting cases[] = {{2, 1000, 1, 16}, {2, 100, 1, 4}, {4, 1000, 1, 25}, {4, 100, 1, 8},
                           {8, 300, 1, 22},  {8, 30, 1, 5},  {16, 100, 1, 17}, {4, 1, 1, 1e12}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const errors e = errors_in_doubles(&cases[k], 400);
    cr_expect_lt(e.bound, TWELVE_DIGITS, "case %zu: %.2g", k, e.bound);
    cr_expect_lt(e.worst, TWELVE_DIGITS, "case %zu: %.2g", k, e.worst);
  }
}

/* Layers of a variance of up to 10^12, where every one may lose what a matrix without the identity
 * does and no more: both precisions against long mantissas. */
Test(jacobian_qdt, strong_layers_lose_no_more_than_their_condition)
{
  const struct {
    int d, depth, parts;
    double s2;
  } cases[] = {
      {2, 10, 1, 1e5}, {4, 30, 1, 1e11}, {8, 20, 1, 1e11}, {4, 100, 1, 1e10}, {4, 20, 2, 1e11}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
    for (int id = 0; id < test_trials(10); id++) {
      const test_chain c = {cases[k].d, cases[k].depth, cases[k].parts, sqrt(cases[k].s2), id};
      double exact[TEST_WIDEST], values[TEST_WIDEST], growth;
      reference(&c, 2000, exact, &growth);
      for (int extend = 0; extend < 2; extend++) {
        const double bound = wmc_qdt_error(extend, c.parts, c.d, c.depth, c.s * c.s * c.depth);
        test_spectrum_of(&c, layers_of(&c, 1), extend, values, &growth);
        const double error = test_largest_difference(c.d, values, exact);
        if (test_verbose())
          printf("s2 %g d=%d L=%d %s: bound %.2g, error %.2g\n", cases[k].s2, c.d, c.depth,
                 extend ? "extended" : "double", bound, error);
        cr_expect_leq(error, bound, "case %zu: %.2g expected, %.2g found", k, bound, error);
        cr_expect_lt(bound, extend ? TWELVE_DIGITS : 1e-10, "case %zu: %.2g", k, bound);
      }
    }
}

Test(jacobian_qdt, precision_is_what_the_error_needs)
{
  const struct {
    int d, depth, parts;
    double spread;
    bool is_extended;
  } cases[] = {{4, 1000, 1, 3, false},     {4, 1000, 1, 25, false},  {16, 1000, 1, 15, false},
               {16, 100000, 1, 15, false}, {64, 1000, 1, 63, false}, {8, 10000, 2, 70, false},
               {4, 1000, 1, 30, true},     {16, 1000, 1, 600, true}, {16, 10000, 1, 100, true},
               {8, 100000, 1, 100, true},  {4, 1000, 1, 600, true},  {16, 100000, 1, 600, true},
               {2, 100000, 1, 600, true}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const test_chain c =
        test_chain_of(cases[k].d, cases[k].depth, cases[k].parts, cases[k].spread, 0);
    wmc_block_options o = options_of(&c);
    cr_expect_eq(wmc_network_is_extended(&wmc_block_linear, &o), cases[k].is_extended, "%zu", k);
    cr_expect_lt(wmc_network_error(&wmc_block_linear, &o, cases[k].is_extended), TWELVE_DIGITS);
    o.precision = WMC_PRECISION_DOUBLE;
    cr_expect(!wmc_network_is_extended(&wmc_block_linear, &o));
    o.precision = WMC_PRECISION_EXTENDED;
    cr_expect(wmc_network_is_extended(&wmc_block_linear, &o));
  }
}

/* Errors in both precisions; that of the one chosen is below 1e-12. */
static void check_choice(int d, int depth, int parts, double spread, int seeds)
{
  const test_chain c = test_chain_of(d, depth, parts, spread, 100);
  const wmc_block_options o = options_of(&c);
  const way ways[] = {usual, extended};
  const bool chosen = wmc_network_is_extended(&wmc_block_linear, &o);
  double error[2];
  measure_errors(&c, seeds, 2, ways, error);
  cr_expect_lt(error[chosen ? 1 : 0], TWELVE_DIGITS, "%d parts, d=%d L=%d spread %g: %s chosen",
               parts, d, depth, spread, chosen ? "extended" : "double");
  cr_expect(chosen || error[0] < TWELVE_DIGITS);
}

/* Many minutes: WEYLMC_EFFORT=10 or more. */
Test(jacobian_qdt, twelve_digits_at_all_widths_depths_and_spreads)
{
  const int widths[] = {2, 4, 8, 16}, depths[] = {1000, 10000, 100000};
  const double spreads[] = {10, 100, 600};
  if (test_trials(1) < 10) return;
  for (int parts = 1; parts <= 2; parts++)
    for (int w = 0; w < 4; w++)
      for (int l = 0; l < 3; l++)
        for (int k = 0; k < 3; k++) {
          const int seeds = parts == 1 && w < 2 && l < 2 ? 8 : 1;
          if (parts * widths[w] * depths[l] > 1600000) continue; /* hours */
          check_choice(widths[w], depths[l], parts, spreads[k], seeds);
        }
}

/* Half as many layers between factorisations gain nothing, four times as many cost digits. The
 * quotient of two errors over 16 chains scatters by a third (between instruction sets): 5 is 5
 * sigma off 1. */
Test(jacobian_qdt, factorisations_are_as_rare_as_accuracy_allows)
{
  const way ways[WAYS] = {{0.5, false}, {1, false}, {2, false}, {4, false}};
  const struct {
    int d, depth;
    double spread;
  } cases[] = {{2, 2000, 72}, {4, 1000, 72}, {8, 500, 30}, {16, 500, 72}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const test_chain c = test_chain_of(cases[k].d, cases[k].depth, 1, cases[k].spread, 200);
    double error[WAYS];
    measure_errors(&c, 16, WAYS, ways, error);
    cr_expect_lt(error[1], 5 * error[0], "d=%d", cases[k].d);
    cr_expect_lt(error[1], TWELVE_DIGITS, "d=%d", cases[k].d);
    cr_expect_gt(error[3], 5 * error[1], "d=%d", cases[k].d);
  }
}

Test(jacobian_qdt, narrow_chains_need_no_factorisation)
{
  for (int d = 2; d <= TEST_WIDEST; d *= 2) {
    cr_expect_geq(wmc_qdt_layers(d, 1.0 / d / 64), 64, "d=%d", d);
    check_chains(d, 64, (d - 1.0) / d, 4, 8 + 4 * d);
  }
}

Test(jacobian_qdt, places_of_factorisation_do_not_matter)
{
  const int d = 12, depth = 300;
  double expected[TEST_WIDEST], values[TEST_WIDEST], growth, growth0;
  wmc_stream *stream = test_stream(SEED, 30);
  double *layers = test_layers(stream, d, 1, depth, sqrt(3.0 / depth));
  test_spectrum(d, 1, depth, layers, expected, &growth0);
  for (int trial = 0; trial < test_trials(20); trial++) {
    wmc_qdt *qdt;
    cr_assert_eq(wmc_qdt_create(&qdt, d, 50), WMC_OK);
    for (int l = 0; l < depth;) {
      int count = 1 + (int)(24 * wmc_stream_uniform(stream));
      if (count > depth - l) count = depth - l;
      wmc_qdt_multiply(qdt, (size_t)count, layers + l * d * d);
      if (wmc_stream_uniform(stream) < 0.7) wmc_qdt_factor(qdt);
      /* reading a spectrum on the way changes nothing either */
      if (trial % 3 == 0) cr_assert(wmc_qdt_values(qdt, values, &growth));
      l += count;
    }
    cr_assert(wmc_qdt_values(qdt, values, &growth));
    double defect = test_largest_difference(d, values, expected);
    cr_expect_lt(defect, 1e-12, "trial %d: defect %.2g", trial, defect);
    cr_expect_lt(fabs(growth - growth0), 1e-12);
    wmc_qdt_destroy(qdt);
  }
  wmc_free(layers);
  wmc_stream_destroy(stream);
}

Test(jacobian_qdt, widths_one_and_two)
{
  wmc_stream *stream = test_stream(SEED, 31);
  double values[2], growth;
  for (int trial = 0; trial < test_trials(50); trial++) {
    double *layers = test_layers(stream, 1, 1, 400, 0.3), sum = 0;
    for (int l = 0; l < 400; l++) sum += log(fabs(layers[l]));
    test_spectrum(1, 1 + trial, 400, layers, values, &growth);
    cr_expect_lt(fabs(values[0] - sum), 1e-12);
    cr_expect_lt(fabs(growth - sum), 1e-12);
    wmc_free(layers);

    /* s_1^2 + s_2^2 = |M|^2 and s_1 s_2 = |det M| = product of |det J| */
    double m[4] = {1, 0, 0, 1}, log_det = 0;
    layers = test_layers(stream, 2, 1, 40, 0.2);
    for (int l = 0; l < 40; l++) {
      const double *j = layers + 4 * l;
      double next[4] = {j[0] * m[0] + j[2] * m[1], j[1] * m[0] + j[3] * m[1],
                        j[0] * m[2] + j[2] * m[3], j[1] * m[2] + j[3] * m[3]};
      memcpy(m, next, sizeof m);
      log_det += log(fabs(j[0] * j[3] - j[1] * j[2]));
    }
    double norm2 = m[0] * m[0] + m[1] * m[1] + m[2] * m[2] + m[3] * m[3];
    /* s_1^2 + s_2^2 = 2 |det| cosh(gap) */
    double gap = acosh(fmax(1, 0.5 * norm2 * exp(-log_det)));
    test_spectrum(2, 1 + trial, 40, layers, values, &growth);
    cr_expect_lt(fabs(values[0] + values[1] - log_det), 1e-11);
    cr_expect_lt(fabs(values[0] - values[1] - gap), 1e-9);
    wmc_free(layers);
  }
  wmc_stream_destroy(stream);
}

/* Width 1, a factorisation a layer: 10^5 equal logarithms, whose plain sum is off by
 * 6e-11. */
Test(jacobian_qdt, sums_of_exponents_lose_nothing)
{
  enum { LAYERS = 100000 };
  const double layer = 1.003, sum = LAYERS * log(layer);
  double values[1], growth;
  wmc_qdt *qdt;
  cr_assert_eq(wmc_qdt_create(&qdt, 1, 1), WMC_OK);
  for (int l = 0; l < LAYERS; l++) wmc_qdt_multiply(qdt, 1, &layer);
  cr_assert(wmc_qdt_values(qdt, values, &growth));
  cr_expect_lt(fabs(values[0] - sum), 2e-13, "%.17g, not %.17g", values[0], sum);
  wmc_qdt_destroy(qdt);
}

Test(jacobian_qdt, singular_or_not_finite_is_reported)
{
  double values[2], growth;
  const double cases[][4] = {{1, 2, 2, 4}, {0, 0, 0, 0}, {NAN, 0, 0, 1}, {1, 0, 0, INFINITY}};
  for (size_t k = 0; k < 4; k++)
    for (int factor = 0; factor < 4; factor++) {
      wmc_qdt *qdt = test_qdt_of(2, 1, 10, factor / 2);
      wmc_qdt_multiply(qdt, 1, cases[k]);
      if (factor % 2) wmc_qdt_factor(qdt);
      bool fine = wmc_qdt_values(qdt, values, &growth);
      cr_expect(!fine || values[1] < -35, "case %zu, factor %d: %g %g", k, factor, values[0],
                values[1]);
      cr_expect(!(fine && k > 0), "case %zu, factor %d", k, factor);
      /* a new start forgets it */
      wmc_qdt_start(qdt);
      wmc_qdt_multiply(qdt, 1, (const double[]){2, 0, 0, 3});
      cr_assert(wmc_qdt_values(qdt, values, &growth));
      cr_expect_float_eq(values[0], log(3), 1e-15);
      wmc_qdt_destroy(qdt);
    }
}
