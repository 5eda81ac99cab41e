#include <math.h>

#include "residual.h"

static void scales(const wmc_block_options *o, double scale[WMC_BRANCH_MATRICES])
{
  scale[0] = sqrt(o->inner_variance);
  scale[1] = 0;
}

/* y = r phi(W u), jacobian = r D W. */
static void apply(wmc_residual *b, const double *weights, const double *u, double *y,
                  double *jacobian)
{
  size_t d = b->width;
  wmc_residual_activate(b, d, weights, u, y);
  for (size_t i = 0; i < d; i++) {
    y[i] *= b->outer_scale;
    b->slopes[i] *= b->outer_scale;
  }
  wmc_scale_rows(d, d, b->slopes, weights, jacobian);
}

static const wmc_branch branch = {
    .scales = scales, .apply = apply, .vector = true, .covariance = wmc_residual_covariance_inner};

WMC_RESIDUAL_BLOCK(outer, branch, "x + s c1^(-1/2) phi(W N(x)), W of variance c1, phi odd",
                   wmc_residual_variance, wmc_residual_cost);
