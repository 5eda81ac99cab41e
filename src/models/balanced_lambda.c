/* Moves of singular values, shared by both formulations. Equations (16), (18), (19) of
 * docs/theory/balanced.md. */
#include <math.h>

#include "balanced_complex.h"

/* Sums over the spectrum, twice the quadratic part of E without decay and the linear one. */
static void energy_parts(const wmc_balanced *chain, double *square, double *straight)
{
  const wmc_spectrum *x = &chain->x;
  const size_t h = (size_t)chain->columns + 1, g = (size_t)chain->rows + 1;
  *square = *straight = 0;
  for (int k = 0; k < x->rank; k++) {
    const size_t at = (size_t)k;
    double weight = chain->energy.quadratic[0];
    if (chain->u) weight = chain->h[at * h];
    if (chain->unitary) weight = wmc_unitary_weight(chain, k);
    *square += x->sigma2[k] * weight;
    if (chain->u) *straight += x->sigma[k] * chain->g[at * g];
    if (chain->unitary) *straight += x->sigma[k] * chain->unitary->tilt[k];
  }
  *square += chain->unitary ? wmc_unitary_mask_square(chain) : wmc_balanced_mask_square(chain);
}

double wmc_balanced_energy(const wmc_balanced *chain)
{
  double square, straight;
  energy_parts(chain, &square, &straight);
  return 0.5 * square - straight + chain->energy.constant +
         wmc_energy_decay(&chain->energy, &chain->x);
}

double wmc_balanced_virial(const wmc_balanced *chain)
{
  double square, straight;
  energy_parts(chain, &square, &straight);
  return square - straight + wmc_energy_decay_virial(&chain->energy, &chain->x);
}

wmc_line wmc_balanced_line(const wmc_balanced *chain, int k)
{
  const double sigma = chain->x.sigma[k], single = chain->energy.quadratic[0];
  if (chain->unitary) {
    const double weight = wmc_unitary_weight(chain, k);
    const wmc_line more = wmc_unitary_mask_line(chain, k);
    return (wmc_line){weight * sigma - chain->unitary->tilt[k] + more.slope,
                      weight + more.curvature};
  }
  if (chain->u == NULL) return (wmc_line){single * sigma, single};
  const double h = chain->h[(size_t)k * ((size_t)chain->columns + 1)];
  wmc_line line = {h * sigma - chain->g[(size_t)k * ((size_t)chain->rows + 1)], h};
  if (chain->matrix) {
    wmc_line more = wmc_balanced_mask_line(chain, k);
    line.slope += more.slope;
    line.curvature += more.curvature;
  }
  return line;
}

/* Log of the square of a singular value at which the virial, all alike, has its mean: |X|^2 is that
 * over the mean curvature, plus the minimiser's; decay alone gives lambda. */
static double log_square(const wmc_balanced *chain)
{
  const wmc_energy *energy = &chain->energy;
  const int m = chain->rows, n = chain->columns, r = chain->x.rank;
  const double virial = wmc_gibbs_virial(&chain->law);
  double curvature = 0, pull = 0, log_square = 0;
  for (int k = 0; k < n; k++) curvature += energy->quadratic[k * (n + 1)] / n;
  for (int k = 0; k < m * n; k++) {
    curvature += energy->mask[k] / (m * n);
    pull += energy->linear[k] * energy->linear[k];
    pull += energy->linear_imaginary[k] * energy->linear_imaginary[k];
  }
  if (curvature > 0) log_square = log((virial + pull / curvature) / (curvature * r));
  if (energy->decay == 0 || isinf(chain->x.depth)) return log_square;
  const double alone = chain->x.depth * log(virial / (energy->decay * r));
  return curvature > 0 ? fmin(log_square, alone) : alone;
}

/* Singular values spread over a factor of three. */
void wmc_balanced_start_spectrum(wmc_balanced *chain, wmc_stream *stream)
{
  const int r = chain->x.rank;
  const double middle = chain->noisy ? 0.5 * log_square(chain) : 0;
  for (int k = 0; k < r; k++) wmc_spectrum_set_log(&chain->x, k, middle + log(1.5 - (k + 0.5) / r));
  if (chain->start > 0) wmc_balanced_start_random(chain, stream);
  for (int k = 0; k < r; k++)
    chain->lambda_step[k] = chain->step * (isinf(chain->x.depth) ? 1 : chain->x.lambda[k]);
  *chain->scale_step = chain->step;
}

/* A move that is out of the question. */
static void refuse(wmc_balanced *chain)
{
  chain->counts[WMC_COUNT_PROPOSED] += 1;
  chain->counts[WMC_COUNT_REFUSED] += 1;
}

bool wmc_balanced_accept(wmc_balanced *chain, double log_ratio, double uniform)
{
  bool accepted = log(uniform) < log_ratio;
  refuse(chain);
  if (!accepted) return false;
  chain->counts[WMC_COUNT_ACCEPTED] += 1;
  chain->counts[WMC_COUNT_REFUSED] = 0;
  return true;
}

void wmc_balanced_tune(double *size, bool accepted, double gain)
{
  const double target = 0.44;
  *size *= 1 + gain * (accepted - target);
}

/* Where a proposal for one singular value goes. */
typedef struct goal {
  double lambda, log_sigma, sigma; /* of the singular value, > 0 */
  bool flip;                       /* through zero to the other sign of det X, eq. (16) */
} goal;

/* Whether lambda, negative through zero at finite depth, keeps the order of the spectrum. */
static bool keeps_order(const wmc_spectrum *x, int k, double lambda)
{
  const bool last = k == x->rank - 1, infinite = isinf(x->depth);
  if (infinite) return (k == 0 || lambda < x->lambda[k - 1]) && (last || lambda > x->lambda[k + 1]);
  const double size = fabs(lambda);
  return (k == 0 || size < x->lambda[k - 1]) && (last || (lambda > 0 && size > x->lambda[k + 1]));
}

static goal goal_of(const wmc_balanced *chain, double lambda)
{
  const bool infinite = isinf(chain->x.depth);
  double size = infinite ? lambda : fabs(lambda);
  double log_sigma = wmc_spectrum_log_sigma(&chain->x, size);
  return (goal){.lambda = size,
                .log_sigma = log_sigma,
                .sigma = exp(log_sigma),
                .flip = !infinite && lambda < 0 && chain->flips};
}

/* The step that sigma_k makes, with its sign. */
static double shift_of(const wmc_balanced *chain, int k, const goal *to)
{
  return (to->flip ? -to->sigma : to->sigma) - chain->x.sigma[k];
}

static double goal_ratio(const wmc_balanced *chain, int k, const goal *to)
{
  const wmc_spectrum *x = &chain->x;
  const wmc_line line = wmc_balanced_line(chain, k);
  const double shift = shift_of(chain, k, to), w = chain->energy.decay;
  double change = shift * (line.slope + 0.5 * shift * line.curvature);
  if (w > 0 && isinf(x->depth)) change += w * (to->lambda - x->lambda[k]);
  if (w > 0 && isfinite(x->depth))
    change += 0.5 * w * x->depth * (to->lambda * to->lambda - x->lambda2[k]);
  return chain->power * (to->log_sigma - x->log_sigma[k]) +
         wmc_gibbs_move_pairs(&chain->law, x, k, to->lambda, to->log_sigma, to->sigma) -
         chain->law.beta / chain->law.horizontal * change;
}

double wmc_balanced_lambda_ratio(const wmc_balanced *chain, int k, double lambda)
{
  if (!keeps_order(&chain->x, k, lambda)) return -INFINITY;
  goal to = goal_of(chain, lambda);
  return goal_ratio(chain, k, &to);
}

void wmc_balanced_flip_column(wmc_balanced *chain, int k)
{
  const int m = chain->rows;
  for (int i = 0; i < m; i++) chain->u[k * m + i] = -chain->u[k * m + i];
  for (int j = 0; j < chain->columns; j++) chain->g[j * m + k] = -chain->g[j * m + k];
}

static void settle_goal(wmc_balanced *chain, int k, const goal *to)
{
  if (chain->matrix) wmc_balanced_shift_matrix(chain, k, shift_of(chain, k, to));
  if (chain->unitary) wmc_unitary_shift_matrix(chain, k, shift_of(chain, k, to));
  wmc_spectrum_set(&chain->x, k, to->lambda, to->log_sigma, to->sigma);
  if (to->flip && chain->u) wmc_balanced_flip_column(chain, k);
}

static void move_lambda(wmc_balanced *chain, int k, const double uniform[2], double gain)
{
  double lambda = chain->x.lambda[k] + chain->lambda_step[k] * (2 * uniform[0] - 1);
  bool accepted = false;
  if (keeps_order(&chain->x, k, lambda)) {
    goal to = goal_of(chain, lambda);
    accepted = wmc_balanced_accept(chain, goal_ratio(chain, k, &to), uniform[1]);
    if (accepted) settle_goal(chain, k, &to);
  } else {
    refuse(chain);
  }
  if (gain > 0) wmc_balanced_tune(&chain->lambda_step[k], accepted, gain);
}

/* Change of decay by X -> e^shift X */
static double decay_scaled(const wmc_balanced *chain, double shift)
{
  const double now = wmc_energy_decay(&chain->energy, &chain->x);
  if (isinf(chain->x.depth)) return shift * wmc_energy_decay_virial(&chain->energy, &chain->x);
  return now * expm1(2 * shift / chain->x.depth);
}

double wmc_balanced_scale_ratio(const wmc_balanced *chain, double shift)
{
  double straight, square, factor = exp(shift);
  energy_parts(chain, &square, &straight);
  double change = (factor - 1) * (0.5 * (factor + 1) * square - straight);
  if (chain->energy.decay > 0) change += decay_scaled(chain, shift);
  return shift * chain->scaling - chain->law.beta / chain->law.horizontal * change;
}

static void move_scale(wmc_balanced *chain, const double uniform[2], double gain)
{
  double shift = *chain->scale_step * (2 * uniform[0] - 1);
  bool accepted = wmc_balanced_accept(chain, wmc_balanced_scale_ratio(chain, shift), uniform[1]);
  if (accepted) wmc_spectrum_scale(&chain->x, shift);
  /* anew: a factor would enlarge rounding errors that X has from when it was larger */
  if (accepted && chain->matrix) wmc_balanced_matrix(chain, chain->matrix);
  const wmc_unitary *f = chain->unitary;
  if (accepted && f && f->x) wmc_unitary_matrix(chain, chain->x.sigma, f->u, f->v, f->x);
  if (gain > 0) wmc_balanced_tune(chain->scale_step, accepted, gain);
}

void wmc_balanced_sweep(wmc_balanced *chain, const double *uniform, double gain)
{
  const int d = chain->x.rank;
  for (int k = 0; k < d; k++) move_lambda(chain, k, uniform + 2 * k, gain);
  move_scale(chain, uniform + 2 * d, gain);
}
