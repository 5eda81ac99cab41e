/** @file block.h  The table of blocks x -> f(x) and their Jacobians J.
 *
 * Residual blocks are f(x) = x + (m/p) b(N(x)): a branch b, a normalisation N before it, and
 * dropout after it, m a mask of independent components that are 1 with probability p. With
 * s^2 = variance (time/depth)^{2 b}, b the exponent, and W a matrix of entries of variance 1:
 *
 *   linear     b(u) = s W u                     (J = I + s W without N and dropout)
 *   one_layer  b(u) = s W phi(u)
 *   two_layer  b(u) = r W2 phi(W1 u),           W1 (n x d) of entries of variance c1, n the hidden
 *                                               width, W2 (d x n); r^2 = s^2 / (c1 n)
 *   inside     b(u) = phi(s W u)
 *   outer      b(u) = r phi(W1 u),              r^2 = s^2 / c1
 *
 * so that for phi(x) = x the entries of J - I always have the variance s^2. N(x) = x, or
 * sqrt(d) x/|x| (rms), or that of x less its mean (layer). Without these:
 *
 *   exponential  f(x) = exp(s W) x
 *   rotation     f(x) = exp(s (W - W^T)/sqrt 2) x, orthogonal: log-singular values are 0
 *   plain        f(x) = phi(sigma W x), no skip connection, sigma^2 = variance: Ginibre's product
 *                for phi(x) = x, random masks for relu
 *
 * Weights are drawn by their law (weights.h) for every network. The input of a network is a vector
 * of squared norm `input_norm2` whose direction is uniform on the sphere: with gaussian weights the
 * law of the singular values does not depend on the direction, and with signs it avoids
 * pre-activations that are exactly 0. The running vector of a positively homogeneous block without
 * N may be scaled by powers of two, which changes no Jacobian. Source and limits:
 * docs/theory/jacobian.md, section 1. Matrices are column-major, width x width.
 *
 * Complex layers, and those that commute with a cyclic group (split.h; width: channels), exist
 * where all is linear: linear, two_layer with phi(x) = x, exponential, rotation (exp(s (W -
 * W^*)/sqrt 2), unitary), plain with phi(x) = x; without N; dropout without a group only.
 * Jacobians, weights and vectors then are what split.h says, and no vector is followed. Adding a
 * block: one file and one row in src/jacobian/blocks.c; a new branch of a residual block needs the
 * few lines of src/jacobian/residual.h. Checked by tests/check/jacobian_block.c: J against central
 * differences of `forward`, bulk layers against single ones. States belong to one Markov chain each
 * and allocate only in create.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/jacobian/activation.h"
#include "weylmc/jacobian/qdt.h"
#include "weylmc/jacobian/split.h"
#include "weylmc/jacobian/weights.h"
#include "weylmc/numeric/random.h"

typedef enum wmc_norm { WMC_NORM_NONE, WMC_NORM_RMS, WMC_NORM_LAYER } wmc_norm;
extern const char *const wmc_norm_names[];

typedef struct wmc_block_options {
  int width;  /**< d */
  int depth;  /**< L */
  int hidden; /**< n, two_layer only */
  const wmc_activation *activation;
  double slope; /**< of leaky_relu */
  const wmc_weights *weights;
  double hurst; /**< of fractional weights */
  int modes;    /**< of smooth weights */
  double variance, time;
  double exponent;         /**< b; 0: the persistence of the weights, 1/2 if they are independent */
  double inner_variance;   /**< c1, two_layer and outer */
  double input_norm2;      /**< |x_0|^2 */
  wmc_norm norm;           /**< N, residual blocks only */
  double drop;             /**< 1 - p, residual blocks only */
  wmc_split split;         /**< real, complex, or commuting with a cyclic group; see below */
  wmc_precision precision; /**< of the product of the layers (network.h) */
} wmc_block_options;

/** s^2, the variance of the entries of J - I of a linear block. */
double wmc_block_variance(const wmc_block_options *options);
/** b. */
double wmc_block_exponent(const wmc_block_options *options);

typedef struct wmc_block {
  const char *name, *text;
  wmc_status (*create)(const wmc_block_options *options, void **state);
  void (*destroy)(void *state);
  /** Begin a new network: new weights where layers depend on each other, and a new input vector
   * where the Jacobian depends on it. */
  void (*start)(void *state, wmc_stream *stream);
  /** The Jacobians of the next `count` layers, count x width x width numbers, first layer first. */
  void (*layers)(void *state, wmc_stream *stream, size_t count, double *jacobians);
  /** Numbers that define one layer, as `forward` takes them: the weight matrices with their scales,
   * in the order of the formula from the right, each column-major; then with dropout the d
   * components of m/p (twice each if complex). */
  size_t (*parameters)(const void *state);
  /** One layer with given parameters: x (width) <- f(x), and its Jacobian at the old x. x may be
   * NULL where the Jacobian does not depend on it. */
  void (*forward)(void *state, const double *parameters, double *x, double *jacobian);
  /** The d x d matrix C(x) of docs/theory/jacobian.md, eq. (4), at the running vector: E[H_ij H_kl
   * | past] = s^2 delta_ik C_jl for H = J - I of the next layer, to leading order in s. NULL: not
   * of this form. Averages over W1 are those of gaussian weights. */
  void (*covariance)(void *state, double *out);
  /** Numbers of the next layer, drawn as `layers` draws them; NULL: the block has no limit. */
  void (*draw)(void *state, wmc_stream *stream, double *parameters);
  /** Numbers of a layer of a network half as deep, whose state is `coarse`, that stands for two
   * layers a and b of `fine`: (a + b)/2^h for matrices of scale 1, h the persistence of the
   * weights. NULL: the block has no limit. */
  void (*join)(const void *fine, const void *coarse, const double *a, const double *b, double *out);
  /** In place, the numbers of a step of the same law with the same increments of noise, whose areas
   * and whatever else decides the order within the step are reversed: to first order in them the
   * mean of the two steps is free of both. NULL: layers of networks. */
  void (*reverse)(const void *state, double *numbers);
  /** Upper bound of the variance of an entry of J - I that is random given the past (with norm: as
   * long as |x| is at least half of what it was); it sets how many layers are multiplied between
   * factorisations (qdt.h). */
  double (*layer_variance)(const wmc_block_options *options);
  /** Work of one layer in flops, the product with the running Jacobian not included. */
  double (*cost)(const wmc_block_options *options);
  /** Rank of the product of all layers since start, where it is lost by exact zeros; NULL: full.
   */
  int (*rank)(const void *state);
} wmc_block;

extern const wmc_block wmc_block_linear, wmc_block_one_layer, wmc_block_two_layer, wmc_block_inside,
    wmc_block_outer, wmc_block_exponential, wmc_block_rotation, wmc_block_plain;

/** Table ended by NULL, and the names alone (NULL-ended) in the same order; the row of a name, or
 * NULL. */
extern const wmc_block *const wmc_blocks[];
extern const char *const wmc_block_names[];
const wmc_block *wmc_block_find(const char *name);
