/* Finite-time singular values by QDT accumulation against multi-precision products, against
 * themselves with factorisations at other places, and against closed forms at widths 1 and 2. */
#include <complex.h>
#include <criterion/criterion.h>
#include <float.h>
#include <gmp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "streams.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/graded.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/jacobian/qdt.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/random.h"

enum { SEED = 20261121 };

/* The layers I + s G of a chain, E|G_ij|^2 = 1, made again from the start as often as they are
 * wanted. */
typedef struct chain {
  int d, depth, parts; /* parts: 2 if complex */
  double s;
  long id;
} chain;

enum { D_MAX = 16 };

enum { CHUNK = 100 }; /* layers made at a time; depths are multiples or below */

/* Calls `take` with all layers, CHUNK at a time. */
static void each_layer(const chain *c, void (*take)(void *, int, const double *), void *to)
{
  const int reals = c->parts * c->d * c->d;
  wmc_stream *stream = test_stream(SEED, c->id);
  double *j = WMC_ARRAY(double, CHUNK *reals);
  for (int done = 0; done < c->depth; done += CHUNK) {
    int count = c->depth - done < CHUNK ? c->depth - done : CHUNK;
    wmc_stream_normals(stream, (size_t)(reals * count), c->s / sqrt(c->parts), j);
    for (int l = 0; l < count; l++)
      for (int i = 0; i < c->d; i++) j[l * reals + c->parts * i * (c->d + 1)] += 1;
    take(to, count, j);
  }
  wmc_free(j);
  wmc_stream_destroy(stream);
}

/* count Jacobians I + s G. */
static double *linear_layers(wmc_stream *stream, int d, int count, double s)
{
  size_t size = (size_t)d * (size_t)d;
  double *j = WMC_ARRAY(double, size *(size_t)count);
  wmc_stream_normals(stream, size * (size_t)count, s, j);
  for (int l = 0; l < count; l++)
    for (int i = 0; i < d; i++) j[(size_t)l * size + (size_t)(i * d + i)] += 1;
  return j;
}

/* ---- reference: a plain product and one-sided Jacobi rotations in long mantissas ---------- */

static mpf_t *mp_array(int n)
{
  mpf_t *a = WMC_ARRAY(mpf_t, n);
  for (int i = 0; i < n; i++) mpf_init(a[i]);
  return a;
}

static void mp_free(mpf_t *a, int n)
{
  for (int i = 0; i < n; i++) mpf_clear(a[i]);
  wmc_free(a);
}

static double mp_log(const mpf_t x)
{
  long exponent;
  double mantissa = mpf_get_d_2exp(&exponent, x);
  return log(fabs(mantissa)) + (double)exponent * log(2.0);
}

static void mp_dot(int d, mpf_t *x, mpf_t *y, mpf_t out, mpf_t t)
{
  mpf_set_ui(out, 0);
  for (int k = 0; k < d; k++) {
    mpf_mul(t, x[k], y[k]);
    mpf_add(out, out, t);
  }
}

/* Of complex matrices the even columns of the real form: n = parts d rows of d columns. */
typedef struct mp_matrix {
  int d, parts, n;
  double *form;
  mpf_t *m, *next, *t;
} mp_matrix;

static void mp_multiply(void *to, int count, const double *layers)
{
  mp_matrix *p = to;
  const int n = p->n;
  for (int l = 0; l < count; l++, layers += n * p->d) {
    const double *layer = p->parts == 2 ? p->form : layers;
    if (p->parts == 2) wmc_complex_form(p->d, p->d, layers, p->form);
    for (int j = 0; j < p->d; j++)
      for (int i = 0; i < n; i++) {
        mpf_set_ui(p->next[j * n + i], 0);
        for (int k = 0; k < n; k++) {
          mpf_set_d(p->t[0], layer[k * n + i]);
          mpf_mul(p->t[1], p->m[j * n + k], p->t[0]);
          mpf_add(p->next[j * n + i], p->next[j * n + i], p->t[1]);
        }
      }
    mpf_t *swap = p->m;
    p->m = p->next;
    p->next = swap;
  }
}

static mp_matrix mp_identity(int d, int parts)
{
  const int n = parts * d;
  mp_matrix p = {d,          parts, n, WMC_ARRAY(double, n *n), mp_array(n * d), mp_array(n * d),
                 mp_array(2)};
  for (int i = 0; i < d; i++) mpf_set_ui(p.m[i * (n + parts)], 1);
  return p;
}

/* One rotation; returns the logarithm of the cosine that the columns had. */
static double mp_rotate(int d, mpf_t *x, mpf_t *y, mpf_t *w)
{
  enum { A, B, C, T, U, V };
  mp_dot(d, x, x, w[A], w[T]);
  mp_dot(d, y, y, w[B], w[T]);
  mp_dot(d, x, y, w[C], w[T]);
  if (mpf_sgn(w[C]) == 0) return -HUGE_VAL;
  double cosine = mp_log(w[C]) - 0.5 * (mp_log(w[A]) + mp_log(w[B]));
  /* t = 2c / (a - b + sign root), then cos and sin */
  mpf_sub(w[T], w[A], w[B]);
  mpf_mul(w[U], w[T], w[T]);
  mpf_mul(w[V], w[C], w[C]);
  mpf_mul_ui(w[V], w[V], 4);
  mpf_add(w[U], w[U], w[V]);
  mpf_sqrt(w[U], w[U]);
  if (mpf_sgn(w[T]) < 0) mpf_neg(w[U], w[U]);
  mpf_add(w[U], w[U], w[T]);
  mpf_mul_ui(w[T], w[C], 2);
  mpf_div(w[T], w[T], w[U]);
  mpf_mul(w[U], w[T], w[T]);
  mpf_add_ui(w[U], w[U], 1);
  mpf_sqrt(w[U], w[U]);
  mpf_ui_div(w[U], 1, w[U]);
  for (int k = 0; k < d; k++) {
    mpf_mul(w[V], w[T], y[k]);
    mpf_add(w[V], w[V], x[k]);
    mpf_mul(w[A], w[T], x[k]);
    mpf_sub(w[A], y[k], w[A]);
    mpf_mul(x[k], w[V], w[U]);
    mpf_mul(y[k], w[A], w[U]);
  }
  return cosine;
}

static void sort_decreasing(int d, double *x)
{
  for (int i = 1; i < d; i++)
    for (int j = i; j > 0 && x[j - 1] < x[j]; j--) {
      double t = x[j];
      x[j] = x[j - 1];
      x[j - 1] = t;
    }
}

/* Log-singular values of m, destroyed. */
static void mp_values(int d, mpf_t *m, double *values)
{
  mpf_t *w = mp_array(6);
  for (double worst = 0; worst > -40;) {
    worst = -HUGE_VAL;
    for (int i = 0; i < d; i++)
      for (int j = i + 1; j < d; j++) worst = fmax(worst, mp_rotate(d, m + i * d, m + j * d, w));
  }
  for (int i = 0; i < d; i++) {
    mp_dot(d, m + i * d, m + i * d, w[0], w[1]);
    values[i] = 0.5 * mp_log(w[0]);
  }
  sort_decreasing(d, values);
  mp_free(w, 6);
}

/* Of the real form, where every value comes twice. */
static void mp_complex_values(int d, mpf_t *m, double *values)
{
  const int n = 2 * d;
  double twice[2 * D_MAX];
  mpf_t *form = mp_array(n * n);
  for (int j = 0; j < d; j++)
    for (int i = 0; i < n; i += 2) {
      mpf_set(form[2 * j * n + i], m[j * n + i]);
      mpf_set(form[2 * j * n + i + 1], m[j * n + i + 1]);
      mpf_neg(form[(2 * j + 1) * n + i], m[j * n + i + 1]);
      mpf_set(form[(2 * j + 1) * n + i + 1], m[j * n + i]);
    }
  mp_values(n, form, twice);
  for (int i = 0; i < d; i++) {
    cr_assert_lt(twice[2 * i] - twice[2 * i + 1], 1e-15 * (1 + fabs(twice[2 * i])));
    values[i] = twice[2 * i];
  }
  mp_free(form, n * n);
}

/* Log-singular values and log|M e_1|; p is destroyed. */
static void mp_finish(mp_matrix *p, double *values, double *growth)
{
  mp_dot(p->n, p->m, p->m, p->t[0], p->t[1]);
  *growth = 0.5 * mp_log(p->t[0]);
  (p->parts == 2 ? mp_complex_values : mp_values)(p->d, p->m, values);
  mp_free(p->m, p->n * p->d);
  mp_free(p->next, p->n * p->d);
  mp_free(p->t, 2);
  wmc_free(p->form);
}

/* Of a chain, with `bits` of mantissa. */
static void reference(const chain *c, unsigned bits, double *values, double *growth)
{
  mpf_set_default_prec(bits);
  mp_matrix p = mp_identity(c->d, c->parts);
  each_layer(c, mp_multiply, &p);
  mp_finish(&p, values, growth);
}

/* ---- tests ------------------------------------------------------------------------------ */

static double largest_difference(int d, const double *a, const double *b)
{
  double worst = 0;
  for (int i = 0; i < d; i++)
    if (!(fabs(a[i] - b[i]) <= worst)) worst = fabs(a[i] - b[i]);
  return worst;
}

static wmc_qdt *qdt_of(int d, int parts, int limit, bool extend)
{
  wmc_qdt *qdt;
  cr_assert_eq((parts == 2 ? wmc_qdt_create_complex : wmc_qdt_create)(&qdt, d, limit), WMC_OK);
  if (extend) cr_assert_eq(wmc_qdt_extend(qdt), WMC_OK);
  return qdt;
}

static void spectrum(int d, int limit, int count, const double *layers, double *values,
                     double *growth)
{
  wmc_qdt *qdt;
  cr_assert_eq(wmc_qdt_create(&qdt, d, limit), WMC_OK);
  wmc_qdt_multiply(qdt, (size_t)count, layers);
  cr_assert(wmc_qdt_values(qdt, values, growth), "d=%d limit=%d", d, limit);
  wmc_qdt_destroy(qdt);
}

static void multiply(void *to, int count, const double *layers)
{
  wmc_qdt_multiply(to, (size_t)count, layers);
}

static void spectrum_of(const chain *c, int limit, bool extend, double *values, double *growth)
{
  wmc_qdt *qdt = qdt_of(c->d, c->parts, limit, extend);
  each_layer(c, multiply, qdt);
  cr_assert(wmc_qdt_values(qdt, values, growth), "d=%d limit=%d", c->d, limit);
  wmc_qdt_destroy(qdt);
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

/* A linear chain whose mean log-ratio (d - 1) tau is `spread`, for real and for complex numbers. */
static chain chain_of(int d, int depth, int parts, double spread, long id)
{
  return (chain){d, depth, parts, sqrt(spread / (d > 1 ? d - 1 : 1) / depth), id};
}

static int layers_of(const chain *c, double multiple)
{
  return (int)fmax(1, multiple * wmc_qdt_layers(c->d, c->s * c->s));
}

static void print_errors(const chain *c, int seeds, double ratio, size_t ways, const way *list,
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
static void measure_errors(const chain *c, int seeds, size_t ways, const way *list, double *out)
{
  const int d = c->d;
  const double spread = c->s * c->s * c->depth * (d > 1 ? d - 1 : 1);
  double largest[WAYS] = {0}, ratio = 0;
  for (size_t k = 0; k < ways; k++) out[k] = 0;
  for (int seed = 0; seed < seeds; seed++) {
    chain one = *c;
    one.id += seed;
    double exact[D_MAX], exact_growth, values[D_MAX], growth;
    reference(&one, (unsigned)(300 + 2.6 * spread), exact, &exact_growth);
    ratio += (exact[0] - exact[d - 1]) / seeds;
    for (size_t k = 0; k < ways; k++) {
      spectrum_of(&one, layers_of(&one, list[k].multiple), list[k].extended, values, &growth);
      double defect = largest_difference(d, values, exact);
      largest[k] = fmax(largest[k], defect);
      out[k] += defect * defect / seeds;
      cr_expect_lt(fabs(growth - exact_growth), TWELVE_DIGITS, "growth, d=%d L=%d", d, c->depth);
    }
  }
  for (size_t k = 0; k < ways; k++) out[k] = sqrt(out[k]);
  if (test_verbose()) print_errors(c, seeds, ratio, ways, list, out, largest);
}

/* count complex Jacobians I + s G, E|G_ij|^2 = 1. */
static double *complex_layers(wmc_stream *stream, int d, int count, double s)
{
  size_t size = 2 * (size_t)d * (size_t)d;
  double *j = WMC_ARRAY(double, size *(size_t)count);
  wmc_stream_normals(stream, size * (size_t)count, s * sqrt(0.5), j);
  for (int l = 0; l < count; l++)
    for (int i = 0; i < d; i++) j[(size_t)l * size + (size_t)(2 * (i * d + i))] += 1;
  return j;
}

static void check(const chain *c, int seeds, size_t ways, const way *list)
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
  const chain c = chain_of(d, depth, 2, spread, id);
  check(&c, 1, 3, list);
}

Test(jacobian_qdt, complex_products)
{
  check_complex_chain(8, 200, 72, 40);
  check_complex_chain(8, 1000, 72, 41);
  check_complex_chain(3, 4000, 72, 42);
  check_complex_chain(4, 500, 620, 43);
  check_complex_chain(1, 100, 1, 44);
  for (int d = 2; d <= D_MAX; d *= 2) check_complex_chain(d, 64, (d - 1.0) / d, 44 + d);
}

static void check_chains(int d, int depth, double spread, int seeds, long id)
{
  const chain c = chain_of(d, depth, 1, spread, id);
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
  const chain cases[] = {chain_of(16, 400, 1, 600, 80), chain_of(8, 1000, 1, 600, 81),
                         chain_of(16, 500, 1, 300, 82), chain_of(8, 400, 2, 600, 83)};
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
    const chain c = chain_of(cases[k].d, cases[k].depth, cases[k].parts, cases[k].spread, 90);
    double few[D_MAX], many[D_MAX], growth, other;
    spectrum_of(&c, layers_of(&c, 1), true, few, &growth);
    spectrum_of(&c, layers_of(&c, 1.0 / 8), true, many, &other);
    cr_expect_lt(largest_difference(c.d, few, many), 1e-13, "d=%d L=%d", c.d, c.depth);
    cr_expect_lt(fabs(growth - other), 1e-13);
  }
}

/* ---- the precision that is chosen ----------------------------------------------------------- */

static wmc_block_options options_of(const chain *c)
{
  return (wmc_block_options){.width = c->d,
                             .depth = c->depth,
                             .weights = wmc_weights_find("gaussian"),
                             .variance = c->s * c->s * c->depth,
                             .time = 1,
                             .split = {.is_complex = c->parts == 2, .group = 1}};
}

/* Of 40 chains at most one is further off in double precision than expected, against products in
 * extended precision. */
Test(jacobian_qdt, errors_in_double_precision_are_expected)
{
  enum { CHAINS = 40 };
  const struct {
    int d, depth, parts;
    double spread;
  } cases[] = {{2, 1000, 1, 300}, {2, 100, 1, 30}, {4, 1000, 1, 30}, {4, 1000, 1, 600},
               {8, 100, 1, 100},  {8, 400, 1, 7},  {16, 100, 1, 60}, {16, 1000, 1, 15},
               {4, 1000, 2, 600}, {8, 1000, 2, 7}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    int beyond = 0;
    double bound = 0, worst = 0;
    for (int id = 0; id < CHAINS; id++) {
      const chain c = chain_of(cases[k].d, cases[k].depth, cases[k].parts, cases[k].spread, id);
      double values[D_MAX], exact[D_MAX], growth;
      spectrum_of(&c, layers_of(&c, 1), false, values, &growth);
      spectrum_of(&c, layers_of(&c, 1), true, exact, &growth);
      const double error = largest_difference(c.d, values, exact);
      bound = wmc_qdt_error(false, c.parts, c.d, c.depth, c.s * c.s * c.depth);
      worst = fmax(worst, error);
      beyond += error > bound;
    }
    cr_expect_leq(beyond, 1, "%d of %d chains beyond %.2g, case %zu", beyond, CHAINS, bound, k);
    cr_expect_gt(worst, bound / 100, "case %zu: %.2g expected, %.2g found", k, bound, worst);
  }
}

Test(jacobian_qdt, precision_is_what_the_error_needs)
{
  const struct {
    int d, depth, parts;
    double spread;
    bool is_extended;
  } cases[] = {{4, 1000, 1, 3, false},     {4, 1000, 1, 30, false},    {16, 1000, 1, 15, false},
               {16, 100000, 1, 15, false}, {64, 1000, 1, 63, false},   {8, 10000, 2, 70, false},
               {16, 1000, 1, 600, true},   {16, 10000, 1, 100, true},  {8, 100000, 1, 100, true},
               {4, 1000, 1, 600, true},    {16, 100000, 1, 600, true}, {2, 100000, 1, 600, true}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const chain c = chain_of(cases[k].d, cases[k].depth, cases[k].parts, cases[k].spread, 0);
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
  const chain c = chain_of(d, depth, parts, spread, 100);
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

/* Twice the layers between factorisations costs half a digit, four times more than one; half as
 * many gain nothing. */
Test(jacobian_qdt, factorisations_are_as_rare_as_accuracy_allows)
{
  const way ways[WAYS] = {{0.5, false}, {1, false}, {2, false}, {4, false}};
  const struct {
    int d, depth;
    double spread;
  } cases[] = {{2, 2000, 72}, {4, 1000, 72}, {8, 500, 30}, {16, 500, 72}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const chain c = chain_of(cases[k].d, cases[k].depth, 1, cases[k].spread, 200);
    double error[WAYS];
    measure_errors(&c, 8, WAYS, ways, error);
    cr_expect_lt(error[1], 3 * error[0], "d=%d", cases[k].d);
    cr_expect_lt(error[1], TWELVE_DIGITS, "d=%d", cases[k].d);
    cr_expect_gt(error[3], 10 * error[1], "d=%d", cases[k].d);
  }
}

Test(jacobian_qdt, narrow_chains_need_no_factorisation)
{
  for (int d = 2; d <= D_MAX; d *= 2) {
    cr_expect_geq(wmc_qdt_layers(d, 1.0 / d / 64), 64, "d=%d", d);
    check_chains(d, 64, (d - 1.0) / d, 4, 8 + 4 * d);
  }
}

Test(jacobian_qdt, places_of_factorisation_do_not_matter)
{
  const int d = 12, depth = 300;
  double expected[D_MAX], values[D_MAX], growth, growth0;
  wmc_stream *stream = test_stream(SEED, 30);
  double *layers = linear_layers(stream, d, depth, sqrt(3.0 / depth));
  spectrum(d, 1, depth, layers, expected, &growth0);
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
    double defect = largest_difference(d, values, expected);
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
    double *layers = linear_layers(stream, 1, 400, 0.3), sum = 0;
    for (int l = 0; l < 400; l++) sum += log(fabs(layers[l]));
    spectrum(1, 1 + trial, 400, layers, values, &growth);
    cr_expect_lt(fabs(values[0] - sum), 1e-12);
    cr_expect_lt(fabs(growth - sum), 1e-12);
    wmc_free(layers);

    /* s_1^2 + s_2^2 = |M|^2 and s_1 s_2 = |det M| = product of |det J| */
    double m[4] = {1, 0, 0, 1}, log_det = 0;
    layers = linear_layers(stream, 2, 40, 0.2);
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
    spectrum(2, 1 + trial, 40, layers, values, &growth);
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

Test(jacobian_qdt, graded_columns_of_any_exponent)
{
  /* Y = [y_1, e^{r} y_2] with unit y_i at an angle a: s_1 s_2 = e^{r} sin a, and to order e^{2r}
   * s_1 = 1 + (e^{2r} cos^2 a) / 2 */
  double *scratch = WMC_ARRAY(double, wmc_graded_scratch(2));
  for (double r = -10; r > -3e4; r *= 3) {
    double a = 0.7, y[4] = {1, 0, cos(a), sin(a)}, values[2] = {0, r};
    double first = 0.5 * exp(2 * r) * cos(a) * cos(a);
    cr_assert(wmc_graded_singular_values(2, y, values, scratch));
    cr_expect_lt(fabs(values[0] - first), 1e-15);
    cr_expect_lt(fabs(values[1] - (r + log(sin(a)) - first)), 1e-15 * (10 - r), "r=%g", r);
  }
  /* the order of the columns is no matter */
  double y[4] = {cos(0.7), sin(0.7), 1, 0}, values[2] = {-5000, 0};
  cr_assert(wmc_graded_singular_values(2, y, values, scratch));
  cr_expect_eq(values[0], 0);
  cr_expect_lt(fabs(values[1] + 5000 - log(sin(0.7))), 1e-11);
  wmc_free(scratch);
}

/* y_j = e_j + noise with exponents of any order: all ways of graded.c, by the number of columns and
 * the range of exponents. */
Test(jacobian_qdt, graded_columns_have_full_relative_accuracy)
{
  enum { MOST = 40 };
  const struct {
    int d;
    double range;
  } cases[] = {{4, 1}, {4, 300}, {12, 30}, {12, 600}, {24, 2}, {MOST, 2}, {MOST, 60}, {MOST, 300}};
  wmc_stream *stream = test_stream(SEED, 32);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const int d = cases[c].d;
    double y[MOST * MOST], r[MOST], exact[MOST],
        *scratch = WMC_ARRAY(double, wmc_graded_scratch(d));
    mpf_set_default_prec((unsigned)(300 + 2.6 * cases[c].range));
    mpf_t *m = mp_array(d * d);
    wmc_stream_normals(stream, (size_t)(d * d), 0.5 / sqrt(d), y);
    for (int j = 0; j < d; j++) {
      /* powers of two, so that both are given the same matrix */
      long power = -lround(cases[c].range / log(2) * wmc_stream_uniform(stream));
      r[j] = (double)power * log(2);
      y[j * (d + 1)] += 1;
      for (int i = 0; i < d; i++) {
        mpf_set_d(m[j * d + i], y[j * d + i]);
        mpf_div_2exp(m[j * d + i], m[j * d + i], (unsigned long)-power);
      }
    }
    mp_values(d, m, exact);
    cr_assert(wmc_graded_singular_values(d, y, r, scratch));
    double defect = largest_difference(d, r, exact), bound = 3e-14 + cases[c].range * DBL_EPSILON;
    cr_expect_lt(defect, bound, "d=%d range %g: defect %.2g", d, cases[c].range, defect);
    if (test_verbose()) printf("graded d=%d range %g: defect %.2g\n", d, cases[c].range, defect);
    mp_free(m, d * d);
    wmc_free(scratch);
  }
  wmc_stream_destroy(stream);
}

/* Columns of 0 and exponents of -inf are singular values of 0, wherever they stand. */
Test(jacobian_qdt, graded_columns_that_are_zero)
{
  enum { D = 6 };
  double y[D * D] = {0}, r[D] = {0, -INFINITY, 3, 1, -400, 0}, scratch[4096];
  cr_assert_leq(wmc_graded_scratch(D), 4096);
  for (int j = 0; j < D; j++) y[j * (D + 1)] = j == 3 ? 0 : 1;
  cr_assert(wmc_graded_singular_values(D, y, r, scratch));
  const double expected[D] = {3, 0, 0, -400, -INFINITY, -INFINITY};
  for (int j = 0; j < D; j++) cr_expect_eq(r[j], expected[j], "%d: %g", j, r[j]);
}

Test(jacobian_qdt, singular_or_not_finite_is_reported)
{
  double values[2], growth;
  const double cases[][4] = {{1, 2, 2, 4}, {0, 0, 0, 0}, {NAN, 0, 0, 1}, {1, 0, 0, INFINITY}};
  for (size_t k = 0; k < 4; k++)
    for (int factor = 0; factor < 4; factor++) {
      wmc_qdt *qdt = qdt_of(2, 1, 10, factor / 2);
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

/* ---- vectors ------------------------------------------------------------------------------ */

/* Largest entry of A^T A - 1, both d x d. */
static double orthogonality(int d, const double *a)
{
  double worst = 0;
  for (int i = 0; i < d; i++)
    for (int j = 0; j < d; j++) {
      double sum = i == j ? -1 : 0;
      for (int k = 0; k < d; k++) sum += a[i * d + k] * a[j * d + k];
      worst = fmax(worst, fabs(sum));
    }
  return worst;
}

/* Largest entry of M - U diag(e^values) V^T over the largest singular value; M by plain products,
 * whose own rounding is of that size. */
static double decomposition(int d, int depth, const double *layers, const double *values,
                            const double *left, const double *right)
{
  double m[D_MAX * D_MAX] = {0}, next[D_MAX * D_MAX], worst = 0;
  for (int i = 0; i < d; i++) m[i * (d + 1)] = 1;
  for (int l = 0; l < depth; l++, layers += d * d) {
    for (int i = 0; i < d; i++)
      for (int j = 0; j < d; j++) {
        next[j * d + i] = 0;
        for (int k = 0; k < d; k++) next[j * d + i] += layers[k * d + i] * m[j * d + k];
      }
    memcpy(m, next, sizeof m);
  }
  for (int i = 0; i < d; i++)
    for (int j = 0; j < d; j++) {
      double sum = m[j * d + i];
      for (int k = 0; k < d; k++) sum -= left[k * d + i] * exp(values[k]) * right[k * d + j];
      worst = fmax(worst, fabs(sum) * exp(-values[0]));
    }
  return worst;
}

static void check_vectors(int d, int limit, bool extend, int depth, double s, wmc_stream *stream)
{
  double left[D_MAX * D_MAX], right[D_MAX * D_MAX], values[D_MAX], alone[D_MAX], growth, growth0;
  double *layers = linear_layers(stream, d, depth, s);
  spectrum(d, limit, depth, layers, alone, &growth0);
  wmc_qdt *qdt = qdt_of(d, 1, limit, extend);
  wmc_qdt_multiply(qdt, (size_t)(depth / 2), layers);
  cr_assert(wmc_qdt_vectors(qdt, values, &growth, left, right)); /* changes nothing */
  wmc_qdt_multiply(qdt, (size_t)(depth - depth / 2), layers + (depth / 2) * d * d);
  cr_assert(wmc_qdt_vectors(qdt, values, &growth, left, right));
  cr_expect_lt(largest_difference(d, values, alone), 1e-11);
  cr_expect_lt(fabs(growth - growth0), 1e-11);
  cr_expect_lt(orthogonality(d, left), 1e-13, "d=%d limit=%d", d, limit);
  cr_expect_lt(orthogonality(d, right), 1e-13, "d=%d limit=%d", d, limit);
  double defect = decomposition(d, depth, layers, values, left, right);
  cr_expect_lt(defect, 1e-12, "d=%d limit=%d: defect %.2g", d, limit, defect);
  /* |M e_1|^2 = sum_i e^{2 lambda_i} v_1i^2 */
  double sum = 0;
  for (int i = 0; i < d; i++) sum += exp(2 * (values[i] - values[0])) * pow(right[i * d], 2);
  cr_expect_lt(fabs(values[0] + 0.5 * log(sum) - growth), 1e-11);
  wmc_qdt_destroy(qdt);
  wmc_free(layers);
}

static void check_all_vectors(bool extend)
{
  wmc_stream *stream = test_stream(SEED, 40);
  for (int d = 1; d <= D_MAX; d += 3)
    for (int limit = 1; limit <= 1000; limit *= 10)
      check_vectors(d, limit, extend, 60, 0.1, stream);
  /* spreads beyond e^100, where exponents do not fit into columns */
  check_vectors(6, 1, extend, 300, 0.8, stream);
  check_vectors(12, 2, extend, 400, 0.5, stream);
  wmc_stream_destroy(stream);
}

Test(jacobian_qdt, singular_vectors) { check_all_vectors(false); }

Test(jacobian_qdt, singular_vectors_of_extended_products) { check_all_vectors(true); }

/* Largest entry of M v_j - s_j u_j over s_1, and of U^* U - 1, by complex arithmetic. */
static void check_complex_vectors(int d, int limit, bool extend, int depth, double s,
                                  wmc_stream *stream)
{
  double complex left[D_MAX * D_MAX], right[D_MAX * D_MAX], x[D_MAX], y[D_MAX];
  double values[D_MAX], growth, worst = 0;
  double *layers = complex_layers(stream, d, depth, s);
  wmc_qdt *qdt = qdt_of(d, 2, limit, extend);
  wmc_qdt_multiply(qdt, (size_t)depth, layers);
  cr_assert(wmc_qdt_vectors(qdt, values, &growth, (double *)left, (double *)right));
  for (int j = 0; j < d; j++) {
    memcpy(x, right + j * d, sizeof(double complex) * (size_t)d);
    for (int l = 0; l < depth; l++) {
      const double complex *a = (const double complex *)layers + l * d * d;
      for (int i = 0; i < d; i++) {
        y[i] = 0;
        for (int k = 0; k < d; k++) y[i] += a[k * d + i] * x[k];
      }
      memcpy(x, y, sizeof x);
    }
    for (int k = 0; k < d; k++) {
      double complex sum = k == j ? -1 : 0, other = sum;
      for (int i = 0; i < d; i++) sum += conj(left[k * d + i]) * left[j * d + i];
      for (int i = 0; i < d; i++) other += conj(right[k * d + i]) * right[j * d + i];
      double defect = cabs(x[k] - exp(values[j]) * left[j * d + k]) * exp(-values[0]);
      worst = fmax(worst, fmax(defect, fmax(cabs(sum), cabs(other))));
    }
  }
  cr_expect_lt(worst, 1e-12, "d=%d limit=%d: defect %.2g", d, limit, worst);
  wmc_qdt_destroy(qdt);
  wmc_free(layers);
}

Test(jacobian_qdt, complex_singular_vectors)
{
  wmc_stream *stream = test_stream(SEED, 41);
  for (int d = 1; d <= 10; d += 3)
    for (int limit = 1; limit <= 100; limit *= 10)
      for (int extend = 0; extend < 2; extend++)
        check_complex_vectors(d, limit, extend, 60, 0.1, stream);
  wmc_stream_destroy(stream);
}

/* ---- the rest of it in extended precision, against double -------------------------------------
 */

/* A layer that keeps `rank` components. */
static void multiply_mask(wmc_qdt *qdt, const chain *c, int rank)
{
  double mask[2 * D_MAX * D_MAX] = {0};
  for (int i = 0; i < rank; i++) mask[c->parts * i * (c->d + 1)] = 1;
  wmc_qdt_multiply(qdt, 1, mask);
  wmc_qdt_limit_rank(qdt, rank);
}

/* Values, growth and angle of the same layers in both precisions, with ranks that shrink. */
static void compare_precisions(const chain *c, int lost)
{
  double values[2][D_MAX], growth[2], sine[2];
  for (int extend = 0; extend < 2; extend++) {
    wmc_qdt *qdt = qdt_of(c->d, c->parts, 10, extend);
    each_layer(c, multiply, qdt);
    for (int rank = c->d - 1; rank >= c->d - lost; rank--) {
      const chain more = chain_of(c->d, 30, c->parts, 0.1 * c->d, c->id + rank);
      multiply_mask(qdt, c, rank);
      each_layer(&more, multiply, qdt);
    }
    cr_assert(wmc_qdt_values(qdt, values[extend], &growth[extend]));
    sine[extend] = wmc_qdt_log_sine(qdt);
    wmc_qdt_destroy(qdt);
  }
  for (int i = 0; i < c->d; i++)
    if (i < c->d - lost)
      cr_expect_lt(fabs(values[0][i] - values[1][i]), 1e-11, "%d of %d", i, c->d);
    else
      cr_expect(values[1][i] == -INFINITY);
  if (lost < c->d) cr_expect_lt(fabs(growth[0] - growth[1]), 1e-12);
  if (lost < c->d - 1) cr_expect_lt(fabs(sine[0] - sine[1]), 1e-12, "%g %g", sine[0], sine[1]);
  if (lost == c->d - 1) cr_expect_eq(sine[1], -INFINITY);
}

Test(jacobian_qdt, ranks_and_angles_in_extended_precision)
{
  for (int parts = 1; parts <= 2; parts++)
    for (int d = 2; d <= 10; d += 4)
      for (int lost = 0; lost < d; lost++) {
        const chain c = chain_of(d, 200, parts, 5 * d, 300 + 10 * d);
        compare_precisions(&c, lost);
      }
}

/* The reflection that takes e_1 to epsilon v_1 + v_2, from right singular vectors v of a chain. */
static void reflection(const chain *c, double epsilon, double *out)
{
  double v[D_MAX * D_MAX], values[D_MAX], u[D_MAX], growth, square = 0;
  wmc_qdt *qdt = qdt_of(c->d, 1, 10, true);
  each_layer(c, multiply, qdt);
  cr_assert(wmc_qdt_vectors(qdt, values, &growth, NULL, v));
  wmc_qdt_destroy(qdt);
  for (int i = 0; i < c->d; i++) {
    u[i] = (i == 0 ? 1 : 0) - epsilon * v[i] - v[c->d + i];
    square += u[i] * u[i];
  }
  for (int j = 0; j < c->d; j++)
    for (int i = 0; i < c->d; i++) out[j * c->d + i] = (i == j) - 2 * u[i] * u[j] / square;
}

/* M e_1 nearly misses what M lets grow most: T_12 is of order 1/epsilon, and its rounding matters
 * as much. */
Test(jacobian_qdt, extended_columns_in_special_position)
{
  const chain c = chain_of(6, 600, 1, 60, 500);
  double first[D_MAX * D_MAX], exact[D_MAX], values[D_MAX], growth, other;
  for (double epsilon = 1e-3; epsilon > 1e-13; epsilon *= 1e-3) {
    reflection(&c, epsilon, first);
    mpf_set_default_prec(600);
    mp_matrix p = mp_identity(c.d, 1);
    mp_multiply(&p, 1, first);
    each_layer(&c, mp_multiply, &p);
    mp_finish(&p, exact, &growth);
    wmc_qdt *qdt = qdt_of(c.d, 1, layers_of(&c, 1), true);
    wmc_qdt_multiply(qdt, 1, first);
    each_layer(&c, multiply, qdt);
    cr_assert(wmc_qdt_values(qdt, values, &other));
    const double defect = largest_difference(c.d, values, exact);
    cr_expect_lt(defect, 1e-13, "epsilon %g: %.2g", epsilon, defect);
    cr_expect_lt(fabs(growth - other), 1e-13, "epsilon %g: %.2g", epsilon, growth - other);
    wmc_qdt_destroy(qdt);
  }
}

/* Layers whose products leave the range of doubles after two, and between factorisations. */
Test(jacobian_qdt, extended_products_of_any_scale)
{
  const double scales[] = {1e-200, 1e-30, 1, 1e30, 1e200};
  const chain c = chain_of(6, 64, 1, 20, 400);
  double expected[D_MAX], values[D_MAX], growth, scaled;
  wmc_stream *stream = test_stream(SEED, c.id);
  double *layers = linear_layers(stream, c.d, c.depth, c.s);
  for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
    wmc_qdt *qdt = qdt_of(c.d, 1, 100, true);
    for (int l = 0; l < c.depth * c.d * c.d; l++) layers[l] *= scales[k];
    wmc_qdt_multiply(qdt, (size_t)c.depth, layers);
    cr_assert(wmc_qdt_values(qdt, values, &scaled));
    for (int l = 0; l < c.depth * c.d * c.d; l++) layers[l] /= scales[k];
    spectrum_of(&c, 100, true, expected, &growth);
    const double shift = c.depth * log(scales[k]);
    for (int i = 0; i < c.d; i++)
      cr_expect_lt(fabs(values[i] - expected[i] - shift), 1e-13 * (1 + fabs(shift)));
    cr_expect_lt(fabs(scaled - growth - shift), 1e-13 * (1 + fabs(shift)));
    wmc_qdt_destroy(qdt);
  }
  wmc_free(layers);
  wmc_stream_destroy(stream);
}
