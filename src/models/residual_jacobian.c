#include <string.h>

#include "residual_jacobian_drift.h"
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
  wmc_jacobian_points points;          /* where values are taken: records and a path */
  wmc_jacobian_path path;
  size_t rates, sums;          /* entries of these: */
  double *diffusivity, *drift; /* records x width if asked for; sums along the path */
} chain;

static void destroy(void *state)
{
  chain *c = state;
  if (!c) return;
  wmc_network_destroy(c->network);
  for (size_t k = 0; c->limit && k < c->modes; k++) wmc_chamber_destroy(c->limit[k]);
  wmc_free(c->limit);
  double *arrays[] = {c->levels, c->growth, c->values, c->diffusivity, c->drift};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_free(c->spectra);
  wmc_jacobian_points_free(&c->points);
  wmc_jacobian_path_free(&c->path);
  wmc_free(c);
}

static wmc_status create_network(chain *c, const wmc_value *p)
{
  wmc_block_options options = wmc_jacobian_options(p);
  WMC_TRY(wmc_network_create(&c->network, wmc_jacobian_block(p), &options, c->points.count,
                             c->points.fraction));
  return c->rates + c->sums > 0 ? wmc_network_follow_vectors(c->network) : WMC_OK;
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
    WMC_TRY(wmc_chamber_create(&c->limit[k], &options, c->points.count, c->points.fraction));
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
  c->rates = p[DIFFUSIVITY].integer == 1 ? c->records * c->width : 0;
  c->sums = wmc_jacobian_drift_sums_length(p);
  c->diffusivity = WMC_ARRAY(double, c->rates + 1);
  c->drift = WMC_ARRAY(double, c->sums + 1);
  if (!c->spectra || !c->levels || !c->growth || !c->values || !c->diffusivity || !c->drift)
    return wmc_no_memory();
  WMC_TRY(wmc_jacobian_points_create(&c->points, p));
  WMC_TRY(wmc_jacobian_path_create(&c->path, p));
  for (size_t k = 0; k < c->records; k++)
    c->spectra[k] =
        (wmc_jacobian_spectrum){.d = c->whole,
                                .values = c->values + k * c->whole,
                                .modes = c->modes,
                                .channels = c->width,
                                .levels = c->levels + k * c->modes * c->width,
                                .loses = wmc_jacobian_loses_rank(p),
                                .diffusivity = c->rates ? c->diffusivity + k * c->width : NULL};
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

/* One mode, from all points of its own. */
static void take_mode(chain *c, size_t mode, const double *values, const double *growth)
{
  for (size_t k = 0; k < c->records; k++) {
    const size_t at = k * c->modes + mode;
    const size_t point = c->points.record[k];
    memcpy(c->levels + at * c->width, values + point * c->width, c->width * sizeof *values);
    c->growth[at] = growth[point];
  }
}

static void take_diffusivity(chain *c, const double *all)
{
  for (size_t k = 0; c->rates && k < c->records; k++)
    memcpy(c->diffusivity + k * c->width, all + c->points.record[k] * c->width,
           c->width * sizeof *all);
}

static bool draw_network(chain *c, wmc_stream *stream)
{
  if (!wmc_network_draw(c->network, stream)) return false;
  for (size_t k = 0; k < c->modes; k++)
    take_mode(c, k, wmc_network_values(c->network) + k * c->points.count * c->width,
              wmc_network_growth(c->network) + k * c->points.count);
  take_diffusivity(c, wmc_network_diffusivity(c->network));
  wmc_jacobian_path_measure(&c->path, &c->points, wmc_network_values(c->network),
                            wmc_network_diffusivity(c->network), wmc_network_overlap(c->network),
                            c->drift);
  return true;
}

/* Modes are independent in the limit: Brownian motions that are not correlated. */
static bool draw_limit(chain *c, wmc_stream *stream)
{
  for (size_t k = 0; k < c->modes; k++) {
    if (!wmc_chamber_draw(c->limit[k], stream)) return false;
    take_mode(c, k, wmc_chamber_values(c->limit[k]), wmc_chamber_growth(c->limit[k]));
  }
  wmc_jacobian_path_measure(&c->path, &c->points, wmc_chamber_values(c->limit[0]), NULL, NULL,
                            c->drift);
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
  out += wmc_jacobian_measure(c->records, c->spectra, out);
  memcpy(out, c->drift, c->sums * sizeof *out);
}

static size_t state_size(const void *state)
{
  const chain *c = state;
  return c->records * c->modes * (c->width + 1) + c->rates + c->sums;
}

static void pack(const void *state, double *out)
{
  const chain *c = state;
  const size_t spectra = c->records * c->modes, n = spectra * c->width;
  memcpy(out, c->levels, n * sizeof *out);
  memcpy(out + n, c->growth, spectra * sizeof *out);
  memcpy(out + n + spectra, c->diffusivity, c->rates * sizeof *out);
  memcpy(out + n + spectra + c->rates, c->drift, c->sums * sizeof *out);
}

static void unpack(void *state, const double *packed)
{
  chain *c = state;
  const size_t spectra = c->records * c->modes, n = spectra * c->width;
  memcpy(c->levels, packed, n * sizeof *packed);
  memcpy(c->growth, packed + n, spectra * sizeof *packed);
  memcpy(c->diffusivity, packed + n + spectra, c->rates * sizeof *packed);
  memcpy(c->drift, packed + n + spectra + c->rates, c->sums * sizeof *packed);
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
