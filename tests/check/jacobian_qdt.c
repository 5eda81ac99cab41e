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
#include "weylmc/jacobian/qdt.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/random.h"

enum { SEED = 20261121 };

/* The layers I + s G of a chain, made again from the start as often as they are wanted. */
typedef struct chain {
  int d, depth;
  double s;
  long id;
  bool nudged; /* every entry moved by up to one rounding, at random */
} chain;

enum { CHUNK = 100 }; /* layers made at a time; depths are multiples or below */

static void nudge(wmc_stream *stream, size_t n, double *x)
{
  for (size_t k = 0; k < n; k++)
    x[k] *= 1 + DBL_EPSILON * (wmc_stream_uniform(stream) < 0.5 ? -1 : 1);
}

/* Calls `take` with all layers, CHUNK at a time. */
static void each_layer(const chain *c, void (*take)(void *, int, const double *), void *to)
{
  const size_t size = (size_t)(c->d * c->d);
  wmc_stream *stream = test_stream(SEED, c->id), *signs = test_stream(SEED, c->id + 1000000);
  double *j = WMC_ARRAY(double, CHUNK *size);
  for (int done = 0; done < c->depth; done += CHUNK) {
    int count = c->depth - done < CHUNK ? c->depth - done : CHUNK;
    wmc_stream_normals(stream, size * (size_t)count, c->s, j);
    for (int l = 0; l < count; l++)
      for (int i = 0; i < c->d; i++) j[(size_t)l * size + (size_t)(i * (c->d + 1))] += 1;
    if (c->nudged) nudge(signs, size * (size_t)count, j);
    take(to, count, j);
  }
  wmc_free(j);
  wmc_stream_destroy(signs);
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

typedef struct mp_matrix {
  int d;
  mpf_t *m, *next, *t;
} mp_matrix;

static void mp_multiply(void *to, int count, const double *layers)
{
  mp_matrix *p = to;
  const int d = p->d;
  for (int l = 0; l < count; l++, layers += d * d) {
    for (int j = 0; j < d; j++)
      for (int i = 0; i < d; i++) {
        mpf_set_ui(p->next[j * d + i], 0);
        for (int k = 0; k < d; k++) {
          mpf_set_d(p->t[0], layers[k * d + i]);
          mpf_mul(p->t[1], p->m[j * d + k], p->t[0]);
          mpf_add(p->next[j * d + i], p->next[j * d + i], p->t[1]);
        }
      }
    mpf_t *swap = p->m;
    p->m = p->next;
    p->next = swap;
  }
}

static mp_matrix mp_identity(int d)
{
  mp_matrix p = {d, mp_array(d * d), mp_array(d * d), mp_array(2)};
  for (int i = 0; i < d; i++) mpf_set_ui(p.m[i * (d + 1)], 1);
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

/* Log-singular values and log|M e_1|; p is destroyed. */
static void mp_finish(mp_matrix *p, double *values, double *growth)
{
  const int d = p->d;
  mp_dot(d, p->m, p->m, p->t[0], p->t[1]);
  *growth = 0.5 * mp_log(p->t[0]);
  mp_values(d, p->m, values);
  mp_free(p->m, d * d);
  mp_free(p->next, d * d);
  mp_free(p->t, 2);
}

/* Of a chain, with `bits` of mantissa. */
static void reference(const chain *c, unsigned bits, double *values, double *growth)
{
  mpf_set_default_prec(bits);
  mp_matrix p = mp_identity(c->d);
  each_layer(c, mp_multiply, &p);
  mp_finish(&p, values, growth);
}

/* ---- tests ------------------------------------------------------------------------------ */

enum { D_MAX = 16 };

static double largest_difference(int d, const double *a, const double *b)
{
  double worst = 0;
  for (int i = 0; i < d; i++)
    if (!(fabs(a[i] - b[i]) <= worst)) worst = fabs(a[i] - b[i]);
  return worst;
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

static void spectrum_of(const chain *c, int limit, double *values, double *growth)
{
  wmc_qdt *qdt;
  cr_assert_eq(wmc_qdt_create(&qdt, c->d, limit), WMC_OK);
  each_layer(c, multiply, qdt);
  cr_assert(wmc_qdt_values(qdt, values, growth), "d=%d limit=%d", c->d, limit);
  wmc_qdt_destroy(qdt);
}

/* 12 digits of every singular value. */
static const double TWELVE_DIGITS = 1e-12;
enum { MULTIPLES = 4 };

/* A linear chain whose mean log-ratio (d - 1) tau is `spread`. */
static chain chain_of(int d, int depth, double spread, long id)
{
  return (chain){d, depth, sqrt(spread / (d - 1) / depth), id, false};
}

static int layers_of(const chain *c, double multiple)
{
  return (int)fmax(1, multiple * wmc_qdt_layers(c->d, c->s * c->s));
}

/* Errors of lambda, root of the mean square over `seeds` chains of the largest of each, with so
 * many times the usual number of layers between factorisations. */
static void measure_errors(int d, int depth, double spread, int seeds, long id, size_t multiples,
                           const double *multiple, double *out)
{
  double largest[MULTIPLES] = {0}, relative = 0, growths = 0, ratio = 0;
  for (size_t k = 0; k < multiples; k++) out[k] = 0;
  for (int seed = 0; seed < seeds; seed++) {
    const chain c = chain_of(d, depth, spread, id + seed);
    double exact[D_MAX], exact_growth, values[D_MAX], growth;
    reference(&c, (unsigned)(300 + 2.6 * spread), exact, &exact_growth);
    cr_assert_gt(exact[0] - exact[d - 1], 0.5 * spread);
    ratio += (exact[0] - exact[d - 1]) / seeds;
    for (size_t k = 0; k < multiples; k++) {
      spectrum_of(&c, layers_of(&c, multiple[k]), values, &growth);
      double defect = largest_difference(d, values, exact);
      largest[k] = fmax(largest[k], defect);
      out[k] += defect * defect / seeds;
      for (int i = 0; i < d && multiple[k] == 1; i++)
        relative = fmax(relative, fabs((values[i] - exact[i]) / exact[i]));
      if (multiple[k] == 1) growths = fmax(growths, fabs(growth - exact_growth));
    }
  }
  cr_expect_lt(growths, TWELVE_DIGITS, "growth, d=%d L=%d", d, depth);
  const chain c = chain_of(d, depth, spread, id);
  if (test_verbose())
    printf("d=%2d L=%6d %2d chains, log-ratio %5.1f; relative %.0e, growth %.0e; layers/QR, error, "
           "largest:",
           d, depth, seeds, ratio, relative, growths);
  for (size_t k = 0; k < multiples; k++) {
    out[k] = sqrt(out[k]);
    if (test_verbose()) printf("  %5d %.1e %.1e", layers_of(&c, multiple[k]), out[k], largest[k]);
  }
  if (test_verbose()) printf("\n");
}

/* ---- complex matrices: the reference is the product of their real forms, with every value twice
 */

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

static void complex_reference(int d, int count, const double *layers, unsigned bits, double *values,
                              double *growth)
{
  const size_t size = 4 * (size_t)d * (size_t)d;
  double twice[2 * D_MAX], *forms = WMC_ARRAY(double, size *(size_t)count);
  for (int l = 0; l < count; l++)
    wmc_complex_form(d, d, layers + (size_t)l * size / 2, forms + (size_t)l * size);
  mpf_set_default_prec(bits);
  mp_matrix p = mp_identity(2 * d);
  mp_multiply(&p, count, forms);
  mp_finish(&p, twice, growth);
  for (int i = 0; i < d; i++) {
    cr_assert_lt(twice[2 * i] - twice[2 * i + 1], 1e-15 * (1 + fabs(twice[2 * i])));
    values[i] = twice[2 * i];
  }
  wmc_free(forms);
}

/* A complex linear chain: mean log-ratio (d - 1) tau, as for real numbers. */
static void check_complex_chain(int d, int depth, double spread, unsigned bits, long id)
{
  double tau = spread / (d > 1 ? d - 1 : 1), exact[D_MAX], exact_growth, values[D_MAX], growth;
  wmc_stream *stream = test_stream(SEED, id);
  double *layers = complex_layers(stream, d, depth, sqrt(tau / depth));
  complex_reference(d, depth, layers, bits, exact, &exact_growth);
  int limits[] = {1, wmc_qdt_layers(d, tau / depth)};
  for (size_t k = 0; k < 2; k++) {
    wmc_qdt *qdt;
    cr_assert_eq(wmc_qdt_create_complex(&qdt, d, limits[k]), WMC_OK);
    wmc_qdt_multiply(qdt, (size_t)depth, layers);
    cr_assert(wmc_qdt_values(qdt, values, &growth));
    wmc_qdt_destroy(qdt);
    double defect = largest_difference(d, values, exact);
    cr_expect_lt(defect, 2e-12, "complex d=%d L=%d, %d layers a factorisation: defect %.2g", d,
                 depth, limits[k], defect);
    cr_expect_lt(fabs(growth - exact_growth), 2e-12, "growth, complex d=%d L=%d", d, depth);
    if (test_verbose())
      printf("complex d=%2d L=%4d layers/QR %3d log-ratio %6.1f defect %.2g\n", d, depth, limits[k],
             exact[0] - exact[d - 1], defect);
  }
  wmc_free(layers);
  wmc_stream_destroy(stream);
}

Test(jacobian_qdt, complex_products)
{
  check_complex_chain(8, 200, 72, 600, 40);
  check_complex_chain(8, 1000, 72, 600, 41);
  check_complex_chain(3, 4000, 72, 600, 42);
  check_complex_chain(4, 500, 620, 1600, 43);
  check_complex_chain(1, 100, 1, 200, 44);
  for (int d = 2; d <= D_MAX; d *= 2) check_complex_chain(d, 64, (d - 1.0) / d, 200, 44 + d);
}

static void check_chains(int d, int depth, double spread, int seeds, long id)
{
  const double usual = 1;
  double error;
  measure_errors(d, depth, spread, seeds, id, 1, &usual, &error);
  cr_expect_lt(error, TWELVE_DIGITS, "d=%d L=%d spread %g: error %.2g", d, depth, spread, error);
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

/* How far lambda moves if every entry of every layer moves by one rounding. */
static double condition_of(int d, int depth, double spread, int seeds, long id)
{
  double sum = 0;
  for (int seed = 0; seed < seeds; seed++) {
    chain c = chain_of(d, depth, spread, id + seed);
    double exact[D_MAX], moved[D_MAX], growth;
    const unsigned bits = (unsigned)(300 + 2.6 * spread);
    reference(&c, bits, exact, &growth);
    c.nudged = true;
    reference(&c, bits, moved, &growth);
    sum += pow(largest_difference(d, exact, moved), 2) / seeds;
  }
  return sqrt(sum);
}

/* Many minutes: WEYLMC_EFFORT=10 or more. Where eigenspaces of what is behind a layer and what is
 * before it nearly miss each other, lambda depends on the last bits of that layer: no error can be
 * asked to be much smaller than what one rounding of the layers does. */
Test(jacobian_qdt, twelve_digits_at_all_widths_depths_and_spreads)
{
  const int widths[] = {2, 4, 8, 16}, depths[] = {1000, 10000, 100000};
  const double spreads[] = {10, 100, 600}, usual = 1;
  if (test_trials(1) < 10) return;
  for (int w = 0; w < 4; w++)
    for (int l = 0; l < 3; l++)
      for (int k = 0; k < 3; k++) {
        const int seeds = w < 2 && l < 2 ? 8 : 1;
        double error;
        measure_errors(widths[w], depths[l], spreads[k], seeds, 100, 1, &usual, &error);
        double moved = condition_of(widths[w], depths[l], spreads[k], seeds, 100);
        printf("d=%d L=%d spread %g: error %.1e, one rounding of the layers %.1e\n", widths[w],
               depths[l], spreads[k], error, moved);
        cr_expect_lt(error, TWELVE_DIGITS + 8 * moved);
      }
}

/* Twice the layers between factorisations costs half a digit, four times more than one; half as
 * many gain nothing. */
Test(jacobian_qdt, factorisations_are_as_rare_as_accuracy_allows)
{
  const double multiples[MULTIPLES] = {0.5, 1, 2, 4};
  const struct {
    int d, depth;
    double spread;
  } cases[] = {{2, 2000, 72}, {4, 1000, 72}, {8, 500, 30}, {16, 500, 72}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    double error[MULTIPLES];
    measure_errors(cases[k].d, cases[k].depth, cases[k].spread, 8, 200, MULTIPLES, multiples,
                   error);
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
    for (int factor = 0; factor < 2; factor++) {
      wmc_qdt *qdt;
      cr_assert_eq(wmc_qdt_create(&qdt, 2, 10), WMC_OK);
      wmc_qdt_multiply(qdt, 1, cases[k]);
      if (factor) wmc_qdt_factor(qdt);
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

static void check_vectors(int d, int limit, int depth, double s, wmc_stream *stream)
{
  double left[D_MAX * D_MAX], right[D_MAX * D_MAX], values[D_MAX], alone[D_MAX], growth, growth0;
  double *layers = linear_layers(stream, d, depth, s);
  spectrum(d, limit, depth, layers, alone, &growth0);
  wmc_qdt *qdt;
  cr_assert_eq(wmc_qdt_create(&qdt, d, limit), WMC_OK);
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

Test(jacobian_qdt, singular_vectors)
{
  wmc_stream *stream = test_stream(SEED, 40);
  for (int d = 1; d <= D_MAX; d += 3)
    for (int limit = 1; limit <= 1000; limit *= 10) check_vectors(d, limit, 60, 0.1, stream);
  /* spreads beyond e^100, where exponents do not fit into columns */
  check_vectors(6, 1, 300, 0.8, stream);
  check_vectors(12, 2, 400, 0.5, stream);
  wmc_stream_destroy(stream);
}

/* Largest entry of M v_j - s_j u_j over s_1, and of U^* U - 1, by complex arithmetic. */
static void check_complex_vectors(int d, int limit, int depth, double s, wmc_stream *stream)
{
  double complex left[D_MAX * D_MAX], right[D_MAX * D_MAX], x[D_MAX], y[D_MAX];
  double values[D_MAX], growth, worst = 0;
  double *layers = complex_layers(stream, d, depth, s);
  wmc_qdt *qdt;
  cr_assert_eq(wmc_qdt_create_complex(&qdt, d, limit), WMC_OK);
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
    for (int limit = 1; limit <= 100; limit *= 10) check_complex_vectors(d, limit, 60, 0.1, stream);
  wmc_stream_destroy(stream);
}
