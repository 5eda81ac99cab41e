#include <string.h>

#include "residual_jacobian.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/network.h"

/* ---- chains: every step is a new network ------------------------------------------------- */

typedef struct chain {
  wmc_split split;
  size_t width, whole, modes, records; /* whole: width of the matrix that the modes make up */
  wmc_network *network;                /* of finite depth, or */
  wmc_chamber **limit;                 /* its limit at depth inf, modes */
  double *levels, *growth;             /* records x modes x width, records x modes */
  double *values;                      /* records x whole */
  wmc_jacobian_spectrum *spectra;      /* records */
} chain;

static void destroy(void *state)
{
  chain *c = state;
  if (!c) return;
  wmc_network_destroy(c->network);
  for (size_t k = 0; c->limit && k < c->modes; k++) wmc_chamber_destroy(c->limit[k]);
  wmc_free(c->limit);
  double *arrays[] = {c->levels, c->growth, c->values};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_free(c->spectra);
  wmc_free(c);
}

static wmc_status create_network(chain *c, const wmc_value *p)
{
  wmc_block_options options = wmc_jacobian_options(p);
  return wmc_network_create(&c->network, wmc_jacobian_block(p), &options, c->records,
                            p[RECORD].reals);
}

static wmc_status create_limit(chain *c, const wmc_value *p)
{
  wmc_chamber_options options;
  int field;
  const char *why;
  if (!wmc_jacobian_limit(p, &options, &field, &why))
    return wmc_raise(WMC_DATA, "depth: at depth inf %s", why);
  c->limit = WMC_ARRAY(wmc_chamber *, c->modes);
  if (!c->limit) return wmc_no_memory();
  for (size_t k = 0; k < c->modes; k++) {
    options = wmc_jacobian_mode_limit(p, (int)k);
    WMC_TRY(wmc_chamber_create(&c->limit[k], &options, c->records, p[RECORD].reals));
  }
  return WMC_OK;
}

static wmc_status fill(chain *c, const wmc_value *p)
{
  c->split = wmc_jacobian_options(p).split;
  c->width = (size_t)p[WIDTH].integer;
  c->whole = c->width * (size_t)p[GROUP].integer;
  c->modes = (size_t)wmc_split_modes(&c->split);
  c->records = p[RECORD].count;
  c->spectra = WMC_ARRAY(wmc_jacobian_spectrum, c->records);
  c->levels = WMC_ARRAY(double, c->records * c->modes * c->width);
  c->growth = WMC_ARRAY(double, c->records * c->modes);
  c->values = WMC_ARRAY(double, c->records * c->whole);
  if (!c->spectra || !c->levels || !c->growth || !c->values) return wmc_no_memory();
  for (size_t k = 0; k < c->records; k++)
    c->spectra[k] = (wmc_jacobian_spectrum){.d = c->whole,
                                            .values = c->values + k * c->whole,
                                            .modes = c->modes,
                                            .channels = c->width,
                                            .levels = c->levels + k * c->modes * c->width,
                                            .loses = wmc_jacobian_loses_rank(p)};
  return wmc_jacobian_infinite(p) ? create_limit(c, p) : create_network(c, p);
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

/* One mode, from all records of its own. */
static void take_mode(chain *c, size_t mode, const double *values, const double *growth)
{
  for (size_t k = 0; k < c->records; k++) {
    const size_t at = k * c->modes + mode;
    memcpy(c->levels + at * c->width, values + k * c->width, c->width * sizeof *values);
    c->growth[at] = growth[k];
  }
}

static bool draw_network(chain *c, wmc_stream *stream)
{
  if (!wmc_network_draw(c->network, stream)) return false;
  for (size_t k = 0; k < c->modes; k++)
    take_mode(c, k, wmc_network_values(c->network) + k * c->records * c->width,
              wmc_network_growth(c->network) + k * c->records);
  return true;
}

/* Modes are independent in the limit: Brownian motions that are not correlated. */
static bool draw_limit(chain *c, wmc_stream *stream)
{
  for (size_t k = 0; k < c->modes; k++) {
    if (!wmc_chamber_draw(c->limit[k], stream)) return false;
    take_mode(c, k, wmc_chamber_values(c->limit[k]), wmc_chamber_growth(c->limit[k]));
  }
  return true;
}

static wmc_status advance(void *state, wmc_stream *stream, long steps, bool thermalising)
{
  chain *c = state;
  (void)thermalising;
  for (long i = 0; i < steps; i++)
    if (!(c->limit ? draw_limit : draw_network)(c, stream)) return WMC_FAILURE;
  return WMC_OK;
}

static void measure(void *state, double *out)
{
  chain *c = state;
  for (size_t k = 0; k < c->records; k++) {
    wmc_jacobian_merge(&c->split, c->width, c->spectra[k].levels, c->values + k * c->whole);
    c->spectra[k].growth = wmc_jacobian_merge_growth(&c->split, c->growth + k * c->modes);
  }
  wmc_jacobian_measure(c->records, c->spectra, out);
}

static size_t state_size(const void *state)
{
  const chain *c = state;
  return c->records * c->modes * (c->width + 1);
}

static void pack(const void *state, double *out)
{
  const chain *c = state;
  const size_t spectra = c->records * c->modes, n = spectra * c->width;
  memcpy(out, c->levels, n * sizeof *out);
  memcpy(out + n, c->growth, spectra * sizeof *out);
}

static void unpack(void *state, const double *packed)
{
  chain *c = state;
  const size_t spectra = c->records * c->modes, n = spectra * c->width;
  memcpy(c->levels, packed, n * sizeof *packed);
  memcpy(c->growth, packed + n, spectra * sizeof *packed);
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
