/* Depths of a sum over levels, and which of them are refused. */
#include <math.h>

#include "residual_jacobian_levels.h"
#include "weylmc/jacobian/network.h"

const char *const wmc_levels_names[] = {"none", "depth", "limit", NULL};

wmc_levels_kind wmc_levels_of(const wmc_value *p) { return (wmc_levels_kind)p[LEVELS].integer; }

int wmc_levels_depth(const wmc_value *p, size_t l)
{
  return (int)(p[LEVELS_COARSEST].integer << l);
}

size_t wmc_levels_count(const wmc_value *p)
{
  if (wmc_levels_of(p) == WMC_LEVELS_NONE) return 0;
  const double finest = wmc_jacobian_infinite(p) ? p[LEVELS_FINEST].real : p[DEPTH].real;
  size_t count = 1;
  while (count < WMC_LEVELS_MOST && wmc_levels_depth(p, count) <= finest) count++;
  return count;
}

bool wmc_levels_steps(const wmc_value *p)
{
  return wmc_levels_of(p) == WMC_LEVELS_LIMIT && !wmc_jacobian_alone(p);
}

/* ---- checks ------------------------------------------------------------------------------- */

static void check_depths(const wmc_value *p, const wmc_complaints *complaints)
{
  const size_t count = wmc_levels_count(p);
  const bool infinite = wmc_jacobian_infinite(p);
  const int deepest = wmc_levels_depth(p, count - 1);
  if (!infinite && deepest != p[DEPTH].integer)
    wmc_complain(complaints, DEPTH,
                 "depth: with multilevel: depth it is multilevel.coarsest (%ld) times a power of "
                 "two; found %ld, nearest are %d and %d",
                 p[LEVELS_COARSEST].integer, p[DEPTH].integer, deepest, 2 * deepest);
  if (infinite && count < WMC_LEVELS_FITTED)
    wmc_complain(complaints, LEVELS_FINEST,
                 "multilevel.finest: depth inf needs at least 8 times multilevel.coarsest (%ld), "
                 "found %ld",
                 p[LEVELS_COARSEST].integer, p[LEVELS_FINEST].integer);
}

/* Extrapolations in powers of 1/L go wrong, and pilots do not see it, where a layer is no small
 * step. */
static void check_coarsest(const wmc_value *p, const wmc_complaints *complaints)
{
  const double most = 4;
  const wmc_block_options o = wmc_jacobian_options(p);
  const double spread = o.width * o.variance * o.time / (1 - o.drop);
  if (wmc_jacobian_infinite(p) && spread > most * (double)p[LEVELS_COARSEST].integer)
    wmc_complain(complaints, LEVELS_COARSEST,
                 "multilevel.coarsest: %ld layers are too few to extrapolate from for width times "
                 "variance times time = %.3g; use at least %.0f, and finest at least 8 times that",
                 p[LEVELS_COARSEST].integer, spread, ceil(spread / most));
}

/* A record that is rounded to a layer would move with the depth, and spoil powers of 1/depth. */
static void check_records(const wmc_value *p, const wmc_complaints *complaints)
{
  const int depth = wmc_levels_depth(p, 0);
  for (size_t k = 1; k < p[RECORD].count; k++)
    if (wmc_network_record_layer(p[RECORD].reals[k], depth) ==
        wmc_network_record_layer(p[RECORD].reals[k - 1], depth))
      wmc_complain(complaints, RECORD,
                   "record: %g and %g are the same layer of the coarsest depth %d; leave one out "
                   "or raise multilevel.coarsest",
                   p[RECORD].reals[k - 1], p[RECORD].reals[k], depth);
  for (size_t k = 0; wmc_jacobian_infinite(p) && k < p[RECORD].count; k++) {
    const double layer = p[RECORD].reals[k] * depth;
    if (fabs(layer - round(layer)) > 1e-9 * depth)
      wmc_complain(complaints, RECORD,
                   "record: %g is not the end of a layer of the coarsest depth %d, from which "
                   "depth inf is extrapolated; use multiples of 1/multilevel.coarsest",
                   p[RECORD].reals[k], depth);
  }
}

static void check_second_order(const wmc_value *p, const wmc_complaints *complaints)
{
  wmc_block_options steps;
  const wmc_block *block;
  int field;
  const char *why;
  if (!wmc_jacobian_infinite(p))
    wmc_complain(complaints, LEVELS,
                 "multilevel: limit goes to infinite depth; use depth: inf, or multilevel: depth");
  else if (!wmc_jacobian_alone(p) && !wmc_jacobian_steps(p, &block, &steps, &field, &why))
    wmc_complain(complaints, LEVELS,
                 "multilevel: limit follows the limit itself, but at depth inf %s; or use "
                 "multilevel: depth",
                 why);
}

void wmc_levels_check(const wmc_value *p, const wmc_complaints *complaints)
{
  const wmc_block_options o = wmc_jacobian_options(p);
  const double persistence = wmc_weights_persistence(o.weights, o.hurst);
  if (wmc_levels_of(p) == WMC_LEVELS_NONE) return;
  if (!wmc_jacobian_block(p)->join || wmc_jacobian_block(p) == &wmc_block_rotation)
    wmc_complain(complaints, LEVELS,
                 "multilevel: block %s has no limit to go to; use multilevel: none",
                 wmc_jacobian_block(p)->name);
  else if (wmc_block_exponent(&o) != persistence ||
           (wmc_jacobian_infinite(p) && persistence != 0.5))
    wmc_complain(complaints, LEVELS,
                 "multilevel: corrections must be powers of 1/depth: use independent weights and "
                 "leave exponent out, or multilevel: none");
  if (wmc_jacobian_infinite(p) && (wmc_jacobian_diverges(&o) || wmc_jacobian_series(p)))
    wmc_complain(
        complaints, NORM,
        "norm: with this one at width %d corrections are not powers of 1/depth, and what "
        "is left beyond the finest depth cannot be known; use multilevel: none, or at least "
        "width %d",
        o.width, o.norm == WMC_NORM_LAYER ? 6 : 5);
  if (p[LAGS].present || p[DIFFUSIVITY].integer == 1)
    wmc_complain(
        complaints, p[LAGS].present ? LAGS : DIFFUSIVITY,
        "%s: a draw of multilevel is a sum over networks of many depths, and this belongs to "
        "the path of one network; leave it out, or use multilevel: none",
        p[LAGS].present ? "lags" : "diffusivity");
  check_depths(p, complaints);
  check_coarsest(p, complaints);
  check_records(p, complaints);
  if (wmc_levels_of(p) == WMC_LEVELS_LIMIT) check_second_order(p, complaints);
}
