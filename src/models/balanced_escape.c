/* Directions that an energy leaves flat, and whether the Gibbs law ends along them;
 * docs/theory/balanced.md, eqs. (36), (37). */
#include <math.h>
#include <string.h>

#include "balanced_escape.h"
#include "weylmc/base/memory.h"

double wmc_balanced_growth(const wmc_gibbs *law, double decay, int q, int dimension)
{
  const wmc_shape *shape = &law->shape;
  const double share = law->vertical / law->horizontal, r = shape->rank;
  const double inverse = 1 / shape->depth, pairs = 0.5 * q * (q - 1) + q * (r - q);
  double power = wmc_gibbs_power(law) / wmc_shape_clock(shape);
  if (wmc_shape_is_infinite(shape)) power -= law->beta / law->horizontal * decay;
  const double b = shape->numbers, single = power - b * (wmc_shape_outer(shape) + 1) + inverse;
  return b * (dimension + (0.5 * share - 1) * (2 - 2 * inverse) * pairs) + q * single;
}

/* With decay at finite depth nothing grows. At infinite depth logarithms decide the case of 0. */
static bool escapes(const wmc_gibbs *law, double decay, int q, int dimension)
{
  const bool infinite = wmc_shape_is_infinite(&law->shape);
  if (q > law->shape.rank || q == 0 || (decay > 0 && !infinite)) return false;
  return wmc_balanced_growth(law, decay, q, dimension) > (infinite ? 1e-12 : -1e-12);
}

/* Free entries of an energy entry by entry; one for each row, 1 where E sees nothing. */
static bool is_free(const wmc_energy *energy, int i, int j)
{
  return energy->mask[j * energy->rows + i] == 0 && energy->quadratic[0] == 0;
}

/* Whether row i finds a column, others making room. */
static bool place_row(const wmc_energy *energy, int i, int *owner, bool *tried)
{
  for (int j = 0; j < energy->columns; j++) {
    if (tried[j] || !is_free(energy, i, j)) continue;
    tried[j] = true;
    if (owner[j] >= 0 && !place_row(energy, owner[j], owner, tried)) continue;
    owner[j] = i;
    return true;
  }
  return false;
}

/* Rank of a matrix with generic numbers in the free entries: rows and columns matched. */
static int free_rank(const wmc_energy *energy)
{
  const size_t n = (size_t)energy->columns;
  int *owner = WMC_ARRAY(int, n), rank = 0;
  bool *tried = WMC_ARRAY(bool, n);
  for (size_t j = 0; owner && j < n; j++) owner[j] = -1;
  for (int i = 0; owner && tried && i < energy->rows; i++) {
    memset(tried, 0, n * sizeof *tried);
    rank += place_row(energy, i, owner, tried);
  }
  wmc_free(owner);
  wmc_free(tried);
  return rank;
}

static wmc_escape found(int q, int dimension) { return (wmc_escape){q, dimension}; }

/* All free entries at once, and those of one row or one column. */
static wmc_escape escape_of_entries(const wmc_gibbs *law, const wmc_energy *energy)
{
  const int m = energy->rows, n = energy->columns, rank = free_rank(energy);
  int all = 0;
  for (int i = 0; i < m; i++) {
    int row = 0;
    for (int j = 0; j < n; j++) row += is_free(energy, i, j);
    all += row;
    if (row > 0 && escapes(law, energy->decay, 1, row)) return found(1, row);
  }
  for (int j = 0; j < n; j++) {
    int column = 0;
    for (int i = 0; i < m; i++) column += is_free(energy, i, j);
    if (column > 0 && escapes(law, energy->decay, 1, column)) return found(1, column);
  }
  return escapes(law, energy->decay, rank, all) ? found(rank, all) : found(0, 0);
}

/* Matrices of rank q whose rows C does not see. */
static wmc_escape escape_of_inputs(const wmc_gibbs *law, const wmc_energy *energy)
{
  const int m = energy->rows, unseen = energy->columns - wmc_energy_rank(energy);
  for (int q = 1; q <= m && q <= unseen; q++)
    if (escapes(law, energy->decay, q, q * (m + unseen - q))) return found(q, q * (m + unseen - q));
  return found(0, 0);
}

wmc_escape wmc_balanced_escape(const wmc_gibbs *law, const wmc_energy *energy)
{
  if (!energy->masked) return escape_of_inputs(law, energy);
  return energy->plain ? escape_of_entries(law, energy) : found(0, 0);
}
