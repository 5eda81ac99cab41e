/* What is called rarely, or too large for own code: LAPACK and BLAS, one thread. */
#include <assert.h>
#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dense_library.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"

/** Scale the columns of A to norm 1; scale[j] is what column j was multiplied by. */
static wmc_status scale_columns(int m, int n, double *a, double *scale)
{
  for (int j = 0; j < n; j++) {
    double norm = cblas_dnrm2(m, a + (size_t)j * (size_t)m, 1);
    if (!(norm > 0) || isinf(norm))
      return wmc_raise(WMC_FAILURE,
                       "least squares: column %d of %d has norm %g; a fit needs finite, non-zero "
                       "columns: drop the term",
                       j + 1, n, norm);
    /* a power of two, so that nothing is rounded */
    scale[j] = ldexp(1.0, -ilogb(norm));
    cblas_dscal(m, scale[j], a + (size_t)j * (size_t)m, 1);
  }
  return WMC_OK;
}

static wmc_status check_rank(int m, int n, const double *r)
{
  double condition = 0;
  int info = LAPACKE_dtrcon(LAPACK_COL_MAJOR, '1', 'U', 'N', n, r, n, &condition);
  if (info == 0 && condition > DBL_EPSILON * m) return WMC_OK;
  return wmc_raise(WMC_FAILURE,
                   "least squares: the %d x %d matrix has not full rank (reciprocal condition "
                   "number %.1e, needed above %.1e): use fewer terms or more points",
                   m, n, condition, DBL_EPSILON * m);
}

/** cov = D R^{-1} R^{-T} D, with R inverted in place. */
static void covariance(int n, double *r, const double *scale, double *cov)
{
  LAPACKE_dtrtri(LAPACK_COL_MAJOR, 'U', 'N', n, r, n);
  cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, n, n, n, 1, r, n, r, n, 0, cov, n);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) cov[i + j * n] *= scale[i] * scale[j];
}

wmc_status wmc_least_squares(int m, int n, double *a, double *b, double *x, double *cov)
{
  assert(m >= n && n > 0);
  double *scale = WMC_ARRAY(double, n), *r = WMC_ARRAY(double, n *n);
  double *scratch = WMC_ARRAY(double, wmc_qr_scratch(m, n));
  wmc_status status = WMC_OK;
  if (scale == NULL || r == NULL || scratch == NULL) WMC_GOTO(wmc_no_memory());
  WMC_GOTO(scale_columns(m, n, a, scale));
  wmc_qr(m, n, a, r, scratch);
  WMC_GOTO(check_rank(m, n, r));
  cblas_dgemv(CblasColMajor, CblasTrans, m, n, 1, a, m, b, 1, 0, x, 1);
  cblas_dtrsv(CblasColMajor, CblasUpper, CblasNoTrans, CblasNonUnit, n, r, n, x, 1);
  for (int j = 0; j < n; j++) x[j] *= scale[j];
  if (cov != NULL) covariance(n, r, scale, cov);
done:
  wmc_free(scratch);
  wmc_free(r);
  wmc_free(scale);
  return status;
}

enum { BLOCK = 32 }; /* of LAPACK's bidiagonalisation */

size_t wmc_singular_values_scratch(int n) { return (size_t)(3 + 2 * BLOCK) * (size_t)n; }

bool wmc_singular_values(int n, double *a, double *s, double *scratch)
{
  double sum = 0;
  for (int i = 0; i < n * n; i++) sum += a[i];
  if (!isfinite(sum)) return false;
  int size = (int)wmc_singular_values_scratch(n);
  return LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, 'N', 'N', n, n, a, n, s, NULL, 1, NULL, 1, scratch,
                             size) == 0;
}

size_t wmc_complex_singular_values_scratch(int n)
{
  return 5 * (size_t)n + 2 * (size_t)(2 + 2 * BLOCK) * (size_t)n;
}

bool wmc_complex_singular_values(int n, double *a, double *s, double *scratch)
{
  double sum = 0;
  for (int i = 0; i < 2 * n * n; i++) sum += a[i];
  if (!isfinite(sum)) return false;
  return LAPACKE_zgesvd_work(LAPACK_COL_MAJOR, 'N', 'N', n, n, (lapack_complex_double *)a, n, s,
                             NULL, 1, NULL, 1, (lapack_complex_double *)(scratch + 5 * n),
                             (2 + 2 * BLOCK) * n, scratch) == 0;
}

wmc_status wmc_symmetric_eigen(int n, double *a, double *w)
{
  assert(n > 0);
  int info = LAPACKE_dsyev(LAPACK_COL_MAJOR, 'V', 'L', n, a, n, w);
  if (info == 0) return WMC_OK;
  return wmc_raise(
      WMC_FAILURE,
      "eigenvalues of a symmetric %d x %d matrix: LAPACK's dsyev returned %d; look for "
      "values that are not finite",
      n, n, info);
}

size_t wmc_hermitian_scratch(int n) { return (size_t)(2 * BLOCK + 5) * (size_t)n; }

/* Of [[a, b], [conj b, c]]. */
static void eigenvalues_of_two(double a, double modulus_b, double c, double *w)
{
  double centre = 0.5 * (a + c), radius = hypot(0.5 * (a - c), modulus_b);
  w[0] = centre - radius;
  w[1] = centre + radius;
}

bool wmc_symmetric_eigenvalues(int n, double *a, double *w, double *scratch)
{
  if (n == 2) {
    eigenvalues_of_two(a[0], a[1], a[3], w);
    return isfinite(w[0] + w[1]);
  }
  return LAPACKE_dsyev_work(LAPACK_COL_MAJOR, 'N', 'L', n, a, n, w, scratch, (2 * BLOCK + 5) * n) ==
         0;
}

bool wmc_hermitian_eigenvalues(int n, double *a, double *w, double *scratch)
{
  if (n == 2) {
    eigenvalues_of_two(a[0], hypot(a[2], a[3]), a[6], w);
    return isfinite(w[0] + w[1]);
  }
  return LAPACKE_zheev_work(LAPACK_COL_MAJOR, 'N', 'L', n, (lapack_complex_double *)a, n, w,
                            (lapack_complex_double *)(scratch + 3 * n), (BLOCK + 1) * n,
                            scratch) == 0;
}

const char *wmc_blas_kernel(void) { return openblas_get_corename(); }

const char *wmc_blas_description(void)
{
  static char text[256];
  int major, minor, patch;
  LAPACKE_ilaver(&major, &minor, &patch);
  snprintf(text, sizeof text, "%s, LAPACK %d.%d.%d, %s", openblas_get_config(), major, minor, patch,
           wmc_product_library());
  return text;
}

wmc_status wmc_blas_start(void)
{
  const size_t buffer = (size_t)160 << 20;
  openblas_set_num_threads(1);
  void *volatile room = malloc(buffer); /* volatile, or compilers leave out a malloc only freed */
  if (room == NULL)
    return wmc_raise(WMC_FAILURE,
                     "out of memory: OpenBLAS needs %zu MB of address space for its buffer; raise "
                     "the limit (ulimit -v) or ask the batch system for more",
                     buffer >> 20);
  free(room);
  double a = 1, x = 1, y = 0;
  cblas_dsymv(CblasColMajor, CblasLower, 1, 1.0, &a, 1, &x, 1, 0.0, &y, 1);
  return WMC_OK;
}
