/** @file layers.h  The layers W = (W_1, ..., W_N) of a deep linear network as one array.
 *
 * W_p is d_p x d_{p-1}, column-major, and begins at offset layer[p]; X = W_N ... W_1. Frames Q_p
 * (d_p x r) begin at frame[p], square matrices of a hidden layer (d_p x d_p) at gauge[p], square
 * matrices of the rank (r x r) follow one another at distance `core`. All offsets are multiples of
 * 8 doubles, so that whatever begins at a cache line (wmc_alloc) keeps beginning there; what lies
 * between is not read. Real numbers, finite depth.
 *
 * The gauge group acts by W_p -> G_p W_p G_{p-1}^{-1}, G_0 = G_N = 1, which keeps X. The moment map
 *   mu_p = W_{p+1}^T W_{p+1} - W_p W_p^T,   p = 1 .. N-1,
 * is symmetric, constant along the gradient flow of every E(X), and 0 on balanced networks.
 * Sources: Arora, Cohen & Hazan, arXiv:1802.06509; Menon, arXiv:2411.09004;
 * docs/theory/geometry.md, eqs. (G1)-(G3). Checked by tests/check/geometry_points.c.
 * A layout is constant after create and may be shared; kernels allocate nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/geometry/shape.h"
#include "weylmc/numeric/dense.h"

/** A product planned for one size; sizes stand in a hash table. */
typedef struct wmc_layers_plan {
  int m, n, k;
  wmc_product *product; /**< NULL: an empty place */
} wmc_layers_plan;

typedef struct wmc_layers {
  int depth, rank, widest; /**< N, r, the largest width */
  int numbers;             /**< 1; 2: layers are real forms of complex ones (realform.h) */
  int *width;              /**< d_0 .. d_N */
  size_t *layer;           /**< W_p at layer[p], 1 <= p <= N; layer[N + 1] doubles in all */
  size_t *frame;           /**< Q_p at frame[p], 0 <= p <= N; frame[N + 1] doubles in all */
  size_t *gauge;           /**< G_p at gauge[p], 1 <= p < N; gauge[N] doubles in all */
  size_t core;             /**< doubles from one r x r matrix to the next */
  wmc_layers_plan *plans;
  size_t places; /**< of the hash table, a power of two */
} wmc_layers;

/** Layout of a real shape of finite depth; widths are copied. The caller destroys it.
 * WMC_FAILURE when memory is exhausted. */
wmc_status wmc_layers_create(wmc_layers **layers, const wmc_shape *shape);
void wmc_layers_destroy(wmc_layers *layers);

/** Doubles of all layers, of all frames, of all hidden square matrices. */
size_t wmc_layers_size(const wmc_layers *layers);
size_t wmc_layers_frames_size(const wmc_layers *layers);
size_t wmc_layers_gauges_size(const wmc_layers *layers);
/** Doubles of the largest d_p x d_q matrix: the unit of scratch. */
size_t wmc_layers_block(const wmc_layers *layers);

/** The planned product of this size, or NULL. All sizes that occur between layers, frames and
 * gauges next to one another are planned. */
const wmc_product *wmc_layers_product(const wmc_layers *layers, int m, int n, int k);
/** C (m x n) = A (m x k) B (k x n), by the planned product or, for other sizes, by plain loops. */
void wmc_layers_multiply(const wmc_layers *layers, int m, int n, int k, const double *a,
                         const double *b, double *c);

/** B <- B A^{-1} for B of m x n; A (n x n) is destroyed. Column elimination with pivots.
 * False if A is singular or not finite; B means nothing then. */
bool wmc_matrix_divide(int m, int n, double *a, double *b);

/** out = W_p ... W_1 (d_p x d_0), p >= 1; `out` must hold a block, here and in the next two.
 * `scratch`: 1 block. */
void wmc_layers_prefix(const wmc_layers *layers, const double *w, int p, double *out,
                       double *scratch);
/** out = W_N ... W_p (d_N x d_{p-1}), p <= N. `scratch`: 1 block. */
void wmc_layers_suffix(const wmc_layers *layers, const double *w, int p, double *out,
                       double *scratch);
/** X = W_N ... W_1 (d_N x d_0). `scratch`: 1 block. */
void wmc_layers_end_to_end(const wmc_layers *layers, const double *w, double *x, double *scratch);
/** |W|^2, the sum over layers. */
double wmc_layers_norm2(const wmc_layers *layers, const double *w);

/** W_p <- G_p W_p G_{p-1}^{-1}; g holds G_1 .. G_{N-1}. False if some G_p is singular.
 * `scratch`: 2 blocks. */
bool wmc_layers_act(const wmc_layers *layers, const double *g, double *w, double *scratch);

/** mu_p (d_p x d_p), 1 <= p < N. `scratch`: 2 blocks. */
void wmc_layers_moment(const wmc_layers *layers, const double *w, int p, double *mu,
                       double *scratch);
/** Largest |entry| of all mu_p over the mean of |W_p|^2 over layers; 0 for N = 1.
 * `scratch`: 3 blocks. */
double wmc_layers_imbalance(const wmc_layers *layers, const double *w, double *scratch);
