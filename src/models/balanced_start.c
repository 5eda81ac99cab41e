/* Random starting points. */
#include <math.h>
#include <string.h>

#include "balanced_dynamics.h"

size_t wmc_balanced_start_size(const wmc_shape *shape)
{
  const int m = shape->rows, n = shape->columns, r = shape->rank, span = m > n ? m : n;
  const size_t qr = wmc_qr_scratch(span, r), svd = wmc_svd_scratch(span, r);
  return (size_t)(2 * r * span + r * r + r) + (qr > svd ? qr : svd);
}

/* The columns of A (n x r) become those of A R^T / sqrt(r), R from the QR decomposition of another
 * normal matrix (m x r): singular values of the product of both. */
static void multiply(wmc_stream *stream, int m, int n, int r, double *a, double *other,
                     double *scratch)
{
  double *factor = scratch;
  wmc_stream_normals(stream, (size_t)(m * r), 1 / sqrt(r), other);
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
  const int r = chain->x.rank, span = chain->span, small = chain->rows + chain->columns - span;
  double *a = chain->dynamics, *other = a + r * span, *s = other + r * span, *scratch = s + r;
  wmc_stream_normals(stream, (size_t)(r * span), chain->start, a);
  if (r < small) multiply(stream, small, span, r, a, other, scratch);
  wmc_svd_jacobi(span, r, a, NULL, s, scratch);
  for (int k = 0; k < r; k++) wmc_spectrum_set_log(&chain->x, k, log(s[k]));
}
