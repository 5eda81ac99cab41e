#include <math.h>

#include "residual.h"

static void scales(const wmc_block_options *o, double scale[WMC_BRANCH_MATRICES])
{
  scale[0] = sqrt(o->inner_variance);
  scale[1] = sqrt(wmc_block_variance(o) / (o->inner_variance * o->hidden));
}

/* y = W2 W1 u, jacobian = W2 W1: phi(x) = x. */
static void apply_linear(wmc_residual *b, const double *inner, const double *u, double *y,
                         double *jacobian)
{
  const size_t d = b->width, n = b->hidden;
  const double *outer = b->second;
  if (b->parts == 2) {
    wmc_complex_form((int)d, (int)n, outer, b->form);
    outer = b->form;
  }
  wmc_product_apply(b->product[b->parts - 1], outer, inner, jacobian);
  if (y) wmc_add_number_product(b->parts, d, d, jacobian, u, y);
}

/* y = W2 phi(W1 u), jacobian = W2 D W1. */
static void apply(wmc_residual *b, const double *weights, const double *u, double *y,
                  double *jacobian)
{
  size_t d = b->width, n = b->hidden;
  const double *inner = weights, *outer = b->second;
  if (!wmc_split_is_trivial(&b->split)) {
    apply_linear(b, weights, u, y, jacobian);
    return;
  }
  wmc_residual_activate(b, n, inner, u, b->active);
  wmc_add_product(d, n, outer, b->active, y);
  wmc_scale_rows(n, d, b->slopes, inner, b->masked);
  wmc_product_apply(b->product[0], outer, b->masked, jacobian);
}

static const wmc_branch branch = {
    .scales = scales, .apply = apply, .vector = true, .covariance = wmc_residual_covariance_inner};

WMC_RESIDUAL_BLOCK(two_layer, branch, "x + s (c1 n)^(-1/2) W2 phi(W1 N(x)), W1 of variance c1",
                   wmc_residual_variance, wmc_residual_cost_two);
