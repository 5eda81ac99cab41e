/* Small dense kernels, at every instruction set of this CPU, against their definitions in long
 * double. Each test prints nothing when it passes; a failure names the size and the defect. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "levels.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/simd.h"

static uint64_t generator = 20260101;

/** Uniform on (0,1): splitmix64. */
static double uniform(void)
{
  uint64_t z = (generator += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
  return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static double *random_matrix(int m, int n)
{
  double *a = WMC_ARRAY(double, m *n);
  for (int i = 0; i < m * n; i++) a[i] = normal();
  return a;
}

static double *copy_of(const double *a, int size)
{
  double *b = WMC_ARRAY(double, size);
  memcpy(b, a, (size_t)size * sizeof *b);
  return b;
}

/** sum_k A_ik B_kj (or A_ki B_kj when transposed) in long double. */
static long double entry_of_product(const double *a, const double *b, int i, int j, int k, int lda,
                                    bool transposed)
{
  long double sum = 0;
  for (int l = 0; l < k; l++)
    sum += (long double)(transposed ? a[l + i * lda] : a[i + l * lda]) * b[l + j * k];
  return sum;
}

static double largest(int size, const double *a)
{
  double most = 0;
  for (int i = 0; i < size; i++) most = fmax(most, fabs(a[i]));
  return most;
}

/** max |A^T A - 1| for the n columns of A. */
static double orthogonality_defect(int m, int n, const double *a)
{
  double most = 0;
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++)
      most = fmax(most, fabs((double)(entry_of_product(a, a, i, j, m, m, true) - (i == j))));
  return most;
}

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
  double *a = random_matrix(m, k), *b = random_matrix(k, n);
  double *moved_a = WMC_ARRAY(double, m *k + 8), *moved_b = WMC_ARRAY(double, k *n + 8);
  double *c = random_matrix(m, n), *moved_c = WMC_ARRAY(double, m *n + 17);
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
  double bound = 4 * DBL_EPSILON * k * largest(m * k, a) * largest(k * n, b);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      double defect = fabs((double)(entry_of_product(a, b, i, j, k, m, false) - c[i + j * m]));
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
      check_product(backend, 1 + (int)(40 * uniform()), 1 + (int)(40 * uniform()),
                    1 + (int)(40 * uniform()), (int)(8 * uniform()));
  }
}

/** Entries that beta = 0 must not read: C full of NaN. */
TEST_LEVELS(dense, product_does_not_read_the_old_c)
{
  for (int d = 1; d <= 70; d++) {
    double *a = random_matrix(d, d), *b = random_matrix(d, d), *c = random_matrix(d, d);
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
  double defect = orthogonality_defect(m, n, q);
  cr_assert_leq(defect, 8 * DBL_EPSILON * sqrt(m), "%s %d x %d: Q^T Q - 1 = %g", what, m, n,
                defect);
  for (int j = 0; j < n; j++) {
    double norm = 0;
    for (int i = 0; i < m; i++) norm = hypot(norm, a[i + j * m]);
    cr_assert_geq(r[j + j * n], 0, "%s %d x %d: R[%d,%d] = %g", what, m, n, j, j, r[j + j * n]);
    for (int i = j + 1; i < n; i++) cr_assert_eq(r[i + j * n], 0);
    for (int i = 0; i < m; i++) {
      long double difference = entry_of_product(q, r, i, j, n, m, false) - a[i + j * m];
      cr_assert_leq((double)fabsl(difference), 8 * DBL_EPSILON * sqrt(m) * norm,
                    "%s %d x %d: column %d of QR - A", what, m, n, j);
    }
  }
}

static void check_qr(int m, int n, const double *a, const char *what)
{
  double *q = copy_of(a, m * n), *r = random_matrix(n, n);
  double *scratch = WMC_ARRAY(double, wmc_qr_scratch(m, n));
  wmc_qr(m, n, q, r, scratch);
  double *alone = random_matrix(n, n), *spoilt = copy_of(a, m * n);
  wmc_qr_triangle(m, n, spoilt, alone, scratch);
  for (int i = 0; i < n * n; i++) cr_assert_eq(alone[i], r[i], "%s %d x %d: R alone", what, m, n);
  wmc_free(alone), wmc_free(spoilt);
  check_factors(m, n, a, q, r, what);
  wmc_free(q), wmc_free(r), wmc_free(scratch);
}

/** The real forms of Q and R are factors of that of A; a real R_ii is 0 in the form below it. */
static void check_complex_qr(int m, int n, const double *a, const char *what)
{
  double *q = copy_of(a, 2 * m * n), *r = random_matrix(2 * n, n);
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
    double *a = random_matrix(2 * d, d);
    check_qr(d, d, a, "square"), check_qr(2 * d, d, a, "tall");
    for (int i = 0; i < d * d; i++) a[i] = (i % (d + 1) == 0) + 0.05 * a[i];
    check_qr(d, d, a, "near 1");
    wmc_free(a);
  }
  const int widths[] = {64, 100, 128};
  for (int k = 0; k < 3; k++) {
    double *a = random_matrix(widths[k], widths[k]);
    check_qr(widths[k], widths[k], a, "square");
    wmc_free(a);
  }
}

TEST_LEVELS(dense, qr_of_hard_matrices)
{
  for (int d = 1; d <= 33; d += 4) {
    double *a = random_matrix(d, d);
    for (int i = 0; i < d * d; i++) a[i] *= exp(-6.0 * (i / d));
    check_qr(d, d, a, "graded");
    memset(a + (d / 2) * d, 0, (size_t)d * sizeof *a);
    check_qr(d, d, a, "zero column");
    for (int i = 0; i < d * d; i++) a[i] = i % (d + 1) == 0 ? -1 : 0;
    check_qr(d, d, a, "-1");
    for (int i = 0; i < d * d; i++) a[i] = 1;
    check_qr(d, d, a, "rank one");
    for (int i = 0; i < d * d; i++) a[i] = 1e-200 * normal();
    check_qr(d, d, a, "tiny");
    for (int i = 0; i < d * d; i++) a[i] = 1e200 * normal();
    check_qr(d, d, a, "huge");
    wmc_free(a);
  }
}

TEST_LEVELS(dense, complex_qr_is_unitary_triangular_and_exact)
{
  for (int d = 1; d <= 33; d += d < 18 ? 1 : 5) {
    double *a = random_matrix(4 * d, d);
    check_complex_qr(d, d, a, "square"), check_complex_qr(2 * d, d, a, "tall");
    for (int i = 0; i < 2 * d * d; i++) a[i] = (i % (2 * d + 2) == 0) + 0.05 * a[i];
    check_complex_qr(d, d, a, "near 1");
    wmc_free(a);
  }
  double *a = random_matrix(128, 64);
  check_complex_qr(64, 64, a, "square");
  wmc_free(a);
}

TEST_LEVELS(dense, complex_qr_of_hard_matrices)
{
  for (int d = 1; d <= 17; d += 4) {
    const int size = 2 * d * d;
    double *a = random_matrix(2 * d, d);
    for (int i = 0; i < size; i++) a[i] *= exp(-6.0 * (i / (2 * d)));
    check_complex_qr(d, d, a, "graded");
    memset(a + (d / 2) * 2 * d, 0, (size_t)(2 * d) * sizeof *a);
    check_complex_qr(d, d, a, "zero column");
    for (int i = 0; i < size; i++) a[i] = i % (2 * d + 2) == 1 ? -1 : 0;
    check_complex_qr(d, d, a, "-i");
    for (int i = 0; i < size; i++) a[i] = 1 - i % 2 * 3;
    check_complex_qr(d, d, a, "rank one");
    for (int i = 0; i < size; i++) a[i] = normal() * (i % (2 * d) < 2 ? 1e-200 : 1);
    check_complex_qr(d, d, a, "tiny first row");
    for (int i = 0; i < size; i++) a[i] = 1e-200 * normal();
    check_complex_qr(d, d, a, "tiny");
    for (int i = 0; i < size; i++) a[i] = 1e200 * normal();
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
  double *u = random_matrix(rows, d), *t = random_matrix(rows, d);
  double *form_u = WMC_ARRAY(double, 4 * d * d), *form_t = WMC_ARRAY(double, 4 * d * d);
  for (int j = 0; j < d; j++)
    for (int i = parts * (j + 1); i < rows; i++) u[i + j * rows] = t[i + j * rows] = 0;
  if (parts == 2) wmc_complex_form(d, d, u, form_u), wmc_complex_form(d, d, t, form_t);
  const double *left = parts == 2 ? form_u : copy_of(u, d * d);
  const double *right = parts == 2 ? form_t : copy_of(t, d * d);
  wmc_multiply_triangles(parts, d, u, t);
  for (int j = 0; j < d; j++)
    for (int i = 0; i < rows; i++) {
      const long double exact = entry_of_product(left, right, i, parts * j, rows, rows, false);
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

/* --- singular values -------------------------------------------------------------------------- */

/** Cyclic one-sided Jacobi in long double: norms of the columns, decreasing. */
static void reference_singular_values(int m, int n, const double *a, long double *s)
{
  long double *y = malloc((size_t)(m * n) * sizeof *y);
  for (int i = 0; i < m * n; i++) y[i] = a[i];
  bool rotated = true;
  for (int sweep = 0; rotated && sweep < 100; sweep++) {
    rotated = false;
    for (int p = 0; p < n; p++)
      for (int q = p + 1; q < n; q++) {
        long double alpha = 0, beta = 0, gamma = 0, *x = y + p * m, *z = y + q * m;
        for (int i = 0; i < m; i++) alpha += x[i] * x[i], beta += z[i] * z[i], gamma += x[i] * z[i];
        if (fabsl(gamma) <= 20 * LDBL_EPSILON * sqrtl(alpha) * sqrtl(beta)) continue;
        rotated = true;
        long double zeta = (beta - alpha) / (2 * gamma);
        long double t = copysignl(1, zeta) / (fabsl(zeta) + sqrtl(1 + zeta * zeta));
        long double c = 1 / sqrtl(1 + t * t);
        for (int i = 0; i < m; i++) {
          long double old = x[i];
          x[i] = c * (old - t * z[i]);
          z[i] = c * (z[i] + t * old);
        }
      }
  }
  for (int j = 0; j < n; j++) {
    long double norm = 0;
    for (int i = 0; i < m; i++) norm += y[i + j * m] * y[i + j * m];
    norm = sqrtl(norm);
    int k = j;
    for (; k > 0 && s[k - 1] < norm; k--) s[k] = s[k - 1];
    s[k] = norm;
  }
  free(y);
}

/** |(U diag(s))_i . (U diag(s))_j| / (s_i s_j) at most, over i < j with s > 0. */
static double left_defect(int m, int n, const double *y, const double *s)
{
  double most = 0;
  for (int j = 0; j < n; j++)
    for (int i = 0; i < j; i++) {
      long double product = 0;
      if (!(s[j] > 0)) continue;
      for (int k = 0; k < m; k++)
        product += (long double)y[k + i * m] / s[i] * (y[k + j * m] / s[j]);
      most = fmax(most, fabs((double)product));
    }
  return most;
}

/** Column-wise backward error: |a_j - (y v^T)_j| / |a_j| at most. */
static double column_defect(int m, int n, const double *a, const double *y, const double *v)
{
  double most = 0;
  for (int j = 0; j < n; j++) {
    long double norm = 0, error = 0;
    for (int i = 0; i < m; i++) {
      long double sum = -(long double)a[i + j * m];
      for (int k = 0; k < n; k++) sum += (long double)y[i + k * m] * v[j + k * n];
      norm += (long double)a[i + j * m] * a[i + j * m];
      error += sum * sum;
    }
    if (norm > 0) most = fmax(most, (double)sqrtl(error / norm));
  }
  return most;
}

/** SVD of A from V0 = 1, with and without V, against the reference: singular values to relative
 * accuracy `accuracy`. Returns the sweeps. */
static int check_svd(int m, int n, const double *a, double accuracy, const char *what)
{
  double *y = copy_of(a, m * n), *v = WMC_ARRAY(double, n *n), *s = WMC_ARRAY(double, n);
  double *scratch = WMC_ARRAY(double, wmc_svd_scratch(m, n)), *t = WMC_ARRAY(double, n);
  long double *exact = malloc((size_t)n * sizeof *exact);
  for (int j = 0; j < n; j++) v[j + j * n] = 1;
  int sweeps = wmc_svd_jacobi(m, n, y, v, s, scratch);
  double tolerance = 8 * DBL_EPSILON * (n + 4);
  cr_assert_leq(sweeps, 20, "%s %d x %d: %d sweeps", what, m, n, sweeps);
  double defect = orthogonality_defect(n, n, v);
  cr_assert_leq(defect, tolerance, "%s %d x %d: V^T V - 1 = %g", what, m, n, defect);
  defect = left_defect(m, n, y, s);
  cr_assert_leq(defect, tolerance, "%s %d x %d: U^T U - 1 = %g", what, m, n, defect);
  defect = column_defect(m, n, a, y, v);
  cr_assert_leq(defect, tolerance, "%s %d x %d: A - U s V^T = %g", what, m, n, defect);
  reference_singular_values(m, n, a, exact);
  for (int j = 0; j < n; j++) {
    double error = exact[j] > 0 ? fabs((double)(s[j] / exact[j] - 1)) : s[j];
    cr_assert_leq(error, accuracy, "%s %d x %d: s[%d] = %g, relative error %g", what, m, n, j, s[j],
                  error);
    cr_assert(j == 0 || s[j] <= s[j - 1]);
  }
  memcpy(y, a, (size_t)(m * n) * sizeof *y);
  wmc_svd_jacobi(m, n, y, NULL, t, scratch);
  cr_assert_eq(memcmp(s, t, (size_t)n * sizeof *s), 0, "%s %d x %d: V changes s", what, m, n);
  wmc_free(y), wmc_free(v), wmc_free(s), wmc_free(t), wmc_free(scratch), free(exact);
  return sweeps;
}

/** Q D: well-conditioned (near 1) columns scaled from e^0 down to e^-decay, in random order. */
static double *graded_matrix(int m, int n, double decay)
{
  double *a = random_matrix(m, n);
  for (int j = 0; j < n; j++) {
    double scale = exp(-decay * (n > 1 ? (double)((j * 7) % n) / (n - 1) : 0));
    for (int i = 0; i < m; i++) a[i + j * m] = scale * ((i == j) + 0.3 * a[i + j * m] / sqrt(m));
  }
  return a;
}

TEST_LEVELS(dense, svd_of_random_matrices)
{
  for (int n = 1; n <= 20; n++)
    for (int more = 0; more <= 9; more += 3) {
      double *a = graded_matrix(n + more, n, 0);
      check_svd(n + more, n, a, 40 * DBL_EPSILON * (n + 4), "well-conditioned");
      wmc_free(a);
    }
  const int widths[] = {24, 32, 33, 64, 100, 128};
  for (int k = 0; k < test_trials(4); k++) {
    if (k > 5) break;
    double *a = graded_matrix(widths[k], widths[k], 0);
    check_svd(widths[k], widths[k], a, 40 * DBL_EPSILON * widths[k], "well-conditioned");
    wmc_free(a);
  }
}

TEST_LEVELS(dense, svd_of_graded_matrices)
{
  const double decays[] = {10, 37, 70, 200, 300};
  for (int n = 2; n <= 32; n += n < 9 ? 1 : 5)
    for (int k = 0; k < 5; k++) {
      double *a = graded_matrix(n, n, decays[k]);
      check_svd(n, n, a, 40 * DBL_EPSILON * (n + 4), "graded");
      for (int i = 0; i < n * n; i++) a[i] *= 0x1p-540;
      check_svd(n, n, a, 40 * DBL_EPSILON * (n + 4), decays[k] > 200 ? "graded, small" : "small");
      for (int i = 0; i < n * n; i++) a[i] = a[i] * 0x1p730 * 0x1p730;
      check_svd(n, n, a, 40 * DBL_EPSILON * (n + 4), "graded, large");
      wmc_free(a);
    }
}

/* Columns that come to e^-149, the square root of the smallest square that counts, by rotations and
 * not from the start. */
TEST_LEVELS(dense, svd_of_columns_that_rotations_shorten)
{
  for (int n = 3; n <= 12; n++)
    for (int k = 0; k < 100; k++) {
      double *a = graded_matrix(n, n, 140 + 0.1 * k);
      check_svd(n, n, a, 40 * DBL_EPSILON * (n + 4), "graded, shortened");
      wmc_free(a);
    }
}

TEST_LEVELS(dense, svd_of_degenerate_matrices)
{
  for (int n = 1; n <= 17; n++) {
    double *a = random_matrix(n + 1, n), *r = WMC_ARRAY(double, n *n);
    double *scratch = WMC_ARRAY(double, wmc_qr_scratch(n + 1, n));
    wmc_qr(n + 1, n, a, r, scratch);
    check_svd(n + 1, n, a, 40 * DBL_EPSILON * (n + 4), "equal singular values");
    memset(a + (n / 2) * (n + 1), 0, (size_t)(n + 1) * sizeof *a);
    check_svd(n + 1, n, a, 40 * DBL_EPSILON * (n + 4), "a zero column");
    memset(a, 0, (size_t)((n + 1) * n) * sizeof *a);
    cr_assert_leq(check_svd(n + 1, n, a, 0, "zero"), 1);
    wmc_free(a), wmc_free(r), wmc_free(scratch);
  }
}

TEST_LEVELS(dense, svd_of_what_is_not_finite_is_not_a_number)
{
  const double bad[] = {NAN, INFINITY, -INFINITY};
  for (int n = 1; n <= 20; n++)
    for (int k = 0; k < 3; k++) {
      double *y = random_matrix(n, n), *s = WMC_ARRAY(double, n);
      double *scratch = WMC_ARRAY(double, wmc_svd_scratch(n, n));
      y[(n * n) / 2] = bad[k];
      wmc_svd_jacobi(n, n, y, NULL, s, scratch);
      for (int j = 0; j < n; j++) cr_assert(isnan(s[j]), "width %d, entry %g", n, bad[k]);
      wmc_free(y), wmc_free(s), wmc_free(scratch);
    }
}

/** Rank one: all but one singular value are rounding errors, and it must still end. */
TEST_LEVELS(dense, svd_of_rank_deficient_matrices)
{
  for (int n = 2; n <= 32; n += 3) {
    double *a = WMC_ARRAY(double, n *n), *v = WMC_ARRAY(double, n *n), *s = WMC_ARRAY(double, n);
    double *scratch = WMC_ARRAY(double, wmc_svd_scratch(n, n)), norm = 0;
    for (int j = 0; j < n; j++)
      for (int i = 0; i < n; i++) a[i + j * n] = (1 + i) * (n - 0.5 * j), v[i + j * n] = i == j;
    for (int i = 0; i < n * n; i++) norm += a[i] * a[i];
    double *y = copy_of(a, n * n);
    int sweeps = wmc_svd_jacobi(n, n, y, v, s, scratch);
    cr_assert_leq(sweeps, 30, "width %d: %d sweeps", n, sweeps);
    cr_assert_leq(fabs(s[0] / sqrt(norm) - 1), 40 * DBL_EPSILON * n);
    for (int j = 1; j < n; j++) cr_assert_leq(s[j], 40 * DBL_EPSILON * n * s[0], "%d: %g", n, s[j]);
    cr_assert_leq(orthogonality_defect(n, n, v), 8 * DBL_EPSILON * (n + 4));
    cr_assert_leq(column_defect(n, n, a, y, v), 8 * DBL_EPSILON * (n + 4));
    wmc_free(a), wmc_free(v), wmc_free(s), wmc_free(y), wmc_free(scratch);
  }
}

/** Bidiagonalisation: errors of a few eps times the largest singular value. */
Test(dense, singular_values_alone)
{
  for (int n = 1; n <= 70; n += n < 10 ? 1 : 20) {
    double *a = random_matrix(n, n), *s = WMC_ARRAY(double, n);
    double *scratch = WMC_ARRAY(double, wmc_singular_values_scratch(n));
    long double *exact = malloc((size_t)n * sizeof *exact);
    reference_singular_values(n, n, a, exact);
    cr_assert(wmc_singular_values(n, a, s, scratch));
    for (int j = 0; j < n; j++) {
      double error = fabs((double)(s[j] - exact[j]));
      cr_assert_leq(error, 4 * DBL_EPSILON * (n + 4) * s[0], "width %d: s[%d] off by %g", n, j,
                    error);
    }
    a[0] = NAN;
    cr_assert_not(wmc_singular_values(n, a, s, scratch));
    wmc_free(a), wmc_free(s), wmc_free(scratch), free(exact);
  }
}

/** Of complex matrices: those of the real form, which come twice. */
Test(dense, complex_singular_values_alone)
{
  for (int n = 1; n <= 33; n += n < 10 ? 1 : 8) {
    double *a = random_matrix(2 * n, n), *form = WMC_ARRAY(double, 4 * n * n);
    double *s = WMC_ARRAY(double, n);
    double *scratch = WMC_ARRAY(double, wmc_complex_singular_values_scratch(n));
    long double *exact = malloc((size_t)(2 * n) * sizeof *exact);
    wmc_complex_form(n, n, a, form);
    reference_singular_values(2 * n, 2 * n, form, exact);
    cr_assert(wmc_complex_singular_values(n, a, s, scratch));
    for (int j = 0; j < 2 * n; j++)
      cr_assert_leq(fabs((double)(s[j / 2] - exact[j])), 8 * DBL_EPSILON * (n + 4) * s[0],
                    "width %d: s[%d]", n, j / 2);
    a[0] = NAN;
    cr_assert_not(wmc_complex_singular_values(n, a, s, scratch));
    wmc_free(a), wmc_free(form), wmc_free(s), wmc_free(scratch), free(exact);
  }
}

/** From 97 columns on they are taken in blocks. */
TEST_LEVELS(dense, svd_of_many_columns)
{
  const int widths[] = {97, 100, 112, 130};
  for (int k = 0; k < 4; k++) {
    int n = widths[k], m = n + k;
    double *a = random_matrix(m, n), *y = copy_of(a, m * n), *v = WMC_ARRAY(double, n *n);
    double *s = WMC_ARRAY(double, n), *scratch = WMC_ARRAY(double, wmc_svd_scratch(m, n));
    for (int j = 0; j < n; j++) v[j + j * n] = 1;
    int sweeps = wmc_svd_jacobi(m, n, y, v, s, scratch);
    cr_assert_leq(sweeps, 13, "width %d: %d sweeps", n, sweeps);
    cr_assert_leq(left_defect(m, n, y, s), 8 * DBL_EPSILON * n);
    cr_assert_leq(column_defect(m, n, a, y, v), 8 * DBL_EPSILON * n);
    cr_assert_leq(orthogonality_defect(n, n, v), 8 * DBL_EPSILON * n);
    wmc_free(a), wmc_free(y), wmc_free(v), wmc_free(s), wmc_free(scratch);
  }
}

/** Quadratic convergence: from scratch, and near a diagonal matrix with gaps 1. */
TEST_LEVELS(dense, svd_needs_few_sweeps)
{
  for (int n = 2; n <= 32; n += 3)
    for (int near = 0; near < 2; near++) {
      double *a = random_matrix(n, n);
      for (int i = 0; near && i < n * n; i++) a[i] = 0.05 * a[i] + (i % (n + 1) ? 0 : n - i / n);
      int sweeps = check_svd(n, n, a, 1e-11, near ? "near diagonal" : "random");
      cr_assert_leq(sweeps, near ? 5 : 9, "width %d: %d sweeps", n, sweeps);
      wmc_free(a);
    }
}

/** A step of a chain: Y = A V0 with V0 of a nearby matrix gives the same singular values, V = V0
 * times rotations, in no more sweeps than from scratch; and a second call only checks. */
TEST_LEVELS(dense, svd_starts_warm)
{
  for (int n = 2; n <= 32; n += n < 8 ? 1 : 6) {
    double *a = random_matrix(n, n), *y = copy_of(a, n * n), *v = WMC_ARRAY(double, n *n);
    double *s = WMC_ARRAY(double, n), *t = WMC_ARRAY(double, n);
    double *scratch = WMC_ARRAY(double, wmc_svd_scratch(n, n));
    for (int j = 0; j < n; j++) v[j + j * n] = 1;
    int cold = wmc_svd_jacobi(n, n, y, v, s, scratch);
    cr_assert_leq(wmc_svd_jacobi(n, n, y, v, t, scratch), 1, "width %d", n);
    for (int j = 0; j < n; j++) cr_assert_leq(fabs(t[j] / s[j] - 1), 4 * DBL_EPSILON);
    for (int i = 0; i < n * n; i++) a[i] += 1e-6 * normal();
    for (int j = 0; j < n; j++)
      for (int i = 0; i < n; i++) y[i + j * n] = (double)entry_of_product(a, v, i, j, n, n, false);
    int warm = wmc_svd_jacobi(n, n, y, v, s, scratch);
    cr_assert_leq(warm, cold, "width %d: %d sweeps warm, %d cold", n, warm, cold);
    cr_assert_leq(column_defect(n, n, a, y, v), 8 * DBL_EPSILON * (n + 4) * n);
    cr_assert_leq(left_defect(n, n, y, s), 8 * DBL_EPSILON * (n + 4));
    cr_assert_leq(orthogonality_defect(n, n, v), 8 * DBL_EPSILON * (n + 4));
    wmc_free(a), wmc_free(y), wmc_free(v), wmc_free(s), wmc_free(t), wmc_free(scratch);
  }
}

/** The same call gives the same bits wherever its arrays lie. */
TEST_LEVELS(dense, bits_do_not_depend_on_alignment)
{
  for (int n = 1; n <= 40; n += n < 10 ? 1 : 5) {
    double *a = random_matrix(n, n), *y = WMC_ARRAY(double, n *n + 8), *s = WMC_ARRAY(double, n);
    double *v = WMC_ARRAY(double, n *n + 8), *r = WMC_ARRAY(double, n *n + 8);
    double *scratch = WMC_ARRAY(double, wmc_svd_scratch(n, n) + wmc_qr_scratch(n, n) + 8);
    double *first = WMC_ARRAY(double, 2 * n * n), *q = WMC_ARRAY(double, 2 * n * n);
    for (int offset = 0; offset < 8; offset++) {
      double *yo = y + offset, *vo = v + offset, *ro = r + offset;
      memcpy(yo, a, (size_t)(n * n) * sizeof *a);
      for (int i = 0; i < n * n; i++) vo[i] = i % (n + 1) == 0;
      wmc_svd_jacobi(n, n, yo, vo, s, scratch + (7 - offset));
      if (offset == 0) memcpy(first, yo, (size_t)(n * n) * sizeof *a);
      if (offset == 0) memcpy(first + n * n, vo, (size_t)(n * n) * sizeof *a);
      cr_assert_eq(memcmp(first, yo, (size_t)(n * n) * sizeof *a), 0, "Y of width %d", n);
      cr_assert_eq(memcmp(first + n * n, vo, (size_t)(n * n) * sizeof *a), 0, "V of width %d", n);
      memcpy(yo, a, (size_t)(n * n) * sizeof *a);
      wmc_qr(n, n, yo, ro, scratch + offset);
      if (offset == 0) memcpy(q, yo, (size_t)(n * n) * sizeof *a);
      if (offset == 0) memcpy(q + n * n, ro, (size_t)(n * n) * sizeof *a);
      cr_assert_eq(memcmp(q, yo, (size_t)(n * n) * sizeof *a), 0, "Q of width %d", n);
      cr_assert_eq(memcmp(q + n * n, ro, (size_t)(n * n) * sizeof *a), 0, "R of width %d", n);
    }
    wmc_free(a), wmc_free(y), wmc_free(s), wmc_free(v), wmc_free(r), wmc_free(scratch);
    wmc_free(first), wmc_free(q);
  }
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
  double *b = random_matrix(m, 1), *x = WMC_ARRAY(double, n), *cov = WMC_ARRAY(double, n *n);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) g[i + j * n] = entry_of_product(a, a, i, j, m, m, true);
  invert(n, g, inverse);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++)
      exact[i] += inverse[i + j * n] * entry_of_product(a, b, j, 0, m, m, true);
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
    double *a = random_matrix(m, n), scale[6];
    for (int j = 0; j < n; j++) {
      scale[j] = exp(6 * normal());
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
    double *a = random_matrix(n, n), *w = WMC_ARRAY(double, n);
    for (int j = 0; j < n; j++)
      for (int i = 0; i < j; i++) a[i + j * n] = a[j + i * n];
    double *vectors = copy_of(a, n * n);
    cr_assert_eq(wmc_symmetric_eigen(n, vectors, w), WMC_OK);
    cr_assert_leq(orthogonality_defect(n, n, vectors), 8 * DBL_EPSILON * (n + 4));
    for (int j = 0; j < n; j++)
      for (int i = 0; i < n; i++) {
        long double residual = entry_of_product(a, vectors, i, j, n, n, false) -
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
