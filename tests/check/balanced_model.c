/* The model `balanced`: moves against independently computed densities, invariants of the state,
 * exact continuation, complaints. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/models/balanced_parameters.h"
#include "continues.h"
#include "energies.h"
#include "streams.h"
#include "support.h"
#include "weylmc/geometry/entropy.h"

enum { D = 4, ENTRIES = TEST_LONG * TEST_LONG };

static wmc_balanced *open_chain(const test_parameters *deck, wmc_stream *s)
{
  void *chain;
  cr_assert_eq(wmc_model_balanced.create(deck->values, &chain), WMC_OK, "%s", wmc_message());
  wmc_model_balanced.start(chain, s);
  return chain;
}

static void give_setting(test_parameters *deck, const wmc_integrator *integrator, int t)
{
  const char *const noises[] = {"isotropic", "kappa", "horizontal"};
  *deck = test_parameters_open(&wmc_model_balanced);
  test_give_number(deck, "beta", 0.7 + t % 3);
  test_give_number(deck, "noise.kappa", 0.4);
  test_give(deck, "noise.kind", noises[t % 3]);
  test_give(deck, "formulation", integrator->formulation);
  test_give(deck, "scheme", integrator->scheme);
  test_give_number(deck, "step", integrator->exact ? 0.3 : 1e-3);
}

/* A chain of square full X, of every kind of integrator, energy, noise and excess as t runs. */
static wmc_balanced *chain_of(test_parameters *deck, int t, wmc_stream *s)
{
  const wmc_integrator *const integrators[] = {&wmc_spectrum_euler, &wmc_spectrum_metropolis,
                                               &wmc_observable_euler, &wmc_observable_metropolis};
  const int kinds[] = {WMC_ENERGY_FROBENIUS, WMC_ENERGY_TARGET, WMC_ENERGY_REGRESSION};
  const wmc_integrator *integrator = integrators[t % 4];
  give_setting(deck, integrator, t);
  test_give_number(deck, "width", D);
  test_give_number(deck, "depth", 1 + (t / 4) % 5);
  test_give_number(deck, "excess", (t / 8) % 2);
  test_give_energy(deck, kinds[integrator->frames ? t / 4 % 3 : 0], D, D, s);
  return open_chain(deck, s);
}

/* A chain of any shape and energy that Metropolis moves. */
static wmc_balanced *general_chain(test_parameters *deck, int t, bool full, wmc_stream *s)
{
  static const struct {
    int rows, columns, rank, hidden;
  } shapes[] = {{4, 4, 4, 4}, {3, 5, 3, 3}, {5, 3, 3, 4}, {1, 4, 1, 2}, {2, 2, 2, 3}, {5, 1, 1, 1},
                {1, 1, 1, 1}, {3, 3, 2, 3}, {5, 4, 1, 3}, {2, 5, 1, 1}, {4, 4, 3, 3}};
  static const double depths[] = {1, 2, 3, 4, 30, INFINITY};
  const int shape = t % (full ? 7 : 11), kind = t / 2 % TEST_ENERGIES;
  const int rows = shapes[shape].rows, columns = shapes[shape].columns, rank = shapes[shape].rank;
  double depth = depths[t / 3 % 6];
  if (isinf(depth) && (shapes[shape].hidden <= rank || t % 3 == 2)) depth = 5;
  const bool frames = kind != WMC_ENERGY_FROBENIUS && kind != WMC_ENERGY_DECAY;
  const bool spectrum = !full && !frames && t % 5 < 2;
  const double widths[] = {columns, shapes[shape].hidden, rows};
  give_setting(deck, spectrum ? &wmc_spectrum_metropolis : &wmc_observable_metropolis, t);
  test_give_matrix(deck, "widths", 1, 3, widths);
  test_give_number(deck, "rank", rank);
  test_give_number(deck, "depth", depth);
  test_give_energy(deck, kind, rows, columns, s);
  if (t % 4 == 0 && kind != TEST_SUM) test_give_number(deck, "energy.decay", 0.15);
  return open_chain(deck, s);
}

static void advance(wmc_balanced *chain, wmc_stream *s, long steps, bool thermalising)
{
  cr_assert_eq(wmc_model_balanced.advance(chain, s, steps, thermalising), WMC_OK, "%s",
               wmc_message());
}

/* X = U diag(sigma) V^T */
static void product_of(const wmc_balanced *c, double *x)
{
  const int m = c->rows, n = c->columns;
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      x[j * m + i] = 0;
      for (int k = 0; k < c->x.rank; k++)
        x[j * m + i] += c->u[k * m + i] * c->x.sigma[k] * c->v[k * n + j];
    }
}

/* Energy from the definitions, by way of X. */
static double energy_of(const wmc_balanced *c)
{
  double x[ENTRIES], energy = 0, norm = 0;
  for (int k = 0; k < c->x.rank; k++)
    norm += isinf(c->x.depth) ? 2 * c->x.log_sigma[k]
                              : c->x.depth * exp(2 * c->x.log_sigma[k] / c->x.depth);
  if (c->u != NULL) {
    product_of(c, x);
    energy = wmc_energy_value(&c->energy, x);
  } else {
    for (int k = 0; k < c->x.rank; k++) energy += 0.5 * c->energy.quadratic[0] * c->x.sigma2[k];
  }
  return energy + 0.5 * c->energy.decay * norm;
}

/* Log density of the chain's state. */
static double log_density(const wmc_balanced *c)
{
  return wmc_gibbs_log_density(&c->law, &c->x, energy_of(c));
}

/* The state's own X, G and H follow what a test does to spectrum and frames. */
static void check_energy_data(const wmc_balanced *c)
{
  const int m = c->rows, n = c->columns;
  double x[ENTRIES];
  product_of(c, x);
  for (int k = 0; c->matrix && k < m * n; k++)
    cr_assert_float_eq(c->matrix[k], x[k], 1e-12 * (1 + c->x.sigma[0]));
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) {
      double g = 0;
      for (int k = 0; k < m; k++)
        for (int l = 0; l < n; l++)
          g += c->u[i * m + k] * c->energy.linear[l * m + k] * c->v[j * n + l];
      cr_assert_float_eq(g, c->g[j * m + i], 1e-12);
    }
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double h = 0;
      for (int k = 0; k < n; k++)
        for (int l = 0; l < n; l++)
          h += c->v[i * n + k] * c->energy.quadratic[l * n + k] * c->v[j * n + l];
      cr_assert_float_eq(h, c->h[j * n + i], 1e-12);
    }
}

/* E, its derivative along the scale, and the line of every sigma_k. */
Test(balanced_model, energy_and_slopes_are_those_of_the_matrix)
{
  wmc_stream *s = test_stream(20, 0);
  for (int t = 0; t < test_trials(330); t++) {
    test_parameters deck;
    wmc_balanced *c = general_chain(&deck, t, false, s);
    const int m = c->rows, n = c->columns;
    double x[ENTRIES], gradient[ENTRIES];
    advance(c, s, 3, true);
    const double energy = energy_of(c), scale = 1e-11 * (1 + fabs(energy));
    cr_assert_float_eq(wmc_balanced_energy(c), energy, scale, "case %d", t);
    double virial = isinf(c->x.depth) ? c->energy.decay * c->x.rank : 0, norm = 0;
    for (int k = 0; k < c->x.rank; k++) norm += c->x.lambda2[k];
    if (isfinite(c->x.depth)) virial = c->energy.decay * norm;
    if (c->u != NULL) {
      check_energy_data(c);
      product_of(c, x);
      wmc_energy_gradient(&c->energy, x, gradient);
      for (int k = 0; k < m * n; k++) virial += x[k] * gradient[k];
      cr_assert_float_eq(wmc_balanced_virial(c), virial, scale, "case %d", t);
      for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
          double sum = 0;
          for (int k = 0; k < m * n; k++)
            sum += c->u[i * m + k % m] * gradient[k] * c->v[j * n + k / m];
          if (i != j || i >= c->x.rank) continue;
          wmc_line line = wmc_balanced_line(c, i);
          cr_assert_float_eq(line.slope, sum, scale);
          double step = 0.3, old = c->x.sigma[i];
          c->x.sigma[i] += step;
          product_of(c, x);
          c->x.sigma[i] = old;
          double change = wmc_energy_value(&c->energy, x) + energy_of(c);
          product_of(c, x);
          change -= wmc_energy_value(&c->energy, x) + energy_of(c);
          cr_assert_float_eq(change, step * (line.slope + 0.5 * step * line.curvature), scale);
        }
    }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* Detailed balance of the symmetric proposals: log acceptance is the change of the log density. */
Test(balanced_model, lambda_ratio_is_the_difference_of_densities)
{
  wmc_stream *s = test_stream(21, 0);
  int flips = 0;
  for (int t = 0; t < test_trials(990); t++) {
    test_parameters deck;
    wmc_balanced *c = general_chain(&deck, t, false, s);
    const bool infinite = isinf(c->x.depth);
    const int m = c->rows, r = c->x.rank;
    advance(c, s, 2, true);
    int k = t % r;
    double step = 0.5 * wmc_stream_normal(s) * (infinite ? 1 : c->x.lambda[k]);
    if (t % 3 == 0 && !infinite)
      k = r - 1, step = -c->x.lambda[k] * (1 + 0.9 * wmc_stream_uniform(s));
    double lambda = c->x.lambda[k] + step, before = log_density(c);
    double size = infinite ? lambda : fabs(lambda);
    double ratio = wmc_balanced_lambda_ratio(c, k, lambda);
    bool crosses = (k > 0 && size >= c->x.lambda[k - 1]) ||
                   (k < r - 1 && ((!infinite && lambda < 0) || size <= c->x.lambda[k + 1]));
    if (crosses) cr_assert_eq(ratio, -INFINITY);
    wmc_spectrum_set_lambda(&c->x, k, size);
    bool flip = !infinite && lambda < 0 && (long)c->law.shape.depth % 2 == 1 && c->u != NULL &&
                wmc_shape_excess(&c->law.shape) == 0 && wmc_shape_outer(&c->law.shape) == 0;
    for (int i = 0; flip && i < m; i++) c->v[k * m + i] *= -1; /* square; the code flips U */
    flips += flip;
    if (!crosses) {
      double change = log_density(c) - before;
      cr_assert_lt(fabs(ratio - change), 1e-9 * (1 + fabs(change)), "case %d: %.12g, %.12g", t,
                   ratio, change);
    }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  cr_assert_gt(flips, 5);
  wmc_stream_destroy(s);
}

/* The scale moves in log t at fixed ratios, so lambda brings a Jacobian t^{r/N}; log sigma, none.
 */
Test(balanced_model, scale_ratio_is_the_difference_of_densities)
{
  wmc_stream *s = test_stream(22, 0);
  for (int t = 0; t < test_trials(990); t++) {
    test_parameters deck;
    wmc_balanced *c = general_chain(&deck, t, false, s);
    double shift = 0.4 * wmc_stream_normal(s), before = log_density(c);
    double ratio = wmc_balanced_scale_ratio(c, shift);
    for (int k = 0; k < c->x.rank; k++) wmc_spectrum_set_log(&c->x, k, c->x.log_sigma[k] + shift);
    double change = log_density(c) - before + c->x.rank * shift / c->law.shape.depth;
    cr_assert_lt(fabs(ratio - change), 1e-9 * (1 + fabs(change)), "case %d: %.12g, %.12g", t, ratio,
                 change);
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* Log of the law's density with respect to dX: that in lambda over dX/dlambda at fixed frames. */
static double log_density_of_matrix(const wmc_gibbs *law, const wmc_spectrum *x)
{
  double sum = wmc_gibbs_log_density(law, x, 0);
  for (int i = 0; i < x->rank; i++) {
    sum -= abs(law->shape.rows - law->shape.columns) * x->log_sigma[i];
    sum -= isinf(x->depth) ? x->log_sigma[i] : (1 - 1 / x->depth) * x->log_sigma[i];
    for (int j = i + 1; j < x->rank; j++) sum -= log(x->sigma2[i] - x->sigma2[j]);
  }
  return sum;
}

/* U Y V^T */
static void out_of_frames(const wmc_balanced *c, const double *y, double *x)
{
  const int m = c->rows, n = c->columns;
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      x[j * m + i] = 0;
      for (int k = 0; k < m; k++)
        for (int l = 0; l < n; l++)
          x[j * m + i] += c->u[k * m + i] * y[l * m + k] * c->v[l * n + j];
    }
}

/* Moves of X as a whole: ratios from densities with respect to dX, the energy of the matrix itself;
 * the random move already has the energy's share, but not decay's. */
Test(balanced_model, matrix_ratios_are_differences_of_densities)
{
  wmc_stream *s = test_stream(28, 0);
  for (int t = 0; t < test_trials(840); t++) {
    test_parameters deck;
    wmc_balanced *c = general_chain(&deck, t, true, s);
    const int r = c->x.rank;
    double y[ENTRIES], x[ENTRIES], memory[5 * TEST_LONG], scratch[3 * ENTRIES], l = 1;
    advance(c, s, 2, true);
    product_of(c, x);
    double before = wmc_energy_value(&c->energy, x);
    wmc_stream_normals(s, (size_t)(c->rows * c->columns), 1, y);
    out_of_frames(c, y, x);
    double change = wmc_balanced_core_change(c, y, scratch);
    double miss = fabs(change - (wmc_energy_value(&c->energy, x) - before));
    cr_assert_lt(miss, 1e-11 * (1 + fabs(before) + fabs(change)), "case %d", t);
    wmc_candidate to = {.x = wmc_spectrum_map(r, c->x.depth, memory)};
    for (int k = 0; k < r; k++, l -= 0.1 + wmc_stream_uniform(s)) wmc_spectrum_set_log(&to.x, k, l);
    double cold = c->law.beta / c->law.horizontal;
    double volume = log_density_of_matrix(&c->law, &to.x) - log_density_of_matrix(&c->law, &c->x);
    volume -= cold * (wmc_energy_decay(&c->energy, &to.x) - wmc_energy_decay(&c->energy, &c->x));
    double scale = 1e-9 * (1 + fabs(volume));
    cr_assert_lt(fabs(wmc_balanced_reach_ratio(c, &to) - volume), scale);
    cr_assert_lt(fabs(wmc_balanced_shear_ratio(c, &to, change) - volume + cold * change),
                 scale + 1e-11 * fabs(cold * change));
    const double stretch = 0.3, jacobian = stretch * (c->columns - c->rows);
    cr_assert_lt(fabs(wmc_balanced_stretch_ratio(c, &to, change, stretch) - jacobian - volume +
                      cold * change),
                 scale + 1e-11 * fabs(cold * change));
    to.negative = true;
    cr_assert_eq(wmc_balanced_reach_ratio(c, &to) == -INFINITY, !c->flips);
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* Row i times e^s and column j times e^-s. */
Test(balanced_model, stretches_scale_a_row_and_a_column)
{
  wmc_stream *s = test_stream(34, 0);
  for (int t = 0; t < test_trials(420); t++) {
    test_parameters deck;
    wmc_balanced *c = general_chain(&deck, t, true, s);
    const int m = c->rows, n = c->columns, i = t % m, j = t / 3 % n;
    const double size = wmc_stream_normal(s);
    double x[ENTRIES], y[ENTRIES], core[ENTRIES], scratch[2 * TEST_LONG];
    product_of(c, x);
    wmc_balanced_stretch(c, i, j, size, core, scratch);
    out_of_frames(c, core, y);
    for (int k = 0; k < m * n; k++) {
      const double factor = exp(size * ((k % m == i) - (k / m == j)));
      cr_assert_float_eq(y[k], x[k] * factor, 1e-12 * exp(fabs(size)) * (1 + c->x.sigma[0]));
    }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* Whole singular value decompositions, P and Q square, and what follows when a chain settles. */
Test(balanced_model, candidates_are_decomposed_and_adopted)
{
  wmc_stream *s = test_stream(31, 0);
  for (int t = 0; t < test_trials(420); t++) {
    test_parameters deck;
    wmc_balanced *c = general_chain(&deck, t, true, s);
    const int m = c->rows, n = c->columns, r = c->x.rank;
    double y[ENTRIES], x[ENTRIES], after[ENTRIES], p[ENTRIES], q[ENTRIES], sigma[TEST_LONG];
    wmc_stream_normals(s, (size_t)(m * n), 1, y);
    out_of_frames(c, y, x);
    memcpy(p, y, sizeof p);
    wmc_balanced_decompose(m, n, p, q, sigma, c->work);
    for (int k = 0; k < r; k++) wmc_spectrum_set_log(&c->x, k, log(sigma[k]));
    for (int k = 1; k < r; k++) cr_assert_geq(sigma[k - 1], sigma[k]);
    wmc_balanced_settle(c, p, q, c->work);
    product_of(c, after);
    for (int k = 0; k < m * n; k++) cr_assert_float_eq(x[k], after[k], 1e-13, "case %d", t);
    check_energy_data(c);
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* X* minimises, and R is a square root of the inverse curvature. */
Test(balanced_model, minimiser_and_spread_of_the_energy)
{
  wmc_stream *s = test_stream(29, 0);
  for (int t = 0; t < 168; t++) {
    test_parameters deck;
    wmc_balanced *c = general_chain(&deck, t, true, s);
    const wmc_energy *e = &c->energy;
    const int m = c->rows, n = c->columns;
    double gradient[ENTRIES];
    wmc_energy_gradient(e, e->minimiser, gradient);
    for (int k = 0; c->entrywise && k < m * n; k++) /* where E sees the entry */
      if (e->quadratic[0] + e->mask[k] > 0) cr_assert_float_eq(gradient[k], 0, 1e-12);
    for (int j = 0; c->gaussian && j < n; j++) {
      for (int i = 0; i < n; i++) {
        double sum = 0; /* C R^T R */
        for (int k = 0; k < n; k++)
          for (int l = 0; l < n; l++)
            sum += e->quadratic[k * n + i] * e->spread[k * n + l] * e->spread[j * n + l];
        cr_assert_float_eq(sum, i == j, 1e-11);
      }
      for (int i = 0; i < m; i++) cr_assert_float_eq(gradient[j * m + i], 0, 1e-12);
    }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* Any two columns of which one is inside the rank: the change of E, then the state that follows,
 * then the same turns back. */
Test(balanced_model, turns_change_the_energy_as_told_and_go_back)
{
  wmc_stream *s = test_stream(23, 0);
  for (int t = 0; t < test_trials(990); t++) {
    test_parameters deck;
    wmc_balanced *c = general_chain(&deck, t, false, s);
    if (c->u != NULL && c->span > 1) {
      const int m = c->rows, n = c->columns, r = c->x.rank;
      double x[ENTRIES], back[ENTRIES], a = 3 * wmc_stream_normal(s), b = 3 * wmc_stream_normal(s);
      int i = t % (r < c->span ? r : r - 1), j = i + 1 + t / 7 % (c->span - 1 - i);
      if (j >= m) a = 0;
      if (j >= n) b = 0;
      const double turn_u[] = {cos(a), sin(a)}, turn_v[] = {cos(b), sin(b)};
      const double back_u[] = {cos(a), -sin(a)}, back_v[] = {cos(b), -sin(b)};
      double change = wmc_balanced_turn_change(c, i, j, turn_u, turn_v), before = energy_of(c);
      product_of(c, x);
      wmc_balanced_turn_frames(c, i, j, turn_u, turn_v);
      cr_assert_lt(fabs(change - (energy_of(c) - before)),
                   1e-11 * (1 + fabs(before) + fabs(change)), "case %d", t);
      check_energy_data(c);
      wmc_balanced_turn_frames(c, i, j, back_u, back_v);
      product_of(c, back);
      for (int k = 0; k < m * n; k++) cr_assert_float_eq(back[k], x[k], 1e-12);
      check_energy_data(c);
    }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

Test(balanced_model, rotations_of_columns_one_after_another)
{
  enum { M = 77, N = 6 };
  wmc_stream *s = test_stream(30, 0);
  double x[M], y[M * N], x2[M], y2[M * N], c[N], t[N];
  for (int m = 1; m <= M; m++) {
    wmc_stream_normals(s, M, 1, x);
    wmc_stream_normals(s, M * N, 1, y);
    memcpy(x2, x, sizeof x);
    memcpy(y2, y, sizeof y);
    for (int k = 0; k < N; k++) {
      double angle = wmc_stream_normal(s), r[] = {c[k] = cos(angle), t[k] = sin(angle)};
      wmc_balanced_turn(m, r, x2, y2 + k * m);
    }
    wmc_rotate_columns(m, N, c, t, x, y);
    for (int i = 0; i < m; i++) cr_assert_float_eq(x[i], x2[i], 1e-14);
    for (int i = 0; i < m * N; i++) cr_assert_float_eq(y[i], y2[i], 1e-14);
  }
  wmc_stream_destroy(s);
}

static void check_frame(int d, const double *frame)
{
  for (int i = 0; i < d; i++)
    for (int j = 0; j < d; j++) {
      double sum = 0;
      for (int k = 0; k < d; k++) sum += frame[i * d + k] * frame[j * d + k];
      cr_assert_float_eq(sum, i == j, 3e-14);
    }
}

/* After many steps: sorted spectrum, orthonormal frames, and X, G, H that belong to them. */
static void check_invariants(const wmc_balanced *c)
{
  for (int k = 1; k < c->x.rank; k++) cr_assert_gt(c->x.lambda[k - 1], c->x.lambda[k]);
  if (c->u == NULL) return;
  check_frame(c->rows, c->u);
  check_frame(c->columns, c->v);
  check_energy_data(c);
}

static bool determinant_is_positive(const wmc_balanced *c)
{
  double a[D * D], det = 1;
  product_of(c, a);
  for (int k = 0; k < D; k++)
    for (int i = k + 1; i < D; i++) {
      double f = a[k * D + i] / a[k * D + k];
      for (int j = k; j < D; j++) a[j * D + i] -= f * a[j * D + k];
    }
  for (int k = 0; k < D; k++) det *= a[k * D + k];
  return det > 0;
}

Test(balanced_model, invariants_hold_and_the_sign_of_det_follows_its_rule)
{
  wmc_stream *s = test_stream(24, 0);
  int changed = 0;
  for (int t = 0; t < 120; t++) {
    test_parameters deck;
    wmc_balanced *c = chain_of(&deck, t, s);
    if (c->u != NULL) cr_assert(determinant_is_positive(c), "start");
    for (int block = 0; block < 4; block++) {
      advance(c, s, 150, block < 2);
      check_invariants(c);
      if (c->u == NULL || !c->integrator->exact) continue;
      bool positive = determinant_is_positive(c),
           keeps = (long)c->law.shape.depth % 2 == 0 || wmc_shape_excess(&c->law.shape) > 0;
      if (keeps) cr_assert(positive, "N=%g hidden %d", c->law.shape.depth, c->law.shape.hidden);
      changed += !positive;
    }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  cr_assert_gt(changed, 3);
  wmc_stream_destroy(s);
}

/* Where a Gibbs law exists, that is with decay or with an energy that no direction escapes. */
Test(balanced_model, invariants_hold_for_every_shape_and_energy)
{
  wmc_stream *s = test_stream(32, 0);
  for (int t = 0; t < 330; t++) {
    test_parameters deck;
    wmc_balanced *c = general_chain(&deck, t, false, s);
    const double decay = c->energy.decay * c->law.beta / c->law.horizontal;
    const bool full = wmc_energy_rank(&c->energy) == c->columns;
    const bool law =
        isfinite(c->x.depth) ? full || decay > 0 : full && decay < wmc_gibbs_power(&c->law);
    for (int block = 0; law && block < 3; block++) {
      advance(c, s, 70, block < 2);
      check_invariants(c);
    }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* Trouble is told with what to do, and a chain without it goes on. */
Test(balanced_model, chains_in_trouble_say_so)
{
  const struct {
    const wmc_integrator *integrator;
    double lambda, step;
    const char *message;
  } cases[] = {{&wmc_spectrum_metropolis, 1, 0.3, NULL},
               {&wmc_spectrum_metropolis, 1, 1e12, "refused"},
               {&wmc_spectrum_metropolis, 0, 0.3, "lost rank"},
               {&wmc_observable_metropolis, NAN, 0.3, "energy.decay"},
               {&wmc_spectrum_euler, NAN, 0.3, "reduce it"}};
  wmc_stream *s = test_stream(33, 0);
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    test_parameters deck;
    give_setting(&deck, cases[k].integrator, 0);
    test_give_number(&deck, "width", D);
    test_give_number(&deck, "depth", 3);
    test_give_number(&deck, "step", cases[k].step);
    wmc_balanced *c = open_chain(&deck, s);
    if (cases[k].lambda != 1) wmc_spectrum_set_lambda(&c->x, D - 1, cases[k].lambda);
    const long steps = cases[k].lambda == 1 ? 10000 : 0;
    const wmc_status status = wmc_model_balanced.advance(c, s, steps, false);
    cr_assert_eq(status, cases[k].message ? WMC_FAILURE : WMC_OK, "case %zu", k);
    if (cases[k].message)
      cr_assert_not_null(strstr(wmc_message(), cases[k].message), "%s", wmc_message());
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* A start that overflows is told apart from a law without confinement. */
Test(balanced_model, starts_that_overflow_say_so)
{
  const struct {
    const char *formulation, *scheme, *field, *value, *message;
  } cases[] = {{"spectrum", "metropolis", "start", "1e200", "start = 1e+200"},
               {"observable", "euler", "start", "1e160", "use a start below 1e150"},
               {"parameters", "metropolis", "start", "1e200", "start = 1e+200"},
               {"spectrum", "metropolis", "beta", "1e-320", "beta 9.99989e-321 is too small"},
               {"observable", "metropolis", "energy.diag", "[1e200, 1]", "data overflow"},
               {"spectrum", "metropolis", "start", "1e100", NULL}};
  wmc_stream *s = test_stream(34, 0);
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    test_parameters deck = test_parameters_open(&wmc_model_balanced);
    void *c;
    test_give_number(&deck, "width", 2);
    test_give_number(&deck, "depth", 3);
    test_give(&deck, "formulation", cases[k].formulation);
    test_give(&deck, "scheme", cases[k].scheme);
    if (strcmp(cases[k].field, "energy.diag") == 0) test_give(&deck, "energy.kind", "target");
    test_give(&deck, cases[k].field, cases[k].value);
    cr_assert_eq(wmc_model_balanced.create(deck.values, &c), WMC_OK);
    wmc_model_balanced.start(c, s);
    const wmc_status status = wmc_model_balanced.advance(c, s, 1, true);
    cr_expect_eq(status, cases[k].message ? WMC_FAILURE : WMC_OK, "case %zu", k);
    if (cases[k].message)
      cr_expect_not_null(strstr(wmc_message(), cases[k].message), "case %zu: %s", k, wmc_message());
    wmc_message_clear();
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* The free energy of a completion falls for ever along an entry that no one observes. */
Test(balanced_model, flows_without_end_stop)
{
  test_parameters deck = test_parameters_open(&wmc_model_balanced);
  wmc_stream *s = test_stream(35, 0);
  void *c;
  test_give_number(&deck, "width", 2);
  test_give_number(&deck, "depth", 3);
  test_give(&deck, "formulation", "observable");
  test_give(&deck, "scheme", "flow");
  test_give(&deck, "noise.kind", "vertical");
  test_give(&deck, "energy.kind", "completion");
  test_give(&deck, "energy.diag", "[1, 2]");
  test_give_number(&deck, "start", 1);
  test_give_number(&deck, "step", 1e6);
  cr_assert_eq(wmc_model_balanced.create(deck.values, &c), WMC_OK);
  wmc_model_balanced.start(c, s);
  cr_assert_eq(wmc_model_balanced.advance(c, s, 1, false), WMC_FAILURE);
  cr_assert_not_null(strstr(wmc_message(), "grows without bound"), "%s", wmc_message());
  wmc_message_clear();
  wmc_model_balanced.destroy(c);
  test_parameters_close(&deck);
  wmc_stream_destroy(s);
}

Test(balanced_model, packed_chains_continue_bit_for_bit)
{
  for (int t = 0; t < 72; t++) {
    wmc_stream *s = test_stream(25 + t, 0);
    test_parameters deck, twin_deck;
    wmc_stream *data = test_stream(7, 0), *same_data = test_stream(7, 0);
    wmc_balanced *c = chain_of(&deck, t, data), *twin = chain_of(&twin_deck, t, same_data);
    advance(c, s, 40, true);
    advance(c, s, 7, t % 2);
    test_continues(&wmc_model_balanced, deck.values, c, s, twin, 130, t % 2);
    wmc_model_balanced.destroy(c), wmc_model_balanced.destroy(twin);
    test_parameters_close(&deck), test_parameters_close(&twin_deck);
    wmc_stream_destroy(s);
    wmc_stream_destroy(data), wmc_stream_destroy(same_data);
  }
}

Test(balanced_model, observables_fit_together)
{
  wmc_stream *s = test_stream(26, 0);
  for (int t = 0; t < 48; t++) {
    test_parameters deck;
    wmc_balanced *c = chain_of(&deck, t, s);
    advance(c, s, 20, true);
    double out[64];
    wmc_model_balanced.measure(c, out);
    double norm = 0, log_det = 0, parameters = 0, sum = 0, information = 0;
    for (int k = 0; k < D; k++) {
      double sigma = out[test_observable(&deck, "singular_values") + (size_t)k],
             lambda = out[test_observable(&deck, "layer_singular_values") + (size_t)k];
      cr_assert_float_eq(pow(lambda, c->law.shape.depth), sigma, 1e-12 * sigma);
      norm += sigma * sigma;
      log_det += log(sigma);
      sum += sigma;
      parameters += c->law.shape.depth * lambda * lambda;
    }
    for (int k = 0; k < D; k++) {
      double share = out[test_observable(&deck, "singular_values") + (size_t)k] / sum;
      information -= share * log(share);
    }
    double entropy = wmc_entropy(&c->law.shape, c->x.log_sigma);
    cr_assert_float_eq(out[test_observable(&deck, "frobenius2")], norm, 1e-12 * norm);
    cr_assert_float_eq(out[test_observable(&deck, "log_abs_det")], log_det, 1e-11);
    cr_assert_float_eq(out[test_observable(&deck, "parameter_norm2")], parameters,
                       1e-12 * parameters);
    cr_assert_float_eq(out[test_observable(&deck, "effective_rank")], exp(information), 1e-12);
    cr_assert_float_eq(out[test_observable(&deck, "entropy")], entropy, 1e-11);
    cr_assert_float_eq(out[test_observable(&deck, "pair_entropy")],
                       wmc_entropy_pairs(&c->law.shape, c->x.log_sigma), 1e-11);
    cr_assert_float_eq(out[test_observable(&deck, "reduced_entropy")],
                       wmc_entropy_reduced(&c->law.shape, c->x.log_sigma), 1e-11);
    cr_assert_float_eq(out[test_observable(&deck, "free_energy")],
                       out[test_observable(&deck, "energy")] - entropy / c->law.beta, 1e-10);
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}
