/* Singular vectors of chains against plain products. */
#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "chains.h"

enum { SEED = 20261121 };

/* Largest entry of A^T A - 1, both d x d. */
static double orthogonality(int d, const double *a)
{
  double worst = 0;
  for (int i = 0; i < d; i++)
    for (int j = 0; j < d; j++) {
      double sum = i == j ? -1 : 0;
      for (int k = 0; k < d; k++) sum += a[i * d + k] * a[j * d + k];
      worst = fmax(worst, fabs(sum));
    }
  return worst;
}

/* Largest entry of M - U diag(e^values) V^T over the largest singular value; M by plain products,
 * whose own rounding is of that size. */
static double decomposition(int d, int depth, const double *layers, const double *values,
                            const double *left, const double *right)
{
  double m[TEST_WIDEST * TEST_WIDEST] = {0}, next[TEST_WIDEST * TEST_WIDEST], worst = 0;
  for (int i = 0; i < d; i++) m[i * (d + 1)] = 1;
  for (int l = 0; l < depth; l++, layers += d * d) {
    for (int i = 0; i < d; i++)
      for (int j = 0; j < d; j++) {
        next[j * d + i] = 0;
        for (int k = 0; k < d; k++) next[j * d + i] += layers[k * d + i] * m[j * d + k];
      }
    memcpy(m, next, sizeof m);
  }
  for (int i = 0; i < d; i++)
    for (int j = 0; j < d; j++) {
      double sum = m[j * d + i];
      for (int k = 0; k < d; k++) sum -= left[k * d + i] * exp(values[k]) * right[k * d + j];
      worst = fmax(worst, fabs(sum) * exp(-values[0]));
    }
  return worst;
}

static void check_vectors(int d, int limit, bool extend, int depth, double s, wmc_stream *stream)
{
  double left[TEST_WIDEST * TEST_WIDEST], right[TEST_WIDEST * TEST_WIDEST], values[TEST_WIDEST],
      alone[TEST_WIDEST], growth, growth0;
  double *layers = test_layers(stream, d, 1, depth, s);
  test_spectrum(d, limit, depth, layers, alone, &growth0);
  wmc_qdt *qdt = test_qdt_of(d, 1, limit, extend);
  wmc_qdt_multiply(qdt, (size_t)(depth / 2), layers);
  cr_assert(wmc_qdt_vectors(qdt, values, &growth, left, right)); /* changes nothing */
  wmc_qdt_multiply(qdt, (size_t)(depth - depth / 2), layers + (depth / 2) * d * d);
  cr_assert(wmc_qdt_vectors(qdt, values, &growth, left, right));
  cr_expect_lt(test_largest_difference(d, values, alone), 1e-11);
  cr_expect_lt(fabs(growth - growth0), 1e-11);
  cr_expect_lt(orthogonality(d, left), 1e-13, "d=%d limit=%d", d, limit);
  cr_expect_lt(orthogonality(d, right), 1e-13, "d=%d limit=%d", d, limit);
  double defect = decomposition(d, depth, layers, values, left, right);
  cr_expect_lt(defect, 1e-12, "d=%d limit=%d: defect %.2g", d, limit, defect);
  /* |M e_1|^2 = sum_i e^{2 lambda_i} v_1i^2 */
  double sum = 0;
  for (int i = 0; i < d; i++) sum += exp(2 * (values[i] - values[0])) * pow(right[i * d], 2);
  cr_expect_lt(fabs(values[0] + 0.5 * log(sum) - growth), 1e-11);
  wmc_qdt_destroy(qdt);
  wmc_free(layers);
}

static void check_all_vectors(bool extend)
{
  wmc_stream *stream = test_stream(SEED, 40);
  for (int d = 1; d <= TEST_WIDEST; d += 3)
    for (int limit = 1; limit <= 1000; limit *= 10)
      check_vectors(d, limit, extend, 60, 0.1, stream);
  /* spreads beyond e^100, where exponents do not fit into columns */
  check_vectors(6, 1, extend, 300, 0.8, stream);
  check_vectors(12, 2, extend, 400, 0.5, stream);
  wmc_stream_destroy(stream);
}

Test(jacobian_qdt, singular_vectors) { check_all_vectors(false); }

Test(jacobian_qdt, singular_vectors_of_extended_products) { check_all_vectors(true); }

/* Largest entry of M v_j - s_j u_j over s_1, and of U^* U - 1, by complex arithmetic. */
static void check_complex_vectors(int d, int limit, bool extend, int depth, double s,
                                  wmc_stream *stream)
{
  double complex left[TEST_WIDEST * TEST_WIDEST], right[TEST_WIDEST * TEST_WIDEST], x[TEST_WIDEST],
      y[TEST_WIDEST];
  double values[TEST_WIDEST], growth, worst = 0;
  double *layers = test_layers(stream, d, 2, depth, s);
  wmc_qdt *qdt = test_qdt_of(d, 2, limit, extend);
  wmc_qdt_multiply(qdt, (size_t)depth, layers);
  cr_assert(wmc_qdt_vectors(qdt, values, &growth, (double *)left, (double *)right));
  for (int j = 0; j < d; j++) {
    memcpy(x, right + j * d, sizeof(double complex) * (size_t)d);
    for (int l = 0; l < depth; l++) {
      const double complex *a = (const double complex *)layers + l * d * d;
      for (int i = 0; i < d; i++) {
        y[i] = 0;
        for (int k = 0; k < d; k++) y[i] += a[k * d + i] * x[k];
      }
      memcpy(x, y, sizeof x);
    }
    for (int k = 0; k < d; k++) {
      double complex sum = k == j ? -1 : 0, other = sum;
      for (int i = 0; i < d; i++) sum += conj(left[k * d + i]) * left[j * d + i];
      for (int i = 0; i < d; i++) other += conj(right[k * d + i]) * right[j * d + i];
      double defect = cabs(x[k] - exp(values[j]) * left[j * d + k]) * exp(-values[0]);
      worst = fmax(worst, fmax(defect, fmax(cabs(sum), cabs(other))));
    }
  }
  cr_expect_lt(worst, 1e-12, "d=%d limit=%d: defect %.2g", d, limit, worst);
  wmc_qdt_destroy(qdt);
  wmc_free(layers);
}

Test(jacobian_qdt, complex_singular_vectors)
{
  wmc_stream *stream = test_stream(SEED, 41);
  for (int d = 1; d <= 10; d += 3)
    for (int limit = 1; limit <= 100; limit *= 10)
      for (int extend = 0; extend < 2; extend++)
        check_complex_vectors(d, limit, extend, 60, 0.1, stream);
  wmc_stream_destroy(stream);
}
