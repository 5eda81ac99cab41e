/** @file network.h  A residual network drawn afresh, and its log-singular values along the depth.
 *
 * One draw makes independent weights for `depth` blocks, multiplies their Jacobians and records the
 * log-singular values of the product after the layers round(fraction depth), at least 1.
 * Random numbers are made in bulk for as many layers as fit the first-level cache.
 * Checked by tests/check/jacobian_network.c (against the plain product) and
 * tests/statistical/jacobian.c; speed by tests/bench/jacobian.c. Allocates only in create.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/jacobian/block.h"

typedef struct wmc_network wmc_network;

/** Layer at which a fraction of the depth is recorded. */
int wmc_network_record_layer(double fraction, int depth);

/** Layers multiplied between factorisations (qdt.h): less where layers are correlated and add up.
 */
int wmc_network_factor_layers(const wmc_block *block, const wmc_block_options *options);

/** Error of the log-singular values of the product of all layers, if it is made in twice the
 * precision or not (wmc_qdt_error). `block` NULL: layers of independent entries of variance
 * wmc_block_variance. */
double wmc_network_error(const wmc_block *block, const wmc_block_options *options, bool extended);
/** Whether it is: precision is extended, or auto and the error otherwise above 1e-12. */
bool wmc_network_is_extended(const wmc_block *block, const wmc_block_options *options);

/** `fractions`: `records` numbers in (0, 1] that give increasing layers. */
wmc_status wmc_network_create(wmc_network **network, const wmc_block *block,
                              const wmc_block_options *options, size_t records,
                              const double *fractions);
void wmc_network_destroy(wmc_network *network);
/** A new network. Returns false if a product is singular or not finite (message raised), or if the
 * program is to stop (base/signals.h). */
bool wmc_network_draw(wmc_network *network, wmc_stream *stream);
/** After a draw: log-singular values of every mode (split.h) at each record, modes x records x
 * width, decreasing; owned. Those that are lost (wmc_block.rank) are -inf, also log|M e_1| if all
 * are. */
double *wmc_network_values(wmc_network *network);
/** After a draw: log|M e_1| of every mode at each record, modes x records; owned. */
double *wmc_network_growth(wmc_network *network);
/** After a draw: log of the sine of the angle between M e_1 and M e_2, likewise; NaN at width 1. */
double *wmc_network_log_sine(wmc_network *network);

/** Have the singular vectors at each record too, from the next draw on. */
wmc_status wmc_network_follow_vectors(wmc_network *network);
/** Have log g = 2 V diag(lambda) V^T, g = M^T M, at each record too; real chains without a group.
 */
wmc_status wmc_network_follow_logarithm(wmc_network *network);
/** After a draw, records x width x width; owned. NULL unless followed. */
double *wmc_network_logarithm(wmc_network *network);
/** After a draw, modes x records x width each, owned; NULL unless vectors are followed.
 * Q_ii = (U^T C U)_ii, C that of the next layer (wmc_block.covariance): sigma^2 Q_ii is the rate at
 * which the variance of lambda_i grows (docs/theory/jacobian.md, eq. (4)). NULL also for complex or
 * equivariant layers and blocks without such a C. */
double *wmc_network_diffusivity(wmc_network *network);
/** |u_i . M e_1|^2 / |M e_1|^2, u_i the left singular vectors. */
double *wmc_network_overlap(wmc_network *network);
