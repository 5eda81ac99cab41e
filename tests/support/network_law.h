/** @file network_law.h  Gibbs laws of networks at E = |X|^2 / 2, width 1 or 2: averages by
 * quadrature from the definitions of volume and entropy (docs/theory/equivariant.md, eqs. (E1),
 * (E2)). */
#pragma once
#include <math.h>

#include "parameters.h"

/** Noise in fibres and across; square X of full rank. */
typedef struct test_law {
  int d, n, m; /**< width, depth (0: infinite), hidden excess */
  double beta, v, h;
  int b; /**< real (1) or complex (2) numbers */
} test_law;

enum { TEST_NORM, TEST_LOG_DET, TEST_PAIRS, TEST_TOP, TEST_LAST, TEST_PARAMETERS, TEST_AVERAGES };

/** (b/2) log a_12 + (b-1)/2 sum_i log a_ii, a divided by N at infinite depth. */
static inline double test_pair_entropy(const test_law *w, const double *l)
{
  double sum = 0;
  for (int i = 0; w->b == 2 && i < w->d; i++)
    sum += w->n > 0 ? 0.5 * log(w->n) + (1 - 1.0 / w->n) * l[i] : l[i];
  if (w->d == 1) return sum;
  double gap = w->n > 0 ? exp(2 * l[0] / w->n) - exp(2 * l[1] / w->n) : 2 * (l[0] - l[1]);
  return sum + 0.5 * w->b * log((exp(2 * l[0]) - exp(2 * l[1])) / gap);
}

/** Log of the density in log sigma: volume of the metric, volume of the fibres, energy. */
static inline double test_log_density(const test_law *w, const double *l, double pairs)
{
  double energy = 0, volume = 0, excess = 0;
  for (int i = 0; i < w->d; i++) {
    energy += 0.5 * exp(2 * l[i]);
    if (w->n > 0) volume += w->b * l[i] / w->n; /* dlambda, and lambda for the phases */
    excess += w->b * w->m * (w->n > 0 ? 1 - 1.0 / w->n : 1) * l[i];
  }
  if (w->d == 2) {
    double x = w->n > 0 ? exp(l[0] / w->n) : l[0], y = w->n > 0 ? exp(l[1] / w->n) : l[1];
    volume += w->b * log(w->n > 0 ? x * x - y * y : x - y);
  }
  return volume + w->v / w->h * (pairs + excess) - w->beta / w->h * energy;
}

/** Product rule: log sigma_1 on a line, and the log of the log of the ratio of sigma. */
static inline void test_exact_averages(const test_law *w, double out[TEST_AVERAGES])
{
  enum { OUTSIDE = 600, INSIDE = 300 };
  double sums[TEST_AVERAGES + 1] = {0};
  for (int a = 0; a < OUTSIDE; a++)
    for (int b = 0; b < (w->d == 2 ? INSIDE : 1); b++) {
      double u = -14 + 20.0 * (b + 0.5) / INSIDE, l[2] = {-56 + 61.0 * (a + 0.5) / OUTSIDE};
      l[1] = l[0] - (w->d == 2 ? exp(u) : 0);
      double pairs = test_pair_entropy(w, l);
      double mass = exp(test_log_density(w, l, pairs) + (w->d == 2 ? u : 0));
      double values[TEST_AVERAGES] = {
          [TEST_PAIRS] = pairs, [TEST_TOP] = exp(l[0]), [TEST_LAST] = exp(l[w->d - 1])};
      for (int k = 0; k < w->d; k++) {
        values[TEST_NORM] += exp(2 * l[k]);
        values[TEST_LOG_DET] += l[k];
        values[TEST_PARAMETERS] += w->n > 0 ? w->n * exp(2 * l[k] / w->n) : 2 * l[k];
      }
      if (!(mass > 0)) continue;
      for (int k = 0; k < TEST_AVERAGES; k++) sums[k] += mass * values[k];
      sums[TEST_AVERAGES] += mass;
    }
  for (int k = 0; k < TEST_AVERAGES; k++) out[k] = sums[k] / sums[TEST_AVERAGES];
}

/** Shape, temperature and noise of the law, and a scheme, as parameters of a deck; `width` is the
 * model's name for d. */
static inline void test_give_law(const test_parameters *p, const test_law *w, const char *width,
                                 const char *scheme, double step)
{
  test_give_number(p, width, w->d);
  if (w->n > 0) test_give_number(p, "depth", w->n);
  if (w->n == 0) test_give(p, "depth", "inf");
  test_give_number(p, "excess", w->m);
  test_give_number(p, "beta", w->beta);
  test_give(p, "noise.kind", w->v > 0 ? "kappa" : "horizontal");
  test_give_number(p, "noise.kappa", w->h);
  test_give(p, "scheme", scheme);
  test_give_number(p, "step", step);
}
