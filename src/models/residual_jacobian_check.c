/* What combinations of parameters are refused, and why. */
#include <float.h>
#include <limits.h>
#include <math.h>

#include "residual_jacobian_drift.h"
#include "residual_jacobian_levels.h"
#include "weylmc/jacobian/network.h"

static void check_depth(const wmc_value *p, const wmc_complaints *complaints)
{
  if (!wmc_jacobian_infinite(p) && p[DEPTH].real > INT_MAX)
    wmc_complain(complaints, DEPTH,
                 "depth: %.0f is too deep for a network of layers, of which there may be %d; use "
                 "fewer, or inf",
                 p[DEPTH].real, INT_MAX);
}

/* Below, layers would be 1 to the last bit, and all log-singular values 0. */
static void check_amplitude(const wmc_value *p, const wmc_complaints *complaints)
{
  wmc_block_options o = wmc_jacobian_options(p);
  if (wmc_jacobian_block(p) == &wmc_block_plain) return;
  if (wmc_jacobian_infinite(p)) o.depth = 1;
  const double s = sqrt(wmc_block_variance(&o));
  if (s < DBL_EPSILON)
    wmc_complain(complaints, TIME,
                 "time: s = sqrt(variance) (time/depth)^exponent is %.2g, less than the %.2g by "
                 "which numbers are rounded; use a longer time, a larger variance or fewer layers",
                 s, DBL_EPSILON);
}

static void check_records(const wmc_value *p, const wmc_complaints *complaints)
{
  for (size_t k = 1; k < p[RECORD].count; k++) {
    double before = p[RECORD].reals[k - 1], fraction = p[RECORD].reals[k];
    if (!(fraction > before))
      wmc_complain(complaints, RECORD,
                   "record: fractions must increase, but %g comes after %g; sort them", fraction,
                   before);
    else if (!wmc_jacobian_infinite(p) && wmc_jacobian_layer(p, k) == wmc_jacobian_layer(p, k - 1))
      wmc_complain(complaints, RECORD,
                   "record: %g and %g of depth %ld are the same layer %d; leave one out or use "
                   "depths of at least %.0f",
                   before, fraction, p[DEPTH].integer, wmc_jacobian_layer(p, k),
                   ceil(1 / (fraction - before)));
  }
}

/* A branch with a mean grows like s L, which has no limit. */
static void check_activation(const wmc_value *p, const wmc_complaints *complaints)
{
  wmc_block_options o = wmc_jacobian_options(p);
  const wmc_block *block = wmc_jacobian_block(p);
  double alpha = wmc_activation_negative_slope(o.activation, o.slope);
  bool linear = alpha == 1, homogeneous = !isnan(alpha);
  if (block == &wmc_block_outer && !o.activation->odd && !linear)
    wmc_complain(complaints, ACTIVATION,
                 "activation: block outer diverges with depth for %s, whose mean over symmetric "
                 "arguments is not 0; use an odd one: linear, erf, sin, tanh",
                 o.activation->name);
  if (block == &wmc_block_inside && homogeneous && !linear)
    wmc_complain(complaints, ACTIVATION,
                 "activation: block inside diverges with depth for %s, which is not smooth at 0; "
                 "use linear, erf, sin, tanh or gelu",
                 o.activation->name);
}

static void check_weights(const wmc_value *p, const wmc_complaints *complaints)
{
  const double most = 0x1p30;
  wmc_block_options o = wmc_jacobian_options(p);
  const wmc_block *block = wmc_jacobian_block(p);
  double size = (double)o.width * (block == &wmc_block_two_layer ? o.hidden : o.width) *
                wmc_split_reals(&o.split);
  double bytes = wmc_weights_memory(o.weights, size, o.depth, o.modes);
  if (block == &wmc_block_two_layer && o.weights == wmc_weights_find("fractional"))
    wmc_complain(complaints, WEIGHTS,
                 "weights: products of fractional weights have no scaling of their own; use "
                 "another law, or a block with one matrix: linear, one_layer, inside, outer");
  if (block == &wmc_block_plain && o.weights->correlated)
    wmc_complain(complaints, WEIGHTS,
                 "weights: %s depends on the depth in ways that only residual blocks can follow; "
                 "use gaussian, uniform or orthogonal",
                 o.weights->name);
  if (block == &wmc_block_plain && o.weights == wmc_weights_find("rademacher"))
    wmc_complain(complaints, WEIGHTS,
                 "weights: matrices of signs may be singular, which a plain product does not "
                 "survive; use gaussian, uniform or orthogonal");
  if (o.weights->correlated && !wmc_jacobian_infinite(p) && bytes > most)
    wmc_complain(complaints, WEIGHTS,
                 "weights: %s keeps %.1f GB for each matrix of a network; at most %.0f GB are "
                 "allowed: use a smaller width, depth or number of modes",
                 o.weights->name, bytes / 0x1p30, most / 0x1p30);
}

static void check_norm(const wmc_value *p, const wmc_complaints *complaints)
{
  wmc_block_options o = wmc_jacobian_options(p);
  if (o.norm == WMC_NORM_LAYER && o.width < 2)
    wmc_complain(complaints, NORM, "norm: layer needs a width of at least 2, found %d", o.width);
}

static bool has_split(const wmc_block *block)
{
  return block == &wmc_block_linear || block == &wmc_block_two_layer ||
         block == &wmc_block_exponential || block == &wmc_block_rotation ||
         block == &wmc_block_plain;
}

/* Complex numbers, and convolutions that fall into modes, want layers that are linear maps. */
static void check_split(const wmc_value *p, const wmc_complaints *complaints)
{
  const wmc_block_options o = wmc_jacobian_options(p);
  const wmc_block *block = wmc_jacobian_block(p);
  const int blame = o.split.is_complex ? NUMBERS : GROUP;
  const char *what = o.split.is_complex ? "field: complex numbers" : "group: Fourier modes";
  if (wmc_split_is_trivial(&o.split)) return;
  if (o.split.is_complex && o.split.group > 1)
    wmc_complain(complaints, GROUP,
                 "group: complex taps fall into n independent complex chains; use field: complex "
                 "without a group, or field: real");
  if ((double)o.split.group * o.width > 4096)
    wmc_complain(complaints, GROUP,
                 "group: %d sites of %d channels make a Jacobian of width %.0f; at most 4096 is "
                 "allowed",
                 o.split.group, o.width, (double)o.split.group * o.width);
  if (!has_split(block))
    wmc_complain(complaints, blame,
                 "%s want linear layers, and block %s with phi(x) = x is block linear; use block: "
                 "linear, two_layer, exponential, rotation or plain",
                 what, block->name);
  else if ((block == &wmc_block_two_layer || block == &wmc_block_plain) &&
           wmc_activation_negative_slope(o.activation, o.slope) != 1)
    wmc_complain(complaints, ACTIVATION,
                 "activation: %s is not linear, and %s want linear layers; use activation: linear",
                 o.activation->name, what);
  if (o.norm != WMC_NORM_NONE)
    wmc_complain(complaints, NORM,
                 "norm: the Jacobian of a normalisation is no complex matrix and mixes Fourier "
                 "modes; use norm: none");
  if (o.split.group > 1 && o.drop > 0)
    wmc_complain(complaints, KEEP,
                 "keep: masks do not commute with the group, so that modes mix; use keep: 1");
}

static void check_diffusivity(const wmc_value *p, const wmc_complaints *complaints)
{
  if (p[DIFFUSIVITY].integer == 0) return;
  if (!wmc_jacobian_has_covariance(p))
    wmc_complain(
        complaints, DIFFUSIVITY,
        "diffusivity: Q_ii is known for real residual blocks and exponential, and not at depth "
        "inf where the spectrum moves on its own or weights are smooth; use one of these or "
        "diffusivity: no");
}

static void check_logarithm(const wmc_value *p, const wmc_complaints *complaints)
{
  wmc_chamber_options limit;
  int field;
  const char *why;
  const wmc_split split = wmc_jacobian_options(p).split;
  if (!wmc_jacobian_has_logarithm(p)) return;
  if (!wmc_split_is_trivial(&split) || wmc_levels_count(p) > 0 || wmc_jacobian_loses_rank(p))
    wmc_complain(complaints, LOG_METRIC,
                 "log_metric: log g is recorded for real chains of one depth that keep their rank, "
                 "without a group; use log_metric: no");
  else if (wmc_jacobian_infinite(p) && wmc_jacobian_limit(p, &limit, &field, &why))
    wmc_complain(complaints, LOG_METRIC,
                 "log_metric: at depth inf this spectrum is followed without its vectors, and the "
                 "mean is a multiple of 1: log_euclidean_mean; use log_metric: no");
}

static void check_histograms(const wmc_value *p, const wmc_complaints *complaints)
{
  if (p[BINS].integer > 0 && p[BINS].integer < 4)
    wmc_complain(complaints, BINS, "bins: %ld bins show nothing; use 4 or more, or 0 for none",
                 p[BINS].integer);
  if (p[LAMBDA_MIN].real >= p[LAMBDA_MAX].real)
    wmc_complain(complaints, LAMBDA_MAX,
                 "lambda_max: %g is not above lambda_min, which is %g; use a larger one",
                 p[LAMBDA_MAX].real, p[LAMBDA_MIN].real);
}

/* The whole way, taken as one. */
static void check_steps(const wmc_chamber_options *limit, const wmc_complaints *complaints)
{
  const double most = 1e9;
  const double steps = limit->resolution * limit->width * limit->variance * limit->time;
  if (!limit->exact && steps > most)
    wmc_complain(complaints, TIME,
                 "time: resolution times width times variance times time, the number of steps at "
                 "depth inf, is %.3g; at most %.0g are allowed: make one of them smaller",
                 steps, most);
}

static void check_limit(const wmc_value *p, const wmc_complaints *complaints)
{
  wmc_chamber_options limit;
  wmc_block_options steps;
  const wmc_block *block;
  int field;
  const char *why;
  if (!wmc_jacobian_infinite(p)) return;
  if (wmc_jacobian_limit(p, &limit, &field, &why))
    check_steps(&limit, complaints);
  else if (!wmc_jacobian_steps(p, &block, &steps, &field, &why))
    wmc_complain(complaints, DEPTH, "depth: at depth inf %s", why);
}

void wmc_jacobian_check(const wmc_value *p, const wmc_complaints *complaints)
{
  check_depth(p, complaints);
  check_amplitude(p, complaints);
  check_histograms(p, complaints);
  check_logarithm(p, complaints);
  check_records(p, complaints);
  check_activation(p, complaints);
  check_weights(p, complaints);
  check_norm(p, complaints);
  check_split(p, complaints);
  check_diffusivity(p, complaints);
  wmc_jacobian_check_path(p, complaints);
  if (wmc_levels_of(p) == WMC_LEVELS_NONE) check_limit(p, complaints);
  wmc_levels_check(p, complaints);
  wmc_control_check(p, complaints);
}
