/* Schemes heun and flow for complex X: coordinates S, U, V against the metric gradient, flows
 * against exact solutions, minima of the free energy, exact continuation. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/models/balanced_complex.h"
#include "complaints.h"
#include "continues.h"
#include "streams.h"
#include "support.h"

enum { SIDE = 4, ENTRIES = SIDE * SIDE };

/* Data row-major. */
typedef struct problem {
  test_parameters deck;
  wmc_balanced *chain;
  double re[ENTRIES], im[ENTRIES], mask[ENTRIES];
} problem;

static problem open_problem(const double widths[3], int rank, int depth, const char *scheme,
                            double step, const char *energy, wmc_stream *s)
{
  problem p = {.deck = test_parameters_open(&wmc_model_balanced)};
  const size_t rows = (size_t)widths[2], columns = (size_t)widths[0];
  const bool flow = strcmp(scheme, "flow") == 0, masked = strcmp(energy, "completion") == 0;
  void *chain;
  test_take(&p.deck, "excess");
  test_give_matrix(&p.deck, "widths", 1, 3, widths);
  test_give_number(&p.deck, "rank", rank);
  test_give_number(&p.deck, "depth", depth);
  test_give(&p.deck, "field", "complex");
  test_give(&p.deck, "beta", flow ? "inf" : "2");
  test_give(&p.deck, "formulation", "observable");
  test_give(&p.deck, "scheme", scheme);
  test_give_number(&p.deck, "step", step);
  test_give_number(&p.deck, "start", 1);
  wmc_stream_normals(s, ENTRIES, 1, p.re);
  wmc_stream_normals(s, ENTRIES, 1, p.im);
  for (int k = 0; k < ENTRIES; k++) p.mask[k] = k % 3 != 1;
  test_give(&p.deck, "energy.kind", energy);
  test_give_matrix(&p.deck, "energy.matrix", rows, columns, p.re);
  test_give_matrix(&p.deck, "energy.imaginary", rows, columns, p.im);
  if (masked) test_give_matrix(&p.deck, "energy.mask", rows, columns, p.mask);
  test_complaint(&p.deck, NULL, NULL);
  cr_assert_eq(wmc_model_balanced.create(p.deck.values, &chain), WMC_OK, "%s", wmc_message());
  wmc_model_balanced.start(chain, s);
  p.chain = chain;
  return p;
}

static void close_problem(problem *p)
{
  wmc_model_balanced.destroy(p->chain);
  test_parameters_close(&p->deck);
}

/* U S^N V^* for y = (S, U, V). */
static void matrix_at(const wmc_balanced *c, const double *y, wmc_complex *x)
{
  const int r = c->x.rank, m = c->rows, n = c->columns;
  const wmc_complex *s = (const wmc_complex *)y, *u = s + r * r, *v = u + m * m;
  wmc_complex left[ENTRIES], next[ENTRIES];
  memcpy(left, u, (size_t)(m * r) * sizeof *left);
  for (int p = 0; p < (int)c->x.depth; p++) {
    for (int j = 0; j < r; j++)
      for (int i = 0; i < m; i++) {
        next[j * m + i] = 0;
        for (int k = 0; k < r; k++) next[j * m + i] += left[k * m + i] * s[j * r + k];
      }
    memcpy(left, next, sizeof left);
  }
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      x[j * m + i] = 0;
      for (int k = 0; k < r; k++) x[j * m + i] += left[k * m + i] * conj(v[k * n + j]);
    }
}

/* -A(E') by the sum of eq. (5), E' entry by entry. */
static void descent(const problem *p, const wmc_complex *x, wmc_complex *out)
{
  const wmc_balanced *c = p->chain;
  const int m = c->rows, n = c->columns, r = c->x.rank;
  const wmc_complex *u = c->unitary->u, *v = c->unitary->v;
  for (int k = 0; k < m * n; k++) out[k] = 0;
  for (int a = 0; a < m; a++)
    for (int b = 0; b < n && (a < r || b < r); b++) {
      wmc_complex entry = 0;
      double weight = 0;
      for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
          const int at = i * n + j;
          const double seen = c->energy.masked ? p->mask[at] : 1;
          entry +=
              conj(u[a * m + i]) * seen * (x[j * m + i] - p->re[at] - I * p->im[at]) * v[b * n + j];
        }
      const double left = a < r ? c->x.lambda2[a] : 0, right = b < r ? c->x.lambda2[b] : 0;
      for (int q = 1; q <= (int)c->x.depth; q++)
        weight += pow(left, c->x.depth - q) * pow(right, q - 1);
      for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++)
          out[j * m + i] -= weight * entry * u[a * m + i] * conj(v[b * n + j]);
    }
}

/* The velocity of the coordinates moves X by -A(E'), whatever the clusters are and wherever S is.
 */
Test(complex_dynamics, velocity_is_minus_the_metric_gradient)
{
  wmc_stream *s = test_stream(501, 0);
  for (int t = 0; t < test_trials(60); t++) {
    const double widths[] = {3 + t % 2, 4 + t % 2, 3 + t / 2 % 2};
    const int depth = 1 + t % 5, rank = t % 4 == 3 && depth > 1 ? 2 : 3;
    problem p = open_problem(widths, rank, depth, "flow", 0.1, t % 3 ? "target" : "completion", s);
    wmc_balanced *c = p.chain;
    const int entries = c->rows * c->columns;
    const size_t size = wmc_balanced_chart_size(&c->law.shape);
    double *y = calloc(3 * size, sizeof *y), *dy = y + size, *moved = dy + size;
    double *scratch = calloc(wmc_balanced_velocity_scratch(&c->law.shape), sizeof *scratch);
    wmc_complex x[2][ENTRIES], expected[ENTRIES];
    const int cluster[3] = {0, 0, t % 2 ? 2 : 0};
    wmc_balanced_enter_chart(c, y);
    wmc_complex *entry = (wmc_complex *)y;
    entry[1] = 0.3 * (wmc_stream_normal(s) + I * wmc_stream_normal(s));
    entry[rank] = conj(entry[1]);
    wmc_balanced_leave_chart(c, cluster, y, scratch);
    wmc_balanced_enter_chart(c, moved);
    matrix_at(c, y, x[0]);
    matrix_at(c, moved, x[1]);
    for (int k = 0; k < entries; k++)
      cr_assert_lt(cabs(x[0][k] - x[1][k]), 1e-11 * (1 + cabs(x[0][k])), "case %d", t);
    const wmc_chart chart = {.chain = c, .cluster = cluster, .scratch = scratch};
    descent(&p, x[0], expected);
    wmc_balanced_velocity(&chart, y, dy);
    double most = 0, scale = 0, fastest = 1;
    for (size_t k = 0; k < size; k++) fastest = fmax(fastest, fabs(dy[k]));
    const double time = 1e-5 / fastest;
    for (int side = 0; side < 2; side++) {
      for (size_t k = 0; k < size; k++) moved[k] = y[k] + (side ? -time : time) * dy[k];
      matrix_at(c, moved, x[side]);
    }
    for (int k = 0; k < entries; k++) {
      most = fmax(most, cabs((x[0][k] - x[1][k]) / (2 * time) - expected[k]));
      scale = fmax(scale, cabs(expected[k]));
    }
    cr_assert_lt(most, 1e-6 * (1 + scale), "case %d: %g of %g", t, most, scale);
    free(y);
    free(scratch);
    close_problem(&p);
  }
  wmc_stream_destroy(s);
}

/* Every observed entry of one layer goes to its target by itself, the others stay. */
Test(complex_dynamics, flow_of_one_layer_is_the_exact_solution)
{
  wmc_stream *s = test_stream(502, 0);
  for (int t = 0; t < 24; t++) {
    const double widths[] = {3, 3, 3 + t % 2};
    problem p = open_problem(widths, 3, 1, "flow", 0.5, t % 4 < 2 ? "target" : "completion", s);
    wmc_balanced *c = p.chain;
    wmc_unitary *f = c->unitary;
    wmc_complex from[ENTRIES], x[ENTRIES];
    wmc_unitary_matrix(c, c->x.sigma, f->u, f->v, from);
    cr_assert_eq(wmc_model_balanced.advance(c, s, 3, false), WMC_OK, "%s", wmc_message());
    wmc_unitary_matrix(c, c->x.sigma, f->u, f->v, x);
    for (int j = 0; j < 3; j++)
      for (int i = 0; i < c->rows; i++) {
        const int at = j * c->rows + i, row = i * 3 + j;
        const wmc_complex phi = p.re[row] + I * p.im[row];
        const bool seen = !c->energy.masked || p.mask[row] != 0;
        const wmc_complex exact = seen ? phi + (from[at] - phi) * exp(-1.5) : from[at];
        cr_assert_lt(cabs(x[at] - exact), 1e-6, "case %d", t);
      }
    close_problem(&p);
  }
  wmc_stream_destroy(s);
}

/* The minimum of |X|^2/2 - S/beta: at equal sigma, d log sigma of S is (1 - 1/N)(d + 2 m) for each,
 * by (E1) and (9). */
Test(complex_dynamics, vertical_noise_leads_to_the_minimum_of_the_free_energy)
{
  const int cases[][3] = {{2, 3, 0}, {3, 2, 1}, {1, 4, 0}};
  const char *const formulations[] = {"observable", "spectrum"};
  for (int k = 0; k < 6; k++) {
    const int d = cases[k / 2][0], n = cases[k / 2][1], m = cases[k / 2][2];
    wmc_stream *s = test_stream(510 + k, 0);
    test_parameters p = test_parameters_open(&wmc_model_balanced);
    void *chain;
    test_give_number(&p, "width", d);
    test_give_number(&p, "depth", n);
    test_give_number(&p, "excess", m);
    test_give(&p, "field", "complex");
    test_give_number(&p, "beta", 1.5);
    test_give(&p, "noise.kind", "vertical");
    test_give(&p, "formulation", formulations[k % 2]);
    test_give(&p, "scheme", "flow");
    test_give_number(&p, "step", 20);
    cr_assert_eq(p.model->create(p.values, &chain), WMC_OK);
    p.model->start(chain, s);
    cr_assert_eq(p.model->advance(chain, s, 1, false), WMC_OK, "%s", wmc_message());
    const double exact = (1 - 1.0 / n) * (d + 2 * m) / 1.5;
    for (int i = 0; i < d; i++)
      cr_expect_float_eq(((wmc_balanced *)chain)->x.sigma2[i], exact, 1e-6, "case %d", k);
    p.model->destroy(chain);
    test_parameters_close(&p);
    wmc_stream_destroy(s);
  }
}

Test(complex_dynamics, chains_continue_bit_for_bit)
{
  const char *const schemes[] = {"heun", "flow", "euler"};
  for (int t = 0; t < 12; t++) {
    const double widths[] = {2 + t % 2, 3, 2};
    const char *energy = t / 3 % 2 ? "completion" : "target";
    wmc_stream *s = test_stream(520 + t, 0), *other = test_stream(520 + t, 0);
    problem p = open_problem(widths, 2, 1 + t / 6 * 2, schemes[t % 3], 0.02, energy, s);
    problem q = open_problem(widths, 2, 1 + t / 6 * 2, schemes[t % 3], 0.02, energy, other);
    const wmc_model *model = &wmc_model_balanced;
    cr_assert_eq(model->advance(p.chain, s, 30, true), WMC_OK, "%s", wmc_message());
    test_continues(model, p.deck.values, p.chain, s, q.chain, 15, false);
    close_problem(&p);
    close_problem(&q);
    wmc_stream_destroy(s);
    wmc_stream_destroy(other);
  }
}
