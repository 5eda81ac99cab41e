/* exp(A) by scaling and squaring: with |A|_1 <= 2^k / 4 the Taylor series of A / 2^k to order 12
 * leaves out less than 3e-18; it is summed as a polynomial in the cube (Paterson and Stockmeyer
 * 1973), five products. */
#include <math.h>
#include <string.h>

#include "residual.h"

enum { ORDER = 12, STEP = 3 };

typedef struct exponential {
  size_t width;
  bool rotation;
  wmc_source *source;
  wmc_product *product;
  double *drawn, *generator, *square, *cube, *sum, *next, *old;
} exponential;

static void destroy(void *state)
{
  exponential *b = state;
  if (!b) return;
  double *arrays[] = {b->drawn, b->generator, b->square, b->cube, b->sum, b->next, b->old};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_source_destroy(b->source);
  wmc_product_destroy(b->product);
  wmc_free(b);
}

static wmc_status fill(exponential *b, const wmc_block_options *o)
{
  double **squares[] = {&b->drawn, &b->generator, &b->square, &b->cube, &b->sum, &b->next};
  for (size_t k = 0; k < sizeof squares / sizeof *squares; k++)
    if (!(*squares[k] = WMC_ARRAY(double, b->width * b->width))) return wmc_no_memory();
  if (!(b->old = WMC_ARRAY(double, b->width))) return wmc_no_memory();
  wmc_source_options options = {.law = o->weights,
                                .rows = b->width,
                                .columns = b->width,
                                .depth = o->depth,
                                .scale = sqrt(wmc_block_variance(o)),
                                .hurst = o->hurst,
                                .modes = o->modes};
  WMC_TRY(wmc_source_create(&b->source, &options));
  return wmc_product_create(&b->product, o->width, o->width, o->width);
}

static wmc_status create_kind(bool rotation, const wmc_block_options *o, void **state)
{
  exponential *b = WMC_NEW(exponential);
  *state = b;
  if (!b) return wmc_no_memory();
  b->width = (size_t)o->width;
  b->rotation = rotation;
  wmc_status status = fill(b, o);
  if (status != WMC_OK) {
    destroy(b);
    *state = NULL;
  }
  return status;
}

static wmc_status create_exponential(const wmc_block_options *o, void **state)
{
  return create_kind(false, o, state);
}

static wmc_status create_rotation(const wmc_block_options *o, void **state)
{
  return create_kind(true, o, state);
}

static void start(void *state, wmc_stream *stream)
{
  wmc_source_start(((exponential *)state)->source, stream);
}

static size_t parameter_count(const void *state)
{
  const exponential *b = state;
  return b->width * b->width;
}

/* The generator A = sW, or s (W - W^T)/sqrt 2. */
static void make_generator(exponential *b, const double *weights)
{
  const double root_half = sqrt(0.5);
  size_t d = b->width;
  memcpy(b->generator, weights, d * d * sizeof *weights);
  for (size_t j = 0; b->rotation && j < d; j++)
    for (size_t i = 0; i < d; i++)
      b->generator[j * d + i] = root_half * (weights[j * d + i] - weights[i * d + j]);
}

/* A <- A / 2^k with |A|_1 <= 1/4; returns k. */
static int scale_down(size_t d, double *a)
{
  double largest = 0;
  for (size_t j = 0; j < d; j++) {
    double sum = 0;
    for (size_t i = 0; i < d; i++) sum += fabs(a[j * d + i]);
    largest = fmax(largest, sum);
  }
  int k = largest > 0.25 && largest <= 0x1p1000 ? ilogb(4 * largest) + 1 : 0;
  for (size_t i = 0; i < d * d; i++) a[i] = ldexp(a[i], -k);
  return k;
}

static void swap(double **a, double **b)
{
  double *t = *a;
  *a = *b;
  *b = t;
}

static void taylor(exponential *b)
{
  size_t d = b->width, size = d * d;
  double coefficient[ORDER + 1] = {1};
  for (int k = 1; k <= ORDER; k++) coefficient[k] = coefficient[k - 1] / k;
  wmc_product_apply(b->product, b->generator, b->generator, b->square);
  wmc_product_apply(b->product, b->square, b->generator, b->cube);
  memset(b->sum, 0, size * sizeof(double));
  for (size_t i = 0; i < d; i++) b->sum[i * (d + 1)] = coefficient[ORDER];
  for (int k = ORDER - STEP; k >= 0; k -= STEP) {
    wmc_product_apply(b->product, b->cube, b->sum, b->next);
    for (size_t i = 0; i < size; i++)
      b->next[i] += coefficient[k + 1] * b->generator[i] + coefficient[k + 2] * b->square[i];
    for (size_t i = 0; i < d; i++) b->next[i * (d + 1)] += coefficient[k];
    swap(&b->sum, &b->next);
  }
}

static void exponentiate(exponential *b, const double *weights, double *jacobian)
{
  make_generator(b, weights);
  int squarings = scale_down(b->width, b->generator);
  taylor(b);
  for (; squarings > 0; squarings--) {
    wmc_product_apply(b->product, b->sum, b->sum, b->next);
    swap(&b->sum, &b->next);
  }
  memcpy(jacobian, b->sum, b->width * b->width * sizeof *jacobian);
}

static void layers(void *state, wmc_stream *stream, size_t count, double *jacobians)
{
  exponential *b = state;
  for (size_t l = 0; l < count; l++) {
    wmc_source_layers(b->source, stream, 1, b->drawn);
    exponentiate(b, b->drawn, jacobians + l * b->width * b->width);
  }
}

static void forward(void *state, const double *parameters, double *x, double *jacobian)
{
  exponential *b = state;
  exponentiate(b, parameters, jacobian);
  memcpy(b->old, x, b->width * sizeof *x);
  memset(x, 0, b->width * sizeof *x);
  wmc_add_product(b->width, b->width, jacobian, b->old, x);
}

static double cost(const wmc_block_options *o)
{
  double d = o->width;
  return wmc_residual_cost(o) + 2 * d * d * d * (ORDER / STEP + 1);
}

#define EXPONENTIAL_BLOCK(kind, description)                                                       \
  const wmc_block wmc_block_##kind = {.name = #kind,                                               \
                                      .text = description,                                         \
                                      .create = create_##kind,                                     \
                                      .destroy = destroy,                                          \
                                      .start = start,                                              \
                                      .layers = layers,                                            \
                                      .parameters = parameter_count,                               \
                                      .forward = forward,                                          \
                                      .layer_variance = wmc_block_variance,                        \
                                      .cost = cost}

EXPONENTIAL_BLOCK(exponential, "exp(s W) x");
EXPONENTIAL_BLOCK(rotation, "exp(s (W - W^T)/sqrt 2) x: orthogonal, all singular values 1");
