/* The model `equivariant` against exact averages: filters drawn one by one at depth 1, closed forms
 * and quadrature for every mode at larger depths. */
#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "network_law.h"
#include "simulation.h"
#include "streams.h"

extern const wmc_model wmc_model_equivariant;

static test_parameters parameters_of(const test_law *w, int order, const char *scheme, double step)
{
  test_parameters p = test_parameters_open(&wmc_model_equivariant);
  test_give_number(&p, "order", order);
  test_give_law(&p, w, "channels", scheme, step);
  return p;
}

/* One layer is a Gaussian filter of variance 1/beta an entry: modes of filters drawn directly. */
Test(equivariant, one_layer_is_a_random_filter)
{
  enum { N = 5, C = 2, DRAWS = 20000 };
  const test_law w = {C, 1, 0, 2, 1, 1, 1};
  double filter[N * C * C], sum[2][3] = {{0}}, square[2][3] = {{0}};
  wmc_stream *s = test_stream(41, 0);
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

/* --- Targets --------------------------------------------------------------------------------- */

/* One channel: the law of mode k around the target's mode, over the phase of a complex mode and
 * over both signs of a real one where the law goes on through 0. Averages of |X^|^2 and
 * Re(X^* Phi). */
static void target_mode(const test_law *w, double phi, double out[2])
{
  enum { RADII = 3000, ANGLES = 64 };
  double sums[3] = {0};
  for (int a = 0; a < RADII; a++) {
    const double l[2] = {-30 + 34.0 * (a + 0.5) / RADII}, sigma = exp(l[0]);
    const double cold = w->beta / w->h, log_mass = test_log_density(w, l, test_pair_entropy(w, l));
    const int both = w->m == 0 && w->n % 2 == 1;
    for (int t = 0; t < ANGLES; t++) {
      const double c = w->b == 2 ? cos(2 * acos(-1) * (t + 0.5) / ANGLES) : both && t % 2 ? -1 : 1;
      const double trace = sigma * phi * c, weight = exp(log_mass + cold * (trace - phi * phi / 2));
      sums[0] += weight * sigma * sigma;
      sums[1] += weight * trace;
      sums[2] += weight;
    }
  }
  out[0] = sums[0] / sums[2];
  out[1] = sums[1] / sums[2];
}

/* Chains of real modes start with det X > 0 and keep it but at odd depth without excess. */
Test(equivariant, targets_of_one_channel_against_quadrature)
{
  const double filters[] = {1.6, 0.3, -0.4, 0.2, 0.5, 0.1};
  const struct {
    test_law law;
    int order;
  } cases[] = {{{1, 2, 0, 6, 1, 1, 0}, 4},
               {{1, 3, 0, 3, 1, 1, 0}, 3},
               {{1, 4, 1, 8, 1, 1, 0}, 6},
               {{1, 0, 1, 5, 1, 1, 0}, 5},
               {{1, 2, 1, 4, 1, .5, 0}, 2}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    const test_law *w = &cases[k].law;
    const int n = cases[k].order;
    double trace = 0;
    char what[64];
    snprintf(what, sizeof what, "target n=%d N=%d m=%d", n, w->n, w->m);
    test_parameters p = parameters_of(w, n, "metropolis", 0.3);
    test_give(&p, "energy.kind", "target");
    test_give(&p, "formulation", "observable");
    test_give_matrix(&p, "energy.filters", (size_t)n, 1, filters);
    test_means r = test_simulate(&p, 10400 + (long)k, 1000, 1000, 3);
    for (int q = 0; 2 * q <= n; q++) {
      const test_law mode = mode_of(w, n, q);
      double complex phi = 0;
      double exact[2];
      for (int s = 0; s < n; s++) phi += filters[s] * cexp(-2 * acos(-1) * I * q * s / n);
      target_mode(&mode, mode.b == 2 ? cabs(phi) : creal(phi), exact);
      const size_t at = test_observable(&p, "mode_norm2") + (size_t)q;
      test_expect(what, "mode_norm2", exact[0], r.mean[at], r.error[at]);
      trace += mode.beta / w->beta * exact[1];
    }
    const size_t at = test_observable(&p, "trace_target");
    test_expect(what, "trace_target", trace, r.mean[at], r.error[at]);
    expect_stated(&p, &r, what);
    test_parameters_close(&p);
  }
}

/* Two channels, depth 1: Gaussian filters around the target. Then the virial at larger depth. */
Test(equivariant, targets_of_two_channels)
{
  enum { N = 4 };
  double filters[N * 4], square = 0;
  wmc_stream *s = test_stream(43, 0);
  wmc_stream_normals(s, N * 4, 1, filters);
  wmc_stream_destroy(s);
  for (int k = 0; k < N * 4; k++) square += filters[k] * filters[k];
  for (int depth = 1; depth <= 3; depth += 2) {
    const test_law w = {2, depth, depth == 3, 3, 1, 1, 0};
    test_parameters p = parameters_of(&w, N, "metropolis", 0.3);
    test_give(&p, "energy.kind", "target");
    test_give(&p, "formulation", "observable");
    test_give_matrix(&p, "energy.filters", N, 4, filters);
    test_means r = test_simulate(&p, 10500 + depth, 1000, 600, 3);
    expect_stated(&p, &r, "target c=2");
    size_t at = test_observable(&p, "trace_target");
    if (depth == 1) test_expect("target c=2", "trace", square, r.mean[at], r.error[at]);
    at = test_observable(&p, "frobenius2");
    if (depth == 1)
      test_expect("target c=2", "frobenius2", square + N * 4 / w.beta, r.mean[at], r.error[at]);
    test_parameters_close(&p);
  }
}
