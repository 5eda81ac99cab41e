/** @file sweeps.h  Sweeps of chains whose state is the network against the density upstairs. */
#pragma once
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "../../src/models/balanced_parameters.h"
#include "weylmc/geometry/volume.h"

/** Log density with respect to dlambda at fixed frames, from E of the layers and the volume of M.
 */
static inline double test_density_upstairs(wmc_balanced *chain, const wmc_point *point)
{
  const double density = wmc_upstairs_log_density(chain, point);
  return density + wmc_volume_log_manifold(&chain->law.shape, &chain->upstairs->spectrum);
}

/** upstairs->proposed with all its singular values, k < 0, or one of them times a factor. */
static inline void test_scale_lambda(wmc_balanced *chain, int k, double factor)
{
  const wmc_upstairs *up = chain->upstairs;
  memcpy(up->proposed.frames, up->point.frames, wmc_point_size(up->layers) * sizeof(double));
  for (int i = 0; i < up->layers->rank; i++)
    if (k < 0 || i / up->numbers == k) up->proposed.lambda[i] *= factor;
}

/** Ratios of moves of singular values and of scale, which come from gibbs.h and the energy in the
 * frame of X, are those of that density: volume.h and X of the layers. */
static inline void test_check_sweeps(wmc_balanced *chain)
{
  const wmc_upstairs *up = chain->upstairs;
  const int r = chain->x.rank;
  const double here = test_density_upstairs(chain, &up->point), shift = 0.2;
  for (int k = 0; k < r; k++) {
    const double factor = k % 2 ? 1.01 : 0.98;
    const double ratio = wmc_balanced_lambda_ratio(chain, k, factor * chain->x.lambda[k]);
    if (!isfinite(ratio)) continue;
    test_scale_lambda(chain, k, factor);
    const double expected = test_density_upstairs(chain, &up->proposed) - here;
    cr_expect_lt(fabs(ratio - expected), 1e-9 * (1 + fabs(ratio)), "%d: %g %g", k, ratio, expected);
  }
  const double ratio = wmc_balanced_scale_ratio(chain, shift);
  test_scale_lambda(chain, -1, exp(shift / up->layers->depth));
  const double expected = test_density_upstairs(chain, &up->proposed) - here;
  const double volume = shift * r / up->layers->depth; /* of dlambda */
  cr_expect_lt(fabs(ratio - expected - volume), 1e-9 * (1 + fabs(ratio)), "%g %g", ratio, expected);
}
