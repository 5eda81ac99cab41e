/** @file balanced_dynamics.h  Inside the model `balanced`: what the schemes euler, heun and flow
 * share. docs/theory/balanced.md, section 7.
 *
 * lambda is handed about as plain arrays of rank numbers, which may have any order and sign: drifts
 * are those of the smooth continuation, odd in each lambda and alike under permutations.
 */
#pragma once
#include <math.h>

#include "balanced.h"
#include "weylmc/numeric/ode.h"
#include "weylmc/numeric/pairs.h"

/** For a time t: of a step and of half a step are kept in the chain. */
wmc_rates wmc_balanced_rates(const wmc_balanced *chain, double time);

/** Doubles of scratch that a random start needs. */
size_t wmc_balanced_start_size(const wmc_shape *shape);

/** Arrays of one number a singular value, padded for pairs.h. */
struct wmc_points {
  wmc_pairs pairs;             /**< x = lambda, q = lambda2, y = sigma2, g = q/N or 1 */
  double *shift, *slope;       /**< sums over pairs */
  double *lambda, *next, *aid; /**< for the schemes */
  wmc_spectrum sorted;         /**< of wmc_balanced_drift */
  int *order;
  double *rest; /**< rank (rank + 6), and at least (WMC_ODE_STAGES + 1) rank */
};
size_t wmc_balanced_points_size(int rank);
/** Laid over the beginning of `dynamics`; kept in the chain. */
wmc_points wmc_balanced_map_points(const wmc_balanced *chain);

/** Displacement x' - x when x dx/dt = c flows for one step: x'^2 = x^2 + 2 c. Unlike c/x it is
 * right in the mean square, and bounded, however small x is; eq. (20). */
static inline double wmc_balanced_outflow(double x, double c) { return sqrt(x * x + 2 * c) - x; }

/** Sums over all pairs of a sorted spectrum, close ones included, into points->shift (repulsion by
 * (20), of `strength`) and points->slope (d/dlog sigma of sum log a / 2). Entries of log_sigma that
 * are needed are set; lambda, lambda2 and sigma2 are read. */
void wmc_balanced_sum_pairs(const wmc_spectrum *x, double strength, const wmc_points *points);

/** log sigma from lambda, at the end of some steps. */
void wmc_balanced_set_logs(const wmc_spectrum *x);

/** sigma = lambda^depth with its sign (exp at infinite depth). */
void wmc_balanced_sigma(int rank, double depth, const double *lambda, double *sigma);
/** dE/dlambda, decay included, where `force` is dE/dsigma without it. */
double wmc_balanced_slope(const wmc_energy *energy, double depth, double lambda, double sigma,
                          double force);
/** drift_i = entropy d(sum log a / 2)/dlambda_i + outward/lambda_i - time dE/dlambda_i, for
 * energies of sigma alone (or, if `energy` is false, E = 0). drift may not alias lambda. */
void wmc_balanced_drift(const wmc_balanced *chain, const wmc_rates *rates, double outward,
                        bool energy, const double *lambda, double *drift);

/** Gaps of lambda2 and ratios sigma_j / sigma_i of all pairs i < j of a sorted spectrum. */
void wmc_balanced_find_ratios(const wmc_spectrum *x, double *gap, double *ratio);
/** Part of `dynamics` that begins after the points: doubles that schemes with frames use. */
double *wmc_balanced_frames_memory(const wmc_balanced *chain);

/** One Euler step of the singular values; `force` is dE/dsigma_k, without decay, at every
 * `stride`-th place, NULL for energies of sigma alone. */
void wmc_balanced_euler_lambda(wmc_balanced *chain, wmc_stream *stream, const double *force,
                               int stride);
/** Signed lambda become the state: |lambda| in decreasing order, columns of frames with them. */
void wmc_balanced_adopt(wmc_balanced *chain, double *lambda);

/** F = U^T E'(X) V, rows x columns, without decay, at X = U_r diag(sigma) V_r^T. `scratch` holds
 * wmc_balanced_force_scratch. Not for energies of sigma alone. */
void wmc_balanced_find_force(const wmc_balanced *chain, const double *sigma, const double *u,
                             const double *v, double *force, double *scratch);
size_t wmc_balanced_force_scratch(const wmc_shape *shape);

/** lambda (decreasing, lambda >= 0) flows for one step under the repulsion alone, by the implicit
 * midpoint rule
 *   x' - x = F(z),  z = (x + x')/2,
 *   F_i = (repulsion/2) sum_j [1/(z_i - z_j) + 1/(z_i + z_j)] + outward/z_i,
 * which is exact for one gap. At infinite depth there are no mirror images and outward is a
 * constant. `scratch` holds rank (rank + 6). Returns false if Newton's method fails. */
bool wmc_balanced_repel(const wmc_rates *rates, bool infinite, int rank, double *lambda,
                        double *scratch);

/** --- Coordinates S, U, V: X = U_r S^N V_r^T, S symmetric (S = log Sigma at infinite depth). ---
 *
 * Singular values are grouped in clusters, runs of neighbours: cluster[k] is the first of k's. S is
 * block-diagonal; only values of different clusters make frames turn. */
void wmc_balanced_clusters(const wmc_spectrum *x, double share, int *cluster);

typedef struct wmc_chart {
  const wmc_balanced *chain; /**< law, energy and shape; not its state */
  const int *cluster;
  bool entropy;    /**< add (v/beta) grad S to the flow */
  double *scratch; /**< wmc_balanced_velocity_scratch */
} wmc_chart;
/** Velocity of (S, U, V), one after another in y and dy, under dX/dt = -A(E' - (v/beta) S'). */
void wmc_balanced_velocity(const wmc_chart *chart, const double *y, double *dy);
size_t wmc_balanced_velocity_scratch(const wmc_shape *shape);
size_t wmc_balanced_chart_size(const wmc_shape *shape);
/** The state as (S, U, V), S diagonal; and back: frames orthonormal, spectrum sorted. */
void wmc_balanced_enter_chart(const wmc_balanced *chain, double *y);
void wmc_balanced_leave_chart(wmc_balanced *chain, const int *cluster, const double *y,
                              double *scratch);
/** (sigma_i - sigma_j) / (lambda_i - lambda_j) of one branch of sigma(lambda). */
double wmc_balanced_divided(double depth, double lambda_i, double lambda_j, double sigma_i,
                            double sigma_j);
/** Standard deviations, in units of chain->angle, of the turns of columns i and j by the same
 * angle, beyond those of Brownian motion of S, and by opposite angles; (63), (25). */
void wmc_balanced_turn_spreads(const wmc_balanced *chain, int i, int j, double gap2, double ratio,
                               double spread[2]);
/** What schemes with frames need beyond the points. */
size_t wmc_balanced_euler_size(const wmc_shape *shape);
size_t wmc_balanced_heun_size(const wmc_shape *shape);
size_t wmc_balanced_flow_size(const wmc_shape *shape);
