/* Histograms of the model `balanced` against bin averages of exact densities, and entries of X
 * against the exact mean under a target. Independent chains, 5 sigma. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "simulation.h"

extern const wmc_model wmc_model_balanced;

enum { CHAINS = 64, BINS = 24, DEPTH = 3, GRID = 600 };
static const double top = 1.8, beta = 1;

static double effective_rank(double s, double t)
{
  double p = s / (s + t), q = t / (s + t);
  return exp(-p * log(p) - q * log(q));
}

static void add(double x, double low, double high, double weight, double *out)
{
  if (x >= low && x < high) out[(int)((x - low) / (high - low) * BINS)] += weight;
}

/* Bin averages of the laws of lambda_1, lambda_2 and the effective rank by (14) of
 * docs/theory/balanced.md, width 2, no excess: midpoints, many in every bin. */
static void exact_bins(double lambda[2][BINS], double rank[BINS])
{
  const double end = 2.4, h = end / (4 * GRID);
  double norm = 0;
  for (int b = 0; b < BINS; b++) lambda[0][b] = lambda[1][b] = rank[b] = 0;
  for (int i = 0; i < 4 * GRID; i++)
    for (int j = 0; j < i; j++) {
      double x = (i + 0.5) * h, y = (j + 0.5) * h, s = pow(x, DEPTH), t = pow(y, DEPTH);
      double weight = exp(-beta * (s * s + t * t) / 2) * sqrt((x * x - y * y) * (s * s - t * t));
      norm += weight;
      add(x, 0, top, weight, lambda[0]);
      add(y, 0, top, weight, lambda[1]);
      add(effective_rank(s, t), 1, 2, weight, rank);
    }
  for (int b = 0; b < BINS; b++) {
    lambda[0][b] *= BINS / top / norm;
    lambda[1][b] *= BINS / top / norm;
    rank[b] *= BINS / norm;
  }
}

static void expect_bins(const char *what, const double *exact, const double *mean,
                        const double *error)
{
  double chi_squared = 0;
  int counted = 0;
  for (int b = 0; b < BINS; b++) {
    /* the grid puts midpoints on the wrong side of an edge: a share of 1e-3 at most */
    cr_expect_lt(fabs(mean[b] - exact[b]), 5 * error[b] + 3e-3, "%s, bin %d: %g +- %g, exact %g",
                 what, b, mean[b], error[b], exact[b]);
    if (error[b] < 2e-3) continue;
    chi_squared += pow((mean[b] - exact[b]) / error[b], 2);
    counted++;
  }
  printf("%s: chi^2 = %.1f for %d bins\n", what, chi_squared, counted);
  cr_expect_gt(counted, BINS / 3, "%s", what);
  cr_expect_lt(chi_squared, counted + 5 * sqrt(2.0 * counted), "%s", what);
}

Test(densities, of_lambda_and_of_the_effective_rank_are_those_of_the_law)
{
  double lambda[2][BINS], rank[BINS];
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  test_give_number(&p, "width", 2);
  test_give_number(&p, "depth", DEPTH);
  test_give_number(&p, "beta", beta);
  test_give_number(&p, "step", 0.3);
  test_give_number(&p, "bins", BINS);
  test_give_number(&p, "lambda_max", top);
  size_t size = wmc_model_measurement_size(p.model, p.values);
  double *mean = calloc(2 * size, sizeof *mean), *error = mean + size;
  exact_bins(lambda, rank);
  test_simulate_run(&p, &(test_run){7100, CHAINS, 500, test_trials(1500), 3}, mean, error);
  size_t at = test_observable(&p, "lambda_density");
  for (int k = 0; k < 2; k++, at += BINS)
    expect_bins(k ? "lambda_2" : "lambda_1", lambda[k], mean + at, error + at);
  at = test_observable(&p, "effective_rank_density");
  expect_bins("effective rank", rank, mean + at, error + at);
  free(mean);
  test_parameters_close(&p);
}

/* Without layers to speak of (N = 1) X is Gaussian about the target; at any depth the trace with
 * the target is that of the entries. */
Test(densities, entries_of_x)
{
  const double target[] = {2, 1};
  for (int n = 1; n <= DEPTH; n += DEPTH - 1) {
    test_parameters p = test_parameters_open(&wmc_model_balanced);
    test_give_number(&p, "width", 2);
    test_give_number(&p, "depth", n);
    test_give_number(&p, "beta", 4);
    test_give(&p, "formulation", "observable");
    test_give(&p, "energy.kind", "target");
    test_give(&p, "entries", "all");
    test_give_matrix(&p, "energy.diag", 1, 2, target);
    test_give_number(&p, "step", 0.3);
    size_t size = wmc_model_measurement_size(p.model, p.values);
    double *mean = calloc(2 * size, sizeof *mean), *error = mean + size;
    test_simulate_run(&p, &(test_run){7200 + n, CHAINS, 500, test_trials(1000), 3}, mean, error);
    const double *x = mean + test_observable(&p, "matrix");
    const double *e = error + test_observable(&p, "matrix");
    double trace = mean[test_observable(&p, "trace_target")];
    cr_expect_float_eq(2 * x[0] + x[3], trace, 1e-9);
    for (int k = 1; k < 3; k++) cr_expect_lt(fabs(x[k]), 5 * e[k]);
    for (int k = 0; n == 1 && k < 2; k++)
      cr_expect_lt(fabs(x[3 * k] - target[k]), 5 * e[3 * k], "%g +- %g", x[3 * k], e[3 * k]);
    free(mean);
    test_parameters_close(&p);
  }
}
