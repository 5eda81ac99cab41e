/* Integrators whose state is the singular values alone; the energy must be bi-invariant. */
#include "balanced.h"

static void step_metropolis(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  wmc_stream_uniforms(stream, 2 * (size_t)chain->x.rank + 2, chain->work);
  wmc_balanced_sweep(chain, chain->work, gain);
}

const wmc_integrator wmc_spectrum_metropolis = {
    .formulation = "spectrum",
    .scheme = "metropolis",
    .text = "Metropolis moves of single layer singular values and of the scale; exact law",
    .exact = true,
    .start = wmc_balanced_start_spectrum,
    .step = step_metropolis};
