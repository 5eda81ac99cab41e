/** @file normals.h  Normal deviates and signs from SPRNG's uniforms, on whole vectors.
 *
 * Box and Muller: for u, v uniform in (0, 1), r = sqrt(-2 log u),
 *   z = r cos(2 pi v),  z' = r sin(2 pi v)
 * are independent normal deviates. Source: Box & Muller, Ann. Math. Stat. 29, 610 (1958).
 * Relative error below 1e-15. Plain C that compilers turn into vector code of each level, with
 * polynomials for just the ranges that occur; times by tests/bench/normals.c.
 * Checked by tests/unit/random.c (every level against long double) and tests/statistical/random.c.
 * Reentrant; allocates nothing.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "simd_name.h"

/** Deviates come in blocks of this many: 8 radii, then 8 angles, make 8 cosines, then 8 sines. */
enum { WMC_NORMALS_BLOCK = 16 };

/** Replace `blocks` x 16 uniforms by scale times as many normals.
 * @param[in,out] data  in: multiples of 2^-52 in [0, 1), as SPRNG makes them; 2^-53 is added, so
 *                      that zero never meets the logarithm and the largest deviate is 8.57 */
typedef void wmc_normals_kernel(size_t blocks, double scale, double *data);
WMC_SIMD_DECLARE(wmc_normals_kernel, wmc_normals);

/** Signs that a uniform pays for: its 32 leading bits, most significant first. */
enum { WMC_SIGNS_BLOCK = 32 };

/** Those bits at the top of a word. */
static inline uint64_t wmc_signs_word(double uniform)
{
  return (uint64_t)(int64_t)(uniform * 0x1p32) << 32;
}

/** Entry k < 32 of a word: scale, negative if bit k from the top is 1. No branch to mispredict. */
static inline double wmc_signs_entry(uint64_t word, size_t k, double scale)
{
  uint64_t bits;
  memcpy(&bits, &scale, sizeof bits);
  bits ^= (word << k) & (uint64_t)1 << 63;
  memcpy(&scale, &bits, sizeof bits);
  return scale;
}

/** out = +scale where a bit is 0 and -scale where it is 1: `blocks` x 32 entries of as many
 * uniforms. No aliasing. */
typedef void wmc_signs_kernel(size_t blocks, const double *uniforms, double scale, double *out);
WMC_SIMD_DECLARE(wmc_signs_kernel, wmc_signs);
