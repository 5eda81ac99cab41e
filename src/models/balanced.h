/** @file balanced.h  Inside the model `balanced`: one chain and the table of its integrators.
 *
 * All that changes from step to step stands in one array, `state`, so packing is a copy and a
 * restored chain continues bit for bit. An integrator is a row: how it starts and how it steps.
 * Conventions: matrices column-major; X is rows x columns of rank r, with m and n for rows and
 * columns. X = U_r diag(sigma) V_r^T with sigma decreasing; the state keeps whole orthogonal
 * matrices U (m x m) and V (n x n), whose first r columns are U_r and V_r. G = U^T B V (m x n) and
 * H = V^T C V (n x n) hold the energy in that frame (geometry/energy.h); for energies with a mask
 * X itself is kept too. Frames are of real numbers.
 */
#pragma once
#include "histogram.h"
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
typedef struct wmc_ladder wmc_ladder;
typedef struct wmc_unitary wmc_unitary;
typedef struct wmc_upstairs wmc_upstairs;

typedef struct wmc_points wmc_points; /* balanced_dynamics.h */

typedef struct wmc_integrator {
  const char *formulation, *scheme, *text;
  bool frames;  /**< the state holds U, V, G and H beside the spectrum */
  bool unitary; /**< it holds frames of complex numbers, balanced_complex.h */
  bool layers;  /**< it holds the network itself, balanced_parameters.h */
  bool exact;   /**< no step-size bias: Metropolis moves */
  void (*start)(wmc_balanced *chain, wmc_stream *stream);
  /** One step. `gain` > 0: tune step sizes by that much (thermalisation); 0: frozen. */
  void (*step)(wmc_balanced *chain, wmc_stream *stream, double gain);
} wmc_integrator;

extern const wmc_integrator wmc_spectrum_euler, wmc_spectrum_metropolis;
extern const wmc_integrator wmc_spectrum_heun, wmc_spectrum_flow;
extern const wmc_integrator wmc_observable_euler, wmc_observable_metropolis;
extern const wmc_integrator wmc_complex_euler, wmc_complex_metropolis;
extern const wmc_integrator wmc_complex_heun, wmc_complex_flow;
extern const wmc_integrator wmc_observable_heun, wmc_observable_flow;
extern const wmc_integrator wmc_parameters_euler, wmc_parameters_metropolis;
extern const wmc_integrator wmc_complex_parameters_euler, wmc_complex_parameters_metropolis;
/** Table, ended by NULL. */
extern const wmc_integrator *const wmc_integrators[];

/** Counters, kept as doubles in the state. */
enum {
  WMC_COUNT_TUNED,    /**< steps made while thermalising */
  WMC_COUNT_FRESH,    /**< steps since the frames were re-orthonormalised */
  WMC_COUNT_ROUND,    /**< next round of pairs of columns */
  WMC_COUNT_AXIS,     /**< next axis of a shear */
  WMC_COUNT_ENTRY,    /**< next entry at which a stretch may cross */
  WMC_COUNT_PROPOSED, /**< moves since the last measurement */
  WMC_COUNT_ACCEPTED,
  WMC_COUNT_TRIAL,   /**< length of the next step that flow tries */
  WMC_COUNT_AGED,    /**< whether the time `age` has passed */
  WMC_COUNT_REFUSED, /**< moves since the last accepted one */
  WMC_COUNTS
};

/** Coefficients of (12) for a time t, all divided by the clock. */
typedef struct wmc_rates {
  double time;      /**< t */
  double variance;  /**< 2 h t / beta, of the noise of every lambda */
  double repulsion; /**< b times that: a gap x obeys x dx = repulsion */
  double outward;   /**< lambda dlambda = outward, from 0; dlambda = outward at infinite depth */
  double entropy;   /**< b v t / beta, the factor of d(sum over pairs of log a / 2) / dlambda */
} wmc_rates;

struct wmc_balanced {
  wmc_gibbs law;
  wmc_energy energy;
  const wmc_integrator *integrator;
  char name[32]; /**< that messages begin with */
  double step;   /**< time step of euler; first proposal of metropolis relative to its variable */
  bool entries;  /**< entries of X are measured */
  wmc_bins lambda_bins, rank_bins; /**< of histograms; none: count 0 */
  int rows, columns, span;         /**< m, n and the larger of them */
  double tolerance;                /**< of flow */
  double start;     /**< scale of a random matrix to start from; 0: the scale of equilibrium */
  double age;       /**< time before the first draw, in addition to thermalisation */
  double imbalance; /**< to start from; layers as the state */
  double angle;     /**< (h step / beta)^{1/2}, of the noise of frames */
  double curvature; /**< of E, at most: of C and M together */
  wmc_rates full, half, unit; /**< of a step, of half of it, and of time 1 */
  bool noisy;                 /**< h > 0 at a finite temperature: X has a law */
  /** wmc_gibbs_power over the clock, and wmc_gibbs_scaling: sums over all widths */
  double power, scaling;
  bool flips;     /**< the smooth continuation through sigma_d = 0 changes the sign of det X */
  bool blind;     /**< the energy sees sigma alone */
  bool gaussian;  /**< wmc_energy_is_gaussian */
  bool entrywise; /**< wmc_energy_is_entrywise */

  size_t state_size;
  double *state;
  wmc_spectrum x;
  double *counts;
  double *lambda_step, *scale_step; /**< proposals: r additive ones, one common factor */
  double *u, *v, *g, *h;            /**< m x m, n x n, m x n, n x n; NULL without frames */
  double *matrix;                   /**< X, m x n; NULL for energies without a mask */
  double *reach_step;               /**< share of X - X* that a move of X draws afresh */
  double *shear_step;               /**< n + m, for axes of C, then of X* C X*^T */
  double *stretch_step;             /**< m x n, of energies with a mask, or NULL */
  /** r x max(m, n), entry (i, j) at i max(m, n) + j for i < j: sizes of the two kinds of turns */
  double *turn_first, *turn_second;

  wmc_unitary *unitary;   /**< frames of complex numbers, or NULL */
  wmc_upstairs *upstairs; /**< the network, or NULL */

  double *work;       /**< scratch */
  double *dynamics;   /**< scratch of euler, heun and flow */
  wmc_points *points; /**< laid over it */
  wmc_status trouble; /**< raised by a step that could not be made */
  bool overflows;     /**< where the chain started the energy is not finite */
  /** m x m times m x m, n x n times n x n, m x m times m x n, m x n times n x n */
  wmc_product *in_rows, *in_columns, *from_left, *from_right;

  wmc_ladder *ladder; /**< the replicas that this one exchanges states with, or NULL */
};

/** What a chain is made from. */
typedef struct wmc_balanced_setup {
  wmc_gibbs law;
  wmc_energy_data energy; /**< borrowed until the chain is made */
  const wmc_integrator *integrator;
  const char *name; /**< of model and mode, for messages; NULL: "balanced" */
  double step;
  const double *ladder; /**< inverse temperatures of the replicas, borrowed; NULL: one replica */
  size_t rungs;
  double exchange; /**< steps between exchanges of neighbours; INFINITY: never */
  bool entries;    /**< entries of X are measured */
  wmc_bins lambda_bins, rank_bins;
  double age, imbalance;   /**< see wmc_balanced */
  double tolerance, start; /**< see wmc_balanced; may be left 0 for schemes other than flow */
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
/** tr(X^T Phi), or the real part of tr(X^* Phi); 0 without frames. */
double wmc_balanced_trace_target(const wmc_balanced *chain);
/** The same for a start whose energy is not finite. */
wmc_status wmc_balanced_trouble_of_start(const wmc_balanced *chain);
/** WMC_FAILURE, with what to do, when the state is not finite, has lost rank or is stuck. */
wmc_status wmc_balanced_trouble(const wmc_balanced *chain);
/** All observables in table order. */
void wmc_balanced_measure(wmc_balanced *chain, double *out);

/** Replicas at the inverse temperatures of a ladder, all moved by one stream in the order of rungs,
 * a step each in turn. Every `exchange` steps neighbours, pairs (0,1), (2,3), ... and (1,2), (3,4),
 * ... in turn, exchange their states with probability min(1, exp((beta_i - beta_j)(E_i - E_j)/h)):
 * the product of the Gibbs laws stays, since nothing else in a law depends on beta. Step sizes stay
 * on their rung. Checked by tests/check/ladder.c, tests/statistical/thermodynamics.c.
 *
 * *chain is the replica at setup->law.beta, an entry of the ladder; it holds the others. With a
 * ladder use the functions below in place of those of one replica. */
wmc_status wmc_ladder_create(const wmc_balanced_setup *setup, wmc_balanced **chain);
/** All replicas, the one that holds the others among them. */
void wmc_ladder_destroy(wmc_ladder *ladder);
void wmc_ladder_start(wmc_ladder *ladder, wmc_stream *stream);
wmc_status wmc_ladder_advance(wmc_ladder *ladder, wmc_stream *stream, long steps,
                              bool thermalising);
size_t wmc_ladder_state_size(const wmc_ladder *ladder);
void wmc_ladder_pack(const wmc_ladder *ladder, double *out);
void wmc_ladder_unpack(wmc_ladder *ladder, const double *packed);
size_t wmc_ladder_rungs(const wmc_ladder *ladder);
/** The replica of a rung; its state changes with every exchange. */
wmc_balanced *wmc_ladder_replica(wmc_ladder *ladder, size_t rung);
/** Exchange the states of two replicas; step sizes and counters of moves stay. */
void wmc_ladder_swap(wmc_balanced *a, wmc_balanced *b);
/** Log of the ratio of Metropolis' rule for the exchange of rung and rung + 1. */
double wmc_ladder_ratio(const wmc_ladder *ladder, size_t rung);
/** What the observables of a ladder are for one draw; docs/theory/balanced.md, section 9. */
typedef struct wmc_ladder_draw {
  double *energy, *energy2, *flow;                  /**< rungs each */
  double *acceptance, *forward, *backward, *offset; /**< rungs - 1 each */
  double *round_trips;                              /**< one */
} wmc_ladder_draw;
void wmc_ladder_measure(wmc_ladder *ladder, const wmc_ladder_draw *out);

extern const wmc_axis wmc_balanced_axes[];
/** Axes of the observables, indices into wmc_balanced_axes. */
enum {
  WMC_BALANCED_INDEX,
  WMC_BALANCED_RUNG,
  WMC_BALANCED_RUNG_PAIR,
  WMC_BALANCED_LAMBDA_BIN,
  WMC_BALANCED_RANK_BIN,
  WMC_BALANCED_ROW,
  WMC_BALANCED_COLUMN,
  WMC_BALANCED_IMAGINARY_ROW,
  WMC_BALANCED_IMAGINARY_COLUMN
};
extern const wmc_derived wmc_balanced_derived[];
extern const wmc_observable wmc_balanced_observables[];

/** Number of doubles of scratch that integrators may use. */
size_t wmc_balanced_work(const wmc_shape *shape, bool frames);

/** E(X), decay included, from the spectrum and the diagonals of G and H, or X. */
double wmc_balanced_energy(const wmc_balanced *chain);
/** d E(t X) / dt at t = 1: <X, E'(X)> with decay's share. */
double wmc_balanced_virial(const wmc_balanced *chain);

/** E without decay as a function of sigma_k: E(sigma_k + t) - E = slope t + curvature t^2 / 2. */
typedef struct wmc_line {
  double slope, curvature;
} wmc_line;
wmc_line wmc_balanced_line(const wmc_balanced *chain, int k);

/** Distinct lambda at the scale of equilibrium, or those of a random matrix. */
void wmc_balanced_start_spectrum(wmc_balanced *chain, wmc_stream *stream);
/** The same with frames. */
void wmc_balanced_start_matrix(wmc_balanced *chain, wmc_stream *stream);
/** Singular values of a matrix of rank r with independent normal entries of standard deviation
 * `start`: a product of two of rank r if the rank is not full. */
void wmc_balanced_start_random(wmc_balanced *chain, wmc_stream *stream);
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
/** Metropolis' rule with its counters. */
bool wmc_balanced_accept(wmc_balanced *chain, double log_ratio, double uniform);
/** Move a proposal's size towards the acceptance that mixes best. */
void wmc_balanced_tune(double *size, bool accepted, double gain);

/** Haar frames, with det X > 0 if X is square. */
void wmc_balanced_start_frames(wmc_balanced *chain, wmc_stream *stream);
/** out = U^T M V for M and out m x n. `scratch` holds m^2 + m n. */
void wmc_balanced_into_frames(const wmc_balanced *chain, const double *u, const double *m,
                              const double *v, double *out, double *scratch);
/** x = U Y V^T for Y and x m x n. `scratch` holds n^2 + m n. */
void wmc_balanced_out_of_frames(const wmc_balanced *chain, const double *y, double *x,
                                double *scratch);
/** X from spectrum and frames, m x n. */
void wmc_balanced_matrix(const wmc_balanced *chain, double *x);
/** Whether det a < 0, by elimination; `a` is destroyed. */
bool wmc_balanced_is_negative(int d, double *a);
/** x <- c x + s y, y <- c y - s x over n entries; r = (c, s). */
void wmc_balanced_turn(int n, const double r[2], double *restrict x, double *restrict y);
/** Columns i < j of U turn by a, those of V by b, each (cos, sin); G, H and X follow. Where j is
 * not a column of U (V), a (b) must be (1, 0). */
void wmc_balanced_turn_frames(wmc_balanced *chain, int i, int j, const double a[2],
                              const double b[2]);
/** Y = P diag(s) Q^T, s decreasing, P m x m and Q n x n orthogonal. P replaces Y (m x n); `p` and
 * `q` hold max(m, n)^2, `scratch` as much as wmc_balanced_work. */
void wmc_balanced_decompose(int m, int n, double *p, double *q, double *s, double *scratch);
/** U <- U P, V <- V Q, and G, H and X follow. `scratch` holds 3 max(m, n)^2. */
void wmc_balanced_settle(wmc_balanced *chain, const double *p, const double *q, double *scratch);
/** G, H and X from spectrum and frames. */
void wmc_balanced_project(wmc_balanced *chain);
/** Re-orthonormalise U and V; every 64 steps; and recompute G, H and X too. */
void wmc_balanced_orthonormalise(wmc_balanced *chain);
void wmc_balanced_orthonormalise_if_due(wmc_balanced *chain);
void wmc_balanced_refresh(wmc_balanced *chain);
void wmc_balanced_refresh_if_due(wmc_balanced *chain);
/** Change of the energy when columns i, j of U turn by angle a and those of V by b, given as
 * (cos, sin): column i becomes cos i + sin j. */
double wmc_balanced_turn_change(const wmc_balanced *chain, int i, int j, const double a[2],
                                const double b[2]);

/** For energies with a mask, whose X is kept: sum M_ij X_ij^2 (0 without a mask), its half as a
 * function of sigma_k, and the change of its half when columns turn; X <- X + shift u_k v_k^T, and
 * X after a turn. Columns turn as in wmc_balanced_turn_frames, U and V as they were before. */
double wmc_balanced_mask_square(const wmc_balanced *chain);
wmc_line wmc_balanced_mask_line(const wmc_balanced *chain, int k);
double wmc_balanced_mask_turn(const wmc_balanced *chain, int i, int j, const double a[2],
                              const double b[2]);
void wmc_balanced_shift_matrix(wmc_balanced *chain, int k, double shift);
void wmc_balanced_turn_matrix(wmc_balanced *chain, int i, int j, const double a[2],
                              const double b[2]);

/** Where a move of X as a whole leads: P diag(s) Q^T in the frame of X. */
typedef struct wmc_candidate {
  double *p, *q, *s; /**< m x m, n x n; s decreasing */
  bool negative;     /**< det (P Q) < 0, X square */
  wmc_spectrum x;    /**< of the state that the move would make */
} wmc_candidate;
/** One move of X as a whole, every few steps. */
void wmc_balanced_move_matrix(wmc_balanced *chain, wmc_stream *stream, double gain);
/** Log of the acceptance ratio of the random move, and of the shear, which changes the energy. */
double wmc_balanced_reach_ratio(const wmc_balanced *chain, const wmc_candidate *to);
double wmc_balanced_shear_ratio(const wmc_balanced *chain, const wmc_candidate *to, double change);
/** U^T X' V for X' = X with row i times e^s and column j times e^-s, m x n. `scratch` holds m + n.
 */
void wmc_balanced_stretch(const wmc_balanced *chain, int i, int j, double s, double *core,
                          double *scratch);
double wmc_balanced_stretch_ratio(const wmc_balanced *chain, const wmc_candidate *to, double change,
                                  double s);
/** Energy of U Y V^T minus that of X, without decay. `scratch` holds 3 max(m, n)^2. */
double wmc_balanced_core_change(const wmc_balanced *chain, const double *y, double *scratch);
