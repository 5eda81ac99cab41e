#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/jacobian/block.h"
#include "weylmc/jacobian/exact.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/models/model.h"

enum {
  WIDTH,
  DEPTH,
  BLOCK,
  ACTIVATION,
  SLOPE,
  HIDDEN,
  INNER_VARIANCE,
  INPUT_NORM2,
  WEIGHTS,
  VARIANCE,
  TIME,
  RECORD,
  FIELDS
};

static const wmc_field fields[] = {
    [WIDTH] = {.name = "width",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = 4096,
               .required = true,
               .sweep = true,
               .unit = "1",
               .text = "number of neurons d; the Jacobian is d x d"},
    [DEPTH] = {.name = "depth",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = 1e9,
               .required = true,
               .sweep = true,
               .unit = "1",
               .text = "number of residual blocks L"},
    [BLOCK] = {.name = "block",
               .type = WMC_CHOICE,
               .choices = wmc_block_names,
               .standard = "linear",
               .sweep = true,
               .unit = "",
               .text = "kind of residual block"},
    [ACTIVATION] = {.name = "activation",
                    .type = WMC_CHOICE,
                    .choices = wmc_activation_names,
                    .standard = "relu",
                    .sweep = true,
                    .only = "block=two_layer",
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
                .text = "hidden width n of a block (default: width)"},
    [INNER_VARIANCE] = {.name = "inner_variance",
                        .type = WMC_REAL,
                        .minimum = 0,
                        .maximum = 1e12,
                        .open_minimum = true,
                        .sweep = true,
                        .only = "block=two_layer",
                        .unit = "1",
                        .text =
                            "variance c1 of the entries of W1 (default: 1/width); that of W2 is "
                            "c2 = variance time / (c1 n)"},
    [INPUT_NORM2] = {.name = "input_norm2",
                     .type = WMC_REAL,
                     .minimum = 0,
                     .maximum = 1e12,
                     .open_minimum = true,
                     .sweep = true,
                     .only = "block=two_layer",
                     .unit = "1",
                     .text = "squared norm of the input vector, whose direction is uniform "
                             "(default: width)"},
    [WEIGHTS] = {.name = "weights",
                 .type = WMC_CHOICE,
                 .choices = wmc_weight_law_names,
                 .standard = "gaussian",
                 .sweep = true,
                 .unit = "",
                 .text = "law of the independent entries of the weights"},
    [VARIANCE] = {.name = "variance",
                  .type = WMC_REAL,
                  .minimum = 0,
                  .maximum = 1e12,
                  .open_minimum = true,
                  .standard = "1",
                  .sweep = true,
                  .unit = "1",
                  .text = "sigma^2: variance of the increments of the Jacobian per unit of time"},
    [TIME] = {.name = "time",
              .type = WMC_REAL,
              .minimum = 0,
              .maximum = 1e12,
              .open_minimum = true,
              .standard = "1",
              .sweep = true,
              .unit = "1",
              .text = "depth time T; a layer's amplitude is sqrt(variance time / depth)"},
    [RECORD] = {.name = "record",
                .type = WMC_REALS,
                .minimum = 0,
                .maximum = 1,
                .open_minimum = true,
                .standard = "[1]",
                .unit = "1",
                .text = "fractions of the depth at which spectra are recorded"},
    [FIELDS] = {.name = NULL},
};

/* ---- parameters ------------------------------------------------------------------------- */

static const wmc_block *block_of(const wmc_value *p) { return wmc_blocks[p[BLOCK].integer]; }

static wmc_block_options options_of(const wmc_value *p)
{
  double width = (double)p[WIDTH].integer;
  long activation = p[ACTIVATION].present ? p[ACTIVATION].integer : 0;
  return (wmc_block_options){
      .width = (int)p[WIDTH].integer,
      .depth = (int)p[DEPTH].integer,
      .hidden = (int)(p[HIDDEN].present ? p[HIDDEN].integer : p[WIDTH].integer),
      .activation = &wmc_activations[activation],
      .slope = p[SLOPE].present ? p[SLOPE].real : 0,
      .weights = &wmc_weight_laws[p[WEIGHTS].integer],
      .variance = p[VARIANCE].real,
      .time = p[TIME].real,
      .inner_variance = p[INNER_VARIANCE].present ? p[INNER_VARIANCE].real : 1 / width,
      .input_norm2 = p[INPUT_NORM2].present ? p[INPUT_NORM2].real : width,
  };
}

static int record_layer(const wmc_value *p, size_t k)
{
  return wmc_network_record_layer(p[RECORD].reals[k], (int)p[DEPTH].integer);
}

static void check(const wmc_value *p, const wmc_complaints *complaints)
{
  for (size_t k = 1; k < p[RECORD].count; k++) {
    double before = p[RECORD].reals[k - 1], fraction = p[RECORD].reals[k];
    if (!(fraction > before))
      wmc_complain(complaints, RECORD,
                   "record: fractions must increase, but %g comes after %g; sort them", fraction,
                   before);
    else if (record_layer(p, k) == record_layer(p, k - 1))
      wmc_complain(complaints, RECORD,
                   "record: %g and %g of depth %ld are the same layer %d; leave one out or use "
                   "depths of at least %.0f",
                   before, fraction, p[DEPTH].integer, record_layer(p, k),
                   ceil(1 / (fraction - before)));
  }
}

static double cost(const wmc_value *p)
{
  wmc_block_options o = options_of(p);
  double d = o.width, depth = o.depth;
  int layers = wmc_network_factor_layers(block_of(p), &o);
  double factorisations = floor(depth / layers);
  const double overhead = 100, qr = 4, spectrum = 40;
  return depth * (overhead + 2 * d * d * d + block_of(p)->cost(&o)) +
         d * d * d * (qr * factorisations + spectrum * (double)p[RECORD].count);
}

/* ---- axes ------------------------------------------------------------------------------- */

enum { AXIS_RECORD, AXIS_INDEX, AXIS_GAP, AXES };

static size_t record_length(const wmc_value *p) { return p[RECORD].count; }

static void record_coordinates(const wmc_value *p, double *out)
{
  memcpy(out, p[RECORD].reals, p[RECORD].count * sizeof *out);
}

static size_t index_length(const wmc_value *p) { return (size_t)p[WIDTH].integer; }

/* Width 1 has no gap; its axis keeps one entry, which is NaN. */
static size_t gap_length(const wmc_value *p)
{
  return p[WIDTH].integer > 1 ? (size_t)p[WIDTH].integer - 1 : 1;
}

static void count_from_one(size_t n, double *out)
{
  for (size_t i = 0; i < n; i++) out[i] = (double)(i + 1);
}

static void index_coordinates(const wmc_value *p, double *out)
{
  count_from_one(index_length(p), out);
}

static void gap_coordinates(const wmc_value *p, double *out) { count_from_one(gap_length(p), out); }

static const wmc_axis axes[] = {
    [AXIS_RECORD] = {"record", "1", "fraction of the depth", record_length, record_coordinates},
    [AXIS_INDEX] = {"index", "1", "index of the singular value, largest first", index_length,
                    index_coordinates},
    [AXIS_GAP] = {"gap_index", "1", "gap between singular values i and i + 1", gap_length,
                  gap_coordinates},
    [AXES] = {.name = NULL},
};

/* ---- expected values -------------------------------------------------------------------- */

/* What the series of exact.h may leave out. */
static const double NEGLIGIBLE = 1e-7;

static bool is_linear_gaussian(const wmc_value *p)
{
  return block_of(p) == &wmc_block_linear &&
         wmc_weight_laws[p[WEIGHTS].integer].fill == wmc_stream_normals;
}

static double entry_variance(const wmc_value *p)
{
  return p[VARIANCE].real * p[TIME].real / (double)p[DEPTH].integer;
}

static bool expected_sum(const wmc_value *p, double *out)
{
  double error, one = wmc_exact_log_det((int)p[WIDTH].integer, entry_variance(p), &error);
  if (!is_linear_gaussian(p)) return false;
  for (size_t k = 0; k < p[RECORD].count; k++) {
    double layers = record_layer(p, k);
    out[k] = layers * error < NEGLIGIBLE ? layers * one : NAN;
  }
  return true;
}

static bool expected_log_det(const wmc_value *p, double *out)
{
  if (!expected_sum(p, out)) return false;
  for (size_t k = 0; k < p[RECORD].count; k++) out[k] *= 2;
  return true;
}

/* Mean of one layer, or NaN where the expectation is not known to all digits. */
static double layer_growth(const wmc_value *p)
{
  wmc_block_options o = options_of(p);
  double s2 = entry_variance(p), error = 0;
  double alpha = wmc_activation_negative_slope(o.activation, o.slope);
  if (o.weights->fill != wmc_stream_normals || isnan(alpha)) return NAN;
  if (block_of(p) == &wmc_block_linear) return wmc_exact_log_growth(o.width, s2);
  double growth = wmc_exact_log_growth_mixed(o.width, o.hidden, alpha, s2, &error);
  return o.depth * error < NEGLIGIBLE ? growth : NAN;
}

static bool expected_growth(const wmc_value *p, double *out)
{
  double one = layer_growth(p);
  for (size_t k = 0; k < p[RECORD].count; k++) out[k] = record_layer(p, k) * one;
  return !isnan(one);
}

/* The gap at width 2 (hyperbolic.h). */
static bool expected_gap(const wmc_value *p, double *out)
{
  double square;
  if (!is_linear_gaussian(p) || p[WIDTH].integer != 2) return false;
  for (size_t k = 0; k < p[RECORD].count; k++)
    wmc_hyperbolic_gap(entry_variance(p), record_layer(p, k), &out[k], &square);
  return true;
}

/* E J^T J = (1 + d s^2) I given the past, for any law of the weights; two-layer blocks with a
 * homogeneous activation have s^2 multiplied by E phi'^2 = (1 + alpha^2)/2. Beyond a certain
 * spread the mean is carried by draws that are never seen. */
static bool expected_trace(const wmc_value *p, double *out)
{
  const double widest = 2;
  wmc_block_options o = options_of(p);
  double s2 = entry_variance(p);
  if (block_of(p) != &wmc_block_linear) {
    double alpha = wmc_activation_negative_slope(o.activation, o.slope);
    if (isnan(alpha)) return false;
    s2 *= 0.5 * (1 + alpha * alpha);
  }
  for (size_t k = 0; k < p[RECORD].count; k++) {
    double layers = record_layer(p, k);
    bool narrow = wmc_exact_trace_metric_spread(o.width, s2, layers) < widest;
    out[k] = narrow ? wmc_exact_trace_metric(o.width, s2, layers) : NAN;
  }
  return true;
}

/* ---- observables ------------------------------------------------------------------------ */

enum {
  LOG_SINGULAR_VALUES,
  LOG_SINGULAR_VALUES_SUM,
  GAP,
  GAP_RATIO,
  LOG_DET_METRIC,
  TRACE_METRIC,
  LOG_VECTOR_GROWTH,
  CONDITION,
  EFFECTIVE_RANK,
  SQUARED_SUM,
  LOG_SPECTRUM_VARIANCE,
  OBSERVABLES
};

static const wmc_observable observables[] = {
    [LOG_SINGULAR_VALUES] = {"log_singular_values",
                             "1",
                             "logarithms lambda_i of the singular values of the Jacobian",
                             {AXIS_RECORD, AXIS_INDEX}},
    [LOG_SINGULAR_VALUES_SUM] = {"log_singular_values_sum",
                                 "1",
                                 "sum of lambda_i = log|det M|",
                                 {AXIS_RECORD, WMC_NO_AXIS},
                                 expected_sum},
    [GAP] = {"gap", "1", "lambda_i - lambda_{i+1}", {AXIS_RECORD, AXIS_GAP}, expected_gap},
    [GAP_RATIO] = {"gap_ratio",
                   "1",
                   "mean over neighbouring gaps of the smaller over the larger; width >= 3",
                   {AXIS_RECORD, WMC_NO_AXIS}},
    [LOG_DET_METRIC] = {"log_det_metric",
                        "1",
                        "log det g, g = M^T M",
                        {AXIS_RECORD, WMC_NO_AXIS},
                        expected_log_det},
    [TRACE_METRIC] = {"trace_metric", "1", "tr g", {AXIS_RECORD, WMC_NO_AXIS}, expected_trace},
    [LOG_VECTOR_GROWTH] = {"log_vector_growth",
                           "1",
                           "log|M u| for a fixed unit vector u",
                           {AXIS_RECORD, WMC_NO_AXIS},
                           expected_growth},
    [CONDITION] = {"condition",
                   "1",
                   "logarithm of the condition number, lambda_1 - lambda_d",
                   {AXIS_RECORD, WMC_NO_AXIS}},
    [EFFECTIVE_RANK] = {"effective_rank",
                        "1",
                        "exp of the entropy of the normalised singular values",
                        {AXIS_RECORD, WMC_NO_AXIS}},
    [SQUARED_SUM] = {"squared_sum",
                     "1",
                     "sum of lambda_i^2: a quarter of the squared distance of g from 1",
                     {AXIS_RECORD, WMC_NO_AXIS}},
    [LOG_SPECTRUM_VARIANCE] = {"log_spectrum_variance",
                               "1",
                               "variance of lambda_i over the index within one network",
                               {AXIS_RECORD, WMC_NO_AXIS}},
    [OBSERVABLES] = {.name = NULL},
};

/* Spectrum of one network at one depth. */
typedef struct spectrum {
  size_t d;
  const double *values; /* lambda, decreasing */
  double growth;        /* log|M u| */
} spectrum;

static double sum_of(const spectrum *s)
{
  double sum = 0;
  for (size_t i = 0; i < s->d; i++) sum += s->values[i];
  return sum;
}

static size_t put(double value, double *out)
{
  *out = value;
  return 1;
}

static size_t log_singular_values(const spectrum *s, double *out)
{
  memcpy(out, s->values, s->d * sizeof *out);
  return s->d;
}

static size_t log_singular_values_sum(const spectrum *s, double *out)
{
  return put(sum_of(s), out);
}

static size_t gap(const spectrum *s, double *out)
{
  if (s->d == 1) return put(NAN, out);
  for (size_t i = 0; i + 1 < s->d; i++) out[i] = s->values[i] - s->values[i + 1];
  return s->d - 1;
}

static size_t gap_ratio(const spectrum *s, double *out)
{
  double sum = 0;
  for (size_t i = 0; i + 2 < s->d; i++) {
    double a = s->values[i] - s->values[i + 1], b = s->values[i + 1] - s->values[i + 2];
    sum += a > 0 && b > 0 ? fmin(a, b) / fmax(a, b) : 0;
  }
  return put(s->d < 3 ? NAN : sum / (double)(s->d - 2), out);
}

static size_t log_det_metric(const spectrum *s, double *out) { return put(2 * sum_of(s), out); }

static size_t trace_metric(const spectrum *s, double *out)
{
  double sum = 0;
  for (size_t i = 0; i < s->d; i++) sum += exp(2 * s->values[i]);
  return put(sum, out);
}

static size_t log_vector_growth(const spectrum *s, double *out) { return put(s->growth, out); }

static size_t condition(const spectrum *s, double *out)
{
  return put(s->values[0] - s->values[s->d - 1], out);
}

static size_t effective_rank(const spectrum *s, double *out)
{
  double sum = 0, weighted = 0; /* relative to the largest singular value */
  for (size_t i = 0; i < s->d; i++) {
    double below = s->values[i] - s->values[0], weight = exp(below);
    sum += weight;
    weighted += weight * below;
  }
  return put(sum * exp(-weighted / sum), out);
}

static size_t squared_sum(const spectrum *s, double *out)
{
  double sum = 0;
  for (size_t i = 0; i < s->d; i++) sum += s->values[i] * s->values[i];
  return put(sum, out);
}

static size_t log_spectrum_variance(const spectrum *s, double *out)
{
  double mean = sum_of(s) / (double)s->d, sum = 0;
  for (size_t i = 0; i < s->d; i++) sum += (s->values[i] - mean) * (s->values[i] - mean);
  return put(sum / (double)s->d, out);
}

static size_t (*const measures[OBSERVABLES])(const spectrum *, double *) = {
    [LOG_SINGULAR_VALUES] = log_singular_values,
    [LOG_SINGULAR_VALUES_SUM] = log_singular_values_sum,
    [GAP] = gap,
    [GAP_RATIO] = gap_ratio,
    [LOG_DET_METRIC] = log_det_metric,
    [TRACE_METRIC] = trace_metric,
    [LOG_VECTOR_GROWTH] = log_vector_growth,
    [CONDITION] = condition,
    [EFFECTIVE_RANK] = effective_rank,
    [SQUARED_SUM] = squared_sum,
    [LOG_SPECTRUM_VARIANCE] = log_spectrum_variance,
};

/* ---- chains: every step is a new network ------------------------------------------------- */

typedef struct chain {
  size_t width, records;
  wmc_network *network;
} chain;

static void destroy(void *state)
{
  chain *c = state;
  if (!c) return;
  wmc_network_destroy(c->network);
  wmc_free(c);
}

static wmc_status create(const wmc_value *p, void **state)
{
  chain *c = WMC_NEW(chain);
  *state = c;
  if (!c) return wmc_no_memory();
  wmc_block_options options = options_of(p);
  c->width = (size_t)options.width;
  c->records = p[RECORD].count;
  wmc_status status =
      wmc_network_create(&c->network, block_of(p), &options, c->records, p[RECORD].reals);
  if (status != WMC_OK) {
    destroy(c);
    *state = NULL;
  }
  return status;
}

static void start(void *state, wmc_stream *stream)
{
  (void)state;
  (void)stream;
}

static wmc_status advance(void *state, wmc_stream *stream, long steps, bool thermalising)
{
  chain *c = state;
  (void)thermalising;
  for (long i = 0; i < steps; i++)
    if (!wmc_network_draw(c->network, stream)) return WMC_FAILURE;
  return WMC_OK;
}

static void measure(void *state, double *out)
{
  chain *c = state;
  for (size_t o = 0; o < OBSERVABLES; o++)
    for (size_t k = 0; k < c->records; k++) {
      spectrum s = {c->width, wmc_network_values(c->network) + k * c->width,
                    wmc_network_growth(c->network)[k]};
      out += measures[o](&s, out);
    }
}

static size_t state_size(const void *state)
{
  const chain *c = state;
  return c->records * (c->width + 1);
}

static void pack(const void *state, double *out)
{
  const chain *c = state;
  size_t n = c->records * c->width;
  memcpy(out, wmc_network_values(c->network), n * sizeof *out);
  memcpy(out + n, wmc_network_growth(c->network), c->records * sizeof *out);
}

static void unpack(void *state, const double *packed)
{
  chain *c = state;
  size_t n = c->records * c->width;
  memcpy(wmc_network_values(c->network), packed, n * sizeof *packed);
  memcpy(wmc_network_growth(c->network), packed + n, c->records * sizeof *packed);
}

const wmc_model wmc_residual_jacobian = {
    .name = "residual_jacobian",
    .text = "log-singular values of the input-output Jacobian of a residual network at "
            "initialisation",
    .reference = "docs/theory/jacobian.md",
    .fields = fields,
    .axes = axes,
    .observables = observables,
    .fit_parameter = "depth",
    .independent = true,
    .check = check,
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .start = start,
    .advance = advance,
    .measure = measure,
    .state_size = state_size,
    .pack = pack,
    .unpack = unpack,
};
