/* The model `balanced`: Gibbs laws and Langevin dynamics of balanced deep linear networks.
 * docs/theory/balanced.md. */
#include "balanced.h"

#include <string.h>

#include "balanced_deck.h"

static double cost(const wmc_value *parameters)
{
  const double d = wmc_balanced_shape(parameters).rank;
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  const wmc_integrator *integrator = setup.integrator;
  const double replicas = setup.ladder ? (double)setup.rungs : 1;
  if (integrator->layers && integrator->unitary)
    return replicas * setup.law.shape.depth * (4000 + 400 * d * d + 480 * d * d * d);
  if (integrator->unitary) return replicas * (500 * d + 400 * d * d + 64 * d * d * d);
  if (!integrator->frames) return replicas * (200 * d + 20 * d * d);
  if (integrator->layers)
    return replicas * setup.law.shape.depth * (2000 + 100 * d * d + 60 * d * d * d);
  return replicas * (500 * d + 200 * d * d + (integrator->exact ? 24 : 40) * d * d * d);
}

static wmc_status create(const wmc_value *parameters, void **out)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  wmc_balanced *chain;
  wmc_status status =
      setup.ladder ? wmc_ladder_create(&setup, &chain) : wmc_balanced_create(&setup, &chain);
  *out = chain;
  return status;
}

static void destroy(void *state)
{
  wmc_balanced *chain = state;
  if (chain != NULL && chain->ladder != NULL)
    wmc_ladder_destroy(chain->ladder);
  else
    wmc_balanced_destroy(chain);
}

static void start(void *state, wmc_stream *stream)
{
  wmc_balanced *chain = state;
  if (chain->ladder != NULL)
    wmc_ladder_start(chain->ladder, stream);
  else
    wmc_balanced_start(chain, stream);
}

static wmc_status advance(void *state, wmc_stream *stream, long steps, bool thermalising)
{
  wmc_balanced *chain = state;
  if (chain->ladder != NULL) return wmc_ladder_advance(chain->ladder, stream, steps, thermalising);
  return wmc_balanced_advance(chain, stream, steps, thermalising);
}

static void measure(void *chain, double *out) { wmc_balanced_measure(chain, out); }

static size_t state_size(const void *state)
{
  const wmc_balanced *chain = state;
  return chain->ladder != NULL ? wmc_ladder_state_size(chain->ladder) : chain->state_size;
}

static void pack(const void *state, double *out)
{
  const wmc_balanced *chain = state;
  if (chain->ladder != NULL)
    wmc_ladder_pack(chain->ladder, out);
  else
    memcpy(out, chain->state, chain->state_size * sizeof *out);
}

static void unpack(void *state, const double *packed)
{
  wmc_balanced *chain = state;
  if (chain->ladder != NULL)
    wmc_ladder_unpack(chain->ladder, packed);
  else
    memcpy(chain->state, packed, chain->state_size * sizeof *packed);
}

const wmc_model wmc_model_balanced = {
    .name = "balanced",
    .text = "Gibbs law and Riemannian Langevin equation of balanced deep linear networks; without "
            "hidden excess odd depths visit both signs of det X, else det X > 0",
    .reference = "Menon, arXiv:2411.09004; Menon & Yu, arXiv:2509.09088",
    .fields = wmc_balanced_fields,
    .axes = wmc_balanced_axes,
    .observables = wmc_balanced_observables,
    .derived = wmc_balanced_derived,
    .fit_parameter = "depth",
    .check = wmc_balanced_check,
    .cost = cost,
    .memory = wmc_balanced_memory,
    .create = create,
    .destroy = destroy,
    .start = start,
    .advance = advance,
    .measure = measure,
    .state_size = state_size,
    .pack = pack,
    .unpack = unpack};
