#include <math.h>
#include <string.h>

#include "residual_jacobian_drift.h"
#include "residual_jacobian_levels.h"
#include "weylmc/base/memory.h"
#include "weylmc/base/status.h"
#include "weylmc/jacobian/network.h"

/* ---- chains: every step is a new network ------------------------------------------------- */

/* The stream of the pilot of control variates, which no chain has. */
enum { PILOT_SEED = 2 };
static const long PILOT_STREAM = 2147483646L;

typedef struct chain {
  const wmc_value *p;
  wmc_split split;
  size_t width, whole, modes, records; /* whole: width of the matrix that the modes make up */
  wmc_network *network;                /* of finite depth, or steps of the limit, or */
  wmc_chamber **limit;                 /* the limit of the spectrum alone, modes, or */
  wmc_levels *multilevel;              /* a sum over many depths */
  double *levels;                      /* records x modes x width */
  double *growth, *sine;               /* records x modes */
  double *values;                      /* records x whole */
  wmc_jacobian_spectrum *spectra;      /* records */
  wmc_jacobian_request request;
  wmc_jacobian_points points; /* where values are taken: records and a path */
  wmc_jacobian_path path;
  size_t rates, sums;          /* entries of these: */
  double *diffusivity, *drift; /* records x width if asked for; sums along the path */
  size_t logarithms;           /* entries of log g, records x width x width if asked for: */
  double *logarithm;
  wmc_control *control; /* NULL: none */
  double solved;        /* 1: control has its coefficients; packed */
  double *measured;     /* all observables, multilevel only */
  size_t measurement;
} chain;

static double cost_of(const wmc_value *p)
{
  if (wmc_levels_of(p) != WMC_LEVELS_NONE) return wmc_levels_cost(p);
  if (wmc_jacobian_infinite(p)) return wmc_jacobian_limit_cost(p);
  return wmc_jacobian_network_cost(p, wmc_jacobian_options(p).depth);
}

static void destroy(void *state)
{
  chain *c = state;
  if (!c) return;
  wmc_network_destroy(c->network);
  for (size_t k = 0; c->limit && k < c->modes; k++) wmc_chamber_destroy(c->limit[k]);
  wmc_free(c->limit);
  double *arrays[] = {c->levels,      c->growth, c->sine,     c->values,
                      c->diffusivity, c->drift,  c->measured, c->logarithm};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_levels_destroy(c->multilevel);
  wmc_control_destroy(c->control);
  wmc_free(c->spectra);
  wmc_jacobian_points_free(&c->points);
  wmc_jacobian_path_free(&c->path);
  wmc_free(c);
}

static wmc_status create_network(chain *c, const wmc_block *block, const wmc_block_options *o)
{
  WMC_TRY(wmc_network_create(&c->network, block, o, c->points.count, c->points.fraction));
  if (c->rates + c->sums > 0) WMC_TRY(wmc_network_follow_vectors(c->network));
  return c->logarithms > 0 ? wmc_network_follow_logarithm(c->network) : WMC_OK;
}

static wmc_status create_layers(chain *c, const wmc_value *p)
{
  const wmc_block_options options = wmc_jacobian_options(p);
  return create_network(c, wmc_jacobian_block(p), &options);
}

static wmc_status create_steps(chain *c, const wmc_value *p)
{
  wmc_block_options steps;
  const wmc_block *block;
  int field;
  const char *why;
  if (!wmc_jacobian_steps(p, &block, &steps, &field, &why))
    return wmc_raise(WMC_DATA, "depth: at depth inf %s", why);
  return create_network(c, block, &steps);
}

static wmc_status create_limit(chain *c, const wmc_value *p)
{
  wmc_chamber_options options;
  int field;
  const char *why;
  if (!wmc_jacobian_limit(p, &options, &field, &why)) return create_steps(c, p);
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
  c->p = p;
  c->split = wmc_jacobian_options(p).split;
  c->width = (size_t)p[WIDTH].integer;
  c->whole = c->width * (size_t)p[GROUP].integer;
  c->modes = (size_t)wmc_split_modes(&c->split);
  c->records = p[RECORD].count;
  c->measurement = wmc_model_measurement_size(&wmc_residual_jacobian, p);
  if (wmc_levels_of(p) != WMC_LEVELS_NONE) {
    if (!(c->measured = WMC_ARRAY(double, c->measurement))) return wmc_no_memory();
    return wmc_levels_create(p, &c->multilevel);
  }
  c->spectra = WMC_ARRAY(wmc_jacobian_spectrum, c->records);
  c->levels = WMC_ARRAY(double, c->records * c->modes * c->width);
  c->growth = WMC_ARRAY(double, c->records * c->modes);
  c->sine = WMC_ARRAY(double, c->records * c->modes);
  c->values = WMC_ARRAY(double, c->records * c->whole);
  c->rates = p[DIFFUSIVITY].integer == 1 ? c->records * c->width : 0;
  c->sums = wmc_jacobian_drift_sums_length(p);
  c->diffusivity = WMC_ARRAY(double, c->rates + 1);
  c->drift = WMC_ARRAY(double, c->sums + 1);
  c->logarithms = wmc_jacobian_has_logarithm(p) ? c->records * c->width * c->width : 0;
  c->logarithm = WMC_ARRAY(double, c->logarithms + 1);
  c->request = wmc_jacobian_requested(p);
  if (!c->spectra || !c->levels || !c->growth || !c->sine || !c->values || !c->diffusivity ||
      !c->drift || !c->logarithm)
    return wmc_no_memory();
  WMC_TRY(wmc_jacobian_points_create(&c->points, p));
  WMC_TRY(wmc_jacobian_path_create(&c->path, p));
  for (size_t k = 0; k < c->records; k++)
    c->spectra[k] = (wmc_jacobian_spectrum){
        .d = c->whole,
        .values = c->values + k * c->whole,
        .modes = c->modes,
        .channels = c->width,
        .levels = c->levels + k * c->modes * c->width,
        .split = &c->split,
        .request = &c->request,
        .angle = wmc_jacobian_has_angle(p),
        .loses = wmc_jacobian_loses_rank(p),
        .logarithm = c->logarithms ? c->logarithm + k * c->width * c->width : NULL,
        .diffusivity = c->rates ? c->diffusivity + k * c->width : NULL};
  WMC_TRY(wmc_jacobian_infinite(p) ? create_limit(c, p) : create_layers(c, p));
  return wmc_control_wanted(p) ? wmc_control_create(p, &c->control) : WMC_OK;
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

/* One mode, from all points of its own. */
static void take_mode(chain *c, size_t mode, const double *values, const double *growth,
                      const double *sine)
{
  for (size_t k = 0; k < c->records; k++) {
    const size_t at = k * c->modes + mode;
    const size_t point = c->points.record[k];
    memcpy(c->levels + at * c->width, values + point * c->width, c->width * sizeof *values);
    c->growth[at] = growth[point];
    c->sine[at] = sine[point];
  }
}

static void take_diffusivity(chain *c, const double *all)
{
  for (size_t k = 0; c->rates && k < c->records; k++)
    memcpy(c->diffusivity + k * c->width, all + c->points.record[k] * c->width,
           c->width * sizeof *all);
}

static void take_logarithm(chain *c, const double *all)
{
  const size_t size = c->width * c->width;
  for (size_t k = 0; c->logarithms && k < c->records; k++)
    memcpy(c->logarithm + k * size, all + c->points.record[k] * size, size * sizeof *all);
}

static bool draw_network(chain *c, wmc_stream *stream)
{
  if (!wmc_network_draw(c->network, stream)) return false;
  for (size_t k = 0; k < c->modes; k++)
    take_mode(c, k, wmc_network_values(c->network) + k * c->points.count * c->width,
              wmc_network_growth(c->network) + k * c->points.count,
              wmc_network_log_sine(c->network) + k * c->points.count);
  take_diffusivity(c, wmc_network_diffusivity(c->network));
  take_logarithm(c, wmc_network_logarithm(c->network));
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
    take_mode(c, k, wmc_chamber_values(c->limit[k]), wmc_chamber_growth(c->limit[k]),
              wmc_chamber_log_sine(c->limit[k]));
  }
  wmc_jacobian_path_measure(&c->path, &c->points, wmc_chamber_values(c->limit[0]), NULL, NULL,
                            c->drift);
  return true;
}

static bool draw(chain *c, wmc_stream *stream)
{
  if (c->multilevel) return wmc_levels_draw(c->multilevel, stream, c->measured);
  return (c->limit ? draw_limit : draw_network)(c, stream);
}

/* Fewer where networks are large: about as much work as is allowed. */
static int pilot_draws(const chain *c)
{
  const double most = 1e9;
  return (int)fmax(32, fmin(WMC_CONTROL_PILOT, most / cost_of(c->p)));
}

static wmc_status solve_control(chain *c)
{
  wmc_stream *stream;
  WMC_TRY(wmc_stream_create(&stream, PILOT_SEED, PILOT_STREAM));
  bool good = true;
  for (int k = 0; k < pilot_draws(c) && good; k++) {
    good = draw(c, stream);
    if (good) wmc_control_observe(c->control, c->levels);
  }
  wmc_stream_destroy(stream);
  if (!good) return WMC_FAILURE;
  wmc_control_solve(c->control);
  c->solved = 1;
  return WMC_OK;
}

/* Whatever needs a pilot has had it. */
static wmc_status be_ready(chain *c)
{
  if (c->multilevel && wmc_levels_plan(c->multilevel)->known == 0)
    return wmc_levels_pilot(c->multilevel);
  return c->control && c->solved == 0 ? solve_control(c) : WMC_OK;
}

/* What fails here fails again, and is told, when the chain is advanced. */
static void start(void *state, wmc_stream *stream)
{
  (void)stream;
  if (be_ready(state) != WMC_OK) wmc_message_clear();
}

static wmc_status advance(void *state, wmc_stream *stream, long steps, bool thermalising)
{
  chain *c = state;
  (void)thermalising;
  WMC_TRY(be_ready(c));
  for (long i = 0; i < steps; i++)
    if (!draw(c, stream)) return WMC_FAILURE;
  return WMC_OK;
}

static void measure(void *state, double *out)
{
  chain *c = state;
  if (c->multilevel) {
    memcpy(out, c->measured, c->measurement * sizeof *out);
    return;
  }
  for (size_t k = 0; k < c->records; k++) {
    wmc_jacobian_merge(&c->split, c->width, c->spectra[k].levels, c->values + k * c->whole);
    c->spectra[k].growth = wmc_jacobian_merge_growth(&c->split, c->growth + k * c->modes);
    c->spectra[k].log_sine = c->sine[k * c->modes];
  }
  out += wmc_jacobian_measure(c->records, c->spectra, out);
  memcpy(out, c->drift, c->sums * sizeof *out);
  if (c->control) wmc_control_measure(c->control, c->levels, out + c->sums);
}

/* ---- state: a list of arrays ----------------------------------------------------------------- */

typedef struct part {
  double *numbers;
  size_t count;
} part;

enum { PARTS = 8 };

static void state_parts(const chain *c, part out[PARTS])
{
  memset(out, 0, PARTS * sizeof *out);
  if (c->multilevel) {
    wmc_control *control = wmc_levels_control(c->multilevel);
    out[0] =
        (part){&wmc_levels_plan(c->multilevel)->known, sizeof(wmc_level_plan) / sizeof(double)};
    out[1] = (part){c->measured, c->measurement};
    if (control) out[2] = (part){wmc_control_coefficients(control), wmc_control_size(control)};
    return;
  }
  out[0] = (part){c->levels, c->records * c->modes * c->width};
  out[1] = (part){c->growth, c->records * c->modes};
  out[2] = (part){c->sine, c->records * c->modes};
  out[3] = (part){c->diffusivity, c->rates};
  out[4] = (part){c->drift, c->sums};
  out[5] = (part){c->logarithm, c->logarithms};
  if (!c->control) return;
  out[6] = (part){(double *)&c->solved, 1};
  out[7] = (part){wmc_control_coefficients(c->control), wmc_control_size(c->control)};
}

static size_t state_size(const void *state)
{
  part parts[PARTS];
  size_t size = 0;
  state_parts(state, parts);
  for (int k = 0; k < PARTS; k++) size += parts[k].count;
  return size;
}

static void pack(const void *state, double *out)
{
  part parts[PARTS];
  state_parts(state, parts);
  for (int k = 0; k < PARTS; out += parts[k++].count)
    if (parts[k].count) memcpy(out, parts[k].numbers, parts[k].count * sizeof *out);
}

static void unpack(void *state, const double *packed)
{
  part parts[PARTS];
  state_parts(state, parts);
  for (int k = 0; k < PARTS; packed += parts[k++].count)
    if (parts[k].count) memcpy(parts[k].numbers, packed, parts[k].count * sizeof *packed);
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
    .series = wmc_jacobian_series,
    .report = &wmc_jacobian_report,
    .independent = true,
    .warn = wmc_levels_warn,
    .check = wmc_jacobian_check,
    .note = wmc_jacobian_note,
    .cost = cost_of,
    .create = create,
    .destroy = destroy,
    .start = start,
    .advance = advance,
    .measure = measure,
    .state_size = state_size,
    .pack = pack,
    .unpack = unpack,
};
