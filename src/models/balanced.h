/** @file balanced.h  Inside the model `balanced`: one chain and the table of its integrators.
 *
 * All that changes from step to step stands in one array, `state`, so packing is a copy and a
 * restored chain continues bit for bit. An integrator is a row: how it starts and how it steps.
 * Conventions: matrices column-major; X = U diag(sigma) V^T with sigma decreasing;
 * G = U^T B V and H = V^T C V hold the energy in that frame (geometry/energy.h).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/geometry/energy.h"
#include "weylmc/geometry/gibbs.h"
#include "weylmc/geometry/spectrum.h"
#include "weylmc/models/model.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/random.h"

extern const wmc_model wmc_model_balanced;

typedef struct wmc_balanced wmc_balanced;

typedef struct wmc_integrator {
  const char *formulation, *scheme, *text;
  bool frames; /**< the state holds U, V, G and H beside the spectrum */
  bool exact;  /**< no step-size bias */
  void (*start)(wmc_balanced *chain, wmc_stream *stream);
  /** One step. `gain` > 0: tune step sizes by that much (thermalisation); 0: frozen. */
  void (*step)(wmc_balanced *chain, wmc_stream *stream, double gain);
} wmc_integrator;

extern const wmc_integrator wmc_spectrum_euler, wmc_spectrum_metropolis;
extern const wmc_integrator wmc_observable_euler, wmc_observable_metropolis;
/** Table, ended by NULL. */
extern const wmc_integrator *const wmc_integrators[];

/** Counters, kept as doubles in the state. */
enum {
  WMC_COUNT_TUNED,    /**< steps made while thermalising */
  WMC_COUNT_FRESH,    /**< steps since the frames were re-orthonormalised */
  WMC_COUNT_ROUND,    /**< next round of pairs of columns */
  WMC_COUNT_AXIS,     /**< next axis of a shear */
  WMC_COUNT_PROPOSED, /**< moves since the last measurement */
  WMC_COUNT_ACCEPTED,
  WMC_COUNTS
};

struct wmc_balanced {
  wmc_gibbs law;
  wmc_energy energy;
  const wmc_integrator *integrator;
  double step; /**< time step of euler; first proposal of metropolis relative to its variable */
  bool flips;  /**< the smooth continuation through sigma_d = 0 changes the sign of det X */

  size_t state_size;
  double *state;
  wmc_spectrum x;
  double *counts;
  double *lambda_step, *scale_step;  /**< proposals: d additive ones, one common factor */
  double *u, *v, *g, *h;             /**< d x d each; NULL without frames */
  double *reach_step;                /**< share of X - X* that a move of X draws afresh */
  double *shear_step;                /**< 2 d, for axes of C, then of X* C X*^T */
  double *turn_same, *turn_opposite; /**< d x d, entry i d + j for i < j: rotations of frames */

  /** Energy of singular value k: 1/2 sigma^2 stiffness[k stride] - sigma tilt[k stride]. */
  const double *stiffness, *tilt;
  size_t stride;

  double *work; /**< scratch */
  wmc_product *product;
};

/** What a chain is made from. */
typedef struct wmc_balanced_setup {
  wmc_gibbs law;
  int energy_kind;        /**< row of wmc_energies */
  wmc_energy_data energy; /**< borrowed until the chain is made */
  const wmc_integrator *integrator;
  double step;
} wmc_balanced_setup;

/** The caller destroys the chain; NULL on failure. `widths` of the law's shape must outlive it. */
wmc_status wmc_balanced_create(const wmc_balanced_setup *setup, wmc_balanced **chain);
void wmc_balanced_destroy(wmc_balanced *chain);
void wmc_balanced_start(wmc_balanced *chain, wmc_stream *stream);
/** As wmc_model.advance. */
wmc_status wmc_balanced_advance(wmc_balanced *chain, wmc_stream *stream, long steps,
                                bool thermalising);
/** Accepted share of the moves since the last call; 1 if there were none. */
double wmc_balanced_acceptance(wmc_balanced *chain);
/** All observables in table order. */
void wmc_balanced_measure(wmc_balanced *chain, double *out);
extern const wmc_axis wmc_balanced_axes[];
extern const wmc_observable wmc_balanced_observables[];
/** Whether averages tend to those of a law of full rank as the depth grows. */
bool wmc_balanced_has_limit(const wmc_value *parameters);

/** Number of doubles of scratch that integrators may use. */
size_t wmc_balanced_work(int width, bool frames);

/** E(X) from the spectrum and the diagonals of G and H. */
double wmc_balanced_energy(const wmc_balanced *chain);
/** <X, E'(X)>. */
double wmc_balanced_virial(const wmc_balanced *chain);

/** Distinct lambda at the scale of equilibrium. */
void wmc_balanced_start_spectrum(wmc_balanced *chain);
/** One attempt to move every lambda on its own, and one to scale X, from 2 d + 2 uniform deviates.
 */
void wmc_balanced_sweep(wmc_balanced *chain, const double *uniform, double gain);
/** Log of the acceptance ratio of lambda_k -> lambda, negative lambda through zero; -infinity where
 * the order would change. The density is symmetric, so order is kept at no loss. */
double wmc_balanced_lambda_ratio(const wmc_balanced *chain, int k, double lambda);
/** Log of the acceptance ratio of X -> e^shift X, in the variable `shift`. */
double wmc_balanced_scale_ratio(const wmc_balanced *chain, double shift);
/** sigma_k -> -sigma_k: X = U diag(sigma) V^T keeps sigma > 0, the sign goes to column k of U. */
void wmc_balanced_flip_column(wmc_balanced *chain, int k);
/** One Euler step of the singular values; and of the frames (width > 1), at fixed sigma. */
void wmc_balanced_euler_lambda(wmc_balanced *chain, wmc_stream *stream);
void wmc_balanced_euler_frames(wmc_balanced *chain, wmc_stream *stream);
/** Metropolis' rule with its counters. */
bool wmc_balanced_accept(wmc_balanced *chain, double log_ratio, double uniform);
/** Move a proposal's size towards the acceptance that mixes best. */
void wmc_balanced_tune(double *size, bool accepted, double gain);

/** Haar frames with det X > 0. */
void wmc_balanced_start_frames(wmc_balanced *chain, wmc_stream *stream);
/** out = A^T M B; `scratch` holds 2 d^2. */
void wmc_balanced_conjugate(const wmc_balanced *chain, const double *a, const double *m,
                            const double *b, double *out, double *scratch);
/** Whether det a < 0, by elimination; `a` is destroyed. */
bool wmc_balanced_is_negative(int d, double *a);
/** x <- c x + s y, y <- c y - s x over n entries; r = (c, s). */
void wmc_balanced_turn(int n, const double r[2], double *restrict x, double *restrict y);
/** Columns i, j of U turn by a, those of V by b, each (cos, sin); G and H follow. */
void wmc_balanced_turn_frames(wmc_balanced *chain, int i, int j, const double a[2],
                              const double b[2]);
/** The same for G and H alone. */
void wmc_balanced_turn_energy(wmc_balanced *chain, int i, int j, const double a[2],
                              const double b[2]);
/** y = P diag(s) V^T, s decreasing; P replaces y. `scratch` as for wmc_svd_jacobi. */
void wmc_balanced_decompose(int d, double *y, double *v, double *s, double *scratch);
/** U <- U P, V <- V Q, and G and H follow. `scratch` holds 3 d^2. */
void wmc_balanced_settle(wmc_balanced *chain, const double *p, const double *q, double *scratch);
/** Re-orthonormalise U and V and recompute G and H, every 64 steps. */
void wmc_balanced_refresh(wmc_balanced *chain);
void wmc_balanced_refresh_if_due(wmc_balanced *chain);
/** Change of the energy when columns i, j of U turn by angle a and those of V by b, given as
 * (cos, sin): column i becomes cos i + sin j. */
double wmc_balanced_turn_change(const wmc_balanced *chain, int i, int j, const double a[2],
                                const double b[2]);

/** Where a move of X as a whole leads: P diag(s) Q^T in the frame of X. */
typedef struct wmc_candidate {
  double *p, *q, *s; /**< s decreasing */
  bool negative;     /**< det (P Q) < 0 */
  wmc_spectrum x;    /**< of the state that the move would make */
} wmc_candidate;
/** One move of X as a whole, every few steps. */
void wmc_balanced_move_matrix(wmc_balanced *chain, wmc_stream *stream, double gain);
/** Log of the acceptance ratio of the random move, and of the shear, which changes the energy. */
double wmc_balanced_reach_ratio(const wmc_balanced *chain, const wmc_candidate *to);
double wmc_balanced_shear_ratio(const wmc_balanced *chain, const wmc_candidate *to, double change);
/** Energy of U Y V^T minus that of X. `scratch` holds d^2. */
double wmc_balanced_core_change(const wmc_balanced *chain, const double *y, double *scratch);
