/* Paths of the diffusion at infinite depth: microseconds a path by width, for sigma^2 T = 1, beside
 * one linear chain of 256 layers and beside the exact sampler of complex numbers, all in one run.
 * Every time is the least of interleaved repeats. Then the bias of means against exact values, by
 * resolution. Usage: bench_chamber [resolution] [paths]; without paths no table of the bias. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/seconds.h"
#include "weylmc/jacobian/chamber.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/numeric/dense.h"

enum { DEPTH = 256 };
static const double END = 1;

typedef struct bench {
  wmc_stream *stream;
  wmc_chamber *real, *complex_numbers, *exact;
  wmc_network *chain;
} bench;

static void real(bench *b) { wmc_chamber_draw(b->real, b->stream); }
static void complex_numbers(bench *b) { wmc_chamber_draw(b->complex_numbers, b->stream); }
static void exact(bench *b) { wmc_chamber_draw(b->exact, b->stream); }
static void chain(bench *b) { wmc_network_draw(b->chain, b->stream); }

enum { WORKS = 4 };
static void (*const works[WORKS])(bench *) = {real, complex_numbers, exact, chain};

static void work(void *b, int which) { works[which](b); }

static wmc_chamber_options options(int d, int beta, double resolution)
{
  return (wmc_chamber_options){.width = d,
                               .beta = beta,
                               .variance = 1,
                               .time = 1,
                               .shift = 1 - 2.0 / beta,
                               .resolution = resolution};
}

static void create(bench *b, int d, double resolution)
{
  wmc_chamber_options o = options(d, 1, resolution);
  wmc_block_options layers = {.width = d,
                              .depth = DEPTH,
                              .hidden = d,
                              .activation = wmc_activation_find("linear"),
                              .weights = wmc_weights_find("gaussian"),
                              .variance = 1,
                              .time = 1,
                              .inner_variance = 1,
                              .input_norm2 = d};
  wmc_status status = wmc_chamber_create(&b->real, &o, 1, &END);
  o = options(d, 2, resolution);
  if (status == WMC_OK) status = wmc_chamber_create(&b->complex_numbers, &o, 1, &END);
  o.exact = true;
  if (status == WMC_OK) status = wmc_chamber_create(&b->exact, &o, 1, &END);
  if (status == WMC_OK) status = wmc_network_create(&b->chain, &wmc_block_linear, &layers, 1, &END);
  if (status == WMC_OK) return;
  fputs(wmc_message(), stderr);
  exit(1);
}

/* Mean of what `observe` sees in independent paths, and its standard error. */
static double mean_of(bench *b, wmc_chamber *c, long paths, double (*observe)(wmc_chamber *),
                      double *error)
{
  double sum = 0, squares = 0;
  for (long k = 0; k < paths; k++) {
    wmc_chamber_draw(c, b->stream);
    double x = observe(c);
    sum += x;
    squares += x * x;
  }
  double mean = sum / (double)paths;
  *error = sqrt((squares / (double)paths - mean * mean) / (double)paths);
  return mean;
}

static double gap(wmc_chamber *c) { return wmc_chamber_values(c)[0] - wmc_chamber_values(c)[1]; }

static double growth(wmc_chamber *c) { return wmc_chamber_growth(c)[0]; }

static void print_bias(bench *b, const char *name, int d, double exact, long paths,
                       double (*observe)(wmc_chamber *))
{
  for (double resolution = 0.5; resolution <= 2; resolution *= 2) {
    wmc_chamber *c;
    wmc_chamber_options o = options(d, 1, resolution);
    if (wmc_chamber_create(&c, &o, 1, &END) != WMC_OK) exit(1);
    double error, start = seconds_used(), mean = mean_of(b, c, paths, observe, &error);
    printf("%4d %-8s %10g %6d %12.6f %+12.6f %10.6f %8.1f\n", d, name, resolution,
           wmc_chamber_steps(&o, 0, 1), exact, mean - exact, error, seconds_used() - start);
    wmc_chamber_destroy(c);
  }
}

int main(int count, char **arguments)
{
  const double resolution = count > 1 ? atof(arguments[1]) : 8;
  bench b;
  if (wmc_blas_start() != WMC_OK || wmc_stream_create(&b.stream, 1, 0) != WMC_OK) return 1;
  printf("microseconds a path, sigma^2 T = 1, resolution %g\n", resolution);
  printf("%4s %6s %10s %10s %10s %14s %12s\n", "d", "steps", "beta=1", "beta=2", "exact",
         "256 layers", "layers/path");
  for (int d = 2; d <= 32; d *= 2) {
    double t[WORKS];
    create(&b, d, resolution);
    seconds_of_each(work, &b, WORKS, 0.02, t);
    printf("%4d %6.0f %10.2f %10.2f %10.2f %14.2f %12.2f\n", d, resolution * d, 1e6 * t[0],
           1e6 * t[1], 1e6 * t[2], 1e6 * t[3], t[3] / t[0]);
    wmc_chamber_destroy(b.real);
    wmc_chamber_destroy(b.complex_numbers);
    wmc_chamber_destroy(b.exact);
    wmc_network_destroy(b.chain);
  }
  const long paths = count > 2 ? atol(arguments[2]) : 0;
  if (paths > 0) {
    printf("%4s %-8s %10s %6s %12s %12s %10s %8s\n", "d", "mean of", "resolution", "steps", "exact",
           "bias", "error", "seconds");
    print_bias(&b, "gap", 2, wmc_hyperbolic_gap_limit(1), paths, gap);
    print_bias(&b, "growth", 4, 1, paths, growth);
    print_bias(&b, "growth", 8, 3, paths / 4, growth);
  }
  wmc_stream_destroy(b.stream);
  return 0;
}
