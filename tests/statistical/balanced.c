/* The model `balanced` against exact averages: quadrature over the singular values, closed forms
 * for width 1, Bessel kernels for targets, the virial for every energy, the weak order of euler.
 *
 * Errors come from independent chains (streams of one seed), and every comparison is at 5 sigma. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parameters.h"
#include "support.h"
#include "weylmc/numeric/random.h"
#include "weylmc/numeric/special.h"

extern const wmc_model wmc_model_balanced;

enum { WIDTH_MAX = 3, CHAINS = 64 };

/* --- Exact averages -------------------------------------------------------------------------- */

/* A Gibbs law with energy |X - diag(phi)|^2/2 (phi = 0: Frobenius), and which signs of det X. */
typedef struct law {
  int d, n, m;
  double beta, v, h;
  double phi[2];
  bool both_signs;
} law;

enum { NORM, LOG_DET, ENTROPY, PARAMETERS, TRACE, SIGMA, AVERAGES = SIGMA + WIDTH_MAX };
static const char *const names[] = {"frobenius2",      "log_abs_det",  "reduced_entropy",
                                    "parameter_norm2", "trace_target", "singular_values"};

/* e^-|x| I_0(x) and e^-|x| I_1(x) by the trapezoidal rule on the circle, exact to rounding */
static void bessel(double x, double *i0, double *i1)
{
  enum { POINTS = 256 };
  *i0 = *i1 = 0;
  for (int k = 0; k < POINTS; k++) {
    double c = cos(2 * acos(-1) * (k + 0.5) / POINTS), weight = exp(x * c - fabs(x)) / POINTS;
    *i0 += weight;
    *i1 += weight * c;
  }
}

/* Average over the frames of exp(-beta |X - Phi|^2 / 2) at given sigma (the last one signed), and
 * of tr(X^T Phi) under it. Width 2: X and Phi in terms of their parts that commute and anticommute
 * with rotations, whose angles relative to Phi's are independent and uniform. */
static double frames(const law *w, const double *sigma, double *trace)
{
  double square = 0, target = 0;
  for (int k = 0; k < w->d; k++) square += sigma[k] * sigma[k];
  for (int k = 0; k < 2; k++) target += w->phi[k] * w->phi[k];
  double cold = w->beta / w->h;
  *trace = 0;
  if (target == 0) return exp(-0.5 * cold * square);
  if (w->d == 1) {
    *trace = sigma[0] * w->phi[0];
    return exp(-0.5 * cold * (square + target) + cold * *trace);
  }
  double i0, i1, j0, j1, plus = (sigma[0] + sigma[1]) * (w->phi[0] + w->phi[1]) / 2,
                         minus = (sigma[0] - sigma[1]) * (w->phi[0] - w->phi[1]) / 2;
  bessel(cold * plus, &i0, &i1);
  bessel(cold * minus, &j0, &j1);
  *trace = plus * i1 / i0 + minus * j1 / j0;
  return i0 * j0 * exp(cold * (fabs(plus) + fabs(minus)) - 0.5 * cold * (square + target));
}

/* Density in lambda, frames averaged, energy apart; lambda decreasing. */
static double density(const law *w, const double *lambda, const double *sigma, double *pairs)
{
  double measure = 1, weights = 1, share = w->v / w->h, product = 1;
  for (int i = 0; i < w->d; i++) {
    product *= lambda[i];
    for (int j = i + 1; j < w->d; j++) {
      double gap = lambda[i] * lambda[i] - lambda[j] * lambda[j];
      measure *= gap;
      weights *= (sigma[i] * sigma[i] - sigma[j] * sigma[j]) / gap;
    }
  }
  *pairs = 0.5 * log(weights);
  return measure * pow(weights, 0.5 * share) * pow(product, share * (w->n - 1) * w->m);
}

/* Add one point of a quadrature in lambda. */
static void add_point(const law *w, const double *lambda, double weight, double *sums)
{
  double sigma[WIDTH_MAX], pairs, trace, log_det = 0, c = w->m > 0 ? w->d : w->d - 1;
  for (int k = 0; k < w->d; k++) {
    sigma[k] = pow(lambda[k], w->n);
    log_det += w->n * log(lambda[k]);
  }
  weight *= density(w, lambda, sigma, &pairs);
  if (!(weight > 0)) return;
  for (int sign = 0; sign < (w->both_signs ? 2 : 1); sign++) {
    if (sign) sigma[w->d - 1] *= -1;
    double mass = weight * frames(w, sigma, &trace);
    if (!(mass > 0)) continue;
    double values[AVERAGES] = {[LOG_DET] = log_det,
                               [ENTROPY] = pairs + w->m * (1 - 1.0 / w->n) * log_det -
                                           c * (c - 1) / 4 * log(w->n),
                               [TRACE] = trace};
    for (int k = 0; k < w->d; k++) {
      values[NORM] += sigma[k] * sigma[k];
      values[PARAMETERS] += w->n * lambda[k] * lambda[k];
      values[SIGMA + k] = fabs(sigma[k]);
    }
    for (int k = 0; k < AVERAGES; k++) sums[k] += mass * values[k];
    sums[AVERAGES] += mass;
  }
}

enum { INSIDE = 101, OUTSIDE = 400 };

/* Tanh-sinh nodes on (0, 1) and their weights. */
static void tanh_sinh(double x[INSIDE], double weight[INSIDE])
{
  const double h = 7.0 / INSIDE, half_pi = acos(-1) / 2;
  for (int k = 0; k < INSIDE; k++) {
    double t = h * (k - INSIDE / 2), u = half_pi * sinh(t);
    x[k] = 1 / (1 + exp(-2 * u));
    weight[k] = h * half_pi * cosh(t) / (2 * cosh(u) * cosh(u));
  }
}

/* Averages by product rules: log sigma_1 on a line (trapezoidal rule), then the ratios
 * lambda_{k+1}/lambda_k in (0, 1). */
static void exact_averages(const law *w, double out[AVERAGES])
{
  double x[INSIDE], weight[INSIDE], sums[AVERAGES + 1] = {0};
  const double low = -40.0 / w->d, high = 3.5 - 0.5 * log(w->beta / w->h),
               h = (high - low) / OUTSIDE;
  const int second = w->d > 1 ? INSIDE : 1, third = w->d > 2 ? INSIDE : 1;
  tanh_sinh(x, weight);
  for (int a = 0; a<OUTSIDE; a += w->d> 2 ? 2 : 1)
    for (int b = 0; b < second; b++)
      for (int c = 0; c < third; c++) {
        double top = exp((low + h * a) / w->n), lambda[WIDTH_MAX] = {top}, at = top;
        if (w->d > 1) lambda[1] = top * x[b], at *= weight[b] * top;
        if (w->d > 2) lambda[2] = lambda[1] * x[c], at *= weight[c] * lambda[1];
        add_point(w, lambda, at, sums);
      }
  for (int k = 0; k < AVERAGES; k++) out[k] = sums[k] / sums[AVERAGES];
}

/* --- Simulations ----------------------------------------------------------------------------- */

typedef struct result {
  size_t size;
  double mean[32], error[32];
} result;

/* Means over the draws of independent chains, and their standard errors. */
static result simulate(const test_parameters *p, long seed, long thermalise, int draws, long stride)
{
  const wmc_model *model = p->model;
  result r = {.size = wmc_model_measurement_size(model, p->values)};
  double square[32] = {0}, out[32], sum[32];
  const int chains = CHAINS, length = test_trials(draws);
  for (int c = 0; c < chains; c++) {
    void *chain;
    wmc_stream *stream;
    cr_assert_eq(wmc_stream_create(&stream, seed, c), WMC_OK);
    cr_assert_eq(model->create(p->values, &chain), WMC_OK, "%s", wmc_message());
    model->start(chain, stream);
    cr_assert_eq(model->advance(chain, stream, thermalise, true), WMC_OK, "%s", wmc_message());
    memset(sum, 0, sizeof sum);
    for (int k = 0; k < length; k++) {
      cr_assert_eq(model->advance(chain, stream, stride, false), WMC_OK, "%s", wmc_message());
      model->measure(chain, out);
      for (size_t i = 0; i < r.size; i++) sum[i] += out[i] / length;
    }
    for (size_t i = 0; i < r.size; i++) {
      r.mean[i] += sum[i] / chains;
      square[i] += sum[i] * sum[i] / chains;
    }
    model->destroy(chain);
    wmc_stream_destroy(stream);
  }
  for (size_t i = 0; i < r.size; i++)
    r.error[i] = sqrt(fmax(0, square[i] - r.mean[i] * r.mean[i]) / (chains - 1));
  return r;
}

/* 5 sigma, and errors small enough to notice a mistake. */
static void expect(const char *what, const char *name, double exact, double mean, double error)
{
  if (getenv("WEYLMC_SHOW"))
    printf("%-44s %-16s %12.6f %12.6f +- %.6f  z %5.2f\n", what, name, exact, mean, error,
           (mean - exact) / error);
  cr_expect_lt(fabs(mean - exact), 5 * error + 1e-12 * fabs(exact),
               "%s, %s: exact %.8g, found %.8g +- %.2g", what, name, exact, mean, error);
  cr_expect_lt(error, 0.03 * fmax(1, fabs(exact)), "%s, %s: error %g", what, name, error);
}

static test_parameters parameters_of(const law *w, const char *formulation, const char *scheme,
                                     double step)
{
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  test_give_number(&p, "width", w->d);
  test_give_number(&p, "depth", w->n);
  test_give_number(&p, "excess", w->m);
  test_give_number(&p, "beta", w->beta);
  test_give(&p, "noise.kind", w->v > 0 ? "kappa" : "horizontal");
  test_give_number(&p, "noise.kappa", w->h);
  test_give(&p, "formulation", formulation);
  test_give(&p, "scheme", scheme);
  test_give_number(&p, "step", step);
  if (w->phi[0] > 0) {
    test_give(&p, "energy.kind", "target");
    test_give_matrix(&p, "energy.diag", 1, (size_t)w->d, w->phi);
  }
  return p;
}

static void compare(const law *w, const test_parameters *p, const result *r, const double *exact,
                    const char *formulation)
{
  char what[128];
  snprintf(what, sizeof what, "d=%d N=%d m=%d v=%g h=%g phi=%g %s", w->d, w->n, w->m, w->v, w->h,
           w->phi[0], formulation);
  for (int k = 0; k <= SIGMA; k++) {
    size_t at = test_observable(p, names[k]);
    int entries = k == SIGMA ? w->d : 1;
    bool constant = (k == ENTROPY && (w->d == 1 || w->n == 1)) || (k == TRACE && w->phi[0] == 0);
    for (int i = 0; i < entries && !constant; i++)
      expect(what, names[k], exact[k + i], r->mean[at + (size_t)i], r->error[at + (size_t)i]);
  }
  double virial =
      (w->h * w->d * w->d + w->v * (w->n - 1) * (w->d * (w->d - 1) / 2.0 + w->d * w->m)) /
      (w->n * w->beta);
  size_t at = test_observable(p, "virial");
  expect(what, "virial", virial, r->mean[at], r->error[at]);
}

static void run_law(const law *w, long seed, bool spectrum)
{
  double exact[AVERAGES];
  exact_averages(w, exact);
  for (int kind = spectrum ? 0 : 1; kind < 2; kind++) {
    const char *formulation = kind ? "observable" : "spectrum";
    test_parameters p = parameters_of(w, formulation, "metropolis", 0.3);
    result r = simulate(&p, seed + kind, 1000, 1000, 3);
    compare(w, &p, &r, exact, formulation);
    test_parameters_close(&p);
  }
}

Test(balanced, frobenius_energy_against_quadrature)
{
  const law laws[] = {
      {1, 1, 0, 1, 1, 1},   {1, 2, 0, 1, 1, 1},   {1, 3, 0, 1, 1, 1},   {2, 1, 0, 1, 1, 1},
      {2, 2, 0, 1, 1, 1},   {2, 3, 0, 1, 1, 1},   {2, 10, 0, 1, 1, 1},  {2, 2, 1, 1, 1, 1},
      {2, 3, 1, 1, 1, 1},   {2, 10, 1, 1, 1, 1},  {3, 1, 0, 1, 1, 1},   {3, 2, 0, 1, 1, 1},
      {3, 10, 0, 1, 1, 1},  {3, 3, 1, 1, 1, 1},   {2, 3, 0, 1, 1, .25}, {2, 3, 0, 1, 1, 4},
      {2, 3, 1, 1, 1, .25}, {2, 2, 1, 1, 1, 4},   {3, 3, 0, 1, 1, .25}, {3, 3, 0, 1, 1, 4},
      {2, 3, 0, 2.5, 0, 1}, {3, 2, 1, 0.5, 0, 1}, {1, 3, 1, 3, 1, 4}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++)
    run_law(&laws[k], 1000 + 10 * (long)k, true);
}

Test(balanced, target_energy_against_bessel_integrals)
{
  const law laws[] = {{1, 2, 0, 4, 1, 1, {1, 0}, false},  {1, 3, 0, 4, 1, 1, {1, 0}, true},
                      {2, 1, 0, 4, 1, 1, {2, 1}, true},   {2, 2, 0, 4, 1, 1, {2, 1}, false},
                      {2, 3, 0, 4, 1, 1, {2, 1}, true},   {2, 2, 1, 4, 1, 1, {2, 1}, false},
                      {2, 10, 1, 4, 1, 1, {2, 1}, false}, {2, 3, 0, 4, 1, .25, {2, 1}, true},
                      {2, 2, 1, 4, 1, 4, {2, 1}, false},  {2, 3, 0, 4, 0, 1, {2, 1}, true}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++)
    run_law(&laws[k], 3000 + 10 * (long)k, false);
}
