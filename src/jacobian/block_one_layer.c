#include "residual.h"

/* y = W phi(u), jacobian = W D. */
static void apply(wmc_residual *b, const double *weights, const double *u, double *y,
                  double *jacobian)
{
  size_t d = b->width;
  b->activation->apply(d, b->slope, u, b->active, b->slopes);
  wmc_add_product(d, d, weights, b->active, y);
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < d; i++) jacobian[j * d + i] = weights[j * d + i] * b->slopes[j];
}

/* D(u)^2. */
static void covariance(wmc_residual *b, const double *u, double *out)
{
  b->activation->apply(b->width, b->slope, u, b->active, b->slopes);
  for (size_t i = 0; i < b->width; i++) out[i * (b->width + 1)] = b->slopes[i] * b->slopes[i];
}

static const wmc_branch branch = {
    .scales = wmc_residual_scales, .apply = apply, .vector = true, .covariance = covariance};

WMC_RESIDUAL_BLOCK(one_layer, branch, "x + s W phi(N(x))", wmc_residual_variance,
                   wmc_residual_cost);
