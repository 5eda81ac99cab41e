/** @file residual_jacobian_spectrum.h  What is measured of one spectrum, beside its plain values.
 *
 * Each function writes the entries of one observable for one record and returns how many. Values
 * that are lost (-inf) make distances, gaps and the like infinite; second moments and histograms
 * leave them out, and what is derived from these refers to the networks where all is finite.
 * Equations: docs/theory/jacobian.md, section 5.
 */
#pragma once
#include "residual_jacobian.h"

/** Places of the observables in their table. */
enum {
  OBS_LOG_SINGULAR_VALUES,
  OBS_LOG_SINGULAR_VALUES_SUM,
  OBS_GAP,
  OBS_GAP_RATIO,
  OBS_LOG_DET_METRIC,
  OBS_TRACE_METRIC,
  OBS_LOG_VECTOR_GROWTH,
  OBS_CONDITION,
  OBS_EFFECTIVE_RANK,
  OBS_SQUARED_SUM,
  OBS_LOG_SPECTRUM_VARIANCE,
  OBS_DISTANCE,
  OBS_STABLE_RANK,
  OBS_PARTICIPATION,
  OBS_ANISOTROPY,
  OBS_BOLTZMANN_ENTROPY,
  OBS_LOG_SINE,
  OBS_SQUARE_VALUES,
  OBS_SQUARE_SUM,
  OBS_SQUARE_GAP,
  OBS_SQUARE_GROWTH,
  OBS_PRODUCTS,
  OBS_VALUE_DENSITY,
  OBS_GAP_DENSITY,
  OBS_RATIO_DENSITY,
  OBS_GROWTH_DENSITY,
  OBS_LOGARITHM,
  OBS_FROZEN,
  OBS_RANK_LOST,
  OBS_FINITE_SHARE,
  OBS_FINITE_VALUES,
  OBS_FINITE_GROWTH,
  OBS_FINITE_SUM,
  OBS_FINITE_GAP,
  OBS_MODE_LEVELS,
  OBS_RATES,
  OBS_SPECTRAL,                  /* from here on not of one spectrum alone */
  OBS_DRIFT_SUMS = OBS_SPECTRAL, /* from here on not of one spectrum alone */
  OBS_CONTROLLED,
  OBS_LEVEL_DIFFERENCE,
  OBS_LEVEL_SQUARE,
  OBS_LEVEL_SAMPLES,
  OBS_LEVEL_WEIGHT,
  OBS_LEVEL_WORK,
  OBS_COUPLING,
  OBS_FORESEEN,
  OBS_BIASES,
  OBSERVABLES
};

/** lambda_i - lambda_j >= 0; +inf if lambda_j is lost. */
double wmc_jacobian_apart(double upper, double lower);

/* Of the metric g = M^T M. */
size_t wmc_jacobian_distance(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_stable_rank(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_participation(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_anisotropy(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_boltzmann_entropy(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_log_sine(const wmc_jacobian_spectrum *s, double *out);

/* First and second moments of what is finite, otherwise 0. */
size_t wmc_jacobian_finite_sum(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_finite_gap(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_square_values(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_square_sum(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_square_gap(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_square_growth(const wmc_jacobian_spectrum *s, double *out);
/** Row i, column j, with lambda_k, k the larger of both, finite (otherwise 0): lambda_i lambda_j
 * for i <= j, lambda_j for i > j. */
size_t wmc_jacobian_products(const wmc_jacobian_spectrum *s, double *out);

/* Histograms. */
size_t wmc_jacobian_value_density(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_gap_density(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_ratio_density(const wmc_jacobian_spectrum *s, double *out);
size_t wmc_jacobian_growth_density(const wmc_jacobian_spectrum *s, double *out);
