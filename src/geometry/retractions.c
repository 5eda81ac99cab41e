#include "weylmc/geometry/retractions.h"

#include <math.h>
#include <string.h>

size_t wmc_retractions_scratch(const wmc_layers *layers)
{
  const size_t n = (size_t)layers->depth, r = (size_t)layers->rank;
  const size_t newton = wmc_layers_gauges_size(layers) + n * (2 * wmc_layers_pairs(layers) + r);
  const size_t project = wmc_tangent_size(layers) + wmc_tangent_scratch(layers);
  return newton + project + wmc_layers_size(layers) + 6 * wmc_layers_block(layers) +
         wmc_point_scratch(layers) + wmc_svd_scratch(layers->widest, layers->widest) + 2 * r * r;
}

/* --- Along the fibre ------------------------------------------------------------------------- */

/* Where one Newton step keeps its equations: rows p = 1 .. N-1 of pairs and of diagonals. */
typedef struct newton {
  const wmc_point *point;
  double *gauges, *pairs, *work, *diagonal, *blocks;
} newton;

static newton newton_map(const wmc_point *point, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const size_t n = (size_t)layers->depth, pairs = n * wmc_layers_pairs(layers);
  newton s = {.point = point, .gauges = scratch};
  s.pairs = scratch + wmc_layers_gauges_size(layers);
  s.work = s.pairs + pairs;
  s.diagonal = s.work + pairs;
  s.blocks = s.diagonal + n * (size_t)layers->rank;
  return s;
}

/* a^T M b for columns of n numbers */
static double form(int n, const double *a, const double *m, const double *b)
{
  double sum = 0;
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) sum += a[i] * m[j * n + i] * b[j];
  return sum;
}

/* Q_p^T mu_p Q_p: pairs, and half the diagonal */
static void find_moment(const newton *s, const double *w, int p)
{
  const wmc_layers *layers = s->point->layers;
  const int r = layers->rank, d = layers->width[p];
  const double *q = wmc_point_frame(s->point, p);
  double *mu = s->blocks, *diagonal = s->diagonal + (p - 1) * r;
  double *pair = s->pairs + (size_t)(p - 1) * wmc_layers_pairs(layers);
  wmc_layers_moment(layers, w, p, mu, mu + wmc_layers_block(layers));
  for (int j = 0; j < r; j++) {
    for (int i = 0; i < j; i++) *pair++ = form(d, q + i * d, mu, q + j * d);
    diagonal[j] = 0.5 * form(d, q + j * d, mu, q + j * d);
  }
}

/* lambda_i^2 tridiag(-1, 2, -1) x = diagonal, in place; pivots (p + 1) / p */
static void solve_diagonal(const newton *s, int i)
{
  const int r = s->point->layers->rank, last = s->point->layers->depth - 1;
  const double square = s->point->lambda[i] * s->point->lambda[i];
  double *x = s->diagonal + i;
  for (int p = 1; p <= last; p++)
    x[(p - 1) * r] = (x[(p - 1) * r] / square + (p > 1 ? x[(p - 2) * r] : 0)) * p / (p + 1);
  for (int p = last - 1; p >= 1; p--) x[(p - 1) * r] += x[p * r] * p / (p + 1);
}

/* out += value a b^T */
static void add_dyad(int n, double value, const double *a, const double *b, double *out)
{
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) out[j * n + i] += value * a[i] * b[j];
}

/* G_p = 1 + Q_p S_p Q_p^T */
static void write_gauge(const newton *s, int p)
{
  const wmc_layers *layers = s->point->layers;
  const int r = layers->rank, d = layers->width[p];
  const double *q = wmc_point_frame(s->point, p), *diagonal = s->diagonal + (p - 1) * r;
  const double *pair = s->pairs + (size_t)(p - 1) * wmc_layers_pairs(layers);
  double *g = s->gauges + layers->gauge[p];
  memset(g, 0, (size_t)(d * d) * sizeof *g);
  for (int i = 0; i < d; i++) g[i * d + i] = 1;
  for (int j = 0; j < r; j++) {
    for (int i = 0; i < j; i++, pair++) {
      add_dyad(d, *pair, q + i * d, q + j * d, g);
      add_dyad(d, *pair, q + j * d, q + i * d, g);
    }
    add_dyad(d, diagonal[j], q + j * d, q + j * d, g);
  }
}

static bool along_fibre(const wmc_point *point, double *w, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const newton s = newton_map(point, scratch);
  if (!wmc_point_read(point, w, s.blocks)) return false;
  for (int p = 1; p < layers->depth; p++) find_moment(&s, w, p);
  wmc_pairs_solve(point, s.pairs, s.work);
  for (int i = 0; i < layers->rank; i++) solve_diagonal(&s, i);
  for (int p = 1; p < layers->depth; p++) write_gauge(&s, p);
  return wmc_layers_act(layers, s.gauges, w, s.blocks);
}

/* --- At right angles ------------------------------------------------------------------------- */

static bool along_normals(const wmc_point *point, double *w, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const size_t size = wmc_layers_size(layers);
  const wmc_tangent part = wmc_tangent_map(layers, scratch);
  double *y = scratch + wmc_tangent_size(layers), *work = y + size;
  if (!wmc_point_read(point, w, work)) return false;
  wmc_point_write(point, y, work);
  for (size_t k = 0; k < size; k++) w[k] -= y[k];
  wmc_project(point, w, &part, work);
  wmc_tangent_write(point, &part, w, work);
  for (size_t k = 0; k < size; k++) w[k] += y[k];
  return true;
}

/* --- From X ---------------------------------------------------------------------------------- */

/* U and V (square) of the m x n matrix a = U diag(s) V^T, m >= n; the columns of U stand in a. */
static void decompose(int m, int n, double *a, double *v, double *s, double *scratch)
{
  memset(v, 0, (size_t)(n * n) * sizeof *v);
  for (int k = 0; k < n; k++) v[k * n + k] = 1;
  wmc_svd_jacobi(m, n, a, v, s, scratch);
  for (int k = 0; k < n; k++)
    for (int i = 0; i < m; i++) a[k * m + i] /= s[k];
}

/* Frames 0 and N and lambda; the wider side of X is that of the rows of what is decomposed. */
static void read_ends(const wmc_point *point, const double *w, double *blocks)
{
  const wmc_layers *layers = point->layers;
  const int n = layers->depth, r = layers->rank, rows = layers->width[n],
            columns = layers->width[0];
  const size_t block = wmc_layers_block(layers);
  const bool tall = rows >= columns;
  double *x = blocks, *turned = x + block, *v = turned + block, *s = v + block;
  wmc_layers_end_to_end(layers, w, x, turned);
  wmc_transpose(rows, columns, x, turned);
  double *left = tall ? x : turned;
  decompose(tall ? rows : columns, tall ? columns : rows, left, v, s, s + layers->widest);
  for (int k = 0; k < r; k++) point->lambda[k] = exp(log(s[k]) / n);
  memcpy(wmc_point_frame(point, n), tall ? left : v, (size_t)(rows * r) * sizeof *v);
  memcpy(wmc_point_frame(point, 0), tall ? v : left, (size_t)(columns * r) * sizeof *v);
}

/* Q_p = U V^T for W_p Q_{p-1} Lambda = U s V^T */
static void read_polar(const wmc_point *point, const double *w, int p, double *blocks)
{
  const wmc_layers *layers = point->layers;
  const int r = layers->rank, d = layers->width[p];
  const size_t block = wmc_layers_block(layers);
  double *image = blocks, *v = image + block, *turned = v + block, *s = turned + block;
  wmc_layers_multiply(layers, d, r, layers->width[p - 1], w + layers->layer[p],
                      wmc_point_frame(point, p - 1), image);
  for (int k = 0; k < r; k++)
    for (int i = 0; i < d; i++) image[k * d + i] *= point->lambda[k];
  decompose(d, r, image, v, s, s + layers->widest);
  wmc_transpose(r, r, v, turned);
  wmc_layers_multiply(layers, d, r, r, image, turned, wmc_point_frame(point, p));
}

static bool from_product(const wmc_point *point, double *w, double *scratch)
{
  const wmc_layers *layers = point->layers;
  bool fine = true;
  read_ends(point, w, scratch);
  for (int k = 0; k < layers->rank; k++) fine &= isfinite(point->lambda[k]) && point->lambda[k] > 0;
  if (!fine) return false;
  for (int p = 1; p < layers->depth; p++) read_polar(point, w, p, scratch);
  wmc_point_write(point, w, scratch);
  return true;
}

const wmc_retraction_kind wmc_retractions[] = {
    {"gauge", "one Newton step along the fibre of GL", along_fibre},
    {"normal", "one Newton step at right angles to the balanced manifold", along_normals},
    {"svd", "singular values of X, and frames from polar factors", from_product},
    {NULL, NULL, NULL}};
