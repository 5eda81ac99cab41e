/** @file geometry.h  Random shapes and points for tests of the geometry library. */
#pragma once
#include <criterion/criterion.h>
#include <math.h>

#include "weylmc/base/memory.h"
#include "weylmc/geometry/point.h"

/** A layout, and arrays big enough for everything a test does with it. */
typedef struct test_network {
  double widths[1024];
  wmc_shape shape;
  wmc_layers *layers;
  wmc_point point;
  double *w, *scratch;
} test_network;

static inline double *test_room(size_t n)
{
  double *room = WMC_ARRAY(double, n);
  cr_assert_not_null(room);
  return room;
}

/** Widths from `rank` to `rank + spread`, all hidden ones and the outer ones on their own. */
static inline void test_network_open(test_network *t, wmc_stream *stream, int depth, int rank,
                                     int spread)
{
  for (int p = 0; p <= depth; p++)
    t->widths[p] = rank + floor((spread + 1) * wmc_stream_uniform(stream));
  t->shape = (wmc_shape){.numbers = WMC_NUMBERS_REAL,
                         .depth = depth,
                         .rank = rank,
                         .rows = (int)t->widths[depth],
                         .columns = (int)t->widths[0],
                         .hidden = (int)t->widths[depth > 1],
                         .widths = t->widths};
  cr_assert_eq(wmc_layers_create(&t->layers, &t->shape), WMC_OK);
  t->point = wmc_point_map(t->layers, test_room(wmc_point_size(t->layers)));
  t->w = test_room(wmc_layers_size(t->layers));
  t->scratch = test_room(wmc_point_scratch(t->layers) + 4 * wmc_layers_block(t->layers));
}

/** Haar frames, and lambda around 1 spread over e^(2 spread). */
static inline void test_network_draw(test_network *t, wmc_stream *stream, double spread)
{
  const int r = t->layers->rank;
  for (int k = 0; k < r; k++)
    t->point.lambda[k] = exp(spread * (2 * wmc_stream_uniform(stream) - 1));
  for (int i = 1; i < r; i++)
    for (int k = i; k > 0 && t->point.lambda[k - 1] < t->point.lambda[k]; k--) {
      double swap = t->point.lambda[k];
      t->point.lambda[k] = t->point.lambda[k - 1];
      t->point.lambda[k - 1] = swap;
    }
  wmc_point_draw_frames(&t->point, stream, t->scratch);
  wmc_point_write(&t->point, t->w, t->scratch);
}

static inline void test_network_close(test_network *t)
{
  wmc_free(t->point.frames);
  wmc_free(t->w);
  wmc_free(t->scratch);
  wmc_layers_destroy(t->layers);
}

/** Largest difference of two arrays. */
static inline double test_distance(size_t n, const double *a, const double *b)
{
  double largest = 0;
  for (size_t k = 0; k < n; k++)
    if (!(fabs(a[k] - b[k]) <= largest)) largest = fabs(a[k] - b[k]);
  return largest;
}
