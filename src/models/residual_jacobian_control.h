/** @file residual_jacobian_control.h  Control variates with exact means for log-singular values.
 *
 * What is reported is y_i - sum_k c_ik (x_k - E x_k), with the mean of lambda_i and a smaller
 * variance. The controls are functions of the spectrum alone, h(lambda) = E_u log|Mu| with u
 * uniform (jacobian/spherical.h):
 *
 *   finite depth  y_i = lambda_i; x = sum lambda (where its mean is known) and h(lambda)
 *   depth inf     y_i = (lambda_i - lambda_{d+1-i})/2 + E sum lambda/d, by the symmetry of the
 *                 diffusion; x = [h(lambda) + h(-lambda)]/2
 *
 * In a sum over levels (residual_jacobian_levels.h) every network is controlled so; the exact means
 * are those of the depth, or limit, that the sum goes to.
 * The coefficients come from a regression in a pilot with a random stream of its own, the same in
 * every chain, so that they are constants and nothing is biased. E h(lambda) = E log|M e_1| where
 * the law of M is invariant under rotations from the right: every chain whose growth is known.
 * Source: docs/theory/jacobian.md, section 11. Checked by tests/statistical/levels.c.
 */
#pragma once
#include "residual_jacobian.h"

enum { WMC_CONTROLS = 2, WMC_CONTROL_PILOT = 256 };

bool wmc_control_wanted(const wmc_value *parameters);
void wmc_control_check(const wmc_value *parameters, const wmc_complaints *complaints);

typedef struct wmc_control wmc_control;
wmc_status wmc_control_create(const wmc_value *parameters, wmc_control **control);
void wmc_control_destroy(wmc_control *control);
/** One spectrum of the pilot: values are records x width. */
void wmc_control_observe(wmc_control *control, const double *values);
/** Coefficients from all that was observed. */
void wmc_control_solve(wmc_control *control);
/** The coefficients, records x width x WMC_CONTROLS: what is packed. */
double *wmc_control_coefficients(wmc_control *control);
size_t wmc_control_size(const wmc_control *control);
/** Controlled values, records x width. */
void wmc_control_measure(wmc_control *control, const double *values, double *out);
