/* The scheme heun, of weak order 2: noise and drifts in a symmetric composition. */
#include <math.h>

#include "balanced_dynamics.h"

/* Half a step of the noise. */
static void make_noise(wmc_balanced *chain, wmc_stream *stream, const wmc_rates *half, double *next)
{
  wmc_stream_normals(stream, (size_t)chain->x.rank, sqrt(half->variance), next);
  for (int k = 0; k < chain->x.rank; k++) next[k] += chain->x.lambda[k];
  wmc_balanced_adopt(chain, next);
}

/* Half a step of the drift that is smooth where singular values meet, by Heun's rule. */
static void make_drift(wmc_balanced *chain, const wmc_rates *half, const wmc_points *p)
{
  const int r = chain->x.rank;
  double *first = p->next, *middle = p->lambda, *second = p->shift;
  wmc_balanced_drift(chain, half, 0, true, chain->x.lambda, first);
  for (int k = 0; k < r; k++) middle[k] = chain->x.lambda[k] + first[k];
  wmc_balanced_drift(chain, half, 0, true, middle, second);
  for (int k = 0; k < r; k++) first[k] = chain->x.lambda[k] + 0.5 * (first[k] + second[k]);
  wmc_balanced_adopt(chain, first);
}

/* Repulsion of singular values among themselves and from 0. */
static void repel(wmc_balanced *chain, const wmc_rates *full, const wmc_points *p)
{
  const int r = chain->x.rank;
  for (int k = 0; k < r; k++) p->next[k] = chain->x.lambda[k];
  if (!wmc_balanced_repel(full, isinf(chain->x.depth), r, p->next, p->rest))
    chain->trouble =
        wmc_raise(WMC_FAILURE,
                  "balanced, %s heun at depth %g: Newton's method for the repulsion of singular "
                  "values does not converge; step %g is too large or the state is not finite: "
                  "reduce the step, or use scheme: metropolis",
                  chain->integrator->formulation, chain->x.depth, chain->step);
  else
    wmc_balanced_adopt(chain, p->next);
}

static void step_spectrum(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)gain;
  const wmc_points p = wmc_balanced_points(chain);
  make_noise(chain, stream, &chain->half, p.next);
  make_drift(chain, &chain->half, &p);
  repel(chain, &chain->full, &p);
  if (chain->trouble != WMC_OK) return;
  make_drift(chain, &chain->half, &p);
  make_noise(chain, stream, &chain->half, p.next);
}

const wmc_integrator wmc_spectrum_heun = {
    .formulation = "spectrum",
    .scheme = "heun",
    .text = "Langevin dynamics of the layer singular values, of weak order 2: noise, Heun's rule "
            "for the smooth drift and implicit midpoints for the repulsion in a symmetric "
            "composition; biased by the square of the step",
    .start = wmc_balanced_start_spectrum,
    .step = step_spectrum};
