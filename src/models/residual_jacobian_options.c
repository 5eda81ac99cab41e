/* Parameters of a deck, read. */
#include <limits.h>
#include <math.h>

#include "residual_jacobian.h"
#include "weylmc/jacobian/network.h"

const wmc_block *wmc_jacobian_block(const wmc_value *p) { return wmc_blocks[p[BLOCK].integer]; }

bool wmc_jacobian_infinite(const wmc_value *p) { return isinf(p[DEPTH].real); }

static double real_or(const wmc_value *value, double otherwise)
{
  return value->present ? value->real : otherwise;
}

static long integer_or(const wmc_value *value, long otherwise)
{
  return value->present ? value->integer : otherwise;
}

size_t wmc_jacobian_size(const wmc_value *p)
{
  return (size_t)(p[WIDTH].integer * p[GROUP].integer);
}

wmc_block_options wmc_jacobian_options(const wmc_value *p)
{
  double width = (double)p[WIDTH].integer;
  return (wmc_block_options){
      .width = (int)p[WIDTH].integer,
      .depth = (int)fmin(p[DEPTH].real, INT_MAX),
      .hidden = (int)integer_or(&p[HIDDEN], p[WIDTH].integer),
      .activation = &wmc_activations[integer_or(&p[ACTIVATION], 0)],
      .slope = real_or(&p[SLOPE], 0),
      .weights = &wmc_weight_laws[p[WEIGHTS].integer],
      .hurst = real_or(&p[HURST], 0.5),
      .modes = (int)integer_or(&p[MODES], 0),
      .variance = p[VARIANCE].real,
      .time = real_or(&p[TIME], 1),
      .exponent = real_or(&p[EXPONENT], 0),
      .inner_variance = real_or(&p[INNER_VARIANCE], 1 / width),
      .input_norm2 = real_or(&p[INPUT_NORM2], width),
      .norm = (wmc_norm)integer_or(&p[NORM], WMC_NORM_NONE),
      .drop = 1 - real_or(&p[KEEP], 1),
      .split = {.is_complex = p[NUMBERS].integer == 1, .group = (int)p[GROUP].integer},
      .precision = (wmc_precision)p[PRECISION].integer,
  };
}

int wmc_jacobian_layer(const wmc_value *p, size_t k)
{
  return wmc_network_record_layer(p[RECORD].reals[k], (int)fmin(p[DEPTH].real, INT_MAX));
}

/* Rows of D W vanish if phi' does. */
bool wmc_jacobian_loses_rank(const wmc_value *p)
{
  wmc_block_options o = wmc_jacobian_options(p);
  return wmc_jacobian_block(p)->rank && wmc_activation_negative_slope(o.activation, o.slope) == 0;
}

bool wmc_jacobian_has_logarithm(const wmc_value *p) { return p[LOG_METRIC].integer == 1; }

wmc_jacobian_request wmc_jacobian_requested(const wmc_value *p)
{
  const size_t n = (size_t)p[BINS].integer;
  return (wmc_jacobian_request){.values = {n, p[LAMBDA_MIN].real, p[LAMBDA_MAX].real},
                                .gaps = {n, 0, p[GAP_MAX].real},
                                .ratios = {n, 0, 1},
                                .spacings = {n, 0, 4},
                                .covariance = p[COVARIANCE].integer == 1};
}
