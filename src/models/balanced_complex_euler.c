/* Euler-Maruyama in singular values and unitary frames; docs/theory/equivariant.md, eq. (E7). */
#include <math.h>

#include "balanced_complex.h"

/* Turns by a complex angle, eq. (E7); it enters as 2 atan(angle/2), as for real frames. */
static wmc_unitary_turn turn_by(wmc_complex angle)
{
  const double square = 0.25 * creal(angle * conj(angle)), scale = 1 / (1 + square);
  return (wmc_unitary_turn){(1 - square) * scale, angle * scale};
}

/* Frames alone: G, H and X are not needed until F is found anew. */
static void turn_both(wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                      const wmc_unitary_turn *b)
{
  const int m = chain->rows, n = chain->columns;
  if (j < m) wmc_unitary_turn_columns(m, a, chain->unitary->u + i * m, chain->unitary->u + j * m);
  if (j < n) wmc_unitary_turn_columns(n, b, chain->unitary->v + i * n, chain->unitary->v + j * n);
}

/* Two columns inside the rank, by deviates of variance h step / beta. */
static void turn_inside(wmc_balanced *chain, int i, int j, const double normal[4])
{
  const double tiny = 1e-300, *sigma = chain->x.sigma;
  const int m = chain->rows;
  const wmc_complex *force = chain->unitary->force;
  const double q = 1 / fmax(chain->x.lambda2[i] - chain->x.lambda2[j], tiny);
  const double ratio = sigma[i] > 0 ? sigma[j] / sigma[i] : 0, half = 0.5 * chain->step * q;
  const double soft = sqrt(q * (1 + ratio) / fmax(1 - ratio, tiny)),
               hard = sqrt(q * (1 - ratio) / (1 + ratio));
  const wmc_complex upper = conj(force[j * m + i]), lower = force[i * m + j];
  const wmc_complex same =
      soft * (normal[0] + I * normal[1]) - half * (sigma[i] + sigma[j]) * (upper + lower);
  const wmc_complex other =
      hard * (normal[2] + I * normal[3]) + half * (sigma[i] - sigma[j]) * (upper - lower);
  const wmc_unitary_turn a = turn_by(same + other), b = turn_by(same - other);
  turn_both(chain, i, j, &a, &b);
}

/* One column outside: it stands still at infinite depth. */
static void turn_outside(wmc_balanced *chain, int i, int j, const double normal[4])
{
  const int m = chain->rows;
  const wmc_complex *force = chain->unitary->force;
  const double inverse = isinf(chain->x.depth) ? 0 : 1 / chain->x.lambda[i];
  const double time = chain->step * chain->x.sigma[i] * inverse * inverse,
               noise = sqrt(2) * inverse;
  wmc_unitary_turn a = wmc_unitary_no_turn, b = wmc_unitary_no_turn;
  if (j < m) a = turn_by(noise * (normal[0] + I * normal[1]) - time * force[i * m + j]);
  if (j < chain->columns)
    b = turn_by(noise * (normal[2] + I * normal[3]) - time * conj(force[j * m + i]));
  turn_both(chain, i, j, &a, &b);
}

/* The phase of column k of U relative to that of V. */
static void turn_phase(wmc_balanced *chain, int k, double normal)
{
  const wmc_spectrum *x = &chain->x;
  const int m = chain->rows;
  const double clock = wmc_shape_clock(&chain->law.shape),
               lambda = isinf(x->depth) ? 1 : x->lambda[k];
  const double pull = cimag(chain->unitary->force[k * (m + 1)]);
  const double angle = sqrt(2 * clock) / lambda * normal -
                       chain->step * clock * x->sigma[k] / (lambda * lambda) * pull;
  for (int i = 0; i < m; i++) chain->unitary->u[k * m + i] *= cexp(I * angle);
}

static void step_euler(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)gain;
  wmc_unitary *frames = chain->unitary;
  const int r = chain->x.rank, span = chain->span;
  double *normal = frames->deviates;
  wmc_unitary_find_force(chain, chain->x.sigma, frames->u, frames->v, frames->force,
                         frames->scratch);
  wmc_stream_normals(stream, (size_t)(r + 4 * r * span), chain->angle, normal);
  for (int k = 0; k < r; k++) turn_phase(chain, k, *normal++);
  for (int i = 0; i < r; i++)
    for (int j = i + 1; j < span; j++, normal += 4)
      (j < r ? turn_inside : turn_outside)(chain, i, j, normal);
  for (int k = 0; k < r; k++) frames->slope[k] = creal(frames->force[k * (chain->rows + 1)]);
  wmc_balanced_euler_lambda(chain, stream, frames->slope, 1);
  wmc_unitary_refresh_if_due(chain);
}

const wmc_integrator wmc_complex_euler = {
    .formulation = "observable",
    .scheme = "euler",
    .text = "complex numbers: Euler-Maruyama for singular values and frames; biased by the step",
    .unitary = true,
    .start = wmc_unitary_start,
    .step = step_euler};
