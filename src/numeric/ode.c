#include "weylmc/numeric/ode.h"

#include <math.h>

enum { LAST = WMC_ODE_STAGES - 1 };

/* Rows: weights of the stages before; the last row is the step of order 5. */
static const double weights[LAST][LAST] = {
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};

/* Order 5 minus order 4. */
static const double differences[WMC_ODE_STAGES] = {
    71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40};

static void combine(size_t n, int stages, const double *weight, double h, const double *slopes,
                    double *out)
{
  for (int s = 0; s < stages; s++)
    for (size_t k = 0; k < n; k++) out[k] += h * weight[s] * slopes[(size_t)s * n + k];
}

void wmc_ode_step(const wmc_ode *ode, double h, const double *y, double *stages, double *next,
                  double *error)
{
  const size_t n = ode->n;
  for (int s = 1; s <= LAST; s++) {
    for (size_t k = 0; k < n; k++) next[k] = y[k];
    combine(n, s, weights[s - 1], h, stages, next);
    ode->slope(ode->data, next, stages + (size_t)s * n);
  }
  for (size_t k = 0; k < n; k++) error[k] = 0;
  combine(n, WMC_ODE_STAGES, differences, h, stages, error);
}

double wmc_ode_factor(double error)
{
  const double factor = 0.9 * pow(error, -0.2);
  if (!(factor > 0.2)) return 0.2;
  return fmin(factor, 5);
}
