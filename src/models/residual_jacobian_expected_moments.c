/* Exact expectations of the metric, and second moments. Equations: docs/theory/jacobian.md. */
#include <math.h>

#include "residual_jacobian_expected.h"
#include "weylmc/jacobian/exact.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/numeric/special.h"

/* sigma^2 t of the limit at record k. */
static double limit_time(const wmc_value *p, const wmc_chamber_options *limit, size_t k)
{
  return limit->variance * limit->time * p[RECORD].reals[k];
}

/* The limit of a chain without a group. */
static bool in_whole_limit(const wmc_value *p, wmc_chamber_options *limit)
{
  return p[GROUP].integer == 1 && wmc_known_limit(p, limit);
}

/* `one` at every record. */
static bool everywhere(const wmc_value *p, double one, double *out)
{
  for (size_t k = 0; k < p[RECORD].count; k++) out[k] = one;
  return !isnan(one);
}

bool wmc_jacobian_expected_distance(const wmc_value *p, double *out)
{
  wmc_known t = wmc_known_of(p);
  double each;
  return wmc_known_conformal(&t, &each) &&
         wmc_known_add_up(p, 2 * sqrt((double)wmc_jacobian_size(p)) * fabs(each), out);
}

/* All kinds of ranks where all singular values are equal. */
bool wmc_jacobian_expected_rank(const wmc_value *p, double *out)
{
  wmc_known t = wmc_known_of(p);
  double each;
  return wmc_known_conformal(&t, &each) && everywhere(p, (double)wmc_jacobian_size(p), out);
}

/* In the limit the mean of lambda over i is independent of the gaps: E tr g / d is the product of
 * this and of E e^{2 mean}. */
bool wmc_jacobian_expected_anisotropy(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  wmc_known t = wmc_known_of(p);
  double each;
  if (!in_whole_limit(p, &limit)) return wmc_known_conformal(&t, &each) && everywhere(p, 1, out);
  const double d = limit.width, beta = limit.beta;
  for (size_t k = 0; k < p[RECORD].count; k++) {
    const double tau = limit_time(p, &limit, k);
    out[k] = wmc_known_trace_spread(d, beta, tau) < WMC_KNOWN_WIDEST
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
  wmc_known t = wmc_known_of(p);
  double each;
  if (wmc_known_conformal(&t, &each)) {
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
  wmc_known t = wmc_known_of(p);
  const int beta = wmc_split_parts(&t.o.split, 0);
  double each, variance = t.o.variance;
  if (in_whole_limit(p, &limit)) return wmc_known_in_time(p, &limit, -1, out);
  if (wmc_known_conformal(&t, &each)) return everywhere(p, 0, out);
  if (wmc_known_plain(&t) && t.gaussian && fabs(t.alpha) == 1)
    return wmc_known_add_up(p,
                            wmc_known_log_norm(t.o.width - 1, beta, variance) -
                                wmc_known_log_norm(t.o.width, beta, variance),
                            out);
  return t.o.width == 2 &&
         wmc_known_add_up(p, wmc_known_log_det(&t) - 2 * wmc_known_growth(&t), out);
}

/* Of one layer; NaN if unknown. */
static double layer_variance_of_sum(const wmc_known *t)
{
  const int beta = wmc_split_parts(&t->o.split, 0);
  double each, sum = 0;
  if (wmc_known_conformal(t, &each)) return 0;
  if (!t->fresh || t->o.split.group > 1) return NAN;
  if (t->block == &wmc_block_exponential) return t->s2 * t->o.width / beta; /* s Re tr W */
  if (!wmc_known_plain(t) || !t->gaussian || fabs(t->alpha) != 1) return NAN;
  for (int k = 1; k <= t->o.width; k++) sum += 0.25 * wmc_trigamma(0.5 * beta * k);
  return sum;
}

bool wmc_jacobian_expected_variance_of_sum(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  wmc_known t = wmc_known_of(p);
  if (in_whole_limit(p, &limit))
    return wmc_known_in_time(p, &limit, (double)limit.width / limit.beta, out);
  return wmc_known_add_up(p, layer_variance_of_sum(&t), out);
}

static double layer_variance_of_growth(const wmc_known *t)
{
  const int beta = wmc_split_parts(&t->o.split, 0), d = beta * t->o.width;
  double each;
  if (wmc_known_conformal(t, &each)) return 0;
  if (!t->bare || !t->gaussian || t->o.split.group > 1) return NAN;
  if (wmc_known_plain(t)) return fabs(t->alpha) == 1 ? 0.25 * wmc_trigamma(0.5 * d) : NAN;
  return t->linear ? wmc_exact_log_growth_variance(d, t->s2 / beta) : NAN;
}

bool wmc_jacobian_expected_variance_of_growth(const wmc_value *p, double *out)
{
  wmc_chamber_options limit;
  wmc_known t = wmc_known_of(p);
  if (in_whole_limit(p, &limit)) return wmc_known_in_time(p, &limit, 1.0 / limit.beta, out);
  return wmc_known_add_up(p, layer_variance_of_growth(&t), out);
}

/* Moments of the gap at width 2; in null tests there is nothing to compare with, because rounding
 * is all there is. */
static bool gap_moments(const wmc_value *p, size_t k, double *mean, double *square)
{
  wmc_chamber_options limit;
  const wmc_known t = wmc_known_of(p);
  if (t.o.width != 2 || p[GROUP].integer != 1) return false;
  if (wmc_known_limit(p, &limit)) {
    const double tau = limit_time(p, &limit, k);
    *mean = (limit.beta == 2 ? wmc_known_complex_gap : wmc_hyperbolic_gap_limit)(tau);
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
  const wmc_known t = wmc_known_of(p);
  const size_t d = wmc_jacobian_size(p), records = p[RECORD].count;
  if (!t.gaussian || !wmc_jacobian_expected_log_mean(p, out)) return false;
  for (size_t k = records; k-- > 0;) {
    const double one = out[k];
    for (size_t i = d * d; i-- > 0;) out[k * d * d + i] = i % (d + 1) == 0 ? one : 0;
  }
  return true;
}
