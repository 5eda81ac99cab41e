/* Integrators whose state is the network itself, a point of the balanced manifold. */
#include "balanced_parameters.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/base/signals.h"
#include "weylmc/geometry/basis.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/geometry/realform.h"

enum { FRESH_STEPS = 64 }; /* rounding in frames grows to about 1e-14 between refreshments */
/* Of singular values after a step of the walk, whose cost they are a few percent of: they leave
 * independent values behind at rank 3 and nearly so at higher ranks. */
enum { SWEEPS = 8 };

/* --- Memory ---------------------------------------------------------------------------------- */

static size_t aligned(size_t n) { return (n + 7) / 8 * 8; }

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static size_t scratch_size(const wmc_layers *layers)
{
  const int widest = layers->widest;
  const size_t complete = 2 * wmc_layers_block(layers) + wmc_qr_scratch(widest, widest);
  return larger(
      larger(wmc_retract_scratch(layers), wmc_tangent_scratch(layers)),
      larger(2 * wmc_layers_gauges_size(layers) + 4 * wmc_layers_block(layers), complete));
}

static double *take(double **next, size_t n)
{
  double *part = *next;
  *next += aligned(n);
  return part;
}

/* Hand out `memory`; with NULL members mean nothing and only the size counts. */
static size_t map(wmc_upstairs *up, double depth)
{
  const wmc_layers *layers = up->layers;
  const size_t point = wmc_point_size(layers), tangent = wmc_tangent_size(layers);
  const size_t all = wmc_layers_size(layers), block = wmc_layers_block(layers);
  const size_t spectrum = wmc_spectrum_size(layers->rank), scratch = scratch_size(layers);
  double *next = up->memory;
  if (next != NULL) {
    up->proposed = wmc_point_map(layers, take(&next, point));
    up->back = wmc_point_map(layers, take(&next, point));
    up->step = wmc_tangent_map(layers, take(&next, tangent));
    up->reverse = wmc_tangent_map(layers, take(&next, tangent));
    up->w = take(&next, all);
    up->next = take(&next, all);
    up->matrix = take(&next, block);
    up->slope = take(&next, block);
    up->parts = take(&next, block);
    up->spectrum = wmc_spectrum_map(layers->rank / up->numbers, depth, take(&next, spectrum));
    up->scratch = take(&next, scratch);
  }
  return 2 * (aligned(point) + aligned(tangent) + aligned(all)) + 3 * aligned(block) +
         aligned(spectrum) + aligned(scratch);
}

/* The largest variance of a column of a tilt per unit of time. */
static double tilt_variance(const wmc_balanced *chain)
{
  const wmc_layers *layers = chain->upstairs->layers;
  double largest = 0;
  for (int p = 0; p <= layers->depth; p++) {
    const bool outer = p == 0 || p == layers->depth;
    const double single = outer ? chain->law.horizontal : 0.5 * chain->law.vertical;
    largest = fmax(largest, single * (layers->width[p] - layers->rank));
  }
  return 2 * largest / chain->law.beta;
}

wmc_status wmc_upstairs_create(wmc_balanced *chain)
{
  wmc_upstairs *up = WMC_NEW(wmc_upstairs);
  chain->upstairs = up;
  if (up == NULL) return wmc_no_memory();
  up->numbers = (int)chain->law.shape.numbers;
  WMC_TRY(
      (up->numbers == 2 ? wmc_realform_create : wmc_layers_create)(&up->layers, &chain->law.shape));
  up->memory = WMC_ARRAY(double, map(up, chain->law.shape.depth));
  if (up->memory == NULL) return wmc_no_memory();
  map(up, chain->law.shape.depth);
  up->tilt_variance = tilt_variance(chain);
  if (chain->imbalance > 0) WMC_TRY(wmc_orbit_create(up->layers, &up->orbit));
  return WMC_OK;
}

size_t wmc_upstairs_room(const wmc_upstairs *upstairs)
{
  const size_t network = upstairs->orbit ? wmc_layers_size(upstairs->layers) : 0;
  /* the point and the network begin at cache lines */
  return network + aligned(wmc_point_size(upstairs->layers)) + 1 + 8;
}

size_t wmc_upstairs_size(const wmc_layers *layers, bool unbalanced)
{
  wmc_upstairs up = {.layers = (wmc_layers *)layers, .numbers = 1};
  const size_t beside = unbalanced ? wmc_layers_size(layers) + wmc_orbit_size(layers) : 0;
  return map(&up, layers->depth) + wmc_upstairs_room(&up) + beside;
}

void wmc_upstairs_place(wmc_balanced *chain, double *room)
{
  wmc_upstairs *up = chain->upstairs;
  room = chain->state + aligned((size_t)(room - chain->state));
  up->point = wmc_point_map(up->layers, room);
  up->network = up->orbit ? room + aligned(wmc_point_size(up->layers)) : NULL;
  up->walk =
      room + aligned(wmc_point_size(up->layers)) + (up->orbit ? wmc_layers_size(up->layers) : 0);
}

void wmc_upstairs_destroy(wmc_upstairs *upstairs)
{
  if (upstairs == NULL) return;
  wmc_orbit_destroy(upstairs->orbit);
  wmc_layers_destroy(upstairs->layers);
  wmc_free(upstairs->memory);
  wmc_free(upstairs);
}

static void copy_point(const wmc_point *from, const wmc_point *to)
{
  memcpy(to->frames, from->frames, wmc_point_size(from->layers) * sizeof *to->frames);
}

/* --- Start and observables ------------------------------------------------------------------- */

/* A frame and the rest of an orthogonal matrix. */
static void complete(const wmc_point *point, int p, double *out, double *scratch)
{
  const int d = point->layers->width[p], r = point->layers->rank;
  memcpy(out, wmc_point_frame(point, p), (size_t)(d * r) * sizeof *out);
  if (d > r) wmc_basis_complete(d, r, out, scratch);
}

static void show_point(wmc_balanced *chain)
{
  wmc_upstairs *up = chain->upstairs;
  const double steps = chain->counts[WMC_COUNT_FRESH];
  wmc_upstairs_spectrum(up, &up->point, &chain->x);
  if (up->numbers == 2) {
    wmc_upstairs_show_complex(chain);
    return;
  }
  complete(&up->point, 0, chain->v, up->scratch);
  complete(&up->point, up->layers->depth, chain->u, up->scratch);
  wmc_balanced_refresh(chain);
  chain->counts[WMC_COUNT_FRESH] = steps;
}

wmc_status wmc_upstairs_show(wmc_balanced *chain)
{
  wmc_upstairs *up = chain->upstairs;
  if (up->orbit && !wmc_balance(&up->point, up->network, NULL, up->scratch))
    return wmc_raise(WMC_FAILURE,
                     "balanced, parameters euler at depth %d: the unbalanced network is no longer "
                     "finite, has lost its rank, or could not be given the imbalance %g; reduce "
                     "the step %g or initial_imbalance",
                     up->layers->depth, chain->imbalance, chain->step);
  show_point(chain);
  return WMC_OK;
}

void wmc_upstairs_start(wmc_balanced *chain, wmc_stream *stream)
{
  wmc_upstairs *up = chain->upstairs;
  const int r = chain->x.rank, n = up->layers->depth;
  double square = 0;
  wmc_balanced_start_spectrum(chain, stream);
  if (up->numbers == 2) {
    wmc_realform_draw_frames(&up->point, stream, up->scratch);
  } else {
    wmc_balanced_start_frames(chain, stream);
    wmc_point_draw_frames(&up->point, stream, up->scratch);
    memcpy(wmc_point_frame(&up->point, 0), chain->v, (size_t)(chain->columns * r) * sizeof(double));
    memcpy(wmc_point_frame(&up->point, n), chain->u, (size_t)(chain->rows * r) * sizeof(double));
  }
  for (int k = 0; k < up->layers->rank; k++) up->point.lambda[k] = chain->x.lambda[k / up->numbers];
  for (int k = 0; k < r; k++) square += chain->x.lambda2[k] / r;
  *up->walk = chain->step * sqrt(square / wmc_shape_dimension(&chain->law.shape));
  if (up->orbit == NULL) {
    show_point(chain);
    return;
  }
  wmc_point_write(&up->point, up->w, up->scratch);
  if (!wmc_orbit_unbalance(up->layers, stream, chain->imbalance, up->w, up->network, up->scratch))
    up->network[0] = NAN; /* the first step reports it */
}

void wmc_upstairs_measure(wmc_upstairs *up, double *imbalance, double *norm2)
{
  const double *w = up->orbit ? up->network : up->w;
  if (!up->orbit) wmc_point_write(&up->point, up->w, up->scratch);
  /* the real form doubles |W|^2 */
  *imbalance = up->numbers * wmc_layers_imbalance(up->layers, w, up->scratch);
  *norm2 = wmc_layers_norm2(up->layers, w) / up->numbers;
}

static void refresh_if_due(wmc_balanced *chain)
{
  chain->counts[WMC_COUNT_FRESH] += 1;
  if (chain->counts[WMC_COUNT_FRESH] < FRESH_STEPS) return;
  wmc_point_refresh(&chain->upstairs->point, chain->upstairs->scratch);
  chain->counts[WMC_COUNT_FRESH] = 0;
}

/* --- Euler ----------------------------------------------------------------------------------- */

/* The longest step that tilts no frame far: variance below (lambda_r / 3)^2. Tilts lengthen
 * lambda_r, part after part, so that a step has a few hundred parts at most, even after noise took
 * lambda_r next to 0. Without tilts lambda_r may pass through 0 at any step. */
static double longest_step(const wmc_balanced *chain)
{
  const wmc_upstairs *up = chain->upstairs;
  const double last = up->point.lambda[up->layers->rank - 1] / 3, whole = chain->step;
  if (up->tilt_variance == 0) return whole;
  return fmin(whole, fmax(last * last / up->tilt_variance, 1e-12 * whole));
}

/* Complex numbers stay complex, to the last digit. */
static bool keep_numbers(const wmc_upstairs *up, const wmc_point *point)
{
  return up->numbers == 1 || wmc_realform_restore(point, up->scratch);
}

/* (G15): a straight step along the tangent space, and back along the fibres. */
static bool move(wmc_balanced *chain, wmc_stream *stream, double time)
{
  wmc_upstairs *up = chain->upstairs;
  const wmc_gibbs *law = &chain->law;
  const int r = up->layers->rank;
  const double noise = sqrt(2 * up->numbers * time / law->beta);
  wmc_upstairs_slope(chain);
  wmc_tangent_draw(&up->point, stream, noise * sqrt(law->vertical), noise * sqrt(law->horizontal),
                   up->slope, -time, &up->step, up->scratch);
  for (int p = 1; chain->energy.decay > 0 && p <= up->layers->depth; p++)
    for (int k = 0; k < r; k++)
      wmc_tangent_core(&up->step, p)[k * (r + 1)] -=
          time * chain->energy.decay * up->point.lambda[k];
  if (up->numbers == 2) wmc_realform_project(&up->step);
  if (wmc_signals_urgent()) return false; /* with millions of layers each part takes seconds */
  return wmc_retract_quickly(&up->point, &up->step, NULL, up->scratch) &&
         keep_numbers(up, &up->point);
}

/* (G17): along the orbit and down the gradient, without a way back. */
static void move_unbalanced(wmc_balanced *chain, wmc_stream *stream)
{
  wmc_upstairs *up = chain->upstairs;
  const double noise = sqrt(2 * chain->law.vertical * chain->step / chain->law.beta);
  wmc_orbit_draw(up->orbit, up->network, stream, noise, up->next);
  wmc_orbit_descend(up->orbit, &chain->energy, up->network, chain->step, up->next);
  for (size_t k = 0; k < wmc_layers_size(up->layers); k++) up->network[k] += up->next[k];
}

static void step_euler(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)gain;
  if (chain->upstairs->orbit) {
    move_unbalanced(chain, stream);
    return;
  }
  for (double left = chain->step; left > 0 && chain->trouble == WMC_OK && !wmc_signals_urgent();) {
    const double longest = longest_step(chain), time = left > 1.001 * longest ? longest : left;
    if (!move(chain, stream, time))
      chain->trouble = wmc_raise(
          WMC_FAILURE,
          "balanced, parameters euler at depth %d: no way back from a step of %g to balanced "
          "layers was found; the step is too large at this depth and beta: reduce it, or use "
          "scheme: metropolis",
          chain->upstairs->layers->depth, chain->step);
    left -= time;
  }
  refresh_if_due(chain);
}

/* --- Metropolis ------------------------------------------------------------------------------ */

double wmc_upstairs_log_density(wmc_balanced *chain, const wmc_point *point)
{
  wmc_upstairs *up = chain->upstairs;
  const wmc_gibbs *law = &chain->law;
  const double share = law->vertical / law->horizontal - 1;
  wmc_upstairs_spectrum(up, point, &up->spectrum);
  const double energy =
      wmc_upstairs_energy(chain, point) + wmc_energy_decay(&chain->energy, &up->spectrum);
  /* the volume of the fibres enters only where noise is not isotropic */
  const double entropy = share != 0 ? share * wmc_entropy(&law->shape, up->spectrum.log_sigma) : 0;
  return entropy - law->beta / law->horizontal * energy;
}

/* Whether the step from `proposed` whose tangent part is that of W - W' leads back to W. */
static bool way_back(wmc_upstairs *up)
{
  const size_t size = wmc_layers_size(up->layers);
  double largest = 0, apart = 0;
  wmc_point_write(&up->point, up->w, up->scratch);
  wmc_point_write(&up->proposed, up->next, up->scratch);
  for (size_t k = 0; k < size; k++) up->next[k] = up->w[k] - up->next[k];
  wmc_project(&up->proposed, up->next, &up->reverse, up->scratch);
  if (up->numbers == 2) wmc_realform_project(&up->reverse);
  copy_point(&up->proposed, &up->back);
  if (!wmc_retract_normally(&up->back, &up->reverse, NULL, up->scratch)) return false;
  wmc_point_write(&up->back, up->next, up->scratch);
  for (size_t k = 0; k < size; k++) {
    largest = fmax(largest, fabs(up->w[k]));
    apart = fmax(apart, fabs(up->next[k] - up->w[k]));
  }
  return apart < 1e-7 * largest;
}

/* (G18), (G19) */
double wmc_upstairs_propose(wmc_balanced *chain, wmc_stream *stream, double size)
{
  wmc_upstairs *up = chain->upstairs;
  wmc_tangent_draw(&up->point, stream, size, size, NULL, 0, &up->step, up->scratch);
  if (up->numbers == 2) wmc_realform_project(&up->step);
  copy_point(&up->point, &up->proposed);
  if (!wmc_retract_normally(&up->proposed, &up->step, NULL, up->scratch)) return -INFINITY;
  if (!keep_numbers(up, &up->proposed)) return -INFINITY;
  if (!way_back(up)) return -INFINITY;
  const double there = wmc_tangent_inner(&up->step, &up->step);
  const double back = wmc_tangent_inner(&up->reverse, &up->reverse);
  return wmc_upstairs_log_density(chain, &up->proposed) -
         wmc_upstairs_log_density(chain, &up->point) + (there - back) / (2 * size * size);
}

/* Every fourth step of the walk is shorter by a random factor, down to 1/1000: near lambda_r = 0
 * the manifold is curved at the scale of lambda_r, and longer ones find no way. */
void wmc_upstairs_walk(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  enum { KIND, ACCEPT, UNIFORMS };
  double *walk = chain->upstairs->walk, uniform[UNIFORMS];
  wmc_stream_uniforms(stream, UNIFORMS, uniform);
  const bool full = uniform[KIND] > 0.25;
  const double size = *walk * (full ? 1 : pow(10, -12 * uniform[KIND]));
  const double ratio = wmc_upstairs_propose(chain, stream, size);
  const bool accepted = wmc_balanced_accept(chain, ratio, uniform[ACCEPT]);
  if (accepted) copy_point(&chain->upstairs->proposed, &chain->upstairs->point);
  if (gain > 0 && full) wmc_balanced_tune(walk, accepted, gain);
  refresh_if_due(chain);
}

/* Where lambda_r passed through 0 in all layers, (16), the last columns of every second frame
 * change their signs, as those of U did. */
static void follow_sign(const wmc_balanced *chain)
{
  const wmc_point *point = &chain->upstairs->point;
  const int last = point->layers->rank - 1, m = chain->rows;
  const double *column = wmc_point_frame(point, point->layers->depth) + last * m;
  double cosine = 0;
  if (!chain->flips) return;
  for (int i = 0; i < m; i++) cosine += column[i] * chain->u[last * m + i];
  for (int p = point->layers->depth; cosine < 0 && p > 0; p -= 2) {
    const int d = point->layers->width[p];
    double *frame = wmc_point_frame(point, p) + last * d;
    for (int i = 0; i < d; i++) frame[i] = -frame[i];
  }
}

void wmc_upstairs_sweep(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  const wmc_upstairs *up = chain->upstairs;
  const size_t uniforms = 2 * (size_t)chain->x.rank + 2;
  show_point(chain);
  for (int k = 0; k < SWEEPS; k++) {
    wmc_stream_uniforms(stream, uniforms, chain->work);
    wmc_balanced_sweep(chain, chain->work, gain / SWEEPS);
  }
  for (int k = 0; k < up->layers->rank; k++) up->point.lambda[k] = chain->x.lambda[k / up->numbers];
  follow_sign(chain);
}

static void step_metropolis(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  wmc_upstairs_walk(chain, stream, gain);
  wmc_upstairs_sweep(chain, stream, gain);
}

const wmc_integrator wmc_parameters_euler = {
    .formulation = "parameters",
    .scheme = "euler",
    .text = "Euler-Maruyama for the layers, returned to balance along the fibres; biased by the "
            "step",
    .frames = true,
    .layers = true,
    .start = wmc_upstairs_start,
    .step = step_euler};

const wmc_integrator wmc_parameters_metropolis = {
    .formulation = "parameters",
    .scheme = "metropolis",
    .text = "random walk of the layers on the balanced manifold, with projection and a check of "
            "the way back, and moves of single singular values; exact law",
    .frames = true,
    .exact = true,
    .layers = true,
    .start = wmc_upstairs_start,
    .step = step_metropolis};

const wmc_integrator wmc_complex_parameters_euler = {
    .formulation = "parameters",
    .scheme = "euler",
    .text = "complex numbers: Euler-Maruyama for the layers, returned to balance along the fibres; "
            "biased by the step",
    .unitary = true,
    .layers = true,
    .start = wmc_upstairs_start,
    .step = step_euler};

const wmc_integrator wmc_complex_parameters_metropolis = {
    .formulation = "parameters",
    .scheme = "metropolis",
    .text = "complex numbers: random walk of the layers on the balanced manifold, with projection "
            "and a check of the way back, and moves of single singular values; exact law",
    .unitary = true,
    .exact = true,
    .layers = true,
    .start = wmc_upstairs_start,
    .step = step_metropolis};
