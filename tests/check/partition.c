/* Partition functions against quadrature by another rule and from other formulas, Gaussian
 * integrals, integrals over the networks themselves, and derivatives. */
#include "weylmc/geometry/partition.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "support.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/geometry/volume.h"

static const double pi = 3.14159265358979323846;

static wmc_gibbs law_of(wmc_numbers numbers, int d, double n, int m, double beta, double v,
                        double h)
{
  wmc_gibbs law = {wmc_shape_square(d, m, n), beta, v, h};
  law.shape.numbers = numbers;
  return law;
}

/* --- Quadrature in lambda -------------------------------------------------------------------- */

enum { NODES = 161 };

/* Tanh-sinh nodes on (0, 1). */
static void tanh_sinh(int n, double x[NODES], double weight[NODES])
{
  const double h = 6.6 / n;
  for (int k = 0; k < n; k++) {
    double t = h * (k - n / 2), u = 0.5 * pi * sinh(t);
    x[k] = 1 / (1 + exp(-2 * u));
    weight[k] = h * 0.5 * pi * cosh(t) / (2 * cosh(u) * cosh(u));
  }
}

/* The density in lambda from its definition: (lambda_i^2 - lambda_j^2)^b a_ij^{b v/2h} lambda^P. */
static double density(const wmc_gibbs *w, const double *lambda)
{
  const double b = w->shape.numbers, n = w->shape.depth, share = w->vertical / w->horizontal;
  const double m = w->shape.hidden - w->shape.rank,
               power = b - 1 + share * (n - 1) * (b * m + b - 1);
  double value = 1, energy = 0;
  for (int i = 0; i < w->shape.rank; i++) {
    energy += 0.5 * pow(lambda[i], 2 * n);
    value *= pow(lambda[i], power);
    for (int j = i + 1; j < w->shape.rank; j++) {
      double gap = lambda[i] * lambda[i] - lambda[j] * lambda[j];
      double a = (pow(lambda[i], 2 * n) - pow(lambda[j], 2 * n)) / gap;
      value *= pow(gap, b) * pow(a, 0.5 * b * share);
    }
  }
  return value * exp(-w->beta / w->horizontal * energy);
}

/* lambda_1 in (0, top), the others as ratios to the one before. */
static double log_integral(const wmc_gibbs *w)
{
  double x[NODES], weight[NODES], lambda[3], sum = 0;
  const int r = w->shape.rank, n = r > 2 ? 101 : NODES;
  const int second = r > 1 ? n : 1, third = r > 2 ? n : 1;
  const double top = pow(100 * w->horizontal / w->beta, 0.5 / w->shape.depth);
  tanh_sinh(n, x, weight);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < second; j++)
      for (int k = 0; k < third; k++) {
        lambda[0] = top * x[i];
        double at = top * weight[i];
        if (r > 1) lambda[1] = lambda[0] * x[j], at *= lambda[0] * weight[j];
        if (r > 2) lambda[2] = lambda[1] * x[k], at *= lambda[1] * weight[k];
        double value = at * density(w, lambda);
        if (isfinite(value)) sum += value; /* equal lambda round to 0/0 */
      }
  return log(sum);
}

static void check_integral(wmc_gibbs w)
{
  wmc_partition p;
  cr_assert(wmc_partition_function(&w, NULL, &p));
  double sum = log_integral(&w);
  cr_assert_float_eq(p.log_z, sum, w.shape.rank > 2 ? 5e-5 : 1e-6,
                     "b=%d r=%d N=%g: %.12g, quadrature %.12g", (int)w.shape.numbers, w.shape.rank,
                     w.shape.depth, p.log_z, sum);
}

Test(partition, integrals_over_lambda_by_another_rule)
{
  const double depths[] = {1, 2, 3, 7};
  for (int k = 0; k < 4; k++)
    for (int m = 0; m < 2; m++)
      for (int b = 1; b <= 2; b++) {
        wmc_numbers numbers = b == 1 ? WMC_NUMBERS_REAL : WMC_NUMBERS_COMPLEX;
        for (int d = 1; d <= 2; d++) {
          check_integral(law_of(numbers, d, depths[k], m, 1.7, 1, 1));
          check_integral(law_of(numbers, d, depths[k], m, 0.6, 1, 0.5));
          check_integral(law_of(numbers, d, depths[k], m, 0.6, 0, 2));
        }
      }
  check_integral(law_of(WMC_NUMBERS_COMPLEX, 3, 2, 0, 2.5, 1, 1));
  check_integral(law_of(WMC_NUMBERS_COMPLEX, 3, 3, 1, 1, 1, 1));
  check_integral(law_of(WMC_NUMBERS_REAL, 3, 2, 1, 1.5, 1, 0.5));
  check_integral(law_of(WMC_NUMBERS_REAL, 3, 1, 0, 1.5, 1, 1));
}

/* log Z at N = infinity is the limit of what remains when lambda is measured in the limit's chart:
 * N (lambda - 1), so N^r, and a_ij for a_ij / N. */
Test(partition, infinite_depth_is_the_limit)
{
  for (int b = 1; b <= 2; b++)
    for (int d = 1; d <= 3 - (b == 1); d++) {
      wmc_numbers numbers = b == 1 ? WMC_NUMBERS_REAL : WMC_NUMBERS_COMPLEX;
      double off[2], pairs = 0.5 * d * (d - 1);
      wmc_partition p, limit;
      wmc_gibbs w = law_of(numbers, d, INFINITY, 1, 1.3, 1, 1);
      cr_assert(wmc_partition_function(&w, NULL, &limit));
      for (int k = 0; k < 2; k++) {
        double n = k ? 2e5 : 1e5;
        w = law_of(numbers, d, n, 1, 1.3, 1, 1);
        cr_assert(wmc_partition_function(&w, NULL, &p));
        /* pairs: lambda^2 - lambda'^2 is 1/N of its limit, to the power b; a has power b/2 */
        off[k] = p.log_z + (d + b * pairs - 0.5 * b * pairs) * log(n) - limit.log_z;
      }
      cr_assert_float_eq(2 * off[1] - off[0], 0, 1e-7, "b=%d d=%d: %g, %g", b, d, off[0], off[1]);
      cr_assert_float_eq(limit.energy, p.energy, 1e-4);
    }
}

/* --- Frames ---------------------------------------------------------------------------------- */

/* The density in lambda times the frames' volume is the volume form with the entropy. */
Test(partition, frames_are_the_rest_of_the_volume)
{
  for (int t = 0; t < 20; t++) {
    wmc_numbers numbers = t % 2 ? WMC_NUMBERS_REAL : WMC_NUMBERS_COMPLEX;
    double memory[16], share = (t % 3) * 0.7;
    int r = 1 + t / 2 % 3;
    wmc_gibbs w = law_of(numbers, r, 1 + t / 3 % 4, t / 4 % 3, 1.4, share, 1);
    w.shape.rows += t / 5 % 3;
    w.shape.columns += t / 7 % 2;
    wmc_spectrum x = wmc_spectrum_map(r, w.shape.depth, memory);
    for (int k = 0; k < r; k++) wmc_spectrum_set_log(&x, k, 0.8 - 0.7 * k + 0.1 * sin(t));
    double frames = wmc_log_volume_stiefel(numbers, w.shape.rows, r) +
                    wmc_log_volume_stiefel(numbers, w.shape.columns, r) -
                    r * log(numbers == WMC_NUMBERS_REAL ? 2 : 2 * pi);
    bool half = numbers == WMC_NUMBERS_REAL && w.shape.rows == r && w.shape.columns == r &&
                !wmc_gibbs_flips(&w);
    double direct = wmc_volume_log_image(&w.shape, &x) + share * wmc_entropy(&w.shape, x.log_sigma);
    double found = wmc_gibbs_log_density(&w, &x, 0) + wmc_partition_log_frames(&w);
    cr_assert_float_eq(found, direct + frames - half * log(2), 1e-10, "%d", t);
  }
}

/* One layer is a Gaussian matrix: Z = (2 pi h/beta)^{b d^2/2} for every target. */
Test(partition, one_layer_is_gaussian)
{
  const double phi[4] = {1.3, -0.4, 0.2, 0.9};
  for (int b = 1; b <= 2; b++)
    for (int d = 1; d <= 4; d++)
      for (int given = 0; given < (b == 1 && d <= 2 ? 2 : 1); given++) {
        wmc_gibbs w = law_of(b == 1 ? WMC_NUMBERS_REAL : WMC_NUMBERS_COMPLEX, d, 1, 0, 3, 1, 0.5);
        wmc_partition p;
        cr_assert(wmc_partition_function(&w, given ? phi : NULL, &p));
        double half = 0.5 * b * d * d, warm = w.horizontal / w.beta;
        double log_z = p.log_z + wmc_partition_log_frames(&w);
        cr_assert_float_eq(log_z, half * log(2 * pi * warm), 1e-9, "b=%d d=%d: %.12g", b, d, log_z);
        cr_assert_float_eq(p.energy, half * warm, 1e-9, "b=%d d=%d %d", b, d, given);
        cr_assert_float_eq(p.variance, half * warm * warm, 1e-8, "b=%d d=%d", b, d);
      }
}

/* At any temperature, and for targets with a small, a vanishing and two equal singular values. */
Test(partition, one_real_layer_is_gaussian_at_every_temperature)
{
  const double phi[][4] = {{2, 0, 0, 1}, {2, 0, 0, 0}, {1, 0, 0, 1}, {1.3, 0.2, 0.1, 0.02}};
  for (int t = 0; t < 4; t++)
    for (double beta = 0.01; beta < 1e6; beta *= 37) {
      wmc_gibbs w = law_of(WMC_NUMBERS_REAL, 2, 1, 0, beta, 1, 1);
      wmc_partition p;
      cr_assert(wmc_partition_function(&w, phi[t], &p));
      double log_z = p.log_z + wmc_partition_log_frames(&w);
      cr_assert_float_eq(log_z, 2 * log(2 * pi / beta), 1e-9, "%d, beta %g: %.12g", t, beta, log_z);
      cr_assert_float_eq(beta * p.energy, 2, 1e-8, "%d, beta %g: %g", t, beta, p.energy);
      cr_assert_float_eq(beta * beta * p.variance, 2, 1e-7, "%d, beta %g", t, beta);
    }
}

/* Two layers of width 1: balanced real networks with det > 0 are the line w_1 = w_2, complex ones
 * the cone |w_1| = |w_2| over a torus. E = |w_1 w_2|^2/2. */
Test(partition, two_layers_of_width_one_are_a_line_and_a_cone)
{
  const double beta = 1.9, step = 1e-3;
  double line = 0, cone = 0;
  for (double t = 0.5 * step; t < 4; t += step) {
    double weight = step * exp(-0.5 * beta * t * t * t * t);
    line += 2 * sqrt(2) * weight;                   /* (t, t), t of both signs */
    cone += sqrt(2) * 4 * pi * pi * t * t * weight; /* (t e^{ia}, t e^{ib}) */
  }
  for (int b = 1; b <= 2; b++) {
    wmc_gibbs w = law_of(b == 1 ? WMC_NUMBERS_REAL : WMC_NUMBERS_COMPLEX, 1, 2, 0, beta, 1, 1);
    wmc_partition p;
    cr_assert(wmc_partition_function(&w, NULL, &p));
    double log_z = p.log_z + wmc_partition_log_frames(&w), direct = log(b == 1 ? line : cone);
    cr_assert_float_eq(log_z, direct, 1e-6, "b=%d: %.10g, %.10g", b, log_z, direct);
  }
}

/* --- Derivatives ----------------------------------------------------------------------------- */

static double log_z_at(wmc_gibbs w, double beta, const double *phi)
{
  wmc_partition p;
  w.beta = beta;
  cr_assert(wmc_partition_function(&w, phi, &p));
  return p.log_z;
}

/* <E> and Var E are derivatives of log Z, with h for the noise. */
Test(partition, moments_of_the_energy_are_derivatives)
{
  const double phi[][4] = {{2, 0, 0, 1}, {0.3, -1.1, 0.4, 0.2}, {1, 0, 0, 1}, {0, 0, 0, 0}};
  const double betas[] = {0.3, 4, 60, 3e4, 1e6};
  for (int t = 0; t < 20; t++) {
    const double *target = phi[t % 4], beta = betas[t / 4 % 5], step = 2e-3 * beta;
    wmc_gibbs w = law_of(WMC_NUMBERS_REAL, t % 4 == 3 ? 1 : 2, 1 + t % 3, t % 3 == 0, beta, 1,
                         t % 7 == 0 ? 0.5 : 1);
    double z[5];
    wmc_partition p;
    cr_assert(wmc_partition_function(&w, target, &p));
    for (int k = 0; k < 5; k++) z[k] = log_z_at(w, beta + (k - 2) * step, target);
    double first = (z[0] - 8 * z[1] + 8 * z[3] - z[4]) / (12 * step);
    double second = (-z[0] + 16 * z[1] - 30 * z[2] + 16 * z[3] - z[4]) / (12 * step * step);
    double h = w.horizontal;
    cr_assert_float_eq(-h * first, p.energy, 1e-7 * p.energy, "%d: %.10g %.10g", t, -h * first,
                       p.energy);
    cr_assert_float_eq(h * h * second, p.variance, 2e-5 * (p.energy * p.energy + p.variance),
                       "%d: %.10g %.10g", t, h * h * second, p.variance);
  }
}

Test(partition, what_is_not_known_is_refused)
{
  const double phi[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  wmc_partition p;
  wmc_gibbs w = law_of(WMC_NUMBERS_REAL, 3, 2, 0, 1, 1, 1);
  cr_assert(!wmc_partition_function(&w, phi, &p));
  cr_assert(wmc_partition_function(&w, NULL, &p) && isnan(p.log_z) && p.energy > 0);
  w = law_of(WMC_NUMBERS_COMPLEX, 2, 2, 0, 1, 1, 1);
  cr_assert(!wmc_partition_function(&w, phi, &p));
  w = law_of(WMC_NUMBERS_REAL, 2, INFINITY, 0, 1, 1, 1);
  cr_assert(!wmc_partition_function(&w, NULL, &p));
  w = law_of(WMC_NUMBERS_REAL, 2, 2, 0, 1e9, 1, 1);
  cr_assert(!wmc_partition_function(&w, phi, &p));
}
