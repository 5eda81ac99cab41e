/** @file reduce.h  From the ledger to a results file: estimates, chain means, texts.
 *
 * Sweep axes come first, then the observable's own axes. An observable whose length varies over a
 * sweep (singular values over widths) is padded with NaN. For each observable NAME the group
 * `estimates` holds NAME, NAME_error, NAME_deviation (of one sample), NAME_tau, NAME_ess,
 * NAME_rhat, NAME_quality (wmc_estimate_quality) and, where the exact value is known, NAME_expected
 * and NAME_z = (NAME - expected) / error. The group `chains` holds the means of each chain. A
 * derived quantity of the model (models/model.h) has none of NAME_deviation, _tau, _ess and _rhat;
 * its error is that of a jackknife (statistics/jackknife.h), joined in square by what its method
 * may be off by.
 *
 * Where a model estimates biases b of its means (wmc_observable.biases), with an error e, the
 * root of b^2 - e^2, with the sign of b and 0 if that is negative, is NAME_bias and joins
 * NAME_error in square; the error of a derived quantity is joined by its change when all means
 * change by that. The note `warnings` has a line for every task whose model has a warning
 * (wmc_model.warn); there is none without warnings.
 * Checked by tests/mpi, tests/readers and tests/fits.
 */
#pragma once
#include "weylmc/io/results.h"
#include "weylmc/run/plan.h"

/** Exact values of every entry of every task, derived quantities after observables, NaN where
 * theory knows none. They can take a second to compute, so they are computed once for all the times
 * that results are written. */
typedef struct wmc_expectations {
  size_t tasks;
  double **task; /**< tasks x (the task's measurement, then derived quantities) */
} wmc_expectations;

wmc_status wmc_expect(const wmc_plan *plan, wmc_expectations *exact);
void wmc_expectations_free(wmc_expectations *exact);

/** Everything but /provenance. */
wmc_status wmc_reduce(const wmc_plan *plan, const wmc_expectations *exact, const wmc_ledger *ledger,
                      wmc_results *results);
