/* Small dense kernels, at every instruction set of this CPU, against their definitions in long
 * double. Each test prints nothing when it passes; a failure names the size and the defect. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "levels.h"
#include "matrices.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"

/* --- product ---------------------------------------------------------------------------------- */

/** One product, with operands moved off the cache line by `offset` doubles; C must equal the
 * definition to rounding, nothing beside it may be touched, and repetition gives the same bits.
 * A backend that is not to be had is passed over; returns whether it was there. */
static bool check_product(wmc_product_backend backend, int m, int n, int k, int offset)
{
  wmc_product *product;
  if (wmc_product_create_by(&product, backend, m, n, k) != WMC_OK) {
    cr_assert_eq(backend, WMC_PRODUCT_LIBXSMM, "%s", wmc_message());
    wmc_message_clear();
    return false;
  }
  const char *name = wmc_product_backend_name(product);
  double *a = test_random_matrix(m, k), *b = test_random_matrix(k, n);
  double *moved_a = WMC_ARRAY(double, m *k + 8), *moved_b = WMC_ARRAY(double, k *n + 8);
  double *c = test_random_matrix(m, n), *moved_c = WMC_ARRAY(double, m *n + 17);
  memcpy(moved_a + offset, a, (size_t)(m * k) * sizeof *a);
  memcpy(moved_b + offset, b, (size_t)(k * n) * sizeof *a);
  for (int i = 0; i < m * n + 17; i++) moved_c[i] = 7;
  wmc_product_apply(product, a, b, c);
  wmc_product_apply(product, moved_a + offset, moved_b + offset, moved_c + offset);
  cr_assert_eq(memcmp(c, moved_c + offset, (size_t)(m * n) * sizeof *c), 0,
               "%s %d x %d x %d: bits depend on the alignment (offset %d)", name, m, n, k, offset);
  for (int i = 0; i < 17; i++)
    cr_assert_eq(moved_c[i < offset ? i : m * n + i], 7, "%s %d x %d x %d writes outside C", name,
                 m, n, k);
  double bound = 4 * DBL_EPSILON * k * test_largest(m * k, a) * test_largest(k * n, b);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      double defect = fabs((double)(test_entry_of_product(a, b, i, j, k, m, false) - c[i + j * m]));
      cr_assert_leq(defect, bound, "%s %d x %d x %d: C[%d,%d] off by %g", name, m, n, k, i, j,
                    defect);
    }
  wmc_product_destroy(product);
  wmc_free(a), wmc_free(b), wmc_free(c);
  wmc_free(moved_a), wmc_free(moved_b), wmc_free(moved_c);
  return true;
}

TEST_LEVELS(dense, product_is_its_definition)
{
  const int widths[] = {48, 64, 65, 96, 128, 130};
  for (int b = WMC_PRODUCT_BEST; b <= WMC_PRODUCT_OPENBLAS; b++) {
    wmc_product_backend backend = (wmc_product_backend)b;
    for (int d = 1; d <= 36; d++) check_product(backend, d, d, d, d % 8);
    for (int k = 0; k < 6; k++) check_product(backend, widths[k], widths[k], widths[k], 1 + k);
    for (int t = 0; t < test_trials(100); t++)
      check_product(backend, 1 + (int)(40 * test_uniform()), 1 + (int)(40 * test_uniform()),
                    1 + (int)(40 * test_uniform()), (int)(8 * test_uniform()));
  }
}

/** Entries that beta = 0 must not read: C full of NaN. */
TEST_LEVELS(dense, product_does_not_read_the_old_c)
{
  for (int d = 1; d <= 70; d++) {
    double *a = test_random_matrix(d, d), *b = test_random_matrix(d, d),
           *c = test_random_matrix(d, d);
    for (int i = 0; i < d * d; i++) c[i] = NAN;
    wmc_product *product;
    cr_assert_eq(wmc_product_create(&product, d, d, d), WMC_OK);
    wmc_product_apply(product, a, b, c);
    for (int i = 0; i < d * d; i++) cr_assert(isfinite(c[i]), "width %d", d);
    wmc_product_destroy(product);
    wmc_free(a), wmc_free(b), wmc_free(c);
  }
}

/* --- QR --------------------------------------------------------------------------------------- */

/** Q^T Q = 1, R upper triangular with R_ii >= 0, and Q R = A. */
static void check_factors(int m, int n, const double *a, const double *q, const double *r,
                          const char *what)
{
  double defect = test_orthogonality_defect(m, n, q);
  cr_assert_leq(defect, 8 * DBL_EPSILON * sqrt(m), "%s %d x %d: Q^T Q - 1 = %g", what, m, n,
                defect);
  for (int j = 0; j < n; j++) {
    double norm = 0;
    for (int i = 0; i < m; i++) norm = hypot(norm, a[i + j * m]);
    cr_assert_geq(r[j + j * n], 0, "%s %d x %d: R[%d,%d] = %g", what, m, n, j, j, r[j + j * n]);
    for (int i = j + 1; i < n; i++) cr_assert_eq(r[i + j * n], 0);
    for (int i = 0; i < m; i++) {
      long double difference = test_entry_of_product(q, r, i, j, n, m, false) - a[i + j * m];
      cr_assert_leq((double)fabsl(difference), 8 * DBL_EPSILON * sqrt(m) * norm,
                    "%s %d x %d: column %d of QR - A", what, m, n, j);
    }
  }
}

static void check_qr(int m, int n, const double *a, const char *what)
{
  double *q = test_copy_of_matrix(a, m * n), *r = test_random_matrix(n, n);
  double *scratch = WMC_ARRAY(double, wmc_qr_scratch(m, n));
  wmc_qr(m, n, q, r, scratch);
  double *alone = test_random_matrix(n, n), *spoilt = test_copy_of_matrix(a, m * n);
  wmc_qr_triangle(m, n, spoilt, alone, scratch);
  for (int i = 0; i < n * n; i++) cr_assert_eq(alone[i], r[i], "%s %d x %d: R alone", what, m, n);
  wmc_free(alone), wmc_free(spoilt);
  check_factors(m, n, a, q, r, what);
  wmc_free(q), wmc_free(r), wmc_free(scratch);
}

/** The real forms of Q and R are factors of that of A; a real R_ii is 0 in the form below it. */
static void check_complex_qr(int m, int n, const double *a, const char *what)
{
  double *q = test_copy_of_matrix(a, 2 * m * n), *r = test_random_matrix(2 * n, n);
  double *scratch = WMC_ARRAY(double, wmc_complex_qr_scratch(m, n));
  double *form = WMC_ARRAY(double, 4 * m * n), *form_q = WMC_ARRAY(double, 4 * m * n);
  double *form_r = WMC_ARRAY(double, 4 * n * n);
  wmc_complex_qr(m, n, q, r, scratch);
  wmc_complex_form(m, n, a, form);
  wmc_complex_form(m, n, q, form_q);
  wmc_complex_form(n, n, r, form_r);
  check_factors(2 * m, 2 * n, form, form_q, form_r, what);
  wmc_free(q), wmc_free(r), wmc_free(scratch), wmc_free(form), wmc_free(form_q), wmc_free(form_r);
}

TEST_LEVELS(dense, qr_is_orthogonal_triangular_and_exact)
{
  for (int d = 1; d <= 40; d++) {
    double *a = test_random_matrix(2 * d, d);
    check_qr(d, d, a, "square"), check_qr(2 * d, d, a, "tall");
    for (int i = 0; i < d * d; i++) a[i] = (i % (d + 1) == 0) + 0.05 * a[i];
    check_qr(d, d, a, "near 1");
    wmc_free(a);
  }
  const int widths[] = {64, 100, 128};
  for (int k = 0; k < 3; k++) {
    double *a = test_random_matrix(widths[k], widths[k]);
    check_qr(widths[k], widths[k], a, "square");
    wmc_free(a);
  }
}

TEST_LEVELS(dense, qr_of_hard_matrices)
{
  for (int d = 1; d <= 33; d += 4) {
    double *a = test_random_matrix(d, d);
    for (int i = 0; i < d * d; i++) a[i] *= exp(-6.0 * (i / d));
    check_qr(d, d, a, "graded");
    memset(a + (d / 2) * d, 0, (size_t)d * sizeof *a);
    check_qr(d, d, a, "zero column");
    for (int i = 0; i < d * d; i++) a[i] = i % (d + 1) == 0 ? -1 : 0;
    check_qr(d, d, a, "-1");
    for (int i = 0; i < d * d; i++) a[i] = 1;
    check_qr(d, d, a, "rank one");
    for (int i = 0; i < d * d; i++) a[i] = 1e-200 * test_normal();
    check_qr(d, d, a, "tiny");
    for (int i = 0; i < d * d; i++) a[i] = 1e200 * test_normal();
    check_qr(d, d, a, "huge");
    wmc_free(a);
  }
}

TEST_LEVELS(dense, complex_qr_is_unitary_triangular_and_exact)
{
  for (int d = 1; d <= 33; d += d < 18 ? 1 : 5) {
    double *a = test_random_matrix(4 * d, d);
    check_complex_qr(d, d, a, "square"), check_complex_qr(2 * d, d, a, "tall");
    for (int i = 0; i < 2 * d * d; i++) a[i] = (i % (2 * d + 2) == 0) + 0.05 * a[i];
    check_complex_qr(d, d, a, "near 1");
    wmc_free(a);
  }
  double *a = test_random_matrix(128, 64);
  check_complex_qr(64, 64, a, "square");
  wmc_free(a);
}

TEST_LEVELS(dense, complex_qr_of_hard_matrices)
{
  for (int d = 1; d <= 17; d += 4) {
    const int size = 2 * d * d;
    double *a = test_random_matrix(2 * d, d);
    for (int i = 0; i < size; i++) a[i] *= exp(-6.0 * (i / (2 * d)));
    check_complex_qr(d, d, a, "graded");
    memset(a + (d / 2) * 2 * d, 0, (size_t)(2 * d) * sizeof *a);
    check_complex_qr(d, d, a, "zero column");
    for (int i = 0; i < size; i++) a[i] = i % (2 * d + 2) == 1 ? -1 : 0;
    check_complex_qr(d, d, a, "-i");
    for (int i = 0; i < size; i++) a[i] = 1 - i % 2 * 3;
    check_complex_qr(d, d, a, "rank one");
    for (int i = 0; i < size; i++) a[i] = test_normal() * (i % (2 * d) < 2 ? 1e-200 : 1);
    check_complex_qr(d, d, a, "tiny first row");
    for (int i = 0; i < size; i++) a[i] = 1e-200 * test_normal();
    check_complex_qr(d, d, a, "tiny");
    for (int i = 0; i < size; i++) a[i] = 1e200 * test_normal();
    check_complex_qr(d, d, a, "huge");
    for (int i = 0; i < size; i++) a[i] *= i / (2 * d) % 2 ? 1e-300 : 0;
    check_complex_qr(d, d, a, "huge and zero columns");
    wmc_free(a);
  }
}

/** T <- U T of upper triangular matrices, in real form where they are complex. */
static void check_triangles(int parts, int d)
{
  const int rows = parts * d;
  double *u = test_random_matrix(rows, d), *t = test_random_matrix(rows, d);
  double *form_u = WMC_ARRAY(double, 4 * d * d), *form_t = WMC_ARRAY(double, 4 * d * d);
  for (int j = 0; j < d; j++)
    for (int i = parts * (j + 1); i < rows; i++) u[i + j * rows] = t[i + j * rows] = 0;
  if (parts == 2) wmc_complex_form(d, d, u, form_u), wmc_complex_form(d, d, t, form_t);
  const double *left = parts == 2 ? form_u : test_copy_of_matrix(u, d * d);
  const double *right = parts == 2 ? form_t : test_copy_of_matrix(t, d * d);
  wmc_multiply_triangles(parts, d, u, t);
  for (int j = 0; j < d; j++)
    for (int i = 0; i < rows; i++) {
      const long double exact = test_entry_of_product(left, right, i, parts * j, rows, rows, false);
      const double error = fabs((double)(exact - t[i + j * rows]));
      cr_assert_leq(error, i < parts * (j + 1) ? 30 * DBL_EPSILON * d : 0, "%d parts, width %d: %g",
                    parts, d, error);
    }
  wmc_free(u), wmc_free(t), wmc_free(form_u), wmc_free(form_t);
  if (parts == 1) wmc_free((void *)(uintptr_t)left), wmc_free((void *)(uintptr_t)right);
}

TEST_LEVELS(dense, products_of_triangles)
{
  for (int parts = 1; parts <= 2; parts++)
    for (int d = 1; d <= 70; d += d < 40 ? 1 : 10) check_triangles(parts, d);
}

/* --- least squares, eigenvalues --------------------------------------------------------------- */

/** Inverse of the positive definite n x n matrix g in long double, by Gauss-Jordan. */
static void invert(int n, long double *g, long double *inverse)
{
  for (int i = 0; i < n * n; i++) inverse[i] = i % (n + 1) == 0;
  for (int k = 0; k < n; k++) {
    long double pivot = g[k + k * n];
    for (int j = 0; j < n; j++) g[k + j * n] /= pivot, inverse[k + j * n] /= pivot;
    for (int i = 0; i < n; i++) {
      long double factor = g[i + k * n];
      if (i == k) continue;
      for (int j = 0; j < n; j++) {
        g[i + j * n] -= factor * g[k + j * n];
        inverse[i + j * n] -= factor * inverse[k + j * n];
      }
    }
  }
}

static void check_least_squares(int m, int n, double *a, const double *scale)
{
  long double *g = calloc((size_t)(2 * n * n + n), sizeof *g), *inverse = g + n * n;
  long double *exact = inverse + n * n;
  double *b = test_random_matrix(m, 1), *x = WMC_ARRAY(double, n), *cov = WMC_ARRAY(double, n *n);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) g[i + j * n] = test_entry_of_product(a, a, i, j, m, m, true);
  invert(n, g, inverse);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++)
      exact[i] += inverse[i + j * n] * test_entry_of_product(a, b, j, 0, m, m, true);
  cr_assert_eq(wmc_least_squares(m, n, a, b, x, cov), WMC_OK, "%s", wmc_message());
  for (int i = 0; i < n; i++) {
    double error = fabs((double)(x[i] - exact[i])) * scale[i];
    cr_assert_leq(error, 1e-12, "%d x %d: x[%d] off by %g", m, n, i, error);
    for (int j = 0; j < n; j++) {
      error = fabs((double)(cov[i + j * n] - inverse[i + j * n])) * scale[i] * scale[j];
      cr_assert_leq(error, 1e-12, "%d x %d: cov[%d,%d] off by %g", m, n, i, j, error);
    }
  }
  wmc_free(b), wmc_free(x), wmc_free(cov), free(g);
}

TEST_LEVELS(dense, least_squares_solves_the_normal_equations)
{
  for (int t = 0; t < test_trials(100); t++) {
    int n = 1 + t % 6, m = n + t % 11 + 2;
    double *a = test_random_matrix(m, n), scale[6];
    for (int j = 0; j < n; j++) {
      scale[j] = exp(6 * test_normal());
      for (int i = 0; i < m; i++) a[i + j * m] = scale[j] * ((i == j) + 0.2 * a[i + j * m]);
    }
    check_least_squares(m, n, a, scale);
    wmc_free(a);
  }
}

Test(dense, least_squares_without_full_rank_fails_with_a_message)
{
  double a[] = {1, 2, 3, 4, 2, 4, 6, 8}, b[] = {1, 1, 1, 1}, x[2];
  cr_assert_eq(wmc_least_squares(4, 2, a, b, x, NULL), WMC_FAILURE);
  cr_assert_not_null(strstr(wmc_message(), "full rank"), "%s", wmc_message());
  double zero[] = {1, 2, 0, 0};
  wmc_message_clear();
  cr_assert_eq(wmc_least_squares(2, 2, zero, b, x, NULL), WMC_FAILURE);
  cr_assert_not_null(strstr(wmc_message(), "column 2"), "%s", wmc_message());
}

Test(dense, symmetric_eigenvectors)
{
  for (int n = 1; n <= 20; n++) {
    double *a = test_random_matrix(n, n), *w = WMC_ARRAY(double, n);
    for (int j = 0; j < n; j++)
      for (int i = 0; i < j; i++) a[i + j * n] = a[j + i * n];
    double *vectors = test_copy_of_matrix(a, n * n);
    cr_assert_eq(wmc_symmetric_eigen(n, vectors, w), WMC_OK);
    cr_assert_leq(test_orthogonality_defect(n, n, vectors), 8 * DBL_EPSILON * (n + 4));
    for (int j = 0; j < n; j++)
      for (int i = 0; i < n; i++) {
        long double residual = test_entry_of_product(a, vectors, i, j, n, n, false) -
                               (long double)w[j] * vectors[i + j * n];
        cr_assert_leq((double)fabsl(residual), 40 * DBL_EPSILON * (n + 4));
        cr_assert(j == 0 || w[j] >= w[j - 1]);
      }
    wmc_free(a), wmc_free(w), wmc_free(vectors);
  }
}

Test(dense, blas_tells_what_it_is)
{
  wmc_blas_start();
  cr_assert_gt(strlen(wmc_blas_kernel()), 1);
  cr_assert_not_null(strstr(wmc_blas_description(), "LAPACK 3."), "%s", wmc_blas_description());
  cr_assert_not_null(strstr(wmc_blas_description(), "libxsmm"), "%s", wmc_blas_description());
}
