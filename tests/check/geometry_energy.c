/* Energies of X and of the layers against their definitions. */
#include <criterion/criterion.h>
#include <math.h>

#include "streams.h"
#include "support.h"
#include "weylmc/geometry/energy.h"

static double relative(double a, double b) { return fabs(a - b) / fmax(fabs(a), fabs(b)); }

enum { HIGH = 3, LONG = 4, ENTRIES = HIGH * LONG, SAMPLES = 9 };

typedef struct problem {
  double target[ENTRIES], mask[ENTRIES], inputs[SAMPLES * LONG], labels[SAMPLES * HIGH];
  wmc_energy_data data;
} problem;

/* Coefficients of `which` >= WMC_ENERGY_TERMS are those of a sum of all terms. */
static void problem_random(wmc_stream *s, int which, problem *p)
{
  wmc_stream_normals(s, ENTRIES, 1, p->target);
  wmc_stream_normals(s, SAMPLES * LONG, 1, p->inputs);
  wmc_stream_normals(s, SAMPLES * HIGH, 1, p->labels);
  for (int k = 0; k < ENTRIES; k++) p->mask[k] = k == 5 || wmc_stream_uniform(s) < 0.4;
  p->data = (wmc_energy_data){.rows = HIGH,
                              .columns = LONG,
                              .target = p->target,
                              .mask = p->mask,
                              .samples = SAMPLES,
                              .inputs = p->inputs,
                              .labels = p->labels};
  for (int k = 0; k < WMC_ENERGY_TERMS; k++)
    p->data.coefficient[k] =
        which < WMC_ENERGY_TERMS ? k == which : 3 * wmc_stream_uniform(s) * (which + k > 6);
}

/* Term by term, row by row; decay is no function of X. */
static double definition(const problem *p, const double *x)
{
  const double *c = p->data.coefficient;
  double sum = 0;
  for (int k = 0; k < SAMPLES; k++)
    for (int i = 0; i < HIGH; i++) {
      double miss = -p->labels[k * HIGH + i];
      for (int j = 0; j < LONG; j++) miss += x[j * HIGH + i] * p->inputs[k * LONG + j];
      sum += c[WMC_ENERGY_REGRESSION] * 0.5 * miss * miss / SAMPLES;
    }
  for (int i = 0; i < HIGH; i++)
    for (int j = 0; j < LONG; j++) {
      const double entry = x[j * HIGH + i], miss = entry - p->target[i * LONG + j];
      const double seen = c[WMC_ENERGY_COMPLETION] * p->mask[i * LONG + j];
      sum += 0.5 * c[WMC_ENERGY_FROBENIUS] * entry * entry;
      sum += 0.5 * (c[WMC_ENERGY_TARGET] + seen) * miss * miss;
    }
  return sum;
}

Test(geometry_energy, values_and_gradients)
{
  wmc_stream *s = test_stream(10, 0);
  problem p;
  double x[ENTRIES], gradient[ENTRIES];
  for (int t = 0; t < test_trials(240); t++) {
    wmc_energy energy;
    problem_random(s, t % 8, &p);
    wmc_stream_normals(s, ENTRIES, 1, x);
    cr_assert_eq(wmc_energy_create(&p.data, &energy), WMC_OK);
    cr_assert_float_eq(wmc_energy_value(&energy, x), definition(&p, x),
                       1e-13 * (1 + definition(&p, x)));
    wmc_energy_gradient(&energy, x, gradient);
    for (int k = 0; k < ENTRIES; k++) {
      double old = x[k], h = 0.5;
      x[k] = old + h;
      double up = definition(&p, x);
      x[k] = old - h;
      double down = definition(&p, x);
      x[k] = old;
      cr_assert_float_eq((up - down) / (2 * h), gradient[k], 1e-11, "case %d", t % 8);
    }
    wmc_energy_free(&energy);
  }
  wmc_stream_destroy(s);
}

/* Bi-invariance, Gaussianity and rank against the energy's values. */
Test(geometry_energy, structure_follows_from_the_terms)
{
  const bool invariant[] = {true, false, false, false, true};
  const bool gaussian[] = {true, true, false, true, false};
  wmc_stream *s = test_stream(12, 0);
  for (int which = 0; which < WMC_ENERGY_TERMS; which++) {
    problem p;
    wmc_energy energy;
    problem_random(s, which, &p);
    cr_assert_eq(wmc_energy_create(&p.data, &energy), WMC_OK);
    cr_assert_eq(wmc_energy_is_bi_invariant(&energy), invariant[which]);
    cr_assert_eq(wmc_energies[which].bi_invariant, invariant[which]);
    cr_assert_eq(wmc_energy_is_gaussian(&energy), gaussian[which]);
    cr_assert_eq(wmc_energy_rank(&energy), gaussian[which] ? LONG : 0);
    wmc_energy_free(&energy);
  }
  wmc_stream_destroy(s);
}

/* |W|^2/2 of layers with singular values lambda; its derivative along the scale of X. */
Test(geometry_energy, decay_is_half_the_squared_norm_of_the_layers)
{
  const double depths[] = {1, 2, 7, 1000, INFINITY};
  const wmc_energy energy = {.decay = 0.3};
  double memory[2][15];
  for (int n = 0; n < 5; n++) {
    const double depth = depths[n], h = 1e-4;
    wmc_spectrum x = wmc_spectrum_map(3, depth, memory[0]);
    double norm = 0, slope = 0;
    for (int k = 0; k < 3; k++) {
      double log_sigma = 0.7 - 0.9 * k;
      wmc_spectrum_set_log(&x, k, log_sigma);
      norm += isinf(depth) ? 2 * log_sigma : depth * exp(2 * log_sigma / depth);
    }
    cr_assert_float_eq(wmc_energy_decay(&energy, &x), 0.15 * norm, 1e-14 * (1 + fabs(norm)));
    for (int side = 1; side >= -1; side -= 2) {
      wmc_spectrum y = wmc_spectrum_map(3, depth, memory[1]);
      for (int k = 0; k < 3; k++) wmc_spectrum_set_log(&y, k, x.log_sigma[k] + side * h);
      slope += side * wmc_energy_decay(&energy, &y) / (2 * h);
    }
    cr_assert_float_eq(wmc_energy_decay_virial(&energy, &x), slope, 1e-7);
  }
}

Test(geometry_energy, diagonal_target_and_rank)
{
  const double diag[] = {3, -1, 2}, inputs[] = {1, 0, 1, 2, 0, 2, 1, 1, 1, 3, 1, 3};
  double x[9];
  for (int k = 0; k < 9; k++) x[k] = k;
  wmc_energy energy;
  wmc_energy_data data = {.rows = 3,
                          .columns = 3,
                          .coefficient = {[WMC_ENERGY_TARGET] = 1},
                          .diag = diag,
                          .samples = 4,
                          .inputs = inputs,
                          .labels = inputs};
  cr_assert_eq(wmc_energy_create(&data, &energy), WMC_OK);
  double expected = 0, observed = 0;
  for (int k = 0; k < 9; k++) {
    double phi = k % 4 == 0 ? diag[k / 4] : 0;
    expected += 0.5 * (x[k] - phi) * (x[k] - phi);
    if (k % 4 == 0) observed += 0.5 * (x[k] - phi) * (x[k] - phi);
  }
  cr_assert_lt(relative(wmc_energy_value(&energy, x), expected), 1e-14);
  wmc_energy_free(&energy);
  data.coefficient[WMC_ENERGY_TARGET] = 0;
  data.coefficient[WMC_ENERGY_COMPLETION] = 1;
  cr_assert_eq(wmc_energy_create(&data, &energy), WMC_OK);
  cr_assert_lt(relative(wmc_energy_value(&energy, x), observed), 1e-14);
  wmc_energy_free(&energy);
  data.coefficient[WMC_ENERGY_COMPLETION] = 0;
  data.coefficient[WMC_ENERGY_REGRESSION] = 1;
  cr_assert_eq(wmc_energy_create(&data, &energy), WMC_OK);
  cr_assert_eq(wmc_energy_rank(&energy), 2, "inputs (a, b, a) span a plane");
  wmc_energy_free(&energy);
}
