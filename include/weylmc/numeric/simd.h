/** @file simd.h  Choice of instruction set at run time.
 *
 * Kernels in src/numeric/simd are compiled once per level: base (any CPU of the architecture), v3
 * (x86-64-v3: AVX2, FMA) and v4 (x86-64-v4: AVX-512). One binary holds all and takes the best that
 * the CPU has. WEYLMC_SIMD=base|v3|v4 in the environment lowers the choice (it never raises it).
 * Results are bit-identical for one level; between levels they differ by rounding. Checked by
 * tests/check/dense.c and tests/unit/random.c at the level of the machine, at others with
 * WEYLMC_SIMD set. Reentrant; allocates nothing.
 */
#pragma once

typedef enum wmc_simd { WMC_SIMD_BASE, WMC_SIMD_V3, WMC_SIMD_V4 } wmc_simd;

/** The level in use; the same in all calls. */
wmc_simd wmc_simd_level(void);
const char *wmc_simd_name(wmc_simd level);
