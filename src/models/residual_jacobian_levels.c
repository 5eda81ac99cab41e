#include "residual_jacobian_levels.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/jacobian/coupled.h"
#include "weylmc/jacobian/network.h"

/* The pilot: levels measured, networks drawn on each, work allowed for them in flops, and its
 * stream, which no chain has. */
enum { PILOT_LEVELS = 6, PILOT_LEAST = 64, PILOT_MOST = 1024, PILOT_SEED = 1 };
static const double PILOT_WORK = 1e9;
static const long PILOT_STREAM = 2147483646L;

/* How the networks of a level are drawn. */
typedef struct level {
  wmc_network *single; /* or */
  wmc_coupled *alone;  /* kind limit */
  wmc_coupled *pair;   /* NULL on level 0 */
} level;

struct wmc_levels {
  const wmc_value *p;
  size_t count, base;                  /* levels; entries of the observables of one network */
  size_t width, whole, modes, records; /* singular values of a mode, of all of them */
  level level[WMC_LEVELS_MOST];
  double work_single[WMC_LEVELS_MOST], work_pair[WMC_LEVELS_MOST];
  wmc_level_plan plan;
  wmc_split split;
  wmc_jacobian_request request;
  wmc_control *control;           /* NULL: none */
  size_t controlled, biases;      /* entries of controlled values, and of biases */
  wmc_jacobian_spectrum *spectra; /* records */
  double *modal;                  /* records x modes x width: values of all modes */
  double *merged;                 /* records x whole: values */
  double *growth;                 /* modes */
  double *one;                    /* base + controlled */
};

size_t wmc_levels_biases(const wmc_value *p)
{
  const size_t controlled = wmc_control_wanted(p) ? p[RECORD].count * (size_t)p[WIDTH].integer : 0;
  return wmc_levels_count(p) > 0 && wmc_jacobian_infinite(p)
             ? wmc_jacobian_network_size(p) + controlled
             : 0;
}

static bool second_order(const wmc_value *p) { return wmc_levels_of(p) == WMC_LEVELS_LIMIT; }

double wmc_levels_work(const wmc_value *p, int depth, bool paired)
{
  const wmc_split split = wmc_jacobian_options(p).split;
  const double d = (double)p[WIDTH].integer;
  const bool steps = wmc_levels_steps(p), squares = second_order(p) && !steps;
  const double extra = squares ? 2 * d * d * d * wmc_split_work(&split) : 0;
  double (*cost)(const wmc_value *, int) = wmc_jacobian_network_cost;
  if (steps) cost = wmc_jacobian_steps_cost;
  const double fine = cost(p, depth) + depth * extra;
  const double coarse = cost(p, depth / 2) + 0.5 * depth * extra;
  if (!paired) return fine;
  return (second_order(p) ? 2 : 1) * fine + (steps ? 2 : 1) * coarse;
}

double wmc_levels_cost(const wmc_value *p)
{
  const size_t last = wmc_levels_count(p) - 1;
  return (double)(last + 1) * wmc_levels_work(p, wmc_levels_depth(p, last), last > 0);
}

/* ---- making ------------------------------------------------------------------------------- */

static void destroy_level(level *l)
{
  wmc_network_destroy(l->single);
  wmc_coupled_destroy(l->alone);
  wmc_coupled_destroy(l->pair);
}

void wmc_levels_destroy(wmc_levels *v)
{
  if (!v) return;
  for (size_t l = 0; l < WMC_LEVELS_MOST; l++) destroy_level(&v->level[l]);
  wmc_control_destroy(v->control);
  wmc_free(v->spectra);
  double *arrays[] = {v->modal, v->merged, v->growth, v->one};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_free(v);
}

static wmc_coupled_options coupled_options(const wmc_value *p)
{
  wmc_coupled_options o = {.block = wmc_jacobian_block(p), .layers = wmc_jacobian_options(p)};
  wmc_chamber_options limit;
  int field;
  const char *why;
  if (!second_order(p)) return o;
  if (!wmc_jacobian_limit(p, &limit, &field, &why)) {
    (void)wmc_jacobian_steps(p, &o.block, &o.layers, &field, &why); /* wmc_levels_check did it */
    return o;
  }
  o.block = NULL;
  o.layers.variance = limit.variance;
  o.layers.time = limit.time;
  o.layers.exponent = 0.5;
  o.shift = limit.shift;
  return o;
}

/* Steps of networks may be divided (pair.h), those of pairs are not: levels of these are alone. */
static wmc_status create_level(wmc_levels *v, size_t which)
{
  const wmc_value *p = v->p;
  level *l = &v->level[which];
  const char *why;
  wmc_coupled_options o = coupled_options(p);
  o.layers.depth = wmc_levels_depth(p, which);
  if (second_order(p))
    WMC_TRY(wmc_coupled_create(&l->alone, &o, v->records, p[RECORD].reals));
  else
    WMC_TRY(wmc_network_create(&l->single, o.block, &o.layers, v->records, p[RECORD].reals));
  o.paired = true;
  if (which == 0 || (o.block && !wmc_coupled_allowed(o.block, &o.layers, &why))) return WMC_OK;
  return wmc_coupled_create(&l->pair, &o, v->records, p[RECORD].reals);
}

static wmc_status fill(wmc_levels *v)
{
  v->spectra = WMC_ARRAY(wmc_jacobian_spectrum, v->records);
  v->modal = WMC_ARRAY(double, v->records * v->modes * v->width);
  v->merged = WMC_ARRAY(double, v->records * v->whole);
  v->growth = WMC_ARRAY(double, v->modes);
  v->one = WMC_ARRAY(double, v->base + v->controlled);
  if (!v->spectra || !v->modal || !v->merged || !v->growth || !v->one) return wmc_no_memory();
  if (wmc_control_wanted(v->p)) WMC_TRY(wmc_control_create(v->p, &v->control));
  for (size_t l = 0; l < v->count; l++) {
    v->work_single[l] = wmc_levels_work(v->p, wmc_levels_depth(v->p, l), false);
    v->work_pair[l] = wmc_levels_work(v->p, wmc_levels_depth(v->p, l), true);
    WMC_TRY(create_level(v, l));
  }
  return WMC_OK;
}

wmc_status wmc_levels_create(const wmc_value *p, wmc_levels **levels)
{
  wmc_levels *v = WMC_NEW(wmc_levels);
  *levels = v;
  if (!v) return wmc_no_memory();
  v->p = p;
  v->count = wmc_levels_count(p);
  v->base = wmc_jacobian_network_size(p);
  v->width = (size_t)p[WIDTH].integer;
  v->records = p[RECORD].count;
  v->split = wmc_jacobian_options(p).split;
  v->modes = (size_t)wmc_split_modes(&v->split);
  v->whole = wmc_jacobian_size(p);
  v->request = wmc_jacobian_requested(p);
  v->controlled = wmc_control_wanted(p) ? v->records * v->width : 0;
  v->biases = wmc_levels_biases(p);
  wmc_status status = fill(v);
  if (status != WMC_OK) {
    wmc_levels_destroy(v);
    *levels = NULL;
  }
  return status;
}

wmc_level_plan *wmc_levels_plan(wmc_levels *v) { return &v->plan; }
wmc_control *wmc_levels_control(wmc_levels *v) { return v->control; }

/* ---- a sample of a level -------------------------------------------------------------------- */

/* The spectrum of a network at record k, from modes x records x width values of its modes. */
static wmc_jacobian_spectrum spectrum_of(wmc_levels *v, size_t k, const double *values,
                                         const double *growth)
{
  double *modal = v->modal + k * v->modes * v->width, *merged = v->merged + k * v->whole;
  for (size_t m = 0; m < v->modes; m++) {
    const size_t at = m * v->records + k;
    memcpy(modal + m * v->width, values + at * v->width, v->width * sizeof *values);
    v->growth[m] = growth[at];
  }
  wmc_jacobian_merge(&v->split, v->width, modal, merged);
  return (wmc_jacobian_spectrum){.d = v->whole,
                                 .values = merged,
                                 .modes = v->modes,
                                 .channels = v->width,
                                 .levels = modal,
                                 .split = &v->split,
                                 .request = &v->request,
                                 .growth = wmc_jacobian_merge_growth(&v->split, v->growth)};
}

/* Where the observables of a network go: the sum over levels, and the estimate of its bias. */
typedef struct destination {
  double *sum, *bias; /* NULL: nowhere */
  double sum_weight, bias_weight;
} destination;

static void add_to(double *out, double weight, size_t n, const double *numbers)
{
  for (size_t i = 0; out && weight != 0 && i < n; i++) out[i] += weight * numbers[i];
}

/* Adds `part` of one network. Returns its lambda_1 at the last record, controlled if that is
 * wanted. */
static double add_network(wmc_levels *v, const double *values, const double *growth, double part,
                          const destination *to)
{
  const size_t last = v->records - 1, n = v->base + v->controlled;
  double *controlled = v->one + v->base;
  for (size_t k = 0; k < v->records; k++) v->spectra[k] = spectrum_of(v, k, values, growth);
  if (v->control) wmc_control_measure(v->control, v->modal, controlled);
  if (to->sum) wmc_jacobian_measure(v->records, v->spectra, v->one);
  add_to(to->sum, part * to->sum_weight, n, v->one);
  add_to(to->bias, part * to->bias_weight, n, v->one);
  return v->control ? controlled[last * v->width] : v->merged[last * v->whole];
}

/* One Y of a level; *y is that of lambda_1. */
static bool sample(wmc_levels *v, size_t which, bool paired, wmc_stream *stream,
                   const destination *to, double *y)
{
  const level *l = &v->level[which];
  wmc_coupled *c = paired ? l->pair : l->alone;
  if (!c) {
    if (!wmc_network_draw(l->single, stream)) return false;
    *y = add_network(v, wmc_network_values(l->single), wmc_network_growth(l->single), 1, to);
    return true;
  }
  if (!wmc_coupled_draw(c, stream)) return false;
  *y = 0;
  for (size_t m = 0; m < wmc_coupled_members(c); m++) {
    double part = wmc_coupled_weight(c, m);
    *y += part * add_network(v, wmc_coupled_values(c, m), wmc_coupled_growth(c, m), part, to);
  }
  return true;
}

static double square(double x) { return x * x; }

/* ---- the pilot ------------------------------------------------------------------------------ */

static wmc_status measure_level(wmc_levels *v, wmc_stream *stream, size_t which, size_t draws,
                                double *mean, double *variance)
{
  const destination nowhere = {0};
  double shift = 0, sum = 0, squares = 0, y;
  for (size_t k = 0; k < draws; k++) {
    if (!sample(v, which, which > 0, stream, &nowhere, &y)) return WMC_FAILURE;
    if (k == 0) shift = y;
    sum += y - shift;
    squares += square(y - shift);
  }
  const double n = (double)draws;
  *mean = shift + sum / n;
  *variance = fmax(0, (squares - sum * sum / n) / (n - 1));
  return WMC_OK;
}

/* Variances of deeper levels fall on at the rate of the last two. */
static void extrapolate_variances(const wmc_levels *v, wmc_level_pilot *t)
{
  double ratio = 0.5;
  if (t->levels > 2 && t->variance[t->levels - 2] > 0)
    ratio = fmin(1, fmax(0.25, t->variance[t->levels - 1] / t->variance[t->levels - 2]));
  for (size_t l = t->levels; l < v->count; l++) t->variance[l] = ratio * t->variance[l - 1];
}

/* Coefficients from networks of the coarsest level. */
static wmc_status solve_control(wmc_levels *v, wmc_stream *stream)
{
  const level *l = &v->level[0];
  for (int k = 0; k < WMC_CONTROL_PILOT; k++) {
    if (!(l->alone ? wmc_coupled_draw(l->alone, stream) : wmc_network_draw(l->single, stream)))
      return WMC_FAILURE;
    wmc_control_observe(v->control,
                        l->alone ? wmc_coupled_values(l->alone, 0) : wmc_network_values(l->single));
  }
  wmc_control_solve(v->control);
  return WMC_OK;
}

static wmc_status run_pilot(wmc_levels *v, wmc_stream *stream, wmc_level_pilot *t)
{
  double work = 0;
  if (v->control) WMC_TRY(solve_control(v, stream));
  const bool pairs = v->count > 1 && v->level[1].pair;
  memcpy(t->work_single, v->work_single, sizeof t->work_single);
  memcpy(t->work_pair, v->work_pair, sizeof t->work_pair);
  t->levels = !pairs ? 1 : v->count < PILOT_LEVELS ? v->count : PILOT_LEVELS;
  for (size_t l = 0; l < t->levels; l++) work += t->work_pair[l];
  t->draws = (size_t)fmin(PILOT_MOST, fmax(PILOT_LEAST, PILOT_WORK / work));
  for (size_t l = 0; l < t->levels; l++) {
    WMC_TRY(measure_level(v, stream, l, t->draws, &t->mean[l], &t->variance[l]));
    t->error[l] = sqrt(t->variance[l] / (double)t->draws);
  }
  t->single = t->variance[0];
  for (size_t l = 1; !pairs && l < v->count; l++) t->variance[l] = 2 * t->single;
  if (pairs) extrapolate_variances(v, t);
  return WMC_OK;
}

wmc_status wmc_levels_pilot(wmc_levels *v)
{
  wmc_stream *stream;
  wmc_level_pilot t = {0};
  WMC_TRY(wmc_stream_create(&stream, PILOT_SEED, PILOT_STREAM));
  wmc_status status = run_pilot(v, stream, &t);
  wmc_stream_destroy(stream);
  if (status == WMC_OK) wmc_levels_make_plan(v->p, &t, &v->plan);
  return status;
}

/* ---- a draw --------------------------------------------------------------------------------- */

/* The observables of levels, after those of a network. */
static void describe_level(const wmc_levels *v, size_t l, double mean, double squares, double *out)
{
  const wmc_level_plan *plan = &v->plan;
  const bool pairs = plan->coupling == WMC_COUPLING_PAIRS && (double)l > plan->first;
  double *rows = out + v->base + v->controlled + l;
  rows[0] = mean;
  rows[v->count] = squares;
  rows[2 * v->count] = plan->samples[l];
  rows[3 * v->count] = plan->weight[l];
  rows[4 * v->count] = (pairs ? v->work_pair : v->work_single)[l];
}

bool wmc_levels_draw(wmc_levels *v, wmc_stream *stream, double *out)
{
  const wmc_level_plan *plan = &v->plan;
  double *coupling = out + v->base + v->controlled + 5 * v->count, *biases = coupling + 2;
  destination to = {.sum = out, .bias = v->biases > 0 ? biases : NULL};
  memset(out, 0, (v->base + v->controlled) * sizeof *out);
  memset(biases, 0, v->biases * sizeof *out);
  for (size_t l = 0; l < v->count; l++) {
    const double n = plan->samples[l];
    const bool paired = plan->coupling == WMC_COUPLING_PAIRS && (double)l > plan->first;
    double sum = 0, squares = 0, y;
    to.sum_weight = plan->weight[l] / n;
    to.bias_weight = plan->bias[l] / n;
    for (double k = 0; k < n; k++) {
      if (!sample(v, l, paired, stream, &to, &y)) return false;
      sum += y;
      squares += y * y;
    }
    describe_level(v, l, sum / n, squares / n, out); /* NaN where there are no samples */
  }
  coupling[0] = plan->coupling;
  coupling[1] = plan->promise <= v->p[LEVELS_BIAS].real;
  return true;
}
