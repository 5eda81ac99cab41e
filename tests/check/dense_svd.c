/* Singular value decompositions of dense.h, on random matrices biased to hard cases. */
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
  double *y = test_copy_of_matrix(a, m * n), *v = WMC_ARRAY(double, n *n),
         *s = WMC_ARRAY(double, n);
  double *scratch = WMC_ARRAY(double, wmc_svd_scratch(m, n)), *t = WMC_ARRAY(double, n);
  long double *exact = malloc((size_t)n * sizeof *exact);
  for (int j = 0; j < n; j++) v[j + j * n] = 1;
  int sweeps = wmc_svd_jacobi(m, n, y, v, s, scratch);
  double tolerance = 8 * DBL_EPSILON * (n + 4);
  cr_assert_leq(sweeps, 20, "%s %d x %d: %d sweeps", what, m, n, sweeps);
  double defect = test_orthogonality_defect(n, n, v);
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
  double *a = test_random_matrix(m, n);
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
    double *a = test_random_matrix(n + 1, n), *r = WMC_ARRAY(double, n *n);
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
      double *y = test_random_matrix(n, n), *s = WMC_ARRAY(double, n);
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
    double *y = test_copy_of_matrix(a, n * n);
    int sweeps = wmc_svd_jacobi(n, n, y, v, s, scratch);
    cr_assert_leq(sweeps, 30, "width %d: %d sweeps", n, sweeps);
    cr_assert_leq(fabs(s[0] / sqrt(norm) - 1), 40 * DBL_EPSILON * n);
    for (int j = 1; j < n; j++) cr_assert_leq(s[j], 40 * DBL_EPSILON * n * s[0], "%d: %g", n, s[j]);
    cr_assert_leq(test_orthogonality_defect(n, n, v), 8 * DBL_EPSILON * (n + 4));
    cr_assert_leq(column_defect(n, n, a, y, v), 8 * DBL_EPSILON * (n + 4));
    wmc_free(a), wmc_free(v), wmc_free(s), wmc_free(y), wmc_free(scratch);
  }
}

/** Bidiagonalisation: errors of a few eps times the largest singular value. */
Test(dense, singular_values_alone)
{
  for (int n = 1; n <= 70; n += n < 10 ? 1 : 20) {
    double *a = test_random_matrix(n, n), *s = WMC_ARRAY(double, n);
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
    double *a = test_random_matrix(2 * n, n), *form = WMC_ARRAY(double, 4 * n * n);
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
    double *a = test_random_matrix(m, n), *y = test_copy_of_matrix(a, m * n),
           *v = WMC_ARRAY(double, n *n);
    double *s = WMC_ARRAY(double, n), *scratch = WMC_ARRAY(double, wmc_svd_scratch(m, n));
    for (int j = 0; j < n; j++) v[j + j * n] = 1;
    int sweeps = wmc_svd_jacobi(m, n, y, v, s, scratch);
    cr_assert_leq(sweeps, 13, "width %d: %d sweeps", n, sweeps);
    cr_assert_leq(left_defect(m, n, y, s), 8 * DBL_EPSILON * n);
    cr_assert_leq(column_defect(m, n, a, y, v), 8 * DBL_EPSILON * n);
    cr_assert_leq(test_orthogonality_defect(n, n, v), 8 * DBL_EPSILON * n);
    wmc_free(a), wmc_free(y), wmc_free(v), wmc_free(s), wmc_free(scratch);
  }
}

/** Quadratic convergence: from scratch, and near a diagonal matrix with gaps 1. */
TEST_LEVELS(dense, svd_needs_few_sweeps)
{
  for (int n = 2; n <= 32; n += 3)
    for (int near = 0; near < 2; near++) {
      double *a = test_random_matrix(n, n);
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
    double *a = test_random_matrix(n, n), *y = test_copy_of_matrix(a, n * n),
           *v = WMC_ARRAY(double, n *n);
    double *s = WMC_ARRAY(double, n), *t = WMC_ARRAY(double, n);
    double *scratch = WMC_ARRAY(double, wmc_svd_scratch(n, n));
    for (int j = 0; j < n; j++) v[j + j * n] = 1;
    int cold = wmc_svd_jacobi(n, n, y, v, s, scratch);
    cr_assert_leq(wmc_svd_jacobi(n, n, y, v, t, scratch), 1, "width %d", n);
    for (int j = 0; j < n; j++) cr_assert_leq(fabs(t[j] / s[j] - 1), 4 * DBL_EPSILON);
    for (int i = 0; i < n * n; i++) a[i] += 1e-6 * test_normal();
    for (int j = 0; j < n; j++)
      for (int i = 0; i < n; i++)
        y[i + j * n] = (double)test_entry_of_product(a, v, i, j, n, n, false);
    int warm = wmc_svd_jacobi(n, n, y, v, s, scratch);
    cr_assert_leq(warm, cold, "width %d: %d sweeps warm, %d cold", n, warm, cold);
    cr_assert_leq(column_defect(n, n, a, y, v), 8 * DBL_EPSILON * (n + 4) * n);
    cr_assert_leq(left_defect(n, n, y, s), 8 * DBL_EPSILON * (n + 4));
    cr_assert_leq(test_orthogonality_defect(n, n, v), 8 * DBL_EPSILON * (n + 4));
    wmc_free(a), wmc_free(y), wmc_free(v), wmc_free(s), wmc_free(t), wmc_free(scratch);
  }
}

/** The same call gives the same bits wherever its arrays lie. */
TEST_LEVELS(dense, bits_do_not_depend_on_alignment)
{
  for (int n = 1; n <= 40; n += n < 10 ? 1 : 5) {
    double *a = test_random_matrix(n, n), *y = WMC_ARRAY(double, n *n + 8),
           *s = WMC_ARRAY(double, n);
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
