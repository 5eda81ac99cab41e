/** @file chain_walk.h  What the stages of chain_near.h share. */
#pragma once
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "chain_kernels.h"
#include "chain_matrix.h"

enum { TEMPORARIES = 4 };

typedef struct walk {
  int r, n;
  int first; /* pairs of smaller matrices, see balance_within, come before lambda[first] */
  size_t core;
  const wmc_product *product;
  const double *v; /* M_p - diag(lambda), p = 0 .. n - 1 here */
  double *k;       /* K_p^T, then the rotations */
  double *frames;  /* or NULL */
  bool crosses;    /* lambda_r may pass through 0 */
  double *a, *s;   /* antisymmetric and symmetric parts of N_p = K_p^T M_p K_{p-1} */
  double *t;       /* powers of rho */
  double *b;       /* B_p */
  double *sum, *gap, *inverse, *rho,
      *square;      /* of pairs: l_i + l_j, l_i - l_j, 1 / (l_i + l_j) .. */
  double *diagonal; /* diag(lambda) at the start */
  double *mean, *worst, *vectors, *step, *row, *column, *share;
  const double *one, *order; /* 1; j - i */
  double *temporary[TEMPORARIES];
  double *lambda, *next, *svd;
  double largest; /* of what the first rotations leave */
  long products;
} walk;

/** What wmc_chain_balance is asked, and `first` as above. */
typedef struct wmc_chain_task {
  const wmc_chain *chain;
  int first;
  const double *v;
  double *lambda, *rotations, *frames, *scratch;
} wmc_chain_task;

/** wmc_chain_balance for r = 4, 8 and any; the first two where core = r r. */
typedef bool wmc_chain_near_kernel(const wmc_chain_task *task, long *products);
WMC_SIMD_DECLARE(wmc_chain_near_kernel, wmc_chain_balance_4);
WMC_SIMD_DECLARE(wmc_chain_near_kernel, wmc_chain_balance_8);
WMC_SIMD_DECLARE(wmc_chain_near_kernel, wmc_chain_balance_any);

INLINE double *at(const walk *w, double *from, int p) { return from + (size_t)p * w->core; }

/* Coefficients of x^2, x^3, .. of Butterworth polynomials of degree 4 and 8, 1 + x + ..: on the
 * imaginary axis |p(i angle)|^2 = 1 + (angle / unit)^{2 degree}, so that p of an antisymmetric
 * matrix is orthogonal to rounding up to a hundredth, or a tenth, of the unit; and p = exp but for
 * terms of third order. Coefficients are those of products of few factors. */
static const double ANGLE_4 = 0.026, ANGLE_8 = 0.5, ANGLE_MOST = 0.8;

/* 1 + x + y / 2 + y (THIRD x + FOURTH y), y = x^2 */
static const double THIRD = 0.14644660940672624, FOURTH = 0.021446609406726238;

/* 1 + x + y / 2 + E2 z + (E3 y + z) (E4 x + E5 y + E6 z), z = y (E0 x + E1 y) */
static const double E0 = 0.10080961314637955722, E1 = 0.0076736748800587443091,
                    E2 = 0.38854359937181756213, E3 = 2.0 / 3, E4 = 0.18456411670133109713,
                    E5 = 0.023436419920585969855, E6 = 0.035635184744286652118;

INLINE double power_4(double x) { return x * x * x * x; }

/* How often a matrix with this sum of fourth powers of angles is halved before its exponential. */
INLINE int halvings_of(double fourth)
{
  int halvings = 0;
  for (; fourth > power_4(ANGLE_8); fourth *= 1.0 / 16) halvings++;
  return halvings;
}
