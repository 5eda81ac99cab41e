/* Random streams against exact expectations: fixed seeds, 10^7 deviates times WEYLMC_EFFORT, every
 * statistic with its exact standard error, bound 5 of them. With --verbose the figures are printed.
 */
#include "weylmc/numeric/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "../../src/numeric/simd/normals.h"
#include "streams.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/simd.h"

enum { CHUNK = 1 << 16, DRAWS = 10000000, LAGS = 64, SEED = 20260102 };

/* Two-sided probability of 5 standard errors, for statistics that are not normal. */
static const double unlikely = 5.7e-7;

static size_t chunks(void) { return (size_t)test_trials((DRAWS + CHUNK - 1) / CHUNK); }

/* Chunks come from 8 streams in turn, each a contiguous piece of one stream. */
typedef void chunk_work(const double *deviates, void *sums);
typedef void bulk(wmc_stream *stream, size_t n, double scale, double *out);

static void for_chunks(bulk *make, chunk_work *work, void *sums)
{
  enum { STREAMS = 8 };
  wmc_stream *streams[STREAMS];
  double *deviates = WMC_ARRAY(double, CHUNK);
  cr_assert_not_null(deviates);
  for (int k = 0; k < STREAMS; k++) streams[k] = test_stream(SEED, k);
  for (size_t c = 0; c < chunks(); c++) {
    make(streams[c % STREAMS], CHUNK, 1, deviates);
    work(deviates, sums);
  }
  for (int k = 0; k < STREAMS; k++) wmc_stream_destroy(streams[k]);
  wmc_free(deviates);
}

static void uniforms(wmc_stream *stream, size_t n, double scale, double *out)
{
  (void)scale;
  wmc_stream_uniforms(stream, n, out);
}

static void expect_near(const char *name, int index, double value, double exact, double error)
{
  double z = (value - exact) / error;
  cr_log_info("%-34s %4d: %14.8g, exact %14.8g, standard error %8.2g, z %6.2f\n", name, index,
              value, exact, error, z);
  cr_expect_lt(fabs(z), 5, "%s %d: %.10g, exact %.10g, standard error %g: z = %.2f", name, index,
               value, exact, error, z);
}

/* The largest of several standard scores is reported, all are tested. */
static void expect_scores(const char *name, const double *z, int n)
{
  int worst = 0;
  double squares = 0;
  for (int k = 0; k < n; k++) {
    squares += z[k] * z[k];
    if (fabs(z[k]) > fabs(z[worst])) worst = k;
  }
  cr_log_info("%-34s %4d scores: largest %5.2f (number %d), chi squared / n %.3f +- %.3f\n", name,
              n, z[worst], worst, squares / n, sqrt(2.0 / n));
  cr_expect_lt(fabs(z[worst]), 5, "%s: score %d of %d is %.2f", name, worst, n, z[worst]);
}

static double double_factorial(int n) { return n < 2 ? 1 : n * double_factorial(n - 2); }

/* E z^k = (k-1)!! for even k, and Var z^k = (2k-1)!! - (E z^k)^2. */
enum { MOMENTS = 8 };

static void add_powers(const double *z, void *sums)
{
  double *moments = sums, chunk[MOMENTS] = {0};
  for (int i = 0; i < CHUNK; i++) {
    double power = 1;
    for (int k = 0; k < MOMENTS; k++) chunk[k] += power *= z[i];
  }
  for (int k = 0; k < MOMENTS; k++) moments[k] += chunk[k];
}

Test(random, moments_of_normals)
{
  double sums[MOMENTS] = {0}, n = (double)chunks() * CHUNK;
  for_chunks(wmc_stream_normals, add_powers, sums);
  for (int k = 1; k <= MOMENTS; k++) {
    double mean = k % 2 ? 0 : double_factorial(k - 1);
    double variance = double_factorial(2 * k - 1) - mean * mean;
    expect_near("moment", k, sums[k - 1] / n, mean, sqrt(variance / n));
  }
}

/* P(X <= count) and P(X >= count) of a Poisson law, the smaller one. */
static double poisson_tail(double mean, double count)
{
  double below = 0, term = exp(-mean), k = 0;
  for (; k < count; k++, term *= mean / k) below += term;
  return fmin(below + term, 1 - below);
}

/* Counts beyond t: binomial, standard error sqrt(n p (1 - p)); Poisson where few are expected. */
static void expect_count(const char *name, int index, double count, double n, double p)
{
  if (n * p > 200) {
    expect_near(name, index, count, n * p, sqrt(n * p * (1 - p)));
    return;
  }
  double tail = poisson_tail(n * p, count);
  cr_log_info("%-34s %4d: %14g, exact %14.8g, standard error %8.2g, tail %.2g\n", name, index,
              count, n * p, sqrt(n * p), tail);
  cr_expect_gt(2 * tail, unlikely, "%s %d: %g where %g are expected", name, index, count, n * p);
}

enum { TAILS = 7 };

static void add_tails(const double *z, void *sums)
{
  double(*counts)[TAILS] = sums;
  for (int i = 0; i < CHUNK; i++)
    for (int t = 1; t < TAILS && fabs(z[i]) > t; t++) counts[z[i] > 0][t]++;
}

Test(random, tails_of_normals)
{
  double counts[2][TAILS] = {{0}}, n = (double)chunks() * CHUNK;
  for_chunks(wmc_stream_normals, add_tails, counts);
  for (int t = 1; t < TAILS; t++) {
    double p = 0.5 * erfc(t / sqrt(2));
    expect_count("below minus", t, counts[0][t], n, p);
    expect_count("above", t, counts[1][t], n, p);
  }
}

/* Beyond what can be counted: uniforms for the radius that are 2^-bits times as large give the law
 * of normals given r > sqrt(2 bits log 2), so that counts beyond t > that are 2^bits as likely. */
static void expect_far_tail(int bits, double t)
{
  static wmc_normals_kernel *const kernels[] = WMC_SIMD_TABLE(wmc_normals);
  enum { BLOCKS = CHUNK / 16 };
  double *data = WMC_ARRAY(double, CHUNK), count = 0, n = 0, unit = 0x1p52;
  wmc_stream *stream = test_stream(SEED, 100 + bits);
  for (size_t c = 0; c < chunks() / 4 + 1; c++, n += CHUNK) {
    wmc_stream_uniforms(stream, CHUNK, data);
    for (int k = 0; k < CHUNK; k++)
      data[k] = floor(ldexp(data[k], k % 16 < 8 ? -bits : 0) * unit) / unit;
    kernels[wmc_simd_level()](BLOCKS, 1, data);
    for (int k = 0; k < CHUNK; k++) count += fabs(data[k]) > t;
  }
  /* of a pair one at most is beyond t, as r < 8.6 < t sqrt(2): the pairs are Bernoulli with 2 p */
  double p = ldexp(erfc(t / sqrt(2)), bits);
  expect_near("beyond t, in the far tail; 10 t =", (int)(10 * t), count / n, p,
              sqrt(p * (1 - 2 * p) / n));
  wmc_stream_destroy(stream);
  wmc_free(data);
}

Test(random, far_tails_of_the_transform)
{
  expect_far_tail(20, 6);
  expect_far_tail(24, 6.5);
  expect_far_tail(36, 7.5);
}

/* Kolmogorov: P(sqrt(n) D > x) = 2 sum_k (-1)^(k-1) exp(-2 k^2 x^2). D is taken at 2^16 edges of
 * equal probability, where it is at most the full D. */
enum { BINS = 1 << 16 };

static double kolmogorov_tail(double x)
{
  double sum = 0;
  for (int k = 1; k < 100; k++) sum += (k % 2 ? 2 : -2) * exp(-2 * k * k * x * x);
  return x < 0.2 ? 1 : sum;
}

static void bin_normals(const double *z, void *counts)
{
  for (int i = 0; i < CHUNK; i++)
    ((double *)counts)[(int)(BINS * fmin(0.5 * erfc(-z[i] / sqrt(2)), 1 - 0x1p-53))]++;
}

static void bin_uniforms(const double *u, void *counts)
{
  for (int i = 0; i < CHUNK; i++) ((double *)counts)[(int)(BINS * u[i])]++;
}

/* Kolmogorov-Smirnov, and chi squared of n deviates in equally likely bins: mean BINS - 1 and
 * variance 2 (BINS - 1) (1 - 1/n), exactly. */
static void expect_bins(const char *name, bulk *make, chunk_work *work)
{
  double *counts = WMC_ARRAY(double, BINS), n = (double)chunks() * CHUNK, mean = n / BINS;
  for_chunks(make, work, counts);
  double defect = 0, sum = 0, chi = 0;
  for (int k = 0; k < BINS; k++) {
    sum += counts[k];
    defect = fmax(defect, fabs(sum / n - (k + 1.0) / BINS));
    chi += (counts[k] - mean) * (counts[k] - mean) / mean;
  }
  double x = sqrt(n) * defect, p = kolmogorov_tail(x);
  cr_log_info("%-34s Kolmogorov-Smirnov sqrt(n) D = %.4f, p = %.3f\n", name, x, p);
  cr_expect_gt(p, unlikely, "%s: sqrt(n) D = %g", name, x);
  expect_near(name, BINS, chi, BINS - 1, sqrt(2.0 * (BINS - 1) * (1 - 1 / n)));
  wmc_free(counts);
}

Test(random, law_of_normals) { expect_bins("bins of normals", wmc_stream_normals, bin_normals); }

Test(random, law_of_uniforms) { expect_bins("bins of uniforms", uniforms, bin_uniforms); }

/* sum a_i b_i, in eight partial sums that vectorise. */
static double dot(size_t n, const double *a, const double *b)
{
  double sums[8] = {0}, total = 0;
  for (size_t i = 0; i + 8 <= n; i += 8)
    for (size_t j = 0; j < 8; j++) sums[j] += a[i + j] * b[i + j];
  for (size_t j = 0; j < 8; j++) total += sums[j];
  return total;
}

/* Products of deviates of unit variance at lags 1 to 64, and at the three points that the
 * recurrence links: all are uncorrelated with mean 0 and variance 1, so that the standard error is
 * 1 / sqrt(number of products). */
enum { PAIRS = CHUNK - LAGS };
typedef struct {
  double lag[LAGS + 1], square[LAGS + 1], three;
} serial_sums;

static void add_products(const double *z, serial_sums *sums)
{
  static double product[PAIRS];
  for (size_t lag = 1; lag <= LAGS; lag++) sums->lag[lag] += dot(PAIRS, z, z + lag);
  for (size_t i = 0; i < PAIRS; i++) product[i] = z[i] * z[i + 31];
  sums->three += dot(PAIRS, product, z + 55);
}

static void add_normals(const double *z, void *data)
{
  static double square[CHUNK];
  serial_sums *sums = data;
  add_products(z, sums);
  for (int i = 0; i < CHUNK; i++) square[i] = (z[i] * z[i] - 1) / sqrt(2);
  for (size_t lag = 1; lag <= LAGS; lag++) sums->square[lag] += dot(PAIRS, square, square + lag);
}

static void add_uniforms(const double *u, void *data)
{
  static double centred[CHUNK];
  for (int i = 0; i < CHUNK; i++) centred[i] = sqrt(12) * (u[i] - 0.5);
  add_products(centred, data);
}

static void add_signs(const double *s, void *data) { add_products(s, data); }

static void expect_uncorrelated(const char *name, bulk *make, chunk_work *work)
{
  serial_sums sums = {0};
  for_chunks(make, work, &sums);
  double root = sqrt((double)chunks() * PAIRS);
  for (int lag = 1; lag <= LAGS; lag++) {
    sums.lag[lag] /= root;
    sums.square[lag] /= root;
  }
  cr_log_info("%s: standard error of a correlation %.3g\n", name, 1 / root);
  expect_scores(name, sums.lag + 1, LAGS);
  if (sums.square[1] != 0) expect_scores("  of squares", sums.square + 1, LAGS);
  expect_near("  three points, 31 and 55 apart", 0, sums.three / root / root, 0, 1 / root);
}

Test(random, normals_are_uncorrelated)
{
  expect_uncorrelated("serial correlation of normals", wmc_stream_normals, add_normals);
}

Test(random, uniforms_are_uncorrelated)
{
  expect_uncorrelated("serial correlation of uniforms", uniforms, add_uniforms);
}

Test(random, signs_are_uncorrelated)
{
  expect_uncorrelated("serial correlation of signs", wmc_stream_signs, add_signs);
}

/* Mean of all signs, of the signs that come from each of the 32 bits of a draw, and of products of
 * the same bit of draws that the recurrence links. */
enum { BITS = 32 };
typedef struct {
  double bit[BITS], linked[BITS];
} bit_sums;

static void add_bits(const double *s, void *data)
{
  bit_sums *sums = data;
  for (int i = 0; i < CHUNK; i++) sums->bit[i % BITS] += s[i];
  for (int i = 0; i < CHUNK - 55 * BITS; i++)
    sums->linked[i % BITS] += s[i] * s[i + 31 * BITS] * s[i + 55 * BITS];
}

Test(random, bits_of_signs_are_fair)
{
  bit_sums sums = {{0}, {0}};
  for_chunks(wmc_stream_signs, add_bits, &sums);
  double n = (double)chunks() * CHUNK, linked = (double)chunks() * (CHUNK - 55 * BITS), sum = 0;
  for (int k = 0; k < BITS; k++) {
    sum += sums.bit[k];
    sums.bit[k] /= sqrt(n / BITS);
    sums.linked[k] /= sqrt(linked / BITS);
  }
  expect_near("mean sign", 0, sum / n, 0, 1 / sqrt(n));
  expect_scores("means of the 32 bits", sums.bit, BITS);
  expect_scores("products of linked bits", sums.linked, BITS);
}

/* The 52 bits of a uniform: mean 1/2. */
static void add_mantissa(const double *u, void *data)
{
  double *ones = data;
  for (int i = 0; i < CHUNK; i++) {
    uint64_t word = (uint64_t)(int64_t)(u[i] * 0x1p52);
    for (int k = 0; k < 52; k++) ones[k] += (double)(word >> k & 1);
  }
}

Test(random, bits_of_uniforms_are_fair)
{
  double ones[52] = {0}, n = (double)chunks() * CHUNK;
  for_chunks(uniforms, add_mantissa, ones);
  for (int k = 0; k < 52; k++) ones[k] = (ones[k] - n / 2) / sqrt(n / 4);
  expect_scores("means of the 52 bits of uniforms", ones, 52);
}

/* All pairs of 16 streams, and of ids at both ends of the range: mean product of deviates drawn
 * at the same time, standard error 1 / sqrt(draws). */
Test(random, long_streams_are_uncorrelated)
{
  enum { STREAMS = 16, ALL = STREAMS * (STREAMS - 1) / 2 };
  static double z[STREAMS][CHUNK], scores[ALL];
  wmc_stream *streams[STREAMS];
  for (int k = 0; k < STREAMS; k++)
    streams[k] = test_stream(SEED, k < 12 ? k : 2147483646 - (k - 12));
  size_t rounds = chunks() / STREAMS + 1;
  for (size_t c = 0; c < rounds; c++) {
    for (int k = 0; k < STREAMS; k++) wmc_stream_normals(streams[k], CHUNK, 1, z[k]);
    for (int a = 1, pair = 0; a < STREAMS; a++)
      for (int b = 0; b < a; b++) scores[pair++] += dot(CHUNK, z[a], z[b]);
  }
  for (int pair = 0; pair < ALL; pair++) scores[pair] /= sqrt((double)(rounds * CHUNK));
  expect_scores("pairs of streams", scores, ALL);
  for (int k = 0; k < STREAMS; k++) wmc_stream_destroy(streams[k]);
}

/* The first deviates of many streams, where SPRNG by itself starts neighbours alike: products of
 * stream k with k + 1 and with 2 k + 1. */
Test(random, first_deviates_of_neighbours_are_uncorrelated)
{
  enum { FIRST = 64 };
  int trials = test_trials(5000);
  double next = 0, twice = 0, a[FIRST], b[FIRST];
  for (int k = 0; k < trials; k++)
    for (int kind = 0; kind < 2; kind++) {
      wmc_stream *first = test_stream(SEED, k),
                 *second = test_stream(SEED, kind ? 2 * k + 1 : k + 1);
      wmc_stream_normals(first, FIRST, 1, a);
      wmc_stream_normals(second, FIRST, 1, b);
      *(kind ? &twice : &next) += dot(FIRST, a, b);
      wmc_stream_destroy(first);
      wmc_stream_destroy(second);
    }
  double n = (double)trials * FIRST;
  expect_near("first deviates of k and k + 1", 0, next / n, 0, 1 / sqrt(n));
  expect_near("first deviates of k and 2 k + 1", 0, twice / n, 0, 1 / sqrt(n));
}
