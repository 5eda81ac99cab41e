/* Exact expectations. Equations: docs/theory/jacobian.md. */
#include <math.h>

#include "residual_jacobian_expected.h"
#include "weylmc/jacobian/exact.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/numeric/special.h"

/* What the series of exact.h may leave out. */
static const double NEGLIGIBLE = 1e-7;

/* A homogeneous phi with |alpha| = 1 only changes signs, which the law of W does not see: in
 * one_layer W D has the law of W whatever D is. */
static bool is_linear(const wmc_known *t)
{
  if (t->block == &wmc_block_linear) return true;
  if (t->block == &wmc_block_one_layer) return fabs(t->alpha) == 1 && t->fresh;
  return (t->block == &wmc_block_inside || t->block == &wmc_block_outer) && t->alpha == 1;
}

bool wmc_known_limit(const wmc_value *p, wmc_chamber_options *limit)
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

bool wmc_known_in_time(const wmc_value *p, const wmc_chamber_options *limit, double rate,
                       double *out)
{
  for (size_t k = 0; k < p[RECORD].count; k++)
    out[k] = rate * limit->variance * limit->time * p[RECORD].reals[k];
  return true;
}

wmc_known wmc_known_of(const wmc_value *p)
{
  wmc_known t = {.o = wmc_jacobian_options(p), .block = wmc_jacobian_block(p)};
  t.s2 = wmc_block_variance(&t.o);
  t.alpha = p[ACTIVATION].present ? wmc_activation_negative_slope(t.o.activation, t.o.slope) : 1;
  t.bare = t.o.norm == WMC_NORM_NONE && t.o.drop == 0;
  t.gaussian = t.o.weights->fill == wmc_stream_normals;
  t.fresh = !t.o.weights->correlated;
  t.orthogonal = t.o.weights == wmc_weights_find("orthogonal");
  t.linear = is_linear(&t);
  return t;
}

bool wmc_known_plain(const wmc_known *t) { return t->block == &wmc_block_plain; }

bool wmc_known_conformal(const wmc_known *t, double *each)
{
  *each = wmc_known_plain(t) ? 0.5 * log(t->o.variance * t->o.width) : 0;
  return t->block == &wmc_block_rotation ||
         (wmc_known_plain(t) && t->orthogonal && fabs(t->alpha) == 1);
}

bool wmc_known_add_up(const wmc_value *p, double one, double *out)
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
  wmc_known t = wmc_known_of(p);
  double each;
  return wmc_known_conformal(&t, &each) && spread_out(p, wmc_jacobian_size(p), each, out);
}

bool wmc_jacobian_expected_levels(const wmc_value *p, double *out)
{
  wmc_known t = wmc_known_of(p);
  double each;
  return wmc_known_conformal(&t, &each) &&
         spread_out(p, (size_t)(wmc_split_modes(&t.o.split) * t.o.width), each, out);
}

bool wmc_jacobian_expected_condition(const wmc_value *p, double *out)
{
  wmc_known t = wmc_known_of(p);
  double each;
  return wmc_known_conformal(&t, &each) && spread_out(p, 1, 0, out);
}

double wmc_known_log_norm(int count, int beta, double variance)
{
  return 0.5 * (log(2 * variance / beta) + wmc_digamma(0.5 * beta * count));
}

/* E log|det sigma G|. */
static double log_det_of_product(int d, int beta, double variance)
{
  double sum = 0;
  for (int k = 1; k <= d; k++) sum += wmc_known_log_norm(k, beta, variance);
  return sum;
}

/* Of one layer of mode k, whatever the correlation between layers; NaN if unknown. */
static double mode_log_det(int k, const void *data)
{
  const wmc_known *t = data;
  const int d = t->o.width, beta = wmc_split_parts(&t->o.split, k);
  const bool marginally_gaussian = t->gaussian || !t->fresh;
  double each, error = 0;
  if (wmc_known_conformal(t, &each)) return d * each;
  if (t->block == &wmc_block_exponential) return 0; /* s tr W */
  if (wmc_known_plain(t)) {
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

double wmc_known_log_det(const wmc_known *t) { return over_modes(&t->o.split, mode_log_det, t); }

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
static bool steps_log_det(const wmc_value *p, const wmc_known *t, double *out)
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
  wmc_known t = wmc_known_of(p);
  if (wmc_known_limit(p, &limit))
    return wmc_known_in_time(p, &limit, over_modes(&t.o.split, limit_log_det, p), out);
  if (in_steps(p)) return steps_log_det(p, &t, out);
  return wmc_known_add_up(p, wmc_known_log_det(&t), out);
}

bool wmc_jacobian_expected_log_det(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  wmc_known t = wmc_known_of(p);
  if (wmc_known_limit(p, &limit))
    return wmc_known_in_time(p, &limit, 2 * over_modes(&t.o.split, limit_log_det, p), out);
  if (in_steps(p)) {
    const bool known = steps_log_det(p, &t, out);
    for (size_t k = 0; known && k < p[RECORD].count; k++) out[k] *= 2;
    return known;
  }
  return wmc_known_add_up(p, 2 * wmc_known_log_det(&t), out);
}

double wmc_known_growth(const wmc_known *t)
{
  const int beta = wmc_split_parts(&t->o.split, 0), d = beta * t->o.width;
  const double s2 = t->s2 / beta;
  double each, error = 0;
  if (wmc_known_conformal(t, &each)) return each;
  if (!t->bare || !t->gaussian || isnan(t->alpha) || t->o.split.group > 1) return NAN;
  if (wmc_known_plain(t))
    return fabs(t->alpha) == 1 ? wmc_known_log_norm(t->o.width, beta, t->o.variance) : NAN;
  if (t->linear) return wmc_exact_log_growth(d, s2);
  if (t->block != &wmc_block_two_layer) return NAN;
  double one = wmc_exact_log_growth_mixed(d, beta * t->o.hidden, t->alpha, s2, &error);
  return error * t->o.depth < NEGLIGIBLE ? one : NAN;
}

bool wmc_jacobian_expected_growth(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  wmc_known t = wmc_known_of(p);
  if (wmc_known_limit(p, &limit))
    return t.o.split.group == 1 &&
           wmc_known_in_time(p, &limit, 0.5 * (limit.width - 1 + limit.shift), out);
  return wmc_known_add_up(p, wmc_known_growth(&t), out);
}

double wmc_known_complex_gap(double tau)
{
  const double pi = 3.14159265358979323846;
  return (1 + tau) * erf(sqrt(0.5 * tau)) + sqrt(2 * tau / pi) * exp(-0.5 * tau);
}

/* Width 2, infinite depth, shift 1 - 2/beta or 0. */
static bool limit_gap(const wmc_value *p, const wmc_chamber_options *limit, double *out)
{
  if (wmc_jacobian_size(p) != 2 || limit->width != 2) return false;
  for (size_t k = 0; k < p[RECORD].count; k++)
    out[k] = (limit->beta == 2 ? wmc_known_complex_gap : wmc_hyperbolic_gap_limit)(
        limit->variance * limit->time * p[RECORD].reals[k]);
  return true;
}

double wmc_known_trace_spread(double d, double beta, double tau)
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
  return wmc_known_trace_spread(d, beta, m->tau) < WMC_KNOWN_WIDEST
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
  if (wmc_known_limit(p, &limit)) return limit_gap(p, &limit, out);
  wmc_known t = wmc_known_of(p);
  double each, square;
  if (wmc_jacobian_size(p) == 1) return false;
  if (wmc_known_conformal(&t, &each)) return spread_out(p, wmc_jacobian_size(p) - 1, 0, out);
  if (!t.linear || !t.gaussian || !t.bare || t.o.width != 2 || !wmc_split_is_trivial(&t.o.split))
    return false;
  for (size_t k = 0; k < p[RECORD].count; k++)
    wmc_hyperbolic_gap(t.s2, wmc_jacobian_layer(p, k), &out[k], &square);
  return true;
}

/* E D^2 = (1 + alpha^2)/2 for every symmetric law. Plain chains: |Mu|^2 is a product of independent
 * factors, sigma^2 times sum_i k_i z_i^2 with k_i = 1 or alpha^2; the spread of tr g is at most
 * that of |Mu|^2. */
static void plain_trace(const wmc_known *t, int beta, double layers, double *mean, double *spread)
{
  const double d = t->o.width, second = 0.5 * (1 + pow(t->alpha, 2)),
               fourth = 0.5 * (1 + pow(t->alpha, 4)), kurtosis = beta == 2 ? 2 : 3;
  *mean = d * pow(t->o.variance * d * second, layers);
  *spread = pow(1 + (kurtosis * fourth / (second * second) - 1) / d, layers) - 1;
}

/* E J^T J = (1 + d s^2) I given the past, for any law that is fresh in every layer; dropout divides
 * s^2 by p, a homogeneous activation in two_layer multiplies it by E D^2. */
static double added_variance(const wmc_known *t)
{
  double s2 = t->s2 / (1 - t->o.drop);
  if (t->o.norm != WMC_NORM_NONE) return NAN;
  if (t->linear) return s2;
  return t->block == &wmc_block_two_layer ? s2 * 0.5 * (1 + t->alpha * t->alpha) : NAN;
}

typedef struct mode_layers {
  const wmc_known *setting;
  double s2, layers;
} mode_layers;

/* NaN where draws cannot see it. */
static double mode_trace(int k, const void *data)
{
  const mode_layers *m = data;
  const int d = m->setting->o.width, beta = wmc_split_parts(&m->setting->o.split, k);
  double mean, spread;
  if (wmc_known_plain(m->setting)) {
    plain_trace(m->setting, beta, m->layers, &mean, &spread);
  } else {
    mean = wmc_exact_trace_metric(d, m->s2, m->layers);
    spread = (beta == 2 ? wmc_exact_trace_metric_spread_complex
                        : wmc_exact_trace_metric_spread)(d, m->s2, m->layers);
  }
  return spread < WMC_KNOWN_WIDEST ? mean : NAN;
}

bool wmc_jacobian_expected_trace(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  if (wmc_known_limit(p, &limit)) return limit_trace(p, &limit, out);
  wmc_known t = wmc_known_of(p);
  const bool rotation = t.block == &wmc_block_rotation;
  double s2 = rotation ? 0 : added_variance(&t);
  if (!rotation && (!t.fresh || isnan(wmc_known_plain(&t) ? t.alpha : s2))) return false;
  for (size_t k = 0; k < p[RECORD].count; k++)
    out[k] = over_modes(&t.o.split, mode_trace, &(mode_layers){&t, s2, wmc_jacobian_layer(p, k)});
  return true;
}

bool wmc_jacobian_converges(const wmc_value *p)
{
  wmc_known t = wmc_known_of(p);
  double least = wmc_weights_persistence(t.o.weights, t.o.hurst);
  return !wmc_known_plain(&t) && !wmc_jacobian_diverges(&t.o) && wmc_block_exponent(&t.o) >= least;
}
