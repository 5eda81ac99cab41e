/** @file balanced_deck.h  Inside the model `balanced`: parameters, and what they say of a chain. */
#pragma once
#include "balanced.h"
#include "weylmc/geometry/partition.h"

/** Indices of the parameters. */
enum wmc_balanced_field {
  WIDTH,
  EXCESS,
  WIDTHS,
  RANK,
  DEPTH,
  NUMBERS,
  BETA,
  LADDER,
  EXCHANGE,
  NOISE,
  KAPPA,
  ENERGY,
  DIAG,
  MATRIX,
  IMAGINARY,
  INPUTS,
  LABELS,
  MASK,
  FROBENIUS,
  TARGET,
  COMPLETION,
  REGRESSION,
  DECAY,
  FORMULATION,
  SCHEME,
  STEP,
  ENTRIES,
  BINS,
  LAMBDA_MAX,
  RANK_MAX,
  TOLERANCE,
  START,
  AGE,
  IMBALANCE,
  FIELDS
};

/** The choice of energy.kind after those of wmc_energies. */
enum { ENERGY_SUM = WMC_ENERGY_TERMS };

/** All fields, ended by a NULL name. */
extern const wmc_field wmc_balanced_fields[];

/** Shape and law of valid parameters; `widths` of the shape are borrowed from them. */
wmc_shape wmc_balanced_shape(const wmc_value *parameters);
wmc_gibbs wmc_balanced_law(const wmc_value *parameters);
/** Rungs of the ladder; 0 without one: axes along it are then empty and left out of the results. */
size_t wmc_balanced_rungs(const wmc_value *parameters);
/** Bins of lambda and of the effective rank; none unless asked for. */
wmc_bins wmc_balanced_lambda_bins(const wmc_value *parameters);
wmc_bins wmc_balanced_rank_bins(const wmc_value *parameters);
/** What a chain is made from; borrows arrays from `parameters`. */
wmc_balanced_setup wmc_balanced_setup_of(const wmc_value *parameters);
/** Whether the scheme is flow, which has no law. */
bool wmc_balanced_flows(const wmc_value *parameters);
/** Whether draws are meant to be from the Gibbs law: noise in X, no time that the deck fixes, and
 * nothing known along which the law escapes (balanced_escape.h). */
bool wmc_balanced_has_law(const wmc_value *parameters);
/** wmc_model.memory: bytes of a chain, roughly; 0 where they do not grow with the depth. */
double wmc_balanced_memory(const wmc_value *parameters);
/** Complain of the field that makes a chain larger than what this process can have. */
void wmc_balanced_check_memory(const wmc_value *parameters, const wmc_complaints *complaints);
/** wmc_model.check of the model. */
void wmc_balanced_check(const wmc_value *parameters, const wmc_complaints *complaints);
/** log Z up to a constant, <E> and Var E at this inverse temperature in place of the deck's, where
 * they are known. */
bool wmc_balanced_partition(const wmc_value *parameters, double beta, wmc_partition *out);
