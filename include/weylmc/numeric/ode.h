/** @file ode.h  Ordinary differential equations y' = f(y): one embedded Runge-Kutta step.
 *
 * The pair 5(4) of Dormand & Prince, J. Comput. Appl. Math. 6, 19 (1980): the step of order 5 goes
 * on, the difference to order 4 is the estimate of its error. The last stage is f at the new point.
 * Checked by tests/check/pairs.c (order 5 and the estimate's order on equations with known
 * solutions).  Reentrant; allocates nothing.
 */
#pragma once
#include <stddef.h>

enum { WMC_ODE_STAGES = 7 };

typedef struct wmc_ode {
  size_t n;
  void (*slope)(void *data, const double *y, double *slope); /**< f(y); slope may not alias y */
  void *data;
} wmc_ode;

/** One step of length h from y: to `next`, estimate of its error in `error`.
 * @param[in,out] stages  WMC_ODE_STAGES x n; the first is f(y) on entry, the last f(next) on return
 */
void wmc_ode_step(const wmc_ode *ode, double h, const double *y, double *stages, double *next,
                  double *error);
/** Factor by which the next step may be longer after an error of `error` times what is allowed:
 * between 1/5 and 5; 1/5 where `error` is not a number. */
double wmc_ode_factor(double error);
