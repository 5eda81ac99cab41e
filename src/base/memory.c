#include "weylmc/base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CACHE_LINE = 64 };

void *wmc_alloc(size_t count, size_t size)
{
  if (size != 0 && count > (SIZE_MAX - CACHE_LINE) / size) return NULL;
  size_t bytes = (count * size + CACHE_LINE) / CACHE_LINE * CACHE_LINE; /* at least one line */
  void *pointer = aligned_alloc(CACHE_LINE, bytes);
  if (pointer != NULL) memset(pointer, 0, bytes);
  return pointer;
}

double wmc_memory_limit(void)
{
  struct rlimit limit;
  double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      (double)limit.rlim_cur < bytes)
    bytes = (double)limit.rlim_cur;
  return bytes;
}

void wmc_free(void *pointer) { free(pointer); }
