#include <string.h>

#include "residual.h"

static void apply(wmc_residual *b, const double *weights, const double *u, double *y,
                  double *jacobian)
{
  if (y) wmc_add_number_product(b->parts, b->width, b->width, weights, u, y);
  memcpy(jacobian, weights, b->parts * b->width * b->width * sizeof *weights);
}

static const wmc_branch branch = {.scales = wmc_residual_scales, .apply = apply};

WMC_RESIDUAL_BLOCK(linear, branch, "x + s W N(x) with s^2 = variance (time/depth)^(2 exponent)",
                   wmc_residual_linear_variance, wmc_residual_cost);
