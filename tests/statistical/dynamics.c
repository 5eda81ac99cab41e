/* Weak order of the scheme heun of the model `balanced` (of euler: balanced.c): bias of averages
 * against their exact values at several steps, and the exponent of the step that fits them.
 *
 * The average is that of <X, E'(X)>, known for every energy, noise and shape (eq. (15)), or |X|^2.
 * Errors come from independent chains; WEYLMC_EFFORT lengthens them. */
#include "simulation.h"

extern const wmc_model wmc_model_balanced;

typedef struct experiment {
  int width, depth, excess;
  double beta, target; /**< target diag(target, target/2); 0: Frobenius */
  const char *formulation, *scheme;
  double step; /**< the largest */
  int draws;   /**< a chain at the largest step; twice as many steps at half of it */
  double order;
  const char *field; /**< NULL: real */
} experiment;

enum { STEPS = 3 };

static test_parameters deck_of(const experiment *e, double step)
{
  const double phi[] = {e->target, e->target / 2, 0};
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  test_give_number(&p, "width", e->width);
  test_give_number(&p, "depth", e->depth);
  test_give_number(&p, "excess", e->excess);
  test_give_number(&p, "beta", e->beta);
  test_give(&p, "field", e->field ? e->field : "real");
  test_give(&p, "formulation", e->formulation);
  test_give(&p, "scheme", e->scheme);
  test_give_number(&p, "step", step);
  if (e->target > 0) {
    test_give(&p, "energy.kind", "target");
    test_give_matrix(&p, "energy.diag", 1, (size_t)e->width, phi);
  }
  return p;
}

/* Slope of log|bias| against log step by weighted least squares, and its error. */
static void fit(int n, const double *step, const double *bias, const double *error, double *slope,
                double *slope_error)
{
  double s = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (int k = 0; k < n; k++) {
    const double x = log(step[k]), y = log(fabs(bias[k])), weight = pow(bias[k] / error[k], 2);
    s += weight;
    sx += weight * x;
    sy += weight * y;
    sxx += weight * x * x;
    sxy += weight * x * y;
  }
  *slope = (s * sxy - sx * sy) / (s * sxx - sx * sx);
  *slope_error = sqrt(s / (s * sxx - sx * sx));
}

static void measure_order(const experiment *e, long seed)
{
  double step[STEPS], bias[STEPS], error[STEPS], order, sigma;
  for (int k = 0; k < STEPS; k++) {
    const long unit = 1L << k;
    step[k] = e->step / (double)unit;
    test_parameters p = deck_of(e, step[k]);
    const size_t at = test_observable(&p, "virial");
    const test_means r = test_simulate(&p, seed + k, 60 * unit, e->draws, 2 * unit);
    bias[k] = r.mean[at] - test_stated(&p, "virial");
    error[k] = r.error[at];
    if (test_verbose())
      printf("%-10s %-6s d %d N %2d target %g  step %-7.4g bias %9.5f +- %.5f\n", e->formulation,
             e->scheme, e->width, e->depth, e->target, step[k], bias[k], error[k]);
    test_parameters_close(&p);
  }
  fit(STEPS, step, bias, error, &order, &sigma);
  if (test_verbose()) printf("  order %.3f +- %.3f\n", order, sigma);
  cr_expect_lt(fabs(order - e->order), 0.3 + 4 * sigma, "%s %s: order %g +- %g", e->formulation,
               e->scheme, order, sigma);
  cr_expect_lt(sigma, 0.12, "%s %s: order %g +- %g", e->formulation, e->scheme, order, sigma);
}

Test(dynamics, weak_orders)
{
  const experiment all[] = {{2, 2, 1, 1, 0, "spectrum", "heun", 0.16, 3000, 2, NULL},
                            {2, 2, 4, 2, 2, "observable", "heun", 0.2, 1500, 2, NULL},
                            {3, 3, 1, 1, 0, "observable", "heun", 0.12, 1000, 2, NULL},
                            {2, 2, 0, 2, 2, "observable", "heun", 0.12, 2500, 2, "complex"}};
  for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
    measure_order(&all[k], 8000 + 10 * (long)k);
}
