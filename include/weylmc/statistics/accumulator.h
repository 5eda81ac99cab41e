/** @file accumulator.h  Running statistics of one chain's vector of observables.
 *
 * For each of n components: count, mean, sum of squared deviations (Welford), and the sums of at
 * most WMC_BATCHES consecutive batches of equal length. When the batches are full, neighbours are
 * merged and the batch length doubles, so that memory is fixed, every later analysis (errors,
 * autocorrelation time, R-hat, jackknife) starts from the batches, and continuing a run with more
 * draws gives bit for bit what a longer run gives.
 *
 * Sums are of x - (first sample), so that a large common offset costs no digits and a constant
 * component has exactly no variance. A sample that is NaN or infinite makes mean and variance of
 * its component non-finite from there on, and leaves the other components alone.
 * Packed form: wmc_accumulator_packed_size(n) = 2 + 67 n doubles, all of the state: components,
 * count, then rows of n (first sample, mean, squares, 64 batches). They are copied, not computed.
 * Source: B. P. Welford, Technometrics 4 (1962) 419; H. Flyvbjerg and H. G. Petersen, J. Chem.
 * Phys. 91 (1989) 461 (merging batches).
 * Checked by tests/unit/accumulator.c; cost by tests/bench/accumulator.c (at most 25 ns a scalar
 * sample). Nothing but create allocates.
 */
#pragma once
#include <stddef.h>

#include "weylmc/base/status.h"

enum {
  WMC_BATCHES = 64 /**< 64 are at once merged to 32: after 64 samples there are 32 to 63 */
};

typedef struct wmc_accumulator wmc_accumulator;

/** An accumulator without samples; the caller owns it. On failure *accumulator is NULL. */
wmc_status wmc_accumulator_create(wmc_accumulator **accumulator, size_t components);
void wmc_accumulator_destroy(wmc_accumulator *accumulator);
/** Forget all samples. */
void wmc_accumulator_clear(wmc_accumulator *accumulator);
/** Add one sample of every component. */
void wmc_accumulator_add(wmc_accumulator *accumulator, const double *sample);

/** Number of doubles of the packed form. */
size_t wmc_accumulator_packed_size(size_t components);
void wmc_accumulator_pack(const wmc_accumulator *accumulator, double *out);
/** Make the accumulator what it was when packed. WMC_IO (message), and no change, if the numbers
 * cannot be a packed accumulator of this many components. */
wmc_status wmc_accumulator_unpack(wmc_accumulator *accumulator, const double *packed);

size_t wmc_accumulator_components(const wmc_accumulator *accumulator);
long wmc_accumulator_count(const wmc_accumulator *accumulator);
/** Mean of all samples; NaN without any. */
double wmc_accumulator_mean(const wmc_accumulator *accumulator, size_t component);
/** Unbiased variance of the samples; NaN below two samples. */
double wmc_accumulator_variance(const wmc_accumulator *accumulator, size_t component);
/** Complete batches: their number and length, and the mean of batch b. */
size_t wmc_accumulator_batches(const wmc_accumulator *accumulator);
long wmc_accumulator_batch_length(const wmc_accumulator *accumulator);
double wmc_accumulator_batch_mean(const wmc_accumulator *accumulator, size_t batch,
                                  size_t component);
