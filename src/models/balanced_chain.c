/* One chain of the model `balanced`: its state, and its steps. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "balanced_complex.h"
#include "balanced_dynamics.h"
#include "balanced_parameters.h"
#include "weylmc/base/memory.h"
#include "weylmc/base/signals.h"

/* Hand out consecutive parts of the state. */
static double *take(double **next, size_t n)
{
  double *part = *next;
  *next += n;
  return part;
}

static size_t size_of_state(const wmc_shape *shape, bool frames, bool masked)
{
  const size_t r = (size_t)shape->rank, m = (size_t)shape->rows, n = (size_t)shape->columns;
  const size_t span = m > n ? m : n, energy = m * n + n * n;
  const size_t plain = wmc_spectrum_size(shape->rank) + WMC_COUNTS + r + 1;
  if (!frames) return plain;
  return plain + m * m + n * n + energy + 2 * r * span + 1 + m + n + (masked ? 2 * m * n : 0);
}

/* Returns what is left of the state. */
static double *lay_out(wmc_balanced *chain)
{
  const int r = chain->law.shape.rank;
  const size_t m = (size_t)chain->rows, n = (size_t)chain->columns;
  const size_t turns = (size_t)(r * chain->span);
  double *next = chain->state;
  chain->x = wmc_spectrum_map(r, chain->law.shape.depth, take(&next, wmc_spectrum_size(r)));
  chain->counts = take(&next, WMC_COUNTS);
  chain->lambda_step = take(&next, (size_t)r);
  chain->scale_step = take(&next, 1);
  if (!chain->integrator->frames) return next;
  const struct {
    double **part;
    size_t size;
  } parts[] = {{&chain->u, m * m},      {&chain->v, n * n},          {&chain->g, m * n},
               {&chain->h, n * n},      {&chain->turn_first, turns}, {&chain->turn_second, turns},
               {&chain->reach_step, 1}, {&chain->shear_step, n + m}};
  for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
    *parts[k].part = take(&next, parts[k].size);
  if (!chain->energy.masked) return next;
  chain->matrix = take(&next, m * n);
  chain->stretch_step = take(&next, m * n);
  return next;
}

void wmc_balanced_destroy(wmc_balanced *chain)
{
  if (chain == NULL) return;
  wmc_product_destroy(chain->in_rows);
  wmc_product_destroy(chain->in_columns);
  wmc_product_destroy(chain->from_left);
  wmc_product_destroy(chain->from_right);
  wmc_energy_free(&chain->energy);
  wmc_unitary_destroy(chain->unitary);
  wmc_upstairs_destroy(chain->upstairs);
  wmc_free(chain->work);
  wmc_free(chain->dynamics);
  wmc_free(chain->points);
  wmc_free(chain->state);
  wmc_free(chain);
}

static wmc_status plan_products(wmc_balanced *chain)
{
  const int m = chain->rows, n = chain->columns;
  if (!chain->integrator->frames) return WMC_OK;
  WMC_TRY(wmc_product_create(&chain->in_rows, m, m, m));
  WMC_TRY(wmc_product_create(&chain->in_columns, n, n, n));
  WMC_TRY(wmc_product_create(&chain->from_left, m, n, m));
  return wmc_product_create(&chain->from_right, m, n, n);
}

static double curvature_of(const wmc_energy *energy)
{
  double mask = 0;
  for (int k = 0; k < energy->rows * energy->columns; k++) mask = fmax(mask, energy->mask[k]);
  return energy->curvature[0][energy->columns - 1] + mask;
}

/* Doubles of scratch that any scheme needs. */
static size_t dynamics_size(const wmc_shape *shape, bool frames)
{
  const size_t own =
      wmc_larger(wmc_balanced_euler_size(shape),
                 wmc_larger(wmc_balanced_heun_size(shape), wmc_balanced_flow_size(shape)));
  return wmc_larger(wmc_balanced_points_size(shape->rank) + (frames ? own : 0),
                    wmc_balanced_start_size(shape));
}

/* What is known without memory. */
static void copy_setup(wmc_balanced *chain, const wmc_balanced_setup *setup)
{
  const wmc_shape *shape = &setup->law.shape;
  chain->law = setup->law;
  chain->integrator = setup->integrator;
  snprintf(chain->name, sizeof chain->name, "%s", setup->name ? setup->name : "balanced");
  chain->step = setup->step;
  chain->entries = setup->entries;
  chain->lambda_bins = setup->lambda_bins;
  chain->rank_bins = setup->rank_bins;
  chain->tolerance = setup->tolerance;
  chain->start = setup->start;
  chain->age = setup->age;
  chain->imbalance = setup->imbalance;
  chain->angle = sqrt(chain->law.horizontal * chain->step / chain->law.beta);
  chain->full = wmc_balanced_rates(chain, chain->step);
  chain->unit = wmc_balanced_rates(chain, 1);
  chain->half = wmc_balanced_rates(chain, 0.5 * chain->step);
  chain->noisy = chain->law.horizontal > 0 && isfinite(chain->law.beta);
  chain->rows = shape->rows;
  chain->columns = shape->columns;
  chain->span = shape->rows > shape->columns ? shape->rows : shape->columns;
  chain->flips = wmc_gibbs_flips(&chain->law);
  chain->power = wmc_gibbs_power(&chain->law) / wmc_shape_clock(shape);
  chain->scaling = wmc_gibbs_scaling(&chain->law);
}

/* Scratch and state, and what points into it. */
static wmc_status allocate(wmc_balanced *chain)
{
  const wmc_shape *shape = &chain->law.shape;
  if (chain->integrator->layers) WMC_TRY(wmc_upstairs_create(chain));
  const size_t unitary = chain->integrator->unitary ? wmc_unitary_room(shape, &chain->energy) : 0;
  const size_t upstairs = chain->upstairs ? wmc_upstairs_room(chain->upstairs) : 0;
  chain->state_size =
      size_of_state(shape, chain->integrator->frames, chain->energy.masked) + unitary + upstairs;
  chain->state = WMC_ARRAY(double, chain->state_size);
  chain->work = WMC_ARRAY(double, wmc_balanced_work(shape, chain->integrator->frames));
  chain->dynamics = WMC_ARRAY(
      double, dynamics_size(shape, chain->integrator->frames || chain->integrator->unitary));
  if (chain->state == NULL || chain->work == NULL || chain->dynamics == NULL)
    return wmc_no_memory();
  double *rest = lay_out(chain);
  chain->points = WMC_NEW(wmc_points);
  if (chain->points == NULL) return wmc_no_memory();
  *chain->points = wmc_balanced_map_points(chain);
  if (chain->integrator->unitary) WMC_TRY(wmc_unitary_create(chain, rest));
  if (chain->upstairs) wmc_upstairs_place(chain, rest + unitary);
  return plan_products(chain);
}

static wmc_status fill(wmc_balanced *chain, const wmc_balanced_setup *setup)
{
  copy_setup(chain, setup);
  WMC_TRY(wmc_energy_create(&setup->energy, &chain->energy));
  chain->curvature = curvature_of(&chain->energy);
  chain->blind = wmc_energy_is_bi_invariant(&chain->energy);
  chain->gaussian = wmc_energy_is_gaussian(&chain->energy);
  chain->entrywise = wmc_energy_is_entrywise(&chain->energy);
  return allocate(chain);
}

wmc_status wmc_balanced_create(const wmc_balanced_setup *setup, wmc_balanced **out)
{
  wmc_balanced *chain = WMC_NEW(wmc_balanced);
  *out = NULL;
  if (chain == NULL) return wmc_no_memory();
  wmc_status status = fill(chain, setup);
  if (status == WMC_OK)
    *out = chain;
  else
    wmc_balanced_destroy(chain);
  return status;
}

void wmc_balanced_start(wmc_balanced *chain, wmc_stream *stream)
{
  memset(chain->counts, 0, WMC_COUNTS * sizeof *chain->counts);
  chain->integrator->start(chain, stream);
  chain->overflows = !isfinite(wmc_balanced_energy(chain));
}

/* Robbins-Monro: large corrections first, then less and less. */
static double tuning_gain(double steps) { return fmin(1, 8 / (steps + 1)); }

wmc_status wmc_balanced_advance(wmc_balanced *chain, wmc_stream *stream, long steps,
                                bool thermalising)
{
  chain->trouble = WMC_OK;
  if (chain->overflows) return wmc_balanced_trouble_of_start(chain);
  if (chain->counts[WMC_COUNT_AGED]++ == 0) steps += lround(chain->age / chain->step);
  for (long k = 0; k < steps; k++) {
    double gain = thermalising ? tuning_gain(chain->counts[WMC_COUNT_TUNED]++) : 0;
    chain->integrator->step(chain, stream, gain);
    if (chain->trouble != WMC_OK) return chain->trouble;
    if (wmc_signals_urgent()) return WMC_AGAIN;
  }
  if (chain->upstairs) {
    WMC_TRY(wmc_upstairs_show(chain));
  } else if (!chain->integrator->exact) {
    wmc_balanced_set_logs(&chain->x);
    if (chain->u) wmc_balanced_project(chain);
    if (chain->unitary) wmc_unitary_project(chain);
  }
  return wmc_balanced_trouble(chain);
}
