/* Unbalanced networks: noise along the orbit of the isometric gauge group; (G17). */
#include <math.h>
#include <string.h>

#include "balanced_parameters.h"
#include "weylmc/base/memory.h"

/* Rotations of the hidden layers: A_p = sum over i < j of a_k (E_ij - E_ji), and what their
 * Gaussian law needs: the Gram matrix of the displacements A_p W_p - W_p A_{p-1} is block
 * tridiagonal, L L^T with lower triangular blocks L_p on the diagonal and O_p before them. */
struct wmc_orbit {
  const wmc_layers *layers;
  size_t *at;     /* a of layer p at at[p], 1 <= p < N; all of them at[N] */
  size_t *square; /* blocks n_p x n_p at square[p], n_p = d_p (d_p - 1) / 2 */
  size_t *beside; /* blocks n_p x n_{p-1} at beside[p], p >= 2 */
  double *a, *diagonal, *before;
  double *images;                         /* W_p ... W_1 at offsets of block p */
  double *slope, *left, *other, *scratch; /* blocks */
  double *memory;
};

static size_t pairs_of(const wmc_layers *layers, int p)
{
  return (size_t)layers->width[p] * (size_t)(layers->width[p] - 1) / 2;
}

static void fill_offsets(wmc_orbit *orbit)
{
  const wmc_layers *layers = orbit->layers;
  for (int p = 1; p < layers->depth; p++) {
    const size_t n = pairs_of(layers, p), last = p > 1 ? pairs_of(layers, p - 1) : 0;
    orbit->at[p + 1] = orbit->at[p] + n;
    orbit->square[p + 1] = orbit->square[p] + n * n;
    orbit->beside[p + 1] = orbit->beside[p] + n * last;
  }
}

size_t wmc_orbit_size(const wmc_layers *layers)
{
  size_t size = ((size_t)layers->depth + 9) * wmc_layers_block(layers);
  for (int p = 1; p < layers->depth; p++) {
    const size_t n = pairs_of(layers, p), last = p > 1 ? pairs_of(layers, p - 1) : 0;
    size += n * (1 + n + last);
  }
  return size;
}

wmc_status wmc_orbit_create(const wmc_layers *layers, wmc_orbit **out)
{
  const size_t n = (size_t)layers->depth, block = wmc_layers_block(layers);
  wmc_orbit *orbit = *out = WMC_NEW(wmc_orbit);
  if (orbit == NULL) return wmc_no_memory();
  orbit->layers = layers;
  orbit->at = WMC_ARRAY(size_t, 3 * (n + 2));
  if (orbit->at == NULL) return wmc_no_memory();
  orbit->square = orbit->at + n + 2;
  orbit->beside = orbit->square + n + 2;
  fill_offsets(orbit);
  const size_t sizes[] = {orbit->at[n], orbit->square[n]};
  orbit->memory = WMC_ARRAY(double, wmc_orbit_size(layers));
  if (orbit->memory == NULL) return wmc_no_memory();
  orbit->images = orbit->memory;
  orbit->slope = orbit->images + (n + 1) * block;
  orbit->left = orbit->slope + block;
  orbit->other = orbit->left + block;
  orbit->scratch = orbit->other + block;
  orbit->a = orbit->scratch + 5 * block;
  orbit->diagonal = orbit->a + sizes[0];
  orbit->before = orbit->diagonal + sizes[1];
  return WMC_OK;
}

void wmc_orbit_destroy(wmc_orbit *orbit)
{
  if (orbit == NULL) return;
  wmc_free(orbit->at);
  wmc_free(orbit->memory);
  wmc_free(orbit);
}

/* --- Gram matrix ----------------------------------------------------------------------------- */

/* C = W_p W_p^T + W_{p+1}^T W_{p+1}; `scratch`: 2 blocks */
static void add_grams(const wmc_layers *layers, const double *w, int p, double *c, double *scratch)
{
  const int *d = layers->width, here = d[p];
  const double *layer = w + layers->layer[p], *next = w + layers->layer[p + 1];
  double *transposed = scratch, *other = scratch + wmc_layers_block(layers);
  wmc_transpose(here, d[p - 1], layer, transposed);
  wmc_layers_multiply(layers, here, here, d[p - 1], layer, transposed, c);
  wmc_transpose(d[p + 1], here, next, transposed);
  wmc_layers_multiply(layers, here, here, d[p + 1], transposed, next, other);
  for (int k = 0; k < here * here; k++) c[k] += other[k];
}

/* Entry ((i,j), (k,l)): delta_ik C_jl - delta_il C_jk - delta_jk C_il + delta_jl C_ik. */
static void fill_diagonal(const wmc_layers *layers, int p, const double *c, double *gram)
{
  const int d = layers->width[p];
  for (int j = 1; j < d; j++)
    for (int i = 0; i < j; i++)
      for (int l = 1; l < d; l++)
        for (int k = 0; k < l; k++)
          *gram++ = (i == k) * c[j * d + l] - (i == l) * c[j * d + k] - (j == k) * c[i * d + l] +
                    (j == l) * c[i * d + k];
}

/* Rotations (i,j) after layer p and (k,l) before it: -2 (W_ik W_jl - W_il W_jk). Column-major, rows
 * (i,j). */
static void fill_beside(const wmc_layers *layers, int p, const double *w, double *gram)
{
  const int m = layers->width[p], n = layers->width[p - 1];
  for (int l = 1; l < n; l++)
    for (int k = 0; k < l; k++)
      for (int j = 1; j < m; j++)
        for (int i = 0; i < j; i++)
          *gram++ = -2 * (w[k * m + i] * w[l * m + j] - w[l * m + i] * w[k * m + j]);
}

/* --- Factorisation --------------------------------------------------------------------------- */

/* A = L L^T in place, lower triangle, column-major. A direction that moves nothing (two columns
 * outside of both layers) has pivot 0 up to rounding: its column is set to 0 and it gets no noise.
 */
static void factorise(size_t n, double *a)
{
  double largest = 0;
  for (size_t k = 0; k < n; k++) largest = fmax(largest, a[k * n + k]);
  for (size_t k = 0; k < n; k++) {
    double *column = a + k * n;
    const double pivot = column[k];
    const bool empty = !(pivot > 1e-12 * largest);
    column[k] = empty ? 0 : sqrt(pivot);
    for (size_t i = k + 1; i < n; i++) column[i] = empty ? 0 : column[i] / column[k];
    for (size_t j = k + 1; j < n; j++)
      for (size_t i = j; i < n; i++) a[j * n + i] -= column[i] * column[j];
  }
}

/* B <- B L^{-T} for B of m x n */
static void divide(size_t m, size_t n, const double *l, double *b)
{
  for (size_t k = 0; k < n; k++) {
    double *column = b + k * m;
    const double inverse = l[k * n + k] > 0 ? 1 / l[k * n + k] : 0;
    for (size_t i = 0; i < m; i++) column[i] *= inverse;
    for (size_t j = k + 1; j < n; j++)
      for (size_t i = 0; i < m; i++) b[j * m + i] -= column[i] * l[k * n + j];
  }
}

static void fill_and_factorise(wmc_orbit *orbit, const double *w)
{
  const wmc_layers *layers = orbit->layers;
  for (int p = 1; p < layers->depth; p++) {
    const size_t n = pairs_of(layers, p), last = p > 1 ? pairs_of(layers, p - 1) : 0;
    double *here = orbit->diagonal + orbit->square[p], *before = orbit->before + orbit->beside[p];
    add_grams(layers, w, p, orbit->left, orbit->scratch);
    fill_diagonal(layers, p, orbit->left, here);
    if (p > 1) {
      fill_beside(layers, p, w + layers->layer[p], before);
      divide(n, last, orbit->diagonal + orbit->square[p - 1], before);
      for (size_t k = 0; k < last; k++)
        for (size_t j = 0; j < n; j++)
          for (size_t i = j; i < n; i++) here[j * n + i] -= before[k * n + i] * before[k * n + j];
    }
    factorise(n, here);
  }
}

/* a <- L^{-T} a: of independent normals, rotations whose displacements are white along the orbit.
 */
static void solve_back(wmc_orbit *orbit)
{
  const wmc_layers *layers = orbit->layers;
  for (int p = layers->depth - 1; p >= 1; p--) {
    const size_t n = pairs_of(layers, p),
                 next = p + 1 < layers->depth ? pairs_of(layers, p + 1) : 0;
    const double *l = orbit->diagonal + orbit->square[p], *after = orbit->a + orbit->at[p + 1];
    const double *beside = orbit->before + orbit->beside[p + 1];
    double *a = orbit->a + orbit->at[p];
    for (size_t k = 0; k < n; k++)
      for (size_t i = 0; i < next; i++) a[k] -= beside[k * next + i] * after[i];
    for (size_t k = n; k-- > 0;) {
      for (size_t i = k + 1; i < n; i++) a[k] -= l[k * n + i] * a[i];
      a[k] = l[k * n + k] > 0 ? a[k] / l[k * n + k] : 0;
    }
  }
}

/* --- Steps ----------------------------------------------------------------------------------- */

/* A_p as a matrix */
static void spread(const wmc_orbit *orbit, int p, double *out)
{
  const int d = orbit->layers->width[p];
  const double *a = orbit->a + orbit->at[p];
  memset(out, 0, (size_t)(d * d) * sizeof *out);
  for (int j = 1; j < d; j++)
    for (int i = 0; i < j; i++, a++) {
      out[j * d + i] = *a;
      out[i * d + j] = -*a;
    }
}

void wmc_orbit_draw(wmc_orbit *orbit, const double *w, wmc_stream *stream, double scale, double *v)
{
  const wmc_layers *layers = orbit->layers;
  const int n = layers->depth, *d = layers->width;
  double *turned = orbit->other;
  wmc_stream_normals(stream, orbit->at[n], scale, orbit->a);
  fill_and_factorise(orbit, w);
  solve_back(orbit);
  for (int p = 1; p <= n; p++) {
    const double *layer = w + layers->layer[p];
    double *out = v + layers->layer[p];
    memset(out, 0, (size_t)(d[p] * d[p - 1]) * sizeof *out);
    if (p < n) {
      spread(orbit, p, orbit->left);
      wmc_layers_multiply(layers, d[p], d[p - 1], d[p], orbit->left, layer, out);
    }
    if (p == 1) continue;
    spread(orbit, p - 1, orbit->left);
    wmc_layers_multiply(layers, d[p], d[p - 1], d[p - 1], layer, orbit->left, turned);
    for (int k = 0; k < d[p] * d[p - 1]; k++) out[k] -= turned[k];
  }
}

void wmc_orbit_descend(wmc_orbit *orbit, const wmc_energy *energy, const double *w, double time,
                       double *v)
{
  const wmc_layers *layers = orbit->layers;
  const int n = layers->depth, *d = layers->width, first = d[0];
  const size_t block = wmc_layers_block(layers);
  double *image = orbit->images, *slope = orbit->slope, *part = orbit->other;
  memcpy(image + block, w + layers->layer[1], (size_t)(d[1] * first) * sizeof *image);
  for (int p = 2; p <= n; p++)
    wmc_layers_multiply(layers, d[p], first, d[p - 1], w + layers->layer[p],
                        image + (size_t)(p - 1) * block, image + (size_t)p * block);
  wmc_energy_gradient(energy, image + (size_t)n * block, slope);
  for (int p = n; p >= 1; p--) {
    const double *layer = w + layers->layer[p];
    double *out = v + layers->layer[p], *transposed = orbit->left;
    const double *term = slope; /* slope is E' with what comes after layer p put before it */
    if (p > 1) {
      wmc_transpose(d[p - 1], first, image + (size_t)(p - 1) * block, transposed);
      wmc_layers_multiply(layers, d[p], d[p - 1], first, slope, transposed, part);
      term = part;
    }
    for (int k = 0; k < d[p] * d[p - 1]; k++) out[k] -= time * (term[k] + energy->decay * layer[k]);
    if (p == 1) continue;
    wmc_transpose(d[p], d[p - 1], layer, transposed);
    wmc_layers_multiply(layers, d[p - 1], first, d[p], transposed, slope, part);
    memcpy(slope, part, (size_t)(d[p - 1] * first) * sizeof *slope);
  }
}

/* --- Start ----------------------------------------------------------------------------------- */

/* W with the gauges G_p = (1 + t S_p)^2 applied to `from`; returns the imbalance. `room`: gauges, 4
 * blocks */
static double move_off(const wmc_layers *layers, const double *from, const double *s, double t,
                       double *w, double *room)
{
  double *gauges = room, *half = gauges + wmc_layers_gauges_size(layers);
  double *scratch = half + wmc_layers_block(layers);
  for (int p = 1; p < layers->depth; p++) {
    const int d = layers->width[p];
    const double *symmetric = s + layers->gauge[p];
    for (int k = 0; k < d * d; k++) half[k] = t * symmetric[k] + (k % (d + 1) == 0);
    wmc_layers_multiply(layers, d, d, d, half, half, gauges + layers->gauge[p]);
  }
  memcpy(w, from, wmc_layers_size(layers) * sizeof *w);
  if (!wmc_layers_act(layers, gauges, w, scratch)) return INFINITY;
  return wmc_layers_imbalance(layers, w, scratch);
}

bool wmc_orbit_unbalance(const wmc_layers *layers, wmc_stream *stream, double imbalance,
                         const double *from, double *w, double *room)
{
  double *s = room, *rest = s + wmc_layers_gauges_size(layers), low = 0, high = 1e-3;
  for (int p = 1; p < layers->depth; p++) {
    const int d = layers->width[p];
    double *gauge = s + layers->gauge[p];
    wmc_stream_normals(stream, (size_t)(d * d), 1, gauge);
    for (int j = 0; j < d; j++)
      for (int i = 0; i < j; i++) gauge[j * d + i] = gauge[i * d + j];
  }
  while (high < 10 && move_off(layers, from, s, high, w, rest) < imbalance) high *= 1.25;
  for (int k = 0; k < 60; k++) {
    const double middle = 0.5 * (low + high);
    *(move_off(layers, from, s, middle, w, rest) < imbalance ? &low : &high) = middle;
  }
  return fabs(move_off(layers, from, s, high, w, rest) - imbalance) < 1e-6 * imbalance;
}
