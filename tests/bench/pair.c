/* Steps of the pair (M, x) at infinite depth: means by the number of steps, with their standard
 * errors, and microseconds a step; beside them the block itself with as many layers, whose bias is
 * of first order. Usage: bench_pair [paths [block activation norm width tau]]; without a row the
 * table of docs/theory/jacobian.md, section 6a. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/pair.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/jacobian/pair.h"
#include "weylmc/numeric/dense.h"

enum { SEEN = 4, FEWEST = 4, MOST = 64 };
static const double END = 1;

typedef struct row {
  const char *block, *activation, *norm;
  int width;
  double tau;
} row;

static const row rows[] = {
    {"linear", "linear", "none", 2, 1},    {"linear", "linear", "none", 4, 1},
    {"one_layer", "tanh", "none", 4, 1},   {"one_layer", "relu", "none", 4, 1},
    {"two_layer", "erf", "none", 4, 1},    {"linear", "linear", "rms", 4, 0.5},
    {"one_layer", "tanh", "layer", 6, 0.5}};

static const row coupled[] = {{"linear", "linear", "none", 2, 1.5},
                              {"one_layer", "tanh", "none", 2, 1.5},
                              {"one_layer", "relu", "none", 2, 1.5},
                              {"two_layer", "erf", "none", 2, 1.5}};

static void die(void)
{
  fputs(wmc_message(), stderr);
  exit(1);
}

static wmc_norm norm_named(const char *name)
{
  int k = 0;
  while (wmc_norm_names[k] && strcmp(wmc_norm_names[k], name) != 0) k++;
  return (wmc_norm)k;
}

static void see(int d, const double *values, double growth, double out[SEEN])
{
  out[2] = 0;
  for (int i = 0; i < d; i++) out[2] += values[i];
  out[0] = values[0];
  out[1] = d > 1 ? values[0] - values[1] : 0;
  out[3] = growth;
}

/* One line: means of lambda_1, the first gap, the sum and log|Mu|. */
static void line(const char *name, const wmc_block *block, const wmc_block_options *o, long paths,
                 wmc_stream *s)
{
  wmc_network *n;
  double sum[SEEN] = {0}, squares[SEEN] = {0};
  if (wmc_network_create(&n, block, o, 1, &END) != WMC_OK) die();
  const clock_t start = clock();
  for (long k = 0; k < paths; k++) {
    double now[SEEN];
    if (!wmc_network_draw(n, s)) die();
    see(o->width, wmc_network_values(n), wmc_network_growth(n)[0], now);
    for (int i = 0; i < SEEN; i++) {
      sum[i] += now[i];
      squares[i] += now[i] * now[i];
    }
  }
  const double count = (double)paths, time = (double)(clock() - start) / CLOCKS_PER_SEC;
  printf("%-7s %4d", name, o->depth);
  for (int i = 0; i < SEEN; i++) {
    double mean = sum[i] / count;
    printf("  %9.5f(%.5f)", mean, sqrt((squares[i] / count - mean * mean) / count));
  }
  printf("  %8.2f\n", 1e6 * time / count / o->depth);
  wmc_network_destroy(n);
}

static wmc_block_options options(const row *r, int depth)
{
  return (wmc_block_options){.width = r->width,
                             .depth = depth,
                             .hidden = r->width,
                             .activation = wmc_activation_find(r->activation),
                             .weights = wmc_weights_find("gaussian"),
                             .variance = r->tau,
                             .time = 1,
                             .inner_variance = 1.0 / r->width,
                             .input_norm2 = r->width,
                             .norm = norm_named(r->norm)};
}

static void differences(const row *r, long paths, wmc_stream *s)
{
  const wmc_block *steps = wmc_pair_block(wmc_block_find(r->block));
  printf("%s %s, width 2, tau %g: n steps less 2n, coupled\n%4s  %18s  %18s\n", r->block,
         r->activation, r->tau, "n", "sum", "gap");
  for (int n = FEWEST; n <= MOST / 4; n *= 2) {
    test_walker w[2];
    double sum[TEST_SEEN] = {0}, squares[TEST_SEEN] = {0};
    for (int k = 0; k < 2; k++) {
      const wmc_block_options o = options(r, n << k);
      if (steps->create(&o, &w[k].state) != WMC_OK) die();
    }
    for (long path = 0; path < paths; path++) {
      double now[TEST_SEEN];
      test_coupled_difference(steps, n, &w[0], &w[1], s, now);
      for (int q = 0; q < TEST_SEEN; q++) {
        sum[q] += now[q];
        squares[q] += now[q] * now[q];
      }
    }
    printf("%4d", n);
    for (int q = 0; q < TEST_SEEN; q++) {
      double mean = sum[q] / (double)paths;
      printf("  %9.5f(%.5f)", mean,
             sqrt((squares[q] / (double)paths - mean * mean) / (double)paths));
    }
    printf("\n");
    for (int k = 0; k < 2; k++) steps->destroy(w[k].state);
  }
}

static void table(const row *r, long paths, wmc_stream *s)
{
  const wmc_block *block = wmc_block_find(r->block);
  wmc_block_options o = options(r, 1);
  printf("%s %s, norm %s, width %d, tau %g; resolution 1 is %d steps\n", r->block, r->activation,
         r->norm, r->width, r->tau, wmc_pair_steps(&o, 1, 1, &END));
  printf("%-7s %4s  %18s  %18s  %18s  %18s  %8s\n", "", "n", "lambda_1", "gap", "sum", "log|Mu|",
         "us/step");
  for (o.depth = FEWEST; o.depth <= MOST; o.depth *= 2)
    line("steps", wmc_pair_block(block), &o, paths, s);
  for (o.depth = FEWEST; o.depth <= MOST; o.depth *= 4) line("layers", block, &o, paths, s);
}

int main(int count, char **arguments)
{
  const long paths = count > 1 ? atol(arguments[1]) : 100000;
  wmc_stream *s;
  if (wmc_blas_start() != WMC_OK || wmc_stream_create(&s, 1, 0) != WMC_OK) die();
  if (count > 6) {
    const row r = {arguments[2], arguments[3], arguments[4], atoi(arguments[5]),
                   atof(arguments[6])};
    table(&r, paths, s);
  } else {
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) table(&rows[k], paths, s);
    for (size_t k = 0; k < sizeof coupled / sizeof *coupled; k++)
      differences(&coupled[k], paths, s);
  }
  wmc_stream_destroy(s);
  return 0;
}
