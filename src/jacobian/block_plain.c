#include <math.h>
#include <string.h>

#include "residual.h"

typedef struct plain {
  size_t width;
  const wmc_activation *activation;
  double slope, input_norm;
  wmc_split split;
  wmc_source *source;
  double *x, *drawn, *slopes, *active;
  int rank; /* of the product since start */
} plain;

static void destroy(void *state)
{
  plain *b = state;
  if (!b) return;
  double *arrays[] = {b->x, b->drawn, b->slopes, b->active};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_source_destroy(b->source);
  wmc_free(b);
}

static wmc_status fill(plain *b, const wmc_block_options *o)
{
  double **vectors[] = {&b->x, &b->slopes, &b->active};
  for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++)
    if (!(*vectors[k] = WMC_ARRAY(double, 2 * b->width))) return wmc_no_memory();
  if (!(b->drawn = WMC_ARRAY(double, b->width * b->width))) return wmc_no_memory();
  return wmc_source_create(&b->source, &(wmc_source_options){.law = o->weights,
                                                             .rows = b->width,
                                                             .columns = b->width,
                                                             .depth = o->depth,
                                                             .scale = sqrt(o->variance),
                                                             .hurst = o->hurst,
                                                             .modes = o->modes,
                                                             .split = o->split});
}

static wmc_status create(const wmc_block_options *o, void **state)
{
  plain *b = WMC_NEW(plain);
  *state = b;
  if (!b) return wmc_no_memory();
  b->width = (size_t)o->width;
  b->activation = o->activation;
  b->slope = o->slope;
  b->input_norm = sqrt(o->input_norm2);
  b->split = o->split;
  wmc_status status = fill(b, o);
  if (status != WMC_OK) {
    destroy(b);
    *state = NULL;
  }
  return status;
}

static void start(void *state, wmc_stream *stream)
{
  plain *b = state;
  wmc_source_start(b->source, stream);
  if (wmc_split_is_trivial(&b->split)) wmc_draw_direction(stream, b->width, b->input_norm, b->x);
  b->rank = (int)b->width;
}

static size_t parameter_count(const void *state)
{
  const plain *b = state;
  return (size_t)wmc_split_reals(&b->split) * b->width * b->width;
}

/* Modes with phi(x) = x: x <- W x, jacobian = W. */
static void forward_modes(plain *b, const double *parameters, double *x, double *jacobian)
{
  const size_t d = b->width;
  memcpy(jacobian, parameters, parameter_count(b) * sizeof *parameters);
  for (int k = 0; k < wmc_split_modes(&b->split); k++) {
    const size_t parts = (size_t)wmc_split_parts(&b->split, k), rows = parts * d;
    memset(b->active, 0, rows * sizeof(double));
    wmc_add_number_product(parts, d, d, parameters, x, b->active);
    memcpy(x, b->active, rows * sizeof(double));
    x += rows;
    parameters += rows * d;
  }
}

/* x <- phi(W x), jacobian = D W. The rows of D W that are not 0 are in general position, so the
 * rank of the product is the least number of them in any layer. */
static void forward(void *state, const double *parameters, double *x, double *jacobian)
{
  plain *b = state;
  size_t d = b->width;
  int active = 0;
  if (!wmc_split_is_trivial(&b->split)) {
    forward_modes(b, parameters, x, jacobian);
    return;
  }
  memset(b->active, 0, d * sizeof(double));
  wmc_add_product(d, d, parameters, x, b->active);
  b->activation->apply(d, b->slope, b->active, x, b->slopes);
  wmc_scale_rows(d, d, b->slopes, parameters, jacobian);
  for (size_t i = 0; i < d; i++) active += b->slopes[i] != 0;
  if (active < b->rank) b->rank = active;
}

static void layers(void *state, wmc_stream *stream, size_t count, double *jacobians)
{
  plain *b = state;
  if (!wmc_split_is_trivial(&b->split)) {
    wmc_source_layers(b->source, stream, count, jacobians);
    return;
  }
  for (size_t l = 0; l < count; l++) {
    wmc_source_layers(b->source, stream, 1, b->drawn);
    forward(b, b->drawn, b->x, jacobians + l * b->width * b->width);
    if (b->activation->homogeneous) wmc_tame(b->width, b->x);
  }
}

static int rank(const void *state) { return ((const plain *)state)->rank; }

/* Every layer is far from the identity: factorise after each. */
static double layer_variance(const wmc_block_options *o)
{
  (void)o;
  return 1;
}

const wmc_block wmc_block_plain = {
    .name = "plain",
    .text = "phi(sigma W x), no skip connection, sigma^2 = variance",
    .create = create,
    .destroy = destroy,
    .start = start,
    .layers = layers,
    .parameters = parameter_count,
    .forward = forward,
    .layer_variance = layer_variance,
    .cost = wmc_residual_cost,
    .rank = rank,
};
