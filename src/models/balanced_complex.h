/** @file balanced_complex.h  Inside the model `balanced`: formulation observable for complex X.
 *
 * X = U_r diag(sigma) V_r^*, U (m x m) and V (n x n) unitary, column-major. Energies are
 *   E(X) = 1/2 tr(X C X^*) + 1/2 sum_ij M_ij |X_ij|^2 - Re tr(X^* B) + c
 * with real C and M, and decay, which sees sigma alone: in the frame
 *   E = 1/2 sum sigma_k^2 H_kk + 1/2 sum_ij M_ij |X_ij|^2 - sum sigma_k Re G_kk + c,
 * G = U^* B V and H = V^* C V. docs/theory/equivariant.md, section 1, eqs. (E5)-(E7), (E16), (E17).
 * Checked by tests/check/balanced_complex.c and tests/statistical/complex.c.
 */
#pragma once
#include <complex.h>

#include "balanced.h"
#include "balanced_dynamics.h"

typedef double complex wmc_complex;

struct wmc_unitary {
  wmc_complex *u, *v, *g; /**< m x m, n x n, m x n; in the state, like what follows */
  wmc_complex *h;         /**< n x n; NULL where C is a multiple of 1 */
  wmc_complex *x;         /**< X, m x n; NULL without a mask */
  double *tilt;           /**< Re G_kk, r */
  double *phase_step;     /**< share of the circle that a phase of column k of U moves by, r */
  /** r x max(m, n), entry (i, j) at i max(m, n) + j for i < j: sizes of the two kinds of turns */
  double *turn_first, *turn_second;

  wmc_complex *linear, *force, *scratch; /**< B, m x n; F = U^* E'(X) V, m x n; 3 m n */
  double *deviates, *slope;              /**< of a step; dE/dsigma, r */
};

/** A unitary turn of two columns x, y: x <- c x + s y, y <- c y - s^* x. */
typedef struct wmc_unitary_turn {
  double c;
  wmc_complex s;
} wmc_unitary_turn;

static const wmc_unitary_turn wmc_unitary_no_turn = {1, 0};

/** Columns x and y of n rows turn. */
static inline void wmc_unitary_turn_columns(int n, const wmc_unitary_turn *t, wmc_complex *x,
                                            wmc_complex *y)
{
  const wmc_complex s = t->s, back = -conj(t->s);
  for (int i = 0; i < n; i++) {
    const wmc_complex next = t->c * x[i] + s * y[i];
    y[i] = t->c * y[i] + back * x[i];
    x[i] = next;
  }
}

/** Doubles of the state that the frames take. */
size_t wmc_unitary_room(const wmc_shape *shape, const wmc_energy *energy);
/** Lay the frames over `room` and make what stands beside it; chain->energy is ready. */
wmc_status wmc_unitary_create(wmc_balanced *chain, double *room);
void wmc_unitary_destroy(wmc_unitary *frames);
/** Columns i < j of U turn by a, those of V by b; G, H and X follow. Where j is not a column of U
 * (V), a (b) must be {1, 0}. */
void wmc_unitary_turn_frames(wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                             const wmc_unitary_turn *b);
/** Column k of U is multiplied by a phase; G and X follow. */
void wmc_unitary_turn_phase(wmc_balanced *chain, int k, wmc_complex phase);
/** Exchange columns k - 1 and k of U and V; G and H follow. */
void wmc_unitary_swap_columns(wmc_balanced *chain, int k);
/** Change of the energy by such a turn. */
double wmc_unitary_turn_change(const wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                               const wmc_unitary_turn *b);
/** G, H and X from the frames; columns beyond the rank may be 0. */
void wmc_unitary_project(wmc_balanced *chain);
/** Re tr(X^* Phi). */
double wmc_unitary_trace_target(const wmc_balanced *chain);

/** Distinct lambda at the scale of equilibrium and Haar frames. */
void wmc_unitary_start(wmc_balanced *chain, wmc_stream *stream);
/** Re-orthonormalise the frames; and G, H and X from them. */
void wmc_unitary_orthonormalise(wmc_balanced *chain);
void wmc_unitary_refresh(wmc_balanced *chain);
/** The same every 64 steps. */
void wmc_unitary_refresh_if_due(wmc_balanced *chain);
/** X = U_r diag(sigma) V_r^*, m x n. */
void wmc_unitary_matrix(const wmc_balanced *chain, const double *sigma, const wmc_complex *u,
                        const wmc_complex *v, wmc_complex *x);
/** F = U^* E'(X) V without decay, m x n, at X = U_r diag(sigma) V_r^*. `scratch` holds 3 m n. */
void wmc_unitary_find_force(const wmc_balanced *chain, const double *sigma, const wmc_complex *u,
                            const wmc_complex *v, wmc_complex *force, wmc_complex *scratch);
/** H_kk. */
double wmc_unitary_weight(const wmc_balanced *chain, int k);

/** For energies with a mask (0 and no effect without): sum M_ij |X_ij|^2; its half as a function of
 * sigma_k; change of its half by a turn, and by X -> X + shift u_k v_k^*; and X after either, where
 * frames are as before. */
double wmc_unitary_mask_square(const wmc_balanced *chain);
wmc_line wmc_unitary_mask_line(const wmc_balanced *chain, int k);
double wmc_unitary_mask_turn(const wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                             const wmc_unitary_turn *b);
double wmc_unitary_mask_shift(const wmc_balanced *chain, int k, wmc_complex shift);
void wmc_unitary_turn_matrix(wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                             const wmc_unitary_turn *b);
void wmc_unitary_shift_matrix(wmc_balanced *chain, int k, wmc_complex shift);

/** As the functions of balanced_dynamics.h without `unitary`, which call these: coordinates S, U, V
 * with Hermitian S. Scratch in doubles. */
void wmc_unitary_velocity(const wmc_chart *chart, const double *y, double *dy);
size_t wmc_unitary_velocity_scratch(const wmc_shape *shape);
void wmc_unitary_enter_chart(const wmc_balanced *chain, double *y);
void wmc_unitary_leave_chart(wmc_balanced *chain, const int *cluster, const double *y,
                             double *scratch);
/** Parts of a step of heun: Brownian motion of S, and the turns and phases beyond it in one order
 * or in the other. `y` and `scratch` are those of a chart; `noise` holds wmc_balanced_heun's. */
void wmc_unitary_move_hermitian(wmc_balanced *chain, wmc_stream *stream, const int *cluster,
                                double *y, double *noise, double *scratch);
void wmc_unitary_move_frames(wmc_balanced *chain, wmc_stream *stream, double *noise, double *gap,
                             double *ratio, bool backwards);
