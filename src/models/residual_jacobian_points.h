/** @file residual_jacobian_points.h  Inside the model `residual_jacobian`: where a chain records.
 *
 * A path is recorded where the field `lags` is given: at equal steps over `window`, the grid. A
 * chain records at all fractions of `record` and of the path together, the points.
 */
#pragma once
#include "residual_jacobian.h"
#include "weylmc/base/status.h"

/** Fractions that should be whole multiples are so up to rounding of decimal numbers. */
#define WMC_GRID_ROUNDING 1e-9
#define WMC_GRID_MOST     1e5 /**< points of a path */

bool wmc_jacobian_has_path(const wmc_value *parameters);
/** Fraction of the depth between points of the path. */
double wmc_jacobian_grid(const wmc_value *parameters);
/** Points of the path; 0 without one. */
size_t wmc_jacobian_grid_points(const wmc_value *parameters);

/** Where a chain records. */
typedef struct wmc_jacobian_points {
  size_t count;
  double *fraction; /**< count, increasing; of different layers at finite depth */
  size_t *record;   /**< the point of each entry of `record` */
  size_t *path;     /**< the point of each point of the path; NULL without */
} wmc_jacobian_points;

wmc_status wmc_jacobian_points_create(wmc_jacobian_points *points, const wmc_value *parameters);
void wmc_jacobian_points_free(wmc_jacobian_points *points);
/** The number of points alone. */
size_t wmc_jacobian_points_count(const wmc_value *parameters);
