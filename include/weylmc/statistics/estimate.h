/** @file estimate.h  Estimates with errors from independent chains.
 *
 * Chains are merged in the order given, so the result does not depend on who ran them. They are
 * never concatenated before the autocorrelation analysis: batches are formed inside chains and
 * compared with the mean over all chains, which counts a difference between chains as error.
 * The batch length for the error is chosen where batches are long against the autocorrelation time.
 * Checked by tests/statistical/estimate.c: coverage of the 1-sigma interval on AR(1) chains,
 * tau of AR(1) against (1/2)(1+phi)/(1-phi), R-hat of equal and of displaced chains.
 */
#pragma once
#include <stddef.h>

#include "weylmc/statistics/accumulator.h"

typedef struct wmc_estimate {
  double mean;
  double error;     /**< standard error of the mean, autocorrelation included; NaN if unknown */
  double deviation; /**< standard deviation of one sample */
  double tau;       /**< integrated autocorrelation time in draws, 1/2 for independent draws */
  double ess;       /**< effective sample size: samples / (2 tau) */
  double rhat;      /**< split R-hat over half chains; NaN with too few draws */
  double samples;   /**< draws of all chains */
} wmc_estimate;

/** Estimate of one component over `chains` accumulators (NULL or empty ones are skipped). */
void wmc_estimate_chains(const wmc_accumulator *const *accumulators, size_t chains,
                         size_t component, wmc_estimate *out);
