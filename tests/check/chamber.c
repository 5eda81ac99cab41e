/* The diffusion at infinite depth: what holds for every path and to all digits. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parameters.h"
#include "reference.h"
#include "streams.h"
#include "support.h"
#include "weylmc/jacobian/chamber.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/numeric/dense.h"

enum { WIDEST = 12, MOST_RECORDS = 3 };

enum { SEED = 20261125 };

/* For short times log of the sine of the angle between M e_1 and M e_2 is quadratic in lambda, down
 * to where 1 - sin is far below rounding. The same stream makes the same path, but for its scale.
 */
Test(chamber, angles_of_short_times)
{
  const double end[] = {1}, times[] = {1e-6, 1e-20};
  for (int beta = 1; beta <= 2; beta++)
    for (int d = 2; d <= 5; d++) {
      double sine[2];
      for (int k = 0; k < 2; k++) {
        const wmc_chamber_options o = {.width = d,
                                       .beta = beta,
                                       .variance = 1,
                                       .time = times[k],
                                       .resolution = 1,
                                       .exact = beta == 2};
        wmc_chamber *c;
        wmc_stream *stream = test_stream(SEED, 40 + d);
        cr_assert_eq(wmc_chamber_create(&c, &o, 1, end), WMC_OK);
        cr_assert(wmc_chamber_draw(c, stream));
        sine[k] = *wmc_chamber_log_sine(c) / times[k];
        wmc_chamber_destroy(c);
        wmc_stream_destroy(stream);
      }
      cr_expect_lt(sine[0], 0);
      cr_expect_lt(fabs(sine[1] / sine[0] - 1), 0.02, "beta %d, d %d: %g, %g", beta, d, sine[0],
                   sine[1]);
    }
}

/* ---- eigenvalues -------------------------------------------------------------------------- */

/* The real symmetric matrix [[Re, -Im], [Im, Re]] has each eigenvalue of a Hermitian one twice. */
static void embed(int n, const double *a, double *real)
{
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) {
      int row = i > j ? i : j, column = i > j ? j : i;
      double re = a[2 * (column * n + row)];
      double im = i == j ? 0 : (i > j ? 1 : -1) * a[2 * (column * n + row) + 1];
      real[j * 2 * n + i] = real[(j + n) * 2 * n + i + n] = re;
      real[j * 2 * n + i + n] = im;
      real[(j + n) * 2 * n + i] = -im;
    }
}

Test(chamber, eigenvalues_are_those_of_the_real_embedding)
{
  double a[2 * WIDEST * WIDEST], w[WIDEST], big[4 * WIDEST * WIDEST], twice[2 * WIDEST];
  double scratch[2048];
  wmc_stream *s = test_stream(SEED, 0);
  for (int n = 1; n <= WIDEST; n++) {
    cr_assert_leq(wmc_hermitian_scratch(n), sizeof scratch / sizeof *scratch);
    wmc_stream_normals(s, 2 * (size_t)(n * n), 1, a);
    embed(n, a, big);
    cr_assert(wmc_hermitian_eigenvalues(n, a, w, scratch));
    cr_assert_eq(wmc_symmetric_eigen(2 * n, big, twice), WMC_OK);
    for (int k = 0; k < n; k++) {
      cr_expect_float_eq(w[k], twice[2 * k], 1e-13, "n %d", n);
      cr_expect_float_eq(w[k], twice[2 * k + 1], 1e-13, "n %d", n);
    }
  }
  wmc_stream_destroy(s);
}

Test(chamber, eigenvalues_without_vectors_are_the_same)
{
  double a[WIDEST * WIDEST], b[WIDEST * WIDEST], w[WIDEST], v[WIDEST], scratch[2048];
  wmc_stream *s = test_stream(SEED, 1);
  for (int n = 1; n <= WIDEST; n++) {
    wmc_stream_normals(s, (size_t)(n * n), 1, a);
    memcpy(b, a, sizeof a);
    cr_assert(wmc_symmetric_eigenvalues(n, a, w, scratch));
    cr_assert_eq(wmc_symmetric_eigen(n, b, v), WMC_OK);
    for (int k = 0; k < n; k++) cr_expect_float_eq(w[k], v[k], 1e-13, "n %d", n);
  }
  wmc_stream_destroy(s);
}

/* ---- paths --------------------------------------------------------------------------------- */

static wmc_chamber *create(const wmc_chamber_options *o, size_t records, const double *fractions)
{
  wmc_chamber *c;
  cr_assert_eq(wmc_chamber_create(&c, o, records, fractions), WMC_OK, "%s", wmc_message());
  return c;
}

static void expect_order(const wmc_chamber_options *o, size_t records, const double *values)
{
  for (size_t k = 0; k < records; k++)
    for (int i = 0; i < o->width; i++) {
      const double *at = values + k * (size_t)o->width + i;
      cr_assert(isfinite(*at));
      if (i > 0)
        cr_assert_gt(at[-1], at[0], "width %d beta %d tau %g", o->width, o->beta,
                     o->variance * o->time);
    }
}

/* Any width, time from 1e-10 to 1e4, one step or many. */
Test(chamber, points_never_meet)
{
  const double fractions[MOST_RECORDS] = {0.01, 0.5, 1};
  wmc_stream *s = test_stream(SEED, 2);
  for (int t = 0; t < test_trials(400); t++) {
    int beta = 1 + (t & 1);
    double tau = pow(10, -10 + 14 * wmc_stream_uniform(s));
    int width = 1 + (int)(WIDEST * wmc_stream_uniform(s));
    wmc_chamber_options o = {.width = width,
                             .beta = beta,
                             .variance = tau,
                             .time = 1,
                             .shift = 1 - 2.0 / beta,
                             .resolution = fmin(4 * wmc_stream_uniform(s), 300 / (width * tau)),
                             .exact = beta == 2 && (t & 2)};
    wmc_chamber *c = create(&o, MOST_RECORDS, fractions);
    for (int k = 0; k < 5; k++) {
      cr_assert(wmc_chamber_draw(c, s), "%s", wmc_message());
      expect_order(&o, MOST_RECORDS, wmc_chamber_values(c));
    }
    wmc_chamber_destroy(c);
  }
  wmc_stream_destroy(s);
}

/* Values at the end of `draws` paths of one stream. */
static void draw_ends(const wmc_chamber_options *o, int draws, double *values, double *growth)
{
  const double end = 1;
  size_t d = (size_t)o->width;
  wmc_stream *s = test_stream(SEED, 3);
  wmc_chamber *c = create(o, 1, &end);
  for (size_t k = 0; k < (size_t)draws; k++) {
    cr_assert(wmc_chamber_draw(c, s));
    memcpy(values + k * d, wmc_chamber_values(c), d * sizeof *values);
    growth[k] = wmc_chamber_growth(c)[0];
  }
  wmc_chamber_destroy(c);
  wmc_stream_destroy(s);
}

enum { D = 4, DRAWS = 20 };
static const wmc_chamber_options usual = {
    .width = D, .beta = 1, .variance = 1, .time = 1, .shift = -1, .resolution = 2};

Test(chamber, only_variance_times_time_matters)
{
  double a[DRAWS * D], b[DRAWS * D], ga[DRAWS], gb[DRAWS];
  wmc_chamber_options o = usual;
  draw_ends(&o, DRAWS, a, ga);
  o.variance = 8;
  o.time = 0.125;
  draw_ends(&o, DRAWS, b, gb);
  for (int k = 0; k < DRAWS * D; k++) cr_expect_float_eq(a[k], b[k], 1e-12);
  for (int k = 0; k < DRAWS; k++) cr_expect_float_eq(ga[k], gb[k], 1e-12);
}

Test(chamber, shift_moves_all_points_alike)
{
  double a[DRAWS * D], b[DRAWS * D], ga[DRAWS], gb[DRAWS];
  wmc_chamber_options o = usual;
  o.time = 0.7;
  draw_ends(&o, DRAWS, a, ga);
  o.shift = 0;
  draw_ends(&o, DRAWS, b, gb);
  for (int k = 0; k < DRAWS * D; k++) cr_expect_float_eq(b[k] - a[k], 0.35, 1e-12);
  for (int k = 0; k < DRAWS; k++) cr_expect_float_eq(gb[k] - ga[k], 0.35, 1e-12);
}

Test(chamber, growth_lies_between_the_extreme_values)
{
  double a[DRAWS * D], growth[DRAWS];
  draw_ends(&usual, DRAWS, a, growth);
  for (int k = 0; k < DRAWS; k++) {
    cr_expect_lt(growth[k], a[k * D]);
    cr_expect_gt(growth[k], a[k * D + D - 1]);
  }
}

/* ---- width 2: the density of the gap -------------------------------------------------------- */

Test(chamber, mean_gap_is_that_of_the_density)
{
  for (double tau = 0.3; tau < 5; tau *= 2) {
    cr_expect_float_eq(wmc_hyperbolic_gap_limit(tau), ref_gap_mean(tau, REF_GAP), 1e-10, "tau %g",
                       tau);
    double square = ref_gap_mean(tau, REF_GAP2);
    cr_expect_float_eq(wmc_hyperbolic_gap_square_limit(tau) / square, 1, 1e-10,
                       "tau %g: %.15g %.15g", tau, wmc_hyperbolic_gap_square_limit(tau), square);
  }
}

/* E x_L = E x + b/L + c/L^2 + ..., where finite depths are known to 1e-6. */
Test(chamber, mean_gap_is_the_limit_of_finite_depth)
{
  const double taus[] = {0.5, 1, 2};
  for (int t = 0; t < 3; t++) {
    double tau = taus[t], found[4], square;
    for (int k = 0; k < 4; k++) {
      double layers = 100 << k;
      wmc_hyperbolic_gap(tau / layers, layers, &found[k], &square);
    }
    for (int order = 1; order < 4; order++) /* Richardson */
      for (int k = 3; k >= order; k--) found[k] += (found[k] - found[k - 1]) / ((1 << order) - 1);
    cr_expect_float_eq(found[3], wmc_hyperbolic_gap_limit(tau), 1e-5, "tau %g: %.9g %.9g", tau,
                       found[3], wmc_hyperbolic_gap_limit(tau));
  }
}

/* ---- decks ---------------------------------------------------------------------------------- */

typedef struct complaint {
  int count, field;
} complaint;

static void note(void *sink, int field, const char *message)
{
  complaint *c = sink;
  (void)message;
  c->count++;
  c->field = field;
}

/* A deck in pairs of key and value, ended by NULL; which field is blamed, NULL: none. */
static void expect_blame(const char *const *deck, const char *blamed)
{
  test_parameters p = test_parameters_open(wmc_model_find("residual_jacobian"));
  complaint found = {0};
  const wmc_complaints complaints = {note, &found};
  test_give(&p, "width", "2");
  test_give(&p, "depth", "inf");
  for (; *deck; deck += 2) test_give(&p, deck[0], deck[1]);
  p.model->check(p.values, &complaints);
  if (blamed) {
    cr_expect_eq(found.count, 1, "%s: %d complaints", blamed, found.count);
    cr_expect_eq(found.field, wmc_field_find(p.model->fields, blamed), "%s, not field %d", blamed,
                 found.field);
  } else {
    cr_expect_eq(found.count, 0, "field %d", found.field);
  }
  test_parameters_close(&p);
}

Test(chamber, decks_of_infinite_depth)
{
  const struct {
    const char *deck[7], *blamed;
  } rows[] = {
      {{"block", "linear"}, NULL},
      {{"block", "linear", "field", "complex"}, NULL},
      {{"block", "exponential", "field", "complex"}, NULL},
      {{"block", "two_layer", "activation", "relu", "weights", "rademacher"}, NULL},
      {{"block", "one_layer", "activation", "abs"}, NULL},
      {{"block", "inside", "activation", "erf"}, NULL},
      {{"block", "linear", "keep", "0.5"}, NULL},
      {{"block", "one_layer", "activation", "relu"}, NULL},
      {{"block", "two_layer", "activation", "tanh"}, NULL},
      {{"block", "inside", "activation", "gelu"}, "depth"},
      {{"block", "outer", "activation", "tanh"}, NULL},
      {{"block", "linear", "norm", "rms"}, "depth"},
      {{"block", "linear", "weights", "fractional"}, "depth"},
      {{"block", "linear", "exponent", "0.7"}, "depth"},
      {{"block", "rotation"}, "depth"},
      {{"block", "plain", "activation", "linear"}, "depth"},
      {{"block", "two_layer", "activation", "relu", "field", "complex"}, "activation"},
      {{"block", "one_layer", "activation", "abs", "field", "complex"}, "field"},
      {{"block", "linear", "group", "4"}, NULL},
      {{"block", "exponential", "group", "5"}, NULL},
      {{"block", "two_layer", "activation", "linear", "group", "2"}, NULL},
      {{"block", "linear", "group", "4", "field", "complex"}, "group"},
  };
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
    expect_blame(rows[k].deck, rows[k].blamed);
}
