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
  wmc_split split;
  size_t parts; /* of the mode at work */
  wmc_source *source;
  wmc_product *product[2]; /* of real matrices, and of complex ones */
  double *drawn;           /* weights of all modes of a layer */
  double *generator, *square, *cube, *sum, *next;
  double *form; /* real form of the left factor of a complex product */
  double *old;
} exponential;

static void destroy(void *state)
{
  exponential *b = state;
  if (!b) return;
  double *arrays[] = {b->drawn, b->generator, b->square, b->cube, b->sum, b->next, b->form, b->old};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_source_destroy(b->source);
  for (int k = 0; k < 2; k++) wmc_product_destroy(b->product[k]);
  wmc_free(b);
}

static wmc_status fill(exponential *b, const wmc_block_options *o)
{
  const size_t square = b->width * b->width, reals = (size_t)wmc_split_reals(&b->split);
  const int d = o->width;
  double **squares[] = {&b->generator, &b->square, &b->cube, &b->sum, &b->next};
  for (size_t k = 0; k < sizeof squares / sizeof *squares; k++)
    if (!(*squares[k] = WMC_ARRAY(double, 2 * square))) return wmc_no_memory();
  if (!(b->drawn = WMC_ARRAY(double, reals *square))) return wmc_no_memory();
  if (!(b->form = WMC_ARRAY(double, 4 * square))) return wmc_no_memory();
  if (!(b->old = WMC_ARRAY(double, 2 * b->width))) return wmc_no_memory();
  wmc_source_options options = {.law = o->weights,
                                .rows = b->width,
                                .columns = b->width,
                                .depth = o->depth,
                                .scale = sqrt(wmc_block_variance(o)),
                                .hurst = o->hurst,
                                .modes = o->modes,
                                .split = o->split};
  WMC_TRY(wmc_source_create(&b->source, &options));
  WMC_TRY(wmc_product_create(&b->product[0], d, d, d));
  return wmc_product_create(&b->product[1], 2 * d, d, 2 * d);
}

static wmc_status create_kind(bool rotation, const wmc_block_options *o, void **state)
{
  exponential *b = WMC_NEW(exponential);
  *state = b;
  if (!b) return wmc_no_memory();
  b->width = (size_t)o->width;
  b->rotation = rotation;
  b->split = o->split;
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
  return (size_t)wmc_split_reals(&b->split) * b->width * b->width;
}

/* The generator A = sW, or s (W - W^*)/sqrt 2. */
static void make_generator(exponential *b, const double *weights)
{
  const double root_half = sqrt(0.5);
  const size_t d = b->width, parts = b->parts;
  memcpy(b->generator, weights, parts * d * d * sizeof *weights);
  for (size_t j = 0; b->rotation && j < d; j++)
    for (size_t i = 0; i < d; i++)
      for (size_t part = 0; part < parts; part++) {
        double other = weights[parts * (i * d + j) + part];
        b->generator[parts * (j * d + i) + part] =
            root_half * (weights[parts * (j * d + i) + part] - (part ? -other : other));
      }
}

/* A <- A / 2^k with |A|_1 <= 1/4; returns k. Columns have `rows` reals. */
static int scale_down(size_t rows, size_t d, double *a)
{
  double largest = 0;
  for (size_t j = 0; j < d; j++) {
    double sum = 0;
    for (size_t i = 0; i < rows; i++) sum += fabs(a[j * rows + i]);
    largest = fmax(largest, sum);
  }
  int k = largest > 0.25 && largest <= 0x1p1000 ? ilogb(4 * largest) + 1 : 0;
  for (size_t i = 0; i < rows * d; i++) a[i] = ldexp(a[i], -k);
  return k;
}

/* z = x y, which may not be z. */
static void multiply(exponential *b, const double *x, const double *y, double *z)
{
  if (b->parts == 2) {
    wmc_complex_form((int)b->width, (int)b->width, x, b->form);
    x = b->form;
  }
  wmc_product_apply(b->product[b->parts - 1], x, y, z);
}

static void add_to_diagonal(const exponential *b, double number, double *a)
{
  for (size_t i = 0; i < b->width; i++) a[b->parts * i * (b->width + 1)] += number;
}

static void swap(double **a, double **b)
{
  double *t = *a;
  *a = *b;
  *b = t;
}

static void taylor(exponential *b)
{
  const size_t size = b->parts * b->width * b->width;
  double coefficient[ORDER + 1] = {1};
  for (int k = 1; k <= ORDER; k++) coefficient[k] = coefficient[k - 1] / k;
  multiply(b, b->generator, b->generator, b->square);
  multiply(b, b->square, b->generator, b->cube);
  memset(b->sum, 0, size * sizeof(double));
  add_to_diagonal(b, coefficient[ORDER], b->sum);
  for (int k = ORDER - STEP; k >= 0; k -= STEP) {
    multiply(b, b->cube, b->sum, b->next);
    for (size_t i = 0; i < size; i++)
      b->next[i] += coefficient[k + 1] * b->generator[i] + coefficient[k + 2] * b->square[i];
    add_to_diagonal(b, coefficient[k], b->next);
    swap(&b->sum, &b->next);
  }
}

static void exponentiate(exponential *b, const double *weights, double *jacobian)
{
  const size_t rows = b->parts * b->width;
  make_generator(b, weights);
  int squarings = scale_down(rows, b->width, b->generator);
  taylor(b);
  for (; squarings > 0; squarings--) {
    multiply(b, b->sum, b->sum, b->next);
    swap(&b->sum, &b->next);
  }
  memcpy(jacobian, b->sum, rows * b->width * sizeof *jacobian);
}

/* exp of all modes. */
static void exponentiate_all(exponential *b, const double *weights, double *jacobian)
{
  size_t offset = 0;
  for (int k = 0; k < wmc_split_modes(&b->split); k++) {
    b->parts = (size_t)wmc_split_parts(&b->split, k);
    exponentiate(b, weights + offset, jacobian + offset);
    offset += b->parts * b->width * b->width;
  }
}

static void layers(void *state, wmc_stream *stream, size_t count, double *jacobians)
{
  exponential *b = state;
  for (size_t l = 0; l < count; l++) {
    wmc_source_layers(b->source, stream, 1, b->drawn);
    exponentiate_all(b, b->drawn, jacobians + l * parameter_count(b));
  }
}

static void forward(void *state, const double *parameters, double *x, double *jacobian)
{
  exponential *b = state;
  exponentiate_all(b, parameters, jacobian);
  for (int k = 0; x && k < wmc_split_modes(&b->split); k++) {
    const size_t parts = (size_t)wmc_split_parts(&b->split, k), rows = parts * b->width;
    memcpy(b->old, x, rows * sizeof *x);
    memset(x, 0, rows * sizeof *x);
    wmc_add_number_product(parts, b->width, b->width, jacobian, b->old, x);
    x += rows;
    jacobian += rows * b->width;
  }
}

/* Of e^{sW} = 1 + s W + ..., gaussian W. */
static void covariance(void *state, double *out)
{
  const exponential *b = state;
  memset(out, 0, b->width * b->width * sizeof *out);
  wmc_add_identity(1, b->width, out);
}

static void draw(void *state, wmc_stream *stream, double *parameters)
{
  wmc_source_layers(((exponential *)state)->source, stream, 1, parameters);
}

static void join(const void *fine, const void *coarse, const double *a, const double *b,
                 double *out)
{
  const exponential *f = fine, *c = coarse;
  wmc_join_weights(f->source, c->source, a, b, out);
}

static double cost(const wmc_block_options *o)
{
  double d = o->width;
  return wmc_residual_cost(o) + wmc_split_work(&o->split) * 2 * d * d * d * (ORDER / STEP + 1);
}

#define EXPONENTIAL_BLOCK(kind, description, law)                                                  \
  const wmc_block wmc_block_##kind = {.name = #kind,                                               \
                                      .text = description,                                         \
                                      .create = create_##kind,                                     \
                                      .destroy = destroy,                                          \
                                      .start = start,                                              \
                                      .layers = layers,                                            \
                                      .parameters = parameter_count,                               \
                                      .forward = forward,                                          \
                                      .covariance = law,                                           \
                                      .draw = draw,                                                \
                                      .join = join,                                                \
                                      .layer_variance = wmc_block_variance,                        \
                                      .cost = cost}

EXPONENTIAL_BLOCK(exponential, "exp(s W) x", covariance);
EXPONENTIAL_BLOCK(rotation,
                  "exp(s (W - W^*)/sqrt 2) x: orthogonal or unitary, all singular values 1", NULL);
