/* Estimates from paths: sums against their definition, smooth paths whose drift is known, and
 * averages over paths. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "streams.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/drift.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/random.h"

enum { D = 3, POINTS = 60, WINDOWS_MAX = POINTS, NODES = 3 };

enum { SEED = 20261128 };

static const wmc_drift_plan PLAN = {.width = D,
                                    .points = POINTS,
                                    .step = 0.05,
                                    .lags = 2,
                                    .lag = {2, 6},
                                    .nodes = NODES,
                                    .node = {0.4, 1, 2}};

typedef struct path {
  double lambda[POINTS * D], diffusivity[POINTS * D], overlap[POINTS * D];
} path;

static wmc_drift_path view(const path *p)
{
  return (wmc_drift_path){p->lambda, p->diffusivity, p->overlap};
}

/* A walk that keeps its order, with arbitrary hidden numbers. */
static void draw_path(wmc_stream *stream, path *p)
{
  double gap[D];
  for (int i = 0; i < D; i++) gap[i] = 0.3 + 0.2 * i;
  for (int k = 0; k < POINTS; k++) {
    double normals[3 * D], lambda = wmc_stream_uniform(stream);
    wmc_stream_normals(stream, 3 * D, 1, normals);
    for (int i = D - 1; i >= 0; i--) {
      gap[i] *= exp(0.2 * normals[i]);
      p->lambda[k * D + i] = lambda;
      lambda += gap[i];
    }
    memcpy(p->diffusivity + k * D, normals + D, D * sizeof(double));
    memcpy(p->overlap + k * D, normals + 2 * D, D * sizeof(double));
  }
}

static double *sums_of(const wmc_drift_plan *plan, const wmc_drift_path *p)
{
  double *sums = WMC_ARRAY(double, wmc_drift_sums(plan));
  double *scratch = WMC_ARRAY(double, wmc_drift_scratch(plan));
  cr_assert(sums && scratch);
  wmc_drift_collect(plan, p, sums, scratch);
  wmc_free(scratch);
  return sums;
}

/* ---- by definition --------------------------------------------------------------------------- */

static double gap(const path *p, int k, int i, int j)
{
  return p->lambda[k * D + i] - p->lambda[k * D + j];
}

static double coth(double x) { return 1 / tanh(x); }
static double sech2(double x) { return 1 / (cosh(x) * cosh(x)); }
static double wide(double x) { return x / (1 + x * x); }

/* sum over j != i of f(lambda_i - lambda_j) at point k. */
static double over_pairs(const path *p, int k, int i, double (*f)(double))
{
  double sum = 0;
  for (int j = 0; j < D; j++) sum += j == i ? 0 : f(gap(p, k, i, j));
  return sum;
}

static double tent(int b, double x)
{
  const double *node = PLAN.node, y = fabs(x);
  double height = y <= node[b] ? (b == 0 ? 1 : (y - node[b - 1]) / (node[b] - node[b - 1]))
                               : (b == NODES - 1 ? 1 : (node[b + 1] - y) / (node[b + 1] - node[b]));
  return copysign(fmax(0, height), x);
}

static double tent0(double x) { return tent(0, x); }
static double tent1(double x) { return tent(1, x); }
static double tent2(double x) { return tent(2, x); }
static double (*const tents[NODES])(double) = {tent0, tent1, tent2};

/* Trapezoidal integral over [k, k + lag] of (lambda_i(s) - lambda_i(k))^power sum_j f. */
static double integral(const path *p, int k, int lag, int i, int power, int of, double (*f)(double))
{
  double sum = 0;
  for (int s = k; s <= k + lag; s++) {
    double strayed = p->lambda[s * D + i] - p->lambda[k * D + i];
    double value = (power ? strayed : 1) * (f ? over_pairs(p, s, of, f) : 1);
    sum += (s == k || s == k + lag ? 0.5 : 1) * PLAN.step * value;
  }
  return sum;
}

static double rise(const path *p, int k, int lag, int i)
{
  return p->lambda[(k + lag) * D + i] - p->lambda[k * D + i];
}

typedef struct simple {
  double a, c, diffusion;
} simple;

static simple coefficients(const path *p, int lag)
{
  const int longest = 6;
  double ty = 0, tx = 0, y = 0, y2 = 0, e = 0, f = 0, n = 0, h = lag * PLAN.step;
  for (int k = longest; k + longest < POINTS; k++)
    for (int i = 0; i < D; i++, n++) {
      double t = over_pairs(p, k, i, tanh), increment = rise(p, k, lag, i);
      ty += t * increment;
      tx += t * integral(p, k, lag, i, 0, i, coth);
      y += increment;
      y2 += increment * increment;
      e += 2 * integral(p, k, lag, i, 1, i, coth);
      f += 2 * integral(p, k, lag, i, 1, i, NULL);
    }
  simple s = {.a = ty / tx, .c = y / (n * h)};
  s.diffusion = (y2 - s.a * e - s.c * f) / (n * h);
  return s;
}

static double drift_residual(const path *p, const simple *s, int k, int lag, int i)
{
  return rise(p, k, lag, i) - s->a * integral(p, k, lag, i, 0, i, coth) - s->c * lag * PLAN.step;
}

static double cross_residual(const path *p, const simple *s, int k, int lag, int i, int j)
{
  return rise(p, k, lag, i) * rise(p, k, lag, j) -
         s->a * (integral(p, k, lag, i, 1, j, coth) + integral(p, k, lag, j, 1, i, coth)) -
         s->c * (integral(p, k, lag, i, 1, i, NULL) + integral(p, k, lag, j, 1, j, NULL));
}

/* Weight less its regression on 1, T and N over the windows of index i, by least squares. */
static void take_controls_away(const path *p, int i, int n, double *weight)
{
  double a[3 * WINDOWS_MAX], b[WINDOWS_MAX], x[3];
  for (int k = 0; k < n; k++) {
    a[k] = 1;
    a[n + k] = over_pairs(p, k + 6, i, tanh);
    a[2 * n + k] = over_pairs(p, k + 6, i, sech2);
    b[k] = weight[k];
  }
  cr_assert_eq(wmc_least_squares(n, 3, a, b, x, NULL), WMC_OK);
  for (int k = 0; k < n; k++)
    weight[k] -=
        x[0] + x[1] * over_pairs(p, k + 6, i, tanh) + x[2] * over_pairs(p, k + 6, i, sech2);
}

typedef double weight_of(const path *p, int k, int i);
static double diffusivity(const path *p, int k, int i) { return p->diffusivity[k * D + i]; }
static double overlap(const path *p, int k, int i) { return p->overlap[k * D + i]; }
static double past(const path *p, int k, int i) { return rise(p, k - 2, 2, i); }
static double past_square(const path *p, int k, int i) { return pow(rise(p, k - 2, 2, i), 2); }
static double activity(const path *p, int k, int i)
{
  double sum = 0;
  (void)i;
  for (int j = 0; j < D; j++) sum += p->diffusivity[k * D + j];
  return sum;
}

static double slope(const path *p, const simple *s, weight_of *of, bool variance)
{
  const int n = POINTS - 12, lag = 2;
  double value = 0, square = 0;
  for (int i = 0; i < D; i++) {
    double weight[WINDOWS_MAX];
    for (int k = 0; k < n; k++) weight[k] = of(p, k + 6, i);
    take_controls_away(p, i, n, weight);
    for (int k = 0; k < n; k++) {
      double r = variance ? cross_residual(p, s, k + 6, lag, i, i) - s->diffusion * lag * PLAN.step
                          : drift_residual(p, s, k + 6, lag, i);
      value += weight[k] * r;
      square += weight[k] * weight[k];
    }
  }
  return value / (square * lag * PLAN.step);
}

#define EXPECT_SAME(found, expected)                                                               \
  do {                                                                                             \
    double found_ = (found), expected_ = (expected);                                               \
    cr_expect_lt(fabs(found_ - expected_), 1e-9 * (1 + fabs(expected_)), "%s: %.15g, not %.15g",   \
                 #found, found_, expected_);                                                       \
  } while (0)

Test(drift, coefficients_and_slopes_are_their_definitions)
{
  static weight_of *const drift_weights[] = {diffusivity, activity, overlap, past};
  static weight_of *const variance_weights[] = {diffusivity, activity, overlap, past_square};
  wmc_stream *stream = test_stream(SEED, 1);
  for (int trial = 0; trial < test_trials(5); trial++) {
    path p;
    wmc_drift_estimates e;
    draw_path(stream, &p);
    const wmc_drift_path seen = view(&p);
    double *sums = sums_of(&PLAN, &seen);
    wmc_drift_estimate(&PLAN, sums, &e);
    for (int k = 0; k < 2; k++) {
      const simple s = coefficients(&p, (int)PLAN.lag[k]);
      EXPECT_SAME(e.amplitude[k], s.a);
      EXPECT_SAME(e.constant[k], s.c);
      EXPECT_SAME(e.diffusion[k], s.diffusion);
    }
    const simple s = coefficients(&p, 2);
    for (int w = 0; w < WMC_DRIFT_HIDDEN; w++) {
      EXPECT_SAME(e.drift_hidden[w], slope(&p, &s, drift_weights[w], false));
      EXPECT_SAME(e.variance_hidden[w], slope(&p, &s, variance_weights[w], true));
    }
    EXPECT_SAME(wmc_drift_share(&PLAN, sums), 1);
    wmc_free(sums);
  }
  wmc_stream_destroy(stream);
}

/* Means over all windows of index i. */
static double mean_residual(const path *p, const simple *s, int i, int j, bool variance)
{
  double sum = 0;
  for (int k = 6; k + 6 < POINTS; k++)
    sum += variance ? cross_residual(p, s, k, 2, i, j) : drift_residual(p, s, k, 2, i);
  return sum / (POINTS - 12) / (2 * PLAN.step);
}

Test(drift, matrix_and_index_are_their_definitions)
{
  wmc_stream *stream = test_stream(SEED, 2);
  path p;
  wmc_drift_estimates e;
  double matrix[D * D];
  draw_path(stream, &p);
  const wmc_drift_path seen = view(&p);
  double *sums = sums_of(&PLAN, &seen);
  const simple s = coefficients(&p, 2);
  wmc_drift_estimate(&PLAN, sums, &e);
  wmc_drift_matrix(&PLAN, sums, matrix);
  for (int i = 0; i < D; i++)
    for (int j = 0; j < D; j++) EXPECT_SAME(matrix[i * D + j], mean_residual(&p, &s, i, j, true));
  /* straight line and parabola through three points */
  double v[D], r[D];
  for (int i = 0; i < D; i++) {
    v[i] = mean_residual(&p, &s, i, i, true) - s.diffusion;
    r[i] = mean_residual(&p, &s, i, i, false);
  }
  EXPECT_SAME(e.variance_along, (v[2] - v[0]) / 2);
  EXPECT_SAME(e.variance_across, (v[2] + v[0] - 2 * v[1]) / 2);
  EXPECT_SAME(e.drift_along, (r[2] - r[0]) / 2);
  EXPECT_SAME(e.drift_across, (r[2] + r[0] - 2 * r[1]) / 2);
  wmc_free(sums);
  wmc_stream_destroy(stream);
}

static double log_cosh(const path *p, int k)
{
  double sum = 0;
  for (int i = 0; i < D; i++)
    for (int j = i + 1; j < D; j++) sum += 2 * log(cosh(0.5 * gap(p, k, i, j)));
  return sum;
}

/* Its generator: tanh(x/2) times the difference of drifts, and D/cosh(x/2)^2 / 2. */
static double generated(const path *p, const simple *s, int k)
{
  double sum = 0;
  for (int i = 0; i < D; i++)
    for (int j = i + 1; j < D; j++)
      sum += s->a * tanh(0.5 * gap(p, k, i, j)) *
                 (over_pairs(p, k, i, coth) - over_pairs(p, k, j, coth)) +
             0.5 * s->diffusion * sech2(0.5 * gap(p, k, i, j));
  return sum;
}

Test(drift, dynkin_and_gap_are_their_definitions)
{
  wmc_stream *stream = test_stream(SEED, 3);
  path p;
  wmc_drift_estimates e;
  double dynkin = 0, n = 0, weights[3] = {0}, products[4] = {0};
  draw_path(stream, &p);
  const wmc_drift_path seen = view(&p);
  double *sums = sums_of(&PLAN, &seen);
  const simple s = coefficients(&p, 2);
  wmc_drift_estimate(&PLAN, sums, &e);
  for (int k = 6; k + 6 < POINTS; k++) {
    dynkin += log_cosh(&p, k + 2) - log_cosh(&p, k) -
              PLAN.step * (0.5 * generated(&p, &s, k) + generated(&p, &s, k + 1) +
                           0.5 * generated(&p, &s, k + 2));
    for (int i = 0; i < D; i++, n++) {
      const double near = over_pairs(&p, k, i, sech2), t = over_pairs(&p, k, i, tanh),
                   w = over_pairs(&p, k, i, wide);
      weights[0] += near;
      weights[1] += near * near;
      weights[2] += near * (cross_residual(&p, &s, k, 2, i, i) - s.diffusion * 2 * PLAN.step);
      products[0] += w * w;
      products[1] += w * t;
      products[2] += t * t;
      products[3] += w * drift_residual(&p, &s, k, 2, i);
    }
  }
  EXPECT_SAME(e.dynkin, dynkin / ((POINTS - 12) * 3 * 2 * PLAN.step));
  EXPECT_SAME(e.variance_gap,
              weights[2] / (weights[1] - weights[0] * weights[0] / n) / (2 * PLAN.step));
  /* T and the wide weight have mean 0, and T r has by the choice of a */
  EXPECT_SAME(e.drift_gap, products[3] / (products[0] - products[1] * products[1] / products[2]) /
                               (2 * PLAN.step));
  wmc_free(sums);
  wmc_stream_destroy(stream);
}

Test(drift, pair_functions_solve_their_equations)
{
  wmc_stream *stream = test_stream(SEED, 4);
  path p;
  wmc_drift_estimates e;
  draw_path(stream, &p);
  const wmc_drift_path seen = view(&p);
  double *sums = sums_of(&PLAN, &seen);
  wmc_drift_estimate(&PLAN, sums, &e);
  for (int a = 0; a < NODES; a++) {
    double free_form = 0, of_coth = 0;
    for (int k = 6; k + 6 < POINTS; k++)
      for (int i = 0; i < D; i++) {
        const double z = over_pairs(&p, k, i, tents[a]);
        free_form += z * rise(&p, k, 2, i);
        of_coth += z * integral(&p, k, 2, i, 0, i, coth);
        for (int b = 0; b < NODES; b++) {
          free_form -= z * e.pair[b] * integral(&p, k, 2, i, 0, i, tents[b]);
          of_coth -= z * e.pair_coth[b] * integral(&p, k, 2, i, 0, i, tents[b]);
        }
      }
    EXPECT_SAME(1 + free_form, 1);
    EXPECT_SAME(1 + of_coth, 1);
  }
  wmc_free(sums);
  wmc_stream_destroy(stream);
}

/* ---- smooth paths ---------------------------------------------------------------------------- */

static void velocity(const double *lambda, double *out)
{
  const double a = 0.7, c = -0.3;
  for (int i = 0; i < D; i++) {
    out[i] = c;
    for (int j = 0; j < D; j++) out[i] += j == i ? 0 : a * coth(lambda[i] - lambda[j]);
  }
}

/* Runge and Kutta, `fine` steps between points. */
static void flow(double step, int points, double *lambda)
{
  enum { FINE = 50 };
  double x[D] = {0.5, 0.1, -0.2}, k[4][D], y[D], h = step / FINE;
  for (int n = 0; n < points * FINE; n++) {
    if (n % FINE == 0) memcpy(lambda + n / FINE * D, x, sizeof x);
    for (int stage = 0; stage < 4; stage++) {
      const double ahead = stage == 0 ? 0 : stage == 3 ? h : 0.5 * h;
      for (int i = 0; i < D; i++) y[i] = x[i] + (stage ? ahead * k[stage - 1][i] : 0);
      velocity(y, k[stage]);
    }
    for (int i = 0; i < D; i++) x[i] += h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
  }
}

/* Without noise a and c are exact and D is 0, up to the trapezoidal rule: an error of order 2. */
Test(drift, smooth_paths_have_the_drift_they_follow)
{
  double error[2];
  for (int fine = 0; fine < 2; fine++) {
    const int points = fine ? 121 : 61;
    const size_t scale = fine ? 2 : 1;
    const wmc_drift_plan plan = {.width = D,
                                 .points = (size_t)points,
                                 .step = 0.02 / (double)scale,
                                 .lags = 2,
                                 .lag = {4 * scale, 8 * scale}};
    double lambda[121 * D], matrix[D * D];
    wmc_drift_estimates e;
    flow(plan.step, points, lambda);
    double *sums = sums_of(&plan, &(wmc_drift_path){.lambda = lambda});
    wmc_drift_estimate(&plan, sums, &e);
    wmc_drift_matrix(&plan, sums, matrix);
    for (int k = 0; k < 2; k++) {
      cr_expect_lt(fabs(e.amplitude[k] - 0.7), 1e-3);
      cr_expect_lt(fabs(e.constant[k] + 0.3), 1e-10);
      cr_expect_lt(fabs(e.diffusion[k]), 1e-3);
    }
    for (int k = 0; k < D * D; k++) cr_expect_lt(fabs(matrix[k]), 1e-3);
    cr_expect_lt(fabs(e.dynkin), 1e-3);
    cr_expect(isnan(e.drift_hidden[WMC_DRIFT_DIFFUSIVITY]), "unknown, so not tested");
    cr_expect(isnan(e.variance_hidden[WMC_DRIFT_OVERLAP]));
    error[fine] = e.amplitude[0] - 0.7;
    wmc_free(sums);
  }
  cr_expect_float_eq(error[0] / error[1], 4, 0.2, "errors %g %g", error[0], error[1]);
}

/* ---- several paths --------------------------------------------------------------------------- */

Test(drift, paths_with_equal_values_do_not_count)
{
  wmc_stream *stream = test_stream(SEED, 5);
  path p, frozen;
  wmc_drift_estimates alone, both;
  draw_path(stream, &p);
  frozen = p;
  frozen.lambda[20 * D + 1] = frozen.lambda[20 * D + 2];
  const wmc_drift_path seen = view(&p), seen_frozen = view(&frozen);
  double *sums = sums_of(&PLAN, &seen), *none = sums_of(&PLAN, &seen_frozen);
  wmc_drift_estimate(&PLAN, sums, &alone);
  for (size_t k = 0; k < wmc_drift_sums(&PLAN); k++) sums[k] = 0.5 * (sums[k] + none[k]);
  wmc_drift_estimate(&PLAN, sums, &both);
  EXPECT_SAME(wmc_drift_share(&PLAN, sums), 0.5);
  for (int k = 0; k < 2; k++) {
    EXPECT_SAME(both.amplitude[k], alone.amplitude[k]);
    EXPECT_SAME(both.constant[k], alone.constant[k]);
    EXPECT_SAME(both.diffusion[k], alone.diffusion[k]);
  }
  for (int k = 0; k < NODES; k++) EXPECT_SAME(both.pair[k], alone.pair[k]);
  EXPECT_SAME(both.dynkin, alone.dynkin);
  EXPECT_SAME(both.variance_gap, alone.variance_gap);
  EXPECT_SAME(both.drift_along, alone.drift_along);
  for (int w = 0; w < WMC_DRIFT_HIDDEN; w++) {
    EXPECT_SAME(both.drift_hidden[w], alone.drift_hidden[w]);
    EXPECT_SAME(both.variance_hidden[w], alone.variance_hidden[w]);
  }
  wmc_free(sums);
  wmc_free(none);
  wmc_stream_destroy(stream);
}

Test(drift, lines_go_to_lag_zero)
{
  const wmc_drift_plan plan = {.lags = 4, .lag = {1, 2, 4, 9}}, one = {.lags = 1, .lag = {3}};
  const double line[] = {2.5, 2, 1, -1.5}, constant[] = {7, 7, 7, 7};
  EXPECT_SAME(wmc_drift_at_lag_zero(&plan, line), 3);
  EXPECT_SAME(wmc_drift_at_lag_zero(&plan, constant), 7);
  EXPECT_SAME(wmc_drift_at_lag_zero(&one, line), 2.5);
}

/* ---- Q_ii of a network ------------------------------------------------------------------------
 */

/* The product of the layers and C at its end, from the same random numbers as the network's. */
static void replay(const wmc_block *block, const wmc_block_options *o, wmc_stream *stream,
                   double *m, double *c)
{
  double jacobians[20 * D * D], next[D * D];
  void *state;
  cr_assert_eq(block->create(o, &state), WMC_OK);
  block->start(state, stream);
  block->layers(state, stream, (size_t)o->depth, jacobians);
  memset(m, 0, D * D * sizeof *m);
  for (int i = 0; i < D; i++) m[i * (D + 1)] = 1;
  for (int l = 0; l < o->depth; l++) {
    for (int i = 0; i < D; i++)
      for (int j = 0; j < D; j++) {
        next[j * D + i] = 0;
        for (int k = 0; k < D; k++)
          next[j * D + i] += jacobians[l * D * D + k * D + i] * m[j * D + k];
      }
    memcpy(m, next, sizeof next);
  }
  block->covariance(state, c);
  block->destroy(state);
}

/* Eigenvectors of M M^T, the largest first, on vectors and C. */
static void check_vectors(const double *m, const double *c, const double *q, const double *overlap)
{
  double mm[D * D], w[D], length2 = 0;
  for (int i = 0; i < D; i++) {
    length2 += m[i] * m[i];
    for (int j = 0; j < D; j++) {
      mm[j * D + i] = 0;
      for (int k = 0; k < D; k++) mm[j * D + i] += m[k * D + i] * m[k * D + j];
    }
  }
  cr_assert_eq(wmc_symmetric_eigen(D, mm, w), WMC_OK);
  for (int i = 0; i < D; i++) {
    const double *u = mm + (D - 1 - i) * D;
    double rate = 0, along = 0;
    for (int a = 0; a < D; a++) {
      along += u[a] * m[a];
      for (int b = 0; b < D; b++) rate += u[a] * c[b * D + a] * u[b];
    }
    EXPECT_SAME(q[i], rate);
    EXPECT_SAME(overlap[i], along * along / length2);
  }
}

Test(drift, diffusivity_and_overlap_belong_to_left_vectors)
{
  const wmc_block *const blocks[] = {&wmc_block_linear, &wmc_block_one_layer, &wmc_block_two_layer,
                                     &wmc_block_outer};
  const double end = 1;
  for (size_t k = 0; k < 4; k++)
    for (int normed = 0; normed < 2; normed++) {
      const wmc_block_options o = {.width = D,
                                   .depth = 20,
                                   .hidden = 4,
                                   .activation = wmc_activation_find("tanh"),
                                   .weights = wmc_weights_find("gaussian"),
                                   .variance = 1,
                                   .time = 1,
                                   .inner_variance = 0.7,
                                   .input_norm2 = 4,
                                   .norm = normed ? WMC_NORM_RMS : WMC_NORM_NONE};
      wmc_stream *stream = test_stream(SEED, 6), *again = test_stream(SEED, 6);
      wmc_network *network;
      double m[D * D], c[D * D];
      cr_assert_eq(wmc_network_create(&network, blocks[k], &o, 1, &end), WMC_OK);
      cr_assert_eq(wmc_network_follow_vectors(network), WMC_OK);
      for (int draw = 0; draw < 3; draw++) {
        cr_assert(wmc_network_draw(network, stream));
        replay(blocks[k], &o, again, m, c);
        check_vectors(m, c, wmc_network_diffusivity(network), wmc_network_overlap(network));
      }
      wmc_network_destroy(network);
      wmc_stream_destroy(stream);
      wmc_stream_destroy(again);
    }
}
