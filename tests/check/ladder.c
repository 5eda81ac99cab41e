/* Ladders of temperatures in the model `balanced`: exchanges against the density of all replicas
 * together, one rung against no ladder, restarts, complaints, and the rules behind differences of
 * log Z on averages that are known. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/models/balanced.h"
#include "complaints.h"
#include "parameters.h"
#include "streams.h"
#include "support.h"

enum { RUNGS = 5 };
static const double BETAS[RUNGS] = {0.5, 1, 1.7, 3, 8};

/* Width 3, with and without frames, each noise; rungs in both orders. */
static test_parameters deck_of(int t)
{
  const double target[9] = {1.2, -0.3, 0.4, 0.1, 0.8, 0.2, -0.5, 0.6, 1.5};
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  double ladder[RUNGS];
  for (int k = 0; k < RUNGS; k++) ladder[k] = BETAS[t % 2 ? k : RUNGS - 1 - k];
  test_give_number(&p, "width", 3);
  test_give_number(&p, "depth", 1 + t % 4);
  test_give_number(&p, "excess", t / 2 % 2);
  test_give_number(&p, "beta", BETAS[t % RUNGS]);
  test_give_number(&p, "step", 0.3);
  test_give_number(&p, "noise.kappa", 0.6);
  test_give(&p, "noise.kind", t % 3 ? "kappa" : "isotropic");
  test_give_matrix(&p, "ladder", 1, RUNGS, ladder);
  if (t % 8 == 3) test_give(&p, "formulation", "parameters");
  if (t / 4 % 2) {
    test_give(&p, "formulation", t % 8 == 5 ? "parameters" : "observable");
    test_give(&p, "energy.kind", "target");
    test_give_matrix(&p, "energy.matrix", 3, 3, target);
  }
  return p;
}

static wmc_balanced *chain_of(const test_parameters *p, wmc_stream *s)
{
  void *chain;
  cr_assert_eq(wmc_model_balanced.create(p->values, &chain), WMC_OK, "%s", wmc_message());
  wmc_model_balanced.start(chain, s);
  return chain;
}

static void advance(wmc_balanced *chain, wmc_stream *s, long steps, bool thermalising)
{
  cr_assert_eq(wmc_model_balanced.advance(chain, s, steps, thermalising), WMC_OK, "%s",
               wmc_message());
}

/* --- Exchange -------------------------------------------------------------------------------- */

static double log_density(const wmc_balanced *c)
{
  return wmc_gibbs_log_density(&c->law, &c->x, wmc_balanced_energy(c));
}

Test(ladder, exchange_ratio_is_that_of_the_product_of_densities)
{
  for (int t = 0; t < 24; t++) {
    test_parameters p = deck_of(t);
    wmc_stream *s = test_stream(100 + t, 0);
    wmc_balanced *chain = chain_of(&p, s);
    advance(chain, s, 50, true);
    for (size_t k = 0; k + 1 < RUNGS; k++) {
      wmc_balanced *a = wmc_ladder_replica(chain->ladder, k);
      wmc_balanced *b = wmc_ladder_replica(chain->ladder, k + 1);
      double ratio = wmc_ladder_ratio(chain->ladder, k), before = log_density(a) + log_density(b);
      double ea = wmc_balanced_energy(a), eb = wmc_balanced_energy(b);
      double steps[2] = {a->lambda_step[0], *b->scale_step};
      double accepted = a->counts[WMC_COUNT_ACCEPTED];
      wmc_ladder_swap(a, b);
      double change = log_density(a) + log_density(b) - before;
      cr_assert_float_eq(ratio, change, 1e-10 * (1 + fabs(before)), "%d: %g %g", t, ratio, change);
      cr_assert(wmc_balanced_energy(a) == eb && wmc_balanced_energy(b) == ea);
      cr_assert(a->lambda_step[0] == steps[0] && *b->scale_step == steps[1]);
      cr_assert_eq(a->counts[WMC_COUNT_ACCEPTED], accepted);
    }
    wmc_model_balanced.destroy(chain);
    wmc_stream_destroy(s);
    test_parameters_close(&p);
  }
}

/* Entries of a ladder aside, one rung gives the bits of no ladder. */
Test(ladder, one_rung_is_no_ladder)
{
  for (int t = 0; t < 8; t++) {
    test_parameters p = deck_of(t), q = deck_of(t);
    double out[2][64];
    test_give_matrix(&p, "ladder", 1, 1, &BETAS[t % RUNGS]);
    test_take(&q, "ladder");
    const test_parameters *decks[] = {&p, &q};
    for (int k = 0; k < 2; k++) {
      wmc_stream *s = test_stream(7, 0);
      wmc_balanced *chain = chain_of(decks[k], s);
      advance(chain, s, 100, true);
      advance(chain, s, 100, false);
      wmc_model_balanced.measure(chain, out[k]);
      wmc_model_balanced.destroy(chain);
      wmc_stream_destroy(s);
    }
    size_t same = test_observable(&p, "ladder_energy");
    cr_assert_eq(memcmp(out[0], out[1], same * sizeof out[0][0]), 0, "%d", t);
    cr_assert_eq(out[0][same], out[0][test_observable(&p, "energy")]);
    test_parameters_close(&p), test_parameters_close(&q);
  }
}

Test(ladder, packed_chains_and_chains_in_pieces_continue_bit_for_bit)
{
  for (int t = 0; t < 8; t++) {
    test_parameters p = deck_of(t);
    test_give_number(&p, "exchange", 1 + t % 3);
    wmc_stream *s = test_stream(3, 0), *same = test_stream(3, 0);
    wmc_balanced *whole = chain_of(&p, s), *pieces = chain_of(&p, same), *other;
    size_t n = wmc_model_balanced.state_size(whole);
    size_t m = wmc_model_measurement_size(&wmc_model_balanced, p.values);
    double *packed = malloc(n * sizeof *packed), *out = calloc(2 * m, sizeof *out);
    advance(whole, s, 40, true);
    advance(whole, s, 60, false);
    for (int k = 0; k < 8; k++) advance(pieces, same, 5, true);
    advance(pieces, same, 13, false);
    wmc_model_balanced.pack(pieces, packed);
    wmc_stream *third = test_stream(4, 0);
    other = chain_of(&p, third);
    wmc_model_balanced.unpack(other, packed);
    advance(other, same, 47, false);
    wmc_model_balanced.measure(whole, out);
    wmc_model_balanced.measure(other, out + m);
    cr_assert_eq(memcmp(out, out + m, m * sizeof *out), 0, "%d", t);
    wmc_model_balanced.destroy(whole), wmc_model_balanced.destroy(pieces);
    wmc_model_balanced.destroy(other);
    wmc_stream_destroy(s), wmc_stream_destroy(same), wmc_stream_destroy(third);
    free(packed), free(out);
    test_parameters_close(&p);
  }
}

/* --- Derived quantities ---------------------------------------------------------------------- */

static const wmc_derived *derived(const char *name)
{
  const wmc_derived *d = wmc_balanced_derived;
  while (d->name && strcmp(d->name, name) != 0) d++;
  cr_assert_not_null(d->name, "no derived quantity %s", name);
  return d;
}

/* Means such as a run without errors would have: <E> = floor + h C/beta with heat capacity C, and
 * averages of the overlap that Z_{k+1}/Z_k = e^r belongs to, with any constant in them. */
static void ideal_means(const test_parameters *p, double floor, double c, double h, double *means)
{
  const double *beta = test_value(p, "ladder")->reals;
  for (int k = 0; k < RUNGS; k++) {
    double e = floor + h * c / beta[k], variance = c * h * h / (beta[k] * beta[k]);
    means[test_observable(p, "ladder_energy") + (size_t)k] = e;
    means[test_observable(p, "ladder_energy2") + (size_t)k] = e * e + variance;
  }
  for (int k = 0; k + 1 < RUNGS; k++) {
    double r = -c * log(beta[k + 1] / beta[k]) - floor * (beta[k + 1] - beta[k]) / h;
    means[test_observable(p, "ladder_forward") + (size_t)k] = exp(r - k) * (0.1 + k);
    means[test_observable(p, "ladder_backward") + (size_t)k] = 0.1 + k;
    means[test_observable(p, "ladder_offset") + (size_t)k] = k;
  }
  double e = floor + h * c / test_value(p, "beta")->real;
  means[test_observable(p, "energy")] = e;
  means[test_observable(p, "energy2")] = e * e + pow(e - floor, 2) / c;
}

Test(ladder, differences_of_log_z_of_a_power_law_are_exact)
{
  for (int t = 0; t < 12; t++) {
    test_parameters p = deck_of(t);
    const double floor = t % 4 ? 0.7 : 0, c = 3.25, h = t % 3 ? 0.6 : 1;
    const double *beta = test_value(&p, "ladder")->reals, at = test_value(&p, "beta")->real;
    double means[64] = {0}, out[RUNGS], doubt[RUNGS] = {0};
    ideal_means(&p, floor, c, h, means);
    for (int kind = 0; kind < 2; kind++) {
      memset(doubt, 0, sizeof doubt);
      derived(kind ? "log_partition_overlap" : "log_partition")
          ->evaluate(p.values, means, out, doubt);
      for (int k = 0; k < RUNGS; k++) {
        double exact = -c * log(beta[k] / at) - floor * (beta[k] - at) / h;
        cr_assert_float_eq(out[k], exact, 1e-10, "%d, %d: %g %g", t, k, out[k], exact);
        cr_assert_lt(doubt[k], 1e-10);
      }
    }
    derived("heat_capacity")->evaluate(p.values, means, out, doubt);
    cr_assert_float_eq(out[0], c, 1e-10);
    derived("ladder_heat_capacity")->evaluate(p.values, means, out, doubt);
    for (int k = 0; k < RUNGS; k++) cr_assert_float_eq(out[k], c, 1e-10);
    test_parameters_close(&p);
  }
}

/* beta <E>/h a cubic of log beta, flat at the coldest rung: the rule is exact. */
Test(ladder, integration_is_exact_for_cubics)
{
  for (int t = 0; t < 6; t++) {
    test_parameters p = deck_of(t);
    const double *beta = test_value(&p, "ladder")->reals, h = t % 3 ? 0.6 : 1;
    const double at = test_value(&p, "beta")->real, top = log(BETAS[RUNGS - 1]), a = 0.4,
                 b = 0.1 * t;
    double means[64] = {0}, out[RUNGS], doubt[RUNGS] = {0};
    for (size_t k = 0; k < RUNGS; k++) {
      double x = log(beta[k]) - top, g = 3 + a * x * x + b * x * x * x;
      double capacity = g - (2 * a * x + 3 * b * x * x), e = h * g / beta[k];
      means[test_observable(&p, "ladder_energy") + k] = e;
      means[test_observable(&p, "ladder_energy2") + k] = e * e + capacity * pow(h / beta[k], 2);
    }
    derived("log_partition")->evaluate(p.values, means, out, doubt);
    for (int k = 0; k < RUNGS; k++) {
      double x = log(beta[k]) - top, from = log(at) - top;
      double exact =
          3 * (from - x) + a / 3 * (pow(from, 3) - pow(x, 3)) + b / 4 * (pow(from, 4) - pow(x, 4));
      cr_assert_float_eq(out[k], exact, 1e-11, "%d, %d: %g %g", t, k, out[k], exact);
      cr_assert_lt(doubt[k], 1e-11);
    }
    test_parameters_close(&p);
  }
}

/* A capacity that goes from 1 to 3 with temperature: the quadrature is off, by less than it says,
 * and what it says is not much more. E = 1/beta + 2 a/(beta (a + beta)). */
Test(ladder, doubt_of_the_quadrature_covers_its_error)
{
  for (int t = 0; t < 40; t++) {
    test_parameters p = deck_of(1);
    const double a = 0.05 * pow(1.25, t), beta[RUNGS] = {0.25, 1, 4, 16, 64};
    double means[64] = {0}, out[RUNGS], doubt[RUNGS] = {0};
    test_give(&p, "noise.kind", "isotropic");
    test_give_matrix(&p, "ladder", 1, RUNGS, beta);
    test_give_number(&p, "beta", beta[RUNGS - 1]);
    for (size_t k = 0; k < RUNGS; k++) {
      double b = beta[k], e = 1 / b + 2 * a / (b * (a + b));
      double slope = -1 / (b * b) - 2 * a * (a + 2 * b) / pow(b * (a + b), 2);
      means[test_observable(&p, "ladder_energy") + k] = e;
      means[test_observable(&p, "ladder_energy2") + k] = e * e - slope;
    }
    derived("log_partition")->evaluate(p.values, means, out, doubt);
    for (int k = 0; k < RUNGS; k++) {
      double top = beta[RUNGS - 1],
             exact = -log(beta[k] / top) - 2 * log(beta[k] * (a + top) / (top * (a + beta[k])));
      double off = fabs(out[k] - exact);
      cr_assert_leq(off, doubt[k], "a %g, rung %d: off %g, doubt %g", a, k, off, doubt[k]);
      cr_assert_lt(doubt[k], 0.05);
    }
    test_parameters_close(&p);
  }
}

/* --- Complaints ------------------------------------------------------------------------------ */

Test(ladder, complaints_say_which_rule_and_what_to_do)
{
  const double unsorted[] = {1, 4, 2}, repeated[] = {1, 2, 2}, other[] = {1, 2, 4};
  test_parameters p = deck_of(0);
  test_complaint(&p, NULL, NULL);
  test_give_number(&p, "beta", 1);
  test_give_matrix(&p, "ladder", 1, 3, unsorted);
  test_complaint(&p, "ladder", "2 after 4 found");
  test_give_matrix(&p, "ladder", 1, 3, repeated);
  test_complaint(&p, "ladder", "none is repeated");
  test_give_matrix(&p, "ladder", 1, 3, other);
  test_complaint(&p, NULL, NULL);
  test_give_number(&p, "beta", 3);
  test_complaint(&p, "beta", "for example beta: 4, or add 3");
  test_give_number(&p, "beta", 2);
  test_give(&p, "scheme", "euler");
  test_complaint(&p, "exchange", "exchange: inf");
  test_give(&p, "exchange", "inf");
  test_complaint(&p, NULL, NULL);
  test_give(&p, "scheme", "flow");
  test_give(&p, "noise.kind", "vertical");
  test_complaint(&p, "ladder", "leave out the ladder");
  wmc_text why = {0};
  wmc_value value = {0};
  int field = wmc_field_find(wmc_model_balanced.fields, "ladder");
  cr_assert(!wmc_field_read(&wmc_model_balanced.fields[field], "[1, 0]", &value, &why));
  cr_assert(!wmc_field_read(&wmc_model_balanced.fields[field], "[1, -2]", &value, &why));
  wmc_value_free(&value);
  wmc_text_free(&why);
  test_parameters_close(&p);
}
