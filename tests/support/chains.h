/** @file chains.h  Linear chains, layers I + s G with E|G_ij|^2 = 1 of real or complex numbers, and
 * their log-singular values by qdt.h. */
#pragma once
#include <criterion/criterion.h>
#include <math.h>

#include "streams.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/qdt.h"

enum { TEST_WIDEST = 16, TEST_LAYERS = 100 /* made at a time */ };

/** Made again from the start as often as it is wanted. */
typedef struct test_chain {
  int d, depth, parts; /* parts: 2 if complex */
  double s;
  long id;
} test_chain;

/** A chain whose mean log-ratio (d - 1) tau is `spread`. */
static inline test_chain test_chain_of(int d, int depth, int parts, double spread, long id)
{
  return (test_chain){d, depth, parts, sqrt(spread / (d > 1 ? d - 1 : 1) / depth), id};
}

/** `count` layers, owned by the caller. */
static inline double *test_layers(wmc_stream *stream, int d, int parts, int count, double s)
{
  const int reals = parts * d * d;
  double *j = WMC_ARRAY(double, reals *count);
  wmc_stream_normals(stream, (size_t)(reals * count), s / sqrt(parts), j);
  for (int l = 0; l < count; l++)
    for (int i = 0; i < d; i++) j[l * reals + parts * i * (d + 1)] += 1;
  return j;
}

/** Calls `take` with all layers, TEST_LAYERS at a time. */
static inline void test_each_layer(const test_chain *c, void (*take)(void *, int, const double *),
                                   void *to)
{
  wmc_stream *stream = test_stream(20261121, c->id);
  for (int done = 0; done < c->depth; done += TEST_LAYERS) {
    const int count = c->depth - done < TEST_LAYERS ? c->depth - done : TEST_LAYERS;
    double *layers = test_layers(stream, c->d, c->parts, count, c->s);
    take(to, count, layers);
    wmc_free(layers);
  }
  wmc_stream_destroy(stream);
}

static inline double test_largest_difference(int d, const double *a, const double *b)
{
  double worst = 0;
  for (int i = 0; i < d; i++)
    if (!(fabs(a[i] - b[i]) <= worst)) worst = fabs(a[i] - b[i]);
  return worst;
}

static inline wmc_qdt *test_qdt_of(int d, int parts, int limit, bool extend)
{
  wmc_qdt *qdt;
  cr_assert_eq((parts == 2 ? wmc_qdt_create_complex : wmc_qdt_create)(&qdt, d, limit), WMC_OK);
  if (extend) cr_assert_eq(wmc_qdt_extend(qdt), WMC_OK);
  return qdt;
}

static inline void test_spectrum(int d, int limit, int count, const double *layers, double *values,
                                 double *growth)
{
  wmc_qdt *qdt;
  cr_assert_eq(wmc_qdt_create(&qdt, d, limit), WMC_OK);
  wmc_qdt_multiply(qdt, (size_t)count, layers);
  cr_assert(wmc_qdt_values(qdt, values, growth), "d=%d limit=%d", d, limit);
  wmc_qdt_destroy(qdt);
}

/** For test_each_layer. */
static inline void test_multiply(void *to, int count, const double *layers)
{
  wmc_qdt_multiply(to, (size_t)count, layers);
}

static inline void test_spectrum_of(const test_chain *c, int limit, bool extend, double *values,
                                    double *growth)
{
  wmc_qdt *qdt = test_qdt_of(c->d, c->parts, limit, extend);
  test_each_layer(c, test_multiply, qdt);
  cr_assert(wmc_qdt_values(qdt, values, growth), "d=%d limit=%d", c->d, limit);
  wmc_qdt_destroy(qdt);
}
