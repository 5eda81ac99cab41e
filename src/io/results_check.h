/** @file results_check.h  Whether the arrays of a results file belong together. */
#pragma once
#include <stdbool.h>

#include "weylmc/io/results.h"

/** False, with a cause for wmc_h5_cause, where arrays that say more of others (X_error, X_quality,
 * X_chi2, ...) have other axes or other contents than those: readers rely on that. */
bool wmc_results_check_group(const wmc_group *group);
