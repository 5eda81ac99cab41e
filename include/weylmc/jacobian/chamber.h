/** @file chamber.h  The diffusion of log-singular values at infinite depth.
 *
 * Where the spectrum of a residual chain moves on its own, lambda_1 > ... > lambda_d follows
 *
 *   dlambda_i = (sigma/sqrt(beta)) dB_i
 *               + (sigma^2/2) [ sum_{j != i} coth(lambda_i - lambda_j) + shift ] dt,   lambda(0) =
 * 0,
 *
 * beta = 1 for real and 2 for complex matrices, shift = 1 - 2/beta (0 if the layers are
 * exponentials). A draw is one path, recorded at fractions of the time.
 *
 * The scheme splits coth x = 1/x + L(x), L(x) = coth x - 1/x. The diffusion with 1/x alone is that
 * of the eigenvalues of diag(lambda) + a growing Gaussian symmetric or Hermitian matrix (Dyson
 * 1962), so a step of any length is made exactly, from lambda = 0 too; L is smooth and bounded and
 * its flow only widens gaps. Half a flow, one matrix, half a flow: points never cross, walls ask
 * for no smaller steps, the choice of step looks at nothing random, and the bias of means is of
 * second order in the step. For beta = 2 and shift 0 the whole law is that of the eigenvalues of a
 * Hermitian Brownian motion with the drift diag(d-1, d-3, ..., 1-d), jointly at all times: `exact`
 * draws that, without steps.
 * Source: docs/theory/jacobian.md, section 6.
 * Checked by tests/check/chamber.c (order, order of points, quadrature) and
 * tests/statistical/chamber.c; timed by tests/bench/chamber.c. Allocates only in create.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/numeric/random.h"

typedef struct wmc_chamber wmc_chamber;

typedef struct wmc_chamber_options {
  int width;       /**< d */
  int beta;        /**< 1 or 2 */
  double variance; /**< sigma^2 */
  double time;     /**< T */
  double shift;
  double resolution; /**< steps for each unit of d sigma^2 t, rounded up between two records */
  bool exact;        /**< beta = 2, shift = 0: no steps */
} wmc_chamber_options;

/** Steps between the fractions `from` and `to` of the time. */
int wmc_chamber_steps(const wmc_chamber_options *options, double from, double to);

/** `fractions`: `records` increasing numbers in (0, 1]. */
wmc_status wmc_chamber_create(wmc_chamber **chamber, const wmc_chamber_options *options,
                              size_t records, const double *fractions);
void wmc_chamber_destroy(wmc_chamber *chamber);
/** A new path. Returns false if a number is not finite (message raised). */
bool wmc_chamber_draw(wmc_chamber *chamber, wmc_stream *stream);
/** After a draw: lambda at each record, records x width, decreasing; owned. */
double *wmc_chamber_values(wmc_chamber *chamber);
/** After a draw: log|M u| at each record, for a unit vector u; owned. M has uniform right singular
 * vectors, independent of the path of lambda; they are drawn afresh for each record. */
double *wmc_chamber_growth(wmc_chamber *chamber);
/** After a draw: log of the sine of the angle between M u and M v at each record, for orthogonal
 * u and v, with that u; NaN at width 1; owned. */
double *wmc_chamber_log_sine(wmc_chamber *chamber);
