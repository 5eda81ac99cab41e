/* Integrators whose state is the singular values alone; the energy must be bi-invariant. */
#include "balanced.h"

static void start(wmc_balanced *chain, wmc_stream *stream)
{
  (void)stream;
  wmc_balanced_start_spectrum(chain);
}

static void step_euler(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)gain;
  wmc_balanced_euler_lambda(chain, stream);
}

static void step_metropolis(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  wmc_stream_uniforms(stream, 2 * (size_t)chain->x.rank + 2, chain->work);
  wmc_balanced_sweep(chain, chain->work, gain);
}

const wmc_integrator wmc_spectrum_euler = {
    .formulation = "spectrum",
    .scheme = "euler",
    .text = "Euler-Maruyama for the layer singular values; biased by the step",
    .start = start,
    .step = step_euler};

const wmc_integrator wmc_spectrum_metropolis = {
    .formulation = "spectrum",
    .scheme = "metropolis",
    .text = "Metropolis moves of single layer singular values and of the scale; exact law",
    .exact = true,
    .start = start,
    .step = step_metropolis};
