#include "weylmc/jacobian/network.h"

#include <math.h>

#include "weylmc/base/memory.h"
#include "weylmc/jacobian/qdt.h"

/* Jacobians made at a time: 16 kB stay in the first-level cache beside the running product. */
enum { BATCH_ENTRIES = 2048 };

struct wmc_network {
  int width, depth;
  size_t records, batch;
  const wmc_block *block;
  void *state;
  wmc_qdt *qdt;
  int *layer;        /* records: number of layers before each record */
  double *jacobians; /* batch x width x width */
  double *values, *growth;
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
  wmc_qdt_destroy(n->qdt);
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

static size_t batch_size(int width, int depth)
{
  size_t size = (size_t)width * (size_t)width, batch = BATCH_ENTRIES / size;
  if (batch > (size_t)depth) batch = (size_t)depth;
  return batch ? batch : 1;
}

static wmc_status fill(wmc_network *n, const wmc_block_options *o)
{
  size_t d = (size_t)n->width;
  n->layer = WMC_ARRAY(int, n->records);
  n->jacobians = WMC_ARRAY(double, n->batch *d *d);
  n->values = WMC_ARRAY(double, n->records *d);
  n->growth = WMC_ARRAY(double, n->records);
  if (!n->layer || !n->jacobians || !n->values || !n->growth) return wmc_no_memory();
  WMC_TRY(n->block->create(o, &n->state));
  return wmc_qdt_create(&n->qdt, n->width, wmc_network_factor_layers(n->block, o));
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
  n->batch = batch_size(o->width, o->depth);
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

static void multiply_layers(wmc_network *n, wmc_stream *stream, size_t layers)
{
  while (layers > 0) {
    size_t count = layers < n->batch ? layers : n->batch;
    n->block->layers(n->state, stream, count, n->jacobians);
    wmc_qdt_multiply(n->qdt, count, n->jacobians);
    if (n->block->rank) wmc_qdt_limit_rank(n->qdt, n->block->rank(n->state));
    layers -= count;
  }
}

bool wmc_network_draw(wmc_network *n, wmc_stream *stream)
{
  int layer = 0;
  n->block->start(n->state, stream);
  wmc_qdt_start(n->qdt);
  for (size_t k = 0; k < n->records; k++) {
    multiply_layers(n, stream, (size_t)(n->layer[k] - layer));
    layer = n->layer[k];
    if (!wmc_qdt_values(n->qdt, n->values + k * (size_t)n->width, n->growth + k)) {
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
