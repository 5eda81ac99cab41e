#include <float.h>
#include <limits.h>
#include <math.h>

#include "residual_jacobian_drift.h"
#include "residual_jacobian_levels.h"
#include "weylmc/jacobian/network.h"

#define RESIDUAL        "block=linear|one_layer|two_layer|inside|outer"
#define LAYERED         RESIDUAL "|exponential|rotation"
#define WITH_INPUT      RESIDUAL "|plain"
#define NONLINEAR       "activation=erf|sin|tanh|gelu" /* phi(c x) is not c phi(x) */
#define WITH_ACTIVATION "block=one_layer|two_layer|inside|outer|plain"

static const char *const no_or_yes[] = {"no", "yes", NULL};
static const char *const numbers[] = {"real", "complex", NULL};

#define WITH_LEVELS "multilevel.kind=depth|limit"

const wmc_field wmc_jacobian_fields[] = {
    [WIDTH] = {.name = "width",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = 4096,
               .required = true,
               .sweep = true,
               .unit = "1",
               .text =
                   "number of neurons d; the Jacobian is d x d. With a group: channels c of each "
                   "of its n sites"},
    [DEPTH] = {.name = "depth",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = INFINITY,
               .required = true,
               .sweep = true,
               .unit = "1",
               .text = "number of residual blocks L; inf for the limit diffusion"},
    [BLOCK] = {.name = "block",
               .type = WMC_CHOICE,
               .choices = wmc_block_names,
               .standard = "linear",
               .sweep = true,
               .unit = "",
               .text = "kind of block"},
    [ACTIVATION] = {.name = "activation",
                    .type = WMC_CHOICE,
                    .choices = wmc_activation_names,
                    .standard = "relu",
                    .sweep = true,
                    .only = WITH_ACTIVATION,
                    .unit = "",
                    .text = "activation function phi"},
    [SLOPE] = {.name = "slope",
               .type = WMC_REAL,
               .minimum = -100,
               .maximum = 100,
               .standard = "0.01",
               .sweep = true,
               .only = "activation=leaky_relu",
               .unit = "1",
               .text = "slope of leaky_relu for negative arguments"},
    [HIDDEN] = {.name = "hidden",
                .type = WMC_INT,
                .minimum = 1,
                .maximum = 65536,
                .sweep = true,
                .only = "block=two_layer",
                .unit = "1",
                .needs = "depth!=inf or weights=smooth or multilevel.kind=depth",
                .text = "hidden width n of a block (default: width)"},
    [INNER_VARIANCE] =
        {.name = "inner_variance",
         .type = WMC_REAL,
         .minimum = 0,
         .maximum = 1e12,
         .open_minimum = true,
         .sweep = true,
         .only = "block=two_layer|outer",
         .needs = NONLINEAR,
         .unit = "1",
         .text = "variance c1 of the weights inside phi (default: 1/width); for phi(x) = x "
                 "it drops out"},
    [INPUT_NORM2] = {.name = "input_norm2",
                     .type = WMC_REAL,
                     .minimum = 0,
                     .maximum = 1e12,
                     .open_minimum = true,
                     .sweep = true,
                     .only = WITH_INPUT,
                     .needs = NONLINEAR " or norm=rms|layer",
                     .unit = "1",
                     .text = "squared norm of the input vector, whose direction is uniform "
                             "(default: width)"},
    [NORM] = {.name = "norm",
              .type = WMC_CHOICE,
              .choices = wmc_norm_names,
              .standard = "none",
              .sweep = true,
              .only = RESIDUAL,
              .unit = "",
              .text =
                  "normalisation before the branch: x sqrt(d)/|x| (rms), less the mean (layer)"},
    [KEEP] = {.name = "keep",
              .type = WMC_REAL,
              .minimum = 0,
              .maximum = 1,
              .open_minimum = true,
              .standard = "1",
              .sweep = true,
              .only = RESIDUAL,
              .unit = "1",
              .text = "probability p that dropout keeps an output of the branch, which is then "
                      "divided by p"},
    [WEIGHTS] = {.name = "weights",
                 .type = WMC_CHOICE,
                 .choices = wmc_weight_law_names,
                 .standard = "gaussian",
                 .sweep = true,
                 .unit = "",
                 .text = "law of the weights"},
    [HURST] = {.name = "hurst",
               .type = WMC_REAL,
               .minimum = 0.5,
               .maximum = 1 - 1e-9,
               .standard = "0.75",
               .sweep = true,
               .only = "weights=fractional",
               .unit = "1",
               .text = "Hurst index H of fractional noise along the depth; 1/2 is independent"},
    [MODES] = {.name = "modes",
               .type = WMC_INT,
               .minimum = 0,
               .maximum = 1000,
               .standard = "3",
               .sweep = true,
               .only = "weights=smooth",
               .unit = "1",
               .text = "modes K of weights that are smooth functions of the depth"},
    [EXPONENT] = {.name = "exponent",
                  .type = WMC_REAL,
                  .minimum = 0,
                  .maximum = 10,
                  .open_minimum = true,
                  .sweep = true,
                  .only = LAYERED,
                  .unit = "1",
                  .text =
                      "b in s^2 = variance (time/depth)^(2b) (default: 1/2; H for fractional, 1 "
                      "for smooth weights)"},
    [VARIANCE] =
        {.name = "variance",
         .type = WMC_REAL,
         .minimum = 0,
         .maximum = 1e12,
         .open_minimum = true,
         .standard = "1",
         .sweep = true,
         .unit = "1",
         .text = "sigma^2: variance of the increments of the Jacobian per unit of time; plain: "
                 "variance of the weights"},
    [TIME] = {.name = "time",
              .type = WMC_REAL,
              .minimum = 0,
              .maximum = 1e12,
              .open_minimum = true,
              .standard = "1",
              .sweep = true,
              .only = LAYERED,
              .unit = "1",
              .text = "depth time T"},
    [RECORD] = {.name = "record",
                .type = WMC_REALS,
                .minimum = 0,
                .maximum = 1,
                .open_minimum = true,
                .standard = "[1]",
                .unit = "1",
                .text = "fractions of the depth at which spectra are recorded"},
    [NUMBERS] = {.name = "field",
                 .type = WMC_CHOICE,
                 .choices = numbers,
                 .standard = "real",
                 .sweep = true,
                 .unit = "",
                 .text = "numbers in the weights: real, or complex with independent parts (where "
                         "all is linear)"},
    [GROUP] = {.name = "group",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = 4096,
               .standard = "1",
               .sweep = true,
               .unit = "1",
               .text = "order n of a cyclic group: layers are circular convolutions with n taps, "
                       "and the Jacobian is n c x n c (where all is linear)"},
    [RESOLUTION] = {.name = "resolution",
                    .type = WMC_REAL,
                    .minimum = 0,
                    .maximum = 1e6,
                    .open_minimum = true,
                    .standard = "1",
                    .sweep = true,
                    .needs = "depth=inf, field=real, multilevel.kind=none",
                    .unit = "1",
                    .text =
                        "depth inf: steps for each unit of width variance time (8 times as many "
                        "where x is followed too); complex numbers need none"},
    [DIFFUSIVITY] = {.name = "diffusivity",
                     .type = WMC_CHOICE,
                     .choices = no_or_yes,
                     .standard = "no",
                     .unit = "",
                     .text = "whether Q_ii, the variance rate of each lambda_i, is recorded too"},
    [LAGS] = {.name = "lags",
              .type = WMC_REALS,
              .minimum = 0,
              .maximum = 1,
              .open_minimum = true,
              .unit = "1",
              .text =
                  "fractions of the depth over which drift and diffusion are estimated; without "
                  "it they are not"},
    [SUBSTEPS] = {.name = "substeps",
                  .type = WMC_INT,
                  .minimum = 1,
                  .maximum = 1000,
                  .standard = "4",
                  .needs = "lags",
                  .unit = "1",
                  .text = "points of the recorded path in the shortest lag"},
    [WINDOW] = {.name = "window",
                .type = WMC_REALS,
                .minimum = 0,
                .maximum = 1,
                .open_minimum = true,
                .standard = "[0.25, 1]",
                .needs = "lags",
                .unit = "1",
                .text = "fractions of the depth between which the path is recorded"},
    [GAPS] = {.name = "gaps",
              .type = WMC_REALS,
              .minimum = 0,
              .maximum = 1000,
              .open_minimum = true,
              .needs = "lags",
              .unit = "1",
              .text = "nodes of a free pair function of the gap in the drift; without them none"},
    [LEVELS] = {.name = "multilevel.kind",
                .type = WMC_CHOICE,
                .choices = wmc_levels_names,
                .standard = "none",
                .sweep = true,
                .unit = "",
                .text = "sum over levels of coupled networks of two depths (depth), or of a chain "
                        "of second order with the same limit (limit)"},
    [LEVELS_COARSEST] = {.name = "multilevel.coarsest",
                         .type = WMC_INT,
                         .minimum = 2,
                         .maximum = 1048576,
                         .standard = "16",
                         .sweep = true,
                         .only = WITH_LEVELS,
                         .unit = "1",
                         .text = "depth of the coarsest level that may be used"},
    [LEVELS_FINEST] = {.name = "multilevel.finest",
                       .type = WMC_INT,
                       .minimum = 16,
                       .maximum = 16777216,
                       .standard = "1024",
                       .only = WITH_LEVELS,
                       .needs = "depth=inf",
                       .unit = "1",
                       .text = "depth inf: deepest level that may be used"},
    [LEVELS_BIAS] = {.name = "multilevel.bias",
                     .type = WMC_REAL,
                     .minimum = 0,
                     .maximum = 1,
                     .open_minimum = true,
                     .standard = "1e-3",
                     .sweep = true,
                     .only = WITH_LEVELS,
                     .needs = "depth=inf",
                     .unit = "1",
                     .text = "depth inf: largest bias of the mean of lambda_1 that is left, as the "
                             "pilot estimates it"},
    [CONTROL] = {.name = "control",
                 .type = WMC_CHOICE,
                 .choices = no_or_yes,
                 .standard = "no",
                 .sweep = true,
                 .unit = "",
                 .text = "control variates with exact means for log_singular_values_controlled"},
    [BINS] = {.name = "bins",
              .type = WMC_INT,
              .minimum = 0,
              .maximum = 10000,
              .standard = "0",
              .unit = "1",
              .text = "bins of the histograms of lambda_i, gaps, unfolded gaps, gap ratios and "
                      "log|M u|; 0: none"},
    [LAMBDA_MIN] = {.name = "lambda_min",
                    .type = WMC_REAL,
                    .minimum = -1e6,
                    .maximum = 1e6,
                    .standard = "-5",
                    .needs = "bins!=0",
                    .unit = "1",
                    .text = "begin of the histograms of lambda_i and log|M u|; smaller ones are "
                            "not counted"},
    [LAMBDA_MAX] = {.name = "lambda_max",
                    .type = WMC_REAL,
                    .minimum = -1e6,
                    .maximum = 1e6,
                    .standard = "5",
                    .needs = "bins!=0",
                    .unit = "1",
                    .text = "their end; larger ones are not counted"},
    [GAP_MAX] = {.name = "gap_max",
                 .type = WMC_REAL,
                 .minimum = 0,
                 .maximum = 1e6,
                 .open_minimum = true,
                 .standard = "6",
                 .needs = "bins!=0",
                 .unit = "1",
                 .text = "end of the histograms of gaps, which start at 0; larger ones are not "
                         "counted"},
    [COVARIANCE] = {.name = "covariance",
                    .type = WMC_CHOICE,
                    .choices = no_or_yes,
                    .standard = "no",
                    .unit = "",
                    .text = "whether the covariance matrix of all lambda_i is recorded"},
    [LOG_METRIC] = {.name = "log_metric",
                    .type = WMC_CHOICE,
                    .choices = no_or_yes,
                    .standard = "no",
                    .unit = "",
                    .text = "whether the entries of log g are averaged; exp of their mean is the "
                            "log-Euclidean mean of the metric g"},
    [PRECISION] = {.name = "precision",
                   .type = WMC_CHOICE,
                   .choices = wmc_precision_names,
                   .standard = "auto",
                   .unit = "",
                   .text = "arithmetic of the product of the layers: double, extended (twice the "
                           "digits), or auto: extended where double is expected to be off by more "
                           "than 1e-12"},
    [FIELDS] = {.name = NULL},
};

/* ---- parameters ------------------------------------------------------------------------- */

const wmc_block *wmc_jacobian_block(const wmc_value *p) { return wmc_blocks[p[BLOCK].integer]; }

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

bool wmc_jacobian_has_angle(const wmc_value *p)
{
  return p[WIDTH].integer > 1 && p[GROUP].integer == 1 && wmc_levels_count(p) == 0;
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

/* ---- checks ------------------------------------------------------------------------------- */

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
  if (wmc_levels_of(p) == WMC_LEVELS_NONE) wmc_jacobian_check_limit(p, complaints);
  wmc_levels_check(p, complaints);
  wmc_control_check(p, complaints);
}

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

static double limit_cost(const wmc_value *p)
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

bool wmc_jacobian_multiplies(const wmc_value *p, const wmc_block **block, wmc_block_options *o)
{
  const wmc_levels_kind kind = wmc_levels_of(p);
  int field;
  const char *why;
  *block = kind == WMC_LEVELS_LIMIT ? NULL : wmc_jacobian_block(p);
  *o = wmc_jacobian_options(p);
  if (kind != WMC_LEVELS_NONE) o->depth = wmc_levels_depth(p, wmc_levels_count(p) - 1);
  if (kind != WMC_LEVELS_NONE || !wmc_jacobian_infinite(p)) return true;
  return !wmc_jacobian_alone(p) && wmc_jacobian_steps(p, block, o, &field, &why);
}

void wmc_jacobian_note(const wmc_value *p, wmc_text *out)
{
  const wmc_block *block;
  wmc_block_options o;
  if (!wmc_jacobian_multiplies(p, &block, &o)) return;
  const bool extended = wmc_network_is_extended(block, &o);
  wmc_text_append(out, "precision %s: log-singular values to %.1g (%s: %.1g)",
                  wmc_precision_names[extended ? WMC_PRECISION_EXTENDED : WMC_PRECISION_DOUBLE],
                  wmc_network_error(block, &o, extended),
                  wmc_precision_names[extended ? WMC_PRECISION_DOUBLE : WMC_PRECISION_EXTENDED],
                  wmc_network_error(block, &o, !extended));
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

double wmc_jacobian_cost(const wmc_value *p)
{
  if (wmc_levels_of(p) != WMC_LEVELS_NONE) return wmc_levels_cost(p);
  if (wmc_jacobian_infinite(p)) return limit_cost(p);
  return wmc_jacobian_network_cost(p, wmc_jacobian_options(p).depth);
}
