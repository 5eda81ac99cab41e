/* Kernels of twice the precision against long mantissas. */
#include "weylmc/numeric/extended.h"

#include <criterion/criterion.h>
#include <gmp.h>
#include <math.h>

#include "levels.h"
#include "streams.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/random.h"

enum { SIDE = 21, MOST = 4 * SIDE * SIDE, BITS = 400 };
static const double UNIT = 0x1p-100;

typedef struct matrix {
  double high[MOST], low[MOST];
} matrix;

static wmc_extended view(matrix *a) { return (wmc_extended){a->high, a->low}; }

static wmc_stream *start(long id)
{
  mpf_set_default_prec(BITS);
  return test_stream(20261122, id);
}

/* Numbers of 106 bits. */
static void fill(wmc_stream *stream, size_t n, matrix *a)
{
  wmc_stream_normals(stream, n, 1, a->high);
  for (size_t k = 0; k < n; k++)
    a->low[k] = (2 * wmc_stream_uniform(stream) - 1) * 0x1p-54 * a->high[k];
}

static int below(wmc_stream *stream, int most)
{
  return 1 + (int)(most * wmc_stream_uniform(stream));
}

static double largest(size_t n, const double *x)
{
  double most = 0;
  for (size_t k = 0; k < n; k++) most = fmax(most, fabs(x[k]));
  return most;
}

/* out += sign (high + low)(high + low), where a low part may be missing. */
static void add_product(mpf_t out, int sign, const wmc_extended *a, size_t i, const wmc_extended *b,
                        size_t j)
{
  mpf_t x, y;
  mpf_inits(x, y, NULL);
  mpf_set_d(x, a->high[i]);
  mpf_set_d(y, a->low ? a->low[i] : 0);
  mpf_add(x, x, y);
  mpf_set_d(y, b->high[j]);
  mpf_mul(y, x, y);
  if (sign < 0) mpf_neg(y, y);
  mpf_add(out, out, y);
  mpf_set_d(y, b->low[j]);
  mpf_mul(y, x, y);
  if (sign < 0) mpf_neg(y, y);
  mpf_add(out, out, y);
  mpf_clears(x, y, NULL);
}

static void subtract(mpf_t out, const wmc_extended *a, size_t i)
{
  mpf_t x;
  mpf_init_set_d(x, a->high[i]);
  mpf_sub(out, out, x);
  mpf_set_d(x, a->low[i]);
  mpf_sub(out, out, x);
  mpf_clear(x);
}

/* Numbers are high + low without overlap. */
static void check_normal(size_t n, const wmc_extended *a)
{
  for (size_t k = 0; k < n; k++)
    cr_assert_leq(fabs(a->low[k]), 0x1p-53 * fabs(a->high[k]), "%g + %g", a->high[k], a->low[k]);
}

static void check_product(wmc_stream *stream, int m, int n, int k, bool wide)
{
  static matrix a, b, c;
  const size_t rows = (size_t)m, inner = (size_t)k, columns = (size_t)n;
  fill(stream, rows * inner, &a);
  fill(stream, inner * columns, &b);
  const wmc_extended left = {a.high, wide ? a.low : NULL}, right = view(&b), out = view(&c);
  const double bound = wmc_extended_product(m, n, k, &left, &right, &out);
  const double expected = k * largest(rows * inner, a.high) * largest(inner * columns, b.high);
  cr_expect_float_eq(bound, expected, 1e-12 * expected);
  check_normal(rows * columns, &out);
  double defect = 0;
  mpf_t sum;
  mpf_init(sum);
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) {
      mpf_set_ui(sum, 0);
      for (size_t l = 0; l < inner; l++)
        add_product(sum, 1, &left, l * rows + i, &right, j * inner + l);
      subtract(sum, &out, j * rows + i);
      defect = fmax(defect, fabs(mpf_get_d(sum)));
    }
  mpf_clear(sum);
  cr_expect_lt(defect, 4 * UNIT * bound, "%d x %d x %d: %.2g of %.2g", m, n, k, defect,
               UNIT * bound);
}

TEST_LEVELS(extended, products)
{
  wmc_stream *stream = start(1);
  for (int trial = 0; trial < test_trials(100); trial++)
    check_product(stream, below(stream, SIDE), below(stream, SIDE), below(stream, SIDE),
                  trial % 2 == 0);
  check_product(stream, 16, 16, 16, false);
  check_product(stream, 2 * SIDE, SIDE, 2 * SIDE, true);
  wmc_stream_destroy(stream);
}

/* What cancels in the high parts is in the low ones. */
TEST_LEVELS(extended, products_that_cancel)
{
  double x[] = {1 + 0x1p-40, 1}, y[] = {1 - 0x1p-40, -1}, none[2] = {0}, high, low;
  const wmc_extended a = {x, NULL}, b = {y, none}, c = {&high, &low};
  wmc_extended_product(1, 1, 2, &a, &b, &c);
  cr_expect_eq(high, -0x1p-80);
  cr_expect_eq(low, 0);
}

Test(extended, products_that_are_not_finite)
{
  double x[] = {1, INFINITY, NAN, 0}, y[] = {1, 1, 1, 1}, none[4] = {0}, high[4], low[4];
  const wmc_extended a = {x, NULL}, b = {y, none}, c = {high, low};
  wmc_extended_product(2, 2, 2, &a, &b, &c);
  cr_expect(!isfinite(high[0] + high[1]));
}

/* (A^* B)_jk, part p, less `minus`. */
static double inner(int parts, size_t rows, const wmc_extended *a, size_t j, const wmc_extended *b,
                    size_t k, int part, double minus)
{
  const size_t n = rows * (size_t)parts;
  mpf_t sum;
  mpf_init_set_d(sum, -minus);
  for (size_t i = 0; i < n; i++) {
    const size_t other = part == 0 ? i : i % 2 ? i - 1 : i + 1;
    add_product(sum, part == 1 && i % 2 ? -1 : 1, a, j * n + i, b, k * n + other);
  }
  const double result = mpf_get_d(sum);
  mpf_clear(sum);
  return result;
}

/* A - Q R, number (i, k), part p. */
static double residual(int parts, size_t m, size_t n, const wmc_extended *a, const wmc_extended *q,
                       const wmc_extended *r, size_t i, size_t k, int part)
{
  const size_t p = (size_t)parts, at = k * m * p + i * p + (size_t)part;
  mpf_t sum;
  mpf_init(sum);
  for (size_t j = 0; j < n; j++) {
    const size_t left = j * m * p + i * p, right = k * n * p + j * p, odd = (size_t)part;
    add_product(sum, 1, q, left + odd, r, right);
    if (parts == 2) add_product(sum, part ? 1 : -1, q, left + 1 - odd, r, right + 1);
  }
  subtract(sum, a, at);
  const double result = mpf_get_d(sum);
  mpf_clear(sum);
  return result;
}

static void check_qr(wmc_stream *stream, int parts, int m, int n, int zero)
{
  static matrix a, q, r;
  static double scratch[16 * MOST];
  const size_t p = (size_t)parts, rows = (size_t)m, columns = (size_t)n;
  const wmc_extended given = view(&a), left = view(&q), right = view(&r);
  fill(stream, p * rows * columns, &a);
  for (size_t i = 0; zero >= 0 && i < p * rows; i++)
    a.high[(size_t)zero * p * rows + i] = a.low[(size_t)zero * p * rows + i] = 0;
  q = a;
  cr_assert_leq(wmc_extended_qr_scratch(parts, m, n), sizeof scratch / sizeof *scratch);
  wmc_extended_qr(parts, m, n, &left, &right, scratch);
  check_normal(p * rows * columns, &left);
  double orthogonality = 0, defect = 0;
  for (size_t j = 0; j < columns; j++)
    for (size_t k = 0; k < columns; k++)
      for (int part = 0; part < parts; part++) {
        const double one = j == k && part == 0 && (int)j != zero ? 1 : 0;
        const double corner = r.high[k * columns * p + j * p + (size_t)part];
        orthogonality =
            fmax(orthogonality, fabs(inner(parts, rows, &left, j, &left, k, part, one)));
        if (j > k || (j == k && part == 1)) cr_expect_eq(corner, 0);
        if (j == k && part == 0) cr_expect((int)j == zero ? corner == 0 : corner > 0);
      }
  for (size_t i = 0; i < rows; i++)
    for (size_t k = 0; k < columns; k++)
      for (int part = 0; part < parts; part++)
        defect =
            fmax(defect, fabs(residual(parts, rows, columns, &given, &left, &right, i, k, part)));
  cr_expect_lt(defect, UNIT * 100, "%d parts, %d x %d: defect %.2g", parts, m, n, defect);
  /* times the condition number, which is 1e6 at most here */
  cr_expect_lt(orthogonality, UNIT * 1e6, "%d parts, %d x %d: %.2g", parts, m, n, orthogonality);
}

TEST_LEVELS(extended, factorisations)
{
  wmc_stream *stream = start(2);
  for (int trial = 0; trial < test_trials(40); trial++) {
    const int n = below(stream, SIDE), m = n + below(stream, SIDE - n + 1) - 1;
    check_qr(stream, 1 + trial % 2, m, n, trial % 4 == 3 ? below(stream, n) - 1 : -1);
  }
  wmc_stream_destroy(stream);
}
