/** @file residual_jacobian_drift.h  Inside the model `residual_jacobian`: paths of log-singular
 * values along the depth, and what drift.h estimates from them.
 *
 * A path is recorded at the points of residual_jacobian_points.h.
 */
#pragma once
#include "residual_jacobian_points.h"
#include "weylmc/jacobian/drift.h"

/** Steps and lags; step in units of the time T. */
wmc_drift_plan wmc_jacobian_drift_plan(const wmc_value *parameters);
void wmc_jacobian_check_path(const wmc_value *parameters, const wmc_complaints *complaints);

/** Everything that turns the points of a chain into sums of drift.h. */
typedef struct wmc_jacobian_path {
  wmc_drift_plan plan;
  double *lambda, *diffusivity, *overlap, *scratch;
} wmc_jacobian_path;

wmc_status wmc_jacobian_path_create(wmc_jacobian_path *path, const wmc_value *parameters);
void wmc_jacobian_path_free(wmc_jacobian_path *path);
/** Sums of the path whose points are rows of these arrays, points x width; `diffusivity` and
 * `overlap` may be NULL. */
void wmc_jacobian_path_measure(wmc_jacobian_path *path, const wmc_jacobian_points *points,
                               const double *lambda, const double *diffusivity,
                               const double *overlap, double *out);

/* Axes that are empty where no path is recorded. */
size_t wmc_jacobian_path_length(const wmc_value *parameters);            /* 1 */
size_t wmc_jacobian_path_vectors_length(const wmc_value *parameters);    /* 0 without matrices */
size_t wmc_jacobian_path_covariance_length(const wmc_value *parameters); /* 0 if C is constant */
size_t wmc_jacobian_lag_length(const wmc_value *parameters);
size_t wmc_jacobian_path_index_length(const wmc_value *parameters);
size_t wmc_jacobian_pair_gap_length(const wmc_value *parameters);
size_t wmc_jacobian_drift_sums_length(const wmc_value *parameters);
void wmc_jacobian_lag_coordinates(const wmc_value *parameters, double *out);
void wmc_jacobian_pair_gap_coordinates(const wmc_value *parameters, double *out);
