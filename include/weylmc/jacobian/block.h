/** @file block.h  The table of residual blocks x -> f(x) and their Jacobians J.
 *
 *   linear     f(x) = J x,                     J = I + s G,  s^2 = variance time / depth,
 *              G has independent entries of variance 1;
 *   two_layer  f(x) = x + L^{-1/2} W2 phi(W1 x),  J = I + L^{-1/2} W2 D W1,  D = diag phi'(W1 x),
 *              W1 (n x d) has entries of variance c1, W2 (d x n) of variance c2 with
 *              c1 c2 n = variance time, L the depth, n the hidden width.
 *
 * Weights are fresh in every layer and every network. The input of a network is a vector of squared
 * norm `input_norm2` whose direction is uniform on the sphere: with gaussian weights the law of the
 * singular values does not depend on the direction, and with signs it avoids pre-activations that
 * are exactly 0.
 * Source and limits: docs/theory/jacobian.md, eqs. (1)-(7).
 * Matrices are column-major, width x width. Adding a block: one file and one row in
 * src/jacobian/blocks.c.
 * Checked by tests/check/jacobian_block.c: J against central differences of `forward`, bulk layers
 * against single ones. States belong to one Markov chain each and allocate only in create.
 */
#pragma once
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/jacobian/activation.h"
#include "weylmc/jacobian/weights.h"
#include "weylmc/numeric/random.h"

typedef struct wmc_block_options {
  int width;  /**< d */
  int depth;  /**< L */
  int hidden; /**< n, two_layer only */
  const wmc_activation *activation;
  double slope; /**< of leaky_relu */
  const wmc_weights *weights;
  double variance, time;
  double inner_variance; /**< c1, two_layer only */
  double input_norm2;    /**< |x_0|^2 */
} wmc_block_options;

typedef struct wmc_block {
  const char *name, *text;
  wmc_status (*create)(const wmc_block_options *options, void **state);
  void (*destroy)(void *state);
  /** Begin a new network: a new input vector where the Jacobian depends on it. */
  void (*start)(void *state, wmc_stream *stream);
  /** The Jacobians of the next `count` layers, count x width x width, first layer first. */
  void (*layers)(void *state, wmc_stream *stream, size_t count, double *jacobians);
  /** Numbers that define one layer, as `forward` takes them: G scaled by s; or W1, then W2 scaled
   * by L^{-1/2}, each column-major. */
  size_t (*parameters)(const void *state);
  /** One layer with given parameters: x (width) <- f(x), and its Jacobian at the old x. */
  void (*forward)(void *state, const double *parameters, double *x, double *jacobian);
  /** Upper bound of the variance of an entry of J - I that is random given the past; it sets how
   * many layers are multiplied between factorisations (qdt.h). */
  double (*layer_variance)(const wmc_block_options *options);
  /** Work of one layer in flops, the product with the running Jacobian not included. */
  double (*cost)(const wmc_block_options *options);
} wmc_block;

extern const wmc_block wmc_block_linear;
extern const wmc_block wmc_block_two_layer;

/** Table ended by NULL, and the names alone (NULL-ended) in the same order. */
extern const wmc_block *const wmc_blocks[];
extern const char *const wmc_block_names[];
const wmc_block *wmc_block_find(const char *name);
