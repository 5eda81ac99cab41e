/** @file residual.h  Residual blocks x + (m/p) b(N(x)) (block.h): all but the branch b. Private to
 * src/jacobian.
 *
 * A branch is a table of a few functions; its file exports a wmc_block made by WMC_RESIDUAL_BLOCK.
 */
#pragma once
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/block.h"
#include "weylmc/numeric/dense.h"

enum { WMC_BRANCH_MATRICES = 2 };

typedef struct wmc_residual wmc_residual;

typedef struct wmc_branch {
  /** Standard deviations of the entries of the weight matrices; the second is 0 if there is one
   * matrix, which is square; otherwise they are hidden x width and width x hidden. */
  void (*scales)(const wmc_block_options *options, double scale[WMC_BRANCH_MATRICES]);
  /** y = b(u) and its Jacobian, of the mode at work; y is NULL where no vector is followed. */
  void (*apply)(wmc_residual *state, const double *weights, const double *u, double *y,
                double *jacobian);
  bool vector; /**< the Jacobian of the branch depends on u */
  /** C(u) of the branch alone (block.h), on a matrix that is 1; NULL: it is 1. */
  void (*covariance)(wmc_residual *state, const double *u, double *out);
} wmc_branch;

struct wmc_residual {
  const wmc_branch *branch;
  size_t width, hidden; /* hidden: rows of the matrix that acts first */
  size_t weights;       /* numbers in the weight matrices of a layer */
  const wmc_activation *activation;
  double slope, outer_scale;
  double inner_variance;
  double keep, input_norm;
  wmc_norm norm;
  bool follows; /* the vector is needed */
  wmc_source *source[WMC_BRANCH_MATRICES];
  double scale[WMC_BRANCH_MATRICES]; /* of their reals */
  wmc_split split;
  size_t parts;         /* of the mode at work: rows of matrices are parts times as long */
  const double *second; /* second matrix of the mode at work */
  size_t together;      /* layers whose weights are drawn together */
  /* width x width = (width x hidden)(hidden x width), two matrices only; of reals, of complex */
  wmc_product *product[2];
  double *form;   /* real form of the second matrix, complex only */
  double *x;      /* width: the vector that runs through the network */
  double *drawn;  /* parameters of a layer, or weights of `together` layers */
  double *u, *y;  /* width: normalised vector, output of the branch */
  double *slopes; /* hidden: phi' */
  double *active; /* hidden: arguments of phi, then its values */
  double *masked; /* hidden x width */
};

wmc_status wmc_residual_create(const wmc_branch *branch, const wmc_block_options *options,
                               void **state);
void wmc_residual_destroy(void *state);
void wmc_residual_start(void *state, wmc_stream *stream);
void wmc_residual_layers(void *state, wmc_stream *stream, size_t count, double *jacobians);
size_t wmc_residual_parameters(const void *state);
void wmc_residual_forward(void *state, const double *parameters, double *x, double *jacobian);
void wmc_residual_covariance(void *state, double *out);
/** C(u) of phi(W1 u), W1 of entries of variance c1 (eq. (5)). */
void wmc_residual_covariance_inner(wmc_residual *state, const double *u, double *out);
void wmc_residual_draw(void *state, wmc_stream *stream, double *parameters);
void wmc_residual_join(const void *fine, const void *coarse, const double *a, const double *b,
                       double *out);
double wmc_residual_variance(const wmc_block_options *options);
/** The same for a branch without phi. */
double wmc_residual_linear_variance(const wmc_block_options *options);
/** Work of a layer, for one square matrix and for two. */
double wmc_residual_cost(const wmc_block_options *options);
double wmc_residual_cost_two(const wmc_block_options *options);

/* What the functions of branches share. */
/** As wmc_branch.scales: one matrix, of the variance of the layer. */
void wmc_residual_scales(const wmc_block_options *options, double scale[WMC_BRANCH_MATRICES]);
/** y = phi(W u) for W n x width, into `slopes` phi'(W u); y may be `active`. */
void wmc_residual_activate(wmc_residual *state, size_t n, const double *weights, const double *u,
                           double *y);
/** y (m) += A x for A (m x n); y may not alias. */
void wmc_add_product(size_t m, size_t n, const double *restrict a, const double *restrict x,
                     double *restrict y);
/** The same for numbers of 1 or 2 parts. */
void wmc_add_number_product(size_t parts, size_t m, size_t n, const double *a, const double *x,
                            double *y);
void wmc_add_identity(size_t parts, size_t width, double *a);
/** out = diag(factor) A for A (m x n); may alias. */
void wmc_scale_rows(size_t m, size_t n, const double *factor, const double *a, double *out);
/** A vector of this norm whose direction is uniform. */
void wmc_draw_direction(wmc_stream *stream, size_t n, double norm, double *x);
/** One matrix of wmc_block.join. */
void wmc_join_weights(const wmc_source *fine, const wmc_source *coarse, const double *a,
                      const double *b, double *out);
/** Scale x by a power of two where its norm is far from 1. */
void wmc_tame(size_t n, double *x);

#define WMC_RESIDUAL_BLOCK(symbol, branch, description, variance, work)                            \
  static wmc_status create(const wmc_block_options *o, void **state)                               \
  {                                                                                                \
    return wmc_residual_create(&branch, o, state);                                                 \
  }                                                                                                \
  const wmc_block wmc_block_##symbol = {.name = #symbol,                                           \
                                        .text = description,                                       \
                                        .create = create,                                          \
                                        .destroy = wmc_residual_destroy,                           \
                                        .start = wmc_residual_start,                               \
                                        .layers = wmc_residual_layers,                             \
                                        .parameters = wmc_residual_parameters,                     \
                                        .forward = wmc_residual_forward,                           \
                                        .covariance = wmc_residual_covariance,                     \
                                        .draw = wmc_residual_draw,                                 \
                                        .join = wmc_residual_join,                                 \
                                        .layer_variance = variance,                                \
                                        .cost = work}
