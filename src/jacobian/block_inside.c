#include <math.h>
#include <string.h>

#include "residual.h"

static void scales(const wmc_block_options *o, double scale[WMC_BRANCH_MATRICES])
{
  scale[0] = sqrt(wmc_block_variance(o));
  scale[1] = 0;
}

/* y = phi(W u), jacobian = D W. */
static void apply(wmc_residual *b, const double *weights, const double *u, double *y,
                  double *jacobian)
{
  size_t d = b->width;
  memset(b->active, 0, d * sizeof(double));
  wmc_add_product(d, d, weights, u, b->active);
  b->activation->apply(d, b->slope, b->active, y, b->slopes);
  wmc_scale_rows(d, d, b->slopes, weights, jacobian);
}

/* phi'(0)^2, as s W u is small. */
static void covariance(wmc_residual *b, const double *u, double *out)
{
  const double zero = 0;
  double value, slope;
  (void)u;
  b->activation->apply(1, b->slope, &zero, &value, &slope);
  for (size_t i = 0; i < b->width; i++) out[i * (b->width + 1)] = slope * slope;
}

static const wmc_branch branch = {
    .scales = scales, .apply = apply, .vector = true, .covariance = covariance};

WMC_RESIDUAL_BLOCK(inside, branch, "x + phi(s W N(x)), phi smooth at 0", wmc_residual_variance,
                   wmc_residual_cost);
