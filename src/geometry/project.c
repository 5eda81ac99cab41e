#include "weylmc/geometry/project.h"

#include <math.h>
#include <string.h>

#include "weylmc/numeric/chain.h"
#include "weylmc/numeric/pairs.h"
#include "weylmc/numeric/vector.h"

static size_t core_size(const wmc_layers *layers) { return (size_t)layers->depth * layers->core; }

size_t wmc_tangent_size(const wmc_layers *layers)
{
  return core_size(layers) + wmc_layers_frames_size(layers);
}

wmc_tangent wmc_tangent_map(const wmc_layers *layers, double *memory)
{
  return (wmc_tangent){.layers = layers, .core = memory, .tilt = memory + core_size(layers)};
}

double *wmc_tangent_core(const wmc_tangent *tangent, int p)
{
  return tangent->core + (size_t)(p - 1) * tangent->layers->core;
}

double *wmc_tangent_tilt(const wmc_tangent *tangent, int p)
{
  return tangent->tilt + tangent->layers->frame[p];
}

size_t wmc_layers_pairs(const wmc_layers *layers)
{
  return (size_t)layers->rank * (size_t)(layers->rank - 1) / 2;
}

/* Doubles of the normals for the vertical part, and 8 more that may be read; rows behind them begin
 * at cache lines. */
static size_t turns_room(const wmc_layers *layers)
{
  return (size_t)(layers->depth - 1) * wmc_layers_pairs(layers) / 8 * 8 + 16;
}

size_t wmc_tangent_scratch(const wmc_layers *layers)
{
  const int r = layers->rank, n = layers->depth;
  const size_t draw = wmc_chain_tangent_scratch(r, n, layers->core);
  const size_t project = 3 * (size_t)n * wmc_layers_pairs(layers) + 4 * layers->core;
  return 5 * wmc_layers_block(layers) + 2 * layers->core + (size_t)r + turns_room(layers) +
         (draw > project ? draw : project);
}

static bool tilts(const wmc_layers *layers, int p) { return layers->width[p] > layers->rank; }

/* --- Tridiagonal systems --------------------------------------------------------------------- */

void wmc_pairs_solve(const wmc_point *point, double *x, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const double *l = point->lambda;
  const size_t pairs = wmc_layers_pairs(layers);
  const int last = layers->depth - 1;
  /* elimination from p = 1 up: row p of scratch keeps beta over the pivot */
  for (int p = 1; p <= last; p++) {
    double *restrict here = x + (size_t)(p - 1) * pairs;
    double *restrict ratio = scratch + (size_t)(p - 1) * pairs;
    const double *before = here - pairs, *old = ratio - pairs;
    size_t k = 0;
    for (int j = 1; j < layers->rank; j++)
      for (int i = 0; i < j; i++, k++) {
        const double beta = 2 * l[i] * l[j], alpha = 2 * (l[i] * l[i] + l[j] * l[j]);
        const double inverse = 1 / (p > 1 ? alpha - beta * old[k] : alpha);
        ratio[k] = beta * inverse;
        here[k] = (p > 1 ? here[k] + beta * before[k] : here[k]) * inverse;
      }
  }
  for (int p = last - 1; p >= 1; p--) {
    double *restrict here = x + (size_t)(p - 1) * pairs;
    const double *ratio = scratch + (size_t)(p - 1) * pairs, *after = here + pairs;
    for (size_t k = 0; k < pairs; k++) here[k] += ratio[k] * after[k];
  }
}

/* --- Projection ------------------------------------------------------------------------------ */

/* a <- a - Q Q^T a for d_p x r matrices. `scratch`: 2 blocks and a core */
static void leave_frame(const wmc_layers *layers, int p, const double *frame, double *a,
                        double *scratch)
{
  const int d = layers->width[p], r = layers->rank;
  double *transposed = scratch, *inside = transposed + wmc_layers_block(layers);
  double *core = inside + wmc_layers_block(layers);
  wmc_transpose(d, r, frame, transposed);
  wmc_layers_multiply(layers, r, r, d, transposed, a, core);
  wmc_layers_multiply(layers, d, r, r, frame, core, inside);
  for (int k = 0; k < d * r; k++) a[k] -= inside[k];
}

/* Core and raw tilts of one layer: T_p = Q_p^T V_p Q_{p-1}; V_p Q_{p-1} and V_p^T Q_p are added to
 * the tilts p and p - 1. `scratch`: 3 blocks */
static void read_layer(const wmc_point *point, int p, const double *v, const wmc_tangent *tangent,
                       double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int m = layers->width[p], n = layers->width[p - 1], r = layers->rank;
  const size_t block = wmc_layers_block(layers);
  const double *left = wmc_point_frame(point, p), *right = wmc_point_frame(point, p - 1);
  double *image = scratch, *transposed = image + block, *other = transposed + block;
  wmc_layers_multiply(layers, m, r, n, v, right, image);
  wmc_transpose(m, r, left, transposed);
  wmc_layers_multiply(layers, r, r, m, transposed, image, wmc_tangent_core(tangent, p));
  for (int k = 0; tilts(layers, p) && k < m * r; k++) wmc_tangent_tilt(tangent, p)[k] += image[k];
  if (!tilts(layers, p - 1)) return;
  wmc_transpose(m, n, v, transposed);
  wmc_layers_multiply(layers, n, r, m, transposed, left, other);
  for (int k = 0; k < n * r; k++) wmc_tangent_tilt(tangent, p - 1)[k] += other[k];
}

/* All layers share the mean of their diagonals. */
static void average_diagonals(const wmc_tangent *tangent)
{
  const int r = tangent->layers->rank, n = tangent->layers->depth;
  for (int i = 0; i < r; i++) {
    double sum = 0;
    for (int p = 1; p <= n; p++) sum += wmc_tangent_core(tangent, p)[i * r + i];
    for (int p = 1; p <= n; p++) wmc_tangent_core(tangent, p)[i * r + i] = sum / n;
  }
}

/* Right-hand sides l_i V'_ij + l_j V'_ji - l_j V_ij - l_i V_ji, V' the next layer. */
static void fill_normal(const wmc_point *point, const wmc_tangent *tangent, double *s)
{
  const int r = point->layers->rank;
  const double *l = point->lambda;
  for (int p = 1; p < point->layers->depth; p++) {
    const double *v = wmc_tangent_core(tangent, p), *next = wmc_tangent_core(tangent, p + 1);
    for (int j = 1; j < r; j++)
      for (int i = 0; i < j; i++) {
        const int ij = j * r + i, ji = i * r + j;
        *s++ = l[i] * next[ij] + l[j] * next[ji] - l[j] * v[ij] - l[i] * v[ji];
      }
  }
}

/* T_p -= Lambda S_{p-1} - S_p Lambda off the diagonal */
static void remove_normal(const wmc_point *point, const double *s, const wmc_tangent *tangent)
{
  const wmc_layers *layers = point->layers;
  const int r = layers->rank;
  const size_t pairs = wmc_layers_pairs(layers);
  const double *l = point->lambda;
  for (int p = 1; p <= layers->depth; p++) {
    double *t = wmc_tangent_core(tangent, p);
    size_t k = (size_t)(p - 1) * pairs;
    for (int j = 1; j < r; j++)
      for (int i = 0; i < j; i++, k++) {
        const double here = p < layers->depth ? s[k] : 0, before = p > 1 ? s[k - pairs] : 0;
        t[j * r + i] += here * l[j] - l[i] * before;
        t[i * r + j] += here * l[i] - l[j] * before;
      }
  }
}

void wmc_project(const wmc_point *point, const double *v, const wmc_tangent *tangent,
                 double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int n = layers->depth;
  double *s = scratch, *work = s + (size_t)n * wmc_layers_pairs(layers);
  memset(tangent->tilt, 0, wmc_layers_frames_size(layers) * sizeof *tangent->tilt);
  for (int p = 1; p <= n; p++) read_layer(point, p, v + layers->layer[p], tangent, work);
  for (int p = 0; p <= n; p++) {
    double *tilt = wmc_tangent_tilt(tangent, p);
    if (!tilts(layers, p)) continue;
    leave_frame(layers, p, wmc_point_frame(point, p), tilt, work);
    for (int k = 0; p > 0 && p < n && k < layers->width[p] * layers->rank; k++) tilt[k] *= 0.5;
  }
  average_diagonals(tangent);
  fill_normal(point, tangent, s);
  wmc_pairs_solve(point, s, work);
  remove_normal(point, s, tangent);
}

void wmc_tangent_write(const wmc_point *point, const wmc_tangent *tangent, double *v,
                       double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int r = layers->rank;
  const size_t block = wmc_layers_block(layers);
  double *image = scratch, *transposed = image + block, *part = transposed + block;
  for (int p = 1; p <= layers->depth; p++) {
    const int m = layers->width[p], n = layers->width[p - 1];
    const double *left = wmc_point_frame(point, p);
    double *out = v + layers->layer[p];
    wmc_layers_multiply(layers, m, r, r, left, wmc_tangent_core(tangent, p), image);
    for (int k = 0; tilts(layers, p) && k < m * r; k++) image[k] += wmc_tangent_tilt(tangent, p)[k];
    wmc_transpose(n, r, wmc_point_frame(point, p - 1), transposed);
    wmc_layers_multiply(layers, m, n, r, image, transposed, out);
    if (!tilts(layers, p - 1)) continue;
    wmc_transpose(n, r, wmc_tangent_tilt(tangent, p - 1), transposed);
    wmc_layers_multiply(layers, m, n, r, left, transposed, part);
    for (int k = 0; k < m * n; k++) out[k] += part[k];
  }
}

double wmc_tangent_inner(const wmc_tangent *a, const wmc_tangent *b)
{
  const wmc_layers *layers = a->layers;
  const int r = layers->rank, n = layers->depth;
  double sum = 0;
  for (int p = 1; p <= n; p++)
    sum += wmc_dot(r * r, wmc_tangent_core(a, p), wmc_tangent_core(b, p));
  for (int p = 0; p <= n; p++)
    if (tilts(layers, p))
      sum += (p > 0 && p < n ? 2 : 1) *
             wmc_dot(layers->width[p] * r, wmc_tangent_tilt(a, p), wmc_tangent_tilt(b, p));
  return sum;
}

/* --- Horizontal and vertical directions ------------------------------------------------------ */

/* rho^0 .. rho^{N-1} of all pairs, a row for each power, and 1 / (their sum of squares). */
static void fill_powers(const wmc_point *point, double *power, double *inverse)
{
  const wmc_layers *layers = point->layers;
  const size_t pairs = wmc_layers_pairs(layers);
  size_t k = 0;
  double *ratio = inverse + pairs;
  for (int j = 1; j < layers->rank; j++)
    for (int i = 0; i < j; i++) ratio[k++] = point->lambda[j] / point->lambda[i];
  for (k = 0; k < pairs; k++) power[k] = inverse[k] = 1;
  for (int p = 1; p < layers->depth; p++) {
    double *restrict here = power + (size_t)p * pairs, *restrict sum = inverse;
    const double *before = here - pairs;
    for (k = 0; k < pairs; k++) {
      here[k] = before[k] * ratio[k];
      sum[k] += here[k] * here[k];
    }
  }
  for (k = 0; k < pairs; k++) inverse[k] = 1 / inverse[k];
}

/* T_p from H, given the powers. */
static void assemble_horizontal(const wmc_point *point, const double *h, const double *power,
                                const wmc_tangent *tangent)
{
  const wmc_layers *layers = point->layers;
  const int r = layers->rank, n = layers->depth;
  const size_t pairs = wmc_layers_pairs(layers);
  for (int p = 1; p <= n; p++) {
    double *t = wmc_tangent_core(tangent, p);
    const double *up = power + (size_t)(p - 1) * pairs, *down = power + (size_t)(n - p) * pairs;
    size_t k = 0;
    for (int j = 0; j < r; j++) {
      for (int i = 0; i < j; i++, k++) {
        t[j * r + i] = h[j * r + i] * up[k];
        t[i * r + j] = h[i * r + j] * down[k];
      }
      t[j * r + j] = h[j * r + j];
    }
  }
}

void wmc_tangent_horizontal(const wmc_point *point, const wmc_tangent *tangent,
                            const wmc_tangent *out, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int r = layers->rank, n = layers->depth;
  const size_t pairs = wmc_layers_pairs(layers);
  double *power = scratch, *inverse = power + (size_t)n * pairs, *h = inverse + 2 * pairs;
  fill_powers(point, power, inverse);
  memset(h, 0, (size_t)(r * r) * sizeof *h);
  for (int p = 1; p <= n; p++) {
    const double *t = wmc_tangent_core(tangent, p);
    const double *up = power + (size_t)(p - 1) * pairs, *down = power + (size_t)(n - p) * pairs;
    size_t k = 0;
    for (int j = 0; j < r; j++) {
      for (int i = 0; i < j; i++, k++) {
        h[j * r + i] += t[j * r + i] * up[k] * inverse[k];
        h[i * r + j] += t[i * r + j] * down[k] * inverse[k];
      }
      h[j * r + j] += t[j * r + j] / n;
    }
  }
  assemble_horizontal(point, h, power, out);
  memset(out->tilt, 0, wmc_layers_frames_size(layers) * sizeof *out->tilt);
  for (int p = 0; p <= n; p += n)
    memcpy(wmc_tangent_tilt(out, p), wmc_tangent_tilt(tangent, p),
           (size_t)(layers->width[p] * r) * sizeof *out->tilt);
}

/* --- Noise and drift ------------------------------------------------------------------------- */

static void draw_tilts(const wmc_point *point, wmc_stream *stream, double vertical,
                       double horizontal, const wmc_tangent *tangent, double *scratch)
{
  const wmc_layers *layers = point->layers;
  for (int p = 0; p <= layers->depth; p++) {
    const bool outer = p == 0 || p == layers->depth;
    const double scale = outer ? horizontal : vertical * sqrt(0.5);
    const size_t entries = (size_t)layers->width[p] * (size_t)layers->rank;
    double *tilt = wmc_tangent_tilt(tangent, p);
    if (!tilts(layers, p)) continue;
    if (scale == 0) {
      memset(tilt, 0, entries * sizeof *tilt);
      continue;
    }
    wmc_stream_normals(stream, entries, scale, tilt);
    leave_frame(layers, p, wmc_point_frame(point, p), tilt, scratch);
  }
}

/* The gradient of E(X) has H_kl = max(l_k, l_l)^{N-1} G_kl with G = Q_N^T E' Q_0; outside of the
 * outer frames E' Q_0 Lambda^{N-1} and E'^T Q_N Lambda^{N-1} are tilts. `scratch`: 5 blocks, r */
static void add_gradient(const wmc_point *point, const double *slope, double factor,
                         double *restrict h, const wmc_tangent *tangent, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int r = layers->rank, n = layers->depth, m = layers->width[n], c = layers->width[0];
  const size_t block = wmc_layers_block(layers);
  double *image = scratch, *transposed = image + block, *work = transposed + block;
  double *g = work, *power = work + 3 * block;
  wmc_pairs_power(r, point->lambda, n - 1, power);
  wmc_layers_multiply(layers, m, r, c, slope, wmc_point_frame(point, 0), image);
  wmc_transpose(m, r, wmc_point_frame(point, n), transposed);
  wmc_layers_multiply(layers, r, r, m, transposed, image, g);
  for (int l = 0; l < r; l++)
    for (int k = 0; k < r; k++)
      h[l * r + k] = factor * (power[k] > power[l] ? power[k] : power[l]) * g[l * r + k];
  for (int k = 0; k < r; k++) power[k] *= factor;
  if (tilts(layers, n)) {
    leave_frame(layers, n, wmc_point_frame(point, n), image, work);
    for (int k = 0; k < m * r; k++) wmc_tangent_tilt(tangent, n)[k] += power[k / m] * image[k];
  }
  if (!tilts(layers, 0)) return;
  wmc_transpose(m, c, slope, transposed);
  wmc_layers_multiply(layers, c, r, m, transposed, wmc_point_frame(point, n), image);
  leave_frame(layers, 0, wmc_point_frame(point, 0), image, work);
  for (int k = 0; k < c * r; k++) wmc_tangent_tilt(tangent, 0)[k] += power[k / c] * image[k];
}

void wmc_tangent_draw(const wmc_point *point, wmc_stream *stream, double vertical,
                      double horizontal, const double *slope, double factor,
                      const wmc_tangent *tangent, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int r = layers->rank, n = layers->depth;
  const size_t turns = (size_t)(n - 1) * wmc_layers_pairs(layers);
  const bool both = vertical > 0 && n > 1;
  double *h = scratch, *drift = h + layers->core, *normals = drift + layers->core;
  double *work = normals + turns_room(layers);
  if (both) wmc_stream_normals(stream, turns, 1, normals);
  wmc_stream_normals(stream, (size_t)(r * r), horizontal, h);
  draw_tilts(point, stream, vertical, horizontal, tangent, work);
  if (slope != NULL) add_gradient(point, slope, factor, drift, tangent, work);
  const wmc_chain_noise noise = {.lambda = point->lambda,
                                 .h = h,
                                 .drift = slope ? drift : NULL,
                                 .normals = both ? normals : NULL,
                                 .scale = vertical};
  wmc_chain_tangent(r, n, layers->core, &noise, tangent->core, work);
}
