/* Formulation observable for complex X: energies and moves against the matrix itself, invariants of
 * the frames, exact continuation. */
#include "../../src/models/balanced_complex.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "continues.h"
#include "parameters.h"
#include "streams.h"
#include "support.h"

enum { MOST = 4, ENTRIES = MOST * MOST };

static const struct {
  int columns, hidden, rows, rank;
} shapes[] = {{1, 1, 1, 1}, {2, 2, 2, 2}, {3, 4, 3, 3}, {4, 3, 2, 2},
              {2, 2, 4, 2}, {3, 3, 3, 2}, {4, 4, 1, 1}, {3, 2, 4, 1}};

/* Energies; data row-major. */
enum { TARGET, COMPLETION, REGRESSION, SUM, KINDS, SAMPLES = 5 };
static const char *const kinds[] = {"target", "completion", "regression", "sum"};

typedef struct problem {
  test_parameters deck;
  int kind;
  double re[ENTRIES], im[ENTRIES], mask[ENTRIES], inputs[SAMPLES * MOST], labels[SAMPLES * MOST];
} problem;

static void give_energy(problem *p, size_t rows, size_t columns, bool imaginary, wmc_stream *s)
{
  const test_parameters *deck = &p->deck;
  wmc_stream_normals(s, ENTRIES, 1, p->re);
  wmc_stream_normals(s, ENTRIES, imaginary ? 1 : 0, p->im);
  wmc_stream_normals(s, SAMPLES * MOST, 1, p->inputs);
  wmc_stream_normals(s, SAMPLES * MOST, 1, p->labels);
  for (int k = 0; k < ENTRIES; k++) p->mask[k] = k == 0 || wmc_stream_uniform(s) < 0.5;
  test_give(deck, "energy.kind", kinds[p->kind]);
  if (p->kind != REGRESSION) test_give_matrix(deck, "energy.matrix", rows, columns, p->re);
  if (p->kind != REGRESSION && imaginary)
    test_give_matrix(deck, "energy.imaginary", rows, columns, p->im);
  if (p->kind == COMPLETION || p->kind == SUM)
    test_give_matrix(deck, "energy.mask", rows, columns, p->mask);
  if (p->kind == REGRESSION || p->kind == SUM) {
    test_give_matrix(deck, "energy.inputs", SAMPLES, columns, p->inputs);
    test_give_matrix(deck, "energy.labels", SAMPLES, rows, p->labels);
  }
  if (p->kind == SUM) {
    test_give_number(deck, "energy.frobenius", 0.3);
    test_give_number(deck, "energy.target", 0.4);
    test_give_number(deck, "energy.completion", 0.7);
    test_give_number(deck, "energy.regression", 0.6);
  }
}

static wmc_balanced *chain_of(problem *p, const char *scheme, int t, wmc_stream *s)
{
  const int shape = t % 8, rows = shapes[shape].rows, columns = shapes[shape].columns;
  const double widths[] = {columns, shapes[shape].hidden, rows};
  const double depths[] = {1, 2, 5};
  p->deck = test_parameters_open(&wmc_model_balanced);
  test_take(&p->deck, "excess");
  test_give_matrix(&p->deck, "widths", 1, 3, widths);
  test_give_number(&p->deck, "rank", shapes[shape].rank);
  test_give_number(&p->deck, "depth", depths[t / 8 % 3]);
  test_give(&p->deck, "field", "complex");
  test_give_number(&p->deck, "beta", 0.5 + t % 4);
  test_give(&p->deck, "formulation", "observable");
  test_give(&p->deck, "scheme", scheme);
  test_give_number(&p->deck, "step", strcmp(scheme, "metropolis") ? 1e-3 : 0.4);
  p->kind = t / 24 % KINDS;
  give_energy(p, (size_t)rows, (size_t)columns, t % 3 != 0, s);
  void *chain;
  cr_assert_eq(wmc_model_balanced.create(p->deck.values, &chain), WMC_OK, "%s", wmc_message());
  wmc_model_balanced.start(chain, s);
  cr_assert_eq(wmc_model_balanced.advance(chain, s, 3, true), WMC_OK, "%s", wmc_message());
  return chain;
}

static void close_problem(problem *p, wmc_balanced *chain)
{
  wmc_model_balanced.destroy(chain);
  test_parameters_close(&p->deck);
}

/* X - Phi and X, entry (i, j), from the frames. */
static wmc_complex entry(const wmc_balanced *c, int i, int j)
{
  wmc_complex sum = 0;
  for (int k = 0; k < c->x.rank; k++)
    sum += c->unitary->u[k * c->rows + i] * c->x.sigma[k] * conj(c->unitary->v[k * c->columns + j]);
  return sum;
}

/* One entry's share of frobenius, target and completion, each a square |X - Phi|^2 / 2. */
static double entry_energy(const problem *p, int at, wmc_complex x, double *virial)
{
  const bool sum = p->kind == SUM;
  const wmc_complex phi = p->re[at] + I * p->im[at];
  const struct {
    double weight;
    wmc_complex gap;
  } terms[] = {{sum ? 0.3 : 0, x},
               {sum                 ? 0.4
                : p->kind == TARGET ? 1
                                    : 0,
                x - phi},
               {p->mask[at] * (sum                     ? 0.7
                               : p->kind == COMPLETION ? 1
                                                       : 0),
                x - phi}};
  double energy = 0;
  for (int k = 0; k < 3; k++) {
    energy += terms[k].weight * 0.5 * creal(terms[k].gap * conj(terms[k].gap));
    *virial += terms[k].weight * creal(conj(x) * terms[k].gap);
  }
  return energy;
}

/* Mean over samples of |X x - y|^2 / 2. */
static double sample_energy(const problem *p, const wmc_balanced *c, double *virial)
{
  const double weight = p->kind == SUM ? 0.6 : p->kind == REGRESSION ? 1 : 0;
  double energy = 0;
  for (int k = 0; weight > 0 && k < SAMPLES; k++)
    for (int i = 0; i < c->rows; i++) {
      wmc_complex out = 0;
      for (int j = 0; j < c->columns; j++) out += entry(c, i, j) * p->inputs[k * c->columns + j];
      const wmc_complex gap = out - p->labels[k * c->rows + i];
      energy += weight * 0.5 * creal(gap * conj(gap)) / SAMPLES;
      *virial += weight * creal(conj(out) * gap) / SAMPLES;
    }
  return energy;
}

static double definition(const problem *p, const wmc_balanced *c, double *virial)
{
  *virial = 0;
  double energy = sample_energy(p, c, virial);
  for (int i = 0; i < c->rows; i++)
    for (int j = 0; j < c->columns; j++)
      energy += entry_energy(p, i * c->columns + j, entry(c, i, j), virial);
  return energy;
}

static void check_unitary(int n, const wmc_complex *q)
{
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      wmc_complex sum = 0;
      for (int k = 0; k < n; k++) sum += conj(q[i * n + k]) * q[j * n + k];
      cr_assert_lt(cabs(sum - (i == j)), 1e-12);
    }
}

Test(balanced_complex, energy_and_virial_are_those_of_the_matrix)
{
  wmc_stream *s = test_stream(71, 0);
  for (int t = 0; t < test_trials(96); t++) {
    problem p;
    wmc_balanced *c = chain_of(&p, "metropolis", t, s);
    double virial, energy;
    for (int k = 0; k < 40; k++) {
      energy = definition(&p, c, &virial);
      cr_assert_lt(fabs(wmc_balanced_energy(c) - energy), 1e-11 * (1 + energy), "case %d", t);
      cr_assert_lt(fabs(wmc_balanced_virial(c) - virial), 1e-11 * (1 + fabs(virial) + energy));
      check_unitary(c->rows, c->unitary->u);
      check_unitary(c->columns, c->unitary->v);
      cr_assert_eq(wmc_model_balanced.advance(c, s, 5, k < 20), WMC_OK);
    }
    close_problem(&p, c);
  }
  wmc_stream_destroy(s);
}

/* Whether the mean of the virial is known at depth inf, where decay is a sum of log sigma: not
 * alone, and with frobenius as long as it leaves sigma = 0 a density that can be normalised;
 * complex phases give it the power 1. */
Test(balanced_complex, laws_that_do_not_exist_have_no_means)
{
  const struct {
    const char *depth, *energy;
    double decay;
    bool known;
  } cases[] = {{"3", "decay", 1, true},
               {"inf", "decay", 1, false},
               {"inf", "frobenius", 0.5, true},
               {"inf", "frobenius", 2.5, false}};
  for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++) {
    test_parameters p = test_parameters_open(&wmc_model_balanced);
    double mean;
    test_give_number(&p, "width", 2);
    test_give(&p, "depth", cases[t].depth);
    test_give(&p, "field", "complex");
    test_give(&p, "scheme", "euler");
    test_give(&p, "energy.kind", cases[t].energy);
    test_give_number(&p, "energy.decay", cases[t].decay);
    const wmc_observable *o = p.model->observables;
    while (strcmp(o->name, "virial") != 0) o++;
    cr_expect_eq(o->expected(p.values, &mean), cases[t].known, "depth %s, %s", cases[t].depth,
                 cases[t].energy);
    test_parameters_close(&p);
  }
}

/* Real and imaginary parts of the entries, by rows, where the state is X and where it is the
 * layers.
 */
Test(balanced_complex, entries_are_those_of_the_matrix)
{
  const char *const formulations[] = {"observable", "parameters"};
  wmc_stream *s = test_stream(76, 0);
  const double widths[] = {2, 4, 3};
  for (int t = 0; t < 2; t++) {
    test_parameters p = test_parameters_open(&wmc_model_balanced);
    double out[64];
    void *state;
    test_take(&p, "excess");
    test_give_matrix(&p, "widths", 1, 3, widths);
    test_give_number(&p, "rank", 2);
    test_give_number(&p, "depth", 3);
    test_give(&p, "field", "complex");
    test_give(&p, "formulation", formulations[t]);
    test_give(&p, "entries", "all");
    cr_assert_eq(p.model->create(p.values, &state), WMC_OK, "%s", wmc_message());
    p.model->start(state, s);
    cr_assert_eq(p.model->advance(state, s, 5, true), WMC_OK);
    p.model->measure(state, out);
    const double *re = out + test_observable(&p, "matrix");
    const double *im = out + test_observable(&p, "matrix_imaginary");
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 2; j++) {
        const wmc_complex exact = entry(state, i, j);
        cr_expect_float_eq(re[2 * i + j], creal(exact), 1e-13);
        cr_expect_float_eq(im[2 * i + j], cimag(exact), 1e-13);
        cr_expect_gt(fabs(cimag(exact)), 1e-6);
      }
    p.model->destroy(state);
    test_parameters_close(&p);
  }
  wmc_stream_destroy(s);
}

static wmc_unitary_turn turn_random(wmc_stream *s, bool some)
{
  const double angle = some ? wmc_stream_normal(s) : 0;
  return (wmc_unitary_turn){cos(angle), sin(angle) * cexp(I * 6 * wmc_stream_uniform(s))};
}

Test(balanced_complex, turns_change_the_energy_as_stated)
{
  wmc_stream *s = test_stream(72, 0);
  for (int t = 0; t < test_trials(96); t++) {
    problem p;
    wmc_balanced *c = chain_of(&p, "metropolis", t, s);
    double virial, before = definition(&p, c, &virial);
    for (int i = 0; i < c->x.rank; i++)
      for (int j = i + 1; j < c->span; j++) {
        const wmc_unitary_turn a = turn_random(s, j < c->rows), b = turn_random(s, j < c->columns);
        const double change = wmc_unitary_turn_change(c, i, j, &a, &b);
        wmc_unitary_turn_frames(c, i, j, &a, &b);
        const double after = definition(&p, c, &virial);
        cr_assert_lt(fabs(after - before - change), 1e-11 * (1 + before), "case %d", t);
        cr_assert_lt(fabs(wmc_balanced_energy(c) - after), 1e-11 * (1 + after));
        check_unitary(c->rows, c->unitary->u);
        before = after;
      }
    const int k = t % c->x.rank;
    wmc_unitary_turn_phase(c, k, cexp(I * 2.0 * t));
    before = definition(&p, c, &virial);
    cr_assert_lt(fabs(wmc_balanced_energy(c) - before), 1e-11 * (1 + before));
    close_problem(&p, c);
  }
  wmc_stream_destroy(s);
}

/* Moves of lambda and of the scale against the density with the energy of the matrix. */
Test(balanced_complex, ratios_are_differences_of_densities)
{
  wmc_stream *s = test_stream(73, 0);
  for (int t = 0; t < test_trials(96); t++) {
    problem p;
    double virial;
    wmc_balanced *c = chain_of(&p, "metropolis", t, s);
    const int k = c->x.rank - 1;
    const double before = wmc_gibbs_log_density(&c->law, &c->x, definition(&p, c, &virial));
    const double to = c->x.lambda[k] * (0.3 + 0.6 * wmc_stream_uniform(s));
    const double ratio = wmc_balanced_lambda_ratio(c, k, to);
    wmc_spectrum_set_lambda(&c->x, k, to);
    wmc_unitary_project(c);
    double after = wmc_gibbs_log_density(&c->law, &c->x, definition(&p, c, &virial));
    cr_assert_lt(fabs(after - before - ratio), 1e-10 * (1 + fabs(before)), "case %d", t);
    const double shift = 0.4 * wmc_stream_normal(s), scale = wmc_balanced_scale_ratio(c, shift);
    wmc_spectrum_scale(&c->x, shift);
    const double scaled = wmc_gibbs_log_density(&c->law, &c->x, definition(&p, c, &virial));
    const double chart = c->x.rank * shift / c->x.depth;
    cr_assert_lt(fabs(scaled + chart - after - scale), 1e-10 * (1 + fabs(after)), "case %d", t);
    close_problem(&p, c);
  }
  wmc_stream_destroy(s);
}

Test(balanced_complex, packed_chains_continue_bit_for_bit)
{
  const wmc_model *model = &wmc_model_balanced;
  for (int t = 0; t < 24; t++) {
    problem p, q;
    wmc_stream *s = test_stream(80 + t, 0), *copy = test_stream(80 + t, 0);
    wmc_balanced *one = chain_of(&p, "metropolis", t, s);
    wmc_balanced *two = chain_of(&q, "metropolis", t, copy);
    cr_assert_eq(model->advance(one, s, 100, true), WMC_OK);
    test_continues(model, p.deck.values, one, s, two, 26, false);
    close_problem(&p, one);
    close_problem(&q, two);
    wmc_stream_destroy(s);
    wmc_stream_destroy(copy);
  }
}

/* F = U^* E'(X) V: its diagonal against differences of the energy along sigma, its trace with Sigma
 * against the virial, other entries against changes by small turns of U. */
Test(balanced_complex, force_is_the_derivative_of_the_energy)
{
  wmc_stream *s = test_stream(74, 0);
  for (int t = 0; t < test_trials(96); t++) {
    problem p;
    double virial;
    wmc_balanced *c = chain_of(&p, "euler", t, s);
    const wmc_unitary *f = c->unitary;
    const int m = c->rows, n = c->columns, k = t % c->x.rank;
    wmc_unitary_find_force(c, c->x.sigma, f->u, f->v, f->force, f->scratch);
    cr_assert_eq(wmc_model_balanced.advance(c, s, 0, false), WMC_OK);
    const double before = definition(&p, c, &virial), size = 1e-5 * (1 + c->x.sigma[k]);
    const double old = c->x.sigma[k];
    c->x.sigma[k] = old + size;
    double slope = definition(&p, c, &virial);
    c->x.sigma[k] = old - size;
    slope = (slope - definition(&p, c, &virial)) / (2 * size);
    c->x.sigma[k] = old;
    cr_assert_lt(fabs(slope - creal(f->force[k * (m + 1)])), 1e-7 * (1 + before), "case %d", t);
    wmc_complex sum = 0;
    for (int l = 0; l < c->x.rank; l++) sum += c->x.sigma[l] * f->force[l * (m + 1)];
    definition(&p, c, &virial);
    cr_assert_lt(fabs(creal(sum) - virial), 1e-11 * (1 + fabs(virial) + before));
    if (c->span > 1) {
      const int other = (k + 1) % c->span, low = k < other ? k : other, high = k + other - low;
      const double angle = 1e-6;
      for (int part = 0; part < 2 && low < c->x.rank; part++) {
        const wmc_unitary_turn turn = {cos(angle), sin(angle) * (part ? I : 1)}, none = {1, 0};
        const double sl = c->x.sigma[low], sh = high < c->x.rank ? c->x.sigma[high] : 0;
        if (high >= m) continue;
        /* dX = angle (s u_h sigma_l v_l^* - s^* u_l sigma_h v_h^*) */
        const wmc_complex at_low = f->force[low * m + high];
        const wmc_complex at_high = high < n ? f->force[high * m + low] : 0;
        const wmc_complex unit = part ? I : 1;
        const double expected = creal(conj(unit * sl) * at_low - conj(conj(unit) * sh) * at_high);
        const double change = wmc_unitary_turn_change(c, low, high, &turn, &none);
        cr_assert_lt(fabs(change / angle - expected), 1e-4 * (1 + before), "case %d: %g %g", t,
                     change / angle, expected);
      }
    }
    close_problem(&p, c);
  }
  wmc_stream_destroy(s);
}

/* The overlap of a ladder takes out the least energy, which is 0 for a target, complex or not: what
 * stays of its offset is the power of beta. */
Test(balanced_complex, ladders_take_out_the_least_energy)
{
  const double re[] = {1, 2, 0, -1}, im[] = {30, 0, -4, 50};
  test_parameters p = test_parameters_open(&wmc_model_balanced);
  wmc_stream *s = test_stream(75, 0);
  double out[64];
  void *chain;
  test_give_number(&p, "width", 2);
  test_give_number(&p, "depth", 2);
  test_give(&p, "field", "complex");
  test_give(&p, "formulation", "observable");
  test_give(&p, "ladder", "[1, 3]");
  test_give(&p, "energy.kind", "target");
  test_give_matrix(&p, "energy.matrix", 2, 2, re);
  test_give_matrix(&p, "energy.imaginary", 2, 2, im);
  cr_assert_eq(p.model->create(p.values, &chain), WMC_OK, "%s", wmc_message());
  p.model->start(chain, s);
  cr_assert_eq(p.model->advance(chain, s, 5, true), WMC_OK);
  p.model->measure(chain, out);
  const wmc_gibbs *law = &((wmc_balanced *)chain)->law;
  cr_expect_float_eq(out[test_observable(&p, "ladder_offset")],
                     -0.5 * wmc_gibbs_scaling(law) * log(3), 1e-9);
  p.model->destroy(chain);
  test_parameters_close(&p);
  wmc_stream_destroy(s);
}
