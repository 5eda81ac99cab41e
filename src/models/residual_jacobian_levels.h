/** @file residual_jacobian_levels.h  Multilevel Monte Carlo over depths.
 *
 * Level l is the depth L_l = coarsest 2^l. A draw is a whole stratified sum
 *
 *   sum_l W_l (1/n_l) sum_{j <= n_l} Y_l,j,   Y_l = m(depth L_l) - m(depth L_{l-1}),
 *
 * m the vector of all observables of a network, the two networks of a pair driven by the same noise
 * (coupled.h), and Y = m(L_s) at the first level in use, s. Draws are therefore independent and
 * identically distributed, and all that is known about observables holds for them: errors, exact
 * values, checkpoints.
 *
 * A pilot with a random stream of its own, the same in every chain, measures the variance V_l of
 * Y_l for lambda_1 at the last record (controlled, if control variates are wanted); with the work
 * C_l of a sample, counted in flops, n_l is proportional to |W_l| sqrt(V_l / C_l), the smallest 1,
 * and s is the level that makes the product of variance and work smallest. At a finite depth that
 * may be the deepest: coupling does not help, plain networks are drawn. At depth inf independent
 * depths are extrapolated instead where the variance does not decay with the level, or where that
 * is cheaper.
 *
 * At a finite depth all W_l = 1 and the sum has the mean of that depth exactly. At depth inf the
 * pilot chooses the finest level, and W = 2 there (Richardson), which leaves a bias of order
 * L^{-2}; steps of the limit (kind limit where the spectrum does not move on its own) are of second
 * order themselves and have W = 4/3. A draw also has an estimate of that bias for every observable,
 * another sum over the same samples. Source: docs/theory/jacobian.md, section 11. Checked by
 * tests/statistical/levels.c and tests/check/levels.c.
 */
#pragma once
#include "residual_jacobian_control.h"

typedef enum wmc_levels_kind {
  WMC_LEVELS_NONE,
  WMC_LEVELS_DEPTH,
  WMC_LEVELS_LIMIT
} wmc_levels_kind;
extern const char *const wmc_levels_names[];

enum { WMC_LEVELS_MOST = 24, WMC_LEVELS_FITTED = 4 };

typedef enum wmc_coupling {
  WMC_COUPLING_NONE,        /**< networks of one depth */
  WMC_COUPLING_INDEPENDENT, /**< networks of independent depths, extrapolated */
  WMC_COUPLING_PAIRS
} wmc_coupling;

/** What the pilot chose; doubles, because it is packed with the state of a chain. */
typedef struct wmc_level_plan {
  double known; /**< 0: no pilot yet */
  double coupling;
  double first, last;               /**< levels in use */
  double weight[WMC_LEVELS_MOST];   /**< W_l */
  double samples[WMC_LEVELS_MOST];  /**< n_l */
  double variance[WMC_LEVELS_MOST]; /**< V_l of the pilot */
  /** Depth inf: sum_l bias_l (mean of Y_l) estimates what the sum is off by. */
  double bias[WMC_LEVELS_MOST];
  double promise; /**< what the pilot bounds this bias by for E lambda_1; NaN: it cannot */
} wmc_level_plan;

/** What a pilot measured of levels 0 .. levels - 1; variances beyond are extrapolated. */
typedef struct wmc_level_pilot {
  size_t levels, draws;
  double single;                                        /**< variance of one network */
  double mean[WMC_LEVELS_MOST], error[WMC_LEVELS_MOST]; /**< of the differences */
  double variance[WMC_LEVELS_MOST];
  double work_single[WMC_LEVELS_MOST], work_pair[WMC_LEVELS_MOST];
} wmc_level_pilot;

wmc_levels_kind wmc_levels_of(const wmc_value *parameters);
/** Levels are steps of the pair (M, x) of the limit. */
bool wmc_levels_steps(const wmc_value *parameters);
/** Levels that there may be; 0 without multilevel. */
size_t wmc_levels_count(const wmc_value *parameters);
int wmc_levels_depth(const wmc_value *parameters, size_t level);
/** Entries of the observables that have a bias at depth inf, which is estimated; 0 elsewhere. */
size_t wmc_levels_biases(const wmc_value *parameters);
void wmc_levels_check(const wmc_value *parameters, const wmc_complaints *complaints);
/** Work of a single network, and of a pair whose finer chain has this depth, in flops. */
double wmc_levels_work(const wmc_value *parameters, int depth, bool paired);
/** Rough work of a draw. */
double wmc_levels_cost(const wmc_value *parameters);

typedef struct wmc_levels wmc_levels;
wmc_status wmc_levels_create(const wmc_value *parameters, wmc_levels **levels);
void wmc_levels_destroy(wmc_levels *levels);
/** Measure variances and fill the plan. WMC_FAILURE (message) if a product is singular. */
wmc_status wmc_levels_pilot(wmc_levels *levels);
wmc_level_plan *wmc_levels_plan(wmc_levels *levels);
/** NULL without. */
wmc_control *wmc_levels_control(wmc_levels *levels);
/** All observables of the model in table order. Returns false on failure (message raised). */
bool wmc_levels_draw(wmc_levels *levels, wmc_stream *stream, double *out);

/** Levels and weights that the pilot's variances ask for: `single` of one network,
 * plan->variance[l] of a pair, work of both; plan->last and plan->weight are given. `pairs`: levels
 * that are pairs even where they do not help. */
void wmc_levels_share(wmc_level_plan *plan, const wmc_level_pilot *pilot, size_t pairs);

void wmc_levels_make_plan(const wmc_value *parameters, const wmc_level_pilot *pilot,
                          wmc_level_plan *plan);

/* Functions of averages, as wmc_derived.evaluate. */
void wmc_levels_variance(const wmc_value *p, const double *means, double *out, double *doubt);
void wmc_levels_variance_rate(const wmc_value *p, const double *means, double *out, double *doubt);
void wmc_levels_mean_rate(const wmc_value *p, const double *means, double *out, double *doubt);
void wmc_levels_bias(const wmc_value *p, const double *means, double *out, double *doubt);
void wmc_levels_gain(const wmc_value *p, const double *means, double *out, double *doubt);
/** As wmc_model.warn. */
void wmc_levels_warn(const wmc_value *p, double draws, const double *means, const double *errors,
                     wmc_text *out);
