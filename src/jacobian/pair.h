/** @file pair.h  What a row of the table of limits (weylmc/jacobian/pair.h) says of a point x.
 * Private to src/jacobian. */
#pragma once
#include "averages.h"
#include "residual.h"
#include "weylmc/jacobian/pair.h"

typedef struct wmc_pair wmc_pair;

typedef struct wmc_pair_row {
  wmc_status (*prepare)(wmc_pair *pair, const wmc_block_options *options);
  /** k(x) and its gradient. */
  double (*amplitude)(wmc_pair *pair, const double *x, double *gradient);
  /** delta = (1/2) k grad k and its derivative, symmetric d x d; NULL: k is constant. */
  void (*bend)(wmc_pair *pair, const double *x, double *delta, double *derivative);
  /** Sets `rest`. */
  void (*remainder)(wmc_pair *pair, const double *x);
} wmc_pair_row;

/** R = (1 - f f^T) diag(D) (1 - c_1 e_1 e_1^T)(1 - c_2 e_2 e_2^T); vectors of width entries. */
typedef struct wmc_remainder {
  double *front, *diagonal; /* f, D */
  double *axis[2];          /* unit vectors */
  double part[2];           /* c: 1 takes an axis out */
} wmc_remainder;

struct wmc_pair {
  const wmc_pair_row *row;
  size_t d;
  double h, root;        /* length of a step, and its square root */
  double variance;       /* sigma^2/p */
  double layer_variance; /* sigma^2 */
  double drift;          /* c */
  double input_norm;
  wmc_norm norm;
  const wmc_activation *activation;
  double slope;
  bool averaged; /* phi acts on gaussian arguments that are drawn in every layer */
  bool tame;     /* x may be scaled */
  /* radial rows */
  double scale;              /* k = scale r if phi is homogeneous, */
  wmc_averages_table *table; /* otherwise by this table */
  double inner_variance;
  double steady, tangential; /* with norm: k, and the entries of R times r/sqrt(d) */
  /* vectors */
  double *x, *drawn;
  double *gradient, *up, *down, *moved; /* of k, at x and beside it; a point beside x */
  double *amplified;                    /* gradient of p */
  double *delta, *axis, *values, *slopes, *curves, *image;
  wmc_remainder rest;
  /* matrices */
  wmc_product *product;
  double *part, *whole; /* of a step that is divided */
  double *first, *second, *bent, *area, *noise, *square, *remainder;
};

/** y = x, or x less its mean for norm layer; e = y/|y|; returns |y|. */
double wmc_pair_direction(const wmc_pair *pair, const double *x, double *e);

extern const wmc_pair_row wmc_pair_radial, wmc_pair_steady, wmc_pair_columns;
