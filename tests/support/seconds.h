/** @file seconds.h  Time of benchmarks: of the processor, so that other programs count little. */
#pragma once
#include <time.h>

static inline double seconds_used(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
