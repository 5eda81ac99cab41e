/* Integrators whose state is the singular values alone; the energy must be bi-invariant. */
#include <math.h>

#include "balanced.h"
#include "weylmc/geometry/entropy.h"

static void start(wmc_balanced *chain, wmc_stream *stream)
{
  (void)stream;
  wmc_balanced_start_spectrum(chain);
}

/* Displacement x' - x when x dx/dt = c flows for one step: x'^2 = x^2 + 2 c. Unlike c/x it is right
 * in the mean square, and bounded, however small x is; eq. (20). */
static double flow(double x, double c) { return 2 * c / (x + sqrt(x * x + 2 * c)); }

static void add_repulsion(const wmc_spectrum *x, double w, double *shift)
{
  for (int i = 0; i < x->width; i++)
    for (int j = i + 1; j < x->width; j++) {
      double gap = x->lambda[i] - x->lambda[j], sum = x->lambda[i] + x->lambda[j];
      double apart = 0.5 * flow(gap, w), up = 0.5 * w / sum;
      shift[i] += up + apart;
      shift[j] += up - apart;
    }
}

static void sort_decreasing(int d, double *x)
{
  for (int i = 1; i < d; i++) {
    double value = x[i];
    int j = i;
    for (; j > 0 && x[j - 1] < value; j--) x[j] = x[j - 1];
    x[j] = value;
  }
}

/* Euler-Maruyama for eq. (12): dlambda = (h/(N beta)) grad log density dt + noise. */
static void step_euler(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)gain;
  const wmc_gibbs *law = &chain->law;
  const wmc_spectrum *x = &chain->x;
  const int d = x->width;
  const double time = chain->step / x->depth, variance = 2 * law->horizontal * time / law->beta;
  const wmc_shape square = {.width = d, .depth = x->depth};
  const double excess = law->vertical * time / law->beta * wmc_shape_excess(&law->shape);
  double *entropy = chain->work, *shift = entropy + d;
  wmc_stream_normals(stream, (size_t)d, sqrt(variance), shift);
  add_repulsion(x, variance, shift);
  wmc_entropy_gradient(&square, x, entropy);
  for (int k = 0; k < d; k++) {
    double force = x->depth * x->sigma2[k] * chain->stiffness[0] / x->lambda[k];
    double drift = law->vertical / law->beta * entropy[k] - force;
    shift[k] = fabs(x->lambda[k] + flow(x->lambda[k], excess) + shift[k] + time * drift);
  }
  sort_decreasing(d, shift);
  for (int k = 0; k < d; k++) wmc_spectrum_set_lambda(x, k, shift[k]);
}

static void step_metropolis(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  wmc_stream_uniforms(stream, 2 * (size_t)chain->x.width + 2, chain->work);
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
