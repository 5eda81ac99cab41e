/* Chains near balance of all sizes: the work is done in chain_near.h. */
#include "chain_walk.h"

/* Smaller matrices are made part of larger ones of this size. */
enum { WITHIN = 4 };

static bool balance_plain(const wmc_chain *chain, int first, const double *v, double *lambda,
                          double *rotations, double *frames, long *products, double *scratch)
{
  const wmc_chain_task task = {chain, first, v, lambda, rotations, frames, scratch};
  const bool dense = chain->core == (size_t)(chain->r * chain->r);
  if (dense && chain->r == 4) return WMC_SIMD_NAME(wmc_chain_balance_4)(&task, products);
  if (dense && chain->r == 8) return WMC_SIMD_NAME(wmc_chain_balance_8)(&task, products);
  return WMC_SIMD_NAME(wmc_chain_balance_any)(&task, products);
}

/* --- Matrices of 2 x 2 and 3 x 3 ------------------------------------------------------------- */

/* Matrices of r x r into the last corners of n matrices of 4 x 4 that are `rest` on the diagonal.
 */
static void put_within(int r, int n, size_t core, const double *from, double rest, double *to)
{
  const int first = WITHIN - r;
  memset(to, 0, (size_t)(n * WITHIN * WITHIN) * sizeof *to);
  for (int p = 0; p < n; p++, from += core, to += WITHIN * WITHIN) {
    for (int k = 0; k < first; k++) to[k * (WITHIN + 1)] = rest;
    for (int j = 0; j < r; j++)
      for (int i = 0; i < r; i++) to[(first + j) * WITHIN + first + i] = from[j * r + i];
  }
}

static void take_from(int r, int n, size_t core, const double *from, double *to)
{
  const int first = WITHIN - r;
  for (int p = 0; p < n; p++, to += core, from += WITHIN * WITHIN)
    for (int j = 0; j < r; j++)
      for (int i = 0; i < r; i++) to[j * r + i] = from[(first + j) * WITHIN + first + i];
}

/* As part of matrices of 4 x 4, whose other lambda are larger and to which nothing leads: zeros
 * stay zeros, and ones ones. Faster than loops over so few entries. Where the lambda of the chain
 * grow beyond the others, their order is another one, and the way back is left to others. */
static bool balance_within(const wmc_chain *chain, const double *v, double *lambda,
                           double *rotations, double *frames, long *products, double *scratch)
{
  const int r = chain->r, n = chain->n, first = WITHIN - r;
  wmc_chain whole = *chain;
  double all[WITHIN], *in = scratch, *k = in + n * WITHIN * WITHIN;
  double *turned = k + (n + 1) * WITHIN * WITHIN, *rest = turned + (n + 1) * WITHIN * WITHIN;
  whole.r = WITHIN;
  whole.core = WITHIN * WITHIN;
  const double others = 4 * lambda[0];
  for (int i = 0; i < WITHIN; i++) all[i] = i < first ? others : lambda[i - first];
  put_within(r, n, chain->core, v, 0, in);
  if (frames != NULL) put_within(r, n + 1, chain->core, frames, 1, turned);
  if (!balance_plain(&whole, first, in, all, k, frames ? turned : NULL, products, rest) ||
      !(all[first] < 0.99 * others))
    return false;
  take_from(r, n + 1, chain->core, frames ? turned : k, frames ? frames : rotations);
  memcpy(lambda, all + first, (size_t)r * sizeof *lambda);
  return true;
}

bool WMC_SIMD_NAME(wmc_chain_balance_all)(const wmc_chain *chain, const double *v, double *lambda,
                                          double *rotations, double *frames, long *products,
                                          double *scratch)
{
  if (chain->r > 1 && chain->r < WITHIN)
    return balance_within(chain, v, lambda, rotations, frames, products, scratch);
  return balance_plain(chain, 0, v, lambda, rotations, frames, products, scratch);
}
