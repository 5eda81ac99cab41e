/* What a pair of singular values tells the schemes: quotients, ratios and how far its columns turn;
 * eqs. (25), (63). */
#include <math.h>

#include "balanced_dynamics.h"

double wmc_balanced_divided(double depth, double lambda_i, double lambda_j, double sigma_i,
                            double sigma_j)
{
  const bool infinite = isinf(depth);
  const double gap = lambda_i - lambda_j, n = infinite ? 1 : depth;
  const double size = infinite ? 1 : fmax(fabs(lambda_i), fabs(lambda_j));
  if (n * fabs(gap) > 1e-5 * size) return (sigma_i - sigma_j) / gap;
  const double mean = 0.5 * (sigma_i + sigma_j);
  return infinite ? mean : n * mean / (0.5 * (lambda_i + lambda_j));
}

/* Ratios neither under- nor overflow. */
void wmc_balanced_find_ratios(const wmc_spectrum *x, double *gap, double *ratio)
{
  const double normal = 1e-290, *sigma = x->sigma, *q = x->lambda2;
  for (int i = 0; i < x->rank - 1; i++) {
    const double inverse = 1 / sigma[i], top = q[i];
    if (!(sigma[i] > normal)) {
      for (int j = i + 1; j < x->rank; j++, gap++, ratio++) {
        const double log_i = wmc_spectrum_log_sigma(x, x->lambda[i]);
        *ratio = exp(wmc_spectrum_log_sigma(x, x->lambda[j]) - log_i);
        *gap = top - q[j];
      }
      continue;
    }
    for (int j = i + 1; j < x->rank; j++) {
      *gap++ = top - q[j];
      *ratio++ = sigma[j] * inverse;
    }
  }
}

void wmc_balanced_turn_spreads(const wmc_balanced *chain, int i, int j, double gap2, double ratio,
                               double spread[2])
{
  const wmc_spectrum *x = &chain->x;
  const bool infinite = isinf(x->depth);
  const double clock = infinite ? 1 : x->depth, size = infinite ? 1 : x->lambda[i];
  const double gap = x->lambda[i] - x->lambda[j], sum = infinite ? 2 : gap2 / gap;
  if (clock * gap < 1e-3 * size) {
    spread[0] = sqrt((infinite ? 1 : clock - 1 / clock) / 12) / size;
    spread[1] = sqrt((infinite ? 1 : clock / size) / (4 * size));
    return;
  }
  const double share = (1 + ratio) / (1 - ratio);
  spread[0] = sqrt(fmax(share / (gap * sum) - 1 / (clock * gap * gap), 0));
  spread[1] = sqrt(1 / (share * gap * sum));
}
