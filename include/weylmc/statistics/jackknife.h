/** @file jackknife.h  Nonlinear functions of averages, with errors.
 *
 * A function f of the means over all chains is evaluated again without each batch of each chain
 * (accumulator.h; batches of all chains are first merged to one length l). With N draws in all, the
 * pseudo-value p_b = (N/l) f - (N/l - 1) f_b of batch b is, for a linear f, the mean of f over the
 * batch, and up to 1/N the same for a linearised f. So the pseudo-values of a chain are a series
 * like that of an observable, and the error of f is that of their mean, with everything that
 * estimate.h does about autocorrelation, chains that differ, and few degrees of freedom.
 * Sources: M. H. Quenouille, Biometrika 43 (1956) 353; H. R. Kuensch, Ann. Statist. 17 (1989) 1217
 * (blocks). Checked by tests/unit/jackknife.c: linear functions have the
 * error of their estimate, logarithms that of their spread, on autocorrelated chains.
 */
#pragma once
#include <stddef.h>

#include "weylmc/statistics/accumulator.h"
#include "weylmc/statistics/estimate.h"

/** All entries of a function from the means of all components; first of all means, then of those
 * without each batch. */
typedef void wmc_jackknife_function(void *data, const double *means, double *out);

/** Estimates of `entries` entries over `chains` accumulators of equally many components (NULL or
 * empty ones are skipped). `mean` is the function of all means; `error`, `freedom` and
 * `quality` are those of the pseudo-values; `deviation`, `tau`, `ess` and `rhat` are NaN: a chain
 * has too few pseudo-values for them.
 * WMC_FAILURE when memory is exhausted. */
wmc_status wmc_jackknife(const wmc_accumulator *const *accumulators, size_t chains, size_t entries,
                         wmc_jackknife_function *function, void *data, wmc_estimate *out);
