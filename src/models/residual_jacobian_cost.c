/* Flops of one network, of steps of the limit and of the limit of the spectrum alone. */
#include <math.h>

#include "residual_jacobian_points.h"
#include "weylmc/jacobian/network.h"

/* Eigenvalues of a small matrix take some 10 d^3 + 200 d^2, pairs 20 each and twice. */
static double mode_limit_cost(const wmc_value *p, const wmc_chamber_options *limit)
{
  double d = limit->width, from = 0, steps = (double)wmc_jacobian_points_count(p);
  for (size_t k = 0; k < p[RECORD].count; k++) {
    steps += 1 + wmc_chamber_steps(limit, from, p[RECORD].reals[k]);
    from = p[RECORD].reals[k];
  }
  return steps * d * d * (10 * d + 240);
}

static double network_cost(const wmc_value *p, const wmc_block *block, const wmc_block_options *o)
{
  double d = o->width, depth = o->depth, work = wmc_split_work(&o->split);
  double factorisations = floor(depth / wmc_network_factor_layers(block, o));
  const double overhead = 100, qr = 4, spectrum = 40;
  const double product = wmc_network_is_extended(block, o) ? 8 : 2;
  return depth *
             (overhead * wmc_split_modes(&o->split) + work * product * d * d * d + block->cost(o)) +
         work * d * d * d * (qr * factorisations + spectrum * (double)wmc_jacobian_points_count(p));
}

static double steps_cost(const wmc_value *p)
{
  wmc_block_options steps;
  const wmc_block *block;
  int field;
  const char *why;
  return wmc_jacobian_steps(p, &block, &steps, &field, &why) ? network_cost(p, block, &steps) : 1;
}

double wmc_jacobian_limit_cost(const wmc_value *p)
{
  const wmc_split split = wmc_jacobian_options(p).split;
  wmc_chamber_options limit;
  int field;
  const char *why;
  double cost = 0;
  if (!wmc_jacobian_limit(p, &limit, &field, &why)) return steps_cost(p);
  for (int k = 0; k < wmc_split_modes(&split); k++) {
    limit = wmc_jacobian_mode_limit(p, k);
    cost += mode_limit_cost(p, &limit);
  }
  return cost;
}

double wmc_jacobian_network_cost(const wmc_value *p, int depth)
{
  wmc_block_options o = wmc_jacobian_options(p);
  o.depth = depth;
  return network_cost(p, wmc_jacobian_block(p), &o);
}

double wmc_jacobian_steps_cost(const wmc_value *p, int depth)
{
  wmc_block_options steps;
  const wmc_block *block;
  int field;
  const char *why;
  if (!wmc_jacobian_steps(p, &block, &steps, &field, &why)) return 1;
  steps.depth = depth;
  return network_cost(p, block, &steps);
}
