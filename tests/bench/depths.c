/* Cost of linear residual chains with gaussian weights against depth and number of chains: time
 * a layer at L = 10^2 ... 10^5 and 1, 4 and 16 chains, and the largest resident set so far, which
 * does not grow with L. tau = 1 throughout, one spectrum a network. Usage: bench_depths. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "weylmc/base/memory.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/numeric/dense.h"

enum { REPEATS = 5, CHAINS_MAX = 16 };

static double seconds_used(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

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

static void create(chains *c, int width, int depth)
{
  const double end = 1;
  wmc_block_options o = {.width = width,
                         .depth = depth,
                         .hidden = width,
                         .activation = wmc_activation_find("linear"),
                         .weights = wmc_weights_find("gaussian"),
                         .variance = 1,
                         .time = 1,
                         .inner_variance = 1,
                         .input_norm2 = width};
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
        create(&c, widths[w], depths[l]);
        double t = measure(&c, widths[w], depths[l]);
        printf("%5d %7d %7d %12.4f %12.6f %9.1f\n", widths[w], depths[l], counts[k],
               t * 1e6 / depths[l] / counts[k], t, (double)peak_kilobytes() / 1024);
        fflush(stdout);
        destroy(&c);
      }
  return 0;
}
