/* Random starting points. */
#include <math.h>
#include <string.h>

#include "balanced_dynamics.h"

size_t wmc_balanced_start_size(const wmc_shape *shape)
{
  const int b = (int)shape->numbers, m = b * shape->rows, n = b * shape->columns;
  const int r = b * shape->rank, span = m > n ? m : n;
  const size_t qr = wmc_qr_scratch(span, r), svd = wmc_svd_scratch(span, r);
  return (size_t)(2 * r * span + r * r + r) + (qr > svd ? qr : svd);
}

/* Entries of standard deviation `scale`, m x n; of complex numbers (b = 2) the real form, whose
 * sizes m and n are: every number x + iy is a block (x, -y; y, x). */
static void draw(wmc_stream *stream, int b, int m, int n, double scale, double *out)
{
  for (int j = 0; j < n; j += b) {
    double *column = out + j * m, *turned = column + m;
    wmc_stream_normals(stream, (size_t)m, scale / sqrt(b), column);
    for (int i = 0; b == 2 && i < m; i += 2) {
      turned[i] = -column[i + 1];
      turned[i + 1] = column[i];
    }
  }
}

/* The columns of A (n x r) become those of A R^T / sqrt(r), R from the QR decomposition of another
 * normal matrix (m x r): singular values of the product of both. */
static void multiply(wmc_stream *stream, int b, int m, int n, int r, double *a, double *other,
                     double *scratch)
{
  double *factor = scratch;
  draw(stream, b, m, r, 1 / sqrt((double)r / b), other);
  wmc_qr(m, r, other, factor, factor + r * r);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < r; k++) {
      double sum = 0;
      for (int l = k; l < r; l++) sum += factor[l * r + k] * a[l * n + i];
      a[k * n + i] = sum;
    }
}

/* The law of such a matrix does not change under rotations, so that its frames are independent of
 * its singular values and have Haar's law. */
void wmc_balanced_start_random(wmc_balanced *chain, wmc_stream *stream)
{
  const int b = (int)chain->law.shape.numbers, r = b * chain->x.rank, span = b * chain->span;
  const int small = b * (chain->rows + chain->columns) - span;
  double *a = chain->dynamics, *other = a + r * span, *s = other + r * span, *scratch = s + r;
  draw(stream, b, span, r, chain->start, a);
  if (r < small) multiply(stream, b, small, span, r, a, other, scratch);
  wmc_svd_jacobi(span, r, a, NULL, s, scratch);
  /* the real form has every singular value of complex numbers twice */
  for (int k = 0; k < chain->x.rank; k++) wmc_spectrum_set_log(&chain->x, k, log(s[b * k]));
}
