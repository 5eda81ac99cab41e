#include "residual.h"

/* y = phi(W u), jacobian = D W. */
static void apply(wmc_residual *b, const double *weights, const double *u, double *y,
                  double *jacobian)
{
  size_t d = b->width;
  wmc_residual_activate(b, d, weights, u, y);
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
    .scales = wmc_residual_scales, .apply = apply, .vector = true, .covariance = covariance};

WMC_RESIDUAL_BLOCK(inside, branch, "x + phi(s W N(x)), phi smooth at 0", wmc_residual_variance,
                   wmc_residual_cost);
