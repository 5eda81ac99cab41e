/** @file balanced_complex.h  Inside the model `balanced`: formulation observable for complex X.
 *
 * X = U_r diag(sigma) V_r^*, U (m x m) and V (n x n) unitary, column-major. Energies are
 *   E(X) = (a/2) |X|^2 - Re tr(X^* B) + c,
 * and decay, which sees sigma alone: in the frame E = (a/2) sum sigma_k^2 - sum sigma_k Re G_kk + c
 * with G = U^* B V. docs/theory/equivariant.md, section 1, eqs. (E5)-(E7). Checked by
 * tests/check/balanced_complex.c and tests/statistical/complex.c.
 */
#pragma once
#include <complex.h>

#include "balanced.h"

typedef double complex wmc_complex;

struct wmc_unitary {
  wmc_complex *u, *v, *g; /**< m x m, n x n, m x n; in the state, like what follows */
  double *tilt;           /**< Re G_kk, r */
  double *phase_step;     /**< share of the circle that a phase of column k of U moves by, r */
  /** r x max(m, n), entry (i, j) at i max(m, n) + j for i < j: sizes of the two kinds of turns */
  double *turn_first, *turn_second;

  wmc_complex *linear, *scratch; /**< B, m x n; m n */
  double *deviates, *force;      /**< of a step; dE/dsigma, r */
};

/** A unitary turn of two columns x, y: x <- c x + s y, y <- c y - s^* x. */
typedef struct wmc_unitary_turn {
  double c;
  wmc_complex s;
} wmc_unitary_turn;

/** Doubles of the state that the frames take. */
size_t wmc_unitary_room(const wmc_shape *shape);
/** Lay the frames over `room` and make what stands beside it; chain->energy is ready. */
wmc_status wmc_unitary_create(wmc_balanced *chain, double *room);
void wmc_unitary_destroy(wmc_unitary *frames);
/** Columns i < j of U turn by a, those of V by b; G follows. Where j is not a column of U (V), a
 * (b) must be {1, 0}. */
void wmc_unitary_turn_frames(wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                             const wmc_unitary_turn *b);
/** Column k of U is multiplied by a phase; G follows. */
void wmc_unitary_turn_phase(wmc_balanced *chain, int k, wmc_complex phase);
/** Exchange columns k - 1 and k of U and V; G follows. */
void wmc_unitary_swap_columns(wmc_balanced *chain, int k);
/** Change of the energy by such a turn. */
double wmc_unitary_turn_change(const wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                               const wmc_unitary_turn *b);
/** G from the frames; columns beyond the rank may be 0. */
void wmc_unitary_project(wmc_balanced *chain);
/** Re tr(X^* Phi). */
double wmc_unitary_trace_target(const wmc_balanced *chain);
