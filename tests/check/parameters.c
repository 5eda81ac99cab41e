/* The formulation `parameters` of the model `balanced`: balance is kept, moves are reversible with
 * the acceptance ratio of an independent density, chains continue exactly, complaints. */
#include "../../src/models/balanced_parameters.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "continues.h"
#include "parameters.h"
#include "streams.h"
#include "support.h"
#include "sweeps.h"
#include "weylmc/geometry/volume.h"

static test_parameters deck_of(const char *widths, int depth, int rank, const char *scheme,
                               double step)
{
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  test_give(&p, "widths", widths);
  test_give_number(&p, "depth", depth);
  test_give_number(&p, "rank", rank);
  test_give(&p, "formulation", "parameters");
  test_give(&p, "scheme", scheme);
  test_give_number(&p, "step", step);
  return p;
}

static wmc_balanced *chain_of(const test_parameters *p, wmc_stream *stream)
{
  void *chain;
  cr_assert_eq(p->model->create(p->values, &chain), WMC_OK, "%s", wmc_message());
  p->model->start(chain, stream);
  return chain;
}

static const struct {
  const char *widths;
  int depth, rank;
} shapes[] = {{"[2, 2, 2]", 3, 2},    {"[3, 3, 3]", 10, 3},   {"[2, 3, 2]", 3, 2},
              {"[3, 5, 4, 2]", 3, 2}, {"[4, 4, 4, 4]", 3, 2}, {"[3, 3, 3]", 1, 3},
              {"[2, 4, 3]", 6, 1}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* The imbalance, from the layers, after many Euler steps. */
Test(parameters, balance_is_kept_for_a_hundred_thousand_steps)
{
  const int which[] = {0, 1, 3};
  for (int t = 0; t < 3; t++) {
    wmc_stream *stream = test_stream(51 + t, 0);
    test_parameters p = deck_of(shapes[which[t]].widths, shapes[which[t]].depth,
                                shapes[which[t]].rank, "euler", 0.001);
    wmc_balanced *chain = chain_of(&p, stream);
    double out[64];
    cr_assert_eq(p.model->advance(chain, stream, t == 0 ? 100000 : 10000, false), WMC_OK, "%s",
                 wmc_message());
    p.model->measure(chain, out);
    const double imbalance = out[test_observable(&p, "imbalance")];
    if (test_verbose()) printf("imbalance %.2e\n", imbalance);
    cr_expect_lt(imbalance, 1e-11, "%s: %g", shapes[which[t]].widths, imbalance);
    cr_expect_gt(imbalance, 0, "measured, not assumed");
    p.model->destroy(chain);
    test_parameters_close(&p);
    wmc_stream_destroy(stream);
  }
}

/* Log density in lambda with the volume form divided out: the density with respect to the volume of
 * M, from gibbs.h and volume.h. Of these the walk uses neither, and sweeps gibbs.h alone. */
static double log_density_in_lambda(const wmc_balanced *chain, const wmc_point *point,
                                    double *scratch)
{
  double memory[64], *x = scratch, *work = scratch + wmc_layers_block(point->layers);
  const wmc_spectrum s = wmc_spectrum_map(point->layers->rank, point->layers->depth, memory);
  wmc_point_spectrum(point, &s);
  wmc_point_end_to_end(point, x, work);
  return wmc_gibbs_log_density(&chain->law, &s, wmc_energy_value(&chain->energy, x));
}

static double log_density(const wmc_balanced *chain, const wmc_point *point, double *scratch)
{
  double memory[64];
  const wmc_spectrum s = wmc_spectrum_map(point->layers->rank, point->layers->depth, memory);
  wmc_point_spectrum(point, &s);
  return log_density_in_lambda(chain, point, scratch) -
         wmc_volume_log_manifold(&chain->law.shape, &s);
}

/* |P (W' - W)|^2 */
static double tangent_square(const wmc_point *at, const double *from, const double *to, double *v,
                             const wmc_tangent *tangent, double *work)
{
  for (size_t k = 0; k < wmc_layers_size(at->layers); k++) v[k] = to[k] - from[k];
  wmc_project(at, v, tangent, work);
  return wmc_tangent_inner(tangent, tangent);
}

/* The ratio of a move, against densities and lengths of steps found anew from the two networks. */
static void check_moves(int shape, const char *noise, wmc_stream *stream, int *possible)
{
  test_parameters p =
      deck_of(shapes[shape].widths, shapes[shape].depth, shapes[shape].rank, "metropolis", 0.5);
  test_give(&p, "noise.kind", noise);
  if (strcmp(noise, "kappa") == 0) test_give_number(&p, "noise.kappa", 0.25);
  wmc_balanced *chain = chain_of(&p, stream);
  cr_assert_eq(p.model->advance(chain, stream, 200, true), WMC_OK, "%s", wmc_message());
  wmc_upstairs *up = chain->upstairs;
  const wmc_layers *layers = up->layers;
  const size_t size = wmc_layers_size(layers);
  double *w = calloc(3 * size, sizeof *w), *to = w + size, *v = to + size;
  double *scratch = calloc(wmc_retract_scratch(layers) + wmc_tangent_scratch(layers) +
                               4 * wmc_layers_block(layers),
                           sizeof *scratch);
  for (int k = 0; k < 20; k++) {
    const double length = 0.3 * *up->walk;
    const double ratio = wmc_upstairs_propose(chain, stream, length);
    if (!isfinite(ratio)) continue;
    wmc_point_write(&up->point, w, scratch);
    wmc_point_write(&up->proposed, to, scratch);
    double there = tangent_square(&up->point, w, to, v, &up->step, scratch);
    double back = tangent_square(&up->proposed, to, w, v, &up->step, scratch);
    double expected = log_density(chain, &up->proposed, scratch) -
                      log_density(chain, &up->point, scratch) +
                      (there - back) / (2 * length * length);
    cr_expect_lt(fabs(ratio - expected), 1e-8 * (1 + there / (length * length)), "%s %s: %g %g",
                 shapes[shape].widths, noise, ratio, expected);
    (*possible)++;
  }
  test_check_sweeps(chain);
  free(w);
  free(scratch);
  p.model->destroy(chain);
  test_parameters_close(&p);
}

Test(parameters, acceptance_against_independent_density)
{
  const char *const noises[] = {"isotropic", "horizontal", "kappa"};
  wmc_stream *stream = test_stream(61, 0);
  int possible = 0;
  for (int t = 0; t < 3 * SHAPES; t++) check_moves(t / 3, noises[t % 3], stream, &possible);
  cr_expect_gt(possible, 20 * SHAPES, "%d moves", possible);
  wmc_stream_destroy(stream);
}

/* X of the layers and of the chain whose singular values moved are the same, also where lambda_r
 * passed through 0 and took det X to the other sign. */
Test(parameters, sweeps_move_the_network)
{
  const int which[] = {0, 1, 2, 4};
  int crossed = 0;
  for (int t = 0; t < 4; t++) {
    wmc_stream *stream = test_stream(63 + t, 0);
    test_parameters p = deck_of(shapes[which[t]].widths, shapes[which[t]].depth,
                                shapes[which[t]].rank, "metropolis", 0.5);
    wmc_balanced *chain = chain_of(&p, stream);
    wmc_upstairs *up = chain->upstairs;
    const int entries = chain->rows * chain->columns;
    double x[16], before[16];
    for (int k = 0; k < 200; k++) {
      wmc_balanced_matrix(chain, before);
      wmc_upstairs_sweep(chain, stream, 0);
      wmc_balanced_matrix(chain, x);
      wmc_point_write(&up->point, up->w, up->scratch);
      wmc_layers_end_to_end(up->layers, up->w, up->matrix, up->scratch);
      for (int i = 0; i < entries; i++)
        cr_expect_lt(fabs(up->matrix[i] - x[i]), 1e-13 * chain->x.sigma[0], "%s, entry %d: %g %g",
                     shapes[which[t]].widths, i, up->matrix[i], x[i]);
      if (chain->rows == chain->columns)
        crossed += wmc_balanced_is_negative(chain->rows, x) !=
                   wmc_balanced_is_negative(chain->rows, before);
    }
    p.model->destroy(chain);
    test_parameters_close(&p);
    wmc_stream_destroy(stream);
  }
  cr_expect_gt(crossed, 20, "%d", crossed);
}

/* Observables are those of the network: X of the layers against the spectrum and the frames. */
Test(parameters, observables_follow_from_the_layers)
{
  for (int t = 0; t < SHAPES; t++) {
    wmc_stream *stream = test_stream(65 + t, 0);
    test_parameters p = deck_of(shapes[t].widths, shapes[t].depth, shapes[t].rank, "euler", 0.001);
    wmc_balanced *chain = chain_of(&p, stream);
    wmc_upstairs *up = chain->upstairs;
    double out[64], square = 0;
    cr_assert_eq(p.model->advance(chain, stream, 100, false), WMC_OK);
    p.model->measure(chain, out);
    wmc_point_write(&up->point, up->w, up->scratch);
    wmc_layers_end_to_end(up->layers, up->w, up->matrix, up->scratch);
    for (int k = 0; k < chain->rows * chain->columns; k++) square += up->matrix[k] * up->matrix[k];
    const double norm2 = wmc_layers_norm2(up->layers, up->w);
    cr_expect_lt(fabs(out[test_observable(&p, "frobenius2")] - square), 1e-12 * square);
    cr_expect_lt(fabs(out[test_observable(&p, "energy")] - square / 2), 1e-12 * square);
    cr_expect_lt(fabs(out[test_observable(&p, "parameter_norm2")] - norm2), 1e-12 * norm2);
    p.model->destroy(chain);
    test_parameters_close(&p);
    wmc_stream_destroy(stream);
  }
}

/* A packed chain continues bit for bit. */
Test(parameters, chains_continue_exactly)
{
  const char *const schemes[] = {"euler", "metropolis"};
  for (int t = 0; t < 2 * SHAPES; t++) {
    wmc_stream *stream = test_stream(80, 0), *other = test_stream(81, 0);
    test_parameters p = deck_of(shapes[t / 2].widths, shapes[t / 2].depth, shapes[t / 2].rank,
                                schemes[t % 2], 0.002);
    wmc_balanced *a = chain_of(&p, stream), *b = chain_of(&p, other);
    cr_assert_eq(p.model->advance(a, stream, 70, true), WMC_OK);
    test_continues(p.model, p.values, a, stream, b, 35, false);
    p.model->destroy(a);
    p.model->destroy(b);
    test_parameters_close(&p);
    wmc_stream_destroy(stream);
    wmc_stream_destroy(other);
  }
}

/* A step that is far too large ends in a message that says what to do, not in a wrong state. */
Test(parameters, trouble_is_reported)
{
  wmc_stream *stream = test_stream(90, 0);
  test_parameters p = deck_of("[3, 3, 3]", 20, 3, "euler", 1e6);
  wmc_balanced *chain = chain_of(&p, stream);
  cr_expect_eq(p.model->advance(chain, stream, 100, false), WMC_FAILURE);
  cr_expect(strstr(wmc_message(), "step of 1e+06") && strstr(wmc_message(), "reduce it"), "%s",
            wmc_message());
  wmc_message_clear();
  p.model->destroy(chain);
  test_parameters_close(&p);
  wmc_stream_destroy(stream);
}

/* Off balance nothing pulls back: the imbalance is there, |W|^2 and X are those of the layers. */
Test(parameters, unbalanced_networks)
{
  wmc_stream *stream = test_stream(95, 0);
  test_parameters p = deck_of("[2, 3, 2]", 3, 2, "euler", 0.001);
  double out[64], square = 0;
  test_give(&p, "noise.kind", "vertical");
  test_give(&p, "initial_imbalance", "0.2");
  wmc_balanced *chain = chain_of(&p, stream);
  cr_assert_eq(p.model->advance(chain, stream, 0, false), WMC_OK, "%s", wmc_message());
  p.model->measure(chain, out);
  cr_expect_lt(fabs(out[test_observable(&p, "imbalance")] - 0.2), 1e-6);
  cr_assert_eq(p.model->advance(chain, stream, 200, false), WMC_OK, "%s", wmc_message());
  p.model->measure(chain, out);
  wmc_upstairs *up = chain->upstairs;
  wmc_layers_end_to_end(up->layers, up->network, up->matrix, up->scratch);
  for (int k = 0; k < chain->rows * chain->columns; k++) square += up->matrix[k] * up->matrix[k];
  const double norm2 = wmc_layers_norm2(up->layers, up->network);
  const double imbalance = wmc_layers_imbalance(up->layers, up->network, up->scratch);
  cr_expect_lt(fabs(out[test_observable(&p, "frobenius2")] - square), 1e-10 * square);
  cr_expect_lt(fabs(out[test_observable(&p, "parameter_norm2")] - norm2), 1e-12 * norm2);
  cr_expect_lt(fabs(out[test_observable(&p, "imbalance")] - imbalance), 1e-12);
  cr_expect_gt(imbalance, 0.05);
  p.model->destroy(chain);
  test_parameters_close(&p);
  wmc_stream_destroy(stream);
}

/* `age` is time before the first draw. */
Test(parameters, age_is_time)
{
  wmc_stream *a = test_stream(96, 0), *b = test_stream(96, 0);
  test_parameters p = deck_of("[2, 3, 2]", 3, 2, "euler", 0.001);
  double x[64], y[64];
  wmc_balanced *young = chain_of(&p, a);
  test_give(&p, "age", "0.05");
  wmc_balanced *old = chain_of(&p, b);
  cr_assert_eq(p.model->advance(young, a, 60, false), WMC_OK);
  cr_assert_eq(p.model->advance(old, b, 4, false), WMC_OK);
  cr_assert_eq(p.model->advance(old, b, 6, false), WMC_OK);
  p.model->measure(young, x);
  p.model->measure(old, y);
  cr_expect_arr_eq(x, y, wmc_model_measurement_size(p.model, p.values) * sizeof *x);
  p.model->destroy(young);
  p.model->destroy(old);
  test_parameters_close(&p);
  wmc_stream_destroy(a);
  wmc_stream_destroy(b);
}

static void note(void *sink, int field, const char *message)
{
  wmc_text *text = sink;
  wmc_text_append(text, "%s: %s\n", wmc_model_balanced.fields[field].name, message);
}

static void expect_complaint(const test_parameters *p, const char *words)
{
  wmc_text text = {0};
  p->model->check(p->values, &(wmc_complaints){.add = note, .sink = &text});
  cr_expect(strstr(wmc_text_string(&text), words), "no \"%s\" in: %s", words,
            wmc_text_string(&text));
  wmc_text_free(&text);
}

Test(parameters, complaints)
{
  test_parameters p = deck_of("[3, 3, 3]", 4, 3, "metropolis", 0.1);
  test_give(&p, "noise.kind", "vertical");
  expect_complaint(&p, "noise.kind: noise in vertical directions alone");
  test_give(&p, "noise.kind", "isotropic");
  test_give(&p, "depth", "inf");
  expect_complaint(&p, "depth: depth inf found, formulation parameters keeps every layer");
  test_give(&p, "depth", "3");
  test_give(&p, "initial_imbalance", "0.2");
  test_give(&p, "age", "1");
  expect_complaint(&p, "initial_imbalance: initial_imbalance 0.2 found");
  expect_complaint(&p, "age: Metropolis moves have no time");
  test_parameters_close(&p);
}
