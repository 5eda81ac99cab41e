/* Coupled pairs of chains are the chains that they say; plans of multilevel sums; states that are
 * packed and go on. Equations: docs/theory/jacobian.md, section 11. */
#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/models/residual_jacobian_levels.h"
#include "blocks.h"
#include "continues.h"
#include "parameters.h"
#include "support.h"
#include "weylmc/jacobian/coupled.h"
#include "weylmc/numeric/dense.h"

enum { D = 3, SIZE = D * D, LAYERS = 8 };
static const double END = 1;

static wmc_block_options options(int depth, const char *weights)
{
  wmc_block_options o = test_block_options(D, depth, "tanh");
  o.hidden = 4;
  o.weights = wmc_weights_find(weights);
  o.variance = 1.3;
  o.time = 0.7;
  o.inner_variance = 0.4;
  return o;
}

enum { SEED = 20261128 };

typedef double _Complex number;

/* m <- a m. */
static void multiply(const number *a, number *m)
{
  number out[SIZE] = {0};
  for (int j = 0; j < D; j++)
    for (int k = 0; k < D; k++)
      for (int i = 0; i < D; i++) out[j * D + i] += a[k * D + i] * m[j * D + k];
  memcpy(m, out, sizeof out);
}

/* Singular values of the real form ((Re, -Im), (Im, Re)), each of which comes twice. */
static void expect_values(const char *what, const number *m, const double *values)
{
  enum { TWO = 2 * D };
  double real[TWO * TWO], s[TWO], scratch[512];
  for (int j = 0; j < D; j++)
    for (int i = 0; i < D; i++) {
      const number z = m[j * D + i];
      real[j * TWO + i] = real[(j + D) * TWO + i + D] = creal(z);
      real[j * TWO + i + D] = cimag(z);
      real[(j + D) * TWO + i] = -cimag(z);
    }
  cr_assert_leq(wmc_svd_scratch(TWO, TWO), 512);
  wmc_svd_jacobi(TWO, TWO, real, NULL, s, scratch);
  for (int i = 0; i < D; i++)
    cr_expect_float_eq(values[i], log(s[2 * i]), 1e-12, "%s: lambda_%d is %g, of the product %g",
                       what, i + 1, values[i], log(s[2 * i]));
}

/* J = 1 + A, or 1 + A + (A^2 + shift)/2. */
static void layer(const number *a, bool second_order, double shift, number *j)
{
  memcpy(j, a, SIZE * sizeof *j);
  for (int i = 0; i < D; i++) j[i * (D + 1)] += 1 + (second_order ? 0.5 * shift : 0);
  for (int c = 0; second_order && c < D; c++)
    for (int r = 0; r < D; r++)
      for (int k = 0; k < D; k++) j[c * D + r] += 0.5 * a[k * D + r] * a[c * D + k];
}

/* Products of the layers of one mode, by definition. */
typedef struct products {
  int parts;
  number fine[SIZE], swapped[SIZE], coarse[SIZE];
} products;

static void start_products(int parts, products *p)
{
  *p = (products){.parts = parts};
  for (int i = 0; i < D; i++) p->fine[i * (D + 1)] = 1;
  memcpy(p->swapped, p->fine, sizeof p->fine);
  memcpy(p->coarse, p->fine, sizeof p->fine);
}

static void take_layers(products *p, const double *a, const double *b, bool second_order,
                        double shift_s2)
{
  const double shift = p->parts == 1 ? shift_s2 : 0;
  number x[SIZE], y[SIZE], sum[SIZE], j[SIZE], k[SIZE];
  for (int i = 0; i < SIZE; i++) {
    const int at = p->parts * i;
    x[i] = a[at] + (p->parts == 2 ? I * a[at + 1] : 0);
    y[i] = b[at] + (p->parts == 2 ? I * b[at + 1] : 0);
    sum[i] = x[i] + y[i];
  }
  layer(x, second_order, shift, j);
  layer(y, second_order, shift, k);
  multiply(j, p->fine);
  multiply(k, p->fine);
  multiply(k, p->swapped);
  multiply(j, p->swapped);
  layer(sum, second_order, 2 * shift, j);
  multiply(j, p->coarse);
}

/* Numbers of a layer of all modes, drawn as the pair draws them. */
static void draw_noise(const wmc_block_options *o, void *state, wmc_stream *stream, double *out)
{
  if (state) {
    wmc_block_linear.draw(state, stream, out);
    return;
  }
  for (int k = 0; k < wmc_split_modes(&o->split); k++) {
    const size_t parts = (size_t)wmc_split_parts(&o->split, k);
    wmc_stream_normals(stream, parts * SIZE, sqrt(wmc_block_variance(o) / (double)parts), out);
    out += parts * SIZE;
  }
}

static void expect_products(const wmc_coupled *c, const products *p, int mode, bool second_order)
{
  const size_t last = wmc_coupled_members(c) - 1, at = (size_t)(mode * D);
  expect_values("fine", p->fine, wmc_coupled_values(c, 0) + at);
  if (second_order) expect_values("swapped", p->swapped, wmc_coupled_values(c, 1) + at);
  expect_values("coarse", p->coarse, wmc_coupled_values(c, last) + at);
}

/* The same random numbers, multiplied here: fine, with the pair swapped, coarse. */
static void check_pair(bool second_order, double shift, wmc_split split)
{
  enum { MOST_MODES = 4, MOST_REALS = 6 };
  wmc_coupled *c;
  wmc_coupled_options o = {.block = second_order ? NULL : &wmc_block_linear,
                           .layers = options(LAYERS, "gaussian"),
                           .shift = shift,
                           .paired = true};
  o.layers.split = split;
  products p[MOST_MODES];
  double a[MOST_REALS * SIZE], b[MOST_REALS * SIZE];
  void *state = NULL;
  wmc_stream *stream = test_stream(SEED, 1), *again = test_stream(SEED, 1);
  cr_assert(wmc_split_modes(&split) <= MOST_MODES && wmc_split_reals(&split) <= MOST_REALS);
  cr_assert_eq(wmc_coupled_create(&c, &o, 1, &END), WMC_OK);
  cr_assert(wmc_coupled_draw(c, stream));
  if (!second_order) cr_assert_eq(wmc_block_linear.create(&o.layers, &state), WMC_OK);
  if (!second_order && wmc_split_is_trivial(&split))
    wmc_stream_normals(again, D, 1, a); /* direction of the input */
  for (int k = 0; k < wmc_split_modes(&split); k++)
    start_products(wmc_split_parts(&split, k), &p[k]);
  for (int l = 0; l < LAYERS / 2; l++) {
    draw_noise(&o.layers, state, again, a);
    draw_noise(&o.layers, state, again, b);
    for (int k = 0, first = 0; k < wmc_split_modes(&split); first += p[k++].parts * SIZE)
      take_layers(&p[k], a + first, b + first, second_order, shift * wmc_block_variance(&o.layers));
  }
  for (int k = 0; k < wmc_split_modes(&split); k++) expect_products(c, &p[k], k, second_order);
  double weights = 0;
  for (size_t m = 0; m < wmc_coupled_members(c); m++) weights += wmc_coupled_weight(c, m);
  cr_expect_eq(weights, 0);
  cr_expect_eq(wmc_coupled_members(c), second_order ? 3 : 2);
  if (state) wmc_block_linear.destroy(state);
  wmc_coupled_destroy(c);
  wmc_stream_destroy(stream);
  wmc_stream_destroy(again);
}

Test(levels, pairs_are_products_of_the_same_noise)
{
  static const wmc_split splits[] = {{0}, {.is_complex = true}, {.group = 5}, {.group = 6}};
  for (size_t k = 0; k < sizeof splits / sizeof *splits; k++) {
    check_pair(false, 0, splits[k]);
    check_pair(true, -1, splits[k]);
    check_pair(true, 0, splits[k]);
  }
}

/* ---- steps of the pair (M, x) ------------------------------------------------------------------
 */

enum {
  STEP_NORMALS = D + SIZE,
  STEP_SIGNS = D * (D - 1) / 2 + SIZE + D + 1,
  STEP = STEP_NORMALS + STEP_SIGNS
};

/* The numbers of pair.h with V, G' and the order of the other sign, and the same probe. */
static void reverse(const double *numbers, double *out)
{
  const int probe = STEP - 1 - D;
  for (int k = 0; k < STEP; k++)
    out[k] = k < STEP_NORMALS || (k >= probe && k < STEP - 1) ? numbers[k] : -numbers[k];
}

typedef struct walker {
  double x[D];
  number m[SIZE];
} walker;

static void step(const wmc_block *block, void *state, const double *numbers, walker *w)
{
  double jacobian[SIZE];
  number j[SIZE];
  block->forward(state, numbers, w->x, jacobian);
  for (int i = 0; i < SIZE; i++) j[i] = jacobian[i];
  multiply(j, w->m);
}

/* Two fine steps a, b, also reversed and in the other order; one coarse step of their sum, also
 * reversed. */
Test(levels, pairs_of_steps_have_reversed_partners)
{
  const wmc_block *block = wmc_pair_block(&wmc_block_one_layer);
  wmc_coupled *c;
  const wmc_coupled_options o = {
      .block = block, .layers = options(LAYERS, "gaussian"), .paired = true};
  wmc_block_options coarse = o.layers;
  coarse.depth /= 2;
  wmc_stream *stream = test_stream(SEED, 6), *again = test_stream(SEED, 6);
  double a[STEP], b[STEP], sum[STEP], other[STEP], norm = 0;
  void *fine_state, *coarse_state;
  walker w[4] = {0};
  static const char *const names[] = {"fine", "fine, reversed", "coarse", "coarse, reversed"};
  static const double weights[] = {0.5, 0.5, -0.5, -0.5};
  cr_assert_eq(wmc_coupled_create(&c, &o, 1, &END), WMC_OK);
  cr_assert_eq(wmc_coupled_members(c), 4);
  cr_assert(wmc_coupled_draw(c, stream));
  cr_assert_eq(block->create(&o.layers, &fine_state), WMC_OK);
  cr_assert_eq(block->create(&coarse, &coarse_state), WMC_OK);
  cr_assert_eq(block->parameters(fine_state), STEP);
  wmc_stream_normals(again, D, 1, a); /* directions of the block's own input, and of this one */
  wmc_stream_normals(again, D, 1, w[0].x);
  for (int i = 0; i < D; i++) norm += w[0].x[i] * w[0].x[i];
  for (int i = 0; i < D; i++) w[0].x[i] *= sqrt(D / norm);
  for (int i = 0; i < D; i++) w[0].m[i * (D + 1)] = 1;
  for (int k = 1; k < 4; k++) w[k] = w[0];
  for (int l = 0; l < LAYERS / 2; l++) {
    block->draw(fine_state, again, a);
    block->draw(fine_state, again, b);
    for (int i = 0; i < STEP; i++) sum[i] = i < STEP_NORMALS ? (a[i] + b[i]) / sqrt(2) : a[i];
    step(block, fine_state, a, &w[0]);
    step(block, fine_state, b, &w[0]);
    step(block, coarse_state, sum, &w[2]);
    reverse(b, other);
    step(block, fine_state, other, &w[1]);
    reverse(a, other);
    step(block, fine_state, other, &w[1]);
    reverse(sum, other);
    step(block, coarse_state, other, &w[3]);
  }
  for (size_t k = 0; k < 4; k++) {
    expect_values(names[k], w[k].m, wmc_coupled_values(c, k));
    cr_expect_eq(wmc_coupled_weight(c, k), weights[k]);
  }
  block->destroy(fine_state);
  block->destroy(coarse_state);
  wmc_coupled_destroy(c);
  wmc_stream_destroy(stream);
  wmc_stream_destroy(again);
}

/* Coarse matrices in units of their own scale are (a + b)/2^h of fine ones in units of theirs. */
static void check_join(const wmc_block *block, const char *weights, double h, const double *fine,
                       const double *coarse)
{
  const wmc_block_options of = options(LAYERS, weights), oc = options(LAYERS / 2, weights);
  void *f, *c;
  cr_assert_eq(block->create(&of, &f), WMC_OK);
  cr_assert_eq(block->create(&oc, &c), WMC_OK);
  const size_t n = block->parameters(f), half = fine[1] > 0 ? n / 2 : n;
  double a[64], b[64], out[64];
  cr_assert_leq(n, 64);
  for (size_t k = 0; k < n; k++) {
    a[k] = sin(1.0 + (double)k);
    b[k] = cos(3.0 * (double)k);
  }
  block->join(f, c, a, b, out);
  for (size_t k = 0; k < n; k++) {
    const double ratio = coarse[k >= half] / fine[k >= half];
    cr_expect_float_eq(out[k], ratio * (a[k] + b[k]) / pow(2, h), 1e-14, "%s %zu", block->name, k);
  }
  block->destroy(f);
  block->destroy(c);
}

Test(levels, coarse_weights_have_their_scale)
{
  const wmc_block_options f = options(LAYERS, "gaussian"), c = options(LAYERS / 2, "gaussian");
  const double sf = sqrt(f.variance * f.time / f.depth), sc = sqrt(c.variance * c.time / c.depth);
  const double inner = sqrt(f.inner_variance);
  check_join(&wmc_block_linear, "gaussian", 0.5, (double[]){sf, 0}, (double[]){sc, 0});
  check_join(&wmc_block_one_layer, "gaussian", 0.5, (double[]){sf, 0}, (double[]){sc, 0});
  check_join(&wmc_block_exponential, "gaussian", 0.5, (double[]){sf, 0}, (double[]){sc, 0});
  check_join(&wmc_block_outer, "gaussian", 0.5, (double[]){inner, 0}, (double[]){inner, 0});
  check_join(&wmc_block_two_layer, "gaussian", 0.5, (double[]){inner, sf}, (double[]){inner, sc});
  check_join(&wmc_block_linear, "fractional", 0.75, (double[]){pow(1.0 / LAYERS, 0.75), 0},
             (double[]){pow(2.0 / LAYERS, 0.75), 0});
}

/* ---- plans ----------------------------------------------------------------------------------- */

/* Variance times work of a plan, from its definition. */
static double product(const wmc_level_plan *plan, const wmc_level_pilot *of)
{
  double variance = 0, work = 0;
  for (int l = (int)plan->first; l <= (int)plan->last; l++) {
    bool alone = l == (int)plan->first;
    double v = alone ? of->single : plan->variance[l];
    double c = alone ? of->work_single[l] : of->work_pair[l];
    variance += plan->weight[l] * plan->weight[l] * v / plan->samples[l];
    work += plan->samples[l] * c;
  }
  return variance * work;
}

/* No other first level and no other numbers of samples do better, up to rounding of samples. */
Test(levels, samples_are_shared_in_the_best_way)
{
  enum { FIVE = 5 };
  wmc_stream *s = test_stream(SEED, 2);
  int coupled = 0;
  for (int t = 0; t < test_trials(2000); t++) {
    wmc_level_pilot of = {.single = 1};
    wmc_level_plan plan = {.last = FIVE - 1};
    const double rate = 0.5 + 1.5 * wmc_stream_uniform(s), start = wmc_stream_uniform(s);
    for (int l = 0; l < FIVE; l++) {
      of.work_single[l] = ldexp(1, l) * (1 + wmc_stream_uniform(s));
      of.work_pair[l] = 1.6 * of.work_single[l];
      plan.weight[l] = l == FIVE - 1 && t % 2 ? 2 : 1;
      plan.variance[l] = start * pow(2, -rate * l) * (1 + wmc_stream_uniform(s));
    }
    const wmc_level_plan asked = plan; /* sharing clears the weights of what it leaves out */
    wmc_levels_share(&plan, &of, (size_t)(t % 2));
    const double mine = product(&plan, &of);
    coupled += plan.coupling == WMC_COUPLING_PAIRS;
    cr_expect_eq(plan.samples[FIVE - 1] >= 1, 1);
    for (int first = 0; first < FIVE - t % 2; first++) {
      wmc_level_plan other = asked;
      other.first = first;
      for (int l = first; l < FIVE; l++) other.samples[l] = exp(3 * wmc_stream_normal(s));
      cr_expect_geq(product(&other, &of), mine * 0.75);
      other = plan;
      if (first >= (int)plan.first) other.samples[first] *= 2.5;
      cr_expect_geq(product(&other, &of), mine * 0.75);
    }
  }
  cr_expect(coupled > 0);
  wmc_stream_destroy(s);
}

static test_parameters network(const char *depth, const char *kind)
{
  test_parameters p = test_parameters_open(wmc_model_find("residual_jacobian"));
  const char *const absent[] = {"slope", "hurst", "modes"};
  for (size_t k = 0; k < 3; k++) test_take(&p, absent[k]);
  test_give(&p, "width", "3");
  test_give(&p, "depth", depth);
  test_give(&p, "multilevel.kind", kind);
  test_give(&p, "multilevel.coarsest", "4");
  test_give(&p, "multilevel.finest", "64");
  return p;
}

/* E(L) = 1 + b/L + c/L^2 + e/L^3. */
typedef struct series {
  double b, c, e;
} series;

static double at_depth(const series *s, double depth)
{
  return 1 + (s->b + (s->c + s->e / depth) / depth) / depth;
}

/* A pilot that knows these means to `error`; variances of pairs fall by `ratio` from level to
 * level. */
static wmc_level_pilot pilot_of(const test_parameters *p, const series *s, double error,
                                double ratio)
{
  const size_t count = wmc_levels_count(p->values);
  wmc_level_pilot t = {.levels = count < 5 ? count : 5, .draws = 100, .single = 1};
  for (size_t l = 0; l < count; l++) {
    const int depth = wmc_levels_depth(p->values, l);
    t.mean[l] = at_depth(s, depth) - (l > 0 ? at_depth(s, depth / 2) : 0);
    t.error[l] = error;
    t.variance[l] = l > 0 ? 0.1 * pow(ratio, (double)l) : 1;
    t.work_single[l] = depth;
    t.work_pair[l] = 2 * depth;
  }
  return t;
}

/* What the plan's sum is off by, and what its estimate of that is, where levels have these means.
 */
static void biases_of(const test_parameters *p, const wmc_level_plan *plan, const series *s,
                      double *off, double *estimate)
{
  *off = -1;
  *estimate = 0;
  for (size_t l = 0; l < wmc_levels_count(p->values); l++) {
    const int depth = wmc_levels_depth(p->values, l);
    const bool paired = plan->coupling == WMC_COUPLING_PAIRS && (double)l > plan->first;
    const double mean = at_depth(s, depth) - (paired ? at_depth(s, depth / 2) : 0);
    *off += plan->weight[l] * mean;
    *estimate += plan->bias[l] * mean;
  }
}

static wmc_level_plan expect_bias(const test_parameters *p, const char *what, const series *s,
                                  double error, double ratio, wmc_coupling coupling)
{
  const wmc_level_pilot t = pilot_of(p, s, error, ratio);
  wmc_level_plan plan;
  double off, estimate;
  wmc_levels_make_plan(p->values, &t, &plan);
  biases_of(p, &plan, s, &off, &estimate);
  cr_expect_eq(plan.coupling, (double)coupling, "%s: coupling %g", what, plan.coupling);
  cr_expect_float_eq(estimate, off, 1e-12, "%s: off by %g, estimated %g", what, off, estimate);
  if (error < 1e-6)
    cr_expect(plan.promise >= fabs(off) * (1 - 1e-6), "%s: promised %g, off by %g", what,
              plan.promise, off);
  return plan;
}

/* What a sum is off by is known exactly where the expansion ends where it is thought to end: after
 * 1/L^2 for pairs, 1/L^3 for four depths. Pilots that see a bias that is small enough promise it.
 */
Test(levels, plans_know_their_bias)
{
  test_parameters p = network("inf", "limit");
  const series square = {.b = 0.7, .c = -3}, cube = {.b = 0.7, .c = -3, .e = 5}, none = {.b = 0.7};
  test_give(&p, "multilevel.finest", "1024");
  wmc_level_plan plan = expect_bias(&p, "pairs", &square, 1e-9, 0.3, WMC_COUPLING_PAIRS);
  cr_expect_eq(plan.last, 5, "finest level %g", plan.last); /* 2 * 3/64^2 > 1e-3 > 2 * 3/128^2 */
  cr_expect_leq(plan.promise, 1e-3);
  plan = expect_bias(&p, "four depths", &cube, 1e-9, 1, WMC_COUPLING_INDEPENDENT);
  cr_expect_leq(plan.promise, 1e-3);
  plan = expect_bias(&p, "four of the coarsest depths", &none, 1e-9, 1, WMC_COUPLING_INDEPENDENT);
  cr_expect_eq(plan.first, 0);
  test_give(&p, "multilevel.finest", "32");
  plan = expect_bias(&p, "too coarse", &square, 1e-9, 0.3, WMC_COUPLING_INDEPENDENT);
  plan = expect_bias(&p, "not known", &square, 1, 0.3, WMC_COUPLING_PAIRS);
  cr_expect_gt(plan.promise, 1e-3);
  test_give(&p, "multilevel.finest", "1024");
  test_give(&p, "block", "one_layer");
  test_give(&p, "activation", "tanh");
  cr_expect(wmc_levels_steps(p.values));
  expect_bias(&p, "steps", &square, 1e-9, 0.3, WMC_COUPLING_PAIRS);
  test_parameters_close(&p);
}

/* One measurement, in memory of the caller. */
static double *draw_once(const test_parameters *p, void **chain, wmc_stream *stream)
{
  double *out = calloc(wmc_model_measurement_size(p->model, p->values), sizeof *out);
  cr_assert_eq(p->model->create(p->values, chain), WMC_OK, "%s", wmc_message());
  p->model->start(*chain, stream);
  cr_assert_eq(p->model->advance(*chain, stream, 1, false), WMC_OK, "%s", wmc_message());
  p->model->measure(*chain, out);
  return out;
}

/* Two-layer blocks: coupling does not help, the program says so and extrapolates four depths with
 * weights that leave E + b/L + c/L^2 at E. */
Test(levels, two_layer_blocks_fall_back_to_independent_depths)
{
  test_parameters p = network("inf", "depth");
  wmc_stream *s = test_stream(SEED, 3);
  void *chain;
  test_give(&p, "block", "two_layer");
  test_give(&p, "activation", "tanh");
  double *out = draw_once(&p, &chain, s), sums[3] = {0};
  int used = 0;
  cr_expect_eq(out[test_observable(&p, "coupling")], WMC_COUPLING_INDEPENDENT);
  for (size_t l = 0; l < wmc_levels_count(p.values); l++) {
    double w = out[test_observable(&p, "level_weight") + l], h = 1.0 / (4 << l);
    used += out[test_observable(&p, "level_samples") + l] > 0;
    sums[0] += w;
    sums[1] += w * h;
    sums[2] += w * h * h;
  }
  cr_expect_eq(used, WMC_LEVELS_FITTED);
  cr_expect_float_eq(sums[0], 1, 1e-12);
  cr_expect_float_eq(sums[1], 0, 1e-12);
  cr_expect_float_eq(sums[2], 0, 1e-12);
  p.model->destroy(chain);
  free(out);
  wmc_stream_destroy(s);
  test_parameters_close(&p);
}

/* ---- states ---------------------------------------------------------------------------------- */

/* A chain made anew and unpacked draws what the old one draws, without another pilot. */
static void check_state(const test_parameters *p)
{
  const wmc_model *model = p->model;
  const size_t n = wmc_model_measurement_size(model, p->values);
  void *chain, *again;
  wmc_stream *s = test_stream(SEED, 4);
  double *out = draw_once(p, &chain, s), *other = calloc(n, sizeof *other);
  cr_assert_eq(model->create(p->values, &again), WMC_OK);
  const size_t size = model->state_size(chain);
  cr_assert_eq(size, model->state_size(again));
  double *state = malloc(size * sizeof *state);
  model->pack(chain, state);
  model->unpack(again, state);
  model->measure(again, other);
  cr_expect_arr_eq(out, other, n * sizeof *out, "the last draw");
  test_continues(model, p->values, chain, s, again, 1, false);
  model->destroy(chain);
  model->destroy(again);
  wmc_stream_destroy(s);
  free(out);
  free(other);
  free(state);
}

Test(levels, states_continue)
{
  test_parameters p = network("inf", "limit");
  check_state(&p);
  test_give(&p, "field", "complex");
  check_state(&p);
  test_give(&p, "field", "real");
  test_give(&p, "group", "4");
  check_state(&p);
  test_give(&p, "group", "1");
  test_give(&p, "block", "one_layer");
  test_give(&p, "activation", "tanh");
  check_state(&p);
  test_parameters_close(&p);
  p = network("64", "depth");
  check_state(&p);
  test_give(&p, "control", "yes");
  check_state(&p);
  test_give(&p, "multilevel.kind", "none");
  test_give(&p, "control", "yes");
  check_state(&p);
  test_give(&p, "depth", "inf");
  check_state(&p);
  test_parameters_close(&p);
}
