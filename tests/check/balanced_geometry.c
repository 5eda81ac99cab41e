/* Metric, entropy, Gibbs law and energies against their definitions. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "streams.h"
#include "support.h"
#include "weylmc/geometry/energy.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/geometry/gibbs.h"
#include "weylmc/geometry/metric.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/random.h"

enum { D = 4, WIDE = 7, DEEP = 5, ROWS = 160, COLUMNS = 64 }; /* largest cases below */

static int pick(wmc_stream *s, int least, int most)
{
  return least + (int)((most - least + 1) * wmc_stream_uniform(s));
}

static double relative(double a, double b) { return fabs(a - b) / fmax(fabs(a), fabs(b)); }

/* Random n x n orthogonal matrix. */
static void frame(wmc_stream *s, int n, double *q)
{
  double r[WIDE * WIDE], scratch[64 * WIDE];
  cr_assert_leq(wmc_qr_scratch(n, n), sizeof scratch / sizeof *scratch);
  wmc_stream_normals(s, (size_t)(n * n), 1, q);
  wmc_qr(n, n, q, r, scratch);
}

/* log sigma, decreasing, from gentle to wild */
static void spectrum_random(wmc_stream *s, int d, double spread, const wmc_spectrum *x)
{
  double top = spread * wmc_stream_normal(s);
  for (int k = 0; k < d; k++) {
    wmc_spectrum_set_log(x, k, top);
    top -= spread * (0.05 + wmc_stream_uniform(s));
  }
}

/* --- Metric ---------------------------------------------------------------------------------- */

Test(balanced_metric, weight_is_the_sum_that_defines_it)
{
  wmc_stream *s = test_stream(1, 0);
  for (int t = 0; t < test_trials(3000); t++) {
    int n = t % 7 == 0 ? 1000 : pick(s, 1, 64);
    double log_s = (t % 3 ? 1 : 200) * wmc_stream_normal(s);
    double log_r =
        t % 4 ? log_s + (t % 5 ? 1 : 300) * wmc_stream_normal(s) : log_s + 1e-13 * (t % 8);
    double top = fmax(log_s, log_r), sum = 0;
    for (int p = 1; p <= n; p++)
      sum += exp(2 * ((n - p) * (log_s - top) + (p - 1) * (log_r - top)) / n);
    double expected = log(sum) + 2 * (n - 1.0) * top / n,
           found = wmc_metric_log_weight(n, log_s, log_r);
    cr_assert_lt(fabs(found - expected), 1e-13 * (2 + fabs(log_s) + fabs(log_r) + n * 0.05),
                 "N=%d log s=%.17g log r=%.17g: %.17g, sum %.17g", n, log_s, log_r, found,
                 expected);
  }
  wmc_stream_destroy(s);
}

Test(balanced_metric, depths_one_and_two_and_equal_values)
{
  for (double s = -3; s < 3; s += 0.37)
    for (double r = -2; r < 4; r += 0.41) {
      cr_assert_lt(fabs(wmc_metric_log_weight(1, s, r)), 1e-15);
      cr_assert_lt(relative(exp(wmc_metric_log_weight(2, s, r)), exp(s) + exp(r)), 3e-15);
      cr_assert_lt(relative(exp(wmc_metric_log_weight(5, s, s)), 5 * exp(1.6 * s)), 1e-14);
    }
}

Test(balanced_metric, fast_weights_agree)
{
  wmc_stream *s = test_stream(2, 0);
  double memory[5 * D], a[D * D];
  for (int t = 0; t < test_trials(3000); t++) {
    int n = t % 5 == 0 ? 1000 : pick(s, 1, 40);
    wmc_spectrum x = wmc_spectrum_map(D, n, memory);
    spectrum_random(s, D, pow(10, -9 + 11 * wmc_stream_uniform(s)), &x);
    if (t % 9 == 0) wmc_spectrum_set_log(&x, 1, x.log_sigma[0]);
    wmc_metric_weights(&x, a);
    for (int k = 0; k < D; k++)
      for (int l = 0; l < D; l++) {
        double exact = wmc_metric_log_weight(n, x.log_sigma[k], x.log_sigma[l]);
        if (exact > -650) cr_assert_lt(fabs(log(a[k * D + l]) - exact), 1e-9, "N=%d", n);
      }
  }
  wmc_stream_destroy(s);
}

/* --- Networks and Gram matrices -------------------------------------------------------------- */

/* Balanced layers W_p = Q_p Lambda Q_{p-1}^T; all Q are stored WIDE x WIDE, the first d columns are
 * the frame and the others its complement. */
typedef struct network {
  wmc_shape shape;
  wmc_spectrum x;
  double memory[5 * D];
  double q[DEEP + 1][WIDE * WIDE];
} network;

static int rows_at(const network *w, int p) { return wmc_shape_width(&w->shape, p); }

static void network_random(wmc_stream *s, int d, int m, int depth, network *w)
{
  w->shape = wmc_shape_square(d, m, depth);
  w->x = wmc_spectrum_map(d, depth, w->memory);
  spectrum_random(s, d, 0.7, &w->x);
  for (int p = 0; p <= depth; p++) frame(s, rows_at(w, p), w->q[p]);
}

/* Tangent vectors of frame p: Q (E_ij - E_ji)/sqrt 2 and q_perp e_i^T, orthonormal. */
static int tangent_count(const network *w, int p)
{
  int d = w->shape.rank;
  return d * (d - 1) / 2 + (rows_at(w, p) - d) * d;
}

static void tangent(const network *w, int p, int index, double *dq)
{
  const int d = w->shape.rank, n = rows_at(w, p), pairs = d * (d - 1) / 2;
  memset(dq, 0, sizeof(double) * WIDE * WIDE);
  if (index >= pairs) {
    int column = (index - pairs) % d, normal = d + (index - pairs) / d;
    memcpy(dq + column * n, w->q[p] + normal * n, (size_t)n * sizeof *dq);
    return;
  }
  int i = 0, j = 1;
  for (int k = 0; k < index; k++)
    if (++j == d) j = ++i + 1;
  for (int r = 0; r < n; r++) {
    dq[j * n + r] = sqrt(0.5) * w->q[p][i * n + r];
    dq[i * n + r] = -sqrt(0.5) * w->q[p][j * n + r];
  }
}

/* out += left diag(lambda) right^T, a layer-shaped block */
static void add_layer(int d, int m, int n, const double *left, const double *diagonal,
                      const double *right, double *out)
{
  for (int k = 0; k < d; k++)
    for (int c = 0; c < n; c++)
      for (int r = 0; r < m; r++)
        out[c * m + r] += left[k * m + r] * diagonal[k] * right[k * n + c];
}

/* Columns of dW/d(frames first..last) and, if `values`, of dW/dlambda; returns their number. */
static int differential(const network *w, int first, int last, bool values, double *out)
{
  const int d = w->shape.rank, depth = (int)w->shape.depth, layer = WIDE * WIDE;
  int columns = 0;
  double dq[WIDE * WIDE];
  for (int k = 0; values && k < d; k++, columns++)
    for (int p = 1; p <= depth; p++) {
      double unit[D] = {0};
      unit[k] = 1;
      add_layer(d, rows_at(w, p), rows_at(w, p - 1), w->q[p], unit, w->q[p - 1],
                out + (columns * depth + p - 1) * layer);
    }
  for (int p = first; p <= last; p++)
    for (int t = 0; t < tangent_count(w, p); t++, columns++) {
      double *column = out + columns * depth * layer;
      tangent(w, p, t, dq);
      if (p > 0)
        add_layer(d, rows_at(w, p), rows_at(w, p - 1), dq, w->x.lambda, w->q[p - 1],
                  column + (p - 1) * layer);
      if (p < depth)
        add_layer(d, rows_at(w, p + 1), rows_at(w, p), w->q[p + 1], w->x.lambda, dq,
                  column + p * layer);
    }
  return columns;
}

/* 1/2 log det of the Gram matrix of the columns. */
static double half_log_gram(int length, int columns, const double *a)
{
  static double gram[COLUMNS * COLUMNS];
  cr_assert_leq(columns, COLUMNS);
  for (int i = 0; i < columns; i++)
    for (int j = 0; j <= i; j++) {
      double sum = 0;
      for (int k = 0; k < length; k++) sum += a[i * length + k] * a[j * length + k];
      for (int k = 0; k < j; k++) sum -= gram[i * columns + k] * gram[j * columns + k];
      gram[i * columns + j] = i == j ? sqrt(sum) : sum / gram[j * columns + j];
    }
  double log_det = 0;
  for (int i = 0; i < columns; i++) log_det += log(gram[i * columns + i]);
  return log_det;
}

static double tangents[COLUMNS * DEEP * WIDE * WIDE];

static double half_log_volume(const network *w, int first, int last, bool values)
{
  memset(tangents, 0, sizeof tangents);
  int columns = differential(w, first, last, values, tangents);
  return half_log_gram((int)w->shape.depth * WIDE * WIDE, columns, tangents);
}

Test(balanced_entropy, is_the_log_volume_of_the_fibre)
{
  wmc_stream *s = test_stream(3, 0);
  static network w;
  for (int t = 0; t < test_trials(60); t++) {
    int d = pick(s, 1, 3), m = pick(s, 0, 2), depth = pick(s, 2, 4);
    network_random(s, d, m, depth, &w);
    double volume = half_log_volume(&w, 1, depth - 1, false);
    for (int p = 1; p < depth; p++) volume += wmc_log_volume_stiefel(WMC_NUMBERS_REAL, d + m, d);
    double entropy = wmc_entropy(&w.shape, w.x.log_sigma);
    cr_assert_lt(fabs(entropy - volume), 1e-11, "d=%d m=%d N=%d: S=%.15g, volume %.15g", d, m,
                 depth, entropy, volume);
  }
  wmc_stream_destroy(s);
}

/* Circles, spheres and the fibration St(n, r) -> St(n, r-1), where the new column moves on a sphere
 * at unit speed and drags nothing; rotations among columns move two of them. */
Test(balanced_entropy, stiefel_volumes)
{
  const double pi = acos(-1);
  cr_assert_lt(fabs(wmc_log_volume_stiefel(WMC_NUMBERS_REAL, 1, 1) - log(2)), 1e-15);
  cr_assert_lt(fabs(wmc_log_volume_stiefel(WMC_NUMBERS_REAL, 2, 1) - log(2 * pi)), 1e-14);
  cr_assert_lt(fabs(wmc_log_volume_stiefel(WMC_NUMBERS_REAL, 3, 1) - log(4 * pi)), 1e-14);
  cr_assert_lt(fabs(wmc_log_volume_stiefel(WMC_NUMBERS_REAL, 2, 2) - log(2 * 2 * pi * sqrt(2))),
               1e-14);
  cr_assert_lt(
      fabs(wmc_log_volume_stiefel(WMC_NUMBERS_REAL, 3, 2) - log(4 * pi * 2 * pi * sqrt(2))), 1e-14);
}

/* The volume of M in lambda, frames fixed: the isotropic Gibbs law at E = 0. Horizontal noise has
 * what remains when the fibres' volume is taken out. */
Test(balanced_gibbs, density_is_the_volume_of_the_manifold)
{
  wmc_stream *s = test_stream(4, 0);
  static network w;
  for (int t = 0; t < test_trials(40); t++) {
    int d = pick(s, 1, 3), m = pick(s, 0, 1), depth = pick(s, 1, 3);
    double difference[2] = {0};
    network_random(s, d, m, depth, &w);
    for (int side = 0; side < 2; side++) {
      wmc_gibbs law = {.shape = w.shape, .beta = 1, .vertical = 1, .horizontal = 1};
      spectrum_random(s, d, 0.7, &w.x);
      double whole = half_log_volume(&w, 0, depth, true);
      double fibre = depth > 1 ? half_log_volume(&w, 1, depth - 1, false) : 0;
      double sign = side ? -1 : 1;
      difference[0] += sign * (whole - wmc_gibbs_log_density(&law, &w.x, 0));
      law.vertical = 0;
      difference[1] += sign * (whole - fibre - wmc_gibbs_log_density(&law, &w.x, 0));
    }
    cr_assert_lt(fabs(difference[0]), 1e-10, "isotropic, d=%d m=%d N=%d", d, m, depth);
    cr_assert_lt(fabs(difference[1]), 1e-10, "horizontal, d=%d m=%d N=%d", d, m, depth);
  }
  wmc_stream_destroy(s);
}

Test(balanced_gibbs, dimensions_count_the_tangent_vectors)
{
  wmc_stream *s = test_stream(5, 0);
  static network w;
  for (int d = 1; d <= 3; d++)
    for (int m = 0; m <= 1; m++)
      for (int depth = 1; depth <= 3; depth++) {
        network_random(s, d, m, depth, &w);
        memset(tangents, 0, sizeof tangents);
        int columns = differential(&w, 0, depth, true, tangents);
        cr_assert_eq(wmc_shape_dimension(&w.shape), columns, "d=%d m=%d N=%d", d, m, depth);
        wmc_gibbs law = {.shape = w.shape, .beta = 2, .vertical = 1, .horizontal = 3};
        double virial = (3 * d * d + (columns - d * d)) / (depth * 2.0);
        cr_assert_lt(relative(wmc_gibbs_virial(&law), virial), 1e-15);
      }
  wmc_stream_destroy(s);
}

/* --- Derivatives and moves ------------------------------------------------------------------- */

/* Fourth-order difference of f along lambda_k. */
typedef double (*of_spectrum)(const wmc_gibbs *law, const wmc_spectrum *x);

static double difference(const wmc_gibbs *law, const wmc_spectrum *x, int k, of_spectrum f)
{
  const double lambda = x->lambda[k], h = 3e-4 * lambda / x->depth;
  const double weight[] = {1, -8, 8, -1}, at[] = {-2, -1, 1, 2};
  double sum = 0;
  for (int i = 0; i < 4; i++) {
    wmc_spectrum_set_lambda(x, k, lambda + at[i] * h);
    sum += weight[i] * f(law, x);
  }
  wmc_spectrum_set_lambda(x, k, lambda);
  return sum / (12 * h);
}

static double entropy_of(const wmc_gibbs *law, const wmc_spectrum *x)
{
  return wmc_entropy(&law->shape, x->log_sigma);
}

static double square_of(const wmc_spectrum *x)
{
  double sum = 0;
  for (int k = 0; k < x->rank; k++) sum += 0.5 * x->sigma2[k];
  return sum;
}

static double density_of(const wmc_gibbs *law, const wmc_spectrum *x)
{
  return wmc_gibbs_log_density(law, x, square_of(x));
}

static wmc_gibbs law_random(wmc_stream *s, int t)
{
  return (wmc_gibbs){.shape = wmc_shape_square(D, t % 3, t % 5 ? pick(s, 1, 12) : 1000),
                     .beta = exp(wmc_stream_normal(s)),
                     .vertical = t % 4 ? 1 : 0,
                     .horizontal = exp(wmc_stream_normal(s))};
}

Test(balanced_gibbs, gradients_are_derivatives)
{
  wmc_stream *s = test_stream(6, 0);
  double memory[5 * D], force[D], gradient[D];
  for (int t = 0; t < test_trials(400); t++) {
    wmc_gibbs law = law_random(s, t);
    wmc_spectrum x = wmc_spectrum_map(D, law.shape.depth, memory);
    spectrum_random(s, D, 1, &x);
    wmc_entropy_gradient(&law.shape, &x, gradient);
    for (int k = 0; k < D; k++) {
      double found = difference(&law, &x, k, entropy_of), scale = law.shape.depth / x.lambda[k];
      cr_assert_lt(fabs(found - gradient[k]), 1e-7 * scale * (1 + (law.shape.hidden - D)),
                   "entropy");
      force[k] = law.shape.depth * x.sigma2[k] / x.lambda[k];
    }
    wmc_gibbs_gradient(&law, &x, force, gradient);
    for (int k = 0; k < D; k++) {
      double found = difference(&law, &x, k, density_of);
      double scale = law.shape.depth / x.lambda[k] *
                     (60 + law.beta / law.horizontal * (1 + x.sigma2[k]) + 9 / law.horizontal);
      cr_assert_lt(fabs(found - gradient[k]), 1e-7 * scale, "density: %g, %g", found, gradient[k]);
    }
  }
  wmc_stream_destroy(s);
}

/* Equal values: the limit (N-1)/(2 lambda) of a pair, from eq. (9) expanded at D = 0. */
Test(balanced_entropy, gradient_at_equal_values)
{
  double memory[5 * D], gradient[D];
  const int depths[] = {1, 2, 7, 1000};
  for (int t = 0; t < 4; t++)
    for (double gap = 0; gap < 1e-9; gap = gap == 0 ? 1e-17 : gap * 30) {
      wmc_shape shape = wmc_shape_square(2, 1, depths[t]);
      wmc_spectrum x = wmc_spectrum_map(2, depths[t], memory);
      wmc_spectrum_set_log(&x, 0, -0.3 + gap);
      wmc_spectrum_set_log(&x, 1, -0.3);
      wmc_entropy_gradient(&shape, &x, gradient);
      for (int k = 0; k < 2; k++)
        cr_assert_lt(fabs(gradient[k] * x.lambda[k] - 1.5 * (depths[t] - 1)), 1e-8 * depths[t]);
    }
}

Test(balanced_gibbs, move_is_the_difference_of_densities)
{
  wmc_stream *s = test_stream(7, 0);
  double memory[5 * D];
  for (int t = 0; t < test_trials(4000); t++) {
    wmc_gibbs law = law_random(s, t);
    wmc_spectrum x = wmc_spectrum_map(D, law.shape.depth, memory);
    spectrum_random(s, D, t % 6 ? 1 : 400, &x);
    int k = pick(s, 0, D - 1);
    double top = k > 0 ? x.log_sigma[k - 1] : x.log_sigma[0] + 1;
    double bottom = k < D - 1 ? x.log_sigma[k + 1] : x.log_sigma[k] - 300;
    double l = bottom + (top - bottom) * (0.001 + 0.998 * wmc_stream_uniform(s));
    double lambda = exp(l / law.shape.depth), before = wmc_gibbs_log_density(&law, &x, 0);
    double move = wmc_gibbs_move(&law, &x, k, lambda, l, exp(l));
    wmc_spectrum_set_log(&x, k, l);
    double after = wmc_gibbs_log_density(&law, &x, 0);
    double scale = 1 + (1 + law.vertical / law.horizontal) * (fabs(l) + fabs(before) / 10);
    cr_assert_lt(fabs(move - (after - before)), 1e-10 * scale, "N=%g k=%d: %.15g, %.15g",
                 law.shape.depth, k, move, after - before);
  }
  wmc_stream_destroy(s);
}

/* Scaling X by t scales the mass by t^P: the density in log lambda at fixed ratios. */
Test(balanced_gibbs, scaling_is_that_of_the_density)
{
  wmc_stream *s = test_stream(8, 0);
  double memory[5 * D];
  for (int t = 0; t < test_trials(300); t++) {
    wmc_gibbs law = law_random(s, t);
    wmc_spectrum x = wmc_spectrum_map(D, law.shape.depth, memory);
    spectrum_random(s, D, 1, &x);
    double shift = wmc_stream_normal(s), before = wmc_gibbs_log_density(&law, &x, 0);
    for (int k = 0; k < D; k++) wmc_spectrum_set_log(&x, k, x.log_sigma[k] + shift);
    double jacobian = D * shift / law.shape.depth; /* of dlambda_1 ... dlambda_d */
    double change = wmc_gibbs_log_density(&law, &x, 0) - before + jacobian;
    double power = wmc_gibbs_scaling(&law);
    cr_assert_lt(fabs(change - power * shift), 1e-10 * (10 + power), "N=%g", law.shape.depth);
  }
  wmc_stream_destroy(s);
}

Test(balanced_gibbs, one_layer_is_flat)
{
  wmc_shape shape = wmc_shape_square(D, 3, 1);
  double memory[5 * D];
  wmc_spectrum x = wmc_spectrum_map(D, 1, memory);
  wmc_stream *s = test_stream(9, 0);
  spectrum_random(s, D, 1, &x);
  cr_assert_lt(fabs(wmc_entropy(&shape, x.log_sigma)), 1e-13);
  cr_assert_eq(wmc_shape_dimension(&shape), D * D);
  wmc_stream_destroy(s);
}

/* --- Energies -------------------------------------------------------------------------------- */

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

Test(balanced_energy, values_and_gradients)
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
Test(balanced_energy, structure_follows_from_the_terms)
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
Test(balanced_energy, decay_is_half_the_squared_norm_of_the_layers)
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

Test(balanced_energy, diagonal_target_and_rank)
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
