/* Which chains have a limit at infinite depth, of the spectrum alone or of the pair (M, x): docs/
 * theory/jacobian.md, sections 1 and 6. */
#include <math.h>

#include "residual_jacobian_points.h"

/* phi'(0) of a smooth activation. */
static double slope_at_zero(const wmc_activation *activation)
{
  double zero = 0, value, slope;
  activation->apply(1, 0, &zero, &value, &slope);
  return slope;
}

/* Factor by which phi changes sigma^2; NAN if the diffusion involves more than the spectrum. */
static double activation_factor(const wmc_block *block, const wmc_block_options *o)
{
  double alpha = wmc_activation_negative_slope(o->activation, o->slope);
  if (block == &wmc_block_linear || block == &wmc_block_exponential) return 1;
  if (block == &wmc_block_two_layer) return 0.5 * (1 + alpha * alpha);
  if (block == &wmc_block_one_layer) return fabs(alpha) == 1 ? 1 : NAN;
  if (alpha == 1) return 1;
  return block == &wmc_block_inside && o->activation->odd ? pow(slope_at_zero(o->activation), 2)
                                                          : NAN;
}

double wmc_jacobian_factor(const wmc_value *p)
{
  const wmc_block_options o = wmc_jacobian_options(p);
  return activation_factor(wmc_jacobian_block(p), &o);
}

static bool refuse(int blame, const char *reason, int *field, const char **why)
{
  *field = blame;
  *why = reason;
  return false;
}

#define SWEEP_INSTEAD "sweep finite depths and extrapolate with `weylmc fit`"

static bool has_limit(const wmc_block *block, int *field, const char **why)
{
  if (block == &wmc_block_plain)
    return refuse(BLOCK, "a plain product has no limit; use a finite depth", field, why);
  if (block == &wmc_block_rotation)
    return refuse(BLOCK,
                  "a product of rotations is what it is at every depth: all lambda = 0; use "
                  "a finite depth",
                  field, why);
  return true;
}

/* Independent layers of residual blocks at the only scale that has a limit. */
static bool is_diffusion(const wmc_block *block, const wmc_block_options *o, int *field,
                         const char **why)
{
  if (!has_limit(block, field, why)) return false;
  if (o->weights->correlated)
    return refuse(
        WEIGHTS,
        "weights that depend on each other along the depth give no diffusion; " SWEEP_INSTEAD,
        field, why);
  if (wmc_block_exponent(o) != 0.5)
    return refuse(EXPONENT,
                  "independent weights have a non-trivial limit only with the exponent "
                  "1/2; leave it out",
                  field, why);
  return true;
}

bool wmc_jacobian_limit(const wmc_value *p, wmc_chamber_options *limit, int *field,
                        const char **why)
{
  const wmc_block *block = wmc_jacobian_block(p);
  const wmc_block_options o = wmc_jacobian_options(p);
  const double factor = activation_factor(block, &o);
  const int beta = p[NUMBERS].integer == 1 ? 2 : 1;
  const char *depends = "the spectrum depends on the vector x too";
  if (!is_diffusion(block, &o, field, why)) return false;
  if (o.norm != WMC_NORM_NONE) return refuse(NORM, depends, field, why);
  if (isnan(factor)) return refuse(ACTIVATION, depends, field, why);
  *limit = (wmc_chamber_options){.width = o.width,
                                 .beta = beta,
                                 .variance = o.variance * factor / (1 - o.drop),
                                 .time = o.time,
                                 .shift = block == &wmc_block_exponential ? 0 : 1 - 2.0 / beta,
                                 .resolution = p[RESOLUTION].real,
                                 .exact = beta == 2};
  return true;
}

/* C of two_layer and outer is an average over the rows of W1. */
static bool is_average(const wmc_block *block)
{
  return block == &wmc_block_two_layer || block == &wmc_block_outer;
}

/* The dimension in which |x|, or |x - mean|, of a chain with a norm is a Bessel process; 0: none.
 */
static int norm_dimension(const wmc_block_options *o)
{
  const int dimension[] = {
      [WMC_NORM_NONE] = 0, [WMC_NORM_RMS] = o->width, [WMC_NORM_LAYER] = o->width - 1};
  return dimension[o->norm];
}

/* Paths come within h^{1/2} of 0, h = 1/L, with a probability ~ h^{D/2 - 1}, and there the layers
 * are no small steps. From D = 5 on this is less than the terms of order h. */
const char *wmc_jacobian_series(const wmc_value *p)
{
  static const char *const series[] = {[3] = "half", [4] = "logarithmic"};
  const wmc_block_options o = wmc_jacobian_options(p);
  int field;
  const char *why;
  const int dimension = norm_dimension(&o);
  if (dimension >= (int)(sizeof series / sizeof *series)) return NULL;
  return is_diffusion(wmc_jacobian_block(p), &o, &field, &why) ? series[dimension] : NULL;
}

bool wmc_jacobian_diverges(const wmc_block_options *o) { return norm_dimension(o) == 2; }

static bool has_pair(const wmc_value *p, int *field, const char **why)
{
  const wmc_block *block = wmc_jacobian_block(p);
  const wmc_block_options o = wmc_jacobian_options(p);
  const bool homogeneous = o.activation->homogeneous, normed = o.norm != WMC_NORM_NONE;
  if (!is_diffusion(block, &o, field, why)) return false;
  if (block == &wmc_block_inside && !normed && !o.activation->odd)
    return refuse(ACTIVATION,
                  "the vector of this block explodes after a random time, and means do not exist; "
                  "use an odd activation (erf, sin, tanh), a norm, or finite depths",
                  field, why);
  if (is_average(block) && !homogeneous && o.weights != wmc_weights_find("gaussian"))
    return refuse(WEIGHTS,
                  "averages over the weights inside phi are known for weights: gaussian only; "
                  "use them, or " SWEEP_INSTEAD,
                  field, why);
  if (wmc_jacobian_diverges(&o))
    return refuse(
        WIDTH,
        "what this norm divides by comes too near to 0 at this width: E sum lambda = -inf; "
        "use a greater width",
        field, why);
  return true;
}

static bool is_smooth(const wmc_value *p)
{
  return &wmc_weight_laws[p[WEIGHTS].integer] == wmc_weights_find("smooth");
}

/* Smooth weights: an ordinary differential equation. */
static bool has_equation(const wmc_value *p, int *field, const char **why)
{
  const wmc_block_options o = wmc_jacobian_options(p);
  if (!has_limit(wmc_jacobian_block(p), field, why)) return false;
  if (wmc_block_exponent(&o) != 1)
    return refuse(EXPONENT,
                  "smooth weights have a non-trivial limit only with the exponent 1; leave it out",
                  field, why);
  if (!wmc_split_is_trivial(&o.split))
    return refuse(o.split.is_complex ? NUMBERS : GROUP,
                  "smooth weights are followed for real numbers without a group; " SWEEP_INSTEAD,
                  field, why);
  return true;
}

bool wmc_jacobian_steps(const wmc_value *p, const wmc_block **block, wmc_block_options *steps,
                        int *field, const char **why)
{
  const bool smooth = is_smooth(p);
  wmc_jacobian_points points;
  if (!(smooth ? has_equation : has_pair)(p, field, why)) return false;
  *block = (smooth ? wmc_neural_block : wmc_pair_block)(wmc_jacobian_block(p));
  *steps = wmc_jacobian_options(p);
  steps->depth = 0;
  if (wmc_jacobian_points_create(&points, p) == WMC_OK)
    steps->depth = (smooth ? wmc_neural_steps : wmc_pair_steps)(steps, p[RESOLUTION].real,
                                                                points.count, points.fraction);
  wmc_jacobian_points_free(&points);
  if (steps->depth > 0) return true;
  return refuse(RECORD,
                "steps are equal, and records and paths must be at ends of steps, at most 1e9; use "
                "fractions with few digits, or a smaller resolution, variance or time",
                field, why);
}

bool wmc_jacobian_has_covariance(const wmc_value *p)
{
  const wmc_block_options o = wmc_jacobian_options(p);
  return wmc_jacobian_block(p)->covariance && wmc_split_is_trivial(&o.split) &&
         !wmc_jacobian_alone(p) && !(wmc_jacobian_infinite(p) && o.weights->correlated);
}

bool wmc_jacobian_alone(const wmc_value *p)
{
  wmc_chamber_options limit;
  int field;
  const char *why;
  return wmc_jacobian_infinite(p) && wmc_jacobian_limit(p, &limit, &field, &why);
}

wmc_chamber_options wmc_jacobian_mode_limit(const wmc_value *p, int k)
{
  const wmc_split split = wmc_jacobian_options(p).split;
  wmc_chamber_options limit = {0};
  int field;
  const char *why;
  wmc_jacobian_limit(p, &limit, &field, &why);
  limit.beta = wmc_split_parts(&split, k);
  limit.shift = wmc_jacobian_block(p) == &wmc_block_exponential ? 0 : 1 - 2.0 / limit.beta;
  limit.exact = limit.beta == 2;
  return limit;
}
