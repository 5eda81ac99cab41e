/** @file weights.h  The table of weight laws, and the source of a network's weights.
 *
 * A weight matrix of a layer has entries of mean 0 and standard deviation `scale`.
 *
 *   gaussian, rademacher, uniform   independent entries;
 *   orthogonal   sqrt(max(m, n)) times m x n orthonormal columns (or rows) with the Haar law;
 *   fractional   each entry is, along the depth, fractional Gaussian noise of Hurst index H:
 *                E g_l g_{l+k} = (|k+1|^{2H} - 2|k|^{2H} + |k-1|^{2H})/2;
 *   smooth       each entry is A(l/L), A(t) = (K+1)^{-1/2} [a_0 + sum_{k=1..K} (a_k cos pi k t +
 *                b_k sin pi k t)], a_k, b_k standard normal, K = modes.
 *
 * The first four are independent from layer to layer. A sum of l layers grows like l^h, with the
 * persistence h = 1/2, for fractional H, for smooth 1; the amplitude of a layer that has a
 * non-trivial limit L -> infinity is therefore (time/depth)^h (docs/theory/jacobian.md, section 1).
 * Fractional noise is exact: circulant embedding (Davies and Harte 1987; Dietrich and Newsam 1997),
 * two sequences for each transform. A source keeps all layers of a network: `depth` m n doubles;
 * smooth keeps (2K + 1) m n, the others nothing that grows with the depth.
 * Complex entries have independent real and imaginary parts of half the variance each (orthogonal:
 * a unitary Haar matrix). With a cyclic group the n taps are drawn, with entries of variance
 * scale^2 / n, and transformed: entries of every mode then have the variance E|.|^2 = scale^2
 * (orthogonal: every mode has the Haar law, orthogonal or unitary).
 * Adding a law: a fill function and a row in src/jacobian/weights.c, or the three functions of
 * src/jacobian/source.h in a file of its own.
 * Checked by tests/check/jacobian_weights.c (orthogonality, covariances by definition) and
 * tests/statistical/jacobian_weights.c.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/jacobian/split.h"
#include "weylmc/numeric/random.h"

struct wmc_source_methods;

typedef struct wmc_weights {
  const char *name, *text;
  /** n independent entries of standard deviation `scale`; NULL if entries are not independent. */
  void (*fill)(wmc_stream *stream, size_t n, double scale, double *out);
  const struct wmc_source_methods *methods; /**< of those that are not */
  bool correlated;                          /**< from layer to layer */
} wmc_weights;

/** Table ended by a NULL name, and the names alone (NULL-ended) in the same order; the row of a
 * name, or NULL. */
extern const wmc_weights wmc_weight_laws[];
extern const char *const wmc_weight_law_names[];
const wmc_weights *wmc_weights_find(const char *name);
/** h: 1/2, H or 1. */
double wmc_weights_persistence(const wmc_weights *law, double hurst);
/** Bytes that a source of this law keeps for matrices of `size` reals. */
double wmc_weights_memory(const wmc_weights *law, double size, double depth, double modes);

/** Work of one rows x columns matrix, in flops that take as long; rough. */
double wmc_weights_cost(const wmc_weights *law, double rows, double columns, double depth,
                        double modes);

typedef struct wmc_source_options {
  const wmc_weights *law;
  size_t rows, columns;
  int depth;
  double scale;
  double hurst; /**< fractional only */
  int modes;    /**< smooth only */
  wmc_split split;
} wmc_source_options;

/** One weight matrix in every layer of a network. */
typedef struct wmc_source wmc_source;

wmc_status wmc_source_create(wmc_source **source, const wmc_source_options *options);
void wmc_source_destroy(wmc_source *source);
/** Begin a new network. */
void wmc_source_start(wmc_source *source, wmc_stream *stream);
/** The matrices of the next `count` layers, count x rows x columns numbers as split.h says. */
void wmc_source_layers(wmc_source *source, wmc_stream *stream, size_t count, double *out);
