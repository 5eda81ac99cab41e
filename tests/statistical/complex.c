/* Networks of complex numbers against exact averages: closed forms of Laguerre and Muttalib-Borodin
 * ensembles, and quadrature over the singular values from the definitions of volume and entropy. */
#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>

#include "network_law.h"
#include "simulation.h"
#include "streams.h"
#include "weylmc/geometry/gibbs.h"
#include "weylmc/numeric/special.h"

extern const wmc_model wmc_model_balanced;

static test_parameters parameters_of(const test_law *w, const char *field, const char *scheme,
                                     double step)
{
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  test_give(&p, "field", field);
  test_give_law(&p, w, "width", scheme, step);
  return p;
}

/* --- Closed forms ---------------------------------------------------------------------------- */

/* docs/theory/equivariant.md, eq. (E4), isotropic noise. */
static double closed_log_det(const test_law *w, double *norm)
{
  const double t = w->n > 0 ? 1.0 / w->n : 0, c = (t - 1) / 2 + w->m * (1 - t);
  double log_det = 0;
  *norm = 0;
  for (int j = 0; j < w->d; j++) {
    log_det += 0.5 * (wmc_digamma(c + 1 + j * t) + log(2 / w->beta));
    *norm += 2 / w->beta * (c + 1 + j * t + j);
  }
  return log_det;
}

Test(complex_numbers, isotropic_noise_against_closed_forms)
{
  const int depths[] = {1, 2, 3, 10, 0};
  for (int d = 1; d <= 3; d++)
    for (int k = 0; k < 5; k++)
      for (int m = 0; m < 2; m++) {
        const test_law w = {d, depths[k], m, m ? 2.5 : 1, 1, 1, 2};
        char what[64];
        double norm, log_det = closed_log_det(&w, &norm);
        test_parameters p = parameters_of(&w, "complex", "metropolis", 0.3);
        test_means r = test_simulate(&p, 8000 + 100 * d + 10 * k + m, 500, 500, 2);
        snprintf(what, sizeof what, "complex d=%d N=%d m=%d", d, w.n, m);
        size_t at = test_observable(&p, "log_abs_det");
        test_expect(what, "log_abs_det", log_det, r.mean[at], r.error[at]);
        cr_expect_lt(fabs(test_stated(&p, "log_abs_det") - log_det), 1e-12);
        at = test_observable(&p, "frobenius2");
        test_expect(what, "frobenius2", norm, r.mean[at], r.error[at]);
        cr_expect_lt(fabs(test_stated(&p, "frobenius2") - norm), 1e-12 * norm);
        test_parameters_close(&p);
      }
}

/* The closed form of the library, where it claims one, for all noises and both fields. */
Test(complex_numbers, closed_form_of_log_det_where_there_is_one)
{
  const test_law laws[] = {{1, 4, 0, 2, 1, .25, 1}, {1, 3, 2, 1, 0, 1, 1},  {2, 3, 1, 1, 1, .5, 1},
                           {3, 1, 0, 2, 0, 1, 1},   {3, 5, 0, 1, 1, .5, 1}, {2, 0, 1, 1, 1, .5, 1}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++)
    for (int field = 0; field < 2; field++) {
      const char *name = field ? "complex" : "real";
      test_parameters p = parameters_of(&laws[k], name, "metropolis", 0.3);
      test_means r = test_simulate(&p, 8500 + 10 * (long)k + field, 500, 600, 2);
      size_t at = test_observable(&p, "log_abs_det");
      test_expect(name, "log_abs_det", test_stated(&p, "log_abs_det"), r.mean[at], r.error[at]);
      test_parameters_close(&p);
    }
}

/* --- Quadrature ------------------------------------------------------------------------------ */

static const char *const names[] = {"frobenius2",      "log_abs_det",     "pair_entropy",
                                    "singular_values", "singular_values", "parameter_norm2"};

Test(complex_numbers, every_noise_against_quadrature)
{
  const test_law laws[] = {{1, 2, 0, 1, 1, 1, 2},   {1, 3, 1, 2, 0, 1, 2}, {1, 0, 0, 1, 1, 4, 2},
                           {2, 1, 0, 1, 1, 1, 2},   {2, 2, 0, 1, 1, 1, 2}, {2, 3, 0, 1, 0, 1, 2},
                           {2, 3, 1, 2, 1, .25, 2}, {2, 2, 0, 1, 1, 4, 2}, {2, 10, 0, 1, 1, 1, 2},
                           {2, 0, 0, 1, 1, 1, 2},   {2, 0, 1, 2, 1, 4, 2}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++) {
    const test_law *w = &laws[k];
    double exact[TEST_AVERAGES];
    char what[64];
    test_exact_averages(w, exact);
    test_parameters p = parameters_of(w, "complex", "metropolis", 0.3);
    test_means r = test_simulate(&p, 9000 + (long)k, 500, 600, 2);
    snprintf(what, sizeof what, "complex d=%d N=%d m=%d v=%g h=%g", w->d, w->n, w->m, w->v, w->h);
    for (int i = 0; i < TEST_AVERAGES; i++) {
      size_t at = test_observable(&p, names[i]) + (i == TEST_LAST ? (size_t)w->d - 1 : 0);
      bool constant = i == TEST_PAIRS && w->n == 1;
      if (!constant) test_expect(what, names[i], exact[i], r.mean[at], r.error[at]);
    }
    test_parameters_close(&p);
  }
}

/* The scheme euler, at a step small enough for these errors. */
Test(complex_numbers, euler_against_closed_forms)
{
  const test_law laws[] = {{1, 3, 1, 1, 1, 1, 2}, {2, 2, 1, 1, 1, 1, 2}, {2, 0, 2, 1, 1, 1, 2}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++) {
    double norm, log_det = closed_log_det(&laws[k], &norm);
    test_parameters p = parameters_of(&laws[k], "complex", "euler", 1e-3);
    test_means r = test_simulate(&p, 9500 + (long)k, 8000, 300, 40);
    size_t at = test_observable(&p, "log_abs_det");
    test_expect("complex euler", "log_abs_det", log_det, r.mean[at], r.error[at]);
    at = test_observable(&p, "frobenius2");
    test_expect("complex euler", "frobenius2", norm, r.mean[at], r.error[at]);
    test_parameters_close(&p);
  }
}

/* --- Targets --------------------------------------------------------------------------------- */

/* e^-x I_0(x) and e^-x I_1(x), 0 <= x < 60: the trapezoidal rule on the circle. */
static void bessel(double x, double *i0, double *i1)
{
  enum { POINTS = 48 };
  static double cosine[POINTS];
  if (cosine[0] == 0)
    for (int k = 0; k < POINTS; k++) cosine[k] = cos(acos(-1) * (k + 0.5) / POINTS);
  *i0 = *i1 = 0;
  for (int k = 0; k < POINTS; k++) {
    const double weight = exp(x * (cosine[k] - 1)) / POINTS;
    *i0 += weight;
    *i1 += weight * cosine[k];
  }
}

/* Average over Haar U, V of exp(cold Re tr(X^* Phi)), times e^-(sum sigma phi) and up to a
 * constant: I_0 at width 1 and det I_0(cold sigma_i phi_j) / (cold^2 (sigma_1^2 - sigma_2^2)) at
 * width 2 (Berezin & Karpelevich, Dokl. Akad. Nauk SSSR 118 (1958) 9). *trace: its derivative in
 * cold by the value. */
static double frames(int d, double cold, const double *sigma, const double *phi, double *trace)
{
  double i0[2][2], i1[2][2], at[2][2];
  for (int i = 0; i < d; i++)
    for (int j = 0; j < d; j++) {
      at[i][j] = sigma[i] * phi[j];
      bessel(cold * at[i][j], &i0[i][j], &i1[i][j]);
    }
  if (d == 1) {
    *trace = at[0][0] * i1[0][0] / i0[0][0];
    return i0[0][0];
  }
  const double cross = exp(cold * (at[0][1] + at[1][0] - at[0][0] - at[1][1]));
  const double det = i0[0][0] * i0[1][1] - cross * i0[0][1] * i0[1][0];
  const double slope = at[0][0] * i1[0][0] * i0[1][1] + at[1][1] * i0[0][0] * i1[1][1] -
                       cross * (at[0][1] * i1[0][1] * i0[1][0] + at[1][0] * i0[0][1] * i1[1][0]);
  *trace = det > 0 ? slope / det - 2 / cold : 0; /* both sigma below 1e-8: no mass */
  return fmax(det, 0) / (sigma[0] * sigma[0] - sigma[1] * sigma[1]);
}

enum { TARGET_NORM, TARGET_LOG_DET, TARGET_TRACE, TARGET_TOP, TARGET_AVERAGES };

static void target_averages(const test_law *w, const double *phi, double out[TARGET_AVERAGES])
{
  enum { OUTSIDE = 500, INSIDE = 250 };
  const double cold = w->beta / w->h;
  double sums[TARGET_AVERAGES + 1] = {0};
  for (int a = 0; a < OUTSIDE; a++)
    for (int b = 0; b < (w->d == 2 ? INSIDE : 1); b++) {
      const double u = -9 + 13.0 * (b + 0.5) / INSIDE;
      double l[2] = {-14 + 16.0 * (a + 0.5) / OUTSIDE}, sigma[2], trace, exponent = 0;
      l[1] = l[0] - (w->d == 2 ? exp(u) : 0);
      for (int k = 0; k < w->d; k++) {
        sigma[k] = exp(l[k]);
        exponent += cold * sigma[k] * phi[k];
      }
      const double log_mass = test_log_density(w, l, test_pair_entropy(w, l)) + exponent;
      if (log_mass < -60) continue;
      const double mass =
          exp(log_mass + (w->d == 2 ? u : 0)) * frames(w->d, cold, sigma, phi, &trace);
      const double values[] = {sigma[0] * sigma[0] + (w->d == 2 ? sigma[1] * sigma[1] : 0),
                               l[0] + (w->d == 2 ? l[1] : 0), trace, sigma[0]};
      for (int k = 0; k < TARGET_AVERAGES; k++) sums[k] += mass * values[k];
      sums[TARGET_AVERAGES] += mass;
    }
  for (int k = 0; k < TARGET_AVERAGES; k++) out[k] = sums[k] / sums[TARGET_AVERAGES];
}

/* Phi = P diag(phi) Q with unitary P, Q. */
static void give_target(const test_parameters *p, int d, const double *phi)
{
  const double complex left[] = {cos(0.7), -sin(0.7) * cexp(-0.4 * I), sin(0.7) * cexp(0.4 * I),
                                 cos(0.7)};
  const double complex right[] = {cexp(1.1 * I) * cos(1.9), sin(1.9), -sin(1.9),
                                  cexp(-1.1 * I) * cos(1.9)};
  double re[4], im[4];
  for (int i = 0; i < d; i++)
    for (int j = 0; j < d; j++) {
      double complex sum = d == 1 ? phi[0] * cexp(2.3 * I) : 0;
      for (int k = 0; d == 2 && k < 2; k++) sum += left[2 * i + k] * phi[k] * right[2 * k + j];
      re[i * d + j] = creal(sum);
      im[i * d + j] = cimag(sum);
    }
  test_give(p, "formulation", "observable");
  test_give(p, "energy.kind", "target");
  test_give_matrix(p, "energy.matrix", (size_t)d, (size_t)d, re);
  test_give_matrix(p, "energy.imaginary", (size_t)d, (size_t)d, im);
}

static void expect_target(const test_law *w, const double *phi, const test_parameters *p,
                          const test_means *r)
{
  static const char *const what[] = {"frobenius2", "log_abs_det", "trace_target",
                                     "singular_values"};
  double exact[TARGET_AVERAGES];
  char text[64];
  snprintf(text, sizeof text, "target d=%d N=%d m=%d v=%g h=%g", w->d, w->n, w->m, w->v, w->h);
  target_averages(w, phi, exact);
  for (int k = 0; k < TARGET_AVERAGES; k++) {
    const size_t at = test_observable(p, what[k]);
    test_expect(text, what[k], exact[k], r->mean[at], r->error[at]);
  }
  const size_t at = test_observable(p, "virial");
  test_expect(text, "virial", test_stated(p, "virial"), r->mean[at], r->error[at]);
}

/* One layer is a Gaussian matrix around the target: the quadrature itself is right. */
Test(complex_numbers, integrals_over_frames)
{
  const double phi[] = {2, 1};
  for (int d = 1; d <= 2; d++) {
    const test_law w = {d, 1, 0, 3, 1, 1, 2};
    double found[TARGET_AVERAGES], square = d == 1 ? 4 : 5;
    target_averages(&w, phi, found);
    cr_assert_float_eq(found[TARGET_TRACE], square, 1e-7, "d=%d: %.12g", d, found[TARGET_TRACE]);
    cr_assert_float_eq(found[TARGET_NORM], square + 2 * d * d / w.beta, 1e-7);
  }
}

Test(complex_numbers, targets_against_bessel_integrals)
{
  const double phi[] = {2, 1};
  const test_law laws[] = {{1, 2, 0, 2, 1, 1, 2},  {1, 3, 1, 1, 1, .25, 2}, {1, 0, 0, 4, 1, 1, 2},
                           {2, 1, 0, 2, 1, 1, 2},  {2, 2, 0, 2, 1, 1, 2},   {2, 3, 0, 2, 0, 1, 2},
                           {2, 10, 1, 2, 1, 1, 2}, {2, 3, 0, 3, 1, 4, 2},   {2, 0, 0, 2, 1, 1, 2}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++) {
    test_parameters p = parameters_of(&laws[k], "complex", "metropolis", 0.3);
    give_target(&p, laws[k].d, phi);
    test_means r = test_simulate(&p, 9700 + (long)k, 1000, 1000, 3);
    expect_target(&laws[k], phi, &p, &r);
    test_parameters_close(&p);
  }
}

/* Rectangular X and X of low rank: one layer of full rank is a Gaussian matrix, and the virial is
 * known for all. The step of euler is small enough for these errors. */
Test(complex_numbers, targets_of_any_shape)
{
  static const struct {
    double widths[3];
    int rank, depth;
  } cases[] = {{{1, 2, 3}, 1, 1}, {{3, 2, 2}, 2, 1}, {{3, 2, 2}, 2, 3}, {{2, 2, 3}, 1, 2}};
  const double re[] = {1, 0.5, -0.3, 0.8, 0.2, 1.1}, im[] = {0.4, -0.6, 0.9, 0.1, 0.3, -0.2};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
    for (int euler = 0; euler < 2; euler++) {
      const test_law w = {1, cases[k].depth, 0, 3, 1, 1, 2};
      const size_t rows = (size_t)cases[k].widths[2], columns = (size_t)cases[k].widths[0];
      test_parameters p =
          parameters_of(&w, "complex", euler ? "euler" : "metropolis", euler ? 1e-3 : 0.3);
      test_take(&p, "width");
      test_take(&p, "excess");
      test_give_matrix(&p, "widths", 1, 3, cases[k].widths);
      test_give_number(&p, "rank", cases[k].rank);
      test_give(&p, "formulation", "observable");
      test_give(&p, "energy.kind", "target");
      test_give_matrix(&p, "energy.matrix", rows, columns, re);
      test_give_matrix(&p, "energy.imaginary", rows, columns, im);
      test_means r =
          test_simulate(&p, 9900 + 2 * (long)k + euler, euler ? 4000 : 1000, 600, euler ? 30 : 3);
      const char *what = euler ? "any shape, euler" : "any shape, metropolis";
      size_t at = test_observable(&p, "virial");
      test_expect(what, "virial", test_stated(&p, "virial"), r.mean[at], r.error[at]);
      double square = 0;
      for (size_t i = 0; i < rows * columns; i++) square += re[i] * re[i] + im[i] * im[i];
      at = test_observable(&p, "trace_target");
      if (w.n == 1) test_expect(what, "trace", square, r.mean[at], r.error[at]);
      test_parameters_close(&p);
    }
}

/* Halving the step of euler halves the bias of Re tr(X^* Phi), which sees singular values, phases
 * and turns: exponent p = log2 of the quotient of biases. */
Test(complex_numbers, bias_of_euler_is_of_first_order)
{
  const double phi[] = {2, 1};
  const struct {
    test_law law;
    double step;
  } cases[] = {{{1, 3, 1, 2, 1, 1, 2}, 0.06},
               {{2, 4, 1, 2, 1, .5, 2}, 0.016},
               {{2, 0, 1, 4, 1, 1, 2}, 0.06}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    double exact[TARGET_AVERAGES], bias[2], error[2];
    target_averages(&cases[k].law, phi, exact);
    for (int half = 0; half < 2; half++) {
      const long unit = half ? 2 : 1;
      test_parameters p =
          parameters_of(&cases[k].law, "complex", "euler", cases[k].step / (double)unit);
      give_target(&p, cases[k].law.d, phi);
      test_means r = test_simulate(&p, 9800 + 10 * (long)k + half, 300 * unit, 14000, 2 * unit);
      const size_t at = test_observable(&p, "trace_target");
      bias[half] = r.mean[at] - exact[TARGET_TRACE];
      error[half] = r.error[at];
      test_parameters_close(&p);
    }
    const double p = log2(bias[0] / bias[1]);
    const double sigma = hypot(error[0] / bias[0], error[1] / bias[1]) / log(2);
    if (test_verbose())
      printf("complex euler: trace %g, bias %g, %g, exponent %.3f +- %.3f\n", exact[TARGET_TRACE],
             bias[0], bias[1], p, sigma);
    cr_expect_gt(p + 5 * sigma, 1, "case %zu: exponent %g +- %g", k, p, sigma);
    cr_expect_lt(p - 5 * sigma, 1.35, "case %zu: exponent %g +- %g", k, p, sigma);
    cr_expect_lt(sigma, 0.09, "case %zu: exponent %g +- %g", k, p, sigma);
  }
}

/* --- Layers as the state --------------------------------------------------------------------- */

/* Neither scheme knows the entropy, nor the metric of X: averages agree because the tangent space
 * and the volume of complex networks are right. */
Test(complex_numbers, layers_against_quadrature)
{
  const struct {
    test_law law;
    const char *scheme;
  } cases[] = {{{1, 2, 0, 1, 1, 1, 2}, "metropolis"},   {{2, 2, 0, 1, 1, 1, 2}, "metropolis"},
               {{2, 3, 0, 1, 1, 1, 2}, "metropolis"},   {{1, 3, 1, 2, 0, 1, 2}, "metropolis"},
               {{2, 3, 1, 2, 1, .25, 2}, "metropolis"}, {{1, 2, 0, 1, 1, 1, 2}, "euler"},
               {{1, 3, 1, 2, 1, 1, 2}, "euler"},        {{2, 2, 1, 1, 1, 1, 2}, "euler"},
               {{2, 3, 0, 1, 1, 1, 2}, "euler"}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    const test_law *w = &cases[k].law;
    const bool euler = strcmp(cases[k].scheme, "euler") == 0;
    double exact[TEST_AVERAGES];
    char what[80];
    test_exact_averages(w, exact);
    test_parameters p = parameters_of(w, "complex", cases[k].scheme, euler ? 0.005 : 0.5);
    test_give(&p, "formulation", "parameters");
    test_means r = test_simulate(&p, 9950 + (long)k, 400, euler ? 60 : 250, euler ? 40 : 4);
    snprintf(what, sizeof what, "layers, %s d=%d N=%d m=%d v=%g h=%g", cases[k].scheme, w->d, w->n,
             w->m, w->v, w->h);
    for (int i = 0; i < TEST_AVERAGES; i++) {
      const size_t at = test_observable(&p, names[i]) + (i == TEST_LAST ? (size_t)w->d - 1 : 0);
      test_expect(what, names[i], exact[i], r.mean[at], r.error[at]);
    }
    const size_t at = test_observable(&p, "imbalance");
    cr_expect_lt(r.mean[at], 1e-11, "%s: imbalance %g", what, r.mean[at]);
    test_parameters_close(&p);
  }
}

Test(complex_numbers, layers_with_targets_against_bessel_integrals)
{
  const double phi[] = {2, 1};
  const test_law laws[] = {{1, 3, 0, 2, 1, 1, 2}, {2, 2, 1, 2, 1, 1, 2}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++) {
    test_parameters p = parameters_of(&laws[k], "complex", "metropolis", 0.3);
    give_target(&p, laws[k].d, phi);
    test_give(&p, "formulation", "parameters");
    test_means r = test_simulate(&p, 9980 + (long)k, 500, 300, 5);
    expect_target(&laws[k], phi, &p, &r);
    test_parameters_close(&p);
  }
}

/* Vertical noise alone: all sigma^2 go to the minimum of |X|^2/2 - S/beta; at equal
 * sigma dS/dlog sigma is (1 - 1/N) (d + 2 m) for each, by (E1) and (9), which is their sigma^2. */
Test(complex_numbers, vertical_noise_of_layers_is_a_flow)
{
  const test_law laws[] = {{2, 3, 0, 1, 1, 1, 2}, {1, 2, 1, 1, 1, 1, 2}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++) {
    const test_law *w = &laws[k];
    const double exact = w->d * (1 - 1.0 / w->n) * (w->d + 2 * w->m), step = 0.002;
    test_parameters p = parameters_of(w, "complex", "euler", step);
    test_give(&p, "noise.kind", "vertical");
    test_give(&p, "formulation", "parameters");
    test_means r = test_simulate(&p, 9990 + (long)k, 2000, 4, 250);
    const size_t at = test_observable(&p, "frobenius2");
    if (test_verbose())
      printf("complex vertical noise: |X|^2 %g, found %g +- %g\n", exact, r.mean[at], r.error[at]);
    cr_expect_lt(fabs(r.mean[at] - exact), 5 * r.error[at] + 4 * step * exact, "%g, exact %g",
                 r.mean[at], exact);
    test_parameters_close(&p);
  }
}

/* --- Masks and samples ----------------------------------------------------------------------- */

/* A 1 x 2 matrix in one layer: entries are independent normal numbers, one of them observed. */
static void check_one_layer_completion(const char *scheme, double step, long stride)
{
  const test_law w = {1, 1, 0, 2, 1, 1, 2};
  const double widths[] = {2, 2, 1}, re[] = {1.5, 0.7}, im[] = {-0.8, 0.4}, mask[] = {1, 0};
  test_parameters p = parameters_of(&w, "complex", scheme, step);
  test_take(&p, "width");
  test_take(&p, "excess");
  test_give_matrix(&p, "widths", 1, 3, widths);
  test_give(&p, "formulation", "observable");
  test_give(&p, "energy.kind", "sum");
  test_give_number(&p, "energy.completion", 3);
  test_give_number(&p, "energy.frobenius", 1);
  test_give_matrix(&p, "energy.matrix", 1, 2, re);
  test_give_matrix(&p, "energy.imaginary", 1, 2, im);
  test_give_matrix(&p, "energy.mask", 1, 2, mask);
  test_means r = test_simulate(&p, 9810, 20 * stride, 600, stride);
  const double share = 3.0 / 4, square = re[0] * re[0] + im[0] * im[0];
  size_t at = test_observable(&p, "trace_target");
  test_expect(scheme, "trace", share * square, r.mean[at], r.error[at]);
  at = test_observable(&p, "frobenius2");
  const double spread = 2 / (w.beta * 4) + 2 / w.beta;
  test_expect(scheme, "frobenius2", share * share * square + spread, r.mean[at], r.error[at]);
  at = test_observable(&p, "virial");
  test_expect(scheme, "virial", test_stated(&p, "virial"), r.mean[at], r.error[at]);
  test_parameters_close(&p);
}

/* Real samples in one layer: X is normal around B C^{-1}, with covariance C^{-1} / beta in both
 * parts of each row. */
static void check_one_layer_regression(const char *scheme, double step, long stride)
{
  const test_law w = {2, 1, 0, 2, 1, 1, 2};
  const double x[] = {1, 0.5, -0.4, 1.2, 0.8, -0.9}, y[] = {1, 0.2, -0.5, 0.6, 0.3, 1.4};
  double c[4] = {0}, b[4] = {0}, square = 0;
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < 2; i++)
      for (int j = 0; j < 2; j++) {
        c[2 * i + j] += x[2 * k + i] * x[2 * k + j] / 3;
        b[2 * i + j] += y[2 * k + i] * x[2 * k + j] / 3;
      }
  const double det = c[0] * c[3] - c[1] * c[2], trace = (c[0] + c[3]) / det;
  for (int i = 0; i < 2; i++) {
    const double first = (b[2 * i] * c[3] - b[2 * i + 1] * c[2]) / det;
    const double second = (b[2 * i + 1] * c[0] - b[2 * i] * c[1]) / det;
    square += first * first + second * second;
  }
  test_parameters p = parameters_of(&w, "complex", scheme, step);
  test_give(&p, "formulation", "observable");
  test_give(&p, "energy.kind", "regression");
  test_give_matrix(&p, "energy.inputs", 3, 2, x);
  test_give_matrix(&p, "energy.labels", 3, 2, y);
  test_means r = test_simulate(&p, 9820, 100 * stride, 600, stride);
  size_t at = test_observable(&p, "frobenius2");
  test_expect(scheme, "frobenius2", square + 4 * trace / w.beta, r.mean[at], r.error[at]);
  at = test_observable(&p, "virial");
  test_expect(scheme, "virial", test_stated(&p, "virial"), r.mean[at], r.error[at]);
  test_parameters_close(&p);
}

Test(complex_numbers, masks_and_samples_of_one_layer)
{
  check_one_layer_completion("metropolis", 0.3, 3);
  check_one_layer_completion("euler", 0.004, 30);
  check_one_layer_regression("metropolis", 0.3, 3);
  check_one_layer_regression("euler", 0.005, 30);
}

/* The moves of frames and those of layers, which see the energy of X alone, have the same law. */
Test(complex_numbers, masks_and_samples_of_deep_networks)
{
  const double x[] = {1, 0.5, -0.4, 1.2, 0.8, -0.9}, y[] = {1, 0.2, -0.5, 0.6, 0.3, 1.4};
  static const char *const what[] = {"energy", "frobenius2", "log_abs_det", "singular_values",
                                     "trace_target"};
  for (int kind = 0; kind < 2; kind++) {
    const test_law w = {2, 2 + kind, 0, 3, 1, 1, 2};
    test_means r[2];
    for (int f = 0; f < 2; f++) {
      test_parameters p = parameters_of(&w, "complex", "metropolis", 0.3);
      test_give(&p, "formulation", f ? "parameters" : "observable");
      test_give(&p, "energy.kind", "sum");
      test_give_number(&p, "energy.frobenius", 0.3);
      test_give_number(&p, kind ? "energy.completion" : "energy.regression", 1);
      if (kind) test_give_matrix(&p, "energy.diag", 1, 2, y);
      if (!kind) test_give_matrix(&p, "energy.inputs", 3, 2, x);
      if (!kind) test_give_matrix(&p, "energy.labels", 3, 2, y);
      r[f] = test_simulate(&p, 9830 + 2 * kind + f, 400, f ? 300 : 500, f ? 6 : 4);
      const size_t at = test_observable(&p, "virial");
      test_expect(f ? "layers" : "frames", "virial", test_stated(&p, "virial"), r[f].mean[at],
                  r[f].error[at]);
      for (int k = 0; f == 1 && k < 4 + kind; k++) {
        const size_t i = test_observable(&p, what[k]);
        test_expect("frames, layers", what[k], r[0].mean[i], r[1].mean[i],
                    hypot(r[0].error[i], r[1].error[i]));
      }
      test_parameters_close(&p);
    }
  }
}

/* The scheme heun, of weak order 2: its bias is far below these errors at steps much larger than
 * those of euler. */
Test(complex_numbers, heun_against_bessel_integrals)
{
  const double phi[] = {2, 1};
  const struct {
    test_law law;
    double step;
  } cases[] = {
      {{1, 3, 0, 2, 1, 1, 2}, 0.01}, {{2, 2, 1, 2, 1, 1, 2}, 0.01}, {{1, 0, 0, 4, 1, 1, 2}, 0.02}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    test_parameters p = parameters_of(&cases[k].law, "complex", "heun", cases[k].step);
    give_target(&p, cases[k].law.d, phi);
    test_means r = test_simulate(&p, 9860 + (long)k, 400, 200, 20);
    expect_target(&cases[k].law, phi, &p, &r);
    test_parameters_close(&p);
  }
}

/* --- Starts ---------------------------------------------------------------------------------- */

/* X of normal complex entries of standard deviation `start`: E|X|^2 is start^2 for each, and
 * |det X|^2 a product of Gamma variables of shapes d, d - 1, ..., 1. Rank 1 of 2: |X|^2 is a
 * product of two independent ones of shape 2, the second with mean 2. */
Test(complex_numbers, starts_are_complex_normal_matrices)
{
  enum { DRAWS = 4000 };
  const double start = 0.7;
  for (int rank = 1; rank <= 2; rank++) {
    const test_law w = {2, 3, 0, 1, 1, 1, 2};
    test_parameters p = parameters_of(&w, "complex", "metropolis", 0.3);
    double out[TEST_ENTRIES], mean[2] = {0}, square[2] = {0};
    void *chain;
    test_give_number(&p, "start", start);
    test_give_number(&p, "rank", rank);
    wmc_stream *s = test_stream(9870, 0);
    cr_assert_eq(p.model->create(p.values, &chain), WMC_OK);
    const size_t at[] = {test_observable(&p, "frobenius2"), test_observable(&p, "log_abs_det")};
    for (int k = 0; k < DRAWS; k++) {
      p.model->start(chain, s);
      p.model->measure(chain, out);
      for (int i = 0; i < 2; i++) {
        mean[i] += out[at[i]] / DRAWS;
        square[i] += out[at[i]] * out[at[i]] / DRAWS;
      }
    }
    const double two = wmc_digamma(2), one = wmc_digamma(1), scale = log(start);
    const double exact[] = {4 * start * start,
                            rank == 2 ? 0.5 * (two + one) + 2 * scale : two + scale};
    for (int i = 0; i < 2; i++)
      test_expect("start", i ? "log_abs_det" : "frobenius2", exact[i], mean[i],
                  sqrt((square[i] - mean[i] * mean[i]) / DRAWS));
    p.model->destroy(chain);
    wmc_stream_destroy(s);
    test_parameters_close(&p);
  }
}
