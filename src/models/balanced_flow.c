/* The scheme flow: gradient flow of the free energy E - (v/beta) S, without noise. */
#include <math.h>
#include <string.h>

#include "balanced_complex.h"
#include "balanced_dynamics.h"
#include "weylmc/base/signals.h"

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

/* Below it squares of lambda underflow and the flow would stand still. */
static bool has_rank(const wmc_balanced *chain, double least)
{
  return isinf(chain->x.depth) || least > 1e-150;
}

static void refuse(wmc_balanced *chain, double h)
{
  chain->trouble = wmc_raise(
      WMC_FAILURE,
      "%s, %s flow at depth %g: no step of length %.3g can be made, smallest singular value "
      "of the layers %.3g; the flow loses rank or the state is not finite: stop earlier (fewer "
      "draws or a shorter step), choose a smaller rank, or a larger tolerance than %g",
      chain->name, chain->integrator->formulation, chain->x.depth, h,
      chain->x.lambda[chain->x.rank - 1], chain->tolerance);
}

/* Steps of the method in one step of the deck. */
enum { STEPS = 500000 };

static void give_up(wmc_balanced *chain, double left)
{
  const double done = chain->step - left;
  chain->trouble = wmc_raise(
      WMC_FAILURE,
      "%s, %s flow at depth %g: %d steps with controlled error took it through %.3g of the step "
      "%g only, and X to a largest singular value of %.3g; use a step below %.2g with a larger "
      "run.stride; where X grows without bound, so that steps become ever shorter, stop earlier "
      "or add energy.decay or energy.frobenius",
      chain->name, chain->integrator->formulation, chain->x.depth, (int)STEPS, done, chain->step,
      chain->x.sigma[0], 0.5 * done);
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
  const wmc_points *p = chain->points;
  const int r = chain->x.rank;
  const wmc_ode ode = {.n = (size_t)r, .slope = slope_of_spectrum, .data = chain};
  const size_t bytes = (size_t)r * sizeof(double);
  double *lambda = p->lambda, *next = p->next, *stages = p->rest,
         *error = stages + WMC_ODE_STAGES * r;
  double *trial = &chain->counts[WMC_COUNT_TRIAL], left = chain->step;
  memcpy(lambda, chain->x.lambda, bytes);
  slope_of_spectrum(chain, lambda, stages);
  if (!(*trial > 0)) *trial = first_step(chain, lambda, stages);
  for (int steps = 0; left > 0 && !wmc_signals_urgent(); steps++) {
    if (steps == STEPS) {
      wmc_balanced_adopt(chain, lambda);
      give_up(chain, left);
      return;
    }
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
    for (int k = 0; k < r; k++)
      if (!has_rank(chain, fabs(next[k]))) {
        refuse(chain, h);
        return;
      }
    memcpy(lambda, next, bytes);
    memcpy(stages, stages + (WMC_ODE_STAGES - 1) * r, bytes);
    left = h < left ? left - h : 0;
  }
  wmc_balanced_adopt(chain, lambda);
}

/* --- With frames ----------------------------------------------------------------------------- */

typedef struct memory {
  int *cluster;
  double *y, *next, *error, *stages, *scratch;
} memory;

size_t wmc_balanced_flow_size(const wmc_shape *shape)
{
  return (size_t)shape->rank + (3 + WMC_ODE_STAGES) * wmc_balanced_chart_size(shape) +
         wmc_balanced_velocity_scratch(shape);
}

static memory map_memory(const wmc_balanced *chain)
{
  const size_t size = wmc_balanced_chart_size(&chain->law.shape);
  double *next = wmc_balanced_frames_memory(chain);
  memory w = {.cluster = (int *)next, .y = next + chain->x.rank};
  w.next = w.y + size;
  w.error = w.next + size;
  w.stages = w.error + size;
  w.scratch = w.stages + WMC_ODE_STAGES * size;
  return w;
}

static void slope_of_matrix(void *data, const double *y, double *slope)
{
  wmc_balanced_velocity(data, y, slope);
}

/* Entries of S relative to the largest of their cluster, those of frames to 1. */
static double error_of_matrix(const wmc_balanced *chain, const memory *w)
{
  const int r = chain->x.rank;
  const size_t size = wmc_balanced_chart_size(&chain->law.shape);
  const int b = (int)chain->law.shape.numbers, height = b * r;
  const bool infinite = isinf(chain->x.depth);
  double most = 0;
  for (int j = 0; j < r; j++)
    for (int i = 0; i < height; i++) {
      const int top = w->cluster[j] * (height + b), at = j * height + i;
      const double scale = infinite ? 1 : fmax(fabs(w->y[top]), fabs(w->next[top]));
      const double share = w->error[at] == 0 ? 0 : fabs(w->error[at]) / scale;
      if (!(share <= most)) most = share;
    }
  for (size_t k = (size_t)(height * r); k < size; k++)
    if (!(fabs(w->error[k]) <= most)) most = fabs(w->error[k]);
  return most / chain->tolerance;
}

/* lambda may change by one percent and frames by a few. */
static double first_step_of_matrix(const wmc_balanced *chain, const memory *w)
{
  const int r = chain->x.rank;
  const size_t size = wmc_balanced_chart_size(&chain->law.shape);
  double h = chain->step;
  for (size_t k = 0; k < size; k++) {
    const int column = (int)k / ((int)chain->law.shape.numbers * r);
    double scale = 1;
    if (column < r && isfinite(chain->x.depth)) scale = chain->x.lambda[w->cluster[column]];
    if (h * fabs(w->stages[k]) > 0.01 * scale) h = 0.01 * scale / fabs(w->stages[k]);
  }
  return h;
}

/* One accepted step of at most `left`, or trouble; returns its length. Coordinates begin anew at
 * every step, where S is diagonal. */
static double descend(wmc_balanced *chain, const memory *w, double left)
{
  const wmc_chart chart = {
      .chain = chain, .cluster = w->cluster, .entropy = true, .scratch = w->scratch};
  const wmc_ode ode = {.n = wmc_balanced_chart_size(&chain->law.shape),
                       .slope = slope_of_matrix,
                       .data = (void *)&chart};
  double *trial = &chain->counts[WMC_COUNT_TRIAL];
  wmc_balanced_clusters(&chain->x, 0.2, w->cluster);
  wmc_balanced_enter_chart(chain, w->y);
  wmc_balanced_velocity(&chart, w->y, w->stages);
  if (!(*trial > 0)) *trial = first_step_of_matrix(chain, w);
  while (chain->step + *trial > chain->step) {
    const double h = *trial < left ? *trial : left;
    wmc_ode_step(&ode, h, w->y, w->stages, w->next, w->error);
    const double size = error_of_matrix(chain, w), longer = wmc_ode_factor(size) * h;
    const bool accepted = size <= 1;
    *trial = accepted && h < *trial ? fmax(*trial, longer) : longer;
    if (!accepted) continue;
    wmc_balanced_leave_chart(chain, w->cluster, w->next, w->scratch);
    if (!has_rank(chain, chain->x.lambda[chain->x.rank - 1])) break;
    return h;
  }
  refuse(chain, *trial);
  return 0;
}

static void step_observable(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)stream;
  (void)gain;
  const memory w = map_memory(chain);
  double left = chain->step;
  for (int steps = 0; left > 0 && chain->trouble == WMC_OK && !wmc_signals_urgent(); steps++) {
    if (steps == STEPS) {
      give_up(chain, left);
      return;
    }
    const double h = descend(chain, &w, left);
    left = h < left ? left - h : 0;
  }
}

const wmc_integrator wmc_spectrum_flow = {
    .formulation = "spectrum",
    .scheme = "flow",
    .text = "gradient flow of the energy (beta: inf) or of the free energy (noise: vertical), with "
            "controlled error",
    .start = wmc_balanced_start_spectrum,
    .step = step_spectrum};

const wmc_integrator wmc_observable_flow = {
    .formulation = "observable",
    .scheme = "flow",
    .text = "gradient flow of the energy (beta: inf) or of the free energy (noise: vertical) of X, "
            "with controlled error",
    .frames = true,
    .start = wmc_balanced_start_matrix,
    .step = step_observable};

const wmc_integrator wmc_complex_flow = {
    .formulation = "observable",
    .scheme = "flow",
    .text =
        "complex numbers: gradient flow of the energy (beta: inf) or of the free energy (noise: "
        "vertical) of X, with controlled error",
    .unitary = true,
    .start = wmc_unitary_start,
    .step = step_observable};
