#include "weylmc/jacobian/exact.h"

#include <math.h>

#include "weylmc/numeric/special.h"

double wmc_exact_log_det(int d, double s2, double *error)
{
  double power = s2 * d, term = power, sum = 0; /* power = s^{2k} E chi_d^{2k}, term = power / k */
  for (int k = 1;; k++) {
    sum += term;
    power *= s2 * (d + 2 * k);
    double next = power / (k + 1);
    if (next >= term || next < 1e-18 * sum) {
      *error = fmin(term, next);
      return -0.5 * sum;
    }
    term = next;
  }
}

/* E max(log x, 0) over x = s^2 gamma, gamma of shape k: the integral of P(gamma > y)/y from y = a =
 * 1/s^2 on, and P(gamma > y) is the sum of e^{-y} y^j / j! over j < k. So it grows from k to k + 1
 * by Gamma(k, a)/k! = P(gamma > a)/k. */
double wmc_exact_log_det_complex(int d, double s2)
{
  const double a = 1 / s2;
  double excess = wmc_exponential_integral(a), tail = 0, term = exp(-a), sum = 0;
  for (int k = 1; k <= d; k++) {
    sum += excess;
    tail += term; /* P(gamma > a), shape k */
    term *= a / k;
    excess += tail / k;
  }
  return 0.5 * sum;
}

/* |J u|^2 = s^2 times a non-central chi^2 = s^2 chi^2_{d + 2P}. */
typedef struct shape {
  double half_d, centre;
} shape;

static double digamma(double p, void *data)
{
  const shape *at = data;
  return wmc_digamma(at->half_d + p) - at->centre;
}

/* Below, series in s^2 have all digits, and the Poisson variables would have no end of values. */
static const double SMALL = 1e-6;

double wmc_exact_log_growth(int d, double s2)
{
  if (s2 * d < SMALL) /* (19) */
    return 0.5 * s2 * (d - 2) * (1 - 0.5 * s2 * (d - 4) * (1 - s2 * (d - 6) / 1.5));
  double centre = -log(2 * s2); /* subtracted term by term: the rest is small */
  return 0.5 * wmc_poisson_mean(0.5 / s2, digamma, &(shape){0.5 * d, centre});
}

/* psi' + (psi - centre)^2 */
static double spread(double p, void *data)
{
  const shape *at = data;
  double centred = digamma(p, data);
  return wmc_trigamma(at->half_d + p) + centred * centred;
}

double wmc_exact_log_growth_variance(int d, double s2)
{
  if (s2 * d < SMALL) return s2 * (1 - 0.5 * s2 * (3.0 * d - 8)); /* (16) */
  double mean = wmc_poisson_mean(0.5 / s2, digamma, &(shape){0.5 * d, 0});
  return 0.25 * wmc_poisson_mean(0.5 / s2, spread, &(shape){0.5 * d, mean});
}

enum { TERMS = 48 };

/* E (K/n)^k / k! for k < TERMS, K = sum of n independent k_i z_i^2, as the coefficients of the n-th
 * power of the series of one term (Miller's recurrence). */
static void mask_moments(int n, double alpha, double *out)
{
  double one[TERMS] = {1}, odd = 1; /* odd = (2 j - 1)!! / (j! n^j) */
  out[0] = 1;
  for (int j = 1; j < TERMS; j++) {
    odd *= (2 * j - 1) / ((double)j * n);
    one[j] = odd * 0.5 * (1 + pow(alpha * alpha, j));
  }
  for (int k = 1; k < TERMS; k++) {
    out[k] = 0;
    for (int j = 1; j <= k; j++) out[k] += ((double)n * j - (k - j)) / k * one[j] * out[k - j];
  }
}

/* sum over k of (s2/2)^k c_k E (K/n)^k / (2 k!), up to the smallest term. */
static double mixed_series(int d, const double *moments, double s2, double *smallest)
{
  double sum = 0, c = 2 * (d - 2), power = 0.5 * s2;
  *smallest = HUGE_VAL;
  for (int k = 1; k < TERMS; k++) {
    double term = 0.5 * power * c * moments[k];
    if (fabs(term) >= *smallest) break;
    sum += term;
    *smallest = fabs(term);
    c *= 2.0 * k * (2 * k + 2 - d);
    power *= 0.5 * s2;
  }
  return sum;
}

double wmc_exact_log_growth_mixed(int d, int n, double alpha, double s2, double *error)
{
  double moments[TERMS], unused;
  mask_moments(n, alpha, moments);
  /* at even d the series ends, at odd d it shows where it stops to be of use */
  (void)mixed_series(d | 1, moments, s2, error);
  return mixed_series(d, moments, s2, &unused);
}

double wmc_exact_trace_metric(int d, double s2, double layers)
{
  return d * exp(layers * log1p(d * s2));
}

/* The component of A^l (1/d, 1) along e_2 for A = [[a, b], [c, 1]], less 1, by the eigenvalues of
 * A.
 */
static double spread_after(double a, double b, double c, int d, double layers)
{
  double half = 0.5 * (a - 1), root = sqrt(half * half + b * c);
  double plus = pow(1 + half + root, layers), minus = pow(1 + half - root, layers);
  double first = 1.0 / d;
  double second = 0.5 * (plus + minus) + 0.5 * (plus - minus) * (c * first - half) / root;
  return second - 1;
}

/* (E tr g^2, E (tr g)^2) after l layers = A^l (d, d^2), scaled by the square of the mean. */
double wmc_exact_trace_metric_spread(int d, double s2, double layers)
{
  double mean = (1 + d * s2) * (1 + d * s2);
  double a = (1 + 2 * s2 * (d + 1) + s2 * s2 * d * (d + 1)) / mean,
         b = (2 * s2 + d * s2 * s2) / mean, c = (4 * s2 + 2 * d * s2 * s2) / mean;
  return spread_after(a, b, c, d, layers);
}

double wmc_exact_trace_metric_spread_complex(int d, double s2, double layers)
{
  double b = (2 * s2 + d * s2 * s2) / ((1 + d * s2) * (1 + d * s2));
  return spread_after(1, b, b, d, layers);
}
