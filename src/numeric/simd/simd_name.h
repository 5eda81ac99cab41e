/** @file simd_name.h  Names of kernels that are compiled once per instruction set.
 *
 * A source in src/numeric/simd defines WMC_SIMD_NAME(wmc_thing), which becomes wmc_thing_base,
 * wmc_thing_v3 or wmc_thing_v4. Its header declares them all by WMC_SIMD_DECLARE, and a caller
 * picks one at wmc_simd_level() in `static type *const table[] = WMC_SIMD_TABLE(wmc_thing)`.
 */
#pragma once

#define WMC_SIMD_PASTE(f, level)  f##_##level
#define WMC_SIMD_EXPAND(f, level) WMC_SIMD_PASTE(f, level)
/** Name of f in the source being compiled (with -DWMC_SIMD_LEVEL=base|v3|v4). */
#define WMC_SIMD_NAME(f) WMC_SIMD_EXPAND(f, WMC_SIMD_LEVEL)

/** Declare f of type `type` (a typedef of a function), and list it, for all levels of this
 * architecture, in the order of wmc_simd. */
#if defined(__x86_64__)
#define WMC_SIMD_DECLARE(type, f) extern type f##_base, f##_v3, f##_v4
#define WMC_SIMD_TABLE(f)                                                                          \
  {                                                                                                \
    f##_base, f##_v3, f##_v4                                                                       \
  }
#else
#define WMC_SIMD_DECLARE(type, f) extern type f##_base
#define WMC_SIMD_TABLE(f)                                                                          \
  {                                                                                                \
    f##_base                                                                                       \
  }
#endif
