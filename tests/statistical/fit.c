#include "weylmc/statistics/fit.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support.h"
#include "weylmc/numeric/random.h"

/* Synthetic sweeps: at each depth the means of C chains are normal about a curve, and the value is
 * their mean. The error is the true one, or what the chains give. */
enum { POINTS = 7, CHAINS = 32 };
static const double depths[POINTS] = {8, 12, 16, 24, 32, 64, 128};

typedef struct sweep {
  double value[POINTS], error[POINTS], chain[POINTS * CHAINS];
} sweep;

static void draw_sweep(wmc_stream *stream, const wmc_form *form, const double *x, double error,
                       bool estimated, sweep *out)
{
  wmc_fit truth = {.form = form};
  memcpy(truth.value, x, (size_t)form->parameters * sizeof(double));
  for (int k = 0; k < POINTS; k++) {
    double *chain = out->chain + k * CHAINS, mean = 0, square = 0;
    wmc_stream_normals(stream, CHAINS, error * sqrt(CHAINS), chain);
    for (int c = 0; c < CHAINS; c++) chain[c] += wmc_fit_curve(&truth, depths[k]);
    for (int c = 0; c < CHAINS; c++) mean += chain[c] / CHAINS;
    for (int c = 0; c < CHAINS; c++) square += pow(chain[c] - mean, 2);
    out->value[k] = mean;
    out->error[k] = estimated ? sqrt(square / (CHAINS - 1) / CHAINS) : error;
  }
}

static wmc_fit_data data_of(const sweep *s, size_t chains)
{
  return (wmc_fit_data){.points = POINTS,
                        .depth = depths,
                        .value = s->value,
                        .error = s->error,
                        .chains = chains,
                        .chain_value = s->chain};
}

static wmc_stream *new_stream(long id)
{
  wmc_stream *stream;
  cr_assert_eq(wmc_stream_create(&stream, 20260304, id), WMC_OK);
  return stream;
}

static double five_sigma(double p, int n) { return 5 * sqrt(p * (1 - p) / n); }

/* Shares of the one-sigma intervals of each parameter that hold the truth. Estimated errors make
 * noisy weights, for which the intervals are known to be too short by a factor
 * 1 + 2 (1 - 1/n)/freedom at most (Meier, 1953, for a weighted mean). */
typedef struct trial {
  const char *name;
  double x[WMC_FIT_PARAMETERS];
  bool jackknife, estimated;
} trial;

static void assert_covers(const trial *t, int j, double share, int fitted)
{
  const double one = erf(sqrt(0.5)), density = 2 * exp(-0.5) / sqrt(2 * acos(-1));
  double lost = t->estimated ? density * 2 * (1 - 1.0 / POINTS) / (CHAINS - 1) : 0;
  printf("%s, %s errors, %s weights: parameter %d within 1 sigma %.3f\n", t->name,
         t->jackknife ? "jackknife" : "covariance", t->estimated ? "estimated" : "exact", j, share);
  cr_expect_lt(share - one, five_sigma(one, fitted), "%s, parameter %d: %g", t->name, j, share);
  cr_expect_gt(share - one, -five_sigma(one, fitted) - lost, "%s, parameter %d: %g", t->name, j,
               share);
}

static void measure_coverage(const trial *set, long id, int trials)
{
  const wmc_form *form = wmc_form_find(set->name);
  double covered[WMC_FIT_PARAMETERS] = {0}, z[WMC_FIT_PARAMETERS] = {0};
  int fitted = 0;
  wmc_stream *stream = new_stream(id);
  for (int t = 0; t < trials; t++) {
    sweep s;
    wmc_fit fit;
    draw_sweep(stream, form, set->x, 1e-3, set->estimated, &s);
    wmc_fit_data data = data_of(&s, set->jackknife ? CHAINS : 0);
    if (wmc_fit_form(&data, form, &fit) != WMC_OK) continue;
    cr_assert_eq(fit.jackknife, set->jackknife);
    fitted++;
    for (int j = 0; j < form->parameters; j++) {
      covered[j] += fabs(fit.value[j] - set->x[j]) < fit.error[j];
      z[j] += (fit.value[j] - set->x[j]) / fit.error[j];
    }
  }
  cr_expect_gt(fitted, 0.99 * trials, "%s: %d of %d fitted", set->name, fitted, trials);
  for (int j = 0; j < form->parameters; j++) {
    assert_covers(set, j, covered[j] / fitted, fitted);
    if (!form->exponent)
      cr_expect_lt(fabs(z[j] / fitted), 5 * 1.1 / sqrt(fitted), "%s: bias", set->name);
  }
  wmc_stream_destroy(stream);
}

Test(fit_coverage, of_every_form)
{
  const trial trials[] = {
      {"linear", {2, -3}, false, false},        {"linear", {2, -3}, true, false},
      {"linear", {2, -3}, false, true},         {"linear", {2, -3}, true, true},
      {"quadratic", {2, 2.5, 9}, false, false}, {"quadratic", {2, 2.5, 9}, true, false},
      {"quadratic", {2, 2.5, 9}, true, true},   {"boundary", {1, 4, -6}, true, false},
      {"power", {1, 2, 0.75}, false, false},    {"power", {1, 2, 0.75}, true, false},
  };
  for (size_t k = 0; k < sizeof trials / sizeof trials[0]; k++) {
    bool power = trials[k].name[0] == 'p';
    measure_coverage(&trials[k], (long)k, test_trials(power ? 1000 : 4000));
  }
}

/* With errors small enough to tell, the form that made the data is chosen: its AICc is exceeded by
 * another's only if noise makes up for a misfit of many sigma. */
Test(fit_choice, finds_the_form_of_precise_data)
{
  const struct {
    const char *name;
    double x[3];
  } truths[] = {{"quadratic", {2, 2.5, 9}}, {"power", {1, 2, 0.75}}, {"boundary", {1, 4, -6}}};
  for (int k = 0; k < 3; k++) {
    int right = 0, trials = test_trials(300);
    wmc_stream *stream = new_stream(10 + k);
    const wmc_form *form = wmc_form_find(truths[k].name);
    for (int t = 0; t < trials; t++) {
      sweep s;
      wmc_fit fit;
      draw_sweep(stream, form, truths[k].x, 1e-5, true, &s);
      wmc_fit_data data = data_of(&s, CHAINS);
      cr_assert_eq(wmc_fit_choose(&data, NULL, &fit), WMC_OK, "%s", wmc_message());
      right += fit.form == form && fit.rival == NULL;
    }
    printf("%s is chosen, without rival, in %d of %d\n", truths[k].name, right, trials);
    cr_expect_gt(right, 0.97 * trials, "%s", truths[k].name);
    wmc_stream_destroy(stream);
  }
}

/* Linear data: the linear form is chosen most often; where it is not, the wider error of the other
 * form or the spread to the rival holds the truth. */
Test(fit_choice, of_linear_data_is_honest_with_its_spread)
{
  const double x[] = {2, -3};
  int linear = 0, dropped = 0, far = 0, trials = test_trials(1000);
  wmc_stream *stream = new_stream(20);
  for (int t = 0; t < trials; t++) {
    sweep s;
    wmc_fit fit;
    draw_sweep(stream, wmc_form_find("linear"), x, 1e-3, true, &s);
    wmc_fit_data data = data_of(&s, CHAINS);
    cr_assert_eq(wmc_fit_choose(&data, NULL, &fit), WMC_OK, "%s", wmc_message());
    linear += fit.form == wmc_form_find("linear");
    dropped += fit.dropped > 0;
    far += fabs(fit.value[0] - x[0]) > fit.error[0] + fit.spread;
  }
  printf("linear data: linear is chosen in %d, points dropped in %d, limit farther than error + "
         "spread in %d of %d\n",
         linear, dropped, far, trials);
  cr_expect_gt(linear, 0.75 * trials);
  cr_expect_lt(dropped, (0.05 * trials));
  cr_expect_lt(far, (1 - erf(sqrt(0.5)) + 0.03 + five_sigma(0.32, trials)) * trials);
  wmc_stream_destroy(stream);
}
