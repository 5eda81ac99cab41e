/* The Fourier transform of taps over the cyclic group, as a product with the matrix of waves
 * 1, cos, -sin, cos, -sin, ..., (+1, -1, ...), so that it costs as little as other products. */
#include <math.h>
#include <string.h>

#include "source.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"

static const double PI = 3.14159265358979323846;

struct wmc_transform {
  size_t n, entries;
  wmc_product *product;
  double *waves; /* n x n */
  double *sums;  /* entries x n: a column for each wave */
};

void wmc_transform_destroy(wmc_transform *t)
{
  if (!t) return;
  wmc_product_destroy(t->product);
  wmc_free(t->waves);
  wmc_free(t->sums);
  wmc_free(t);
}

/* Column k: cos of mode (k + 1)/2 if k is odd (or k = 0), -sin of mode k/2 if it is even. */
static void fill_waves(size_t n, double *waves)
{
  for (size_t k = 0; k < n; k++)
    for (size_t j = 0; j < n; j++) {
      const double angle = 2 * PI * (double)(j * ((k + 1) / 2) % n) / (double)n;
      waves[k * n + j] = k % 2 || k == 0 ? cos(angle) : -sin(angle);
    }
}

wmc_status wmc_transform_create(wmc_transform **transform, int group, size_t entries)
{
  wmc_transform *t = WMC_NEW(wmc_transform);
  *transform = t;
  if (!t) return wmc_no_memory();
  t->n = (size_t)group;
  t->entries = entries;
  t->waves = WMC_ARRAY(double, t->n * t->n);
  t->sums = WMC_ARRAY(double, entries * t->n);
  wmc_status status = t->waves && t->sums ? WMC_OK : wmc_no_memory();
  if (status == WMC_OK) status = wmc_product_create(&t->product, (int)entries, group, group);
  if (status != WMC_OK) {
    wmc_transform_destroy(t);
    *transform = NULL;
    return status;
  }
  fill_waves(t->n, t->waves);
  return WMC_OK;
}

/* Pairs of columns become complex matrices; the first and, at even n, the last stay. */
static void unmix(const wmc_transform *t, double *out)
{
  const size_t entries = t->entries, n = t->n;
  memcpy(out, t->sums, entries * sizeof *out);
  for (size_t k = 1; k + 1 < n; k += 2) {
    const double *re = t->sums + k * entries, *im = re + entries;
    double *mode = out + k * entries;
    for (size_t i = 0; i < entries; i++) {
      mode[2 * i] = re[i];
      mode[2 * i + 1] = im[i];
    }
  }
  if (n % 2 == 0)
    memcpy(out + (n - 1) * entries, t->sums + (n - 1) * entries, entries * sizeof *out);
}

void wmc_transform_apply(wmc_transform *t, size_t count, const double *taps, double *out)
{
  const size_t size = t->entries * t->n;
  for (size_t l = 0; l < count; l++) {
    wmc_product_apply(t->product, taps + l * size, t->waves, t->sums);
    unmix(t, out + l * size);
  }
}
