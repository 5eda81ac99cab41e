/* Observables of the model `equivariant`. */
#include <string.h>

#include "equivariant.h"
#include "weylmc/numeric/vector.h"

enum { AXIS_MODE, AXIS_INDEX };

static size_t mode_length(const wmc_value *parameters)
{
  return (size_t)wmc_cyclic_modes(wmc_equivariant_order(parameters));
}

static size_t index_length(const wmc_value *parameters)
{
  return (size_t)wmc_equivariant_law(parameters).shape.rank;
}

static void mode_coordinates(const wmc_value *parameters, double *out)
{
  for (size_t k = 0; k < mode_length(parameters); k++) out[k] = (double)k;
}

const wmc_axis wmc_equivariant_axes[] = {
    [AXIS_MODE] = {.name = "mode",
                   .unit = "1",
                   .text = "wave number k on the ring; 0 < k < n/2 stands for k and n - k",
                   .length = mode_length,
                   .coordinates = mode_coordinates},
    [AXIS_INDEX] = {.name = "index",
                    .unit = "1",
                    .text = "index of the singular value, largest first",
                    .length = index_length,
                    .coordinates = NULL},
    {.name = NULL}};

static bool is_frobenius(const wmc_value *parameters)
{
  return parameters[ENERGY].integer == WMC_EQUIVARIANT_FROBENIUS;
}

static wmc_gibbs law_of(const wmc_value *parameters, size_t k)
{
  const wmc_gibbs law = wmc_equivariant_law(parameters);
  return wmc_cyclic_law(&law, wmc_equivariant_order(parameters), (int)k);
}

static bool expected_virial(const wmc_value *parameters, double *out)
{
  *out = 0;
  for (size_t k = 0; k < mode_length(parameters); k++) {
    const wmc_gibbs law = law_of(parameters, k);
    *out += wmc_cyclic_weight(wmc_equivariant_order(parameters), (int)k) * wmc_gibbs_virial(&law);
  }
  return true;
}

static bool expected_frobenius2(const wmc_value *parameters, double *out)
{
  return is_frobenius(parameters) && expected_virial(parameters, out);
}

static bool expected_energy(const wmc_value *parameters, double *out)
{
  const bool known = expected_frobenius2(parameters, out);
  if (known) *out /= 2;
  return known;
}

static bool expected_mode_norm2(const wmc_value *parameters, double *out)
{
  for (size_t k = 0; k < mode_length(parameters); k++) {
    const wmc_gibbs law = law_of(parameters, k);
    out[k] = wmc_gibbs_virial(&law);
  }
  return is_frobenius(parameters);
}

static bool expected_log_abs_det(const wmc_value *parameters, double *out)
{
  bool any = false;
  for (size_t k = 0; k < mode_length(parameters); k++) {
    const wmc_gibbs law = law_of(parameters, k);
    const bool known = wmc_gibbs_log_det(&law, &out[k]);
    if (!known) out[k] = NAN;
    any |= known;
  }
  return any && is_frobenius(parameters);
}

/* Mode 0 is real; complex modes have a limit wherever real ones have. */
static bool has_limit(const wmc_value *parameters)
{
  const wmc_gibbs law = wmc_equivariant_law(parameters);
  return wmc_network_has_limit(&law);
}

enum {
  OBS_ENERGY,
  OBS_ENTROPY,
  OBS_FREE_ENERGY,
  OBS_FROBENIUS2,
  OBS_PARAMETER_NORM2,
  OBS_VIRIAL,
  OBS_TRACE_TARGET,
  OBS_ACCEPTANCE,
  OBS_MODE_NORM2,
  OBS_LOG_ABS_DET,
  OBS_SINGULAR_VALUES,
  OBSERVABLES,
  SCALARS = OBS_MODE_NORM2
};

#define SCALAR .axis = {WMC_NO_AXIS, WMC_NO_AXIS}
#define MODES  .axis = {AXIS_MODE, WMC_NO_AXIS}

const wmc_observable wmc_equivariant_observables[] = {
    [OBS_ENERGY] = {.name = "energy",
                    .unit = "energy",
                    .text = "energy E of the filters of X",
                    SCALAR,
                    .expected = expected_energy},
    [OBS_ENTROPY] = {.name = "entropy",
                     .unit = "1",
                     .text = "Boltzmann entropy S(X): log volume of the networks with product X",
                     SCALAR,
                     .converges = wmc_network_never},
    [OBS_FREE_ENERGY] = {.name = "free_energy",
                         .unit = "energy",
                         .text = "free energy E - S / beta",
                         SCALAR,
                         .converges = wmc_network_never},
    [OBS_FROBENIUS2] = {.name = "frobenius2",
                        .unit = "1",
                        .text = "sum of squares of the filters of X",
                        SCALAR,
                        .expected = expected_frobenius2},
    [OBS_PARAMETER_NORM2] = {.name = "parameter_norm2",
                             .unit = "1",
                             .text = "sum of squares of the filters of all layers (depth inf: what "
                                     "is left after subtracting its value at sigma = 1)",
                             SCALAR,
                             .converges = wmc_network_never},
    [OBS_VIRIAL] = {.name = "virial",
                    .unit = "energy",
                    .text = "<X, E'(X)> of filters, whose mean is known for every energy",
                    SCALAR,
                    .expected = expected_virial},
    [OBS_TRACE_TARGET] = {.name = "trace_target",
                          .unit = "1",
                          .text = "sum over sites of tr(x(s)^T phi(s)); 0 without a target",
                          SCALAR},
    [OBS_ACCEPTANCE] = {.name = "acceptance",
                        .tuning = true,
                        .unit = "1",
                        .text = "accepted share of the moves since the last draw, mean over modes "
                                "(euler: 1)",
                        SCALAR,
                        .converges = wmc_network_never},
    [OBS_MODE_NORM2] = {.name = "mode_norm2",
                        .unit = "1",
                        .text = "squared Frobenius norm of the mode X^(k) = sum_s x(s) e^(-2 pi i "
                                "k s/n)",
                        MODES,
                        .expected = expected_mode_norm2},
    [OBS_LOG_ABS_DET] = {.name = "log_abs_det",
                         .unit = "1",
                         .text = "sum of log sigma of the mode: log|det X^(k)| if it is square",
                         MODES,
                         .expected = expected_log_abs_det,
                         .converges = has_limit},
    [OBS_SINGULAR_VALUES] = {.name = "singular_values",
                             .unit = "1",
                             .text =
                                 "singular values of the modes; all together (twice for 0 < k < "
                                 "n/2) those of the matrix X on all sites",
                             .axis = {AXIS_MODE, AXIS_INDEX, WMC_NO_AXIS}},
    [OBSERVABLES] = {.name = NULL}};

static void add_mode(const wmc_equivariant *chain, int k, double scalars[SCALARS])
{
  wmc_balanced *mode = chain->mode[k];
  const wmc_spectrum *x = &mode->x;
  const wmc_shape *channels = &chain->law.shape;
  const double weight = wmc_cyclic_weight(chain->order, k), layers = wmc_shape_clock(channels);
  scalars[OBS_ENERGY] += weight * wmc_balanced_energy(mode);
  scalars[OBS_ENTROPY] += wmc_cyclic_entropy(channels, chain->order, k, x->log_sigma);
  scalars[OBS_FROBENIUS2] += weight * wmc_sum(x->rank, x->sigma2);
  scalars[OBS_PARAMETER_NORM2] += weight * layers * wmc_sum(x->rank, x->lambda2);
  scalars[OBS_VIRIAL] += weight * wmc_balanced_virial(mode);
  scalars[OBS_TRACE_TARGET] += weight * wmc_balanced_trace_target(mode);
  scalars[OBS_ACCEPTANCE] += wmc_balanced_acceptance(mode) / chain->modes;
}

void wmc_equivariant_measure(wmc_equivariant *chain, double *out)
{
  const int modes = chain->modes, rank = chain->law.shape.rank;
  double *norms = out + SCALARS, *logs = norms + modes, *values = logs + modes;
  memset(out, 0, SCALARS * sizeof *out);
  for (int k = 0; k < modes; k++) {
    const wmc_spectrum *x = &chain->mode[k]->x;
    add_mode(chain, k, out);
    norms[k] = wmc_sum(rank, x->sigma2);
    logs[k] = wmc_sum(rank, x->log_sigma);
    memcpy(values + k * rank, x->sigma, (size_t)rank * sizeof *values);
  }
  out[OBS_FREE_ENERGY] = out[OBS_ENERGY] - out[OBS_ENTROPY] / chain->law.beta;
}
