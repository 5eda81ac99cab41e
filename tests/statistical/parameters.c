/* The formulation `parameters` of the model `balanced` against exact averages by quadrature over
 * two singular values, and against the other formulations. Chains are independent streams of one
 * seed; comparisons are at 5 sigma. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "simulation.h"

extern const wmc_model wmc_model_balanced;

enum { CHAINS = 32 };

typedef struct law {
  int d, n, m;
  const char *noise;
  double v, h;
} law;

enum { NORM, LOG_DET, PAIRS, PARAMETERS, FIRST, AVERAGES };
static const char *const names[] = {"frobenius2", "log_abs_det", "pair_entropy", "parameter_norm2",
                                    "singular_values"};

/* --- Exact averages -------------------------------------------------------------------------- */

/* Width 2, E = |X|^2/2, beta = 1: density of the volume of (13) in the theory of balanced networks,
 * exp(-E/h) (l1^2 - l2^2) a^{v/(2h)} (l1 l2)^{(v/h)(N-1) m}, in l1 > 0 and t = l2/l1, by the
 * midpoint rule in l1 and in s with t = s^2 (3 - 2 s), which removes the corners. */
static void exact_averages(const law *w, double out[AVERAGES])
{
  enum { POINTS = 1200 };
  const double high = 8 * sqrt(w->h), share = w->v / w->h;
  double mass = 0;
  memset(out, 0, AVERAGES * sizeof *out);
  for (int a = 0; a < POINTS; a++)
    for (int b = 0; b < POINTS; b++) {
      const double u = (a + 0.5) / POINTS, s = (b + 0.5) / POINTS;
      const double l1 = pow(high, 1.0 / w->n) * u * u * (3 - 2 * u), t = s * s * (3 - 2 * s),
                   l2 = l1 * t;
      const double gap = l1 * l1 - l2 * l2, s1 = pow(l1, w->n), s2 = pow(l2, w->n);
      const double weight = (s1 * s1 - s2 * s2) / gap;
      const double density = exp(-0.5 * (s1 * s1 + s2 * s2) / w->h) * gap *
                             pow(weight, 0.5 * share) * pow(l1 * l2, share * (w->n - 1) * w->m) *
                             l1 * 36 * u * (1 - u) * s * (1 - s);
      const double values[AVERAGES] = {s1 * s1 + s2 * s2, w->n * log(l1 * l2), 0.5 * log(weight),
                                       w->n * (l1 * l1 + l2 * l2), s1};
      if (!(density > 0)) continue;
      mass += density;
      for (int k = 0; k < AVERAGES; k++) out[k] += density * values[k];
    }
  for (int k = 0; k < AVERAGES; k++) out[k] /= mass;
}

/* --- Simulations ----------------------------------------------------------------------------- */

static test_means simulate(const test_parameters *p, long seed, long thermalise, int draws,
                           long stride)
{
  test_means r = {.size = wmc_model_measurement_size(p->model, p->values)};
  cr_assert_leq(r.size, TEST_ENTRIES);
  test_simulate_run(p, &(test_run){seed, CHAINS, thermalise, draws, stride}, r.mean, r.error);
  return r;
}

static test_parameters parameters_of(const law *w, const char *formulation, const char *scheme,
                                     double step)
{
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  test_give_number(&p, "width", w->d);
  test_give_number(&p, "depth", w->n);
  test_give_number(&p, "excess", w->m);
  test_give(&p, "noise.kind", w->noise);
  if (strcmp(w->noise, "kappa") == 0) test_give_number(&p, "noise.kappa", w->h);
  test_give(&p, "formulation", formulation);
  test_give(&p, "scheme", scheme);
  test_give_number(&p, "step", step);
  return p;
}

static void expect(const law *w, const char *name, double exact, double mean, double error)
{
  char what[96];
  snprintf(what, sizeof what, "d=%d N=%d m=%d %s %g", w->d, w->n, w->m, w->noise, w->h);
  if (test_verbose())
    printf("%-30s %-16s %12.6f %12.6f +- %.6f  z %5.2f\n", what, name, exact, mean, error,
           (mean - exact) / error);
  cr_expect_lt(fabs(mean - exact), 5 * error, "%s, %s: exact %.8g, found %.8g +- %.2g", what, name,
               exact, mean, error);
  cr_expect_lt(error, 0.04 * fmax(1, fabs(exact)), "%s, %s: error %g", what, name, error);
}

static void compare(const law *w, const char *scheme, double step, long thermalise, int draws,
                    long stride)
{
  double exact[AVERAGES];
  exact_averages(w, exact);
  test_parameters p = parameters_of(w, "parameters", scheme, step);
  test_means r = simulate(&p, 71, thermalise, test_trials(draws), stride);
  for (int k = 0; k < AVERAGES; k++) {
    const size_t at = test_observable(&p, names[k]);
    expect(w, names[k], exact[k], r.mean[at], r.error[at]);
  }
  test_parameters_close(&p);
}

/* The random walk does not know the entropy: averages agree because the volume of fibres is right.
 */
Test(parameters, random_walk_against_quadrature)
{
  const law laws[] = {{2, 2, 0, "isotropic", 1, 1}, {2, 3, 0, "isotropic", 1, 1},
                      {2, 2, 1, "isotropic", 1, 1}, {2, 3, 1, "isotropic", 1, 1},
                      {2, 3, 0, "kappa", 1, 0.25},  {2, 2, 0, "horizontal", 0, 1}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++)
    compare(&laws[k], "metropolis", 0.5, 1000, 1200, 3);
}

/* Straight steps and the way back along fibres: the drift by the entropy comes out without its
 * formula.
 */
Test(parameters, euler_against_quadrature)
{
  const law laws[] = {{2, 2, 0, "isotropic", 1, 1},
                      {2, 2, 1, "isotropic", 1, 1},
                      {2, 3, 1, "isotropic", 1, 1},
                      {2, 3, 1, "kappa", 1, 0.25},
                      {2, 2, 1, "horizontal", 0, 1}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++)
    compare(&laws[k], "euler", 0.004, 500, 200, 30);
}

/* Vertical noise alone: X follows the flow of E - S/beta to its minimum, where all sigma^2 are
 * (1 - 1/N)[(d - 1)/2 + m]; what is left of noise in X is of the order of the square root of the
 * step. */
Test(parameters, vertical_noise_is_a_flow)
{
  const law laws[] = {
      {2, 3, 0, "vertical", 1, 0}, {2, 2, 1, "vertical", 1, 0}, {3, 4, 0, "vertical", 1, 0}};
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++) {
    const law *w = &laws[k];
    const double exact = w->d * (1 - 1.0 / w->n) * (0.5 * (w->d - 1) + w->m), step = 0.001;
    test_parameters p = parameters_of(w, "parameters", "euler", step);
    test_means r = simulate(&p, 73, 4000, 4, 500);
    const size_t at = test_observable(&p, "frobenius2");
    const double spread = r.error[at] * sqrt(CHAINS);
    if (test_verbose())
      printf("d=%d N=%d m=%d vertical: |X|^2 %.4f, found %.4f +- %.4f\n", w->d, w->n, w->m, exact,
             r.mean[at], r.error[at]);
    cr_expect_lt(fabs(r.mean[at] - exact), 5 * r.error[at] + 4 * step * exact, "%g %g", r.mean[at],
                 exact);
    cr_expect_lt(spread, 3 * sqrt(step) * exact, "one chain: %g", spread);
    test_parameters_close(&p);
  }
}
