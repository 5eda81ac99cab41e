/* Steps of the pair (M, x) at infinite depth against their definitions: docs/theory/jacobian.md,
 * section 6. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "blocks.h"
#include "parameters.h"
#include "quadrature.h"
#include "support.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/jacobian/pair.h"

enum { WIDEST = 5, SIZE = WIDEST * WIDEST, NUMBERS = 200 };

/* Every kind of row; d, norm, variance and so on are odd numbers on purpose. */
static const struct {
  const wmc_block *block;
  const char *activation;
  wmc_norm norm;
  double drop;
} rows[] = {
    {&wmc_block_linear, "linear", WMC_NORM_NONE, 0},
    {&wmc_block_linear, "linear", WMC_NORM_RMS, 0.3},
    {&wmc_block_linear, "linear", WMC_NORM_LAYER, 0},
    {&wmc_block_one_layer, "tanh", WMC_NORM_NONE, 0},
    {&wmc_block_one_layer, "relu", WMC_NORM_NONE, 0.2},
    {&wmc_block_one_layer, "gelu", WMC_NORM_RMS, 0},
    {&wmc_block_one_layer, "sin", WMC_NORM_LAYER, 0},
    {&wmc_block_one_layer, "erf", WMC_NORM_LAYER, 0.1},
    {&wmc_block_two_layer, "relu", WMC_NORM_NONE, 0},
    {&wmc_block_two_layer, "erf", WMC_NORM_NONE, 0.3},
    {&wmc_block_two_layer, "gelu", WMC_NORM_NONE, 0},
    {&wmc_block_two_layer, "tanh", WMC_NORM_LAYER, 0},
    {&wmc_block_inside, "sin", WMC_NORM_NONE, 0},
    {&wmc_block_inside, "gelu", WMC_NORM_RMS, 0.2},
    {&wmc_block_outer, "sin", WMC_NORM_NONE, 0},
    {&wmc_block_outer, "tanh", WMC_NORM_RMS, 0},
};
enum { ROWS = sizeof rows / sizeof *rows };

static wmc_block_options options(int row, int width, int depth)
{
  wmc_block_options o = test_block_options(width, depth, rows[row].activation);
  o.variance = 0.8;
  o.time = 0.7;
  o.inner_variance = 0.45;
  o.input_norm2 = 1.3 * width;
  o.norm = rows[row].norm;
  o.drop = rows[row].drop;
  return o;
}

enum { SEED = 20261204 };

/* A step of a row, or a layer of the block itself. */
typedef struct machine {
  const wmc_block *block;
  void *state;
} machine;

static machine make(const wmc_block *block, const wmc_block_options *o)
{
  machine m = {.block = block};
  cr_assert_eq(block->create(o, &m.state), WMC_OK);
  return m;
}

static machine steps_of(int row, int width, int depth)
{
  wmc_block_options o = options(row, width, depth);
  return make(wmc_pair_block(rows[row].block), &o);
}

static void unmake(machine m) { m.block->destroy(m.state); }

/* Deviates b and G, and all signs. */
static void draw(machine m, wmc_stream *s, int d, double *numbers)
{
  size_t all = m.block->parameters(m.state), normals = (size_t)(d + d * d);
  cr_assert_leq(all, NUMBERS);
  wmc_stream_normals(s, normals, 1, numbers);
  wmc_stream_signs(s, all - normals, 1, numbers + normals);
}

/* C of the steps, and C of the layers of which they are the limit, at the same random vector. */
Test(pair, covariance_is_that_of_layers)
{
  for (int row = 0; row < ROWS; row++)
    for (int d = 1; d <= WIDEST; d++) {
      const wmc_block_options o = options(row, d, 7);
      const machine layers = make(rows[row].block, &o),
                    steps = make(wmc_pair_block(rows[row].block), &o);
      double found[SIZE], exact[SIZE];
      wmc_stream *s[2] = {test_stream(SEED, d), test_stream(SEED, d)};
      if (d == 1 && rows[row].norm == WMC_NORM_LAYER) continue;
      layers.block->start(layers.state, s[0]);
      steps.block->start(steps.state, s[1]);
      layers.block->covariance(layers.state, exact);
      steps.block->covariance(steps.state, found);
      for (int i = 0; i < d * d; i++)
        cr_expect_lt(fabs(found[i] - exact[i]), 1e-6, "row %d, d %d: C[%d] = %.10g, not %.10g", row,
                     d, i, found[i], exact[i]);
      for (int k = 0; k < 2; k++) wmc_stream_destroy(s[k]);
      unmake(layers);
      unmake(steps);
    }
}

/* k(x): half of what a tiny step makes of b and of -b, all else the same. */
static double amplitude(machine tiny, int d, double h, const double *x)
{
  double numbers[NUMBERS], ends[2][WIDEST], jacobian[SIZE];
  for (int side = 0; side < 2; side++) {
    memset(numbers, 0, sizeof numbers);
    numbers[0] = side ? -1 : 1;
    memcpy(ends[side], x, (size_t)d * sizeof *x);
    tiny.block->forward(tiny.state, numbers, ends[side], jacobian);
  }
  return 0.5 * (ends[0][0] - ends[1][0]) / sqrt(h);
}

static const double TINY = 1e-9;

static machine tiny_of(int row, int d) { return steps_of(row, d, (int)round(0.7 / TINY)); }

static void vector(wmc_stream *s, int d, double *x)
{
  for (int i = 0; i < d; i++) x[i] = 0.5 + 0.4 * wmc_stream_uniform(s) - (i % 2);
}

typedef struct average {
  const wmc_activation *activation;
  double root;
} average;

static double square(double z, const double *data)
{
  average a;
  double value, slope;
  memcpy(&a, data, sizeof a);
  z *= a.root;
  a.activation->apply(1, 0, &z, &value, &slope);
  return value * value;
}

/* k^2 = sigma^2 |phi(u)|^2/p for one_layer, sigma^2 E phi(sqrt(c1) |u| z)^2/(c1 p) for two_layer
 * and outer, sigma^2 phi'(0)^2 |u|^2/p for the others, u = N(x). */
static double exact_amplitude(int row, int d, const double *x)
{
  const wmc_block_options o = options(row, d, 1);
  double u[WIDEST], mean = 0, norm2 = 0, sum = 0, zero = 0, value, slope;
  for (int i = 0; o.norm == WMC_NORM_LAYER && i < d; i++) mean += x[i] / d;
  for (int i = 0; i < d; i++) norm2 += (x[i] - mean) * (x[i] - mean);
  for (int i = 0; i < d; i++)
    u[i] = (x[i] - mean) * (o.norm == WMC_NORM_NONE ? 1 : sqrt(d / norm2));
  if (o.norm != WMC_NORM_NONE) norm2 = d;
  if (rows[row].block == &wmc_block_one_layer) {
    for (int i = 0; i < d; i++) {
      o.activation->apply(1, 0, &u[i], &value, &slope);
      sum += value * value;
    }
  } else if (rows[row].block == &wmc_block_two_layer || rows[row].block == &wmc_block_outer) {
    average a = {o.activation, sqrt(o.inner_variance * norm2)};
    double data[sizeof a / sizeof(double)];
    memcpy(data, &a, sizeof a);
    sum = o.activation->homogeneous ? 0.5 * o.inner_variance * norm2 /* relu */
                                    : test_normal_mean(square, data);
    sum /= o.inner_variance;
  } else {
    o.activation->apply(1, 0, &zero, &value, &slope);
    sum = (rows[row].block == &wmc_block_linear ? 1 : slope * slope) * norm2;
  }
  return sqrt(o.variance / (1 - o.drop) * sum);
}

Test(pair, amplitude)
{
  wmc_stream *s = test_stream(SEED, 100);
  for (int row = 0; row < ROWS; row++)
    for (int d = 2; d <= WIDEST; d++) {
      const machine tiny = tiny_of(row, d);
      double x[WIDEST];
      vector(s, d, x);
      double found = amplitude(tiny, d, TINY, x), exact = exact_amplitude(row, d, x);
      cr_expect_lt(fabs(found / exact - 1), 3e-7, "row %d, d %d: k = %.10g, not %.10g", row, d,
                   found, exact);
      unmake(tiny);
    }
  wmc_stream_destroy(s);
}

/* ---- the Jacobian of a step ------------------------------------------------------------------ */

/* out (d x d): derivative of the end point of a step. */
static void differentiate(machine m, int d, const double *numbers, const double *x, double *out)
{
  const double step = 1e-5;
  for (int j = 0; j < d; j++) {
    double ends[2][WIDEST], jacobian[SIZE];
    for (int side = 0; side < 2; side++) {
      memcpy(ends[side], x, (size_t)d * sizeof *x);
      ends[side][j] += side ? -step : step;
      m.block->forward(m.state, numbers, ends[side], jacobian);
    }
    for (int i = 0; i < d; i++) out[j * d + i] = (ends[0][i] - ends[1][i]) / (2 * step);
  }
}

/* a <- a b. */
static void multiply(int d, double *a, const double *b)
{
  double product[SIZE] = {0};
  for (int j = 0; j < d; j++)
    for (int k = 0; k < d; k++)
      for (int i = 0; i < d; i++) product[j * d + i] += a[k * d + i] * b[j * d + k];
  memcpy(a, product, (size_t)(d * d) * sizeof *a);
}

/* 1 - (h/2) R^T R, what is left of J_2 without G and G', from C and the gradient of k. */
static void still(machine m, machine tiny, int row, int d, double h, wmc_stream *s, double *x,
                  double *out)
{
  const wmc_block_options o = options(row, d, 1);
  double gradient[WIDEST], covariance[SIZE];
  m.block->start(m.state, s); /* C is known at the running vector */
  m.block->covariance(m.state, covariance);
  for (int i = 0; i < d; i++) {
    double side[2];
    for (int k = 0; k < 2; k++) {
      double moved[WIDEST];
      memcpy(moved, x, (size_t)d * sizeof *x);
      moved[i] += k ? -1e-4 : 1e-4;
      side[k] = amplitude(tiny, d, TINY, moved);
    }
    gradient[i] = (side[0] - side[1]) / 2e-4;
  }
  for (int j = 0; j < d; j++)
    for (int i = 0; i < d; i++)
      out[j * d + i] =
          (i == j) - 0.5 * h * (o.variance * covariance[j * d + i] - gradient[i] * gradient[j]);
}

/* The direction that `start` will take: the steps and the linear block draw it alike. */
static void running_vector(int row, int d, long id, double *x)
{
  const wmc_block_options o = options(row, d, 1);
  wmc_stream *s = test_stream(SEED, id);
  double norm2 = 0;
  wmc_stream_normals(s, (size_t)d, 1, x);
  for (int i = 0; i < d; i++) norm2 += x[i] * x[i];
  for (int i = 0; i < d; i++) x[i] *= sqrt(o.input_norm2 / norm2);
  wmc_stream_destroy(s);
}

/* Without G and G' the step is J_1 (1 - (h/2) R^T R), J_1 the derivative of x'. */
Test(pair, jacobian_of_a_step)
{
  const int depth = 20;
  const double h = 0.7 / depth;
  wmc_stream *s = test_stream(SEED, 200);
  for (int row = 0; row < ROWS; row++)
    for (int d = 2; d <= WIDEST; d++) {
      const machine m = steps_of(row, d, depth), tiny = tiny_of(row, d);
      const int area = d + d * d, levy = area + d * (d - 1) / 2;
      const long id = 300 + 10 * row + d;
      double numbers[NUMBERS], x[WIDEST], exact[SIZE], found[SIZE], second[SIZE];
      wmc_stream *of_start = test_stream(SEED, id);
      draw(m, s, d, numbers);
      memset(numbers + d, 0, (size_t)(d * d) * sizeof *numbers);
      memset(numbers + levy, 0, (size_t)(d * d) * sizeof *numbers);
      numbers[m.block->parameters(m.state) - 1] = -1; /* J_2 first */
      running_vector(row, d, id, x);
      still(m, tiny, row, d, h, of_start, x, second);
      differentiate(m, d, numbers, x, exact);
      multiply(d, exact, second);
      m.block->forward(m.state, numbers, x, found);
      for (int i = 0; i < d * d; i++)
        cr_expect_lt(fabs(found[i] - exact[i]), 2e-7, "row %d, d %d: J[%d] = %.10g, not %.10g", row,
                     d, i, found[i], exact[i]);
      wmc_stream_destroy(of_start);
      unmake(m);
      unmake(tiny);
    }
  wmc_stream_destroy(s);
}

/* The order of the parts: J_2 belongs to the vector before x moves, or after. */
Test(pair, order_of_the_parts)
{
  const int d = 4, row = 0; /* linear: J_2 = 1 + A + ..., R = sigma (1 - e e^T) */
  const machine m = steps_of(row, d, 20);
  wmc_stream *s = test_stream(SEED, 400);
  double numbers[NUMBERS], x[WIDEST], before[WIDEST] = {0}, jacobian[2][SIZE];
  const size_t all = m.block->parameters(m.state);
  vector(s, d, x);
  draw(m, s, d, numbers);
  /* J_2 e = e: where x does not move it has the eigenvector x; where x moves first, the new one */
  memset(numbers, 0, (size_t)d * sizeof *numbers);
  for (int k = 0; k < 2; k++) {
    double y[WIDEST];
    memcpy(y, x, sizeof x);
    numbers[all - 1] = k ? -1 : 1;
    m.block->forward(m.state, numbers, y, jacobian[k]);
    memcpy(before, k ? x : y, sizeof x);
    /* J_1 = 1 + Q grad delta, so that J e is J_1 e or J_2 J_1 e; compare with products */
    double straight[SIZE];
    differentiate(m, d, numbers, x, straight);
    for (int i = 0; k == 1 && i < d; i++) { /* J x = J_1 J_2 x = J_1 x */
      double found = 0, exact = 0;
      for (int j = 0; j < d; j++) {
        found += jacobian[k][j * d + i] * before[j];
        exact += straight[j * d + i] * before[j];
      }
      cr_expect_lt(fabs(found - exact), 1e-8, "J x [%d] = %.10g, not %.10g", i, found, exact);
    }
    for (int i = 0; k == 0 && i < d; i++) { /* J x = J_2 J_1 x = J_2 x' = x': linear in x */
      double found = 0;
      for (int j = 0; j < d; j++) found += jacobian[k][j * d + i] * x[j];
      cr_expect_lt(fabs(found - y[i]), 1e-12, "J x [%d] = %.10g, not %.10g", i, found, y[i]);
    }
  }
  cr_expect_neq(jacobian[0][1], jacobian[1][1]);
  wmc_stream_destroy(s);
  unmake(m);
}

/* ---- moments of one step, exactly ---------------------------------------------------------------
 */

enum { NORMALS = 6, SIGNS = 8 }; /* width 2 */

/* Adds weight times the products x x, x M and M M of the entries i, k (and l, j). */
static void add_products(double weight, const double *x, const double *m, double *out)
{
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < 2; k++) {
      *out++ += weight * x[i] * x[k];
      for (int l = 0; l < 2; l++) {
        *out++ += weight * x[i] * m[2 * l + k];
        for (int j = 0; j < 2; j++) *out++ += weight * m[2 * j + i] * m[2 * l + k];
      }
    }
}

enum { PRODUCTS = 28 };

/* Their means over all signs and the three-point rule for each normal deviate, which is exact for
 * polynomials of degree 5. */
static void mean_products(machine m, const double *x, double *out)
{
  const double nodes[3] = {-sqrt(3), 0, sqrt(3)}, weights[3] = {1.0 / 6, 2.0 / 3, 1.0 / 6};
  memset(out, 0, PRODUCTS * sizeof *out);
  cr_assert_eq(m.block->parameters(m.state), NORMALS + SIGNS);
  for (int point = 0; point < 729; point++) {
    double numbers[NORMALS + SIGNS], weight = ldexp(1, -SIGNS);
    for (int k = 0, rest = point; k < NORMALS; k++, rest /= 3) {
      numbers[k] = nodes[rest % 3];
      weight *= weights[rest % 3];
    }
    for (int bits = 0; bits < 1 << SIGNS; bits++) {
      double y[2] = {x[0], x[1]}, jacobian[4];
      for (int k = 0; k < SIGNS; k++) numbers[NORMALS + k] = bits >> k & 1 ? 1 : -1;
      m.block->forward(m.state, numbers, y, jacobian);
      add_products(weight, y, jacobian, out);
    }
  }
}

/* E x_i x_k = x_i x_k + delta_ik |x|^2 f, E x_i M_kl = x_i delta_kl + delta_ik x_l f,
 * E M_ij M_kl = delta_ij delta_kl + delta_ik delta_jl f with f = (e^{2 v h} - 1)/2. */
static void exact_products(const double *x, double f, double *out)
{
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < 2; k++) {
      *out++ = x[i] * x[k] + (i == k) * (x[0] * x[0] + x[1] * x[1]) * f;
      for (int l = 0; l < 2; l++) {
        *out++ = x[i] * (k == l) + (i == k) * x[l] * f;
        for (int j = 0; j < 2; j++) *out++ = (i == j) * (k == l) + (i == k) * (j == l) * f;
      }
    }
}

static double moment_error(int depth)
{
  const machine m = steps_of(0, 2, depth);
  const double x[2] = {0.6, -1.1}, f = 0.5 * expm1(2 * 0.8 * 0.7 / depth);
  double found[PRODUCTS], exact[PRODUCTS], error = 0;
  mean_products(m, x, found);
  exact_products(x, f, exact);
  for (int i = 0; i < PRODUCTS; i++) error = fmax(error, fabs(found[i] - exact[i]));
  unmake(m);
  return error;
}

/* One step of a scheme of weak order 2 has an error of h^3 in every moment: without the areas V or
 * G', or one order of the two parts, it would be h^2. */
Test(pair, moments_of_a_step)
{
  const double coarse = moment_error(20), fine = moment_error(40);
  if (test_verbose()) printf("errors %.3g, then %.3g\n", coarse, fine);
  cr_expect_gt(coarse, 6.5 * fine, "errors %g, then %g", coarse, fine);
  cr_expect_lt(coarse, 1e-3);
}

/* E |x'|^2 of one step of width 2, exactly: x' is quadratic in b, and G does not matter. */
static double mean_square(machine m, const double *x)
{
  const double nodes[3] = {-sqrt(3), 0, sqrt(3)}, weights[3] = {1.0 / 6, 2.0 / 3, 1.0 / 6};
  const int area = 6, probe = 11, order = 13;
  double sum = 0;
  for (int point = 0; point < 9; point++)
    for (int bits = 0; bits < 8; bits++) {
      double numbers[NORMALS + SIGNS] = {nodes[point % 3], nodes[point / 3]}, jacobian[4];
      double y[2] = {x[0], x[1]};
      numbers[area] = bits & 1 ? 1 : -1;
      for (int k = 0; k < 2; k++) numbers[probe + k] = bits >> (1 + k) & 1 ? 1 : -1;
      numbers[order] = 1;
      m.block->forward(m.state, numbers, y, jacobian);
      sum += weights[point % 3] * weights[point / 3] / 8 * (y[0] * y[0] + y[1] * y[1]);
    }
  return sum;
}

/* |x|^2 + h L|x|^2 + (h^2/2) L^2 |x|^2 for L = (1/2) k^2 Laplace, k^2 = v sum phi(x_i)^2. */
static double expanded_square(const wmc_activation *a, double v, double h, const double *x)
{
  double value[2], slope[2], curve[2], squares = 0, laplace = 0, norm2 = 0;
  a->apply(2, 0, x, value, slope);
  a->curve(2, x, curve);
  for (int i = 0; i < 2; i++) {
    norm2 += x[i] * x[i];
    squares += v * value[i] * value[i];
    laplace += 2 * v * (slope[i] * slope[i] + value[i] * curve[i]);
  }
  return norm2 + h * 2 * squares + 0.5 * h * h * squares * laplace;
}

Test(pair, second_order_where_k_is_not_linear)
{
  const char *const activations[] = {"tanh", "sin", "gelu", "erf"};
  const double x[2] = {0.6, -1.1}, v = 0.8;
  for (int a = 0; a < 4; a++) {
    double error[2];
    for (int k = 0; k < 2; k++) {
      wmc_block_options o = options(3, 2, 40 << k);
      o.activation = wmc_activation_find(activations[a]);
      const machine m = make(wmc_pair_block(&wmc_block_one_layer), &o);
      error[k] = fabs(mean_square(m, x) - expanded_square(o.activation, v, 0.7 / o.depth, x));
      unmake(m);
    }
    if (test_verbose()) printf("%s: errors %.3g, then %.3g\n", activations[a], error[0], error[1]);
    cr_expect_gt(error[0], 6.5 * error[1], "%s: errors %g, then %g", activations[a], error[0],
                 error[1]);
  }
}

/* ---- the number of steps ----------------------------------------------------------------------
 */

Test(pair, records_are_ends_of_steps)
{
  const double quarters[] = {0.25, 0.5, 1}, thirds[] = {1.0 / 3, 1}, odd[] = {0.314159265358979, 1};
  wmc_block_options o = options(0, 4, 1); /* d sigma^2 T = 2.24, 8 of it 17.92 */
  cr_expect_eq(wmc_pair_steps(&o, 1, 1, odd + 1), 18);
  cr_expect_eq(wmc_pair_steps(&o, 1, 3, quarters), 20);
  cr_expect_eq(wmc_pair_steps(&o, 0.5, 3, quarters), 12);
  cr_expect_eq(wmc_pair_steps(&o, 1, 2, thirds), 18);
  cr_expect_eq(wmc_pair_steps(&o, 1, 2, odd), 0);
}

/* ---- smooth weights ----------------------------------------------------------------------------
 */

static const struct {
  const wmc_block *block;
  const char *activation;
  wmc_norm norm;
  double drop;
} equations[] = {{&wmc_block_linear, "linear", WMC_NORM_NONE, 0},
                 {&wmc_block_exponential, "linear", WMC_NORM_NONE, 0},
                 {&wmc_block_linear, "linear", WMC_NORM_LAYER, 0},
                 {&wmc_block_one_layer, "tanh", WMC_NORM_NONE, 0},
                 {&wmc_block_two_layer, "erf", WMC_NORM_RMS, 0},
                 {&wmc_block_inside, "gelu", WMC_NORM_NONE, 0},
                 {&wmc_block_outer, "sin", WMC_NORM_NONE, 0}};
enum { EQUATIONS = sizeof equations / sizeof *equations, SMOOTH_WIDTH = 3 };

/* log-singular values of one and the same network, by layers or by steps. */
static void values_of(int row, bool steps, int depth, double *out)
{
  const wmc_block *block = equations[row].block;
  const double end = 1;
  wmc_stream *s = test_stream(SEED, 500 + row);
  wmc_network *n;
  const wmc_block_options o = {.width = SMOOTH_WIDTH,
                               .depth = depth,
                               .hidden = 5,
                               .activation = wmc_activation_find(equations[row].activation),
                               .weights = wmc_weights_find("smooth"),
                               .modes = 2,
                               .variance = 0.8,
                               .time = 0.7,
                               .inner_variance = 0.45,
                               .input_norm2 = 3.9,
                               .norm = equations[row].norm,
                               .drop = equations[row].drop};
  cr_assert_eq(wmc_network_create(&n, steps ? wmc_neural_block(block) : block, &o, 1, &end),
               WMC_OK);
  cr_assert(wmc_network_draw(n, s));
  memcpy(out, wmc_network_values(n), SMOOTH_WIDTH * sizeof *out);
  wmc_network_destroy(n);
  wmc_stream_destroy(s);
}

/* Layers differ from the equation by b/L + c/L^2 + ...: two depths leave c/L^2. */
Test(pair, smooth_weights_follow_the_equation)
{
  for (int row = 0; row < EQUATIONS; row++) {
    double deep[2][SMOOTH_WIDTH], fine[SMOOTH_WIDTH];
    values_of(row, false, 2000, deep[0]);
    values_of(row, false, 4000, deep[1]);
    values_of(row, true, 64, fine);
    for (int i = 0; i < SMOOTH_WIDTH; i++) {
      double exact = 2 * deep[1][i] - deep[0][i];
      cr_expect_lt(fabs(fine[i] - exact), 2e-6, "row %d: lambda_%d = %.9f, not %.9f", row, i + 1,
                   fine[i], exact);
    }
  }
}

/* Halving the step takes the error down 16 times. */
Test(pair, smooth_weights_to_fourth_order)
{
  for (int row = 0; row < EQUATIONS; row++) {
    double coarse[SMOOTH_WIDTH], fine[SMOOTH_WIDTH], exact[SMOOTH_WIDTH], error[2] = {0};
    values_of(row, true, 32, coarse);
    values_of(row, true, 64, fine);
    values_of(row, true, 1024, exact);
    for (int i = 0; i < SMOOTH_WIDTH; i++) {
      error[0] = fmax(error[0], fabs(coarse[i] - exact[i]));
      error[1] = fmax(error[1], fabs(fine[i] - exact[i]));
    }
    if (test_verbose()) printf("row %d: errors %.3g, then %.3g\n", row, error[0], error[1]);
    cr_expect(error[0] > 10 * error[1] && error[0] < 24 * error[1], "row %d: %g, then %g", row,
              error[0], error[1]);
  }
}

/* ---- exact expectations ------------------------------------------------------------------------
 */

/* E|x|^{-2} = (1/2) int_0^inf E e^{-a |x|^2/2} da for x ~ N(x_0, u I), a = y/(1 - y);
 * data: d, |x_0|^2, u. */
static double of_inverse_square(double y, const double *data)
{
  const double a = y / (1 - y), spread = 1 + a * data[2];
  return 0.5 * pow(spread, -0.5 * data[0]) * exp(-0.5 * a * data[1] / spread) / ((1 - y) * (1 - y));
}

/* data: d, |x_0|^2 */
static double mean_inverse_square(double u, const double *data)
{
  const double of[] = {data[0], data[1], u};
  return test_integral(of_inverse_square, of, 0, 1);
}

/* E sum lambda = -((d - 1)/2) int_0^U E|x(u)|^{-2} du, U = v d T. */
Test(pair, expected_sum_behind_rms_norm)
{
  const wmc_model *model = wmc_model_find("residual_jacobian");
  test_parameters p = test_parameters_open(model);
  const double of[] = {4, 2.5}, records[] = {0.5, 1};
  test_give(&p, "width", "4");
  test_give(&p, "depth", "inf");
  test_give(&p, "norm", "rms");
  test_give(&p, "keep", "0.8");
  test_give(&p, "input_norm2", "2.5");
  test_give(&p, "time", "1.5");
  test_give(&p, "record", "[0.5, 1]");
  for (const wmc_observable *o = model->observables; o->name; o++) {
    const bool sum = strcmp(o->name, "log_singular_values_sum") == 0;
    double found[2];
    if (!sum && strcmp(o->name, "log_det_metric") != 0) continue;
    cr_assert(o->expected(p.values, found));
    for (int k = 0; k < 2; k++) {
      const double end = 4 * 1.5 / 0.8 * records[k],
                   exact = (sum ? -1.5 : -3) * test_integral(mean_inverse_square, of, 0, end);
      cr_expect_lt(fabs(found[k] / exact - 1), 1e-6, "%s: %.10g, not %.10g", o->name, found[k],
                   exact);
    }
  }
  test_parameters_close(&p);
}
