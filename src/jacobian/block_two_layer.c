#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/jacobian/block.h"
#include "weylmc/numeric/dense.h"

typedef struct two_layer {
  size_t width, hidden;
  double inner_scale, outer_scale; /* standard deviations of W1 and of L^{-1/2} W2 */
  double input_norm;
  const wmc_weights *weights;
  const wmc_activation *activation;
  double slope;
  wmc_product *product; /* width x width = (width x hidden)(hidden x width) */
  double *x;            /* width: the vector that runs through the network */
  double *drawn;        /* parameters of one layer */
  double *slopes;       /* hidden: phi'(W1 x) */
  double *active;       /* hidden: W1 x, then phi(W1 x) */
  double *masked;       /* hidden x width: D W1 */
} two_layer;

static void destroy(void *state)
{
  two_layer *b = state;
  if (!b) return;
  wmc_product_destroy(b->product);
  wmc_free(b->x);
  wmc_free(b->drawn);
  wmc_free(b->slopes);
  wmc_free(b->active);
  wmc_free(b->masked);
  wmc_free(b);
}

static wmc_status allocate(two_layer *b)
{
  int d = (int)b->width, n = (int)b->hidden;
  b->x = WMC_ARRAY(double, d);
  b->drawn = WMC_ARRAY(double, 2 * b->width * b->hidden);
  b->slopes = WMC_ARRAY(double, n);
  b->active = WMC_ARRAY(double, n);
  b->masked = WMC_ARRAY(double, b->width * b->hidden);
  if (!b->x || !b->drawn || !b->slopes || !b->active || !b->masked) return wmc_no_memory();
  return wmc_product_create(&b->product, d, d, n);
}

static wmc_status create(const wmc_block_options *o, void **state)
{
  two_layer *b = WMC_NEW(two_layer);
  *state = b;
  if (!b) return wmc_no_memory();
  double outer_variance = o->variance * o->time / (o->inner_variance * o->hidden);
  b->width = (size_t)o->width;
  b->hidden = (size_t)o->hidden;
  b->inner_scale = sqrt(o->inner_variance);
  b->outer_scale = sqrt(outer_variance / o->depth);
  b->input_norm = sqrt(o->input_norm2);
  b->weights = o->weights;
  b->activation = o->activation;
  b->slope = o->slope;
  wmc_status status = allocate(b);
  if (status != WMC_OK) {
    destroy(b);
    *state = NULL;
  }
  return status;
}

/* A direction that is uniform on the sphere. */
static void start(void *state, wmc_stream *stream)
{
  two_layer *b = state;
  double norm2 = 0;
  wmc_stream_normals(stream, b->width, 1, b->x);
  for (size_t i = 0; i < b->width; i++) norm2 += b->x[i] * b->x[i];
  double factor = b->input_norm / sqrt(norm2);
  for (size_t i = 0; i < b->width; i++) b->x[i] *= factor;
}

/* y (m) += A x for A (m x n). */
static void add_product(size_t m, size_t n, const double *a, const double *x, double *y)
{
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < m; i++) y[i] += a[j * m + i] * x[j];
}

static size_t parameter_count(const void *state)
{
  const two_layer *b = state;
  return 2 * b->width * b->hidden;
}

static void forward(void *state, const double *parameters, double *x, double *jacobian)
{
  two_layer *b = state;
  size_t d = b->width, n = b->hidden;
  const double *inner = parameters, *outer = parameters + n * d;
  memset(b->active, 0, n * sizeof(double));
  add_product(n, d, inner, x, b->active);
  b->activation->apply(n, b->slope, b->active, b->active, b->slopes);
  add_product(d, n, outer, b->active, x);
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < n; i++) b->masked[j * n + i] = b->slopes[i] * inner[j * n + i];
  wmc_product_apply(b->product, outer, b->masked, jacobian);
  for (size_t i = 0; i < d; i++) jacobian[i * (d + 1)] += 1;
}

static void layers(void *state, wmc_stream *stream, size_t count, double *jacobians)
{
  two_layer *b = state;
  size_t size = b->width * b->hidden;
  for (size_t l = 0; l < count; l++) {
    b->weights->fill(stream, size, b->inner_scale, b->drawn);
    b->weights->fill(stream, size, b->outer_scale, b->drawn + size);
    forward(b, b->drawn, b->x, jacobians + l * b->width * b->width);
  }
}

static double layer_variance(const wmc_block_options *o)
{
  double steepest = wmc_activation_steepest(o->activation, o->slope);
  return steepest * steepest * o->variance * o->time / o->depth;
}

static double cost(const wmc_block_options *o)
{
  const double normal = 20, activation = 40; /* in flops */
  double weights = (double)o->width * o->hidden;
  return 2 * normal * weights + 2 * weights * o->width + activation * o->hidden;
}

const wmc_block wmc_block_two_layer = {
    .name = "two_layer",
    .text = "J = I + L^{-1/2} W2 diag(phi'(W1 x)) W1 with fresh weights, x carried along",
    .create = create,
    .destroy = destroy,
    .start = start,
    .layers = layers,
    .parameters = parameter_count,
    .forward = forward,
    .layer_variance = layer_variance,
    .cost = cost,
};
