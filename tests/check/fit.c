#include "weylmc/statistics/fit.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "streams.h"
#include "support.h"
#include "weylmc/numeric/random.h"
#include "weylmc/numeric/special.h"
#include "weylmc/statistics/estimate.h"

enum { MOST = 8, MOST_CHAINS = 16, PARAMETERS = WMC_FIT_PARAMETERS };

/* A set of points that the tests fill, and the view of it that is fitted. */
typedef struct points {
  size_t points, chains;
  double depth[MOST], value[MOST], error[MOST], covariance[MOST * MOST];
  double chain[MOST * MOST_CHAINS];
} points;

static wmc_fit_data data_of(const points *p)
{
  return (wmc_fit_data){.points = p->points,
                        .depth = p->depth,
                        .value = p->value,
                        .error = p->error,
                        .chains = p->chains,
                        .chain_value = p->chain};
}

enum { SEED = 20260301 };

/* Depths 2, 4, ..., errors of different sizes. */
static points new_points(wmc_stream *stream, size_t n)
{
  points p = {.points = n};
  for (size_t k = 0; k < n; k++) {
    p.depth[k] = pow(2, 1 + (double)k);
    p.error[k] = 1e-3 * (0.5 + wmc_stream_uniform(stream));
  }
  return p;
}

/* The curve of a form, written out again from its formula. */
static double curve(const char *name, const double *x, double depth)
{
  double u = 1 / depth;
  if (strcmp(name, "linear") == 0) return x[0] + x[1] * u;
  if (strcmp(name, "quadratic") == 0) return x[0] + x[1] * u + x[2] * u * u;
  if (strcmp(name, "cubic") == 0) return x[0] + x[1] * u + x[2] * u * u + x[3] * u * u * u;
  if (strcmp(name, "power") == 0) return x[0] + x[1] * pow(u, x[2]);
  cr_assert_str_eq(name, "root", "form %s is not known to this test", name);
  return x[0] + x[1] * u + x[2] * pow(depth, -1.5);
}

static wmc_fit fit_of(const points *p, const wmc_form *form)
{
  wmc_fit_data data = data_of(p);
  wmc_fit fit;
  cr_assert_eq(wmc_fit_form(&data, form, &fit), WMC_OK, "%s", wmc_message());
  return fit;
}

static wmc_fit choice_of(const points *p)
{
  wmc_fit_data data = data_of(p);
  wmc_fit fit;
  cr_assert_eq(wmc_fit_choose(&data, &fit), WMC_OK, "%s", wmc_message());
  return fit;
}

/* ---- values and errors ------------------------------------------------------------------ */

Test(fit, exact_data_are_recovered)
{
  wmc_stream *stream = test_stream(SEED, 1);
  for (int t = 0; t < test_trials(100); t++)
    for (const wmc_form *form = wmc_forms; form->kind == WMC_FORM_SQUARES; form++) {
      points p = new_points(stream, MOST);
      double x[PARAMETERS];
      wmc_stream_normals(stream, PARAMETERS, 2, x);
      if (form->exponent) x[2] = 0.3 + 2 * wmc_stream_uniform(stream);
      if (form->exponent) x[1] = copysign(0.5 + fabs(x[1]), x[1]);
      for (size_t k = 0; k < MOST; k++) p.value[k] = curve(form->name, x, p.depth[k]);
      wmc_fit fit = fit_of(&p, form);
      double tolerance = form->exponent ? 1e-6 : 1e-11;
      for (int j = 0; j < form->parameters; j++)
        cr_assert_lt(fabs(fit.value[j] - x[j]), tolerance, "%s: parameter %d is %.17g, not %.17g",
                     form->name, j, fit.value[j], x[j]);
      for (int j = form->parameters; j < PARAMETERS; j++) cr_assert(isnan(fit.value[j]));
      cr_assert_lt(fit.chi_squared, 1e-6);
      double beyond = curve(form->name, x, 1000);
      cr_assert_lt(fabs(wmc_fit_curve(&fit, 1000) - beyond), tolerance);
    }
  wmc_stream_destroy(stream);
}

/* Inverse of a symmetric positive definite n x n matrix by Gauss-Jordan elimination. */
static void invert(size_t n, const double *a, double *inverse)
{
  double w[MOST][2 * MOST] = {{0}};
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) w[i][j] = a[i * n + j];
    w[i][n + i] = 1;
  }
  for (size_t i = 0; i < n; i++) {
    double pivot = w[i][i];
    for (size_t j = 0; j < 2 * n; j++) w[i][j] /= pivot;
    for (size_t k = 0; k < n; k++) {
      double factor = k == i ? 0 : w[k][i];
      for (size_t j = 0; j < 2 * n; j++) w[k][j] -= factor * w[i][j];
    }
  }
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) inverse[i * n + j] = w[i][n + j];
}

/* d curve / d x_j by a central difference. */
static double derivative(const char *name, const double *x, int j, double depth)
{
  double low[PARAMETERS], high[PARAMETERS], h = 1e-5;
  memcpy(low, x, sizeof low);
  memcpy(high, x, sizeof high);
  low[j] -= h;
  high[j] += h;
  return (curve(name, high, depth) - curve(name, low, depth)) / (2 * h);
}

/* (X^T V^-1 X)^-1 from the definition; X holds derivatives of the curve. */
static void expected_covariance(const points *p, const double *v, const wmc_fit *fit, double *out)
{
  size_t n = p->points, k = (size_t)fit->form->parameters;
  double weight[MOST * MOST], x[MOST][PARAMETERS], normal[PARAMETERS * PARAMETERS] = {0};
  invert(n, v, weight);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < k; j++)
      x[i][j] = derivative(fit->form->name, fit->value, (int)j, p->depth[i]);
  for (size_t a = 0; a < k; a++)
    for (size_t b = 0; b < k; b++)
      for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) normal[a * k + b] += x[i][a] * weight[i * n + j] * x[j][b];
  invert(k, normal, out);
}

/* V = diag(error^2) + rank one, or its diagonal alone. */
static void set_covariance(points *p, bool correlated, wmc_stream *stream)
{
  double u[MOST];
  wmc_stream_normals(stream, MOST, correlated ? 1e-3 : 0, u);
  for (size_t i = 0; i < p->points; i++)
    for (size_t j = 0; j < p->points; j++)
      p->covariance[i * p->points + j] = u[i] * u[j] + (i == j ? p->error[i] * p->error[i] : 0);
}

Test(fit, covariance_is_that_of_the_algebra)
{
  wmc_stream *stream = test_stream(SEED, 2);
  for (int t = 0; t < test_trials(50); t++)
    for (const wmc_form *form = wmc_forms; form->kind == WMC_FORM_SQUARES; form++) {
      points p = new_points(stream, 6);
      double x[PARAMETERS] = {1, 2, 0.8, 3}, noise[MOST], expected[PARAMETERS * PARAMETERS];
      wmc_stream_normals(stream, MOST, 1e-3, noise);
      for (size_t k = 0; k < p.points; k++)
        p.value[k] = curve(form->name, x, p.depth[k]) + noise[k];
      set_covariance(&p, t % 2, stream);
      wmc_fit_data data = data_of(&p);
      if (t % 2) data.covariance = p.covariance;
      wmc_fit fit;
      cr_assert_eq(wmc_fit_form(&data, form, &fit), WMC_OK, "%s", wmc_message());
      cr_assert(!fit.jackknife);
      expected_covariance(&p, p.covariance, &fit, expected);
      for (int j = 0; j < form->parameters; j++) {
        double error = sqrt(expected[j * form->parameters + j]);
        cr_assert_lt(fabs(fit.error[j] / error - 1), 1e-6, "%s: error of parameter %d", form->name,
                     j);
      }
    }
  wmc_stream_destroy(stream);
}

/* chi^2 with a full covariance from its definition, and that the fit is its minimum. */
Test(fit, chi_squared_is_least)
{
  wmc_stream *stream = test_stream(SEED, 3);
  for (int t = 0; t < test_trials(50); t++)
    for (const wmc_form *form = wmc_forms; form->kind == WMC_FORM_SQUARES; form++) {
      points p = new_points(stream, 7);
      double x[PARAMETERS] = {1, 2, 0.8, 3}, noise[MOST], weight[MOST * MOST];
      wmc_stream_normals(stream, MOST, 2e-3, noise);
      for (size_t k = 0; k < 7; k++) p.value[k] = curve(form->name, x, p.depth[k]) + noise[k];
      set_covariance(&p, true, stream);
      invert(7, p.covariance, weight);
      wmc_fit_data data = data_of(&p);
      data.covariance = p.covariance;
      wmc_fit fit;
      cr_assert_eq(wmc_fit_form(&data, form, &fit), WMC_OK, "%s", wmc_message());
      for (int trial = 0; trial <= form->parameters; trial++) { /* at the minimum, then beside it */
        double chi = 0, y[PARAMETERS];
        memcpy(y, fit.value, sizeof y);
        if (trial > 0) y[trial - 1] += 0.1 * fit.error[trial - 1];
        for (size_t i = 0; i < 7; i++)
          for (size_t j = 0; j < 7; j++)
            chi += (p.value[i] - curve(form->name, y, p.depth[i])) * weight[i * 7 + j] *
                   (p.value[j] - curve(form->name, y, p.depth[j]));
        if (trial == 0)
          cr_assert_lt(fabs(chi - fit.chi_squared), 1e-8 * (1 + chi));
        else
          cr_assert_gt(chi, fit.chi_squared - 1e-8 * (1 + chi));
      }
      int k = form->parameters, n = 7;
      cr_assert_eq(fit.freedom, n - k);
      cr_assert_float_eq(fit.p_value, wmc_chi_squared_tail(fit.chi_squared, n - k), 1e-14);
      cr_assert_float_eq(fit.aicc - fit.chi_squared, 2 * k + 2.0 * k * (k + 1) / (n - k - 1),
                         1e-10);
    }
  wmc_stream_destroy(stream);
}

Test(fit, order_of_the_points_changes_no_bit)
{
  wmc_stream *stream = test_stream(SEED, 4);
  points p = new_points(stream, 6), q = p;
  for (size_t k = 0; k < 6; k++) {
    p.value[k] = 1 + 1 / p.depth[k] + wmc_stream_normal(stream) * p.error[k];
    size_t to = (5 * k + 2) % 6;
    q.depth[to] = p.depth[k];
    q.value[to] = p.value[k];
    q.error[to] = p.error[k];
  }
  wmc_fit a = choice_of(&p), b = choice_of(&q);
  cr_assert_eq(a.form, b.form);
  cr_assert_eq(memcmp(a.value, b.value, sizeof a.value), 0);
  cr_assert_eq(memcmp(a.error, b.error, sizeof a.error), 0);
  cr_assert_eq(a.chi_squared, b.chi_squared);
  wmc_stream_destroy(stream);
}

Test(fit, a_point_at_infinite_depth_takes_part)
{
  const double x[PARAMETERS] = {1, 2, 0.8, 3};
  for (const wmc_form *form = wmc_forms; form->kind == WMC_FORM_SQUARES; form++) {
    points p = {.points = 5, .depth = {INFINITY, 4, 8, 16, 32}};
    for (size_t k = 0; k < 5; k++) {
      p.value[k] = isinf(p.depth[k]) ? x[0] : curve(form->name, x, p.depth[k]);
      p.error[k] = 1e-3;
    }
    wmc_fit fit = fit_of(&p, form);
    cr_assert_float_eq(fit.value[0], 1, 1e-8);
    cr_assert_float_eq(wmc_fit_curve(&fit, INFINITY), 1, 1e-8);
    cr_assert_lt(fit.error[0], 1e-3);
  }
}

/* ---- jackknife -------------------------------------------------------------------------- */

/* Chains with normal means; value and error are those of the chains. */
static points new_chains(wmc_stream *stream, size_t n, size_t chains, const char *form,
                         const double *x)
{
  points p = new_points(stream, n);
  p.chains = chains;
  for (size_t k = 0; k < n; k++) {
    double mean = 0, c = (double)chains;
    for (size_t j = 0; j < chains; j++) {
      p.chain[k * chains + j] =
          curve(form, x, p.depth[k]) + p.error[k] * sqrt(c) * wmc_stream_normal(stream);
      mean += p.chain[k * chains + j] / c;
    }
    p.value[k] = mean;
  }
  return p;
}

/* The whole fit without each chain in turn, done by hand. */
Test(fit, jackknife_repeats_the_fit_without_each_chain)
{
  const double x[PARAMETERS] = {1, 2, 0.8, 3};
  wmc_stream *stream = test_stream(SEED, 5);
  for (const wmc_form *form = wmc_forms; form->kind == WMC_FORM_SQUARES; form++) {
    points p = new_chains(stream, 6, MOST_CHAINS, form->name, x);
    double mean[PARAMETERS] = {0}, square[PARAMETERS] = {0}, c = MOST_CHAINS;
    wmc_fit fit = fit_of(&p, form);
    for (size_t without = 0; without < MOST_CHAINS; without++) {
      points q = p;
      q.chains = 0;
      for (size_t k = 0; k < 6; k++)
        q.value[k] = (c * p.value[k] - p.chain[k * MOST_CHAINS + without]) / (c - 1);
      wmc_fit less = fit_of(&q, form);
      for (int j = 0; j < form->parameters; j++) {
        mean[j] += (less.value[j] - fit.value[j]) / c;
        square[j] += pow(less.value[j] - fit.value[j], 2);
      }
    }
    cr_assert(fit.jackknife);
    for (int j = 0; j < form->parameters; j++) {
      double error = sqrt((c - 1) / c * (square[j] - c * mean[j] * mean[j]));
      double tolerance = form->exponent ? 1e-2 : 1e-9; /* samples are scaled in the library */
      cr_assert_lt(fabs(fit.error[j] / (wmc_student_factor(c - 1) * error) - 1), tolerance,
                   "%s: parameter %d has error %g, by hand %g", form->name, j, fit.error[j], error);
    }
  }
  wmc_stream_destroy(stream);
}

/* Two points determine the line: a = (N2 y2 - N1 y1)/(N2 - N1). With patterns of chains that are
 * orthogonal the variance is exactly the sum of both; two chains are missing at one depth. */
Test(fit, chains_missing_at_a_depth)
{
  const size_t chains = 10;
  const double one[] = {1, -1, 1, -1, 1, -1, 1, -1, NAN, NAN};
  const double two[] = {1, 1, -1, -1, 1, 1, -1, -1, 2, -2};
  points p = {.points = 2, .chains = 10, .depth = {2, 6}, .value = {1, 3}, .error = {0.1, 0.1}};
  for (size_t c = 0; c < chains; c++) {
    p.chain[c] = 1 + one[c];
    p.chain[chains + c] = 3 + two[c];
  }
  wmc_fit fit = fit_of(&p, wmc_form_find("linear"));
  double variance = pow(2.0 / 4, 2) * (8.0 / 7) / 8 + pow(6.0 / 4, 2) * (16.0 / 9) / 10;
  cr_assert(fit.jackknife);
  cr_assert_float_eq(fit.value[0], (6 * 3 - 2 * 1) / 4.0, 1e-12);
  cr_assert_float_eq(fit.error[0], wmc_student_factor(7) * sqrt(variance), 1e-12);
  p.chain[0] = NAN; /* seven chains are too few */
  fit = fit_of(&p, wmc_form_find("linear"));
  cr_assert(!fit.jackknife);
  cr_assert_float_eq(fit.error[0], 0.1 * sqrt(pow(2.0 / 4, 2) + pow(6.0 / 4, 2)), 1e-12);
}

/* ---- choice ----------------------------------------------------------------------------- */

Test(fit, two_points_determine_a_line_that_cannot_be_judged)
{
  points p = {.points = 2, .depth = {10, 20}, .value = {1.1, 1.05}, .error = {0.01, 0.02}};
  wmc_fit fit = fit_of(&p, wmc_form_find("linear"));
  cr_assert_float_eq(fit.value[0], 1, 1e-12);
  cr_assert_float_eq(fit.value[1], 1, 1e-10);
  cr_assert_float_eq(fit.error[0], sqrt(0.01 * 0.01 + 4 * 0.02 * 0.02), 1e-12);
  cr_assert_eq(fit.freedom, 0);
  cr_assert(isnan(fit.p_value) && isnan(fit.aicc));
  cr_assert_eq(fit.quality, WMC_FIT_UNTESTED);
  fit = choice_of(&p); /* further terms are possible, and the error knows */
  cr_assert_eq(fit.quality, WMC_FIT_UNTESTED);
  cr_assert_gt(fit.error[0], sqrt(0.01 * 0.01 + 4 * 0.02 * 0.02));
}

/* 1 + 1/N, to 1e-4: from depths up to 48 times the first the limit is near; from two that differ by
 * 1.3 it is three times as far away as they are from each other, and many errors. With errors of
 * 0.1 it is near again. */
Test(fit, limits_far_from_all_data_are_said)
{
  const double near[] = {8, 16, 32, 64, 128, 384}, far[] = {100, 108, 116, 122, 126, 130};
  for (int k = 0; k < 3; k++) {
    points p = {.points = 6};
    const double *depth = k == 0 ? near : far, error = k == 2 ? 0.1 : 1e-6;
    for (int i = 0; i < 6; i++) {
      p.depth[i] = depth[i];
      p.value[i] = 1 + 1 / depth[i];
      p.error[i] = error;
    }
    const wmc_fit fit = fit_of(&p, wmc_form_find("linear"));
    const double left = 1 / depth[5], way = 1 / depth[0] - left;
    cr_expect_float_eq(fit.share, left / way, 1e-6, "%d: %g", k, fit.share);
    cr_expect_float_eq(fit.reach * fit.error[0], left, 1e-6 * left, "%d", k);
    cr_expect_eq(fit.quality, k == 1 ? WMC_FIT_FAR : WMC_FIT_GOOD, "%d: %s, %g errors", k,
                 wmc_fit_quality_name(fit.quality), fit.reach);
  }
}

/* Terms of the series, written out again: power, and power of the logarithm. */
enum { MOST_TERMS = 12 };
typedef struct expansion {
  const char *name;
  double term[MOST_TERMS][2];
} expansion;
enum { ANALYTIC, BOUNDARY, HALF, LOGARITHMIC };
static const expansion expansions[] = {
    [ANALYTIC] = {"analytic", {{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 0}}},
    [BOUNDARY] = {"boundary",
                  {{1, 0},
                   {2, 0},
                   {3, 0},
                   {4, 0},
                   {5, 0},
                   {6, 0},
                   {1.5, 0},
                   {2.5, 0},
                   {1.5, 1},
                   {2, 1},
                   {2.5, 1},
                   {3, 1}}},
    [HALF] = {"half",
              {{0.5, 0},
               {0.5, 1},
               {0.5, 2},
               {1, 0},
               {1, 1},
               {1, 2},
               {1.5, 0},
               {1.5, 1},
               {1.5, 2},
               {2, 0},
               {2, 1},
               {2, 2}}},
    [LOGARITHMIC] = {"logarithmic",
                     {{1, 0}, {1, 1}, {1, 2}, {2, 0}, {2, 1}, {2, 2}, {3, 0}, {3, 1}, {3, 2}}}};

static int terms_of(const expansion *e, double depth, double *value)
{
  int n = 0;
  for (; n < MOST_TERMS && e->term[n][0] > 0; n++)
    value[n] = isinf(depth) ? 0 : pow(depth, -e->term[n][0]) * pow(log(depth), e->term[n][1]);
  return n;
}

typedef struct posterior {
  double log_probability, squares, value[2], variance[2];
} posterior;

/* The posterior by another road: with the coefficients integrated out, the values are normal about
 * the limit with covariance W = V + sum_k s_k^2 f_k f_k^T. */
static posterior posterior_of(const points *p, const double *v, const expansion *e, double s)
{
  size_t n = p->points;
  double w[MOST * MOST] = {0}, inverse[MOST * MOST], slope[MOST], f[MOST][MOST_TERMS];
  double one = 0, mean = 0, squares = 0, b = 0, shrink = 0, tilt = 0;
  const double first = pow(s * pow(2, e->term[0][0] - 1), 2);
  int terms = 0;
  for (size_t i = 0; i < n; i++) terms = terms_of(e, p->depth[i], f[i]);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      w[i * n + j] = v[i * n + j];
      for (int k = 0; k < terms; k++)
        w[i * n + j] += pow(s * pow(2, e->term[k][0] - 1), 2) * f[i][k] * f[j][k];
    }
  invert(n, w, inverse);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      one += inverse[i * n + j];
      mean += inverse[i * n + j] * p->value[j];
    }
  mean /= one;
  for (size_t i = 0; i < n; i++) {
    slope[i] = 0;
    for (size_t j = 0; j < n; j++) {
      squares += (p->value[i] - mean) * inverse[i * n + j] * (p->value[j] - mean);
      slope[i] += first * inverse[i * n + j] * f[j][0];
    }
  }
  for (size_t i = 0; i < n; i++) {
    b += slope[i] * (p->value[i] - mean);
    shrink += slope[i] * f[i][0];
    tilt += slope[i];
  }
  double log_determinant = 0; /* by elimination */
  for (size_t k = 0; k < n; k++) {
    log_determinant += log(w[k * n + k]);
    for (size_t i = k + 1; i < n; i++)
      for (size_t j = k + 1; j < n; j++) w[i * n + j] -= w[i * n + k] * w[k * n + j] / w[k * n + k];
  }
  return (posterior){.log_probability = -(squares + log_determinant + log(one)) / 2,
                     .squares = squares,
                     .value = {mean, b},
                     .variance = {1 / one, first * (1 - shrink) + tilt * tilt / one}};
}

/* Averages over some expansions and all scales; returns the probability of the last one. */
static double averaged(const points *p, const double *v, const expansion *set, int count,
                       double value[2], double error[2])
{
  enum { SCALES = 9, MOST_SETS = 2 };
  posterior all[MOST_SETS][SCALES];
  double most = -INFINITY, total = 0, last = 0, low = INFINITY, high = -INFINITY, depth = 1e300;
  for (size_t k = 0; k < p->points; k++) {
    low = fmin(low, p->value[k]);
    high = fmax(high, p->value[k]);
    depth = fmin(depth, p->depth[k]);
  }
  for (int c = 0; c < count; c++)
    for (int k = 0; k < SCALES; k++) {
      all[c][k] =
          posterior_of(p, v, &set[c], pow(depth, set[c].term[0][0]) * (high - low) * pow(2, k));
      most = fmax(most, all[c][k].log_probability);
    }
  for (int j = 0; j < 2; j++) {
    double mean = 0, square = 0;
    total = last = 0;
    for (int c = 0; c < count; c++)
      for (int k = 0; k < SCALES; k++) {
        double weight = exp(all[c][k].log_probability - most);
        total += weight;
        if (c == count - 1) last += weight;
        mean += weight * all[c][k].value[j];
        square += weight * (all[c][k].variance[j] + pow(all[c][k].value[j], 2));
      }
    value[j] = mean / total;
    error[j] = sqrt(square / total - pow(mean / total, 2));
  }
  return last / total;
}

static void expect_values(const wmc_fit *fit, const double value[2], const double error[2])
{
  for (int j = 0; j < 2; j++) {
    cr_assert_lt(fabs(fit->value[j] - value[j]), 1e-5 * error[j], "%d: %.12g, not %.12g", j,
                 fit->value[j], value[j]);
    cr_assert_lt(fabs(fit->error[j] / error[j] - 1), 1e-5, "%d: %.12g, not %.12g", j, fit->error[j],
                 error[j]);
  }
}

Test(fit, choice_is_the_average_over_the_posteriors)
{
  wmc_stream *stream = test_stream(SEED, 6);
  for (int t = 0; t < test_trials(60); t++) {
    points p = new_points(stream, 5 + (size_t)(t % 3));
    double x[PARAMETERS] = {1, 2, t % 2 ? 0.5 : 0}, value[2], error[2];
    for (size_t k = 0; k < p.points; k++) {
      p.error[k] *= 10;
      p.value[k] = curve("quadratic", x, p.depth[k]) + p.error[k] * wmc_stream_normal(stream);
    }
    if (t % 4 == 3) p.depth[1] = INFINITY;
    set_covariance(&p, t % 3 == 0, stream);
    wmc_fit_data data = data_of(&p);
    data.covariance = p.covariance;
    wmc_fit fit;
    cr_assert_eq(wmc_fit_choose(&data, &fit), WMC_OK, "%s", wmc_message());
    if (fit.dropped > 0) continue;
    double boundary = averaged(&p, p.covariance, expansions, 2, value, error);
    bool is_boundary = strcmp(fit.form->name, "boundary") == 0;
    cr_assert_float_eq(fit.probability, is_boundary ? boundary : 1 - boundary, 1e-6);
    cr_assert_geq(fit.probability, 0.5);
    expect_values(&fit, value, error);
    cr_assert_eq(fit.rival != NULL, fit.probability < 0.95);
    cr_assert_eq(fit.freedom, (int)p.points - 1);
  }
  wmc_stream_destroy(stream);
}

/* Series that are no candidates, asked for by name. */
Test(fit, series_of_norms_are_their_posteriors)
{
  wmc_stream *stream = test_stream(SEED, 8);
  for (int t = 0; t < test_trials(40); t++) {
    const expansion *e = &expansions[t % 2 ? HALF : LOGARITHMIC];
    points p = new_points(stream, 5 + (size_t)(t % 3));
    double value[2], error[2];
    for (size_t k = 0; k < p.points; k++) {
      p.error[k] *= 10;
      p.value[k] = 1 + 2 * pow(p.depth[k], -e->term[0][0]) + p.error[k] * wmc_stream_normal(stream);
    }
    set_covariance(&p, t % 3 == 0, stream);
    wmc_fit_data data = data_of(&p);
    data.covariance = p.covariance;
    wmc_fit fit;
    cr_assert_eq(wmc_fit_form(&data, wmc_form_find(e->name), &fit), WMC_OK, "%s", wmc_message());
    if (fit.dropped > 0) continue;
    cr_assert_float_eq(averaged(&p, p.covariance, e, 1, value, error), 1, 1e-12);
    cr_assert_float_eq(fit.probability, 1, 1e-12);
    cr_assert_null(fit.rival);
    expect_values(&fit, value, error);
  }
  wmc_stream_destroy(stream);
}

/* One series alone, asked for by name, and the other give the rival's limit. */
Test(fit, rival_is_the_other_series_alone)
{
  wmc_stream *stream = test_stream(SEED, 7);
  points p = new_points(stream, MOST);
  for (size_t k = 0; k < MOST; k++) p.value[k] = 1 + 2 / p.depth[k] + p.error[k] * (k % 2 ? 1 : -1);
  wmc_fit both = choice_of(&p), analytic = fit_of(&p, wmc_form_find("analytic")),
          boundary = fit_of(&p, wmc_form_find("boundary"));
  cr_assert_str_eq(both.form->name, "analytic");
  cr_assert_str_eq(both.rival->name, "boundary");
  cr_assert_eq(both.quality, WMC_FIT_UNDECIDED);
  cr_assert_float_eq(both.rival_limit, boundary.value[0], 1e-12);
  cr_assert_float_eq(both.spread, boundary.value[0] - analytic.value[0], 1e-12);
  double w = both.probability;
  cr_assert_float_eq(both.value[0], w * analytic.value[0] + (1 - w) * boundary.value[0], 1e-12);
  cr_assert_float_eq(analytic.probability, 1, 1e-12);
  cr_assert_null(analytic.rival);
  cr_assert_eq(analytic.quality, WMC_FIT_GOOD);
  cr_assert_null(wmc_form_find("cubist"));
  wmc_stream_destroy(stream);
}

/* Noise that the chains have is put in place of that of the errors: chains whose scatter is k times
 * what the errors say. A narrow prior would hide it, so the data determine everything here. */
Test(fit, noise_of_a_choice_comes_from_the_chains)
{
  wmc_stream *stream = test_stream(SEED, 8);
  const double x[PARAMETERS] = {1, 2, 0.8, 3};
  points p = new_chains(stream, 3, MOST_CHAINS, "linear", x);
  p.depth[0] = 1e3, p.depth[1] = 1e5, p.depth[2] = 1e7; /* only the limit matters */
  for (size_t k = 0; k < 3; k++) p.error[k] = 1;
  for (size_t k = 0; k < 3; k++) {
    double mean = 0, unit[MOST_CHAINS], c = MOST_CHAINS;
    wmc_stream_normals(stream, MOST_CHAINS, 3 * sqrt(c), unit);
    for (size_t j = 0; j < MOST_CHAINS; j++) mean += unit[j] / c;
    for (size_t j = 0; j < MOST_CHAINS; j++) p.chain[k * MOST_CHAINS + j] = unit[j];
    p.value[k] = mean;
  }
  wmc_fit with = choice_of(&p);
  p.chains = 0;
  wmc_fit without = choice_of(&p);
  cr_assert(with.jackknife && !without.jackknife);
  cr_assert_eq(with.value[0], without.value[0]);
  cr_assert(with.error[0] > 1.5 * without.error[0] && with.error[0] < 5 * without.error[0],
            "%g with chains, %g without", with.error[0], without.error[0]);
  wmc_stream_destroy(stream);
}

Test(fit, shallow_points_that_no_form_fits_are_left_out)
{
  points p = {.points = MOST, .depth = {2, 2, 4, 8, 16, 32, 64, 128}};
  for (size_t k = 0; k < MOST; k++) {
    p.error[k] = 1e-3;
    p.value[k] = 1 + 2 / p.depth[k] + (k == 0 ? 0.5 : 0); /* two values at one depth */
  }
  wmc_fit fit = choice_of(&p);
  cr_assert_eq(fit.dropped, 1);
  cr_assert_eq(fit.freedom, MOST - 2);
  for (size_t k = 0; k < MOST; k++) { /* nothing fits: two values at every depth */
    p.depth[k] = pow(2, (double)(k / 2 + 1));
    p.value[k] = k % 2 ? 1 : -1;
  }
  fit = choice_of(&p);
  cr_assert_eq(fit.dropped, 0);
  cr_assert_lt(fit.p_value, 1e-6);
  cr_assert_eq(fit.quality, WMC_FIT_POOR);
}

/* ---- what cannot be fitted -------------------------------------------------------------- */

Test(fit, unusable_data_are_refused_with_a_message)
{
  const points good = {.points = 4,
                       .depth = {2, 4, 8, 16},
                       .value = {1.6, 1.2, 1.1, 1.06},
                       .error = {0.01, 0.01, 0.01, 0.01}};
  points cases[7];
  for (int k = 0; k < 7; k++) cases[k] = good;
  cases[0].value[1] = NAN;
  cases[1].error[2] = INFINITY;
  cases[2].error[2] = 0;
  cases[3].depth[0] = -2;
  cases[4].depth[0] = NAN;
  cases[5].points = 1;
  for (int k = 0; k < 4; k++) cases[6].depth[k] = 8; /* one depth four times */
  for (int k = 0; k < 7; k++) {
    wmc_fit_data data = data_of(&cases[k]);
    wmc_fit fit;
    wmc_message_clear();
    cr_assert_eq(wmc_fit_form(&data, wmc_form_find("linear"), &fit), WMC_DATA, "case %d", k);
    cr_assert_str_not_empty(wmc_message());
    wmc_message_clear();
    cr_assert_eq(wmc_fit_choose(&data, &fit), WMC_DATA, "case %d", k);
    cr_assert_str_not_empty(wmc_message());
  }
}

Test(fit, covariance_must_be_positive_definite)
{
  points p = {.points = 2, .depth = {2, 4}, .value = {1, 2}, .error = {1, 1}};
  const double covariance[] = {1, 2, 2, 1};
  wmc_fit_data data = data_of(&p);
  data.covariance = covariance;
  wmc_fit fit;
  cr_assert_eq(wmc_fit_form(&data, wmc_form_find("linear"), &fit), WMC_DATA);
}

Test(fit, an_exponent_that_is_not_determined_is_refused)
{
  points p = {.points = 5, .depth = {2, 4, 8, 16, 32}};
  for (size_t k = 0; k < 5; k++) {
    p.value[k] = log(p.depth[k]); /* p would go to 0 */
    p.error[k] = 1e-3;
  }
  wmc_fit_data data = data_of(&p);
  wmc_fit fit;
  cr_assert_eq(wmc_fit_form(&data, wmc_form_find("power"), &fit), WMC_DATA);
  cr_assert(strstr(wmc_message(), "exponent") != NULL);
  wmc_message_clear();
  for (size_t k = 0; k < 5; k++) p.value[k] = 1; /* no dependence at all */
  cr_assert_eq(wmc_fit_form(&data, wmc_form_find("power"), &fit), WMC_DATA);
}
