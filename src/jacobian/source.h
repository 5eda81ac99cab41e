/** @file source.h  What a law of weights that are not independent entries provides; private to
 * src/jacobian. */
#pragma once
#include "weylmc/jacobian/weights.h"

struct wmc_source {
  wmc_source_options options;
  size_t size;     /* entries of a matrix */
  int layer;       /* layers handed out since start */
  double *store;   /* what lasts for a network */
  double *table;   /* what lasts for ever */
  double *scratch; /* what lasts for a call */
};

typedef struct wmc_source_methods {
  /** Allocate store, table and scratch (freed by the caller, also on failure). */
  wmc_status (*create)(wmc_source *source);
  /** Begin a new network; NULL: nothing to do. */
  void (*start)(wmc_source *source, wmc_stream *stream);
  /** The matrix of layer source->layer (0, 1, ...). */
  void (*layer)(wmc_source *source, wmc_stream *stream, double *out);
} wmc_source_methods;

extern const wmc_source_methods wmc_source_orthogonal, wmc_source_fractional, wmc_source_smooth;
