/** @file random.h  Random streams, and normal deviates and signs in bulk.
 *
 * A stream is a SPRNG modified lagged-Fibonacci generator (MLFG, 64 bit) whose stream number is the
 * global id of a chain: streams of one seed and different ids are independent by construction, and
 * the same (seed, id) always gives the same deviates, whatever rank asks for them.
 * Normal deviates come from a vectorised Box-Muller transform of SPRNG's uniforms.
 * The sequence that a stream yields depends only on the sequence of calls made on it; packing and
 * unpacking between two calls changes nothing, buffered deviates included.
 * Checked by tests/unit/random.c (save/restore, streams differ, golden draws) and
 * tests/statistical/random.c (moments, tails, Kolmogorov-Smirnov).  The only file that sees SPRNG
 * is src/numeric/random.c.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "weylmc/base/status.h"

typedef struct wmc_stream wmc_stream;

enum { WMC_SEED_MAX = 2147483647 };

/** Stream `id` (0 <= id < 2^31 - 1) of `seed` (0 <= seed <= WMC_SEED_MAX). */
wmc_status wmc_stream_create(wmc_stream **stream, long seed, long id);
void wmc_stream_destroy(wmc_stream *stream);

/** n uniform deviates in the open interval (0, 1). */
void wmc_stream_uniforms(wmc_stream *stream, size_t n, double *out);
double wmc_stream_uniform(wmc_stream *stream);
/** n normal deviates of mean 0 and standard deviation `scale`. */
void wmc_stream_normals(wmc_stream *stream, size_t n, double scale, double *out);
double wmc_stream_normal(wmc_stream *stream);
/** n entries that are +scale or -scale with probability 1/2, one random bit each. */
void wmc_stream_signs(wmc_stream *stream, size_t n, double scale, double *out);

/** Bytes of a packed stream; the same for every stream of the program. */
size_t wmc_stream_packed_size(void);
/** Write exactly wmc_stream_packed_size() bytes: generator and buffered deviates. */
void wmc_stream_pack(const wmc_stream *stream, unsigned char *out);
/** Make the stream what it was when packed. WMC_IO if the bytes are not a packed stream. */
wmc_status wmc_stream_unpack(wmc_stream *stream, const unsigned char *packed);

/** Generator, parameters and transform, for provenance. */
const char *wmc_stream_description(void);
