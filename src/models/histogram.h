/** @file histogram.h  Histograms as observables.
 *
 * A density over [low, high) cut into equal bins is an observable with an axis of bins: a draw
 * contributes 1/width in the bin it falls into and 0 elsewhere. Means are then densities, with
 * errors, autocorrelation times and everything else that observables have. Draws outside are not
 * counted, so the integral is the probability of being inside; `high` itself belongs to the last
 * bin. Reentrant; allocates nothing. Checked by tests/unit/histogram.c.
 */
#pragma once
#include <stddef.h>

typedef struct wmc_bins {
  size_t count; /**< 0: no histogram */
  double low, high;
} wmc_bins;

/** Centres of the bins, for the coordinates of an axis. */
void wmc_bins_centres(const wmc_bins *bins, double *out);
/** Add one of several values of a draw, whose shares add up to 1. */
void wmc_bins_add(const wmc_bins *bins, double value, double share, double *out);
/** The contribution of a draw of one value to all bins. */
void wmc_bins_draw(const wmc_bins *bins, double value, double *out);
