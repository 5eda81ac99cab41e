/** @file support.h  What tests share. */
#pragma once
#include <stdlib.h>

/** n times the environment variable WEYLMC_EFFORT (default 1; a fraction is allowed), at least 1.
 */
static inline int test_trials(int n)
{
  const char *effort = getenv("WEYLMC_EFFORT");
  double trials = (effort != NULL ? atof(effort) : 1.0) * n;
  return trials < 1 ? 1 : (int)trials;
}
