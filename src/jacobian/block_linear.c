#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/jacobian/block.h"

typedef struct linear {
  size_t width;
  double scale;
  const wmc_weights *weights;
  double *old; /* width: x before a layer */
} linear;

static double layer_variance(const wmc_block_options *o)
{
  return o->variance * o->time / o->depth;
}

static void destroy(void *state)
{
  linear *b = state;
  if (!b) return;
  wmc_free(b->old);
  wmc_free(b);
}

static wmc_status create(const wmc_block_options *o, void **state)
{
  linear *b = WMC_NEW(linear);
  *state = b;
  if (!b) return wmc_no_memory();
  *b = (linear){.width = (size_t)o->width,
                .scale = sqrt(layer_variance(o)),
                .weights = o->weights,
                .old = WMC_ARRAY(double, o->width)};
  if (b->old) return WMC_OK;
  destroy(b);
  *state = NULL;
  return wmc_no_memory();
}

/* The Jacobian does not depend on the input. */
static void start(void *state, wmc_stream *stream)
{
  (void)state;
  (void)stream;
}

static void add_identity(size_t width, double *jacobian)
{
  for (size_t i = 0; i < width; i++) jacobian[i * (width + 1)] += 1;
}

static void layers(void *state, wmc_stream *stream, size_t count, double *jacobians)
{
  const linear *b = state;
  size_t size = b->width * b->width;
  b->weights->fill(stream, count * size, b->scale, jacobians);
  for (size_t l = 0; l < count; l++) add_identity(b->width, jacobians + l * size);
}

static size_t parameter_count(const void *state)
{
  const linear *b = state;
  return b->width * b->width;
}

static void forward(void *state, const double *parameters, double *x, double *jacobian)
{
  linear *b = state;
  size_t d = b->width;
  memcpy(jacobian, parameters, d * d * sizeof(double));
  add_identity(d, jacobian);
  memcpy(b->old, x, d * sizeof(double));
  memset(x, 0, d * sizeof(double));
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < d; i++) x[i] += jacobian[j * d + i] * b->old[j];
}

static double cost(const wmc_block_options *o)
{
  const double normal = 20; /* flops that take as long as one normal deviate */
  return normal * o->width * o->width;
}

const wmc_block wmc_block_linear = {
    .name = "linear",
    .text = "J = I + s G with s^2 = variance time / depth",
    .create = create,
    .destroy = destroy,
    .start = start,
    .layers = layers,
    .parameters = parameter_count,
    .forward = forward,
    .layer_variance = layer_variance,
    .cost = cost,
};
