/* The model `equivariant`: deep linear convolutional networks on a ring, mode by mode.
 * docs/theory/equivariant.md. */
#include "equivariant.h"

#include <stdio.h>
#include <string.h>

#include "weylmc/base/memory.h"

static double cost(const wmc_value *parameters)
{
  const double r = wmc_equivariant_law(parameters).shape.rank;
  const wmc_integrator *real = wmc_equivariant_integrator(parameters, WMC_NUMBERS_REAL);
  const double one = real->frames ? 500 * r + 400 * r * r + 64 * r * r * r : 200 * r + 20 * r * r;
  return wmc_cyclic_modes(wmc_equivariant_order(parameters)) * one;
}

static void destroy(void *state)
{
  wmc_equivariant *chain = state;
  if (chain == NULL) return;
  for (int k = 0; chain->mode != NULL && k < chain->modes; k++)
    wmc_balanced_destroy(chain->mode[k]);
  wmc_free(chain->mode);
  wmc_free(chain);
}

/* Mode k of the target's filters, real and imaginary parts after one another; NULL without. */
static wmc_status transform_target(const wmc_equivariant *chain, const wmc_value *parameters, int k,
                                   double **target)
{
  const int entries = chain->law.shape.rows * chain->law.shape.columns;
  *target = NULL;
  if (parameters[ENERGY].integer != WMC_EQUIVARIANT_TARGET) return WMC_OK;
  *target = WMC_ARRAY(double, 2 * (size_t)entries);
  if (*target == NULL) return wmc_no_memory();
  wmc_cyclic_transform(chain->order, entries, parameters[FILTERS].reals, k, *target,
                       *target + entries);
  return WMC_OK;
}

static wmc_status create_mode(wmc_equivariant *chain, const wmc_value *parameters, int k)
{
  const wmc_shape *channels = &chain->law.shape;
  wmc_balanced_setup setup = {.law = wmc_cyclic_law(&chain->law, chain->order, k),
                              .energy = {.rows = channels->rows, .columns = channels->columns},
                              .step = parameters[STEP].real};
  char name[32];
  double *target;
  snprintf(name, sizeof name, "equivariant, mode %d", k);
  setup.name = name;
  WMC_TRY(transform_target(chain, parameters, k, &target));
  setup.integrator = wmc_equivariant_integrator(parameters, setup.law.shape.numbers);
  setup.energy.coefficient[target ? WMC_ENERGY_TARGET : WMC_ENERGY_FROBENIUS] = 1;
  setup.energy.target = target;
  setup.energy.imaginary = target ? target + channels->rows * channels->columns : NULL;
  const wmc_status status = wmc_balanced_create(&setup, &chain->mode[k]);
  wmc_free(target);
  return status;
}

static wmc_status fill(wmc_equivariant *chain, const wmc_value *parameters)
{
  chain->law = wmc_equivariant_law(parameters);
  chain->order = wmc_equivariant_order(parameters);
  chain->modes = wmc_cyclic_modes(chain->order);
  chain->mode = WMC_ARRAY(wmc_balanced *, (size_t)chain->modes);
  if (chain->mode == NULL) return wmc_no_memory();
  for (int k = 0; k < chain->modes; k++) chain->mode[k] = NULL;
  for (int k = 0; k < chain->modes; k++) WMC_TRY(create_mode(chain, parameters, k));
  return WMC_OK;
}

static wmc_status create(const wmc_value *parameters, void **out)
{
  wmc_equivariant *chain = WMC_NEW(wmc_equivariant);
  *out = NULL;
  if (chain == NULL) return wmc_no_memory();
  wmc_status status = fill(chain, parameters);
  if (status == WMC_OK)
    *out = chain;
  else
    destroy(chain);
  return status;
}

static void start(void *state, wmc_stream *stream)
{
  wmc_equivariant *chain = state;
  for (int k = 0; k < chain->modes; k++) wmc_balanced_start(chain->mode[k], stream);
}

/* A step of every mode in turn: however a run is cut into calls, the stream serves them alike. */
static wmc_status advance(void *state, wmc_stream *stream, long steps, bool thermalising)
{
  wmc_equivariant *chain = state;
  for (long step = 0; step < steps; step++)
    for (int k = 0; k < chain->modes; k++)
      WMC_TRY(wmc_balanced_advance(chain->mode[k], stream, 1, thermalising));
  return WMC_OK;
}

static void measure(void *chain, double *out) { wmc_equivariant_measure(chain, out); }

static size_t state_size(const void *state)
{
  const wmc_equivariant *chain = state;
  size_t size = 0;
  for (int k = 0; k < chain->modes; k++) size += chain->mode[k]->state_size;
  return size;
}

static void pack(const void *state, double *out)
{
  const wmc_equivariant *chain = state;
  for (int k = 0; k < chain->modes; out += chain->mode[k++]->state_size)
    memcpy(out, chain->mode[k]->state, chain->mode[k]->state_size * sizeof *out);
}

static void unpack(void *state, const double *packed)
{
  wmc_equivariant *chain = state;
  for (int k = 0; k < chain->modes; packed += chain->mode[k++]->state_size)
    memcpy(chain->mode[k]->state, packed, chain->mode[k]->state_size * sizeof *packed);
}

const wmc_model wmc_model_equivariant = {
    .name = "equivariant",
    .text = "balanced deep linear networks of convolutions on a ring of n sites: Gibbs law and "
            "Langevin equation, real and complex modes",
    .reference = "Menon & Yu, arXiv:2509.09088; docs/theory/equivariant.md",
    .fields = wmc_equivariant_fields,
    .axes = wmc_equivariant_axes,
    .observables = wmc_equivariant_observables,
    .fit_parameter = "depth",
    .check = wmc_equivariant_check,
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .start = start,
    .advance = advance,
    .measure = measure,
    .state_size = state_size,
    .pack = pack,
    .unpack = unpack};
