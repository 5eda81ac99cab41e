/* Blocks, activations and weight laws against finite differences and definitions. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "blocks.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/block.h"

enum { SEED = 20261122 };

static double value_at(const wmc_activation *a, double x)
{
  double value, derivative;
  a->apply(1, -0.3, &x, &value, &derivative);
  return value;
}

/* Fourth-order central difference. */
static double difference(const wmc_activation *a, double x)
{
  const double h = 1e-3;
  return (8 * (value_at(a, x + h) - value_at(a, x - h)) -
          (value_at(a, x + 2 * h) - value_at(a, x - 2 * h))) /
         (12 * h);
}

Test(jacobian_block, derivatives_of_activations)
{
  for (const wmc_activation *a = wmc_activations; a->name; a++)
    for (double x = -6.013; x < 6; x += 0.1) {
      double value, derivative;
      a->apply(1, -0.3, &x, &value, &derivative);
      cr_expect_lt(fabs(derivative - difference(a, x)), 2e-11, "%s'(%g) = %.15g, not %.15g",
                   a->name, x, derivative, difference(a, x));
      cr_expect_leq(fabs(derivative), wmc_activation_steepest(a, -0.3));
      double alpha = wmc_activation_negative_slope(a, -0.3);
      cr_expect_eq(a->homogeneous, !isnan(alpha));
      if (a->odd) cr_expect_eq(value_at(a, -x), -value, "%s(%g)", a->name, -x);
      if (a->homogeneous) cr_expect_eq(value, x > 0 ? x : alpha * x, "%s(%g)", a->name, x);
    }
}

Test(jacobian_block, known_values_of_activations)
{
  cr_expect_eq(value_at(wmc_activation_find("relu"), -2), 0);
  cr_expect_eq(value_at(wmc_activation_find("leaky_relu"), -2), 0.6);
  cr_expect_eq(value_at(wmc_activation_find("linear"), -2), -2);
  cr_expect_lt(fabs(value_at(wmc_activation_find("erf"), 0.3) - erf(0.3)), 1e-16);
  cr_expect_lt(fabs(value_at(wmc_activation_find("tanh"), 0.3) - tanh(0.3)), 1e-16);
  cr_expect_lt(fabs(value_at(wmc_activation_find("sin"), 0.3) - sin(0.3)), 1e-16);
  cr_expect_eq(value_at(wmc_activation_find("abs"), -2), 2);
  cr_expect_lt(fabs(value_at(wmc_activation_find("gelu"), 0.3) - 0.15 * (1 + erf(0.3 / sqrt(2)))),
               1e-16);
  cr_expect_eq(wmc_activation_steepest(wmc_activation_find("leaky_relu"), -3), 3);
  cr_expect_null(wmc_activation_find("sigmoid"));
}

Test(jacobian_block, names_follow_the_tables)
{
  size_t k = 0;
  for (; wmc_activations[k].name; k++) {
    cr_expect_str_eq(wmc_activation_names[k], wmc_activations[k].name);
    cr_expect_eq(wmc_activation_find(wmc_activation_names[k]), &wmc_activations[k]);
  }
  cr_expect_null(wmc_activation_names[k]);
  for (k = 0; wmc_weight_laws[k].name; k++) {
    cr_expect_str_eq(wmc_weight_law_names[k], wmc_weight_laws[k].name);
    cr_expect_eq(wmc_weights_find(wmc_weight_law_names[k]), &wmc_weight_laws[k]);
  }
  cr_expect_null(wmc_weight_law_names[k]);
  for (k = 0; wmc_blocks[k]; k++) {
    cr_expect_str_eq(wmc_block_names[k], wmc_blocks[k]->name);
    cr_expect_eq(wmc_block_find(wmc_block_names[k]), wmc_blocks[k]);
  }
  cr_expect_null(wmc_block_names[k]);
}

static wmc_block_options options_with(const char *activation, const char *weights, int hidden)
{
  wmc_block_options o = test_block_options(5, 7, activation);
  o.hidden = hidden;
  o.slope = -0.3;
  o.weights = wmc_weights_find(weights);
  o.hurst = 0.7;
  o.modes = 2;
  o.variance = 2;
  o.time = 1.5;
  o.inner_variance = 0.4;
  o.input_norm2 = 3;
  return o;
}

enum { D = 5, HIDDEN_MAX = 9, NUMBERS = 2 * D * HIDDEN_MAX + D };

/* Largest difference between the Jacobian and central differences of the forward map. */
static double jacobian_defect(const wmc_block *block, void *state, const double *parameters,
                              const double *x, double h)
{
  double jacobian[D * D], unused[D * D], at[D], defect = 0;
  memcpy(at, x, sizeof at);
  block->forward(state, parameters, at, jacobian);
  for (int j = 0; j < D; j++) {
    double derivative[D] = {0};
    for (int step = -2; step <= 2; step++) {
      const double weights[] = {1, -8, 0, 8, -1};
      memcpy(at, x, sizeof at);
      at[j] += step * h;
      block->forward(state, parameters, at, unused);
      for (int i = 0; i < D; i++) derivative[i] += weights[step + 2] * at[i] / (12 * h);
    }
    for (int i = 0; i < D; i++) defect = fmax(defect, fabs(derivative[i] - jacobian[j * D + i]));
  }
  return defect;
}

/* Every block with every activation, normalisation, and without and with dropout. */
Test(jacobian_block, jacobians_are_derivatives)
{
  wmc_stream *stream = test_stream(SEED, 1);
  double parameters[NUMBERS], x[D];
  for (const wmc_block *const *b = wmc_blocks; *b; b++)
    for (const wmc_activation *a = wmc_activations; a->name; a++)
      for (int k = 0; k < 9; k++) {
        wmc_block_options o = options_with(a->name, "gaussian", 3 + 3 * (k % 3));
        o.norm = (wmc_norm)(k / 3);
        o.drop = k % 2 ? 0.3 : 0;
        void *state;
        cr_assert_eq((*b)->create(&o, &state), WMC_OK);
        cr_assert_leq((*b)->parameters(state), NUMBERS);
        wmc_stream_normals(stream, (*b)->parameters(state), 0.6, parameters);
        wmc_stream_normals(stream, D, 1, x);
        /* a short step where there are kinks to be missed, which is exact between them */
        double defect = jacobian_defect(*b, state, parameters, x, a->homogeneous ? 1e-6 : 1e-4);
        cr_expect_lt(defect, 5e-9, "%s %s case %d: %g", (*b)->name, a->name, k, defect);
        (*b)->destroy(state);
      }
  wmc_stream_destroy(stream);
}

/* Standard deviations of the matrices of a block, as block.h says. */
static int documented_scales(const wmc_block *block, const wmc_block_options *o, double *scale)
{
  double step = pow(o->time / o->depth, 2 * o->exponent), s = sqrt(o->variance * step);
  double inner = sqrt(o->inner_variance);
  bool two = block == &wmc_block_two_layer;
  scale[0] = block == &wmc_block_plain          ? sqrt(o->variance)
             : two || block == &wmc_block_outer ? inner
                                                : s;
  scale[1] = s / (inner * sqrt(o->hidden));
  return two ? 2 : 1;
}

/* The weights of the layers, drawn by hand in the order of the block. */
typedef struct by_hand {
  int matrices;
  wmc_source *source[2];
  size_t size;
} by_hand;

static by_hand open_by_hand(const wmc_block *block, const wmc_block_options *o)
{
  double scale[2];
  by_hand h = {.matrices = documented_scales(block, o, scale)};
  size_t n = (size_t)(h.matrices == 2 ? o->hidden : o->width), d = (size_t)o->width;
  h.size = n * d;
  for (int k = 0; k < h.matrices; k++) {
    wmc_source_options options = {o->weights, k ? d : n, k ? n : d, o->depth,
                                  scale[k],   o->hurst,  o->modes};
    cr_assert_eq(wmc_source_create(&h.source[k], &options), WMC_OK);
  }
  return h;
}

static bool is_residual(const wmc_block *block)
{
  return block != &wmc_block_exponential && block != &wmc_block_rotation &&
         block != &wmc_block_plain;
}

/* The bulk layers are the documented maps of the documented weights: the vector that runs through
 * them is followed by hand. */
static void follow(const wmc_block *block, const wmc_block_options *o, const char *what)
{
  enum { LAYERS = 4 };
  wmc_stream *stream = test_stream(SEED, 2), *again = test_stream(SEED, 2);
  void *state, *other;
  double jacobians[LAYERS * D * D], one[D * D], w[NUMBERS], x[D], norm2 = 0;
  by_hand hand = open_by_hand(block, o);
  cr_assert_eq(block->create(o, &state), WMC_OK);
  cr_assert_eq(block->create(o, &other), WMC_OK);
  block->start(state, stream);
  block->layers(state, stream, 1, jacobians);
  block->layers(state, stream, LAYERS - 1, jacobians + D * D);

  for (int k = 0; k < hand.matrices; k++) wmc_source_start(hand.source[k], again);
  bool vector = block == &wmc_block_plain ||
                (is_residual(block) && (block != &wmc_block_linear || o->norm != WMC_NORM_NONE));
  if (vector) wmc_stream_normals(again, D, 1, x);
  for (int i = 0; i < D; i++) norm2 += x[i] * x[i];
  for (int i = 0; i < D; i++) x[i] *= sqrt(o->input_norm2) / sqrt(norm2);
  for (int l = 0; l < LAYERS; l++) {
    for (int k = 0; k < hand.matrices; k++)
      wmc_source_layers(hand.source[k], again, 1, w + (size_t)k * hand.size);
    double *mask = w + (size_t)hand.matrices * hand.size;
    if (is_residual(block) && o->drop > 0) {
      wmc_stream_uniforms(again, D, mask);
      for (int i = 0; i < D; i++) mask[i] = mask[i] < 1 - o->drop ? 1 / (1 - o->drop) : 0;
    }
    block->forward(other, w, x, one);
    for (int i = 0; i < D * D; i++)
      cr_expect_lt(fabs(one[i] - jacobians[l * D * D + i]), 1e-13, "%s %s layer %d", block->name,
                   what, l);
  }
  for (int k = 0; k < hand.matrices; k++) wmc_source_destroy(hand.source[k]);
  block->destroy(state);
  block->destroy(other);
  wmc_stream_destroy(stream);
  wmc_stream_destroy(again);
}

Test(jacobian_block, layers_follow_the_vector)
{
  for (const wmc_block *const *b = wmc_blocks; *b; b++)
    for (const wmc_weights *law = wmc_weight_laws; law->name; law++)
      for (int k = 0; k < 6; k++) {
        wmc_block_options o = options_with("tanh", law->name, 6);
        o.norm = (wmc_norm)(k % 3);
        o.drop = k < 3 ? 0 : 0.4;
        o.exponent = 0.3 + 0.1 * k;
        follow(*b, &o, law->name);
      }
}

/* Without an exponent of its own the amplitude of a layer follows the memory of the weights. */
Test(jacobian_block, exponents_follow_the_weights)
{
  const struct {
    const char *law;
    double exponent;
  } cases[] = {{"gaussian", 0.5}, {"orthogonal", 0.5}, {"fractional", 0.7}, {"smooth", 1}};
  for (size_t k = 0; k < 4; k++) {
    wmc_block_options o = options_with("tanh", cases[k].law, 6);
    double s2 = o.variance * pow(o.time / o.depth, 2 * cases[k].exponent);
    cr_expect_float_eq(wmc_block_exponent(&o), cases[k].exponent, 1e-15);
    cr_expect_float_eq(wmc_block_variance(&o), s2, 1e-15, "%s", cases[k].law);
  }
}

/* Running vectors that are rescaled have the same masks: deep plain products neither overflow nor
 * die. */
Test(jacobian_block, homogeneous_vectors_are_tamed)
{
  wmc_block_options o = options_with("abs", "gaussian", 1);
  wmc_stream *stream = test_stream(SEED, 4);
  void *state;
  double jacobian[D * D];
  o.variance = 100;
  cr_assert_eq(wmc_block_plain.create(&o, &state), WMC_OK);
  wmc_block_plain.start(state, stream);
  for (int l = 0; l < 3000; l++) wmc_block_plain.layers(state, stream, 1, jacobian);
  for (int i = 0; i < D * D; i++) cr_expect(isfinite(jacobian[i]) && jacobian[i] != 0);
  cr_expect_eq(wmc_block_plain.rank(state), D);
  wmc_block_plain.destroy(state);
  wmc_stream_destroy(stream);
}

/* exp(A) by its series, in long double. */
static void series(int d, const double *a, double *out)
{
  long double term[D * D], next[D * D], sum[D * D];
  for (int i = 0; i < d * d; i++) sum[i] = term[i] = i % (d + 1) == 0;
  for (int k = 1; k < 200; k++) {
    for (int j = 0; j < d; j++)
      for (int i = 0; i < d; i++) {
        next[j * d + i] = 0;
        for (int m = 0; m < d; m++) next[j * d + i] += term[m * d + i] * a[j * d + m] / k;
      }
    memcpy(term, next, sizeof term);
    for (int i = 0; i < d * d; i++) sum[i] += term[i];
  }
  for (int i = 0; i < d * d; i++) out[i] = (double)sum[i];
}

Test(jacobian_block, exponentials_are_their_series)
{
  wmc_stream *stream = test_stream(SEED, 5);
  wmc_block_options o = options_with("linear", "gaussian", 1);
  void *state[2];
  cr_assert_eq(wmc_block_exponential.create(&o, &state[0]), WMC_OK);
  cr_assert_eq(wmc_block_rotation.create(&o, &state[1]), WMC_OK);
  for (double size = 1e-9; size < 4; size *= 1.7) {
    double w[D * D], a[D * D], x[D] = {0}, j[D * D], exact[D * D], largest = 0;
    wmc_stream_normals(stream, D * D, size, w);
    for (int i = 0; i < D * D; i++) a[i] = (w[i] - w[i % D * D + i / D]) / sqrt(2);
    wmc_block_exponential.forward(state[0], w, x, j);
    series(D, w, exact);
    for (int i = 0; i < D * D; i++) largest = fmax(largest, fabs(exact[i]));
    for (int i = 0; i < D * D; i++)
      cr_expect_lt(fabs(j[i] - exact[i]), 2e-14 * largest, "exponential, size %g", size);
    wmc_block_rotation.forward(state[1], w, x, j);
    series(D, a, exact);
    for (int i = 0; i < D * D; i++)
      cr_expect_lt(fabs(j[i] - exact[i]), 2e-14, "rotation, size %g", size);
  }
  wmc_block_exponential.destroy(state[0]);
  wmc_block_rotation.destroy(state[1]);
  wmc_stream_destroy(stream);
}

/* Rademacher entries are +-s exactly; the identity is on the diagonal only. */
Test(jacobian_block, linear_layers_are_identity_plus_noise)
{
  enum { LAYERS = 40 };
  wmc_block_options o = options_with("linear", "rademacher", 1);
  wmc_stream *stream = test_stream(SEED, 3);
  void *state;
  double jacobians[LAYERS * D * D], s = sqrt(o.variance * o.time / o.depth);
  cr_assert_eq(wmc_block_linear.create(&o, &state), WMC_OK);
  wmc_block_linear.start(state, stream);
  wmc_block_linear.layers(state, stream, LAYERS, jacobians);
  for (int i = 0; i < LAYERS * D * D; i++) {
    double noise = jacobians[i] - (i % (D * D) % (D + 1) == 0);
    cr_expect_lt(fabs(fabs(noise) - s), 1e-15);
  }
  cr_expect_lt(fabs(wmc_block_linear.layer_variance(&o) - s * s), 1e-15);
  wmc_block_linear.destroy(state);
  wmc_stream_destroy(stream);
}
