/** @file residual_jacobian.h  Inside the model `residual_jacobian`: fields, axes, observables.
 */
#pragma once
#include "histogram.h"
#include "weylmc/jacobian/block.h"
#include "weylmc/jacobian/chamber.h"
#include "weylmc/jacobian/pair.h"
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
  NORM,
  KEEP,
  WEIGHTS,
  HURST,
  MODES,
  EXPONENT,
  VARIANCE,
  TIME,
  RECORD,
  NUMBERS,
  GROUP,
  RESOLUTION,
  DIFFUSIVITY,
  LAGS,
  SUBSTEPS,
  WINDOW,
  GAPS,
  LEVELS,
  LEVELS_COARSEST,
  LEVELS_FINEST,
  LEVELS_BIAS,
  CONTROL,
  BINS,
  LAMBDA_MIN,
  LAMBDA_MAX,
  GAP_MAX,
  COVARIANCE,
  LOG_METRIC,
  PRECISION,
  FIELDS
};

/* AXIS_LOSS and AXIS_LOSS_INDEX have no entries where no singular value can vanish, AXIS_MODE and
 * AXIS_CHANNEL none without a group, AXIS_RATE none unless diffusivity is asked for; those from
 * AXIS_PATH to AXIS_SUM have some where paths are recorded, AXIS_CONTROL with control, AXIS_LEVEL
 * and AXIS_LEVELS (one entry) with multilevel, AXIS_BIAS with that at depth inf. */
enum {
  AXIS_RECORD,
  AXIS_INDEX,
  AXIS_GAP,
  AXIS_LOSS,
  AXIS_LOSS_INDEX,
  AXIS_MODE,
  AXIS_CHANNEL,
  AXIS_RATE,
  AXIS_PATH,
  AXIS_PATH_VECTORS,
  AXIS_PATH_COVARIANCE,
  AXIS_LAG,
  AXIS_PATH_INDEX,
  AXIS_PATH_OTHER,
  AXIS_PAIR_GAP,
  AXIS_SUM,
  AXIS_CONTROL,
  AXIS_LEVEL,
  AXIS_LEVELS,
  AXIS_BIAS,
  AXIS_LOSS_GAP,
  AXIS_ANGLE,
  AXIS_ROW,
  AXIS_COLUMN,
  AXIS_PRECISION,
  AXIS_METRIC_ROW,
  AXIS_METRIC_COLUMN,
  AXIS_LAMBDA_BIN,
  AXIS_GAP_BIN,
  AXIS_RATIO_BIN,
  AXIS_SPACING_BIN,
  AXES
};

/* Histograms and products that are asked for; bins of count 0 are not. */
typedef struct wmc_jacobian_request {
  wmc_bins values, gaps, ratios, spacings;
  bool covariance;
} wmc_jacobian_request;

/* Spectrum of one network at one depth. */
typedef struct wmc_jacobian_spectrum {
  size_t d;
  const double *values; /* lambda, decreasing; -inf for what is lost */
  size_t modes, channels;
  const double *levels; /* modes x channels: the same mode by mode, without repeats */
  const wmc_split *split;
  const wmc_jacobian_request *request;
  double growth;             /* log|M u| */
  bool angle;                /* there is one: */
  double log_sine;           /* of the angle between M u and M v */
  const double *logarithm;   /* log g, d x d; NULL unless asked for */
  bool loses;                /* values may be lost */
  const double *diffusivity; /* Q_ii; NULL unless asked for */
} wmc_jacobian_spectrum;

extern const wmc_model wmc_residual_jacobian;
extern const wmc_field wmc_jacobian_fields[];
extern const wmc_axis wmc_jacobian_axes[];
extern const wmc_observable wmc_jacobian_observables[];
extern const wmc_derived wmc_jacobian_derived[];
extern const wmc_report wmc_jacobian_report;

const wmc_block *wmc_jacobian_block(const wmc_value *parameters);
wmc_block_options wmc_jacobian_options(const wmc_value *parameters);
/** Singular values of a network: width, times the order of the group. */
size_t wmc_jacobian_size(const wmc_value *parameters);
/** Entries of an observable in the means of all of them. */
const double *wmc_jacobian_mean(const wmc_value *parameters, const double *means,
                                const char *observable);
/** Depth inf: the diffusion of chamber.h. */
bool wmc_jacobian_infinite(const wmc_value *parameters);
/** The diffusion that the spectrum follows at depth inf, where it moves on its own. False if it
 * does not: then *field is the parameter to blame, and *why goes on from "at depth inf ". */
bool wmc_jacobian_limit(const wmc_value *parameters, wmc_chamber_options *limit, int *field,
                        const char **why);
/** Depth inf, where wmc_jacobian_limit says yes: no matrices are made. */
bool wmc_jacobian_alone(const wmc_value *parameters);
/** Matrices are multiplied, of `block` with `options`: a network, or steps of the limit. Of a sum
 * over levels: its deepest. */
bool wmc_jacobian_multiplies(const wmc_value *parameters, const wmc_block **block,
                             wmc_block_options *options);
/** Factor by which phi changes sigma^2 at depth inf where, without norm, it does nothing else; NaN
 * elsewhere. */
double wmc_jacobian_factor(const wmc_value *parameters);
/** Where wmc_jacobian_limit says no: the steps of pair.h, or why there are none. */
bool wmc_jacobian_steps(const wmc_value *parameters, const wmc_block **block,
                        wmc_block_options *steps, int *field, const char **why);
/** C(x) of the next layer, or step, is known (block.h). */
bool wmc_jacobian_has_covariance(const wmc_value *parameters);
/** The same as wmc_jacobian_limit for mode k of split.h, where it exists. */
wmc_chamber_options wmc_jacobian_mode_limit(const wmc_value *parameters, int k);
/** Layer at which record k is taken. */
int wmc_jacobian_layer(const wmc_value *parameters, size_t k);
/** log g is recorded. */
bool wmc_jacobian_has_logarithm(const wmc_value *parameters);
wmc_jacobian_request wmc_jacobian_requested(const wmc_value *parameters);
/** Two vectors are followed: width 2 or more, no group, one depth. */
bool wmc_jacobian_has_angle(const wmc_value *parameters);
/** Singular values may vanish exactly: rank is lost and log-singular values become -inf. */
bool wmc_jacobian_loses_rank(const wmc_value *parameters);
/** What was chosen: the precision. */
void wmc_jacobian_note(const wmc_value *parameters, wmc_text *out);
void wmc_jacobian_check(const wmc_value *parameters, const wmc_complaints *complaints);
/** Work of all at depth inf without levels, in flops. */
double wmc_jacobian_limit_cost(const wmc_value *parameters);
/** Work of one network of this depth, in flops. */
double wmc_jacobian_network_cost(const wmc_value *parameters, int depth);
/** The same of so many steps of wmc_jacobian_steps. */
double wmc_jacobian_steps_cost(const wmc_value *parameters, int depth);

/** All modes of a network or of its limit as one matrix (split.h): lambda in decreasing order, and
 * log|M e_1| from those of the modes. */
void wmc_jacobian_merge(const wmc_split *split, size_t channels, const double *levels, double *out);
double wmc_jacobian_merge_growth(const wmc_split *split, const double *growth);

/** Entries of the observables of one network; those of controls and levels follow them. */
size_t wmc_jacobian_network_size(const wmc_value *parameters);
/** Observables of one network in table order, up to drift_sums, for the spectra of all records;
 * returns the number of entries. */
size_t wmc_jacobian_measure(size_t records, const wmc_jacobian_spectrum *spectra, double *out);

/* Exact expectations, as wmc_observable.expected. */
bool wmc_jacobian_expected_values(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_levels(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_sum(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_log_det(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_gap(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_growth(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_trace(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_condition(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_distance(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_rank(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_anisotropy(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_squared_sum(const wmc_value *parameters, double *out);
bool wmc_jacobian_expected_log_sine(const wmc_value *parameters, double *out);
/** A finite limit L -> infinity exists. */
bool wmc_jacobian_converges(const wmc_value *parameters);
/** A norm is singular in 2 dimensions, so that E sum lambda -> -infinity as L -> infinity. */
bool wmc_jacobian_diverges(const wmc_block_options *options);
/** As wmc_model.series: with a norm that is singular in 3 or 4 dimensions. */
const char *wmc_jacobian_series(const wmc_value *parameters);
