/* The model `balanced` against exact averages: quadrature over the singular values, closed forms
 * for width 1, Bessel kernels for targets, the virial for every energy, the weak order of euler.
 *
 * Errors come from independent chains (streams of one seed), and every comparison is at 5 sigma. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulation.h"
#include "streams.h"
#include "weylmc/numeric/special.h"

extern const wmc_model wmc_model_balanced;

enum { WIDTH_MAX = 3 };

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

static void compare(const law *w, const test_parameters *p, const test_means *r,
                    const double *exact, const char *formulation)
{
  char what[128];
  snprintf(what, sizeof what, "d=%d N=%d m=%d v=%g h=%g phi=%g %s", w->d, w->n, w->m, w->v, w->h,
           w->phi[0], formulation);
  for (int k = 0; k <= SIGMA; k++) {
    size_t at = test_observable(p, names[k]);
    int entries = k == SIGMA ? w->d : 1;
    bool constant = (k == ENTROPY && (w->d == 1 || w->n == 1)) || (k == TRACE && w->phi[0] == 0);
    for (int i = 0; i < entries && !constant; i++)
      test_expect(what, names[k], exact[k + i], r->mean[at + (size_t)i], r->error[at + (size_t)i]);
  }
  double virial =
      (w->h * w->d * w->d + w->v * (w->n - 1) * (w->d * (w->d - 1) / 2.0 + w->d * w->m)) /
      (w->n * w->beta);
  size_t at = test_observable(p, "virial");
  test_expect(what, "virial", virial, r->mean[at], r->error[at]);
}

static void run_law(const law *w, long seed, bool spectrum)
{
  double exact[AVERAGES];
  exact_averages(w, exact);
  for (int kind = spectrum ? 0 : 1; kind < 2; kind++) {
    const char *formulation = kind ? "observable" : "spectrum";
    test_parameters p = parameters_of(w, formulation, "metropolis", 0.3);
    test_means r = test_simulate(&p, seed + kind, 1000, 1000, 3);
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

/* --- Regression ------------------------------------------------------------------------------ */

enum { SAMPLES = 12 };

/* Inputs of unequal size and direction, labels that are not a function of them. */
static void samples(int d, double *inputs, double *labels)
{
  wmc_stream *stream = test_stream(17, 0);
  wmc_stream_normals(stream, (size_t)(SAMPLES * d), 1, inputs);
  wmc_stream_normals(stream, (size_t)(SAMPLES * d), 0.5, labels);
  for (int k = 0; k < SAMPLES; k++) {
    inputs[k * d] *= 1.7;
    for (int i = 0; i < d; i++) labels[k * d + i] += inputs[k * d + (i + 1) % d];
  }
  wmc_stream_destroy(stream);
}

/* Mean of |X x - y|^2/2 over the samples; X is 2 x 2, row-major. */
static double misfit(const double x[4], const double *inputs, const double *labels)
{
  double sum = 0;
  for (int k = 0; k < SAMPLES; k++)
    for (int i = 0; i < 2; i++) {
      double miss = x[2 * i] * inputs[2 * k] + x[2 * i + 1] * inputs[2 * k + 1] - labels[2 * k + i];
      sum += 0.5 * miss * miss / SAMPLES;
    }
  return sum;
}

/* The same as a polynomial in X: constant, slopes and curvatures from ten values of misfit. */
typedef struct paraboloid {
  double constant, slope[4], curvature[4][4];
} paraboloid;

static paraboloid misfit_paraboloid(const double *inputs, const double *labels)
{
  const double zero[4] = {0};
  paraboloid p = {.constant = misfit(zero, inputs, labels)};
  for (int i = 0; i < 4; i++) {
    double up[4] = {0}, down[4] = {0};
    up[i] = 1, down[i] = -1;
    p.slope[i] = 0.5 * (misfit(up, inputs, labels) - misfit(down, inputs, labels));
    for (int j = 0; j < 4; j++) {
      double both[4] = {0}, other[4] = {0};
      both[i] += 1, both[j] += 1, other[j] = 1;
      p.curvature[i][j] = misfit(both, inputs, labels) - misfit(up, inputs, labels) -
                          misfit(other, inputs, labels) + p.constant;
    }
  }
  return p;
}

/* Average over both frames' angles of exp(-cold E) at given sigma; energy average into *energy. */
static double regression_frames(const paraboloid *p, const double *sigma, double cold,
                                double *energy)
{
  enum { ANGLES = 40 };
  double mass = 0, sum = 0;
  for (int a = 0; a < ANGLES; a++)
    for (int b = 0; b < ANGLES; b++) {
      double step = 2 * acos(-1) / ANGLES, ca = cos(a * step), sa = sin(a * step),
             cb = cos(b * step), sb = sin(b * step);
      double x[4] = {
          sigma[0] * ca * cb + sigma[1] * sa * sb, sigma[0] * ca * sb - sigma[1] * sa * cb,
          sigma[0] * sa * cb - sigma[1] * ca * sb, sigma[0] * sa * sb + sigma[1] * ca * cb};
      double e = p->constant;
      for (int i = 0; i < 4; i++) {
        e += p->slope[i] * x[i];
        for (int j = 0; j < 4; j++) e += 0.5 * p->curvature[i][j] * x[i] * x[j];
      }
      double weight = exp(-cold * e);
      mass += weight;
      sum += weight * e;
    }
  *energy = sum / mass;
  return mass;
}

enum { REG_ENERGY, REG_NORM, REG_LOG_DET, REG_SIGMA, REG_AVERAGES = REG_SIGMA + 2 };

static void regression_averages(const law *w, const paraboloid *p, double out[REG_AVERAGES])
{
  double x[INSIDE], weight[INSIDE], sums[REG_AVERAGES + 1] = {0};
  tanh_sinh(x, weight);
  for (double l = -7; l < 2.5; l += 0.1)
    for (int b = 0; b < INSIDE; b += 2)
      for (int sign = 1; sign >= (w->both_signs ? -1 : 1); sign -= 2) {
        double top = exp(l / w->n), lambda[2] = {top, top * x[b]}, pairs, energy;
        double sigma[2] = {exp(l), sign * exp(l) * pow(x[b], w->n)};
        double size[2] = {sigma[0], fabs(sigma[1])};
        double mass = weight[b] * top * top * density(w, lambda, size, &pairs);
        if (!(mass > 1e-25)) continue;
        mass *= regression_frames(p, sigma, w->beta / w->h, &energy);
        double values[REG_AVERAGES] = {energy, size[0] * size[0] + size[1] * size[1],
                                       log(size[0]) + log(size[1]), size[0], size[1]};
        for (int k = 0; k < REG_AVERAGES; k++) sums[k] += mass * values[k];
        sums[REG_AVERAGES] += mass;
      }
  for (int k = 0; k < REG_AVERAGES; k++) out[k] = sums[k] / sums[REG_AVERAGES];
}

static test_parameters regression_parameters(const law *w, const char *scheme, double step)
{
  double inputs[SAMPLES * 3], labels[SAMPLES * 3];
  test_parameters p = parameters_of(w, "observable", scheme, step);
  samples(w->d, inputs, labels);
  test_give(&p, "energy.kind", "regression");
  test_give_matrix(&p, "energy.inputs", SAMPLES, (size_t)w->d, inputs);
  test_give_matrix(&p, "energy.labels", SAMPLES, (size_t)w->d, labels);
  return p;
}

Test(balanced, regression_energy_against_quadrature)
{
  const char *const what[] = {"energy", "frobenius2", "log_abs_det", "singular_values"};
  const law laws[] = {
      {2, 2, 1, 3, 1, 1}, {2, 3, 0, 3, 1, 1, .both_signs = true}, {2, 2, 0, 3, 1, 4}};
  double inputs[2 * SAMPLES], labels[2 * SAMPLES], exact[REG_AVERAGES];
  samples(2, inputs, labels);
  paraboloid energy = misfit_paraboloid(inputs, labels);
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++) {
    test_parameters p = regression_parameters(&laws[k], "metropolis", 0.3);
    test_means r = test_simulate(&p, 5000 + (long)k, 1000, 2000, 3);
    regression_averages(&laws[k], &energy, exact);
    for (int i = 0; i < REG_AVERAGES; i++) {
      int row = i < REG_SIGMA ? i : REG_SIGMA;
      size_t at = test_observable(&p, what[row]) + (size_t)(i - row);
      test_expect("regression", what[row], exact[i], r.mean[at], r.error[at]);
    }
    test_parameters_close(&p);
  }
}

/* The mean of <X, E'(X)> is known for every energy, noise and shape; and one layer of regression is
 * a Gaussian matrix. */
Test(balanced, virial_of_every_energy)
{
  const double phi[] = {1.2, -0.3, 0.4, 0.1, 0.8, 0.2, -0.5, 0.6, 1.5};
  const law laws[] = {{3, 1, 0, 2, 1, 1}, {3, 2, 0, 2, 1, .25}, {3, 4, 1, 2, 1, 1},
                      {3, 5, 0, 2, 0, 1}, {3, 3, 2, 2, 1, 4},   {3, 30, 1, 2, 1, 1}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++)
    for (int kind = 0; kind < 2; kind++) {
      test_parameters p = kind ? regression_parameters(&laws[k], "metropolis", 0.2)
                               : parameters_of(&laws[k], "observable", "metropolis", 0.2);
      if (kind == 0) {
        test_give(&p, "energy.kind", "target");
        test_give_matrix(&p, "energy.matrix", 3, 3, phi);
      }
      double expected;
      const wmc_observable *virial = wmc_model_balanced.observables;
      while (strcmp(virial->name, "virial") != 0) virial++;
      cr_assert(virial->expected(p.values, &expected));
      test_means r = test_simulate(&p, 6000 + 10 * (long)k + kind, 1500, 1000, 3);
      size_t at = test_observable(&p, "virial");
      test_expect(kind ? "regression" : "target", "virial", expected, r.mean[at], r.error[at]);
      test_parameters_close(&p);
    }
}

/* --- Euler ----------------------------------------------------------------------------------- */

/* With excess, sigma_d stays away from 0 and the bias of log|det X| is of first order in the step:
 * halving the step halves it, exponent p = log2 of the quotient of biases. */
Test(balanced, bias_of_euler_is_of_first_order)
{
  const struct {
    law law;
    const char *formulation;
    double step;
  } cases[] = {{{2, 3, 1, 1, 1, 1}, "spectrum", 0.04},
               {{2, 3, 4, 1, 1, 1}, "observable", 0.03},
               {{2, 2, 4, 2, 1, 1, {2, 1}, false}, "observable", 0.06}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    double exact[AVERAGES], bias[2], error[2];
    exact_averages(&cases[k].law, exact);
    for (int half = 0; half < 2; half++) {
      double step = half ? cases[k].step / 2 : cases[k].step;
      long unit = half ? 2 : 1;
      test_parameters p = parameters_of(&cases[k].law, cases[k].formulation, "euler", step);
      test_means r = test_simulate(&p, 7000 + 10 * (long)k + half, 100 * unit, 12000, 4 * unit);
      size_t at = test_observable(&p, "log_abs_det");
      bias[half] = r.mean[at] - exact[LOG_DET];
      error[half] = r.error[at];
      test_parameters_close(&p);
    }
    double p = log2(bias[0] / bias[1]);
    double sigma = hypot(error[0] / bias[0], error[1] / bias[1]) / log(2);
    if (test_verbose())
      printf("euler %s: bias %g, %g, exponent %.3f +- %.3f\n", cases[k].formulation, bias[0],
             bias[1], p, sigma);
    cr_expect_gt(p + 5 * sigma, 1, "case %zu: exponent %g +- %g", k, p, sigma);
    cr_expect_lt(p - 5 * sigma, 1.35, "case %zu: exponent %g +- %g", k, p, sigma);
    cr_expect_lt(sigma, 0.12, "case %zu: exponent %g +- %g", k, p, sigma);
  }
}
