#include "weylmc/jacobian/network.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/base/signals.h"
#include "weylmc/jacobian/qdt.h"

/* Jacobians made at a time: 16 kB stay in the first-level cache beside the running product. */
enum { BATCH_ENTRIES = 2048 };

struct wmc_network {
  int width, depth;
  size_t records, batch;
  wmc_split split;
  int modes;
  size_t size; /* reals of a layer */
  const wmc_block *block;
  void *state;
  wmc_qdt **qdt;         /* modes */
  int *layer;            /* records: number of layers before each record */
  double *jacobians;     /* batch x size */
  double *values;        /* modes x records x width */
  double *growth, *sine; /* modes x records */
  /* singular vectors are followed; NULL: not */
  double *left, *right, *covariance; /* width x width numbers */
  double *diffusivity, *overlap;     /* modes x records x width */
  double *logarithm;                 /* records x width x width; NULL: not followed */
};

int wmc_network_record_layer(double fraction, int depth)
{
  int layer = (int)lround(fraction * depth);
  return layer > 1 ? layer : 1;
}

void wmc_network_destroy(wmc_network *n)
{
  if (!n) return;
  if (n->state) n->block->destroy(n->state);
  for (int k = 0; n->qdt && k < n->modes; k++) wmc_qdt_destroy(n->qdt[k]);
  wmc_free(n->qdt);
  wmc_free(n->layer);
  wmc_free(n->jacobians);
  double *arrays[] = {n->values,     n->growth,      n->sine,    n->left,     n->right,
                      n->covariance, n->diffusivity, n->overlap, n->logarithm};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_free(n);
}

int wmc_network_factor_layers(const wmc_block *block, const wmc_block_options *o)
{
  double persistence = wmc_weights_persistence(o->weights, o->hurst);
  int layers = wmc_qdt_layers(o->width, block->layer_variance(o));
  /* the variance of the sum of l layers grows like l^{2 persistence} */
  return (int)fmax(1, floor(pow(layers, 0.5 / persistence)));
}

double wmc_network_error(const wmc_block *block, const wmc_block_options *o, bool extended)
{
  const double variance = block ? block->layer_variance(o) : wmc_block_variance(o);
  const double persistence = wmc_weights_persistence(o->weights, o->hurst);
  const int parts = o->split.is_complex ? 2 : 1;
  return wmc_qdt_error(extended, parts, o->width, o->depth,
                       variance * pow(o->depth, 2 * persistence));
}

bool wmc_network_is_extended(const wmc_block *block, const wmc_block_options *o)
{
  const double most = 1e-12;
  return o->precision == WMC_PRECISION_EXTENDED ||
         (o->precision == WMC_PRECISION_AUTO && !(wmc_network_error(block, o, false) <= most));
}

static size_t batch_size(size_t size, int depth)
{
  size_t batch = BATCH_ENTRIES / size;
  if (batch > (size_t)depth) batch = (size_t)depth;
  return batch ? batch : 1;
}

static wmc_status fill(wmc_network *n, const wmc_block_options *o)
{
  const size_t spectra = (size_t)n->modes * n->records;
  n->qdt = WMC_ARRAY(wmc_qdt *, n->modes);
  n->layer = WMC_ARRAY(int, n->records);
  n->jacobians = WMC_ARRAY(double, n->batch * n->size);
  n->values = WMC_ARRAY(double, spectra *(size_t)n->width);
  n->growth = WMC_ARRAY(double, spectra);
  n->sine = WMC_ARRAY(double, spectra);
  if (!n->qdt || !n->layer || !n->jacobians || !n->values || !n->growth || !n->sine)
    return wmc_no_memory();
  WMC_TRY(n->block->create(o, &n->state));
  const int layers = wmc_network_factor_layers(n->block, o);
  const bool extended = wmc_network_is_extended(n->block, o);
  for (int k = 0; k < n->modes; k++) {
    const bool real = wmc_split_parts(&n->split, k) == 1;
    WMC_TRY((real ? wmc_qdt_create : wmc_qdt_create_complex)(&n->qdt[k], n->width, layers));
    if (extended) WMC_TRY(wmc_qdt_extend(n->qdt[k]));
  }
  return WMC_OK;
}

wmc_status wmc_network_create(wmc_network **network, const wmc_block *block,
                              const wmc_block_options *o, size_t records, const double *fractions)
{
  wmc_network *n = WMC_NEW(wmc_network);
  *network = n;
  if (!n) return wmc_no_memory();
  n->width = o->width;
  n->depth = o->depth;
  n->records = records;
  n->split = o->split;
  n->modes = wmc_split_modes(&n->split);
  n->size = (size_t)wmc_split_reals(&n->split) * (size_t)o->width * (size_t)o->width;
  n->batch = batch_size(n->size, o->depth);
  n->block = block;
  wmc_status status = fill(n, o);
  if (status != WMC_OK) {
    wmc_network_destroy(n);
    *network = NULL;
    return status;
  }
  for (size_t k = 0; k < records; k++)
    n->layer[k] = wmc_network_record_layer(fractions[k], o->depth);
  return WMC_OK;
}

/* The matrices of one mode stand together where it is the only one. */
static void multiply_modes(wmc_network *n, size_t count)
{
  if (n->modes == 1) {
    wmc_qdt_multiply(n->qdt[0], count, n->jacobians);
    return;
  }
  const double *next = n->jacobians;
  for (size_t l = 0; l < count; l++)
    for (int k = 0; k < n->modes; k++) {
      wmc_qdt_multiply(n->qdt[k], 1, next);
      next += (size_t)(wmc_split_parts(&n->split, k) * n->width * n->width);
    }
}

static void multiply_layers(wmc_network *n, wmc_stream *stream, size_t layers)
{
  while (layers > 0 && !wmc_signals_urgent()) {
    size_t count = layers < n->batch ? layers : n->batch;
    n->block->layers(n->state, stream, count, n->jacobians);
    multiply_modes(n, count);
    if (n->block->rank) wmc_qdt_limit_rank(n->qdt[0], n->block->rank(n->state));
    layers -= count;
  }
}

wmc_status wmc_network_follow_vectors(wmc_network *n)
{
  const size_t d = (size_t)n->width, all = (size_t)n->modes * n->records * d;
  const bool known = n->block->covariance && wmc_split_is_trivial(&n->split);
  n->left = WMC_ARRAY(double, 2 * d * d);
  n->right = WMC_ARRAY(double, 2 * d * d);
  n->covariance = WMC_ARRAY(double, d *d);
  n->overlap = WMC_ARRAY(double, all);
  if (known) n->diffusivity = WMC_ARRAY(double, all);
  return n->left && n->right && n->covariance && n->overlap && (n->diffusivity || !known)
             ? WMC_OK
             : wmc_no_memory();
}

wmc_status wmc_network_follow_logarithm(wmc_network *n)
{
  assert(wmc_split_is_trivial(&n->split));
  const size_t d = (size_t)n->width;
  n->logarithm = WMC_ARRAY(double, n->records *d *d);
  if (!n->logarithm) return wmc_no_memory();
  return n->left ? WMC_OK : wmc_network_follow_vectors(n);
}

/* 2 V diag(lambda) V^T. */
static void record_logarithm(const wmc_network *n, const double *values, double *out)
{
  const size_t d = (size_t)n->width;
  memset(out, 0, d * d * sizeof *out);
  for (size_t i = 0; i < d; i++) {
    const double *v = n->right + i * d;
    for (size_t a = 0; a < d; a++)
      for (size_t b = 0; b < d; b++) out[a * d + b] += 2 * values[i] * v[a] * v[b];
  }
}

/* (U^T C U)_ii. */
static void record_diffusivity(wmc_network *n, double *diffusivity)
{
  const size_t d = (size_t)n->width;
  n->block->covariance(n->state, n->covariance);
  for (size_t i = 0; i < d; i++) {
    const double *u = n->left + i * d;
    diffusivity[i] = 0;
    for (size_t a = 0; a < d; a++)
      for (size_t b = 0; b < d; b++) diffusivity[i] += u[a] * u[b] * n->covariance[b * d + a];
  }
}

/* |u_i . M e_1|^2/|M e_1|^2 = |V_1i|^2 e^{2 lambda_i} / |M e_1|^2. */
static void record_overlap(const wmc_network *n, size_t parts, const double *values, double growth,
                           double *overlap)
{
  const size_t d = (size_t)n->width;
  for (size_t i = 0; i < d; i++) {
    const double *first = n->right + parts * i * d;
    const double square = first[0] * first[0] + (parts == 2 ? first[1] * first[1] : 0);
    overlap[i] = square * exp(2 * (values[i] - growth));
  }
}

static bool take_mode(wmc_network *n, int mode, size_t record)
{
  const size_t at = (size_t)mode * n->records + record, first = at * (size_t)n->width;
  double *values = n->values + first, *growth = n->growth + at;
  if (!n->left) return wmc_qdt_values(n->qdt[mode], values, growth);
  if (!wmc_qdt_vectors(n->qdt[mode], values, growth, n->left, n->right)) return false;
  if (n->diffusivity) record_diffusivity(n, n->diffusivity + first);
  if (n->logarithm) record_logarithm(n, values, n->logarithm + first * (size_t)n->width);
  record_overlap(n, (size_t)wmc_split_parts(&n->split, mode), values, *growth, n->overlap + first);
  return true;
}

static bool take_record(wmc_network *n, size_t record)
{
  for (int k = 0; k < n->modes; k++) {
    if (!take_mode(n, k, record)) return false;
    n->sine[(size_t)k * n->records + record] = wmc_qdt_log_sine(n->qdt[k]);
  }
  return true;
}

bool wmc_network_draw(wmc_network *n, wmc_stream *stream)
{
  int layer = 0;
  n->block->start(n->state, stream);
  for (int k = 0; k < n->modes; k++) wmc_qdt_start(n->qdt[k]);
  for (size_t k = 0; k < n->records; k++) {
    multiply_layers(n, stream, (size_t)(n->layer[k] - layer));
    layer = n->layer[k];
    if (wmc_signals_urgent()) return false;
    if (!take_record(n, k)) {
      wmc_raise(WMC_FAILURE,
                "the product of the Jacobians of layers 1 to %d is singular or not finite; "
                "use a smaller variance or time, or a greater depth",
                layer);
      return false;
    }
  }
  return true;
}

double *wmc_network_values(wmc_network *n) { return n->values; }

double *wmc_network_growth(wmc_network *n) { return n->growth; }

double *wmc_network_log_sine(wmc_network *n) { return n->sine; }

double *wmc_network_diffusivity(wmc_network *n) { return n->diffusivity; }

double *wmc_network_logarithm(wmc_network *n) { return n->logarithm; }

double *wmc_network_overlap(wmc_network *n) { return n->overlap; }
