#include "weylmc/numeric/simd.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"base", "v3", "v4"};

static wmc_simd best_of_cpu(void)
{
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd"))
    return WMC_SIMD_V4;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2"))
    return WMC_SIMD_V3;
#endif
  return WMC_SIMD_BASE;
}

wmc_simd wmc_simd_level(void)
{
  static int level = -1;
  if (level < 0) {
    wmc_simd best = best_of_cpu();
    const char *wish = getenv("WEYLMC_SIMD");
    for (int k = 0; wish != NULL && k < (int)best; k++)
      if (strcmp(wish, names[k]) == 0) best = (wmc_simd)k;
    level = (int)best;
  }
  return (wmc_simd)level;
}

const char *wmc_simd_name(wmc_simd level) { return names[level]; }
