#include "weylmc/jacobian/network.h"

#include <math.h>

#include "weylmc/base/memory.h"
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
  wmc_qdt **qdt;           /* modes */
  int *layer;              /* records: number of layers before each record */
  double *jacobians;       /* batch x size */
  double *values, *growth; /* modes x records x width, modes x records */
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
  wmc_free(n->values);
  wmc_free(n->growth);
  wmc_free(n);
}

int wmc_network_factor_layers(const wmc_block *block, const wmc_block_options *o)
{
  double persistence = wmc_weights_persistence(o->weights, o->hurst);
  int layers = wmc_qdt_layers(o->width, block->layer_variance(o));
  /* the variance of the sum of l layers grows like l^{2 persistence} */
  return (int)fmax(1, floor(pow(layers, 0.5 / persistence)));
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
  if (!n->qdt || !n->layer || !n->jacobians || !n->values || !n->growth) return wmc_no_memory();
  WMC_TRY(n->block->create(o, &n->state));
  const int layers = wmc_network_factor_layers(n->block, o);
  for (int k = 0; k < n->modes; k++) {
    const bool real = wmc_split_parts(&n->split, k) == 1;
    WMC_TRY((real ? wmc_qdt_create : wmc_qdt_create_complex)(&n->qdt[k], n->width, layers));
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
  while (layers > 0) {
    size_t count = layers < n->batch ? layers : n->batch;
    n->block->layers(n->state, stream, count, n->jacobians);
    multiply_modes(n, count);
    if (n->block->rank) wmc_qdt_limit_rank(n->qdt[0], n->block->rank(n->state));
    layers -= count;
  }
}

static bool take_record(wmc_network *n, size_t record)
{
  for (int k = 0; k < n->modes; k++) {
    const size_t at = (size_t)k * n->records + record;
    if (!wmc_qdt_values(n->qdt[k], n->values + at * (size_t)n->width, n->growth + at)) return false;
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
