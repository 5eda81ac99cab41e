/* Velocities of the schemes heun and flow against the metric, and flows against exact solutions
 * and against the gradient flow of the layers. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/models/balanced_dynamics.h"
#include "parameters.h"
#include "streams.h"
#include "support.h"

enum { SIDE = 5 };

/* --- Chains ---------------------------------------------------------------------------------- */

/* Widths [columns, hidden, rows] and a target. */
typedef struct network {
  int columns, hidden, rows, rank;
  double depth, beta;
  const char *noise, *energy, *formulation, *scheme;
  double step, start;
} network;

static test_parameters deck_of(const network *n, const double *target)
{
  const double widths[] = {n->columns, n->hidden, n->rows};
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  test_take(&p, "excess");
  test_give_matrix(&p, "widths", 1, 3, widths);
  test_give_number(&p, "rank", n->rank);
  test_give_number(&p, "depth", n->depth);
  test_give_number(&p, "beta", n->beta);
  test_give(&p, "noise.kind", n->noise);
  test_give(&p, "energy.kind", n->energy);
  if (target) test_give_matrix(&p, "energy.matrix", (size_t)n->rows, (size_t)n->columns, target);
  test_give(&p, "formulation", n->formulation);
  test_give(&p, "scheme", n->scheme);
  test_give_number(&p, "step", n->step);
  test_give_number(&p, "start", n->start);
  return p;
}

static wmc_balanced *chain_of(const test_parameters *p, wmc_stream *s)
{
  void *chain;
  cr_assert_eq(p->model->create(p->values, &chain), WMC_OK, "%s", wmc_message());
  p->model->start(chain, s);
  return chain;
}

static void advance(wmc_balanced *chain, wmc_stream *s, long steps)
{
  cr_assert_eq(wmc_model_balanced.advance(chain, s, steps, false), WMC_OK, "%s", wmc_message());
}

/* X = U_r S^N V_r^T of coordinates whose S is diagonal up to its off-diagonal part; S^N by its
 * Taylor series to first order would not do: by products for small depths. */
static void matrix_of(const wmc_balanced *c, double *x)
{
  const int m = c->rows, n = c->columns;
  memset(x, 0, (size_t)(m * n) * sizeof *x);
  for (int k = 0; k < c->x.rank; k++)
    for (int j = 0; j < n; j++)
      for (int i = 0; i < m; i++) x[j * m + i] += c->u[k * m + i] * c->x.sigma[k] * c->v[k * n + j];
}

/* U S^N V^T for y = (S, U, V), whole depth. */
static void matrix_at(const wmc_balanced *c, const double *y, double *x)
{
  const int r = c->x.rank, m = c->rows, n = c->columns;
  const double *u = y + r * r, *v = u + m * m;
  double left[SIDE * SIDE], next[SIDE * SIDE];
  memcpy(left, u, (size_t)(m * r) * sizeof *left);
  for (int p = 0; p < (int)c->x.depth; p++) {
    for (int j = 0; j < r; j++)
      for (int i = 0; i < m; i++) {
        next[j * m + i] = 0;
        for (int k = 0; k < r; k++) next[j * m + i] += left[k * m + i] * y[j * r + k];
      }
    memcpy(left, next, sizeof left);
  }
  memset(x, 0, (size_t)(m * n) * sizeof *x);
  for (int k = 0; k < r; k++)
    for (int j = 0; j < n; j++)
      for (int i = 0; i < m; i++) x[j * m + i] += left[k * m + i] * v[k * n + j];
}

/* -A(Z) by the sum of eq. (5): powers of X X^T and X^T X by U and V, whole matrices; 0^0 = 1. */
static void descent(const wmc_balanced *c, const double *z, double *out)
{
  const int m = c->rows, n = c->columns, r = c->x.rank;
  for (int k = 0; k < m * n; k++) out[k] = 0;
  for (int a = 0; a < m; a++)
    for (int b = 0; b < n && (a < r || b < r); b++) {
      double entry = 0, weight = 0;
      for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) entry += c->u[a * m + i] * z[j * m + i] * c->v[b * n + j];
      const double x = a < r ? c->x.lambda2[a] : 0, y = b < r ? c->x.lambda2[b] : 0;
      for (int p = 1; p <= (int)c->x.depth; p++) weight += pow(x, c->x.depth - p) * pow(y, p - 1);
      for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++)
          out[j * m + i] -= weight * entry * c->u[a * m + i] * c->v[b * n + j];
    }
}

/* The velocity of the coordinates moves X by -A(E'), whatever the clusters are and wherever S is.
 */
Test(dynamics, velocity_is_minus_the_metric_gradient)
{
  wmc_stream *s = test_stream(33, 0);
  for (int t = 0; t < test_trials(60); t++) {
    network net = {.columns = 3 + t % 2,
                   .hidden = 4 + t % 2,
                   .rows = 3 + t / 2 % 2,
                   .rank = 3,
                   .depth = 1 + t % 5,
                   .beta = INFINITY,
                   .noise = "isotropic",
                   .energy = "target",
                   .formulation = "observable",
                   .scheme = "flow",
                   .step = 0.1,
                   .start = 1};
    double target[SIDE * SIDE], gradient[SIDE * SIDE], expected[SIDE * SIDE], x[2][SIDE * SIDE];
    if (t % 4 == 3 && net.depth > 1) net.rank = 2;
    wmc_stream_normals(s, (size_t)(net.rows * net.columns), 1, target);
    test_parameters p = deck_of(&net, target);
    wmc_balanced *c = chain_of(&p, s);
    const size_t size = wmc_balanced_chart_size(&c->law.shape);
    double *y = calloc(4 * size, sizeof *y), *dy = y + size, *moved = dy + size;
    double *scratch = calloc(wmc_balanced_velocity_scratch(&c->law.shape), sizeof *scratch);
    int cluster[3] = {0, 0, t % 2 ? 2 : 0};
    wmc_balanced_enter_chart(c, y);
    if (net.rank > 1) {
      y[1] = y[net.rank] = 0.3 * wmc_stream_normal(s);
      wmc_balanced_leave_chart(c, cluster, y, scratch);
      wmc_balanced_enter_chart(c, moved);
      matrix_at(c, y, x[0]);
      matrix_at(c, moved, x[1]);
      for (int k = 0; k < net.rows * net.columns; k++)
        cr_assert_float_eq(x[0][k], x[1][k], 1e-11 * (1 + fabs(x[0][k])));
    }
    const wmc_chart chart = {.chain = c, .cluster = cluster, .scratch = scratch};
    matrix_at(c, y, x[0]);
    wmc_energy_gradient(&c->energy, x[0], gradient);
    descent(c, gradient, expected);
    wmc_balanced_velocity(&chart, y, dy);
    double most = 0, scale = 0;
    for (int side = 0; side < 2; side++) {
      for (size_t k = 0; k < size; k++) moved[k] = y[k] + (side ? -1e-5 : 1e-5) * dy[k];
      matrix_at(c, moved, x[side]);
    }
    for (int k = 0; k < net.rows * net.columns; k++) {
      most = fmax(most, fabs((x[0][k] - x[1][k]) / 2e-5 - expected[k]));
      scale = fmax(scale, fabs(expected[k]));
    }
    cr_assert_lt(most, 1e-6 * (1 + scale), "case %d: %g of %g", t, most, scale);
    free(y);
    free(scratch);
    wmc_model_balanced.destroy(c);
    test_parameters_close(&p);
  }
  wmc_stream_destroy(s);
}

/* --- Flows ----------------------------------------------------------------------------------- */

/* lambda' = -lambda^(2N - 1), and (log sigma)' = -sigma^2 in its own time at infinite depth. */
static double exact_flow(double depth, double lambda, double t)
{
  if (isinf(depth)) return -0.5 * log(exp(-2 * lambda) + 2 * t);
  if (depth == 1) return lambda * exp(-t);
  const double power = 2 * depth - 2;
  return pow(pow(lambda, -power) + power * t, -1 / power);
}

Test(dynamics, frobenius_flow_is_the_exact_solution)
{
  const double depths[] = {1, 2, 3, 10, INFINITY};
  wmc_stream *s = test_stream(34, 0);
  for (int t = 0; t < 10; t++) {
    const network net = {.columns = 4,
                         .hidden = 5,
                         .rows = 4,
                         .rank = 4,
                         .depth = depths[t / 2],
                         .beta = INFINITY,
                         .noise = "isotropic",
                         .energy = "frobenius",
                         .formulation = t % 2 ? "observable" : "spectrum",
                         .scheme = "flow",
                         .step = 0.7,
                         .start = 1};
    test_parameters p = deck_of(&net, NULL);
    wmc_balanced *c = chain_of(&p, s);
    double from[4];
    memcpy(from, c->x.lambda, sizeof from);
    advance(c, s, 3);
    for (int k = 0; k < 4; k++) {
      const double exact = exact_flow(net.depth, from[k], 2.1);
      cr_assert_lt(fabs(c->x.lambda[k] - exact), 2e-7 * fabs(exact) + 2e-7 * isinf(net.depth),
                   "depth %g, %s: %.12g, exact %.12g", net.depth, net.formulation, c->x.lambda[k],
                   exact);
    }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&p);
  }
  wmc_stream_destroy(s);
}

/* One layer: X(t) = Phi + (X(0) - Phi) e^-t, through collisions and changes of the sign of det X.
 */
Test(dynamics, flow_of_one_layer_is_the_exact_solution)
{
  wmc_stream *s = test_stream(35, 0);
  for (int t = 0; t < 24; t++) {
    const network net = {.columns = 3,
                         .hidden = 3,
                         .rows = 3 + t % 2,
                         .rank = 3,
                         .depth = 1,
                         .beta = INFINITY,
                         .noise = "isotropic",
                         .energy = "target",
                         .formulation = "observable",
                         .scheme = "flow",
                         .step = 0.5,
                         .start = 1};
    double target[SIDE * SIDE], from[SIDE * SIDE], x[SIDE * SIDE];
    wmc_stream_normals(s, (size_t)(3 * net.rows), 1, target);
    test_parameters p = deck_of(&net, target);
    wmc_balanced *c = chain_of(&p, s);
    matrix_of(c, from);
    advance(c, s, 3);
    matrix_of(c, x);
    for (int j = 0; j < 3; j++)
      for (int i = 0; i < net.rows; i++) {
        const int at = j * net.rows + i;
        const double phi = target[i * 3 + j], exact = phi + (from[at] - phi) * exp(-1.5);
        cr_assert_lt(fabs(x[at] - exact), 1e-6, "case %d: %.10g, exact %.10g", t, x[at], exact);
      }
    wmc_model_balanced.destroy(c);
    test_parameters_close(&p);
  }
  wmc_stream_destroy(s);
}

/* c (m x n) = a b, sizes m x k and k x n; transposed where said */
static void product(int m, int n, int k, const double *a, bool ta, const double *b, bool tb,
                    double *c)
{
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      c[j * m + i] = 0;
      for (int l = 0; l < k; l++)
        c[j * m + i] += (ta ? a[i * k + l] : a[l * m + i]) * (tb ? b[l * n + j] : b[j * k + l]);
    }
}

/* Slope of three layers under gradient descent: W1 is h x n, W2 h x h, W3 m x h. */
static void layer_slopes(const wmc_energy *e, int m, int h, int n, const double *w, double *dw)
{
  const double *w1 = w, *w2 = w + h * n, *w3 = w2 + h * h;
  double low[SIDE * SIDE], high[SIDE * SIDE], x[SIDE * SIDE], g[SIDE * SIDE], part[SIDE * SIDE];
  product(h, n, h, w2, false, w1, false, low);
  product(m, h, h, w3, false, w2, false, high);
  product(m, n, h, w3, false, low, false, x);
  wmc_energy_gradient(e, x, g);
  product(h, n, m, high, true, g, false, dw);
  product(h, n, m, w3, true, g, false, part);
  product(h, h, n, part, false, w1, true, dw + h * n);
  product(m, h, n, g, false, low, true, dw + h * n + h * h);
  for (int k = 0; k < h * n + h * h + m * h; k++) dw[k] = -dw[k];
}

/* Classical Runge-Kutta steps of the layers. */
static void layer_flow(const wmc_energy *e, int m, int h, int n, double time, int steps, double *w)
{
  enum { MOST = 3 * SIDE * SIDE };
  const int size = h * n + h * h + m * h;
  const double step = time / steps, share[] = {0, 0.5, 0.5, 1}, weight[] = {1, 2, 2, 1};
  double k[4][MOST], y[MOST];
  for (int t = 0; t < steps; t++) {
    for (int stage = 0; stage < 4; stage++) {
      for (int i = 0; i < size; i++)
        y[i] = w[i] + (stage ? share[stage] * step * k[stage - 1][i] : 0);
      layer_slopes(e, m, h, n, y, k[stage]);
    }
    for (int i = 0; i < size; i++)
      for (int stage = 0; stage < 4; stage++) w[i] += step / 6 * weight[stage] * k[stage][i];
  }
}

/* Balanced layers over X: W1 = Q1 L V^T, W2 = Q2 L Q1^T, W3 = U L Q2^T. */
static void layers_over(const wmc_balanced *c, int h, wmc_stream *s, double *w)
{
  const int m = c->rows, n = c->columns, r = c->x.rank;
  double q[2][SIDE * SIDE], upper[SIDE * SIDE], scratch[1000], left[SIDE * SIDE];
  for (int k = 0; k < 2; k++) {
    wmc_stream_normals(s, (size_t)(h * r), 1, q[k]);
    cr_assert_lt(wmc_qr_scratch(h, r), 1000);
    wmc_qr(h, r, q[k], upper, scratch);
  }
  const double *frames[] = {c->v, q[0], q[1], c->u};
  const int sides[] = {n, h, h, m};
  for (int p = 1; p <= 3; p++) {
    for (int k = 0; k < r; k++)
      for (int i = 0; i < sides[p]; i++)
        left[k * sides[p] + i] = frames[p][k * sides[p] + i] * c->x.lambda[k];
    product(sides[p], sides[p - 1], r, left, false, frames[p - 1], true, w);
    w += sides[p] * sides[p - 1];
  }
}

/* Downstairs as upstairs: X of the layers' own gradient flow, three layers of unequal widths. */
Test(dynamics, flow_is_the_gradient_flow_of_the_layers)
{
  wmc_stream *s = test_stream(36, 0);
  for (int t = 0; t < 8; t++) {
    const network net = {.columns = 4,
                         .hidden = 5,
                         .rows = 3,
                         .rank = 3 - t % 2,
                         .depth = 3,
                         .beta = INFINITY,
                         .noise = "isotropic",
                         .energy = "target",
                         .formulation = "observable",
                         .scheme = "flow",
                         .step = 0.4,
                         .start = 0.8};
    double target[SIDE * SIDE], w[3 * SIDE * SIDE], low[SIDE * SIDE], x[2][SIDE * SIDE];
    wmc_stream_normals(s, 12, 1, target);
    test_parameters p = deck_of(&net, target);
    wmc_balanced *c = chain_of(&p, s);
    layers_over(c, 5, s, w);
    advance(c, s, 3);
    matrix_of(c, x[0]);
    layer_flow(&c->energy, 3, 5, 4, 1.2, 1500, w);
    product(5, 4, 5, w + 20, false, w, false, low);
    product(3, 4, 5, w + 45, false, low, false, x[1]);
    for (int k = 0; k < 12; k++)
      cr_assert_float_eq(x[0][k], x[1][k], 2e-6, "case %d: %.9g, layers %.9g", t, x[0][k], x[1][k]);
    wmc_model_balanced.destroy(c);
    test_parameters_close(&p);
  }
  wmc_stream_destroy(s);
}

static double free_energy(const test_parameters *p, wmc_balanced *c)
{
  double out[512];
  wmc_model_balanced.measure(c, out);
  return out[test_observable(p, "free_energy")];
}

/* E - S/beta decreases, to sigma^2 = (1 - 1/N) [(d-1)/2 + m] / beta. */
Test(dynamics, vertical_noise_leads_down_the_free_energy)
{
  wmc_stream *s = test_stream(37, 0);
  for (int t = 0; t < 12; t++) {
    const int d = 2 + t % 3, m = t / 2 % 2;
    const double depth = 2 + t % 4, beta = 0.5 + t;
    const network net = {.columns = d,
                         .hidden = d + m,
                         .rows = d,
                         .rank = d,
                         .depth = depth,
                         .beta = beta,
                         .noise = "vertical",
                         .energy = "frobenius",
                         .formulation = t % 2 ? "observable" : "spectrum",
                         .scheme = "flow",
                         .step = 0.05,
                         .start = 0.7};
    test_parameters p = deck_of(&net, NULL);
    wmc_balanced *c = chain_of(&p, s);
    double last = free_energy(&p, c);
    for (int k = 0; k < 40; k++) {
      advance(c, s, 1);
      const double now = free_energy(&p, c);
      cr_assert_lt(now, last + 1e-9 * (1 + fabs(last)), "case %d: %.12g, %.12g", t, last, now);
      last = now;
    }
    advance(c, s, 2000);
    const double exact = sqrt((1 - 1 / depth) * ((d - 1) / 2.0 + m) / beta);
    for (int k = 0; k < d; k++)
      cr_assert_lt(fabs(c->x.sigma[k] / exact - 1), 1e-6, "case %d: %.10g, exact %.10g", t,
                   c->x.sigma[k], exact);
    wmc_model_balanced.destroy(c);
    test_parameters_close(&p);
  }
  wmc_stream_destroy(s);
}

/* Near the minimum, without excess: all values together relax at 2 N sigma^(2 - 2/N), differences
 * at that times 1 - d (N + 1) / (6 N (d - 1)). */
Test(dynamics, relaxation_rates_of_the_free_energy)
{
  wmc_stream *s = test_stream(38, 0);
  for (int t = 0; t < 9; t++) {
    const int d = 2 + t % 3;
    const double depth = 2 + t / 3, beta = 2, sigma = sqrt((1 - 1 / depth) * (d - 1) / 2.0 / beta);
    const double uniform = 2 * depth * pow(sigma, 2 - 2 / depth), h = 0.01;
    const double relative = uniform * (1 - d * (depth + 1) / (6 * depth * (d - 1)));
    const network net = {.columns = d,
                         .hidden = d,
                         .rows = d,
                         .rank = d,
                         .depth = depth,
                         .beta = beta,
                         .noise = "vertical",
                         .energy = "frobenius",
                         .formulation = "spectrum",
                         .scheme = "flow",
                         .step = h,
                         .start = 1};
    for (int kind = 0; kind < 2; kind++) {
      const double small = 1e-4;
      test_parameters p = deck_of(&net, NULL);
      test_give(&p, "tolerance", "1e-13");
      wmc_balanced *c = chain_of(&p, s);
      for (int k = 0; k < d; k++) {
        const double off = kind == 0 ? 1 : k == 0 ? 1 : k == d - 1 ? -1 : 0;
        wmc_spectrum_set_log(&c->x, k, log(sigma) + small * off);
      }
      advance(c, s, 1);
      const double left = kind == 0 ? c->x.log_sigma[0] - log(sigma)
                                    : 0.5 * (c->x.log_sigma[0] - c->x.log_sigma[d - 1]);
      const double rate = -log(left / small) / h, exact = kind == 0 ? uniform : relative;
      cr_assert_lt(fabs(rate / exact - 1), 2e-4, "d %d, N %g: rate %g, exact %g", d, depth, rate,
                   exact);
      wmc_model_balanced.destroy(c);
      test_parameters_close(&p);
    }
  }
  wmc_stream_destroy(s);
}

/* A chain made anew from a packed state goes on bit for bit, and blocks may be split anywhere. */
Test(dynamics, chains_continue_bit_for_bit)
{
  const char *const schemes[] = {"euler", "heun", "flow"};
  wmc_stream *s = test_stream(40, 0), *other = test_stream(41, 0);
  unsigned char *bytes = malloc(wmc_stream_packed_size());
  for (int t = 0; t < 12; t++) {
    const bool frames = t / 3 % 2, still = t % 3 == 2;
    const network net = {.columns = 4,
                         .hidden = 4,
                         .rows = frames ? 3 : 4,
                         .rank = 3,
                         .depth = 3,
                         .beta = 2,
                         .noise = still ? "vertical" : "isotropic",
                         .energy = frames ? "target" : "frobenius",
                         .formulation = frames ? "observable" : "spectrum",
                         .scheme = schemes[t % 3],
                         .step = 0.003,
                         .start = 1};
    double target[SIDE * SIDE];
    wmc_stream_normals(s, 12, 1, target);
    test_parameters p = deck_of(&net, frames ? target : NULL);
    wmc_balanced *a = chain_of(&p, s), *b = chain_of(&p, other);
    advance(a, s, 70);
    double *packed = malloc(a->state_size * sizeof *packed);
    wmc_model_balanced.pack(a, packed);
    wmc_stream_pack(s, bytes);
    cr_assert_eq(wmc_stream_unpack(other, bytes), WMC_OK);
    wmc_model_balanced.unpack(b, packed);
    advance(a, s, 80);
    for (int k = 0; k < 8; k++) advance(b, other, 10);
    b->counts[WMC_COUNT_AGED] = a->counts[WMC_COUNT_AGED]; /* calls, of which b has more */
    cr_assert_eq(memcmp(a->state, b->state, a->state_size * sizeof(double)), 0, "%s %s",
                 net.formulation, net.scheme);
    free(packed);
    wmc_model_balanced.destroy(a);
    wmc_model_balanced.destroy(b);
    test_parameters_close(&p);
  }
  free(bytes);
  wmc_stream_destroy(s);
  wmc_stream_destroy(other);
}

/* --- Bad input ------------------------------------------------------------------------------- */

static void count(void *sink, int field, const char *message)
{
  (void)field;
  if (test_verbose()) printf("%s\n", message);
  ++*(int *)sink;
}

Test(dynamics, schemes_and_noise_must_go_together)
{
  const struct {
    const char *noise, *scheme;
    double beta;
    int complaints;
  } cases[] = {{"vertical", "flow", 1, 0},
               {"isotropic", "flow", INFINITY, 0},
               {"isotropic", "flow", 1, 1},
               {"vertical", "metropolis", 1, 1},
               {"vertical", "euler", 1, 1},
               {"isotropic", "heun", INFINITY, 1},
               {"isotropic", "metropolis", INFINITY, 1},
               {"isotropic", "heun", 1, 0}};
  for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++)
    for (int frames = 0; frames < 2; frames++) {
      const network net = {.columns = 2,
                           .hidden = 3,
                           .rows = 2,
                           .rank = 2,
                           .depth = 3,
                           .beta = cases[t].beta,
                           .noise = cases[t].noise,
                           .energy = "frobenius",
                           .formulation = frames ? "observable" : "spectrum",
                           .scheme = cases[t].scheme,
                           .step = 0.01,
                           .start = 1};
      int found = 0;
      const wmc_complaints complaints = {count, &found};
      test_parameters p = deck_of(&net, NULL);
      wmc_model_balanced.check(p.values, &complaints);
      cr_assert_eq(found, cases[t].complaints, "case %zu: %d complaints", t, found);
      test_parameters_close(&p);
    }
}

/* Two layers towards 0 lose rank exponentially: the chain says so. */
Test(dynamics, loss_of_rank_is_said)
{
  wmc_stream *s = test_stream(39, 0);
  const network net = {.columns = 2,
                       .hidden = 2,
                       .rows = 2,
                       .rank = 2,
                       .depth = 1,
                       .beta = INFINITY,
                       .noise = "isotropic",
                       .energy = "frobenius",
                       .formulation = "spectrum",
                       .scheme = "flow",
                       .step = 1000,
                       .start = 1};
  test_parameters p = deck_of(&net, NULL);
  wmc_balanced *c = chain_of(&p, s);
  cr_assert_eq(wmc_model_balanced.advance(c, s, 2, false), WMC_FAILURE);
  cr_assert(strstr(wmc_message(), "rank") != NULL, "%s", wmc_message());
  wmc_model_balanced.destroy(c);
  test_parameters_close(&p);
  wmc_stream_destroy(s);
}
