/** @file energy.h  Energies of the deep linear network.
 *
 * An energy is a sum of terms, each with a coefficient >= 0:
 *   frobenius   |X|^2 / 2
 *   target      |X - Phi|^2 / 2
 *   completion  sum over entries of M_ij (X_ij - Phi_ij)^2 / 2, M a mask of zeros and ones
 *   regression  sum_k |X x_k - y_k|^2 / (2 n)
 *   decay       |W|^2 / 2 of the layers: N/2 sum lambda_i^2 on balanced networks
 * All but the last are quadratic in the rows x columns matrix X of real numbers,
 *   E(X) = 1/2 tr(X C X^T) + 1/2 sum_ij M_ij X_ij^2 - tr(X^T B) + c,   E'(X) = X C + M o X - B,
 * with o the product entry by entry; complex X has X^* for X^T, |X_ij|^2 and the real part, with
 * real C and M. The sums over samples are done once, so a step does not depend on n. Decay is a
 * function of the spectrum; at infinite depth it stands for sum log sigma_i, what is left of |W|^2
 * / 2 without N r / 2. docs/theory/balanced.md, section 5. Checked by
 * tests/check/geometry_energy.c (definitions; finite differences).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/geometry/spectrum.h"

/** Terms, and rows of the table of energies. */
enum {
  WMC_ENERGY_FROBENIUS,
  WMC_ENERGY_TARGET,
  WMC_ENERGY_COMPLETION,
  WMC_ENERGY_REGRESSION,
  WMC_ENERGY_DECAY,
  WMC_ENERGY_TERMS
};

/** Data of an energy, matrices row-major; what no term uses is NULL. */
typedef struct wmc_energy_data {
  int rows, columns; /**< of X */
  double coefficient[WMC_ENERGY_TERMS];
  const double *diag;      /**< min(rows, columns) entries of a diagonal Phi; or */
  const double *target;    /**< Phi, rows x columns */
  const double *imaginary; /**< target of complex X: imaginary part of Phi, or NULL */
  const double *mask;      /**< completion: M, rows x columns; NULL: the diagonal */
  size_t samples;          /**< regression: n */
  const double *inputs;    /**< regression: samples x columns, rows x_k */
  const double *labels;    /**< regression: samples x rows, rows y_k */
} wmc_energy_data;

typedef struct wmc_energy {
  int rows, columns;
  bool plain;               /**< C is a multiple of the identity */
  bool centred;             /**< B is zero */
  bool masked;              /**< M is not zero */
  bool aimed;               /**< Phi is not zero */
  double constant;          /**< c */
  double decay;             /**< coefficient of |W|^2 / 2 */
  double *quadratic;        /**< C, columns x columns, symmetric */
  double *linear;           /**< B, rows x columns, column-major */
  double *mask;             /**< M times its coefficient, rows x columns, column-major */
  double *target;           /**< Phi, column-major; zero without one */
  double *target_imaginary; /**< of Phi, and */
  double *linear_imaginary; /**< of B, which complex X sees */
  double *minimiser; /**< B C^+, column-major: where X C = B, if C has full rank; of an energy entry
                        by entry B_ij / (C_jj + M_ij), 0 where E does not see the entry */
  double *axes[2];   /**< eigenvectors of C, and of X* C X*^T with the minimiser X*, in columns */
  double *curvature[2]; /**< their eigenvalues, ascending */
  double *spread; /**< R with R^T R = C^{-1}, column-major: X* + Y R is distributed as exp(-E) for
                       standard normal Y, if C has full rank and M = 0 */
} wmc_energy;

/** A row of the table of energies. */
typedef struct wmc_energy_kind {
  const char *name, *text;
  bool bi_invariant; /**< E(Q X R) = E(X) for orthogonal Q, R: a function of sigma alone */
  /** Add `weight` times the term. */
  void (*add)(const wmc_energy_data *data, double weight, wmc_energy *energy);
} wmc_energy_kind;

/** One row a term, ended by a NULL name. */
extern const wmc_energy_kind wmc_energies[];

/** Fill `energy` (release with wmc_energy_free). WMC_FAILURE when memory is exhausted. */
wmc_status wmc_energy_create(const wmc_energy_data *data, wmc_energy *energy);
void wmc_energy_free(wmc_energy *energy);

/** E(X) without decay, X column-major; O(rows columns^2), O(rows columns) if plain. Allocates
 * nothing. */
double wmc_energy_value(const wmc_energy *energy, const double *x);
/** E'(X) = X C + M o X - B into `gradient`, which may not alias x. Allocates nothing. */
void wmc_energy_gradient(const wmc_energy *energy, const double *x, double *gradient);
/** The same of a complex X, given by its real and imaginary parts; so is E', which may not alias. C
 * and M are real, so both parts are seen alike, each with its part of B. */
double wmc_energy_complex_value(const wmc_energy *energy, const double *re, const double *im);
void wmc_energy_complex_gradient(const wmc_energy *energy, const double *re, const double *im,
                                 double *gradient_re, double *gradient_im);
/** The share of decay in the energy of a balanced network with this spectrum. */
double wmc_energy_decay(const wmc_energy *energy, const wmc_spectrum *spectrum);
/** d/dt at t = 0 of decay at e^t X: its share of the virial. */
double wmc_energy_decay_virial(const wmc_energy *energy, const wmc_spectrum *spectrum);
/** Whether the energy is a function of sigma alone. */
bool wmc_energy_is_bi_invariant(const wmc_energy *energy);
/** Rank of C: the number of directions of inputs that C sees. */
int wmc_energy_rank(const wmc_energy *energy);
/** C is a multiple of the identity and M is not zero: a sum of parabolas in single entries. */
bool wmc_energy_is_entrywise(const wmc_energy *energy);
/** C has full rank and M is zero: the energy without decay is Gaussian, with minimiser and spread.
 */
bool wmc_energy_is_gaussian(const wmc_energy *energy);
