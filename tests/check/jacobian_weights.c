/* Laws of the weights whose entries are not independent, against their definitions. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "streams.h"
#include "support.h"
#include "weylmc/jacobian/weights.h"

enum { MOST = 4096 };

enum { SEED = 20261125 };

static wmc_source *source_of(const char *law, size_t rows, size_t columns, int depth, int modes)
{
  wmc_source *source;
  wmc_source_options options = {wmc_weights_find(law), rows, columns, depth, 1.5, 0.8, modes};
  cr_assert_eq(wmc_source_create(&source, &options), WMC_OK);
  return source;
}

/* The shorter side is orthonormal up to scale sqrt(longer). */
Test(jacobian_weights, orthogonal_matrices)
{
  const size_t shapes[][2] = {{1, 1}, {4, 4}, {7, 3}, {3, 7}, {1, 6}};
  for (size_t k = 0; k < 5; k++) {
    size_t m = shapes[k][0], n = shapes[k][1], inner = m > n ? m : n, outer = m > n ? n : m;
    double w[2 * MOST / 64];
    wmc_source *source = source_of("orthogonal", m, n, 3, 0);
    wmc_stream *stream = test_stream(SEED, (long)k);
    wmc_source_start(source, stream);
    wmc_source_layers(source, stream, 2, w);
    cr_expect_neq(w[0], w[m * n], "fresh in every layer");
    for (size_t a = 0; a < outer; a++)
      for (size_t b = 0; b < outer; b++) {
        double sum = 0;
        for (size_t i = 0; i < inner; i++)
          sum += m > n ? w[a * m + i] * w[b * m + i] : w[i * m + a] * w[i * m + b];
        cr_expect_float_eq(sum, a == b ? 2.25 * (double)inner : 0, 1e-13, "%zu x %zu", m, n);
      }
    wmc_source_destroy(source);
    wmc_stream_destroy(stream);
  }
}

/* The same coefficients make the same function whatever the depth: the values at l/8 and 2l/16
 * agree. Its single modes are checked by tests/statistical/jacobian_weights.c. */
Test(jacobian_weights, smooth_functions_of_the_depth)
{
  enum { SIZE = 6 };
  double coarse[8 * SIZE], fine[16 * SIZE], wide[16 * SIZE];
  wmc_source *a = source_of("smooth", 2, 3, 8, 4), *b = source_of("smooth", 2, 3, 16, 4);
  wmc_source *c = source_of("smooth", 2, 3, 16, 0);
  for (long id = 0; id < 3; id++) {
    wmc_stream *one = test_stream(SEED, id), *two = test_stream(SEED, id);
    wmc_source_start(a, one);
    wmc_source_layers(a, one, 3, coarse);
    wmc_source_layers(a, one, 5, coarse + 3 * SIZE);
    wmc_source_start(b, two);
    wmc_source_layers(b, two, 16, fine);
    for (int l = 0; l < 8; l++)
      for (int i = 0; i < SIZE; i++)
        cr_expect_float_eq(coarse[l * SIZE + i], fine[(2 * l + 1) * SIZE + i], 1e-14);
    wmc_source_start(c, one);
    wmc_source_layers(c, one, 16, wide);
    for (int i = SIZE; i < 16 * SIZE; i++)
      cr_expect_eq(wide[i], wide[i % SIZE], "one mode is a constant");
    wmc_stream_destroy(one);
    wmc_stream_destroy(two);
  }
  wmc_source_destroy(a);
  wmc_source_destroy(b);
  wmc_source_destroy(c);
}

/* Handing layers out one by one or together is the same, and a new start is a new network. */
Test(jacobian_weights, layers_come_in_any_portions)
{
  enum { SIZE = 6, DEPTH = 11 };
  for (const wmc_weights *law = wmc_weight_laws; law->name; law++) {
    double whole[DEPTH * SIZE], parts[DEPTH * SIZE];
    wmc_source *a = source_of(law->name, 2, 3, DEPTH, 2), *b = source_of(law->name, 2, 3, DEPTH, 2);
    wmc_stream *one = test_stream(SEED, 7), *two = test_stream(SEED, 7);
    wmc_source_start(a, one);
    wmc_source_start(b, two);
    wmc_source_layers(a, one, DEPTH, whole);
    for (int l = 0; l < DEPTH; l++) wmc_source_layers(b, two, 1, parts + l * SIZE);
    cr_expect_arr_eq(whole, parts, sizeof whole, "%s", law->name);
    wmc_source_start(b, two);
    wmc_source_layers(b, two, DEPTH, parts);
    if (law != wmc_weights_find("rademacher")) cr_expect_neq(whole[0], parts[0], "%s", law->name);
    wmc_source_destroy(a);
    wmc_source_destroy(b);
    wmc_stream_destroy(one);
    wmc_stream_destroy(two);
  }
}

Test(jacobian_weights, memory_is_stated)
{
  cr_expect_eq(wmc_weights_memory(wmc_weights_find("fractional"), 100, 50, 3), 8 * 5000);
  cr_expect_eq(wmc_weights_memory(wmc_weights_find("smooth"), 100, 50, 3), 8 * 700);
  cr_expect_eq(wmc_weights_memory(wmc_weights_find("gaussian"), 100, 50, 3), 8 * 100);
}
