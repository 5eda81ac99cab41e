/* The model `balanced` for matrices of any shape and rank and for every energy, against averages by
 * quadrature over singular values and angles of the frames, up to two of each; 2 x 3 matrices with
 * a target against weighted Gaussian matrices. Comparisons are at 5 sigma. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "parameters.h"
#include "simulation.h"
#include "streams.h"
#include "support.h"
#include "weylmc/numeric/random.h"

extern const wmc_model wmc_model_balanced;

enum { ENTRIES = 6 };

/* Gibbs law of the energy: coefficients of its terms, Phi and mask row by row. */
typedef struct law {
  int rows, columns, rank, hidden;
  double depth, beta, v, h;
  double frobenius, target, completion, decay;
  double phi[ENTRIES], mask[ENTRIES];
} law;

enum { ENERGY, NORM, LOG_DET, PARAMETERS, TRACE, SIGMA, AVERAGES = SIGMA + 2 };
static const char *const names[] = {"energy",          "frobenius2",   "log_abs_det",
                                    "parameter_norm2", "trace_target", "singular_values"};

/* Log of the volume of the metric times that of the fibres to the power v/h, in log sigma. */
static double log_volume(const law *w, const double *l)
{
  const bool infinite = isinf(w->depth);
  const double n = w->depth, share = w->v / w->h, outer = w->rows + w->columns - 2 * w->rank;
  const double single = infinite ? share * (w->hidden - w->rank)
                                 : (outer + share * (n - 1) * (w->hidden - w->rank) + 1) / n;
  if (w->rank == 1) return single * l[0];
  double gap = infinite ? 2 * (l[0] - l[1]) : exp(2 * l[0] / n) - exp(2 * l[1] / n);
  double squares = exp(2 * l[0]) - exp(2 * l[1]);
  return single * (l[0] + l[1]) + log(gap) + 0.5 * share * log(squares / gap);
}

static bool flips(const law *w)
{
  return w->rows == w->columns && w->rank == w->rows && fmod(w->depth, 2) == 1 &&
         (w->hidden == w->rank || w->depth == 1);
}

/* |W|^2, less what diverges */
static double norm_of_layers(const law *w, const double *l)
{
  double sum = 0;
  for (int k = 0; k < w->rank; k++)
    sum += isinf(w->depth) ? 2 * l[k] : w->depth * exp(2 * l[k] / w->depth);
  return sum;
}

/* Energy without decay, entry by entry, and tr(X^T Phi). */
static double energy_of(const law *w, const double *x, double *trace)
{
  double sum = 0;
  *trace = 0;
  for (int k = 0; k < w->rows * w->columns; k++) {
    const double miss = x[k] - w->phi[k];
    sum += 0.5 * (w->frobenius * x[k] * x[k] + w->target * miss * miss);
    sum += 0.5 * w->completion * w->mask[k] * miss * miss;
    *trace += x[k] * w->phi[k];
  }
  return sum;
}

/* X = sum_k sigma_k u_k v_k^T for frames at angles a and b; row-major. */
static void matrix_at(const law *w, const double *sigma, double a, double b, double *x)
{
  const double u[2][2] = {{cos(a), sin(a)}, {-sin(a), cos(a)}};
  const double v[2][2] = {{cos(b), sin(b)}, {-sin(b), cos(b)}};
  for (int i = 0; i < w->rows; i++)
    for (int j = 0; j < w->columns; j++) {
      x[i * w->columns + j] = 0;
      for (int k = 0; k < w->rank; k++)
        x[i * w->columns + j] +=
            sigma[k] * (w->rows == 1 ? 1 : u[k][i]) * (w->columns == 1 ? 1 : v[k][j]);
    }
}

/* Add the frames over these singular values, the last signed. */
static void add_frames(const law *w, const double *l, const double *sigma, double weight,
                       double *sums)
{
  enum { ANGLES = 32 };
  const bool blind = w->target == 0 && w->completion == 0;
  const int as = blind || w->rows == 1 ? 1 : ANGLES, bs = blind || w->columns == 1 ? 1 : ANGLES;
  const double layers = norm_of_layers(w, l), turn = 2 * acos(-1) / ANGLES;
  double values[AVERAGES] = {[PARAMETERS] = layers}, x[ENTRIES];
  for (int k = 0; k < w->rank; k++) {
    values[NORM] += sigma[k] * sigma[k];
    values[LOG_DET] += l[k];
    values[SIGMA + k] = fabs(sigma[k]);
  }
  for (int a = 0; a < as; a++)
    for (int b = 0; b < bs; b++) {
      double energy = 0.5 * w->frobenius * values[NORM];
      if (!blind) {
        matrix_at(w, sigma, a * turn, b * turn, x);
        energy = energy_of(w, x, &values[TRACE]);
      }
      values[ENERGY] = energy + 0.5 * w->decay * layers;
      double mass = weight * exp(-w->beta / w->h * values[ENERGY]);
      for (int k = 0; k < AVERAGES; k++) sums[k] += mass * values[k];
      sums[AVERAGES] += mass;
    }
}

/* Trapezoidal rules: log sigma_1, and the log of the log of sigma_1 / sigma_2. */
static void exact_averages(const law *w, double out[AVERAGES])
{
  const bool single = w->rank == 1;
  const double step = single ? 0.02 : 0.1, low = single ? -120 : -30;
  double sums[AVERAGES + 1] = {0};
  for (double top = low; top < 6; top += step)
    for (double u = -9; u < (single ? -8.95 : 5.5); u += 0.1) {
      const double l[2] = {top, top - exp(u)};
      double weight = exp(log_volume(w, l) + (single ? 0 : u));
      if (!(weight > 1e-18)) continue;
      for (int sign = 1; sign >= (flips(w) ? -1 : 1); sign -= 2) {
        double sigma[2] = {exp(l[0]), exp(l[1])};
        sigma[w->rank - 1] *= sign;
        add_frames(w, l, sigma, weight, sums);
      }
    }
  for (int k = 0; k < AVERAGES; k++) out[k] = sums[k] / sums[AVERAGES];
}

static test_parameters parameters_of(const law *w, const char *formulation)
{
  const size_t rows = (size_t)w->rows, columns = (size_t)w->columns;
  const double widths[] = {w->columns, w->hidden, w->rows};
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  test_give_matrix(&p, "widths", 1, 3, widths);
  test_give_number(&p, "rank", w->rank);
  test_give_number(&p, "depth", w->depth);
  test_give_number(&p, "beta", w->beta);
  test_give(&p, "noise.kind", w->v > 0 ? "kappa" : "horizontal");
  test_give_number(&p, "noise.kappa", w->h);
  test_give(&p, "formulation", formulation);
  test_give_number(&p, "step", 0.3);
  test_give(&p, "energy.kind", "sum");
  test_give_number(&p, "energy.frobenius", w->frobenius);
  test_give_number(&p, "energy.target", w->target);
  test_give_number(&p, "energy.completion", w->completion);
  test_give_number(&p, "energy.decay", w->decay);
  if (w->target > 0 || w->completion > 0)
    test_give_matrix(&p, "energy.matrix", rows, columns, w->phi);
  if (w->completion > 0) test_give_matrix(&p, "energy.mask", rows, columns, w->mask);
  return p;
}

static void compare(const law *w, const test_parameters *p, const test_means *r,
                    const double *exact, const double *error, const char *formulation)
{
  char what[128];
  snprintf(what, sizeof what, "%dx%d r%d hidden %d N=%g v=%g h=%g %s", w->rows, w->columns, w->rank,
           w->hidden, w->depth, w->v, w->h, formulation);
  for (int k = 0; k < AVERAGES; k++) {
    const int row = k < SIGMA ? k : SIGMA;
    const size_t at = test_observable(p, names[row]) + (size_t)(k - row);
    if (k >= SIGMA + w->rank || (k == TRACE && w->target == 0 && w->completion == 0)) continue;
    test_expect(what, names[row], exact[k], r->mean[at], hypot(r->error[at], error ? error[k] : 0));
  }
  const size_t at = test_observable(p, "virial");
  test_expect(what, "virial", test_stated(p, "virial"), r->mean[at], r->error[at]);
}

static void run_law(const law *w, long seed, bool spectrum)
{
  double exact[AVERAGES];
  exact_averages(w, exact);
  for (int kind = spectrum ? 0 : 1; kind < 2; kind++) {
    const char *formulation = kind ? "observable" : "spectrum";
    test_parameters p = parameters_of(w, formulation);
    test_means r = test_simulate(&p, seed + kind, 1000, 700, 3);
    compare(w, &p, &r, exact, NULL, formulation);
    test_parameters_close(&p);
  }
}

Test(energies, of_singular_values_for_any_shape_and_rank)
{
  const law laws[] = {
      {1, 3, 1, 2, 3, 1, 1, 1, .frobenius = 1},
      {2, 3, 2, 2, 2, 1, 1, 1, .frobenius = 1},
      {2, 3, 2, 3, 4, 2, 1, 0.5, .frobenius = 1},
      {3, 2, 2, 3, 2, 1, 0, 1, .frobenius = 2},
      {3, 3, 2, 2, 2, 1, 1, 1, .frobenius = 1},
      {2, 2, 1, 1, 3, 1, 1, 1, .frobenius = 1},
      {5, 4, 1, 3, 2, 1, 1, 4, .frobenius = 1},
      {2, 2, 2, 3, INFINITY, 1, 1, 1, .frobenius = 1},
      {2, 3, 2, 4, INFINITY, 1, 1, 0.7, .frobenius = 1},
      {1, 1, 1, 1, 3, 1, 1, 1, .decay = 1},
      {2, 2, 2, 2, 2, 1, 1, 1, .decay = 0.7},
      {2, 3, 2, 4, 3, 1.3, 1, 1, .decay = 0.5, .frobenius = 0.2},
      {2, 2, 2, 4, INFINITY, 1, 1, 1, .decay = 0.6, .frobenius = 1},
  };
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++)
    run_law(&laws[k], 21000 + 10 * (long)k, true);
}

Test(energies, of_matrices_by_angles)
{
  const law laws[] = {
      {1, 1, 1, 1, 2, 4, 1, 1, .completion = 1, .phi = {1}, .mask = {1}},
      {1, 1, 1, 1, 3, 4, 1, 1, .completion = 1, .phi = {1}, .mask = {1}},
      {1, 2, 1, 1, 2, 3, 1, 1, .completion = 1, .decay = 0.4, .phi = {1, 0}, .mask = {1, 0}},
      {2, 1, 1, 2, 2, 3, 1, 1, .target = 1, .phi = {1.2, -0.5}},
      {2, 2, 1, 1, 3, 3, 1, 1, .target = 1, .phi = {1, 0.3, -0.2, 0.7}},
      {2, 2, 1, 2, INFINITY, 3, 1, 1, .target = 1, .phi = {1, 0.3, -0.2, 0.7}},
      {2, 2, 2, 2, 2, 3, 1, 1, .completion = 1, .decay = 0.5, .phi = {1.2, 0, 0, 0.8},
       .mask = {1, 0, 0, 1}},
      {2, 2, 1, 2, 2, 3, 1, 0.6, .completion = 1, .decay = 0.5, .phi = {1, 0.5, 0, 0},
       .mask = {1, 1, 0, 0}},
      {2, 2, 2, 2, 3, 2, 1, 1, .frobenius = 0.3, .target = 0.5, .completion = 1, .decay = 0.2,
       .phi = {1.2, 0.4, -0.3, 0.8}, .mask = {1, 1, 0, 1}},
      {2, 2, 2, 4, INFINITY, 2, 1, 1, .frobenius = 0.3, .target = 0.5, .completion = 1,
       .decay = 0.4, .phi = {1.2, 0.4, -0.3, 0.8}, .mask = {1, 1, 0, 1}},
  };
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++)
    run_law(&laws[k], 22000 + 10 * (long)k, false);
}

/* With the diagonal observed, X_12 and X_21 are as likely positive as negative, in two branches
 * far apart when it is cold: chains must visit both. Row by row. */
Test(energies, of_completion_in_both_branches_of_a_hyperbola)
{
  const law w = {2,
                 2,
                 2,
                 2,
                 6,
                 300,
                 1,
                 1,
                 .completion = 1,
                 .decay = 0.05,
                 .phi = {1, 0, 0, 1},
                 .mask = {1, 0, 0, 1}};
  test_parameters p = parameters_of(&w, "observable");
  test_give(&p, "entries", "all");
  test_means r = test_simulate(&p, 24000, 1000, 300, 6);
  const size_t at = test_observable(&p, "matrix");
  for (size_t k = 1; k <= 2; k++)
    test_expect("completion", "matrix", 0, r.mean[at + k], r.error[at + k]);
  test_parameters_close(&p);
}

/* --- 2 x 3 matrices -------------------------------------------------------------------------- */

/* Log of the law's density with respect to dX at E = 0, less decay; log sigma into l. */
static double log_weight(const law *w, const double *x, double l[2])
{
  const int n = w->columns;
  double a = 0, b = 0, c = 0;
  for (int j = 0; j < n; j++) {
    a += x[j] * x[j];
    b += x[n + j] * x[n + j];
    c += x[j] * x[n + j];
  }
  const double root = hypot(a - b, 2 * c);
  const double squares[2] = {0.5 * (a + b + root), 2 * (a * b - c * c) / (a + b + root)};
  for (int k = 0; k < 2; k++) l[k] = 0.5 * log(squares[k]);
  return log_volume(w, l) - (n - 1) * (l[0] + l[1]) - log(squares[0] - squares[1]) -
         0.5 * w->beta / w->h * w->decay * norm_of_layers(w, l);
}

/* One batch of Gaussian matrices around Phi: sums of weighted values, and of the weights. */
static void add_gaussians(const law *w, wmc_stream *s, int draws, double *sums)
{
  const double size = sqrt(w->h / (w->beta * w->target));
  for (int t = 0; t < draws; t++) {
    double x[ENTRIES], l[2], values[AVERAGES] = {0};
    wmc_stream_normals(s, ENTRIES, size, x);
    for (int k = 0; k < ENTRIES; k++) x[k] += w->phi[k];
    const double mass = exp(log_weight(w, x, l));
    values[PARAMETERS] = norm_of_layers(w, l);
    values[ENERGY] = energy_of(w, x, &values[TRACE]) + 0.5 * w->decay * values[PARAMETERS];
    values[LOG_DET] = l[0] + l[1];
    for (int k = 0; k < 2; k++) {
      values[SIGMA + k] = exp(l[k]);
      values[NORM] += exp(2 * l[k]);
    }
    for (int k = 0; k < AVERAGES; k++) sums[k] += mass * values[k];
    sums[AVERAGES] += mass;
  }
}

/* Averages under the weights, with errors from independent batches. */
static void weighted_averages(const law *w, long seed, double mean[AVERAGES],
                              double error[AVERAGES])
{
  enum { BATCHES = 40, DRAWS = 10000 };
  double square[AVERAGES] = {0};
  memset(mean, 0, AVERAGES * sizeof *mean);
  for (int b = 0; b < BATCHES; b++) {
    double sums[AVERAGES + 1] = {0};
    wmc_stream *s = test_stream(seed, b);
    add_gaussians(w, s, DRAWS, sums);
    wmc_stream_destroy(s);
    for (int k = 0; k < AVERAGES; k++) {
      mean[k] += sums[k] / sums[AVERAGES] / BATCHES;
      square[k] += pow(sums[k] / sums[AVERAGES], 2) / BATCHES;
    }
  }
  for (int k = 0; k < AVERAGES; k++)
    error[k] = sqrt(fmax(0, square[k] - mean[k] * mean[k]) / (BATCHES - 1));
}

Test(energies, of_rectangles_against_weighted_gaussians)
{
  const law laws[] = {
      {2, 3, 2, 3, 3, 3, 1, 1, .target = 1, .phi = {1, 0.2, -0.4, 0.3, 0.8, 0.1}},
      {2, 3, 2, 3, 2, 3, 1, 1, .target = 1, .decay = 0.3, .phi = {1, 0.2, -0.4, 0.3, 0.8, 0.1}},
      {2, 3, 2, 4, INFINITY, 3, 1, 1, .target = 1, .phi = {1, 0.2, -0.4, 0.3, 0.8, 0.1}},
  };
  for (size_t k = 0; k < sizeof laws / sizeof laws[0]; k++) {
    double mean[AVERAGES], error[AVERAGES];
    const long seed = 23000 + 10 * (long)k;
    weighted_averages(&laws[k], seed, mean, error);
    test_parameters p = parameters_of(&laws[k], "observable");
    test_means r = test_simulate(&p, seed + 1, 1000, 1000, 3);
    compare(&laws[k], &p, &r, mean, error, "observable");
    test_parameters_close(&p);
  }
}
