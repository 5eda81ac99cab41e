/** @file estimate.h  Estimates with errors from independent chains.
 *
 * Chains are merged in the order given, so the result does not depend on who ran them. They are
 * never concatenated: batches are formed inside chains and compared with the mean over all chains,
 * which counts a difference between chains as error.
 *
 * Let m be the mean of all N samples, and b_j the means of the batches of l draws, every possible
 * one inside a chain (they overlap; a batch is moved by 1/32 to 1/63 of a chain). Then
 *   Var(m) = [sum_j l (b_j - m)^2 / sum_j (1 - l/N)] / N / f                                    (1)
 * where f = (q - l/N)/(1 - l/N) allows for what neighbouring batches of a chain of n draws share:
 *   q = (1 - h/l)/(1 - h/n),  h = tau - 1/(4 tau),                                             (2)
 * exact to first order in tau/l for an exponential autocorrelation, and f = 1 if every batch is a
 * whole chain. The integrated autocorrelation time in draws is
 *   tau = N Var(m) / (2 sigma^2),   ess = N / (2 tau),                                         (3)
 * sigma the deviation of one sample. The length (from 1/64 of a chain to whole chains) is the least
 * one with l^3 > 4 N (2 tau)^2, tau its own: there the rest of the bias, of order tau/l before (2),
 * is below the statistical uncertainty of the variance. It gives tau; the error is taken from
 * longer batches while 48 of them fit side by side, since slow modes of small weight show only
 * there. `error` is sqrt(Var(m)) times Student's factor for the degrees of freedom of (1), known
 * for independent draws, so that mean +- error covers the truth with probability 68.3% also when
 * the batches are few.
 *
 * Where it fails: in chains shorter than about 30 tau no batches may be long enough. With at least
 * 4 chains the scatter of whole chains is then used, which is honest for stationary chains of any
 * length; with fewer, batches of which 4 fit into the chains together, and the errors of a single
 * chain are too small: mean +- error covers 60% at 10 tau, 46% at 3 tau. The quality tells of
 * chains below 30 tau (WMC_ESTIMATE_SHORT); where tau is itself unknown, it cannot. The scatter of
 * whole chains is also used where it is larger than chance allows (probability below 1/200), as
 * when chains are stuck in different places: WMC_ESTIMATE_APART. A slow mode that carries a small
 * part of the variance is underestimated in chains of less than some 100 of its own tau.
 * With k the excess kurtosis of n batches, the error is that of 1/(1/f + k/(2n)) normal ones, f its
 * degrees of freedom; below 20 its own error is above 16% and WMC_ESTIMATE_THIN says so. Averages
 * of squares (variances) are like that: with 80 draws of an exponential law the variance is 4 of
 * its errors off in 3% of the runs, and 95% of these are marked. Estimates of this kind are too
 * small where the error is, so that no quantile of Student's mends them: more draws do.
 *
 * Sources: M. S. Meketon and B. Schmeiser, Proc. Winter Simulation Conf. (1984) 227 (overlapping
 * batches: 1.5 times the degrees of freedom); R. M. Lee et al., Phys. Rev. E 83 (2011) 066706 (the
 * rule for the length); A. Vehtari et al., Bayesian Analysis 16 (2021) 667 (split R-hat, bound on
 * ess).
 *
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
  WMC_ESTIMATE_BIASED,    /**< error mostly for a bias that is known to be left (run/reduce.h) */
  WMC_ESTIMATE_THIN,      /**< error from fewer than 20 independent draws or batches, or from few
                               large ones */
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

/** Limits and numbers of reports whose error has fewer degrees of freedom are marked. Errors have
 * Student's factor in them, so that one of them covers what it should; but the tails are Student's
 * too: with this many, 3 errors miss the truth in 1 of 100 cases (in 0.7 with 15, as of 16 chains;
 * in 0.3 of a normal deviate), with fewer in more. */
enum { WMC_STUDENT_STEADY = 10 };

/** Two-sided p-value of an estimate that should be 0: Student's t, whose own error lacks the factor
 * that is in `error`. INFINITY degrees of freedom: unknown, and taken for many. NaN without error.
 */
double wmc_estimate_p_value(double value, double error, double freedom);
