/* Chains in extended precision: ranks and angles against double precision, and columns and scales
 * that are hard, against long mantissas. */
#include <criterion/criterion.h>
#include <math.h>

#include "chains.h"
#include "mantissas.h"

enum { SEED = 20261121 };

/* A layer that keeps `rank` components. */
static void multiply_mask(wmc_qdt *qdt, const test_chain *c, int rank)
{
  double mask[2 * TEST_WIDEST * TEST_WIDEST] = {0};
  for (int i = 0; i < rank; i++) mask[c->parts * i * (c->d + 1)] = 1;
  wmc_qdt_multiply(qdt, 1, mask);
  wmc_qdt_limit_rank(qdt, rank);
}

/* Values, growth and angle of the same layers in both precisions, with ranks that shrink. */
static void compare_precisions(const test_chain *c, int lost)
{
  double values[2][TEST_WIDEST], growth[2], sine[2];
  for (int extend = 0; extend < 2; extend++) {
    wmc_qdt *qdt = test_qdt_of(c->d, c->parts, 10, extend);
    test_each_layer(c, test_multiply, qdt);
    for (int rank = c->d - 1; rank >= c->d - lost; rank--) {
      const test_chain more = test_chain_of(c->d, 30, c->parts, 0.1 * c->d, c->id + rank);
      multiply_mask(qdt, c, rank);
      test_each_layer(&more, test_multiply, qdt);
    }
    cr_assert(wmc_qdt_values(qdt, values[extend], &growth[extend]));
    sine[extend] = wmc_qdt_log_sine(qdt);
    wmc_qdt_destroy(qdt);
  }
  for (int i = 0; i < c->d; i++)
    if (i < c->d - lost)
      cr_expect_lt(fabs(values[0][i] - values[1][i]), 1e-11, "%d of %d", i, c->d);
    else
      cr_expect(values[1][i] == -INFINITY);
  if (lost < c->d) cr_expect_lt(fabs(growth[0] - growth[1]), 1e-12);
  if (lost < c->d - 1) cr_expect_lt(fabs(sine[0] - sine[1]), 1e-12, "%g %g", sine[0], sine[1]);
  if (lost == c->d - 1) cr_expect_eq(sine[1], -INFINITY);
}

Test(jacobian_qdt, ranks_and_angles_in_extended_precision)
{
  for (int parts = 1; parts <= 2; parts++)
    for (int d = 2; d <= 10; d += 4)
      for (int lost = 0; lost < d; lost++) {
        const test_chain c = test_chain_of(d, 200, parts, 5 * d, 300 + 10 * d);
        compare_precisions(&c, lost);
      }
}

/* The reflection that takes e_1 to epsilon v_1 + v_2, from right singular vectors v of a chain. */
static void reflection(const test_chain *c, double epsilon, double *out)
{
  double v[TEST_WIDEST * TEST_WIDEST], values[TEST_WIDEST], u[TEST_WIDEST], growth, square = 0;
  wmc_qdt *qdt = test_qdt_of(c->d, 1, 10, true);
  test_each_layer(c, test_multiply, qdt);
  cr_assert(wmc_qdt_vectors(qdt, values, &growth, NULL, v));
  wmc_qdt_destroy(qdt);
  for (int i = 0; i < c->d; i++) {
    u[i] = (i == 0 ? 1 : 0) - epsilon * v[i] - v[c->d + i];
    square += u[i] * u[i];
  }
  for (int j = 0; j < c->d; j++)
    for (int i = 0; i < c->d; i++) out[j * c->d + i] = (i == j) - 2 * u[i] * u[j] / square;
}

/* M e_1 nearly misses what M lets grow most: T_12 is of order 1/epsilon, and its rounding matters
 * as much. */
Test(jacobian_qdt, extended_columns_in_special_position)
{
  const test_chain c = test_chain_of(6, 600, 1, 60, 500);
  double first[TEST_WIDEST * TEST_WIDEST], exact[TEST_WIDEST], values[TEST_WIDEST], growth, other;
  for (double epsilon = 1e-3; epsilon > 1e-13; epsilon *= 1e-3) {
    reflection(&c, epsilon, first);
    mpf_set_default_prec(600);
    mp_matrix p = mp_identity(c.d, 1);
    mp_multiply(&p, 1, first);
    test_each_layer(&c, mp_multiply, &p);
    mp_finish(&p, exact, &growth);
    wmc_qdt *qdt = test_qdt_of(c.d, 1, wmc_qdt_layers(c.d, c.s * c.s), true);
    wmc_qdt_multiply(qdt, 1, first);
    test_each_layer(&c, test_multiply, qdt);
    cr_assert(wmc_qdt_values(qdt, values, &other));
    const double defect = test_largest_difference(c.d, values, exact);
    cr_expect_lt(defect, 1e-13, "epsilon %g: %.2g", epsilon, defect);
    cr_expect_lt(fabs(growth - other), 1e-13, "epsilon %g: %.2g", epsilon, growth - other);
    wmc_qdt_destroy(qdt);
  }
}

/* Layers whose products leave the range of doubles after two, and between factorisations. */
Test(jacobian_qdt, extended_products_of_any_scale)
{
  const double scales[] = {1e-200, 1e-30, 1, 1e30, 1e200};
  const test_chain c = test_chain_of(6, 64, 1, 20, 400);
  double expected[TEST_WIDEST], values[TEST_WIDEST], growth, scaled;
  wmc_stream *stream = test_stream(SEED, c.id);
  double *layers = test_layers(stream, c.d, 1, c.depth, c.s);
  for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
    wmc_qdt *qdt = test_qdt_of(c.d, 1, 100, true);
    for (int l = 0; l < c.depth * c.d * c.d; l++) layers[l] *= scales[k];
    wmc_qdt_multiply(qdt, (size_t)c.depth, layers);
    cr_assert(wmc_qdt_values(qdt, values, &scaled));
    for (int l = 0; l < c.depth * c.d * c.d; l++) layers[l] /= scales[k];
    test_spectrum_of(&c, 100, true, expected, &growth);
    const double shift = c.depth * log(scales[k]);
    for (int i = 0; i < c.d; i++)
      cr_expect_lt(fabs(values[i] - expected[i] - shift), 1e-13 * (1 + fabs(shift)));
    cr_expect_lt(fabs(scaled - growth - shift), 1e-13 * (1 + fabs(shift)));
    wmc_qdt_destroy(qdt);
  }
  wmc_free(layers);
  wmc_stream_destroy(stream);
}
