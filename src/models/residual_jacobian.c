#include <string.h>

#include "residual_jacobian.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/network.h"

/* ---- chains: every step is a new network ------------------------------------------------- */

typedef struct chain {
  size_t width, records;
  wmc_network *network;           /* of finite depth, or */
  wmc_chamber *limit;             /* its limit at depth inf */
  double *values, *growth;        /* of either; records x width, records */
  wmc_jacobian_spectrum *spectra; /* records */
} chain;

static void destroy(void *state)
{
  chain *c = state;
  if (!c) return;
  wmc_network_destroy(c->network);
  wmc_chamber_destroy(c->limit);
  wmc_free(c->spectra);
  wmc_free(c);
}

static wmc_status create_network(chain *c, const wmc_value *p)
{
  wmc_block_options options = wmc_jacobian_options(p);
  WMC_TRY(wmc_network_create(&c->network, wmc_jacobian_block(p), &options, c->records,
                             p[RECORD].reals));
  c->values = wmc_network_values(c->network);
  c->growth = wmc_network_growth(c->network);
  return WMC_OK;
}

static wmc_status create_limit(chain *c, const wmc_value *p)
{
  wmc_chamber_options options;
  int field;
  const char *why;
  if (!wmc_jacobian_limit(p, &options, &field, &why))
    return wmc_raise(WMC_DATA, "depth: at depth inf %s", why);
  WMC_TRY(wmc_chamber_create(&c->limit, &options, c->records, p[RECORD].reals));
  c->values = wmc_chamber_values(c->limit);
  c->growth = wmc_chamber_growth(c->limit);
  return WMC_OK;
}

static wmc_status fill(chain *c, const wmc_value *p)
{
  c->width = (size_t)p[WIDTH].integer;
  c->records = p[RECORD].count;
  c->spectra = WMC_ARRAY(wmc_jacobian_spectrum, c->records);
  if (!c->spectra) return wmc_no_memory();
  WMC_TRY(wmc_jacobian_infinite(p) ? create_limit(c, p) : create_network(c, p));
  for (size_t k = 0; k < c->records; k++)
    c->spectra[k] = (wmc_jacobian_spectrum){
        .d = c->width, .values = c->values + k * c->width, .loses = wmc_jacobian_loses_rank(p)};
  return WMC_OK;
}

static wmc_status create(const wmc_value *p, void **state)
{
  chain *c = WMC_NEW(chain);
  *state = c;
  if (!c) return wmc_no_memory();
  wmc_status status = fill(c, p);
  if (status != WMC_OK) {
    destroy(c);
    *state = NULL;
  }
  return status;
}

static void start(void *state, wmc_stream *stream)
{
  (void)state;
  (void)stream;
}

static wmc_status advance(void *state, wmc_stream *stream, long steps, bool thermalising)
{
  chain *c = state;
  (void)thermalising;
  for (long i = 0; i < steps; i++)
    if (!(c->limit ? wmc_chamber_draw(c->limit, stream) : wmc_network_draw(c->network, stream)))
      return WMC_FAILURE;
  return WMC_OK;
}

static void measure(void *state, double *out)
{
  chain *c = state;
  for (size_t k = 0; k < c->records; k++) c->spectra[k].growth = c->growth[k];
  wmc_jacobian_measure(c->records, c->spectra, out);
}

static size_t state_size(const void *state)
{
  const chain *c = state;
  return c->records * (c->width + 1);
}

static void pack(const void *state, double *out)
{
  const chain *c = state;
  size_t n = c->records * c->width;
  memcpy(out, c->values, n * sizeof *out);
  memcpy(out + n, c->growth, c->records * sizeof *out);
}

static void unpack(void *state, const double *packed)
{
  chain *c = state;
  size_t n = c->records * c->width;
  memcpy(c->values, packed, n * sizeof *packed);
  memcpy(c->growth, packed + n, c->records * sizeof *packed);
}

const wmc_model wmc_residual_jacobian = {
    .name = "residual_jacobian",
    .text = "log-singular values of the input-output Jacobian of a residual network at "
            "initialisation",
    .reference = "docs/theory/jacobian.md",
    .fields = wmc_jacobian_fields,
    .axes = wmc_jacobian_axes,
    .observables = wmc_jacobian_observables,
    .derived = wmc_jacobian_derived,
    .fit_parameter = "depth",
    .independent = true,
    .check = wmc_jacobian_check,
    .cost = wmc_jacobian_cost,
    .create = create,
    .destroy = destroy,
    .start = start,
    .advance = advance,
    .measure = measure,
    .state_size = state_size,
    .pack = pack,
    .unpack = unpack,
};
