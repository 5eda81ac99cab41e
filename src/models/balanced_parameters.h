/** @file balanced_parameters.h  Inside the model `balanced`: chains whose state is the network W.
 *
 * The state is a point of the balanced manifold, frames Q_0 .. Q_N and lambda (geometry/point.h),
 * and the length of the random walk. The members of wmc_balanced that observables read (spectrum,
 * outer frames, what the energy sees in them) are filled from it by `show`. Finite depth; any
 * widths, rank and energy. Complex networks are points of twice the widths and rank, in pairs.
 * docs/theory/geometry.md, eqs. (G15)-(G19); docs/theory/equivariant.md, (E14), (E15).
 * Checked by tests/check/parameters.c, tests/statistical/parameters.c.
 */
#pragma once
#include "balanced.h"
#include "balanced_orbit.h"
#include "weylmc/geometry/retract.h"

struct wmc_upstairs {
  int numbers; /**< 1; 2: complex, layers are their real form, geometry/realform.h */
  wmc_layers *layers;
  wmc_point point;  /**< in the state */
  double *walk;     /**< in the state: standard deviation of a proposal in every direction */
  wmc_orbit *orbit; /**< of networks that are not balanced; NULL: they are */
  double *network;  /**< in the state: layers of a network that is not balanced, or NULL */
  wmc_point proposed, back;
  wmc_tangent step, reverse;
  double *w, *next;       /**< layers */
  double *matrix, *slope; /**< X and E'(X), a block each */
  double *parts;          /**< of complex X and E'(X): a block */
  wmc_spectrum spectrum;  /**< of any point */
  double tilt_variance;   /**< largest variance of a column of a tilt per unit of time */
  double *scratch;
  double *memory; /**< behind all that is not in the state */
};

/** Doubles of a chain with these layers, orbits of networks off balance included if asked for. */
size_t wmc_upstairs_size(const wmc_layers *layers, bool unbalanced);
/** Make what stands beside the state; chain->upstairs, also on failure. */
wmc_status wmc_upstairs_create(wmc_balanced *chain);
/** Doubles of state that it wants. */
size_t wmc_upstairs_room(const wmc_upstairs *upstairs);
/** Lay the point over its room in the state. */
void wmc_upstairs_place(wmc_balanced *chain, double *room);
void wmc_upstairs_destroy(wmc_upstairs *upstairs);
/** Haar frames, det X > 0 if X is square, lambda at the scale of equilibrium. */
void wmc_upstairs_start(wmc_balanced *chain, wmc_stream *stream);
/** Spectrum and outer frames of the chain from the point; of an unbalanced network from the point
 * with the same X. WMC_FAILURE if there is none. */
wmc_status wmc_upstairs_show(wmc_balanced *chain);
/** Imbalance (geometry/layers.h) and |W|^2 of the layers. */
void wmc_upstairs_measure(wmc_upstairs *upstairs, double *imbalance, double *norm2);

/** Singular values of a point, those of complex numbers once. */
void wmc_upstairs_spectrum(const wmc_upstairs *upstairs, const wmc_point *point,
                           const wmc_spectrum *spectrum);
/** E of a point without decay; upstairs->slope = E'(X) at the chain's, in real form if complex. */
double wmc_upstairs_energy(const wmc_balanced *chain, const wmc_point *point);
void wmc_upstairs_slope(const wmc_balanced *chain);
/** As show, of complex numbers, after the spectrum. */
void wmc_upstairs_show_complex(wmc_balanced *chain);

/** Log of the density of the law with respect to the volume of the balanced manifold:
 * -(beta/h) E + (v/h - 1) S. */
double wmc_upstairs_log_density(wmc_balanced *chain, const wmc_point *point);
/** Draw a move of the random walk, of standard deviation `size` in every direction, into
 * upstairs->proposed; the point stays. Returns the log of the acceptance ratio, -infinity if there
 * is no way there or back. */
double wmc_upstairs_propose(wmc_balanced *chain, wmc_stream *stream, double size);
/** One step of the random walk alone, which leaves the law as it is, like the next one. */
void wmc_upstairs_walk(wmc_balanced *chain, wmc_stream *stream, double gain);
/** Sweeps of wmc_balanced_sweep over singular values and scale at fixed frames, of X and of all
 * layers alike; where the last one passes through 0 in all layers the frames take the sign. */
void wmc_upstairs_sweep(wmc_balanced *chain, wmc_stream *stream, double gain);
