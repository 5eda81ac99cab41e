/** @file energy.h  Energies E(X) of the product matrix.
 *
 * All are quadratic in the d x d matrix X,
 *   E(X) = 1/2 tr(X C X^T) - tr(X^T B) + c,   E'(X) = X C - B,
 * and are rows of a constant table:
 *   frobenius   |X|^2 / 2                              C = I, B = 0
 *   target      |X - Phi|^2 / 2                        C = I, B = Phi
 *   regression  sum_k |X x_k - y_k|^2 / (2 n)          C = <x x^T>, B = <y x^T> over the n samples
 * The sums over samples are done once, so a step does not depend on n. In the frame of
 * X = U diag(sigma) V^T only diagonals enter (eq. (17)):
 *   E = 1/2 sum sigma_i^2 (V^T C V)_ii - sum sigma_i (U^T B V)_ii + c.
 * Checked by tests/check/balanced_geometry.c (definitions; finite differences).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"

/** Data of an energy, row-major; what a kind does not use is NULL. */
typedef struct wmc_energy_data {
  int width;
  const double *diag;   /**< target: width entries of a diagonal Phi; or */
  const double *target; /**< target: Phi, width x width */
  size_t samples;       /**< regression: n */
  const double *inputs; /**< regression: samples x width, rows x_k */
  const double *labels; /**< regression: samples x width, rows y_k */
} wmc_energy_data;

typedef struct wmc_energy {
  int width;
  bool plain;           /**< C is the identity */
  bool centred;         /**< B is zero */
  double constant;      /**< c */
  double *quadratic;    /**< C, width x width, symmetric */
  double *linear;       /**< B, width x width, column-major */
  double *minimiser;    /**< X* = B C^{-1}, column-major */
  double *axes[2];      /**< eigenvectors of C, and of X* C X*^T, one a column */
  double *curvature[2]; /**< their eigenvalues, ascending */
  double *spread; /**< R with R^T R = C^{-1}, column-major: X* + Y R is distributed as exp(-E) for
                       standard normal Y */
} wmc_energy;

/** A row of the table of energies. */
typedef struct wmc_energy_kind {
  const char *name, *text;
  bool bi_invariant; /**< E(Q X R) = E(X) for orthogonal Q, R: a function of sigma alone */
  void (*fill)(const wmc_energy_data *data, wmc_energy *energy);
} wmc_energy_kind;

/** Ended by a NULL name; the order is that of the deck's choices. */
extern const wmc_energy_kind wmc_energies[];
/** The rows by index: the choices of `energy.kind`. */
enum { WMC_ENERGY_FROBENIUS, WMC_ENERGY_TARGET, WMC_ENERGY_REGRESSION, WMC_ENERGY_KINDS };

/** Fill `energy` (release with wmc_energy_free). WMC_FAILURE when memory is exhausted. Where C has
 * not full rank (see wmc_energy_rank) `minimiser` and `spread` mean nothing. */
wmc_status wmc_energy_create(int kind, const wmc_energy_data *data, wmc_energy *energy);
void wmc_energy_free(wmc_energy *energy);

/** E(X), X column-major; O(width^3), O(width^2) if plain. Allocates nothing. */
double wmc_energy_value(const wmc_energy *energy, const double *x);
/** E'(X) = X C - B into `gradient`, which may not alias x. Allocates nothing. */
void wmc_energy_gradient(const wmc_energy *energy, const double *x, double *gradient);
/** Number of directions that the quadratic form sees: the rank of C. The Gibbs law can be
 * normalised only if it is `width`. */
int wmc_energy_rank(const wmc_energy *energy);
