#include "weylmc/numeric/dense.h"

#include <assert.h>

#include "simd/dense_kernels.h"
#include "weylmc/numeric/simd.h"

static wmc_qr_kernel *const qrs[] = WMC_SIMD_TABLE(wmc_qr_householder);
static wmc_qr_kernel *const complex_qrs[] = WMC_SIMD_TABLE(wmc_qr_unitary);
static wmc_triangles_kernel *const triangles[] = WMC_SIMD_TABLE(wmc_triangles);
static wmc_svd_kernel *const svds[] = WMC_SIMD_TABLE(wmc_svd_sweeps);
static wmc_rotate_pairs_kernel *const rotates_pairs[] = WMC_SIMD_TABLE(wmc_rotate_triangle);
static wmc_rotate_both_kernel *const rotates_both[] = WMC_SIMD_TABLE(wmc_rotate_triangles);
static wmc_rotate_kernel *const rotates[] = WMC_SIMD_TABLE(wmc_rotate_all);
static wmc_transpose_kernel *const transposes[] = WMC_SIMD_TABLE(wmc_transpose_all);
static wmc_form_kernel *const forms[] = WMC_SIMD_TABLE(wmc_form_nearest);

void wmc_transpose(int m, int n, const double *a, double *out)
{
  transposes[wmc_simd_level()](m, n, a, out);
}

double wmc_complex_form_nearest(int rows, int columns, int count, size_t distance,
                                const double *signs, double *x)
{
  return forms[wmc_simd_level()](rows, columns, count, distance, signs, x);
}

void wmc_complex_form(int m, int n, const double *restrict a, double *restrict out)
{
  const size_t rows = 2 * (size_t)m;
  for (int j = 0; j < n; j++, a += rows, out += 2 * rows)
    for (size_t i = 0; i < rows; i += 2) {
      out[i] = out[rows + i + 1] = a[i];
      out[i + 1] = a[i + 1];
      out[rows + i] = -a[i + 1];
    }
}

/** In doubles: the matrix by rows padded to 8, five vectors, the reflectors, and room to begin at a
 * cache line. */
static size_t qr_scratch(size_t parts, size_t m, size_t n)
{
  size_t width = (n + 7) / 8 * 8;
  return parts * (m * (width + n) + 3 * width) + width + 8;
}

size_t wmc_qr_scratch(int m, int n) { return qr_scratch(1, (size_t)m, (size_t)n); }

size_t wmc_complex_qr_scratch(int m, int n) { return qr_scratch(2, (size_t)m, (size_t)n); }

void wmc_qr(int m, int n, double *a, double *r, double *scratch)
{
  assert(m >= n && n > 0);
  qrs[wmc_simd_level()](m, n, a, r, true, scratch);
}

void wmc_complex_qr(int m, int n, double *a, double *r, double *scratch)
{
  assert(m >= n && n > 0);
  complex_qrs[wmc_simd_level()](m, n, a, r, true, scratch);
}

void wmc_qr_triangle(int m, int n, double *a, double *r, double *scratch)
{
  assert(m >= n && n > 0);
  qrs[wmc_simd_level()](m, n, a, r, false, scratch);
}

void wmc_multiply_triangles(int parts, int d, const double *u, double *t)
{
  triangles[wmc_simd_level()](parts, d, u, t);
}

/** In doubles: Y above V, twice, two n x n matrices and two vectors, all padded to 8 rows, and room
 * to begin at a cache line. */
size_t wmc_svd_scratch(int m, int n)
{
  size_t side = (size_t)(n + 7) / 8 * 8, height = (size_t)(m + 7) / 8 * 8;
  return 2 * (height + side) * side + 2 * side * (size_t)n + 2 * side + 8;
}

int wmc_svd_jacobi(int m, int n, double *y, double *v, double *s, double *scratch)
{
  assert(m >= n && n > 0);
  return svds[wmc_simd_level()](m, n, y, v, s, scratch);
}

void wmc_rotate_columns(int m, int n, const double *c, const double *s, double *x, double *y)
{
  rotates[wmc_simd_level()](m, n, c, s, x, y);
}

void wmc_rotate_pairs(int m, int n, const double *c, const double *s, double *a)
{
  rotates_pairs[wmc_simd_level()](m, n, c, s, a);
}

void wmc_rotate_pairs_of_both(int m, int n, const double *c_a, const double *s_a, double *a,
                              const double *c_b, const double *s_b, double *b)
{
  rotates_both[wmc_simd_level()](m, n, c_a, s_a, a, c_b, s_b, b);
}
