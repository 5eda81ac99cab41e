/* Tridiagonal systems along a chain of matrices: the solution against the rows that define it. */
#include "weylmc/numeric/chain.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "streams.h"
#include "support.h"
#include "weylmc/numeric/random.h"

enum { R = 13, ROWS = 9 };

Test(chain, solution_satisfies_its_rows)
{
  static double y[ROWS][R * R], x[ROWS][R * R], ratio[ROWS][R * R], zeros[R * R];
  double u[ROWS][R], l[ROWS + 1][R], m[ROWS + 1][R];
  wmc_stream *stream = test_stream(17, 0);
  for (int r = 1; r <= R; r++) {
    const size_t n = (size_t)(r * r);
    for (int p = 0; p <= ROWS; p++)
      for (int i = 0; i < r; i++) {
        l[p][i] = wmc_stream_uniform(stream);
        m[p][i] = wmc_stream_uniform(stream);
        if (p < ROWS) u[p][i] = 2 + wmc_stream_uniform(stream);
      }
    for (int p = 0; p < ROWS; p++) {
      wmc_stream_normals(stream, n, 1, y[p]);
      memcpy(x[p], y[p], sizeof y[p]);
      const wmc_chain_row row = {u[p], l[p], m[p], l[p + 1], m[p + 1]};
      wmc_chain_eliminate(r, &row, p > 0 ? ratio[p - 1] : zeros, p > 0 ? x[p - 1] : zeros, ratio[p],
                          x[p]);
    }
    for (int p = ROWS - 2; p >= 0; p--) wmc_chain_substitute(n, ratio[p], x[p + 1], x[p]);
    for (int p = 0; p < ROWS; p++)
      for (int k = 0; k < r * r; k++) {
        const int i = k % r, j = k / r;
        double left = (u[p][i] + u[p][j]) * x[p][k];
        if (p > 0) left -= (l[p][i] * m[p][j] + l[p][j] * m[p][i]) * x[p - 1][k];
        if (p + 1 < ROWS)
          left -= (l[p + 1][i] * m[p + 1][j] + l[p + 1][j] * m[p + 1][i]) * x[p + 1][k];
        cr_expect_lt(fabs(left - y[p][k]), 1e-13 * (1 + fabs(y[p][k])), "r=%d", r);
      }
  }
  wmc_stream_destroy(stream);
}

/* --- Way back to balance ---------------------------------------------------------------------- */

enum { SIDE = 17, LAYERS = 12, CORE = (SIDE * SIDE + 7) / 8 * 8 };

/* c = a b, or a^T b */
static void multiply(int r, bool turned, const double *a, const double *b, double *c)
{
  for (int j = 0; j < r; j++)
    for (int i = 0; i < r; i++) {
      long double sum = 0;
      for (int l = 0; l < r; l++)
        sum += (long double)a[turned ? l + i * r : i + l * r] * b[l + j * r];
      c[i + j * r] = (double)sum;
    }
}

typedef struct way_back {
  double orthogonal, product; /* largest |R^T R - 1| and change of M_n .. M_1 */
} way_back;

/* Of lambda; where they are equal the diagonal of the noise is zero. */
typedef enum distance { APART, NEARLY_EQUAL, EQUAL } distance;

/* From lambda + noise of size h. */
static way_back go_back(wmc_stream *stream, int r, int n, double h, distance between)
{
  static double m[LAYERS * CORE], rotations[(LAYERS + 1) * CORE], x[CORE], y[CORE], z[CORE];
  const size_t core = (size_t)(r * r + 7) / 8 * 8;
  double *scratch = calloc(wmc_chain_balance_scratch(r, n, core), sizeof *scratch), lambda[SIDE],
         start[SIDE];
  wmc_product *product;
  way_back found = {0};
  long products = 0;
  cr_assert_eq(wmc_product_create(&product, r, r, r), WMC_OK);
  wmc_stream_normals(stream, (size_t)n * core, h, m);
  const double slopes[] = {0.8, 1e-3, 0};
  for (int k = 0; k < r; k++) lambda[k] = start[k] = 1.2 - slopes[between] * k / r;
  for (int k = 0; between == EQUAL && k < n * r; k++)
    m[(size_t)(k / r) * core + (size_t)(k % r * (r + 1))] = 0;
  const wmc_chain chain = {r, n, core, product, true};
  cr_assert(wmc_chain_balance(&chain, m, lambda, rotations, NULL, &products, scratch), "r=%d n=%d",
            r, n);
  for (int p = 0; p <= n; p++) {
    multiply(r, true, rotations + (size_t)p * core, rotations + (size_t)p * core, x);
    for (int k = 0; k < r * r; k++)
      found.orthogonal = fmax(found.orthogonal, fabs(x[k] - (k % (r + 1) == 0)));
  }
  for (int p = 0; p < n; p++)
    for (int k = 0; k < r; k++) m[(size_t)p * core + (size_t)(k * (r + 1))] += start[k];
  memcpy(x, m, sizeof x);
  for (int p = 1; p < n; p++) {
    multiply(r, false, m + (size_t)p * core, x, y);
    memcpy(x, y, sizeof x);
  }
  /* R_n^T X R_0 is diagonal */
  multiply(r, true, rotations + (size_t)n * core, x, y);
  multiply(r, false, y, rotations, z);
  for (int k = 0; k < r * r; k++) {
    const double expected = k % (r + 1) == 0 ? pow(lambda[k / (r + 1)], n) : 0;
    found.product = fmax(found.product, fabs(z[k] - expected));
  }
  wmc_product_destroy(product);
  free(scratch);
  return found;
}

/* Any noise of size h is of first order in distance from balance: what is missed is of second. */
static void way_back_keeps_the_product(void)
{
  const int sizes[] = {1, 2, 3, 4, 5, 8, 16, 17}, depths[] = {2, 3, 12};
  wmc_stream *stream = test_stream(19, 0);
  for (int t = 0; t < 24; t++) {
    const int r = sizes[t % 8], n = depths[t / 8];
    const way_back coarse = go_back(stream, r, n, 1e-3, APART),
                   fine = go_back(stream, r, n, 1e-5, APART);
    cr_expect_lt(coarse.orthogonal, 3e-15, "r=%d n=%d: %g", r, n, coarse.orthogonal);
    cr_expect_lt(coarse.product, 10 * n * r * r * 1e-6, "r=%d n=%d: %g", r, n, coarse.product);
    cr_expect_lt(fine.product, 10 * n * r * r * 1e-10, "r=%d n=%d: %g", r, n, fine.product);
  }
  wmc_stream_destroy(stream);
}

/* Large angles, lambda that meet, and V that does not tell them apart: rotations stay orthogonal,
 * and what is missed is of second order. */
static void rotations_of_any_angle(void)
{
  const int sizes[] = {2, 3, 4, 5, 8, 11, 16}, depths[] = {2, 3, 12};
  wmc_stream *stream = test_stream(29, 0);
  for (int t = 0; t < 42; t++) {
    const int r = sizes[t % 7], n = depths[t / 7 % 3];
    const double h = t < 21 ? 0.004 : 1e-9;
    const way_back found = go_back(stream, r, n, h, t < 21 ? NEARLY_EQUAL : EQUAL);
    if (test_verbose()) printf("r=%d n=%d: %.1e %.1e\n", r, n, found.orthogonal, found.product);
    cr_expect_lt(found.orthogonal, 8e-15, "r=%d n=%d: %g", r, n, found.orthogonal);
    cr_expect_lt(found.product, 10 * n * r * r * h * h + 1e-15 * n * r * pow(1.2, n),
                 "r=%d n=%d: %g", r, n, found.product);
  }
  wmc_stream_destroy(stream);
}

Test(chain, way_back_base)
{
  setenv("WEYLMC_SIMD", "base", 1);
  way_back_keeps_the_product();
  rotations_of_any_angle();
}

Test(chain, way_back_v3)
{
  setenv("WEYLMC_SIMD", "v3", 1);
  way_back_keeps_the_product();
  rotations_of_any_angle();
}

Test(chain, way_back_best)
{
  unsetenv("WEYLMC_SIMD");
  way_back_keeps_the_product();
  rotations_of_any_angle();
}

/* Bits depend on r x r entries alone, not on what scratch and the room between matrices held. */
Test(chain, nothing_outside_of_the_matrices_is_used)
{
  enum { DEEP = 4, SIZE = 13, STRIDE = (SIZE * SIZE + 7) / 8 * 8 };
  static double m[DEEP * STRIDE], found[2][(DEEP + 1) * STRIDE];
  double lambda[2][SIZE];
  wmc_stream *stream = test_stream(23, 0);
  for (int r = 2; r <= SIZE; r++) {
    const size_t core = (size_t)(r * r + 7) / 8 * 8,
                 room = wmc_chain_balance_scratch(r, DEEP, core);
    wmc_product *product;
    cr_assert_eq(wmc_product_create(&product, r, r, r), WMC_OK);
    const wmc_chain chain = {r, DEEP, core, product, true};
    wmc_stream_normals(stream, DEEP * core, 1e-3, m);
    for (int t = 0; t < 2; t++) {
      double *scratch = malloc(room * sizeof *scratch);
      long products = 0;
      for (size_t k = 0; k < room; k++) scratch[k] = t ? NAN : 0;
      for (size_t k = 0; k < (DEEP + 1) * core; k++) found[t][k] = t ? 7 : 0;
      for (size_t k = 0; t && k < DEEP * core; k++)
        if (k % core >= (size_t)(r * r)) m[k] = INFINITY;
      for (int k = 0; k < r; k++) lambda[t][k] = 2 - 0.1 * k;
      cr_assert(wmc_chain_balance(&chain, m, lambda[t], found[t], NULL, &products, scratch));
      free(scratch);
    }
    for (size_t k = 0; k < (DEEP + 1) * core; k++)
      if (k % core < (size_t)(r * r)) cr_expect(found[0][k] == found[1][k], "r=%d: %zu", r, k);
    cr_expect_arr_eq(lambda[0], lambda[1], (size_t)r * sizeof(double));
    wmc_product_destroy(product);
  }
  wmc_stream_destroy(stream);
}

/* Far from balance, or not finite, there is none, and lambda stays. */
Test(chain, no_way_back_from_afar)
{
  enum { SMALL = 4 };
  double m[2 * 16] = {0}, lambda[SMALL] = {1, 0.9, 0.8, 0.7}, rotations[3 * 16];
  double *scratch = calloc(wmc_chain_balance_scratch(SMALL, 2, 16), sizeof *scratch);
  wmc_product *product;
  cr_assert_eq(wmc_product_create(&product, SMALL, SMALL, SMALL), WMC_OK);
  const wmc_chain chain = {SMALL, 2, 16, product, true};
  const double far[] = {0.4, NAN, INFINITY};
  for (int t = 0; t < 3; t++) {
    long products = 0;
    m[2] = far[t];
    cr_expect(!wmc_chain_balance(&chain, m, lambda, rotations, NULL, &products, scratch), "%g",
              far[t]);
    cr_expect(lambda[0] == 1 && lambda[3] == 0.7);
  }
  wmc_product_destroy(product);
  free(scratch);
}

/* Layers that are diagonal and alike are balanced: lambda + v, in whatever order. Where r < 4 and
 * lambda_1 grows fourfold there may be no way back, but no wrong one. */
static void check_growth(int r, int n, double growth)
{
  double m[2 * CORE] = {0}, lambda[SIDE], rotations[3 * CORE], square[CORE];
  const size_t core = (size_t)(r * r + 7) / 8 * 8;
  double *scratch = calloc(wmc_chain_balance_scratch(r, n, core), sizeof *scratch);
  wmc_product *product;
  long products = 0;
  cr_assert_eq(wmc_product_create(&product, r, r, r), WMC_OK);
  const wmc_chain chain = {r, n, core, product, true};
  for (int k = 0; k < r; k++) lambda[k] = 0.1 - 0.01 * k;
  for (int p = 0; p < n; p++) m[(size_t)p * core] = growth;
  const bool found = wmc_chain_balance(&chain, m, lambda, rotations, NULL, &products, scratch);
  cr_expect(found == (n > 1 && (r > 3 || growth < 0.29)), "r=%d n=%d: %g", r, n, growth);
  cr_expect_float_eq(lambda[0], found ? 0.1 + growth : 0.1, 1e-15, "r=%d: %g", r, lambda[0]);
  for (int p = 0; found && p <= n; p++) {
    multiply(r, true, rotations + (size_t)p * core, rotations + (size_t)p * core, square);
    for (int k = 0; k < r * r; k++)
      cr_expect_float_eq(square[k], k % (r + 1) == 0, 1e-14, "r=%d: %d", r, k);
  }
  wmc_product_destroy(product);
  free(scratch);
}

Test(chain, singular_values_that_grow)
{
  for (int r = 2; r <= 8; r++) {
    check_growth(r, 2, 0.2);
    check_growth(r, 2, 0.5);
    check_growth(r, 1, 0.2);
  }
}

Test(chain, differences_and_squares)
{
  double a[70], b[70], out[70];
  wmc_stream *stream = test_stream(18, 0);
  for (size_t n = 1; n <= 70; n++) {
    double largest = 0, sum = 0;
    wmc_stream_normals(stream, n, 1, a);
    wmc_stream_normals(stream, n, 1, b);
    const double found = wmc_chain_subtract(n, a, b, out);
    for (size_t k = 0; k < n; k++) {
      cr_expect_eq(out[k], a[k] - b[k]);
      largest = fmax(largest, fabs(a[k] - b[k]));
      sum += a[k] * a[k];
    }
    cr_expect_eq(found, largest);
    cr_expect_lt(fabs(wmc_chain_norm2(n, a) - sum), 1e-13 * sum);
  }
  wmc_stream_destroy(stream);
}
