/* The model `equivariant` against exact averages: filters drawn one by one at depth 1, closed forms
 * and quadrature for every mode at larger depths. */
#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "network_law.h"
#include "simulation.h"

extern const wmc_model wmc_model_equivariant;

static test_parameters parameters_of(const test_law *w, int order, const char *scheme, double step)
{
  test_parameters p = test_parameters_open(&wmc_model_equivariant);
  test_give_number(&p, "order", order);
  test_give_number(&p, "channels", w->d);
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

/* One layer is a Gaussian filter of variance 1/beta an entry: modes of filters drawn directly. */
Test(equivariant, one_layer_is_a_random_filter)
{
  enum { N = 5, C = 2, DRAWS = 20000 };
  const test_law w = {C, 1, 0, 2, 1, 1, 1};
  double filter[N * C * C], sum[2][3] = {{0}}, square[2][3] = {{0}};
  wmc_stream *s;
  cr_assert_eq(wmc_stream_create(&s, 41, 0), WMC_OK);
  for (int t = 0; t < DRAWS; t++) {
    wmc_stream_normals(s, N * C * C, sqrt(1 / w.beta), filter);
    for (int k = 0; k < 3; k++) {
      double complex m[C * C] = {0};
      double value[2] = {0};
      for (int site = 0; site < N; site++)
        for (int e = 0; e < C * C; e++)
          m[e] += filter[site * C * C + e] * cexp(-2 * acos(-1) * I * k * site / N);
      value[0] = log(cabs(m[0] * m[3] - m[1] * m[2]));
      for (int e = 0; e < C * C; e++) value[1] += creal(m[e] * conj(m[e]));
      for (int q = 0; q < 2; q++) sum[q][k] += value[q] / DRAWS;
      for (int q = 0; q < 2; q++) square[q][k] += value[q] * value[q] / DRAWS;
    }
  }
  wmc_stream_destroy(s);
  test_parameters p = parameters_of(&w, N, "metropolis", 0.3);
  test_means r = test_simulate(&p, 10000, 500, 1000, 2);
  const char *const names[] = {"log_abs_det", "mode_norm2"};
  for (int q = 0; q < 2; q++)
    for (int k = 0; k < 3; k++) {
      size_t at = test_observable(&p, names[q]) + (size_t)k;
      double error = sqrt((square[q][k] - sum[q][k] * sum[q][k]) / DRAWS);
      test_expect("one layer", names[q], sum[q][k], r.mean[at], hypot(r.error[at], error));
    }
  test_parameters_close(&p);
}

/* What the model says it expects, for every mode: virials, closed forms. */
static void expect_stated(const test_parameters *p, const test_means *r, const char *what)
{
  for (const wmc_observable *o = p->model->observables; o->name != NULL; o++) {
    double exact[TEST_ENTRIES];
    if (o->expected == NULL || !o->expected(p->values, exact)) continue;
    const size_t at = test_observable(p, o->name),
                 size = wmc_observable_size(p->model, o, p->values);
    for (size_t i = 0; i < size; i++)
      if (!isnan(exact[i])) test_expect(what, o->name, exact[i], r->mean[at + i], r->error[at + i]);
  }
}

/* Mode k of a ring is the law at beta w_k / n, real for k = 0 and k = n/2. */
static test_law mode_of(const test_law *w, int order, int k)
{
  const int real = k == 0 || 2 * k == order;
  test_law mode = *w;
  mode.b = real ? 1 : 2;
  mode.beta = w->beta * (real ? 1 : 2) / order;
  return mode;
}

static void expect_modes(const test_law *w, int order, const test_parameters *p,
                         const test_means *r, const char *what)
{
  double norm = 0, parameters = 0;
  const size_t logs = test_observable(p, "log_abs_det"), norms = test_observable(p, "mode_norm2"),
               values = test_observable(p, "singular_values");
  for (int k = 0; 2 * k <= order; k++) {
    double exact[TEST_AVERAGES];
    const test_law mode = mode_of(w, order, k);
    const size_t at = (size_t)k, first = values + at * (size_t)w->d;
    test_exact_averages(&mode, exact);
    test_expect(what, "log_abs_det", exact[TEST_LOG_DET], r->mean[logs + at], r->error[logs + at]);
    test_expect(what, "mode_norm2", exact[TEST_NORM], r->mean[norms + at], r->error[norms + at]);
    test_expect(what, "largest", exact[TEST_TOP], r->mean[first], r->error[first]);
    norm += mode.beta / w->beta * exact[TEST_NORM];
    parameters += mode.beta / w->beta * exact[TEST_PARAMETERS];
  }
  size_t at = test_observable(p, "frobenius2");
  test_expect(what, "frobenius2", norm, r->mean[at], r->error[at]);
  at = test_observable(p, "parameter_norm2");
  test_expect(what, "parameter_norm2", parameters, r->mean[at], r->error[at]);
}

Test(equivariant, modes_against_quadrature_and_closed_forms)
{
  const struct {
    test_law law;
    int order;
  } cases[] = {
      {{1, 2, 0, 1, 1, 1, 0}, 3},   {{1, 0, 1, 2, 1, 1, 0}, 4}, {{2, 3, 0, 1, 1, 1, 0}, 4},
      {{2, 2, 1, 3, 1, .25, 0}, 5}, {{2, 3, 0, 1, 0, 1, 0}, 3}, {{2, 10, 1, 1, 1, 1, 0}, 6},
      {{2, 0, 1, 1, 1, 1, 0}, 6},   {{2, 4, 0, 5, 1, 4, 0}, 1}, {{2, 0, 2, 1, 1, .5, 0}, 2}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    const test_law *w = &cases[k].law;
    char what[64];
    snprintf(what, sizeof what, "n=%d c=%d N=%d m=%d h=%g", cases[k].order, w->d, w->n, w->m, w->h);
    test_parameters p = parameters_of(w, cases[k].order, "metropolis", 0.3);
    test_means r = test_simulate(&p, 10100 + (long)k, 500, 600, 2);
    expect_modes(w, cases[k].order, &p, &r, what);
    expect_stated(&p, &r, what);
    test_parameters_close(&p);
  }
}

/* Widths of a list, and more channels out than in: what the model states. */
Test(equivariant, rectangular_networks)
{
  const double widths[] = {1, 3, 2, 2};
  const test_law w = {1, 3, 0, 1.5, 1, 1, 0};
  test_parameters p = parameters_of(&w, 6, "metropolis", 0.3);
  test_take(&p, "channels");
  test_take(&p, "excess");
  test_give_matrix(&p, "widths", 1, 4, widths);
  test_means r = test_simulate(&p, 10200, 500, 600, 2);
  expect_stated(&p, &r, "widths 1 3 2 2");
  test_parameters_close(&p);
}

Test(equivariant, euler_against_closed_forms)
{
  const test_law w = {1, 3, 2, 4, 1, 1, 0};
  test_parameters p = parameters_of(&w, 4, "euler", 1e-3);
  test_means r = test_simulate(&p, 10300, 8000, 300, 40);
  expect_stated(&p, &r, "euler");
  test_parameters_close(&p);
}
