/** @file retractions.h  Single steps back to balance, to be compared with one another.
 *
 * After a tangent step of size h from the balanced manifold the layers W have an imbalance of order
 * h^2. Each row of the table maps W back:
 *
 * gauge: one Newton step W_p <- (1 + S_p) W_p (1 + S_{p-1})^{-1} along the fibre of GL, in the
 * frames of W itself. X is kept exactly; an imbalance of order h^4 is left, h^8 after two steps.
 *
 * normal: W <- Y + P_Y (W - Y) with the balanced network Y read off W and the projector P_Y onto
 * its tangent space, a Newton step at right angles to M. X changes by order h^4, and an imbalance
 * of order h^4 is left.
 *
 * svd: X = U Sigma V^T, and Q_p = polar factor of W_p Q_{p-1} Lambda. Balanced exactly with X kept,
 * but sigma_r is lost once it is below 1e-16 sigma_1.
 *
 * gauge and normal end at a distance of order h^4 from the balanced network nearest to W, svd at
 * one of order h^2. Layers of rank above r keep what is outside the frames in `gauge`, so its
 * orders hold where all widths are r. wmc_retract and wmc_balance (retract.h), which repeat the
 * first to convergence without forming the layers, are the retractions to use.
 *
 * Source: docs/theory/geometry.md, eqs. (G38)-(G41). Checked by tests/check/geometry_retractions.c,
 * which measures all orders. Reentrant; allocates nothing.
 */
#pragma once
#include "weylmc/geometry/project.h"

typedef struct wmc_retraction_kind {
  const char *name, *text;
  /** Change the layers `w`. Frames and lambda of the point are overwritten: those read off `w`
   * before the step (svd: after it). False if the decomposition or a division fails. */
  bool (*apply)(const wmc_point *point, double *w, double *scratch);
} wmc_retraction_kind;

/** Ended by a NULL name. */
extern const wmc_retraction_kind wmc_retractions[];
enum { WMC_RETRACTION_GAUGE, WMC_RETRACTION_NORMAL, WMC_RETRACTION_SVD };

/** Doubles of scratch for any of them. */
size_t wmc_retractions_scratch(const wmc_layers *layers);
