/* The model `balanced`: moves against independently computed densities, invariants of the state,
 * exact continuation, complaints. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/models/balanced.h"
#include "support.h"
#include "weylmc/geometry/entropy.h"

enum { D = 4, SAMPLES = 11 };

static wmc_stream *stream_of(long seed)
{
  wmc_stream *stream;
  cr_assert_eq(wmc_stream_create(&stream, seed, 0), WMC_OK);
  return stream;
}

/* Parameters of a deck, by name. */
typedef struct settings {
  wmc_value *values;
  double target[D * D], inputs[SAMPLES * D], labels[SAMPLES * D];
} settings;

static void give(settings *deck, const char *name, const char *text)
{
  wmc_text why = {0};
  int k = wmc_field_find(wmc_model_balanced.fields, name);
  cr_assert_geq(k, 0, "%s", name);
  wmc_value *value = &deck->values[k];
  wmc_value_free(value);
  *value = (wmc_value){0};
  cr_assert(wmc_field_read(&wmc_model_balanced.fields[k], text, value, &why), "%s: %s", name,
            wmc_text_string(&why));
  value->given = value->present = true;
}

static void give_number(settings *deck, const char *name, double number)
{
  char text[WMC_TEXT_SHORT];
  give(deck, name, wmc_text_double(text, number));
}

static void give_matrix(settings *deck, const char *name, size_t rows, size_t columns, double *data)
{
  wmc_value *value = &deck->values[wmc_field_find(wmc_model_balanced.fields, name)];
  *value = (wmc_value){.given = true,
                       .present = true,
                       .reals = data,
                       .count = rows * columns,
                       .rows = rows,
                       .columns = columns};
}

static void deck_open(settings *deck)
{
  size_t n = wmc_field_count(wmc_model_balanced.fields);
  deck->values = calloc(n, sizeof *deck->values);
  for (size_t k = 0; k < n; k++)
    if (wmc_model_balanced.fields[k].standard)
      give(deck, wmc_model_balanced.fields[k].name, wmc_model_balanced.fields[k].standard);
}

static void deck_close(settings *deck) { free(deck->values); }

static void give_energy(settings *deck, int kind, wmc_stream *s)
{
  give(deck, "energy.kind", wmc_energies[kind].name);
  if (kind == WMC_ENERGY_TARGET) {
    wmc_stream_normals(s, D * D, 1, deck->target);
    give_matrix(deck, "energy.matrix", D, D, deck->target);
  }
  if (kind == WMC_ENERGY_REGRESSION) {
    wmc_stream_normals(s, SAMPLES * D, 1, deck->inputs);
    wmc_stream_normals(s, SAMPLES * D, 1, deck->labels);
    give_matrix(deck, "energy.inputs", SAMPLES, D, deck->inputs);
    give_matrix(deck, "energy.labels", SAMPLES, D, deck->labels);
  }
}

/* A chain of every kind of integrator, energy, noise and shape as t runs. */
static wmc_balanced *chain_of(settings *deck, int t, wmc_stream *s)
{
  const char *const noises[] = {"isotropic", "horizontal", "kappa"};
  const wmc_integrator *integrator = wmc_integrators[t % 4];
  deck_open(deck);
  give_number(deck, "width", D);
  give_number(deck, "depth", 1 + (t / 4) % 5);
  give_number(deck, "excess", (t / 8) % 2);
  give_number(deck, "beta", 0.7 + t % 3);
  give_number(deck, "noise.kappa", 0.4);
  give(deck, "noise.kind", noises[t % 3]);
  give(deck, "formulation", integrator->formulation);
  give(deck, "scheme", integrator->scheme);
  give_number(deck, "step", integrator->exact ? 0.3 : 1e-3);
  give_energy(deck, integrator->frames ? t / 4 % 3 : 0, s);
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
    settings deck;
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
    deck_close(&deck);
  }
  wmc_stream_destroy(s);
}

/* Detailed balance of the symmetric proposals: log acceptance is the change of the log density. */
Test(balanced_model, lambda_ratio_is_the_difference_of_densities)
{
  wmc_stream *s = stream_of(21);
  int flips = 0;
  for (int t = 0; t < test_trials(480); t++) {
    settings deck;
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
    bool flip = lambda < 0 && c->law.shape.depth % 2 == 1 && c->u != NULL &&
                wmc_shape_excess(&c->law.shape) == 0;
    for (int i = 0; flip && i < D; i++) c->v[k * D + i] *= -1; /* the code flips U */
    flips += flip;
    if (!crosses) {
      double change = log_density(c) - before;
      cr_assert_lt(fabs(ratio - change), 1e-9 * (1 + fabs(change)), "%.12g, %.12g", ratio, change);
    }
    wmc_model_balanced.destroy(c);
    deck_close(&deck);
  }
  cr_assert_gt(flips, 5);
  wmc_stream_destroy(s);
}

/* The scale moves in log t at fixed ratios, so lambda brings a Jacobian t^{d/N}, and X's d^2. */
Test(balanced_model, scale_ratio_is_the_difference_of_densities)
{
  wmc_stream *s = stream_of(22);
  for (int t = 0; t < test_trials(240); t++) {
    settings deck;
    wmc_balanced *c = chain_of(&deck, 2 * t + 1, s);
    double shift = 0.4 * wmc_stream_normal(s), before = log_density(c);
    double ratio = wmc_balanced_scale_ratio(c, shift);
    for (int k = 0; k < D; k++) wmc_spectrum_set_log(&c->x, k, c->x.log_sigma[k] + shift);
    double change = log_density(c) - before + D * shift / c->law.shape.depth;
    cr_assert_lt(fabs(ratio - change), 1e-9 * (1 + fabs(change)), "%.12g, %.12g", ratio, change);
    wmc_model_balanced.destroy(c);
    deck_close(&deck);
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
    settings deck;
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
    deck_close(&deck);
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
    settings deck;
    wmc_balanced *c = chain_of(&deck, t, s);
    if (c->u != NULL) cr_assert(determinant_is_positive(c), "start");
    for (int block = 0; block < 4; block++) {
      advance(c, s, 150, block < 2);
      check_invariants(c);
      if (c->u == NULL || !c->integrator->exact) continue;
      bool positive = determinant_is_positive(c),
           keeps = c->law.shape.depth % 2 == 0 || wmc_shape_excess(&c->law.shape) > 0;
      if (keeps) cr_assert(positive, "N=%d m=%d", c->law.shape.depth, c->law.shape.excess);
      changed += !positive;
    }
    wmc_model_balanced.destroy(c);
    deck_close(&deck);
  }
  cr_assert_gt(changed, 3);
  wmc_stream_destroy(s);
}

Test(balanced_model, packed_chains_continue_bit_for_bit)
{
  for (int t = 0; t < 72; t++) {
    wmc_stream *s = stream_of(25 + t), *twin_stream = stream_of(1);
    settings deck, twin_deck;
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
    deck_close(&deck), deck_close(&twin_deck);
    wmc_stream_destroy(s), wmc_stream_destroy(twin_stream);
    wmc_stream_destroy(data), wmc_stream_destroy(same_data);
  }
}

static const double *observed(double *const *at, const char *name)
{
  int k = 0;
  while (strcmp(wmc_model_balanced.observables[k].name, name) != 0) k++;
  return at[k];
}

Test(balanced_model, observables_fit_together)
{
  wmc_stream *s = stream_of(26);
  for (int t = 0; t < 48; t++) {
    settings deck;
    wmc_balanced *c = chain_of(&deck, t, s);
    advance(c, s, 20, true);
    double out[64], *at[32], *next = out;
    const wmc_observable *o = wmc_model_balanced.observables;
    for (int k = 0; o[k].name; k++) {
      at[k] = next;
      next += wmc_observable_size(&wmc_model_balanced, &o[k], deck.values);
    }
    wmc_model_balanced.measure(c, out);
    double norm = 0, log_det = 0, parameters = 0, sum = 0, information = 0;
    for (int k = 0; k < D; k++) {
      double sigma = observed(at, "singular_values")[k],
             lambda = observed(at, "layer_singular_values")[k];
      cr_assert_float_eq(pow(lambda, c->law.shape.depth), sigma, 1e-12 * sigma);
      norm += sigma * sigma;
      log_det += log(sigma);
      sum += sigma;
      parameters += c->law.shape.depth * lambda * lambda;
    }
    for (int k = 0; k < D; k++) {
      double share = observed(at, "singular_values")[k] / sum;
      information -= share * log(share);
    }
    double entropy = wmc_entropy(&c->law.shape, c->x.log_sigma);
    cr_assert_float_eq(*observed(at, "frobenius2"), norm, 1e-12 * norm);
    cr_assert_float_eq(*observed(at, "log_abs_det"), log_det, 1e-11);
    cr_assert_float_eq(*observed(at, "parameter_norm2"), parameters, 1e-12 * parameters);
    cr_assert_float_eq(*observed(at, "effective_rank"), exp(information), 1e-12);
    cr_assert_float_eq(*observed(at, "entropy"), entropy, 1e-11);
    cr_assert_float_eq(*observed(at, "pair_entropy"),
                       wmc_entropy_pairs(&c->law.shape, c->x.log_sigma), 1e-11);
    cr_assert_float_eq(*observed(at, "reduced_entropy"),
                       wmc_entropy_reduced(&c->law.shape, c->x.log_sigma), 1e-11);
    cr_assert_float_eq(*observed(at, "free_energy"),
                       *observed(at, "energy") - entropy / c->law.beta, 1e-10);
    wmc_model_balanced.destroy(c);
    deck_close(&deck);
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

static heard complaints_of(const settings *deck)
{
  heard h = {0};
  wmc_model_balanced.check(deck->values, &(wmc_complaints){.add = hear, .sink = &h});
  return h;
}

static void expect(const settings *deck, const char *field, const char *part)
{
  heard h = complaints_of(deck);
  cr_assert_eq(h.count, field ? 1 : 0, "%d complaints, last: %s", h.count, h.message);
  if (field == NULL) return;
  cr_assert_str_eq(wmc_model_balanced.fields[h.field].name, field);
  cr_assert_not_null(strstr(h.message, part), "%s", h.message);
}

Test(balanced_model, complaints_say_what_was_found_and_expected)
{
  settings deck;
  wmc_stream *s = stream_of(27);
  deck_open(&deck);
  give_number(&deck, "width", D);
  give_number(&deck, "depth", 3);
  expect(&deck, NULL, NULL);
  give_energy(&deck, WMC_ENERGY_TARGET, s);
  expect(&deck, "formulation", "observable");
  give(&deck, "formulation", "observable");
  expect(&deck, NULL, NULL);
  give_matrix(&deck, "energy.matrix", 2, D, deck.target);
  expect(&deck, "energy.matrix", "2 x 4 matrix found, 4 x 4 expected");
  give_matrix(&deck, "energy.diag", 1, 3, deck.target);
  deck.values[wmc_field_find(wmc_model_balanced.fields, "energy.matrix")] = (wmc_value){0};
  expect(&deck, "energy.diag", "3 entries found, 4 expected");
  deck.values[wmc_field_find(wmc_model_balanced.fields, "energy.diag")] = (wmc_value){0};
  expect(&deck, "energy.kind", "neither");
  give_energy(&deck, WMC_ENERGY_REGRESSION, s);
  expect(&deck, NULL, NULL);
  give_matrix(&deck, "energy.labels", SAMPLES - 1, D, deck.labels);
  expect(&deck, "energy.labels", "10 labels found for 11 inputs");
  give_matrix(&deck, "energy.labels", SAMPLES, D - 1, deck.labels);
  expect(&deck, "energy.labels", "11 x 3 matrix found, 4 columns expected");
  give_energy(&deck, WMC_ENERGY_REGRESSION, s);
  for (int k = 0; k < SAMPLES; k++) deck.inputs[k * D + 3] = deck.inputs[k * D];
  expect(&deck, "energy.inputs", "3 of 4 directions");
  deck_close(&deck);
  wmc_stream_destroy(s);
}
