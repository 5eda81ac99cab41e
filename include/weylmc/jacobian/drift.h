/** @file drift.h  Drift and diffusion of log-singular values, estimated from their paths.
 *
 * The model that is fitted, and tested, is a diffusion in the Weyl chamber,
 *
 *   dlambda_i = [ a S_i + c ] dt + dN_i,   S_i = sum_{j != i} coth(lambda_i - lambda_j),
 *   d<N_i, N_j> = D_ij dt.
 *
 * Over a lag h, with y_i the increment of lambda_i from t to t + h and integrals from t to t + h,
 *
 *   r_i = y_i - a int S_i - c h,
 *   q_ij = y_i y_j - int [(lambda_i - lambda_i(t)) dA_j + (lambda_j - lambda_j(t)) dA_i] - D_ij h,
 *   dA_i = (a S_i + c) dt,
 *
 * have mean 0 given all that is known at t: both are martingales, r by definition and q by Ito's
 * formula. So E w r_i = E w q_ij = 0 for every weight w known at t, without an error of the order
 * of the lag. a, c and D = mean of D_ii follow from the weights T_i = sum_j tanh(lambda_i -
 * lambda_j) for a and 1 for c and D (instrumental variables; least squares on coth would be badly
 * biased near the walls, where noise of lambda is noise of coth). Integrals are made by the
 * trapezoidal rule on the grid of the path.
 *
 * A free pair function f, in place of a coth, is a sum of tents around given gaps (constant beyond
 * the first and the last), with the tents themselves at t for weights; the same projection of coth
 * is given beside it, so that f = a coth exactly if the two are proportional.
 *
 * Whether the diffusion has this form: E w r and E w q for weights that are functions of lambda or
 * i. Whether it is autonomous and Markov: for weights that are not functions of lambda(t), namely
 * the diffusivity Q_ii and its sum (the trace of C), the overlap of the left singular vector with
 * the running vector, and the increment over the lag before t (of q: its square). Of these, for
 * each i, what can be had linearly from 1, T_i and N_i = sum_j cosh^-2(lambda_i - lambda_j) is
 * first taken away. Results are slopes: what r/h or q/h gains for each unit of the weight.
 *
 * Paths on which two values are equal (to 1e-9) count as 0 in all sums: there coth has no meaning.
 * That happens where a matrix of small rank is added to the identity (relu in one layer), and all
 * estimates are then those of the other paths.
 *
 * Paths give sums (`collect`); estimates are functions of the means of these sums over paths
 * (`estimate`), so that a jackknife over paths gives errors that know of the dependence inside
 * each. Source: docs/theory/jacobian.md, section 10. Checked by tests/check/drift.c (paths whose
 * sums are known) and tests/statistical/drift.c (known coefficients, size and power). Reentrant;
 * allocate nothing.
 */
#pragma once
#include <stddef.h>

enum { WMC_DRIFT_LAGS = 8, WMC_DRIFT_NODES = 16 };

typedef struct wmc_drift_plan {
  size_t width;  /**< d >= 2 */
  size_t points; /**< of a path */
  double step;   /**< time between them */
  size_t lags;
  size_t lag[WMC_DRIFT_LAGS]; /**< in steps, increasing */
  size_t nodes;               /**< 0: no pair function */
  double node[WMC_DRIFT_NODES];
} wmc_drift_plan;

/** lambda at each point, decreasing in the index, and what else is known there; points x width,
 * NULL where unknown. */
typedef struct wmc_drift_path {
  const double *lambda, *diffusivity, *overlap;
} wmc_drift_path;

/** Least number of points: windows start after one longest lag and end before the end. */
size_t wmc_drift_points(const wmc_drift_plan *plan);
size_t wmc_drift_sums(const wmc_drift_plan *plan);
size_t wmc_drift_scratch(const wmc_drift_plan *plan);
/** Averages over all windows of one path. */
void wmc_drift_collect(const wmc_drift_plan *plan, const wmc_drift_path *path, double *sums,
                       double *scratch);

/** What the hidden weights are. */
typedef enum wmc_drift_hidden {
  WMC_DRIFT_DIFFUSIVITY,
  WMC_DRIFT_ACTIVITY,
  WMC_DRIFT_OVERLAP,
  WMC_DRIFT_PAST,
  WMC_DRIFT_HIDDEN
} wmc_drift_hidden;

/** NaN where the sums do not determine a number (a weight that is constant, an empty bin). */
typedef struct wmc_drift_estimates {
  double amplitude[WMC_DRIFT_LAGS], constant[WMC_DRIFT_LAGS], diffusion[WMC_DRIFT_LAGS];
  double pair[WMC_DRIFT_NODES], pair_coth[WMC_DRIFT_NODES];
  /* at the shortest lag, with its a, c, D: */
  double drift_along, drift_across;       /**< slope of r/h in the index; in its square */
  double variance_along, variance_across; /**< of q_ii/h */
  double drift_gap;    /**< slope of r/h in sum_j x/(1 + x^2), x = lambda_i - lambda_j */
  double variance_gap; /**< of q_ii/h in N_i */
  /** Rate at which sum_{i<j} 2 log cosh((lambda_i - lambda_j)/2) departs from what a and D say, for
   * each pair (Dynkin's formula). */
  double dynkin;
  double drift_hidden[WMC_DRIFT_HIDDEN], variance_hidden[WMC_DRIFT_HIDDEN];
} wmc_drift_estimates;

void wmc_drift_estimate(const wmc_drift_plan *plan, const double *sums, wmc_drift_estimates *out);
/** The rates E q_ij/h + D_ij at the shortest lag, width x width. */
void wmc_drift_matrix(const wmc_drift_plan *plan, const double *sums, double *out);
/** Share of the paths that are used. */
double wmc_drift_share(const wmc_drift_plan *plan, const double *sums);
/** Value at lag 0 of the straight line through numbers that belong to the lags, by least squares
 * with weights that grow like the lag (short lags cost more noise); the number itself if there is
 * one. */
double wmc_drift_at_lag_zero(const wmc_drift_plan *plan, const double *values);
