/* Exact numbers of residual chains: closed forms and series of the program and of
 * docs/theory/jacobian.md against quadrature and counting from definitions (support/reference.h).
 * With WEYLMC_VERBOSE every number is printed. tests/statistical/reference*.c measures them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "log_det.h"
#include "reference.h"
#include "support.h"
#include "weylmc/jacobian/exact.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/numeric/special.h"

/** |value - reference| <= tolerance; `reference` is the one from the definition. */
#define SAME(value, reference, tolerance, ...)                                                     \
  do {                                                                                             \
    double value_ = (value), reference_ = (reference), tolerance_ = (tolerance);                   \
    char label_[128];                                                                              \
    snprintf(label_, sizeof label_, __VA_ARGS__);                                                  \
    cr_expect(fabs(value_ - reference_) <= tolerance_, "%s: %.14g, by definition %.14g", label_,   \
              value_, reference_);                                                                 \
    if (test_verbose())                                                                            \
      printf("%-52s %18.12f  by definition %18.12f\n", label_, value_, reference_);                \
  } while (0)

/* ---- log-determinants: items 1 and 2 --------------------------------------------------------- */

Test(reference, mean_log_determinant)
{
  double last, error;
  SAME(10 * wmc_exact_log_det(2, 0.1, &error), 10 * ref_log_det_2(0.1), 10 * 3 * error,
       "1 E sum lambda, d=2 L=10, series");
  cr_expect_gt(error, 1e-6, "the series is not exact there, and says so");
  SAME(100 * wmc_exact_log_det(2, 0.01, &error), 100 * ref_log_det_2(0.01), 1e-10,
       "1 E sum lambda, d=2 L=100");
  for (int d = 2; d <= 8; d += 2) {
    double wick = ref_series(ref_log_det_term, d, 0.01, &last);
    SAME(100 * wmc_exact_log_det(d, 0.01, &error), 100 * wick, 100 * fabs(last),
         "1 E sum lambda, d=%d L=100, by Wick's theorem", d);
    SAME(ref_log_det_term(d, 2), -0.5 * d, 0, "1 E sum lambda, d=%d L=inf", d);
  }
  /* every coefficient of eq. (13) */
  for (int d = 1; d <= 9; d++) {
    double product = 1;
    for (int k = 1; 2 * k <= REF_LETTERS; k++) {
      product *= d + 2 * k - 2;
      double term = ref_log_det_term(d, 2 * k);
      cr_expect_lt(fabs(term / (-0.5 * product / k) - 1), 1e-14, "d=%d s^%d", d, 2 * k);
    }
  }
}

Test(reference, variance_of_the_log_determinant)
{
  for (int d = 1; d <= 9; d++) { /* the five coefficients of eq. (14) */
    double sum = 0;
    for (int n = 2; n <= 10; n += 2) sum += ref_log_det_variance_term(d, n);
    cr_expect_lt(fabs(log_det_variance(d, 1) / sum - 1), 1e-14, "d=%d", d);
    cr_expect_eq(ref_log_det_variance_term(d, 2), d);
  }
  for (int d = 2; d <= 8; d += 6) {
    double last, wick = ref_series(ref_log_det_variance_term, d, 0.01, &last);
    SAME(100 * log_det_variance(d, 0.01), 100 * wick, 200 * last, "2 Var sum lambda, d=%d L=100",
         d);
  }
}

/* ---- moments of g: items 3 to 5 -----------------------------------------------------------------
 */

static double trace_square(double s2, int layers)
{
  double mean = wmc_exact_trace_metric(2, s2, layers);
  double whole = mean * mean * (1 + wmc_exact_trace_metric_spread(2, s2, layers));
  return whole - 2 * pow(1 + 2 * s2 + 2 * s2 * s2, layers); /* tr g^2 = (tr g)^2 - 2 det g */
}

/* Eq. (12) for k = 2. */
static double minors(int d, double s2, int layers)
{
  return 0.5 * d * (d - 1) * pow(1 + 2 * s2 * (d - 1) + s2 * s2 * (d - 1) * d, layers);
}

static double trace_2(double s2, int layers) { return ref_trace(2, s2, layers); }
static double trace_8(double s2, int layers) { return ref_trace(8, s2, layers); }
static double minors_2(double s2, int layers) { return ref_minors(2, s2, layers); }
static double minors_4(double s2, int layers) { return ref_minors(4, s2, layers); }

Test(reference, moments_of_the_metric)
{
  for (int layers = 10; layers <= 100; layers *= 10) {
    double s2 = 1.0 / layers;
    for (int d = 2; d <= 8; d += 6) {
      double exact = ref_trace(d, s2, layers);
      SAME(wmc_exact_trace_metric(d, s2, layers), exact, 1e-12 * exact, "3 E tr g, d=%d L=%d", d,
           layers);
    }
    double exact = ref_trace_square(s2, layers);
    SAME(trace_square(s2, layers), exact, 1e-12 * exact, "4 E tr g^2, d=2 L=%d", layers);
    for (int d = 2; d <= 4; d += 2) {
      exact = ref_minors(d, s2, layers);
      SAME(minors(d, s2, layers), exact, 1e-12 * exact, "5 E e_2(g), d=%d L=%d", d, layers);
    }
  }
  SAME(2 * exp(2), ref_richardson(trace_2, 1), 1e-8, "3 E tr g, d=2 L=inf");
  SAME(8 * exp(8), ref_richardson(trace_8, 1), 1e-3, "3 E tr g, d=8 L=inf");
  SAME(trace_square(1e-7, 10000000), ref_richardson(ref_trace_square, 1), 0.05,
       "4 E tr g^2, d=2 L=inf");
  SAME(6 * exp(6), ref_richardson(minors_4, 1), 1e-4, "5 E e_2(g), d=4 L=inf");
  SAME(exp(2), ref_richardson(minors_2, 1), 1e-8, "5 E det g, d=2 L=inf");
}

/* A k x k minor is linear in each entry, so entries +-s give its square the same mean. */
static double minor_square(int k, const double *centre, double s)
{
  double sum = 0;
  for (unsigned word = 0; word < 1u << (k * k); word++) {
    double a[9], det;
    for (int e = 0; e < k * k; e++) a[e] = centre[e] + (word >> e & 1 ? s : -s);
    if (k == 1) det = a[0];
    if (k == 2) det = a[0] * a[3] - a[1] * a[2];
    if (k == 3)
      det = a[0] * (a[4] * a[8] - a[5] * a[7]) - a[1] * (a[3] * a[8] - a[5] * a[6]) +
            a[2] * (a[3] * a[7] - a[4] * a[6]);
    sum += det * det;
  }
  return sum / (1u << (k * k));
}

/* Mean of e_k(J^T J) / C(d, k): the minors of columns 1 .. k, whatever the rows. */
static double minors_of_layer(int d, int k, double s)
{
  double sum = 0;
  for (unsigned rows = 0; rows < 1u << d; rows++) {
    double centre[9] = {0};
    int count = 0;
    for (int i = 0; i < d; i++) {
      if (!(rows >> i & 1)) continue;
      if (count < k && i < k) centre[count * k + i] = 1;
      count++;
    }
    if (count == k) sum += minor_square(k, centre, s);
  }
  return sum;
}

/* Eq. (12) for one layer. */
Test(reference, symmetric_functions_of_the_metric)
{
  for (int d = 1; d <= 5; d++)
    for (int k = 1; k <= 3 && k <= d; k++) {
      const double s2 = 0.3;
      double sum = 0, term = 1; /* C(k, j) s^{2j} (d-k+j)!/(d-k)! */
      for (int j = 0; j <= k; j++) {
        sum += term;
        term *= s2 * (k - j) * (d - k + j + 1) / (j + 1);
      }
      cr_expect_float_eq(sum, minors_of_layer(d, k, sqrt(s2)), 1e-12, "d=%d k=%d", d, k);
    }
}

/* ---- growth: items 6, 11, 12, 15
 * ------------------------------------------------------------------ */

Test(reference, growth_of_a_vector)
{
  double mean, variance;
  ref_log_growth(4, 0.01, &mean, &variance);
  SAME(100 * wmc_exact_log_growth(4, 0.01), 100 * mean, 1e-11, "6 E log|Mu|, d=4 L=100");
  SAME(100 * wmc_exact_log_growth_variance(4, 0.01), 100 * variance, 1e-11,
       "6 Var log|Mu|, d=4 L=100");
}

Test(reference, exponents_offsets_and_masks)
{
  for (int k = 1; k <= 4; k++)
    SAME(0.5 * (log(2) + wmc_digamma(0.5 * (5 - k))), ref_lyapunov(4, k), 1e-12,
         "11 Ginibre d=4, gamma_%d", k);
  for (int d = 2; d <= 4; d++)
    for (int k = 1; k <= d; k++)
      SAME(0.5 * (wmc_digamma(0.5 * (d - k + 1)) - wmc_digamma(0.5 * k)), ref_offset(d, k), 1e-12,
           "12 offset d=%d, c_%d", d, k);
  for (int d = 8; d <= 64; d *= 8) {
    double mean, variance, p = pow(0.5, d), first = 0, second = 0;
    ref_mask_growth(d, &mean, &variance);
    for (int b = 1; b <= d; b++) { /* eq. (30) */
      p *= (d - b + 1.0) / b;
      double m = 0.5 * (log(4.0 / d) + wmc_digamma(0.5 * b));
      first += p * m;
      second += p * (m * m + 0.25 * wmc_trigamma(0.5 * b));
    }
    double weight = 1 - pow(0.5, d);
    SAME(first / weight, mean, 1e-12, "15 relu product d=%d, mean", d);
    SAME(second / weight - first * first / (weight * weight), variance, 1e-12,
         "15 relu product d=%d, variance", d);
    /* at large d about -5/(4d) and 5/(4d) */
    cr_expect_lt(fabs(mean * d / -1.25 - 1), 4.0 / d);
    cr_expect_lt(fabs(variance * d / 1.25 - 1), 8.0 / d);
  }
}

/* ---- width 2: items 7 to 9
 * -------------------------------------------------------------------------- */

Test(reference, gap_at_infinite_depth)
{
  const double taus[] = {1, 2, 4};
  for (int t = 0; t < 3; t++) {
    cr_expect_float_eq(ref_gap_mean(taus[t], REF_ONE), 1, 1e-11);
    cr_expect_float_eq(ref_gap_mean(taus[t], REF_LOG_COSH), taus[t], 1e-10);
    SAME(wmc_hyperbolic_gap_limit(taus[t]), ref_gap_mean(taus[t], REF_GAP), 1e-10,
         "%d E x, d=2 L=inf tau=%g", t ? 9 : 7, taus[t]);
  }
  double x = ref_gap_mean(1, REF_GAP), x2 = ref_gap_mean(1, REF_GAP2);
  double coth = ref_gap_mean(1, REF_COTH), h = 1e-3;
  /* d E x / d tau = E coth x: the generator is d^2 + coth x d */
  double slope = (8 * (wmc_hyperbolic_gap_limit(1 + h) - wmc_hyperbolic_gap_limit(1 - h)) -
                  wmc_hyperbolic_gap_limit(1 + 2 * h) + wmc_hyperbolic_gap_limit(1 - 2 * h)) /
                 (12 * h);
  SAME(slope, coth, 1e-9, "7 E coth x");
  if (test_verbose())
    printf("7 E x^2 %.10f, Var x %.10f, E lambda_1 %.10f, E lambda_2 %.10f, Var lambda_1 %.10f\n",
           x2, x2 - x * x, 0.5 * (x - 1), 0.5 * (-x - 1), 0.25 * (x2 - x * x + 2));
  /* the second moment: d E x^2 / d tau = 2 + 2 E x coth x, and E x = int E coth x: at small times
   * p -> x e^{-x^2/4tau}/(2 tau), so that E x^2 / tau -> 4 */
  cr_expect_float_eq(ref_gap_mean(1e-4, REF_GAP2) / 1e-4, 4, 1e-3);
}

/* Finite depth: 1/L expansion of the gap; b = 2 tau^2 d E x/d tau = 2 E coth x at tau = 1, and no
 * L^{-3/2} term: b is approached like 1/L. */
Test(reference, gap_at_finite_depth)
{
  const double limit = wmc_hyperbolic_gap_limit(1), coth = ref_gap_mean(1, REF_COTH);
  enum { LEVELS = 5 };
  double mean[LEVELS], square, slope[LEVELS - 1], curve[LEVELS - 1];
  for (int k = 0; k < LEVELS; k++) wmc_hyperbolic_gap(1.0 / (80 << k), 80 << k, &mean[k], &square);
  for (int k = 0; k + 1 < LEVELS; k++) { /* from L and 2L: b, c of a + b/L + c/L^2 */
    double l = 80 << k, low = (mean[k] - limit) * l, high = (mean[k + 1] - limit) * 2 * l;
    slope[k] = 2 * high - low;
    curve[k] = (low - high) * 2 * l;
  }
  SAME(slope[3] + (slope[3] - slope[2]) / 3, 2 * coth, 1e-5, "8 coefficient b of 1/L in E x");
  SAME((slope[2] - slope[1]) / (slope[3] - slope[2]), 4, 0.7, "8 ratio of errors of b: order L^-2");
  SAME(2 * curve[3] - curve[2], 8.98, 0.01, "8 coefficient c of 1/L^2 in E x, by fits 8.98");
  /* lambda_1 = (x + sum)/2, and the sum has -tau^2 d (d + 2)/4 = -2 */
  double tail = 0.5 * (2 * coth - 2);
  double last, mean_sum = 100 * ref_series(ref_log_det_term, 2, 0.01, &last), at_100;
  wmc_hyperbolic_gap(0.01, 100, &at_100, &square);
  SAME((0.5 * (at_100 + mean_sum) - 0.5 * (limit - 1)) * 100, tail, 0.02,
       "8 coefficient of 1/L in E lambda_1, from L=100");
}

/* ---- complex matrices and large width: items 13 and 14
 * ---------------------------------------------- */

Test(reference, complex_matrices)
{
  /* E tr (sqrt(t2) H + t2 diag(d-1, d-3, ...))^2 = t2 d^2 + t2^2 d (d^2 - 1)/3 */
  SAME(0.5 * 9 + 0.25 * 8, ref_complex_squares_3(1), 1e-10, "13 E sum lambda^2, d=3");
  SAME(0.5 * 4 + 0.25 * 2, 0.5 * ref_complex_gap_mean(1, 2) + 0.5, 1e-10, "13 E sum lambda^2, d=2");
  /* x sinh x e^{-x^2/2}: a gaussian times an exponential */
  double gap = ref_complex_gap_mean(1, 1), z = 2 / sqrt(2 * REF_PI) * exp(-0.5);
  SAME(2 * erf(sqrt(0.5)) + z, gap, 1e-12, "13 E gap, d=2");
}

/* k-th moment of g: (e^{kt}/k) L^{(1)}_{k-1}(-2kt). */
static double metric_moment(int k, double t)
{
  double sum = 0, term = k; /* L^{(1)}_{k-1}(-y) = sum_j C(k, j + 1) y^j / j! */
  for (int j = 0; j < k; j++) {
    sum += term;
    term *= 2.0 * k * t / (j + 1) * (k - j - 1) / (j + 2);
  }
  return exp(k * t) / k * sum;
}

Test(reference, infinite_width)
{
  for (double t = 0.25; t <= 4; t *= 2) {
    double edge = 0.5 * sqrt(t * (t + 2)) + atanh(sqrt(t / (t + 2)));
    double second = t / 2 + t * t / 12, fourth = 2 * second * second - pow(t, 4) / 720;
    SAME(edge, ref_free_edge(0.5 * t), 1e-13, "14 edge, t=%g", t);
    cr_expect_float_eq(ref_free_at(0.5 * t, 1e-5).x, edge, 1e-8, "the support ends there");
    cr_expect_float_eq(ref_free_moment(t, 0, false), 1, 1e-11);
    SAME(second, ref_free_moment(t, 2, false), 1e-11, "14 m_2, t=%g", t);
    SAME(fourth, ref_free_moment(t, 4, false), 1e-10, "14 m_4, t=%g", t);
    for (int k = 1; k <= 4; k++) {
      double exact = ref_free_moment(t, k, true);
      SAME(metric_moment(k, t) / exact, 1, 1e-9, "14 tr g^%d, t=%g: ratio", k, t);
    }
  }
}
