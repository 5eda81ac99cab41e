/** @file balanced_orbit.h  Inside the model `balanced`: dynamics of networks that are not balanced.
 *
 * The gradient flow of E(X) keeps the moment map mu (geometry/layers.h), so a network with mu != 0
 * stays on an unbalanced manifold. Isometric gauges W_p -> O_p W_p O_{p-1}^T with orthogonal O_p
 * move it along an orbit with the same X. A step is W_p <- W_p - dt d_p E + (2 v dt/beta)^{1/2}
 * (A_p W_p - W_p A_{p-1}), with antisymmetric Gaussian A_1 .. A_{N-1}, A_0 = A_N = 0, such that the
 * displacement is white in the tangent space of the orbit: straight steps, in Ito's sense, and no
 * return to balance. mu is an observable. On balanced networks the tangent space of the orbit are
 * the vertical directions. Cost: the factorisation of a block tridiagonal matrix with blocks of d_p
 * (d_p - 1) / 2, O(N d^6). docs/theory/geometry.md, eq. (G17). Checked by tests/check/parameters.c.
 */
#pragma once
#include "weylmc/geometry/energy.h"
#include "weylmc/geometry/layers.h"
#include "weylmc/numeric/random.h"

typedef struct wmc_orbit wmc_orbit;

/** Room for a layout, which must outlive it; destroy it also on failure. */
/** Doubles behind an orbit. */
size_t wmc_orbit_size(const wmc_layers *layers);
wmc_status wmc_orbit_create(const wmc_layers *layers, wmc_orbit **orbit);
void wmc_orbit_destroy(wmc_orbit *orbit);
/** v = noise of standard deviation `scale` in every direction of the orbit's tangent space at w. */
void wmc_orbit_draw(wmc_orbit *orbit, const double *w, wmc_stream *stream, double scale, double *v);
/** v -= time times the gradient of the energy in the layers. */
void wmc_orbit_descend(wmc_orbit *orbit, const wmc_energy *energy, const double *w, double time,
                       double *v);
/** w = `from` moved off balance by random gauges G_p = (1 + t S_p)^2, S_p symmetric and Gaussian,
 * with t such that its imbalance (geometry/layers.h) is `imbalance` and X is kept. False if there
 * is no such t. `room`: 2 times wmc_layers_gauges_size and 4 blocks. */
bool wmc_orbit_unbalance(const wmc_layers *layers, wmc_stream *stream, double imbalance,
                         const double *from, double *w, double *room);
