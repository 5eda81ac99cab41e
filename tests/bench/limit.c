/* Time to E lambda_1 at infinite depth, width 4, sigma^2 T = 1, to a standard error of 1e-3.
 *
 * First the bias of the diffusion's steps by resolution, with control variates. Then the depth at
 * which a network's E lambda_1 is that close to the limit, from the coefficient of 1/L. Then the
 * time that the program needs, pilot included, beside that of the batched NumPy program at that
 * depth, all in one run. Last, what multilevel Monte Carlo does: samples, variance and work of the
 * levels, and its time for the same error; also of complex chains, and of steps of the limit beside
 * the steps alone. Usage: bench_limit python numpy_jacobian.py [paths] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/seconds.h"
#include "weylmc/base/memory.h"
#include "weylmc/deck/deck.h"
#include "weylmc/numeric/dense.h"

static const double ERROR = 1e-3;

static void demand(wmc_status status)
{
  if (status == WMC_OK) return;
  fputs(wmc_message(), stderr);
  exit(1);
}

/* ---- draws of the model --------------------------------------------------------------------- */

typedef struct bench {
  wmc_deck *deck;
  void *chain;
  wmc_stream *stream;
  size_t size; /* entries of a measurement */
  double *measurement, *sum, *squares;
  double draws, seconds;
} bench;

/* Started, pilot included; `seconds` counts from here. */
static void begin(bench *b, const char *parameters)
{
  char text[512];
  *b = (bench){.draws = 0};
  snprintf(text, sizeof text, "model: residual_jacobian\nseed: 1\nparameters: {width: 4, %s}\n",
           parameters);
  demand(wmc_deck_parse("bench", text, strlen(text), 0, NULL, &b->deck));
  const wmc_model *model = b->deck->model;
  const double start = seconds_used();
  b->size = wmc_model_measurement_size(model, b->deck->parameters);
  b->measurement = WMC_ARRAY(double, b->size);
  b->sum = WMC_ARRAY(double, b->size);
  b->squares = WMC_ARRAY(double, b->size);
  demand(wmc_stream_create(&b->stream, 1, 0));
  demand(model->create(b->deck->parameters, &b->chain));
  model->start(b->chain, b->stream);
  b->seconds = seconds_used() - start;
}

static void take(bench *b, long draws)
{
  const wmc_model *model = b->deck->model;
  const double start = seconds_used();
  for (long k = 0; k < draws; k++) {
    demand(model->advance(b->chain, b->stream, 1, false));
    model->measure(b->chain, b->measurement);
    for (size_t i = 0; i < b->size; i++) {
      b->sum[i] += b->measurement[i];
      b->squares[i] += b->measurement[i] * b->measurement[i];
    }
  }
  b->draws += (double)draws;
  b->seconds += seconds_used() - start;
}

static void end(bench *b)
{
  b->deck->model->destroy(b->chain);
  wmc_stream_destroy(b->stream);
  wmc_deck_destroy(b->deck);
  wmc_free(b->measurement);
  wmc_free(b->sum);
  wmc_free(b->squares);
}

/* Entry `i` of an observable. */
static size_t at(const bench *b, const char *name, size_t i)
{
  return wmc_observable_first(b->deck->model, name, b->deck->parameters) + i;
}

static double mean(const bench *b, const char *name, size_t i)
{
  return b->sum[at(b, name, i)] / b->draws;
}

static double deviation(const bench *b, const char *name, size_t i)
{
  double m = mean(b, name, i);
  return sqrt(b->squares[at(b, name, i)] / b->draws - m * m);
}

static double error(const bench *b, const char *name, size_t i)
{
  return deviation(b, name, i) / sqrt(b->draws);
}

#define PLAIN      "log_singular_values"
#define CONTROLLED "log_singular_values_controlled"

/* ---- bias ------------------------------------------------------------------------------------ */

/* Returns E lambda_1 at the finest resolution. */
static double print_resolutions(long paths)
{
  const double resolutions[] = {4, 2, 1, 0.5, 0.25};
  double finest = NAN, finest_error = 0;
  printf("%10s %6s %12s %10s %22s %10s %12s\n", "resolution", "steps", "E lambda_1", "error",
         "less the finest", "deviation", "us a draw");
  for (size_t k = 0; k < sizeof resolutions / sizeof *resolutions; k++) {
    char line[128];
    bench b;
    snprintf(line, sizeof line, "depth: inf, control: yes, resolution: %g", resolutions[k]);
    begin(&b, line);
    take(&b, paths);
    double m = mean(&b, CONTROLLED, 0), e = error(&b, CONTROLLED, 0);
    if (k == 0) {
      finest = m;
      finest_error = e;
    }
    printf("%10g %6.0f %12.6f %10.6f %+12.6f %9.6f %10.4f %12.3f\n", resolutions[k],
           ceil(4 * resolutions[k]), m, e, m - finest, k ? hypot(e, finest_error) : 0,
           deviation(&b, CONTROLLED, 0), 1e6 * b.seconds / b.draws);
    end(&b);
  }
  return finest;
}

/* b of E lambda_1(L) = limit + b/L, by least squares over some depths. */
static double find_coefficient(double limit, long paths)
{
  double above = 0, below = 0;
  printf("%10s %12s %10s %14s\n", "depth", "E lambda_1", "error", "L (E - limit)");
  for (int depth = 48; depth <= 192; depth *= 2) {
    char line[128];
    bench b;
    snprintf(line, sizeof line, "depth: %d, control: yes", depth);
    begin(&b, line);
    take(&b, paths);
    double difference = mean(&b, CONTROLLED, 0) - limit, e = error(&b, CONTROLLED, 0);
    printf("%10d %12.6f %10.6f %+9.4f(%.4f)\n", depth, limit + difference, e, depth * difference,
           depth * e);
    above += difference / depth / (e * e);
    below += 1.0 / depth / depth / (e * e);
    end(&b);
  }
  printf("coefficient of 1/L: %.4f +- %.4f\n", above / below, 1 / sqrt(below));
  return above / below;
}

/* ---- times ----------------------------------------------------------------------------------- */

/* Draw until the standard error is ERROR; returns seconds, pilot included. */
static double reach(const char *parameters, const char *observable, bench *b)
{
  begin(b, parameters);
  do take(b, 64);
  while (b->draws < 256 || error(b, observable, 0) > ERROR);
  return b->seconds;
}

static double numpy_seconds(const char *python, const char *script, int depth)
{
  char command[4096];
  double layer, svd, top, top_error;
  const int chains = 65536;
  snprintf(command, sizeof command, "OPENBLAS_NUM_THREADS=1 '%s' '%s' 4 %d %d 1.0", python, script,
           depth, chains);
  FILE *pipe = popen(command, "r");
  int read = pipe ? fscanf(pipe, "%lf %lf %lf %lf", &layer, &svd, &top, &top_error) : 0;
  if (!pipe || pclose(pipe) != 0 || read != 4) return NAN;
  double networks = chains * pow(top_error / ERROR, 2), each = layer * depth + svd;
  printf("NumPy, depth %d: %.3f us a network, E lambda_1 %.4f(%.4f), %.0f networks, %.2f s\n",
         depth, each, top, top_error, networks, 1e-6 * each * networks);
  return 1e-6 * each * networks;
}

static void compare(const char *python, const char *script, double coefficient)
{
  bench b;
  double least = INFINITY, paths = 0;
  for (int k = 0; k < 9; k++) { /* other programs of the machine come in between */
    least = fmin(least, reach("depth: inf, control: yes, resolution: 0.5", CONTROLLED, &b));
    paths = b.draws;
    if (k == 8)
      printf("depth inf: E lambda_1 %.5f(%.5f)\n", mean(&b, CONTROLLED, 0),
             error(&b, CONTROLLED, 0));
    end(&b);
  }
  printf("depth inf, resolution 0.5, control variates, pilot included: %.0f paths, %.5f s\n", paths,
         least);
  for (double bias = ERROR; bias > 2e-4; bias *= 0.3) {
    double seconds = numpy_seconds(python, script, (int)ceil(fabs(coefficient) / bias));
    printf("bias %g: NumPy / ours = %.0f\n", bias, seconds / least);
  }
}

/* ---- levels ---------------------------------------------------------------------------------- */

/* A derived quantity of one entry, from the averages of the run. */
static double derived(const bench *b, const char *name)
{
  const wmc_derived *d = b->deck->model->derived;
  double out = NAN, doubt = 0, *means = WMC_ARRAY(double, b->size);
  while (strcmp(d->name, name) != 0) d++;
  for (size_t i = 0; i < b->size; i++) means[i] = b->sum[i] / b->draws;
  d->evaluate(b->deck->parameters, means, &out, &doubt);
  wmc_free(means);
  return out;
}

static void print_levels(const char *parameters, const char *observable)
{
  bench b;
  double seconds = reach(parameters, observable, &b), work = 0, variance = 0;
  size_t coupling = wmc_observable_first(b.deck->model, "coupling", b.deck->parameters);
  size_t levels = (coupling - at(&b, "level_difference", 0)) / 5;
  printf("\n%s\n%8s %9s %7s %12s %12s %14s %14s\n", parameters, "level", "samples", "weight",
         "mean", "variance", "work a sample", "work a draw");
  for (size_t l = 0; l < levels; l++) {
    double n = mean(&b, "level_samples", l), w = mean(&b, "level_weight", l);
    if (n == 0) continue;
    double m = mean(&b, "level_difference", l), v = mean(&b, "level_square", l) - m * m;
    double each = mean(&b, "level_work", l);
    printf("%8zu %9.0f %7g %12.5f %12.6f %14.0f %14.0f\n", l, n, w, m, v, each, n * each);
    work += n * each;
    variance += w * w * v / n;
  }
  printf("%.0f draws, E lambda_1 %.5f(%.5f), remaining bias %.5f, %.3f s; variance x work %.4g, of "
         "independent networks %.4g: %.2f x\n",
         b.draws, mean(&b, observable, 0), error(&b, observable, 0), derived(&b, "remaining_bias"),
         seconds, variance * work, variance * work * derived(&b, "multilevel_gain"),
         derived(&b, "multilevel_gain"));
  end(&b);
}

static void print_steps(const char *parameters)
{
  bench b;
  const double seconds = reach(parameters, PLAIN, &b);
  printf("\n%s\n%.0f draws, E lambda_1 %.5f(%.5f), %.3f s\n", parameters, b.draws,
         mean(&b, PLAIN, 0), error(&b, PLAIN, 0), seconds);
  end(&b);
}

int main(int count, char **arguments)
{
  const long paths = count > 3 ? atol(arguments[3]) : 400000;
  if (count < 3 || wmc_blas_start() != WMC_OK) return 2;
  const double limit = print_resolutions(paths);
  compare(arguments[1], arguments[2], find_coefficient(limit, paths));
  print_levels("depth: inf, multilevel: {kind: limit, bias: 1e-3}", PLAIN);
  print_levels("depth: inf, multilevel: {kind: limit, coarsest: 4, bias: 1e-3}, control: yes",
               CONTROLLED);
  print_levels("depth: inf, multilevel: {kind: depth, bias: 1e-3}", PLAIN);
  print_levels("depth: 1024, multilevel: depth", PLAIN);
  print_levels("depth: 4096, multilevel: depth", PLAIN);
  print_levels("depth: inf, field: complex, multilevel: {kind: limit, bias: 1e-3}", PLAIN);
  print_levels("depth: inf, block: one_layer, activation: tanh, multilevel: {kind: limit, "
               "coarsest: 4, bias: 1e-3}",
               PLAIN);
  print_steps("depth: inf, block: one_layer, activation: tanh");
  return 0;
}
