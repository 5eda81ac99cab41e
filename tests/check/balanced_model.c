/* The model `balanced`: moves against independently computed densities, invariants of the state,
 * exact continuation, complaints. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/models/balanced.h"
#include "parameters.h"
#include "support.h"
#include "weylmc/geometry/entropy.h"

enum { D = 4, SAMPLES = 11 };

static wmc_stream *stream_of(long seed)
{
  wmc_stream *stream;
  cr_assert_eq(wmc_stream_create(&stream, seed, 0), WMC_OK);
  return stream;
}

static void give_energy(const test_parameters *deck, int kind, wmc_stream *s)
{
  double data[SAMPLES * D];
  test_give(deck, "energy.kind", wmc_energies[kind].name);
  if (kind == WMC_ENERGY_TARGET) {
    wmc_stream_normals(s, D * D, 1, data);
    test_give_matrix(deck, "energy.matrix", D, D, data);
  }
  if (kind == WMC_ENERGY_REGRESSION) {
    wmc_stream_normals(s, SAMPLES * D, 1, data);
    test_give_matrix(deck, "energy.inputs", SAMPLES, D, data);
    wmc_stream_normals(s, SAMPLES * D, 1, data);
    test_give_matrix(deck, "energy.labels", SAMPLES, D, data);
  }
}

/* A chain of every kind of integrator, energy, noise and shape as t runs. */
static wmc_balanced *chain_of(test_parameters *deck, int t, wmc_stream *s)
{
  const char *const noises[] = {"isotropic", "horizontal", "kappa"};
  const wmc_integrator *integrator = wmc_integrators[t % 4];
  *deck = test_parameters_open(&wmc_model_balanced);
  test_give_number(deck, "width", D);
  test_give_number(deck, "depth", 1 + (t / 4) % 5);
  test_give_number(deck, "excess", (t / 8) % 2);
  test_give_number(deck, "beta", 0.7 + t % 3);
  test_give_number(deck, "noise.kappa", 0.4);
  test_give(deck, "noise.kind", noises[t % 3]);
  test_give(deck, "formulation", integrator->formulation);
  test_give(deck, "scheme", integrator->scheme);
  test_give_number(deck, "step", integrator->exact ? 0.3 : 1e-3);
  give_energy(deck, integrator->frames ? (t / 4 % 3 == 2 ? WMC_ENERGY_REGRESSION : t / 4 % 3) : 0,
              s);
  void *chain;
  cr_assert_eq(wmc_model_balanced.create(deck->values, &chain), WMC_OK, "%s", wmc_message());
  wmc_model_balanced.start(chain, s);
  return chain;
}

static void advance(wmc_balanced *chain, wmc_stream *s, long steps, bool thermalising)
{
  cr_assert_eq(wmc_model_balanced.advance(chain, s, steps, thermalising), WMC_OK, "%s",
               wmc_message());
}

/* X = U diag(sigma) V^T */
static void product_of(const wmc_balanced *c, double *x)
{
  for (int j = 0; j < D; j++)
    for (int i = 0; i < D; i++) {
      x[j * D + i] = 0;
      for (int k = 0; k < D; k++) x[j * D + i] += c->u[k * D + i] * c->x.sigma[k] * c->v[k * D + j];
    }
}

/* Log density of the chain's state from the definitions, energy by way of X. */
static double log_density(const wmc_balanced *c)
{
  double x[D * D], energy = 0;
  if (c->u != NULL) {
    product_of(c, x);
    energy = wmc_energy_value(&c->energy, x);
  } else {
    for (int k = 0; k < D; k++) energy += 0.5 * c->x.sigma2[k];
  }
  return wmc_gibbs_log_density(&c->law, &c->x, energy);
}

Test(balanced_model, energy_and_virial_are_those_of_the_matrix)
{
  wmc_stream *s = stream_of(20);
  for (int t = 0; t < 120; t++) {
    test_parameters deck;
    wmc_balanced *c = chain_of(&deck, t, s);
    advance(c, s, 3, true);
    double x[D * D], gradient[D * D], virial = 0;
    if (c->u != NULL) {
      product_of(c, x);
      wmc_energy_gradient(&c->energy, x, gradient);
      for (int k = 0; k < D * D; k++) virial += x[k] * gradient[k];
      cr_assert_float_eq(wmc_balanced_energy(c), wmc_energy_value(&c->energy, x), 1e-12);
      cr_assert_float_eq(wmc_balanced_virial(c), virial, 1e-11);
    }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* Detailed balance of the symmetric proposals: log acceptance is the change of the log density. */
Test(balanced_model, lambda_ratio_is_the_difference_of_densities)
{
  wmc_stream *s = stream_of(21);
  int flips = 0;
  for (int t = 0; t < test_trials(480); t++) {
    test_parameters deck;
    wmc_balanced *c = chain_of(&deck, 2 * t + 1, s);
    advance(c, s, 2, true);
    int k = t % D;
    double step = 0.5 * wmc_stream_normal(s) * c->x.lambda[k];
    if (t % 3 == 0) k = D - 1, step = -c->x.lambda[k] * (1 + 0.9 * wmc_stream_uniform(s));
    double lambda = c->x.lambda[k] + step, before = log_density(c);
    double ratio = wmc_balanced_lambda_ratio(c, k, lambda);
    bool crosses = (k > 0 && fabs(lambda) >= c->x.lambda[k - 1]) ||
                   (k < D - 1 && (lambda < 0 || fabs(lambda) <= c->x.lambda[k + 1]));
    if (crosses) cr_assert_eq(ratio, -INFINITY);
    wmc_spectrum_set_lambda(&c->x, k, fabs(lambda));
    bool flip = lambda < 0 && (long)c->law.shape.depth % 2 == 1 && c->u != NULL &&
                wmc_shape_excess(&c->law.shape) == 0;
    for (int i = 0; flip && i < D; i++) c->v[k * D + i] *= -1; /* the code flips U */
    flips += flip;
    if (!crosses) {
      double change = log_density(c) - before;
      cr_assert_lt(fabs(ratio - change), 1e-9 * (1 + fabs(change)), "%.12g, %.12g", ratio, change);
    }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  cr_assert_gt(flips, 5);
  wmc_stream_destroy(s);
}

/* The scale moves in log t at fixed ratios, so lambda brings a Jacobian t^{d/N}, and X's d^2. */
Test(balanced_model, scale_ratio_is_the_difference_of_densities)
{
  wmc_stream *s = stream_of(22);
  for (int t = 0; t < test_trials(240); t++) {
    test_parameters deck;
    wmc_balanced *c = chain_of(&deck, 2 * t + 1, s);
    double shift = 0.4 * wmc_stream_normal(s), before = log_density(c);
    double ratio = wmc_balanced_scale_ratio(c, shift);
    for (int k = 0; k < D; k++) wmc_spectrum_set_log(&c->x, k, c->x.log_sigma[k] + shift);
    double change = log_density(c) - before + D * shift / c->law.shape.depth;
    cr_assert_lt(fabs(ratio - change), 1e-9 * (1 + fabs(change)), "%.12g, %.12g", ratio, change);
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* Log of the law's density with respect to dX: that in lambda over dX/dlambda at fixed frames. */
static double log_density_of_matrix(const wmc_gibbs *law, const wmc_spectrum *x)
{
  double sum = wmc_gibbs_log_density(law, x, 0);
  for (int i = 0; i < D; i++) {
    sum -= (x->depth - 1) * log(x->lambda[i]);
    for (int j = i + 1; j < D; j++) sum -= log(x->sigma2[i] - x->sigma2[j]);
  }
  return sum;
}

/* Moves of X as a whole: ratios from densities with respect to dX, the energy of the matrix itself;
 * the random move already has the energy's share. */
Test(balanced_model, matrix_ratios_are_differences_of_densities)
{
  wmc_stream *s = stream_of(28);
  for (int t = 0; t < test_trials(240); t++) {
    test_parameters deck;
    wmc_balanced *c = chain_of(&deck, 4 * t + 3, s);
    double y[D * D], x[D * D], memory[5 * D], scratch[D * D], before = 0, l = 1;
    advance(c, s, 2, true);
    product_of(c, x);
    before = wmc_energy_value(&c->energy, x);
    wmc_stream_normals(s, D * D, 1, y);
    for (int j = 0; j < D; j++)
      for (int i = 0; i < D; i++) {
        x[j * D + i] = 0;
        for (int k = 0; k < D; k++)
          for (int m = 0; m < D; m++)
            x[j * D + i] += c->u[k * D + i] * y[m * D + k] * c->v[m * D + j];
      }
    double change = wmc_balanced_core_change(c, y, scratch);
    cr_assert_float_eq(change, wmc_energy_value(&c->energy, x) - before, 1e-10);
    wmc_candidate to = {.x = wmc_spectrum_map(D, c->x.depth, memory)};
    for (int k = 0; k < D; k++, l -= 0.1 + wmc_stream_uniform(s)) wmc_spectrum_set_log(&to.x, k, l);
    double volume = log_density_of_matrix(&c->law, &to.x) - log_density_of_matrix(&c->law, &c->x);
    double cold = c->law.beta / c->law.horizontal, scale = 1e-9 * (1 + fabs(volume));
    cr_assert_lt(fabs(wmc_balanced_reach_ratio(c, &to) - volume), scale);
    cr_assert_lt(fabs(wmc_balanced_shear_ratio(c, &to, change) - volume + cold * change),
                 scale + 1e-11 * fabs(cold * change));
    to.negative = true;
    cr_assert_eq(wmc_balanced_reach_ratio(c, &to) == -INFINITY, !c->flips);
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* X* minimises, and R is a square root of the inverse curvature. */
Test(balanced_model, minimiser_and_spread_of_the_energy)
{
  wmc_stream *s = stream_of(29);
  for (int t = 0; t < 24; t++) {
    test_parameters deck;
    wmc_balanced *c = chain_of(&deck, 4 * t + 3, s);
    const wmc_energy *e = &c->energy;
    double gradient[D * D];
    wmc_energy_gradient(e, e->minimiser, gradient);
    for (int i = 0; i < D; i++)
      for (int j = 0; j < D; j++) {
        double sum = 0; /* C R^T R */
        for (int k = 0; k < D; k++)
          for (int m = 0; m < D; m++)
            sum += e->quadratic[k * D + i] * e->spread[k * D + m] * e->spread[j * D + m];
        cr_assert_float_eq(sum, i == j, 1e-11);
        cr_assert_float_eq(gradient[j * D + i], 0, 1e-12);
      }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

static void turn_columns(double *frame, int i, int j, const double r[2])
{
  for (int k = 0; k < D; k++) {
    double x = frame[i * D + k], y = frame[j * D + k];
    frame[i * D + k] = r[0] * x + r[1] * y;
    frame[j * D + k] = r[0] * y - r[1] * x;
  }
}

Test(balanced_model, turn_change_is_the_difference_of_energies)
{
  wmc_stream *s = stream_of(23);
  for (int t = 0; t < test_trials(240); t++) {
    test_parameters deck;
    wmc_balanced *c = chain_of(&deck, 4 * t + 3, s);
    double x[D * D], a = 3 * wmc_stream_normal(s), b = 3 * wmc_stream_normal(s);
    const double turn_u[] = {cos(a), sin(a)}, turn_v[] = {cos(b), sin(b)};
    int i = t % (D - 1), j = i + 1 + t % (D - 1 - i);
    double change = wmc_balanced_turn_change(c, i, j, turn_u, turn_v);
    product_of(c, x);
    double before = wmc_energy_value(&c->energy, x);
    turn_columns(c->u, i, j, turn_u);
    turn_columns(c->v, i, j, turn_v);
    product_of(c, x);
    cr_assert_float_eq(change, wmc_energy_value(&c->energy, x) - before, 1e-11);
    wmc_model_balanced.destroy(c);
    test_parameters_close(&deck);
  }
  wmc_stream_destroy(s);
}

Test(balanced_model, rotations_of_columns_one_after_another)
{
  enum { M = 77, N = 6 };
  wmc_stream *s = stream_of(30);
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

/* After many steps: sorted spectrum, orthonormal frames, and G, H that belong to them. */
static void check_invariants(const wmc_balanced *c)
{
  for (int k = 1; k < D; k++) cr_assert_gt(c->x.lambda[k - 1], c->x.lambda[k]);
  for (int i = 0; c->u != NULL && i < D; i++)
    for (int j = 0; j < D; j++) {
      double uu = 0, vv = 0, g = 0, h = 0;
      for (int k = 0; k < D; k++) {
        uu += c->u[i * D + k] * c->u[j * D + k];
        vv += c->v[i * D + k] * c->v[j * D + k];
        for (int l = 0; l < D; l++) {
          g += c->u[i * D + k] * c->energy.linear[l * D + k] * c->v[j * D + l];
          h += c->v[i * D + k] * c->energy.quadratic[l * D + k] * c->v[j * D + l];
        }
      }
      cr_assert_float_eq(uu, i == j, 3e-14);
      cr_assert_float_eq(vv, i == j, 3e-14);
      cr_assert_float_eq(g, c->g[j * D + i], 3e-13);
      cr_assert_float_eq(h, c->h[j * D + i], 3e-13);
    }
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
  wmc_stream *s = stream_of(24);
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

Test(balanced_model, packed_chains_continue_bit_for_bit)
{
  for (int t = 0; t < 72; t++) {
    wmc_stream *s = stream_of(25 + t), *twin_stream = stream_of(1);
    test_parameters deck, twin_deck;
    wmc_stream *data = stream_of(7), *same_data = stream_of(7);
    wmc_balanced *c = chain_of(&deck, t, data), *twin = chain_of(&twin_deck, t, same_data);
    size_t n = wmc_model_balanced.state_size(c), bytes = wmc_stream_packed_size();
    size_t m = wmc_model_measurement_size(&wmc_model_balanced, deck.values);
    double *packed = malloc(n * sizeof *packed), *out = malloc(2 * m * sizeof *out);
    unsigned char *packed_stream = malloc(bytes);
    advance(c, s, 40, true);
    advance(c, s, 7, t % 2);
    wmc_model_balanced.measure(c, out);
    wmc_model_balanced.pack(c, packed);
    wmc_stream_pack(s, packed_stream);
    wmc_model_balanced.unpack(twin, packed);
    cr_assert_eq(wmc_stream_unpack(twin_stream, packed_stream), WMC_OK);
    for (int draw = 0; draw < 3; draw++) {
      advance(c, s, 130, t % 2);
      advance(twin, twin_stream, 130, t % 2);
      wmc_model_balanced.measure(c, out);
      wmc_model_balanced.measure(twin, out + m);
      cr_assert_eq(memcmp(out, out + m, m * sizeof *out), 0, "case %d", t);
    }
    free(packed), free(out), free(packed_stream);
    wmc_model_balanced.destroy(c), wmc_model_balanced.destroy(twin);
    test_parameters_close(&deck), test_parameters_close(&twin_deck);
    wmc_stream_destroy(s), wmc_stream_destroy(twin_stream);
    wmc_stream_destroy(data), wmc_stream_destroy(same_data);
  }
}

Test(balanced_model, observables_fit_together)
{
  wmc_stream *s = stream_of(26);
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

/* --- Complaints ------------------------------------------------------------------------------ */

typedef struct heard {
  int count, field;
  char message[512];
} heard;

static void hear(void *sink, int field, const char *message)
{
  heard *h = sink;
  h->count++;
  h->field = field;
  snprintf(h->message, sizeof h->message, "%s", message);
}

static heard complaints_of(const test_parameters *deck)
{
  heard h = {0};
  wmc_model_balanced.check(deck->values, &(wmc_complaints){.add = hear, .sink = &h});
  return h;
}

static void expect(const test_parameters *deck, const char *field, const char *part)
{
  heard h = complaints_of(deck);
  cr_assert_eq(h.count, field ? 1 : 0, "%d complaints, last: %s", h.count, h.message);
  if (field == NULL) return;
  cr_assert_str_eq(wmc_model_balanced.fields[h.field].name, field);
  cr_assert_not_null(strstr(h.message, part), "%s", h.message);
}

Test(balanced_model, complaints_say_what_was_found_and_expected)
{
  test_parameters deck;
  double some[SAMPLES * D] = {1};
  wmc_stream *s = stream_of(27);
  deck = test_parameters_open(&wmc_model_balanced);
  test_give_number(&deck, "width", D);
  test_give_number(&deck, "depth", 3);
  expect(&deck, NULL, NULL);
  give_energy(&deck, WMC_ENERGY_TARGET, s);
  expect(&deck, "formulation", "observable");
  test_give(&deck, "formulation", "observable");
  expect(&deck, NULL, NULL);
  test_give_matrix(&deck, "energy.matrix", 2, D, some);
  expect(&deck, "energy.matrix", "2 x 4 matrix found, 4 x 4 expected");
  test_give_matrix(&deck, "energy.diag", 1, 3, some);
  test_take(&deck, "energy.matrix");
  expect(&deck, "energy.diag", "3 entries found, 4 expected");
  test_take(&deck, "energy.diag");
  expect(&deck, "energy.kind", "neither");
  give_energy(&deck, WMC_ENERGY_REGRESSION, s);
  expect(&deck, NULL, NULL);
  test_give_matrix(&deck, "energy.labels", SAMPLES - 1, D, some);
  expect(&deck, "energy.labels", "10 labels found for 11 inputs");
  test_give_matrix(&deck, "energy.labels", SAMPLES, D - 1, some);
  expect(&deck, "energy.labels", "11 x 3 matrix found, 4 columns expected");
  give_energy(&deck, WMC_ENERGY_REGRESSION, s);
  for (int k = 0; k < SAMPLES; k++)
    test_value(&deck, "energy.inputs")->reals[k * D + 3] =
        test_value(&deck, "energy.inputs")->reals[k * D];
  expect(&deck, "energy.inputs", "3 of 4 directions");
  test_parameters_close(&deck);
  wmc_stream_destroy(s);
}
