#include "weylmc/numeric/random.h"

#include <sprng/sprng.h>
#include <stdlib.h>
#include <string.h>

#include "simd/normals.h"
#include "weylmc/base/hash.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/simd.h"

enum {
  PARAMETER = 2,        /* of SPRNG's table of lags: x_n = x_{n-55} x_{n-24} mod 2^64 */
  PACKED_SPRNG = 952,   /* bytes that SPRNG packs at these lags */
  STREAMS = 2147483647, /* of every run, so that no stream depends on the number of chains */
  DISCARDED = 4096      /* see random.h */
};

enum {
  BUFFER = 4 * WMC_NORMALS_BLOCK,
  CHUNK = BUFFER, /* uniforms made before they are transformed */
  SIGN_CHUNK = 32
};

struct wmc_stream {
  int *generator;        /* of SPRNG */
  size_t used;           /* deviates of the buffer that are spent */
  uint64_t sign_count;   /* bits of sign_word still to be used */
  uint64_t sign_word;    /* the next bit on top */
  double buffer[BUFFER]; /* normal deviates of unit variance */
};

typedef struct {
  char name[8];
  uint64_t hash; /* of all that follows */
  uint64_t used, sign_count, sign_word;
  double buffer[BUFFER];
  unsigned char generator[PACKED_SPRNG];
} packed_stream;

static const char packed_name[8] = "mlfg 55";

/* What sprng() calls for an MLFG; calling it directly saves 0.3 ns of 2. */
extern double mlfg_get_rn_dbl(int *generator);

static wmc_normals_kernel *const normals_kernels[] = WMC_SIMD_TABLE(wmc_normals);
static wmc_signs_kernel *const signs_kernels[] = WMC_SIMD_TABLE(wmc_signs);

/* n multiples of 2^-52 in [0, 1). */
static void draw(const wmc_stream *stream, size_t n, double *out)
{
  int *generator = stream->generator;
  for (size_t k = 0; k < n; k++) out[k] = mlfg_get_rn_dbl(generator);
}

/* SPRNG itself loses 432 bytes here for every stream (tests/support/leaks.txt). */
static wmc_status start_generator(wmc_stream *stream, long seed, long id)
{
  stream->generator = init_sprng(SPRNG_MLFG, (int)id, STREAMS, (int)seed, PARAMETER);
  if (stream->generator == NULL) return wmc_no_memory();
  char *bytes = NULL;
  int length = pack_sprng(stream->generator, &bytes);
  free(bytes);
  if (length != PACKED_SPRNG)
    return wmc_raise(WMC_FAILURE,
                     "this SPRNG library packs a stream into %d bytes, not %d: "
                     "build with SPRNG 2.0",
                     length, (int)PACKED_SPRNG);
  for (int k = 0; k < DISCARDED; k++) (void)mlfg_get_rn_dbl(stream->generator);
  return WMC_OK;
}

wmc_status wmc_stream_create(wmc_stream **stream, long seed, long id)
{
  *stream = NULL;
  if (seed < 0 || seed > WMC_SEED_MAX)
    return wmc_raise(WMC_DATA, "seed %ld: take one of 0 to %d", seed, (int)WMC_SEED_MAX);
  if (id < 0 || id >= STREAMS)
    return wmc_raise(WMC_DATA, "random stream %ld: a run has streams 0 to %d; take fewer chains",
                     id, STREAMS - 1);
  wmc_stream *made = WMC_NEW(wmc_stream);
  if (made == NULL) return wmc_no_memory();
  made->used = BUFFER;
  wmc_status status = start_generator(made, seed, id);
  if (status == WMC_OK)
    *stream = made;
  else
    wmc_stream_destroy(made);
  return status;
}

void wmc_stream_destroy(wmc_stream *stream)
{
  if (stream == NULL) return;
  if (stream->generator != NULL) free_sprng(stream->generator);
  wmc_free(stream);
}

double wmc_stream_uniform(wmc_stream *stream)
{
  return mlfg_get_rn_dbl(stream->generator) + 0x1p-53;
}

void wmc_stream_uniforms(wmc_stream *stream, size_t n, double *out)
{
  for (size_t k = 0; k < n; k++) out[k] = mlfg_get_rn_dbl(stream->generator) + 0x1p-53;
}

/* n normals, n a multiple of the block, straight to `out`. */
static void make_normals(const wmc_stream *stream, size_t n, double scale, double *out)
{
  wmc_normals_kernel *transform = normals_kernels[wmc_simd_level()];
  for (size_t done = 0; done < n; done += CHUNK) {
    size_t chunk = n - done < CHUNK ? n - done : CHUNK;
    draw(stream, chunk, out + done);
    transform(chunk / WMC_NORMALS_BLOCK, scale, out + done);
  }
}

/* Up to n normals that the buffer still holds; returns how many. */
static size_t take_buffered(wmc_stream *stream, size_t n, double scale, double *out)
{
  size_t left = BUFFER - stream->used, taken = n < left ? n : left;
  const double *from = stream->buffer + stream->used;
  for (size_t k = 0; k < taken; k++) out[k] = scale * from[k];
  stream->used += taken;
  return taken;
}

/* Kept out of line, so that a single deviate from the buffer costs little. */
__attribute__((noinline)) static void refill(wmc_stream *stream)
{
  make_normals(stream, BUFFER, 1, stream->buffer);
  stream->used = 0;
}

void wmc_stream_normals(wmc_stream *stream, size_t n, double scale, double *out)
{
  size_t done = take_buffered(stream, n, scale, out);
  if (n - done >= BUFFER) {
    size_t whole = (n - done) / WMC_NORMALS_BLOCK * WMC_NORMALS_BLOCK;
    make_normals(stream, whole, scale, out + done);
    done += whole;
  }
  if (done == n) return;
  refill(stream);
  take_buffered(stream, n - done, scale, out + done);
}

double wmc_stream_normal(wmc_stream *stream)
{
  if (stream->used == BUFFER) refill(stream);
  return stream->buffer[stream->used++];
}

/* Up to n signs from the bits of the current word; returns how many. */
static size_t take_signs(wmc_stream *stream, size_t n, double scale, double *out)
{
  size_t taken = n < stream->sign_count ? n : (size_t)stream->sign_count;
  for (size_t k = 0; k < taken; k++) out[k] = wmc_signs_entry(stream->sign_word, k, scale);
  stream->sign_word <<= taken;
  stream->sign_count -= taken;
  return taken;
}

void wmc_stream_signs(wmc_stream *stream, size_t n, double scale, double *out)
{
  wmc_signs_kernel *expand = signs_kernels[wmc_simd_level()];
  double uniforms[SIGN_CHUNK];
  size_t done = take_signs(stream, n, scale, out);
  while (n - done >= WMC_SIGNS_BLOCK) {
    size_t blocks = (n - done) / WMC_SIGNS_BLOCK;
    if (blocks > SIGN_CHUNK) blocks = SIGN_CHUNK;
    draw(stream, blocks, uniforms);
    expand(blocks, uniforms, scale, out + done);
    done += blocks * WMC_SIGNS_BLOCK;
  }
  if (done == n) return;
  draw(stream, 1, uniforms);
  stream->sign_word = wmc_signs_word(uniforms[0]);
  stream->sign_count = WMC_SIGNS_BLOCK;
  take_signs(stream, n - done, scale, out + done);
}

size_t wmc_stream_packed_size(void) { return sizeof(packed_stream); }

static uint64_t packed_hash(const packed_stream *packed)
{
  size_t start = offsetof(packed_stream, used);
  return wmc_hash((const unsigned char *)packed + start, sizeof *packed - start, 0);
}

void wmc_stream_pack(const wmc_stream *stream, unsigned char *out)
{
  packed_stream packed = {
      .used = stream->used, .sign_count = stream->sign_count, .sign_word = stream->sign_word};
  char *bytes = NULL;
  /* Without memory for SPRNG's copy the name stays empty, and unpacking reports it. */
  if (pack_sprng(stream->generator, &bytes) == PACKED_SPRNG) {
    memcpy(packed.name, packed_name, sizeof packed.name);
    memcpy(packed.buffer, stream->buffer, sizeof packed.buffer);
    memcpy(packed.generator, bytes, PACKED_SPRNG);
    packed.hash = packed_hash(&packed);
  }
  free(bytes);
  memcpy(out, &packed, sizeof packed);
}

wmc_status wmc_stream_unpack(wmc_stream *stream, const unsigned char *bytes)
{
  packed_stream packed;
  memcpy(&packed, bytes, sizeof packed);
  if (memcmp(packed.name, packed_name, sizeof packed.name) != 0)
    return wmc_raise(WMC_IO,
                     "the bytes of a random stream do not start with '%s': "
                     "they are damaged or of another version",
                     packed_name);
  if (packed.hash != packed_hash(&packed) || packed.used > BUFFER ||
      packed.sign_count >= WMC_SIGNS_BLOCK)
    return wmc_raise(WMC_IO, "the bytes of a random stream do not have their checksum: "
                             "they are damaged; take an older checkpoint");
  int *generator = unpack_sprng((char *)packed.generator);
  if (generator == NULL) return wmc_no_memory();
  free_sprng(stream->generator);
  stream->generator = generator;
  stream->used = (size_t)packed.used;
  stream->sign_count = packed.sign_count;
  stream->sign_word = packed.sign_word;
  memcpy(stream->buffer, packed.buffer, sizeof stream->buffer);
  return WMC_OK;
}

const char *wmc_stream_description(void)
{
  return "SPRNG 2.0 MLFG, x_n = x_{n-55} x_{n-24} mod 2^64 (parameter 2), stream = chain of "
         "2^31 - 1, 4096 draws discarded; normals: Box-Muller in blocks of 16; "
         "signs: 32 leading bits";
}
