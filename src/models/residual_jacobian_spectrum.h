/** @file residual_jacobian_spectrum.h  What is measured of one spectrum, beside its plain values.
 *
 * Each function writes the entries of one observable for one record and returns how many. Values
 * that are lost (-inf) make distances, gaps and the like infinite; second moments and histograms
 * leave them out, and what is derived from these refers to the networks where all is finite.
 * Equations: docs/theory/jacobian.md, section 5.
 */
#pragma once
#include "residual_jacobian.h"

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
