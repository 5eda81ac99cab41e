#include "weylmc/geometry/point.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/numeric/pairs.h"
#include "weylmc/numeric/vector.h"

size_t wmc_point_size(const wmc_layers *layers)
{
  return wmc_layers_frames_size(layers) + (size_t)layers->rank;
}

wmc_point wmc_point_map(const wmc_layers *layers, double *memory)
{
  return (wmc_point){
      .layers = layers, .frames = memory, .lambda = memory + wmc_layers_frames_size(layers)};
}

double *wmc_point_frame(const wmc_point *point, int p)
{
  return point->frames + point->layers->frame[p];
}

size_t wmc_point_scratch(const wmc_layers *layers)
{
  const int widest = layers->widest;
  size_t qr = wmc_qr_scratch(widest, layers->rank), svd = wmc_svd_scratch(widest, widest);
  return 3 * wmc_layers_block(layers) + (size_t)widest + wmc_larger(qr, svd);
}

static void orthonormalise(const wmc_layers *layers, int p, double *frame, double *scratch)
{
  wmc_qr(layers->width[p], layers->rank, frame, scratch, scratch + layers->core);
}

void wmc_point_draw_frames(const wmc_point *point, wmc_stream *stream, double *scratch)
{
  const wmc_layers *layers = point->layers;
  for (int p = 0; p <= layers->depth; p++) {
    double *frame = wmc_point_frame(point, p);
    wmc_stream_normals(stream, (size_t)layers->width[p] * (size_t)layers->rank, 1, frame);
    /* with a positive diagonal of R the frame of a Gaussian matrix is Haar */
    orthonormalise(layers, p, frame, scratch);
  }
}

/* error = Q^T Q - 1. `scratch`: 1 block */
static void find_error(const wmc_point *point, int p, double *error, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int d = layers->width[p], r = layers->rank;
  const double *frame = wmc_point_frame(point, p);
  wmc_transpose(d, r, frame, scratch);
  wmc_layers_multiply(layers, r, r, d, scratch, frame, error);
  for (int k = 0; k < r; k++) error[k * (r + 1)] -= 1;
}

/* Q <- Q (1 - error / 2); destroys `error`. `scratch`: 1 block */
static void correct(const wmc_point *point, int p, double *error, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int d = layers->width[p], r = layers->rank;
  double *frame = wmc_point_frame(point, p);
  for (int k = 0; k < r * r; k++) error[k] *= -0.5;
  for (int k = 0; k < r; k++) error[k * (r + 1)] += 1;
  wmc_layers_multiply(layers, d, r, r, frame, error, scratch);
  memcpy(frame, scratch, (size_t)(d * r) * sizeof *frame);
}

void wmc_point_straighten(const wmc_point *point, int p, double *scratch)
{
  double *error = scratch, *rest = error + wmc_layers_block(point->layers);
  find_error(point, p, error, rest);
  correct(point, p, error, rest);
}

/* Errors whose squares are below rounding are corrected, others call for columns one by one. */
void wmc_point_refresh(const wmc_point *point, double *scratch)
{
  const double small = 1e-9;
  const wmc_layers *layers = point->layers;
  double *error = scratch, *rest = error + wmc_layers_block(layers);
  for (int p = 0; p <= layers->depth; p++) {
    find_error(point, p, error, rest);
    if (wmc_dot(layers->rank * layers->rank, error, error) < small * small)
      correct(point, p, error, rest);
    else
      orthonormalise(layers, p, wmc_point_frame(point, p), scratch);
  }
}

/* out = A diag(x) B^T for A of m x r and B of n x r. `scratch`: 2 blocks */
static void join(const wmc_layers *layers, int m, int n, const double *a, const double *x,
                 const double *b, double *out, double *scratch)
{
  const int r = layers->rank;
  double *scaled = scratch, *transposed = scratch + wmc_layers_block(layers);
  for (int k = 0; k < r; k++)
    for (int i = 0; i < m; i++) scaled[k * m + i] = a[k * m + i] * x[k];
  wmc_transpose(n, r, b, transposed);
  wmc_layers_multiply(layers, m, n, r, scaled, transposed, out);
}

void wmc_point_write(const wmc_point *point, double *w, double *scratch)
{
  const wmc_layers *layers = point->layers;
  for (int p = 1; p <= layers->depth; p++)
    join(layers, layers->width[p], layers->width[p - 1], wmc_point_frame(point, p), point->lambda,
         wmc_point_frame(point, p - 1), w + layers->layer[p], scratch);
}

void wmc_point_end_to_end(const wmc_point *point, double *x, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int n = layers->depth;
  double *sigma = scratch + 2 * wmc_layers_block(layers);
  wmc_pairs_power(layers->rank, point->lambda, n, sigma);
  join(layers, layers->width[n], layers->width[0], wmc_point_frame(point, n), sigma,
       wmc_point_frame(point, 0), x, scratch);
}

/* Q_0 from the decomposition of the first layer. */
static void read_first_frame(const wmc_point *point, const double *layer, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int m = layers->width[1], n = layers->width[0], r = layers->rank;
  const size_t block = wmc_layers_block(layers);
  double *y = scratch, *v = y + block, *s = v + block, *work = s + layers->widest;
  double *frame = wmc_point_frame(point, 0);
  if (m >= n) {
    memcpy(y, layer, (size_t)m * (size_t)n * sizeof *y);
    memset(v, 0, (size_t)n * (size_t)n * sizeof *v);
    for (int k = 0; k < n; k++) v[k * n + k] = 1;
    wmc_svd_jacobi(m, n, y, v, s, work);
    memcpy(frame, v, (size_t)n * (size_t)r * sizeof *frame);
  } else {
    wmc_transpose(m, n, layer, y);
    wmc_svd_jacobi(n, m, y, NULL, s, work);
    memcpy(frame, y, (size_t)n * (size_t)r * sizeof *frame);
  }
  orthonormalise(layers, 0, frame, scratch);
}

bool wmc_point_read(const wmc_point *point, const double *w, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int r = layers->rank, n = layers->depth;
  double sum = 0;
  read_first_frame(point, w + layers->layer[1], scratch);
  for (int k = 0; k < r; k++) point->lambda[k] = 0;
  for (int p = 1; p <= n; p++) {
    double *frame = wmc_point_frame(point, p), *upper = scratch;
    wmc_layers_multiply(layers, layers->width[p], r, layers->width[p - 1], w + layers->layer[p],
                        wmc_point_frame(point, p - 1), frame);
    wmc_qr(layers->width[p], r, frame, upper, scratch + layers->core);
    for (int k = 0; k < r; k++) point->lambda[k] += log(upper[k * r + k]) / n;
  }
  for (int k = 0; k < r; k++) sum += point->lambda[k];
  for (int k = 0; k < r; k++) point->lambda[k] = exp(point->lambda[k]);
  return isfinite(sum);
}

void wmc_point_spectrum(const wmc_point *point, const wmc_spectrum *spectrum)
{
  for (int k = 0; k < point->layers->rank; k++)
    wmc_spectrum_set_lambda(spectrum, k, point->lambda[k]);
}
