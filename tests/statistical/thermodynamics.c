/* Ladders of temperatures: energies, heat capacities and differences of log Z of runs against
 * closed forms and quadrature (geometry/partition.h, itself checked in tests/check), for exchanging
 * and independent replicas; and two ways to the same difference where nothing is known. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "simulation.h"
#include "streams.h"
#include "weylmc/geometry/partition.h"
#include "weylmc/statistics/jackknife.h"

extern const wmc_model wmc_model_balanced;

enum { RUNGS = 4, CHAINS = 48 };

/* Draws of all chains. */
typedef struct run {
  size_t size;
  wmc_accumulator *chain[CHAINS];
} run;

static run simulate(const test_parameters *p, long seed, int draws)
{
  run r = {.size = wmc_model_measurement_size(p->model, p->values)};
  cr_assert_leq(r.size, TEST_ENTRIES);
  test_accumulate(p->model, p->values, &(test_run){seed, CHAINS, 800, test_trials(draws), 2},
                  r.chain);
  return r;
}

static void forget(run *r)
{
  for (int c = 0; c < CHAINS; c++) wmc_accumulator_destroy(r->chain[c]);
}

static wmc_estimate average(const run *r, size_t component)
{
  wmc_estimate e;
  wmc_estimate_chains((const wmc_accumulator *const *)r->chain, CHAINS, component, &e);
  return e;
}

static const wmc_derived *derived(const char *name)
{
  const wmc_derived *d = wmc_model_balanced.derived;
  while (d->name && strcmp(d->name, name) != 0) d++;
  cr_assert_not_null(d->name, "no derived quantity %s", name);
  return d;
}

/* One or two derived quantities, and their difference. */
typedef struct request {
  const test_parameters *p;
  const wmc_derived *first, *second;
} request;

/* Value, what the method may be off by, and the difference from the second one, at every rung. */
static void evaluate_request(void *data, const double *means, double *out)
{
  const request *q = data;
  double *value = out, *doubt = out + RUNGS, *difference = out + 2 * RUNGS, ignored[RUNGS];
  for (int k = 0; k < 3 * RUNGS; k++) out[k] = 0;
  q->first->evaluate(q->p->values, means, value, doubt);
  q->second->evaluate(q->p->values, means, difference, ignored);
  for (int k = 0; k < RUNGS; k++) difference[k] = value[k] - difference[k];
}

typedef struct quantity {
  size_t size;
  wmc_estimate value[RUNGS], doubt[RUNGS], difference[RUNGS];
} quantity;

static quantity evaluate(const test_parameters *p, const run *r, const char *name,
                         const char *other)
{
  request data = {p, derived(name), derived(other)};
  quantity q = {.size = wmc_derived_size(p->model, data.first, p->values)};
  wmc_estimate all[3 * RUNGS];
  cr_assert_eq(wmc_jackknife((const wmc_accumulator *const *)r->chain, CHAINS, 3 * RUNGS,
                             evaluate_request, &data, all),
               WMC_OK);
  memcpy(q.value, all, sizeof q.value);
  memcpy(q.doubt, all + RUNGS, sizeof q.doubt);
  memcpy(q.difference, all + 2 * RUNGS, sizeof q.difference);
  return q;
}

static void compare(const test_parameters *p, const run *r, const char *what, const char *name)
{
  double exact[RUNGS];
  quantity q = evaluate(p, r, name, name);
  cr_assert(derived(name)->expected(p->values, exact), "%s: %s", what, name);
  for (size_t e = 0; e < q.size; e++)
    if (q.value[e].error > 0) /* not at the reference itself */
      test_expect(what, name, exact[e], q.value[e].mean, hypot(q.value[e].error, q.doubt[e].mean));
}

/* Means of an observable at every rung against what the model states. */
static void compare_energies(const test_parameters *p, const run *r, const char *what)
{
  double exact[RUNGS];
  const size_t first = test_observable(p, "ladder_energy");
  const wmc_observable *o = p->model->observables;
  while (strcmp(o->name, "ladder_energy") != 0) o++;
  cr_assert(o->expected(p->values, exact));
  for (size_t k = 0; k < RUNGS; k++) {
    wmc_estimate e = average(r, first + k);
    test_expect(what, "ladder_energy", exact[k], e.mean, e.error);
  }
}

/* What is run: shape, law, target (0: |X|^2/2), and the ladder's first rung and quotient. */
typedef struct setting {
  const char *what, *field, *formulation, *exchange;
  int d, n, m;
  double v, h, phi[2], first, quotient;
} setting;

static test_parameters parameters_of(const setting *s)
{
  double ladder[RUNGS] = {s->first};
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  for (int k = 1; k < RUNGS; k++) ladder[k] = ladder[k - 1] * s->quotient;
  test_give(&p, "field", s->field);
  test_give_number(&p, "width", s->d);
  test_give_number(&p, "depth", s->n);
  test_give_number(&p, "excess", s->m);
  test_give_matrix(&p, "ladder", 1, RUNGS, ladder);
  test_give_number(&p, "beta", ladder[2]);
  test_give(&p, "exchange", s->exchange);
  test_give(&p, "noise.kind", s->v > 0 ? "kappa" : "horizontal");
  test_give_number(&p, "noise.kappa", s->h);
  test_give(&p, "formulation", s->formulation);
  test_give_number(&p, "step", 0.3);
  if (s->phi[0] > 0) {
    test_give(&p, "energy.kind", "target");
    test_give_matrix(&p, "energy.diag", 1, (size_t)s->d, s->phi);
  }
  return p;
}

static void run_setting(const setting *s, long seed)
{
  test_parameters p = parameters_of(s);
  run r = simulate(&p, seed, 800);
  compare_energies(&p, &r, s->what);
  compare(&p, &r, s->what, "heat_capacity");
  compare(&p, &r, s->what, "ladder_heat_capacity");
  compare(&p, &r, s->what, "log_partition");
  compare(&p, &r, s->what, "log_partition_overlap");
  forget(&r);
  test_parameters_close(&p);
}

Test(thermodynamics, powers_of_beta)
{
  const setting settings[] = {
      {"isotropic", "real", "spectrum", "1", 3, 5, 1, 1, 1, {0}, 0.5, 1.8},
      {"horizontal", "real", "spectrum", "2", 2, 3, 0, 0, 1, {0}, 4, 0.6},
      {"kappa 0.25", "real", "spectrum", "1", 2, 4, 1, 1, 0.25, {0}, 0.3, 1.5},
      {"kappa 4", "real", "observable", "3", 2, 2, 0, 1, 4, {0}, 1, 2},
      {"complex", "complex", "spectrum", "1", 3, 3, 0, 1, 1, {0}, 1, 1.5},
      {"layers", "real", "parameters", "2", 2, 2, 1, 1, 1, {0}, 0.5, 1.6},
      {"independent", "real", "spectrum", "inf", 2, 10, 1, 1, 1, {0}, 1, 1.7}};
  for (size_t k = 0; k < sizeof settings / sizeof settings[0]; k++)
    run_setting(&settings[k], 100 + (long)k);
}

Test(thermodynamics, targets_against_quadrature)
{
  const setting settings[] = {
      {"1 x 1, both signs", "real", "observable", "1", 1, 3, 0, 1, 1, {1, 0}, 1, 2},
      {"2 x 2", "real", "observable", "1", 2, 2, 1, 1, 1, {2, 1}, 1, 1.8},
      {"2 x 2, both signs", "real", "observable", "1", 2, 3, 0, 1, 1, {2, 1}, 8, 0.6},
      {"2 x 2, kappa 0.25", "real", "observable", "2", 2, 10, 1, 1, 0.25, {2, 1}, 0.5, 1.7},
      {"2 x 2, independent", "real", "observable", "inf", 2, 2, 1, 1, 1, {1, 1}, 2, 1.7}};
  for (size_t k = 0; k < sizeof settings / sizeof settings[0]; k++)
    run_setting(&settings[k], 200 + (long)k);
}

/* |W|^2/2 is of degree 2/N in X: chi squared with dim M degrees of freedom. */
Test(thermodynamics, decay_counts_the_dimensions)
{
  const setting s = {"decay", "real", "spectrum", "1", 2, 4, 1, 1, 1, {0}, 0.5, 1.5};
  test_parameters p = parameters_of(&s);
  test_give(&p, "energy.kind", "decay");
  test_give_number(&p, "energy.decay", 1);
  const double dimension = 2 + 5 * 1 + 3 * 2 * 1; /* (4) of docs/theory/balanced.md */
  double exact;
  cr_assert(derived("heat_capacity")->expected(p.values, &exact));
  cr_assert_float_eq(exact, dimension / 2, 1e-12);
  run r = simulate(&p, 300, 800);
  compare(&p, &r, s.what, "heat_capacity");
  compare(&p, &r, s.what, "log_partition");
  compare(&p, &r, s.what, "log_partition_overlap");
  forget(&r);
  test_parameters_close(&p);
}

/* The complex law is that of Muttalib and Borodin: a factor |det X|^{2s} changes c to c + s, so
 * E log|det X| is half the derivative of log Z by c, for which the excess stands: m (1 - 1/N). */
Test(thermodynamics, complex_log_det_is_a_derivative_of_log_z)
{
  const setting s = {"complex", "complex", "spectrum", "1", 3, 2, 1, 1, 1, {0}, 1, 1.4};
  test_parameters p = parameters_of(&s);
  run r = simulate(&p, 400, 800);
  const size_t at = test_observable(&p, "log_abs_det");
  const double step = 1e-4, beta = test_value(&p, "beta")->real;
  double z[2];
  for (int k = 0; k < 2; k++) {
    double widths[] = {3, 4 + (2 * k - 1) * step / 0.5, 3}; /* c moves by `step` */
    wmc_gibbs law = {wmc_shape_square(3, 1, 2), beta, 1, 1};
    wmc_partition known;
    law.shape.numbers = WMC_NUMBERS_COMPLEX;
    law.shape.widths = widths;
    cr_assert(wmc_partition_function(&law, NULL, &known));
    z[k] = known.log_z;
  }
  wmc_estimate e = average(&r, at);
  test_expect("complex", "log_abs_det", 0.5 * (z[1] - z[0]) / (2 * step), e.mean, e.error);
  forget(&r);
  test_parameters_close(&p);
}

/* Integration and overlap must agree, with the error of their difference, where neither is known.
 */
static void agree(const setting *s, const double *phi, long seed)
{
  const size_t d = (size_t)s->d;
  test_parameters p = parameters_of(s);
  test_give(&p, "energy.kind", "target");
  test_give_matrix(&p, "energy.matrix", d, d, phi);
  run r = simulate(&p, seed, 600);
  quantity q = evaluate(&p, &r, "log_partition", "log_partition_overlap");
  for (size_t k = 0; k < RUNGS; k++) {
    if (q.value[k].error == 0) continue;
    cr_assert_gt(fabs(q.value[k].mean), 1);
    test_expect(s->what, "difference", 0, q.difference[k].mean,
                hypot(q.difference[k].error, q.doubt[k].mean));
  }
  forget(&r);
  test_parameters_close(&p);
}

Test(thermodynamics, integration_and_overlap_agree)
{
  const double three[] = {1.2, -0.3, 0.4, 0.1, 0.8, 0.2, -0.5, 0.6, 1.5}, two[] = {2, 0.3, 0, 1};
  const setting real = {"3 x 3", "real", "observable", "1", 3, 3, 1, 1, 1, {0}, 1, 1.5};
  const setting complex = {"complex", "complex", "observable", "1", 2, 3, 1, 1, 1, {0}, 1, 1.5};
  agree(&real, three, 500);
  agree(&complex, two, 501);
}

/* A least energy of 1000, far from 0 on the scale of temperatures: inputs that are a basis, so that
 * one layer has E = |X - X*|^2/2 + least. */
Test(thermodynamics, large_least_energies_are_no_trouble)
{
  const setting s = {"regression", "real", "observable", "1", 2, 1, 0, 1, 1, {0}, 2, 1.5};
  const double least = 1000, far = sqrt(2 * least), root = sqrt(2);
  const double inputs[] = {root, 0, root, 0, 0, root, 0, root};
  const double labels[] = {1 + far, 2, 1 - far, 2, 3, far, 3, -far};
  test_parameters p = parameters_of(&s);
  test_give(&p, "energy.kind", "regression");
  test_give_matrix(&p, "energy.inputs", 4, 2, inputs);
  test_give_matrix(&p, "energy.labels", 4, 2, labels);
  run r = simulate(&p, 700, 600);
  const double *beta = test_value(&p, "ladder")->reals;
  for (int kind = 0; kind < 2; kind++) {
    const char *name = kind ? "log_partition" : "log_partition_overlap";
    quantity q = evaluate(&p, &r, name, name);
    for (int k = 0; k < RUNGS; k++) {
      double exact = -2 * log(beta[k] / beta[2]), shift = least * (beta[k] - beta[2]);
      if (k != 2) test_expect(s.what, name, exact, q.value[k].mean + shift, q.value[k].error);
    }
  }
  forget(&r);
  test_parameters_close(&p);
}

/* One layer is Gaussian about any target: log Z = -(d^2 b/2) log beta. */
Test(thermodynamics, one_layer_of_complex_numbers_with_a_target)
{
  const double phi[] = {2, 0.3, 0, 1};
  const setting s = {"complex", "complex", "observable", "1", 2, 1, 0, 1, 1, {0}, 1, 1.5};
  test_parameters p = parameters_of(&s);
  test_give(&p, "energy.kind", "target");
  test_give_matrix(&p, "energy.matrix", 2, 2, phi);
  run r = simulate(&p, 600, 600);
  for (int kind = 0; kind < 2; kind++) {
    const char *name = kind ? "log_partition" : "log_partition_overlap";
    quantity q = evaluate(&p, &r, name, name);
    for (int k = 0; k < RUNGS; k++)
      if (k != 2)
        test_expect(s.what, name, -4 * (k - 2) * log(1.5), q.value[k].mean, q.value[k].error);
  }
  forget(&r);
  test_parameters_close(&p);
}
