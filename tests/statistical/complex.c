/* Networks of complex numbers against exact averages: closed forms of Laguerre and Muttalib-Borodin
 * ensembles, and quadrature over the singular values from the definitions of volume and entropy. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>

#include "network_law.h"
#include "simulation.h"
#include "weylmc/geometry/gibbs.h"
#include "weylmc/numeric/special.h"

extern const wmc_model wmc_model_balanced;

static test_parameters parameters_of(const test_law *w, const char *field, const char *scheme,
                                     double step)
{
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  test_give(&p, "field", field);
  test_give_number(&p, "width", w->d);
  if (w->n > 0) test_give_number(&p, "depth", w->n);
  if (w->n == 0) test_give(&p, "depth", "inf");
  test_give_number(&p, "excess", w->m);
  test_give_number(&p, "beta", w->beta);
  test_give(&p, "noise.kind", w->v > 0 ? "kappa" : "horizontal");
  test_give_number(&p, "noise.kappa", w->h);
  test_give(&p, "scheme", scheme);
  test_give_number(&p, "step", step);
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
