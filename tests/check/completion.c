/* The minimiser of the free energy of 2 x 2 completion, docs/theory/completion.md: stationary,
 * below every random X, and the pitchfork stands where eq. (C6) puts it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>

#include "streams.h"
#include "support.h"
#include "weylmc/geometry/energy.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/random.h"

typedef struct problem {
  wmc_shape shape;
  wmc_energy energy;
  double beta, target, ridge, decay;
} problem;

static problem problem_of(double n, double beta, double target, double ridge, double decay)
{
  const double diag[] = {target, target};
  wmc_energy_data data = {.rows = 2, .columns = 2, .diag = diag};
  data.coefficient[WMC_ENERGY_COMPLETION] = 1;
  data.coefficient[WMC_ENERGY_FROBENIUS] = ridge;
  data.coefficient[WMC_ENERGY_DECAY] = decay;
  problem p = {wmc_shape_square(2, 0, n), {0}, beta, target, ridge, decay};
  cr_assert_eq(wmc_energy_create(&data, &p.energy), WMC_OK);
  return p;
}

/* Singular values of a 2 x 2 matrix, from its norm and determinant. */
static void log_singular_values(const double x[4], double out[2])
{
  double plus = hypot(x[0] + x[3], x[1] - x[2]), minus = hypot(x[0] - x[3], x[1] + x[2]);
  out[0] = log(0.5 * (plus + minus));
  out[1] = log(0.5 * fabs(plus - minus));
}

/* E - S / beta, X column-major. */
static double free_energy(const problem *p, const double x[4])
{
  double log_sigma[2], norm2 = 0;
  log_singular_values(x, log_sigma);
  for (int k = 0; k < 2; k++) norm2 += p->shape.depth * exp(2 * log_sigma[k] / p->shape.depth);
  return wmc_energy_value(&p->energy, x) + 0.5 * p->decay * norm2 -
         wmc_entropy(&p->shape, log_sigma) / p->beta;
}

/* Root of an increasing function by bisection. */
static double solve(const problem *p, double low, double high,
                    double (*f)(const problem *, double q))
{
  for (int k = 0; k < 200; k++) {
    double middle = 0.5 * (low + high);
    *(f(p, middle) > 0 ? &high : &low) = middle;
  }
  return low;
}

static double broken(const problem *p, double q) /* (C5) */
{
  return p->ridge * q - (1 - 1 / p->shape.depth) / (2 * p->beta);
}

static double diagonal(const problem *p, double a)
{
  return (a - p->target) + p->ridge * a - (1 - 1 / p->shape.depth) / (2 * p->beta * a);
}

static double critical_beta(const problem *p) /* (C6) */
{
  return (1 - 1 / p->shape.depth) / (2 * p->ridge * p->target * p->target);
}

/* The minimiser with s >= 0; returns whether the symmetry is broken. */
static bool minimiser(const problem *p, double x[4])
{
  double q = solve(p, 1e-6, 1e6, broken), t2 = p->target * p->target;
  bool is_broken = q > t2;
  double a = is_broken ? p->target : solve(p, 1e-6, 1e6, diagonal);
  double s = is_broken ? sqrt(q - t2) : 0;
  x[0] = x[3] = a;
  x[1] = s;
  x[2] = -s;
  return is_broken;
}

static void check_minimum(const problem *p, wmc_stream *stream)
{
  const double h = 1e-4;
  double x[4];
  minimiser(p, x);
  double least = free_energy(p, x);
  for (int k = 0; k < 4; k++) {
    double up[4] = {x[0], x[1], x[2], x[3]}, down[4] = {x[0], x[1], x[2], x[3]};
    up[k] += h;
    down[k] -= h;
    double slope = (free_energy(p, up) - free_energy(p, down)) / (2 * h);
    cr_assert_lt(fabs(slope), 1e-6, "N=%g beta=%g: slope %g", p->shape.depth, p->beta, slope);
  }
  for (int t = 0; t < test_trials(2000); t++) {
    double other[4], reach = exp(3 * wmc_stream_uniform(stream) - 4);
    for (int k = 0; k < 4; k++)
      other[k] = t % 2 ? x[k] + reach * wmc_stream_normal(stream) : 4 * wmc_stream_normal(stream);
    cr_assert_geq(free_energy(p, other), least - 1e-12, "N=%g beta=%g", p->shape.depth, p->beta);
  }
}

static const struct {
  double target, ridge;
} cases[] = {{1, 0.1}, {0.7, 0.05}, {2, 0.3}};
enum { CASES = 3 };

Test(completion, minimiser_of_the_free_energy)
{
  const double depths[] = {2, 3, 10, 1000}, ratios[] = {0.2, 0.9, 1.1, 5};
  wmc_stream *stream = test_stream(20, 1);
  for (int c = 0; c < CASES; c++)
    for (int n = 0; n < 4; n++)
      for (int r = 0; r < 4; r++) {
        problem p = problem_of(depths[n], 1, cases[c].target, cases[c].ridge, 0);
        p.beta = ratios[r] * critical_beta(&p);
        double x[4];
        cr_assert_eq(minimiser(&p, x), ratios[r] < 1, "broken symmetry at high temperature");
        check_minimum(&p, stream);
        wmc_energy_free(&p.energy);
      }
  wmc_stream_destroy(stream);
}

/* Across the diagonal minimum the curvature in s changes its sign at beta_c. */
Test(completion, pitchfork)
{
  for (int c = 0; c < CASES; c++)
    for (double n = 2; n < 200; n *= 3)
      for (double ratio = 0.98; ratio < 1.03; ratio += 0.04) {
        problem p = problem_of(n, 1, cases[c].target, cases[c].ridge, 0);
        p.beta = ratio * critical_beta(&p);
        double a = solve(&p, 1e-6, 1e6, diagonal), s = 1e-3 * a;
        const double on[] = {a, 0, 0, a}, off[] = {a, s, -s, a};
        double curvature = (free_energy(&p, off) - free_energy(&p, on)) / (s * s);
        cr_assert_eq(curvature > 0, ratio > 1, "N=%g ratio %g: curvature %g", n, ratio, curvature);
        wmc_energy_free(&p.energy);
      }
}

/* On the hyperbola of rank one, approached from inside: sigma_2 is far below every other scale. */
static void on_hyperbola(const problem *p, double sigma, double x[4])
{
  double t = p->target, half = 0.5 * sigma, large = half + sqrt(half * half - t * t);
  x[0] = x[3] = t;
  x[1] = large;
  x[2] = t * t / large;
}

/* F on the hyperbola, where the entropy is (1 - 1/N) log sigma_1; eq. (C7). */
static double rank_one(const problem *p, double sigma)
{
  double n = p->shape.depth, constant = wmc_entropy_constant(&p->shape);
  return 0.5 * p->decay * n * pow(sigma, 2 / n) - ((1 - 1 / n) * log(sigma) + constant) / p->beta;
}

static double best_sigma(const problem *p)
{
  double n = p->shape.depth;
  return fmax(2 * p->target, pow((1 - 1 / n) / (p->beta * p->decay), n / 2));
}

/* With weight decay rank one wins from three layers on; close to it F tends to (C7). */
Test(completion, weight_decay_selects_rank_one)
{
  const double depths[] = {3, 4, 8}, inverse[] = {0.7, 2, 3, 20, 100};
  wmc_stream *stream = test_stream(21, 1);
  for (int n = 0; n < 3; n++)
    for (int b = 0; b < 5; b++) {
      problem p = problem_of(depths[n], inverse[b], 1, 0, 0.02);
      double sigma = best_sigma(&p), least = rank_one(&p, sigma), x[4], log_sigma[2];
      on_hyperbola(&p, 1.1 * sigma, x);
      log_singular_values(x, log_sigma);
      cr_assert_float_eq(exp(log_sigma[0]), 1.1 * sigma, 1e-12 * sigma);
      cr_assert_gt(rank_one(&p, 1.1 * sigma), least);
      /* among X that fit the observed entries */
      for (int t = 0; t < test_trials(3000); t++) {
        double other[4], size = sigma * exp(2 * wmc_stream_normal(stream));
        for (int k = 0; k < 4; k++) other[k] = k % 3 ? size * wmc_stream_normal(stream) : p.target;
        cr_assert_geq(free_energy(&p, other), least - 1e-9 * fabs(least), "N=%g beta=%g",
                      p.shape.depth, p.beta);
      }
      wmc_energy_free(&p.energy);
    }
  wmc_stream_destroy(stream);
}

/* (C9): rank one against equal singular values, both hot. */
Test(completion, gap_between_ranks)
{
  for (double n = 2; n < 40; n++) {
    problem p = problem_of(n, 0.5, 1, 0, 0.02);
    double g = (1 - 1 / n) / (p.beta * p.decay), q = pow(g / 2, n), s = sqrt(q - 1);
    const double full[] = {1, s, -s, 1};
    double found = rank_one(&p, pow(g, n / 2)) - free_energy(&p, full);
    double exact = (log(n) - (n - 1) * log(2)) / (2 * p.beta);
    cr_assert_float_eq(found, exact, 1e-9 * (1 + fabs(free_energy(&p, full))), "N=%g", n);
    wmc_energy_free(&p.energy);
  }
}

/* Without ridge and decay F falls for ever along the unobserved entries, like (C3). */
Test(completion, no_minimiser_without_a_ridge)
{
  for (double n = 2; n < 200; n *= 3) {
    problem p = problem_of(n, 0.7, 1, 0, 0);
    const double near[] = {1, 1e4, -1e4, 1}, far[] = {1, 1e8, -1e8, 1};
    double fall = free_energy(&p, far) - free_energy(&p, near);
    cr_assert_float_eq(fall, -(1 - 1 / n) * log(1e4) / p.beta, 1e-6);
    wmc_energy_free(&p.energy);
  }
}
