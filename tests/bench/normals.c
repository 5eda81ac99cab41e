/* Nanoseconds per random deviate, and Rademacher matrices beside the product that uses them.
 * Each figure is the median of many rounds, timed by processor time. tests/bench/normals.py adds
 * NumPy's normals on the same core. */
#include <stdio.h>
#include <stdlib.h>

#include "../support/seconds.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/random.h"
#include "weylmc/numeric/simd.h"

enum { TOTAL = 8192, ROUNDS = 200 };

/* Makes `total` deviates in requests of `size`. */
typedef void maker(wmc_stream *stream, size_t size, size_t total, double *out);

static void uniforms(wmc_stream *stream, size_t size, size_t total, double *out)
{
  for (size_t k = 0; k + size <= total; k += size) wmc_stream_uniforms(stream, size, out + k);
}

static void normals(wmc_stream *stream, size_t size, size_t total, double *out)
{
  for (size_t k = 0; k + size <= total; k += size) wmc_stream_normals(stream, size, 0.5, out + k);
}

static void single_normals(wmc_stream *stream, size_t size, size_t total, double *out)
{
  (void)size;
  for (size_t k = 0; k < total; k++) out[k] = wmc_stream_normal(stream);
}

static void signs(wmc_stream *stream, size_t size, size_t total, double *out)
{
  for (size_t k = 0; k + size <= total; k += size) wmc_stream_signs(stream, size, 0.5, out + k);
}

/* As a chain does: each request to the same place, in cache. */
static void signs_in_place(wmc_stream *stream, size_t size, size_t total, double *out)
{
  for (size_t k = 0; k + size <= total; k += size) wmc_stream_signs(stream, size, 0.5, out);
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double times[ROUNDS])
{
  qsort(times, ROUNDS, sizeof *times, ascending);
  return times[ROUNDS / 2];
}

/* Seconds for `total` deviates. */
static double timed(maker *make, wmc_stream *stream, size_t size, size_t total, double *out)
{
  double times[ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    double start = seconds_used();
    make(stream, size, total, out);
    times[round] = seconds_used() - start;
  }
  return median(times);
}

static void deviates(wmc_stream *stream, double *out)
{
  static const struct {
    const char *name;
    maker *make;
    size_t size;
  } rows[] = {
      {"uniforms", uniforms, TOTAL}, {"normals", normals, TOTAL}, {"normals", normals, 1024},
      {"normals", normals, 256},     {"normals", normals, 64},    {"normals", normals, 16},
      {"normals", normals, 9},       {"normals", normals, 3},     {"single", single_normals, 1},
      {"signs", signs, TOTAL},       {"signs", signs, 256},       {"signs", signs, 64},
      {"signs", signs, 25}};
  for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
    size_t total = TOTAL - TOTAL % rows[k].size;
    double time = timed(rows[k].make, stream, rows[k].size, total, out);
    printf("%-9s %5zu a request %7.3f ns\n", rows[k].name, rows[k].size,
           1e9 * time / (double)total);
  }
}

static double timed_product(int width, double *scratch)
{
  wmc_product *product;
  size_t square = (size_t)width * (size_t)width;
  double *a = scratch, *b = a + square, *c = b + square, times[ROUNDS];
  if (wmc_product_create(&product, width, width, width) != WMC_OK) exit(1);
  int repeats = 1 + 400000 / (width * width * width);
  for (int round = 0; round < ROUNDS; round++) {
    double start = seconds_used();
    for (int k = 0; k < repeats; k++) wmc_product_apply(product, a, b, c);
    times[round] = (seconds_used() - start) / repeats;
  }
  wmc_product_destroy(product);
  return median(times);
}

static void rademacher(wmc_stream *stream)
{
  double *scratch = WMC_ARRAY(double, 3 * 128 * 128);
  if (scratch == NULL) exit(1);
  for (int width = 8; width <= 128; width *= 2) {
    size_t square = (size_t)width * (size_t)width, total = 16 * 1024;
    for (size_t k = 0; k < 2 * square; k++) scratch[k] = wmc_stream_normal(stream);
    double product = timed_product(width, scratch);
    double entries =
        timed(signs_in_place, stream, square, total, scratch) * (double)square / (double)total;
    printf("width %4d: signs %8.3f us, product %8.3f us, (signs + product) / product %.2f\n", width,
           1e6 * entries, 1e6 * product, (entries + product) / product);
  }
  wmc_free(scratch);
}

int main(void)
{
  wmc_stream *stream;
  double *out = WMC_ARRAY(double, TOTAL);
  if (out == NULL || wmc_stream_create(&stream, 1, 0) != WMC_OK) return 1;
  printf("level %s; %s\n", wmc_simd_name(wmc_simd_level()), wmc_stream_description());
  deviates(stream, out);
  rademacher(stream);
  wmc_stream_destroy(stream);
  wmc_free(out);
  return 0;
}
