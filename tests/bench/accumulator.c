/* Cost of the statistics, in nanoseconds a scalar sample, batches for the autocorrelation included.
 * Target: at most 25, also with one component. */
#include "weylmc/statistics/accumulator.h"

#include <stdio.h>
#include <stdlib.h>

#include "weylmc/base/clock.h"
#include "weylmc/statistics/estimate.h"

enum { ROWS = 64, MOST = 100, CHAINS = 32 };

/* Best of a few timings, seconds a sample vector. */
static double time_add(wmc_accumulator *a, const double *samples, size_t n, long draws)
{
  double best = 1e300;
  for (int repeat = 0; repeat < 5; repeat++) {
    double start = wmc_clock();
    for (long i = 0; i < draws; i++) wmc_accumulator_add(a, samples + (size_t)(i % ROWS) * n);
    double taken = (wmc_clock() - start) / (double)draws;
    if (taken < best) best = taken;
  }
  return best;
}

static double time_estimate(const wmc_accumulator *const *chains)
{
  double start = wmc_clock(), sum = 0;
  enum { REPEATS = 1000 };
  for (int i = 0; i < REPEATS; i++) {
    wmc_estimate e;
    wmc_estimate_chains(chains, CHAINS, 0, &e);
    sum += e.error;
  }
  return sum > 0 ? (wmc_clock() - start) / REPEATS : 0;
}

int main(void)
{
  const size_t components[] = {1, 4, 16, 100};
  static double samples[ROWS * MOST];
  for (size_t i = 0; i < ROWS * MOST; i++) samples[i] = (double)rand() / RAND_MAX;
  printf("components  ns a sample vector  ns a scalar sample  of the target 25 ns\n");
  for (size_t k = 0; k < sizeof components / sizeof components[0]; k++) {
    size_t n = components[k];
    wmc_accumulator *a;
    if (wmc_accumulator_create(&a, n) != WMC_OK) return 1;
    double ns = 1e9 * time_add(a, samples, n, 10000000 / (long)(n + 3));
    printf("%10zu  %18.2f  %18.2f  %18.1f%%\n", n, ns, ns / (double)n, 4 * ns / (double)n);
    wmc_accumulator_destroy(a);
  }
  wmc_accumulator *chain[CHAINS];
  for (int c = 0; c < CHAINS; c++) {
    if (wmc_accumulator_create(&chain[c], 1) != WMC_OK) return 1;
    for (int i = 0; i < 5000; i++) wmc_accumulator_add(chain[c], samples + rand() % ROWS);
  }
  printf("estimate of one component over %d chains: %.1f microseconds\n", CHAINS,
         1e6 * time_estimate((const wmc_accumulator *const *)chain));
  for (int c = 0; c < CHAINS; c++) wmc_accumulator_destroy(chain[c]);
  return 0;
}
