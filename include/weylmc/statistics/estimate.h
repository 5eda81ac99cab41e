/** @file estimate.h  Estimates with errors from independent chains.
 *
 * Chains are merged in the order given, so the result does not depend on who ran them. They are
 * never concatenated: batches are formed inside chains and compared with the mean over all chains,
 * which counts a difference between chains as error.
 *
 * Let the N samples fall into M batches of mean b_i and length l_i, and let m be their mean. Then
 *   S = sum_i l_i (b_i - m)^2,   Var(m) = S / ((M - 1) N) / f                                  (1)
 * where f = (M q - 1)/(M - 1) allows for what neighbouring batches of a chain of n draws share:
 *   q = (1 - h/l)/(1 - h/n),  h = tau - 1/(4 tau),                                             (2)
 * exact to first order in tau/l for an exponential autocorrelation, and f = 1 if every batch is a
 * whole chain. The integrated autocorrelation time in draws is
 *   tau = N Var(m) / (2 sigma^2),   ess = N / (2 tau),                                         (3)
 * sigma the deviation of one sample. The batches (from 64 a chain to whole chains) are the shortest
 * which are long enough, l^3 > 2 N (2 tau)^2 with their own tau: there the rest of the bias, of
 * order tau/l before (2), is below the statistical uncertainty sqrt(2/M) of the variance. They give
 * tau; the error is taken from longer ones while at least 48 remain, since slow modes of small
 * weight show only there. `error` is sqrt(Var(m)) times Student's factor for M - 1 degrees of
 * freedom, so that mean +- error covers the truth with probability 68.3% also when M is small.
 *
 * Where it fails: in chains shorter than about 30 tau no batches are long enough. With at least 4
 * chains the scatter of whole chains is then used, which is honest for stationary chains of any
 * length; with fewer the chains are cut in 4 batches together, and error and tau come out too small
 * (by about a quarter at 10 tau). In either case, and
 * wherever the longest chain has less than 30 tau, the quality is WMC_ESTIMATE_SHORT. The scatter
 * of whole chains is also used when it is larger than chance allows (probability below 1/1000), as
 * when chains are stuck in different places: WMC_ESTIMATE_APART. Sources: H. Flyvbjerg and H. G.
 * Petersen, J. Chem. Phys. 91 (1989) 461; R. M. Lee et al., Phys. Rev. E 83 (2011) 066706 (the rule
 * for the length); A. Vehtari et al., Bayesian Analysis 16 (2021) 667 (split R-hat, bound on ess).
 * Checked by tests/statistical/estimate.c: coverage of the 1- and 2-sigma intervals on AR(1)
 * chains, tau of AR(1) against (1/2)(1+phi)/(1-phi), R-hat of equal and of displaced chains; and by
 * tests/unit/accumulator.c for few draws, constants and non-finite samples.
 */
#pragma once
#include <stddef.h>

#include "weylmc/statistics/accumulator.h"

typedef enum wmc_estimate_quality {
  WMC_ESTIMATE_GOOD,
  WMC_ESTIMATE_SHORT,     /**< chains short against tau: the error is itself uncertain */
  WMC_ESTIMATE_APART,     /**< chains differ by more than chance; the error is from that */
  WMC_ESTIMATE_FEW,       /**< no error can be given: fewer than two samples */
  WMC_ESTIMATE_NONFINITE, /**< some sample was NaN, infinite, or too large to square */
  WMC_ESTIMATE_QUALITIES
} wmc_estimate_quality;

typedef struct wmc_estimate {
  double mean;
  double error;     /**< standard error of the mean, autocorrelation included; NaN if unknown */
  double deviation; /**< standard deviation of one sample */
  double tau;       /**< integrated autocorrelation time in draws, 1/2 for independent draws */
  double ess;       /**< effective sample size: samples / (2 tau), at most N log10 N */
  double rhat;      /**< split R-hat over half chains; NaN with fewer than 4 draws a chain */
  double samples;   /**< draws of all chains */
  double freedom; /**< degrees of freedom of the error, whose own error is error/sqrt(2 freedom) */
  wmc_estimate_quality quality;
} wmc_estimate;

/** Estimate of one component over `chains` accumulators (NULL or empty ones are skipped; chains
 * may differ in length). Numbers that are unknown are NaN. */
void wmc_estimate_chains(const wmc_accumulator *const *accumulators, size_t chains,
                         size_t component, wmc_estimate *out);

/** "good", "chains short against tau", ...: for tables. */
const char *wmc_estimate_quality_text(wmc_estimate_quality quality);

/** Student's factor: |t| < factor has the probability 68.3% of one standard deviation of a normal
 * deviate, for t with `freedom` >= 1 degrees of freedom; within 1.4% at 1, 0.1% from 2 on. */
double wmc_student_factor(double freedom);
