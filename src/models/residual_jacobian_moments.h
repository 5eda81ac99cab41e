/** @file residual_jacobian_moments.h  Variances, covariances and unfolded gaps: derived from means.
 *
 * As wmc_derived.evaluate; docs/theory/jacobian.md, section 5. Where singular values can vanish
 * they refer to the networks in which all values concerned are finite, and are NaN if there is
 * none. Expected values as wmc_derived.expected.
 */
#pragma once
#include "residual_jacobian.h"

/** A share of networks as means give it. Means without the only networks that count leave their
 * rounding, of either sign: that is none. */
static inline double wmc_jacobian_share(double mean) { return mean > 1e-12 ? mean : 0; }

void wmc_jacobian_variance_of_values(const wmc_value *p, const double *means, double *out,
                                     double *doubt);
void wmc_jacobian_variance_of_sum(const wmc_value *p, const double *means, double *out,
                                  double *doubt);
void wmc_jacobian_variance_of_gap(const wmc_value *p, const double *means, double *out,
                                  double *doubt);
void wmc_jacobian_variance_of_growth(const wmc_value *p, const double *means, double *out,
                                     double *doubt);
void wmc_jacobian_variance_of_spacing(const wmc_value *p, const double *means, double *out,
                                      double *doubt);
void wmc_jacobian_covariance(const wmc_value *p, const double *means, double *out, double *doubt);
void wmc_jacobian_log_mean(const wmc_value *p, const double *means, double *out, double *doubt);
/** NaN if memory is exhausted. */
void wmc_jacobian_log_mean_matrix(const wmc_value *p, const double *means, double *out,
                                  double *doubt);
void wmc_jacobian_spacing_density(const wmc_value *p, const double *means, double *out,
                                  double *doubt);

bool wmc_jacobian_expected_variance_of_values(const wmc_value *p, double *out);
bool wmc_jacobian_expected_variance_of_sum(const wmc_value *p, double *out);
bool wmc_jacobian_expected_variance_of_gap(const wmc_value *p, double *out);
bool wmc_jacobian_expected_variance_of_growth(const wmc_value *p, double *out);
bool wmc_jacobian_expected_variance_of_spacing(const wmc_value *p, double *out);
bool wmc_jacobian_expected_covariance(const wmc_value *p, double *out);
bool wmc_jacobian_expected_log_mean(const wmc_value *p, double *out);
bool wmc_jacobian_expected_log_mean_matrix(const wmc_value *p, double *out);
