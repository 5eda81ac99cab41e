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
                     "%s, %s %s at depth %g: the state is no longer finite; step %g is too "
                     "large at this depth and beta: reduce it, or use scheme: metropolis",
                     chain->name, by->formulation, by->scheme, chain->law.shape.depth, chain->step);
  return wmc_raise(WMC_FAILURE,
                   "%s, %s %s at depth %g: the state is no longer finite, so X grows or "
                   "shrinks without bound: the energy has directions that no Gibbs law confines; "
                   "add energy.decay or energy.frobenius, or use more hidden excess",
                   chain->name, by->formulation, by->scheme, chain->law.shape.depth);
}

wmc_status wmc_balanced_trouble_of_start(const wmc_balanced *chain)
{
  const wmc_integrator *by = chain->integrator;
  const double log_sigma = chain->x.log_sigma[0], depth = chain->law.shape.depth;
  if (!isfinite(chain->energy.constant))
    return wmc_raise(WMC_FAILURE,
                     "%s, %s %s at depth %g: squares of the energy's data overflow (target, or "
                     "inputs and labels); use units in which their entries are below 1e150",
                     chain->name, by->formulation, by->scheme, depth);
  if (chain->start > 0)
    return wmc_raise(WMC_FAILURE,
                     "%s, %s %s at depth %g: the energy of the first X overflows, whose normal "
                     "entries have the standard deviation start = %g (largest singular value "
                     "e^%.4g); use a start below 1e150, or leave it out to begin at the scale of "
                     "equilibrium",
                     chain->name, by->formulation, by->scheme, depth, chain->start, log_sigma);
  return wmc_raise(WMC_FAILURE,
                   "%s, %s %s at depth %g: the energy of the first X overflows, whose largest "
                   "singular value at the scale of equilibrium is e^%.4g: beta %g is too small "
                   "for this energy; use a larger beta, or give start",
                   chain->name, by->formulation, by->scheme, depth, log_sigma, chain->law.beta);
}

wmc_status wmc_balanced_trouble(const wmc_balanced *chain)
{
  const wmc_spectrum *x = &chain->x;
  const wmc_integrator *by = chain->integrator;
  double sum = 0;
  for (int k = 0; k < x->rank; k++) sum += x->log_sigma[k];
  if (x->lambda[x->rank - 1] == 0 && isfinite(x->depth) && !isnan(sum))
    return wmc_raise(WMC_FAILURE,
                     "%s, %s %s at depth %g: the smallest singular value of the layers is 0, "
                     "so X has lost rank; %s",
                     chain->name, by->formulation, by->scheme, x->depth,
                     by->exact ? "use a lower rank or more hidden excess"
                               : "use a smaller step, a lower rank, or scheme: metropolis");
  if (!isfinite(sum) || !isfinite(x->sigma2[0])) return raise_infinite(chain);
  if (chain->counts[WMC_COUNT_REFUSED] < STUCK) return WMC_OK;
  return wmc_raise(WMC_FAILURE,
                   "%s, %s %s at depth %g: %d moves in a row were refused; their sizes are "
                   "tuned while thermalising: raise run.thermalise, or start with a smaller step "
                   "than %g",
                   chain->name, by->formulation, by->scheme, chain->law.shape.depth, (int)STUCK,
                   chain->step);
}
