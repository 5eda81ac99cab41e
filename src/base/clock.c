#include "weylmc/base/clock.h"

#include <stdio.h>
#include <time.h>

double wmc_clock(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void wmc_clock_date(char out[40])
{
  time_t now = time(NULL);
  struct tm local;
  if (localtime_r(&now, &local) == NULL || strftime(out, 40, "%Y-%m-%dT%H:%M:%S%z", &local) == 0)
    snprintf(out, 40, "unknown");
}
