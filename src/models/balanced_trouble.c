/* Whether a chain can go on. */
#include <math.h>

#include "balanced.h"

/* Moves refused one after another; at an acceptance of 1% the chance of so many is e^-200. */
enum { STUCK = 20000 };

static wmc_status raise_infinite(const wmc_balanced *chain)
{
  const wmc_integrator *by = chain->integrator;
  if (!by->exact)
    return wmc_raise(WMC_FAILURE,
                     "balanced, %s %s at depth %g: the state is no longer finite; step %g is too "
                     "large at this depth and beta: reduce it, or use scheme: metropolis",
                     by->formulation, by->scheme, chain->law.shape.depth, chain->step);
  return wmc_raise(WMC_FAILURE,
                   "balanced, %s %s at depth %g: the state is no longer finite, so X grows or "
                   "shrinks without bound: the energy has directions that no Gibbs law confines; "
                   "add energy.decay or energy.frobenius, or use more hidden excess",
                   by->formulation, by->scheme, chain->law.shape.depth);
}

wmc_status wmc_balanced_trouble(const wmc_balanced *chain)
{
  const wmc_spectrum *x = &chain->x;
  const wmc_integrator *by = chain->integrator;
  double sum = 0;
  for (int k = 0; k < x->rank; k++) sum += x->log_sigma[k];
  if (x->lambda[x->rank - 1] == 0 && isfinite(x->depth) && !isnan(sum))
    return wmc_raise(WMC_FAILURE,
                     "balanced, %s %s at depth %g: the smallest singular value of the layers is 0, "
                     "so X has lost rank; %s",
                     by->formulation, by->scheme, x->depth,
                     by->exact ? "use a lower rank or more hidden excess"
                               : "use a smaller step, a lower rank, or scheme: metropolis");
  if (!isfinite(sum) || !isfinite(x->sigma2[0])) return raise_infinite(chain);
  if (chain->counts[WMC_COUNT_REFUSED] < STUCK) return WMC_OK;
  return wmc_raise(WMC_FAILURE,
                   "balanced, %s %s at depth %g: %d moves in a row were refused; their sizes are "
                   "tuned while thermalising: raise run.thermalise, or start with a smaller step "
                   "than %g",
                   by->formulation, by->scheme, chain->law.shape.depth, (int)STUCK, chain->step);
}
