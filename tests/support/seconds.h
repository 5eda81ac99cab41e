/** @file seconds.h  Time of benchmarks: of the processor, so that other programs count little. */
#pragma once
#include <math.h>
#include <time.h>

static inline double seconds_used(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { SECONDS_MOST = 32, SECONDS_REPEATS = 15 };

/** Seconds of one call of each of `n` works of x (at most SECONDS_MOST): the least of interleaved
 * repeats, each of about `seconds`, because other programs only ever add. */
static inline void seconds_of_each(void (*work)(void *x, int which), void *x, int n, double seconds,
                                   double *least)
{
  long calls[SECONDS_MOST];
  for (int w = 0; w < n; w++) {
    const double start = seconds_used();
    calls[w] = 0;
    do {
      work(x, w);
      calls[w]++;
    } while (seconds_used() < start + seconds);
    least[w] = HUGE_VAL;
  }
  for (int repeat = 0; repeat < SECONDS_REPEATS; repeat++)
    for (int w = 0; w < n; w++) {
      const double start = seconds_used();
      for (long i = 0; i < calls[w]; i++) work(x, w);
      least[w] = fmin(least[w], (seconds_used() - start) / (double)calls[w]);
    }
}
