/** @file random.h  Random streams, and normal deviates and signs in bulk.
 *
 * A stream is a multiplicative lagged-Fibonacci generator (MLFG) of SPRNG on odd 64-bit words,
 *   x_n = x_{n-55} x_{n-24} mod 2^64,   u_n = 2^-52 floor(x_n / 2^12),
 * whose stream number is the global id of a chain: the same (seed, id) always gives the same
 * deviates, whatever rank asks for them and however many chains the run has.
 * - Lags: the period is 2^61 (2^55 - 1); even the lowest bit used, bit 12, has period above 2^64.
 *   A packed stream is 1.5 kB. All lags cost the same time; (17, 5) packs 0.6 kB less but repeats
 *   bit 12 after 2^27 draws, (127, 97) packs 1.2 kB more.
 * - Start: SPRNG starts neighbouring streams from states that share words, so that 1 in 230 of
 *   their first 55 draws, and some up to draw 440, are equal. The first 4096 are discarded.
 * - Uniforms are u_n + 2^-53: 52 random bits, never 0 or 1.
 * - Normals come from a vectorised Box-Muller transform of uniforms (src/numeric/simd/normals.h),
 *   signs from the 32 leading bits of uniforms.
 *
 * What a stream yields depends only on the sequence of calls made on it, and successive calls of
 * one kind may be split or joined: n normals and then m are the same as n + m (single ones
 * included), likewise for uniforms and for signs. Each kind draws ahead (up to 64 normals,
 * 32 signs), so that the order of calls of different kinds matters. Packing and unpacking between
 * two calls changes nothing. Between instruction sets (simd.h) normals differ by rounding.
 *
 * Source: Mascagni & Srinivasan, ACM Trans. Math. Software 26, 436 (2000), and Parallel Computing
 * 30, 899 (2004). Checked by tests/unit/random.c (save and restore, splitting, golden draws, the
 * transform in long double) and tests/statistical/random.c (moments, tails, Kolmogorov-Smirnov,
 * correlations in and between streams, bits); timed by tests/bench/normals.py.  The only file that
 * sees SPRNG is src/numeric/random.c.  Streams are independent objects; only create, destroy, pack
 * and unpack allocate.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "weylmc/base/status.h"

typedef struct wmc_stream wmc_stream;

enum { WMC_SEED_MAX = 2147483647 };

/** Stream `id` (0 <= id < 2^31 - 1) of `seed` (0 <= seed <= WMC_SEED_MAX); takes about 30 us.
 * WMC_DATA if either is out of range. The caller destroys it. */
wmc_status wmc_stream_create(wmc_stream **stream, long seed, long id);
void wmc_stream_destroy(wmc_stream *stream);

/** n uniform deviates in the open interval (0, 1). */
void wmc_stream_uniforms(wmc_stream *stream, size_t n, double *out);
double wmc_stream_uniform(wmc_stream *stream);
/** n normal deviates of mean 0 and standard deviation `scale`. Small requests are served from a
 * buffer of 64, the rest is written straight to `out`. */
void wmc_stream_normals(wmc_stream *stream, size_t n, double scale, double *out);
double wmc_stream_normal(wmc_stream *stream);
/** n entries that are +scale or -scale with probability 1/2, one random bit each. */
void wmc_stream_signs(wmc_stream *stream, size_t n, double scale, double *out);

/** Bytes of a packed stream; the same for every stream of the program. */
size_t wmc_stream_packed_size(void);
/** Write exactly wmc_stream_packed_size() bytes: generator and buffered deviates, with a checksum,
 * in the byte order of this machine. */
void wmc_stream_pack(const wmc_stream *stream, unsigned char *out);
/** Make the stream what it was when packed. WMC_IO if the bytes are not a packed stream; the
 * stream is then as before. */
wmc_status wmc_stream_unpack(wmc_stream *stream, const unsigned char *packed);

/** Generator, parameters and transform, for provenance. */
const char *wmc_stream_description(void);
