/* Exact expectations. Equations: docs/theory/jacobian.md. */
#include <math.h>

#include "residual_jacobian_moments.h"
#include "weylmc/jacobian/exact.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/numeric/special.h"

/* What the series of exact.h may leave out. */
static const double NEGLIGIBLE = 1e-7;
/* Relative variance beyond which the mean of tr g is carried by draws that are never seen. */
static const double WIDEST = 2;

/* What decides whether an expectation is known. */
typedef struct setting {
  wmc_block_options o;
  const wmc_block *block;
  double s2;    /* variance of the entries of J - I */
  double alpha; /* negative slope of a homogeneous activation, 1 without activation */
  bool bare;    /* neither normalisation nor dropout */
  bool linear;  /* the law of the linear chain */
  bool gaussian, fresh, orthogonal;
} setting;

/* A homogeneous phi with |alpha| = 1 only changes signs, which the law of W does not see: in
 * one_layer W D has the law of W whatever D is. */
static bool is_linear(const setting *t)
{
  if (t->block == &wmc_block_linear) return true;
  if (t->block == &wmc_block_one_layer) return fabs(t->alpha) == 1 && t->fresh;
  return (t->block == &wmc_block_inside || t->block == &wmc_block_outer) && t->alpha == 1;
}

/* The limit, if the depth is inf. */
static bool in_limit(const wmc_value *p, wmc_chamber_options *limit)
{
  int field;
  const char *why;
  return wmc_jacobian_infinite(p) && wmc_jacobian_limit(p, limit, &field, &why);
}

/* Sum over all modes, each as often as the whole matrix has it; NaN if one is. */
static double over_modes(const wmc_split *split, double (*of_mode)(int k, const void *data),
                         const void *data)
{
  double sum = 0;
  for (int k = 0; k < wmc_split_modes(split); k++)
    sum += wmc_split_repeats(split, k) * of_mode(k, data);
  return sum;
}

/* `rate` times sigma^2 t at every record. */
static bool linear_in_time(const wmc_value *p, const wmc_chamber_options *limit, double rate,
                           double *out)
{
  for (size_t k = 0; k < p[RECORD].count; k++)
    out[k] = rate * limit->variance * limit->time * p[RECORD].reals[k];
  return true;
}

static setting setting_of(const wmc_value *p)
{
  setting t = {.o = wmc_jacobian_options(p), .block = wmc_jacobian_block(p)};
  t.s2 = wmc_block_variance(&t.o);
  t.alpha = p[ACTIVATION].present ? wmc_activation_negative_slope(t.o.activation, t.o.slope) : 1;
  t.bare = t.o.norm == WMC_NORM_NONE && t.o.drop == 0;
  t.gaussian = t.o.weights->fill == wmc_stream_normals;
  t.fresh = !t.o.weights->correlated;
  t.orthogonal = t.o.weights == wmc_weights_find("orthogonal");
  t.linear = is_linear(&t);
  return t;
}

static bool is_plain(const setting *t) { return t->block == &wmc_block_plain; }

/* All singular values of a layer are the same number, e^{*each}. */
static bool is_conformal(const setting *t, double *each)
{
  *each = is_plain(t) ? 0.5 * log(t->o.variance * t->o.width) : 0;
  return t->block == &wmc_block_rotation || (is_plain(t) && t->orthogonal && fabs(t->alpha) == 1);
}

/* `one` at every layer; false if it is not known. */
static bool add_up(const wmc_value *p, double one, double *out)
{
  for (size_t k = 0; k < p[RECORD].count; k++) out[k] = wmc_jacobian_layer(p, k) * one;
  return !isnan(one);
}

/* The same number in all `entries` of each record. */
static bool spread_out(const wmc_value *p, size_t entries, double one, double *out)
{
  for (size_t k = 0; k < p[RECORD].count; k++)
    for (size_t i = 0; i < entries; i++) out[k * entries + i] = wmc_jacobian_layer(p, k) * one;
  return true;
}

bool wmc_jacobian_expected_values(const wmc_value *p, double *out)
{
  setting t = setting_of(p);
  double each;
  return is_conformal(&t, &each) && spread_out(p, wmc_jacobian_size(p), each, out);
}

bool wmc_jacobian_expected_levels(const wmc_value *p, double *out)
{
  setting t = setting_of(p);
  double each;
  return is_conformal(&t, &each) &&
         spread_out(p, (size_t)(wmc_split_modes(&t.o.split) * t.o.width), each, out);
}

bool wmc_jacobian_expected_condition(const wmc_value *p, double *out)
{
  setting t = setting_of(p);
  double each;
  return is_conformal(&t, &each) && spread_out(p, 1, 0, out);
}

/* E log|sigma z|, z with `count` gaussian components of mean square 1, real or complex. */
static double log_norm(int count, int beta, double variance)
{
  return 0.5 * (log(2 * variance / beta) + wmc_digamma(0.5 * beta * count));
}

/* E log|det sigma G|. */
static double log_det_of_product(int d, int beta, double variance)
{
  double sum = 0;
  for (int k = 1; k <= d; k++) sum += log_norm(k, beta, variance);
  return sum;
}

/* Of one layer of mode k, whatever the correlation between layers; NaN if unknown. */
static double mode_log_det(int k, const void *data)
{
  const setting *t = data;
  const int d = t->o.width, beta = wmc_split_parts(&t->o.split, k);
  const bool marginally_gaussian = t->gaussian || !t->fresh;
  double each, error = 0;
  if (is_conformal(t, &each)) return d * each;
  if (t->block == &wmc_block_exponential) return 0; /* s tr W */
  if (is_plain(t)) {
    /* each of the d slopes is 1 or alpha with probability 1/2 */
    double slopes = t->alpha != 0 ? 0.5 * d * log(fabs(t->alpha)) : NAN;
    if (t->gaussian) return log_det_of_product(d, beta, t->o.variance) + slopes;
    return t->orthogonal ? 0.5 * d * log(t->o.variance * d) + slopes : NAN;
  }
  if (!t->linear || !t->bare || !marginally_gaussian) return NAN;
  if (beta == 2) return wmc_exact_log_det_complex(d, t->s2);
  double one = wmc_exact_log_det(d, t->s2, &error);
  return error * t->o.depth < NEGLIGIBLE ? one : NAN;
}

static double layer_log_det(const setting *t) { return over_modes(&t->o.split, mode_log_det, t); }

/* Of the limit of mode k, for each unit of sigma^2 t. */
static double limit_log_det(int k, const void *p)
{
  const wmc_chamber_options limit = wmc_jacobian_mode_limit(p, k);
  return 0.5 * limit.width * limit.shift;
}

/* Depth inf, by steps. */
static bool in_steps(const wmc_value *p)
{
  return wmc_jacobian_infinite(p) && !wmc_jacobian_alone(p);
}

/* 1/(d - 2 + 2P) */
static double inverse(double p, void *d) { return 1 / (*(const double *)d - 2 + 2 * p); }

/* rho E|x|^{-2} for x ~ N(x_0, rho u I) in d dimensions, rho = |x_0|^2; for small u by the powers
 * of the Laplacian, as P would have no end of values. */
static double mean_inverse_square(double d, double u)
{
  if (u * d < 1e-6) return 1 - u * (d - 4) * (1 - u * (d - 6));
  return wmc_poisson_mean(0.5 / u, inverse, &d) / u;
}

/* Its integral over u from 0 to `end`: Simpson's rule in log(1 + u). */
static double integrated_inverse_square(double d, double end)
{
  enum { INTERVALS = 128 };
  const double h = log1p(end) / INTERVALS;
  double sum = 0;
  for (int k = 0; k <= INTERVALS; k++) {
    const double weight = k == 0 || k == INTERVALS ? 1 : k % 2 == 1 ? 4 : 2;
    sum += weight * exp(k * h) * mean_inverse_square(d, expm1(k * h));
  }
  return sum * h / 3;
}

/* rms norm before what is a linear branch: x_t ~ N(x_0, v d t I), and
 * E sum lambda = -(v/2) d (d - 1) int E|x_t|^{-2} dt. Linear smooth weights: the integral of a
 * trace of mean 0. */
static bool steps_log_det(const wmc_value *p, const setting *t, double *out)
{
  const double d = t->o.width, factor = wmc_jacobian_factor(p);
  const double end = t->o.variance * factor / (1 - t->o.drop) * d * t->o.time / t->o.input_norm2;
  const bool free =
      !t->fresh && t->o.norm == WMC_NORM_NONE && (t->linear || t->block == &wmc_block_exponential);
  if (!free && (!t->fresh || t->o.norm != WMC_NORM_RMS || isnan(factor))) return false;
  for (size_t k = 0; k < p[RECORD].count; k++)
    out[k] = free || d == 1
                 ? 0
                 : -0.5 * (d - 1) * integrated_inverse_square(d, end * p[RECORD].reals[k]);
  return true;
}

bool wmc_jacobian_expected_sum(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  setting t = setting_of(p);
  if (in_limit(p, &limit))
    return linear_in_time(p, &limit, over_modes(&t.o.split, limit_log_det, p), out);
  if (in_steps(p)) return steps_log_det(p, &t, out);
  return add_up(p, layer_log_det(&t), out);
}

bool wmc_jacobian_expected_log_det(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  setting t = setting_of(p);
  if (in_limit(p, &limit))
    return linear_in_time(p, &limit, 2 * over_modes(&t.o.split, limit_log_det, p), out);
  if (in_steps(p)) {
    const bool known = steps_log_det(p, &t, out);
    for (size_t k = 0; known && k < p[RECORD].count; k++) out[k] *= 2;
    return known;
  }
  return add_up(p, 2 * layer_log_det(&t), out);
}

/* Of one layer; NaN where the expectation is not known to all digits. A complex number is two real
 * ones of half the variance. */
static double layer_growth(const setting *t)
{
  const int beta = wmc_split_parts(&t->o.split, 0), d = beta * t->o.width;
  const double s2 = t->s2 / beta;
  double each, error = 0;
  if (is_conformal(t, &each)) return each;
  if (!t->bare || !t->gaussian || isnan(t->alpha) || t->o.split.group > 1) return NAN;
  if (is_plain(t)) return fabs(t->alpha) == 1 ? log_norm(t->o.width, beta, t->o.variance) : NAN;
  if (t->linear) return wmc_exact_log_growth(d, s2);
  if (t->block != &wmc_block_two_layer) return NAN;
  double one = wmc_exact_log_growth_mixed(d, beta * t->o.hidden, t->alpha, s2, &error);
  return error * t->o.depth < NEGLIGIBLE ? one : NAN;
}

bool wmc_jacobian_expected_growth(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  setting t = setting_of(p);
  if (in_limit(p, &limit))
    return t.o.split.group == 1 &&
           linear_in_time(p, &limit, 0.5 * (limit.width - 1 + limit.shift), out);
  return add_up(p, layer_growth(&t), out);
}

/* Complex numbers at width 2: the density is that of x sinh(x) e^{-x^2/(2 tau)}. */
static double complex_gap(double tau)
{
  const double pi = 3.14159265358979323846;
  return (1 + tau) * erf(sqrt(0.5 * tau)) + sqrt(2 * tau / pi) * exp(-0.5 * tau);
}

/* Width 2, infinite depth, shift 1 - 2/beta or 0. */
static bool limit_gap(const wmc_value *p, const wmc_chamber_options *limit, double *out)
{
  if (wmc_jacobian_size(p) != 2 || limit->width != 2) return false;
  for (size_t k = 0; k < p[RECORD].count; k++)
    out[k] = (limit->beta == 2 ? complex_gap : wmc_hyperbolic_gap_limit)(
        limit->variance * limit->time * p[RECORD].reals[k]);
  return true;
}

/* Relative variance of tr g: eq. (11) in the limit. */
static double limit_trace_spread(double d, double beta, double tau)
{
  const double excess = 2 / beta - 1, rate = sqrt(excess * excess + 8 / beta);
  return exp(excess * tau) *
             (cosh(rate * tau) + sinh(rate * tau) / rate * (4 / (beta * d) - excess)) -
         1;
}

typedef struct limit_mode {
  const wmc_value *parameters;
  double tau;
} limit_mode;

/* E tr g = d e^{d tau} for linear layers, as long as draws can see it. */
static double limit_mode_trace(int k, const void *data)
{
  const limit_mode *m = data;
  const wmc_chamber_options limit = wmc_jacobian_mode_limit(m->parameters, k);
  const double d = limit.width, beta = limit.beta;
  return limit_trace_spread(d, beta, m->tau) < WIDEST
             ? d * exp((d - (1 - 2 / beta) + limit.shift) * m->tau)
             : NAN;
}

static bool limit_trace(const wmc_value *p, const wmc_chamber_options *limit, double *out)
{
  const wmc_split split = wmc_jacobian_options(p).split;
  for (size_t k = 0; k < p[RECORD].count; k++) {
    const double tau = limit->variance * limit->time * p[RECORD].reals[k];
    out[k] = over_modes(&split, limit_mode_trace, &(limit_mode){p, tau});
  }
  return true;
}

/* The gap at width 2 (hyperbolic.h). */
bool wmc_jacobian_expected_gap(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  if (in_limit(p, &limit)) return limit_gap(p, &limit, out);
  setting t = setting_of(p);
  double each, square;
  if (wmc_jacobian_size(p) == 1) return false;
  if (is_conformal(&t, &each)) return spread_out(p, wmc_jacobian_size(p) - 1, 0, out);
  if (!t.linear || !t.gaussian || !t.bare || t.o.width != 2 || !wmc_split_is_trivial(&t.o.split))
    return false;
  for (size_t k = 0; k < p[RECORD].count; k++)
    wmc_hyperbolic_gap(t.s2, wmc_jacobian_layer(p, k), &out[k], &square);
  return true;
}

/* E D^2 = (1 + alpha^2)/2 for every symmetric law. Plain chains: |Mu|^2 is a product of independent
 * factors, sigma^2 times sum_i k_i z_i^2 with k_i = 1 or alpha^2; the spread of tr g is at most
 * that of |Mu|^2. */
static void plain_trace(const setting *t, int beta, double layers, double *mean, double *spread)
{
  const double d = t->o.width, second = 0.5 * (1 + pow(t->alpha, 2)),
               fourth = 0.5 * (1 + pow(t->alpha, 4)), kurtosis = beta == 2 ? 2 : 3;
  *mean = d * pow(t->o.variance * d * second, layers);
  *spread = pow(1 + (kurtosis * fourth / (second * second) - 1) / d, layers) - 1;
}

/* E J^T J = (1 + d s^2) I given the past, for any law that is fresh in every layer; dropout divides
 * s^2 by p, a homogeneous activation in two_layer multiplies it by E D^2. */
static double added_variance(const setting *t)
{
  double s2 = t->s2 / (1 - t->o.drop);
  if (t->o.norm != WMC_NORM_NONE) return NAN;
  if (t->linear) return s2;
  return t->block == &wmc_block_two_layer ? s2 * 0.5 * (1 + t->alpha * t->alpha) : NAN;
}

typedef struct mode_layers {
  const setting *setting;
  double s2, layers;
} mode_layers;

/* NaN where draws cannot see it. */
static double mode_trace(int k, const void *data)
{
  const mode_layers *m = data;
  const int d = m->setting->o.width, beta = wmc_split_parts(&m->setting->o.split, k);
  double mean, spread;
  if (is_plain(m->setting)) {
    plain_trace(m->setting, beta, m->layers, &mean, &spread);
  } else {
    mean = wmc_exact_trace_metric(d, m->s2, m->layers);
    spread = (beta == 2 ? wmc_exact_trace_metric_spread_complex
                        : wmc_exact_trace_metric_spread)(d, m->s2, m->layers);
  }
  return spread < WIDEST ? mean : NAN;
}

bool wmc_jacobian_expected_trace(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  if (in_limit(p, &limit)) return limit_trace(p, &limit, out);
  setting t = setting_of(p);
  const bool rotation = t.block == &wmc_block_rotation;
  double s2 = rotation ? 0 : added_variance(&t);
  if (!rotation && (!t.fresh || isnan(is_plain(&t) ? t.alpha : s2))) return false;
  for (size_t k = 0; k < p[RECORD].count; k++)
    out[k] = over_modes(&t.o.split, mode_trace, &(mode_layers){&t, s2, wmc_jacobian_layer(p, k)});
  return true;
}

bool wmc_jacobian_converges(const wmc_value *p)
{
  setting t = setting_of(p);
  double least = wmc_weights_persistence(t.o.weights, t.o.hurst);
  return !is_plain(&t) && !wmc_jacobian_diverges(&t.o) && wmc_block_exponent(&t.o) >= least;
}

/* ---- of the metric, and second moments ------------------------------------------------------ */

/* sigma^2 t of the limit at record k. */
static double limit_time(const wmc_value *p, const wmc_chamber_options *limit, size_t k)
{
  return limit->variance * limit->time * p[RECORD].reals[k];
}

/* The limit of a chain without a group. */
static bool in_whole_limit(const wmc_value *p, wmc_chamber_options *limit)
{
  return p[GROUP].integer == 1 && in_limit(p, limit);
}

/* `one` at every record. */
static bool everywhere(const wmc_value *p, double one, double *out)
{
  for (size_t k = 0; k < p[RECORD].count; k++) out[k] = one;
  return !isnan(one);
}

bool wmc_jacobian_expected_distance(const wmc_value *p, double *out)
{
  setting t = setting_of(p);
  double each;
  return is_conformal(&t, &each) &&
         add_up(p, 2 * sqrt((double)wmc_jacobian_size(p)) * fabs(each), out);
}

/* All kinds of ranks where all singular values are equal. */
bool wmc_jacobian_expected_rank(const wmc_value *p, double *out)
{
  setting t = setting_of(p);
  double each;
  return is_conformal(&t, &each) && everywhere(p, (double)wmc_jacobian_size(p), out);
}

/* In the limit the mean of lambda over i is independent of the gaps: E tr g / d is the product of
 * this and of E e^{2 mean}. */
bool wmc_jacobian_expected_anisotropy(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  setting t = setting_of(p);
  double each;
  if (!in_whole_limit(p, &limit)) return is_conformal(&t, &each) && everywhere(p, 1, out);
  const double d = limit.width, beta = limit.beta;
  for (size_t k = 0; k < p[RECORD].count; k++) {
    const double tau = limit_time(p, &limit, k);
    out[k] = limit_trace_spread(d, beta, tau) < WIDEST
                 ? exp((d - 1 + 2 / beta - 2 / (beta * d)) * tau)
                 : NAN;
  }
  return true;
}

/* E x^2 of the gap at width 2. */
static double limit_square_gap(int beta, double tau)
{
  return beta == 2 ? tau * (3 + tau) : wmc_hyperbolic_gap_square_limit(tau);
}

/* E sum lambda^2; beta = 2: the law is that of the eigenvalues of a Hermitian matrix, sqrt(tau/2)
 * times a gaussian one with the mean (tau/2) diag(d-1, d-3, ..., 1-d). */
static double limit_squared_sum(const wmc_chamber_options *limit, double tau)
{
  const double d = limit->width, beta = limit->beta, half = 0.5 * tau;
  const double mean = d * limit->shift * half, square = d * tau / beta + mean * mean;
  if (d == 1) return square;
  if (d == 2) return 0.5 * (square + limit_square_gap(limit->beta, tau));
  return beta == 2 && limit->shift == 0 ? half * d * d + half * half * d * (d * d - 1) / 3 : NAN;
}

bool wmc_jacobian_expected_squared_sum(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  setting t = setting_of(p);
  double each;
  if (is_conformal(&t, &each)) {
    for (size_t k = 0; k < p[RECORD].count; k++)
      out[k] = (double)wmc_jacobian_size(p) * pow(wmc_jacobian_layer(p, k) * each, 2);
    return true;
  }
  if (!in_whole_limit(p, &limit)) return false;
  for (size_t k = 0; k < p[RECORD].count; k++)
    out[k] = limit_squared_sum(&limit, limit_time(p, &limit, k));
  return true;
}

/* E log sin of the angle of two vectors = E log of their area - 2 E log|Mu|. */
bool wmc_jacobian_expected_log_sine(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  setting t = setting_of(p);
  const int beta = wmc_split_parts(&t.o.split, 0);
  double each, variance = t.o.variance;
  if (in_whole_limit(p, &limit)) return linear_in_time(p, &limit, -1, out);
  if (is_conformal(&t, &each)) return everywhere(p, 0, out);
  if (is_plain(&t) && t.gaussian && fabs(t.alpha) == 1)
    return add_up(p, log_norm(t.o.width - 1, beta, variance) - log_norm(t.o.width, beta, variance),
                  out);
  return t.o.width == 2 && add_up(p, layer_log_det(&t) - 2 * layer_growth(&t), out);
}

/* Of one layer; NaN if unknown. */
static double layer_variance_of_sum(const setting *t)
{
  const int beta = wmc_split_parts(&t->o.split, 0);
  double each, sum = 0;
  if (is_conformal(t, &each)) return 0;
  if (!t->fresh || t->o.split.group > 1) return NAN;
  if (t->block == &wmc_block_exponential) return t->s2 * t->o.width / beta; /* s Re tr W */
  if (!is_plain(t) || !t->gaussian || fabs(t->alpha) != 1) return NAN;
  for (int k = 1; k <= t->o.width; k++) sum += 0.25 * wmc_trigamma(0.5 * beta * k);
  return sum;
}

bool wmc_jacobian_expected_variance_of_sum(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  setting t = setting_of(p);
  if (in_whole_limit(p, &limit))
    return linear_in_time(p, &limit, (double)limit.width / limit.beta, out);
  return add_up(p, layer_variance_of_sum(&t), out);
}

static double layer_variance_of_growth(const setting *t)
{
  const int beta = wmc_split_parts(&t->o.split, 0), d = beta * t->o.width;
  double each;
  if (is_conformal(t, &each)) return 0;
  if (!t->bare || !t->gaussian || t->o.split.group > 1) return NAN;
  if (is_plain(t)) return fabs(t->alpha) == 1 ? 0.25 * wmc_trigamma(0.5 * d) : NAN;
  return t->linear ? wmc_exact_log_growth_variance(d, t->s2 / beta) : NAN;
}

bool wmc_jacobian_expected_variance_of_growth(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  setting t = setting_of(p);
  if (in_whole_limit(p, &limit)) return linear_in_time(p, &limit, 1.0 / limit.beta, out);
  return add_up(p, layer_variance_of_growth(&t), out);
}

/* Moments of the gap at width 2; in null tests there is nothing to compare with, because rounding
 * is all there is. */
static bool gap_moments(const wmc_value *p, size_t k, double *mean, double *square)
{
  wmc_chamber_options limit;
  const setting t = setting_of(p);
  if (t.o.width != 2 || p[GROUP].integer != 1) return false;
  if (in_limit(p, &limit)) {
    const double tau = limit_time(p, &limit, k);
    *mean = (limit.beta == 2 ? complex_gap : wmc_hyperbolic_gap_limit)(tau);
    *square = limit_square_gap(limit.beta, tau);
    return true;
  }
  if (!t.linear || !t.gaussian || !t.bare || !wmc_split_is_trivial(&t.o.split)) return false;
  wmc_hyperbolic_gap(t.s2, wmc_jacobian_layer(p, k), mean, square);
  return true;
}

bool wmc_jacobian_expected_variance_of_gap(const wmc_value *p, double *out)
{
  double mean, square;
  for (size_t k = 0; k < p[RECORD].count; k++) {
    if (!gap_moments(p, k, &mean, &square)) return false;
    out[k] = square - mean * mean;
  }
  return true;
}

bool wmc_jacobian_expected_variance_of_spacing(const wmc_value *p, double *out)
{
  double mean, square;
  for (size_t k = 0; k < p[RECORD].count; k++) {
    if (!gap_moments(p, k, &mean, &square)) return false;
    out[k] = square / (mean * mean) - 1;
  }
  return true;
}

/* At width 2 in the limit lambda_1 + lambda_2 and the gap are independent. Two rows. */
static bool two_by_two(const wmc_value *p, size_t columns, double *out)
{
  wmc_chamber_options limit;
  double mean, square;
  for (size_t k = 0; k < p[RECORD].count; k++) {
    if (!in_whole_limit(p, &limit) || !gap_moments(p, k, &mean, &square)) return false;
    const double sum = 2 * limit_time(p, &limit, k) / limit.beta, gap = square - mean * mean;
    for (size_t i = 0; i < 2; i++)
      for (size_t j = 0; j < columns; j++)
        *out++ = 0.25 * (columns == 1 || i == j ? sum + gap : sum - gap);
  }
  return true;
}

bool wmc_jacobian_expected_variance_of_values(const wmc_value *p, double *out)
{
  if (wmc_jacobian_size(p) == 1) return wmc_jacobian_expected_variance_of_sum(p, out);
  return two_by_two(p, 1, out);
}

bool wmc_jacobian_expected_covariance(const wmc_value *p, double *out)
{
  if (wmc_jacobian_size(p) == 1) return wmc_jacobian_expected_variance_of_sum(p, out);
  return two_by_two(p, 2, out);
}

bool wmc_jacobian_expected_log_mean(const wmc_value *p, double *out)
{
  if (!wmc_jacobian_expected_sum(p, out)) return false;
  for (size_t k = 0; k < p[RECORD].count; k++)
    out[k] = exp(2 * out[k] / (double)wmc_jacobian_size(p));
  return true;
}

/* Where the law of M is that of M O for every orthogonal O: a multiple of 1. */
bool wmc_jacobian_expected_log_mean_matrix(const wmc_value *p, double *out)
{
  const setting t = setting_of(p);
  const size_t d = wmc_jacobian_size(p), records = p[RECORD].count;
  if (!t.gaussian || !wmc_jacobian_expected_log_mean(p, out)) return false;
  for (size_t k = records; k-- > 0;) {
    const double one = out[k];
    for (size_t i = d * d; i-- > 0;) out[k * d * d + i] = i % (d + 1) == 0 ? one : 0;
  }
  return true;
}
