/* Cost of linear residual chains with gaussian weights against depth and number of chains: time
 * a layer at L = 10^2 ... 10^5 and 1, 4 and 16 chains, and the largest resident set so far, which
 * does not grow with L; tau = 1, one spectrum a network. Then the cost of extended precision: time
 * a layer over that in double precision, of real and complex chains, for a log-ratio of 10 and of
 * 600. Usage: bench_depths. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "../support/seconds.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/numeric/dense.h"

enum { REPEATS = 5, CHAINS_MAX = 16 };

static long peak_kilobytes(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

typedef struct chains {
  int count;
  wmc_network *network[CHAINS_MAX];
  wmc_stream *stream[CHAINS_MAX];
} chains;

static void create(chains *c, int width, int depth, double variance, bool is_complex,
                   wmc_precision precision)
{
  const double end = 1;
  wmc_block_options o = {.width = width,
                         .depth = depth,
                         .hidden = width,
                         .activation = wmc_activation_find("linear"),
                         .weights = wmc_weights_find("gaussian"),
                         .variance = variance,
                         .time = 1,
                         .inner_variance = 1,
                         .input_norm2 = width,
                         .split = {.is_complex = is_complex, .group = 1},
                         .precision = precision};
  for (int k = 0; k < c->count; k++)
    if (wmc_stream_create(&c->stream[k], 1, k) != WMC_OK ||
        wmc_network_create(&c->network[k], &wmc_block_linear, &o, 1, &end) != WMC_OK)
      exit(1);
}

static void destroy(chains *c)
{
  for (int k = 0; k < c->count; k++) {
    wmc_network_destroy(c->network[k]);
    wmc_stream_destroy(c->stream[k]);
  }
}

/* Seconds of a draw of all chains: the least of the repeats, each of at least a million entries. */
static double measure(const chains *c, int width, int depth)
{
  double least = HUGE_VAL;
  long draws = 1 + 1000000 / ((long)width * width * depth * c->count);
  for (int repeat = 0; repeat < REPEATS; repeat++) {
    double start = seconds_used();
    for (long i = 0; i < draws; i++)
      for (int k = 0; k < c->count; k++)
        if (!wmc_network_draw(c->network[k], c->stream[k])) exit(1);
    least = fmin(least, (seconds_used() - start) / (double)draws);
  }
  return least;
}

/* Microseconds a layer in double and in extended precision, one repeat of each in turn. */
static void measure_precisions(int width, int depth, double spread, bool is_complex)
{
  double least[2] = {HUGE_VAL, HUGE_VAL};
  chains c[2] = {{.count = 1}, {.count = 1}};
  for (int k = 0; k < 2; k++)
    create(&c[k], width, depth, spread / (width - 1), is_complex,
           k ? WMC_PRECISION_EXTENDED : WMC_PRECISION_DOUBLE);
  for (int repeat = 0; repeat < REPEATS; repeat++)
    for (int k = 0; k < 2; k++) least[k] = fmin(least[k], measure(&c[k], width, depth));
  printf("%8s %5d %7d %9g %12.4f %12.4f %7.2f\n", is_complex ? "complex" : "real", width, depth,
         spread, least[0] * 1e6 / depth, least[1] * 1e6 / depth, least[1] / least[0]);
  fflush(stdout);
  for (int k = 0; k < 2; k++) destroy(&c[k]);
}

static void compare_precisions(void)
{
  const int widths[] = {2, 4, 8, 16, 32, 64};
  printf("\nus a layer (spectrum included) in double and extended precision, and their ratio\n");
  printf("%8s %5s %7s %9s %12s %12s %7s\n", "numbers", "width", "depth", "log-ratio", "double",
         "extended", "ratio");
  for (int is_complex = 0; is_complex < 2; is_complex++)
    for (size_t w = 0; w < 6; w++) {
      measure_precisions(widths[w], 10000, 10, is_complex);
      measure_precisions(widths[w], 1000, 600, is_complex);
      measure_precisions(widths[w], 10000, 600, is_complex);
    }
}

int main(void)
{
  const int widths[] = {4, 16, 64}, depths[] = {100, 1000, 10000, 100000}, counts[] = {1, 4, 16};
  wmc_blas_start();
  printf("us a layer and chain (spectrum included); memory: peak of the process\n");
  printf("%5s %7s %7s %12s %12s %9s\n", "width", "depth", "chains", "us/layer", "s in all", "MB");
  for (size_t w = 0; w < 3; w++)
    for (size_t l = 0; l < 4; l++)
      for (size_t k = 0; k < 3; k++) {
        if (widths[w] > 16 && depths[l] > 10000 && counts[k] > 1) continue;
        chains c = {.count = counts[k]};
        create(&c, widths[w], depths[l], 1, false, WMC_PRECISION_DOUBLE);
        double t = measure(&c, widths[w], depths[l]);
        printf("%5d %7d %7d %12.4f %12.6f %9.1f\n", widths[w], depths[l], counts[k],
               t * 1e6 / depths[l] / counts[k], t, (double)peak_kilobytes() / 1024);
        fflush(stdout);
        destroy(&c);
      }
  compare_precisions();
  return 0;
}
