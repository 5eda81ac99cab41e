/** @file averages.h  Gaussian averages of an activation, as functions of q; private to
 * src/jacobian.
 *
 *   square = E phi^2,   tangential = E phi'^2,   radial = E phi'^2 z^2,   cross = E phi phi' z,
 *
 * all at the argument sqrt(q) z, z standard normal. Homogeneous activations are known in closed
 * form, for the others z = c sinh s, c = min(1, 1/sqrt q), makes the trapezoidal rule converge
 * exponentially for every q: the integrand is analytic around the real axis. Error below 1e-13 of
 * each average. Checked by tests/check/pair.c against closed forms (erf, sin).
 */
#pragma once
#include "weylmc/base/status.h"
#include "weylmc/jacobian/activation.h"

typedef struct wmc_averages {
  double square, tangential, radial, cross;
} wmc_averages;

/** q > 0. Some 200 values of phi. */
void wmc_averages_at(const wmc_activation *activation, double slope, double q, wmc_averages *out);

/** A table in log q around a centre: cubic interpolation, relative error below 1e-6 (measured by
 * tests/check/pair.c), six e-foldings of sqrt(q) to both sides; beyond it the averages themselves.
 */
typedef struct wmc_averages_table wmc_averages_table;

wmc_status wmc_averages_table_create(wmc_averages_table **table, const wmc_activation *activation,
                                     double slope, double centre);
void wmc_averages_table_destroy(wmc_averages_table *table);
void wmc_averages_table_at(const wmc_averages_table *table, double q, wmc_averages *out);
