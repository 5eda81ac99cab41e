/* Microseconds a step of every integrator of `balanced`, beside a Langevin step in NumPy.
 *
 * Both do isotropic noise, hidden excess 1, energy |X|^2/2, and take the best of many short rounds,
 * NumPy over a batch of chains. NumPy integrates the entries of X, one decomposition a step; euler
 * integrates singular values and (observable) frames of the same equation. A Metropolis step tries
 * every singular value, the scale and (observable) three rounds of pairs of columns. The last
 * column is NumPy's time over ours.
 *
 * The second table has effective samples of log|det X| per second, 1/(2 tau) over the time of a
 * step, of metropolis and of NumPy's Euler. Euler is taken at the step whose bias of E log|det X|
 * is 0.01: the bias is measured against metropolis at a larger step, less its error, and is of
 * first order. Run with OPENBLAS_NUM_THREADS=1. Usage: bench_langevin [python3 that imports numpy]
 * [path of numpy_langevin.py] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weylmc/base/clock.h"
#include "weylmc/models/model.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/statistics/estimate.h"

enum { ROUNDS = 200 };

static void set(wmc_value *values, const wmc_model *model, const char *name, const char *text)
{
  wmc_text why = {0};
  int k = wmc_field_find(model->fields, name);
  if (k < 0 || !wmc_field_read(&model->fields[k], text, &values[k], &why)) {
    fprintf(stderr, "%s: %s\n", name, wmc_text_string(&why));
    exit(1);
  }
  values[k].present = true;
}

static void set_number(wmc_value *values, const wmc_model *model, const char *name, double number)
{
  char text[WMC_TEXT_SHORT];
  set(values, model, name, wmc_text_double(text, number));
}

typedef struct bench_chain {
  const wmc_model *model;
  wmc_value *values;
  void *chain;
  wmc_stream *stream;
} bench_chain;

static bench_chain open_chain(int width, int depth, const char *formulation, const char *scheme,
                              int id)
{
  const wmc_model *model = wmc_model_find("balanced");
  bench_chain c = {.model = model,
                   .values = calloc(wmc_field_count(model->fields), sizeof *c.values)};
  for (const wmc_field *f = model->fields; f->name; f++)
    if (f->standard) set(c.values, model, f->name, f->standard);
  set_number(c.values, model, "width", width);
  set_number(c.values, model, "depth", depth);
  set_number(c.values, model, "excess", 1);
  set_number(c.values, model, "step", strcmp(scheme, "euler") == 0 ? 8e-3 / (width + depth) : 0.1);
  set(c.values, model, "formulation", formulation);
  set(c.values, model, "scheme", scheme);
  if (wmc_stream_create(&c.stream, 1, id) || model->create(c.values, &c.chain)) exit(1);
  model->start(c.chain, c.stream);
  return c;
}

static void advance(const bench_chain *c, long steps, bool thermalising)
{
  if (c->model->advance(c->chain, c->stream, steps, thermalising)) fputs(wmc_message(), stderr);
}

static void close_chain(bench_chain *c)
{
  c->model->destroy(c->chain);
  wmc_stream_destroy(c->stream);
  free(c->values);
}

/* Best microseconds a step after thermalisation. */
static double microseconds(int width, int depth, const char *formulation, const char *scheme)
{
  bench_chain c = open_chain(width, depth, formulation, scheme, 0);
  long steps = 2 + 40000 / ((long)width * width * width + 16);
  double best = INFINITY;
  advance(&c, 10 * steps, true);
  for (int k = 0; k < ROUNDS; k++) {
    double begin = wmc_clock();
    advance(&c, steps, false);
    best = fmin(best, (wmc_clock() - begin) / (double)steps);
  }
  close_chain(&c);
  return 1e6 * best;
}

/* log|det X| under metropolis: mean, and tau in steps. */
static wmc_estimate log_det(int width, int depth, const char *formulation)
{
  enum { CHAINS = 4, DRAWS = 40000 };
  wmc_accumulator *accumulators[CHAINS];
  wmc_estimate estimate;
  for (int k = 0; k < CHAINS; k++) {
    bench_chain c = open_chain(width, depth, formulation, "metropolis", k);
    const size_t size = wmc_model_measurement_size(c.model, c.values);
    double *out = malloc(size * sizeof *out);
    size_t at = 0;
    for (const wmc_observable *o = c.model->observables; strcmp(o->name, "log_abs_det"); o++)
      at += wmc_observable_size(c.model, o, c.values);
    if (wmc_accumulator_create(&accumulators[k], 1)) exit(1);
    advance(&c, 4000, true);
    for (int draw = 0; draw < DRAWS; draw++) {
      advance(&c, 1, false);
      c.model->measure(c.chain, out);
      wmc_accumulator_add(accumulators[k], &out[at]);
    }
    free(out);
    close_chain(&c);
  }
  wmc_estimate_chains((const wmc_accumulator *const *)accumulators, CHAINS, 0, &estimate);
  for (int k = 0; k < CHAINS; k++) wmc_accumulator_destroy(accumulators[k]);
  return estimate;
}

static double number_after(const char *line, const char *name)
{
  const char *found = strstr(line, name);
  return found ? atof(found + strlen(name)) : NAN;
}

/* NumPy's line for this width at depth 4 and excess 1. */
static void run_numpy(const char *python, const char *script, int width, int chains, int steps,
                      double dt, char line[512])
{
  char command[1024];
  snprintf(command, sizeof command, "OPENBLAS_NUM_THREADS=1 '%s' '%s' %d 4 1 %d %d %g", python,
           script, width, chains, steps, dt);
  line[0] = '\0';
  FILE *pipe = popen(command, "r");
  if (pipe == NULL) return;
  if (fgets(line, 512, pipe) == NULL) line[0] = '\0';
  pclose(pipe);
}

/* Effective samples a second of both, at an error of 0.01. */
static void compare_samples(const char *python, const char *script, int width)
{
  const double aim = 0.01, dt = 0.024 / (width + 4);
  const char *const formulations[] = {"spectrum", "observable"};
  char line[512];
  run_numpy(python, script, width, 1024 / width, 6000, dt, line);
  double tau = number_after(line, " tau "), time = number_after(line, "us_per_step ");
  double miss = number_after(line, "error "), mean = number_after(line, "log_det ");
  for (int f = 0; f < 2; f++) {
    wmc_estimate ours = log_det(width, 4, formulations[f]);
    double step = microseconds(width, 4, formulations[f], "metropolis");
    double bias = fmax(fabs(mean - ours.mean) - hypot(miss, ours.error), aim);
    double rate = 1e6 / (2 * ours.tau * step), small = dt * aim / bias;
    double peer = 1e6 / (2 * tau / small * time);
    printf("%2d %-10s  %8.2f %12.0f     %8.1e %8.4f %9.0f     %10.0f\n", width, formulations[f],
           ours.tau, rate, small, tau, peer, rate / peer);
    fflush(stdout);
  }
}

int main(int argc, char **argv)
{
  const char *python = argc > 1 ? argv[1] : "/usr/bin/python3";
  const char *script = argc > 2 ? argv[2] : "tests/bench/numpy_langevin.py";
  const int widths[] = {2, 8, 32}, depths[] = {4, 100, 1000};
  const char *const formulations[] = {"spectrum", "observable"}, *const schemes[] = {"euler",
                                                                                     "metropolis"};
  wmc_blas_start();
  printf(
      "microseconds a step       depth 4   depth 100  depth 1000   NumPy depth 4   NumPy / ours\n");
  for (int w = 0; w < 3; w++) {
    char line[512];
    run_numpy(python, script, widths[w], 4096 / widths[w], 60, 5e-4, line);
    double peer = number_after(line, "us_per_step ");
    for (int f = 0; f < 2; f++)
      for (int s = 0; s < 2; s++) {
        double time[3];
        for (int n = 0; n < 3; n++)
          time[n] = microseconds(widths[w], depths[n], formulations[f], schemes[s]);
        printf("%2d %-10s %-10s %9.3f   %9.3f   %9.3f       %9.3f      %9.1f\n", widths[w],
               formulations[f], schemes[s], time[0], time[1], time[2], peer, peer / time[0]);
        fflush(stdout);
      }
  }
  printf(
      "\nlog|det X|, depth 4   tau, steps   samples a s   NumPy: dt     tau   samples a s   ours / "
      "NumPy\n");
  for (int w = 0; w < 3; w++) compare_samples(python, script, widths[w]);
  return 0;
}
