/* Observables of the model residual_jacobian: of one spectrum against their definitions, moments
 * and unfolded gaps against the list of draws, angles against long mantissas. */
#include <complex.h>
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "../../src/models/residual_jacobian_spectrum.h"
#include "streams.h"
#include "support.h"
#include "task.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/qdt.h"

/* ---- of one spectrum ------------------------------------------------------------------------ */

enum { BINS_MAX = 64 };

static const wmc_split whole = {.is_complex = false, .group = 1};
static const wmc_split complex_whole = {.is_complex = true, .group = 1};

static wmc_jacobian_request request_of(size_t bins)
{
  return (wmc_jacobian_request){.values = {bins, -3, 3},
                                .gaps = {bins, 0, 5},
                                .ratios = {bins, 0, 1},
                                .spacings = {bins, 0, 4},
                                .covariance = true};
}

static wmc_jacobian_spectrum spectrum_of(size_t d, const double *values,
                                         const wmc_jacobian_request *request)
{
  bool loses = values[d - 1] == -INFINITY;
  return (wmc_jacobian_spectrum){.d = d,
                                 .values = values,
                                 .modes = 1,
                                 .channels = d,
                                 .levels = values,
                                 .split = &whole,
                                 .request = request,
                                 .growth = values[0] - 0.3,
                                 .angle = d > 1,
                                 .log_sine = -1,
                                 .loses = loses};
}

Test(jacobian_observables, follow_from_the_metric)
{
  enum { D = 4 };
  const double lambda[D] = {1.1, 0.2, -0.4, -2};
  const wmc_jacobian_request request = request_of(0);
  wmc_jacobian_spectrum s = spectrum_of(D, lambda, &request);
  double g[D], trace = 0, squares = 0, det = 1, logs = 0, product = 1, out;
  for (int i = 0; i < D; i++) {
    g[i] = exp(2 * lambda[i]);
    trace += g[i];
    squares += g[i] * g[i];
    det *= g[i];
    logs += log(g[i]) * log(g[i]);
    for (int j = 0; j < i; j++) product *= sinh(lambda[j] - lambda[i]);
  }
  cr_expect_eq(wmc_jacobian_distance(&s, &out), 1);
  cr_expect_float_eq(out, sqrt(logs), 1e-14);
  wmc_jacobian_stable_rank(&s, &out);
  cr_expect_float_eq(out, trace / g[0], 1e-14);
  wmc_jacobian_participation(&s, &out);
  cr_expect_float_eq(out, trace * trace / squares, 1e-14);
  wmc_jacobian_anisotropy(&s, &out);
  cr_expect_float_eq(out, trace / D / pow(det, 1.0 / D), 1e-14);
  wmc_jacobian_boltzmann_entropy(&s, &out);
  cr_expect_float_eq(out, log(product), 1e-13);
  s.split = &complex_whole;
  wmc_jacobian_boltzmann_entropy(&s, &out);
  cr_expect_float_eq(out, 2 * log(product), 1e-13);
}

/* Two Fourier modes of width 2, the second complex and there twice: no repulsion between modes. */
Test(jacobian_observables, entropy_of_modes)
{
  const wmc_split split = {.group = 3};
  const double levels[4] = {0.5, -1, 0.7, 0.1}, values[6] = {0.7, 0.7, 0.5, 0.1, 0.1, -1};
  const wmc_jacobian_request request = request_of(0);
  wmc_jacobian_spectrum s = spectrum_of(6, values, &request);
  double out;
  s.modes = 2;
  s.channels = 2;
  s.levels = levels;
  s.split = &split;
  wmc_jacobian_boltzmann_entropy(&s, &out);
  cr_expect_float_eq(out, log(sinh(1.5)) + 2 * log(sinh(0.6)), 1e-14);
}

/* Wide spectra neither overflow nor lose digits; equal values make the entropy -inf, lost ones
 * distances +inf, and nothing is ever NaN. */
Test(jacobian_observables, at_the_ends_of_the_range)
{
  const wmc_jacobian_request request = request_of(8);
  const double lost = -INFINITY;
  const double cases[][3] = {{900, 100, -2000}, {0, 0, 0},          {2, -1, lost},
                             {2, lost, lost},   {lost, lost, lost}, {-3000, -3000, -3000}};
  size_t (*const measures[])(const wmc_jacobian_spectrum *, double *) = {
      wmc_jacobian_distance,      wmc_jacobian_stable_rank,   wmc_jacobian_participation,
      wmc_jacobian_anisotropy,    wmc_jacobian_square_values, wmc_jacobian_boltzmann_entropy,
      wmc_jacobian_square_sum,    wmc_jacobian_square_gap,    wmc_jacobian_square_growth,
      wmc_jacobian_products,      wmc_jacobian_value_density, wmc_jacobian_gap_density,
      wmc_jacobian_ratio_density, wmc_jacobian_finite_gap,    wmc_jacobian_growth_density,
      wmc_jacobian_finite_sum};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
    for (size_t d = 1; d <= 3; d++)
      for (size_t k = 0; k < sizeof measures / sizeof *measures; k++) {
        wmc_jacobian_spectrum s = spectrum_of(d, cases[c], &request);
        double out[BINS_MAX];
        size_t n = measures[k](&s, out);
        for (size_t i = 0; i < n; i++)
          cr_expect_not(isnan(out[i]), "case %zu d=%zu measure %zu entry %zu", c, d, k, i);
      }
  double out;
  wmc_jacobian_spectrum s = spectrum_of(3, cases[0], &request);
  wmc_jacobian_boltzmann_entropy(&s, &out);
  cr_expect_float_eq(out, 800 + 2100 + 2900 - 3 * log(2), 1e-11);
  wmc_jacobian_stable_rank(&s, &out);
  cr_expect_float_eq(out, 1, 1e-15);
  s = spectrum_of(3, cases[1], &request);
  wmc_jacobian_boltzmann_entropy(&s, &out);
  cr_expect_eq(out, -INFINITY);
  wmc_jacobian_participation(&s, &out);
  cr_expect_eq(out, 3);
  s = spectrum_of(3, cases[4], &request);
  wmc_jacobian_stable_rank(&s, &out);
  cr_expect_eq(out, 0);
}

Test(jacobian_observables, histograms_count_what_is_there)
{
  const wmc_jacobian_request request = request_of(12);
  const double lambda[4] = {2.9, 0.1, -0.9, -7};
  wmc_jacobian_spectrum s = spectrum_of(4, lambda, &request);
  double out[3 * BINS_MAX], sum = 0;
  cr_assert_eq(wmc_jacobian_value_density(&s, out), 12);
  for (int b = 0; b < 12; b++) sum += out[b] * 0.5;
  cr_expect_float_eq(sum, 0.75, 1e-14, "three of four lie inside");
  cr_expect_float_eq(out[11], 0.25 / 0.5, 1e-14);
  cr_expect_float_eq(out[6], 0.25 / 0.5, 1e-14);
  cr_expect_float_eq(out[4], 0.25 / 0.5, 1e-14);
  cr_assert_eq(wmc_jacobian_gap_density(&s, out), 36);
  for (int b = 0; b < 36; b++) {
    bool there = b == 6 || b == 12 + 2; /* gaps 2.8 and 1; 6.1 lies outside */
    cr_expect_float_eq(out[b], there ? 12 / 5.0 : 0, 1e-13, "%d", b);
  }
  cr_assert_eq(wmc_jacobian_ratio_density(&s, out), 12);
  cr_expect_float_eq(out[(int)(12 * 1 / 2.8)], 6, 1e-13);
  cr_expect_float_eq(out[(int)(12 * 1 / 6.1)], 6, 1e-13);
}

/* ---- the angle of two vectors --------------------------------------------------------------- */

/* Angle between the first two columns of a short product, by complex arithmetic. */
static double plain_log_sine(int d, int depth, const double complex *layers)
{
  double complex x[8] = {1}, y[8] = {0, 1}, u[8], v[8], along = 0;
  double a = 0, b = 0, rest = 0;
  for (int l = 0; l < depth; l++, layers += d * d) {
    for (int i = 0; i < d; i++) {
      u[i] = v[i] = 0;
      for (int k = 0; k < d; k++) {
        u[i] += layers[k * d + i] * x[k];
        v[i] += layers[k * d + i] * y[k];
      }
    }
    memcpy(x, u, sizeof x);
    memcpy(y, v, sizeof y);
  }
  for (int i = 0; i < d; i++) along += conj(x[i]) * y[i];
  for (int i = 0; i < d; i++) {
    a += creal(conj(x[i]) * x[i]);
    b += creal(conj(y[i]) * y[i]);
  }
  for (int i = 0; i < d; i++) {
    double complex left = y[i] - along / a * x[i];
    rest += creal(conj(left) * left);
  }
  return 0.5 * log(rest / b);
}

Test(jacobian_observables, angle_of_short_products)
{
  enum { LAYERS = 12 };
  wmc_stream *stream = test_stream(20261130, 1);
  for (int parts = 1; parts <= 2; parts++)
    for (int d = 2; d <= 6; d += 2)
      for (int limit = 1; limit <= 100; limit *= 10) {
        const size_t size = (size_t)(parts * d * d);
        double layers[LAYERS * 72], values[8], growth;
        double complex all[LAYERS * 36];
        wmc_stream_normals(stream, LAYERS * size, 0.2, layers);
        for (size_t l = 0; l < LAYERS; l++)
          for (int i = 0; i < d; i++) layers[l * size + (size_t)(parts * i * (d + 1))] += 1;
        for (size_t i = 0; i < LAYERS * size / (size_t)parts; i++)
          all[i] = parts == 1 ? layers[i] : layers[2 * i] + layers[2 * i + 1] * _Complex_I;
        wmc_qdt *qdt;
        cr_assert_eq((parts == 1 ? wmc_qdt_create : wmc_qdt_create_complex)(&qdt, d, limit),
                     WMC_OK);
        wmc_qdt_multiply(qdt, LAYERS, layers);
        cr_assert(wmc_qdt_values(qdt, values, &growth));
        cr_expect_float_eq(wmc_qdt_log_sine(qdt), plain_log_sine(d, LAYERS, all), 1e-12,
                           "parts %d d=%d limit %d", parts, d, limit);
        wmc_qdt_destroy(qdt);
      }
  wmc_stream_destroy(stream);
}

/* At width 2 area is the determinant: log sin = log|det M| - log|M e_1| - log|M e_2|, which keeps
 * its digits when the sine is e^-600; log|M e_2| by starting from the exchanged basis. */
Test(jacobian_observables, tiny_angles)
{
  enum { LAYERS = 3000 };
  double *layers = WMC_ARRAY(double, 4 * LAYERS), values[2], growth[2], exchange[4] = {0, 1, 1, 0};
  wmc_qdt *qdt;
  wmc_stream *stream = test_stream(20261130, 2);
  wmc_stream_normals(stream, 4 * LAYERS, sqrt(0.2), layers);
  for (int l = 0; l < LAYERS; l++) layers[4 * l] += 1, layers[4 * l + 3] += 1;
  cr_assert_eq(wmc_qdt_create(&qdt, 2, 4), WMC_OK);
  wmc_qdt_multiply(qdt, 1, exchange);
  wmc_qdt_multiply(qdt, LAYERS, layers);
  cr_assert(wmc_qdt_values(qdt, values, &growth[1]));
  wmc_qdt_start(qdt);
  wmc_qdt_multiply(qdt, LAYERS, layers);
  cr_assert(wmc_qdt_values(qdt, values, &growth[0]));
  double sine = wmc_qdt_log_sine(qdt);
  cr_assert_lt(sine, -400);
  cr_expect_float_eq(sine, values[0] + values[1] - growth[0] - growth[1], 1e-11);
  wmc_qdt_destroy(qdt);
  wmc_stream_destroy(stream);
  wmc_free(layers);
}

/* ---- moments -------------------------------------------------------------------------------- */

enum { DRAWS = 300, WIDE = 4, MEASURED = 2048 };

typedef struct draws {
  test_task task;
  size_t size;
  double means[MEASURED];
  double lambda[DRAWS][WIDE], growth[DRAWS];
} draws;

static void make_draws(draws *x, const char *parameters)
{
  double out[MEASURED];
  void *chain;
  x->task = test_task_open("residual_jacobian", parameters);
  const wmc_model *model = x->task.model;
  x->size = wmc_model_measurement_size(model, x->task.values);
  cr_assert_leq(x->size, MEASURED);
  memset(x->means, 0, sizeof x->means);
  wmc_stream *stream = test_stream(20261130, 3);
  cr_assert_eq(model->create(x->task.values, &chain), WMC_OK);
  model->start(chain, stream);
  for (int k = 0; k < DRAWS; k++) {
    cr_assert_eq(model->advance(chain, stream, 1, false), WMC_OK);
    model->measure(chain, out);
    for (size_t i = 0; i < x->size; i++) x->means[i] += out[i] / DRAWS;
    memcpy(x->lambda[k], out + wmc_observable_first(model, "log_singular_values", x->task.values),
           sizeof x->lambda[k]);
    x->growth[k] = out[wmc_observable_first(model, "log_vector_growth", x->task.values)];
  }
  model->destroy(chain);
  wmc_stream_destroy(stream);
}

static void derive(const draws *x, const char *name, double *out)
{
  double doubt[WIDE * WIDE * BINS_MAX] = {0};
  test_derived(&x->task, name)->evaluate(x->task.values, x->means, out, doubt);
}

/* Covariance over the draws in which both numbers are finite; NaN if there are none. */
static double covariance_of(int n, const double *a, const double *b)
{
  double count = 0, x = 0, y = 0, sum = 0;
  for (int k = 0; k < n; k++)
    if (isfinite(a[k]) && isfinite(b[k])) count++, x += a[k], y += b[k];
  for (int k = 0; k < n; k++)
    if (isfinite(a[k]) && isfinite(b[k])) sum += (a[k] - x / count) * (b[k] - y / count);
  return count > 0 ? sum / count : NAN;
}

static void expect_same(double found, double expected, const char *what, int i, int j)
{
  if (isnan(expected))
    cr_expect(isnan(found), "%s %d %d: %g", what, i, j, found);
  else
    cr_expect_float_eq(found, expected, 1e-11, "%s %d %d: %.12g, by hand %.12g", what, i, j, found,
                       expected);
}

static void check_moments(const char *parameters)
{
  static draws x;
  static double column[WIDE][DRAWS], gap[WIDE][DRAWS], sum[DRAWS];
  double out[WIDE * WIDE];
  make_draws(&x, parameters);
  for (int k = 0; k < DRAWS; k++) {
    sum[k] = 0;
    for (int i = 0; i < WIDE; i++) {
      column[i][k] = x.lambda[k][i];
      sum[k] += x.lambda[k][i];
      if (i > 0) gap[i - 1][k] = x.lambda[k][i - 1] - x.lambda[k][i];
    }
  }
  derive(&x, "log_singular_values_variance", out);
  for (int i = 0; i < WIDE; i++)
    expect_same(out[i], covariance_of(DRAWS, column[i], column[i]), "variance", i, i);
  derive(&x, "log_singular_values_covariance", out);
  for (int i = 0; i < WIDE; i++)
    for (int j = 0; j < WIDE; j++)
      expect_same(out[i * WIDE + j], covariance_of(DRAWS, column[i], column[j]), "covariance", i,
                  j);
  derive(&x, "log_singular_values_sum_variance", out);
  expect_same(out[0], covariance_of(DRAWS, sum, sum), "sum", 0, 0);
  derive(&x, "log_vector_growth_variance", out);
  expect_same(out[0], covariance_of(DRAWS, x.growth, x.growth), "growth", 0, 0);
  derive(&x, "gap_variance", out);
  for (int i = 0; i + 1 < WIDE; i++)
    expect_same(out[i], covariance_of(DRAWS, gap[i], gap[i]), "gap", i, i + 1);
  derive(&x, "spacing_variance", out);
  for (int i = 0; i + 1 < WIDE; i++) {
    double mean = 0, count = 0;
    for (int k = 0; k < DRAWS; k++)
      if (isfinite(gap[i][k])) mean += gap[i][k], count++;
    for (int k = 0; k < DRAWS; k++) gap[i][k] /= mean / count;
    expect_same(out[i], covariance_of(DRAWS, gap[i], gap[i]), "spacing", i, i + 1);
  }
  test_task_close(&x.task);
}

Test(jacobian_observables, moments_are_those_of_the_draws)
{
  check_moments("width: 4, depth: 12, block: two_layer, activation: tanh, covariance: yes");
}

/* Some of the values are lost in some of the networks, the last in all that were drawn. */
Test(jacobian_observables, moments_of_what_is_not_lost)
{
  check_moments("width: 4, depth: 2, block: plain, activation: relu, variance: 0.5, covariance: "
                "yes");
  check_moments("width: 4, depth: 9, block: plain, activation: relu, variance: 0.5, covariance: "
                "yes");
}

Test(jacobian_observables, width_one_has_no_gaps)
{
  test_task t =
      test_task_open("residual_jacobian", "width: 1, depth: 12, bins: 6, covariance: yes");
  const char *const empty[] = {"gap", "gap_squared", "gap_density", "gap_ratio_density",
                               "log_vector_sine"};
  for (size_t k = 0; k < sizeof empty / sizeof *empty; k++) {
    const wmc_observable *o = t.model->observables;
    while (strcmp(o->name, empty[k]) != 0) o++;
    cr_expect_eq(wmc_observable_size(t.model, o, t.values), 0, "%s", empty[k]);
  }
  cr_expect_eq(wmc_derived_size(t.model, test_derived(&t, "spacing_density"), t.values), 0);
  test_task_close(&t);
}

/* ---- unfolded gaps -------------------------------------------------------------------------- */

/* P(gap < x) = 1 - e^{-x^2/2}, of which bins know the masses. */
static double below(double x) { return -expm1(-0.5 * x * x); }

Test(jacobian_observables, unfolding_keeps_masses)
{
  enum { COUNT = 40 };
  test_task t = test_task_open("residual_jacobian", "width: 2, depth: 12, bins: 40, gap_max: 8");
  const double mean = sqrt(0.5 * 3.14159265358979323846), h = 8.0 / COUNT, w = 4.0 / COUNT;
  double *means = WMC_ARRAY(double, wmc_model_measurement_size(t.model, t.values));
  double out[COUNT], doubt[COUNT] = {0}, sum = 0;
  means[wmc_observable_first(t.model, "gap", t.values)] = mean;
  double *density = means + wmc_observable_first(t.model, "gap_density", t.values);
  for (int b = 0; b < COUNT; b++) density[b] = (below(h * (b + 1)) - below(h * b)) / h;
  test_derived(&t, "spacing_density")->evaluate(t.values, means, out, doubt);
  for (int b = 0; b < COUNT; b++) {
    double exact = (below(mean * w * (b + 1)) - below(mean * w * b)) / w;
    cr_expect_lt(fabs(out[b] - exact), 2e-3, "bin %d: %g, exact %g", b, out[b], exact);
    cr_expect_lt(fabs(out[b] - exact), 1e-6 + doubt[b], "bin %d: %g, exact %g", b, out[b], exact);
    sum += out[b] * w;
  }
  cr_expect_float_eq(sum, below(mean * 4), 1e-5);
  wmc_free(means);
  test_task_close(&t);
}

/* Means without the one network that keeps its rank, as errors ask for, are 0 up to rounding. */
Test(jacobian_observables, shares_that_are_rounding_are_none)
{
  const char *const names[] = {"gap_variance", "spacing_density"};
  test_task t =
      test_task_open("residual_jacobian", "width: 2, depth: 12, block: plain, activation: "
                                          "relu, variance: 0.5, bins: 40, gap_max: 8");
  double *means = WMC_ARRAY(double, wmc_model_measurement_size(t.model, t.values));
  means[wmc_observable_first(t.model, "finite_share", t.values) + 1] = 3e-17;
  means[wmc_observable_first(t.model, "finite_gap", t.values)] = -7e-17;
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    double out[40], doubt[40] = {0};
    test_derived(&t, names[k])->evaluate(t.values, means, out, doubt);
    cr_expect(isnan(out[0]), "%s: %g", names[k], out[0]);
  }
  wmc_free(means);
  test_task_close(&t);
}
