#include "weylmc/statistics/accumulator.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "weylmc/base/memory.h"

enum { HEADER = 2, ROWS = 3 + WMC_BATCHES }; /* packed: components, count; origin, mean, ... */

/* `state` is what is packed: rows of n doubles, in this order:
 *   origin   the first sample; everything below is of y = x - origin, so that a large common offset
 *            costs no digits and a constant component has exactly no variance
 *   mean     of y
 *   square   sum of squared deviations of y from its mean
 *   batches  sums of y over each complete batch, then over the batch being filled, then zeros */
struct wmc_accumulator {
  size_t components;
  long count;  /* samples; the three below follow from it (see locate) */
  long length; /* of a batch, a power of two */
  long filled; /* samples in the batch being filled */
  size_t complete;
  double *state, *origin, *mean, *square, *batches;
};

/* Place in the batches after `count` samples. */
static void locate(wmc_accumulator *a)
{
  a->length = 1;
  while (a->count / a->length >= WMC_BATCHES) a->length *= 2;
  a->complete = (size_t)(a->count / a->length);
  a->filled = a->count % a->length;
}

wmc_status wmc_accumulator_create(wmc_accumulator **accumulator, size_t components)
{
  wmc_accumulator *a = WMC_NEW(wmc_accumulator);
  *accumulator = a;
  if (a == NULL) return wmc_no_memory();
  a->components = components;
  a->state = WMC_ARRAY(double, ROWS *components);
  if (a->state == NULL) {
    wmc_accumulator_destroy(a);
    *accumulator = NULL;
    return wmc_no_memory();
  }
  a->origin = a->state;
  a->mean = a->origin + components;
  a->square = a->mean + components;
  a->batches = a->square + components;
  locate(a);
  return WMC_OK;
}

void wmc_accumulator_destroy(wmc_accumulator *accumulator)
{
  if (accumulator != NULL) wmc_free(accumulator->state);
  wmc_free(accumulator);
}

void wmc_accumulator_clear(wmc_accumulator *accumulator)
{
  accumulator->count = 0;
  memset(accumulator->state, 0, ROWS * accumulator->components * sizeof(double));
  locate(accumulator);
}

/* ---- samples ---------------------------------------------------------------------------- */

/* Welford's update of every component. */
static void update(size_t n, double weight, const double *restrict sample,
                   const double *restrict origin, double *restrict mean, double *restrict square,
                   double *restrict batch)
{
  for (size_t k = 0; k < n; k++) {
    double y = sample[k] - origin[k];
    double before = y - mean[k];
    double now = mean[k] + before * weight;
    mean[k] = now;
    square[k] += before * (y - now);
    batch[k] += y;
  }
}

/* Add neighbouring batches in pairs; the upper half becomes zero again. */
static void halve(wmc_accumulator *a)
{
  size_t n = a->components;
  for (size_t b = 0; b < WMC_BATCHES / 2; b++) {
    double *to = a->batches + b * n;
    const double *first = a->batches + 2 * b * n, *second = first + n;
    for (size_t k = 0; k < n; k++) to[k] = first[k] + second[k];
  }
  memset(a->batches + WMC_BATCHES / 2 * n, 0, WMC_BATCHES / 2 * n * sizeof(double));
  a->complete = WMC_BATCHES / 2;
  a->length *= 2;
}

void wmc_accumulator_add(wmc_accumulator *accumulator, const double *sample)
{
  wmc_accumulator *a = accumulator;
  if (a->count++ == 0) memcpy(a->origin, sample, a->components * sizeof(double));
  update(a->components, 1 / (double)a->count, sample, a->origin, a->mean, a->square,
         a->batches + a->complete * a->components);
  if (++a->filled < a->length) return;
  a->filled = 0;
  if (++a->complete == WMC_BATCHES) halve(a);
}

/* ---- packing ---------------------------------------------------------------------------- */

size_t wmc_accumulator_packed_size(size_t components) { return HEADER + ROWS * components; }

void wmc_accumulator_pack(const wmc_accumulator *accumulator, double *out)
{
  out[0] = (double)accumulator->components;
  out[1] = (double)accumulator->count;
  memcpy(out + HEADER, accumulator->state, ROWS * accumulator->components * sizeof(double));
}

static bool all_zero(const double *from, const double *end)
{
  while (from < end && *from == 0) from++;
  return from >= end;
}

/* Rows that hold something after the samples that `a` now counts. */
static size_t rows_in_use(const wmc_accumulator *a)
{
  return a->count == 0 ? 0 : 3 + a->complete + (a->filled > 0);
}

wmc_status wmc_accumulator_unpack(wmc_accumulator *accumulator, const double *packed)
{
  wmc_accumulator *a = accumulator, found = {.components = a->components};
  size_t n = a->components;
  const double most = 9007199254740992.0, count = packed[1]; /* 2^53 */
  const double *state = packed + HEADER;
  if (packed[0] != (double)n)
    return wmc_raise(WMC_IO, "packed statistics hold %g components where %zu belong", packed[0], n);
  if (!(count >= 0 && count <= most && floor(count) == count))
    return wmc_raise(WMC_IO, "packed statistics count %g samples: not a number of samples", count);
  found.count = (long)count;
  locate(&found);
  if (!all_zero(state + rows_in_use(&found) * n, state + ROWS * n))
    return wmc_raise(WMC_IO, "packed statistics of %g samples hold more batches than that", count);
  for (size_t k = 0; k < n; k++)
    if (state[2 * n + k] < 0)
      return wmc_raise(WMC_IO,
                       "packed statistics hold a negative sum of squares %g of component "
                       "%zu",
                       state[2 * n + k], k);
  a->count = found.count;
  locate(a);
  memcpy(a->state, state, ROWS * n * sizeof(double));
  return WMC_OK;
}

/* ---- what is known ---------------------------------------------------------------------- */

size_t wmc_accumulator_components(const wmc_accumulator *accumulator)
{
  return accumulator->components;
}

long wmc_accumulator_count(const wmc_accumulator *accumulator) { return accumulator->count; }

double wmc_accumulator_mean(const wmc_accumulator *accumulator, size_t component)
{
  assert(component < accumulator->components);
  if (accumulator->count == 0) return NAN;
  return accumulator->origin[component] + accumulator->mean[component];
}

double wmc_accumulator_variance(const wmc_accumulator *accumulator, size_t component)
{
  assert(component < accumulator->components);
  if (accumulator->count < 2) return NAN;
  return accumulator->square[component] / (double)(accumulator->count - 1);
}

size_t wmc_accumulator_batches(const wmc_accumulator *accumulator) { return accumulator->complete; }

long wmc_accumulator_batch_length(const wmc_accumulator *accumulator)
{
  return accumulator->length;
}

double wmc_accumulator_batch_mean(const wmc_accumulator *accumulator, size_t batch,
                                  size_t component)
{
  const wmc_accumulator *a = accumulator;
  assert(batch < a->complete && component < a->components);
  return a->origin[component] + a->batches[batch * a->components + component] / (double)a->length;
}
