/* Infinite depth with weights that are smooth functions of the depth. With t the fraction of the
 * depth and b the branch of one layer as deep as the network (s = sigma T),
 *
 *   dx/dt = b(N(x); W(t)),     dM/dt = b' DN M,
 *
 * by the classical Runge-Kutta scheme of fourth order for the pair. */
#include <math.h>
#include <string.h>

#include "residual.h"
#include "source.h"
#include "weylmc/jacobian/pair.h"

enum { STAGES = 4 };

typedef struct neural {
  size_t d;
  double h;
  int step; /* since start */
  wmc_residual *branch;
  wmc_product *product;
  double *x, *velocity, *moved;    /* d; velocity: sum over stages */
  double *drawn;                   /* weights at the beginning, middle and end of a step */
  double *rate, *advanced, *stage; /* d x d: b' DN at a stage, M at the next, rate M */
} neural;

static void destroy(void *state)
{
  neural *b = state;
  if (!b) return;
  double *arrays[] = {b->x, b->velocity, b->moved, b->drawn, b->rate, b->advanced, b->stage};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_product_destroy(b->product);
  wmc_residual_destroy(b->branch);
  wmc_free(b);
}

static wmc_status fill(neural *b, const wmc_block *block, const wmc_block_options *o)
{
  wmc_block_options whole = *o;
  const size_t d = b->d;
  void *branch;
  whole.depth = 1;
  whole.drop = 0; /* masks average out: their noise is of the order L^{-1/2} */
  WMC_TRY(block->create(&whole, &branch));
  b->branch = branch;
  double **vectors[] = {&b->x, &b->velocity, &b->moved};
  double **matrices[] = {&b->rate, &b->advanced, &b->stage};
  bool failed = !(b->drawn = WMC_ARRAY(double, 3 * b->branch->weights));
  for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++)
    failed |= !(*vectors[k] = WMC_ARRAY(double, d));
  for (size_t k = 0; k < sizeof matrices / sizeof *matrices; k++)
    failed |= !(*matrices[k] = WMC_ARRAY(double, d *d));
  return failed ? wmc_no_memory() : wmc_product_create(&b->product, (int)d, (int)d, (int)d);
}

static wmc_status create(const wmc_block *block, const wmc_block_options *o, void **state)
{
  neural *b = WMC_NEW(neural);
  *state = b;
  if (!b) return wmc_no_memory();
  b->d = (size_t)o->width;
  b->h = 1.0 / o->depth;
  wmc_status status = fill(b, block, o);
  if (status == WMC_OK) return WMC_OK;
  destroy(b);
  *state = NULL;
  return status;
}

static void start(void *state, wmc_stream *stream)
{
  neural *b = state;
  b->step = 0;
  wmc_residual_start(b->branch, stream);
  memcpy(b->x, b->branch->x, b->d * sizeof *b->x);
}

/* Weights of a step are given at its beginning, middle and end. */
static size_t parameters(const void *state)
{
  const neural *b = state;
  return 3 * b->branch->weights;
}

/* velocity += weight b(N(x)), rate <- b' DN, moved <- b(N(x)) at x = `moved`. */
static void evaluate(neural *b, const double *weights, double weight)
{
  const size_t d = b->d;
  double *old = b->branch->x; /* free: the branch runs nowhere by itself */
  memcpy(old, b->moved, d * sizeof *old);
  wmc_residual_forward(b->branch, weights, b->moved, b->rate);
  for (size_t i = 0; i < d; i++) {
    b->moved[i] -= old[i];
    b->velocity[i] += weight * b->moved[i];
    b->rate[i * (d + 1)] -= 1;
  }
}

static void forward(void *state, const double *weights, double *x, double *jacobian)
{
  static const double reach[STAGES] = {0.5, 0.5, 1, 0}, weight[STAGES] = {1, 2, 2, 1};
  static const size_t when[STAGES] = {0, 1, 1, 2};
  neural *b = state;
  const size_t d = b->d;
  memset(b->velocity, 0, d * sizeof *b->velocity);
  memset(jacobian, 0, d * d * sizeof *jacobian);
  memset(b->advanced, 0, d * d * sizeof *b->advanced);
  wmc_add_identity(1, d, jacobian);
  wmc_add_identity(1, d, b->advanced);
  memcpy(b->moved, x, d * sizeof *x);
  for (int k = 0; k < STAGES; k++) {
    const double *change = b->stage, share = b->h * weight[k] / 6, next = b->h * reach[k];
    evaluate(b, weights + when[k] * b->branch->weights, share);
    wmc_product_apply(b->product, b->rate, b->advanced, b->stage);
    for (size_t i = 0; i < d * d; i++) {
      jacobian[i] += share * change[i];
      b->advanced[i] = next * change[i];
    }
    wmc_add_identity(1, d, b->advanced);
    for (size_t i = 0; i < d; i++) b->moved[i] = x[i] + next * b->moved[i];
  }
  for (size_t i = 0; i < d; i++) x[i] += b->velocity[i];
}

static void weights_at(const neural *b, double t, double *out)
{
  const size_t half = b->branch->weights / 2;
  wmc_source_smooth_at(b->branch->source[0], t, out);
  if (b->branch->source[1]) wmc_source_smooth_at(b->branch->source[1], t, out + half);
}

static void draw(void *state, wmc_stream *stream, double *weights)
{
  neural *b = state;
  (void)stream;
  for (int k = 0; k < 3; k++)
    weights_at(b, (b->step + 0.5 * k) * b->h, weights + (size_t)k * b->branch->weights);
  b->step++;
}

static void layers(void *state, wmc_stream *stream, size_t count, double *jacobians)
{
  neural *b = state;
  for (size_t l = 0; l < count; l++) {
    draw(b, stream, b->drawn);
    forward(b, b->drawn, b->x, jacobians + l * b->d * b->d);
  }
}

static double cost(const wmc_block_options *o)
{
  const double d = o->width;
  return STAGES * (wmc_residual_cost_two(o) + 2 * d * d * d);
}

#define SMOOTH(block)                                                                              \
  static wmc_status create_##block(const wmc_block_options *o, void **state)                       \
  {                                                                                                \
    return create(&wmc_block_##block, o, state);                                                   \
  }                                                                                                \
  static const wmc_block neural_##block = {                                                        \
      .name = #block,                                                                              \
      .text = "a step of the differential equation of block " #block,                              \
      .create = create_##block,                                                                    \
      .destroy = destroy,                                                                          \
      .start = start,                                                                              \
      .layers = layers,                                                                            \
      .parameters = parameters,                                                                    \
      .forward = forward,                                                                          \
      .draw = draw,                                                                                \
      .layer_variance = wmc_residual_variance,                                                     \
      .cost = cost}

SMOOTH(linear);
SMOOTH(one_layer);
SMOOTH(two_layer);
SMOOTH(outer);

/* phi'(0)^2 sigma^2 in place of sigma^2. */
static wmc_status create_inside(const wmc_block_options *o, void **state)
{
  wmc_block_options linear = *o;
  double zero = 0, value, slope;
  o->activation->apply(1, o->slope, &zero, &value, &slope);
  linear.activation = wmc_activation_find("linear");
  linear.variance *= slope * slope;
  return create(&wmc_block_linear, &linear, state);
}

static const wmc_block neural_inside = {.name = "inside",
                                        .text = "a step of the differential equation of block "
                                                "inside",
                                        .create = create_inside,
                                        .destroy = destroy,
                                        .start = start,
                                        .layers = layers,
                                        .parameters = parameters,
                                        .forward = forward,
                                        .draw = draw,
                                        .layer_variance = wmc_residual_variance,
                                        .cost = cost};

const wmc_block *wmc_neural_block(const wmc_block *block)
{
  static const struct {
    const wmc_block *block, *steps;
  } table[] = {{&wmc_block_linear, &neural_linear},       {&wmc_block_exponential, &neural_linear},
               {&wmc_block_one_layer, &neural_one_layer}, {&wmc_block_two_layer, &neural_two_layer},
               {&wmc_block_inside, &neural_inside},       {&wmc_block_outer, &neural_outer}};
  for (size_t k = 0; k < sizeof table / sizeof *table; k++)
    if (table[k].block == block) return table[k].steps;
  return NULL;
}

int wmc_neural_steps(const wmc_block_options *options, double resolution, size_t records,
                     const double *fractions)
{
  const double each = 16, each_mode = 8,
               steepest = wmc_activation_steepest(options->activation, options->slope);
  const double norm =
      options->norm == WMC_NORM_NONE ? 1 : sqrt(options->width / options->input_norm2);
  const double rate = sqrt(options->variance * options->width) * options->time * steepest * norm;
  return wmc_steps_to_records(resolution * (each * rate + each_mode * options->modes), records,
                              fractions);
}
