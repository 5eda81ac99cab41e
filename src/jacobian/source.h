/** @file source.h  What a law of weights that are not independent entries provides; private to
 * src/jacobian. */
#pragma once
#include "weylmc/jacobian/weights.h"

struct wmc_source {
  wmc_source_options options;
  size_t size;                     /* reals of a matrix in all its modes, or of its taps */
  double scale;                    /* standard deviation of each of these */
  int layer;                       /* layers handed out since start */
  double *store;                   /* what lasts for a network */
  double *table;                   /* what lasts for ever */
  double *scratch;                 /* what lasts for a call */
  struct wmc_transform *transform; /* of taps; NULL: none */
};

/** From taps to modes: `count` layers of `size` reals. */
typedef struct wmc_transform wmc_transform;
wmc_status wmc_transform_create(wmc_transform **transform, int group, size_t entries);
void wmc_transform_destroy(wmc_transform *transform);
/** `out` may be `taps`. */
void wmc_transform_apply(wmc_transform *transform, size_t count, const double *taps, double *out);

typedef struct wmc_source_methods {
  /** Allocate store, table and scratch (freed by the caller, also on failure). */
  wmc_status (*create)(wmc_source *source);
  /** Begin a new network; NULL: nothing to do. */
  void (*start)(wmc_source *source, wmc_stream *stream);
  /** The matrix of layer source->layer (0, 1, ...): its taps, or its modes. */
  void (*layer)(wmc_source *source, wmc_stream *stream, double *out);
  bool draws_modes; /**< `layer` makes modes */
} wmc_source_methods;

/** The matrix of smooth weights at any fraction t of the depth. */
void wmc_source_smooth_at(const wmc_source *source, double t, double *out);

extern const wmc_source_methods wmc_source_orthogonal, wmc_source_fractional, wmc_source_smooth;
