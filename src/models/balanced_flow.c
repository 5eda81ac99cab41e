/* The scheme flow: gradient flow of the free energy E - (v/beta) S, without noise. */
#include <math.h>
#include <string.h>

#include "balanced_dynamics.h"

static void slope_of_spectrum(void *data, const double *lambda, double *slope)
{
  const wmc_balanced *chain = data;
  const wmc_rates rates = wmc_balanced_rates(chain, 1);
  wmc_balanced_drift(chain, &rates, rates.outward, true, lambda, slope);
}

/* Largest error of lambda relative to lambda, or absolute at infinite depth, over the tolerance. */
static double error_of_spectrum(const wmc_balanced *chain, const double *old, const double *next,
                                const double *error)
{
  double most = 0;
  for (int k = 0; k < chain->x.rank; k++) {
    const double size = isinf(chain->x.depth) ? 1 : fmax(fabs(old[k]), fabs(next[k]));
    const double share = fabs(error[k]) / (chain->tolerance * size);
    if (!(share <= most)) most = share;
  }
  return most;
}

static void refuse(wmc_balanced *chain, double h)
{
  chain->trouble = wmc_raise(
      WMC_FAILURE,
      "balanced, %s flow at depth %g: a step of length %.3g was refused, smallest singular value "
      "of the layers %.3g; the flow loses rank or the state is not finite: stop earlier (fewer "
      "draws or a shorter step), choose a smaller rank, or a larger tolerance than %g",
      chain->integrator->formulation, chain->x.depth, h, chain->x.lambda[chain->x.rank - 1],
      chain->tolerance);
}

/* A length for the first step: lambda may change by one percent. */
static double first_step(const wmc_balanced *chain, const double *lambda, const double *slope)
{
  double h = chain->step;
  for (int k = 0; k < chain->x.rank; k++) {
    const double size = isinf(chain->x.depth) ? 1 : fabs(lambda[k]);
    if (h * fabs(slope[k]) > 0.01 * size) h = 0.01 * size / fabs(slope[k]);
  }
  return h;
}

static void step_spectrum(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)stream;
  (void)gain;
  const wmc_points p = wmc_balanced_points(chain);
  const int r = chain->x.rank;
  const wmc_ode ode = {.n = (size_t)r, .slope = slope_of_spectrum, .data = chain};
  const size_t bytes = (size_t)r * sizeof(double);
  double *lambda = p.lambda, *next = p.next, *stages = p.rest, *error = stages + WMC_ODE_STAGES * r;
  double *trial = &chain->counts[WMC_COUNT_TRIAL], left = chain->step;
  memcpy(lambda, chain->x.lambda, bytes);
  slope_of_spectrum(chain, lambda, stages);
  if (!(*trial > 0)) *trial = first_step(chain, lambda, stages);
  while (left > 0) {
    const double h = *trial < left ? *trial : left;
    wmc_ode_step(&ode, h, lambda, stages, next, error);
    const double size = error_of_spectrum(chain, lambda, next, error);
    const double longer = wmc_ode_factor(size) * h;
    const bool accepted = size <= 1;
    *trial = accepted && h < *trial ? fmax(*trial, longer) : longer;
    if (!(chain->step + *trial > chain->step)) {
      refuse(chain, h);
      return;
    }
    if (!accepted) continue;
    memcpy(lambda, next, bytes);
    memcpy(stages, stages + (WMC_ODE_STAGES - 1) * r, bytes);
    left = h < left ? left - h : 0;
  }
  wmc_balanced_adopt(chain, lambda);
}

const wmc_integrator wmc_spectrum_flow = {
    .formulation = "spectrum",
    .scheme = "flow",
    .text = "gradient flow of the energy (beta: inf) or of the free energy (noise: vertical), with "
            "controlled error",
    .start = wmc_balanced_start_spectrum,
    .step = step_spectrum};
