/* Networks against plain products. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "blocks.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"

enum { SEED = 20261123 };

static wmc_block_options options_of(int width, int depth)
{
  wmc_block_options o = test_block_options(width, depth, "tanh");
  o.hidden = width + 1;
  o.variance = 1.0 / width;
  return o;
}

/* Log-singular values of the plain product of the first `layers` Jacobians. */
static void plain(const wmc_block *block, const wmc_block_options *o, int layers,
                  wmc_stream *stream, double *values, double *growth)
{
  enum { ENTRIES = 2048 };
  int d = o->width;
  size_t size = (size_t)(d * d);
  double jacobians[ENTRIES], m[64], next[64], s[8], norm2 = 0;
  void *state;
  cr_assert_leq(size * (size_t)o->depth, ENTRIES);
  cr_assert_eq(block->create(o, &state), WMC_OK);
  block->start(state, stream);
  block->layers(state, stream, (size_t)o->depth, jacobians);
  memcpy(m, jacobians, size * sizeof *m);
  for (int l = 1; l < layers; l++) {
    const double *j = jacobians + (size_t)l * size;
    for (int b = 0; b < d; b++)
      for (int a = 0; a < d; a++) {
        next[b * d + a] = 0;
        for (int k = 0; k < d; k++) next[b * d + a] += j[k * d + a] * m[b * d + k];
      }
    memcpy(m, next, sizeof m);
  }
  for (int i = 0; i < d; i++) norm2 += m[i] * m[i];
  *growth = 0.5 * log(norm2);
  double *scratch = WMC_ARRAY(double, wmc_svd_scratch(d, d));
  wmc_svd_jacobi(d, d, m, NULL, s, scratch);
  for (int i = 0; i < d; i++) values[i] = log(s[i]);
  wmc_free(scratch);
  block->destroy(state);
}

Test(jacobian_network, is_the_product_of_its_layers)
{
  const double end[] = {1};
  for (const wmc_block *const *block = wmc_blocks; *block; block++)
    for (int d = 1; d <= 8; d++) {
      wmc_block_options o = options_of(d, 20);
      wmc_network *network;
      wmc_stream *stream = test_stream(SEED, d), *again = test_stream(SEED, d);
      double values[8], growth;
      cr_assert_eq(wmc_network_create(&network, *block, &o, 1, end), WMC_OK);
      for (int draw = 0; draw < 5; draw++) {
        cr_assert(wmc_network_draw(network, stream));
        plain(*block, &o, o.depth, again, values, &growth);
        for (int i = 0; i < d; i++) {
          /* the plain product forgets small singular values */
          double forgotten = 1e-14 * exp(values[0] - values[i]);
          cr_expect_lt(fabs(wmc_network_values(network)[i] - values[i]), 1e-13 + forgotten,
                       "%s d=%d i=%d", (*block)->name, d, i);
        }
        cr_expect_lt(fabs(wmc_network_growth(network)[0] - growth), 1e-13);
      }
      wmc_network_destroy(network);
      wmc_stream_destroy(stream);
      wmc_stream_destroy(again);
    }
}

/* exp of log g is M^T M, with M a plain product of the same layers. */
Test(jacobian_network, logarithm_of_the_metric)
{
  enum { DIM = 4, LAYERS = 20, SIZE = DIM * DIM };
  const double end[] = {1};
  for (int scale = 0; scale < 2; scale++) { /* unfactored, factored */
    wmc_block_options o = options_of(DIM, LAYERS);
    o.time = scale ? 3 : 1;
    wmc_network *network;
    wmc_stream *stream = test_stream(SEED, 5), *again = test_stream(SEED, 5);
    cr_assert_eq(wmc_network_create(&network, &wmc_block_linear, &o, 1, end), WMC_OK);
    cr_assert_eq(wmc_network_follow_logarithm(network), WMC_OK);
    cr_assert(wmc_network_draw(network, stream));
    double jacobians[LAYERS * SIZE], m[SIZE], next[SIZE], vectors[SIZE], values[DIM];
    void *state;
    cr_assert_eq(wmc_block_linear.create(&o, &state), WMC_OK);
    wmc_block_linear.start(state, again);
    wmc_block_linear.layers(state, again, LAYERS, jacobians);
    wmc_block_linear.destroy(state);
    memcpy(m, jacobians, sizeof m);
    for (int l = 1; l < LAYERS; l++) {
      for (int i = 0; i < SIZE; i++) {
        next[i] = 0;
        for (int k = 0; k < DIM; k++)
          next[i] += jacobians[l * SIZE + k * DIM + i % DIM] * m[i / DIM * DIM + k];
      }
      memcpy(m, next, sizeof m);
    }
    memcpy(vectors, wmc_network_logarithm(network), sizeof vectors);
    cr_assert_eq(wmc_symmetric_eigen(DIM, vectors, values), WMC_OK);
    for (int i = 0; i < DIM; i++)
      for (int j = 0; j < DIM; j++) {
        double g = 0, found = 0;
        for (int k = 0; k < DIM; k++) {
          g += m[i * DIM + k] * m[j * DIM + k];
          found += exp(values[k]) * vectors[k * DIM + i] * vectors[k * DIM + j];
        }
        cr_expect_lt(fabs(found - g), 1e-12 * exp(values[DIM - 1]), "%d %d", i, j);
      }
    wmc_network_destroy(network);
    wmc_stream_destroy(stream);
    wmc_stream_destroy(again);
  }
}

Test(jacobian_network, layers_of_records)
{
  cr_expect_eq(wmc_network_record_layer(0.25, 64), 16);
  cr_expect_eq(wmc_network_record_layer(1, 7), 7);
  cr_expect_eq(wmc_network_record_layer(1e-6, 7), 1);
  cr_expect_eq(wmc_network_record_layer(0.5, 5), 3);
  cr_expect_eq(wmc_network_record_layer(1.0 / 3, 9), 3);
}

/* A network recorded at layer l of L is one of l layers and as much less time. Signs, one bit an
 * entry, make both use the same deviates; the widths are powers of two so that calls end at whole
 * words. */
Test(jacobian_network, records_are_shorter_networks)
{
  const double fractions[] = {0.25, 0.75, 1};
  for (int d = 8; d <= 16; d *= 2) {
    wmc_block_options o = options_of(d, 64);
    o.weights = wmc_weights_find("rademacher");
    o.time = 12;
    wmc_network *whole, *part;
    cr_assert_eq(wmc_network_create(&whole, &wmc_block_linear, &o, 3, fractions), WMC_OK);
    wmc_stream *stream = test_stream(SEED, d);
    cr_assert(wmc_network_draw(whole, stream));
    wmc_stream_destroy(stream);
    for (int k = 0; k < 3; k++) {
      const double end[] = {1};
      wmc_block_options shorter = o;
      shorter.depth = wmc_network_record_layer(fractions[k], o.depth);
      shorter.time = o.time * shorter.depth / o.depth;
      cr_assert_eq(wmc_network_create(&part, &wmc_block_linear, &shorter, 1, end), WMC_OK);
      stream = test_stream(SEED, d);
      cr_assert(wmc_network_draw(part, stream));
      for (int i = 0; i < d; i++)
        cr_expect_lt(fabs(wmc_network_values(part)[i] - wmc_network_values(whole)[k * d + i]),
                     2e-12, "d=%d record %d value %d", d, k, i);
      wmc_stream_destroy(stream);
      wmc_network_destroy(part);
    }
    wmc_network_destroy(whole);
  }
}

Test(jacobian_network, singular_products_are_an_error)
{
  /* width 1, s = 1, sign weights: J is 0 or 2 */
  const double end[] = {1};
  wmc_block_options o = options_of(1, 64);
  o.weights = wmc_weights_find("rademacher");
  o.time = 64;
  wmc_network *network;
  wmc_stream *stream = test_stream(SEED, 1);
  cr_assert_eq(wmc_network_create(&network, &wmc_block_linear, &o, 1, end), WMC_OK);
  cr_expect_not(wmc_network_draw(network, stream));
  cr_expect_not_null(strstr(wmc_message(), "singular"));
  wmc_network_destroy(network);
  wmc_stream_destroy(stream);
}

/* ---- memory ------------------------------------------------------------------------------ */

/* Bytes that the C library has given out. */
static size_t allocated(void)
{
  const struct mallinfo2 use = mallinfo2();
  return use.uordblks + use.hblkhd;
}

/* Independent weights: O(d^2) a chain whatever the depth, before and after a draw. Some 20
 * matrices (36 in extended precision), and batches of layers of 16 kB. */
static void check_memory(wmc_precision precision)
{
  const double end[] = {1};
  const int widths[] = {2, 8, 64}, depths[] = {1000, 10000, 100000};
  for (int w = 0; w < 3; w++)
    for (const wmc_block *const *block = wmc_blocks; *block; block++) {
      size_t first = 0;
      for (int l = 0; l < 3; l++) {
        if (l == 2 && widths[w] > 8) continue;
        wmc_block_options o = options_of(widths[w], depths[l]);
        o.precision = precision;
        if (*block == &wmc_block_plain) o.weights = wmc_weights_find("orthogonal");
        wmc_stream *stream = test_stream(SEED, w);
        wmc_network *network;
        size_t before = allocated();
        cr_assert_eq(wmc_network_create(&network, *block, &o, 1, end), WMC_OK);
        const size_t created = allocated() - before;
        const bool draws = l == 0 || *block == &wmc_block_linear;
        if (draws && widths[w] < 64) cr_assert(wmc_network_draw(network, stream));
        const size_t drawn = allocated() - before, size = (size_t)(widths[w] * widths[w]);
        cr_expect_leq(drawn, created + 4096, "%s", (*block)->name);
        const size_t matrices = precision == WMC_PRECISION_EXTENDED ? 56 : 40;
        cr_expect_leq(created, 8 * matrices * size + 100000, "%s d=%d: %zu bytes", (*block)->name,
                      widths[w], created);
        if (l == 0) first = created;
        cr_expect_leq(created, first + 2048, "%s d=%d L=%d: %zu bytes, %zu at L=1000",
                      (*block)->name, widths[w], depths[l], created, first);
        if (test_verbose())
          printf("%s d=%d L=%d: %zu bytes, %zu after a draw\n", (*block)->name, widths[w],
                 depths[l], created, drawn);
        wmc_network_destroy(network);
        wmc_stream_destroy(stream);
      }
    }
}

Test(jacobian_network, memory_does_not_grow_with_depth)
{
  check_memory(WMC_PRECISION_DOUBLE);
  check_memory(WMC_PRECISION_EXTENDED);
}

/* ---- rank loss --------------------------------------------------------------------------- */

/* A plain relu network followed by hand: the rank is the least number of active units of any layer,
 * and the singular values that remain are those of the product, whose layers are few. */
Test(jacobian_network, masks_take_rank)
{
  enum { DIM = 6, DEPTH = 5 };
  const double fractions[] = {0.4, 1};
  wmc_block_options o = options_of(DIM, DEPTH);
  o.activation = wmc_activation_find("relu");
  o.variance = 2.0 / DIM;
  wmc_network *network;
  cr_assert_eq(wmc_network_create(&network, &wmc_block_plain, &o, 2, fractions), WMC_OK);
  int seen[DIM + 1] = {0};
  for (long id = 0; id < 400; id++) {
    wmc_stream *stream = test_stream(SEED, id), *again = test_stream(SEED, id);
    double jacobians[DEPTH * DIM * DIM], values[DIM], growth;
    void *state;
    cr_assert(wmc_network_draw(network, stream));
    cr_assert_eq(wmc_block_plain.create(&o, &state), WMC_OK);
    wmc_block_plain.start(state, again);
    wmc_block_plain.layers(state, again, DEPTH, jacobians);
    wmc_block_plain.destroy(state);
    wmc_stream_destroy(again);
    int rank = DIM;
    for (int l = 0; l < DEPTH; l++) {
      int active = 0;
      for (int i = 0; i < DIM; i++) active += jacobians[(l * DIM + 1) * DIM + i] != 0;
      if (active < rank) rank = active;
      if (l != 1 && l != DEPTH - 1) continue;
      const double *found = wmc_network_values(network) + (l == 1 ? 0 : DIM);
      again = test_stream(SEED, id);
      plain(&wmc_block_plain, &o, l + 1, again, values, &growth);
      wmc_stream_destroy(again);
      for (int i = 0; i < DIM; i++) {
        if (i >= rank) cr_expect_eq(found[i], -INFINITY, "network %ld, layer %d", id, l);
        if (i >= rank && rank > 0) cr_expect_lt(values[i], values[0] - 25);
        if (i < rank)
          cr_expect_float_eq(found[i], values[i], 1e-14 * exp(values[0] - values[i]) + 1e-12);
      }
      double mine = wmc_network_growth(network)[l == 1 ? 0 : 1];
      cr_expect(rank > 0 ? fabs(mine - growth) < 1e-12 : mine == -INFINITY);
    }
    seen[rank]++;
    wmc_stream_destroy(stream);
  }
  for (int rank = 0; rank < 4; rank++) cr_expect_gt(seen[rank], 0, "no network of rank %d", rank);
  wmc_network_destroy(network);
}

/* What remains keeps its digits at spreads where the rest would have been lost in rounding: a
 * rotation before the first layer changes all factors, and no singular value. */
Test(jacobian_network, remaining_values_are_accurate_at_any_depth)
{
  enum { DIM = 16, DEPTH = 150, SIZE = DIM * DIM };
  wmc_block_options o = options_of(DIM, DEPTH);
  o.activation = wmc_activation_find("relu");
  o.variance = 2.0 / DIM;
  wmc_qdt *qdt;
  void *state;
  double *jacobians = WMC_ARRAY(double, DEPTH *SIZE), rotation[SIZE], values[2][DIM], growth;
  wmc_source *source;
  wmc_stream *stream = test_stream(SEED, 3);
  cr_assert_eq(wmc_block_plain.create(&o, &state), WMC_OK);
  cr_assert_eq(wmc_qdt_create(&qdt, DIM, 1), WMC_OK);
  wmc_source_options turn = {wmc_weights_find("orthogonal"), DIM, DIM, 1, 0.25, 0, 0};
  cr_assert_eq(wmc_source_create(&source, &turn), WMC_OK);
  int wide = 0;
  for (int draw = 0; draw < 50; draw++) {
    wmc_block_plain.start(state, stream);
    wmc_block_plain.layers(state, stream, DEPTH, jacobians);
    wmc_source_layers(source, stream, 1, rotation);
    for (int turned = 0; turned < 2; turned++) {
      wmc_qdt_start(qdt);
      if (turned) wmc_qdt_multiply(qdt, 1, rotation);
      wmc_qdt_multiply(qdt, DEPTH, jacobians);
      wmc_qdt_limit_rank(qdt, wmc_block_plain.rank(state));
      cr_assert(wmc_qdt_values(qdt, values[turned], &growth));
    }
    int rank = wmc_block_plain.rank(state);
    for (int i = 0; i < rank; i++) cr_expect_float_eq(values[0][i], values[1][i], 1e-11);
    for (int i = rank; i < DIM; i++) cr_expect_eq(values[0][i], -INFINITY);
    wide += rank > 0 && values[0][0] - values[0][rank - 1] > 25;
  }
  cr_expect_gt(wide, 5, "%d wide spectra", wide);
  wmc_source_destroy(source);
  wmc_block_plain.destroy(state);
  wmc_qdt_destroy(qdt);
  wmc_stream_destroy(stream);
  wmc_free(jacobians);
}

/* Orthogonal layers: every singular value is 1 at any depth. */
Test(jacobian_network, orthogonal_products_have_no_spread)
{
  const double end[] = {1};
  const wmc_block *const blocks[] = {&wmc_block_rotation, &wmc_block_plain};
  for (int k = 0; k < 2; k++) {
    wmc_block_options o = options_of(8, 2000);
    o.variance = k ? 1.0 / 8 : 1;
    o.time = 10;
    o.activation = wmc_activation_find("linear");
    o.weights = wmc_weights_find(k ? "orthogonal" : "gaussian");
    wmc_network *network;
    wmc_stream *stream = test_stream(SEED, k);
    cr_assert_eq(wmc_network_create(&network, blocks[k], &o, 1, end), WMC_OK);
    cr_assert(wmc_network_draw(network, stream));
    for (int i = 0; i < 8; i++)
      cr_expect_lt(fabs(wmc_network_values(network)[i]), 1e-12, "%s", blocks[k]->name);
    wmc_network_destroy(network);
    wmc_stream_destroy(stream);
  }
}

/* Smooth weights: the same random functions at twice the depth; the limit is approached like 1/L.
 */
Test(jacobian_network, smooth_weights_have_a_limit_for_each_network)
{
  const double end[] = {1};
  const wmc_block *const blocks[] = {&wmc_block_linear, &wmc_block_one_layer, &wmc_block_two_layer};
  for (int k = 0; k < 3; k++) {
    double values[4][4];
    for (int level = 0; level < 4; level++) {
      wmc_block_options o = options_of(4, 100 << level);
      o.weights = wmc_weights_find("smooth");
      o.modes = 2;
      wmc_network *network;
      wmc_stream *stream = test_stream(SEED, k);
      cr_assert_eq(wmc_network_create(&network, blocks[k], &o, 1, end), WMC_OK);
      cr_assert(wmc_network_draw(network, stream));
      memcpy(values[level], wmc_network_values(network), sizeof values[level]);
      wmc_network_destroy(network);
      wmc_stream_destroy(stream);
    }
    for (int i = 0; i < 4; i++) {
      double ratio = (values[2][i] - values[1][i]) / (values[3][i] - values[2][i]);
      cr_expect_lt(fabs(ratio - 2), 0.1, "%s: differences have the ratio %g", blocks[k]->name,
                   ratio);
    }
  }
}

/* The same of networks: see angles_of_short_times in chamber.c. */
Test(jacobian_network, angles_of_thin_layers)
{
  const double end[] = {1}, times[] = {1e-6, 1e-20};
  for (int d = 2; d <= 5; d++) {
    double sine[2];
    for (int k = 0; k < 2; k++) {
      wmc_block_options o = test_block_options(d, 4, "linear");
      wmc_network *network;
      wmc_stream *stream = test_stream(SEED, 60 + d);
      o.time = times[k];
      cr_assert_eq(wmc_network_create(&network, &wmc_block_linear, &o, 1, end), WMC_OK);
      cr_assert(wmc_network_draw(network, stream));
      sine[k] = *wmc_network_log_sine(network) / times[k];
      wmc_network_destroy(network);
      wmc_stream_destroy(stream);
    }
    cr_expect_lt(sine[0], 0);
    cr_expect_lt(fabs(sine[1] / sine[0] - 1), 0.02, "d %d: %g, %g", d, sine[0], sine[1]);
  }
}
