#include "weylmc/numeric/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "../../src/numeric/simd/normals.h"
#include "streams.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/simd.h"

/* SPRNG's own draws (init_sprng(SPRNG_MLFG, id, 2147483647, seed, 2), then sprng) number 4096 to
 * 4099, as integers k = 2^52 u. */
Test(random, uniforms_are_those_of_sprng)
{
  static const struct {
    long seed, id;
    uint64_t draws[4];
  } golden[] = {
      {0, 0, {3648625769015209, 2452148835337692, 702490731116553, 1563288300978870}},
      {20260101, 0, {1428763641627481, 3941929555400072, 3333590639194934, 3179131955755911}},
      {20260101, 1, {3944341403055684, 1165213946930378, 4485361431868367, 4191886089183066}},
      {2147483647,
       2147483646,
       {4092318932740557, 404857118285574, 331168740041922, 1598764449534145}}};
  for (size_t g = 0; g < sizeof golden / sizeof golden[0]; g++) {
    wmc_stream *stream = test_stream(golden[g].seed, golden[g].id);
    for (int k = 0; k < 4; k++)
      cr_expect_eq(wmc_stream_uniform(stream), ((double)golden[g].draws[k] + 0.5) * 0x1p-52,
                   "seed %ld, id %ld, draw %d", golden[g].seed, golden[g].id, k);
    wmc_stream_destroy(stream);
  }
}

Test(random, seeds_and_ids_out_of_range_are_refused)
{
  const long wrong[][2] = {{-1, 0}, {2147483648L, 0}, {0, -1}, {0, 2147483647}, {0, 4294967296L}};
  for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
    wmc_stream *stream;
    wmc_message_clear();
    cr_expect_eq(wmc_stream_create(&stream, wrong[k][0], wrong[k][1]), WMC_DATA);
    cr_expect_null(stream);
    cr_expect_not_null(strstr(wmc_message(), "2147483"), "%s", wmc_message());
  }
}

/* The definition in long double; v less its nearest quarter is exact, so that deviates near zeros
 * of sine and cosine have full relative accuracy. */
static double box_muller(double u, double v, bool sine)
{
  const long double pi = 3.141592653589793238462643383279502884L;
  long double radius = sqrtl(-2 * logl(u + 0x1p-53L)), centre = v + 0x1p-53L;
  int quarter = (int)rintl(4 * centre);
  long double rest = 2 * pi * (centre - quarter / 4.0L), s = sinl(rest), c = cosl(rest);
  const long double sines[] = {s, c, -s, -c};
  return (double)(radius * sines[(quarter + (sine ? 0 : 1)) % 4]);
}

/* Largest relative error of the normals of `blocks` blocks. */
static double defect(const double *uniforms, const double *normals, size_t blocks, double scale)
{
  double worst = 0;
  for (size_t k = 0; k < blocks * 16; k++) {
    size_t pair = k / 16 * 16 + k % 8;
    double exact = scale * box_muller(uniforms[pair], uniforms[pair + 8], k % 16 >= 8);
    worst = fmax(worst, fabs(normals[k] - exact) / fabs(exact));
  }
  return worst;
}

/* The largest double below 1 that SPRNG makes, the smallest ones, and every octant. */
static void hard_uniforms(double *out, size_t n)
{
  static const double hard[] = {0,    0x1p-52, 3 * 0x1p-52, 1 - 0x1p-52, 0.5,   0.25,
                                0.75, 0.125,   0.375,       0.625,       0.875, 0.5 - 0x1p-52};
  enum { HARD = sizeof hard / sizeof hard[0] };
  for (size_t k = 0; k < n; k++) out[k] = hard[(k / 16 * (k % 16 < 8 ? 1 : 5) + k % 8) % HARD];
}

Test(random, every_level_is_the_box_muller_transform)
{
  enum { BLOCKS = 64 };
  static wmc_normals_kernel *const kernels[] = WMC_SIMD_TABLE(wmc_normals);
  static double uniforms[2 * BLOCKS * 16], normals[BLOCKS * 16];
  wmc_stream *stream = test_stream(1, 2);
  wmc_stream_uniforms(stream, BLOCKS * 16, uniforms);
  for (size_t k = 0; k < BLOCKS * 16; k++) uniforms[k] -= 0x1p-53;
  hard_uniforms(uniforms + BLOCKS * 16, BLOCKS * 16);
  for (int level = 0; level <= (int)wmc_simd_level(); level++)
    for (int kind = 0; kind < 2; kind++) {
      const double *from = uniforms + kind * BLOCKS * 16;
      memcpy(normals, from, sizeof normals);
      kernels[level](BLOCKS, 1.5, normals);
      double worst = defect(from, normals, BLOCKS, 1.5);
      cr_log_info("%s: defect %.2g\n", wmc_simd_name((wmc_simd)level), worst);
      cr_expect_lt(worst, 1e-15, "%s: %g", wmc_simd_name((wmc_simd)level), worst);
    }
  wmc_stream_destroy(stream);
}

Test(random, normals_are_the_transform_of_the_uniforms)
{
  enum { BLOCKS = 40 };
  static double uniforms[BLOCKS * 16], normals[BLOCKS * 16];
  wmc_stream *a = test_stream(7, 11), *b = test_stream(7, 11);
  wmc_stream_uniforms(a, BLOCKS * 16, uniforms);
  wmc_stream_normals(b, BLOCKS * 16, 0.25, normals);
  for (size_t k = 0; k < BLOCKS * 16; k++) uniforms[k] -= 0x1p-53;
  cr_expect_lt(defect(uniforms, normals, BLOCKS, 0.25), 1e-15);
  wmc_stream_destroy(a);
  wmc_stream_destroy(b);
}

/* Sign k is bit 63 - k % 32 of word k / 32, that is of the binary fraction of a uniform. */
Test(random, signs_are_the_leading_bits_of_the_uniforms)
{
  enum { WORDS = 100 };
  static wmc_signs_kernel *const kernels[] = WMC_SIMD_TABLE(wmc_signs);
  static double uniforms[WORDS], signs[WORDS * 32];
  wmc_stream *stream = test_stream(3, 1);
  wmc_stream_uniforms(stream, WORDS, uniforms);
  for (int level = 0; level <= (int)wmc_simd_level(); level++) {
    kernels[level](WORDS, uniforms, 0.3, signs);
    for (int k = 0; k < WORDS * 32; k++) {
      double shifted = ldexp(uniforms[k / 32], k % 32);
      bool bit = shifted - floor(shifted) >= 0.5;
      cr_assert_eq(signs[k], bit ? -0.3 : 0.3, "%s: sign %d", wmc_simd_name((wmc_simd)level), k);
    }
  }
  wmc_stream_destroy(stream);
}

/* The three kinds of bulk deviates. */
typedef void bulk(wmc_stream *stream, size_t n, double scale, double *out);

static void uniforms_scaled(wmc_stream *stream, size_t n, double scale, double *out)
{
  wmc_stream_uniforms(stream, n, out);
  for (size_t k = 0; k < n; k++) out[k] *= scale;
}

static bulk *const kinds[] = {uniforms_scaled, wmc_stream_normals, wmc_stream_signs};

Test(random, requests_may_be_split)
{
  enum { TOTAL = 5000 };
  static double whole[TOTAL], parts[TOTAL];
  const size_t sizes[] = {1, 0, 3, 16, 17, 64, 15, 100, 31, 32, 33, 300, 1000};
  for (int kind = 0; kind < 3; kind++) {
    wmc_stream *a = test_stream(5, 6), *b = test_stream(5, 6);
    kinds[kind](a, TOTAL, 0.7, whole);
    size_t done = 0;
    for (size_t k = 0; done < TOTAL; k++) {
      size_t n = sizes[k % (sizeof sizes / sizeof sizes[0])];
      if (n > TOTAL - done) n = TOTAL - done;
      kinds[kind](b, n, 0.7, parts + done);
      done += n;
    }
    cr_expect_eq(memcmp(whole, parts, sizeof whole), 0, "kind %d", kind);
    wmc_stream_destroy(a);
    wmc_stream_destroy(b);
  }
}

Test(random, single_deviates_are_those_of_bulk_requests)
{
  double bulk_of[200];
  wmc_stream *a = test_stream(8, 8), *b = test_stream(8, 8);
  wmc_stream_normals(a, 200, 1, bulk_of);
  for (int k = 0; k < 200; k++) cr_assert_eq(wmc_stream_normal(b), bulk_of[k]);
  wmc_stream_destroy(a);
  wmc_stream_destroy(b);
}

/* What comes next of every kind, after odd sizes that use all buffers. */
static void continuation(wmc_stream *stream, double out[300])
{
  for (int k = 0; k < 3; k++) kinds[k](stream, 70, 1, out + 100 * k);
  for (int k = 0; k < 3; k++) kinds[k](stream, 30, 1, out + 100 * k + 70);
}

/* Save after p deviates of a kind, for every phase p of the buffers; restore into a stream of
 * another seed, id and phase. */
Test(random, packing_at_every_phase_changes_nothing)
{
  size_t size = wmc_stream_packed_size();
  unsigned char *packed = wmc_alloc(size + 1, 1), *again = wmc_alloc(size, 1);
  for (int kind = 0; kind < 3; kind++)
    for (size_t phase = 0; phase <= 130; phase++) {
      double skipped[130], before[300], after[300];
      wmc_stream *stream = test_stream(9, 4), *other = test_stream(10, 5);
      kinds[kind](stream, phase, 1, skipped);
      kinds[(kind + 1) % 3](other, phase % 37, 1, skipped);
      packed[size] = 0xa5;
      wmc_stream_pack(stream, packed);
      cr_assert_eq(packed[size], 0xa5);
      cr_assert_eq(wmc_stream_unpack(other, packed), WMC_OK, "%s", wmc_message());
      wmc_stream_pack(other, again);
      cr_assert_eq(memcmp(packed, again, size), 0);
      continuation(stream, before);
      continuation(other, after);
      cr_assert_eq(memcmp(before, after, sizeof before), 0, "kind %d, phase %zu", kind, phase);
      wmc_stream_destroy(stream);
      wmc_stream_destroy(other);
    }
  wmc_free(packed);
  wmc_free(again);
}

Test(random, damaged_bytes_are_refused_and_change_nothing)
{
  size_t size = wmc_stream_packed_size();
  unsigned char *packed = wmc_alloc(size, 1);
  double before[300], after[300];
  wmc_stream *stream = test_stream(9, 4), *twin = test_stream(9, 4);
  wmc_stream_pack(stream, packed);
  for (size_t k = 0; k < size; k++) {
    packed[k] ^= 0x10;
    wmc_message_clear();
    cr_assert_eq(wmc_stream_unpack(stream, packed), WMC_IO, "byte %zu", k);
    cr_assert_not_null(strstr(wmc_message(), "damaged"));
    packed[k] ^= 0x10;
  }
  memset(packed, 0, size);
  cr_assert_eq(wmc_stream_unpack(stream, packed), WMC_IO);
  continuation(stream, before);
  continuation(twin, after);
  cr_assert_eq(memcmp(before, after, sizeof before), 0);
  wmc_stream_destroy(stream);
  wmc_stream_destroy(twin);
  wmc_free(packed);
}

/* Chance that any two of n streams agree in a draw is 2^-52 n^2/2 a draw: nothing. The first draws
 * of neighbours are where SPRNG, left alone, repeats one in 230. */
Test(random, streams_of_different_ids_and_seeds_differ)
{
  enum { PAIRS = 300, DRAWS = 110 };
  double a[DRAWS], b[DRAWS];
  for (long k = 0; k < test_trials(PAIRS); k++) {
    const long pairs[][4] = {{7, k, 7, k + 1},
                             {7, k, 7, 2 * k + 1},
                             {7, 2147483646 - k, 7, 2147483645 - k},
                             {k, 3, k + 1, 3},
                             {k, k, k + 1, k + 1}};
    for (size_t p = 0; p < sizeof pairs / sizeof pairs[0]; p++) {
      wmc_stream *first = test_stream(pairs[p][0], pairs[p][1]);
      wmc_stream *second = test_stream(pairs[p][2], pairs[p][3]);
      wmc_stream_uniforms(first, DRAWS, a);
      wmc_stream_uniforms(second, DRAWS, b);
      for (int j = 0; j < DRAWS; j++)
        cr_assert_neq(a[j], b[j], "draw %d of pair %zu of trial %ld", j, p, k);
      wmc_stream_destroy(first);
      wmc_stream_destroy(second);
    }
  }
}

Test(random, same_seed_and_id_give_the_same)
{
  double first[300], second[300];
  wmc_stream *a = test_stream(20260101, 31), *b = test_stream(20260101, 31);
  continuation(a, first);
  continuation(b, second);
  cr_assert_eq(memcmp(first, second, sizeof first), 0);
  wmc_stream_destroy(a);
  wmc_stream_destroy(b);
}
