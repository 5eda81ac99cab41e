/** @file equivariant.h  Inside the model `equivariant`: convolutional linear networks on a ring.
 *
 * One replica of the model `balanced` for every mode k = 0 .. n/2 of the ring (geometry/cyclic.h):
 * the modes are independent, each with its own inverse temperature and numbers. X of replica k is
 * the mode X^(k) of the filters of the whole network. docs/theory/equivariant.md.
 */
#pragma once
#include "balanced.h"
#include "network_deck.h"
#include "weylmc/geometry/cyclic.h"

/** Indices of the parameters. */
enum wmc_equivariant_field {
  ORDER,
  CHANNELS,
  EXCESS,
  WIDTHS,
  DEPTH,
  BETA,
  NOISE,
  KAPPA,
  ENERGY,
  FILTERS,
  FORMULATION,
  SCHEME,
  STEP,
  FIELDS
};

enum { WMC_EQUIVARIANT_FROBENIUS, WMC_EQUIVARIANT_TARGET };

/** All fields, ended by a NULL name. */
extern const wmc_field wmc_equivariant_fields[];
extern const wmc_axis wmc_equivariant_axes[];
extern const wmc_observable wmc_equivariant_observables[];

/** n. */
int wmc_equivariant_order(const wmc_value *parameters);
/** The law of the whole network, with the shape of its channels; `widths` are borrowed. */
wmc_gibbs wmc_equivariant_law(const wmc_value *parameters);
/** For modes of these numbers. */
const wmc_integrator *wmc_equivariant_integrator(const wmc_value *parameters, wmc_numbers numbers);
/** wmc_model.check of the model. */
void wmc_equivariant_check(const wmc_value *parameters, const wmc_complaints *complaints);

typedef struct wmc_equivariant {
  wmc_gibbs law; /**< of the whole network */
  int order, modes;
  wmc_balanced **mode;
} wmc_equivariant;

/** All observables in table order. */
void wmc_equivariant_measure(wmc_equivariant *chain, double *out);
