/* The three formulations of the model `balanced` agree in law, and their errors are honest: means
 * of all observables by Metropolis moves against exact values, E = |X|^2/2 and isotropic noise,
 * widths 2 and 3 without excess. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/models/balanced_parameters.h"
#include "simulation.h"
#include "weylmc/statistics/estimate.h"

/* --- Exact means and deviations -------------------------------------------------------------- */

enum { MOST_WIDTH = 3, MOST_CHAINS = 128, MOST_NUMBERS = 40 };

/* Numbers that a chain measures: where they stand, mean, deviation of one draw. */
typedef struct number {
  const char *name;
  int index;
  double mean, deviation;
} number;

typedef struct numbers {
  int count;
  number at[MOST_NUMBERS];
} numbers;

/* The radius R = |X|, of density R^P exp(-R^2/2) dR/R, and the ratios x_i = sigma_i/R are
 * independent. A number is R^power g(x), or c log R + g(x). */
typedef struct radius {
  double scaling; /* P */
  double mean_log, square_log;
} radius;

/* E R^k, and with it the moments of log R: the trapezoidal rule in log R. */
static double radius_moment(double scaling, double k, int logs)
{
  const double step = 1.0 / 64;
  double sum = 0, mass = 0;
  for (double x = -60 / scaling; x < 4; x += step) {
    const double weight = exp(scaling * x - 0.5 * exp(2 * x));
    sum += weight * exp(k * x) * pow(x, logs);
    mass += weight;
  }
  return sum / mass;
}

static radius radius_of(int d, int depth)
{
  const double scaling = (0.5 * d * (d - 1) * (1 + depth) + d) / depth;
  return (radius){.scaling = scaling,
                  .mean_log = radius_moment(scaling, 0, 1),
                  .square_log = radius_moment(scaling, 0, 2)};
}

/* Sums over the ratios: weight, and of every number g and g^2. */
typedef struct sums {
  double weight, first[MOST_NUMBERS], second[MOST_NUMBERS];
} sums;

/* How numbers depend on R: R^power, or log R times c. */
typedef struct scale {
  double power, log;
} scale;

static void put(numbers *all, scale *scales, double *g, const char *name, int index, scale how,
                double value)
{
  g[all->count] = value;
  scales[all->count] = how;
  all->at[all->count++] = (number){.name = name, .index = index};
}

/* All numbers at ratios x of the singular values, log_weights = sum over pairs of log a. */
static void list_numbers(int d, int depth, const double *x, double log_weights, numbers *all,
                         scale *scales, double *g)
{
  const double n = depth, share = 0.5 * d * (d - 1) * (1 - 1 / n);
  double norm2 = 0, log_det = 0, sum = 0, information = 0, volume = 0;
  all->count = 0;
  for (int i = 0; i < d; i++) {
    sum += x[i];
    norm2 += n * pow(x[i], 2 / n);
    log_det += log(x[i]);
  }
  for (int i = 0; i < d; i++) {
    information -= x[i] / sum * log(x[i] / sum);
    put(all, scales, g, "singular_values", i, (scale){1, 0}, x[i]);
    put(all, scales, g, "layer_singular_values", i, (scale){1 / n, 0}, pow(x[i], 1 / n));
    /* of the orthogonal matrices, docs/theory/balanced.md, (8) */
    volume +=
        0.25 * (d - 1) * log(2) + log(2) + 0.5 * (i + 1) * log(acos(-1)) - lgamma(0.5 * (i + 1));
  }
  const double entropy = 0.5 * log_weights;
  put(all, scales, g, "energy", 0, (scale){2, 0}, 0.5);
  put(all, scales, g, "frobenius2", 0, (scale){2, 0}, 1);
  put(all, scales, g, "virial", 0, (scale){2, 0}, 1);
  put(all, scales, g, "energy2", 0, (scale){4, 0}, 0.25);
  put(all, scales, g, "parameter_norm2", 0, (scale){2 / n, 0}, norm2);
  put(all, scales, g, "effective_rank", 0, (scale){0, 0}, exp(information));
  put(all, scales, g, "log_abs_det", 0, (scale){0, d}, log_det);
  put(all, scales, g, "pair_entropy", 0, (scale){0, share}, entropy);
  put(all, scales, g, "entropy", 0, (scale){0, share}, entropy + (n - 1) * volume);
  put(all, scales, g, "reduced_entropy", 0, (scale){0, share},
      entropy - 0.25 * (d - 1) * (d - 2) * log(n));
}

/* lambda = (1, t) or (1, t, t s) times lambda_1, over which (14) is integrated: the weight of the
 * ratios is prod over pairs [(lambda_i^2 - lambda_j^2)(sigma_i^2 - sigma_j^2)]^{1/2} times
 * |sigma|^-P and dlambda. */
static double ratios_at(int d, int depth, double t, double s, double scaling, double *x,
                        double *log_weights)
{
  const double lambda[MOST_WIDTH] = {1, t, t * s};
  double weight = d == 3 ? t : 1, norm = 0;
  *log_weights = 0;
  for (int i = 0; i < d; i++) {
    x[i] = pow(lambda[i], depth);
    norm += x[i] * x[i];
  }
  for (int i = 0; i < d; i++)
    for (int j = i + 1; j < d; j++) {
      const double gap = lambda[i] * lambda[i] - lambda[j] * lambda[j];
      const double apart = x[i] * x[i] - x[j] * x[j];
      weight *= sqrt(gap * apart);
      *log_weights += log(apart / gap) - (1 - 1.0 / depth) * log(norm);
    }
  for (int i = 0; i < d; i++) x[i] /= sqrt(norm);
  return weight * pow(norm, -0.5 * scaling);
}

static void finish(numbers *all, const scale *scales, const sums *s, const radius *r)
{
  for (int k = 0; k < all->count; k++) {
    const double first = s->first[k] / s->weight, second = s->second[k] / s->weight;
    const double power = scales[k].power, c = scales[k].log;
    double mean = first * radius_moment(r->scaling, power, 0) + c * r->mean_log;
    double square = second * radius_moment(r->scaling, 2 * power, 0) + 2 * c * first * r->mean_log +
                    c * c * r->square_log;
    all->at[k].mean = mean;
    all->at[k].deviation = sqrt(square - mean * mean);
  }
}

static const number *find(const numbers *all, const char *name)
{
  int k = 0;
  while (strcmp(all->at[k].name, name) != 0) k++;
  return &all->at[k];
}

/* Midpoints in u, where t = u^2 (3 - 2u), and in the same way s. */
static numbers exact_numbers(int d, int depth, int points)
{
  const radius r = radius_of(d, depth);
  numbers all = {0};
  scale scales[MOST_NUMBERS];
  sums total = {0};
  for (int a = 0; a < points; a++)
    for (int b = 0; b < (d == 3 ? points : 1); b++) {
      const double u = (a + 0.5) / points, w = (b + 0.5) / points;
      double x[MOST_WIDTH], g[MOST_NUMBERS], log_weights;
      const double weight =
          u * (1 - u) * w * (1 - w) *
          ratios_at(d, depth, u * u * (3 - 2 * u), w * w * (3 - 2 * w), r.scaling, x, &log_weights);
      list_numbers(d, depth, x, log_weights, &all, scales, g);
      total.weight += weight;
      for (int k = 0; k < all.count; k++) {
        total.first[k] += weight * g[k];
        total.second[k] += weight * g[k] * g[k];
      }
    }
  finish(&all, scales, &total, &r);
  const number *energy = find(&all, "energy"), *entropy = find(&all, "entropy");
  all.at[all.count++] = (number){.name = "free_energy",
                                 .mean = energy->mean - entropy->mean,
                                 .deviation = energy->deviation + entropy->deviation};
  return all;
}

/* Halving the distance of the points changes nothing that matters. */
Test(agreement, exact_values_have_converged)
{
  const int depths[] = {2, 3, 10};
  for (int t = 0; t < 6; t++) {
    const int d = 2 + t / 3, n = depths[t % 3];
    const numbers a = exact_numbers(d, n, 200), b = exact_numbers(d, n, 400);
    for (int k = 0; k < a.count; k++)
      cr_expect_lt(fabs(a.at[k].mean - b.at[k].mean), 1e-4 * b.at[k].deviation, "d=%d N=%d %s %g",
                   d, n, a.at[k].name, a.at[k].mean - b.at[k].mean);
  }
}

/* --- Simulations ----------------------------------------------------------------------------- */

typedef struct plan {
  int d, depth;
  const char *formulation;
  bool walk; /* layers move by the random walk alone once thermalised */
  int chains;
  long thermalise, draws, stride, seed;
} plan;

static const plan formulations[] = {{.formulation = "spectrum", .stride = 8},
                                    {.formulation = "observable", .stride = 8},
                                    {.formulation = "parameters", .stride = 1}};
enum { FORMULATIONS = sizeof formulations / sizeof formulations[0] };

static plan plan_of(int formulation, int d, int depth)
{
  plan p = formulations[formulation];
  p.d = d;
  p.depth = depth;
  return p;
}

static test_parameters deck_of(const plan *p)
{
  test_parameters deck = test_parameters_open(&wmc_model_balanced);
  test_give_number(&deck, "width", p->d);
  test_give_number(&deck, "depth", p->depth);
  test_give(&deck, "noise.kind", "isotropic");
  test_give(&deck, "formulation", p->formulation);
  test_give(&deck, "scheme", "metropolis");
  test_give_number(&deck, "step", 0.3);
  test_give(&deck, "entries", "all");
  return deck;
}

static void advance(const plan *p, const test_parameters *deck, void *chain, wmc_stream *stream)
{
  if (!p->walk) {
    cr_assert_eq(deck->model->advance(chain, stream, p->stride, false), WMC_OK, "%s",
                 wmc_message());
    return;
  }
  for (long k = 0; k < p->stride; k++) wmc_upstairs_walk(chain, stream, 0);
  cr_assert_eq(wmc_upstairs_show(chain), WMC_OK, "%s", wmc_message());
}

static bool has(const plan *p, const number *what)
{
  return strcmp(what->name, "matrix") != 0 || strcmp(p->formulation, "spectrum") != 0;
}

/* Draws of one chain, those of `all` that the formulation has. */
static void run_chain(const plan *p, const test_parameters *deck, int id, const numbers *all,
                      const size_t *places, wmc_accumulator *into)
{
  double out[TEST_ENTRIES], values[MOST_NUMBERS];
  wmc_stream *stream = test_stream(p->seed, id);
  void *chain;
  cr_assert_eq(deck->model->create(deck->values, &chain), WMC_OK, "%s", wmc_message());
  deck->model->start(chain, stream);
  cr_assert_eq(deck->model->advance(chain, stream, p->thermalise, true), WMC_OK, "%s",
               wmc_message());
  for (long draw = 0; draw < p->draws; draw++) {
    advance(p, deck, chain, stream);
    deck->model->measure(chain, out);
    for (int k = 0; k < all->count; k++) values[k] = out[places[k]];
    wmc_accumulator_add(into, values);
  }
  deck->model->destroy(chain);
  wmc_stream_destroy(stream);
}

/* Means and errors as the program reports them. */
static void simulate(const plan *p, const numbers *all, wmc_estimate *out)
{
  wmc_accumulator *chains[MOST_CHAINS];
  const test_parameters deck = deck_of(p);
  size_t places[MOST_NUMBERS] = {0};
  cr_assert_leq(wmc_model_measurement_size(deck.model, deck.values), TEST_ENTRIES);
  for (int k = 0; k < all->count; k++)
    if (has(p, &all->at[k]))
      places[k] = test_observable(&deck, all->at[k].name) + (size_t)all->at[k].index;
  for (int c = 0; c < p->chains; c++) {
    cr_assert_eq(wmc_accumulator_create(&chains[c], (size_t)all->count), WMC_OK);
    run_chain(p, &deck, c, all, places, chains[c]);
  }
  for (int k = 0; k < all->count; k++)
    wmc_estimate_chains((const wmc_accumulator *const *)chains, (size_t)p->chains, (size_t)k,
                        &out[k]);
  for (int c = 0; c < p->chains; c++) wmc_accumulator_destroy(chains[c]);
  test_parameters_close((test_parameters *)&deck);
}

/* --- Agreement ------------------------------------------------------------------------------- */

typedef struct summary {
  int comparisons;
  double limit; /* of |z| */
  double z, error;
  char worst_z[96], worst_error[96];
} summary;

static void compare(summary *s, const char *what, double apart, double error)
{
  const double z = fabs(apart) / error;
  s->comparisons++;
  cr_expect_lt(z, s->limit, "%s: %g +- %g apart", what, apart, error);
  if (!(z > s->z)) return;
  s->z = z;
  snprintf(s->worst_z, sizeof s->worst_z, "%s", what);
}

static void print_number(const char *label, const number *exact, const wmc_estimate *found)
{
  if (test_verbose())
    printf("%-56s %12.6f exact %12.6f error %9.6f z %5.2f\n", label, found->mean, exact->mean,
           found->error, (found->mean - exact->mean) / found->error);
}

/* The error beside the mean, which no symmetry makes 0. */
static void check_precision(summary *s, const char *what, double error, double exact, double goal)
{
  const double share = error / fabs(exact);
  cr_expect_lt(share, goal, "%s: error %g of %g", what, error, exact);
  if (!(share > s->error)) return;
  s->error = share;
  snprintf(s->worst_error, sizeof s->worst_error, "%s", what);
}

/* Draws that give all errors a share of their means, were draws independent. */
static long draws_for(const numbers *all, double share)
{
  double most = 0;
  for (int k = 0; k < all->count; k++)
    if (all->at[k].mean != 0)
      most = fmax(most, pow(all->at[k].deviation / (share * all->at[k].mean), 2));
  return lround(most);
}

static void compare_number(summary *s, const plan *plans, const number *what, double goal,
                           wmc_estimate found[FORMULATIONS])
{
  char label[96];
  for (int f = 0; f < FORMULATIONS; f++) {
    const int g = (f + 1) % FORMULATIONS;
    if (!has(&plans[f], what)) continue;
    snprintf(label, sizeof label, "d=%d N=%d %s %d, %s", plans[f].d, plans[f].depth, what->name,
             what->index, plans[f].formulation);
    print_number(label, what, &found[f]);
    compare(s, label, found[f].mean - what->mean, found[f].error);
    if (what->mean != 0) check_precision(s, label, found[f].error, what->mean, goal);
    if (!has(&plans[g], what)) continue;
    snprintf(label, sizeof label, "d=%d N=%d %s %d, %s and %s", plans[f].d, plans[f].depth,
             what->name, what->index, plans[f].formulation, plans[g].formulation);
    compare(s, label, found[f].mean - found[g].mean, hypot(found[f].error, found[g].error));
  }
}

/* Entries of X, of which half change their signs with the frames. */
static numbers all_numbers(int d, int depth)
{
  numbers all = exact_numbers(d, depth, 300);
  const double square = find(&all, "frobenius2")->mean;
  for (int k = 0; k < d * d; k++)
    all.at[all.count++] =
        (number){.name = "matrix", .index = k, .mean = 0, .deviation = sqrt(square) / d};
  return all;
}

static void compare_formulations(summary *s, int t, int d, int depth, double goal)
{
  const numbers all = all_numbers(d, depth);
  wmc_estimate found[FORMULATIONS][MOST_NUMBERS];
  plan plans[FORMULATIONS];
  for (int f = 0; f < FORMULATIONS; f++) {
    plans[f] = plan_of(f, d, depth);
    plans[f].chains = MOST_CHAINS;
    plans[f].thermalise = 500;
    plans[f].seed = 200 + 10 * t + f;
    plans[f].draws = draws_for(&all, 0.75 * goal) / MOST_CHAINS + 1;
    simulate(&plans[f], &all, found[f]);
  }
  for (int k = 0; k < all.count; k++) {
    wmc_estimate of[FORMULATIONS];
    for (int f = 0; f < FORMULATIONS; f++) of[f] = found[f][k];
    compare_number(s, plans, &all.at[k], goal, of);
  }
}

/* Means of all observables of the three formulations, beside exact values and pairwise. At
 * WEYLMC_EFFORT=10 (some seven minutes) all depths are there, errors are below 0.3% of every mean
 * that is not 0 by symmetry, and everything is within 4 standard errors; by default two cases at
 * 10^{1/2} times that. */
Test(agreement, formulations_agree)
{
  const int depths[] = {2, 3, 10};
  const double effort = test_trials(1000) / 1000.0;
  const bool long_run = effort >= 10;
  summary s = {.limit = long_run ? 4 : 5};
  for (int t = 0; t < 6; t++)
    if (long_run || t == 1 || t == 3)
      compare_formulations(&s, t, 2 + t / 3, depths[t % 3], 0.003 * sqrt(10 / effort));
  if (test_verbose())
    printf("formulations agree: %d comparisons, largest |z| %.2f (%s), largest error %.3f%% (%s)\n",
           s.comparisons, s.z, s.worst_z, 100 * s.error, s.worst_error);
}

/* The walk alone, without the moves of singular values that it shares with the other formulations:
 * averages agree because the volume of fibres is right. */
Test(agreement, random_walk_alone)
{
  const int cases[][3] = {{2, 2, 300}, {2, 3, 300}, {3, 2, 300}, {3, 10, 50}};
  const bool long_run = test_trials(1000) >= 10000;
  for (int t = 0; t < (long_run ? 4 : 3); t++) {
    const numbers all = all_numbers(cases[t][0], cases[t][1]);
    wmc_estimate found[MOST_NUMBERS];
    plan p = plan_of(2, cases[t][0], cases[t][1]);
    summary s = {.limit = 5};
    p.walk = true;
    p.chains = 64;
    p.thermalise = 300;
    p.stride = 10;
    p.draws = test_trials(cases[t][2]);
    p.seed = 300 + t;
    simulate(&p, &all, found);
    for (int k = 0; k < all.count; k++) {
      const number *what = &all.at[k];
      char label[96];
      snprintf(label, sizeof label, "d=%d N=%d %s %d, walk alone", p.d, p.depth, what->name,
               what->index);
      print_number(label, what, &found[k]);
      compare(&s, label, found[k].mean - what->mean, found[k].error);
      cr_expect_lt(found[k].error, 1.5 * what->deviation / sqrt((double)p.draws), "%s: error %g",
                   label, found[k].error);
    }
  }
}

/* --- Honest errors --------------------------------------------------------------------------- */

/* Distances t from exact values over their errors, without the factor that makes errors of few
 * degrees of freedom larger, are Student's; as normal deviates z by D. L. Wallace, Ann. Math.
 * Statist. 30 (1959) 1124, to 2%. */
typedef struct scatter {
  double mean, square; /* of z, of z^2 */
} scatter;

static void add_distance(scatter *s, const wmc_estimate *e, double exact, int seeds)
{
  const double n = e->freedom, t = (e->mean - exact) / e->error * wmc_student_factor(n);
  const double z = (8 * n + 1) / (8 * n + 3) * sqrt(n * log1p(t * t / n));
  s->mean += copysign(z, t) / seeds;
  s->square += z * z / seeds;
}

static void check_errors(const plan *base, int seeds)
{
  const numbers all = all_numbers(base->d, base->depth);
  scatter found[MOST_NUMBERS] = {{0}};
  double least = INFINITY, most = 0;
  for (int s = 0; s < seeds; s++) {
    wmc_estimate e[MOST_NUMBERS];
    plan p = *base;
    p.seed += s;
    simulate(&p, &all, e);
    for (int k = 0; k < all.count; k++) add_distance(&found[k], &e[k], all.at[k].mean, seeds);
  }
  for (int k = 0; k < all.count; k++) {
    const scatter *s = &found[k];
    if (!has(base, &all.at[k])) continue;
    cr_expect_lt(fabs(s->mean), 5 / sqrt(seeds), "%s: mean %g", all.at[k].name, s->mean);
    cr_expect_lt(fabs(s->square - 1), 5 * sqrt(2.0 / seeds), "%s: mean square %g", all.at[k].name,
                 s->square);
    least = fmin(least, s->square);
    most = fmax(most, s->square);
  }
  if (test_verbose())
    printf("errors of %s at d=%d N=%d, %d seeds of %d chains: mean squares of distances %.2f to "
           "%.2f, +- %.2f\n",
           base->formulation, base->d, base->depth, seeds, base->chains, least, most,
           sqrt(2.0 / seeds));
}

/* Draws that are nearly independent, and draws after every step, whose autocorrelation the errors
 * have to see, of a few chains. */
Test(agreement, errors_are_honest)
{
  const bool long_run = test_trials(1000) >= 10000;
  const struct {
    int d, depth, chains, draws;
    bool every_step;
  } cases[] = {{2, 3, 16, 100, false}, {2, 3, 4, 500, true}, {3, 10, 16, 100, false}};
  for (int t = 0; t < (long_run ? 3 : 2); t++)
    for (int f = 0; f < FORMULATIONS; f++) {
      plan p = plan_of(f, cases[t].d, cases[t].depth);
      if (cases[t].every_step) p.stride = 1;
      p.chains = cases[t].chains;
      p.thermalise = 100;
      p.draws = cases[t].draws;
      p.seed = 1000 + 1000 * t;
      check_errors(&p, long_run ? 240 : 60);
    }
}
