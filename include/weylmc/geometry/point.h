/** @file point.h  Balanced networks of rank r as frames and singular values.
 *
 * The balanced networks of rank r are W_p = Q_p Lambda Q_{p-1}^T with orthonormal frames Q_p
 * (d_p x r), p = 0 .. N, and Lambda = diag(lambda), lambda decreasing and positive. Signs of
 * columns common to all frames (and rotations where lambda are equal) are free. X = Q_N Lambda^N
 * Q_0^T.
 *
 * Frames are read from layers by the decomposition of W_1 and orthonormalisation of
 * W_p Q_{p-1} column by column, largest lambda first. The quotient W_p Q_{p-1} Lambda^{-1} would
 * multiply errors by (lambda_1/lambda_r)^N, and the decomposition of X loses sigma_r below 1e-16
 * sigma_1; this way errors stay at rounding times lambda_1/lambda_r at every depth.
 * docs/theory/geometry.md, eqs. (G4), (G5). Checked by tests/check/geometry_points.c.
 * Reentrant; allocates nothing.
 */
#pragma once
#include <stdbool.h>

#include "weylmc/geometry/layers.h"
#include "weylmc/geometry/spectrum.h"
#include "weylmc/numeric/random.h"

typedef struct wmc_point {
  const wmc_layers *layers; /**< borrowed */
  double *frames;           /**< Q_p at layers->frame[p] */
  double *lambda;           /**< r, decreasing */
} wmc_point;

/** Doubles behind a point; lay a point over them (aligned memory, which the caller keeps). */
size_t wmc_point_size(const wmc_layers *layers);
wmc_point wmc_point_map(const wmc_layers *layers, double *memory);
/** Q_p. */
double *wmc_point_frame(const wmc_point *point, int p);
/** Doubles of scratch for all functions below. */
size_t wmc_point_scratch(const wmc_layers *layers);

/** Haar frames, independent of one another; lambda stays as it is. */
void wmc_point_draw_frames(const wmc_point *point, wmc_stream *stream, double *scratch);
/** W from frames and lambda. */
void wmc_point_write(const wmc_point *point, double *w, double *scratch);
/** X = Q_N Lambda^N Q_0^T (d_N x d_0). */
void wmc_point_end_to_end(const wmc_point *point, double *x, double *scratch);
/** Frames and lambda from layers of rank r that are balanced up to small errors; lambda_i is the
 * geometric mean over layers. False if some lambda is not finite and positive. */
bool wmc_point_read(const wmc_point *point, const double *w, double *scratch);
/** Orthonormalise the frames anew: products of rotations lose it by rounding. */
void wmc_point_refresh(const wmc_point *point, double *scratch);
/** Q_p <- Q_p (3 - Q_p^T Q_p)/2: columns orthonormal up to e become so up to e^2. */
void wmc_point_straighten(const wmc_point *point, int p, double *scratch);
/** All forms of the singular values of X. */
void wmc_point_spectrum(const wmc_point *point, const wmc_spectrum *spectrum);
