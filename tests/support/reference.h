/** @file reference.h  Exact numbers of residual chains, from their definitions.
 *
 * Nothing here uses src/jacobian: closed forms and series of the program are compared with these
 * (tests/check/reference.c), and so are draws (tests/statistical/reference*.c). Notation and
 * equations: docs/theory/jacobian.md; G gaussian d x d, sigma = 1.
 */
#pragma once
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "quadrature.h"

static const double REF_PI = 3.14159265358979323846;

/* ---- log|det(I + s G)|: series in s, coefficients by Wick's theorem ---------------------------
 */

enum { REF_LETTERS = 12 };

/** Sums over the pairings of the letters of tr G^j and tr G^k: E G_ab G_cd = delta_ac delta_bd
 * makes indices equal, and each index that is left free counts d. count[c]: terms with c free
 * indices. */
typedef struct ref_pairings {
  int letters, first_word; /**< n, j; j = 0: one word alone */
  int partner[REF_LETTERS];
  double count[REF_LETTERS + 1];
} ref_pairings;

static inline int ref_next(const ref_pairings *p, int letter)
{
  int j = p->first_word, k = p->letters - j;
  return letter < j ? (letter + 1) % j : j + (letter - j + 1) % k;
}

static inline int ref_root(const int *parent, int at)
{
  while (parent[at] != at) at = parent[at];
  return at;
}

/** One pairing; of two words only those that connect them: the covariance of the traces. */
static inline void ref_count(ref_pairings *p)
{
  int parent[REF_LETTERS], free_indices = p->letters;
  bool connected = p->first_word == 0;
  for (int a = 0; a < p->letters; a++) {
    parent[a] = a;
    connected |= a < p->first_word && p->partner[a] >= p->first_word;
  }
  if (!connected) return;
  for (int a = 0; a < p->letters; a++) {
    int b = p->partner[a], ends[2][2] = {{a, b}, {ref_next(p, a), ref_next(p, b)}};
    for (int e = 0; e < 2; e++) {
      int x = ref_root(parent, ends[e][0]), y = ref_root(parent, ends[e][1]);
      free_indices -= x != y;
      parent[x] = y;
    }
  }
  p->count[free_indices] += 1;
}

/** All ways to pair the letters from `from` on; `used` has a bit for each letter that is paired. */
static inline void ref_pair(ref_pairings *p, int from, unsigned used)
{
  while (from < p->letters && used >> from & 1) from++;
  if (from == p->letters) {
    ref_count(p);
    return;
  }
  for (int b = from + 1; b < p->letters; b++) {
    if (used >> b & 1) continue;
    p->partner[from] = b;
    p->partner[b] = from;
    ref_pair(p, from + 1, used | 1u << from | 1u << b);
  }
}

/** Cov(tr G^j, tr G^{n-j}), or E tr G^n for j = 0. */
static inline double ref_traces(int n, int j, double d)
{
  ref_pairings p = {.letters = n, .first_word = j};
  double sum = 0;
  ref_pair(&p, 0, 0);
  for (int c = n; c >= 0; c--) sum = sum * d + p.count[c];
  return sum;
}

/** Coefficient of s^n, n even, in E log|det(I + s G)| = - sum_n s^n E tr G^n / n. */
static inline double ref_log_det_term(int d, int n) { return -ref_traces(n, 0, d) / n; }

/** E log|det(I + s G)|, E tr G^n = d (d + 2) ... (d + n - 2) (that it is, tests/check/reference.c
 * counts), up to the smallest term, which is about what is left out. */
static inline double ref_log_det(int d, double s2)
{
  double sum = 0, product = d * s2;
  for (int k = 1; k <= 20 && (d + 2 * k) * s2 < 1; k++) {
    sum -= 0.5 * product / k;
    product *= (d + 2 * k) * s2;
  }
  return sum;
}

/** Coefficient of s^n in Var log|det(I + s G)| = sum_{j+k=n} s^n Cov(tr G^j, tr G^k) / (jk). */
static inline double ref_log_det_variance_term(int d, int n)
{
  double sum = 0;
  for (int j = 1; j < n; j++) sum += ref_traces(n, j, d) / (j * (n - j));
  return sum;
}

/** The series up to s^REF_LETTERS; what is left out is about the last term. */
static inline double ref_series(double (*term)(int d, int n), int d, double s2, double *last)
{
  double sum = 0, power = 1;
  for (int n = 2; n <= REF_LETTERS; n += 2) {
    power *= s2;
    *last = power * term(d, n);
    sum += *last;
  }
  return sum;
}

/* ---- log|det(I + s G)| at width 2, at any s ----------------------------------------------------
 */

/** 2 det(I + s G) = s^2 (A - B), A = (sqrt 2/s + z_1)^2 + z_2^2, B = z_3^2 + z_4^2: a rotation of
 * the entries. U = B/(A + B) has P(U > u) = (1 - u) e^{-u/s^2}, and |A - B|/A = |1 - 2U|/(1 - U).
 */
static inline double ref_det_ratio(double u, const double *s2)
{
  double density = exp(-u / *s2) * (1 + (1 - u) / *s2);
  return density * log(fabs(1 - 2 * u) / (1 - u));
}

/** data: m^2. */
static inline double ref_outside(double square, const double *m2)
{
  return 0.5 * exp(-0.5 * square) * log(square / *m2);
}

/** E log[(m + z_1)^2 + z_2^2] = E log max(m^2, |z|^2): means of log|m + z|^2 over circles. */
static inline double ref_log_plane(double m2)
{
  return log(m2) + test_integral(ref_outside, &m2, m2, m2 + 90);
}

static inline double ref_log_det_2(double s2)
{
  double ends[] = {0, fmin(0.25, 20 * s2), 0.5, 1}, sum = 0;
  for (int k = 0; k < 3; k++) sum += test_integral(ref_det_ratio, &s2, ends[k], ends[k + 1]);
  return log(0.5 * s2) + ref_log_plane(2 / s2) + sum;
}

/* ---- |Ju|^2 = (1 + s z)^2 + s^2 chi^2_{d-1} -----------------------------------------------------
 */

/** data: (1 + s z)^2, s^2, centre, power 1 or 2. */
static inline double ref_growth_across(double x, const double *data)
{
  double value = 0.5 * log(data[0] + data[1] * x) - data[2];
  return data[3] > 1 ? value * value : value;
}

/** data: d, s, centre, power. */
static inline double ref_growth_along(double z, const double *data)
{
  double along = 1 + data[1] * z, across[4] = {along * along, data[1] * data[1], data[2], data[3]};
  int d = (int)data[0];
  return d == 1 ? ref_growth_across(0, across)
                : test_chi_squared_mean(d - 1, ref_growth_across, across);
}

/** Mean and variance of log|Ju|. */
static inline void ref_log_growth(int d, double s2, double *mean, double *variance)
{
  double data[4] = {d, sqrt(s2), 0, 1};
  *mean = data[2] = test_normal_mean(ref_growth_along, data);
  data[3] = 2;
  *variance = test_normal_mean(ref_growth_along, data);
}

/* ---- logarithms of chi^2 ----------------------------------------------------------------------
 */

/** data: centre, power. */
static inline double ref_log_power(double x, const double *data)
{
  double value = log(x) - data[0];
  return data[1] > 1 ? value * value : value;
}

static inline double ref_log_chi(int k)
{
  const double data[2] = {0, 1};
  return test_chi_squared_mean(k, ref_log_power, data);
}

static inline double ref_log_chi_variance(int k)
{
  const double data[2] = {ref_log_chi(k), 2};
  return test_chi_squared_mean(k, ref_log_power, data);
}

/** gamma_k of a Ginibre product: the k-th column of G is orthogonal to those before in d - k + 1
 * directions. */
static inline double ref_lyapunov(int d, int k) { return 0.5 * ref_log_chi(d - k + 1); }

/** c_k = lim E lambda_k - L gamma_k. lambda_1 + ... + lambda_k exceeds the growth of a volume of k
 * columns by -log|det of a k x k block of a uniform rotation|; that block times the triangle of its
 * k columns is a block of a gaussian matrix, so E log det^2 = sum_j E log chi^2_j - E log
 * chi^2_{d-k+j}. */
static inline double ref_volume_offset(int d, int k)
{
  double sum = 0;
  for (int j = 1; j <= k; j++) sum += 0.5 * (ref_log_chi(d - k + j) - ref_log_chi(j));
  return sum;
}

static inline double ref_offset(int d, int k)
{
  return ref_volume_offset(d, k) - ref_volume_offset(d, k - 1);
}

/** log|Ju| of a relu layer with variance 2/d given that B >= 1 units are active:
 * |Ju|^2 = (2/d) chi^2_B, B binomial. */
static inline void ref_mask_growth(int d, double *mean, double *variance)
{
  double p = pow(0.5, d), weight = 0, first = 0, second = 0;
  for (int b = 1; b <= d; b++) {
    p *= (d - b + 1.0) / b;
    double m = 0.5 * (log(2.0 / d) + ref_log_chi(b));
    weight += p;
    first += p * m;
    second += p * (m * m + 0.25 * ref_log_chi_variance(b));
  }
  *mean = first / weight;
  *variance = second / weight - *mean * *mean;
}

/* ---- moments of g = M^T M ----------------------------------------------------------------------
 */

/** E tr g: X <- E J^T X J = X + s^2 tr X, entry by entry, L times from X = I. */
static inline double ref_trace(int d, double s2, int layers)
{
  double diagonal = 1; /* X stays a multiple of I */
  for (int l = 0; l < layers; l++) diagonal += s2 * d * diagonal;
  return d * diagonal;
}

enum { REF_PAIR = 3 }; /* g_11, g_12, g_22 */

/** E (g x g) at width 2 goes through one layer by the mean of B x B, where B takes (g_11, g_12,
 * g_22) to that of J^T g J. Entries of degree 4 in each normal: three nodes are exact. */
static inline void ref_pair_step(double s2, double step[9][9])
{
  const double node[3] = {-sqrt(3), 0, sqrt(3)}, weight[3] = {1.0 / 6, 2.0 / 3, 1.0 / 6};
  memset(step, 0, 81 * sizeof(double));
  for (int n = 0; n < 81; n++) {
    int at[4] = {n % 3, n / 3 % 3, n / 9 % 3, n / 27};
    double s = sqrt(s2), a = 1 + s * node[at[0]], b = s * node[at[1]], c = s * node[at[2]];
    double d = 1 + s * node[at[3]]; /* J = (a b; c d) */
    double w = weight[at[0]] * weight[at[1]] * weight[at[2]] * weight[at[3]];
    double map[REF_PAIR][REF_PAIR] = {
        {a * a, 2 * a * c, c * c}, {a * b, a * d + b * c, c * d}, {b * b, 2 * b * d, d * d}};
    for (int i = 0; i < 9; i++)
      for (int j = 0; j < 9; j++) step[i][j] += w * map[i / 3][j / 3] * map[i % 3][j % 3];
  }
}

/** E tr g^2 at width 2. */
static inline double ref_trace_square(double s2, int layers)
{
  double step[9][9], now[9] = {1, 0, 1, 0, 0, 0, 1, 0, 1}, next[9];
  ref_pair_step(s2, step);
  for (int l = 0; l < layers; l++) {
    for (int i = 0; i < 9; i++) {
      next[i] = 0;
      for (int j = 0; j < 9; j++) next[i] += step[i][j] * now[j];
    }
    memcpy(now, next, sizeof now);
  }
  return now[0] + 2 * now[4] + now[8];
}

/** E e_2(g): sum over pairs of rows of the mean square of a 2 x 2 minor of I + s G with columns
 * (1, 2), from the moments of its entries; every pair of columns has the same. */
static inline double ref_minors(int d, double s2, int layers)
{
  double one = 0;
  for (int i = 0; i < d; i++)
    for (int k = i + 1; k < d; k++) {
      double m[4] = {i == 0, k == 0, i == 1, k == 1}, square[4];
      for (int e = 0; e < 4; e++) square[e] = m[e] * m[e] + s2;
      one += square[0] * square[3] + square[1] * square[2] - 2 * m[0] * m[1] * m[2] * m[3];
    }
  return 0.5 * d * (d - 1) * pow(one, layers);
}

/** The limit of f(layers) for f with an expansion in 1/layers: Richardson's rule. */
static inline double ref_richardson(double f(double s2, int layers), double tau)
{
  enum { LEVELS = 6 };
  double t[LEVELS];
  for (int k = 0; k < LEVELS; k++) t[k] = f(tau / (64 << k), 64 << k);
  for (int order = 1; order < LEVELS; order++)
    for (int k = LEVELS - 1; k >= order; k--) t[k] += (t[k] - t[k - 1]) / ((1 << order) - 1);
  return t[LEVELS - 1];
}

/* ---- width 2, infinite depth: the heat kernel of the hyperbolic plane ---------------------------
 */

/** Density of the gap: Millson's integral over u with cosh u = cosh x + 2 sinh^2(y/2), whose
 * integrand is even and smooth in y. */
static inline double ref_gap_density(double x, double tau)
{
  const double h = 0.05 * fmin(1, sqrt(tau));
  double sum = 0, end = 14 * sqrt(tau) + 4 * tau, near = pow(sinh(0.5 * x), 2);
  for (double y = 0; y < end; y += h) {
    double u = 2 * asinh(sqrt(near + pow(sinh(0.5 * y), 2)));
    double ratio = u > 1e-8 ? u / sinh(u) : 1;
    sum += (y > 0 ? 1 : 0.5) * h * ratio * exp(-0.25 * u * u / tau) * cosh(0.5 * y);
  }
  return 4 * REF_PI * sinh(x) * exp(-0.25 * tau) * pow(4 * REF_PI * tau, -1.5) * sum;
}

/** data: tau, what: 0: 1, 1: x, 2: x^2, 3: coth x, 4: 2 log cosh(x/2). */
static inline double ref_gap_weight(double x, const double *data)
{
  double values[5] = {1, x, x * x, 1 / tanh(x), 2 * log(cosh(0.5 * x))};
  return values[(int)data[1]] * ref_gap_density(x, data[0]);
}

enum { REF_ONE, REF_GAP, REF_GAP2, REF_COTH, REF_LOG_COSH };

static inline double ref_gap_mean(double tau, int what)
{
  const double data[2] = {tau, what}, middle = tau + 2 * sqrt(tau);
  return test_integral(ref_gap_weight, data, 0, middle) +
         test_integral(ref_gap_weight, data, middle, 2 * tau + 18 * sqrt(tau));
}

/* ---- complex matrices, infinite depth -----------------------------------------------------------
 */

/** p ~ prod_{i<j} (lambda_i - lambda_j) sinh(lambda_i - lambda_j) e^{-|lambda|^2/(2 t2)}, t2 =
 * tau/2: |lambda|^2 = d c^2 + |relative|^2, where the mean c is normal of variance t2/d.
 * data: t2, power of the gap. */
static inline double ref_complex_gap(double x, const double *data)
{
  return pow(x, data[1]) * x * sinh(x) * exp(-0.25 * x * x / data[0]);
}

/** Width 2: E gap^power. */
static inline double ref_complex_gap_mean(double tau, double power)
{
  double data[2] = {0.5 * tau, power}, none[2] = {0.5 * tau, 0}, end = tau + 16 * sqrt(tau);
  return test_integral(ref_complex_gap, data, 0, end) /
         test_integral(ref_complex_gap, none, 0, end);
}

/** Width 3: gaps a, b; |relative|^2 = 2 (a^2 + a b + b^2)/3. data: t2, moment or not, a. */
static inline double ref_complex_pair(double b, const double *data)
{
  double a = data[2], square = 2 * (a * a + a * b + b * b) / 3;
  double p = a * b * (a + b) * sinh(a) * sinh(b) * sinh(a + b) * exp(-0.5 * square / data[0]);
  return data[1] > 0 ? p * square : p;
}

static inline double ref_complex_outer(double a, const double *data)
{
  const double inner[3] = {data[0], data[1], a};
  return test_integral(ref_complex_pair, inner, 0, 10 * data[0] + 16 * sqrt(data[0]));
}

/** Width 3: E sum lambda^2. */
static inline double ref_complex_squares_3(double tau)
{
  double t2 = 0.5 * tau, with[2] = {t2, 1}, without[2] = {t2, 0}, end = 10 * t2 + 16 * sqrt(t2);
  return t2 + test_integral(ref_complex_outer, with, 0, end) /
                  test_integral(ref_complex_outer, without, 0, end);
}

/* ---- infinite width
 * ------------------------------------------------------------------------------ */

/** Uniform[-h, h], h = t/2, convolved with a semicircle of variance h: with w = x - h G(x) the
 * transform G = (1/2h) log[(w + h)/(w - h)], so x = w + (1/2) log[(w + h)/(w - h)], real where the
 * interval is seen from w under the angle 2 Im w. data: h, k, and what is averaged: x^k if the
 * third is 0, otherwise e^{2kx}. The curve is parametrised by b = Im w. */
typedef struct ref_free {
  double x, density;
} ref_free;

static inline double ref_free_a2(double h, double b)
{
  return h * h - b * b + 2 * h * b / tan(2 * b);
}

/** Largest b: Re w = 0. */
static inline double ref_free_top(double h)
{
  double low = 0, high = 0.5 * REF_PI;
  for (int i = 0; i < 200; i++) {
    double middle = 0.5 * (low + high);
    *(ref_free_a2(h, middle) > 0 ? &low : &high) = middle;
  }
  return low;
}

static inline ref_free ref_free_at(double h, double b)
{
  double a = sqrt(fmax(0, ref_free_a2(h, b)));
  double far = (a + h) * (a + h) + b * b, close = (a - h) * (a - h) + b * b;
  return (ref_free){a + 0.25 * log(far / close), b / (REF_PI * h)};
}

/** End of the support: b -> 0, a^2 = h^2 + h. */
static inline double ref_free_edge(double h)
{
  double a = sqrt(h * h + h);
  return a + 0.5 * log((a + h) / (a - h));
}

/** Int f rho dx over x > 0 = int (F(x(b)) - F(0)) drho, F the integral of the even part of f. */
static inline double ref_free_weight(double b, const double *data)
{
  double x = ref_free_at(data[0], b).x, k = data[1];
  double f = data[2] > 0 ? sinh(2 * k * x) / (2 * k) : pow(x, k + 1) / (k + 1);
  return 2 * f / (REF_PI * data[0]);
}

/** int x^k rho dx, k even, or int e^{2kx} rho dx. */
static inline double ref_free_moment(double t, int k, bool exponential)
{
  const double data[3] = {0.5 * t, k, exponential};
  return test_integral(ref_free_weight, data, 0, ref_free_top(0.5 * t));
}
