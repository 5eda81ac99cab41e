/* Complex layers against complex arithmetic, and layers that commute with a cyclic group against
 * their block-circulant matrices. */
#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "blocks.h"
#include "parameters.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/numeric/dense.h"

static const double PI = 3.14159265358979323846;

enum { D = 4, HIDDEN = 6, ORDER = 7, LAYERS = 5 };

enum { SEED = 20261125 };

static wmc_block_options options_of(int width, const char *law, wmc_split split)
{
  wmc_block_options o = test_block_options(width, LAYERS, "linear");
  o.hidden = HIDDEN;
  o.weights = wmc_weights_find(law);
  o.hurst = 0.7;
  o.modes = 2;
  o.variance = 0.8;
  o.time = 0.5;
  o.inner_variance = 0.4;
  o.input_norm2 = 3;
  o.split = split;
  return o;
}

static const wmc_block *const blocks[] = {&wmc_block_linear, &wmc_block_two_layer,
                                          &wmc_block_exponential, &wmc_block_rotation,
                                          &wmc_block_plain};
enum { BLOCKS = sizeof blocks / sizeof *blocks };

/* ---- complex matrices ----------------------------------------------------------------------- */

static void multiply(int m, int k, int n, const double complex *a, const double complex *b,
                     double complex *c)
{
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      c[j * m + i] = 0;
      for (int l = 0; l < k; l++) c[j * m + i] += a[l * m + i] * b[j * k + l];
    }
}

static void add_identity(int d, double complex *a)
{
  for (int i = 0; i < d; i++) a[i * (d + 1)] += 1;
}

static void series(int d, const double complex *a, double complex *sum)
{
  double complex term[D * D] = {0}, next[D * D];
  add_identity(d, term);
  memcpy(sum, term, sizeof term);
  for (int k = 1; k < 60; k++) {
    multiply(d, d, d, term, a, next);
    for (int i = 0; i < d * d; i++) {
      term[i] = next[i] / k;
      sum[i] += term[i];
    }
  }
}

/* The Jacobian of a layer whose weights are given, as block.h says. */
static void by_definition(const wmc_block *block, int d, const double complex *w,
                          double complex *jacobian)
{
  double complex generator[D * D];
  if (block == &wmc_block_two_layer) {
    multiply(d, HIDDEN, d, w + d * HIDDEN, w, jacobian);
    add_identity(d, jacobian);
    return;
  }
  memcpy(jacobian, w, (size_t)(d * d) * sizeof *w);
  if (block == &wmc_block_linear) add_identity(d, jacobian);
  if (block == &wmc_block_plain || block == &wmc_block_linear) return;
  for (int j = 0; j < d; j++)
    for (int i = 0; i < d; i++)
      generator[j * d + i] = block == &wmc_block_exponential
                                 ? w[j * d + i]
                                 : (w[j * d + i] - conj(w[i * d + j])) * sqrt(0.5);
  series(d, generator, jacobian);
}

Test(jacobian_split, complex_jacobians_by_definition)
{
  wmc_stream *stream = test_stream(SEED, 1);
  for (int k = 0; k < BLOCKS; k++)
    for (int d = 1; d <= D; d++)
      for (double size = 1e-3; size < 1; size *= 3) {
        const wmc_block_options o = options_of(d, "gaussian", (wmc_split){.is_complex = true});
        double complex w[2 * D * HIDDEN], x[D], y[D], image[D], j[D * D], exact[D * D];
        void *state;
        cr_assert_eq(blocks[k]->create(&o, &state), WMC_OK);
        const size_t numbers = blocks[k]->parameters(state);
        cr_assert_eq(numbers, (size_t)(k == 1 ? 4 * d * HIDDEN : 2 * d * d));
        wmc_stream_normals(stream, numbers, size, (double *)w);
        wmc_stream_normals(stream, 2 * D, 1, (double *)x);
        memcpy(y, x, sizeof x);
        blocks[k]->forward(state, (double *)w, (double *)y, (double *)j);
        by_definition(blocks[k], d, w, exact);
        multiply(d, d, 1, exact, x, image);
        for (int i = 0; i < d * d; i++)
          cr_expect_lt(cabs(j[i] - exact[i]), 1e-13, "%s d=%d size=%g", blocks[k]->name, d, size);
        for (int i = 0; i < d; i++)
          cr_expect_lt(cabs(y[i] - image[i]), 1e-13, "%s d=%d size=%g", blocks[k]->name, d, size);
        blocks[k]->destroy(state);
      }
  wmc_stream_destroy(stream);
}

/* A unitary layer leaves all products unitary. */
Test(jacobian_split, unitary_layers)
{
  const struct {
    const wmc_block *block;
    const char *law;
    double variance;
  } cases[] = {{&wmc_block_rotation, "gaussian", 3},
               {&wmc_block_rotation, "rademacher", 3},
               {&wmc_block_plain, "orthogonal", 1.0 / D}};
  const wmc_split splits[] = {{.is_complex = true}, {.group = 5}, {.group = 6}};
  const double end = 1;
  wmc_stream *stream = test_stream(SEED, 2);
  for (int k = 0; k < 3; k++)
    for (int s = 0; s < 3; s++) {
      wmc_block_options o = options_of(D, cases[k].law, splits[s]);
      wmc_network *network;
      o.variance = cases[k].variance;
      o.depth = 50;
      cr_assert_eq(wmc_network_create(&network, cases[k].block, &o, 1, &end), WMC_OK);
      for (int draw = 0; draw < 3; draw++) {
        cr_assert(wmc_network_draw(network, stream));
        for (int i = 0; i < D * wmc_split_modes(&o.split); i++)
          cr_expect_lt(fabs(wmc_network_values(network)[i]), 1e-13, "case %d split %d", k, s);
        for (int i = 0; i < wmc_split_modes(&o.split); i++)
          cr_expect_lt(fabs(wmc_network_growth(network)[i]), 1e-13, "case %d split %d", k, s);
      }
      wmc_network_destroy(network);
    }
  wmc_stream_destroy(stream);
}

/* ---- block-circulant matrices --------------------------------------------------------------- */

/* Tap j of a layer, rows x columns, from its modes: the inverse transform by definition. */
static void tap_of(const wmc_split *split, int entries, const double *modes, int j, double *tap)
{
  const int n = split->group;
  memset(tap, 0, (size_t)entries * sizeof *tap);
  for (int k = 0; k < wmc_split_modes(split); k++) {
    const int parts = wmc_split_parts(split, k);
    const double complex wave = cexp(2 * PI * I * j * k / n) / n;
    for (int i = 0; i < entries; i++) {
      double complex w = modes[parts * i] + (parts == 2 ? I * modes[parts * i + 1] : 0);
      tap[i] += wmc_split_repeats(split, k) * creal(w * wave);
    }
    modes += parts * entries;
  }
}

/* The nc x nc matrix whose block (a, b) is tap (a - b) mod n. */
static void circulant(const wmc_split *split, int c, const double *modes, double *out)
{
  double tap[D * D];
  const int n = split->group, size = n * c;
  for (int j = 0; j < n; j++) {
    tap_of(split, c * c, modes, j, tap);
    for (int b = 0; b < n; b++)
      for (int q = 0; q < c; q++)
        memcpy(out + (b * c + q) * size + (b + j) % n * c, tap + q * c, (size_t)c * sizeof *tap);
  }
}

static void real_product(int d, const double *a, double *b)
{
  static double c[ORDER * D * ORDER * D];
  for (int j = 0; j < d; j++)
    for (int i = 0; i < d; i++) {
      c[j * d + i] = 0;
      for (int l = 0; l < d; l++) c[j * d + i] += a[l * d + i] * b[j * d + l];
    }
  memcpy(b, c, (size_t)(d * d) * sizeof *c);
}

static int decreasing(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

/* Log-singular values of the whole product, and log|M e_1|. */
static void whole(const wmc_block_options *o, const double *jacobians, double *values,
                  double *growth)
{
  static double m[ORDER * D * ORDER * D], layer[ORDER * D * ORDER * D];
  const int size = o->split.group * o->width;
  const size_t reals = (size_t)(wmc_split_reals(&o->split) * o->width * o->width);
  double norm2 = 0;
  circulant(&o->split, o->width, jacobians, m);
  for (int l = 1; l < LAYERS; l++) {
    circulant(&o->split, o->width, jacobians + (size_t)l * reals, layer);
    real_product(size, layer, m);
  }
  for (int i = 0; i < size; i++) norm2 += m[i] * m[i];
  *growth = 0.5 * log(norm2);
  double *scratch = WMC_ARRAY(double, wmc_svd_scratch(size, size));
  wmc_svd_jacobi(size, size, m, NULL, values, scratch);
  for (int i = 0; i < size; i++) values[i] = log(values[i]);
  wmc_free(scratch);
}

/* The same from the modes of a network. */
static void from_modes(const wmc_block_options *o, wmc_network *network, double *values,
                       double *growth)
{
  int count = 0;
  double norm2 = 0;
  for (int k = 0; k < wmc_split_modes(&o->split); k++) {
    const int repeats = wmc_split_repeats(&o->split, k);
    for (int i = 0; i < repeats * o->width; i++)
      values[count++] = wmc_network_values(network)[k * o->width + i / repeats];
    norm2 += repeats * exp(2 * wmc_network_growth(network)[k]) / o->split.group;
  }
  cr_assert_eq(count, o->split.group * o->width);
  qsort(values, (size_t)count, sizeof *values, decreasing);
  *growth = 0.5 * log(norm2);
}

static void compare(const wmc_block *block, const wmc_block_options *o, long id)
{
  const double end = 1;
  double jacobians[LAYERS * ORDER * D * D], expected[ORDER * D], found[ORDER * D], growth[2];
  wmc_stream *stream = test_stream(SEED, id), *again = test_stream(SEED, id);
  wmc_network *network;
  void *state;
  cr_assert_eq(wmc_network_create(&network, block, o, 1, &end), WMC_OK);
  cr_assert_eq(block->create(o, &state), WMC_OK);
  for (int draw = 0; draw < 2; draw++) {
    block->start(state, again);
    block->layers(state, again, LAYERS, jacobians);
    whole(o, jacobians, expected, &growth[0]);
    cr_assert(wmc_network_draw(network, stream));
    from_modes(o, network, found, &growth[1]);
    for (int i = 0; i < o->split.group * o->width; i++)
      cr_expect_lt(fabs(found[i] - expected[i]), 1e-12 * (1 + exp(expected[0] - expected[i])),
                   "%s %s n=%d c=%d: %g, not %g", block->name, o->weights->name, o->split.group,
                   o->width, found[i], expected[i]);
    cr_expect_lt(fabs(growth[1] - growth[0]), 1e-12, "%s growth", block->name);
  }
  block->destroy(state);
  wmc_network_destroy(network);
  wmc_stream_destroy(stream);
  wmc_stream_destroy(again);
}

Test(jacobian_split, modes_are_the_whole_matrix)
{
  for (int k = 0; k < BLOCKS; k++)
    for (const wmc_weights *law = wmc_weight_laws; law->name; law++)
      for (int n = 2; n <= ORDER; n++)
        for (int c = 1; c <= D; c += n % 3 + 1) {
          /* sums of signs may vanish */
          if (blocks[k] == &wmc_block_plain && strcmp(law->name, "rademacher") == 0) continue;
          wmc_block_options o = options_of(c, law->name, (wmc_split){.group = n});
          compare(blocks[k], &o, 100 * n + c);
        }
}

/* Taps of signs are signs; the entries of a Haar matrix's taps are real by construction, and every
 * mode has orthonormal columns. */
Test(jacobian_split, taps_have_their_law)
{
  enum { ROWS = 3, COLUMNS = 2, ENTRIES = ROWS * COLUMNS };
  wmc_stream *stream = test_stream(SEED, 3);
  for (int n = 2; n <= ORDER; n++) {
    double modes[LAYERS * ORDER * ENTRIES], tap[ENTRIES];
    wmc_source_options o = {.law = wmc_weights_find("rademacher"),
                            .rows = ROWS,
                            .columns = COLUMNS,
                            .depth = LAYERS,
                            .scale = 0.7,
                            .split = {.group = n}};
    wmc_source *source;
    cr_assert_eq(wmc_source_create(&source, &o), WMC_OK);
    wmc_source_start(source, stream);
    wmc_source_layers(source, stream, LAYERS, modes);
    for (int l = 0; l < LAYERS; l++)
      for (int j = 0; j < n; j++) {
        tap_of(&o.split, ENTRIES, modes + l * n * ENTRIES, j, tap);
        for (int i = 0; i < ENTRIES; i++)
          cr_expect_lt(fabs(fabs(tap[i]) - 0.7 / sqrt(n)), 1e-15, "n=%d", n);
      }
    wmc_source_destroy(source);
  }
  wmc_stream_destroy(stream);
}

Test(jacobian_split, haar_matrices_are_unitary)
{
  wmc_stream *stream = test_stream(SEED, 4);
  for (int rows = 1; rows <= D; rows++)
    for (int columns = 1; columns <= D; columns++) {
      const int n = rows < columns ? rows : columns, m = rows > columns ? rows : columns;
      double complex w[D * D];
      wmc_source_options o = {.law = wmc_weights_find("orthogonal"),
                              .rows = (size_t)rows,
                              .columns = (size_t)columns,
                              .depth = 1,
                              .scale = 1 / sqrt(m),
                              .split = {.is_complex = true}};
      wmc_source *source;
      cr_assert_eq(wmc_source_create(&source, &o), WMC_OK);
      wmc_source_layers(source, stream, 1, (double *)w);
      for (int a = 0; a < n; a++)
        for (int b = 0; b < n; b++) {
          double complex dot = 0;
          for (int i = 0; i < m; i++)
            dot += rows == m ? conj(w[a * rows + i]) * w[b * rows + i]
                             : w[i * rows + a] * conj(w[i * rows + b]);
          cr_expect_lt(cabs(dot - (a == b)), 1e-14, "%d x %d", rows, columns);
        }
      if (m > 1) cr_expect_gt(fabs(cimag(w[0])), 1e-4, "complex indeed");
      wmc_source_destroy(source);
    }
  wmc_stream_destroy(stream);
}

/* Dropout keeps or drops a number as a whole. */
Test(jacobian_split, complex_dropout)
{
  wmc_block_options o = options_of(D, "gaussian", (wmc_split){.is_complex = true});
  wmc_stream *stream = test_stream(SEED, 5);
  double complex jacobians[LAYERS * D * D];
  int dropped = 0;
  void *state;
  o.drop = 0.4;
  cr_assert_eq(wmc_block_linear.create(&o, &state), WMC_OK);
  wmc_block_linear.start(state, stream);
  wmc_block_linear.layers(state, stream, LAYERS, (double *)jacobians);
  for (int l = 0; l < LAYERS; l++)
    for (int i = 0; i < D; i++) {
      int zeros = 0;
      for (int j = 0; j < D; j++) {
        double complex entry = jacobians[(l * D + j) * D + i] - (i == j);
        zeros += entry == 0;
        cr_expect_eq(creal(entry) == 0, cimag(entry) == 0);
      }
      cr_expect(zeros == 0 || zeros == D);
      dropped += zeros == D;
    }
  cr_expect(dropped > 0 && dropped < LAYERS * D);
  wmc_block_linear.destroy(state);
  wmc_stream_destroy(stream);
}

/* ---- the model ------------------------------------------------------------------------------ */

static double ratio_within(int channels, const double *levels)
{
  double sum = 0;
  for (int i = 0; i + 2 < channels; i++) {
    double a = levels[i] - levels[i + 1], b = levels[i + 1] - levels[i + 2];
    sum += fmin(a, b) / fmax(a, b) / (channels - 2);
  }
  return sum;
}

static double at(const test_parameters *p, const double *out, const char *name, size_t k)
{
  return out[test_observable(p, name) + k];
}

/* One measurement: the whole spectrum from that of the modes, by definition. */
static void expect_whole(const test_parameters *p, int n, int c, size_t records, const double *out)
{
  const wmc_split split = {.group = n};
  const int modes = wmc_split_modes(&split);
  for (size_t r = 0; r < records; r++) {
    double all[ORDER * D], sum = 0, trace = 0, ratio = 0;
    int count = 0;
    for (int k = 0; k < modes; k++) {
      double levels[D];
      for (int i = 0; i < c; i++)
        levels[i] = at(p, out, "mode_log_singular_values",
                       (r * (size_t)modes + (size_t)k) * (size_t)c + (size_t)i);
      for (int i = 0; i < c * wmc_split_repeats(&split, k); i++) {
        all[count++] = levels[i % c];
        sum += levels[i % c];
        trace += exp(2 * levels[i % c]);
      }
      ratio += ratio_within(c, levels) / modes;
    }
    qsort(all, (size_t)count, sizeof *all, decreasing);
    cr_assert_eq(count, n * c);
    for (int i = 0; i < count; i++)
      cr_expect_eq(at(p, out, "log_singular_values", r * (size_t)count + (size_t)i), all[i]);
    cr_expect_float_eq(at(p, out, "log_singular_values_sum", r), sum, 1e-13);
    cr_expect_float_eq(at(p, out, "trace_metric", r) / trace, 1, 1e-13);
    if (c > 2) cr_expect_float_eq(at(p, out, "gap_ratio", r), ratio, 1e-13);
  }
}

Test(jacobian_split, observables_of_all_modes)
{
  const char *const depths[] = {"12", "inf"};
  const double records[] = {0.5, 1};
  wmc_stream *stream = test_stream(SEED, 6);
  for (int n = 2; n <= ORDER; n++)
    for (int deep = 0; deep < 2; deep++) {
      const int c = 2 + n % 3;
      test_parameters p = test_parameters_open(wmc_model_find("residual_jacobian"));
      test_give_number(&p, "width", c);
      test_give_number(&p, "group", n);
      test_give(&p, "depth", depths[deep]);
      test_give_matrix(&p, "record", 1, 2, records);
      const size_t size = wmc_model_measurement_size(p.model, p.values);
      double *out = WMC_ARRAY(double, size), *again = WMC_ARRAY(double, size);
      void *chain, *copy;
      cr_assert_eq(p.model->create(p.values, &chain), WMC_OK);
      cr_assert_eq(p.model->create(p.values, &copy), WMC_OK);
      for (int draw = 0; draw < 3; draw++) {
        cr_assert_eq(p.model->advance(chain, stream, 1, false), WMC_OK);
        p.model->measure(chain, out);
        expect_whole(&p, n, c, 2, out);
        double *packed = WMC_ARRAY(double, p.model->state_size(chain));
        p.model->pack(chain, packed);
        p.model->unpack(copy, packed);
        p.model->measure(copy, again);
        cr_expect_arr_eq(out, again, size * sizeof *out, "a packed chain measures the same");
        wmc_free(packed);
      }
      p.model->destroy(chain);
      p.model->destroy(copy);
      wmc_free(out);
      wmc_free(again);
      test_parameters_close(&p);
    }
  wmc_stream_destroy(stream);
}
