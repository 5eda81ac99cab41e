/* Blocks, activations and weight laws against finite differences and definitions. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/block.h"

static wmc_stream *stream_of(long id)
{
  wmc_stream *stream;
  cr_assert_eq(wmc_stream_create(&stream, 20261122, id), WMC_OK);
  return stream;
}

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
  return (wmc_block_options){.width = 5,
                             .depth = 7,
                             .hidden = hidden,
                             .activation = wmc_activation_find(activation),
                             .slope = -0.3,
                             .weights = wmc_weights_find(weights),
                             .variance = 2,
                             .time = 1.5,
                             .inner_variance = 0.4,
                             .input_norm2 = 3};
}

/* Largest difference between the Jacobian and central differences of the forward map. */
static double jacobian_defect(const wmc_block *block, void *state, const double *parameters,
                              const double *x)
{
  enum { D = 5 };
  const double h = 1e-4;
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

Test(jacobian_block, jacobians_are_derivatives)
{
  wmc_stream *stream = stream_of(1);
  double parameters[2 * 5 * 9], x[5];
  for (const wmc_block *const *b = wmc_blocks; *b; b++)
    for (const wmc_activation *a = wmc_activations; a->name; a++)
      for (int hidden = 3; hidden <= 9; hidden += 3) {
        wmc_block_options o = options_with(a->name, "gaussian", hidden);
        void *state;
        cr_assert_eq((*b)->create(&o, &state), WMC_OK);
        cr_assert_leq((*b)->parameters(state), sizeof parameters / sizeof *parameters);
        wmc_stream_normals(stream, (*b)->parameters(state), 1, parameters);
        wmc_stream_normals(stream, 5, 1, x);
        double defect = jacobian_defect(*b, state, parameters, x);
        cr_expect_lt(defect, 1e-9, "%s %s hidden %d: %g", (*b)->name, a->name, hidden, defect);
        (*b)->destroy(state);
      }
  wmc_stream_destroy(stream);
}

/* The bulk layers are the documented maps of the documented weights: the vector that runs through
 * them is followed by hand. */
Test(jacobian_block, layers_follow_the_vector)
{
  enum { D = 5, N = 6, LAYERS = 4 };
  const char *const laws[] = {"gaussian", "rademacher"};
  for (size_t k = 0; k < 2; k++) {
    wmc_block_options o = options_with("tanh", laws[k], N);
    wmc_stream *stream = stream_of(2), *again = stream_of(2);
    void *state, *other;
    double jacobians[LAYERS * D * D], one[D * D], w[2 * N * D], x[D], norm2 = 0;
    cr_assert_eq(wmc_block_two_layer.create(&o, &state), WMC_OK);
    cr_assert_eq(wmc_block_two_layer.create(&o, &other), WMC_OK);
    wmc_block_two_layer.start(state, stream);
    wmc_block_two_layer.layers(state, stream, 1, jacobians);
    wmc_block_two_layer.layers(state, stream, LAYERS - 1, jacobians + D * D);

    wmc_stream_normals(again, D, 1, x);
    for (int i = 0; i < D; i++) norm2 += x[i] * x[i];
    for (int i = 0; i < D; i++) x[i] *= sqrt(o.input_norm2) / sqrt(norm2);
    double c2 = o.variance * o.time / (o.inner_variance * N);
    for (int l = 0; l < LAYERS; l++) {
      o.weights->fill(again, N * D, sqrt(o.inner_variance), w);
      o.weights->fill(again, N * D, sqrt(c2 / o.depth), w + N * D);
      wmc_block_two_layer.forward(other, w, x, one);
      for (int i = 0; i < D * D; i++)
        cr_expect_lt(fabs(one[i] - jacobians[l * D * D + i]), 1e-14, "%s layer %d", laws[k], l);
    }
    wmc_block_two_layer.destroy(state);
    wmc_block_two_layer.destroy(other);
    wmc_stream_destroy(stream);
    wmc_stream_destroy(again);
  }
}

/* Rademacher entries are +-s exactly; the identity is on the diagonal only. */
Test(jacobian_block, linear_layers_are_identity_plus_noise)
{
  enum { D = 5, LAYERS = 40 };
  wmc_block_options o = options_with("linear", "rademacher", 1);
  wmc_stream *stream = stream_of(3);
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
