#include "weylmc/geometry/layers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"

/* --- Planned products ------------------------------------------------------------------------ */

static size_t hash(int m, int n, int k)
{
  size_t h = (size_t)m * 0x9E3779B1u + (size_t)n * 0x85EBCA77u + (size_t)k * 0xC2B2AE3Du;
  return h ^ (h >> 15);
}

static bool is_plan(const wmc_layers_plan *plan, int m, int n, int k)
{
  return plan->m == m && plan->n == n && plan->k == k;
}

/* Where this size stands, or the empty place where it would. */
static wmc_layers_plan *place_of(const wmc_layers *layers, int m, int n, int k)
{
  const size_t last = layers->places - 1;
  size_t at = hash(m, n, k) & last;
  while (layers->plans[at].product != NULL && !is_plan(&layers->plans[at], m, n, k))
    at = (at + 1) & last;
  return &layers->plans[at];
}

static wmc_status plan(const wmc_layers *layers, int m, int n, int k)
{
  wmc_layers_plan *place = place_of(layers, m, n, k);
  if (place->product != NULL) return WMC_OK;
  *place = (wmc_layers_plan){.m = m, .n = n, .k = k};
  return wmc_product_create(&place->product, m, n, k);
}

/* Sizes that layer p needs: products along the chain, with frames, moment maps, gauges. */
enum { SIZES = 20 };

static wmc_status plan_layer(const wmc_layers *layers, int p)
{
  const int r = layers->rank, out = layers->width[p], in = layers->width[p - 1];
  const int first = layers->width[0], last = layers->width[layers->depth];
  const int sizes[SIZES][3] = {
      {out, first, in}, {last, in, out}, {out, r, in},  {in, r, out},     {out, r, r},
      {in, r, r},       {r, r, out},     {r, r, in},    {out, in, r},     {r, in, out},
      {r, out, in},     {out, out, in},  {in, in, out}, {out, in, out},   {out, in, in},
      {r, r, r},        {r, in, r},      {r, out, r},   {last, r, first}, {first, r, last}};
  for (int k = 0; k < SIZES; k++) WMC_TRY(plan(layers, sizes[k][0], sizes[k][1], sizes[k][2]));
  return WMC_OK;
}

const wmc_product *wmc_layers_product(const wmc_layers *layers, int m, int n, int k)
{
  return place_of(layers, m, n, k)->product;
}

static void multiply_plainly(int m, int n, int k, const double *a, const double *b, double *c)
{
  for (int j = 0; j < n; j++) {
    double *restrict column = c + (size_t)j * (size_t)m;
    memset(column, 0, (size_t)m * sizeof *column);
    for (int l = 0; l < k; l++) {
      const double factor = b[(size_t)j * (size_t)k + (size_t)l];
      for (int i = 0; i < m; i++) column[i] += a[(size_t)l * (size_t)m + (size_t)i] * factor;
    }
  }
}

void wmc_layers_multiply(const wmc_layers *layers, int m, int n, int k, const double *a,
                         const double *b, double *c)
{
  const wmc_product *product = wmc_layers_product(layers, m, n, k);
  if (product != NULL)
    wmc_product_apply(product, a, b, c);
  else
    multiply_plainly(m, n, k, a, b, c);
}

/* --- Layout ---------------------------------------------------------------------------------- */

static size_t area(int m, int n) { return ((size_t)m * (size_t)n + 7) / 8 * 8; }

static void fill_offsets(wmc_layers *layers)
{
  const int n = layers->depth, r = layers->rank, *d = layers->width;
  layers->core = area(r, r);
  for (int p = 0; p <= n; p++) {
    if (d[p] > layers->widest) layers->widest = d[p];
    layers->frame[p + 1] = layers->frame[p] + area(d[p], r);
    if (p > 0) layers->layer[p + 1] = layers->layer[p] + area(d[p], d[p - 1]);
    if (p > 0 && p < n) layers->gauge[p + 1] = layers->gauge[p] + area(d[p], d[p]);
  }
}

static wmc_status fill(wmc_layers *layers, const wmc_shape *shape)
{
  const size_t n = (size_t)shape->depth;
  layers->depth = (int)shape->depth;
  layers->rank = shape->rank;
  layers->numbers = 1;
  layers->places = 16;
  layers->width = WMC_ARRAY(int, n + 1);
  layers->layer = WMC_ARRAY(size_t, n + 2);
  layers->frame = WMC_ARRAY(size_t, n + 2);
  layers->gauge = WMC_ARRAY(size_t, n + 2);
  if (!layers->width || !layers->layer || !layers->frame || !layers->gauge) return wmc_no_memory();
  int different = 1;
  for (int p = 0; p <= layers->depth; p++) {
    layers->width[p] = wmc_shape_width(shape, p);
    different += p > 1 && layers->width[p] != layers->width[p - 1];
  }
  while (layers->places < 2 * SIZES * (size_t)(different + 2)) layers->places *= 2;
  layers->plans = WMC_ARRAY(wmc_layers_plan, layers->places);
  if (layers->plans == NULL) return wmc_no_memory();
  fill_offsets(layers);
  for (int p = 1; p <= layers->depth; p++) WMC_TRY(plan_layer(layers, p));
  return WMC_OK;
}

wmc_status wmc_layers_create(wmc_layers **out, const wmc_shape *shape)
{
  assert(shape->numbers == WMC_NUMBERS_REAL && !wmc_shape_is_infinite(shape));
  wmc_layers *layers = WMC_NEW(wmc_layers);
  *out = NULL;
  if (layers == NULL) return wmc_no_memory();
  wmc_status status = fill(layers, shape);
  if (status == WMC_OK)
    *out = layers;
  else
    wmc_layers_destroy(layers);
  return status;
}

void wmc_layers_destroy(wmc_layers *layers)
{
  if (layers == NULL) return;
  for (size_t k = 0; layers->plans && k < layers->places; k++)
    wmc_product_destroy(layers->plans[k].product);
  wmc_free(layers->plans);
  wmc_free(layers->width);
  wmc_free(layers->layer);
  wmc_free(layers->frame);
  wmc_free(layers->gauge);
  wmc_free(layers);
}

size_t wmc_layers_size(const wmc_layers *layers) { return layers->layer[layers->depth + 1]; }
size_t wmc_layers_frames_size(const wmc_layers *layers) { return layers->frame[layers->depth + 1]; }
size_t wmc_layers_gauges_size(const wmc_layers *layers) { return layers->gauge[layers->depth]; }
size_t wmc_layers_block(const wmc_layers *layers) { return area(layers->widest, layers->widest); }

/* --- Matrices -------------------------------------------------------------------------------- */

static void swap_columns(int m, double *a, int j, int k)
{
  double *x = a + (size_t)j * (size_t)m, *y = a + (size_t)k * (size_t)m;
  for (int i = 0; j != k && i < m; i++) {
    double t = x[i];
    x[i] = y[i];
    y[i] = t;
  }
}

static void add_column(int m, double factor, const double *restrict x, double *restrict y)
{
  for (int i = 0; i < m; i++) y[i] += factor * x[i];
}

/* Largest entry of row k from column k on. */
static int pivot_of(int n, const double *a, int k)
{
  int best = k;
  for (int j = k + 1; j < n; j++)
    if (fabs(a[(size_t)j * (size_t)n + (size_t)k]) > fabs(a[(size_t)best * (size_t)n + (size_t)k]))
      best = j;
  return best;
}

bool wmc_matrix_divide(int m, int n, double *a, double *b)
{
  for (int k = 0; k < n; k++) {
    const int pivot = pivot_of(n, a, k);
    double *ak = a + (size_t)k * (size_t)n, *bk = b + (size_t)k * (size_t)m;
    swap_columns(n, a, k, pivot);
    swap_columns(m, b, k, pivot);
    const double inverse = 1 / ak[k];
    if (!isfinite(inverse) || inverse == 0) return false;
    for (int i = k; i < n; i++) ak[i] *= inverse;
    for (int i = 0; i < m; i++) bk[i] *= inverse;
    for (int j = 0; j < n; j++) {
      if (j == k) continue;
      double *aj = a + (size_t)j * (size_t)n;
      const double factor = -aj[k];
      add_column(n - k, factor, ak + k, aj + k);
      add_column(m, factor, bk, b + (size_t)j * (size_t)m);
    }
  }
  return true;
}

/* --- Products and gauge action --------------------------------------------------------------- */

void wmc_layers_prefix(const wmc_layers *layers, const double *w, int p, double *out,
                       double *scratch)
{
  const int *d = layers->width;
  const size_t first = (size_t)d[1] * (size_t)d[0];
  /* results alternate between the two places and end in `out` */
  double *from = p % 2 ? out : scratch, *to = p % 2 ? scratch : out;
  memcpy(from, w + layers->layer[1], first * sizeof *from);
  for (int q = 2; q <= p; q++) {
    wmc_layers_multiply(layers, d[q], d[0], d[q - 1], w + layers->layer[q], from, to);
    double *swap = from;
    from = to;
    to = swap;
  }
}

void wmc_layers_suffix(const wmc_layers *layers, const double *w, int p, double *out,
                       double *scratch)
{
  const int *d = layers->width, n = layers->depth;
  const size_t last = (size_t)d[n] * (size_t)d[n - 1];
  const bool even = (n - p) % 2 == 0;
  double *from = even ? out : scratch, *to = even ? scratch : out;
  memcpy(from, w + layers->layer[n], last * sizeof *from);
  for (int q = n - 1; q >= p; q--) {
    wmc_layers_multiply(layers, d[n], d[q - 1], d[q], from, w + layers->layer[q], to);
    double *swap = from;
    from = to;
    to = swap;
  }
}

void wmc_layers_end_to_end(const wmc_layers *layers, const double *w, double *x, double *scratch)
{
  wmc_layers_prefix(layers, w, layers->depth, x, scratch);
}

static double sum_of_squares(size_t n, const double *x)
{
  double sum = 0;
  for (size_t k = 0; k < n; k++) sum += x[k] * x[k];
  return sum;
}

double wmc_layers_norm2(const wmc_layers *layers, const double *w)
{
  const int *d = layers->width;
  double sum = 0;
  for (int p = 1; p <= layers->depth; p++)
    sum += sum_of_squares((size_t)d[p] * (size_t)d[p - 1], w + layers->layer[p]);
  return sum;
}

bool wmc_layers_act(const wmc_layers *layers, const double *g, double *w, double *scratch)
{
  const int *d = layers->width;
  double *turned = scratch, *divisor = scratch + wmc_layers_block(layers);
  for (int p = 1; p <= layers->depth; p++) {
    double *layer = w + layers->layer[p];
    const size_t entries = (size_t)d[p] * (size_t)d[p - 1];
    if (p < layers->depth) {
      wmc_layers_multiply(layers, d[p], d[p - 1], d[p], g + layers->gauge[p], layer, turned);
      memcpy(layer, turned, entries * sizeof *layer);
    }
    if (p == 1) continue;
    memcpy(divisor, g + layers->gauge[p - 1], (size_t)(d[p - 1] * d[p - 1]) * sizeof *divisor);
    if (!wmc_matrix_divide(d[p], d[p - 1], divisor, layer)) return false;
  }
  return true;
}

void wmc_layers_moment(const wmc_layers *layers, const double *w, int p, double *mu,
                       double *scratch)
{
  const int *d = layers->width, here = d[p];
  double *transposed = scratch, *other = scratch + wmc_layers_block(layers);
  const double *next = w + layers->layer[p + 1], *layer = w + layers->layer[p];
  wmc_transpose(d[p + 1], here, next, transposed);
  wmc_layers_multiply(layers, here, here, d[p + 1], transposed, next, mu);
  wmc_transpose(here, d[p - 1], layer, transposed);
  wmc_layers_multiply(layers, here, here, d[p - 1], layer, transposed, other);
  for (int k = 0; k < here * here; k++) mu[k] -= other[k];
}

double wmc_layers_imbalance(const wmc_layers *layers, const double *w, double *scratch)
{
  double largest = 0, *mu = scratch + 2 * wmc_layers_block(layers);
  for (int p = 1; p < layers->depth; p++) {
    const int entries = layers->width[p] * layers->width[p];
    wmc_layers_moment(layers, w, p, mu, scratch);
    for (int k = 0; k < entries; k++) /* not fmax, which would hide what is not a number */
      if (!(fabs(mu[k]) <= largest)) largest = fabs(mu[k]);
  }
  return largest > 0 ? largest * layers->depth / wmc_layers_norm2(layers, w) : largest;
}
