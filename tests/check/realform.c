/* Complex networks in real form: the tangent space is that of complex networks, steps and their way
 * back stay complex, and chains of formulation `parameters` keep balance, have the acceptance ratio
 * of an independent density and continue exactly. */
#include "weylmc/geometry/realform.h"

#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complaints.h"
#include "continues.h"
#include "streams.h"
#include "support.h"
#include "sweeps.h"

static const struct {
  const char *widths;
  int depth, rank;
} shapes[] = {{"[2, 2, 2]", 3, 2}, {"[3, 3, 3]", 5, 3}, {"[2, 3, 2]", 3, 2}, {"[3, 5, 4, 2]", 3, 2},
              {"[1, 1, 1]", 2, 1}, {"[3, 3, 3]", 1, 3}, {"[2, 4, 3]", 4, 1}, {"[1, 2, 1]", 3, 1}};
enum { SHAPES = sizeof shapes / sizeof shapes[0], MOST = 3 };

/* With a complex target, row-major. */
typedef struct problem {
  test_parameters deck;
  double re[MOST * MOST], im[MOST * MOST];
  wmc_balanced *chain;
} problem;

static problem open_problem(int shape, const char *scheme, double step, const char *noise,
                            wmc_stream *stream)
{
  problem p = {.deck = test_parameters_open(&wmc_model_balanced)};
  void *chain;
  test_give(&p.deck, "widths", shapes[shape].widths);
  test_give_number(&p.deck, "depth", shapes[shape].depth);
  test_give_number(&p.deck, "rank", shapes[shape].rank);
  test_give(&p.deck, "field", "complex");
  test_give(&p.deck, "formulation", "parameters");
  test_give(&p.deck, "scheme", scheme);
  test_give_number(&p.deck, "step", step);
  test_give(&p.deck, "noise.kind", noise);
  test_give_number(&p.deck, "noise.kappa", 0.25);
  const double *widths = test_value(&p.deck, "widths")->reals;
  const size_t last = test_value(&p.deck, "widths")->count - 1;
  const size_t rows = (size_t)widths[last], columns = (size_t)widths[0];
  wmc_stream_normals(stream, MOST * MOST, 1, p.re);
  wmc_stream_normals(stream, MOST * MOST, 1, p.im);
  test_give(&p.deck, "energy.kind", "target");
  test_give_matrix(&p.deck, "energy.matrix", rows, columns, p.re);
  test_give_matrix(&p.deck, "energy.imaginary", rows, columns, p.im);
  cr_assert_eq(p.deck.model->create(p.deck.values, &chain), WMC_OK, "%s", wmc_message());
  p.deck.model->start(chain, stream);
  p.chain = chain;
  return p;
}

static void close_problem(problem *p)
{
  p->deck.model->destroy(p->chain);
  test_parameters_close(&p->deck);
}

/* How far a matrix of 2m x 2n is from a real form. */
static double defect(int rows, int columns, const double *x)
{
  double most = 0;
  for (int j = 0; j < columns; j += 2)
    for (int i = 0; i < rows; i += 2) {
      const double *a = x + j * rows + i, *b = a + rows;
      most = fmax(most, fmax(fabs(a[0] - b[1]), fabs(a[1] + b[0])));
    }
  return most;
}

static double defect_of_layers(const wmc_layers *layers, const double *w)
{
  double most = 0;
  for (int p = 1; p <= layers->depth; p++)
    most = fmax(most, defect(layers->width[p], layers->width[p - 1], w + layers->layer[p]));
  return most;
}

static double *scratch_of(const wmc_layers *layers)
{
  double *scratch = calloc(wmc_retract_scratch(layers) + wmc_tangent_scratch(layers) +
                               4 * wmc_layers_block(layers),
                           sizeof *scratch);
  cr_assert_not_null(scratch);
  return scratch;
}

/* The trace of the projector over all layers in real form is the dimension of the complex manifold:
 * the real forms of E_ij and i E_ij, of norm 1 after division by sqrt(2), are a basis of them. */
Test(realform, projector_has_the_dimension_of_complex_networks)
{
  wmc_stream *stream = test_stream(401, 0);
  for (int t = 0; t < SHAPES; t++) {
    problem p = open_problem(t, "metropolis", 0.5, "isotropic", stream);
    const wmc_upstairs *up = p.chain->upstairs;
    const wmc_layers *layers = up->layers;
    double *scratch = scratch_of(layers), trace = 0;
    double *v = calloc(wmc_layers_size(layers), sizeof *v);
    for (int q = 1; q <= layers->depth; q++)
      for (int j = 0; j < layers->width[q - 1]; j += 2)
        for (int i = 0; i < layers->width[q]; i++) {
          const int rows = layers->width[q], part = i % 2, row = i - part;
          double *at = v + layers->layer[q] + j * rows + row;
          memset(v, 0, wmc_layers_size(layers) * sizeof *v);
          at[0] = at[rows + 1] = part ? 0 : sqrt(0.5);
          at[1] = part ? sqrt(0.5) : 0;
          at[rows] = -at[1];
          wmc_project(&up->point, v, &up->step, scratch);
          const double before = wmc_tangent_inner(&up->step, &up->step);
          wmc_realform_project(&up->step);
          trace += wmc_tangent_inner(&up->step, &up->step);
          cr_assert_lt(fabs(wmc_tangent_inner(&up->step, &up->step) - before), 1e-13,
                       "%s: the projection of a real form is one: %g %g", shapes[t].widths, before,
                       wmc_tangent_inner(&up->step, &up->step));
        }
    const double dimension = wmc_shape_dimension(&p.chain->law.shape);
    cr_expect_lt(fabs(trace - dimension), 1e-10, "%s: trace %g, dimension %g", shapes[t].widths,
                 trace, dimension);
    free(v);
    free(scratch);
    close_problem(&p);
  }
  wmc_stream_destroy(stream);
}

/* Noise in the tangent space of complex networks is white: its square has the mean of its
 * dimension. */
Test(realform, projected_noise_is_white)
{
  enum { DRAWS = 4000 };
  wmc_stream *stream = test_stream(402, 0);
  for (int t = 0; t < SHAPES; t++) {
    problem p = open_problem(t, "metropolis", 0.5, "isotropic", stream);
    const wmc_upstairs *up = p.chain->upstairs;
    const double dimension = wmc_shape_dimension(&p.chain->law.shape);
    double mean = 0;
    for (int k = 0; k < DRAWS; k++) {
      wmc_tangent_draw(&up->point, stream, 1, 1, NULL, 0, &up->step, up->scratch);
      wmc_realform_project(&up->step);
      mean += wmc_tangent_inner(&up->step, &up->step) / DRAWS;
    }
    cr_expect_lt(fabs(mean - dimension), 5 * sqrt(2 * dimension / DRAWS), "%s: %g, %g",
                 shapes[t].widths, mean, dimension);
    close_problem(&p);
  }
  wmc_stream_destroy(stream);
}

/* Pairs in any orthonormal basis, also of four nearly equal lambda, become (q, i q) again. */
Test(realform, pairs_are_restored_from_any_basis)
{
  wmc_stream *stream = test_stream(403, 0);
  for (int t = 0; t < 4 * SHAPES; t++) {
    problem p = open_problem(t / 4, "metropolis", 0.5, "isotropic", stream);
    const wmc_upstairs *up = p.chain->upstairs;
    const wmc_layers *layers = up->layers;
    const int r = layers->rank, block = t % 2 && r > 2 ? 4 : 2;
    double *w = calloc(2 * wmc_layers_size(layers), sizeof *w), *next = w + wmc_layers_size(layers);
    double turn[16], upper[16], work[256], most = 0;
    cr_assert_leq(wmc_qr_scratch(block, block), 256);
    for (int k = 2; k < block; k++) up->point.lambda[k] = up->point.lambda[0] * (1 - 1e-15);
    wmc_point_write(&up->point, w, up->scratch);
    wmc_stream_normals(stream, (size_t)(block * block), 1, turn);
    wmc_qr(block, block, turn, upper, work);
    for (int q = 0; q <= layers->depth; q++) {
      const int d = layers->width[q];
      double *frame = wmc_point_frame(&up->point, q);
      for (int i = 0; i < d; i++) {
        double row[4] = {0};
        for (int k = 0; k < block; k++)
          for (int l = 0; l < block; l++) row[k] += frame[l * d + i] * turn[k * block + l];
        for (int k = 0; k < block; k++) frame[k * d + i] = row[k];
      }
    }
    cr_assert(wmc_realform_restore(&up->point, up->scratch));
    for (int q = 0; q <= layers->depth; q++)
      cr_expect_eq(defect(layers->width[q], r, wmc_point_frame(&up->point, q)), 0);
    wmc_point_write(&up->point, next, up->scratch);
    for (size_t k = 0; k < wmc_layers_size(layers); k++) most = fmax(most, fabs(next[k] - w[k]));
    cr_expect_lt(most, 1e-13, "%d %s: %g", t, shapes[t / 4].widths, most);
    free(w);
    close_problem(&p);
  }
  wmc_stream_destroy(stream);
}

/* Complex layers of one width, and others by `kind`. */
static void open_complex(int kind, wmc_layers **layers, wmc_point *point, wmc_stream *stream)
{
  const double widths[][5] = {{2, 2, 2}, {4, 4, 4, 4, 4}, {6, 6, 6, 6}, {8, 8, 8}, {3, 5, 4, 2}};
  const int depths[] = {2, 4, 3, 2, 3}, ranks[] = {2, 4, 6, 8, 2}, r = ranks[kind];
  wmc_shape shape = {.numbers = WMC_NUMBERS_COMPLEX,
                     .depth = depths[kind],
                     .rank = r,
                     .rows = (int)widths[kind][depths[kind]],
                     .columns = (int)widths[kind][0],
                     .hidden = (int)widths[kind][1],
                     .widths = widths[kind]};
  cr_assert_eq(wmc_realform_create(layers, &shape), WMC_OK);
  *point = wmc_point_map(*layers, calloc(wmc_point_size(*layers), sizeof(double)));
  for (int k = 0; k < 2 * r; k++) point->lambda[k] = 1.3 - 0.8 * (k / 2) / r;
  double *scratch = scratch_of(*layers);
  wmc_realform_draw_frames(point, stream, scratch);
  free(scratch);
}

/* Largest differences of layers after the quick way back and after the exact one, from the same
 * step of size h; and whether the frames of the first are pairs of unit vectors. */
static double compare_ways(int kind, double h, wmc_stream *stream)
{
  wmc_layers *layers;
  wmc_point point;
  open_complex(kind, &layers, &point, stream);
  const size_t size = wmc_layers_size(layers), bytes = wmc_point_size(layers) * sizeof(double);
  double *scratch = scratch_of(layers), *w = calloc(2 * size, sizeof *w), most = 0;
  const wmc_point quick = wmc_point_map(layers, malloc(bytes));
  const wmc_tangent step =
      wmc_tangent_map(layers, calloc(wmc_tangent_size(layers), sizeof(double)));
  h /= sqrt(layers->rank * layers->depth);
  wmc_tangent_draw(&point, stream, h, h, NULL, 0, &step, scratch);
  wmc_realform_project(&step);
  memcpy(quick.frames, point.frames, bytes);
  cr_assert(wmc_retract_quickly(&quick, &step, NULL, scratch));
  cr_assert(wmc_realform_restore(&quick, scratch));
  cr_assert(wmc_retract(&point, &step, NULL, scratch));
  cr_assert(wmc_realform_restore(&point, scratch));
  wmc_point_write(&quick, w, scratch);
  wmc_point_write(&point, w + size, scratch);
  for (size_t k = 0; k < size; k++) most = fmax(most, fabs(w[k] - w[size + k]));
  cr_expect_lt(wmc_layers_imbalance(layers, w, scratch), 1e-13);
  for (int p = 0; p <= layers->depth; p++)
    cr_expect_lt(defect(layers->width[p], layers->rank, wmc_point_frame(&quick, p)), 1e-15);
  free(quick.frames);
  free(point.frames);
  free(step.core);
  free(scratch);
  free(w);
  wmc_layers_destroy(layers);
  return most;
}

/* As geometry_retract's test of real networks: what the quick way misses is of fourth order. */
Test(realform, quick_way_is_of_fourth_order)
{
  const double steps[] = {0.04, 0.01};
  wmc_stream *stream = test_stream(407, 0);
  for (int t = 0; t < test_trials(60); t++) {
    const double h = steps[t % 2], apart = compare_ways(t / 2 % 5, h, stream);
    if (test_verbose()) printf("kind %d: %.1e of %.1e\n", t / 2 % 5, apart, pow(h, 4));
    cr_expect_lt(apart, pow(h, 4), "kind %d, step %g: %g", t / 2 % 5, h, apart);
  }
  wmc_stream_destroy(stream);
}

/* Frames that are off real forms by 1e-3, as a way back may leave them: pairs of unit vectors
 * again, orthogonal to each other, and no further away than they were. */
Test(realform, small_errors_are_dropped)
{
  const double off = 1e-3;
  wmc_stream *stream = test_stream(408, 0);
  for (int kind = 0; kind < 5; kind++) {
    wmc_layers *layers;
    wmc_point point;
    open_complex(kind, &layers, &point, stream);
    const int r = layers->rank;
    double *scratch = scratch_of(layers), *w = calloc(wmc_layers_size(layers), sizeof *w);
    for (int p = 1; p <= layers->depth; p++) {
      const int d = layers->width[p];
      double *frame = wmc_point_frame(&point, p);
      for (int i = 0; i < d && r > 2; i++) { /* columns 0 and 2 turn, 1 and 3 do not */
        const double a = frame[i], b = frame[2 * d + i];
        frame[i] = cos(off) * a - sin(off) * b;
        frame[2 * d + i] = sin(off) * a + cos(off) * b;
      }
    }
    cr_assert(wmc_realform_restore(&point, scratch));
    wmc_point_write(&point, w, scratch);
    cr_expect_lt(wmc_layers_imbalance(layers, w, scratch), 1e-13, "kind %d", kind);
    cr_expect_lt(defect_of_layers(layers, w), 1e-14, "kind %d", kind);
    free(point.frames);
    free(scratch);
    free(w);
    wmc_layers_destroy(layers);
  }
  wmc_stream_destroy(stream);
}

/* A network that is not complex is not taken for one. */
Test(realform, other_networks_are_refused)
{
  wmc_stream *stream = test_stream(404, 0);
  problem p = open_problem(1, "metropolis", 0.5, "isotropic", stream);
  const wmc_upstairs *up = p.chain->upstairs;
  wmc_point_draw_frames(&up->point, stream, up->scratch);
  cr_expect_not(wmc_realform_restore(&up->point, up->scratch));
  close_problem(&p);
  wmc_stream_destroy(stream);
}

/* Balance and complex numbers after many steps of both schemes. */
Test(realform, balance_is_kept_for_a_hundred_thousand_steps)
{
  const int which[] = {4, 0, 3};
  for (int t = 0; t < 6; t++) {
    wmc_stream *stream = test_stream(410 + t, 0);
    problem p =
        open_problem(which[t / 2], t % 2 ? "metropolis" : "euler", 0.001, "isotropic", stream);
    double out[64];
    cr_assert_eq(p.deck.model->advance(p.chain, stream, t == 0 ? 100000 : 5000, true), WMC_OK, "%s",
                 wmc_message());
    p.deck.model->measure(p.chain, out);
    const double imbalance = out[test_observable(&p.deck, "imbalance")];
    const wmc_upstairs *up = p.chain->upstairs;
    wmc_point_write(&up->point, up->w, up->scratch);
    cr_expect_lt(imbalance, 1e-11, "%s: %g", shapes[which[t / 2]].widths, imbalance);
    cr_expect_lt(defect_of_layers(up->layers, up->w), 1e-13);
    close_problem(&p);
    wmc_stream_destroy(stream);
  }
}

/* Energy of the complex product of the layers as they stand. */
static double energy_of(const problem *p, const double *w, double *norm2)
{
  const wmc_upstairs *up = p->chain->upstairs;
  const int m = p->chain->rows, n = p->chain->columns;
  double energy = 0;
  wmc_layers_end_to_end(up->layers, w, up->matrix, up->scratch);
  *norm2 = 0;
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      const double *x = up->matrix + 2 * j * 2 * m + 2 * i;
      const double complex gap = x[0] + I * x[1] - p->re[i * n + j] - I * p->im[i * n + j];
      energy += 0.5 * creal(gap * conj(gap));
      *norm2 += x[0] * x[0] + x[1] * x[1];
    }
  return energy;
}

/* Log density in lambda over the volume form: of neither do the moves know. */
static double log_density(const problem *p, const wmc_point *point, double energy)
{
  double memory[64];
  const int r = p->chain->x.rank;
  const wmc_spectrum s = wmc_spectrum_map(r, point->layers->depth, memory);
  for (int k = 0; k < r; k++) wmc_spectrum_set_lambda(&s, k, point->lambda[2 * k]);
  return wmc_gibbs_log_density(&p->chain->law, &s, energy) -
         wmc_volume_log_manifold(&p->chain->law.shape, &s);
}

/* |P (W' - W)|^2 */
static double tangent_square(const wmc_upstairs *up, const wmc_point *at, const double *from,
                             const double *to, double *v, double *work)
{
  for (size_t k = 0; k < wmc_layers_size(at->layers); k++) v[k] = to[k] - from[k];
  wmc_project(at, v, &up->step, work);
  return wmc_tangent_inner(&up->step, &up->step);
}

static void check_moves(int shape, const char *noise, wmc_stream *stream, int *possible)
{
  problem p = open_problem(shape, "metropolis", 0.5, noise, stream);
  cr_assert_eq(p.deck.model->advance(p.chain, stream, 200, true), WMC_OK, "%s", wmc_message());
  wmc_upstairs *up = p.chain->upstairs;
  const size_t size = wmc_layers_size(up->layers);
  double *w = calloc(3 * size, sizeof *w), *to = w + size, *v = to + size, norm2;
  double *scratch = scratch_of(up->layers);
  for (int k = 0; k < 20; k++) {
    const double length = 0.3 * *up->walk;
    const double ratio = wmc_upstairs_propose(p.chain, stream, length);
    if (!isfinite(ratio)) continue;
    wmc_point_write(&up->point, w, scratch);
    wmc_point_write(&up->proposed, to, scratch);
    cr_expect_lt(defect_of_layers(up->layers, to), 1e-12);
    const double there = tangent_square(up, &up->point, w, to, v, scratch);
    const double back = tangent_square(up, &up->proposed, to, w, v, scratch);
    const double expected = log_density(&p, &up->proposed, energy_of(&p, to, &norm2)) -
                            log_density(&p, &up->point, energy_of(&p, w, &norm2)) +
                            (there - back) / (2 * length * length);
    cr_expect_lt(fabs(ratio - expected), 1e-8 * (1 + there / (length * length)), "%s %s: %g %g",
                 shapes[shape].widths, noise, ratio, expected);
    (*possible)++;
  }
  test_check_sweeps(p.chain);
  free(w);
  free(scratch);
  close_problem(&p);
}

Test(realform, acceptance_against_independent_density)
{
  const char *const noises[] = {"isotropic", "horizontal", "kappa"};
  wmc_stream *stream = test_stream(421, 0);
  int possible = 0;
  for (int t = 0; t < 3 * SHAPES; t++) check_moves(t / 3, noises[t % 3], stream, &possible);
  cr_expect_gt(possible, 20 * SHAPES, "%d moves", possible);
  wmc_stream_destroy(stream);
}

/* The slope in real form against differences of the energy, along complex directions. */
Test(realform, slope_is_the_derivative_of_the_energy)
{
  wmc_stream *stream = test_stream(425, 0);
  for (int t = 0; t < SHAPES; t++) {
    problem p = open_problem(t, "euler", 0.001, "isotropic", stream);
    const int m = p.chain->rows, n = p.chain->columns, entries = m * n;
    double x[4 * MOST * MOST], re[MOST * MOST], im[MOST * MOST];
    wmc_upstairs_slope(p.chain);
    wmc_point_end_to_end(&p.chain->upstairs->point, x, p.chain->upstairs->scratch);
    wmc_realform_read(m, n, x, re, im);
    for (int k = 0; k < 2 * entries; k++) {
      double *entry = k < entries ? re + k : im + k - entries, old = *entry, step = 1e-5, e[2];
      for (int side = 0; side < 2; side++) {
        *entry = old + (side ? step : -step);
        e[side] = wmc_energy_complex_value(&p.chain->energy, re, im);
      }
      *entry = old;
      const int i = k % entries % m, j = k % entries / m;
      const double found = p.chain->upstairs->slope[2 * j * 2 * m + 2 * i + (k >= entries)];
      cr_expect_lt(fabs((e[1] - e[0]) / (2 * step) - found), 1e-8, "%s entry %d", shapes[t].widths,
                   k);
    }
    cr_expect_eq(defect(2 * m, 2 * n, p.chain->upstairs->slope), 0);
    close_problem(&p);
  }
  wmc_stream_destroy(stream);
}

Test(realform, observables_follow_from_the_layers)
{
  for (int t = 0; t < SHAPES; t++) {
    wmc_stream *stream = test_stream(430 + t, 0);
    problem p = open_problem(t, "euler", 0.001, "isotropic", stream);
    const wmc_upstairs *up = p.chain->upstairs;
    double out[64], square;
    cr_assert_eq(p.deck.model->advance(p.chain, stream, 100, false), WMC_OK, "%s", wmc_message());
    p.deck.model->measure(p.chain, out);
    wmc_point_write(&up->point, up->w, up->scratch);
    const double energy = energy_of(&p, up->w, &square),
                 norm2 = wmc_layers_norm2(up->layers, up->w) / 2;
    cr_expect_lt(fabs(out[test_observable(&p.deck, "frobenius2")] - square), 1e-12 * (1 + square));
    cr_expect_lt(fabs(out[test_observable(&p.deck, "energy")] - energy), 1e-12 * (1 + energy));
    cr_expect_lt(fabs(out[test_observable(&p.deck, "parameter_norm2")] - norm2), 1e-12 * norm2);
    close_problem(&p);
    wmc_stream_destroy(stream);
  }
}

Test(realform, chains_continue_exactly)
{
  for (int t = 0; t < 2 * SHAPES; t++) {
    const char *scheme = t % 2 ? "metropolis" : "euler";
    wmc_stream *stream = test_stream(440, 0), *other = test_stream(440, 0);
    problem p = open_problem(t / 2, scheme, 0.002, "isotropic", stream);
    problem q = open_problem(t / 2, scheme, 0.002, "isotropic", other);
    const wmc_model *model = p.deck.model;
    cr_assert_eq(model->advance(p.chain, stream, 70, true), WMC_OK);
    test_continues(model, p.deck.values, p.chain, stream, q.chain, 35, false);
    close_problem(&p);
    close_problem(&q);
    wmc_stream_destroy(stream);
    wmc_stream_destroy(other);
  }
}

Test(realform, networks_off_balance_are_real)
{
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  test_give_number(&p, "width", 2);
  test_give_number(&p, "depth", 3);
  test_give(&p, "field", "complex");
  test_give(&p, "formulation", "parameters");
  test_give(&p, "scheme", "euler");
  test_give(&p, "noise.kind", "vertical");
  test_complaint(&p, NULL, NULL);
  test_give(&p, "initial_imbalance", "0.2");
  test_complaint(&p, "initial_imbalance", "networks off balance are of real numbers");
  test_parameters_close(&p);
}
