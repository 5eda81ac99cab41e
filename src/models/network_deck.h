/** @file network_deck.h  Parameters, and checks of them, that models of deep linear networks share.
 *
 * A field of a model's table is one of the macros below; choices of a model's own stay with it.
 */
#pragma once
#include <float.h>
#include <math.h>

#include "balanced.h"

#define WMC_FIELD_DEPTH                                                                            \
  {                                                                                                \
    .name = "depth", .type = WMC_INT, .minimum = 1, .maximum = INFINITY, .required = true,         \
    .sweep = true, .unit = "1",                                                                    \
    .text = "number of layers N; inf for the limit law, where one "                                \
            "exists"                                                                               \
  }
#define WMC_FIELD_KAPPA                                                                            \
  {                                                                                                \
    .name = "noise.kappa", .type = WMC_REAL, .minimum = 0, .maximum = DBL_MAX,                     \
    .open_minimum = true, .required = true, .sweep = true, .only = "noise.kind=kappa",             \
    .unit = "1", .text = "variance of horizontal over vertical noise"                              \
  }

/** Noise of the Gibbs law: v and h of geometry/gibbs.h. */
enum wmc_noise { WMC_NOISE_ISOTROPIC, WMC_NOISE_HORIZONTAL, WMC_NOISE_KAPPA, WMC_NOISE_VERTICAL };
wmc_gibbs wmc_network_law(const wmc_shape *shape, double beta, long noise, double kappa);

/** The row of wmc_integrators that can hold these numbers, or NULL. */
const wmc_integrator *wmc_network_integrator(const char *formulation, const char *scheme,
                                             wmc_numbers numbers);

/** Widths from a list d_0, ..., d_N, or of [d_0, hidden, d_N] at any depth; numbers and rank are
 * left 0. The shape borrows the list. */
wmc_shape wmc_network_widths(const wmc_value *widths, double depth);
/** Complains unless `widths` are whole numbers, as many as the depth wants; true if they are. */
bool wmc_network_check_widths(const wmc_value *widths, int field, double depth,
                              const wmc_complaints *complaints);
/** Whether the law has a limit of full rank as the depth grows. */
bool wmc_network_has_limit(const wmc_gibbs *law);
/** wmc_observable.converges of what grows with the depth. */
bool wmc_network_never(const wmc_value *parameters);
/** Complains if depth is inf and the law does not exist there. */
void wmc_network_check_limit(const wmc_gibbs *law, int field, const wmc_complaints *complaints);
