/** @file support.h  What tests share. */
#pragma once
#include <stdbool.h>
#include <stdlib.h>

/** n times the environment variable WEYLMC_EFFORT (default 1; a fraction is allowed), at least 1.
 */
static inline int test_trials(int n)
{
  const char *effort = getenv("WEYLMC_EFFORT");
  double trials = (effort != NULL ? atof(effort) : 1.0) * n;
  return trials < 1 ? 1 : (int)trials;
}

/** Whether tables of found and exact values are printed: WEYLMC_VERBOSE is set (run the test
 * program with --verbose). */
static inline bool test_verbose(void) { return getenv("WEYLMC_VERBOSE") != NULL; }
