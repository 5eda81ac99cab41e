/* What the dynamics of balanced networks are made of: Runge-Kutta steps, sums over pairs and their
 * repulsion, against definitions. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/models/balanced_dynamics.h"
#include "streams.h"
#include "support.h"

/* y'' = -sin y: no symmetry that would raise the order */
static void pendulum(void *data, const double *y, double *slope)
{
  (void)data;
  slope[0] = y[1];
  slope[1] = -sin(y[0]);
}

static void one_step(double h, int parts, double y[2], double *estimate)
{
  const wmc_ode ode = {.n = 2, .slope = pendulum};
  double stages[2 * WMC_ODE_STAGES], next[2], error[2];
  for (int k = 0; k < parts; k++) {
    pendulum(NULL, y, stages);
    wmc_ode_step(&ode, h / parts, y, stages, next, error);
    memcpy(y, next, sizeof next);
  }
  *estimate = hypot(error[0], error[1]);
}

Test(pairs, steps_of_runge_kutta_have_order_five)
{
  double miss[2], estimate[2], unused;
  for (int half = 0; half < 2; half++) {
    const double h = half ? 0.2 : 0.4;
    double y[2] = {1, 0.3}, exact[2] = {1, 0.3};
    one_step(h, 1, y, &estimate[half]);
    one_step(h, 64, exact, &unused);
    miss[half] = hypot(y[0] - exact[0], y[1] - exact[1]);
  }
  const double order = log2(miss[0] / miss[1]), own = log2(estimate[0] / estimate[1]);
  if (test_verbose()) printf("orders of step %.3f and estimate %.3f\n", order, own);
  cr_assert_lt(fabs(order - 6), 0.3, "local error goes like h^%g", order);
  cr_assert_lt(fabs(own - 5), 0.3, "estimate goes like h^%g", own);
  cr_assert_eq(wmc_ode_factor(NAN), 0.2);
  cr_assert_eq(wmc_ode_factor(0), 5);
}

/* Sums over pairs from the definitions, in the plainest way. */
Test(pairs, sums_over_pairs_are_their_definitions)
{
  wmc_stream *s = test_stream(31, 0);
  double memory[6][48];
  for (int t = 0; t < test_trials(300); t++) {
    const int n = 1 + t % 33;
    const double depth = t % 3 == 0 ? 1000 : 1 + t % 7, w = 0.01 * (t % 4);
    wmc_pairs p = {n, memory[0], memory[1], memory[2], memory[3], w, t % 2 == 0};
    double top = 1.3;
    for (int k = 0; k < n; k++) {
      top *= 1 - 0.1 * wmc_stream_uniform(s) * (k % 5 == 3 ? 1e-5 : 1);
      p.x[k] = top;
      p.q[k] = top * top;
      p.y[k] = pow(top, depth);
      p.weight[k] = p.q[k] / depth;
    }
    double shift[48] = {0}, slope[48] = {0}, size[48] = {0};
    int close = 0;
    for (int i = 0; i < n; i++)
      for (int j = i + 1; j < n; j++) {
        const double gap = p.x[i] - p.x[j], dy = p.y[i] - p.y[j], dq = p.q[i] - p.q[j];
        if (!(dy > fmax(1e-3 * p.y[i], 1e-290) && dq > 1e-6 * p.x[i])) {
          cr_assert(!wmc_pairs_apart(&p, i, j));
          close++;
          continue;
        }
        const double out = w / (gap + sqrt(gap * gap + 2 * w));
        const double up = p.mirrored ? w / 2 / (p.x[i] + p.x[j]) : 0;
        shift[i] += up + out;
        shift[j] += up - out;
        slope[i] += p.y[i] / dy - p.weight[i] / dq;
        slope[j] += p.weight[j] / dq - p.y[j] / dy;
        size[i] += p.y[i] / dy + p.weight[i] / dq;
        size[j] += p.y[j] / dy + p.weight[j] / dq;
      }
    cr_assert_eq(wmc_pairs_sum(&p, memory[4], memory[5]), close);
    for (int k = 0; k < n; k++) {
      cr_assert_float_eq(memory[4][k], shift[k], 1e-13);
      cr_assert_leq(fabs(memory[5][k] - slope[k]), 1e-13 * size[k], "%d points: %.15g, %.15g of %g",
                    n, memory[5][k], slope[k], size[k]);
    }
  }
  wmc_stream_destroy(s);
}

Test(pairs, powers_and_turns_are_their_definitions)
{
  double x[11], out[11], angle[11], c[11], d[11], e[11], f[11];
  for (int k = 0; k < 11; k++) {
    x[k] = 0.3 + 0.17 * k;
    angle[k] = k < 10 ? pow(-3, k - 5) : 1e9;
  }
  for (int power = 0; power < 70; power += 3) {
    wmc_pairs_power(11, x, power, out);
    for (int k = 0; k < 11; k++)
      cr_assert_lt(fabs(out[k] / pow(x[k], power) - 1), 1e-15 * (power + 2));
  }
  wmc_pairs_turns(11, angle, x, c, d, e, f);
  for (int k = 0; k < 11; k++) {
    cr_assert_float_eq(c[k], cos(2 * atan(angle[k] / 2)), 1e-7 * (k == 10) + 1e-14);
    cr_assert_float_eq(d[k], sin(2 * atan(angle[k] / 2)), 1e-7 * (k == 10) + 1e-14);
    cr_assert_float_eq(e[k], cos(2 * atan(x[k] / 2)), 1e-14);
    cr_assert_float_eq(f[k], sin(2 * atan(x[k] / 2)), 1e-14);
  }
}

/* The implicit midpoint rule: its equation, the sum of squares, which it keeps exactly, and one gap
 * in closed form, from coinciding points on. */
Test(pairs, repulsion_solves_the_midpoint_rule)
{
  double scratch[8 * 14], x[8], from[8];
  wmc_stream *s = test_stream(32, 0);
  for (int t = 0; t < test_trials(400); t++) {
    const int r = 1 + t % 8;
    const bool infinite = t % 5 == 4;
    const wmc_rates rates = {.repulsion = pow(10, -6 + t % 7), .outward = t % 3 * 0.02};
    double top = 0, work = 0, sum = 0;
    for (int k = r - 1; k >= 0; k--) {
      top += t % 4 == 0 ? 0 : wmc_stream_uniform(s) * (t % 4 == 1 ? 1e-6 : 1);
      x[k] = from[k] = top - (infinite ? 3 : 0);
    }
    cr_assert(wmc_balanced_repel(&rates, infinite, r, x, scratch), "rank %d, case %d", r, t);
    for (int i = 0; i < r; i++) {
      const double z = 0.5 * (x[i] + from[i]);
      double force = infinite || rates.outward == 0 ? rates.outward : rates.outward / z;
      for (int j = 0; j < r; j++) {
        const double other = 0.5 * (x[j] + from[j]);
        if (j != i)
          force += rates.repulsion / 2 * (1 / (z - other) + (infinite ? 0 : 1 / (z + other)));
      }
      if (r > 1 || rates.outward > 0)
        cr_assert_lt(fabs(x[i] - from[i] - force), 1e-10 * (1 + fabs(force)), "case %d", t);
      sum += x[i] * x[i] - from[i] * from[i];
      work += rates.repulsion * (r - 1) + 2 * rates.outward;
      cr_assert(i == 0 || x[i - 1] > x[i]);
    }
    if (!infinite) cr_assert_lt(fabs(sum - work), 1e-9 * (1 + work), "%g, %g", sum, work);
    if (infinite && r == 2) {
      const double gap = from[0] - from[1];
      cr_assert_float_eq(x[0] - x[1], sqrt(gap * gap + 2 * rates.repulsion), 1e-10);
    }
  }
  wmc_stream_destroy(s);
}
