/* Estimates from the means of sums over paths. */
#include <math.h>
#include <string.h>

#include "drift_layout.h"

/* ---- linear equations ----------------------------------------------------------------------- */

enum { SOLVE_MAX = WMC_DRIFT_NODES };

/* Solve A x = b for n <= SOLVE_MAX unknowns and `sides` right-hand sides by Gaussian elimination; a
 * (row-major) and b (sides x n) are destroyed, b holds x. Unknowns without equation become NaN. */
static void solve(size_t n, double *a, size_t sides, double *b)
{
  double largest = 0;
  for (size_t k = 0; k < n * n; k++) largest = fmax(largest, fabs(a[k]));
  for (size_t k = 0; k < n; k++) {
    size_t best = k;
    for (size_t i = k + 1; i < n; i++)
      if (fabs(a[i * n + k]) > fabs(a[best * n + k])) best = i;
    for (size_t j = 0; j < n && best != k; j++) {
      double t = a[k * n + j];
      a[k * n + j] = a[best * n + j];
      a[best * n + j] = t;
    }
    for (size_t s = 0; s < sides && best != k; s++) {
      double t = b[s * n + k];
      b[s * n + k] = b[s * n + best];
      b[s * n + best] = t;
    }
    if (!(fabs(a[k * n + k]) > 1e-12 * largest)) a[k * n + k] = NAN;
    for (size_t i = k + 1; i < n; i++) {
      const double factor = a[i * n + k] / a[k * n + k];
      for (size_t j = k; j < n && factor != 0; j++) a[i * n + j] -= factor * a[k * n + j];
      for (size_t s = 0; s < sides && factor != 0; s++) b[s * n + i] -= factor * b[s * n + k];
    }
  }
  for (size_t s = 0; s < sides; s++)
    for (size_t k = n; k-- > 0;) {
      for (size_t j = k + 1; j < n; j++) b[s * n + k] -= a[k * n + j] * b[s * n + j];
      b[s * n + k] /= a[k * n + k];
    }
}

/* ---- coefficients --------------------------------------------------------------------------- */

typedef struct coefficients {
  double a, c, D;
  double h; /* times the share of the paths that are used */
} coefficients;

static coefficients coefficients_at(const wmc_drift_plan *p, const double *sums, size_t lag)
{
  const double *s = sums + drift_layout_of(p).lags + lag * LAG_SUMS;
  coefficients k = {.h = p->step * (double)p->lag[lag] * s[LAG_ONE]};
  k.a = s[LAG_TY] / s[LAG_TX]; /* the sum of T over i is 0, and so is that of S */
  k.c = s[LAG_Y] / k.h;
  k.D = (s[LAG_Y2] - k.a * s[LAG_E] - k.c * s[LAG_F]) / k.h;
  return k;
}

/* E w, where `h` already has the share of the paths. */
static double mean_of(const double *s, size_t weight)
{
  const double *gram = s + GRAM;
  return gram[BY_ONE * WEIGHTS + weight] / gram[BY_ONE * WEIGHTS + BY_ONE];
}

/* E w r_i and E w q_ii. */
static double drift_moment(const coefficients *k, const double *s, size_t weight)
{
  return s[OUT_Y * WEIGHTS + weight] - k->a * s[OUT_X * WEIGHTS + weight] -
         k->c * k->h * mean_of(s, weight);
}

static double variance_moment(const coefficients *k, const double *s, size_t weight)
{
  return s[OUT_Y2 * WEIGHTS + weight] - k->a * s[OUT_E * WEIGHTS + weight] -
         k->c * s[OUT_F * WEIGHTS + weight] - k->D * k->h * mean_of(s, weight);
}

typedef double moment(const coefficients *k, const double *s, size_t weight);

/* ---- tests ---------------------------------------------------------------------------------- */

/* One weight less what the first `controls` weights say of it linearly: its moment and square. */
static void without_controls(const coefficients *k, const double *s, size_t weight, size_t controls,
                             moment *of, double *value, double *square)
{
  const double *gram = s + GRAM;
  double a[CONTROLS * CONTROLS], b[CONTROLS];
  for (size_t i = 0; i < controls; i++) {
    for (size_t j = 0; j < controls; j++) a[i * controls + j] = gram[i * WEIGHTS + j];
    b[i] = gram[i * WEIGHTS + weight];
  }
  solve(controls, a, 1, b);
  *value = of(k, s, weight);
  *square = s[SQUARES + weight];
  for (size_t i = 0; i < controls; i++) {
    *value -= b[i] * of(k, s, i);
    *square -= b[i] * gram[i * WEIGHTS + weight];
  }
}

/* A weight that is a function of the controls leaves rounding of `all` in `square`. */
static double quotient(const wmc_drift_plan *p, double value, double square, double all)
{
  const double h = p->step * (double)p->lag[0];
  return square > 1e-9 * all ? value / (h * square) : NAN;
}

/* Slope in a weight, each index with controls of its own. */
static double slope_inside(const wmc_drift_plan *p, const coefficients *k, const double *index,
                           size_t weight, moment *of)
{
  double value = 0, square = 0, all = 0;
  for (size_t i = 0; i < p->width; i++, index += INDEX_SUMS) {
    double v, s;
    without_controls(k, index, weight, CONTROLS, of, &v, &s);
    value += v;
    square += s;
    all += index[SQUARES + weight];
  }
  return quotient(p, value, square, all);
}

/* Slope in a weight, all indices together, with common controls. */
static double slope_across(const wmc_drift_plan *p, const coefficients *k, const double *index,
                           size_t weight, size_t controls, moment *of)
{
  double sum[INDEX_SUMS] = {0}, value, square;
  for (size_t i = 0; i < p->width; i++, index += INDEX_SUMS)
    for (size_t a = 0; a < INDEX_SUMS; a++) sum[a] += index[a];
  without_controls(k, sum, weight, controls, of, &value, &square);
  return quotient(p, value, square, sum[SQUARES + weight]);
}

/* Legendre's first or second polynomial of the index, orthogonal to the ones before it. */
static double contrast(size_t d, size_t i, int order)
{
  const double x = (double)i - 0.5 * ((double)d - 1), n = (double)d;
  return order == 1 ? x : x * x - (n * n - 1) / 12;
}

static double slope_in_index(const wmc_drift_plan *p, const coefficients *k, const double *index,
                             int order, moment *of)
{
  double value = 0, square = 0;
  for (size_t i = 0; i < p->width; i++, index += INDEX_SUMS) {
    const double w = contrast(p->width, i, order);
    value += w * of(k, index, BY_ONE);
    square += w * w;
  }
  return p->width > (size_t)order ? value / (k->h * square) : NAN;
}

static double dynkin(const wmc_drift_plan *p, const coefficients *k, const double *s)
{
  const double pairs = 0.5 * (double)p->width * ((double)p->width - 1);
  return (s[DYNKIN_RISE] - k->a * s[DYNKIN_DRIFT] - k->D * s[DYNKIN_NOISE]) / (k->h * pairs);
}

/* ---- pair function -------------------------------------------------------------------------- */

static void fit_pairs(const wmc_drift_plan *p, const double *sums, double *pair, double *coth)
{
  const size_t n = p->nodes;
  double a[SOLVE_MAX * SOLVE_MAX], b[2 * SOLVE_MAX];
  for (size_t i = 0; i < n; i++, sums += n + 2) {
    memcpy(a + i * n, sums, n * sizeof *a);
    b[i] = sums[n];
    b[n + i] = sums[n + 1];
  }
  solve(n, a, 2, b);
  memcpy(coth, b, n * sizeof *b);
  memcpy(pair, b + n, n * sizeof *b);
}

/* ---- all ------------------------------------------------------------------------------------ */

void wmc_drift_estimate(const wmc_drift_plan *p, const double *sums, wmc_drift_estimates *out)
{
  const drift_layout l = drift_layout_of(p);
  const coefficients k = coefficients_at(p, sums, 0);
  const double *index = sums + l.index;
  for (size_t lag = 0; lag < p->lags; lag++) {
    const coefficients at = coefficients_at(p, sums, lag);
    out->amplitude[lag] = at.a;
    out->constant[lag] = at.c;
    out->diffusion[lag] = at.D;
  }
  fit_pairs(p, sums + l.pair, out->pair, out->pair_coth);
  out->drift_along = slope_in_index(p, &k, index, 1, drift_moment);
  out->drift_across = slope_in_index(p, &k, index, 2, drift_moment);
  out->variance_along = slope_in_index(p, &k, index, 1, variance_moment);
  out->variance_across = slope_in_index(p, &k, index, 2, variance_moment);
  out->drift_gap = slope_across(p, &k, index, BY_WIDE, 2, drift_moment);
  out->variance_gap = slope_across(p, &k, index, BY_NEAR, 1, variance_moment);
  out->dynkin = dynkin(p, &k, sums + l.dynkin);
  for (size_t w = 0; w < WMC_DRIFT_HIDDEN; w++) {
    const size_t squared = w == WMC_DRIFT_PAST ? BY_PAST_SQUARE : BY_HIDDEN + w;
    out->drift_hidden[w] = slope_inside(p, &k, index, BY_HIDDEN + w, drift_moment);
    out->variance_hidden[w] = slope_inside(p, &k, index, squared, variance_moment);
  }
}

void wmc_drift_matrix(const wmc_drift_plan *p, const double *sums, double *out)
{
  const coefficients k = coefficients_at(p, sums, 0);
  const size_t size = p->width * p->width;
  const double *s = sums + drift_layout_of(p).matrix;
  for (size_t e = 0; e < size; e++)
    out[e] =
        (s[MATRIX_YY * size + e] - k.a * s[MATRIX_E * size + e] - k.c * s[MATRIX_F * size + e]) /
        k.h;
}

double wmc_drift_share(const wmc_drift_plan *p, const double *sums)
{
  return sums[drift_layout_of(p).lags + LAG_ONE];
}

double wmc_drift_at_lag_zero(const wmc_drift_plan *p, const double *values)
{
  double w = 0, wx = 0, wxx = 0, wy = 0, wxy = 0;
  if (p->lags == 1) return values[0];
  for (size_t k = 0; k < p->lags; k++) {
    const double x = (double)p->lag[k], weight = x;
    w += weight;
    wx += weight * x;
    wxx += weight * x * x;
    wy += weight * values[k];
    wxy += weight * x * values[k];
  }
  return (wxx * wy - wx * wxy) / (w * wxx - wx * wx);
}
