/* Moves of singular values, shared by both formulations. Equations (16), (18), (19) of
 * docs/theory/balanced.md. */
#include <math.h>

#include "balanced.h"

double wmc_balanced_energy(const wmc_balanced *chain)
{
  double sum = chain->energy.constant;
  for (int k = 0; k < chain->x.rank; k++) {
    size_t at = (size_t)k * chain->stride;
    sum += 0.5 * chain->x.sigma2[k] * chain->stiffness[at] - chain->x.sigma[k] * chain->tilt[at];
  }
  return sum;
}

double wmc_balanced_virial(const wmc_balanced *chain)
{
  double sum = 0;
  for (int k = 0; k < chain->x.rank; k++) {
    size_t at = (size_t)k * chain->stride;
    sum += chain->x.sigma2[k] * chain->stiffness[at] - chain->x.sigma[k] * chain->tilt[at];
  }
  return sum;
}

/* |X|^2 ~ virial / <C> plus the minimiser's; sigma spread over a factor of three. */
void wmc_balanced_start_spectrum(wmc_balanced *chain)
{
  const int d = chain->x.rank;
  double trace = 0, target = 0;
  for (int k = 0; k < d * d; k++) {
    if (k % (d + 1) == 0) trace += chain->energy.quadratic[k];
    target += chain->energy.linear[k] * chain->energy.linear[k];
  }
  double square = wmc_gibbs_virial(&chain->law) / trace + d * target / (trace * trace);
  for (int k = 0; k < d; k++)
    wmc_spectrum_set_log(&chain->x, k, 0.5 * log(square) + log(1.5 - (k + 0.5) / d));
  for (int k = 0; k < d; k++)
    chain->lambda_step[k] = chain->step * (isinf(chain->x.depth) ? 1 : chain->x.lambda[k]);
  *chain->scale_step = chain->step;
}

bool wmc_balanced_accept(wmc_balanced *chain, double log_ratio, double uniform)
{
  bool accepted = log(uniform) < log_ratio;
  chain->counts[WMC_COUNT_PROPOSED] += 1;
  chain->counts[WMC_COUNT_ACCEPTED] += accepted;
  return accepted;
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

static double goal_ratio(const wmc_balanced *chain, int k, const goal *to)
{
  const wmc_spectrum *x = &chain->x;
  const size_t at = (size_t)k * chain->stride;
  double sigma = to->flip ? -to->sigma : to->sigma;
  double change = 0.5 * (sigma * sigma - x->sigma2[k]) * chain->stiffness[at] -
                  (sigma - x->sigma[k]) * chain->tilt[at];
  return wmc_gibbs_move(&chain->law, x, k, to->lambda, to->log_sigma, to->sigma) -
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
  const int d = chain->x.rank;
  for (int i = 0; i < d; i++) {
    chain->u[k * d + i] = -chain->u[k * d + i];
    chain->g[i * d + k] = -chain->g[i * d + k];
  }
}

static void move_lambda(wmc_balanced *chain, int k, const double uniform[2], double gain)
{
  double lambda = chain->x.lambda[k] + chain->lambda_step[k] * (2 * uniform[0] - 1);
  bool accepted = false;
  if (keeps_order(&chain->x, k, lambda)) {
    goal to = goal_of(chain, lambda);
    accepted = wmc_balanced_accept(chain, goal_ratio(chain, k, &to), uniform[1]);
    if (accepted) wmc_spectrum_set(&chain->x, k, to.lambda, to.log_sigma, to.sigma);
    if (accepted && to.flip && chain->u != NULL) wmc_balanced_flip_column(chain, k);
  } else {
    chain->counts[WMC_COUNT_PROPOSED] += 1;
  }
  if (gain > 0) wmc_balanced_tune(&chain->lambda_step[k], accepted, gain);
}

double wmc_balanced_scale_ratio(const wmc_balanced *chain, double shift)
{
  double straight = 0, square = 0, factor = exp(shift);
  for (int k = 0; k < chain->x.rank; k++) {
    size_t at = (size_t)k * chain->stride;
    square += chain->x.sigma2[k] * chain->stiffness[at];
    straight += chain->x.sigma[k] * chain->tilt[at];
  }
  double change = (factor - 1) * (0.5 * (factor + 1) * square - straight);
  return shift * wmc_gibbs_scaling(&chain->law) - chain->law.beta / chain->law.horizontal * change;
}

static void move_scale(wmc_balanced *chain, const double uniform[2], double gain)
{
  double shift = *chain->scale_step * (2 * uniform[0] - 1);
  bool accepted = wmc_balanced_accept(chain, wmc_balanced_scale_ratio(chain, shift), uniform[1]);
  if (accepted) wmc_spectrum_scale(&chain->x, shift);
  if (gain > 0) wmc_balanced_tune(chain->scale_step, accepted, gain);
}

void wmc_balanced_sweep(wmc_balanced *chain, const double *uniform, double gain)
{
  const int d = chain->x.rank;
  for (int k = 0; k < d; k++) move_lambda(chain, k, uniform + 2 * k, gain);
  move_scale(chain, uniform + 2 * d, gain);
}
