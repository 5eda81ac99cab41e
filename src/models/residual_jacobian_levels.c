#include "residual_jacobian_levels.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/jacobian/coupled.h"
#include "weylmc/jacobian/network.h"

const char *const wmc_levels_names[] = {"none", "depth", "limit", NULL};

/* The pilot: levels measured, networks drawn on each, work allowed for them in flops, and its
 * stream, which no chain has. */
enum { PILOT_LEVELS = 6, PILOT_LEAST = 64, PILOT_MOST = 1024, PILOT_SEED = 1 };
static const double PILOT_WORK = 1e9;
static const long PILOT_STREAM = 2147483646L;
static const double MOST_SAMPLES = 1e6;
/* Pairs from which the bias at depth inf is seen (residual_jacobian_gain.c). */
enum { TO_SEE_BIAS = 2 };

/* How the networks of a level are drawn. */
typedef struct level {
  wmc_network *single; /* or */
  wmc_coupled *alone;  /* of second order */
  wmc_coupled *pair;   /* NULL on level 0 */
} level;

struct wmc_levels {
  const wmc_value *p;
  size_t count, base;                  /* levels; entries of the observables of one network */
  size_t width, whole, modes, records; /* singular values of a mode, of all of them */
  level level[WMC_LEVELS_MOST];
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

/* ---- parameters --------------------------------------------------------------------------- */

wmc_levels_kind wmc_levels_of(const wmc_value *p) { return (wmc_levels_kind)p[LEVELS].integer; }

int wmc_levels_depth(const wmc_value *p, size_t l)
{
  return (int)(p[LEVELS_COARSEST].integer << l);
}

size_t wmc_levels_count(const wmc_value *p)
{
  if (wmc_levels_of(p) == WMC_LEVELS_NONE) return 0;
  const double finest = wmc_jacobian_infinite(p) ? p[LEVELS_FINEST].real : p[DEPTH].real;
  size_t count = 1;
  while (count < WMC_LEVELS_MOST && wmc_levels_depth(p, count) <= finest) count++;
  return count;
}

size_t wmc_levels_biases(const wmc_value *p)
{
  const size_t controlled = wmc_control_wanted(p) ? p[RECORD].count * (size_t)p[WIDTH].integer : 0;
  return wmc_levels_count(p) > 0 && wmc_jacobian_infinite(p)
             ? wmc_jacobian_network_size(p) + controlled
             : 0;
}

static bool second_order(const wmc_value *p) { return wmc_levels_of(p) == WMC_LEVELS_LIMIT; }

static void check_depths(const wmc_value *p, const wmc_complaints *complaints)
{
  const size_t count = wmc_levels_count(p);
  const bool infinite = wmc_jacobian_infinite(p);
  const int deepest = wmc_levels_depth(p, count - 1);
  if (!infinite && deepest != p[DEPTH].integer)
    wmc_complain(complaints, DEPTH,
                 "depth: with multilevel: depth it is multilevel.coarsest (%ld) times a power of "
                 "two; found %ld, nearest are %d and %d",
                 p[LEVELS_COARSEST].integer, p[DEPTH].integer, deepest, 2 * deepest);
  if (infinite && count < WMC_LEVELS_FITTED)
    wmc_complain(complaints, LEVELS_FINEST,
                 "multilevel.finest: depth inf needs at least 8 times multilevel.coarsest (%ld), "
                 "found %ld",
                 p[LEVELS_COARSEST].integer, p[LEVELS_FINEST].integer);
}

/* Extrapolations in powers of 1/L go wrong, and pilots do not see it, where a layer is no small
 * step. */
static void check_coarsest(const wmc_value *p, const wmc_complaints *complaints)
{
  const double most = 4;
  const wmc_block_options o = wmc_jacobian_options(p);
  const double spread = o.width * o.variance * o.time / (1 - o.drop);
  if (wmc_jacobian_infinite(p) && spread > most * (double)p[LEVELS_COARSEST].integer)
    wmc_complain(complaints, LEVELS_COARSEST,
                 "multilevel.coarsest: %ld layers are too few to extrapolate from for width times "
                 "variance times time = %.3g; use at least %.0f, and finest at least 8 times that",
                 p[LEVELS_COARSEST].integer, spread, ceil(spread / most));
}

static void check_records(const wmc_value *p, const wmc_complaints *complaints)
{
  const int depth = wmc_levels_depth(p, 0);
  for (size_t k = 1; k < p[RECORD].count; k++)
    if (wmc_network_record_layer(p[RECORD].reals[k], depth) ==
        wmc_network_record_layer(p[RECORD].reals[k - 1], depth))
      wmc_complain(complaints, RECORD,
                   "record: %g and %g are the same layer of the coarsest depth %d; leave one out "
                   "or raise multilevel.coarsest",
                   p[RECORD].reals[k - 1], p[RECORD].reals[k], depth);
}

static void check_second_order(const wmc_value *p, const wmc_complaints *complaints)
{
  wmc_chamber_options limit;
  int field;
  const char *why;
  if (!wmc_jacobian_infinite(p))
    wmc_complain(complaints, LEVELS,
                 "multilevel: limit goes to infinite depth; use depth: inf, or multilevel: depth");
  else if (!wmc_jacobian_limit(p, &limit, &field, &why))
    wmc_complain(complaints, LEVELS,
                 "multilevel: limit follows a spectrum that moves on its own, which this one does "
                 "not; use multilevel: depth");
}

void wmc_levels_check(const wmc_value *p, const wmc_complaints *complaints)
{
  const wmc_block_options o = wmc_jacobian_options(p);
  const double persistence = wmc_weights_persistence(o.weights, o.hurst);
  if (wmc_levels_of(p) == WMC_LEVELS_NONE) return;
  if (!wmc_jacobian_block(p)->join || wmc_jacobian_block(p) == &wmc_block_rotation)
    wmc_complain(complaints, LEVELS,
                 "multilevel: block %s has no limit to go to; use multilevel: none",
                 wmc_jacobian_block(p)->name);
  else if (wmc_block_exponent(&o) != persistence ||
           (wmc_jacobian_infinite(p) && persistence != 0.5))
    wmc_complain(complaints, LEVELS,
                 "multilevel: corrections must be powers of 1/depth: use independent weights and "
                 "leave exponent out, or multilevel: none");
  if (wmc_jacobian_infinite(p) && (wmc_jacobian_diverges(&o) || wmc_jacobian_series(p)))
    wmc_complain(
        complaints, NORM,
        "norm: with this one at width %d corrections are not powers of 1/depth, and what "
        "is left beyond the finest depth cannot be known; use multilevel: none, or at least "
        "width %d",
        o.width, o.norm == WMC_NORM_LAYER ? 6 : 5);
  if (p[LAGS].present || p[DIFFUSIVITY].integer == 1)
    wmc_complain(
        complaints, p[LAGS].present ? LAGS : DIFFUSIVITY,
        "%s: a draw of multilevel is a sum over networks of many depths, and this belongs to "
        "the path of one network; leave it out, or use multilevel: none",
        p[LAGS].present ? "lags" : "diffusivity");
  check_depths(p, complaints);
  check_coarsest(p, complaints);
  check_records(p, complaints);
  if (second_order(p)) check_second_order(p, complaints);
}

double wmc_levels_work(const wmc_value *p, int depth, bool paired)
{
  const wmc_split split = wmc_jacobian_options(p).split;
  const double d = (double)p[WIDTH].integer;
  const double extra = second_order(p) ? 2 * d * d * d * wmc_split_work(&split) : 0;
  const double fine = wmc_jacobian_network_cost(p, depth) + depth * extra;
  const double coarse = wmc_jacobian_network_cost(p, depth / 2) + 0.5 * depth * extra;
  if (!paired) return fine;
  return (second_order(p) ? 2 : 1) * fine + coarse;
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
  if (!second_order(p) || !wmc_jacobian_limit(p, &limit, &field, &why)) return o;
  o.block = NULL;
  o.layers.variance = limit.variance;
  o.layers.time = limit.time;
  o.layers.exponent = 0.5;
  o.shift = limit.shift;
  return o;
}

static wmc_status create_level(wmc_levels *v, size_t which)
{
  const wmc_value *p = v->p;
  level *l = &v->level[which];
  const char *why;
  wmc_coupled_options o = coupled_options(p);
  o.layers.depth = wmc_levels_depth(p, which);
  if (o.block)
    WMC_TRY(wmc_network_create(&l->single, o.block, &o.layers, v->records, p[RECORD].reals));
  else
    WMC_TRY(wmc_coupled_create(&l->alone, &o, v->records, p[RECORD].reals));
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
  for (size_t l = 0; l < v->count; l++) WMC_TRY(create_level(v, l));
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

/* ---- shares -------------------------------------------------------------------------------- */

static double square(double x) { return x * x; }

/* Variance times work of the levels first..last, shared out in the best way. */
static double effort(const wmc_level_plan *plan, size_t first, size_t last, double single,
                     const double *work_single, const double *work_pair)
{
  double sum = sqrt(single * work_single[first]);
  for (size_t l = first + 1; l <= last; l++)
    sum += plan->weight[l] * sqrt(plan->variance[l] * work_pair[l]);
  return square(sum);
}

/* Among 0..most. */
static size_t best_first(const wmc_level_plan *plan, size_t most, double single,
                         const double *work_single, const double *work_pair)
{
  size_t best = most;
  double least = INFINITY;
  for (size_t first = 0; first <= most; first++) {
    double now = effort(plan, first, (size_t)plan->last, single, work_single, work_pair);
    if (now < least) {
      least = now;
      best = first;
    }
  }
  return best;
}

/* n_l proportional to |W_l| sqrt(V_l/C_l), the smallest 1. */
static void set_samples(wmc_level_plan *plan, double single, const double *work_single,
                        const double *work_pair)
{
  const bool pairs = plan->coupling == WMC_COUPLING_PAIRS;
  const size_t first = (size_t)plan->first, last = (size_t)plan->last;
  double wish[WMC_LEVELS_MOST], most = 0, least = INFINITY;
  for (size_t l = first; l <= last; l++) {
    bool alone = l == first || !pairs;
    double variance = alone ? single : plan->variance[l];
    wish[l] = fabs(plan->weight[l]) * sqrt(variance / (alone ? work_single[l] : work_pair[l]));
    most = fmax(most, wish[l]);
  }
  for (size_t l = first; l <= last; l++) {
    wish[l] = fmax(wish[l], most / MOST_SAMPLES);
    least = fmin(least, wish[l]);
  }
  for (size_t l = 0; l < WMC_LEVELS_MOST; l++) {
    bool used = l >= first && l <= last;
    plan->samples[l] = !used ? 0 : most > 0 ? round(wish[l] / least) : 1;
    if (!used) plan->weight[l] = 0;
  }
}

void wmc_levels_share(wmc_level_plan *plan, double single, const double *work_single,
                      const double *work_pair, size_t pairs)
{
  const size_t most = (size_t)plan->last - pairs;
  plan->first = (double)best_first(plan, most, single, work_single, work_pair);
  plan->coupling = plan->first < plan->last ? WMC_COUPLING_PAIRS : WMC_COUPLING_NONE;
  set_samples(plan, single, work_single, work_pair);
}

/* ---- the pilot ------------------------------------------------------------------------------ */

/* What the pilot measured. */
typedef struct pilot {
  size_t levels, draws;
  double single;                                        /* variance of one network */
  double mean[WMC_LEVELS_MOST], error[WMC_LEVELS_MOST]; /* of the differences */
  double variance[WMC_LEVELS_MOST];                     /* beyond `levels` extrapolated */
  double work_single[WMC_LEVELS_MOST], work_pair[WMC_LEVELS_MOST];
} pilot;

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
static void extrapolate_variances(const wmc_levels *v, pilot *t)
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

static wmc_status run_pilot(wmc_levels *v, wmc_stream *stream, pilot *t)
{
  double work = 0;
  if (v->control) WMC_TRY(solve_control(v, stream));
  const bool pairs = v->count > 1 && v->level[1].pair;
  for (size_t l = 0; l < v->count; l++) {
    t->work_single[l] = wmc_levels_work(v->p, wmc_levels_depth(v->p, l), false);
    t->work_pair[l] = wmc_levels_work(v->p, wmc_levels_depth(v->p, l), true);
  }
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

/* |c| + its error in E(L) = E + b/L + c/L^2, from differences D_l = -b/L_l - 3 c/L_l^2. */
static double curvature(const wmc_levels *v, const pilot *t)
{
  double bb = 0, bc = 0, cc = 0, by = 0, cy = 0;
  for (size_t l = 1; l < t->levels; l++) {
    double h = 1.0 / wmc_levels_depth(v->p, l), weight = 1 / fmax(square(t->error[l]), 1e-300);
    double x = -h, z = -3 * h * h;
    bb += weight * x * x;
    bc += weight * x * z;
    cc += weight * z * z;
    by += weight * x * t->mean[l];
    cy += weight * z * t->mean[l];
  }
  double determinant = bb * cc - bc * bc;
  return fabs(bb * cy - bc * by) / determinant + sqrt(bb / determinant);
}

/* The finest level: 2 E_K - E_{K-1} is off by -2c/L_K^2. */
static size_t choose_last(const wmc_levels *v, const pilot *t)
{
  const double most = v->p[LEVELS_BIAS].real, c = curvature(v, t);
  size_t last = TO_SEE_BIAS;
  while (last + 1 < v->count && 2 * c / square(wmc_levels_depth(v->p, last)) > most) last++;
  return last;
}

/* Weights that extrapolate four depths from `first` on: exact for 1, 1/L and 1/L^2, of least
 * squares: Lagrange's of the three finest, plus a multiple of the divided difference c of all. The
 * bias is what a term in 1/L^3, whose coefficient is that difference, adds to the sum. */
static void extrapolate(const wmc_value *p, wmc_level_plan *plan)
{
  double h[WMC_LEVELS_FITTED], w[WMC_LEVELS_FITTED] = {0}, c[WMC_LEVELS_FITTED], wc = 0, cc = 0;
  double effect = 0;
  const size_t first = (size_t)plan->first;
  for (size_t k = 0; k < WMC_LEVELS_FITTED; k++) h[k] = 1.0 / wmc_levels_depth(p, first + k);
  for (size_t k = 0; k < WMC_LEVELS_FITTED; k++) {
    w[k] = k > 0;
    c[k] = 1;
    for (size_t m = 0; m < WMC_LEVELS_FITTED; m++) {
      if (m == k) continue;
      if (m > 0) w[k] *= h[m] / (h[m] - h[k]);
      c[k] /= h[k] - h[m];
    }
    wc += w[k] * c[k];
    cc += c[k] * c[k];
  }
  for (size_t k = 0; k < WMC_LEVELS_FITTED; k++) {
    plan->weight[first + k] = w[k] - wc / cc * c[k];
    effect += plan->weight[first + k] * h[k] * h[k] * h[k];
  }
  for (size_t k = 0; k < WMC_LEVELS_FITTED; k++) plan->bias[first + k] = effect * c[k];
}

/* |bias| of four extrapolated depths and its error, from the differences that a pilot of pairs
 * measured: sum_l b_l E m_l = sum_l (sum_{k >= l} b_k) D_l, as the b_l add up to 0. */
static double foresee(const wmc_level_plan *plan, const pilot *t)
{
  double bias = 0, error = 0, rest = 0;
  const size_t first = (size_t)plan->first, last = (size_t)plan->last;
  if (last >= t->levels) return NAN;
  for (size_t l = last; l > first; l--) {
    rest += plan->bias[l];
    bias += rest * t->mean[l];
    error += square(rest * t->error[l]);
  }
  return fabs(bias) + sqrt(error);
}

static void plan_fit(const wmc_levels *v, const pilot *t, size_t first, wmc_level_plan *plan)
{
  plan->coupling = WMC_COUPLING_INDEPENDENT;
  plan->first = (double)first;
  plan->last = plan->first + WMC_LEVELS_FITTED - 1;
  extrapolate(v->p, plan);
  plan->promise = foresee(plan, t);
  set_samples(plan, t->single, t->work_single, t->work_pair);
}

/* Pairs up to `last`; with Richardson's weight on the last at least those that show the bias. */
static void plan_pairs(const pilot *t, size_t last, bool richardson, wmc_level_plan *plan)
{
  for (size_t l = 0; l < WMC_LEVELS_MOST; l++) plan->weight[l] = l <= last ? 1 : 0;
  plan->last = (double)last;
  if (richardson) {
    plan->weight[last] = 2;
    plan->bias[last - 1] = 1.0 / 3;
    plan->bias[last] = -2.0 / 3;
  }
  wmc_levels_share(plan, t->single, t->work_single, t->work_pair, richardson ? TO_SEE_BIAS : 0);
}

/* Variance times work. */
static double plan_effort(const wmc_level_plan *plan, const pilot *t)
{
  double variance = 0, work = 0;
  for (size_t l = (size_t)plan->first; l <= (size_t)plan->last; l++) {
    const bool paired = plan->coupling == WMC_COUPLING_PAIRS && (double)l > plan->first;
    variance += square(plan->weight[l]) * (paired ? t->variance[l] : t->single) / plan->samples[l];
    work += plan->samples[l] * (paired ? t->work_pair[l] : t->work_single[l]);
  }
  return variance * work;
}

/* The coarsest four depths whose bias is seen to be small enough; where that is not seen, without
 * the coarsest of all if there is another. */
static void best_fit(const wmc_levels *v, const pilot *t, wmc_level_plan *plan)
{
  const wmc_level_plan blank = *plan;
  for (size_t first = 0; first + WMC_LEVELS_FITTED <= v->count; first++) {
    *plan = blank;
    plan_fit(v, t, first, plan);
    if (plan->promise <= v->p[LEVELS_BIAS].real) return;
  }
  *plan = blank;
  plan_fit(v, t, v->count > WMC_LEVELS_FITTED ? 1 : 0, plan);
}

/* The plan whose bias is small enough, as far as the pilot knows; of two the cheaper; where there
 * is none, the one with the smaller bias. */
static bool is_better(const wmc_level_plan *a, const wmc_level_plan *b, const pilot *t, double most)
{
  const bool a_small = a->promise <= most, b_small = b->promise <= most;
  if (a_small != b_small) return a_small;
  if (a_small) return plan_effort(a, t) < plan_effort(b, t);
  return !(a->promise >= b->promise);
}

/* Depth inf: independent depths, or pairs where their variance decays. */
static void plan_limit(const wmc_levels *v, const pilot *t, wmc_level_plan *plan)
{
  const bool decays = t->levels > 2 && t->variance[t->levels - 1] < 0.5 * t->variance[1];
  wmc_level_plan pairs = *plan;
  best_fit(v, t, plan);
  if (!decays) return;
  const size_t last = choose_last(v, t);
  plan_pairs(t, last, true, &pairs);
  pairs.promise = 2 * curvature(v, t) / square(wmc_levels_depth(v->p, last));
  if (is_better(&pairs, plan, t, v->p[LEVELS_BIAS].real)) *plan = pairs;
}

static void make_plan(const wmc_levels *v, const pilot *t, wmc_level_plan *plan)
{
  *plan = (wmc_level_plan){.known = 1};
  memcpy(plan->variance, t->variance, sizeof plan->variance);
  if (wmc_jacobian_infinite(v->p))
    plan_limit(v, t, plan);
  else
    plan_pairs(t, v->count - 1, false, plan);
}

wmc_status wmc_levels_pilot(wmc_levels *v)
{
  wmc_stream *stream;
  pilot t = {0};
  WMC_TRY(wmc_stream_create(&stream, PILOT_SEED, PILOT_STREAM));
  wmc_status status = run_pilot(v, stream, &t);
  wmc_stream_destroy(stream);
  if (status == WMC_OK) make_plan(v, &t, &v->plan);
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
  rows[4 * v->count] = wmc_levels_work(v->p, wmc_levels_depth(v->p, l), pairs);
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
