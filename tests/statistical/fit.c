#include "weylmc/statistics/fit.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "streams.h"
#include "support.h"
#include "weylmc/numeric/random.h"
#include "weylmc/numeric/special.h"
#include "weylmc/statistics/estimate.h"

/* Synthetic sweeps: at each depth the means of C chains are normal about a curve, and the value is
 * their mean. The error is the true one, or what the chains give. */
enum { POINTS = 7, CHAINS = 32 };
static const double depths[POINTS] = {8, 12, 16, 24, 32, 64, 128};

typedef struct sweep {
  double value[POINTS], error[POINTS], chain[POINTS * CHAINS];
} sweep;

static void draw_sweep(wmc_stream *stream, const wmc_form *form, const double *x, double error,
                       bool estimated, sweep *out)
{
  wmc_fit truth = {.form = form};
  memcpy(truth.value, x, (size_t)form->parameters * sizeof(double));
  for (int k = 0; k < POINTS; k++) {
    double *chain = out->chain + k * CHAINS, mean = 0, square = 0;
    wmc_stream_normals(stream, CHAINS, error * sqrt(CHAINS), chain);
    for (int c = 0; c < CHAINS; c++) chain[c] += wmc_fit_curve(&truth, depths[k]);
    for (int c = 0; c < CHAINS; c++) mean += chain[c] / CHAINS;
    for (int c = 0; c < CHAINS; c++) square += pow(chain[c] - mean, 2);
    out->value[k] = mean;
    out->error[k] = estimated ? sqrt(square / (CHAINS - 1) / CHAINS) : error;
  }
}

static wmc_fit_data data_of(const sweep *s, size_t chains)
{
  return (wmc_fit_data){.points = POINTS,
                        .depth = depths,
                        .value = s->value,
                        .error = s->error,
                        .chains = chains,
                        .chain_value = s->chain};
}

enum { SEED = 20260304 };

static double five_sigma(double p, int n) { return 5 * sqrt(p * (1 - p) / n); }

/* Shares of the one-sigma intervals of each parameter that hold the truth. Estimated errors make
 * noisy weights, for which the intervals are known to be too short by a factor
 * 1 + 2 (1 - 1/n)/freedom at most (Meier, 1953, for a weighted mean). */
typedef struct trial {
  const char *name;
  double x[WMC_FIT_PARAMETERS];
  bool jackknife, estimated;
} trial;

static void assert_covers(const trial *t, int j, double share, int fitted)
{
  const double one = erf(sqrt(0.5)), density = 2 * exp(-0.5) / sqrt(2 * acos(-1));
  double lost = t->estimated ? density * 2 * (1 - 1.0 / POINTS) / (CHAINS - 1) : 0;
  printf("%s, %s errors, %s weights: parameter %d within 1 sigma %.3f\n", t->name,
         t->jackknife ? "jackknife" : "covariance", t->estimated ? "estimated" : "exact", j, share);
  cr_expect_lt(share - one, five_sigma(one, fitted), "%s, parameter %d: %g", t->name, j, share);
  cr_expect_gt(share - one, -five_sigma(one, fitted) - lost, "%s, parameter %d: %g", t->name, j,
               share);
}

static void measure_coverage(const trial *set, long id, int trials)
{
  const wmc_form *form = wmc_form_find(set->name);
  double covered[WMC_FIT_PARAMETERS] = {0}, z[WMC_FIT_PARAMETERS] = {0};
  int fitted = 0;
  wmc_stream *stream = test_stream(SEED, id);
  for (int t = 0; t < trials; t++) {
    sweep s;
    wmc_fit fit;
    draw_sweep(stream, form, set->x, 1e-3, set->estimated, &s);
    wmc_fit_data data = data_of(&s, set->jackknife ? CHAINS : 0);
    if (wmc_fit_form(&data, form, &fit) != WMC_OK) continue;
    cr_assert_eq(fit.jackknife, set->jackknife);
    fitted++;
    for (int j = 0; j < form->parameters; j++) {
      covered[j] += fabs(fit.value[j] - set->x[j]) < fit.error[j];
      z[j] += (fit.value[j] - set->x[j]) / fit.error[j];
    }
  }
  cr_expect_gt(fitted, 0.99 * trials, "%s: %d of %d fitted", set->name, fitted, trials);
  for (int j = 0; j < form->parameters; j++) {
    assert_covers(set, j, covered[j] / fitted, fitted);
    if (!form->exponent)
      cr_expect_lt(fabs(z[j] / fitted), 5 * 1.1 / sqrt(fitted), "%s: bias", set->name);
  }
  wmc_stream_destroy(stream);
}

Test(fit_coverage, of_every_form)
{
  const trial trials[] = {
      {"linear", {2, -3}, false, false},        {"linear", {2, -3}, true, false},
      {"linear", {2, -3}, false, true},         {"linear", {2, -3}, true, true},
      {"quadratic", {2, 2.5, 9}, false, false}, {"quadratic", {2, 2.5, 9}, true, false},
      {"quadratic", {2, 2.5, 9}, true, true},   {"root", {1, 4, -6}, true, false},
      {"power", {1, 2, 0.75}, false, false},    {"power", {1, 2, 0.75}, true, false},
  };
  for (size_t k = 0; k < sizeof trials / sizeof trials[0]; k++) {
    bool power = trials[k].name[0] == 'p';
    measure_coverage(&trials[k], (long)k, test_trials(power ? 1000 : 4000));
  }
}

/* ---- choice: exact averages of balanced networks ---------------------------------------- */

/* Averages of the Gibbs law (14) of docs/theory/balanced.md, width 2, excess m, beta = 1, E =
 * |X|^2/2. In r = lambda_2/lambda_1 and sigma_1, with rho = r^N and K = (N-1) m, the law is
 *   sqrt[(1-r^2)(1-rho^2)] r^K dr  sigma_1^(P-1) exp(-sigma_1^2 (1+rho^2)/2) dsigma_1,
 * P = 1 + (3 + 2 K)/N, so that sigma_1^2 (1+rho^2)/2 is Gamma(P/2) distributed at given r. */
typedef enum quantity { REDUCED_ENTROPY, LOG_DET, SIGMA_2, LAMBDA_2, QUANTITIES } quantity;
static const char *const names[] = {"reduced_entropy", "log|det X|", "sigma_2", "lambda_2"};

static double at_ratio(quantity q, double n, double m, double log_r)
{
  double half = (1 + (3 + 2 * (n - 1) * m) / n) / 2, rho2 = exp(2 * n * log_r);
  double log_sigma = (wmc_digamma(half) + log(2) - log1p(rho2)) / 2; /* averages given r */
  double log_det = 2 * log_sigma + n * log_r;
  double log_a = 2 * (1 - 1 / n) * log_sigma + log(expm1(2 * n * log_r) / expm1(2 * log_r));
  double power = q == SIGMA_2 ? 1 : 1 / n;
  double moment =
      exp(wmc_log_gamma(half + power / 2) - wmc_log_gamma(half)) * pow(2 / (1 + rho2), power / 2);
  switch (q) {
  case REDUCED_ENTROPY:
    return log_a / 2 + (m > 0 ? m * (1 - 1 / n) * log_det - log(n) / 2 : 0);
  case LOG_DET:
    return log_det;
  case SIGMA_2:
    return moment * exp(n * log_r);
  default:
    return moment * exp(log_r);
  }
}

/* Trapezoids in u, log r = -e^u/N, where the layer r = 1 - O(1/N) and the bulk are on one scale. */
static double average_of(quantity q, double n, double m)
{
  double sum = 0, norm = 0, most = 0.5 * log(n) + 4;
  const double h = 1.0 / 64;
  for (double u = -most - 14; u < most + 14; u += h) {
    double t = exp(u - log(n)), log_r = -t;
    if (t > 700) break;
    double weight = sqrt(expm1(2 * log_r) * expm1(2 * n * log_r)) * exp((n - 1) * m * log_r) *
                    pow(1 + exp(2 * n * log_r), -(1 + (3 + 2 * (n - 1) * m) / n) / 2) * exp(log_r) *
                    t;
    if (!(weight > 0)) continue;
    norm += weight;
    sum += weight * at_ratio(q, n, m, log_r);
  }
  return sum / norm;
}

/* Limit and coefficient of 1/N. With excess by Richardson extrapolation of the averages. Without,
 * sigma_1 is half-normal and r independent with density ~ sqrt(1-r^2) in the limit, whence E log
 * sigma_1 = (psi(1/2) + log 2)/2 = l and E r = 4/(3 pi); P = 1 + 3/N adds (3/4) psi'(1/2)/N to the
 * former, and lambda_1 = 1 + log(sigma_1)/N. E log(1 - r^2) = 1 - 2 log 2. */
static void limit_of(quantity q, double m, double *x)
{
  double l = (wmc_digamma(0.5) + log(2)) / 2, mean = 4 / (3 * acos(-1));
  double f[3];
  for (int k = 0; k < 3; k++) f[k] = average_of(q, 1e4 * (1 << k), m);
  if (m > 0) {
    double half = 2e4 * (f[0] - f[1]), quarter = 4e4 * (f[1] - f[2]);
    x[1] = 2 * quarter - half;
    x[0] = (8 * f[2] - 6 * f[1] + f[0]) / 3;
    return;
  }
  const double limits[] = {l - (1 - 2 * log(2)) / 2, NAN, 0, mean};
  const double slopes[] = {0.75 * wmc_trigamma(0.5) - l, NAN, 0, mean * l};
  x[0] = limits[q];
  x[1] = slopes[q];
  for (int k = 0; k < 3; k++) { /* the rest goes like N^-3/2 log N */
    double n = 1e4 * (1 << k), rest = f[k] - x[0] - x[1] / n;
    cr_assert_lt(fabs(rest) * pow(n, 1.5) / log(n), 2, "%s: %g at %g", names[q], rest, n);
  }
}

/* The same from (14) itself, over both lambda. */
static double average_from_density(quantity q, int n, int m)
{
  double sum = 0, norm = 0, top = pow(9, 1.0 / n), h = top / 1500;
  for (int i = 0; i < 1500; i++)
    for (int j = 0; j < i; j++) {
      double x = (i + 0.5) * h, y = (j + 0.5) * h, s = pow(x, n), t = pow(y, n);
      double a = (s * s - t * t) / (x * x - y * y), det = log(s * t);
      double weight =
          exp(-(s * s + t * t) / 2) * (x * x - y * y) * sqrt(a) * pow(x * y, (n - 1) * m);
      double entropy = log(a) / 2 + (m > 0 ? m * (1 - 1.0 / n) * det - log(n) / 2 : 0);
      norm += weight;
      sum += weight * (q == REDUCED_ENTROPY ? entropy : q == LOG_DET ? det : q == SIGMA_2 ? t : y);
    }
  return sum / norm;
}

Test(fit_choice, averages_are_those_of_the_density)
{
  for (int q = 0; q < QUANTITIES; q++)
    for (int m = 0; m < 2; m++)
      for (int n = 2; n < 5; n++) {
        if (q == LOG_DET && m == 0) continue; /* singular at 0: midpoints are poor */
        double one = average_of((quantity)q, n, m), two = average_from_density((quantity)q, n, m);
        cr_assert_lt(fabs(one - two), 2e-4, "%s, N=%d, m=%d: %.8g, %.8g", names[q], n, m, one, two);
      }
}

enum { MOST_DEPTHS = 13 };
typedef struct design {
  int depths;
  double depth[MOST_DEPTHS];
} design;
static const design plans[] = {
    {10, {4, 5, 6, 8, 10, 14, 20, 30, 50, 100}},
    {6, {4, 8, 16, 32, 64, 128}},
    {13, {4, 5, 6, 8, 10, 14, 20, 30, 50, 100, 200, 400, 1000}},
};

typedef struct score {
  int fits, right, good, undecided, poor;
  double square[2], worst[2], error[2];
} score;

/* Data sets of means of chains about the exact averages; pulls of limit and coefficient. */
static score score_of(wmc_stream *stream, quantity q, double m, const design *plan, double error,
                      int trials)
{
  score s = {0};
  double exact[MOST_DEPTHS], truth[2], size = 0;
  limit_of(q, m, truth);
  for (int k = 0; k < plan->depths; k++) exact[k] = average_of(q, plan->depth[k], m);
  for (int k = 0; k < plan->depths; k++) size += fabs(exact[k]) / plan->depths;
  for (int t = 0; t < trials; t++) {
    double value[MOST_DEPTHS], errors[MOST_DEPTHS], chain[MOST_DEPTHS * CHAINS];
    for (int k = 0; k < plan->depths; k++) {
      double *c = chain + k * CHAINS, mean = 0, square = 0;
      wmc_stream_normals(stream, CHAINS, error * fmax(size, 0.2) * sqrt(CHAINS), c);
      for (int j = 0; j < CHAINS; j++) mean += (c[j] += exact[k]) / CHAINS;
      for (int j = 0; j < CHAINS; j++) square += pow(c[j] - mean, 2);
      value[k] = mean;
      errors[k] = wmc_student_factor(CHAINS - 1) * sqrt(square / (CHAINS - 1) / CHAINS);
    }
    wmc_fit fit;
    wmc_fit_data data = {.points = (size_t)plan->depths,
                         .depth = plan->depth,
                         .value = value,
                         .error = errors,
                         .chains = CHAINS,
                         .chain_value = chain};
    cr_assert_eq(wmc_fit_choose(&data, &fit), WMC_OK, "%s", wmc_message());
    s.fits++;
    s.right += strcmp(fit.form->name, m > 0 ? "analytic" : "boundary") == 0;
    s.good += fit.quality == WMC_FIT_GOOD;
    s.undecided += fit.quality == WMC_FIT_UNDECIDED;
    s.poor += fit.quality == WMC_FIT_POOR;
    for (int j = 0; j < 2; j++) {
      double pull = (fit.value[j] - truth[j]) / fit.error[j];
      s.square[j] += pull * pull;
      s.worst[j] = fmax(s.worst[j], fabs(pull));
      s.error[j] += fit.error[j];
    }
  }
  return s;
}

static void print_score(const char *name, double m, const design *plan, double error,
                        const score *s)
{
  double n = s->fits;
  printf("%-15s m=%g, %2d depths to %4g, errors %.0e: rms pull %.2f %.2f, worst %.1f %.1f; mean "
         "error %.2g %.2g; right form %3.0f%%, undecided %3.0f%%, poor %.0f%%\n",
         name, m, plan->depths, plan->depth[plan->depths - 1], error, sqrt(s->square[0] / n),
         sqrt(s->square[1] / n), s->worst[0], s->worst[1], s->error[0] / n, s->error[1] / n,
         100 * s->right / n, 100 * s->undecided / n, 100 * s->poor / n);
}

/* Whatever the errors, limit and coefficient are covered. */
Test(fit_choice, covers_limit_and_coefficient_with_and_without_excess)
{
  const double errors[] = {1e-2, 3e-3, 1e-3, 3e-4, 1e-4};
  wmc_stream *stream = test_stream(SEED, 20);
  int trials = test_trials(40);
  for (int m = 0; m < 2; m++) {
    double square[2] = {0};
    int fits = 0;
    for (int q = 0; q < QUANTITIES; q++)
      for (size_t k = 0; k < sizeof plans / sizeof plans[0]; k++)
        for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++) {
          if (q == LOG_DET && m == 0) continue; /* no limit */
          score s = score_of(stream, (quantity)q, m, &plans[k], errors[e], trials);
          print_score(names[q], m, &plans[k], errors[e], &s);
          fits += s.fits;
          for (int j = 0; j < 2; j++) {
            square[j] += s.square[j];
            cr_expect_lt(s.worst[j], 5, "%s: %s off by %g errors", names[q],
                         j ? "coefficient" : "limit", s.worst[j]);
            cr_expect_lt(sqrt(s.square[j] / s.fits), 1.8, "%s", names[q]);
          }
        }
    printf("m=%d: rms pulls of all %d fits %.3f (limit) %.3f (coefficient)\n", m, fits,
           sqrt(square[0] / fits), sqrt(square[1] / fits));
    for (int j = 0; j < 2; j++)
      cr_expect_lt(sqrt(square[j] / fits), 1.1, "m=%d, value %d: rms pull %g", m, j,
                   sqrt(square[j] / fits));
  }
  wmc_stream_destroy(stream);
}

/* Precise data: the form is found without being told. Imprecise data: the fit says it is not. */
Test(fit_choice, finds_the_form_or_says_it_cannot)
{
  wmc_stream *stream = test_stream(SEED, 21);
  int trials = test_trials(60);
  for (int q = 0; q < QUANTITIES; q++)
    for (int m = 0; m < 2; m++) {
      if ((q == LOG_DET || q == LAMBDA_2) && m == 0) continue;
      score fine = score_of(stream, (quantity)q, m, &plans[2], 2e-5, trials);
      score coarse = score_of(stream, (quantity)q, m, &plans[1], 2e-2, trials);
      print_score(names[q], m, &plans[2], 2e-5, &fine);
      print_score(names[q], m, &plans[1], 2e-2, &coarse);
      cr_expect_geq(fine.right, 0.95 * trials, "%s, m=%d: %d", names[q], m, fine.right);
      cr_expect_geq(fine.good, 0.8 * trials, "%s, m=%d: %d", names[q], m, fine.good);
      cr_expect_geq(coarse.undecided, 0.9 * trials, "%s, m=%d: %d", names[q], m, coarse.undecided);
    }
  wmc_stream_destroy(stream);
}

/* ---- chains with a normalisation -------------------------------------------------------- */

/* Layers with a norm act on x, a Brownian motion in D dimensions from |x| = 1 here, with the scale
 * (L x^2)^-1, and their mean log-determinants are like log(1 + 1/(L x^2)): 1/(L x^2) but where |x|
 * is small. The sum over l = 1 ... L of its mean, with |x_l| = r of density
 *   r^{D-1} e^{-(r^2+1)/2t}/t  K(r/t),   t = l/L,   K = integral of e^{r/t cos a} sin^{D-2} a da,
 * but for the normalisation, is an average whose approach to the limit these are to extrapolate. */
static double over_angles(int dimension, double z)
{
  enum { ANGLES = 200 };
  double sum = 0;
  if (dimension == 3) return z > 0 ? -expm1(-2 * z) / z : 2;
  for (int k = 0; k < ANGLES; k++) { /* e^{-z} K; far angles count for nothing */
    const double u = 12 * (k + 0.5) / ANGLES, a = fmin(u / sqrt(1 + z), acos(-1));
    sum += exp(z * (cos(a) - 1)) * pow(sin(a), 2) / sqrt(1 + z);
  }
  return sum;
}

static double mean_over_distance(int dimension, double t, double layers)
{
  enum { DISTANCES = 300 };
  double mass = 0, sum = 0;
  for (int k = 0; k < DISTANCES; k++) {
    const double low = fmax(0, 1 - 9 * sqrt(t)), high = 1 + 9 * sqrt(t);
    const double u = (k + 0.5) / DISTANCES, r = low + (high - low) * u * u * (3 - 2 * u);
    const double weight = u * (1 - u) * pow(r, dimension - 1) * exp(-0.5 * pow(r - 1, 2) / t) *
                          over_angles(dimension, r / t);
    mass += weight;
    sum += weight * log1p(1 / (layers * r * r));
  }
  return sum / mass;
}

static double sum_of_layers(int dimension, int layers)
{
  double sum = 0;
  for (int l = 1; l <= layers; l++)
    sum += mean_over_distance(dimension, (double)l / layers, layers);
  return sum;
}

/* Integral of E|x_t|^-2 = E 1/(D - 2 + 2 P)/t, P a Poisson variable of mean 1/(2t). */
static double limit_of_layers(int dimension)
{
  enum { TIMES = 4000 };
  double sum = 0;
  for (int k = 0; k < TIMES; k++) {
    const double t = (k + 0.5) / TIMES, mean = 0.5 / t;
    const int most = (int)(mean + 12 * sqrt(mean) + 30);
    double part = 0;
    for (int n = (int)fmax(0, mean - 12 * sqrt(mean)); n < most; n++)
      part += exp(n * log(mean) - mean - wmc_log_gamma(n + 1)) / (dimension - 2 + 2 * n);
    sum += part / t / TIMES;
  }
  return sum;
}

static double rms_pull(wmc_stream *stream, int dimension, const double *exact, double error,
                       int trials)
{
  const double limit = limit_of_layers(dimension);
  const wmc_form *form = wmc_form_find(dimension == 3 ? "half" : "logarithmic");
  double square = 0, size = 0;
  for (int t = 0; t < trials; t++) {
    double value[POINTS], errors[POINTS];
    wmc_fit fit;
    for (int k = 0; k < POINTS; k++) {
      value[k] = exact[k] + error * wmc_stream_normal(stream);
      errors[k] = error;
    }
    const wmc_fit_data data = {.points = POINTS, .depth = depths, .value = value, .error = errors};
    cr_assert_eq(wmc_fit_form(&data, form, &fit), WMC_OK, "%s", wmc_message());
    const double pull = (fit.value[0] - limit) / fit.error[0];
    square += pull * pull / trials;
    size += fit.error[0] / trials;
    cr_expect_lt(fabs(pull), 5, "D = %d, errors %g: %g of %g", dimension, error, pull,
                 fit.error[0]);
  }
  printf("D = %d, %s, errors %.0e: limit %.5f, at 128 %.5f; error %.2g, rms pull %.2f\n", dimension,
         form->name, error, limit, exact[POINTS - 1], size, sqrt(square));
  return sqrt(square);
}

/* The candidates of wmc_fit_choose miss these limits by up to 13 of their errors. */
Test(fit_choice, limits_of_chains_with_a_norm)
{
  const double errors[] = {1e-2, 1e-3, 1e-4};
  wmc_stream *stream = test_stream(SEED, 22);
  for (int dimension = 3; dimension <= 4; dimension++) {
    double exact[POINTS];
    for (int k = 0; k < POINTS; k++) exact[k] = sum_of_layers(dimension, (int)depths[k]);
    for (int k = 0; k < 3; k++)
      cr_expect_lt(rms_pull(stream, dimension, exact, errors[k], test_trials(100)), 1.5, "D = %d",
                   dimension);
  }
  wmc_stream_destroy(stream);
}

/* ---- warnings ---------------------------------------------------------------------------------
 */

/* Share of the fits to 1 + b N^-p + c N^-2 with this error that are called slow. */
static double called_slow(double b, double power, double c, double error, int runs)
{
  wmc_stream *stream = test_stream(SEED, 900 + lround(100 * power));
  double slow = 0;
  for (int r = 0; r < runs; r++) {
    sweep s;
    wmc_fit fit;
    for (int k = 0; k < POINTS; k++) {
      const double n = depths[k];
      s.value[k] = 1 + b * pow(n, -power) + c / (n * n) + error * wmc_stream_normal(stream);
      s.error[k] = error;
    }
    const wmc_fit_data data = data_of(&s, 0);
    cr_assert_eq(wmc_fit_choose(&data, &fit), WMC_OK);
    slow += 1.0 * (fit.quality == WMC_FIT_SLOW) / runs;
  }
  wmc_stream_destroy(stream);
  printf("1 + %g N^-%g + %g N^-2, error %g: %.3f are called slow\n", b, power, c, error, slow);
  return slow;
}

/* Corrections that fall more slowly than all terms of the series make limits that are off by many
 * errors with a good chi^2: that is said. Corrections that the series have are not called slow. */
Test(fit_warnings, slow_corrections_are_said)
{
  const int runs = test_trials(300);
  cr_expect_gt(called_slow(1, 0.45, 0, 2e-3, runs), 0.7);
  cr_expect_lt(called_slow(5, 1, 0, 2e-3, runs), 0.02 + five_sigma(0.02, runs));
  cr_expect_lt(called_slow(5, 1, 10, 2e-3, runs), 0.02 + five_sigma(0.02, runs));
  cr_expect_lt(called_slow(3, 1.5, 0, 2e-3, runs), 0.02 + five_sigma(0.02, runs));
}
